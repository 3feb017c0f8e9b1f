"""Features: what is known of a customer at a moment, declared once by the app that owns the source.

A source is one SQL statement that computes a few features for whoever is asked about, as of when. The same text serves one customer on
the way of a decision, all customers at night, and the rows of a training set, each as of its own day: only `asked` differs.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from crm.lib.registry import Registry

TYPES = ("money", "integer", "decimal", "category", "boolean")  # those of the facts a strategy reads
NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
LEVELS = ("C1", "C2")  # JR/T 0171-2020; authentication data (C3) is nobody's feature


@dataclass(frozen=True)
class Feature:
    """One thing known of a customer.

    `type` is one of `TYPES`: money comes as Decimal in whole cents, a decimal below 1,000 with at most six places. `window` is how far
    it looks back ("90d", "12m"; empty: all that is on file). `missing` says in words what no value means; empty: there always is one.
    `protected` marks an attribute that no decision may rest on. `pii` is its class of personal data.
    """

    name: str
    meaning: Any
    type: str
    window: str = ""
    missing: Any = ""
    protected: bool = False
    pii: str = "C1"


@dataclass(frozen=True)
class Source:
    """A statement and the features it computes, in the order of its columns.

    `sql` reads the relation `asked(n, customer_id, as_of, today)` and returns `n` and then one column a feature, at most one row per
    `n`; no row means that nothing is known. It may read only what was known at `asked.as_of`: rows by the moment they were entered, never
    today's state of a row that changes. `today` is the day of `as_of` where the customer's lender is. It holds no percent sign.
    """

    name: str
    label: Any
    lineage: Any
    sql: str
    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        if "%" in self.sql:
            raise ValueError(f"{self.name}: the statement holds a percent sign")
        for feature in self.features:
            if not NAME.match(feature.name) or feature.type not in TYPES or feature.pii not in LEVELS:
                raise ValueError(f"{self.name}: {feature.name} is not declared as a feature is")


SOURCES: Registry[Source] = Registry("source of features")
_owner: dict[str, Source] = {}


def register(source: Source) -> Source:
    """Add a source with its features.

    :raises ValueError: if another source has its name or one of its features
    """
    for feature in source.features:
        if _owner.get(feature.name, source) != source:
            raise ValueError(f"feature {feature.name!r} is registered twice")
    SOURCES.register(source.name, source)
    _owner.update({feature.name: source for feature in source.features})
    return source


def every() -> Iterator[tuple[Feature, Source]]:
    """Return all features with their sources, in the order of registration."""
    for source in SOURCES.values():
        for feature in source.features:
            yield feature, source


def names() -> list[str]:
    return [feature.name for feature, _source in every()]


def find(name: str) -> tuple[Feature, Source] | None:
    """Return a feature with its source; None for a name nobody declared."""
    source = _owner.get(name)
    return None if source is None else (next(one for one in source.features if one.name == name), source)


def sources_of(wanted: Iterable[str]) -> list[Source]:
    """Return the sources that compute the features of `wanted`, each once."""
    return list({source.name: source for name in wanted if (source := _owner.get(name)) is not None}.values())
