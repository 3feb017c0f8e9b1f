"""What queries of the bureau say on a customer's timeline: one sentence per event, without a figure of the report."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.timeline import kind, sentence
from ledger.models import Entry
from risk.models import BureauQuery, BureauReport

kind("bureau", label=gettext_lazy("Credit bureau"), order=33, prefixes=("risk.bureauquery.", "risk.bureaureport."))


@sentence("risk.bureauquery.asked", icon="search", tone="info")
def _asked(entry: Entry) -> str:
    reason = dict(BureauQuery.Reason.choices).get(entry.facts.get("reason", ""), "")
    return _("Credit bureau asked: %(reason)s") % {"reason": reason}


@sentence("risk.bureauquery.answered", icon="search", tone="good")
def _answered(entry: Entry) -> str:
    standing = dict(BureauReport.Standing.choices).get(entry.facts.get("standing", ""), "")
    return _("Credit bureau answered: %(standing)s") % {"standing": standing}


@sentence("risk.bureauquery.failed", icon="search", tone="warn")
def _failed(entry: Entry) -> str:
    cause = dict(BureauQuery.Cause.choices).get(entry.facts.get("cause", ""), "")
    return _("No bureau report: %(cause)s") % {"cause": cause}


def _read_often(entries: Sequence[Entry]) -> str:
    return _("Bureau report read %(times)s times") % {"times": len(entries)}


@sentence("risk.bureaureport.opened", icon="eye", tone="neutral", fold=_read_often)
def _opened(entry: Entry) -> str:
    return _("Bureau report read")
