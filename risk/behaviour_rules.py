"""By what the behaviour score is trained and answered: who counts as bad, when a warning goes out, when a limit is proposed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from governance import rules
from governance.models import Rule
from risk.monitor_rules import Bounds, Performance

PERFORMANCE = "risk.behaviour.performance"
WARNING = "risk.behaviour.warning"
RAISE = "risk.behaviour.raise"
LOWER = "risk.behaviour.lower"


@dataclass(frozen=True, slots=True)
class Held:
    """What holds on a day."""

    bad: Performance
    warning: Bounds  # probability
    raise_pd: Decimal
    raise_months: int
    raise_share: Decimal
    lower_pd: Decimal
    lower_share: Decimal


def holding(on: date) -> Held:
    """Return what holds on a day; one query.

    :raises NoRule: if a rule was ended and none took its place
    """
    held = rules.together(PERFORMANCE, WARNING, RAISE, LOWER, on=on)
    months, dpd = held[PERFORMANCE].value
    watch, act = held[WARNING].value
    raise_pd, raise_months, raise_share = held[RAISE].value
    lower_pd, lower_share = held[LOWER].value
    return Held(
        Performance(int(months), int(dpd)), Bounds(Decimal(watch), Decimal(act)), Decimal(raise_pd), int(raise_months), Decimal(raise_share),
        Decimal(lower_pd), Decimal(lower_share),
    )  # fmt: skip


def seed() -> None:
    """Create the rules that are missing: the house's policy."""
    for code, value, unit, en, zh in (
        (PERFORMANCE, [3, 30], "months, days late", "Behaviour score, who counts as bad: months watched, days past due", "行为评分的坏客户定义：表现期（月）、逾期天数"),
        (WARNING, ["0.30", "0.60"], "probability", "Early warning of a borrower: watch, act", "借款人早期预警概率：关注、处置"),
        (RAISE, ["0.05", 3, "0.20"], "PD, months, share", "Higher limit: probability at most, months here at least, by what share", "提额建议：概率上限、在账月数下限、提额比例"),
        (LOWER, ["0.30", "0.50"], "PD, share", "Lower limit: probability at least, by what share", "降额建议：概率下限、降额比例"),
    ):  # fmt: skip
        rules.put(
            code, value=value, unit=unit, meaning_en=en, meaning_zh=zh, verification=Rule.Verification.POLICY, effective_from=date(2020, 1, 1)
        )  # fmt: skip
