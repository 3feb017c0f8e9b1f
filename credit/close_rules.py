"""The numbers a close of day works by, read from the rules that hold on its date, and what an installation starts with."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q

from credit.classification import Thresholds
from credit.daily import Rules
from credit.staging import Staging
from governance import rules
from governance.models import Rule

SPECIAL_MENTION = "credit.class.special_mention_above"
SUBSTANDARD = "credit.class.substandard_above"
DOUBTFUL = "credit.class.doubtful_above"
LOSS = "credit.class.loss_above"
UPGRADE_PERIODS = "credit.class.upgrade_periods"
UPGRADE_MONTHS = "credit.class.upgrade_months"
RESTRUCTURED_FLOOR = "credit.class.restructured_floor"
WATCH_MONTHS = "credit.class.watch_months"
WATCH_PERIODS = "credit.class.watch_periods"
STAGE_TWO = "credit.stage.two_above"
STAGE_THREE = "credit.stage.three_from"
CURE_TWO = "credit.stage.cure_two"
CURE_THREE = "credit.stage.cure_three"
LGD = "credit.ecl.lgd"
CCF = "credit.ecl.ccf"
PD = "credit.ecl.pd."
OTHER = "other"
GRADES = ("A", "B", "C", "D", "E", OTHER)
SHARES = "share, by stage"

CLASS_RULES = (
    SPECIAL_MENTION, SUBSTANDARD, DOUBTFUL, LOSS, UPGRADE_PERIODS, UPGRADE_MONTHS, RESTRUCTURED_FLOOR, WATCH_MONTHS, WATCH_PERIODS,
)  # fmt: skip
STAGE_RULES = (STAGE_TWO, STAGE_THREE, CURE_TWO, CURE_THREE, LGD, CCF, *(PD + grade for grade in GRADES))
ORDER = "《商业银行金融资产风险分类办法》（中国银行保险监督管理委员会、中国人民银行令2023年第1号），2023-07-01起施行"


def holding(on: date) -> Rules:
    """Return the numbers that hold on a business date; one query.

    :raises NoRule: if one of them does not hold
    """
    held = {code: rule.value for code, rule in rules.together(*CLASS_RULES, *STAGE_RULES, on=on).items()}
    return Rules(
        classes=Thresholds(
            special_mention=held[SPECIAL_MENTION],
            substandard=held[SUBSTANDARD],
            doubtful=held[DOUBTFUL],
            loss=held[LOSS],
            upgrade_periods=held[UPGRADE_PERIODS],
            upgrade_months=held[UPGRADE_MONTHS],
        ),
        stages=Staging(
            two_above=held[STAGE_TWO],
            three_from=held[STAGE_THREE],
            cure_two=held[CURE_TWO],
            cure_three=held[CURE_THREE],
            pd={"" if grade == OTHER else grade: _three(held[PD + grade]) for grade in GRADES},
            lgd=_three(held[LGD]),
            ccf=Decimal(held[CCF]),
        ),
    )


def begins(after: date, until: date) -> set[date]:
    """Return the days in (after, until] from which other numbers hold."""
    found = Rule.objects.filter(code__in=(*CLASS_RULES, *STAGE_RULES)).filter(
        Q(effective_from__gt=after, effective_from__lte=until) | Q(effective_to__gt=after, effective_to__lte=until)
    )
    return {day for row in found.values_list("effective_from", "effective_to") for day in row if day and after < day <= until}


def _three(shares: list[str]) -> tuple[Decimal, Decimal, Decimal]:
    one, two, three = (Decimal(share) for share in shares)
    return one, two, three


def seed() -> None:
    """Create the rules that are missing: the thresholds of law with their citation, the shares of loss as unread policy."""
    law, policy = Rule.Verification.SECONDARY, Rule.Verification.POLICY
    for code, value, unit, en, zh, citation, how in (
        (SPECIAL_MENTION, 0, rules.DAYS, "Past due more days than this: at least special mention", "逾期超过该天数，至少归为关注类", ORDER, law),
        (SUBSTANDARD, 90, rules.DAYS, "Past due more days than this: at least substandard", "逾期超过该天数，至少归为次级类", ORDER, law),
        (DOUBTFUL, 270, rules.DAYS, "Past due more days than this: at least doubtful", "逾期超过该天数，至少归为可疑类", ORDER, law),
        (LOSS, 360, rules.DAYS, "Past due more days than this: loss", "逾期超过该天数，归为损失类", ORDER, law),
        (UPGRADE_PERIODS, 2, rules.COUNT, "Periods paid as agreed before a non-performing loan becomes better", "不良贷款上调前须正常还款的期数", ORDER, law),
        (UPGRADE_MONTHS, 6, "months", "Months paid as agreed before a non-performing loan becomes better", "不良贷款上调前须正常还款的月数", ORDER, law),
        (RESTRUCTURED_FLOOR, 2, rules.COUNT, "Best class of a restructured loan under watch (2: special mention)", "重组观察期内的最优分类（2为关注类）", ORDER, law),
        (WATCH_MONTHS, 12, "months", "Least months a restructured loan is watched", "重组贷款观察期的最短月数", ORDER, law),
        (WATCH_PERIODS, 2, rules.COUNT, "Least periods a restructured loan is watched", "重组贷款观察期的最少还款期数", ORDER, law),
        (STAGE_TWO, 30, rules.DAYS, "Past due more days than this: at least stage 2", "逾期超过该天数，至少划入第二阶段", "IFRS 9 5.5.11 / CAS 22", law),
        (STAGE_THREE, 90, rules.DAYS, "Past due from this day on: stage 3", "逾期达到该天数，划入第三阶段", "IFRS 9 B5.5.37 / CAS 22", law),
        (CURE_TWO, 30, rules.DAYS, "Days without arrears before stage 2 becomes stage 1", "第二阶段转回第一阶段前须无逾期的天数", "", policy),
        (CURE_THREE, 90, rules.DAYS, "Days without arrears before stage 3 becomes stage 2", "第三阶段转回第二阶段前须无逾期的天数", "", policy),
    ):  # fmt: skip
        _put(code, value, unit, en, zh, citation=citation, verification=how)
    _put(LGD, ["0.6500", "0.6500", "0.8500"], SHARES, "Share lost given default, by stage", "违约损失率（按阶段）")
    _put(CCF, "0.4000", "share", "Share of an undrawn limit that is expected to be drawn before a default", "未使用额度的信用转换系数")
    for grade, shares in zip(GRADES, PROBABILITIES, strict=True):
        en, zh = f"Probability of default of grade {grade}, by stage", f"{grade}级客户违约概率（按阶段）"
        if grade == OTHER:
            en, zh = "Probability of default of loans without a grade, by stage", "未评级贷款违约概率（按阶段）"
        _put(PD + grade, list(shares), SHARES, en, zh)


# Placeholders of the right order until a lender's own history replaces them; nobody has verified them.
PROBABILITIES = (
    ("0.0080", "0.0900", "1.0000"), ("0.0150", "0.1400", "1.0000"), ("0.0280", "0.2000", "1.0000"), ("0.0500", "0.2800", "1.0000"),
    ("0.0900", "0.3800", "1.0000"), ("0.0500", "0.2800", "1.0000"),
)  # fmt: skip


def _put(
    code: str, value: Any, unit: str, en: str, zh: str, *, citation: str = "", verification: str = Rule.Verification.UNVERIFIED
) -> None:
    rules.put(
        code, value=value, unit=unit, meaning_en=en, meaning_zh=zh, citation=citation, verification=verification,
        effective_from=date(2020, 1, 1),
    )  # fmt: skip
