"""Who a backtest runs over: past decisions with the facts stored then, or a made population of applications."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from risk import facts, tallies
from risk.models import Decision, Strategy
from risk.tallies import Answer

MOST = 50_000
PAST, GENERATED, UPLOADED = "past", "generated", "uploaded"


class NobodyThere(Invalid):
    """No application answers to the description."""

    code = "no_population"


@dataclass(frozen=True, slots=True)
class Row:
    """One application before it is run: its key, its facts, what was decided and when, what it is about."""

    ref: int
    facts: Mapping[str, Any]
    decided: Answer | None = None
    subject: str = ""
    product: str = ""
    at: datetime | None = None  # when it was decided
    computed: tuple[str, ...] = ()  # facts that were not stored then and come out of the catalogue, as of `at`


@dataclass(frozen=True)
class Past:
    """Which past decisions: of a strategy, in a period, with an outcome, of a segment; the newest `limit` of them."""

    first: date | None = None
    last: date | None = None
    outcome: str = ""
    segment: Mapping[str, str] = field(default_factory=dict)
    limit: int = 2_000

    def content(self) -> dict[str, Any]:
        return {
            "source": PAST, "first": self.first.isoformat() if self.first else None, "last": self.last.isoformat() if self.last else None,
            "outcome": self.outcome, "segment": dict(self.segment), "limit": self.limit,
        }  # fmt: skip


def past(strategy: Strategy, asked: Past, *, actor: Any) -> list[int]:
    """Return the keys of the decisions that `asked` describes and `actor` may see, newest first.

    :raises NobodyThere: if there are none
    :raises Invalid: for a day at the edge of the calendar
    """
    for name, day in (("first", asked.first), ("last", asked.last)):
        if day and not 1900 <= day.year < 2200:  # the edge of the calendar has no next day
            sentence = _("The period must lie between 1900 and 2199.")
            raise Invalid(sentence, fields={name: sentence})
    rows: QuerySet[Decision] = Decision.objects.visible_to(actor).filter(strategy_version__strategy=strategy)
    if asked.first:
        rows = rows.filter(at__gte=make_aware(datetime.combine(asked.first, time.min)))
    if asked.last:
        rows = rows.filter(at__lt=make_aware(datetime.combine(asked.last + timedelta(days=1), time.min)))
    if asked.outcome:
        rows = rows.filter(outcome=asked.outcome)
    if asked.segment:
        rows = rows.filter(facts__contains=dict(asked.segment))
    found = list(rows.order_by("-pk").values_list("pk", flat=True)[: min(asked.limit, MOST)])
    if not found:
        raise NobodyThere(_("No decision answers to this description. Widen the period or leave the segment out."))
    return found


def stored(keys: Sequence[int]) -> list[Row]:
    """Return past decisions with their facts as stored, in the order of `keys`."""
    names = ("pk", "subject", "facts", "sources", "at", "outcome", "grade", "limit", "annual_rate", "pd", "reasons")
    found = {
        pk: Row(pk, known, tallies.answer(outcome, grade, limit, rate, pd, reasons), subject, _product(sources), at)
        for pk, subject, known, sources, at, outcome, grade, limit, rate, pd, reasons in Decision.objects.filter(pk__in=keys).values_list(
            *names
        )
    }
    return [found[key] for key in keys if key in found]


def _product(sources: Mapping[str, Any]) -> str:
    """Return the product a decision was about: its terms name it as their source."""
    told = str((sources.get("product_min") or {}).get("source", ""))
    return told.removeprefix("product ").strip() if told.startswith("product ") else ""


def groups(row: Row, dimensions: Iterable[str], protected: Iterable[str] = ()) -> dict[str, str]:
    """Return the groups a row belongs to, by dimension: words of categories, bands of numbers. What is not known is left out."""
    found: dict[str, str] = {}
    for name in dimensions:
        value = row.facts.get(name)
        if isinstance(value, bool):
            found[name] = "yes" if value else "no"
        elif isinstance(value, str):
            found[name] = value
    for name, edges in (("age", tallies.AGES), ("term", tallies.TERMS)):
        number = row.facts.get(name)
        if isinstance(number, int) and not isinstance(number, bool):
            found[f"{name}_band"] = tallies.band(number, edges)
    amount = cents(row.facts.get("amount"))
    if amount is not None:
        found["amount_band"] = tallies.band(amount // 100, tallies.LIMITS)
    if row.product:
        found["product"] = row.product
    for name in protected:
        told = str(row.facts.get(name, ""))
        if told.startswith(("female", "male")):
            found["sex"] = "female" if told.startswith("female") else "male"
    return found


def cents(value: Any) -> int | None:
    """Return an amount as stored or given in whole cents; None for anything else."""
    found = facts._exact(value)
    return None if found is None else int(found * 100)


def months(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def fitted(known: Mapping[str, Any], schema: facts.Schema, defaults: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return the facts a version declares, the declared ones that are absent, and those for which a default stands.

    What a version does not ask for is left out: it would be refused as undeclared, and it was not asked for by mistake.
    """
    made: dict[str, Any] = {}
    absent: list[str] = []
    assumed: list[str] = []
    for name in schema.facts:
        value = known.get(name)
        if value is None:
            if name in defaults:
                made[name] = defaults[name]
                assumed.append(name)
            else:
                absent.append(name)
        else:
            made[name] = value
    return made, absent, assumed


def default_of(text: str, fact: facts.Fact) -> Any:
    """Return what an analyst wrote for an absent fact in the fact's type.

    :raises Invalid: if it does not fit the declaration
    """
    found = read(text, fact)
    if found is None:
        sentence = _("“%(text)s” does not fit the fact %(fact)s.") % {"text": text[:40], "fact": fact.name}
        raise Invalid(sentence, fields={"defaults": sentence})
    return found


def read(text: str, fact: facts.Fact) -> Any:
    """Return a text in the fact's type as facts are stored; None where it does not fit."""
    value: Any = text.strip()
    if fact.type == "boolean":
        value = {"yes": True, "true": True, "1": True, "是": True, "no": False, "false": False, "0": False, "否": False}.get(value.lower())
    elif fact.type == "integer":
        value = int(value) if re.fullmatch(r"-?[0-9]{1,12}", value) else None
    if value is None:
        return None
    found, kind = facts._read(value, fact)
    if kind:
        return None
    return str(found) if isinstance(found, Decimal) else found


def money_of(number: int) -> Decimal:
    """Return whole cents as an amount."""
    return Decimal(number).scaleb(-2)


def share_of(number: int | None) -> Decimal | None:
    """Return millionths as a share."""
    return None if number is None else Decimal(number).scaleb(-6)
