"""The list of cases: columns, and what may be asked of it."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from collection import permissions
from collection.forms import CaseFilter
from collection.models import Case, Channel, Outcome
from credit.accrual import LAST_BUCKET, bucket_name
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import absent, ago, bucket, day, money, status
from customers.models import Customer
from governance.list_fields import branch_field, owner_field


def case_cell(row: Any) -> Any:
    url = reverse("case", args=[row.public_id])
    return format_html('<a class="text-nowrap" href="{}">{}</a> <span class="sub">{}</span>', url, row.public_id, row.customer.masked_name)


def late_cell(row: Any) -> Any:
    return bucket(row.bucket, row.dpd) if row.is_open else row.get_close_reason_display()


def late_text(row: Any) -> str:
    return f"{row.dpd} · {row.bucket_label}" if row.is_open else str(row.get_close_reason_display())


def next_cell(row: Any) -> Any:
    if not row.next_action_on:
        return absent()
    return format_html('{} <span class="sub">{}</span>', row.get_next_action_display(), day(row.next_action_on))


def contact_cell(row: Any) -> Any:
    if not row.last_contact_at:
        return absent()
    return format_html('{} <span class="sub">{}</span>', row.get_last_outcome_display(), ago(row.last_contact_at))


def whose_text(row: Any) -> str:
    if row.held_now:
        return gettext("%(name)s, now") % {"name": row.held_now}
    if row.assigned_to:
        return str(row.assigned_to)
    return gettext("In the queue") if row.is_open else ""


def prepare(rows: list[Any], at: datetime) -> None:
    """Say of each row who holds it at this moment."""
    for row in rows:
        row.held_now = row.holder(at)


CASES = declare(
    List(
        name="cases",
        title=_("Cases"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="case-list",
        rows=lambda user: Case.objects.visible_to(user).for_list(),
        filters=CaseFilter,
        default_sort="-dpd",
        person=Person(Customer, lambda row: row.customer, "collections"),
        prepare=prepare,
        columns=[
            Column("case", _("Case"), case_cell, lambda row: f"{row.public_id} {row.customer.masked_name}", personal=("name",)),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("dpd", _("Late"), late_cell, late_text, sort="dpd", phone=True),
            Column(
                "amount",
                _("Overdue (CNY)"),
                lambda row: money(row.overdue_amount),
                lambda row: row.overdue_amount,
                sort="overdue_amount",
                kind="money",
                phone=True,
            ),
            Column(
                "next",
                _("Next action"),
                next_cell,
                lambda row: f"{row.get_next_action_display()} {row.next_action_on or ''}".strip(),
                sort="next_action_on",
            ),
            Column("contact", _("Last contact"), contact_cell, lambda row: row.get_last_outcome_display(), sort="last_contact_at"),
            Column("whose", _("Assigned to"), lambda row: whose_text(row) or absent("not_applicable"), whose_text, phone=True),
            Column(
                "opened",
                _("Opened on"),
                lambda row: format_html('<span class="text-nowrap">{}</span>', day(row.opened_on)),
                lambda row: day(row.opened_on),
                sort="id",
            ),
            Column("branch", _("Branch"), lambda row: row.branch, lambda row: row.branch, shown=False),
            Column("closed", _("Closed on"), lambda row: day(row.closed_on), lambda row: row.closed_on and day(row.closed_on), shown=False),
        ],
        fields=[
            Field("bucket", _("Bucket"), "bucket", "choice", [(str(n), bucket_name(n)) for n in range(1, LAST_BUCKET + 1)]),
            Field("dpd", _("Days past due"), "dpd", "number"),
            Field("amount", _("Overdue (CNY)"), "overdue_amount", "money"),
            owner_field("assigned", "assigned_to", _("Assigned to")),
            owner_field("held", "claimed_by", _("Held by")),
            branch_field(),
            Field("action", _("Next action"), "next_action", "choice", Channel.choices),
            Field("next", _("Day of the next action"), "next_action_on", "day", nullable=True),
            Field("contact", _("Last contact"), "last_contact_at", "moment", nullable=True),
            Field("outcome", _("Last result"), "last_outcome", "choice", Outcome.choices),
            Field("opened", _("Opened on"), "opened_on", "day"),
            Field("reason", _("Closed because"), "close_reason", "choice", Case.CloseReason.choices),
        ],
    )
)
