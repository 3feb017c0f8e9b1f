"""The rule packs: the printed cases of each as a table, the cap over all channels, agreed hours, and the strictest of pack and house."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import contact_packs, contact_policy
from customers.contact_policy import Attempt, Pack, Question, Window, check
from governance import rules

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
DAY = date(2026, 3, 2)


def pack(name: str, *, house: bool = False, **more: Any) -> Pack:
    """Return the limits that the shipped rows of a pack make, alone or beside the house's own."""
    rows = [row for code in (name, contact_packs.HOUSE) for row in contact_packs.shipped()[code]["rules"]]
    values = {row["code"]: row["value"] for row in rows} | {"contact.pack": name} | more
    if not house:
        own = [part for part in contact_packs.parts(contact_packs.HOUSE) if part.code not in more and part.part != "hours"]
        values |= {part.code: 0 if part.part == "quiet_days" else 1_000_000 for part in own}
    return contact_packs.made(values, on=DAY).pack


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


# --- China: GB/T 45251-2025 as summed up by csai.cn ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "allowed"),
    [("2025-06-01T07:59", False), ("2025-06-01T08:00", True), ("2025-06-01T21:59", True), ("2025-06-01T22:00", False)],
)
@pytest.mark.parametrize("channel", ["call", "sms", "email", "visit"])
def test_china_hours(now: str, allowed: bool, channel: str) -> None:
    assert check(Question(channel, local(now), SHANGHAI), pack("cn")).allowed is allowed


@pytest.mark.parametrize(("connected", "unanswered", "allowed"), [(2, 5, True), (3, 0, False), (2, 0, True), (0, 40, True)])
def test_china_counts_connected_calls_of_lender_and_agencies(connected: int, unanswered: int, allowed: bool) -> None:
    """One by the lender and one by an agency leave one; attempts nobody answered are no connects."""
    noon = local("2025-06-01T12:00")
    calls = [Attempt("call", noon - timedelta(minutes=n), n < connected) for n in range(connected + unanswered)]
    assert check(Question("call", noon, SHANGHAI, attempts=tuple(calls)), pack("cn")).allowed is allowed


@pytest.mark.parametrize("party", ["emergency_contact", "family", "same_employer", "third"])
def test_china_turns_to_nobody_but_who_owes(party: str) -> None:
    verdict = check(Question("call", local("2025-06-01T12:00"), SHANGHAI, party), pack("cn"))
    assert (verdict.kind, verdict.rule) == ("block", "contact.obligors_only")


def test_china_agreed_hours() -> None:
    late = Question("call", local("2025-06-01T22:30"), SHANGHAI)
    assert check(late, pack("cn")).kind == "wait"
    agreed = Question("call", late.at, SHANGHAI, windows=(Window(time(22), time(23)),))
    assert check(agreed, pack("cn")).allowed


@pytest.mark.parametrize(("days_ago", "allowed"), [(0, False), (3, False), (6, False), (7, True)])
def test_us_is_quiet_after_a_talk_the_consumer_began_too(days_ago: int, allowed: bool) -> None:
    """12 CFR 1006.14(b)(2)(i)(B) speaks of a conversation, whoever called; the day of it is the first of the seven."""
    noon = local("2025-06-10T12:00", NEW_YORK)
    talk = Attempt("inbound", noon - timedelta(days=days_ago), True)
    asked = Question("call", noon, NEW_YORK, attempts=(talk,))
    assert check(asked, pack("us_reg_f")).allowed is allowed
    assert check(Question("sms", noon, NEW_YORK, attempts=(talk,)), pack("us_reg_f")).allowed  # messages are no calls
    counted = contact_policy.counted(asked)
    assert {counted[name] for name in ("calls_today", "calls_week", "contacts_month", "pressure_month")} == {0}  # no attempt of ours


def test_china_interval_is_a_warning_and_refuses_nothing() -> None:
    noon = local("2025-06-10T12:00")
    asked = Question("call", noon, SHANGHAI, attempts=(Attempt("call", noon - timedelta(days=3), True),))
    assert check(asked, pack("cn")).allowed
    assert contact_policy.warnings(asked, pack("cn")) == ("contact.interval_days",)
    assert contact_policy.warnings(contact_policy.moved(asked, noon + timedelta(days=5)), pack("cn")) == ()


# --- United States: 12 CFR 1006.14(b), 1006.6(b), as summed up by nafcu.org ---------------------------------------------------
@pytest.mark.parametrize(
    ("attempts", "talk_days_ago", "allowed"),
    [(6, None, True), (7, None, False), (1, 3, False), (0, 7, True), (0, 6, False), (0, 0, False)],
)
def test_regulation_f_counts_attempts_and_waits_after_a_talk(attempts: int, talk_days_ago: int | None, allowed: bool) -> None:
    noon = local("2026-03-12T12:00", NEW_YORK)
    calls = [Attempt("call", noon - timedelta(hours=1 + n)) for n in range(attempts)]
    if talk_days_ago is not None:
        calls.append(Attempt("call", noon - timedelta(days=talk_days_ago, minutes=30), True))
    verdict = check(Question("call", noon, NEW_YORK, attempts=tuple(calls)), pack("us_reg_f"))
    assert verdict.allowed is allowed
    if not allowed:
        assert verdict.opens_at is not None
        assert verdict.opens_at > noon


@pytest.mark.parametrize(("now", "allowed"), [("07:59", False), ("08:00", True), ("20:59", True), ("21:00", False)])
def test_regulation_f_hours_are_the_consumers(now: str, allowed: bool) -> None:
    assert check(Question("sms", local(f"2026-03-12T{now}", NEW_YORK), NEW_YORK), pack("us_reg_f")).allowed is allowed


def test_regulation_f_leaves_messages_uncounted() -> None:
    noon = local("2026-03-12T12:00", NEW_YORK)
    written = tuple(Attempt("sms", noon - timedelta(minutes=n)) for n in range(30))
    assert check(Question("sms", noon, NEW_YORK, attempts=written), pack("us_reg_f")).allowed


# --- United Kingdom: CONC 7.9.4R ---------------------------------------------------------------------------------------
def test_conc_heeds_what_the_person_asks_for() -> None:
    """Who works at night asks not to be called in the morning: that goes before every hour of ours."""
    london = ZoneInfo("Europe/London")
    morning = Question("call", local("2026-03-12T09:30", london), london, windows=(Window(time(8), time(14), agreed=False),))
    verdict = check(morning, pack("uk_conc"))
    assert (verdict.kind, verdict.rule) == ("wait", "contact.asked_hours")
    assert verdict.opens_at == local("2026-03-12T14:00", london)
    assert check(contact_policy.moved(morning, verdict.opens_at), pack("uk_conc")).allowed
    night = contact_policy.moved(morning, local("2026-03-12T21:00", london))
    assert check(night, pack("uk_conc")).opens_at == local("2026-03-13T14:00", london)


# --- own caps: all channels, thirty days ----------------------------------------------------------------------------------
def test_contacts_of_all_channels_are_counted_together() -> None:
    noon = local("2026-03-31T12:00")
    mixed = tuple(Attempt(way, noon - timedelta(days=2 * n + 1)) for n, way in enumerate(["call", "sms", "email", "letter", "visit"]))
    tight = pack("cn", **{"contact.contacts_per_month": 5})
    verdict = check(Question("email", noon, SHANGHAI, attempts=mixed), tight)
    assert (verdict.rule, verdict.opens_at) == ("contact.per_month", local("2026-04-21T12:00"))
    assert check(contact_policy.moved(Question("email", noon, SHANGHAI, attempts=mixed), local("2026-04-21T12:00")), tight).allowed


@pytest.mark.parametrize(
    ("attempt", "points"),
    [
        (Attempt("sms", local("2026-03-02T12:00")), 1),
        (Attempt("call", local("2026-03-02T12:00")), 2),
        (Attempt("call", local("2026-03-02T12:00"), True), 4),
        (Attempt("visit", local("2026-03-02T12:00")), 6),
        (Attempt("call", local("2026-03-02T08:30"), True), 8),
        (Attempt("sms", local("2026-03-02T20:00")), 2),
        (Attempt("letter", local("2026-03-02T03:00")), 1),
    ],
)
def test_pressure_weighs_channel_talk_and_hour(attempt: Attempt, points: int) -> None:
    assert contact_policy.points(attempt, SHANGHAI) == points


def test_pressure_refuses_what_would_pass_the_cap_and_says_when() -> None:
    noon = local("2026-03-20T12:00")
    talks = tuple(Attempt("call", noon - timedelta(days=n), True) for n in (12, 9, 5))
    tight = pack("cn", **{"contact.pressure_per_month": 13})
    assert check(Question("sms", noon, SHANGHAI, attempts=talks), tight).allowed, "twelve points and one"
    verdict = check(Question("call", noon, SHANGHAI, attempts=talks), tight)
    assert (verdict.rule, verdict.opens_at) == ("contact.pressure", local("2026-04-07T12:00"))
    assert check(Question("visit", noon, SHANGHAI), pack("cn", **{"contact.pressure_per_month": 5})).kind == "block"


# --- a duty to tell ---------------------------------------------------------------------------------------------------------
def test_a_stop_ends_a_channel_not_the_duty_to_notify() -> None:
    noon = local("2026-03-02T12:00")
    stopped = frozenset({"sms", "email", "letter"})
    said = {
        way: check(Question(way, noon, SHANGHAI, purpose="notice", barred=stopped), pack("cn")).allowed
        for way in ("sms", "email", "letter")
    }
    assert said == {"sms": False, "email": False, "letter": True}
    assert not check(Question("letter", noon, SHANGHAI, purpose="collection", barred=stopped), pack("cn")).allowed


# --- a call under way -------------------------------------------------------------------------------------------------------
def test_a_call_under_way_holds_its_place_until_it_is_told_or_its_day_is_over() -> None:
    noon = local("2026-03-02T12:00")
    talks = tuple(Attempt("call", noon - timedelta(hours=n + 1), True) for n in range(2))
    ringing = Attempt("call", noon - timedelta(minutes=1), open_until=noon + timedelta(minutes=29))
    asked = Question("call", noon, SHANGHAI, attempts=(*talks, ringing))
    verdict = check(asked, pack("cn"))
    assert (verdict.kind, verdict.rule, verdict.opens_at) == ("wait", "contact.connected_calls_per_day", local("2026-03-03T08:00"))
    assert not check(contact_policy.moved(asked, noon + timedelta(minutes=29)), pack("cn")).allowed, "nobody told that nobody answered"
    assert check(asked._replace(attempts=(*talks, ringing._replace(open_until=None))), pack("cn")).allowed


# --- pack and house --------------------------------------------------------------------------------------------------------
def test_the_stricter_of_pack_and_house_holds_and_is_named() -> None:
    rows = {row["code"]: row["value"] for each in contact_packs.shipped().values() for row in each["rules"]}
    american = contact_packs.made(rows | {"contact.pack": "us_reg_f"}, on=DAY)
    assert (american.pack.calls_per_week, american.sources["calls_per_week"]) == (7, "contact.us_reg_f.calls_per_week")
    assert (american.pack.calls_per_day, american.sources["calls_per_day"]) == (6, "contact.calls_per_day")
    assert american.sources["connected_calls_per_day"] == "contact.own_connected_calls_per_day", "the law names none"
    narrow = contact_packs.made(rows | {"contact.own_hours": {"opens": "09:00", "closes": "23:00"}}, on=DAY)
    assert (narrow.pack.opens, narrow.pack.closes, narrow.sources["hours"]) == (time(9), time(22), "contact.own_hours")
    own = contact_packs.made(rows | {"contact.calls_per_week": 4, "contact.pack": "us_reg_f"}, on=DAY)
    assert (own.pack.calls_per_week, own.sources["calls_per_week"]) == (4, "contact.calls_per_week")
    assert contact_packs.made(rows | {"contact.pack.B": "uk_conc"}, on=DAY, lender="B").name == "uk_conc"


@pytest.mark.parametrize("missing", ["contact.hours", "contact.calls_per_day", "contact.pack"])
def test_without_a_rule_nobody_is_contacted(missing: str) -> None:
    rows = {row["code"]: row["value"] for each in contact_packs.shipped().values() for row in each["rules"] if row["code"] != missing}
    with pytest.raises(rules.NoRule, match=missing):
        contact_packs.made(rows, on=DAY)
    with pytest.raises(rules.NoRule, match="zz"):
        contact_packs.made(rows | {"contact.pack": "zz", "contact.hours": {"opens": "08:00", "closes": "22:00"}}, on=DAY)


def test_every_shipped_row_has_words_and_says_how_it_was_checked() -> None:
    for each in contact_packs.shipped().values():
        for row in each["rules"]:
            assert row["meaning_en"]
            assert row["meaning_zh"]
            assert row["verification"] in ("secondary", "unverified", "policy", "verified")
            assert row["verification"] == "policy" or row["citation"], row["code"]
    open_rows = [row for row in contact_packs.shipped()["uk_conc"]["rules"] if row["verification"] != "unverified"]
    assert open_rows == [], "CONC names no hour and no number: ours are marked as nobody's but ours"


kinds = st.sampled_from(["cn", "us_reg_f", "uk_conc"])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
clocks = st.tuples(st.integers(0, 22), st.integers(1, 23)).filter(lambda two: two[0] < two[1])
some_windows = st.lists(clocks.map(lambda two: Window(time(two[0]), time(two[1]))), max_size=2).map(tuple)


@st.composite
def pressed(draw: Any) -> Question:
    at = draw(moments)
    ways = st.sampled_from(["call", "sms", "email", "letter", "visit"])
    before = st.timedeltas(timedelta(0), timedelta(days=31)).map(lambda gone: at - gone)
    attempts = st.lists(st.builds(Attempt, ways, before, st.booleans(), st.none()), max_size=60)
    return Question(draw(ways), at, SHANGHAI, attempts=tuple(draw(attempts)), windows=draw(some_windows))


@given(pressed(), kinds)
def test_every_pack_keeps_its_caps_and_says_an_hour_that_holds(question: Question, name: str) -> None:
    limits = pack(name, house=True, **{"contact.contacts_per_month": 20, "contact.pressure_per_month": 40})
    verdict = check(question, limits)
    if verdict.allowed:
        month = [one for one in question.attempts if one.at > question.at - contact_policy.MONTH]
        assert len(month) < 20
        own = contact_policy.points(Attempt(question.channel, question.at), SHANGHAI)
        assert contact_policy.pressure(question.attempts, at=question.at, zone=SHANGHAI) + own <= 40
    elif verdict.opens_at is not None:
        assert verdict.opens_at > question.at
        assert check(contact_policy.moved(question, verdict.opens_at), limits).allowed
