"""What underwriting's entries in the ledger say to people."""

from typing import Any

from django.utils.translation import gettext as _

from credit.models import ConditionKind
from credit.timeline import day, money, number, says
from credit.words import fact
from customers.models import Document
from customers.timeline import sentence
from ledger.models import Entry


def _papers(entry: Entry) -> str:
    labels = dict(Document.Kind.choices)
    return ", ".join(str(labels.get(kind, kind)) for kind in entry.facts.get("papers", []))


def _one(entry: Entry, choices: Any) -> str:
    return str(dict(choices).get(entry.facts.get("kind", ""), entry.facts.get("kind", "")))


@sentence("customers.document.added", icon="documents", tone="info")
def _added(entry: Entry) -> str:
    return _("Paper put in: %(kind)s") % {"kind": _one(entry, Document.Kind.choices)}


@sentence("customers.document.accepted", icon="documents", tone="good")
def _accepted(entry: Entry) -> str:
    return _("Paper checked and good: %(kind)s") % {"kind": _one(entry, Document.Kind.choices)}


@sentence("customers.document.rejected", icon="documents", tone="caution")
def _rejected(entry: Entry) -> str:
    return _("Paper checked and not good: %(kind)s") % {"kind": _one(entry, Document.Kind.choices)}


@sentence("customers.document.opened", icon="eye")
def _opened(entry: Entry) -> str:
    return _("Paper opened: %(kind)s") % {"kind": _one(entry, Document.Kind.choices)}


@says("credit.application.waiting", icon="documents", tone="caution")
def _waiting(entry: Entry) -> str:
    return _("Asked for papers until %(day)s: %(papers)s") % {"day": day(entry, "due_on"), "papers": _papers(entry)}


@says("credit.application.papers_came", icon="documents", tone="good")
def _came(entry: Entry) -> str:
    return _("All papers came: back in the queue")


@says("credit.application.papers_waived", icon="review")
def _waived(entry: Entry) -> str:
    return _("Gone on without the papers")


@says("credit.paperrequest.reminded", icon="bell", tone="warn")
def _reminded(entry: Entry) -> str:
    return _("Reminded about the papers; the last day is %(day)s") % {"day": day(entry, "final_on")}


@says("credit.paperrequest.paper_came", icon="documents", tone="info")
def _paper_came(entry: Entry) -> str:
    return _("A paper that was asked for came: %(kind)s") % {"kind": _one(entry, Document.Kind.choices)}


@says("credit.application.proposed", icon="review", tone="info")
def _proposed(entry: Entry) -> str:
    return _("Proposed to a second person: %(amount)s over %(term)s months") % {
        "amount": money(entry, "amount"),
        "term": number(entry, "term"),
    }


@says("credit.proposal.confirmed", icon="tone-good", tone="good")
def _confirmed(entry: Entry) -> str:
    return _("The second person confirmed")


@says("credit.application.returned", icon="review", tone="caution")
def _returned(entry: Entry) -> str:
    return _("The second person returned the proposal")


@says("credit.application.called_back", icon="review")
def _called_back(entry: Entry) -> str:
    return _("The proposal was called back")


@says("credit.application.countered", icon="edit", tone="info")
def _countered(entry: Entry) -> str:
    values = {"amount": money(entry, "amount"), "term": number(entry, "term"), "day": day(entry, "due_on")}
    return _("Counter-offer: %(amount)s over %(term)s months, to be agreed to until %(day)s") % values


@says("credit.counteroffer.agreed", icon="tone-good", tone="good")
def _agreed(entry: Entry) -> str:
    return _("The applicant agreed to the counter-offer")


@says("credit.counteroffer.link_made", icon="link", tone="info")
def _counter_link(entry: Entry) -> str:
    return _("A link to the counter-offer was sent to the mobile on file")


@says("credit.application.counter_refused", icon="close")
def _refused(entry: Entry) -> str:
    return _("The applicant did not agree to the counter-offer")


@says("credit.condition.set", icon="flag", tone="caution")
def _set(entry: Entry) -> str:
    return _("Condition set: %(kind)s") % {"kind": _one(entry, ConditionKind.choices)}


@says("credit.condition.cleared", icon="flag", tone="good")
def _cleared(entry: Entry) -> str:
    return _("Condition cleared: %(kind)s") % {"kind": _one(entry, ConditionKind.choices)}


@says("credit.application.fact_verified", icon="tone-good", tone="info")
def _verified(entry: Entry) -> str:
    return _("Verified: %(fact)s") % {"fact": fact(str(entry.facts.get("name", "")))}
