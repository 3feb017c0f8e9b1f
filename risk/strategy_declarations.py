"""Doors to what a draft declares: the facts it asks for, and the sentences of its reasons. Each keeps the whole draft through `save`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.lib import features
from crm.lib.errors import Invalid
from governance.models import User
from risk import facts, graphs, lint, scoring, strategy_facts, strategy_versions, words
from risk.models import StrategyVersion

TEXTS = ("label_en", "label_zh", "en", "zh", "customer_en", "customer_zh")
LONGEST = 400
Bound = Decimal | None


def ask_for(
    version: StrategyVersion,
    *,
    name: str,
    required: bool,
    values: Sequence[str] = (),
    least: Bound = None,
    most: Bound = None,
    revision: int,
    actor: User,
    at: datetime,
) -> StrategyVersion:
    """Declare a fact, or declare it otherwise; type, meaning and protection come from who tells it.

    :raises Invalid: for a fact nobody tells, a category without values, a protected one that is required
    :raises Unfit, Stale, NotADraft: as `strategy_versions.save`
    """
    row = strategy_facts.declaration(name)
    if row is None:
        raise Invalid(_("Nobody tells this fact."), fields={"name": _("Choose a fact from the list.")})
    if row["type"] == "category":
        row["values"] = list(dict.fromkeys(values)) or row["values"]
        if not row["values"]:
            raise Invalid(_("A category lists its values."), fields={"values": _("Write the values it can have, one a line.")})
    for key, bound in (("min", least), ("max", most)):
        if row["type"] in ("money", "integer", "decimal") and bound is not None:
            row[key] = int(bound) if row["type"] == "integer" and bound == bound.to_integral_value() else str(bound)
    row["required"] = required
    if required and row["protected"]:
        raise Invalid(_("A protected attribute cannot be required."), fields={"required": _("A protected attribute cannot be required.")})
    rows = [dict(one) for one in version.input_schema["facts"]]
    place = next((place for place, one in enumerate(rows) if one["name"] == name), None)
    if place is None:
        rows.append(row)
    else:
        rows[place] = row
    return _with_facts(version, rows, revision=revision, actor=actor, at=at)


def ask_no_longer(version: StrategyVersion, *, name: str, revision: int, actor: User, at: datetime) -> StrategyVersion:
    """Take a fact out of the declaration.

    :raises Unfit: while a rule or the scorecard reads it
    """
    rows = [dict(one) for one in version.input_schema["facts"] if one["name"] != name]
    return _with_facts(version, rows, revision=revision, actor=actor, at=at)


def _with_facts(version: StrategyVersion, rows: list[dict[str, Any]], *, revision: int, actor: User, at: datetime) -> StrategyVersion:
    schema = {**version.input_schema, "facts": rows}
    return strategy_versions.save(version, revision=revision, graph=version.graph, input_schema=schema, actor=actor, at=at)


def word_reason(
    version: StrategyVersion, *, code: str, texts: Mapping[str, str], quiet: bool, factors: bool, revision: int, actor: User, at: datetime
) -> StrategyVersion:
    """Give a reason its texts, for staff and for the customer in both languages; source of law and other marks stay as they were.

    :param quiet: where it spoke, nothing is suggested that would pass
    :param factors: the weakest factors of the score are told with it
    :raises Invalid: for a code that is none, or a text that is absent or too long
    """
    if not facts.NAME.match(code):
        raise Invalid(_("This is no code."), fields={"code": _("Small letters, digits and underscores, a letter first.")})
    told = {name: " ".join(str(texts.get(name) or "").split()) for name in TEXTS}
    if wrong := {
        name: _("A text of at most %(n)s characters.") % {"n": LONGEST} for name, text in told.items() if not 0 < len(text) <= LONGEST
    }:
        raise Invalid(_("A reason is told to staff and to customers, in both languages."), fields=wrong)
    kept = {key: value for key, value in version.reasons.get(code, {}).items() if key not in ("quiet", "factors")}
    marks = {name: True for name, wanted in (("quiet", quiet), ("factors", factors)) if wanted}
    reasons = {**version.reasons, code: {**kept, **told, **marks}}
    return strategy_versions.save(version, revision=revision, graph=version.graph, reasons=reasons, actor=actor, at=at)


def drop_reason(version: StrategyVersion, *, code: str, revision: int, actor: User, at: datetime) -> StrategyVersion:
    """Take a reason away.

    :raises Unfit: while a rule gives it
    """
    reasons = {name: texts for name, texts in version.reasons.items() if name != code}
    return strategy_versions.save(version, revision=revision, graph=version.graph, reasons=reasons, actor=actor, at=at)


# --- what a page shows ----------------------------------------------------------------------------------------------------
def fact_rows(version: StrategyVersion, language: str) -> list[dict[str, Any]]:
    """Return the declared facts in words: name, type, who tells it, what absence means, whether a rule or the scorecard reads it."""
    read = {name.split(".")[0] for raw in version.graph["nodes"] for name in lint.reads(raw)} | _of_card(version)
    return [_fact(row, language) | {"read": row["name"] in read} for row in version.input_schema["facts"]]


def _of_card(version: StrategyVersion) -> set[str]:
    content = strategy_versions.card_of(version.scorecard_code) if version.scorecard_code else None
    return set(scoring.load(content).names) if content else set()


def _fact(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    known = features.find(row["name"])
    meaning, _sign, absent = str(row["meaning"]).partition("; absent ")
    return {
        "row": row, "label": words.label(row["name"], language), "feature": known is not None,
        "source": known[1].label if known else _("the application"), "meaning": "" if known else meaning,
        "missing": known[0].missing if known else absent,
        "choices": [words.word(row["name"], one, language) for one in row.get("values", ())],
    }  # fmt: skip


def not_declared(version: StrategyVersion, language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what may still be asked for as groups of (name, words): what comes with an application, then the catalogue by source."""
    declared = {row["name"] for row in version.input_schema["facts"]}
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in strategy_facts.every():
        if name not in declared:
            known = features.find(name)
            groups.setdefault(str(known[1].label if known else _("the application")), []).append(
                (name, f"{words.label(name, language)} ({name})")
            )
    return list(groups.items())


def reason_rows(version: StrategyVersion, language: str) -> list[dict[str, Any]]:
    """Return the reasons with their short names, texts in the reader's language, and how many rows of the graph give each."""
    given = [rule.reason for node in graphs.read(version.graph).nodes for rule in node.rules if rule.reason]
    side = words.side(language)
    return [
        {"code": code, "label": texts.get(f"label_{side}", code), "staff": texts.get(side, ""), "customer": texts.get(f"customer_{side}", ""),
         "rows": given.count(code), "whole": all(str(texts.get(name) or "").strip() for name in TEXTS)}
        for code, texts in version.reasons.items()
    ]  # fmt: skip
