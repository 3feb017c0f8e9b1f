"""Pages of the books."""

from django.urls import path

from credit.views import books, manual_journals

urlpatterns = [
    path("books/", books.books, name="books"),
    path("books/accounts/", books.accounts, name="chart-of-accounts"),
    path("books/accounts/new/", books.account_new, name="account-new"),
    path("books/accounts/mapping/", books.mapping_new, name="mapping-new"),
    path("books/accounts/<str:code>/", books.book_account, name="book-account"),
    path("books/accounts/<str:code>/edit/", books.account_edit, name="account-edit"),
    path("books/journals/", books.journal_lines, name="journal-line-list"),
    path("books/manual/", manual_journals.manual_journal_list, name="manual-journal-list"),
    path("books/manual/new/", manual_journals.manual_journal_new, name="manual-journal-new"),
    path("books/manual/<str:public_id>/reverse/", manual_journals.manual_journal_reverse, name="manual-journal-reverse"),
    path("books/journals/<str:public_id>/", books.journal, name="journal"),
    path("books/movements/<str:public_id>/", books.movement, name="movement"),
    path("books/check/", books.book_checks, name="book-check"),
    path("books/check/run/", books.book_check_run, name="book-check-run"),
    path("books/months/", books.period_list, name="period-list"),
    path("books/months/<str:month>/close/", books.period_close, name="period-close"),
    path("books/months/<str:month>/reopen/", books.period_reopen, name="period-reopen"),
]
