"""Cases over HTTP: scopes, team scope, claim, contacts once per key, problem documents."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils.timezone import localdate, now

from collection import cases
from collection.models import Case, Contact
from customers import contacts
from tests.collection.conftest import Floor, by_daylight
from tests.collection.test_links import beside


@pytest.fixture
def case(floor: Floor) -> Case:
    made = floor.case()
    by_daylight()
    return made


@pytest.fixture
def dialer(floor: Floor, api_of: Any) -> Any:
    """Return the API client of a dialling machine that works the east branch's cases."""
    user = floor.cast.person("dialer", "collector", floor.cast.east, kind="service")
    client = api_of("cases:read", "cases:write", user=user)
    client.user = user
    return client


def sent(**changes: Any) -> dict[str, Any]:
    day = localdate(now()) + timedelta(days=2)
    return {"channel": "call", "outcome": "busy", "next_action": "call", "next_action_on": day.isoformat()} | changes


def test_list_and_retrieve(case: Case, dialer: Any) -> None:
    listed = dialer.get("/api/v1/cases/").json()["results"]
    assert [row["id"] for row in listed] == [case.public_id]
    row = dialer.get(f"/api/v1/cases/{case.public_id}/").json()
    assert row == listed[0]
    assert (row["status"], row["bucket"], row["dpd"], row["overdue_amount"]) == ("open", "M1", 8, str(case.overdue_amount))
    assert row["debts"][0]["overdue_amount"] == row["overdue_amount"]
    assert row["customer"] == case.customer.public_id
    assert case.customer.mobile not in str(row)


def test_a_turn_over_http(case: Case, dialer: Any) -> None:
    url = f"/api/v1/cases/{case.public_id}/"
    assert dialer.post(f"{url}contacts/", sent(), format="json").json()["code"] == "case_not_held"
    claimed = dialer.post(f"{url}claim/")
    assert (claimed.status_code, claimed.json()["claimed_by"]) == (200, dialer.user.public_id)
    headers = {"Idempotency-Key": "call-4711"}
    first = dialer.post(f"{url}contacts/", sent(note="beep"), format="json", headers=headers)
    again = dialer.post(f"{url}contacts/", sent(note="beep"), format="json", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "note" not in first.json()
    other = dialer.post(f"{url}contacts/", sent(note="other"), format="json", headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_used")
    assert Contact.objects.get().note == "beep"
    assert Case.objects.get().claimed_by is None


def test_the_gate_is_asked_without_reserving(case: Case, dialer: Any) -> None:
    from customers.models import ContactAttempt, ContactVerdict

    contacts.bar(case.customer, channel="sms", reason="stop", actor=dialer.user, at=now())
    before = ContactAttempt.objects.count(), ContactVerdict.objects.count()
    for _time in range(2):
        said = {one["channel"]: one for one in dialer.get(f"/api/v1/cases/{case.public_id}/ways/").json()}
    assert (said["sms"]["allowed"], said["sms"]["rule"], said["sms"]["opens_at"]) == (False, "contact.stop", None)
    assert said["sms"]["reason"]
    assert said["letter"]["allowed"]
    assert (ContactAttempt.objects.count(), ContactVerdict.objects.count()) == before  # asked twice, nothing taken


def test_a_guarantor_is_listed_masked_and_a_talk_with_them_is_logged_as_theirs(case: Case, dialer: Any, floor: Floor) -> None:
    row, shut = beside(floor, case), beside(floor, case, "co_borrower", opened=False, mobile="13911113333")
    url = f"/api/v1/cases/{case.public_id}/"
    listed = dialer.get(f"{url}obligors/")
    assert listed.json() == [{"id": row.public_id, "role": "guarantor", "name": "王*", "mobile": "139****2222"}]
    dialer.post(f"{url}claim/")
    nameless = dialer.post(f"{url}contacts/", sent(outcome="obligor"), format="json")
    assert (nameless.status_code, list(nameless.json()["errors"])) == (422, ["outcome"])
    said = {"name": "王芳", "mobile_last4": "2222", "obligor": row.public_id}
    unsure = dialer.post(f"{url}contacts/", sent(outcome="obligor", obligor=row.public_id), format="json")
    assert (unsure.status_code, list(unsure.json()["errors"])) == (422, ["outcome"])
    asked = dialer.post(f"{url}check/", said, format="json")
    assert (asked.status_code, asked.json()["result"], asked.json()["obligor"]) == (200, "passed", row.public_id), asked.json()
    unsaid = dialer.post(f"{url}contacts/", sent(outcome="obligor", obligor=row.public_id), format="json")
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "lines_not_said")
    for line in [one for one in dialer.get(f"{url}script/").json()["lines"] if one["must"]]:
        dialer.post(f"{url}say/", {"script": line["script"], "code": line["code"]}, format="json")
    made = dialer.post(f"{url}contacts/", sent(outcome="obligor", obligor=row.public_id), format="json")
    assert (made.status_code, made.json()["obligor"]) == (201, row.public_id)
    assert Contact.objects.get().attempt.relation == row
    dialer.post(f"{url}claim/")
    closed = dialer.post(f"{url}contacts/", sent(outcome="no_answer", obligor=shut.public_id), format="json")
    assert (closed.status_code, closed.json()["rule"]) == (409, "contact.obligors_only")
    foreign = dialer.post(f"{url}contacts/", sent(outcome="obligor", obligor="R-NOBODY"), format="json")
    assert (foreign.status_code, foreign.json()["code"]) == (422, "no_such_obligor")


def test_who_called_in_and_was_spoken_with_counts_as_a_talk(case: Case, floor: Floor) -> None:
    from customers import contact_policy

    at = now()
    Contact.objects.bulk_create(
        Contact(
            case=case, channel="inbound", outcome=outcome, at=at, actor=floor.cast.collector, next_action="call", next_action_on=at.date()
        )
        for outcome in ("callback", "third_party")
    )
    told = contacts.attempts_of([case.customer_id], at=at + timedelta(hours=1))[case.customer_id]
    assert [one.connected for one in told if one.channel == contact_policy.INBOUND] == [True]


def test_release_and_a_lost_claim(case: Case, dialer: Any, floor: Floor) -> None:
    url = f"/api/v1/cases/{case.public_id}/"
    dialer.post(f"{url}claim/")
    assert dialer.post(f"{url}release/").json()["claimed_by"] is None
    cases.claim(case, actor=floor.cast.collector, at=now())
    lost = dialer.post(f"{url}claim/")
    assert (lost.status_code, lost.json()["code"], lost.json()["holder"]) == (409, "case_taken", "Collector")
    assert lost["Content-Type"].startswith("application/problem+json")


def test_an_own_scope_sees_the_cases_it_brought(case: Case, floor: Floor, api_of: Any) -> None:
    client = api_of("cases:read")
    assert client.get("/api/v1/cases/").json()["results"] == []
    Case.objects.update(owner=floor.cast.service)
    assert len(client.get("/api/v1/cases/").json()["results"]) == 1
    assert client.post(f"/api/v1/cases/{case.public_id}/claim/").status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (sent(outcome="fine"), 422, "outcome"),
        (sent(next_action_on="2020-01-01"), 422, "next_action_on"),
        (sent(next_action_on="soon"), 422, "next_action_on"),
        (sent(note="x" * 2_001), 422, "note"),
        ({}, 422, "channel"),
    ],
)
def test_wrong_values_are_named(case: Case, dialer: Any, body: dict[str, Any], status: int, field: str) -> None:
    cases.claim(case, actor=dialer.user, at=now())
    answer = dialer.post(f"/api/v1/cases/{case.public_id}/contacts/", body, format="json")
    assert answer.status_code == status
    assert field in answer.json()["errors"]
    assert not Contact.objects.exists()


def test_malformed_json_is_400(case: Case, dialer: Any) -> None:
    answer = dialer.post(f"/api/v1/cases/{case.public_id}/contacts/", "{", content_type="application/json")
    assert answer.status_code == 400


def test_scope_team_and_unknown(case: Case, floor: Floor, dialer: Any, api_of: Any) -> None:
    west = floor.cast.person("west_dialer", "collector", floor.cast.west, kind="service")
    stranger = api_of("cases:read", "cases:write", user=west)
    for path in ("", "claim/", "release/", "contacts/"):
        url = f"/api/v1/cases/{case.public_id}/{path}"
        assert (stranger.post(url, sent(), format="json") if path else stranger.get(url)).status_code == 404
    assert dialer.get("/api/v1/cases/K-NOSUCH222/").status_code == 404
    reader = api_of("cases:read", user=dialer.user)
    assert reader.post(f"/api/v1/cases/{case.public_id}/claim/").status_code == 403
    assert api_of("loans:read", user=dialer.user).get("/api/v1/cases/").status_code == 403


def test_the_list_costs_the_same_for_many(case: Case, floor: Floor, dialer: Any, django_assert_max_num_queries: Any) -> None:
    for _ in range(3):
        floor.desk.loan(amount=D("1000.00"), term=3)
    floor.close(case.opened_on + timedelta(days=45))
    dialer.get("/api/v1/cases/")
    with django_assert_max_num_queries(8):
        assert len(dialer.get("/api/v1/cases/").json()["results"]) == 4


def test_promises_over_http(case: Case, floor: Floor, dialer: Any) -> None:
    day = localdate(now()) + timedelta(days=3)
    body = {"case": case.public_id, "channel": "call", "parts": [{"due_on": day.isoformat(), "amount": "500.00"}]}
    assert dialer.post("/api/v1/promises/", body, format="json").json()["code"] == "case_not_held"
    dialer.post(f"/api/v1/cases/{case.public_id}/claim/")
    assert dialer.post("/api/v1/promises/", body, format="json").json()["code"] == "person_not_confirmed"
    customer = case.customer
    answers = {"id_last4": customer.id_number[-4:], "birth_year": str(customer.born_on.year)}
    assert dialer.post(f"/api/v1/cases/{case.public_id}/check/", answers, format="json").status_code in (200, 201)
    headers = {"Idempotency-Key": "promise-1"}
    first = dialer.post("/api/v1/promises/", body, format="json", headers=headers)
    again = dialer.post("/api/v1/promises/", body, format="json", headers=headers)
    assert (first.status_code, first.json()) == (201, again.json())
    made = first.json()
    assert (made["status"], made["amount"], made["parts"][0]["due_on"], made["case"]) == ("open", "500.00", day.isoformat(), case.public_id)
    assert [row["id"] for row in dialer.get("/api/v1/promises/").json()["results"]] == [made["id"]]
    other = dialer.post("/api/v1/promises/", body | {"parts": [{"due_on": day.isoformat(), "amount": "600.00"}]}, format="json").json()
    assert other["replaces"] == made["id"]
    wrong = dialer.post("/api/v1/promises/", body | {"parts": []}, format="json")
    assert wrong.status_code == 422
    unknown = dialer.post("/api/v1/promises/", body | {"case": "K-22222222X"}, format="json")
    assert (unknown.status_code, "case" in unknown.json()["errors"]) == (422, True)


def test_the_check_over_http_keeps_no_answer(case: Case, dialer: Any) -> None:
    dialer.post(f"/api/v1/cases/{case.public_id}/claim/")
    url = f"/api/v1/cases/{case.public_id}/"
    refused = dialer.post(f"{url}contacts/", sent(outcome="right_party"), format="json")
    assert (refused.status_code, "outcome" in refused.json()["errors"]) == (422, True)
    answers = {"id_last4": case.customer.id_number[-4:], "birth_year": str(case.customer.born_on.year)}
    answer = dialer.post(f"{url}check/", answers, format="json")
    assert (answer.status_code, answer.json()["result"]) == (200, "passed")
    assert case.customer.id_number[-4:] not in str(answer.json()["asked"])
    part = {"due_on": (localdate(now()) + timedelta(days=3)).isoformat(), "amount": "300.00"}
    promised = sent(outcome="promise", promise=[part])
    silent = dialer.post(f"{url}contacts/", promised, format="json")
    assert (silent.status_code, silent.json()["code"]) == (422, "lines_not_said")
    script = dialer.get(f"{url}script/").json()
    assert (script["left"], len(script["lines"])) == (sum(line["must"] for line in script["lines"]), len(script["lines"])) and script[
        "left"
    ] > 2
    assert dialer.post(f"{url}say/", {"script": "SP-22222222X", "code": "l1"}, format="json").status_code == 422
    for line in script["lines"]:
        said = dialer.post(f"{url}say/", {"script": line["script"], "code": line["code"]}, format="json")
    assert (said.json()["left"], said.json()["lines"][0]["said_at"] is None) == (0, False)
    made = dialer.post(f"{url}contacts/", promised, format="json")
    assert made.status_code == 201 and Contact.objects.get().promise.amount == D("300.00")
    assert dialer.get(f"{url}script/").json()["code"] == "case_not_held"
