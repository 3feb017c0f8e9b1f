"""Rules of limitation and of going to court, field visits and tracing, that every installation starts with. Idempotent."""

from datetime import date
from decimal import Decimal
from typing import Any

from governance import rules
from governance.models import Rule

FROM, CODE_FROM = date(2025, 1, 1), date(2021, 1, 1)
OWN, UNREAD = Rule.Verification.POLICY, Rule.Verification.UNVERIFIED
HOUSE = "house policy 本机构政策"
CODE = "Civil Code 民法典 Art. "
FEES = "Measures on the Payment of Litigation Costs 诉讼费用交纳办法 (State Council Decree 481) Art. "
YEARS, MONTHS = "years", "months"

LIMITATION: tuple[tuple[str, Any, str, str, str, str, str], ...] = (
    ("years", 3, YEARS, "General period of limitation", "普通诉讼时效期间（年）", CODE + "188", UNREAD),
    ("longest_years", 20, YEARS, "Longest period of limitation, whatever happens", "最长权利保护期间（年）", CODE + "188", UNREAD),
    ("last_months", 6, MONTHS, "Months before its end in which a hindrance suspends the period", "可发生时效中止的最后期间（月）", CODE + "194", UNREAD),
    ("then_months", 6, MONTHS, "Months the period lasts after a hindrance ended", "中止原因消除后的时效期间（月）", CODE + "194", UNREAD),
    (
        "enforcement_years", 2, YEARS, "Period in which enforcement of a judgment is applied for", "申请强制执行的期间（年）",
        "Civil Procedure Law 民事诉讼法 (2023) Art. 250", UNREAD,
    ),
    (
        "counts_from", "oldest_missed", rules.TEXT,
        "Due day a claim is counted from: oldest_missed is the cautious reading, last_due that of the article named",
        "诉讼时效起算口径：oldest_missed为按最早逾期一期的审慎口径，last_due为按最后一期届满的法定口径", HOUSE + "; " + CODE + "189", OWN,
    ),
    ("warn_days", [180, 90, 30], rules.DAYS, "Before how many days people are warned of the end of a period", "诉讼时效届满前的预警天数", HOUSE, OWN),
)  # fmt: skip
LEGAL: tuple[tuple[str, Any, str, str, str, str, str], ...] = (
    (
        "court_fee", {"flat": "50.00", "10000": "0.025", "100000": "0.02", "200000": "0.015", "500000": "0.01", "1000000": "0.009",
                      "2000000": "0.008", "5000000": "0.007", "10000000": "0.006", "20000000": "0.005"},
        "shares", "Court's fee of a claim of money: flat, then the share of what lies above each amount, CNY",
        "财产案件受理费：基数及超过各金额部分的比例（元）", FEES + "13(1)", UNREAD,
    ),
    (
        "enforcement_fee", {"flat": "50.00", "10000": "0.015", "500000": "0.01", "5000000": "0.005", "10000000": "0.001"},
        "shares", "Fee of enforcement: flat, then the share of what lies above each amount, CNY", "申请执行费：基数及超过各金额部分的比例（元）",
        FEES + "14(1)", UNREAD,
    ),
    (
        "lawyer_fee", {"flat": "1000.00", "20000": "0.05"}, "shares",
        "What a lawyer is expected to cost: flat, then the share of what lies above the amount, CNY", "预计律师费：基数及超过该金额部分的比例（元）",
        HOUSE, OWN,
    ),
    ("service_fee", Decimal("60.00"), rules.AMOUNT, "What the service of papers is expected to cost", "预计送达费用", HOUSE, OWN),
    (
        "authority", {"collections_supervisor": "5000.00", "risk_manager": "100000.00"}, "amounts",
        "Largest expected cost of a legal action that a role may approve, CNY", "各岗位可批准的诉讼预计费用上限（元）", HOUSE, OWN,
    ),
    (
        "authority_above", {"risk_manager": "20000.00"}, "amounts",
        "Largest expected cost that a role may approve although it lies above what the action is expected to bring, CNY",
        "预计费用高于预期回收时各岗位可批准的上限（元）", HOUSE, OWN,
    ),
    ("answer_days", 15, rules.DAYS, "Days a letter before action gives to pay or answer", "诉前催告函给予的答复付款天数", HOUSE, OWN),
    ("letter_days", 7, rules.DAYS, "Days within which a letter that was made is sent", "诉前催告函制作后须寄出的天数", HOUSE, OWN),
    ("wait_days", 60, rules.DAYS, "Days the work on a case waits once a legal action is approved", "诉讼批准后案件暂停催收的天数", HOUSE, OWN),
)  # fmt: skip


VISITS: tuple[tuple[str, Any, str, str, str, str, str], ...] = (
    (
        "hours", {"opens": "09:00", "closes": "20:00"}, rules.TEXT, "Hours of field visits by the debtor's clock, within those of the contact policy",
        "外访时段（以债务人所在时区计，且不超出联系规则）", HOUSE, OWN,
    ),
)  # fmt: skip


TRACES: tuple[tuple[str, Any, str, str, str, str, str], ...] = (
    ("silent_attempts", 3, rules.COUNT, "Calls of thirty days that nobody answered, from which a debtor counts as lost", "三十天内无人接听的通话达到该次数即视为失联", HOUSE, OWN),
    ("again_days", 30, rules.DAYS, "Days before the same debtor may be traced again", "同一债务人再次失联修复的最短间隔天数", HOUSE, OWN),
    ("per_day", 5, rules.COUNT, "Requests to trace that one person may make a day", "每人每日可提出的失联修复次数", HOUSE, OWN),
)  # fmt: skip


def seed() -> None:
    for prefix, rows in (
        ("collections.limitation.", LIMITATION),
        ("collections.legal.", LEGAL),
        ("collections.visit.", VISITS),
        ("collections.trace.", TRACES),
    ):
        for code, value, unit, meaning_en, meaning_zh, citation, verification in rows:
            rules.put(
                prefix + code, value=value, unit=unit, meaning_en=meaning_en, meaning_zh=meaning_zh, citation=citation,
                verification=verification, effective_from=CODE_FROM if citation.startswith(CODE) else FROM,
            )  # fmt: skip
