"""The gate of contact: the published rules as examples, what must always hold as properties."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import contact_policy
from customers.contact_policy import Attempt, Pack, Question, check

SHANGHAI = ZoneInfo("Asia/Shanghai")
URUMQI = ZoneInfo("Asia/Urumqi")
ZONES = [SHANGHAI, URUMQI, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]
PACK = Pack(time(8), time(22), 3, 6, 21, 2, 8)


def local(text, zone=SHANGHAI):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def ask(channel="sms", at="2026-03-02T12:00", zone=SHANGHAI, **more):
    return check(Question(channel=channel, at=local(at, zone) if isinstance(at, str) else at, zone=zone, **more), PACK)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-02T08:00:00", None),
        ("2026-03-02T21:59:59", None),
        ("2026-03-02T22:00:00", "2026-03-03T08:00"),
        ("2026-03-02T23:59:59", "2026-03-03T08:00"),
        ("2026-03-03T00:00:00", "2026-03-03T08:00"),
        ("2026-03-03T07:59:59", "2026-03-03T08:00"),
    ],
)
@pytest.mark.parametrize("channel", ["call", "sms", "email", "visit"])
def test_hours_are_eight_to_ten_by_the_debtors_clock(channel, at, opens):
    verdict = ask(channel, at)
    assert verdict.allowed is (opens is None)
    if opens:
        assert (verdict.rule, verdict.opens_at) == ("contact.hours", local(opens))


def test_the_clock_is_the_debtors_not_ours():
    at = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai, 06:30 in Urumqi
    assert check(Question("sms", at, SHANGHAI), PACK).allowed
    assert check(Question("sms", at, URUMQI), PACK).opens_at == local("2026-03-02T08:00", URUMQI)


@pytest.mark.parametrize("party", ["emergency_contact", "family", "employer", "colleague", ""])
def test_nobody_but_those_who_owe(party):
    verdict = ask(party=party)
    assert (verdict.allowed, verdict.rule, verdict.opens_at) == (False, "contact.obligors_only", None)
    assert not ask(party=party, purpose="code").allowed


@pytest.mark.parametrize("party", ["debtor", "guarantor", "co_borrower"])
def test_obligors_may_be_reached(party):
    assert ask(party=party).allowed


def test_three_answered_calls_end_the_day_and_unanswered_ones_do_not_count_as_such():
    answered = tuple(Attempt("call", local(f"2026-03-02T{hour:02d}:00"), True) for hour in (9, 10, 11))
    verdict = ask("call", attempts=answered)
    assert (verdict.rule, verdict.opens_at) == ("contact.connected_calls_per_day", local("2026-03-03T08:00"))
    missed = tuple(Attempt("call", local(f"2026-03-02T{hour:02d}:00"), False) for hour in (9, 10, 11))
    assert ask("call", attempts=missed).allowed
    assert ask("sms", attempts=answered).allowed


def test_the_natural_day_is_the_debtors():
    evening = tuple(Attempt("sms", local("2026-03-01T21:00") + timedelta(minutes=n)) for n in range(2))
    assert ask(at="2026-03-02T08:00", attempts=evening).allowed
    assert not ask(at="2026-03-01T21:30", attempts=evening).allowed


def test_seven_days_roll():
    spread = tuple(Attempt("sms", local("2026-03-02T09:00") + timedelta(hours=18 * n)) for n in range(8))
    verdict = ask(at="2026-03-08T09:30", attempts=spread)
    assert (verdict.rule, verdict.opens_at) == ("contact.per_week", local("2026-03-09T09:00"))
    assert ask(at="2026-03-09T09:00", attempts=spread).allowed


def test_a_stop_ends_one_channel_only():
    assert ask(barred=frozenset({"sms"})).rule == "contact.stop"
    assert ask("email", barred=frozenset({"sms"})).allowed


@pytest.mark.parametrize(("purpose", "allowed"), [("reminder", False), ("collection", True), ("service", True), ("code", True)])
def test_a_hold_stops_what_leaves_by_itself(purpose, allowed):
    verdict = ask(purpose=purpose, held=True)
    assert verdict.allowed is allowed
    assert allowed or (verdict.rule, verdict.opens_at) == ("contact.hold", None)


def test_what_the_customer_just_asked_for_knows_no_hour():
    full = tuple(Attempt("sms", local("2026-03-02T20:00")) for _n in range(9))
    assert ask(at="2026-03-02T23:30", purpose="code", attempts=full).allowed
    assert not ask(at="2026-03-02T23:30", purpose="code", barred=frozenset({"sms"})).allowed


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        check(Question("sms", datetime(2026, 3, 2, 12), SHANGHAI), PACK)  # noqa: DTZ001


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(ZONES)
channels = st.sampled_from(["call", "sms", "email", "letter", "visit"])


@st.composite
def questions(draw):
    at = draw(moments)
    before = st.timedeltas(timedelta(0), timedelta(days=8)).map(lambda before: at - before)
    under_way = st.none() | st.timedeltas(timedelta(0), timedelta(minutes=30)).map(lambda after: at + after)
    attempts = st.builds(Attempt, channels, before, st.booleans(), under_way)
    return Question(
        channel=draw(channels), at=at, zone=draw(zones), attempts=tuple(draw(st.lists(attempts, max_size=30))),
        purpose=draw(st.sampled_from(["reminder", "collection", "service"])),
    )  # fmt: skip


@given(questions())
def test_what_is_allowed_is_within_hours_and_counts(question):
    if not check(question, PACK).allowed or question.channel == "letter":
        return
    here = question.at.astimezone(question.zone)
    assert time(8) <= here.time() < time(22)
    same = [a for a in question.attempts if a.channel == question.channel]
    today = [a for a in same if a.at.astimezone(question.zone).date() == here.date()]
    if question.channel == "call":
        assert len(today) < 6
        assert sum(a.connected for a in today) < 3
    elif question.channel in ("sms", "email"):
        assert len(today) < 2


@given(questions())
def test_a_missed_window_opens_later_and_is_then_allowed(question):
    """Never lost: what waits has a moment, that moment lies ahead, and at it the same question is allowed."""
    verdict = check(question, PACK)
    if verdict.allowed:
        return
    assert verdict.opens_at is not None
    assert question.at < verdict.opens_at <= question.at + timedelta(days=9)
    assert check(contact_policy.moved(question, verdict.opens_at), PACK).allowed


@given(questions(), st.sampled_from(["family", "employer"]))
def test_time_never_makes_a_third_party_an_obligor(question, party):
    asked = Question(question.channel, question.at, question.zone, party, question.purpose, question.attempts)
    assert check(asked, PACK) == contact_policy.Verdict(False, "contact.obligors_only", None)


@given(questions(), st.integers(0, 20))
def test_more_attempts_never_make_it_more_allowed(question, more):
    if check(question, PACK).allowed:
        return
    extra = tuple(Attempt(question.channel, question.at - timedelta(minutes=n), True) for n in range(more))
    asked = Question(question.channel, question.at, question.zone, "debtor", question.purpose, question.attempts + extra)
    assert not check(asked, PACK).allowed


@given(st.dates(date(2025, 1, 1), date(2027, 12, 31)), zones)
def test_the_night_opens_at_eight_by_the_wall_clock_whatever_the_season(day, zone):
    at = datetime.combine(day, time(23), tzinfo=zone)
    verdict = check(Question("sms", at, zone), PACK)
    assert verdict.opens_at is not None
    here = verdict.opens_at.astimezone(zone)
    assert (here.date(), here.time()) == (day + timedelta(days=1), time(8))


@pytest.mark.parametrize(
    ("told", "now", "opens"),
    [
        (False, "2026-03-02T12:10", "2026-03-03T08:00"),  # under way
        (False, "2026-03-02T20:00", "2026-03-03T08:00"),  # over, and nobody told
        (False, "2026-03-03T08:00", None),
        (True, "2026-03-02T12:10", None),
    ],
)
@pytest.mark.parametrize("limits", ["day", "quiet"])
def test_an_untold_call_is_a_talk_while_its_natural_day_lasts(limits, told, now, opens):
    pack = replace(PACK, connected_calls_per_day=1) if limits == "day" else replace(PACK, quiet_days=7)
    began = local("2026-03-02T12:00")
    one = Attempt("call", began, False, None if told else began + timedelta(minutes=30))
    verdict = check(Question("call", local(now), SHANGHAI, attempts=(one,)), pack)
    assert verdict.opens_at == (local(opens) if opens else None)
    assert verdict.rule == ("" if opens is None else "contact.connected_calls_per_day" if limits == "day" else "contact.quiet_days")
