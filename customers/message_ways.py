"""What could not be delivered goes by another way: the next channel of the house's order that the person allows, each once per occasion.

The first message of an occasion is its name: whatever goes instead of it points there, so that the row (occasion, channel) is unique, and
what its words are made from is asked of the first. With no way left, a person is told.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from customers import activities, contact_policy, contacts, mentions, messages, templates
from customers.models import Activity, Customer, Message, MessageChannel, MessagePurpose
from customers.permissions import ACT, MANAGE_MESSAGE
from customers.templates import NoTemplate
from governance import rules, users, uses
from governance.lifecycle import move
from governance.models import Rule, User
from ledger import log

ORDER = "message.order"
FIRST = ("sms", "email")  # where no rule gives an order
WITHIN = timedelta(days=1)  # the task for a person
# What has to reach the person. A code is asked for anew, an offer and a confirmation are left.
MUST_ARRIVE = (MessagePurpose.SERVICE, MessagePurpose.REMINDER, MessagePurpose.COLLECTION)
FOR_GOOD = ("refused:", "undelivered:")
GONE = ("no_address", "not_sent")


def for_good(problem: str, purpose: str) -> bool:
    """Return whether trying the same channel again is of no use, and another may be taken.

    A stop is the customer's word: only what they have to be told goes by another way then.
    """
    if problem == contact_policy.BAR:
        return purpose == MessagePurpose.SERVICE
    return purpose in MUST_ARRIVE and (problem.startswith(FOR_GOOD) or problem in GONE)


def order(*, on: date) -> tuple[str, ...]:
    """Return the channels in the order they are tried."""
    row = Rule.objects.filter(code=ORDER, effective_from__lte=on).order_by("-effective_from").first()
    return tuple(name for name in row.value if name in MessageChannel.values) if row else FIRST


def occasions(batch: Iterable[Message]) -> dict[int, int]:
    """Return for each message the first of its occasion."""
    return {message.pk: message.instead_of_id or message.pk for message in batch}


@transaction.atomic
def by_another_way(message: Message, *, at: datetime) -> Message | None:
    """Plan the same by the next channel that is open and was not tried; None where none is left.

    A text that was written at planning goes as it is. One that is written when it leaves is written then, from what holds then.

    :raises NotWanted: if what it is about is settled meanwhile
    """
    if messages.is_secret(message.template) or message.purpose not in MUST_ARRIVE:
        return None
    actor = users.system()
    first = message.instead_of or message
    source = messages.SOURCES.get(message.purpose)
    found = source([first], at) if source else {}
    if first.pk in found and found[first.pk] is None:
        raise messages.NotWanted(_("What it reminds of is settled or past. Give it up instead."))
    Message.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=first.pk)  # one failure of an occasion at a time
    tried = set(Message.objects.filter(instead_of=first).values_list("channel", flat=True)) | {first.channel}
    customer = uses.reading(message.customer, messages.READ_FOR[MessagePurpose(message.purpose)], actor=actor, at=at)
    barred = contacts.bars_of([customer.pk]).get(customer.pk, frozenset())
    for channel in order(on=localdate(at)):
        counted = "call" if channel == MessageChannel.IVR else channel
        if channel in tried or counted in barred or not messages.address_of(customer, channel) or not is_on(channel):
            continue
        own = own_message(first, channel)
        if own is not None and own.status not in (Message.Status.FAILED, Message.Status.CANCELLED):
            return own
        if own is not None:
            continue
        made = _plan(first, None if first.pk in found else message.text, customer, channel, at=at)
        if made is not None:
            return made
    return None


def is_on(channel: str) -> bool:
    """Return whether a gateway is connected; text and mail wait for theirs, the others are for houses that have them."""
    return channel in FIRST or bool(settings.PORTS.get(channel))


def own_message(first: Message, channel: str) -> Message | None:
    """Return the message the occasion has by this channel anyway: a reminder goes by several."""
    parts = first.key.split(":")
    if first.channel not in parts:
        return None
    return Message.objects.filter(key=":".join(channel if part == first.channel else part for part in parts)).first()


def _plan(first: Message, text: str | None, customer: Customer, channel: str, *, at: datetime) -> Message | None:
    try:
        template = templates.live(first.template.code, channel)
    except NoTemplate:
        if text is None or channel == MessageChannel.IVR:
            return None  # nothing to write it with, or to read out
        template = first.template
    subject = address = None
    if text is not None:
        address = messages.address_of(customer, channel)
        with translation.override(first.language):
            subject = str(templates.label(first.template.code)) if channel == MessageChannel.EMAIL else None
    made = Message(
        customer=customer,
        template=template,
        instead_of=first,
        channel=channel,
        purpose=first.purpose,
        key=f"{first.key[:100]}:by:{channel}",
        priority=first.priority,
        language=first.language,
        address=address,
        subject=subject,
        text=text,
        planned_at=at,
        due_at=at,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        if "message_once_per_" not in str(error):
            raise
        return Message.objects.filter(instead_of=first, channel=channel).first()
    log.record(
        "customers.message.planned", made, actor=users.system(), at=at, template=template.code, channel=channel, purpose=first.purpose,
        instead_of=first.public_id,
    )  # fmt: skip
    messages.hint()
    return made


@transaction.atomic
def after_failure(message: Message, *, at: datetime) -> Message | None:
    """Follow a message that failed: another way if it failed for good and has to arrive, a person where no way is left."""
    if message.status != Message.Status.FAILED or not for_good(message.problem, message.purpose):
        return None
    try:
        made = by_another_way(message, at=at)
    except messages.NotWanted:
        return None
    if made is not None:
        move(
            message, Message.Status.CANCELLED, actor=users.system(), at=at, event="customers.message.other_way",
            facts={"channel": message.channel, "by": made.channel, "problem": message.problem}, problem="other_way", settled_at=at,
        )  # fmt: skip
    else:
        tell_a_person(message.customer, at=at)
    return made


def tell_a_person(customer: Customer, *, at: datetime) -> Activity | None:
    """Plan a task to find out how the customer is reached; one at a time, however many messages failed."""
    text = _("No message reaches this customer by any channel: find out how they are reached, or write a letter.")
    actor = users.system()
    if Activity.objects.open().filter(customer=customer, kind=Activity.Kind.TASK, created_by=actor).exists():
        return None
    return activities.plan(
        customer, kind=Activity.Kind.TASK, text=text, due_at=at + WITHIN, actor=actor, at=at, assignee=keeper_of(customer)
    )


def keeper_of(customer: Customer) -> User | None:
    """Return who is to look after a customer whom no message reaches: who answers for them, else who manages the messages there."""
    owner = customer.owner
    if owner is not None and owner.is_active and owner.has_perm(ACT) and mentions.may_open(owner, customer):
        return owner
    return mentions.colleagues(customer, MANAGE_MESSAGE).filter(role__permissions__contains=[ACT]).first()


def seed() -> None:
    rules.put(
        ORDER, value=["sms", "email", "app", "ivr"], unit=rules.TEXT, effective_from=date(2020, 1, 1), verification=Rule.Verification.POLICY,
        meaning_en="Channels in the order in which what could not be delivered is tried again", meaning_zh="消息未送达时依次改用的渠道",
    )  # fmt: skip
