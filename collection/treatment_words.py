"""A treatment strategy as a document one can read: what ends it, who is on which path, and each path day by day."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from collection import treatment_shape as shape
from collection.models import Case, TreatmentEntry, TreatmentStep
from collection.treatment_lint import on_path
from crm.lib import pages
from customers import contacts, templates
from customers.words import PROBLEMS
from risk import display, graphs, words
from risk.models import StrategyVersion

STAGES = {"exits": gettext_lazy("Exits, asked before every step"), "segment": gettext_lazy("Segments"), "steps": gettext_lazy("Steps")}
FIGURES = {
    "path": (gettext_lazy("Path"), "text"), "exit": (gettext_lazy("Exit"), "text"), "step": (gettext_lazy("Step"), "text"), "day": (gettext_lazy("Day"), "count"),
    "action": (gettext_lazy("Act"), "text"), "template": (gettext_lazy("Template"), "text"), "hour": (pgettext_lazy("treatment", "From"), "text"),
}  # fmt: skip
OUTCOMES = {shape.TREAT: gettext_lazy("treat"), shape.EXIT: gettext_lazy("end the treatment")}


VALUES: dict[str, Callable[[str, str], Any]] = {
    "action": lambda value, _language: shape.ACTIONS.get(value, value),
    "exit": lambda value, _language: shape.EXIT_WORDS.get(value, value),
    "template": lambda value, _language: templates.label(value),
    "path": lambda value, language: path_name(value, shape.shipped()["reasons"], language),
}


def learn() -> None:
    """Give the words of treatments to the pages of strategies."""
    words.also(shape.shipped()["input_schema"]["facts"])
    display.also(outcomes=OUTCOMES, stages=STAGES, figures=FIGURES, values=VALUES)


def path_name(path: str, reasons: dict[str, Any], language: str) -> str:
    """Return a path's name in words: the heading of the reason its segments give; the code itself where there is none."""
    return words.heading(f"path_{path}", reasons, language=language) if f"path_{path}" in reasons else path


def sections(version: StrategyVersion, language: str) -> list[dict[str, Any]]:
    """Return the document: exits, segments, and a section per path with its steps in order."""
    graph, reasons = version.graph, version.reasons
    found = [_rules(graph, "exit", STAGES["exits"], version, language), _rules(graph, "path", STAGES["segment"], version, language)]
    rows = list(shape.rows(graph))
    for path in shape.paths(graph):
        told = []
        for row in on_path(rows, path):
            step = row.step
            assert step is not None
            sentence = _("Day %(day)s: %(act)s") % {"day": step.day, "act": shape.ACTIONS[step.action]}
            if step.template:
                sentence = _("%(sentence)s, “%(template)s”") % {"sentence": sentence, "template": templates.label(step.template)}
            if step.hour:
                sentence = _("%(sentence)s, from %(hour)s") % {"sentence": sentence, "hour": step.hour}
            if row.asks:
                sentence = _("%(sentence)s, if %(condition)s") % {
                    "sentence": sentence,
                    "condition": display.threshold(row.asks, language),
                }
            told.append({"sentence": sentence, "outcome": shape.TREAT, "source": "", "since": "", "unverified": False})
        found.append({"name": _("Path: %(name)s") % {"name": path_name(path, reasons, language)}, "values": [], "rules": told})
    return found


def _rules(graph: Any, field: str, name: Any, version: StrategyVersion, language: str) -> dict[str, Any]:
    told = []
    read = {node.id: node for node in graphs.read(graph).nodes}
    for raw in shape.tables(graph, field):
        column = next(one["id"] for one in raw["content"]["outputs"] if one["field"] == field)
        for rule, row in zip(read[raw["id"]].rules, raw["content"]["rules"], strict=True):
            code = shape.literal(row.get(column)) or ""
            if field == "exit" and not code:
                continue
            what = str(shape.EXIT_WORDS.get(code, code)) if field == "exit" else path_name(code, version.reasons, language)
            when = display.threshold(rule.threshold, language) or _("otherwise")
            source = version.reasons.get(rule.reason, {}).get("source") or {}
            told.append({
                "sentence": _("%(when)s: %(what)s.") % {"when": when, "what": what}, "outcome": field,
                "source": source.get(words.side(language), ""), "since": source.get("since", ""),
                "unverified": source.get("verification") in ("unverified", "secondary"),
            })  # fmt: skip
    return {"name": str(name), "values": [], "rules": told}


ENDS: dict[str, Any] = {
    "segment": gettext_lazy("the case moved to another segment"), "strategy": gettext_lazy("another version of the strategy"),
    "unjudged": gettext_lazy("the strategy could not say: a person looks"), "paused": gettext_lazy("the case is paused"),
    "closed": gettext_lazy("the case is closed"),
}  # fmt: skip
WHYS: dict[str, Any] = {
    "nowhere": gettext_lazy("no agency has room"), "early": gettext_lazy("it is too early for an agency"),
    "settlement": gettext_lazy("a settlement runs"), "relief": gettext_lazy("a relief plan runs"),
    "placed": gettext_lazy("it is with an agency already"), "agency_full": gettext_lazy("no agency has room"),
    "late": gettext_lazy("its day had gone by"), "condition": gettext_lazy("its condition no longer holds"),
    "no_gateway": gettext_lazy("no gateway is connected"), "no_template": gettext_lazy("there are no live words"),
    "legal_barred": gettext_lazy("the way to court is closed, or an action is under way"),
    "no_visit": gettext_lazy("nobody may go there now"), "visit_under_way": gettext_lazy("a visit is under way"),
    "case_paused": gettext_lazy("the work on the case waits"), "invalid": gettext_lazy("no address is on file"),
    "nothing_to_claim": gettext_lazy("nothing is owed"),
    "not_due": gettext_lazy("nothing was due any more"), "no_answer": gettext_lazy("the gateway did not answer"),
}  # fmt: skip


def used(version: StrategyVersion) -> list[tuple[Any, str]]:
    """Return what a version did so far: cases that entered it, steps that were done, paths that ended; counts are capped."""
    entered = TreatmentEntry.objects.filter(version=version)
    done = TreatmentStep.objects.filter(entry__version=version, status__in=[TreatmentStep.Status.SENT, TreatmentStep.Status.DONE])
    figures = pages.count_labels([entered, done, entered.filter(status=TreatmentEntry.Status.ENDED)])
    return list(zip([_("Cases entered"), _("Steps done"), _("Paths ended")], figures, strict=True))


def of_path(path: str) -> str:
    """Return the name of a path in the reader's language, by the shipped words; its code where the house drew it."""
    return path_name(path, shape.shipped()["reasons"], get_language() or "en")


def of_end(why: str) -> str:
    """Return why a path ended, in words."""
    return str(ENDS.get(why) or shape.EXIT_WORDS.get(why) or dict(Case.CloseReason.choices).get(why, why))


def of_why(why: str) -> str:
    """Return what kept a step, in words: a rule of contact, an exit, or a reason of the planner."""
    return str(WHYS.get(why) or contacts.SENTENCES.get(why) or PROBLEMS.get(why) or of_end(why)) if why else ""
