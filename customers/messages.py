"""The only way to write to a customer: `send` plans one message per key for ever; `customers/outbox.py` carries it out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from crm.lib.errors import DomainError, Invalid, NotAllowed
from crm.lib.registry import Registry
from customers import consents, templates
from customers.models import Customer, Message, MessageChannel, MessagePurpose, MessageTemplate, Purpose
from governance import uses
from governance.lifecycle import move
from governance.models import User
from ledger import log

DEFAULT_LANGUAGE = "zh-hans"
# For which purpose the address of a message is read.
READ_FOR = {
    MessagePurpose.CODE: "service",
    MessagePurpose.SERVICE: "service",
    MessagePurpose.REMINDER: "servicing",
    MessagePurpose.COLLECTION: "collections",
    MessagePurpose.MARKETING: "marketing",
    MessagePurpose.CONFIRM: "service",
}
PRIORITY = {MessagePurpose.CODE: 0, MessagePurpose.CONFIRM: 1, MessagePurpose.SERVICE: 3}

# What is planned without a text gets its values when it is sent: whoever planned it says what still holds then.
# read(messages, at) → {message id: values, or None when it is no longer wanted}
Source = Callable[[Sequence[Message], datetime], Mapping[int, Mapping[str, str] | None]]
SOURCES: Registry[Source] = Registry("source of message values")


class NoAddress(Invalid):
    """The customer has no address for this channel."""

    code = "no_address"


class NotWanted(DomainError):
    """What the message is about no longer asks for it."""

    code = "not_wanted"


class NoConsent(NotAllowed):
    """Marketing needs the customer's consent."""

    code = "no_consent"


def language_of(customer: Customer) -> str:
    return customer.language or DEFAULT_LANGUAGE


def address_of(customer: Customer, channel: str) -> str:
    """Return where a channel reaches the customer, "" for nowhere."""
    if channel == MessageChannel.EMAIL:
        return customer.email or ""
    # The gateway of the app knows its people by the number of their file: nothing of the person leaves.
    return customer.public_id if channel == MessageChannel.APP else customer.mobile


@transaction.atomic
def send(
    *,
    customer: Customer,
    template: str,
    channel: str,
    values: Mapping[str, Any],
    key: str,
    actor: User,
    at: datetime,
    purpose: str,
    due_at: datetime | None = None,
    language: str = "",
) -> Message:
    """Plan one message; it leaves when it is due and the rules of contact allow. The same `key` is the same message for ever.

    Call it inside the transaction of what the message is about: it is handed to a sender after commit.

    :param template: code of a declared kind, such as "reminder.due"
    :param values: what stands for the placeholders, as text in the language of the message
    :param purpose: one of `MessagePurpose`
    :param language: of the words; the customer's own when left out
    :raises NoTemplate: if no version is live for the channel
    :raises NoAddress: if the customer has no mobile or e-mail address on file
    :raises NoConsent: if it is marketing and the customer did not agree
    :raises KeyError: if a placeholder has no value
    """
    if purpose not in MessagePurpose.values or channel not in MessageChannel.values:
        raise ValueError(f"{purpose} by {channel} is no message of ours")
    known = Message.objects.filter(key=key).first()
    if known is not None:
        return known
    version = templates.live(template, channel)
    if purpose == MessagePurpose.MARKETING and not consents.holds(customer, Purpose.MARKETING, on=localdate(at)):
        raise NoConsent(_("The customer did not agree to marketing."))
    address = address_of(uses.reading(customer, READ_FOR[MessagePurpose(purpose)], actor=actor, at=at), channel)
    if not address:
        word = dict(MessageChannel.choices)[channel]
        raise NoAddress(_("No address is on file for %(channel)s.") % {"channel": word})
    language = language or language_of(customer)
    subject, text = templates.words_of(version, language, {name: str(value) for name, value in values.items()})
    made = Message(
        customer=customer,
        template=version,
        channel=channel,
        purpose=purpose,
        key=key,
        priority=PRIORITY.get(MessagePurpose(purpose), 5),
        language=language,
        address=address,
        subject=subject or None,
        text=text,
        planned_at=at,
        due_at=due_at or at,
    )
    # Two doors with one key: the second waits here for the first to commit, and finds its message.
    row = _insert(made)
    if row is not made:
        return row
    log.record("customers.message.planned", made, actor=actor, at=at, template=template, channel=channel, purpose=purpose)
    hint()
    return made


def _insert(made: Message) -> Message:
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        if "message_once_per_key" not in str(error):
            raise
        return Message.objects.get(key=made.key)
    return made


def hint() -> None:
    """Tell a worker after commit that something waits to be sent; what the broker loses, the beat finds."""
    if not log.broker_is_off():
        transaction.on_commit(_tell, robust=True)


def _tell() -> None:
    from customers.tasks import send_messages

    try:
        send_messages.delay()
    except (OSError, OperationalError):
        return


@transaction.atomic
def cancel(message: Message, *, reason: str, actor: User, at: datetime) -> Message:
    """Take back what was not sent, or give up what failed or is parked.

    :raises IllegalMove: if it is out, or being sent
    """
    return move(
        message,
        Message.Status.CANCELLED,
        actor=actor,
        at=at,
        event="customers.message.cancelled",
        facts={"reason": reason, "channel": message.channel},
        problem=reason,
        settled_at=at,
    )


@transaction.atomic
def send_again(message: Message, *, actor: User, at: datetime) -> Message:
    """Have a failed or parked message sent once more, by decision of a person.

    A text without an answer keeps its key and words, so that the gateway still sends it once. Everything else is another round:
    the address is read anew from the file, and what the message says from the books.

    :raises IllegalMove: if it neither failed nor is parked
    :raises NoAddress: if there is no address any more
    :raises NotWanted: if what it is about is settled meanwhile
    :raises Invalid: if it was a one-time code, whose text is gone
    """
    if is_secret(message.template):
        raise Invalid(_("A one-time code is not sent again: have a new one issued."))
    source = SOURCES.get(message.purpose)
    found = source([message], at) if source else {}
    if message.pk in found and found[message.pk] is None:
        raise NotWanted(_("What it reminds of is settled or past. Give it up instead."))
    same = message.channel != MessageChannel.EMAIL and message.status == Message.Status.PARKED
    address = message.address if same else address_of(message.customer, message.channel)
    if not address:
        raise NoAddress(_("No address is on file for %(channel)s.") % {"channel": message.get_channel_display()})
    anew: dict[str, Any] = {} if same else {"rounds": message.rounds + 1}
    if not same and message.pk in found:
        anew |= {"text": None, "subject": None}  # written again from what holds when it leaves
    moved = move(
        message,
        Message.Status.WAITING,
        actor=actor,
        at=at,
        event="customers.message.sent_again",
        facts={"channel": message.channel, "after": message.problem},
        due_at=at,
        problem="",
        attempts=0,
        claimed_at=None,
        tried_at=None,
        settled_at=None,
        **anew,
    )
    moved.address = address
    moved.save(update_fields=["address"])
    hint()
    return moved


def sender_name(customer: Customer, language: str) -> str:
    """Return the lender's name as it stands in a message."""
    entity = customer.legal_entity
    return entity.name_zh if language.startswith("zh") else entity.name_en


def wire_key(message: Message) -> str:
    """Return the name under which a gateway knows the message: a further round ordered by a person is another sending."""
    return f"{message.public_id}-{message.rounds}" if message.rounds else message.public_id


def of_wire_key(key: str) -> tuple[str, int]:
    """Return public id and round of a gateway's key."""
    parts = key.split("-")
    if len(parts) == 3 and parts[2].isdigit():
        return "-".join(parts[:2]), int(parts[2])
    return key, 0


def mail_domain() -> str:
    """Return the domain of our Message-IDs."""
    return str(settings.MAIL_DOMAIN)


def is_secret(template: MessageTemplate) -> bool:
    kind = templates.KINDS.get(template.code)
    return bool(kind and kind.secret)
