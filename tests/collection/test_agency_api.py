"""An agency through the API: a day's work, what it never sees, and the calls of the house and of every agency in one count."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import localdate, now

from collection import cases, contacts, placements
from collection.models import Agency, Case, Complaint, Contact, Dispute, Placement, Promise
from customers import contacts as contacts_gate
from customers.models import BarredNumber, ContactAttempt, ContactBar, ContactVerdict
from tests.collection.conftest import Floor, by_daylight
from tests.collection.placement_rows import agency, late_cases
from tests.collection.test_links import beside

URL = "/api/v1/placements/"


class Outside:
    """An agency with an API client of its own."""

    def __init__(self, floor: Floor, api_of: Any, code: str) -> None:
        user = floor.cast.person(f"{code.lower()}-api", "agency", floor.cast.east, kind="agency")
        self.agency: Agency = agency(floor, code, members=[user])
        self.client, self.user = api_of("placements:read", "placements:write", user=user), user

    def given(self, case: Case, floor: Floor) -> str:
        return str(placements.place(case, agency=self.agency, actor=floor.cast.collections_supervisor, at=now()).public_id)

    def post(self, row: str, act: str, body: Any = None, **headers: Any) -> Any:
        return self.client.post(f"{URL}{row}/{act}/", body or {}, format="json", **headers)

    def call(self, row: str, outcome: str = "refused", **more: Any) -> tuple[int, Any]:
        """Ask, and if it is allowed tell how it ended; return the last status and answer."""
        asked = self.post(row, "ask", {"channel": "call"})
        if asked.status_code != 200:
            return asked.status_code, asked.json()
        told = self.post(row, "contacts", {"channel": "call", "outcome": outcome, "confirmed": True, "lines_said": True, **more})
        return told.status_code, told.json()


@pytest.fixture
def north(floor: Floor, api_of: Any) -> Outside:
    return Outside(floor, api_of, "NORTH")


@pytest.fixture
def rows(floor: Floor) -> list[Case]:
    """Return cases that are late by the real clock, whose customers are awake."""
    made = late_cases(floor, 2)
    by_daylight()
    return made


def house_calls(floor: Floor, case: Case) -> None:
    """Let a collector reach the customer by telephone."""
    cases.claim(case, actor=floor.cast.collector, at=now())
    day = localdate(now()) + timedelta(days=2)
    contacts.log_contact(
        case, channel="call", outcome="third_party", next_action="call", next_action_on=day, actor=floor.cast.collector, at=now()
    )


def test_a_day_of_an_agency(floor: Floor, north: Outside, rows: list[Case], api_of: Any) -> None:
    """The issue's walk: its own cases only and little of each, the gate before each call, the fourth call refused whoever made the others."""
    case, other = rows
    house_calls(floor, case)
    house_calls(floor, case)
    south = Outside(floor, api_of, "SOUTH")
    row, foreign = north.given(case, floor), south.given(other, floor)

    listed = north.client.get(URL).json()["results"]
    assert [one["id"] for one in listed] == [row]
    shown = north.client.get(f"{URL}{row}/").json()
    assert shown == listed[0]
    text, person = str(shown), case.customer
    assert person.id_number not in text and person.mobile not in text and person.name not in text and case.public_id not in text
    assert shown["mobile"].endswith(person.mobile[-4:])
    for act in ("", "ask/", "contacts/", "promises/", "disputes/", "complaints/", "hardships/", "return/"):
        url = f"{URL}{foreign}/{act}"
        assert (north.client.post(url, {}, format="json") if act else north.client.get(url)).status_code == 404

    early = north.post(row, "contacts", {"channel": "call", "outcome": "no_answer"})
    assert (early.status_code, early.json()["code"]) == (409, "not_asked")
    asked = north.post(row, "ask", {"channel": "call"})
    assert (asked.status_code, asked.json()["verdict"], asked.json()["number"]) == (200, "allow", person.mobile)
    again = north.post(row, "ask", {"channel": "call"})
    assert (again.status_code, again.json()["code"]) == (409, "call_not_told"), "the number is told once for each call"
    assert "number" not in again.json()
    unsure = north.post(row, "contacts", {"channel": "call", "outcome": "promise", "promise": []})
    assert set(unsure.json()["errors"]) == {"confirmed", "promise"}
    part = {"due_on": (localdate(now()) + timedelta(days=3)).isoformat(), "amount": "100.00"}
    told = {"channel": "call", "outcome": "promise", "confirmed": True, "promise": [part]}
    silent = north.post(row, "contacts", told)
    assert (silent.json()["code"], set(silent.json()["errors"])) == ("lines_not_said", {"lines_said"})
    told["lines_said"] = True
    past = told | {"promise": [part, part | {"due_on": (localdate(now()) - timedelta(days=1)).isoformat()}]}
    assert set(north.post(row, "contacts", past).json()["errors"]) == {"promise.1.due_on"}, "named as the body names it"
    first = north.post(row, "contacts", told, headers={"Idempotency-Key": "talk-1"})
    twice = north.post(row, "contacts", told, headers={"Idempotency-Key": "talk-1"})
    assert (first.status_code, twice.json()) == (201, first.json())
    assert (Promise.objects.get().taken_by, Contact.objects.filter(actor=north.user).count()) == (north.user, 1)

    status, refused = north.call(row)
    assert (status, refused["code"], refused["rule"]) == (409, "contact_refused", "contact.connected_calls_per_day")
    assert refused["opens_at"] > now().isoformat()
    assert ContactVerdict.objects.filter(actor=north.user).exclude(verdict="allow").count() == 1, "the refusal is on record"

    assert north.post(row, "return").json()["status"] == "recalled"
    assert north.client.get(f"{URL}{row}/").status_code == 404
    assert north.client.get(URL).json()["results"] == []
    assert Case.objects.get(pk=case.pk).status in ("open", "worked")


def test_the_promise_that_runs_in_a_placed_case_is_read_and_no_other(floor: Floor, north: Outside, rows: list[Case], api_of: Any) -> None:
    """Whoever took it down; of a case with another agency nothing at all."""
    case, other = rows
    row, foreign = north.given(case, floor), north.given(other, floor)
    assert {one["promise"] for one in north.client.get(URL).json()["results"]} == {None}
    part = {"due_on": (localdate(now()) + timedelta(days=3)).isoformat(), "amount": "100.00"}
    assert north.call(row, "promise", promise=[part])[0] == 201
    taken = Promise.objects.get()
    shown = {one["id"]: one["promise"] for one in north.client.get(URL).json()["results"]}
    found = shown[row]
    assert (found["id"], found["status"], found["amount"], found["paid_amount"]) == (taken.public_id, "open", "100.00", "0.00")
    assert found["parts"] == [{"seq": 1, **part}] and "taken_by" not in found
    assert shown[foreign] is None and north.client.get(f"{URL}{row}/").json()["promise"] == found
    Promise.objects.update(status="broken", ended_on=localdate(now()), ended_at=now())
    assert north.client.get(f"{URL}{row}/").json()["promise"] is None, "it is over"
    south = Outside(floor, api_of, "SOUTH")
    assert south.client.get(URL).json()["results"] == []
    assert south.client.get(f"{URL}{row}/").status_code == 404


def test_who_answers_beside_the_debtor_is_shown_masked_and_counted_by_themselves(floor: Floor, north: Outside, rows: list[Case]) -> None:
    """Only who agreed to be turned to; three calls answered by the guarantor close their count and leave the debtor's open."""
    case, other = rows
    open_, shut = beside(floor, case), beside(floor, case, "co_borrower", opened=False, mobile="13911113333")
    row, foreign = north.given(case, floor), north.given(other, floor)
    shown = {one["id"]: one for one in north.client.get(URL).json()["results"]}
    assert shown[row]["obligors"] == [{"id": open_.public_id, "role": "guarantor", "name": "王*", "mobile": "139****2222"}]
    assert shown[foreign]["obligors"] == []

    to_them = {"channel": "call", "obligor": open_.public_id}
    asked = north.post(row, "ask", to_them)
    assert (asked.status_code, asked.json()["number"]) == (200, "13911112222")
    early = north.post(row, "contacts", {"channel": "call", "outcome": "no_answer"})
    assert (early.status_code, early.json()["code"]) == (409, "not_asked"), "the debtor was not asked for"
    theirs = north.post(row, "contacts", to_them | {"outcome": "refused", "confirmed": True})
    assert set(theirs.json()["errors"]) == {"outcome"}, "the debtor's own words are not taken from a guarantor"
    for _n in range(3):
        north.post(row, "ask", to_them)
        assert north.post(row, "contacts", to_them | {"outcome": "third_party"}).status_code == 201
    fourth = north.post(row, "ask", to_them)
    assert (fourth.status_code, fourth.json()["rule"]) == (409, "contact.connected_calls_per_day")
    assert north.post(row, "ask", {"channel": "call"}).json()["number"] == case.customer.mobile
    assert set(Contact.objects.values_list("relation", flat=True)) == {open_.pk}

    closed = north.post(row, "ask", {"channel": "call", "obligor": shut.public_id})
    assert (closed.status_code, closed.json()["rule"]) == (409, "contact.obligors_only")
    for name in ("R-NOBODY", "x" * 16):
        nobody = north.post(row, "ask", {"channel": "call", "obligor": name})
        assert (nobody.status_code, nobody.json()["code"]) == (422, "no_such_obligor")
    assert north.post(foreign, "ask", to_them).status_code == 422, "of another case"


def test_a_talk_with_a_guarantor_is_told_as_theirs_and_what_they_stop_is_theirs(floor: Floor, north: Outside, rows: list[Case]) -> None:
    case, _other = rows
    one = beside(floor, case)
    row = north.given(case, floor)
    to_them = {"channel": "call", "obligor": one.public_id}
    north.post(row, "ask", to_them)
    unsure = north.post(row, "contacts", to_them | {"outcome": "obligor_pays"})
    assert set(unsure.json()["errors"]) == {"confirmed"}
    silent = north.post(row, "contacts", to_them | {"outcome": "obligor_pays", "confirmed": True})
    assert (silent.json()["code"], set(silent.json()["errors"])) == ("lines_not_said", {"lines_said"})
    done = north.post(row, "contacts", to_them | {"outcome": "obligor_pays", "confirmed": True, "lines_said": True})
    assert (done.status_code, Contact.objects.get().relation) == (201, one)
    debtor = north.post(row, "contacts", {"channel": "inbound", "outcome": "obligor", "confirmed": True, "lines_said": True})
    assert set(debtor.json()["errors"]) == {"outcome"}, "of whom?"
    heard = north.post(
        row, "contacts", {"channel": "inbound", "outcome": "obligor", "obligor": one.public_id, "confirmed": True, "lines_said": True}
    )
    assert (heard.status_code, Contact.objects.filter(relation=one, attempt=None).count()) == (201, 1)

    stopped = north.post(row, "stops", to_them)
    assert (stopped.status_code, stopped.json()["channel"]) == (201, "call")
    assert north.post(row, "stops", to_them).json() == stopped.json(), "stopped once"
    closed = north.post(row, "ask", to_them)
    assert (closed.status_code, closed.json()["rule"]) == (409, "contact.stop")
    assert north.post(row, "ask", {"channel": "call"}).status_code == 200, "the debtor asked for nothing"
    nobody = north.post(row, "stops", {"channel": "call", "obligor": "R-NOBODY"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "no_such_obligor")


def test_the_lines_that_must_be_said_are_read_in_the_customers_language(floor: Floor, north: Outside, rows: list[Case]) -> None:
    case = Case.objects.get(pk=rows[0].pk)
    said = north.client.get(f"{URL}{north.given(case, floor)}/script/").json()
    assert said["language"] == "zh-hans"
    first = [line for line in said["lines"] if line["party"] == "unknown"]
    debt = [line for line in said["lines"] if line["party"] == "confirmed"]
    beside = [line for line in said["lines"] if line["party"] == "obligor"]
    assert first + debt + beside == said["lines"]  # nothing of the debt before it is certain who speaks
    assert f"逾期{case.dpd}天" in beside[0]["text"], "an obligor is told what they answer for, in lines of their own"
    assert first[0]["must"]
    assert f"{north.agency.name_zh}受" in first[0]["text"]
    assert f"逾期{case.dpd}天" in debt[0]["text"]
    assert "逾期" not in str(first)
    assert not any(mark in str([line["text"] for line in said["lines"]]) for mark in "{…")


def test_another_agency_does_not_get_a_fourth_call_either(floor: Floor, north: Outside, rows: list[Case], api_of: Any) -> None:
    case = rows[0]
    house_calls(floor, case)
    row = north.given(case, floor)
    assert north.call(row)[0] == north.call(row)[0] == 201
    north.post(row, "return")
    south = Outside(floor, api_of, "SOUTH")
    status, refused = south.call(south.given(case, floor))
    assert (status, refused["rule"]) == (409, "contact.connected_calls_per_day")


def test_a_wrong_number_is_barred_for_everybody(floor: Floor, north: Outside, rows: list[Case]) -> None:
    row = north.given(rows[0], floor)
    assert north.call(row, "wrong_number")[0] == 201
    assert BarredNumber.objects.filter(lifted_at__isnull=True).count() == 1
    status, refused = north.call(row)
    assert (status, refused["code"]) == (409, "contact_refused")


@pytest.mark.parametrize(
    ("act", "body", "reason", "model"),
    [
        ("disputes", {"kind": "amount", "amount": "10.00", "channel": "inbound", "statement": "x"}, "dispute", Dispute),
        ("complaints", {"kind": "manner", "channel": "inbound"}, "complaint", Complaint),
        ("hardships", {"cause": "job", "words": "laid off"}, "hardship", None),
    ],
)
def test_what_belongs_to_the_house_goes_back_with_the_case(
    floor: Floor, north: Outside, rows: list[Case], act: str, body: dict[str, Any], reason: str, model: Any
) -> None:
    row = north.given(rows[0], floor)
    loan = rows[0].debts.get().loan.public_id
    made = north.post(row, act, body | ({"loan": loan} if act == "disputes" else {}))
    assert made.status_code == 201, made.json()
    placement = Placement.objects.get(public_id=row)
    assert (placement.status, placement.reason) == ("recalled", reason)
    assert north.client.get(f"{URL}{row}/").status_code == 404
    if model is not None:
        assert model.objects.get().owner == floor.cast.collections_supervisor


def test_what_the_customer_says_on_the_telephone_takes_it_back(floor: Floor, north: Outside, rows: list[Case]) -> None:
    row = north.given(rows[0], floor)
    assert north.call(row, "deceased")[0] == 201
    assert Placement.objects.get(public_id=row).reason == "deceased"


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("ask", {"channel": "pigeon"}, "channel"),
        ("ask", {"channel": "inbound"}, "channel"),
        ("ask", {"channel": "visit"}, "channel"),
        ("contacts", {"channel": "visit", "outcome": "not_met"}, "channel"),
        ("contacts", {"channel": "call", "outcome": "fine"}, "outcome"),
        ("contacts", {"channel": "letter", "outcome": "busy"}, "outcome"),
        (
            "contacts",
            {
                "channel": "inbound",
                "outcome": "promise",
                "confirmed": True,
                "lines_said": True,
                "promise": [{"due_on": "2020-01-01", "amount": "1.00"}],
            },
            "promise.0.due_on",
        ),
        ("promises", {"channel": "visit", "parts": [{"due_on": "2027-01-01", "amount": "1.00"}]}, "channel"),
        ("promises", {"channel": "inbound", "parts": []}, "parts"),
        ("disputes", {"loan": "L-NOTHING0", "kind": "amount", "amount": "1.00", "channel": "inbound"}, "loan"),
    ],
)
def test_bad_input_is_a_sentence(floor: Floor, north: Outside, rows: list[Case], act: str, body: dict[str, Any], field: str) -> None:
    answer = north.post(north.given(rows[0], floor), act, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert any(name.startswith(field) for name in answer.json()["errors"])


def lapse(user: Any) -> ContactAttempt:
    """Let the time of the last call's place be over by the real clock."""
    rows = ContactAttempt.objects.filter(actor=user, channel="call").order_by("-pk")
    found = rows[0]
    ContactAttempt.objects.filter(pk=found.pk).update(open_until=now() - timedelta(minutes=1))
    return found


def test_a_call_that_is_not_told_counts_as_answered_and_closes_the_next(floor: Floor, north: Outside, rows: list[Case]) -> None:
    row, url = north.given(rows[0], floor), {"channel": "call"}
    for _n in range(2):
        assert north.call(row)[0] == 201
    assert north.post(row, "ask", url).status_code == 200
    lapse(north.user)
    assert north.post(row, "ask", url).json()["code"] == "call_not_told"
    assert contacts_gate.may_contact(rows[0].customer, "call", now()).rule == "contact.connected_calls_per_day"
    assert north.post(row, "contacts", {"channel": "call", "outcome": "no_answer"}).status_code == 201
    assert north.post(row, "ask", url).status_code == 200, "told: nobody answered, and the place is free"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_refusals_of_an_agency_are_sentences(floor: Floor, north: Outside, rows: list[Case], language: str) -> None:
    row, headers = north.given(rows[0], floor), {"Accept-Language": language}
    north.post(row, "ask", {"channel": "call"})
    part = {"due_on": localdate(now()).isoformat(), "amount": "100.00"}
    said = {
        answer.json()["code"]: answer.json()["detail"]
        for answer in (
            north.post(row, "ask", {"channel": "call"}, headers=headers),
            north.post(row, "promises", {"channel": "inbound", "parts": [part]}, headers=headers),
        )
    }
    assert set(said) == {"call_not_told", "not_confirmed"}
    assert all(text.isascii() == (language == "en") for text in said.values()), said


def test_a_result_comes_through_after_the_case_went_back(floor: Floor, north: Outside, rows: list[Case]) -> None:
    """The house takes the case back while the agency's call runs: a wrong number is barred all the same, and nothing else opens."""
    case = rows[0]
    row = north.given(case, floor)
    assert north.post(row, "ask", {"channel": "call"}).status_code == 200
    dialled = case.customer.mobile_key
    placements.recall(Placement.objects.get(public_id=row), reason="complaint", actor=floor.cast.collections_supervisor, at=now())
    part = [{"due_on": localdate(now()).isoformat(), "amount": "100.00"}]
    for act, body in (("ask", {"channel": "call"}), ("promises", {"channel": "inbound", "parts": part}), ("return", {})):
        assert north.post(row, act, body).status_code == 404
    assert north.client.get(f"{URL}{row}/").status_code == 404
    assert north.post(row, "contacts", {"channel": "inbound", "outcome": "third_party"}).json()["code"] == "not_with_you"
    told = north.post(row, "contacts", {"channel": "call", "outcome": "wrong_number"})
    assert told.status_code == 201, told.json()
    assert BarredNumber.objects.get().number_key == dialled
    assert ContactAttempt.objects.get(actor=north.user).connected
    assert north.post(row, "contacts", {"channel": "call", "outcome": "wrong_number"}).status_code == 404, "once"


def test_a_day_later_nothing_is_told_of_a_case_that_went_back(floor: Floor, north: Outside, rows: list[Case], api_of: Any) -> None:
    row = north.given(rows[0], floor)
    assert north.post(row, "ask", {"channel": "call"}).status_code == 200
    placements.recall(Placement.objects.get(public_id=row), reason="complaint", actor=floor.cast.collections_supervisor, at=now())
    south = Outside(floor, api_of, "SOUTH")
    body = {"channel": "call", "outcome": "no_answer"}
    assert south.post(row, "contacts", body).status_code == 404, "another agency's"
    ContactAttempt.objects.filter(actor=north.user).update(at=now() - timedelta(hours=25))
    assert north.post(row, "contacts", body).status_code == 404


def test_who_asks_an_agency_to_stop_is_heard_by_everybody(floor: Floor, north: Outside, rows: list[Case], api_of: Any) -> None:
    case = rows[0]
    row, person = north.given(case, floor), case.customer
    first, again = (north.post(row, "stops", {"channel": "call"}) for _twice in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert (ContactBar.objects.get().reason, ContactBar.objects.get().actor) == ("stop", north.user)
    assert north.call(row)[1]["rule"] == "contact.stop"
    assert contacts_gate.may_contact(person, "call", now()).rule == "contact.stop", "the house's collectors too"
    assert contacts_gate.may_contact(person, "sms", now()).allowed
    assert north.post(row, "stops", {"channel": "pigeon"}).status_code == 422
    south = Outside(floor, api_of, "SOUTH")
    assert south.post(row, "stops", {"channel": "sms"}).status_code == 404
    assert ContactBar.objects.count() == 1


def test_a_promise_needs_a_talk_of_today_with_the_person_confirmed(floor: Floor, north: Outside, rows: list[Case]) -> None:
    row = north.given(rows[0], floor)
    body = {"channel": "inbound", "parts": [{"due_on": (localdate(now()) + timedelta(days=2)).isoformat(), "amount": "100.00"}]}
    assert north.call(row, "third_party")[0] == 201
    assert north.post(row, "promises", body).json()["code"] == "not_confirmed", "somebody else was spoken to"
    told = {"channel": "inbound", "outcome": "right_party", "confirmed": True, "lines_said": True}
    assert north.post(row, "contacts", told).status_code == 201
    assert north.post(row, "promises", body).status_code == 201
    too_much = body | {"parts": [body["parts"][0] | {"amount": "99999999.00"}]}
    refused = north.post(row, "promises", too_much)
    assert (refused.status_code, "All that is left to pay" in str(refused.json()["errors"]["parts.0.amount"])) == (422, True)
    assert Promise.objects.count() == 1
    Contact.objects.filter(channel="inbound").update(at=now() - timedelta(days=1))
    assert north.post(row, "promises", body).json()["code"] == "not_confirmed", "a talk of yesterday"


def test_a_suspended_agency_sees_nothing(floor: Floor, north: Outside, rows: list[Case]) -> None:
    from collection import placement_orders

    row = north.given(rows[0], floor)
    placement_orders.suspend(north.agency, reason="complaints", actor=floor.cast.collections_supervisor, at=now())
    assert north.client.get(URL).json()["results"] == []
    assert north.post(row, "ask", {"channel": "call"}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_for_the_third_call_one_gets_it(floor: Floor, north: Outside, rows: list[Case]) -> None:
    """The house's collectors and the agency's machine race for the last place of the day."""
    from collection import placement_work
    from customers.contact_gate import NotNow

    case = rows[0]
    house_calls(floor, case)
    house_calls(floor, case)
    second = floor.cast.person("north-two", "agency", floor.cast.east, kind="agency")
    placement = Placement.objects.get(public_id=north.given(case, floor))
    start, found = Barrier(2), []

    def one(user: Any) -> None:
        try:
            start.wait()
            placement_work.ask(placement, channel="call", actor=user, at=now())
            found.append("allowed")
        except (NotNow, placement_work.CallNotTold) as refused:  # the second also finds its agency's own call untold
            found.append(refused.code)
        finally:
            connection.close()

    threads = [Thread(target=one, args=[user]) for user in (north.user, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and found.count("allowed") == 1
    assert set(found) - {"allowed"} <= {"contact_refused", "call_not_told"}
    assert ContactAttempt.objects.filter(key__startswith="agency:").count() == 1
