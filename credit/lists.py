"""The lists of applications and loans: columns, and what may be asked of them."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credit.accrual import LAST_BUCKET, bucket_name
from credit.filters import ApplicationFilter, LoanFilter
from credit.models import Application, Installment, Loan, Product
from credit.permissions import EXPORT_APPLICATION, EXPORT_LOAN, VIEW_APPLICATION, VIEW_LOAN
from credit.state import REST
from credit.words import word
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import absent, bucket, day, grade, grouped, money, or_absent, percent, status
from crm.lib.templatetags.lists import since
from customers.models import Customer
from governance.list_fields import branch_field, owner_field
from governance.models.identity import Channel


def id_cell(url_name: str) -> Any:
    def cell(row: Any) -> Any:
        url = reverse(url_name, args=[row.public_id])
        return format_html('<a href="{}">{}</a> <span class="sub">{}</span>', url, row.public_id, row.customer.masked_name)

    return cell


def id_text(row: Any) -> str:
    return f"{row.public_id} {row.customer.masked_name}"


def amount_cell(row: Any) -> Any:
    if row.approved_amount and row.approved_amount != row.amount:
        approved = gettext("approved %(amount)s") % {"amount": grouped(row.approved_amount)}
        return format_html('{}<span class="sub">{}</span>', money(row.amount), approved)
    return money(row.amount)


def owner_cell(row: Any) -> Any:
    return format_html('{}<span class="sub">{}</span>', or_absent(row.owner.name if row.owner else None), row.branch)


def owner_text(row: Any) -> str:
    return f"{row.owner or ''} {row.branch}".strip()


def grade_of(row: Any) -> str:
    return row.decision.grade if row.decision else ""


def products(user: Any) -> list[tuple[str, Any]]:
    rows = Product.objects.visible_to(user).order_by("code", "-version")
    return [(product.public_id, f"{product.name} · {product.version}") for product in rows]


def product_of(_user: Any, code: str) -> Any:
    return Product.objects.values_list("pk", flat=True).get(public_id=code)


def grades(_user: Any) -> list[tuple[str, Any]]:
    return [(letter, letter) for letter in "ABCDE"]


def application_rows(user: Any) -> QuerySet[Application]:
    return Application.objects.visible_to(user).for_list()


APPLICATIONS = declare(
    List(
        name="applications",
        title=_("Applications"),
        permission=VIEW_APPLICATION,
        export_permission=EXPORT_APPLICATION,
        url_name="application-list",
        rows=application_rows,
        filters=ApplicationFilter,
        default_sort="-entered",
        person=Person(Customer, lambda row: row.customer, "underwriting"),
        columns=[
            Column("application", _("Application"), id_cell("application"), id_text, personal=("name",)),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("amount", _("Amount (CNY)"), amount_cell, lambda row: row.amount, sort="amount", kind="money", phone=True),
            Column("term", _("Months"), lambda row: row.term, lambda row: row.term, sort="term", kind="num", phone=True),
            Column("grade", _("Grade"), lambda row: grade(grade_of(row)), grade_of),
            Column("product", _("Product"), lambda row: row.product.name, lambda row: row.product.name, kind="words"),
            Column("owner", _("Owner"), owner_cell, owner_text),
            Column("entered", _("Entered"), lambda row: since(row.created_at), lambda row: day(row.created_at), sort="id", phone=True),
            Column(
                "approved",
                _("Approved (CNY)"),
                lambda row: money(row.approved_amount),
                lambda row: row.approved_amount,
                kind="money",
                shown=False,
            ),
            Column(
                "purpose",
                _("Purpose"),
                lambda row: word("purpose", row.purpose),
                lambda row: word("purpose", row.purpose),
                shown=False,
            ),
            Column("channel", _("Channel"), lambda row: row.get_channel_display(), lambda row: row.get_channel_display(), shown=False),
            Column(
                "submitted",
                _("Submitted"),
                lambda row: since(row.submitted_at),
                lambda row: row.submitted_at and day(row.submitted_at),
                shown=False,
            ),
            Column(
                "decided",
                _("Decided"),
                lambda row: since(row.decided_at),
                lambda row: row.decided_at and day(row.decided_at),
                shown=False,
            ),
            Column("reference", _("Sender's number"), lambda row: or_absent(row.reference), lambda row: row.reference, shown=False),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", Application.Status.choices),
            Field("amount", _("Amount (CNY)"), "amount", "money"),
            Field("term", _("Months"), "term", "number"),
            Field("grade", _("Grade"), "decision__grade", "choice", grades),
            Field("product", _("Product"), "product", "choice", products, of=product_of),
            owner_field(),
            owner_field("entered_by", "entered_by", _("Entered by")),
            branch_field(),
            Field("channel", _("Channel"), "channel", "choice", Channel.choices),
            Field("entered", _("Entered"), "created_at", "moment"),
            Field("submitted", _("Submitted"), "submitted_at", "moment", nullable=True),
            Field("decided", _("Decided"), "decided_at", "moment", nullable=True),
            Field("approved", _("Approved (CNY)"), "approved_amount", "money", nullable=True),
        ],
    )
)


def with_next_due(rows: QuerySet[Loan]) -> Any:
    """Add the due date of the oldest unpaid instalment; what no statement of a line has billed yet has none."""
    over = (Installment.Status.PAID, *Installment.GONE)
    unpaid = Installment.objects.filter(loan=OuterRef("pk"), seq__lt=REST).exclude(status__in=over).order_by("seq")
    return rows.annotate(next_due_on=Subquery(unpaid.values("due_on")[:1]))


def loan_rows(user: Any) -> Any:
    return with_next_due(Loan.objects.visible_to(user).for_list())


def late_cell(loan: Any) -> Any:
    if loan.status != Loan.Status.OPEN:
        return absent("not_applicable")
    return bucket(loan.bucket, loan.dpd) if loan.dpd else bucket(loan.bucket)


def next_due_cell(loan: Any) -> Any:
    return format_html('<span class="nowrap">{}</span>', day(loan.next_due_on) if loan.next_due_on else absent("not_applicable"))


LOANS = declare(
    List(
        name="loans",
        title=_("Loans"),
        permission=VIEW_LOAN,
        export_permission=EXPORT_LOAN,
        url_name="loan-list",
        rows=loan_rows,
        filters=LoanFilter,
        default_sort="-booked",
        person=Person(Customer, lambda row: row.customer, "servicing"),
        columns=[
            Column("loan", _("Loan"), id_cell("loan"), id_text, personal=("name",)),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column(
                "left",
                _("Left (CNY)"),
                lambda row: money(row.principal_outstanding),
                lambda row: row.principal_outstanding,
                sort="principal_outstanding",
                kind="money",
                phone=True,
            ),
            Column(
                "principal",
                _("Principal (CNY)"),
                lambda row: money(row.principal),
                lambda row: row.principal,
                sort="principal",
                kind="money",
            ),
            Column("dpd", _("Past due"), late_cell, lambda row: row.dpd, sort="dpd", phone=True),
            Column("next", _("Next due"), next_due_cell, lambda row: day(row.next_due_on) if row.next_due_on else "", phone=True),
            Column("rate", _("Rate"), lambda row: percent(row.annual_rate, 2), lambda row: percent(row.annual_rate, 2), kind="num"),
            Column("owner", _("Owner"), owner_cell, owner_text),
            Column("booked", _("Booked"), lambda row: day(row.starts_on), lambda row: day(row.starts_on), sort="id"),
            Column("matures", _("Matures"), lambda row: day(row.matures_on), lambda row: day(row.matures_on), shown=False),
            Column("term", _("Months"), lambda row: row.term, lambda row: row.term, kind="num", shown=False),
            Column("product", _("Product"), lambda row: row.product.name, lambda row: row.product.name, shown=False),
            Column(
                "overpaid",
                _("Held for refund (CNY)"),
                lambda row: money(row.overpayment),
                lambda row: row.overpayment,
                kind="money",
                shown=False,
            ),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", Loan.Status.choices),
            Field("bucket", _("Bucket"), "bucket", "choice", [(str(n), bucket_name(n)) for n in range(LAST_BUCKET + 1)]),
            Field("dpd", _("Days past due"), "dpd", "number"),
            Field("left", _("Left (CNY)"), "principal_outstanding", "money"),
            Field("principal", _("Principal (CNY)"), "principal", "money"),
            Field("term", _("Months"), "term", "number"),
            Field("product", _("Product"), "product", "choice", products, of=product_of),
            owner_field(),
            branch_field(),
            Field("channel", _("Channel"), "channel", "choice", Channel.choices),
            Field("booked", _("Paid out"), "starts_on", "day"),
            Field("matures", _("Matures"), "matures_on", "day"),
            Field("missed", _("Oldest due date missed"), "oldest_due_on", "day", nullable=True),
            Field("overpaid", _("Held for refund (CNY)"), "overpayment", "money"),
        ],
    )
)
