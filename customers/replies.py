"""The door for what customers answer: heard once, read by the words of the rule book, and acted upon at once where it is a stop.

A stop ends the channel for every file that has the number, takes back what waits to be sent by it, and is confirmed once. It ends a channel
and not the duty to tell: what the customer has to be told goes by what is left. Who says that the number is somebody else's bars it
everywhere. Everything else waits on the list of answers for a person.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.errors import DomainError, Invalid
from customers import activities, contacts, identifiers, message_ways, messages, outbox, reply_words, templates
from customers.models import Activity, BarredNumber, ContactBar, Customer, Message, MessageChannel, MessagePurpose, Reply
from governance import users
from governance.lifecycle import move
from governance.models import User
from ledger import log

LONGEST, LONGEST_ID = 2_000, 100
NUMBERED = (MessageChannel.SMS, MessageChannel.IVR)  # what comes from a telephone number
WITHIN = timedelta(days=1)  # the task about a wrong number
STOPPED = templates.declare(
    "reply.stopped",
    label=gettext_lazy("Confirmation that messages stop"),
    purpose=MessagePurpose.CONFIRM,
    samples={"lender": ("Xinyuan Consumer Finance", "信远消费金融")},
)
Kind = Reply.Kind


class Replayed(DomainError):
    """This answer was heard before: nothing changes."""

    code = "replayed"


@transaction.atomic
def hear(*, channel: str, external_id: str, sender: str, text: str, at: datetime, in_reply_to: str = "") -> Reply:
    """Keep an answer and do what it asks.

    :param external_id: the gateway's own name of the answer, unique for ever on its channel
    :param sender: number or mail address it came from, in the app the file's public id; nobody's is kept, and waits for a person
    :param in_reply_to: our key of the message it answers, where the gateway knows it
    :raises Replayed: if the same answer was heard before
    :raises Invalid: if the channel is unknown, or the id, the sender or the text is missing or too long
    """
    if channel not in MessageChannel.values:
        raise Invalid(_("Choose the way of contact."), fields={"channel": _("Choose the way of contact.")})
    sender, text, external_id = cleaned(sender, 200), cleaned(text, LONGEST), cleaned(external_id, LONGEST_ID)
    if channel in NUMBERED:
        sender = as_filed(sender)
    message = _answered(in_reply_to, channel)
    files = _files(channel, sender)
    customer = _whose(message, files)
    if customer is not None and all(each.pk != customer.pk for each in files):
        files = [customer, *files]
    kind = reply_words.kind_of(text, channel=channel, words=reply_words.on(localdate(at)))
    # Whoever nobody knows may be a customer all the same, as one who writes a mail of their own: a person looks.
    by_itself = customer is not None and kind in (Kind.STOP, Kind.START, Kind.WRONG)
    row = Reply(
        customer=customer,
        message=message,
        channel=channel,
        external_id=external_id,
        kind=kind,
        status=Reply.Status.DONE if by_itself else Reply.Status.OPEN,
        address=sender,
        text=text,
        at=at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "reply_heard_once" not in str(error):
            raise
        raise Replayed(_("This answer was heard before; nothing was changed.")) from None
    log.record("customers.reply.heard", row, actor=users.system(), at=at, channel=channel, kind=str(kind))
    _act(row, files, at=at)
    return row


def cleaned(value: str, most: int) -> str:
    """Return a value without what no column takes.

    :raises Invalid: if nothing is left, or too much
    """
    value = value.replace("\0", "").strip()
    if not 0 < len(value) <= most:
        raise Invalid(_("Send id, from and text, each with something in it and none too long."))
    return value


def as_filed(number: str) -> str:
    """Return a mobile number as files have it, whatever way a gateway writes it; another number as it came."""
    try:
        return identifiers.mobile(number)
    except identifiers.NotAMobile:
        return number


def _answered(key: str, channel: str) -> Message | None:
    public_id, _rounds = messages.of_wire_key(key.strip("<> ").partition("@")[0])
    if not public_id or "\0" in public_id:
        return None
    return Message.objects.filter(public_id=public_id, channel=channel).select_related("customer__legal_entity", "customer__owner").first()


def _files(channel: str, sender: str) -> list[Customer]:
    """Return every file that has the number, or the one that uses the app. Mail addresses lie sealed without a key: a mail is known by what
    it answers."""
    if channel == MessageChannel.EMAIL:
        return []
    key: Any = Customer._meta.get_field("mobile_key")
    found = {"public_id": sender} if channel == MessageChannel.APP else {"mobile_key": key.of(sender)}
    rows = Customer.objects.filter(**found, erased_at__isnull=True).order_by("-pk")
    return list(rows.select_related("legal_entity", "owner", "branch"))


def _whose(message: Message | None, files: Sequence[Customer]) -> Customer | None:
    """Return who answers: to whom we wrote, else to whom of those with the number we wrote last."""
    if message is not None:
        return message.customer
    if len(files) < 2:
        return files[0] if files else None
    last = (
        Message.objects.filter(customer__in=files, sent_at__isnull=False).order_by("-sent_at", "-pk").values_list("customer_id", flat=True)
    )
    newest = last.first()
    return next((each for each in files if each.pk == newest), files[0])


def stops(channel: str) -> str:
    """Return the way of contact that a stop by this channel ends: who wants no automatic calls is not called."""
    return outbox.CONTACT.get(channel, channel)


def _act(row: Reply, files: Sequence[Customer], *, at: datetime) -> None:
    if row.kind == Kind.STOP:
        _stop(row, files, at=at)
    elif row.kind == Kind.START:
        for found in ContactBar.objects.filter(
            customer__in=files, channel=stops(row.channel), reason=ContactBar.Reason.STOP, lifted_at__isnull=True
        ):
            contacts.lift(found, actor=users.system(), at=at)
    elif row.kind == Kind.WRONG and row.customer is not None:
        _somebody_elses(row, row.customer, files, at=at)


def _stop(row: Reply, files: Sequence[Customer], *, at: datetime) -> None:
    actor = users.system()
    held = set(
        ContactBar.objects.filter(customer__in=files, channel=stops(row.channel), lifted_at__isnull=True).values_list(
            "customer_id", flat=True
        )
    )
    stopped = set()
    for customer in files:
        if customer.pk not in held:
            with suppress(Invalid):  # said twice at once: the other one has stopped it
                contacts.bar(customer, channel=stops(row.channel), reason=ContactBar.Reason.STOP, actor=actor, at=at)
                stopped.add(customer.pk)
    take_back(files, channel=row.channel, reason="stopped", at=at)
    wrong = BarredNumber.objects.filter(number_key=row.number_key or "", lifted_at__isnull=True).exists()
    confirmed = row.channel in reply_words.on(localdate(at)).get(reply_words.CONFIRM, [])
    if row.customer is not None and row.customer.pk in stopped and confirmed and not wrong:
        language = messages.language_of(row.customer)
        messages.send(
            customer=row.customer, template=STOPPED, channel=row.channel, purpose=MessagePurpose.CONFIRM, key=f"reply:{row.public_id}",
            values={"lender": messages.sender_name(row.customer, language)}, actor=actor, at=at,
        )  # fmt: skip


def take_back(files: Sequence[Customer], *, channel: str, reason: str, at: datetime) -> int:
    """Take back what waits to be sent by a channel; what a customer has to be told goes by another way. Return how many."""
    rows = Message.objects.filter(customer__in=files, channel=channel, status__in=Message.OPEN).exclude(
        purpose__in=[MessagePurpose.CODE, MessagePurpose.CONFIRM]
    )
    waiting = list(
        rows.order_by("pk")
        .select_for_update(of=("self",), no_key=True)
        .select_related("customer__legal_entity", "template", "instead_of__template")
    )
    for message in waiting:
        if message.purpose == MessagePurpose.SERVICE:
            with suppress(messages.NotWanted):
                message_ways.by_another_way(message, at=at)
        messages.cancel(message, reason=reason, actor=users.system(), at=at)
    return len(waiting)


def _somebody_elses(row: Reply, customer: Customer, files: Sequence[Customer], *, at: datetime) -> None:
    """Bar where it came from everywhere, and have somebody find out how the customer is reached."""
    actor = users.system()
    if row.channel in NUMBERED:
        contacts.bar_number(customer, actor=actor, at=at, number_key=row.number_key)
    elif not ContactBar.objects.filter(customer=customer, channel=row.channel, lifted_at__isnull=True).exists():
        contacts.bar(customer, channel=row.channel, reason=ContactBar.Reason.WRONG_NUMBER, actor=actor, at=at)
    take_back(files, channel=row.channel, reason="wrong_number", at=at)
    activities.plan(
        customer, kind=Activity.Kind.TASK, text=_("Somebody else answered from the address on file, which is barred now: find out how the customer is reached."),
        due_at=at + WITHIN, actor=actor, at=at, assignee=message_ways.keeper_of(customer),
    )  # fmt: skip


@transaction.atomic
def read(reply: Reply, *, actor: User, at: datetime) -> Reply:
    """Take an answer off the list: somebody has read it and seen to it.

    :raises IllegalMove: if somebody did already
    """
    return move(
        reply, Reply.Status.DONE, actor=actor, at=at, event="customers.reply.read", facts={"kind": reply.kind}, read_by=actor, read_at=at
    )
