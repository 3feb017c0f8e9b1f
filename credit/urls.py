"""Pages of credit; the one form and its part share an address."""

from django.urls import path

from credit.views import applications, closing, deciding, entry, imports, loans, offers, panels, products

urlpatterns = [
    path("applications/", applications.application_list, name="application-list"),
    path("applications/new/", entry.application_new, name="application-new"),
    path("applications/quote/", entry.application_quote, name="application-quote"),
    path("applications/review/", deciding.review_queue, name="review-queue"),
    path("applications/import/", imports.application_import, name="application-import"),
    path("applications/import/template.csv", imports.application_import_template, name="application-import-template"),
    path("applications/import/<str:public_id>/", imports.application_import_job, name="application-import-job"),
    path("applications/import/<str:public_id>/problems.csv", imports.application_import_problems, name="application-import-problems"),
    path("applications/<str:public_id>/", applications.application_page, name="application"),
    path("applications/<str:public_id>/edit/", entry.application_edit, name="application-edit"),
    path("applications/<str:public_id>/submit/", applications.application_submit, name="application-submit"),
    path("applications/<str:public_id>/withdraw/", applications.application_withdraw, name="application-withdraw"),
    path("applications/<str:public_id>/terms/", deciding.terms_preview, name="application-terms"),
    path("applications/<str:public_id>/approve/", deciding.application_approve, name="application-approve"),
    path("applications/<str:public_id>/decline/", deciding.application_decline, name="application-decline"),
    path("offers/<str:public_id>/", offers.offer_page, name="offer"),
    path("offers/<str:public_id>/confirm/", offers.offer_confirm, name="offer-confirm"),
    path("offers/<str:public_id>/accept/", offers.offer_accept, name="offer-accept"),
    path("offers/<str:public_id>/renew/", offers.offer_renew, name="offer-renew"),
    path("loans/", loans.loan_list, name="loan-list"),
    path("loans/<str:public_id>/", loans.loan_page, name="loan"),
    path("loans/<str:public_id>/balance/", loans.loan_balance, name="loan-balance"),
    path("loans/<str:public_id>/repay/", loans.loan_repay, name="loan-repay"),
    path("products/", products.product_list, name="product-list"),
    path("products/<str:public_id>/", products.product_page, name="product"),
    path("credit/close/", closing.close_page, name="credit-close"),
    path("credit/close/run/", closing.close_run, name="credit-close-run"),
    path("credit/close/parked/<str:loan>/", closing.close_retry, name="credit-close-retry"),
    path("customers/<str:public_id>/panels/applications/", panels.application_panel, name="application-panel"),
    path("customers/<str:public_id>/panels/loans/", panels.loan_panel, name="loan-panel"),
]
