"""What a business date makes of one loan: the pure rule behind the close of day, step by step in the declared order.

`credit/close_steps.py` carries the same steps as SQL for whole portfolios; a property test holds the two against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit import accrual, classification, delinquency, staging
from crm.lib.money import total

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that is data about a close."""

    classes: classification.Thresholds
    stages: staging.Staging


@dataclass(frozen=True, slots=True)
class Standing:
    """What the close of the day before left behind."""

    risk_class: int = classification.NORMAL
    stage: int = staging.FINE
    cured_on: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """One unpaid instalment: its late side, and the unpaid interest and fees that belong to the exposure once it is missed."""

    late: accrual.Late
    extra: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """What the close of a day leaves behind."""

    penalties: tuple[Decimal, ...]
    dpd: int
    treatment_dpd: int
    delinquency_range: str
    bucket: int
    oldest_due_on: date | None
    risk_class: int
    stage: int
    cured_on: date | None
    ecl: Decimal


def close(
    dues: Sequence[Due],
    *,
    due_dates: Sequence[date],
    as_of: date,
    grace_days: int,
    penalty_rate: Decimal,
    grade: str,
    principal_outstanding: Decimal,
    was: Standing,
    floor: int,
    pauses: Sequence[delinquency.Pause],
    ranges: Sequence[delinquency.Range],
    rules: Rules,
    charged_off: bool = False,
    undrawn: Decimal = ZERO,
) -> Day:
    """Return what the close of `as_of` makes of a loan.

    :param dues: its unpaid instalments
    :param due_dates: of all its instalments
    :param floor: gravest class that people or a restructuring set for that day
    :param undrawn: what may still be drawn of a line, or of a loan paid out in parts
    :param charged_off: its loss was taken already: none is expected any more
    """
    missed = [due for due in dues if accrual.missed(due.late.due_on, as_of, grace_days)]
    penalties = tuple(accrual.penalty(due.late, annual_rate=penalty_rate, as_of=as_of, grace_days=grace_days) for due in dues)
    dpd = accrual.days_past_due([due.late for due in dues], as_of=as_of, grace_days=grace_days)
    oldest = min((due.late.due_on for due in missed if due.late.owed > 0), default=None)
    treatment = delinquency.treatment_days(oldest, as_of=as_of, grace_days=grace_days, pauses=pauses)
    span = delinquency.range_of(treatment, ranges) if treatment else None
    watched = was.risk_class >= classification.SUBSTANDARD or was.stage > staging.FINE
    cured_on = (was.cured_on or as_of) if watched and not dpd else None
    risk_class = classification.classify(
        dpd=dpd, floor=floor, was=was.risk_class, cured_on=cured_on, due_dates=due_dates, as_of=as_of, thresholds=rules.classes
    )
    least = staging.at_least(dpd=dpd, risk_class=risk_class, floor=floor, rules=rules.stages)
    stage = staging.stage(least, was=was.stage, cured_on=cured_on, as_of=as_of, rules=rules.stages)
    if stage == staging.FINE and risk_class < classification.SUBSTANDARD:
        cured_on = None  # nothing is left to be cured
    elif stage < was.stage:
        cured_on = as_of  # the next stage has a cure period of its own
    exposure = principal_outstanding + total([due.extra for due in missed])
    return Day(
        penalties=penalties,
        dpd=dpd,
        treatment_dpd=treatment,
        delinquency_range=span.name if span else "",
        bucket=accrual.bucket(dpd),
        oldest_due_on=oldest,
        risk_class=risk_class,
        stage=stage,
        cured_on=cured_on,
        ecl=ZERO if charged_off else staging.expected_loss(exposure, grade=grade, stage=stage, rules=rules.stages, undrawn=undrawn),
    )
