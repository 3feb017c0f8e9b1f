"""The list of journal lines: what may be asked of it and exported."""

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit import chart
from credit.models import GLAccount, Journal, JournalLine
from credit.permissions import EXPORT_BOOKS, VIEW_BOOKS
from crm.lib.lists import Column, Field, List, declare
from crm.lib.templatetags.crm import day, money


def accounts(request: Any) -> QuerySet[GLAccount]:
    return GLAccount.objects.visible_to(request.user).order_by("code") if request else GLAccount.objects.none()


class LineFilter(filters.FilterSet):
    account = filters.ModelChoiceFilter(label=_("Account"), queryset=accounts, empty_label=_("Any"), to_field_name="code")
    source = filters.ChoiceFilter(
        label=pgettext_lazy("books", "Source"), field_name="journal__source", empty_label=_("Any"), choices=Journal.Source.choices
    )
    since = filters.DateFilter(label=pgettext_lazy("books", "From"), field_name="journal__business_date", lookup_expr="gte")
    until = filters.DateFilter(label=pgettext_lazy("books", "To"), field_name="journal__business_date", lookup_expr="lte")


def line_rows(user: Any) -> Any:
    return JournalLine.objects.visible_to(user).select_related("journal", "account")


def journal_cell(row: Any) -> Any:
    return format_html('<a href="{}">{}</a>', reverse("journal", args=[row.journal.public_id]), row.journal.public_id)


def account_cell(row: Any) -> Any:
    url = reverse("book-account", args=[row.account.code])
    return format_html('<a href="{}">{}</a> <span class="sub">{}</span>', url, row.account.code, row.account.name)


def purpose_text(row: Any) -> str:
    return str(chart.PURPOSES.get(row.purpose, row.purpose))


def product_choices(user: Any) -> list[tuple[str, Any]]:
    codes = Journal.objects.visible_to(user).order_by("product_code").values_list("product_code", flat=True).distinct()
    return [(code, code) for code in codes]


LINES = declare(
    List(
        name="journal_lines",
        title=_("Journals"),
        permission=VIEW_BOOKS,
        export_permission=EXPORT_BOOKS,
        url_name="journal-line-list",
        rows=line_rows,
        filters=LineFilter,
        default_sort="-date",
        more_sorts={"newest": "id"},
        columns=[
            Column("journal", _("Journal"), journal_cell, lambda row: row.journal.public_id),
            Column("date", _("Date"), lambda row: day(row.journal.business_date), lambda row: day(row.journal.business_date), sort="journal__business_date", phone=True),
            Column("account", _("Account"), account_cell, lambda row: str(row.account), phone=True),
            Column("product", _("Product"), lambda row: row.journal.product_code, lambda row: row.journal.product_code),
            Column("source", pgettext_lazy("books", "Source"), lambda row: row.journal.get_source_display(), lambda row: row.journal.get_source_display()),
            Column("purpose", _("What is posted"), purpose_text, purpose_text, shown=False),
            Column("amount", _("Debit, credit below zero (CNY)"), lambda row: money(row.amount), lambda row: row.amount, sort="amount", kind="money", phone=True),
        ],
        fields=[
            Field("date", _("Date"), "journal__business_date", "day"),
            Field("source", pgettext_lazy("books", "Source"), "journal__source", "choice", Journal.Source.choices),
            Field("product", _("Product"), "journal__product_code", "choice", product_choices),
            Field("purpose", _("What is posted"), "purpose", "choice", list(chart.PURPOSES.items())),
            Field("amount", _("Amount (CNY)"), "amount", "money"),
        ],
    )
)  # fmt: skip
