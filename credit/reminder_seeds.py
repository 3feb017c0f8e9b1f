"""When and in which words borrowers are reminded, as every installation starts. Idempotent; what staff wrote stays."""

from datetime import date

from credit import reminders
from customers.messages_seeds import words
from governance import rules
from governance.models import Rule

START = date(2020, 1, 1)


def seed() -> None:
    rules.put(
        reminders.DAYS, value=[-3, 0, 1, 3], unit=rules.DAYS, effective_from=START, verification=Rule.Verification.POLICY,
        meaning_en="Days from the due date on which the customer is reminded", meaning_zh="还款提醒日（相对应还日的天数）",
    )  # fmt: skip
    rules.put(
        reminders.CHANNELS, value=["sms", "email"], unit=rules.TEXT, effective_from=START, verification=Rule.Verification.POLICY,
        meaning_en="Channels by which the customer is reminded", meaning_zh="还款提醒渠道",
    )  # fmt: skip
    rules.put(
        reminders.HOUR, value="09:00", unit=rules.TEXT, effective_from=START, verification=Rule.Verification.POLICY,
        meaning_en="Time of day from which reminders leave, by the customer's clock", meaning_zh="还款提醒开始发送的时刻（按客户所在时区）",
    )  # fmt: skip
    words(
        reminders.BEFORE,
        "sms",
        body_en="[{lender}] Your payment of {amount} is due on {due_on}. If it is already on its way, there is nothing to do.",
        body_zh="【{lender}】您的本期应还款{amount}将于{due_on}到期，请提前备足款项。如已还款，请忽略本短信。",
    )
    words(
        reminders.DUE,
        "sms",
        body_en="[{lender}] Your payment of {amount} is due today, {due_on}. If you have paid, there is nothing to do.",
        body_zh="【{lender}】您的本期应还款{amount}今日（{due_on}）到期，请及时还款。如已还款，请忽略本短信。",
    )
    words(
        reminders.LATE,
        "sms",
        body_en="[{lender}] We have not received {amount}, due on {due_on}. If it is hard to pay now, call us: there may be a way.",
        body_zh="【{lender}】您{due_on}到期的应还款{amount}尚未到账，请尽快还款。如还款有困难，请与我们联系协商。如已还款，请忽略本短信。",
    )
    words(
        reminders.BEFORE,
        "email",
        subject_en="Your payment is due on {due_on}",
        subject_zh="还款提醒：{due_on}到期",
        body_en="Good day,\n\nyour payment of {amount} is due on {due_on}. If it is already on its way, there is nothing to do.\n\n{lender}",
        body_zh="您好：\n\n您的本期应还款{amount}将于{due_on}到期，请提前备足款项。如已还款，请忽略本邮件。\n\n{lender}",
    )
    words(
        reminders.DUE,
        "email",
        subject_en="Your payment is due today",
        subject_zh="还款提醒：今日到期",
        body_en="Good day,\n\nyour payment of {amount} is due today, {due_on}. If you have paid, there is nothing to do.\n\n{lender}",
        body_zh="您好：\n\n您的本期应还款{amount}今日（{due_on}）到期，请及时还款。如已还款，请忽略本邮件。\n\n{lender}",
    )
    words(
        reminders.LATE,
        "email",
        subject_en="We have not received your payment",
        subject_zh="还款提醒：款项尚未到账",
        body_en=(
            "Good day,\n\nwe have not received {amount}, due on {due_on}. If it is hard to pay now, answer this mail or call us:"
            " there may be a way.\n\n{lender}"
        ),
        body_zh="您好：\n\n您{due_on}到期的应还款{amount}尚未到账，请尽快还款。如还款有困难，请回复本邮件或致电我们协商。如已还款，请忽略本邮件。\n\n{lender}",
    )
    words(
        reminders.STATEMENT,
        "sms",
        body_en="[{lender}] Your statement is ready. Pay {amount} or more by {due_on}; what you leave goes on bearing interest.",
        body_zh="【{lender}】您的本期账单已出，最低应还款{amount}，请于{due_on}前还款；未还部分继续按日计息。",
    )
    words(
        reminders.STATEMENT,
        "email",
        subject_en="Your statement is ready",
        subject_zh="本期账单已出",
        body_en=(
            "Good day,\n\nyour statement is ready. Pay {amount} or more by {due_on}. What you leave goes on bearing interest by the day."
            "\n\n{lender}"
        ),
        body_zh="您好：\n\n您的本期账单已出，最低应还款{amount}，请于{due_on}前还款。未还部分继续按日计息。\n\n{lender}",
    )
