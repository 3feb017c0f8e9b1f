"""The messages of treatments: what may stand in them, and the words every installation starts with."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from customers import templates
from customers.messages_seeds import words
from customers.models import MessagePurpose

SAMPLES: Mapping[str, tuple[str, str]] = {
    "amount": ("CNY 1,100.16", "¥1,100.16"),
    "days": ("12", "12"),
    "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
}
NOTICE = templates.declare("treatment.notice", label=_("Notice of an overdue amount"), purpose=MessagePurpose.COLLECTION, samples=SAMPLES)
FIRM = templates.declare(
    "treatment.firm", label=_("Second notice of an overdue amount"), purpose=MessagePurpose.COLLECTION, samples=SAMPLES
)
LAST = templates.declare("treatment.last", label=_("Last notice before further steps"), purpose=MessagePurpose.COLLECTION, samples=SAMPLES)


def seed() -> None:
    """Write the first words; what staff wrote stays."""
    words(
        NOTICE, "sms",
        body_en="[{lender}] {amount} is overdue by {days} days. If it is hard to pay now, call us: there may be a way. Reply STOP to get no more texts.",
        body_zh="【{lender}】您有{amount}已逾期{days}天，请尽快还款。如还款有困难，请与我们联系协商。如已还款，请忽略。回复退订不再接收短信。",
    )  # fmt: skip
    words(
        NOTICE, "email", subject_en="A payment is overdue", subject_zh="逾期提醒",
        body_en="Good day,\n\n{amount} is overdue by {days} days. If it is hard to pay now, answer this mail or call us: there may be a way.\n\n{lender}",
        body_zh="您好：\n\n您有{amount}已逾期{days}天，请尽快还款。如还款有困难，请回复本邮件或致电我们协商。如已还款，请忽略本邮件。\n\n{lender}",
    )  # fmt: skip
    words(
        FIRM, "sms",
        body_en="[{lender}] {amount} is still overdue, {days} days now. Please pay, or call us to agree on a way. Reply STOP to get no more texts.",
        body_zh="【{lender}】您的{amount}仍未还清，已逾期{days}天，请尽快还款或来电协商。如已还款，请忽略。回复退订不再接收短信。",
    )  # fmt: skip
    words(
        FIRM, "email", subject_en="Your payment is still overdue", subject_zh="再次提醒：款项仍未到账",
        body_en="Good day,\n\n{amount} is still overdue, {days} days now. Please pay, or answer this mail to agree on a way.\n\n{lender}",
        body_zh="您好：\n\n您的{amount}仍未还清，已逾期{days}天，请尽快还款，或回复本邮件协商还款方式。如已还款，请忽略本邮件。\n\n{lender}",
    )  # fmt: skip
    words(
        LAST, "sms",
        body_en="[{lender}] {amount} is overdue by {days} days. Please call us within 7 days, before further steps as agreed in the contract. Reply STOP to get no more texts.",
        body_zh="【{lender}】您的{amount}已逾期{days}天，请于7日内还款或来电协商，逾期未处理的，我们将依合同约定采取进一步措施。如已还款，请忽略。回复退订不再接收短信。",
    )  # fmt: skip
    words(
        LAST, "email", subject_en="Please answer within seven days", subject_zh="请于七日内处理逾期款项",
        body_en="Good day,\n\n{amount} is overdue by {days} days. Please pay or answer within seven days, before further steps as agreed in the contract.\n\n{lender}",
        body_zh="您好：\n\n您的{amount}已逾期{days}天，请于七日内还款或回复协商，逾期未处理的，我们将依合同约定采取进一步措施。如已还款，请忽略本邮件。\n\n{lender}",
    )  # fmt: skip
    words(
        NOTICE, "app",
        body_en="{amount} is overdue by {days} days. If it is hard to pay now, write to us here: there may be a way.",
        body_zh="您有{amount}已逾期{days}天，请尽快还款。如还款有困难，请在此留言与我们协商。如已还款，请忽略。",
    )  # fmt: skip
    words(
        FIRM, "app",
        body_en="{amount} is still overdue, {days} days now. Please pay, or write to us here to agree on a way.",
        body_zh="您的{amount}仍未还清，已逾期{days}天，请尽快还款，或在此留言协商。如已还款，请忽略。",
    )  # fmt: skip
    # A robot does not know who listens: it says who calls, and nothing of a debt.
    words(
        NOTICE, "ivr",
        body_en="This is {lender} with a message about your contract. Please look into our app, or call us during opening hours.",
        body_zh="您好，这里是{lender}，有一项与您合同有关的事项，请登录我们的应用查看，或在工作时间致电我们。",
    )  # fmt: skip
