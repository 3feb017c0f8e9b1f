"""Treatment strategies as a kind of strategy: the facts they are told, what their graph ends with, what a step can be. Pure.

A graph says first whether something ends the treatment at once (`exit`), then which path a case is on (`path`), then the steps of that path
by day (`steps`). A step is a row of the table of steps: its name, its day on the path, the act, the template and the hour of a message.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from risk import kinds
from risk.findings import Finding

KIND, MODULE = "treatment", "collection.treatment_shape"
FILE = Path(__file__).parent / "data" / "treatment.json"
CODE = "treatment"
TREAT, EXIT = "treat", "exit"

REMIND = ("sms", "email", "app")
WRITTEN = (*REMIND, "ivr")  # what a gateway carries, with words from a template
DESK = ("call", "letter", "visit")  # a collector's next action
AGENCY = "agency"
HANDED_ON = (AGENCY, "legal")  # another desk's work
NEEDS_GATEWAY = ("app", "ivr")  # carried where the house has a gateway for it
WAIT = "wait"
ACTIONS: Mapping[str, Any] = {
    WAIT: _("wait"), "sms": _("SMS"), "email": pgettext_lazy("channel", "E-mail"), "app": _("Message in the app"), "ivr": _("Automatic call"),
    "call": _("Call by a collector"), "letter": _("Letter"), "visit": _("Field visit"), "agency": _("Placement with an agency"),
    "legal": _("Legal action"),
}  # fmt: skip
BY_PEOPLE = (*DESK, *HANDED_ON)
# What ends a treatment at once, and the fact that tells it. Asked before every step.
EXITS: Mapping[str, str] = {
    "deceased": "deceased", "do_not_contact": "do_not_contact", "complaint": "complaint_open", "dispute": "dispute_open",
    "hardship": "hardship_open", "vulnerable": "vulnerable", "promised": "promise_open", "paid": "paid",
}  # fmt: skip
EXIT_WORDS: Mapping[str, Any] = {
    "deceased": _("the customer has died"), "do_not_contact": _("the customer is not to be contacted"), "complaint": _("a complaint is open"),
    "dispute": _("the debt is disputed"), "hardship": _("hardship is being looked at"), "vulnerable": _("the customer needs special care"),
    "promised": _("a promise runs"), "paid": _("nothing is overdue"),
}  # fmt: skip
STEP = re.compile(r"^[a-z][a-z0-9_-]{0,29}$")
HOUR = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
LAST_DAY = 730
COLUMNS = ("step", "day", "action", "template", "hour")


class NotAsAgreed(ValueError):
    """The graph gave something that is no treatment."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a path: `day` counts from the day the case entered it."""

    name: str
    day: int
    action: str
    template: str = ""
    hour: str = ""

    @property
    def place(self) -> tuple[int, str]:
        return self.day, self.name


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of steps as it is written: the paths it is for (none: every one), the step, and what else it asks."""

    node: str
    label: str
    number: int
    paths: tuple[str, ...]
    step: Step | None
    asks: str


@cache
def shipped() -> Mapping[str, Any]:
    """Return what the house brings: graph, declaration of the facts, texts of the reasons, saved cases."""
    found: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def read_steps(given: Any) -> tuple[Step, ...]:
    """Return the steps a graph gave, in their order.

    :raises NotAsAgreed: if one is none
    """
    if not isinstance(given, list):
        raise NotAsAgreed("steps")
    found = [_step(one) for one in given]
    return tuple(sorted(found, key=lambda one: one.place))


def _step(given: Any) -> Step:
    if not isinstance(given, Mapping):
        raise NotAsAgreed("step")
    name, day, action = given.get("step"), given.get("day"), given.get("action")
    template, hour = given.get("template") or "", given.get("hour") or ""
    if not isinstance(name, str) or not STEP.match(name) or action not in ACTIONS:
        raise NotAsAgreed(f"step {name!r}")
    if isinstance(day, bool) or not isinstance(day, int | float) or day != int(day) or not 0 <= day <= LAST_DAY:
        raise NotAsAgreed(f"day of {name}")
    if not isinstance(template, str) or not isinstance(hour, str) or (hour and not HOUR.match(hour)):
        raise NotAsAgreed(f"hour of {name}")
    return Step(name, int(day), str(action), template, hour)


def conclude(result: Mapping[str, Any], reasons: Mapping[str, Any]) -> dict[str, Any]:
    """Read the end of the graph.

    :raises NotAsAgreed: if it is no treatment
    """
    outcome, codes = result["outcome"], [str(code) for code in result["reasons"] if code]
    if outcome not in (TREAT, EXIT) or not codes or any(code not in reasons for code in codes):
        raise NotAsAgreed(str(outcome))
    figures: dict[str, Any] = {}
    if outcome == EXIT:
        if result.get("exit") not in EXITS:
            raise NotAsAgreed("exit")
        figures["exit"] = result["exit"]
    else:
        path = result.get("path")
        if not isinstance(path, str) or not STEP.match(path):
            raise NotAsAgreed("path")
        steps = read_steps(result.get("steps"))
        figures |= {
            "path": path,
            "steps": [dict(zip(COLUMNS, (s.name, s.day, s.action, s.template, s.hour), strict=True)) for s in steps],
        }
    return {"outcome": outcome, "reasons": tuple(dict.fromkeys(codes)), "figures": figures}


# --- the tables of a graph, as they are written --------------------------------------------------------------------
def tables(graph: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """Return the decision tables with an output of this name."""
    return [
        raw for raw in graph["nodes"]
        if raw["type"] == "decisionTableNode" and any(column["field"] == field for column in raw["content"]["outputs"])
    ]  # fmt: skip


def literal(text: Any) -> str | None:
    """Return what a cell says when it is a text or a number written out; None otherwise, "" for an empty one."""
    text = str(text or "").strip()
    if not text or text == "null":
        return ""
    if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        return text[1:-1]
    return text if text.lstrip("-").isdigit() else None


def rows(graph: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of the tables of steps; `step` is None where a cell is computed, or says nothing that fits."""
    for raw in tables(graph, "step"):
        content = raw["content"]
        outputs = {column["field"]: column["id"] for column in content["outputs"]}
        for number, row in enumerate(content["rules"]):
            said = {name: literal(row.get(outputs.get(name, ""))) for name in COLUMNS}
            step: Step | None = None
            if None not in said.values() and (said["day"] or "").isdigit():
                try:
                    step = _step(said | {"day": int(said["day"] or 0)})
                except NotAsAgreed:
                    step = None
            asks = [_asked(column.get("field", ""), cell) for column in content["inputs"]
                    if column.get("field") != "path" and (cell := str(row.get(column["id"]) or "").strip())]  # fmt: skip
            yield Row(raw["id"], raw["name"], number + 1, _paths_of(row, content), step, " and ".join(asks))


def _asked(field: str, cell: str) -> str:
    """Return what a cell asks as a condition one can read: a yes or no without its “true”, a bare value with its “=”."""
    if cell == "true":
        return field
    bare = cell == "false" or cell[:1] == '"' or cell.lstrip("-").isdigit()
    return f"{field} == {cell}" if bare and "," not in cell else f"{field} {cell}"


def _paths_of(row: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[str, ...]:
    column = next((one["id"] for one in content["inputs"] if one.get("field") == "path"), "")
    return tuple(re.findall(r'"([^"]*)"', str(row.get(column) or "")))


def paths(graph: Mapping[str, Any]) -> list[str]:
    """Return the paths that some segment leads to, in order."""
    found: list[str] = []
    for raw in tables(graph, "path"):
        column = next(one["id"] for one in raw["content"]["outputs"] if one["field"] == "path")
        found += [code for row in raw["content"]["rules"] if (code := literal(row.get(column)))]
    return list(dict.fromkeys(found))


def _fitting(graph: Mapping[str, Any], schema: Any) -> list[Finding]:
    from collection import treatment_lint

    return treatment_lint.findings(graph, schema)


def _sections(version: Any, language: str) -> list[dict[str, Any]]:
    from collection import treatment_words

    return treatment_words.sections(version, language)


def _used(version: Any) -> list[tuple[Any, str]]:
    from collection import treatment_words

    return treatment_words.used(version)


SENTENCES: Mapping[str, Any] = {
    "no_exit_table": _("No table asks what ends a treatment: one with the output “exit” has to stand before the segments."),
    "exit_missing": _("Nothing ends the treatment when %(exit)s: a step would be taken all the same."),
    "exit_not_first": _("The segments, or the steps, can be reached past the table of exits."),
    "no_path_table": _("No table says which path a case is on: its output is “path”."),
    "no_step_table": _("No table says the steps of the paths: its output is “step”."),
    "path_computed": _("The row does not write its path out, so nobody can check it."),
    "path_without_steps": _("The path “%(path)s” has no step: a case on it would lie still."),
    "steps_without_path": _("No segment leads to the path “%(path)s”."),
    "step_computed": _("The row does not say a step: name, day from 0 to 730, act, and the hour of a message as 10:00, all written out."),
    "step_twice": _("The path “%(path)s” has two steps named “%(step)s”: each is taken once."),
    "path_ends_alone": _("The last step of the path “%(path)s” is no person's work: whoever does not answer would lie still."),
    "no_template": _("There are no live words “%(template)s” for %(channel)s."),
    "template_needed": _("A message needs a template."),
    "not_a_template": _("“%(template)s” is no message of collections."),
    "outside_hours": _("%(hour)s lies outside the hours of contact, %(opens)s to %(closes)s (rule %(rule)s)."),
    "too_many_a_day": _("The path “%(path)s” has %(n)s steps by %(channel)s on one day; the contact policy allows %(most)s (rule %(rule)s)."),
    "too_many_a_week": _("The path “%(path)s” has %(n)s steps by %(channel)s in seven days; the contact policy allows %(most)s (rule %(rule)s)."),
    "too_many_a_month": _("The path “%(path)s” has %(n)s contacts in thirty days; the contact policy allows %(most)s (rule %(rule)s)."),
    "no_gateway": _("No gateway is connected for %(channel)s: the step would be passed over."),
}  # fmt: skip
TREATMENT = kinds.register(
    kinds.Kind(
        KIND, _("Treatment"), "collections.change_treatment", module=MODULE, outcomes=(TREAT, EXIT),
        known=frozenset({"outcome", "reasons", "exit", "path", "steps", "step", "day", "action", "template", "hour"}),
        fitting=_fitting, conclude=conclude, sections=_sections, used=_used, sentences=SENTENCES, graded=False, spares=frozenset({"unused_fact", "twin_rows"}),
        experiments="treatments", dry_run=("treatment-dry-run-new", "collections.change_treatment"),
    )
)  # fmt: skip
