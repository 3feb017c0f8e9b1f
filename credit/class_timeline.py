"""What the timeline says of classes and pauses."""

from typing import Any

from django.utils.translation import gettext as _

from credit.models import DelinquencyPause, RiskClass
from credit.timeline import number, says
from ledger.models import Entry


def label(entry: Entry, name: str) -> Any:
    return dict(RiskClass.choices).get(number(entry, name), "")


@says("credit.loan.reclassified", icon="flag", tone="info")
def _reclassified(entry: Entry) -> str:
    if "risk_class" in entry.facts:
        return _("Class moved from %(was)s to %(now)s") % {"was": label(entry, "was_class"), "now": label(entry, "risk_class")}
    return _("Stage moved from %(was)s to %(now)s") % {"was": number(entry, "was_stage"), "now": number(entry, "stage")}


@says("credit.loan.paused", icon="clock", tone="info")
def _paused(entry: Entry) -> str:
    reason = dict(DelinquencyPause.Reason.choices).get(str(entry.facts.get("reason", "")), "")
    values = {"first": entry.facts.get("from_on", ""), "until": entry.facts.get("until_on", ""), "reason": reason}
    return _("Treatment paused from %(first)s until %(until)s: %(reason)s") % values


@says("credit.loan.resumed", icon="clock", tone="neutral")
def _resumed(entry: Entry) -> str:
    return _("Treatment counts again from %(day)s") % {"day": entry.facts.get("until_on", "")}


@says("credit.class_mark.initial", icon="flag", tone="caution")
def _initial(entry: Entry) -> str:
    return _("Override to %(now)s proposed; it waits for a decision") % {"now": label(entry, "risk_class")}


@says("credit.class_mark.decided", icon="flag", tone="info")
def _decided(entry: Entry) -> str:
    return _("Override to %(now)s decided; it waits for approval") % {"now": label(entry, "risk_class")}


@says("credit.class_mark.approved", icon="flag", tone="warn")
def _approved(entry: Entry) -> str:
    return _("Override to %(now)s approved") % {"now": label(entry, "risk_class")}


@says("credit.class_mark.refused", icon="flag", tone="neutral")
def _refused(entry: Entry) -> str:
    return _("Override to %(now)s refused") % {"now": label(entry, "risk_class")}


@says("credit.class_mark.unwatched", icon="flag")
def _unwatched(entry: Entry) -> str:
    return _("The restructuring was taken back: its watch ends")


@says("credit.class_mark.watched", icon="flag", tone="caution")
def _watched(entry: Entry) -> str:
    return _("Restructured: watched until %(day)s") % {"day": entry.facts.get("until_on", "")}
