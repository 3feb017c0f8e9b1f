"""May this person be reached by this channel at this moment? Values in, a verdict out: no Django, no clock, no database.

One gate for every channel, person or machine. The values of the rules come from the rule book (`customers/contacts.py` reads
them); the order of the checks is `CHECKS`. What is only a matter of time is answered with the moment from which it is allowed.

Attempts and connects are counted apart. A call that is under way may still connect, and one whose end nobody told may have: it counts as
a connect until its end is told or its natural day is over. So of two collectors who would make the third call, one finds it taken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

OBLIGORS = ("debtor", "guarantor", "co_borrower")
WRITTEN = ("sms", "email", "app")
INBOUND = (
    "inbound"  # a talk the person began: no attempt of ours, yet the quiet days after a talk begin with it (12 CFR 1006.14(b)(2)(i)(B))
)
# What the customer has just asked for: bound to the address on file, not to hours and counts.
ASKED_FOR = ("code", "confirm")
# The one message that goes out by a channel after its stop: it tells that the stop was heard.
CONFIRMS = ("confirm",)
# What leaves by itself: no machine writes to somebody who disputes the debt, asks for relief, or has died.
BY_ITSELF = ("reminder",)
# What we are bound to tell: a stop ends a channel, not this duty. It is told by what is left, a letter at the last.
DUTY = ("notice",)
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
# How much one contact presses, in points; a call that was answered presses more, and early or late in the day twice as much.
POINTS = {"call": 2, "sms": 1, "email": 1, "app": 1, "letter": 1, "visit": 6}
TALK_POINTS = 4
CALM = (time(9), time(20))


@dataclass(frozen=True)
class Pack:
    """The rules in force: hours `[opens, closes)` in the debtor's zone, and most attempts per natural day and per seven days.

    A limit of None is none. `connected_calls_per_day` counts answered calls, `calls_*` dialled ones, `messages_*` those of
    one written channel. `quiet_days` are those after a talk in which no call is made, the day of the talk being the first.
    `contacts_per_month` and `pressure_per_month` go over all channels and thirty days; the second counts points (`POINTS`).
    `interval_days` refuses nothing: it is a warning, since what the standard means by it is unclear.
    """

    opens: time
    closes: time
    connected_calls_per_day: int | None
    calls_per_day: int | None
    calls_per_week: int | None
    messages_per_day: int | None
    messages_per_week: int | None
    quiet_days: int | None = None
    contacts_per_month: int | None = None
    pressure_per_month: int | None = None
    interval_days: int | None = None


class Attempt(NamedTuple):
    """One earlier attempt from our side; `open_until` until its end is told: it is under way until then, and unknown after."""

    channel: str
    at: datetime
    connected: bool = False
    open_until: datetime | None = None


class Window(NamedTuple):
    """Hours `[opens, closes)` of the debtor's clock: agreed with them although the rules close them, or asked to be left out."""

    opens: time
    closes: time
    agreed: bool = True


class Question(NamedTuple):
    """Who is to be reached, how, when and why; `attempts` are those of the last 31 days, `barred` the stopped channels.

    `held`: a matter is open with this person that reminders have to wait for. `windows`: what was agreed with the person about hours.
    """

    channel: str
    at: datetime
    zone: ZoneInfo
    party: str = "debtor"
    purpose: str = "collection"
    attempts: tuple[Attempt, ...] = ()
    barred: frozenset[str] = frozenset()
    held: bool = False
    windows: tuple[Window, ...] = ()


class Verdict(NamedTuple):
    """`rule` names what refuses, "" when allowed; `opens_at` is the moment from which it is allowed, None when time cures nothing."""

    allowed: bool
    rule: str = ""
    opens_at: datetime | None = None

    @property
    def kind(self) -> str:
        """ "allow", "wait" for what time cures, or "block"."""
        return "allow" if self.allowed else "block" if self.opens_at is None else "wait"


Check = Callable[[Question, Pack], Verdict]
ALLOWED = Verdict(True)
PARTY, BAR, HOLD, HOURS, ASKED, CONNECTED, DAY, WEEKLY, QUIET, MONTHLY, PRESSURE = (
    "contact.obligors_only",
    "contact.stop",
    "contact.hold",
    "contact.hours",
    "contact.asked_hours",
    "contact.connected_calls_per_day",
    "contact.per_day",
    "contact.per_week",
    "contact.quiet_days",
    "contact.per_month",
    "contact.pressure",
)
INTERVAL = "contact.interval_days"
RULES = (PARTY, BAR, HOLD, HOURS, ASKED, CONNECTED, DAY, WEEKLY, QUIET, MONTHLY, PRESSURE)


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
        found = once(moved(question, at), pack, TIMED)
        if found.allowed:
            return Verdict(False, first.rule, at)
        if found.opens_at is None or found.opens_at <= at:
            break
        at = found.opens_at
    return Verdict(False, first.rule, None)


def moved(question: Question, at: datetime) -> Question:
    return question._replace(at=at)


def once(question: Question, pack: Pack, checks: tuple[Check, ...] | None = None) -> Verdict:
    """Return the first refusal in the order of `CHECKS`, at this very moment."""
    for ask in CHECKS if checks is None else checks:
        found = ask(question, pack)
        if not found.allowed:
            return found
    return ALLOWED


def party(question: Question, pack: Pack) -> Verdict:
    """Only those who owe: nobody else is collected from, reminded or told."""
    return ALLOWED if question.party in OBLIGORS else Verdict(False, PARTY)


def bars(question: Question, pack: Pack) -> Verdict:
    """A stop of the customer's, a number that is somebody else's. A letter that has to be sent goes all the same, and a stop is confirmed."""
    if (
        question.channel not in question.barred
        or question.purpose in CONFIRMS
        or (question.purpose in DUTY and question.channel == "letter")
    ):
        return ALLOWED
    return Verdict(False, BAR)


def hold(question: Question, pack: Pack) -> Verdict:
    """What leaves by itself waits for the matter; a person who answers it does not."""
    return Verdict(False, HOLD) if question.held and question.purpose in BY_ITSELF else ALLOWED


def hours(question: Question, pack: Pack) -> Verdict:
    """Within `[opens, closes)` by the debtor's clock, or hours agreed with them; never in hours they asked to be left out.

    A letter has no hour.
    """
    if question.purpose in ASKED_FOR or question.channel == "letter":
        return ALLOWED
    local = question.at.astimezone(question.zone)
    clock = local.time()
    opens = [pack.opens]
    for window in question.windows:
        inside = window.opens <= clock < window.closes
        if inside and not window.agreed:
            return Verdict(False, ASKED, datetime.combine(local.date(), window.closes, tzinfo=question.zone))
        opens.append(window.opens if window.agreed else window.closes)
    if pack.opens <= clock < pack.closes or any(one.agreed and one.opens <= clock < one.closes for one in question.windows):
        return ALLOWED
    today, tomorrow = local.date(), local.date() + timedelta(days=1)
    return Verdict(False, HOURS, min(datetime.combine(today if at > clock else tomorrow, at, tzinfo=question.zone) for at in opens))


def counts(question: Question, pack: Pack) -> Verdict:
    """At most so many a natural day of the debtor's, in any seven days, and over all channels in thirty."""
    if question.purpose in ASKED_FOR:
        return ALLOWED
    now, channel = question.at, question.channel
    mine = [attempt for attempt in question.attempts if attempt.channel == channel and attempt.at <= now]
    limits: tuple[int | None, int | None] = (None, None)
    if channel == "call":
        if full := day_full(question, [attempt for attempt in mine if maybe_answered(attempt)], pack.connected_calls_per_day):
            return Verdict(False, CONNECTED, full)
        began = [attempt for attempt in question.attempts if attempt.channel == INBOUND and attempt.at <= now]
        if quiet := still_quiet(question, [*mine, *began], pack.quiet_days):
            return Verdict(False, QUIET, quiet)
        limits = (pack.calls_per_day, pack.calls_per_week)
    elif channel in WRITTEN:
        limits = (pack.messages_per_day, pack.messages_per_week)
    if full := day_full(question, mine, limits[0]):
        return Verdict(False, DAY, full)
    if full := week_full(question, mine, limits[1]):
        return Verdict(False, WEEKLY, full)
    if pack.contacts_per_month is None and pack.pressure_per_month is None:
        return ALLOWED
    return pressed(question, pack)


def pressed(question: Question, pack: Pack) -> Verdict:
    """Over all channels: so many contacts, and so many points, in any thirty days."""
    ours = (attempt for attempt in question.attempts if attempt.channel != INBOUND)
    recent = sorted((attempt for attempt in ours if question.at - MONTH < attempt.at <= question.at), key=lambda one: one.at)
    most = pack.contacts_per_month
    if most is not None and len(recent) >= most:
        return Verdict(False, MONTHLY, recent[len(recent) - most].at + MONTH if most else None)
    if pack.pressure_per_month is None:
        return ALLOWED
    left = pack.pressure_per_month - points(Attempt(question.channel, question.at), question.zone)
    over = sum(points(attempt, question.zone) for attempt in recent) - left
    if over <= 0:
        return ALLOWED
    for attempt in recent:
        over -= points(attempt, question.zone)
        if over <= 0:
            return Verdict(False, PRESSURE, attempt.at + MONTH)
    return Verdict(False, PRESSURE, None)


def points(attempt: Attempt, zone: ZoneInfo) -> int:
    """Return how much a contact presses: by channel, more if it was answered, twice as much early or late in the day."""
    weight = TALK_POINTS if attempt.channel == "call" and attempt.connected else POINTS.get(attempt.channel, 1)
    if attempt.channel == "letter" or CALM[0] <= attempt.at.astimezone(zone).time() < CALM[1]:
        return weight
    return weight * 2


def pressure(attempts: Iterable[Attempt], *, at: datetime, zone: ZoneInfo) -> int:
    """Return the points of the last thirty days."""
    return sum(points(attempt, zone) for attempt in attempts if at - MONTH < attempt.at <= at and attempt.channel != INBOUND)


def maybe_answered(attempt: Attempt) -> bool:
    """Return whether somebody answered, or may have: a call under way, or one whose end nobody told."""
    return attempt.connected or attempt.open_until is not None


def still_quiet(question: Question, calls: Iterable[Attempt], days: int | None) -> datetime | None:
    """Return when the quiet days after the last talk are over, if they are not. What may be a talk is one while its natural day lasts."""
    if not days:
        return None
    today = question.at.astimezone(question.zone).date()
    ends = today
    for attempt in calls:
        if maybe_answered(attempt):
            day = attempt.at.astimezone(question.zone).date()
            ends = max(ends, day + timedelta(days=days if attempt.connected else 1))
    return datetime.combine(ends, time.min, tzinfo=question.zone) if ends > today else None


def warnings(question: Question, pack: Pack) -> tuple[str, ...]:
    """Return the rules whose meaning is unclear and that this contact might break: told to people, refusing nothing."""
    if pack.interval_days is None or question.purpose in ASKED_FOR:
        return ()
    since = question.at - timedelta(days=pack.interval_days)
    return (
        (INTERVAL,) if any(since < one.at <= question.at and one.connected and one.channel != INBOUND for one in question.attempts) else ()
    )


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


CHECKS: tuple[Check, ...] = (party, bars, hold, hours, counts)
TIMED: tuple[Check, ...] = (hours, counts)  # what another moment may answer otherwise


def counted(question: Question) -> dict[str, int]:
    """Return what the gate counts of one person at this moment: what a verdict is stored with, and what the meter shows."""
    today = question.at.astimezone(question.zone).date()
    past = [one for one in question.attempts if one.at <= question.at and one.channel != INBOUND]
    calls = [one for one in past if one.channel == "call"]
    written = [one for one in past if one.channel == question.channel and one.channel in WRITTEN]
    week, month = question.at - WEEK, question.at - MONTH
    connects = [one for one in calls if maybe_answered(one)]
    return {
        "connects_today": sum(one.at.astimezone(question.zone).date() == today for one in connects),
        "calls_today": sum(one.at.astimezone(question.zone).date() == today for one in calls),
        "calls_week": sum(one.at > week for one in calls),
        "messages_today": sum(one.at.astimezone(question.zone).date() == today for one in written),
        "messages_week": sum(one.at > week for one in written),
        "contacts_month": sum(one.at > month for one in past),
        "pressure_month": pressure(past, at=question.at, zone=question.zone),
    }
