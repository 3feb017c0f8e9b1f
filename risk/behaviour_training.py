"""Training of the behaviour score: borrowers as they were known at month-ends of the past, and who of them fell behind afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crm.lib.dates import add_months
from customers.models import Customer
from risk import behaviour, behaviour_rules, feature_values, limit_source, registry, training, words
from risk.models import ScorecardVersion
from risk.monitor_counts import midnight
from risk.monitor_rules import Performance
from risk.registry import UnfitData

MOST = 100_000  # rows of a training: what a card of a dozen features learns does not change with more
HOLDOUT = 3  # every third borrower is held out, with all months of theirs


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of features with `bad`, split by borrower."""

    fitted: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    days: Sequence[date]


def sample(*, until: date, months: int, of: Performance) -> Sample:
    """Return what was known of borrowers at the last `months` month-ends whose months to watch had passed by `until`.

    Features see nothing entered after a month-end; `bad` is what came in the months after it. Both parts have other borrowers.
    """
    last = add_months(until.replace(day=1), -of.months) - timedelta(days=1)
    days = [add_months(last.replace(day=1), 1 - back) - timedelta(days=1) for back in range(months, 0, -1)]
    customers = list(
        Customer.objects.filter(erased_at__isnull=True).order_by("pk").values_list("pk", flat=True)[: max(MOST // len(days), 1)]
    )
    pairs = [(customer, day) for day in days for customer in customers]
    went = limit_source.performance(pairs, months=of.months, bad_dpd=of.dpd)
    asked = [pairs[place] for place in sorted(went)]
    moments = [(customer, midnight(day + timedelta(days=1))) for customer, day in asked]
    names = [*behaviour.FEATURES, "open_lines"]
    rows = feature_values.training_set(moments, names=names)
    parts: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for (customer, _day), bad, values in zip(asked, (went[place] for place in sorted(went)), rows, strict=True):
        if behaviour.owes(values):
            row = {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}
            parts[customer % HOLDOUT == 0].append(row | {"bad": int(bad)})
    return Sample(*parts, days)


def train(*, until: date, actor: Any, at: datetime, months: int = 6, seed: int = 1994) -> ScorecardVersion:
    """Fit a behaviour card on what this house's own borrowers did, register it as a draft with its figures. Takes seconds.

    :raises UnfitData: if there are too few borrowers, or none of them fell behind
    """
    held = behaviour_rules.holding(until)
    found = sample(until=until, months=months, of=held.bad)
    plan = training.Plan(behaviour.CODE, behaviour.FEATURES, words.data("behaviour_reasons"), seed=seed)
    try:
        made = training.train(found.fitted, found.held_out, plan)
    except (training.TrainingFailed, training.ProtectedColumn) as refusal:
        raise UnfitData(str(refusal)) from refusal
    return registry.add_scorecard_version(
        code=behaviour.CODE, name_en="Behaviour score", name_zh="行为评分", content=made.content, metrics=made.metrics,
        data_sha256=made.data_sha256, actor=actor, at=at,
        note=f"{len(found.fitted)} rows of {found.days[0]} to {found.days[-1]}, {held.bad.dpd} days late within {held.bad.months} months",
    )  # fmt: skip
