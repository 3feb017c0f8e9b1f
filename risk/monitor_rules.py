"""By what monitoring judges: bounds and windows as rules, so that a house sets its own and it is known since when."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from governance import rules
from governance.models import Rule

PSI = "risk.monitor.psi"
MISSING = "risk.monitor.missing"
RANKING = "risk.monitor.ranking"
CALIBRATION = "risk.monitor.calibration"
APPROVAL = "risk.monitor.approval"
OVERRIDES = "risk.monitor.overrides"
LATENCY = "risk.monitor.latency"
PERFORMANCE = "risk.monitor.performance"
EARLY = "risk.monitor.early"
LEAST = "risk.monitor.least"
REFERENCE = "risk.monitor.reference"
PAIRS: Final = (PSI, MISSING, RANKING, CALIBRATION, APPROVAL, OVERRIDES, LATENCY)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where one looks and where one acts."""

    watch: Decimal
    act: Decimal

    def level(self, value: float | Decimal | None) -> str:
        """Return "act", "watch" or, within bounds, nothing."""
        if value is None:
            return ""
        return "act" if value >= self.act else "watch" if value >= self.watch else ""


@dataclass(frozen=True, slots=True)
class Performance:
    """Who counts as bad: past due by `dpd` days within `months` of the money going out."""

    months: int
    dpd: int


@dataclass(frozen=True, slots=True)
class Held:
    """What monitoring judges by on a day."""

    psi: Bounds
    missing: Bounds
    ranking: Bounds
    calibration: Bounds
    approval: Bounds
    overrides: Bounds
    latency: Bounds  # milliseconds
    full: Performance
    early: Performance
    least_rows: int
    least_bad: int
    reference_months: int


def holding(on: date) -> Held:
    """Return what holds on a day; one query.

    :raises NoRule: if a rule was ended and none took its place
    """
    held = rules.together(*PAIRS, PERFORMANCE, EARLY, LEAST, REFERENCE, on=on)
    bounds = {code: Bounds(*(Decimal(str(each)) for each in held[code].value)) for code in PAIRS}
    full, early = (Performance(*(int(each) for each in held[code].value)) for code in (PERFORMANCE, EARLY))
    rows, bad = (int(each) for each in held[LEAST].value)
    return Held(
        psi=bounds[PSI], missing=bounds[MISSING], ranking=bounds[RANKING], calibration=bounds[CALIBRATION], approval=bounds[APPROVAL],
        overrides=bounds[OVERRIDES], latency=bounds[LATENCY], full=full, early=early, least_rows=rows, least_bad=bad,
        reference_months=int(held[REFERENCE].value),
    )  # fmt: skip


def seed() -> None:
    """Create the rules that are missing. The bounds of the index are those of practice; the others are the house's policy."""
    for code, value, unit, en, zh in (
        (PSI, ["0.10", "0.25"], "index", "Population stability index: watch, act", "群体稳定性指标（PSI）：关注、处置"),
        (MISSING, ["0.05", "0.10"], "share above", "Share missing above the reference: watch, act", "缺失率高于基准：关注、处置"),
        (RANKING, ["0.03", "0.05"], "AUC lost", "Ranking below what was measured at approval: watch, act", "排序能力较批准时下降：关注、处置"),
        (CALIBRATION, ["1.20", "1.50"], "ratio", "Bad observed over bad predicted: watch, act", "实际坏账与预测之比：关注、处置"),
        (APPROVAL, ["0.10", "0.20"], "share, off by", "Approval rate away from the reference: watch, act", "批准率偏离基准：关注、处置"),
        (OVERRIDES, ["0.60", "0.85"], "share of cases", "Referrals that people approve: watch, act", "转人工后被批准的比例：关注、处置"),
        (LATENCY, ["50", "200"], "milliseconds", "One decision of a hundred takes longer: watch, act", "百分之一的决策耗时超过：关注、处置"),
        (PERFORMANCE, [12, 90], "months, days late", "Who counts as bad: months watched, days past due", "坏客户定义：表现期（月）、逾期天数"),
        (EARLY, [3, 30], "months, days late", "Early sign: months watched, days past due", "早期表现：表现期（月）、逾期天数"),
        (LEAST, [50, 10], "rows, bad", "Fewer than that are not judged: rows, bad", "少于此数不作判断：笔数、坏账数"),
        (REFERENCE, 3, "months", "Months after go-live that serve as reference", "上线后作为基准的月数"),
    ):  # fmt: skip
        rules.put(
            code, value=value, unit=unit, meaning_en=en, meaning_zh=zh, verification=Rule.Verification.POLICY, effective_from=date(2020, 1, 1)
        )  # fmt: skip
