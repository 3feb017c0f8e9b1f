"""Where credit stands in the menu, on home pages and on the customer's page, and who may open decisions about applications."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credit import assigning, class_home, class_timeline, dashboards, lists, report_home, search, timeline, underwriting_sentences  # noqa: F401  the sentences of credit's events, the search
from credit.models import Application, CounterOffer, Loan, Offer, PaperRequest, ParkedLoan, Proposal
from credit.permissions import (
    ADD_APPLICATION,
    ASSIGN_APPLICATION,
    CLOSE_DAY,
    DECIDE_APPLICATION,
    RUN_SELF_TEST,
    VIEW_APPLICATION,
    VIEW_CLASS,
    VIEW_LOAN,
    VIEW_PRODUCT,
)
from crm.lib import home, menu, pages
from crm.lib.lists import action
from crm.lib.templatetags.crm import spoken, tile_money
from customers import panels
from governance import uses
from risk import decisions, strategy_facts

ROWS = 6
READ_FOR = "underwriting"  # what the queues of applications read a person for, as the pages behind them
Status = Application.Status

menu.entry(
    group="work", order=10, label=gettext_lazy("Review queue"), url_name="review-queue", permission=DECIDE_APPLICATION, icon="review",
)  # fmt: skip
menu.entry(
    group="credit", order=10, label=gettext_lazy("Applications"), url_name="application-list", permission=VIEW_APPLICATION,
    icon="applications", key="a",
)  # fmt: skip
menu.entry(
    group="credit", order=15, label=gettext_lazy("Pipeline"), url_name="application-board", permission=VIEW_APPLICATION, icon="board",
)  # fmt: skip
menu.entry(group="credit", order=20, label=gettext_lazy("Loans"), url_name="loan-list", permission=VIEW_LOAN, icon="loans", key="l")
menu.entry(group="credit", order=30, label=gettext_lazy("Products"), url_name="product-list", permission=VIEW_PRODUCT, icon="products")
menu.entry(group="credit", order=32, label=gettext_lazy("Rate caps"), url_name="rate-cap-list", permission=VIEW_PRODUCT, icon="decisions")
menu.entry(group="credit", order=45, label=gettext_lazy("Self-test"), url_name="self-test", permission=RUN_SELF_TEST, icon="models")
menu.entry(
    group="credit", order=35, label=gettext_lazy("How lending goes"), url_name="credit-dashboard", permission=VIEW_APPLICATION, icon="chart",
)  # fmt: skip
menu.entry(group="credit", order=40, label=gettext_lazy("End of day"), url_name="credit-close", permission=CLOSE_DAY, icon="day")

menu.entry(group="credit", order=38, label=gettext_lazy("Classification"), url_name="class-batch-list", permission=VIEW_CLASS, icon="flag")

panels.add("loans", title=gettext_lazy("Loans"), url_name="loan-panel", permission=VIEW_LOAN, order=10)
panels.add("applications", title=gettext_lazy("Applications"), url_name="application-panel", permission=VIEW_APPLICATION, order=20)


def may_open_decision(user: Any, public_id: str) -> bool:
    """Return whether `user` may see the application a decision is about."""
    return Application.objects.visible_to(user).filter(public_id=public_id).exists()


decisions.subject_guard("credit.application", may_open_decision)


def customers_of(public_ids: Sequence[str]) -> dict[str, int]:
    """Return whose applications these are."""
    return dict(Application.objects.filter(public_id__in=public_ids).values_list("public_id", "customer_id"))


strategy_facts.subject_customers("credit.application", customers_of)


# --- queues --------------------------------------------------------------------------------------------------------
def referred(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return what waits for a person's decision, the oldest first; what this person entered is somebody else's."""
    from credit.words import Reasons

    rows = Application.objects.visible_to(user).referred().exclude(entered_by=user).for_list(reasons=True)
    found = uses.bind_of(rows.order_by("submitted_at", "pk")[:ROWS], "customer", READ_FOR, actor=user, at=at)
    reasons = Reasons(found)
    return [_row(row, why=[_since(row.submitted_at, at), *reasons.sentences(row)[:2]], action=_("Review")) for row in found]


def _row(row: Application, *, why: list[str], action: str, url: str = "") -> dict[str, Any]:
    return {
        "who": f"{row.public_id} {row.customer.masked_name}",
        "url": url or reverse("application", args=[row.public_id]),
        "why": why,
        "amount": row.approved_amount or row.amount,
        "action_label": action,
    }


def _since(moment: datetime | None, at: datetime) -> str:
    days = (localtime(at).date() - localtime(moment).date()).days if moment else 0
    return ngettext("waits %(n)s day", "waits %(n)s days", days) % {"n": days} if days > 0 else _("came today")


def offered(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return offers that wait for the customer's answer, the one that ends first on top."""
    rows = Offer.objects.visible_to(user).filter(status=Offer.Status.MADE, application__owner=user).for_list()
    today = localtime(at).date()
    found = []
    for offer in uses.bind_of(rows.order_by("expires_on", "pk")[:ROWS], "application__customer", READ_FOR, actor=user, at=at):
        left = (offer.expires_on - today).days
        ends = ngettext("ends in %(n)s day", "ends in %(n)s days", left) % {"n": left} if left > 0 else _("ends today")
        read = _("cost table confirmed") if offer.is_confirmed else _("cost table still to be read")
        url = reverse("offer", args=[offer.public_id])
        found.append(_row(offer.application, why=[ends, read], action=_("Open the offer"), url=url))
    return found


def drafts(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return this person's drafts, the oldest first."""
    rows = Application.objects.visible_to(user).filter(status=Status.DRAFT, owner=user).for_list().order_by("pk")[:ROWS]
    found = uses.bind_of(rows, "customer", READ_FOR, actor=user, at=at)
    return [_row(row, why=[_since(row.created_at, at)], action=_("Complete")) for row in found]


home.queue(
    "credit.review", title=gettext_lazy("Review queue"), permission=DECIDE_APPLICATION, read=referred, order=10,
    url_name="review-queue", empty=gettext_lazy("Nothing waits for a decision. What the engine refers appears here, the oldest first."),
)  # fmt: skip
home.queue(
    "credit.offers", title=gettext_lazy("Offers to be answered"), permission=ADD_APPLICATION, read=offered, order=20,
    roles=("loan_officer",), empty=gettext_lazy("No offer of yours waits for an answer."),
)  # fmt: skip
home.queue(
    "credit.drafts", title=gettext_lazy("Drafts to complete"), permission=ADD_APPLICATION, read=drafts, order=30, roles=("loan_officer",),
    empty=gettext_lazy("No draft of yours is open."),
)  # fmt: skip


def to_confirm(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return proposals that wait for this person: another's, within the own authority, not on an application entered here."""
    if user.authority is None:
        return []
    rows = Proposal.objects.visible_to(user).filter(status=Proposal.Status.OPEN, amount__lte=user.authority)
    rows = rows.exclude(made_by=user).exclude(application__entered_by=user).select_related("made_by", "application__customer")
    rows = rows.defer("note", "answer", "condition_words", "application__stated", "application__note")
    return [
        _row(row.application, why=[str(row.get_kind_display()), row.made_by.name], action=_("Confirm or return")) | {"amount": row.amount}
        for row in uses.bind_of(rows.order_by("made_at", "pk")[:ROWS], "application__customer", READ_FOR, actor=user, at=at)
    ]


def without_papers(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return what this person's applicants were asked for, the day that ends first on top."""
    rows = PaperRequest.objects.visible_to(user).filter(status=PaperRequest.Status.OPEN, application__owner=user).defer("words")
    rows = rows.select_related("application__customer").prefetch_related("papers").order_by("due_on", "pk")[:ROWS]
    found = []
    for row in uses.bind_of(rows, "application__customer", READ_FOR, actor=user, at=at):
        lacking = [str(paper.get_kind_display()) for paper in row.papers.all() if paper.document_id is None]
        until = _("until %(day)s") % {"day": row.last_day}
        found.append(_row(row.application, why=[until, ", ".join(lacking)], action=_("Bring them in")))
    return found


def to_be_agreed(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return counter-offers that wait for this person's applicants."""
    rows = CounterOffer.objects.visible_to(user).filter(status=CounterOffer.Status.OPEN, application__owner=user).defer("condition_words")
    rows = rows.select_related("application__customer").order_by("due_on", "pk")[:ROWS]
    return [
        _row(row.application, why=[_("until %(day)s") % {"day": row.due_on}], action=_("Ask the applicant")) | {"amount": row.amount}
        for row in uses.bind_of(rows, "application__customer", READ_FOR, actor=user, at=at)
    ]


home.queue(
    "credit.second", title=gettext_lazy("Proposals for a second person"), permission=DECIDE_APPLICATION, read=to_confirm, order=12,
    url_name="review-queue", empty=gettext_lazy("No proposal of a colleague waits for you."),
)  # fmt: skip
home.queue(
    "credit.papers", title=gettext_lazy("Papers your applicants still owe"), permission=ADD_APPLICATION, read=without_papers, order=22,
    roles=("loan_officer",), empty=gettext_lazy("None of your applicants is asked for papers."),
)  # fmt: skip
home.queue(
    "credit.counter", title=gettext_lazy("Counter-offers to be agreed"), permission=ADD_APPLICATION, read=to_be_agreed, order=24,
    roles=("loan_officer",), empty=gettext_lazy("No counter-offer waits for your applicants."),
)  # fmt: skip


# --- figures -------------------------------------------------------------------------------------------------------
def _applications(status: str) -> Any:
    def read(user: Any, at: datetime) -> dict[str, Any]:
        rows = Application.objects.visible_to(user)
        rows = rows.open() if status == "open" else rows.filter(status=status)
        return {"figure": pages.count_label(rows), "url": f"{reverse('application-list')}?status={status}"}

    return read


def _late(user: Any, at: datetime) -> dict[str, Any]:
    rows = Loan.objects.visible_to(user).overdue()
    number, more = pages.capped(rows)
    left = rows.aggregate(sum=Sum("principal_outstanding"))["sum"] or Decimal("0.00")
    return {
        "figure": f"{number:,}{'+' if more else ''}",
        "url": f"{reverse('loan-list')}?status=late&sort=-dpd",
        "under": _("%(amount)s outstanding on them") % {"amount": spoken(left)} if left else "",
        "tone": "warn" if number else "",
    }


def _outstanding(user: Any, at: datetime) -> dict[str, Any]:
    rows = Loan.objects.visible_to(user).open()
    left = rows.aggregate(sum=Sum("principal_outstanding"))["sum"] or Decimal("0.00")
    under = _("on %(n)s open loans") % {"n": pages.count_label(rows)}
    return {"figure": tile_money(left), "url": f"{reverse('loan-list')}?status=open", "under": under}


def _booked(user: Any, at: datetime) -> dict[str, Any]:
    first = localtime(at).date().replace(day=1)
    rows = Loan.objects.visible_to(user).filter(starts_on__gte=first)
    lent = rows.aggregate(sum=Sum("principal"))["sum"] or Decimal("0.00")
    return {
        "figure": pages.count_label(rows),
        "url": f"{reverse('loan-list')}?since={first.isoformat()}",
        "under": spoken(lent) if lent else "",
    }


def _parked(user: Any, at: datetime) -> list[dict[str, Any]]:
    """The loans the end of day left aside; each waits for its cause to be removed and another try."""
    rows = ParkedLoan.objects.filter(cleared_at__isnull=True, loan__in=Loan.objects.visible_to(user)).select_related("loan")
    return [
        {"who": row.loan.public_id, "url": reverse("credit-close"), "why": [row.error], "action_label": _("Look at it")}
        for row in rows.order_by("parked_at", "pk")[:ROWS]
    ]


home.queue(
    "credit.parked", title=gettext_lazy("Loans the end of day left aside"), permission=CLOSE_DAY, read=_parked,
    empty=gettext_lazy("The last end of day closed every loan."), order=20, roles=("loan_operations", "risk_manager"), url_name="credit-close",
)  # fmt: skip

# collectors look at what is overdue, not at new business
DECIDERS = ("underwriter", "risk_analyst", "risk_manager", "loan_officer")
LENDERS = ("loan_officer", "underwriter", "risk_analyst", "risk_manager", "loan_operations", "service_agent", "compliance", "auditor")
home.figure("credit.open", label=gettext_lazy("Open applications"), permission=VIEW_APPLICATION, read=_applications("open"), order=10)
home.figure("credit.referred", label=gettext_lazy("Referred"), permission=VIEW_APPLICATION, read=_applications("referred"), order=15)
home.figure(
    "credit.approved",
    label=gettext_lazy("Approval rate"),
    permission=VIEW_APPLICATION,
    read=dashboards.approval_tile,
    order=18,
    roles=DECIDERS,
)
home.figure("credit.booked", label=gettext_lazy("Booked this month"), permission=VIEW_LOAN, read=_booked, order=20, roles=LENDERS)
home.figure("credit.outstanding", label=gettext_lazy("Outstanding"), permission=VIEW_LOAN, read=_outstanding, order=25, roles=LENDERS)
home.figure("credit.late", label=gettext_lazy("Loans past due"), permission=VIEW_LOAN, read=_late, order=30)

home.action("credit.new", label=gettext_lazy("New application"), permission=ADD_APPLICATION, url_name="application-new", order=10)
home.action(
    "credit.review", label=gettext_lazy("Review queue"), permission=DECIDE_APPLICATION, url_name="review-queue", icon="review",
    key="w", order=20,
)  # fmt: skip

action(
    lists.APPLICATIONS.name, "assign", label=gettext_lazy("Give to a person"), permission=ASSIGN_APPLICATION, run=assigning.assign_row,
    form=lambda user: partial(assigning.AssignForm, user=user), icon="person",
)  # fmt: skip
