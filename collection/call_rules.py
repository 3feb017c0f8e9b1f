"""How the telephone gateway is called, and when it is left alone: house policy as data."""

from datetime import date, timedelta

from governance import rules
from governance.models import Rule
from risk.bureau_rules import Calls

CALLS, CIRCUIT = "collections.telephony.calls", "collections.telephony.circuit"


def patience(*, on: date) -> Calls:
    """Return how the gateway is called on a day; one query.

    :raises NoRule: if a rule was ended and none took its place
    """
    held = rules.together(CALLS, CIRCUIT, on=on)
    tries, seconds = held[CALLS].value
    failures, pause = held[CIRCUIT].value
    return Calls(int(tries), int(seconds), int(failures), timedelta(seconds=int(pause)))


def seed() -> None:
    """Create the rules that are missing."""
    for name, value, unit, en, zh in (
        (
            CALLS, [2, 3], "tries, seconds",
            "Telephone gateway: tries to place one call, patience with each", "电话网关：单次外呼最多尝试次数、每次等待秒数",
        ),
        (
            CIRCUIT, [3, 60], "failures, seconds",
            "Telephone gateway: failures in a row after which one dials by hand, and for how long",
            "电话网关熔断：连续失败次数、暂停秒数（期间改为手动拨号）",
        ),
    ):  # fmt: skip
        rules.put(
            name, value=value, unit=unit, meaning_en=en, meaning_zh=zh, verification=Rule.Verification.POLICY,
            effective_from=date(2025, 1, 1),
        )  # fmt: skip
    for name, days, unit, en, zh in (
        ("collections.pay_link.minutes", 60, "minutes", "How long a payment link may be used", "付款链接的有效分钟数"),
        (
            "collections.promise.remind_days", [3, 1], rules.DAYS,
            "Days before a promised day on which the customer is reminded", "还款承诺到期前提醒的天数",
        ),
    ):  # fmt: skip
        rules.put(
            name, value=days, unit=unit, meaning_en=en, meaning_zh=zh, verification=Rule.Verification.POLICY,
            effective_from=date(2025, 1, 1),
        )  # fmt: skip
