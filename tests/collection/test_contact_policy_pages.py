"""The house's own rules of contact: drafts, their replay, the second person; and the pages and the meter beside a case."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from collection import cases, contact_rules, contacts, replays
from collection.models import Contact, PolicyDraft, PolicyReplay
from collection.replays import Agreed, Made, replayed
from crm.lib.errors import DomainError, Invalid
from customers import contact_packs, contact_policy, contact_windows
from customers.contact_policy import Attempt
from customers.models import BarredNumber, ContactAttempt, ContactVerdict
from governance import changes, jobs
from governance.models import ChangeRequest, Rule
from tests.collection.conftest import AFTER, Floor, by_daylight
from tests.fixtures.cast import NOON, Cast

SHANGHAI = ZoneInfo("Asia/Shanghai")
SINCE = date(2026, 6, 1)
MINUTE = timedelta(minutes=1)


def draft(cast: Cast, **values: Any) -> PolicyDraft:
    wanted = contact_rules.standing() | {f"contact.{name}": value for name, value in values.items()}
    return contact_rules.draft(title="Calmer", values=wanted, since=SINCE, actor=cast.collections_supervisor, at=NOON)


# --- drafts and the second person -------------------------------------------------------------------------------------------
def test_a_draft_is_in_force_from_its_day_once_a_second_person_confirms(cast: Cast) -> None:
    row = draft(cast, calls_per_day=2)
    assert [(line.before, line.after) for line in contact_rules.differences(row)] == [("6", "2")]
    change = contact_rules.propose(row, reason="fewer complaints", actor=cast.collections_supervisor, at=NOON)
    with pytest.raises(DomainError, match="may not confirm"):
        changes.confirm(change, actor=cast.collections_supervisor, at=NOON)
    assert contact_packs.held(on=SINCE).pack.calls_per_day == 6, "nothing changes before"
    changes.confirm(change, actor=cast.compliance, at=NOON)
    row.refresh_from_db()
    assert row.status == "live"
    assert contact_packs.held(on=SINCE).pack.calls_per_day == 2
    assert contact_packs.held(on=SINCE - timedelta(days=1)).pack.calls_per_day == 6
    assert Rule.objects.filter(code="contact.calls_per_day").count() == 2
    assert Rule.objects.filter(code="contact.calls_per_week").count() == 1, "what stays as it is gets no row"


def test_what_is_refused_is_a_draft_again(cast: Cast, deliver: Callable[[], int]) -> None:
    row = draft(cast, calls_per_day=2)
    change = contact_rules.propose(row, reason="fewer", actor=cast.collections_supervisor, at=NOON)
    with pytest.raises(DomainError):
        contact_rules.propose(row, reason="again", actor=cast.collections_supervisor, at=NOON)
    changes.refuse(change, actor=cast.compliance, at=NOON, answer="too few")
    deliver()
    row.refresh_from_db()
    assert row.status == "draft"
    contact_rules.drop(row, actor=cast.collections_supervisor, at=NOON)


def test_dropping_a_draft_asks_first(cast: Cast, client: Any) -> None:
    row = draft(cast, calls_per_day=2)
    client.force_login(cast.collections_supervisor)
    url = f"/collections/policy/drafts/{row.public_id}/"
    assert "hx-get" in client.get(url).content.decode() and f'action="{url}drop/"' not in client.get(url).content.decode()
    asked = client.get(url + "drop/", headers={"HX-Request": "true"}).content.decode()
    assert row.title in asked and "Keep draft" in asked
    row.refresh_from_db()
    assert row.status == "draft", "to ask changes nothing"
    assert client.post(url + "drop/", {"form_key": "k"}).status_code == 303
    row.refresh_from_db()
    assert row.status == "dropped"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"own_hours": {"opens": "22:00", "closes": "08:00"}}, "contact.own_hours"),
        ({"own_hours": {"opens": "late", "closes": "08:00"}}, "contact.own_hours"),
        ({"own_hours": 8}, "contact.own_hours"),
        ({"calls_per_day": -1}, "contact.calls_per_day"),
        ({"calls_per_day": "6"}, "contact.calls_per_day"),
        ({"calls_per_day": True}, "contact.calls_per_day"),
        ({"pack": "mars"}, "contact.pack"),
        ({"pack": "house"}, "contact.pack"),
    ],
)
def test_what_cannot_be_a_rule_is_named(cast: Cast, values: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        draft(cast, **values)
    assert set(refused.value.fields) == {code}
    assert not PolicyDraft.objects.exists()


def test_no_draft_breaks_the_law_of_the_pack_in_force(cast: Cast) -> None:
    """Wider hours and more calls than the pack are no wider hours and no more calls."""
    row = draft(cast, own_hours={"opens": "00:00", "closes": "23:59"}, own_connected_calls_per_day=50)
    changes.confirm(contact_rules.propose(row, reason="more", actor=cast.collections_supervisor, at=NOON), actor=cast.compliance, at=NOON)
    pack = contact_packs.held(on=SINCE).pack
    assert (pack.opens, pack.closes, pack.connected_calls_per_day) == (time(8), time(22), 3)


def test_a_draft_begins_ahead_and_says_something(cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        contact_rules.draft(title=" ", values=contact_rules.standing(), since=NOON.date(), actor=cast.collections_supervisor, at=NOON)
    assert set(refused.value.fields) == {"title", "since"}
    same = draft(cast)
    with pytest.raises(Invalid, match="Nothing differs"):
        contact_rules.propose(same, reason="x", actor=cast.collections_supervisor, at=NOON)


# --- replay -----------------------------------------------------------------------------------------------------------------
def calls(hours: list[int], *, connected: bool = False) -> list[Made]:
    start = datetime(2026, 3, 2, tzinfo=SHANGHAI)
    return [Made(n, Attempt("call", start + timedelta(hours=hour), connected), "collection") for n, hour in enumerate(hours)]


def limits(**more: Any) -> contact_policy.Pack:
    rows = [row for code in ("cn", contact_packs.HOUSE) for row in contact_packs.shipped()[code]["rules"]]
    return contact_packs.made({row["code"]: row["value"] for row in rows} | more, on=SINCE).pack


def test_a_refused_call_does_not_count_against_those_after_it() -> None:
    made = calls([9, 10, 11, 12, 33, 34])
    found = replayed(made, limits(**{"contact.calls_per_day": 2}), since=made[0].attempt.at, zone=SHANGHAI, windows=())
    assert set(found) == {2, 3}
    assert {rule for rule, _opens in found.values()} == {"contact.per_day"}
    weekly = replayed(made, limits(**{"contact.calls_per_week": 3}), since=made[0].attempt.at, zone=SHANGHAI, windows=())
    assert set(weekly) == {3, 4, 5}


def test_what_was_before_the_span_counts_and_is_not_judged() -> None:
    made = calls([9, 10, 11])
    found = replayed(made, limits(**{"contact.calls_per_day": 2}), since=made[2].attempt.at, zone=SHANGHAI, windows=())
    assert set(found) == {2}


def test_of_agreed_hours_those_count_that_held_at_the_attempt() -> None:
    """Hours agreed for the 3rd of March allow the late call of that day alone; ended at noon, not even that one."""
    made = calls([22, 24 + 22, 48 + 22])
    late, day = contact_policy.Window(time(22), time(23)), date(2026, 3, 3)

    def refused(**more: Any) -> set[int]:
        windows = [Agreed(late, **{"since": day, "until": day} | more)]
        return set(replayed(made, limits(), since=made[0].attempt.at, zone=SHANGHAI, windows=windows))

    assert refused() == {0, 2}
    assert refused(until=None) == {0}
    assert refused(ended_at=datetime(2026, 3, 3, 12, tzinfo=SHANGHAI)) == {0, 1, 2}
    assert refused(ended_at=datetime(2026, 3, 4, tzinfo=SHANGHAI)) == {0, 2}
    assert refused(since=date(2026, 3, 1), until=date(2026, 3, 2)) == {1, 2}


def test_a_talk_the_person_began_makes_a_replay_quiet_too() -> None:
    made, at = calls([12, 24 + 12, 24 * 8 + 12]), datetime(2026, 3, 2, 15, tzinfo=SHANGHAI)
    quiet = limits(**{"contact.own_quiet_days": 7})
    found = replayed(made, quiet, since=made[0].attempt.at, zone=SHANGHAI, began=[at])
    assert found == {1: ("contact.quiet_days", datetime(2026, 3, 9, 8, tzinfo=SHANGHAI))}
    assert replayed(made, quiet, since=made[0].attempt.at, zone=SHANGHAI) == {}


@given(st.lists(st.integers(0, 24 * 40), max_size=60).map(sorted), st.integers(1, 6), st.booleans())
def test_what_a_replay_keeps_breaks_no_rule_and_a_looser_draft_refuses_no_more(hours: list[int], most: int, connected: bool) -> None:
    made = calls(hours, connected=connected)
    if not made:
        return
    since = made[0].attempt.at
    tight = replayed(made, limits(**{"contact.calls_per_day": most}), since=since, zone=SHANGHAI, windows=())
    kept = [one.attempt for one in made if one.pk not in tight]
    for day in {one.at.date() for one in kept}:
        assert sum(one.at.date() == day for one in kept) <= min(most, 3 if connected else most)
    assert all(time(8) <= one.at.time() < time(22) for one in kept)
    assert (
        replayed(
            [one for one in made if one.pk not in tight], limits(**{"contact.calls_per_day": most}), since=since, zone=SHANGHAI, windows=()
        )
        == {}
    )


def test_a_replay_tells_what_was_refused_and_the_cash_and_complaint_after_it(floor: Floor, deliver: Callable[[], int]) -> None:
    cast = floor.cast
    case = floor.case()
    for number in range(3):
        row = cases.claim(case, actor=cast.collector, at=AFTER + number * MINUTE)
        contacts.log_contact(
            row, channel="call", outcome="complaint" if number == 2 else "no_answer", next_action="call", next_action_on=AFTER.date(),
            actor=cast.collector, at=AFTER + number * MINUTE,
        )  # fmt: skip
    loan = case.debts.get().loan
    floor.pay_all_overdue(loan, AFTER + timedelta(hours=3))
    row = draft(cast, own_hours={"opens": "13:00", "closes": "20:00"})
    made = replays.start(
        row,
        entity=cast.entity,
        since=date(2026, 4, 1),
        until=date(2026, 4, 30),
        actor=cast.collections_supervisor,
        at=AFTER + timedelta(days=30),
    )
    replays.run(made.pk, clock=lambda: AFTER + timedelta(days=30))
    replays.run(made.pk, clock=lambda: AFTER + timedelta(days=30))
    made.refresh_from_db()
    result = made.result
    assert result is not None
    assert (result["attempts"], result["refused"], result["later"]) == (3, 3, 3)
    assert result["by_rule"] == {"contact.hours": 3}
    assert (result["complaints"], result["avoided"]) == (1, 1)
    paid = sum(D(str(one.amount)) for one in loan.transactions.filter(kind="repayment"))
    assert D(result["paid"]) == D(result["delayed"]) == paid > 0
    assert sum(D(week["delayed"]) for week in result["weeks"]) == paid
    assert made.job.__class__.objects.get(pk=made.job_id).status == "done"
    loose = replays.start(
        draft(cast, calls_per_day=5),
        entity=cast.entity,
        since=date(2026, 4, 1),
        until=date(2026, 4, 30),
        actor=cast.collections_supervisor,
        at=AFTER + timedelta(days=30),
    )
    deliver()
    replays.run(loose.pk, clock=lambda: AFTER + timedelta(days=30))
    loose.refresh_from_db()
    assert loose.result is not None
    assert (loose.result["refused"], D(loose.result["delayed"]), loose.result["avoided"]) == (0, D(0), 0)


def test_a_replay_reads_who_called_in_and_what_was_agreed(floor: Floor) -> None:
    cast, case = floor.cast, floor.case()
    begins: dict[str, Any] = {
        "actor": cast.collector,
        "next_action": "call",
        "next_action_on": AFTER.date(),
        "channel": "inbound",
        "outcome": "callback",
    }
    contacts.log_contact(cases.claim(case, actor=cast.collector, at=AFTER), at=AFTER, **begins)
    row = cases.claim(case, actor=cast.collector, at=AFTER + MINUTE)
    contacts.log_contact(row, at=AFTER + MINUTE, **begins | {"channel": "call", "outcome": "no_answer"})
    contact_windows.agree(
        case.customer, kind="left_out", opens=time(0), closes=time(23), since=AFTER.date() + timedelta(days=1), source="form", evidence="x",
        actor=cast.collector, at=AFTER,
    )  # fmt: skip
    ends: dict[str, Any] = {"since": AFTER - timedelta(days=1), "until": AFTER + timedelta(days=1), "home": SHANGHAI}
    for values, rules_met in (({"contact.own_quiet_days": 7}, {"contact.quiet_days": 1}), ({}, {})):
        result = replays.Result()
        replays.one_range([case.customer_id], result, limits=limits(**values), **ends)
        assert (result.attempts, dict(result.by_rule)) == (1, rules_met), "the hours left out begin a day later"


def test_a_replay_whose_worker_died_is_begun_anew(cast: Cast) -> None:
    values = {"entity": cast.entity, "since": date(2026, 1, 1), "until": date(2026, 2, 1), "actor": cast.collections_supervisor}
    made = replays.start(draft(cast, calls_per_day=2), at=NOON, **values)
    assert replays.unfinished(at=NOON + MINUTE) == []  # its worker may be on the way
    assert jobs.claim(made.job_id, at=NOON + 6 * MINUTE) is not None  # and dies
    assert replays.unfinished(at=NOON + 7 * MINUTE) == []
    assert replays.unfinished(at=NOON + 12 * MINUTE) == [made.pk]
    replays.run(made.pk, clock=lambda: NOON + 13 * MINUTE)
    made.refresh_from_db()
    assert made.result is not None
    assert replays.unfinished(at=NOON + 30 * MINUTE) == []


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (date(2026, 3, 3), date(2026, 3, 2), "since"),
        (date(2024, 1, 1), date(2026, 3, 1), "since"),
        (date(2026, 3, 1), date(2026, 3, 9), "until"),
    ],
)
def test_a_replay_needs_days_that_were(cast: Cast, since: date, until: date, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        replays.start(
            draft(cast, calls_per_day=2), entity=cast.entity, since=since, until=until, actor=cast.collections_supervisor, at=NOON
        )
    assert set(refused.value.fields) == {field}
    assert not PolicyReplay.objects.exists()


# --- the desk ----------------------------------------------------------------------------------------------------------------
def test_a_call_takes_its_place_before_it_is_dialled_and_its_result_ends_it(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    row = cases.claim(case, actor=collector, at=AFTER)
    begun = contacts.begin_call(row, actor=collector, at=AFTER, key="a")
    assert contacts.begin_call(row, actor=collector, at=AFTER + MINUTE, key="b") == begun, "one call at a time"
    made = contacts.log_contact(
        row, channel="call", outcome="no_answer", next_action="call", next_action_on=AFTER.date(), actor=collector, at=AFTER + 2 * MINUTE
    )
    assert made.attempt == begun
    assert ContactAttempt.objects.filter(customer=case.customer).count() == 1
    begun.refresh_from_db()
    assert (begun.connected, begun.open_until) == (False, None)
    assert ContactVerdict.objects.get(attempt=begun).subject == case.public_id


def test_a_call_begun_in_time_is_logged_after_the_window_and_a_closed_case_takes_none(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    late = datetime(2026, 4, 11, 13, 58, tzinfo=UTC)  # 21:58 in Shanghai
    row = cases.claim(case, actor=collector, at=late)
    contacts.begin_call(row, actor=collector, at=late, key="late")
    contacts.log_contact(
        row,
        channel="call",
        outcome="no_answer",
        next_action="call",
        next_action_on=date(2026, 4, 12),
        actor=collector,
        at=late + 5 * MINUTE,
    )
    floor.pay_all_overdue(case.debts.get().loan, AFTER + timedelta(days=1))
    with pytest.raises(cases.CaseClosed, match="is closed"):
        contacts.begin_call(case, actor=collector, at=AFTER + timedelta(days=1), key="closed")


def test_a_wrong_number_at_the_desk_is_barred_everywhere(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    row = cases.claim(case, actor=collector, at=AFTER)
    contacts.log_contact(
        row, channel="call", outcome="wrong_number", next_action="letter", next_action_on=AFTER.date(), actor=collector, at=AFTER
    )
    assert BarredNumber.objects.get().number_key == case.customer.mobile_key
    again = cases.claim(case, actor=collector, at=AFTER + MINUTE)
    with pytest.raises(DomainError, match="stopped for the customer"):
        contacts.begin_call(again, actor=collector, at=AFTER + MINUTE, key="again")


def test_the_page_says_what_is_left_and_the_button_begins_a_call(floor: Floor, client: Client) -> None:
    from django.utils.timezone import localdate, now

    by_daylight()
    case = floor.case()
    by_daylight()
    cases.claim(case, actor=floor.cast.collector, at=now())
    client.force_login(floor.cast.collector)
    page = client.get(reverse("case", args=[case.public_id])).content.decode()
    assert "0 of 3, 3 left" in page
    assert "Begin a call" in page
    client.post(reverse("case-call", args=[case.public_id]))
    page = client.get(reverse("case", args=[case.public_id])).content.decode()
    assert "A call is under way" in page
    assert "1 of 3, 2 left" in page
    contacts.log_contact(
        case, channel="call", outcome="no_answer", next_action="call", next_action_on=localdate(now()), actor=floor.cast.collector, at=now()
    )
    cases.claim(case, actor=floor.cast.collector, at=now())
    hour = now().hour
    case.customer.zone = f"Etc/GMT{hour if hour <= 12 else hour - 24:+d}" if hour else "Etc/GMT"  # midnight there
    case.customer.save()
    client.post(reverse("case-call", args=[case.public_id]))
    page = client.get(reverse("case", args=[case.public_id])).content.decode()
    assert "Outside the hours of contact" in page
    assert ContactVerdict.objects.filter(rule="contact.hours", subject=case.public_id).count() == 1


# --- the supervisor's pages ---------------------------------------------------------------------------------------------------
def form_of(client: Client) -> dict[str, Any]:
    page = client.get(reverse("policy-new"))
    form = page.context["form"]
    return {name: form[name].value() for name in form.fields}


def test_from_the_rules_to_a_draft_its_replay_and_its_proposal(floor: Floor, client: Client) -> None:
    floor.case()
    client.force_login(floor.cast.collections_supervisor)
    page = client.get(reverse("contact-policy")).content.decode()
    assert "GB/T 45251-2025" in page
    assert "Not verified" in page
    data = form_of(client) | {"title": "Calmer", "calls_per_day": 2, "since": (date.today() + timedelta(days=2)).isoformat()}
    wrong = client.post(reverse("policy-new"), data | {"own_hours_opens": "21:00", "own_hours_closes": "09:00"})
    assert wrong.status_code == 422
    assert "begin before they end" in wrong.content.decode()
    client.post(reverse("policy-new"), data)
    row = PolicyDraft.objects.get()
    address = reverse("policy-draft", args=[row.public_id])
    shown = client.get(address)
    assert "Most calls dialled to one debtor in a natural day" in shown.content.decode()
    odd = client.post(
        reverse("policy-replay-new", args=[row.public_id]),
        {"form_key": shown.context["form"]["form_key"].value(), "since": "2026-03-02", "until": "2026-03-01"},
    )
    assert odd.status_code == 422
    today = date.today()
    client.post(
        reverse("policy-replay-new", args=[row.public_id]),
        {
            "form_key": shown.context["form"]["form_key"].value(),
            "since": (today - timedelta(days=91)).isoformat(),
            "until": (today - timedelta(days=1)).isoformat(),
        },
    )
    replay = PolicyReplay.objects.get()
    url = reverse("policy-replay", args=[replay.public_id])
    assert "You can leave this page" in client.get(url).content.decode()
    replays.run(replay.pk, clock=lambda: NOON + timedelta(days=900))
    done = client.get(url).content.decode()
    assert "Cash delayed" in done
    assert "The draft refuses nothing" in done
    form = client.get(reverse("policy-propose", args=[row.public_id])).context["form"]
    client.post(reverse("policy-propose", args=[row.public_id]), {"form_key": form["form_key"].value(), "reason": "fewer complaints"})
    assert ChangeRequest.objects.get().kind == contact_rules.KIND
    client.force_login(floor.cast.compliance)
    assert ChangeRequest.objects.get().public_id in client.get(reverse("contact-policy")).content.decode()


def test_a_collector_reads_the_rules_and_drafts_none(floor: Floor, client: Client) -> None:
    client.force_login(floor.cast.collector)
    assert "New draft" not in client.get(reverse("contact-policy")).content.decode()
    assert client.get(reverse("policy-new")).status_code == 403


def test_contacts_without_an_attempt_are_those_who_called_in(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    row = cases.claim(case, actor=collector, at=AFTER)
    contacts.log_contact(
        row, channel="inbound", outcome="callback", next_action="call", next_action_on=AFTER.date(), actor=collector, at=AFTER
    )
    assert Contact.objects.get().attempt is None
    assert not ContactAttempt.objects.exists()
