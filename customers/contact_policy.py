"""May this person be reached by this channel at this moment? Values in, a verdict out: no Django, no clock, no database.

One gate for every channel, person or machine. The values of the rules come from the rule book (`customers/contacts.py` reads
them); the order of the checks is `CHECKS`. What is only a matter of time is answered with the moment from which it is allowed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

OBLIGORS = ("debtor", "guarantor", "co_borrower")
WRITTEN = ("sms", "email")
# What the customer has just asked for: bound to the address on file, not to hours and counts.
ASKED_FOR = ("code",)
# What leaves by itself: no machine writes to somebody who disputes the debt, asks for relief, or has died.
BY_ITSELF = ("reminder",)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Pack:
    """The rules in force: hours `[opens, closes)` in the debtor's zone, and most attempts per natural day and per seven days.

    A limit of None is none. `connected_calls_per_day` counts answered calls, `calls_*` dialled ones, `messages_*` those of
    one written channel.
    """

    opens: time
    closes: time
    connected_calls_per_day: int | None
    calls_per_day: int | None
    calls_per_week: int | None
    messages_per_day: int | None
    messages_per_week: int | None


class Attempt(NamedTuple):
    """One earlier attempt from our side."""

    channel: str
    at: datetime
    connected: bool = False


@dataclass(frozen=True)
class Question:
    """Who is to be reached, how, when and why; `attempts` are those of the last eight days, `barred` the stopped channels.

    `held`: a matter is open with this person that reminders have to wait for.
    """

    channel: str
    at: datetime
    zone: ZoneInfo
    party: str = "debtor"
    purpose: str = "collection"
    attempts: tuple[Attempt, ...] = ()
    barred: frozenset[str] = frozenset()
    held: bool = False


@dataclass(frozen=True)
class Verdict:
    """`rule` names what refuses, "" when allowed; `opens_at` is the moment from which it is allowed, None when time cures nothing."""

    allowed: bool
    rule: str = ""
    opens_at: datetime | None = None


ALLOWED = Verdict(True)
PARTY, BAR, HOLD, HOURS, CONNECTED, DAY, WEEKLY = (
    "contact.obligors_only",
    "contact.stop",
    "contact.hold",
    "contact.hours",
    "contact.connected_calls_per_day",
    "contact.per_day",
    "contact.per_week",
)
RULES = (PARTY, BAR, HOLD, HOURS, CONNECTED, DAY, WEEKLY)


def check(question: Question, pack: Pack) -> Verdict:
    """Judge one contact. A refusal that time cures names the first moment at which every rule allows it.

    :raises ValueError: if `at` has no time zone
    """
    if question.at.tzinfo is None:
        raise ValueError("`at` needs a time zone")
    first = once(question, pack)
    if first.allowed or first.opens_at is None:
        return first
    # What opens one rule may lie behind another: a count that ends at midnight ends inside the night.
    at = first.opens_at
    for _round in range(20):
        found = once(moved(question, at), pack)
        if found.allowed:
            return Verdict(False, first.rule, at)
        if found.opens_at is None or found.opens_at <= at:
            break
        at = found.opens_at
    return Verdict(False, first.rule, None)


def moved(question: Question, at: datetime) -> Question:
    return replace(question, at=at)


def once(question: Question, pack: Pack) -> Verdict:
    """Return the first refusal in the order of `CHECKS`, at this very moment."""
    for ask in CHECKS:
        found = ask(question, pack)
        if not found.allowed:
            return found
    return ALLOWED


def party(question: Question, pack: Pack) -> Verdict:
    """Only those who owe: nobody else is collected from, reminded or told."""
    return ALLOWED if question.party in OBLIGORS else Verdict(False, PARTY)


def bars(question: Question, pack: Pack) -> Verdict:
    """A stop of the customer's, a number that is somebody else's."""
    return Verdict(False, BAR) if question.channel in question.barred else ALLOWED


def hold(question: Question, pack: Pack) -> Verdict:
    """What leaves by itself waits for the matter; a person who answers it does not."""
    return Verdict(False, HOLD) if question.held and question.purpose in BY_ITSELF else ALLOWED


def hours(question: Question, pack: Pack) -> Verdict:
    """Within `[opens, closes)` by the debtor's clock. A letter has no hour."""
    if question.purpose in ASKED_FOR or question.channel == "letter":
        return ALLOWED
    local = question.at.astimezone(question.zone)
    if pack.opens <= local.time() < pack.closes:
        return ALLOWED
    day = local.date() if local.time() < pack.opens else local.date() + timedelta(days=1)
    return Verdict(False, HOURS, datetime.combine(day, pack.opens, tzinfo=question.zone))


def counts(question: Question, pack: Pack) -> Verdict:
    """At most so many a natural day of the debtor's, and in any seven days."""
    if question.purpose in ASKED_FOR:
        return ALLOWED
    mine = [attempt for attempt in question.attempts if attempt.channel == question.channel and attempt.at <= question.at]
    limits: tuple[int | None, int | None]
    if question.channel == "call":
        answered = [attempt for attempt in mine if attempt.connected]
        if full := day_full(question, answered, pack.connected_calls_per_day):
            return Verdict(False, CONNECTED, full)
        limits = (pack.calls_per_day, pack.calls_per_week)
    elif question.channel in WRITTEN:
        limits = (pack.messages_per_day, pack.messages_per_week)
    else:
        return ALLOWED
    if full := day_full(question, mine, limits[0]):
        return Verdict(False, DAY, full)
    if full := week_full(question, mine, limits[1]):
        return Verdict(False, WEEKLY, full)
    return ALLOWED


def day_full(question: Question, attempts: Iterable[Attempt], limit: int | None) -> datetime | None:
    """Return the next midnight of the debtor's if the natural day has no room left."""
    if limit is None:
        return None
    today = question.at.astimezone(question.zone).date()
    if sum(attempt.at.astimezone(question.zone).date() == today for attempt in attempts) < limit:
        return None
    return datetime.combine(today + timedelta(days=1), time.min, tzinfo=question.zone)


def week_full(question: Question, attempts: Iterable[Attempt], limit: int | None) -> datetime | None:
    """Return when the attempt that fills the seven days leaves them, if there is no room left."""
    if limit is None:
        return None
    recent = sorted(attempt.at for attempt in attempts if attempt.at > question.at - WEEK)
    if len(recent) < limit:
        return None
    return recent[len(recent) - limit] + WEEK if limit else None


CHECKS: tuple[Callable[[Question, Pack], Verdict], ...] = (party, bars, hold, hours, counts)
