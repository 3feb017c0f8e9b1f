"""Handing messages to their gateways: a few at a time, at the gateway's own rate, each answer told as an outcome.

Nothing here touches the database: whoever claimed a batch writes down what became of it.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from django.conf import settings

from crm.lib import rates
from crm.lib.ports import mail, sms
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown
from customers import messages
from customers.models import Message

LINES = 4  # messages under way at a time, per process
ATTEMPTS = 6  # without a certain answer; then a person decides
BUSY = timedelta(seconds=30)
Status = Message.Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a message becomes: its status, why, the gateway's receipt, and when it is due again."""

    message: Message
    status: str
    problem: str = ""
    receipt: str = ""
    due_at: datetime | None = None


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: 15 s doubling to ten minutes."""
    return timedelta(seconds=min(15 * 2 ** max(attempts - 1, 0), 600))


_lines: list[ThreadPoolExecutor] = []


def lines() -> ThreadPoolExecutor:
    """Return the threads that wait for gateway and mail server; made in the process that uses them, since a fork loses threads."""
    if not _lines:
        _lines.append(ThreadPoolExecutor(LINES, thread_name_prefix="messages"))
    return _lines[0]


def carry_texts(ready: Sequence[Message], *, at: datetime) -> list[Outcome]:
    """Hand text messages to the gateway, a few at a time."""
    # Opened here: a thread of its own would open a database connection of its own.
    parcels = [(message, message.address, message.text, messages.wire_key(message)) for message in ready]
    return list(lines().map(lambda parcel: carry_text(*parcel, at=at), parcels))


def carry_text(message: Message, to: str, text: str, key: str, *, at: datetime) -> Outcome:
    """Hand one text message to the gateway; a repeated key is one message there."""
    try:
        with rates.slot(message.channel):
            receipt = sms.send(to=to, text=text, key=key, at=at, name=message.channel)
    except rates.Busy:
        return Outcome(message, Status.WAITING, "gateway_busy", due_at=at + BUSY)
    except PortOff:
        return Outcome(message, Status.WAITING, "port_off", due_at=at + timedelta(minutes=10))
    except PortRefused as error:
        return Outcome(message, Status.FAILED, f"refused:{error.extra.get('their_code', '')}"[:60])
    except PortUnknown:
        if message.attempts >= ATTEMPTS:
            return Outcome(message, Status.PARKED, "no_answer")
        return Outcome(message, Status.WAITING, "no_answer", due_at=at + backoff(message.attempts))
    return Outcome(message, Status.SENT, receipt=receipt.id)


class Sessions:
    """The connections to the mail server, one a line, opened with the first mail of each and kept for those that follow."""

    def __init__(self) -> None:
        self.open = [mail.Session() for _line in range(LINES)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for session in self.open:
            session.close()


def letter(message: Message, *, at: datetime) -> EmailMessage:
    """Return the mail of a message; its Message-ID is the message's own, so that copies can be told."""
    return mail.composed(
        to=message.address or "",
        sender=settings.MAIL_FROM,
        subject=message.subject or "",
        text=message.text or "",
        message_id=f"<{messages.wire_key(message)}@{messages.mail_domain()}>",
        at=at,
    )


def carry_share(session: mail.Session, parcels: Sequence[tuple[Message, EmailMessage]], at: datetime) -> list[Outcome]:
    """Send what falls to one line, one after the other."""
    return [carry_mail(session, message, written, at) for message, written in parcels]


def carry_mail(session: mail.Session, message: Message, written: EmailMessage, at: datetime) -> Outcome:
    """Send one mail; what nobody can tell is parked."""
    try:
        with rates.slot(message.channel):
            said = session.send(written)
    except rates.Busy:
        return Outcome(message, Status.WAITING, "gateway_busy", due_at=at + BUSY)
    except PortOff:
        return Outcome(message, Status.WAITING, "port_off", due_at=at + timedelta(minutes=10))
    except mail.NotSent:
        if message.attempts >= ATTEMPTS:
            return Outcome(message, Status.FAILED, "not_sent")
        return Outcome(message, Status.WAITING, "not_sent", due_at=at + backoff(message.attempts))
    except PortRefused as error:
        return Outcome(message, Status.FAILED, f"refused:{error.extra.get('their_code', '')}"[:60])
    except PortUnknown:
        return Outcome(message, Status.PARKED, "unknown_result")
    return Outcome(message, Status.SENT, receipt=said[:64])
