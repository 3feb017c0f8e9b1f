"""Carrying messages out: claim a batch, ask the gate, render, hand to the port, write down what became of it.

The database is the truth. A claimed batch whose sender died is taken up again after `LEASE`: a text message with the same key,
which the gateway honours; a mail only if it had not begun to leave, else it is parked for a person.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import localdate
from psycopg2.extras import execute_values

from crm.lib import rates
from customers import contact_gate, contact_packs, contact_policy, contacts, messages, send_times, templates
from customers.carriers import LINES, Outcome, Sessions, carry_share, carry_texts, letter, lines
from customers.contact_policy import ASKED_FOR, Attempt, Question
from customers.models import ContactAttempt, Customer, Message, MessageChannel, MessagePurpose
from governance import purposes, users, uses
from governance.vault import CannotOpen
from ledger import log

logger = logging.getLogger(__name__)

BATCH = 50
HANDFUL = 12  # mails between two writings down: as many are in doubt when a sender dies
LEASE = timedelta(minutes=5)
MEANWHILE = timedelta(minutes=1)  # as long as a batch may take to get hold of its customers
CHANNELS = tuple(MessageChannel.values)
CONTACT = {MessageChannel.IVR.value: "call"}  # as which kind of contact the rules count it
Status = Message.Status
Clock = Callable[[], datetime]


@dataclass(slots=True)
class Count:
    """What one batch did."""

    claimed: int = 0
    sent: int = 0
    waiting: int = 0
    failed: int = 0
    parked: int = 0
    cancelled: int = 0

    @property
    def moved(self) -> int:
        return self.sent + self.waiting + self.failed + self.parked + self.cancelled

    def add(self, other: "Count") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def send_due(*, clock: Clock, seconds: int = 30, limit: int = BATCH, channels: Sequence[str] = CHANNELS) -> Count:
    """Send batch after batch of what is due, the channels by turns, for at most `seconds`; one connection a line for all mails."""
    total, began = Count(), clock()
    busy = list(channels)
    with Sessions() as sessions:
        while busy and (clock() - began).total_seconds() < seconds:
            for channel in tuple(busy):
                done = send_batch(channel, clock=clock, limit=limit, sessions=sessions)
                total.add(done)
                if not done.moved:
                    busy.remove(channel)
    return total


def send_batch(channel: str, *, clock: Clock, limit: int = BATCH, sessions: "Sessions | None" = None) -> Count:
    """Claim what is due, send it, write down what became of it; the network always between two transactions."""
    at = clock()
    count = Count()
    ready = claim(channel, at=at, limit=min(limit, rates.of(channel).handful), count=count)
    if not ready:
        return count
    if channel != MessageChannel.EMAIL:
        settle(carry_texts(ready, at=at), at=clock(), count=count)
    elif sessions is not None:
        carry_mails(ready, sessions, clock=clock, count=count)
    else:
        with Sessions() as own:
            carry_mails(ready, own, clock=clock, count=count)
    return count


# --- claim ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def claim(channel: str, *, at: datetime, limit: int, count: Count) -> list[Message]:
    """Take a batch of due messages: those that may leave come back as `sending`, text and address filled in and sealed."""
    due = list(
        Message.objects.filter(channel=channel, status__in=Message.OPEN, due_at__lte=at)
        .order_by("priority", "due_at", "pk")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related("template", "customer__legal_entity")[:limit]
    )
    # Of two senders one counts a person's contacts at a time; who is held elsewhere has their turn in the next batch.
    free = set(
        Customer.objects.filter(pk__in={message.customer_id for message in due})
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True)
        .values_list("pk", flat=True)
    )
    due = [message for message in due if message.customer_id in free]
    if not due:
        return []
    wanted, outcomes = filled(due, at=at)
    ready, refused = admitted(wanted, at=at)
    outcomes += refused
    mark_sending(ready, at=at)
    note_attempts(ready, at=at)
    write(outcomes, at=at, count=count)
    count.claimed += len(ready)
    return ready


def filled(due: Sequence[Message], *, at: datetime) -> tuple[list[Message], list[Outcome]]:
    """Fill in address and text of what has none yet, with what holds now; what is no longer wanted is cancelled.

    The person is read for the purpose of the message. A row that does not open fails by itself: it must not hold up those behind it.
    """
    ready: list[Message] = []
    lawful, outcomes = stated(due, at=at)
    blank: dict[str, list[Message]] = {}
    for message in lawful:
        try:
            message.address = message.address or messages.address_of(message.customer, message.channel)
            if not message.address:
                outcomes.append(Outcome(message, Status.FAILED, "no_address"))
            elif message.text is None:
                blank.setdefault(message.purpose, []).append(message)
            else:
                _opened = (message.subject, message.text)  # here, before anything leaves
                ready.append(message)
        except CannotOpen:
            outcomes.append(Outcome(message, Status.FAILED, "cannot_open"))
        except uses.UnlawfulUse as refusal:
            refusal.remember()
            outcomes.append(Outcome(message, Status.FAILED, "unlawful_use"))
    for purpose, group in blank.items():
        source = messages.SOURCES.get(purpose)
        found = source(group, at) if source else {}
        for message in group:
            values = found.get(message.pk)
            if values is None:
                outcomes.append(Outcome(message, Status.CANCELLED, "not_due"))
                continue
            language = messages.language_of(message.customer)
            try:
                subject, message.text = templates.words_of(message.template, language, values)
            except KeyError:
                outcomes.append(Outcome(message, Status.FAILED, "template"))
                continue
            message.subject, message.language = subject or None, language
            ready.append(message)
    return ready, outcomes


def stated(due: Sequence[Message], *, at: datetime) -> tuple[list[Message], list[Outcome]]:
    """Bind each message's person to its purpose; who has not agreed (any more) where it needs a consent gets none of it."""
    lawful: list[Message] = []
    outcomes: list[Outcome] = []
    actor = users.system()
    for purpose in dict.fromkeys(message.purpose for message in due):
        group = [message for message in due if message.purpose == purpose]
        code = messages.READ_FOR[MessagePurpose(purpose)]
        try:
            refusals = uses.bind_lawful([message.customer for message in group], code, actor=actor, at=at)
        except purposes.UnknownPurpose:  # somebody ended it
            outcomes += [Outcome(message, Status.FAILED, "unlawful_use") for message in group]
            continue
        for refusal in refusals:
            refusal.remember()
        refused = {id(refusal.row) for refusal in refusals}
        lawful += [message for message in group if id(message.customer) not in refused]
        outcomes += [Outcome(message, Status.CANCELLED, "no_consent") for message in group if id(message.customer) in refused]
    return lawful, outcomes


def admitted(wanted: Sequence[Message], *, at: datetime) -> tuple[list[Message], list[Outcome]]:
    """Ask the gate about each and keep what it said; what only has to wait gets its moment, what may never be is told so."""
    ids = {message.customer_id for message in wanted}
    attempts, bars = contacts.attempts_of(ids, at=at), contacts.bars_of(ids)
    holds = contacts.holds_of({message.customer_id for message in wanted if message.purpose in contact_policy.BY_ITSELF})
    held: dict[tuple[date, str], contact_packs.Held] = {}
    windows: dict[date, dict[int, tuple[contact_policy.Window, ...]]] = {}
    ready, outcomes, said = [], [], []
    minutes = send_times.minutes_on(localdate(at))
    for message in wanted:
        zone = contacts.zone_of(message.customer)
        day, lender = at.astimezone(zone).date(), message.customer.legal_entity.code
        if (day, lender) not in held:
            held[day, lender] = contact_packs.held(on=day, lender=lender)
        if day not in windows:
            windows[day] = contacts.windows_of(ids, on=day)
        # A repetition of one message is one contact: it was counted when it was first tried.
        made = () if message.attempts else tuple(attempts[message.customer_id])
        asked = after_all(made, at=at)
        barred, own = bars.get(message.customer_id, frozenset()), windows[day].get(message.customer_id, ())
        question = Question(
            CONTACT.get(message.channel, message.channel),
            asked,
            zone,
            "debtor",
            message.purpose,
            made,
            barred,
            message.customer_id in holds,
            own,
        )
        verdict = contact_policy.check(question, held[day, lender].pack)
        one = contacts.Judged(question, verdict, held[day, lender], contacts.told(verdict, zone), message.customer)
        said.append(contact_gate.row_of(one, actor=None, subject=message.public_id))
        if verdict.allowed:
            ready.append(message)
            if message.purpose not in ASKED_FOR:
                attempts[message.customer_id].append(Attempt(question.channel, at, open_until=held_until(message, held[day, lender], at)))
        elif verdict.opens_at is not None:
            outcomes.append(Outcome(message, Status.WAITING, verdict.rule, due_at=spread(one, verdict.opens_at, minutes=minutes)))
        elif verdict.rule == contact_policy.HOLD:
            outcomes.append(Outcome(message, Status.CANCELLED, verdict.rule))  # nothing for a person to mend
        else:
            outcomes.append(Outcome(message, Status.FAILED, verdict.rule))
    contact_gate.keep_all(said)
    return ready, outcomes


def after_all(made: Iterable[Attempt], *, at: datetime) -> datetime:
    """Return the moment to ask about: `at`, or just after what a person, an agency or a visit was let through for since this batch began.

    The batch reads its clock before it holds its customers; a call reserved in between lies after `at` and counts all the same.
    """
    return max((one.at for one in made if at < one.at <= at + MEANWHILE), default=at)


def spread(one: contacts.Judged, opens_at: datetime, *, minutes: int) -> datetime:
    """Return when a message that has to wait leaves: not with all others the moment the hours open, unless its own would be closed."""
    question = one.question
    due = send_times.moment(one.customer.pk, after=opens_at, zone=question.zone, minutes=minutes)
    return due if contact_policy.once(contact_policy.moved(question, due), one.held.pack).allowed else opens_at


def held_until(message: Message, held: contact_packs.Held, at: datetime) -> datetime | None:
    """Return until when an automatic call may still be answered: it counts as a connect until its end is told."""
    return at + timedelta(minutes=held.minutes) if message.channel == MessageChannel.IVR else None


SENDING = """
UPDATE customers_message AS m
SET status = 'sending', claimed_at = v.at, attempts = m.attempts + 1, tried_at = NULL, problem = '',
    address = v.address, subject = v.subject, text = v.text, language = v.language
FROM (VALUES %s) AS v (id, at, address, subject, text, language)
WHERE m.id = v.id AND m.status IN ('planned', 'waiting')
"""


def mark_sending(ready: Sequence[Message], *, at: datetime) -> None:
    """Move a batch to `sending` in one statement; the rows are locked, so that the table of moves holds."""
    if not ready:
        return
    values = [(message.pk, at, *(sealed(message, name) for name in ("address", "subject", "text")), message.language) for message in ready]
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            SENDING,
            values,
            template="(%s, %s::timestamptz, %s::bytea, %s::bytea, %s::bytea, %s)",
            page_size=len(values),
        )
    for message in ready:
        message.status, message.claimed_at, message.attempts = Status.SENDING, at, message.attempts + 1


def sealed(message: Message, name: str) -> bytes | None:
    value = getattr(message, name)
    field: Any = Message._meta.get_field(name)
    return None if value is None else field.sealed(message, value)


def note_attempts(ready: Iterable[Message], *, at: datetime) -> None:
    """Count a batch's contacts, each message once per round; what the customer asked for is none. An automatic call counts as a call."""
    ready = list(ready)
    lenders = {message.customer.legal_entity.code for message in ready if message.channel == MessageChannel.IVR}
    until = {lender: at + timedelta(minutes=contact_packs.held(on=localdate(at), lender=lender).minutes) for lender in lenders}
    ContactAttempt.objects.bulk_create(
        (
            ContactAttempt(
                customer_id=message.customer_id,
                channel=CONTACT.get(message.channel, message.channel),
                at=at,
                open_until=until[message.customer.legal_entity.code] if message.channel == MessageChannel.IVR else None,
                purpose=message.purpose,
                key=f"message:{messages.wire_key(message)}",
                message=message,
            )
            for message in ready
            if message.purpose not in ASKED_FOR
        ),
        ignore_conflicts=True,
    )


# --- mails, a handful at a time ------------------------------------------------------------------------------------
def carry_mails(ready: Sequence[Message], sessions: Sessions, *, clock: Clock, count: Count) -> None:
    """Send mails a handful at a time, and write those down before the next leave.

    A mail is marked first: from then on it may have gone out. So a sender that dies leaves a handful in doubt, not a batch.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(ready), HANDFUL):
        handful, at = ready[start : start + HANDFUL], clock()
        with transaction.atomic():
            write(outcomes, at=at, count=count)
            mine = marked(handful, at=at)
        parcels = [(message, letter(message, at=at)) for message in mine]
        # each line has its share and its own connection
        shares = [parcels[line::LINES] for line in range(LINES)]
        outcomes = [one for share in lines().map(carry_share, sessions.open, shares, [at] * LINES) for one in share]
    settle(outcomes, at=clock(), count=count)


MARKED = """
UPDATE customers_message SET tried_at = %(at)s
WHERE id IN (
    SELECT id FROM customers_message
    WHERE id = ANY (%(ids)s) AND status = 'sending' AND tried_at IS NULL AND claimed_at = %(claimed_at)s ORDER BY id FOR NO KEY UPDATE)
RETURNING id
"""


def marked(handful: Sequence[Message], *, at: datetime) -> list[Message]:
    """Mark mails as under way and return them; one whose claim ran out is another sender's by now."""
    with connection.cursor() as cursor:
        cursor.execute(MARKED, {"at": at, "ids": [message.pk for message in handful], "claimed_at": handful[0].claimed_at})
        mine = {pk for (pk,) in cursor.fetchall()}
    return [message for message in handful if message.pk in mine]


# --- settle --------------------------------------------------------------------------------------------------------
SETTLED = """
UPDATE customers_message AS m
SET status = v.status, problem = v.problem, receipt = v.receipt, due_at = coalesce(v.due_at, m.due_at),
    sent_at = CASE WHEN v.status = 'sent' THEN v.at ELSE m.sent_at END,
    settled_at = CASE WHEN v.status IN ('failed', 'parked', 'cancelled') THEN v.at END,
    text = CASE WHEN v.forget THEN NULL ELSE m.text END
FROM (VALUES %s) AS v (id, was, claimed_at, status, problem, receipt, due_at, at, forget)
WHERE m.id = v.id AND m.status = v.was AND m.claimed_at IS NOT DISTINCT FROM v.claimed_at
RETURNING m.id
"""


@transaction.atomic
def settle(outcomes: Sequence[Outcome], *, at: datetime, count: Count) -> None:
    """Write down what became of a batch; what another sender took over meanwhile is its to tell."""
    write(outcomes, at=at, count=count)


def write(outcomes: Sequence[Outcome], *, at: datetime, count: Count) -> None:
    """Move messages to their outcomes in one statement and record each; within the caller's transaction.

    The statement compares and sets: the status and the claim have to be those the outcome was found under.
    """
    if not outcomes:
        return
    for outcome in outcomes:
        if outcome.status not in Message.MOVES[outcome.message.status]:
            raise AssertionError(f"{outcome.message} cannot go from {outcome.message.status} to {outcome.status}")
    values = [
        (
            one.message.pk,
            one.message.status,
            one.message.claimed_at,
            str(one.status),
            one.problem,
            one.receipt,
            one.due_at,
            at,
            one.status == Status.SENT and messages.is_secret(one.message.template),
        )
        for one in outcomes
    ]
    with connection.cursor() as cursor:
        moved = execute_values(
            cursor.cursor,
            SETTLED,
            values,
            template="(%s, %s, %s::timestamptz, %s, %s, %s, %s::timestamptz, %s::timestamptz, %s)",
            page_size=len(values),
            fetch=True,
        )
    done = {pk for (pk,) in moved}
    nowhere = [
        f"message:{messages.wire_key(one.message)}"
        for one in outcomes
        if one.message.pk in done and one.status == Status.FAILED and one.message.channel == MessageChannel.IVR
    ]
    if nowhere:  # nobody was rung, so nobody answered
        ContactAttempt.objects.filter(key__in=nowhere).update(open_until=None)
    entries: dict[str, list[log.Row]] = {}
    for one in outcomes:
        message = one.message
        if message.pk not in done:
            continue
        setattr(count, one.status, getattr(count, one.status) + 1)
        facts: dict[str, Any] = {"channel": message.channel, "template": message.template.code, "purpose": message.purpose}
        if one.problem:
            facts["problem"] = one.problem
        if one.due_at:
            facts["due_at"] = one.due_at
        if one.receipt and message.channel != MessageChannel.EMAIL:
            facts["receipt"] = one.receipt
        entries.setdefault(f"customers.message.{one.status}", []).append(
            log.Row("customers.message", message.pk, message.customer_id, facts)
        )
    actor = users.system()
    for event, rows in sorted(entries.items()):
        log.record_many(event, rows, actor=actor, at=at)


# --- what a dead sender left ---------------------------------------------------------------------------------------
@transaction.atomic
def recover(*, at: datetime, limit: int = 500) -> Count:
    """Take up batches whose sender died: what may be asked again waits, a mail that had begun to leave is parked."""
    count = Count()
    stuck = (
        Message.objects.filter(status=Status.SENDING, claimed_at__lt=at - LEASE)
        .order_by("pk")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related("template")[:limit]
    )
    outcomes = []
    for message in stuck:
        if message.channel != MessageChannel.EMAIL or message.tried_at is None:
            outcomes.append(Outcome(message, Status.WAITING, "sender_lost", due_at=at))
        elif message.tried_at < at - LEASE:
            outcomes.append(Outcome(message, Status.PARKED, "unknown_result"))
    write(outcomes, at=at, count=count)
    return count
