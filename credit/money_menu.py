"""Where the back office stands in the menu and on home pages."""

from datetime import datetime
from typing import Any

from django.db.models import F, Sum
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credit import line_home, money_timeline  # noqa: F401  the sentences of its events
from credit.models import BookDay, Receipt, Refund
from credit.permissions import (
    ALLOCATE_SUSPENSE,
    APPROVE_MONEY,
    IMPORT_PAYMENT,
    ISSUE_DOCUMENT,
    RESTRUCTURE,
    VIEW_BOOKS,
    VIEW_LOAN,
    VIEW_SUSPENSE,
)
from crm.lib import home, menu, pages
from crm.lib.templatetags.crm import tile_money
from governance import uses

ROWS = 6

menu.entry(group="credit", order=25, label=gettext_lazy("Payments"), url_name="payment-list", permission=VIEW_SUSPENSE, icon="bank")
menu.entry(group="credit", order=27, label=gettext_lazy("Books"), url_name="books", permission=VIEW_BOOKS, icon="books")
menu.entry(group="credit", order=26, label=gettext_lazy("Refunds"), url_name="refund-list", permission=VIEW_LOAN, icon="money")


def _age(receipt: Receipt, at: datetime) -> str:
    days = receipt.age(localdate(at))
    return ngettext("%(n)s day with us", "%(n)s days with us", days) % {"n": days}


def unmatched(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return money that waits for its loan, the oldest first."""
    rows = list(Receipt.objects.visible_to(user).filter(status=Receipt.Status.UNMATCHED).order_by("received_on", "pk")[:ROWS])
    uses.bind(rows, "servicing", actor=user, at=at)
    return [
        {
            "who": f"{row.public_id} {row.masked_payer}".strip(),
            "url": reverse("receipt", args=[row.public_id]),
            "why": [_age(row, at), str(row.get_why_display())],
            "amount": row.left,
            "action_label": _("Find its loan"),
        }
        for row in rows
    ]


def second(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return what waits for this person as the second one: refunds and large allocations others asked for."""
    refunds = Refund.objects.visible_to(user).filter(status=Refund.Status.REQUESTED).exclude(requested_by=user)
    found = [
        {
            "who": row.loan.public_id,
            "url": reverse("refund-list"),
            "why": [_("refund, asked for by %(name)s") % {"name": row.requested_by.name}],
            "amount": row.amount,
            "action_label": _("Decide"),
        }
        for row in refunds.select_related("loan", "requested_by").order_by("requested_at", "pk")[:ROWS]
    ]
    proposed = Receipt.objects.visible_to(user).filter(status=Receipt.Status.PROPOSED).exclude(proposed_by=user)
    found += [
        {
            "who": row.public_id,
            "url": reverse("receipt", args=[row.public_id]),
            "why": [_("unmatched money, proposed by %(name)s") % {"name": row.proposed_by.name if row.proposed_by else ""}],
            "amount": row.amount,
            "action_label": _("Decide"),
        }
        for row in proposed.select_related("proposed_by").order_by("received_on", "pk")[: ROWS - len(found)]
    ]
    return found


home.queue(
    "credit.suspense", title=gettext_lazy("Unmatched money"), permission=ALLOCATE_SUSPENSE, read=unmatched, order=10,
    roles=("loan_operations",), url_name="payment-list", empty=gettext_lazy("Every payment has found its loan."),
)  # fmt: skip
home.queue(
    "credit.second_person", title=gettext_lazy("Waits for a second person"), permission=APPROVE_MONEY, read=second, order=15,
    roles=("loan_operations", "risk_manager"), empty=gettext_lazy("Nobody waits for your approval of money."),
)  # fmt: skip


def _waiting(user: Any, at: datetime) -> dict[str, Any]:
    rows = Receipt.objects.visible_to(user).open()
    waiting = rows.aggregate(sum=Sum(F("amount") - F("placed")))["sum"] or 0
    under = _("in %(n)s payments") % {"n": pages.count_label(rows)} if waiting else ""
    return {"figure": tile_money(waiting), "url": reverse("payment-list"), "under": under, "tone": "caution" if waiting else ""}


home.figure(
    "credit.suspense", label=gettext_lazy("Unmatched money"), permission=VIEW_SUSPENSE, read=_waiting, order=28,
    roles=("loan_operations", "risk_manager"),
)  # fmt: skip
home.action(
    "credit.bank_file", label=gettext_lazy("Bring in a bank file"), permission=IMPORT_PAYMENT, url_name="bank-file-list", icon="import", order=30,
)  # fmt: skip
home.action(
    "credit.check_paper", label=gettext_lazy("Check a paper"), permission=ISSUE_DOCUMENT, url_name="loan-document-check", icon="documents", order=35,
)  # fmt: skip
home.action(
    "credit.sale", label=gettext_lazy("Sell loans"), permission=RESTRUCTURE, url_name="loan-sale", icon="loan", order=60,
)  # fmt: skip


def _books(user: Any, at: datetime) -> dict[str, Any]:
    """Return whether the books agree, as the last check found."""
    last = BookDay.objects.visible_to(user).filter(checked_at__isnull=False).order_by("-business_date").first()
    if last is None:
        return {"figure": "", "under": _("not checked yet"), "url": reverse("books")}
    if not last.differences:
        return {
            "figure": _("agree"),
            "under": _("checked after %(day)s") % {"day": last.business_date.isoformat()},
            "url": reverse("books"),
        }
    under = ngettext("%(n)s difference after %(day)s", "%(n)s differences after %(day)s", last.differences)
    values = {"n": last.differences, "day": last.business_date.isoformat()}
    return {"figure": _("differ"), "under": under % values, "url": reverse("book-check"), "tone": "bad"}


home.figure(
    "credit.books", label=gettext_lazy("Books"), permission=VIEW_BOOKS, read=_books, order=29, roles=("loan_operations", "auditor", "admin"),
)  # fmt: skip
