"""What credit's entries in the ledger say to people: one whole sentence per event, without a personal value."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit.accrual import bucket_name
from credit.models import Application, Condition, CounterOffer, Loan, Offer, PaperRequest, Proposal
from credit.permissions import VIEW_APPLICATION, VIEW_LOAN
from crm.lib.templatetags.crm import long_day, spoken
from customers.timeline import SENTENCES, sentence
from customers.timeline import kind as timeline_kind
from governance.models import User
from governance.users import SYSTEM
from ledger import log
from ledger.models import Entry

Say = Callable[[Entry], str]
SHOWN = 30
OF_LOAN = 12  # of a loan, beside its movements

timeline_kind(
    "applications",
    label=gettext_lazy("Applications"),
    order=30,
    prefixes=("credit.application.", "credit.offer.", "credit.contract.", "credit.quote.", "credit.paperrequest."),
)
# the conclusions among an application's steps, the engine's and a person's
DECIDED = ("approved", "declined", "referred", "countered", "overruled")
timeline_kind(
    "decisions", label=gettext_lazy("Decisions"), order=32,
    prefixes=("risk.decision.", "credit.proposal.", "credit.counteroffer.", "credit.condition.", *(f"credit.application.{word}" for word in DECIDED)),
)  # fmt: skip
timeline_kind(
    "loans",
    label=gettext_lazy("Loans"),
    order=34,
    prefixes=("credit.loan.", "credit.document.", "credit.movement.", "credit.line.", "credit.class_mark.", "credit.pause."),
)
timeline_kind(
    "payments", label=gettext_lazy("Payments"), order=36,
    prefixes=("credit.repayment.", "credit.payout.", "credit.refund.", "credit.receipt.", "credit.customer_payment.", "credit.transaction.", "credit.payoff"),
)  # fmt: skip


def says(event: str, *, icon: str, tone: str = "neutral") -> Callable[[Say], Say]:
    """Give `event` its sentence, for those who may see what it is about."""
    about_money = event.startswith(("credit.loan.", "credit.repayment.", "credit.payout."))
    return sentence(event, icon=icon, tone=tone, permission=VIEW_LOAN if about_money else VIEW_APPLICATION)


def money(entry: Entry, name: str) -> str:
    """Return an amount among the facts as it is spoken, a dash when it is not there."""
    try:
        return spoken(Decimal(str(entry.facts[name])))
    except (KeyError, InvalidOperation):
        return "–"


def day(entry: Entry, name: str) -> str:
    """Return a day among the facts in prose."""
    try:
        return str(long_day(date.fromisoformat(str(entry.facts[name]))))
    except (KeyError, ValueError):
        return "–"


def share(entry: Entry, name: str) -> str:
    """Return an annual rate among the facts as a percentage."""
    try:
        return f"{Decimal(str(entry.facts[name])) * 100:.2f}%"
    except (KeyError, InvalidOperation):
        return "–"


def number(entry: Entry, name: str) -> int:
    value = entry.facts.get(name, 0)
    return int(value) if isinstance(value, int) or str(value).isdigit() else 0


# --- applications --------------------------------------------------------------------------------------------------
@says("credit.application.created", icon="application")
def _created(entry: Entry) -> str:
    return _("Application entered: %(amount)s over %(term)s months") % {"amount": money(entry, "amount"), "term": number(entry, "term")}


@says("credit.application.changed", icon="edit")
def _changed(entry: Entry) -> str:
    return _("Draft changed")


@says("credit.application.submitted", icon="send", tone="info")
def _submitted(entry: Entry) -> str:
    return _("Application submitted")


@says("credit.application.evaluating", icon="decisions", tone="info")
def _evaluating(entry: Entry) -> str:
    return _("Evaluation began")


@says("credit.application.approved", icon="tone-good", tone="good")
def _approved(entry: Entry) -> str:
    values = {"amount": money(entry, "amount"), "term": number(entry, "term"), "rate": share(entry, "annual_rate")}
    return _("Approved: %(amount)s over %(term)s months at %(rate)s a year") % values


@says("credit.application.referred", icon="review", tone="caution")
def _referred(entry: Entry) -> str:
    return _("Referred: a person has to decide")


@says("credit.application.declined", icon="tone-bad", tone="bad")
def _declined(entry: Entry) -> str:
    return _("Application declined")


@says("credit.application.offered", icon="send", tone="info")
def _offered(entry: Entry) -> str:
    return _("Application became an offer")


@says("credit.application.accepted", icon="tone-good", tone="good")
def _app_accepted(entry: Entry) -> str:
    return _("The customer accepted")


@says("credit.application.booked", icon="loan", tone="good")
def _app_booked(entry: Entry) -> str:
    return _("Booked as loan %(loan)s") % {"loan": entry.facts.get("loan", "")}


@says("credit.application.withdrawn", icon="close")
def _withdrawn(entry: Entry) -> str:
    return _("Application withdrawn")


@says("credit.application.expired", icon="clock")
def _expired(entry: Entry) -> str:
    return _("Application expired")


# --- offers --------------------------------------------------------------------------------------------------------
@says("credit.offer.made", icon="send", tone="info")
def _made(entry: Entry) -> str:
    values = {"amount": money(entry, "amount"), "term": number(entry, "term"), "rate": share(entry, "annual_rate")}
    return _("Offer made: %(amount)s over %(term)s months at %(rate)s a year") % values


@says("credit.quote.issued", icon="documents")
def _quoted(entry: Entry) -> str:
    values = {"amount": money(entry, "amount"), "term": number(entry, "term")}
    return _("Quote issued: %(amount)s over %(term)s months") % values


@says("credit.offer.disclosure_confirmed", icon="eye", tone="good")
def _confirmed(entry: Entry) -> str:
    return _("Cost table confirmed after %(seconds)s seconds on the screen") % {"seconds": number(entry, "seconds")}


@says("credit.offer.renewed", icon="refresh")
def _renewed(entry: Entry) -> str:
    return _("Offer counted anew from today")


@says("credit.offer.accepted", icon="tone-good", tone="good")
def _accepted(entry: Entry) -> str:
    return _("Offer accepted")


@says("credit.offer.withdrawn", icon="close")
def _offer_withdrawn(entry: Entry) -> str:
    return _("Offer withdrawn")


@says("credit.offer.expired", icon="clock")
def _offer_expired(entry: Entry) -> str:
    return _("Offer expired")


# --- loans ---------------------------------------------------------------------------------------------------------
@says("credit.loan.booked", icon="loan", tone="info")
def _booked(entry: Entry) -> str:
    values = {"amount": money(entry, "principal"), "term": number(entry, "term")}
    if entry.facts.get("revolving"):
        return _("Line of %(amount)s opened for %(term)s months") % values
    return _("Loan booked and paid out: %(amount)s over %(term)s months") % values


@says("credit.payout.sent", icon="bank", tone="good")
def _paid_out(entry: Entry) -> str:
    return _("The bank paid %(amount)s out, receipt %(receipt)s") % {
        "amount": money(entry, "amount"),
        "receipt": entry.facts.get("receipt", ""),
    }


@says("credit.payout.refused", icon="bank", tone="bad")
def _payout_refused(entry: Entry) -> str:
    return _("The bank refused to pay out (%(code)s)") % {"code": entry.facts.get("code", "")}


@says("credit.payout.off", icon="bank", tone="caution")
def _payout_off(entry: Entry) -> str:
    return _("Not sent to a bank: the payout port is off")


@says("credit.repayment.received", icon="repayment", tone="good")
def _received(entry: Entry) -> str:
    values = {"amount": money(entry, "amount"), "loan": entry.facts.get("loan", ""), "over": money(entry, "overpayment")}
    if str(entry.facts.get("overpayment", "0.00")) not in ("0", "0.00"):
        return _("Repayment of %(amount)s for %(loan)s; %(over)s of it held for refund") % values
    return _("Repayment of %(amount)s for %(loan)s") % values


@says("credit.loan.overdue", icon="tone-warn", tone="warn")
def _overdue(entry: Entry) -> str:
    return _("Loan is %(dpd)s days past due, now %(bucket)s") % {
        "dpd": number(entry, "dpd"),
        "bucket": bucket_name(number(entry, "bucket")),
    }


@says("credit.loan.bucket_moved", icon="tone-warn", tone="warn")
def _moved(entry: Entry) -> str:
    values = {"was": bucket_name(number(entry, "was")), "bucket": bucket_name(number(entry, "bucket")), "dpd": number(entry, "dpd")}
    return _("Loan moved from %(was)s to %(bucket)s, %(dpd)s days past due") % values


@says("credit.loan.cured", icon="tone-good", tone="good")
def _cured(entry: Entry) -> str:
    return _("Loan is no longer past due")


@says("credit.loan.settled", icon="tone-good", tone="good")
def _settled(entry: Entry) -> str:
    return _("Loan settled")


# --- lists ---------------------------------------------------------------------------------------------------------
def items(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return entries as `parts/_timeline.html` shows them; events without a sentence are left out."""
    rows = [entry for entry in entries if entry.event in SENTENCES]
    actors = User.objects.filter(pk__in={row.actor_id for row in rows if row.actor_id}).values_list("pk", "username", "name")
    names = {pk: _("the system") if username == SYSTEM else name for pk, username, name in actors}
    return [
        {
            "icon": SENTENCES[row.event].icon,
            "tone": SENTENCES[row.event].tone,
            "text": SENTENCES[row.event].say(row),
            "actor": names.get(row.actor_id or 0, ""),
            "at": row.at,
        }
        for row in rows
    ]


# Said twice by two records; the application's own timeline keeps the fuller one.
ECHOES = (
    "credit.application.offered",
    "credit.application.accepted",
    "credit.offer.withdrawn",
    "credit.offer.expired",
    "credit.loan.booked",
)


def of_application(application: Application, offer: Offer | None) -> list[dict[str, Any]]:
    """Return what happened to an application and its offer, newest first."""
    about = Q(subject_type=Application._meta.label_lower, subject_id=application.pk)
    for kind in (PaperRequest, Condition, Proposal, CounterOffer):
        # read first: an index answers a list of ids, not an OR of sub-selects
        if ids := list(kind.objects.filter(application=application).values_list("pk", flat=True)):
            about |= Q(subject_type=kind._meta.label_lower, subject_id__in=ids)
    if offer is not None:
        about |= Q(subject_type=Offer._meta.label_lower, subject_id=offer.pk)
    return items(Entry.objects.filter(about).exclude(event__in=ECHOES).order_by("-id")[:SHOWN])


def of_loan(loan: Loan) -> list[dict[str, Any]]:
    """Return what happened to a loan, newest first; each repayment stands among the transactions already."""
    return items(log.history(loan)[:OF_LOAN])


def last_of(application: Application) -> dict[str, Any] | None:
    """Return the last thing that happened to an application."""
    found = items(log.history(application)[:1])
    return found[0] if found else None
