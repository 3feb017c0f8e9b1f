"""The three stages of credit risk and the expected loss that follows. Pure.

Stage 2 at the latest when more than 30 days past due, stage 3 at the latest from 90 days past due and for every non-performing class
(IFRS 9 5.5.11, B5.5.37). A loan comes down one stage at a time, after a cure period without arrears.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit.classification import NORMAL, SUBSTANDARD
from crm.lib.money import quantize

FINE, RISEN, IMPAIRED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Staging:
    """When a stage begins, how long it is cured, and the shares that make the expected loss.

    `pd` maps a grade to the probabilities of default of stages 1, 2 and 3 (12 months, life, life); "" stands for any other grade.
    `lgd` are the shares lost given default, by stage; `ccf` is the share of what may still be drawn that is expected to be drawn
    before a default (credit conversion factor).
    """

    two_above: int
    three_from: int
    cure_two: int
    cure_three: int
    pd: Mapping[str, tuple[Decimal, Decimal, Decimal]]
    lgd: tuple[Decimal, Decimal, Decimal]
    ccf: Decimal = Decimal(0)


def at_least(*, dpd: int, risk_class: int, floor: int, rules: Staging) -> int:
    """Return the stage below which a loan may not be: by its days, its class, and what people or a restructuring found."""
    if dpd >= rules.three_from or risk_class >= SUBSTANDARD:
        return IMPAIRED
    return RISEN if dpd > rules.two_above or floor > NORMAL else FINE


def stage(least: int, *, was: int, cured_on: date | None, as_of: date, rules: Staging) -> int:
    """Return the stage on `as_of`: worse at once, better by one when its cure period without arrears is over."""
    if least >= was:
        return least
    needed = rules.cure_three if was == IMPAIRED else rules.cure_two
    return was - 1 if cured_on is not None and (as_of - cured_on).days >= needed else was


def expected_loss(exposure: Decimal, *, grade: str, stage: int, rules: Staging, undrawn: Decimal = Decimal(0)) -> Decimal:
    """Return probability of default × loss given default × exposure, rounded once (HALF_UP).

    What may still be drawn counts with its conversion factor: a commitment has an expected loss too (IFRS 9 B5.5.30, 5.5.20).
    """
    default = rules.pd.get(grade, rules.pd[""])[stage - 1]
    return quantize((exposure + undrawn * rules.ccf) * default * rules.lgd[stage - 1])
