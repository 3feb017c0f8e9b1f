"""A call from the case: its place among the counts first, the gateway's words, what a dead gateway leaves behind."""

import hashlib
import hmac
import itertools
import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now as real_now

from collection import call_rules, calls, cases, checks, contacts
from collection.models import CallEvent, Case, PhoneCall, Recording
from crm.lib.errors import Invalid, NotFound
from crm.lib.ports import telephony as port
from crm.lib.ports.http import PortRefused, PortUnknown
from customers.contacts import NotNow
from customers.models import BarredNumber, ContactAttempt, ContactVerdict, Customer
from risk.bureau_rules import Calls
from risk.models import BureauCircuit
from tests.collection.conftest import AFTER, Floor, by_daylight
from tests.credit.test_races import together
from tests.fixtures.outside import RECEIPT_SECRET, Outside

MINUTE = timedelta(minutes=1)
serial = itertools.count(1)


@pytest.fixture
def case(floor: Floor) -> Case:
    return cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)


def number(case: Case, tail: str) -> None:
    """Give the customer a number on which a persona of the sandbox answers."""
    person = Customer.objects.get(pk=case.customer_id)
    person.mobile = f"1390000{tail}"
    person.save()


def place(case: Case, floor: Floor, at: Any = AFTER, key: str = "") -> PhoneCall:
    return calls.place(case, actor=floor.cast.collector, at=at, key=key or f"k{next(serial)}").call


def call(case: Case, floor: Floor, at: Any = AFTER) -> PhoneCall:
    made = PhoneCall.objects.select_related("case__customer", "attempt", "actor", "relation").get(pk=place(case, floor, at).pk)
    return calls.dial(made, at=at)


def hear(made: PhoneCall, event: str, at: Any = AFTER, **more: Any) -> PhoneCall:
    return calls.heard(key=made.public_id, event=event, event_id=f"e{next(serial)}", at=at, **more)


def log(case: Case, floor: Floor, outcome: str, at: Any = AFTER) -> Any:
    return contacts.log_contact(
        case, channel="call", outcome=outcome, next_action="call", next_action_on=at.date(), actor=floor.cast.collector, at=at
    )


# --- the place first -------------------------------------------------------------------------------------------------------
def test_a_call_is_reserved_then_dialled_once(case: Case, floor: Floor, telephone: Outside) -> None:
    made = call(case, floor)
    assert (made.status, made.attempt.open_until is not None) == ("dialled", True)
    assert made.gateway_id
    known = telephone.ask(f"/calls?key={made.public_id}")["calls"]
    assert [(row["calls"], row["agent"], row["to"]) for row in known] == [
        (1, floor.cast.collector.public_id, f"…{case.customer.mobile[-4:]}")
    ]
    again = calls.place(case, actor=floor.cast.collector, at=AFTER + MINUTE, key="again")
    assert (again.call, again.made) == (made, False), "one call at a time"


def test_what_the_policy_refuses_never_rings(case: Case, floor: Floor, telephone: Outside) -> None:
    night = AFTER + timedelta(hours=12)
    row = cases.claim(case, actor=floor.cast.collector, at=night)
    before = telephone.ask("/calls")["requests"]
    with pytest.raises(NotNow) as refused:
        place(row, floor, night)
    refused.value.remember()
    assert telephone.ask("/calls")["requests"] == before
    assert not PhoneCall.objects.exists()
    assert ContactVerdict.objects.filter(subject=case.public_id).exclude(verdict="allow").exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_call(floor: Floor) -> None:
    row = cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)
    found = together(*[lambda n=n: calls.place(row, actor=floor.cast.collector, at=AFTER, key=f"race-{n}") for n in range(3)])
    assert sorted(each.made for each in found) == [False, False, True]
    assert (PhoneCall.objects.count(), ContactAttempt.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_collectors_cannot_both_make_the_last_call(floor: Floor) -> None:
    """The pack allows three answered calls a day: with two behind, of two who hold the case in turn one rings."""
    case = floor.case()
    for n in range(2):
        ContactAttempt.objects.create(
            customer=case.customer, channel="call", at=AFTER - (n + 1) * MINUTE, connected=True, purpose="collection", key=f"was-{n}"
        )
    first = cases.claim(case, actor=floor.cast.collector, at=AFTER)
    place(first, floor)
    cases.release(first, actor=floor.cast.collector, at=AFTER)
    second = cases.claim(case, actor=floor.cast.second_collector, at=AFTER)
    with pytest.raises(NotNow):
        calls.place(second, actor=floor.cast.second_collector, at=AFTER, key="second")


# --- what the gateway tells ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("told", "status", "connected", "suggests"),
    [
        (["ringing"], "ringing", False, ""),
        (["ringing", "answered"], "answered", True, ""),
        (["ringing", "answered", "hung_up"], "talked", True, ""),
        (["busy"], "busy", False, "busy"),
        (["ringing", "no_answer"], "no_answer", False, "no_answer"),
        (["hung_up"], "talked", True, ""),
        (["no_answer", "answered"], "no_answer", True, "no_answer"),
        (["hung_up", "ringing"], "talked", True, ""),
    ],
)
def test_events_move_the_call_and_count_the_connect(
    case: Case, floor: Floor, told: list[str], status: str, connected: bool, suggests: str
) -> None:
    made = place(case, floor)
    for n, event in enumerate(told):
        made = hear(made, event, AFTER + n * MINUTE, seconds=45 if event == "hung_up" else 0)
    made = PhoneCall.objects.select_related("attempt").get(pk=made.pk)
    assert (made.status, made.attempt.connected) == (status, connected)
    assert (made.attempt.open_until is None) == (told != ["ringing"])
    assert calls.suggestion(made, None) == suggests
    assert made.seconds == (45 if "hung_up" in told else 0 if status in ("busy", "no_answer") else None)


def test_the_recording_is_filed_with_the_call(case: Case, floor: Floor) -> None:
    made = hear(place(case, floor), "answered")
    made = hear(hear(made, "hung_up", seconds=12), "recording", recording="rec/1.wav")
    made.refresh_from_db()
    assert (made.status, made.recording) == ("talked", "rec/1.wav")
    kept = Recording.objects.get()
    assert (kept.reference, kept.attempt_id, kept.seconds) == ("rec/1.wav", made.attempt_id, 12)
    contact = log(case, floor, "third_party")
    floor.deliver()
    assert contact.recordings.get() == kept


def test_a_check_that_passed_suggests_the_right_party(case: Case, floor: Floor) -> None:
    made = hear(hear(place(case, floor), "answered"), "hung_up", seconds=60)
    person = case.customer
    answers = {"id_last4": person.id_number[-4:], "birth_year": str(person.born_on.year)}
    passed = checks.confirm(case, answers=answers, actor=floor.cast.collector, at=AFTER)
    assert calls.suggestion(made, passed) == "right_party"
    assert calls.suggestion(made, checks.third_party(case, actor=floor.cast.collector, at=AFTER)) == "third_party"


def test_the_result_belongs_to_the_call_and_another_one_waits_for_it(case: Case, floor: Floor) -> None:
    made = hear(place(case, floor), "busy")
    with pytest.raises(calls.CallNotLogged):
        place(case, floor, AFTER + MINUTE)
    contact = log(case, floor, "busy", AFTER + MINUTE)
    assert contact.attempt_id == made.attempt_id
    assert ContactAttempt.objects.filter(customer=case.customer).count() == 1
    row = cases.claim(case, actor=floor.cast.collector, at=AFTER + 2 * MINUTE)
    assert place(row, floor, AFTER + 2 * MINUTE).pk != made.pk


def test_a_person_reached_is_a_connect_whatever_the_gateway_said(case: Case, floor: Floor) -> None:
    made = hear(place(case, floor), "no_answer")
    log(case, floor, "third_party")
    made.attempt.refresh_from_db()
    assert made.attempt.connected


def tell(
    client: Client,
    settings: Any,
    body: Any,
    *,
    secret: str = RECEIPT_SECRET,
    moment: float | None = None,
    url: str = "/api/receipts/calls/",
) -> Any:
    settings.RECEIPT_SECRET = RECEIPT_SECRET
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(real_now().timestamp() if moment is None else moment))
    signature = hmac.new(secret.encode(), stamp.encode() + b"." + data, hashlib.sha256).hexdigest()
    headers = {"X-Timestamp": stamp, "X-Signature": signature}
    return client.post(url, data, content_type="application/json", headers=headers)


def test_the_webhook_believes_a_signed_event_once(case: Case, floor: Floor, client: Client, settings: Any) -> None:
    body = {"key": place(case, floor).public_id, "event": "answered", "id": "ev-1", "seconds": 0, "recording": ""}
    moment = real_now().timestamp()
    first, played_back = (tell(client, settings, body, moment=moment) for _twice in range(2))
    again = tell(client, settings, body, moment=moment - 1)
    assert (first.status_code, first.json()) == (200, {"result": "answered"})
    assert (played_back.status_code, played_back.json()["code"]) == (409, "replayed")
    assert (again.status_code, again.json()["code"]) == (409, "event_replayed")
    assert CallEvent.objects.count() == 1


@pytest.mark.parametrize("how", [{"secret": "another"}, {"moment": 0}, {"moment": real_now().timestamp() - 301}])
def test_the_webhook_refuses_what_is_not_signed_or_too_old(
    case: Case, floor: Floor, client: Client, settings: Any, how: dict[str, Any]
) -> None:
    made = place(case, floor)
    answer = tell(client, settings, {"key": made.public_id, "event": "answered", "id": "ev-1"}, **how)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    made.attempt.refresh_from_db()
    assert (CallEvent.objects.count(), made.attempt.connected) == (0, False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422), (b"[]", 422), (b"\xff", 422), ({"key": "PH-2", "event": "answered"}, 422),
        ({"key": "PH-22222222", "event": "answered", "id": "x"}, 404), ({"key": "a\0b", "event": "answered", "id": "x"}, 404),
        ({"key": "PH-2", "event": "sang", "id": "x"}, 422), ({"key": "PH-2", "event": "answered", "id": "x" * 65}, 422),
        ({"key": "PH-2", "event": "answered", "id": "x", "seconds": -1}, 422), ({"key": "PH-2", "event": "answered", "id": "x", "seconds": "9"}, 422),
    ],
)  # fmt: skip
def test_the_webhook_names_what_cannot_be(client: Client, db: None, settings: Any, body: Any, status: int) -> None:
    assert tell(client, settings, body).status_code == status


def test_an_event_of_nobody_is_refused_by_name(db: None) -> None:
    with pytest.raises(NotFound):
        calls.heard(key="PH-22222222", event="answered", event_id="x", at=AFTER)
    with pytest.raises(Invalid):
        calls.heard(key="PH-22222222", event="sang", event_id="x", at=AFTER)


# --- a gateway that fails --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tail", "status", "why"), [("8803", "dialled", ""), ("8804", "failed", "unknown_number"), ("8805", "by_hand", "silent")]
)
def test_personas_of_the_gateway(
    case: Case, floor: Floor, telephone: Outside, tail: str, status: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tail == "8805":  # nobody waits for it twice
        monkeypatch.setattr(call_rules, "patience", lambda on: Calls(1, 1, 3, MINUTE))
    number(case, tail)
    made = call(Case.objects.select_related("customer").get(pk=case.pk), floor)
    made.attempt.refresh_from_db()
    assert (made.status, made.why) == (status, why)
    assert (made.attempt.open_until is None) == (status == "failed"), "a place is kept while somebody may ring"


def test_a_dead_gateway_leaves_the_call_to_the_collector_and_is_left_alone(case: Case, floor: Floor, settings: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.PORTS = dict(settings.PORTS) | {"telephony": f"http://127.0.0.1:{free.getsockname()[1]}/calls"}
        row = case
        for n in range(4):
            at = AFTER + n * 5 * MINUTE
            made = call(row, floor, at)
            assert (made.status, made.why) == ("by_hand", "silent" if n < 3 else "paused")
            log(row, floor, "no_answer", at)
            row = cases.claim(row, actor=floor.cast.collector, at=at)
    assert BureauCircuit.objects.get(name="telephony").status == "open"
    assert not BureauCircuit.objects.filter(name="bureau", failures__gt=0).exists(), "the bureau's breaker is another one"


def test_without_a_gateway_one_dials_by_hand(case: Case, floor: Floor) -> None:
    made = call(case, floor)
    assert (made.status, made.why) == ("by_hand", "port_off")
    assert log(case, floor, "no_answer").attempt_id == made.attempt_id


def test_a_call_by_hand_is_told_before_the_next_one_however_long_it_took(case: Case, floor: Floor) -> None:
    made = call(case, floor)
    later = AFTER + timedelta(hours=1)  # its place is over
    case = cases.claim(case, actor=floor.cast.collector, at=later)
    with pytest.raises(calls.CallNotLogged):
        place(case, floor, later)
    assert log(case, floor, "no_answer", later).attempt_id == made.attempt_id
    made.attempt.refresh_from_db()
    assert (made.attempt.connected, made.attempt.open_until) == (False, None)
    row = cases.claim(case, actor=floor.cast.collector, at=later)
    assert place(row, floor, later).pk != made.pk


def test_a_number_changed_while_one_talked_is_not_the_one_that_is_barred(case: Case, floor: Floor) -> None:
    dialled = case.customer.mobile_key
    call(case, floor)
    number(case, "7777")
    log(case, floor, "wrong_number", AFTER + MINUTE)
    assert BarredNumber.objects.get().number_key == dialled
    assert BarredNumber.objects.get().number_key != Customer.objects.get(pk=case.customer_id).mobile_key
    row = cases.claim(case, actor=floor.cast.collector, at=AFTER + MINUTE)
    assert place(row, floor, AFTER + MINUTE).status == "placing"


def test_hanging_up_is_for_who_called_and_needs_the_gateway(case: Case, floor: Floor, telephone: Outside) -> None:
    made = call(case, floor)
    with pytest.raises(cases.NotHeld):
        calls.hang_up(made, actor=floor.cast.second_collector)
    assert calls.hang_up(made, actor=floor.cast.collector)
    telephone_off = PhoneCall(public_id="PH-22222222", actor=floor.cast.collector)
    assert not calls.hang_up(telephone_off, actor=floor.cast.collector)


def test_the_port_speaks_of_a_call_by_its_key(telephone: Outside) -> None:
    first = port.start(to="13900008801", agent="U-1", key="port-1", at=AFTER)
    again = port.start(to="13900008801", agent="U-1", key="port-1", at=AFTER)
    assert (first.repeated, again.repeated, again.id) == (False, True, first.id)
    assert port.look(key="nobody") is None
    with pytest.raises(PortRefused, match="no such number"):
        port.start(to="13900008804", agent="U-1", key="port-2", at=AFTER)
    with pytest.raises(PortUnknown):
        port.start(to="13900000000", agent="U-1", key="port-3", at=AFTER, tries=1, headers={"X-Persona": "silent"}, read_seconds=0.2)
    assert port.look(key="port-3") is None


# --- what nobody told ------------------------------------------------------------------------------------------------------
def test_the_sweep_asks_the_gateway(case: Case, floor: Floor, telephone: Outside) -> None:
    from crm.processes import wait

    number(case, "8806")
    made = call(Case.objects.select_related("customer").get(pk=case.pk), floor)
    assert wait(lambda: bool(telephone.ask(f"/calls?key={made.public_id}")["calls"][0]["recording"]), 10)
    assert calls.sweep(at=AFTER + MINUTE) == 0, "not before it was quiet for a while"
    assert calls.sweep(at=AFTER + 3 * MINUTE) == 1
    made = PhoneCall.objects.select_related("attempt").get(pk=made.pk)
    assert (made.status, made.attempt.connected, bool(made.recording)) == ("talked", True, True)
    assert calls.sweep(at=AFTER + 4 * MINUTE) == 0


def test_a_call_left_by_a_dead_gateway_is_over_when_its_place_is(case: Case, floor: Floor) -> None:
    made = place(case, floor)  # the browser died before it was dialled
    held = made.attempt.open_until
    assert held is not None
    assert calls.sweep(at=held - timedelta(seconds=1)) == 0
    assert calls.sweep(at=held) == 1
    made = PhoneCall.objects.select_related("attempt").get(pk=made.pk)
    assert (made.status, made.attempt.connected, made.attempt.open_until) == ("lost", False, held), "nobody told: it counts as answered"
    assert hear(made, "hung_up", held, seconds=20).status == "talked", "the gateway's late word is heard"


def test_who_answered_stays_counted_when_the_end_is_never_told(case: Case, floor: Floor) -> None:
    made = hear(place(case, floor), "answered")
    assert calls.sweep(at=AFTER + timedelta(hours=1)) == 0
    assert calls.sweep(at=AFTER + timedelta(hours=3)) == 1
    made = PhoneCall.objects.select_related("attempt").get(pk=made.pk)
    assert (made.status, made.attempt.connected) == ("lost", True)


# --- the page --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def page(floor: Floor, client: Client) -> tuple[Client, Case]:
    row = floor.case()
    by_daylight()
    case = cases.claim(row, actor=floor.cast.collector, at=real_now())
    client.force_login(floor.cast.collector)
    return client, case


def test_the_page_dials_and_shows_the_call_while_it_runs(page: tuple[Client, Case], telephone: Outside) -> None:
    client, case = page
    assert b"Call now" in client.get(reverse("case", args=[case.public_id])).content
    client.post(reverse("case-call", args=[case.public_id]))
    made = PhoneCall.objects.get()
    shown = client.get(reverse("case", args=[case.public_id])).content.decode()
    assert "Dialling" in shown
    assert reverse("case-call-state", args=[case.public_id]) in shown
    hear(made, "answered", real_now())
    part = client.get(reverse("case-call-state", args=[case.public_id]), headers={"HX-Request": "true"}).content.decode()
    assert "it counts as a connect" in part
    assert 'hx-swap-oob="true"' in part
    hear(made, "hung_up", real_now(), seconds=75)
    part = client.get(reverse("case-call-state", args=[case.public_id]), headers={"HX-Request": "true"}).content.decode()
    assert "The talk took 75 seconds" in part
    assert "load delay" not in part


def test_the_page_suggests_the_result_and_says_when_the_gateway_is_dead(page: tuple[Client, Case], settings: Any) -> None:
    client, case = page
    settings.PORTS = dict(settings.PORTS) | {"telephony": "http://127.0.0.1:9/calls"}
    client.post(reverse("case-call", args=[case.public_id]))
    assert "dial by hand" in client.get(reverse("case", args=[case.public_id])).content.decode()
    hear(PhoneCall.objects.get(), "busy", real_now())
    shown = client.get(reverse("case", args=[case.public_id])).content.decode()
    assert 'for="id_outcome_2"' in shown
    assert 'id="id_outcome_2"' in shown


def test_hanging_up_from_the_page(page: tuple[Client, Case], telephone: Outside) -> None:
    client, case = page
    client.post(reverse("case-call", args=[case.public_id]))
    made = PhoneCall.objects.get()
    assert client.post(reverse("call-end", args=[made.public_id])).status_code == 303
    assert telephone.ask(f"/calls?key={made.public_id}")["matching"] == 1
