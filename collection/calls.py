"""Doors of telephone calls: the place among the counts first, then the gateway; what it tells moves the call; a sweep settles the rest.

`place` runs in a transaction and refuses before anybody's telephone rings; `dial` is carried out after it, outside any. Where the gateway
cannot be relied on the place is kept and the collector dials by hand. What counts as a connect is told by the event, or by the result that
is logged, whichever says that somebody answered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _

from collection import call_rules, cases, contacts, gate, recordings
from collection.models import CallEvent, Case, Outcome, PhoneCall, RightPartyCheck
from credit import exposure
from crm.lib.errors import DomainError, Invalid, NotFound
from crm.lib.ports import telephony as port
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown
from customers import contact_gate
from customers.models import Relation
from governance import users, uses
from governance.lifecycle import MovedMeanwhile, move
from governance.models import User
from risk import bureau_circuit

MOVED = "collections.call.moved"
QUIET = timedelta(minutes=2)  # without a word after which the gateway is asked
LONGEST = timedelta(hours=2)  # no talk takes longer: its end was not told
BATCH = 100
Status, Event = PhoneCall.Status, CallEvent.Event
BECOMES = {
    Event.RINGING: Status.RINGING,
    Event.ANSWERED: Status.ANSWERED,
    Event.BUSY: Status.BUSY,
    Event.NO_ANSWER: Status.NO_ANSWER,
    Event.HUNG_UP: Status.TALKED,
}
OVER = (Status.TALKED, Status.BUSY, Status.NO_ANSWER, Status.FAILED, Status.LOST)
UNKNOWN_NUMBER = "unknown_number"


class CallNotLogged(DomainError):
    """How the last call in the case ended is not logged yet."""

    code = "call_not_logged"


class EventReplayed(DomainError):
    """The gateway told this very event before; nothing changes."""

    code = "event_replayed"


@dataclass(frozen=True)
class Placed:
    """A call with its place among the counts, and whether it was made now: only then it is dialled."""

    call: PhoneCall
    made: bool


@transaction.atomic
def place(case: Case, *, actor: User, at: datetime, key: str, relation: Relation | None = None) -> Placed:
    """Take a call's place among the counts of the contact policy. A call that runs is given back: one at a time.

    :param relation: who answers for the debt beside the debtor, if they are called
    :raises CaseClosed, CasePaused, NotHeld: as any work on the case
    :raises CallNotLogged: if the last call is over and its result is not logged
    :raises NotNow: if the contact policy forbids it at `at`: nothing is dialled
    """
    exposure.lock(case.customer_id)
    row = cases.held(case, actor=actor, at=at)
    standing = gate.unlogged(row, actor=actor, at=at)
    if standing is not None and standing.status not in OVER and not by_hand_long_ago(standing, at=at):
        return Placed(standing, made=False)
    if standing is not None:
        raise CallNotLogged(_("Log how the last call ended before you place another one."))
    attempt = contacts.begin_call(row, actor=actor, at=at, key=key, relation=relation)
    call = PhoneCall.objects.create(case=row, attempt=attempt, relation=relation, actor=actor, began_at=at)
    return Placed(call, made=True)


def by_hand_long_ago(call: PhoneCall, *, at: datetime) -> bool:
    """Return whether a call dialled by hand has lost its place: nothing but the collector's word tells how it ended."""
    return call.status == Status.BY_HAND and (call.attempt.open_until is None or call.attempt.open_until <= at)


def dial(call: PhoneCall, *, at: datetime, clock: Callable[[], datetime] = now, headers: dict[str, str] | None = None) -> PhoneCall:
    """Hand a placed call to the gateway; call it outside transactions. What goes wrong leaves its name on the call, and no error.

    :param clock: real time, by which the breaker counts; `at` may lie in the past
    """
    if call.status != Status.PLACING:
        return call
    calls = call_rules.patience(on=localdate(clock()))
    number = number_of(call, at=at)
    if not number:
        return refused(call, code="no_number", at=at)
    try:
        bureau_circuit.enter(calls, at=clock(), name=port.NAME)
        taken = port.start(
            to=number, agent=call.actor.public_id, key=call.public_id, at=at, tries=calls.tries, read_seconds=calls.seconds, headers=headers
        )
    except PortOff:
        return moved(call, Status.BY_HAND, at=at, why="port_off")
    except bureau_circuit.BureauPaused:
        return moved(call, Status.BY_HAND, at=at, why="paused")
    except PortUnknown:
        bureau_circuit.failed(calls, at=clock(), name=port.NAME)
        return moved(call, Status.BY_HAND, at=at, why="silent")
    except PortRefused as refusal:
        bureau_circuit.succeeded(at=clock(), name=port.NAME)
        return refused(call, code=str(refusal.extra.get("their_code", ""))[:40], at=at)
    bureau_circuit.succeeded(at=clock(), name=port.NAME)
    return moved(call, Status.DIALLED, at=at, gateway_id=taken.id)


def number_of(call: PhoneCall, *, at: datetime) -> str:
    """Return the number to be rung, read for collection; "" where none is on file."""
    relation = call.relation
    holder: Any = call.case.customer if relation is None else relation.other or relation
    return str(uses.reading(holder, "collections", actor=call.actor, at=at).mobile or "")


@transaction.atomic
def refused(call: PhoneCall, *, code: str, at: datetime) -> PhoneCall:
    """Note that the gateway will not ring this number: nobody was reached."""
    contact_gate.settle(call.attempt, connected=False)
    return moved(call, Status.FAILED, at=at, why=code, ended_at=at)


def moved(call: PhoneCall, to: str, *, at: datetime, actor: User | None = None, **changes: Any) -> PhoneCall:
    """Move a call; a word of the gateway that came first stands."""
    facts = {"customer_id": call.case.customer_id, "case": call.case.public_id, "status": str(to), "why": changes.get("why", "")}
    try:
        return move(call, to, actor=actor or call.actor, at=at, event=MOVED, facts=facts, **changes)
    except MovedMeanwhile:
        call.refresh_from_db()
        return call


# --- what the gateway tells ----------------------------------------------------------------------------------------
@transaction.atomic
def heard(*, key: str, event: str, event_id: str, at: datetime, seconds: int = 0, recording: str = "") -> PhoneCall:
    """Take one event of the gateway: the call moves on, an answer counts as a connect at once.

    Events may come late or in another order: what was over stays over, but an answer told afterwards still counts.

    :param key: the public id of the call, by which it was asked for
    :param event: one of `CallEvent.Event`
    :param event_id: the gateway's own name of the event
    :raises NotFound: if there is no such call
    :raises Invalid: if the event is none we know
    :raises EventReplayed: if it was told before
    """
    if event not in Event.values or not event_id or len(event_id) > 64 or "\0" in event_id:
        raise Invalid(_("Send an event that we know, with its id."))
    rows = PhoneCall.objects.select_for_update(of=("self",), no_key=True).select_related("attempt", "case", "actor")
    call = rows.filter(public_id=key).first() if "\0" not in key else None
    if call is None:
        raise NotFound(_("There is no such call."))
    try:
        with transaction.atomic():
            CallEvent.objects.create(call=call, event=event, event_id=event_id, at=at)
    except IntegrityError as error:
        if "call_event_once" not in str(error):
            raise
        raise EventReplayed(_("This event was told before.")) from None
    if event == Event.RECORDING:
        return recorded(call, recording[:80], at=at)
    told = BECOMES[Event(event)]
    changes: dict[str, Any] = {"heard_at": at}
    if told == Status.ANSWERED or (told == Status.TALKED and seconds > 0):
        contact_gate.answered(call.attempt)
        changes["answered_at"] = call.answered_at or max(at - timedelta(seconds=seconds), call.began_at)
    elif told != Status.RINGING:
        contact_gate.settle(call.attempt, connected=False)
    if told in OVER:
        changes |= {"ended_at": max(at, call.began_at), "seconds": seconds if told == Status.TALKED else 0}
    if told in call.MOVES[call.status]:
        return moved(call, told, at=at, actor=users.system(), **changes)
    for name, value in changes.items():
        if name not in ("ended_at", "seconds") or getattr(call, name) is None:
            setattr(call, name, value)
    call.save(update_fields=list(changes))
    return call


def recorded(call: PhoneCall, reference: str, *, at: datetime) -> PhoneCall:
    """Keep where the recording of a call lies; the sound stays with the telephone system."""
    call.recording, call.heard_at = reference, at
    call.save(update_fields=["recording", "heard_at"])
    if reference:
        recordings.keep(
            call.case, reference=reference, seconds=call.seconds or 0, actor=call.actor, at=call.answered_at or call.began_at,
            attempt=call.attempt, contact=call.attempt.contacts.first(),
        )  # fmt: skip
    return call


def hang_up(call: PhoneCall, *, actor: User) -> bool:
    """Ask the gateway to end a call of `actor`; return whether it heard. Call it outside transactions.

    :raises NotHeld: if it is another person's call
    """
    if call.actor_id != actor.pk:
        raise cases.NotHeld(_("Only who placed the call may end it."))
    try:
        port.hang_up(key=call.public_id)
    except (PortOff, PortRefused, PortUnknown):
        return False
    return True


# --- what nobody told ----------------------------------------------------------------------------------------------
def sweep(*, at: datetime) -> int:
    """Settle calls of which nothing was heard for a while: the gateway is asked, and where it cannot tell, the call is over when its place
    among the counts is; return how many were settled. Call it outside transactions.
    """
    settled = 0
    for call in (
        PhoneCall.objects.running().filter(began_at__lt=at - QUIET).select_related("attempt", "case", "actor").order_by("pk")[:BATCH]
    ):
        if call.heard_at is not None and call.heard_at > at - QUIET:
            continue
        try:
            known = port.look(key=call.public_id)
        except (PortOff, PortRefused, PortUnknown):
            known = None
        if known is not None and known.state in ("busy", "no_answer", "hung_up"):
            event_id = f"looked:{call.public_id}:{known.state}"
            try:
                heard(key=call.public_id, event=known.state, event_id=event_id, at=at, seconds=known.seconds)
                if known.recording:
                    heard(key=call.public_id, event="recording", event_id=f"{event_id}:r", at=at, recording=known.recording)
            except EventReplayed:
                pass
            settled += 1
        elif (known is None and overdue(call, at=at)) or call.began_at < at - LONGEST:
            settled += lose(call, at=at)
    return settled


def overdue(call: PhoneCall, *, at: datetime) -> bool:
    """Return whether a call's place among the counts is over; of an answered one, whether no talk takes that long."""
    if call.status == Status.ANSWERED:
        return call.began_at < at - LONGEST
    return call.attempt.open_until is None or call.attempt.open_until <= at


@transaction.atomic
def lose(call: PhoneCall, *, at: datetime) -> bool:
    """End a call whose end nobody told: that somebody answered is not ruled out, so it counts as answered until its result is logged."""
    return moved(call, Status.LOST, at=at, actor=users.system(), ended_at=at).status == Status.LOST


# --- for the page --------------------------------------------------------------------------------------------------
def suggestion(call: PhoneCall, check: RightPartyCheck | None) -> str:
    """Return the result that the end of a call suggests, "" for none: the collector decides."""
    if call.status in (Status.BUSY, Status.NO_ANSWER):
        return str(Outcome.BUSY if call.status == Status.BUSY else Outcome.NO_ANSWER)
    if call.status == Status.FAILED and call.why == UNKNOWN_NUMBER:
        return str(Outcome.WRONG_NUMBER)
    if call.status in (Status.ANSWERED, Status.TALKED) and check is not None:
        talked = Outcome.RIGHT_PARTY if check.relation_id is None else Outcome.OBLIGOR
        found = {check.Result.PASSED: talked, check.Result.THIRD_PARTY: Outcome.THIRD_PARTY}
        return str(found.get(RightPartyCheck.Result(check.result), ""))
    return ""
