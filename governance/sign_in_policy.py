"""The rules of signing in, as data: what holds, and what an installation starts with."""

from datetime import date
from typing import Any

from governance import rules
from governance.models import Rule

FROM = date(2020, 1, 1)
SOURCE = "GB/T 22239 网络安全等级保护三级系统的通行做法（原文未核实）"
UNSURE, OWN = Rule.Verification.UNVERIFIED, Rule.Verification.POLICY

# code → value, unit, meaning in English and Chinese, source, how far it was verified
RULES: dict[str, tuple[Any, str, str, str, str, str]] = {
    "sign_in.password_length": (10, rules.COUNT, "Characters a password has at least", "密码最少字符数", SOURCE, UNSURE),
    "sign_in.failures": (5, rules.COUNT, "Wrong attempts after which sign-in closes for a while", "登录失败多少次后暂时锁定", SOURCE, UNSURE),
    "sign_in.closed_minutes": (15, "minutes", "How long sign-in stays closed after wrong attempts", "登录失败后锁定时长", SOURCE, UNSURE),
    "sign_in.idle_minutes": (15, "minutes", "Unused time after which a session ends", "会话闲置多久后结束", SOURCE, UNSURE),
    "sign_in.longest_hours": (8, "hours", "Longest time a session lasts", "会话最长时长", "", OWN),
    "sign_in.step_up_minutes": (10, "minutes", "How fresh a sign-in must be for sensitive acts", "敏感操作要求的身份确认有效期", "", OWN),
    "api.secret_overlap_hours": (24, "hours", "How long the old secret of an API client works beside the new one", "更换密钥后旧密钥的有效时长", "", OWN),
    "api.calls_per_minute": (600, rules.COUNT, "Calls a minute that a new API client may make", "新接口客户每分钟可调用次数", "", OWN),
}  # fmt: skip


def seed() -> None:
    """Write down the rules that are missing."""
    for code, (value, unit, english, chinese, citation, verification) in RULES.items():
        rules.put(
            code, value=value, unit=unit, meaning_en=english, meaning_zh=chinese, citation=citation, verification=verification, effective_from=FROM
        )  # fmt: skip


def value(code: str, *, on: date) -> Any:
    """Return what holds on a day; before the seeds of a new version ran, what they will write: nobody is locked out by an upgrade."""
    try:
        return rules.value(code, on=on)
    except rules.NoRule:
        return RULES[code][0]
