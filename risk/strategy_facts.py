"""The facts a strategy may declare: what the house tells of each application, and any feature of the catalogue.

What the house tells stands in `data/input_schema.json` and comes with the application. A feature is computed when somebody is judged, as of
that moment, and is kept with the decision under its source; so a decision replays without asking again. Decisions of a day on which the
version did not yet ask for it get it as of their own moment.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import translation

from crm.lib import features
from crm.lib.registry import Registry
from risk import feature_values, words
from risk.findings import ERROR, Finding
from risk.populations import Row

PREFIX = "feature "  # of the source of a fact that came out of the catalogue, before the name of its statement
Customers = Callable[[Sequence[str]], Mapping[str, int]]
CUSTOMERS: Registry[Customers] = Registry("customers of subjects by kind")


def subject_customers(kind: str, source: Customers) -> None:
    """Let `source(public_ids)` tell whose the subjects of `kind` are, such as "credit.application"; one query for all of them."""
    CUSTOMERS.register(kind, source)


def filled(
    asked: Iterable[str], told: Mapping[str, Any], *, customer_id: int | None, at: datetime
) -> tuple[Mapping[str, Any], dict[str, dict[str, str]]]:
    """Return `told` with those features of `asked` that it lacks, as known of the customer at `at`, and their sources.

    What was told stands; what the house itself tells and did not, such as of a bureau it may not ask, is not looked for elsewhere. Without
    a customer nothing is computed. One statement for each source that is asked.
    """
    names = [name for name in asked if told.get(name) is None and name not in words.offered()]
    if not names or customer_id is None:
        return told, {}
    found = {name: value for name, value in feature_values.online(customer_id, as_of=at, names=names).items() if value is not None}
    return {**told, **found}, {name: source_of(name, at) for name in found}


def source_of(name: str, at: datetime) -> dict[str, str]:
    """Return source and moment of a computed fact, as they are kept with a decision."""
    known = features.find(name)
    return {"source": f"{PREFIX}{known[1].name if known else name}"[:40], "as_of": at.isoformat(timespec="seconds")}


def completed(rows: Sequence[Row], asked: Iterable[str]) -> list[Row]:
    """Return past applications with those features of `asked` that were not stored then, computed as of each one's own moment.

    `Row.computed` names them. Rows of subjects whose customer no app tells stay as they are. One query a kind of subject, one a source.
    """
    wanted = tuple(dict.fromkeys(asked))
    short = [row for row in rows if row.at and any(row.facts.get(name) is None for name in wanted)]
    if not wanted or not short:
        return list(rows)
    owners = _customers({row.subject for row in short})
    pairs = [(row, owners[row.subject]) for row in short if row.subject in owners]
    values = feature_values.training_set(((customer, row.at) for row, customer in pairs if row.at), names=wanted)
    made: dict[int, Row] = {}
    for (row, _customer), known in zip(pairs, values, strict=True):
        fresh = {name: value for name, value in feature_values.as_text(known).items() if row.facts.get(name) is None}
        made[row.ref] = replace(row, facts={**row.facts, **fresh}, computed=tuple(fresh))
    return [made.get(row.ref, row) for row in rows]


def _customers(subjects: Iterable[str]) -> dict[str, int]:
    kinds: dict[str, list[str]] = {}
    for subject in sorted(subjects):
        kind, _colon, about = subject.partition(":")
        if about and kind in CUSTOMERS:
            kinds.setdefault(kind, []).append(about)
    return {f"{kind}:{about}": customer for kind, ids in kinds.items() for about, customer in CUSTOMERS[kind](ids).items()}


def problems(input_schema: Mapping[str, Any]) -> list[Finding]:
    """Return declared facts that nobody could ever tell, or that are declared otherwise than they come."""
    found: list[Finding] = []
    for row in input_schema["facts"]:
        known = declaration(row["name"])
        if known is None:
            found.append(Finding("unknown_fact", ERROR, args={"name": row["name"]}))
        elif known["type"] != row["type"]:
            found.append(Finding("other_type", ERROR, args={"name": row["name"], "type": known["type"], "told": row["type"]}))
        elif known["protected"] and not row["protected"]:
            found.append(Finding("unprotected", ERROR, args={"name": row["name"]}))
    return found


def declaration(name: str) -> dict[str, Any] | None:
    """Return how a fact is declared when a strategy begins to ask for it; None for what nobody tells.

    A feature is optional: it says nothing of people without history. The values of a category are those the analyst names.
    """
    house = next((row for row in words.data("input_schema")["facts"] if row["name"] == name), None)
    if house is not None:
        return dict(house)
    known = features.find(name)
    if known is None:
        return None
    feature, _source = known
    with translation.override("en"):
        meaning = str(feature.meaning)
        absent = str(feature.missing)
    row: dict[str, Any] = {
        "name": name, "type": feature.type, "required": False, "protected": feature.protected,
        "meaning": f"{meaning}; absent: {absent}" if absent else meaning,
        "label_en": words.label(name, "en"), "label_zh": words.label(name, "zh-hans"),
    }  # fmt: skip
    return row | ({"values": []} if feature.type == "category" else {})


def every() -> list[str]:
    """Return the names of everything a strategy may ask for: what the house tells, then the catalogue."""
    return list(dict.fromkeys([*(row["name"] for row in words.data("input_schema")["facts"]), *features.names()]))
