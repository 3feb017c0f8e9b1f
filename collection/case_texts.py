"""What a collector writes from a case: approved templates, amounts from the books alone, shown before they leave, once per double click.

A message stands under the same gate as a call: it is asked when one presses, and again by the sender, who counts it. One that still waits
when the customer pays is taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from collection import cases, checks, contacts, owed, pay_links
from collection.models import Case, PayLink
from credit import books
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import total
from crm.lib.templatetags.crm import spoken
from customers import contacts as gate
from customers import messages, templates
from customers.messages_seeds import words
from customers.models import Message, MessagePurpose, MessageTemplate
from governance.models import User

KEY = "case-text:"
LENDER = ("Xinyuan Consumer Finance", "信远消费金融")
AMOUNT = ("CNY 1,100.16", "¥1,100.16")
OVERDUE = templates.declare(
    "case.overdue", label=_("What is overdue, from the case"), purpose=MessagePurpose.COLLECTION,
    samples={"amount": AMOUNT, "days": ("12", "12"), "lender": LENDER},
)  # fmt: skip
PROMISE = templates.declare(
    "case.promise", label=_("What was promised, from the case"), purpose=MessagePurpose.COLLECTION,
    samples={"amount": AMOUNT, "day": ("2026-12-06", "2026-12-06"), "lender": LENDER},
)  # fmt: skip
PAY_LINK = templates.declare(
    "case.pay_link", label=_("Payment link, from the case"), purpose=MessagePurpose.COLLECTION,
    samples={"amount": AMOUNT, "url": ("https://example.com/y/abc", "https://example.com/y/abc"), "until": ("16:30", "16:30"), "lender": LENDER},
)  # fmt: skip
CALLBACK = templates.declare(
    "case.callback", label=_("Please call us back, from the case"), purpose=MessagePurpose.COLLECTION, samples={"lender": LENDER}
)
CODES = (OVERDUE, PROMISE, PAY_LINK, CALLBACK)
OF_THE_DEBT = (OVERDUE, PROMISE, PAY_LINK)
LANGUAGES = ("zh-hans", "en")


class NothingToSay(DomainError):
    """The message speaks of something that is not there: no amount, no promise, no link."""

    code = "nothing_to_say"


@dataclass(frozen=True)
class Written:
    """A message as it will leave."""

    template: MessageTemplate
    language: str
    values: Mapping[str, str]
    subject: str
    text: str


def offered(case: Case) -> list[MessageTemplate]:
    """Return the live templates a collector may choose from, the order of the house."""
    rows = MessageTemplate.objects.filter(code__in=CODES, status=MessageTemplate.Status.LIVE)
    return sorted(rows, key=lambda row: (CODES.index(row.code), row.channel != "sms", row.channel))


def values_of(case: Case, code: str, *, actor: User, at: datetime, language: str) -> Mapping[str, str]:
    """Return what stands for the placeholders, from the books.

    :raises NotConfirmed: if it speaks of the debt and the person is not confirmed
    :raises NothingToSay: if there is nothing of the kind
    """
    said = {"lender": messages.sender_name(case.customer, language)}
    if code not in OF_THE_DEBT:
        return said
    if not checks.confirmed(case, actor=actor, at=at):
        raise checks.NotConfirmed(_("Confirm the person first: two answers to the check."))
    if code == PROMISE:
        promise = case.promises.running().prefetch_related("parts").order_by("-pk").first()
        if promise is None or promise.lacking <= 0:
            raise NothingToSay(_("No promise runs in this case."))
        return said | {"amount": spoken(promise.lacking), "day": date_format(promise.last_due_on, "Y-m-d")}
    if code == PAY_LINK:
        link = PayLink.objects.filter(case=case, status=PayLink.Status.OPEN, expires_at__gt=at).first()
        if link is None:
            raise NothingToSay(_("No payment link is open: make one first."))
        return said | {"amount": spoken(link.amount), "url": pay_links.address_of(link), "until": f"{localtime(link.expires_at):%H:%M}"}
    loans = [debt.loan for debt in case.debts.select_related("loan__product").order_by("loan_id")]
    demand: Decimal = total([each.demand for each in owed.of_loans(loans, on=books.value_day(case.legal_entity, at))])
    if demand <= 0:
        raise NothingToSay(_("Nothing may be demanded now: it is paid, or contested."))
    return said | {"amount": spoken(demand), "days": str(case.dpd)}


def spoken_in(case: Case, language: str = "") -> str:
    """Return the language a message is written in: the one asked for, else the customer's own.

    :raises Invalid: if the house writes none in it
    """
    if language and language not in LANGUAGES:
        raise Invalid(_("Choose a language."), fields={"language": _("Choose a language.")})
    return language or messages.language_of(case.customer)


def written(case: Case, *, template: str, actor: User, at: datetime, language: str = "") -> Written:
    """Return a message as it would leave now, in the language asked for, else the customer's.

    :raises Invalid: if no live template of the list has this id, or the house writes none in the language
    """
    row = next((one for one in offered(case) if one.public_id == template), None)
    if row is None:
        raise Invalid(_("Choose a message."), fields={"template": _("Choose a message.")})
    language = spoken_in(case, language)
    with translation.override(language):
        values = values_of(case, row.code, actor=actor, at=at, language=language)
        return Written(row, language, values, *templates.words_of(row, language, values))


@transaction.atomic
def send(case: Case, *, template: str, actor: User, at: datetime, key: str, language: str = "") -> Message:
    """Send one message from the case; the same `key` is the same message.

    :raises NotHeld, CaseClosed, CasePaused: as any work on the case
    :raises NotNow: if the contact policy forbids it
    :raises NothingToSay, NotConfirmed, Invalid: see `written`
    :raises NoAddress: if none is on file for the channel
    """
    row = cases.held(case, actor=actor, at=at)
    contacts.in_work(row)
    made = written(row, template=template, actor=actor, at=at, language=language)
    known = Message.objects.filter(key=f"{KEY}{key}").first()
    if known is not None:
        return known
    judged = gate.judged(row.customer, made.template.channel, at)
    if not judged.verdict.allowed:
        raise gate.refusal(judged, actor=actor, subject=row.public_id)
    return messages.send(
        customer=row.customer, template=made.template.code, channel=made.template.channel, values=made.values, key=f"{KEY}{key}",
        actor=actor, at=at, purpose=MessagePurpose.COLLECTION, language=made.language,
    )  # fmt: skip


@transaction.atomic
def take_back(customer_id: int, *, reason: str, actor: User, at: datetime) -> int:
    """Cancel what still waits to leave about a debt that has changed; return how many."""
    rows = Message.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
        customer_id=customer_id, key__startswith=KEY, status__in=Message.OPEN, template__code__in=OF_THE_DEBT
    )
    found = list(rows)
    for message in found:
        messages.cancel(message, reason=reason, actor=actor, at=at)
    return len(found)


def seed() -> None:
    """Write the first words; what staff wrote stays."""
    words(
        OVERDUE, "sms",
        body_en="[{lender}] As spoken: {amount} is due, overdue by {days} days. Call us if it is hard to pay.",
        body_zh="【{lender}】如刚才通话所述，您现应还{amount}，已逾期{days}天。如有困难请来电协商。",
    )  # fmt: skip
    words(
        OVERDUE, "email", subject_en="What we spoke about", subject_zh="刚才通话的内容",
        body_en="Good day,\n\nas spoken: {amount} is due, overdue by {days} days. Answer this mail or call us if it is hard to pay.\n\n{lender}",
        body_zh="您好：\n\n如刚才通话所述，您现应还{amount}，已逾期{days}天。如有困难，请回复本邮件或来电协商。\n\n{lender}",
    )  # fmt: skip
    words(
        PROMISE, "sms",
        body_en="[{lender}] Thank you. You promised {amount} by {day}.",
        body_zh="【{lender}】感谢您的配合。您已承诺在{day}前还款{amount}。",
    )  # fmt: skip
    words(
        PAY_LINK, "sms",
        body_en="[{lender}] Pay {amount} here until {until}: {url}",
        body_zh="【{lender}】请于今日{until}前通过以下链接支付{amount}：{url}",
    )  # fmt: skip
    words(
        CALLBACK, "sms",
        body_en="[{lender}] We tried to reach you. Please call us back on our service line.",
        body_zh="【{lender}】我们曾尝试与您联系，请回拨我们的客服电话。",
    )  # fmt: skip
