"""The strict door before a strategy: facts are checked by name and type against the declared schema. Pure.

A rule engine that reads an absent or wrongly typed value says nothing and fires no rule. So what does not fit the schema never reaches it:
it becomes a problem with the fact's name, and the case goes to a person.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

TYPES = ("money", "integer", "decimal", "category", "boolean")
NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
NUMBER = re.compile(r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$")
CENT = Decimal("0.01")
MONEY_LIMIT = Decimal("1000000000000")  # numeric(14,2)
UNFIT = "unfit"


class BadSchema(ValueError):
    """The declaration of the facts is itself wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fact that does not fit: `kind` is missing, wrong_type, not_in_cents, out_of_range, unknown_category or undeclared."""

    fact: str
    kind: str

    @property
    def reason(self) -> str:
        """The reason code that names the fact, such as `fact_missing:income`."""
        return f"fact_{self.kind}:{self.fact}"


@dataclass(frozen=True, slots=True)
class Fact:
    """The declaration of one fact."""

    name: str
    type: str
    required: bool
    protected: bool
    meaning: str
    values: frozenset[str] = frozenset()
    least: Decimal | None = None
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """All facts a strategy version may read."""

    facts: Mapping[str, Fact]

    @property
    def protected(self) -> frozenset[str]:
        return frozenset(name for name, fact in self.facts.items() if fact.protected)


def read_schema(content: Mapping[str, Any]) -> Schema:
    """Read a schema from its JSON.

    :raises BadSchema: if a name, type or bound is not one we know, or a name comes twice
    """
    facts: dict[str, Fact] = {}
    for row in content.get("facts", ()):
        name, kind = row.get("name", ""), row.get("type")
        if not NAME.match(name) or name in facts:
            raise BadSchema(f"{name!r} is not a name, or comes twice")
        if kind not in TYPES:
            raise BadSchema(f"{name}: {kind!r} is not one of {', '.join(TYPES)}")
        values = frozenset(row.get("values", ()))
        if (kind == "category") != bool(values):
            raise BadSchema(f"{name}: a category, and nothing else, lists its values")
        least, most = (Decimal(str(row[key])) if row.get(key) is not None else None for key in ("min", "max"))
        facts[name] = Fact(name, kind, bool(row["required"]), bool(row["protected"]), str(row["meaning"]), values, least, most)
        if facts[name].required and facts[name].protected:
            raise BadSchema(f"{name}: a protected attribute cannot be required")
    if not facts:
        raise BadSchema("a schema declares at least one fact")
    return Schema(facts)


def check(raw: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], list[Problem]]:
    """Return the facts with their Python types, and every problem in the order of the schema.

    An optional fact that is absent comes back as None. A fact with a problem comes back as None too: the caller must not go on with it.
    Accepts what `stored` wrote, so that a stored decision is checked exactly as the first time. Floats are refused: money and rates
    are exact.
    """
    clean: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, fact in schema.facts.items():
        value = raw.get(name)
        clean[name] = None
        if isinstance(value, dict) and set(value) == {UNFIT}:
            problems.append(Problem(name, str(value[UNFIT])))
        elif value is None:
            if fact.required:
                problems.append(Problem(name, "missing"))
        else:
            fitting, kind = _read(value, fact)
            if kind:
                problems.append(Problem(name, kind))
            else:
                clean[name] = fitting
    problems += [Problem(_short(name), "undeclared") for name in sorted(map(str, raw)) if name not in schema.facts]
    return clean, problems


def stored(raw: Mapping[str, Any], clean: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, Any]:
    """Return what may be kept with the decision: checked facts as JSON, money and decimals as text.

    Of a fact that did not fit, only the kind of misfit is kept, never the value: it could be anything, a name or an id number too.
    """
    kept: dict[str, Any] = {}
    for name, value in clean.items():
        if value is not None:
            kept[name] = str(value) if isinstance(value, Decimal) else value
    for problem in problems:
        if problem.kind != "missing":
            kept[problem.fact] = {UNFIT: problem.kind}
    return kept


def for_engine(clean: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the facts as the rule engine takes them: without the protected ones, numbers as int or float.

    The engine computes in decimals but refuses Python's Decimal. A float carries any decimal of 15 significant digits through without a
    loss, and `numeric(14,2)` has 14; the engine reads the shortest text of the float. A property test holds this for the whole range.
    """
    return {name: _number(value) if isinstance(value, Decimal) else value
            for name, value in clean.items() if not schema.facts[name].protected}  # fmt: skip


def money(value: Any) -> Decimal:
    """Return an amount that came out of the engine, in whole cents.

    :raises ValueError: if it is not a number in whole cents
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not an amount")
    amount = Decimal(repr(value))
    if not amount.is_finite() or amount != amount.quantize(CENT):
        raise ValueError(f"{value!r} is not in whole cents")
    return amount.quantize(CENT)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _read(value: Any, fact: Fact) -> tuple[Any, str]:
    """Return the value in its Python type and an empty text, or None and the kind of misfit."""
    if fact.type == "boolean":
        return (value, "") if isinstance(value, bool) else (None, "wrong_type")
    if fact.type == "category":
        if not isinstance(value, str):
            return None, "wrong_type"
        return (value, "") if value in fact.values else (None, "unknown_category")
    if fact.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int):
            return None, "wrong_type"
        number = Decimal(value)
        fitting: Any = value
    else:
        found = _exact(value)
        if found is None:
            return None, "wrong_type"
        number = fitting = found
        if fact.type == "money":
            if abs(number) >= MONEY_LIMIT:
                return None, "out_of_range"
            if number != number.quantize(CENT):
                return None, "not_in_cents"
            fitting = number.quantize(CENT)
        elif abs(number) >= 1000 or number != round(number, 6):
            return None, "out_of_range"
    if (fact.least is not None and number < fact.least) or (fact.most is not None and number > fact.most):
        return None, "out_of_range"
    return fitting, ""


def _exact(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    if isinstance(value, str) and not NUMBER.match(value):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _short(name: str) -> str:
    return name if NAME.match(name) else "unnamed"
