"""The rules of contact with their sources, and the words of the customers' own messages. Idempotent."""

from collections.abc import Mapping
from datetime import date

from django.utils.timezone import now

from customers import contacts, one_time_codes, templates
from customers.models import MessageTemplate
from governance import rules, users
from governance.models import Rule

START = date(2020, 1, 1)
STANDARD = date(2025, 2, 28)
GBT = "GB/T 45251-2025《互联网金融 个人网络消费信贷 贷后催收风控指引》，2025-02-28起施行"


def seed() -> None:
    seed_rules()
    words(
        one_time_codes.KIND,
        "sms",
        body_en="[{lender}] Your code is {code}, valid for {minutes} minutes. Our staff never ask for it.",
        body_zh="【{lender}】您的验证码为{code}，{minutes}分钟内有效。工作人员不会向您索取验证码，请勿告知他人。",
    )


def words(code: str, channel: str, **texts: str) -> None:
    """Publish the first version of a message, unless there is one already: what staff wrote stays."""
    if not MessageTemplate.objects.filter(code=code, channel=channel).exists():
        templates.publish(code, channel=channel, words=texts, actor=users.system(), at=now())


def seed_rules() -> None:
    hours: Mapping[str, str] = {"opens": "08:00", "closes": "22:00"}
    rules.put(
        contacts.HOURS, value=hours, unit=rules.TEXT, effective_from=START, effective_to=STANDARD,
        meaning_en="Hours in which a debtor may be contacted, by the debtor's clock",
        meaning_zh="可联系债务人的时段（按债务人所在时区）",
        citation="中国互联网金融协会《互联网金融逾期债务催收自律公约（试行）》（2018）第十六条",
        verification=Rule.Verification.SECONDARY,
    )  # fmt: skip
    rules.put(
        contacts.HOURS, value=hours, unit=rules.TEXT, effective_from=STANDARD,
        meaning_en="Hours in which a debtor may be contacted, by the debtor's clock",
        meaning_zh="可联系债务人的时段（按债务人所在时区）：22:00至次日08:00不得催收",
        citation=GBT, verification=Rule.Verification.SECONDARY,
    )  # fmt: skip
    rules.put(
        "contact.obligors_only", value=["debtor", "guarantor", "co_borrower"], unit=rules.TEXT, effective_from=START,
        meaning_en="Who may be contacted about a debt: those who owe; never contacts or other third parties",
        meaning_zh="催收对象仅限债务人、保证人和共同借款人，不得向联系人等第三人催收",
        citation=GBT, verification=Rule.Verification.SECONDARY,
    )  # fmt: skip
    rules.put(
        "contact.connected_calls_per_day", value=3, unit=rules.COUNT, effective_from=START,
        meaning_en="Most answered calls to one debtor in a natural day, lender and agencies together",
        meaning_zh="对同一债务人每日拨通次数上限（含委外机构）",
        citation=GBT, verification=Rule.Verification.SECONDARY,
    )  # fmt: skip
    for code, value, meaning_en, meaning_zh in (
        ("contact.calls_per_day", 6, "Most calls dialled to one debtor in a natural day", "对同一债务人每日拨打次数上限"),
        ("contact.calls_per_week", 21, "Most calls dialled to one debtor in seven days", "对同一债务人七日内拨打次数上限"),
        (
            "contact.messages_per_day",
            2,
            "Most messages by one channel to one debtor in a natural day",
            "对同一债务人单一渠道每日消息条数上限",
        ),
        (
            "contact.messages_per_week",
            8,
            "Most messages by one channel to one debtor in seven days",
            "对同一债务人单一渠道七日内消息条数上限",
        ),
    ):
        rules.put(
            code, value=value, unit=rules.COUNT, effective_from=START, meaning_en=meaning_en, meaning_zh=meaning_zh,
            verification=Rule.Verification.POLICY,
        )  # fmt: skip
