"""Customers over HTTP: what is taken, what is answered, what is refused and how."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from customers.models import Customer
from ledger.models import Entry
from tests.fixtures.cast import Cast
from tests.fixtures.support import identities

URL = "/api/v1/customers/"
UNKNOWN = f"{URL}C-22222222X/"


@pytest.fixture
def api(api_of: Callable[..., APIClient]) -> APIClient:
    return api_of()


@pytest.fixture
def own(make_customer: Callable[..., Customer], cast: Cast) -> Customer:
    """Return a customer that the service account brought."""
    return make_customer(actor=cast.service)


def person(**changes: Any) -> dict[str, Any]:
    serial = next(identities.serials)
    return {"name": "王小明", "id_number": identities.id_number(serial), "mobile": identities.mobile(serial)} | changes


def test_a_customer_is_created_in_the_callers_branch(api: APIClient, cast: Cast) -> None:
    answer = api.post(URL, person(income="9000.00", employer="远航物流", channel="partner"), format="json")
    assert answer.status_code == 201
    row = Customer.objects.get(public_id=answer.json()["id"])
    assert (row.branch, row.owner, row.channel, row.income) == (cast.east, cast.service, "partner", Decimal("9000.00"))
    assert Entry.objects.get(event="customers.customer.created").actor_id == cast.service.pk
    out = answer.json()
    assert (out["name"], out["branch"], out["income"], out["monthly_debt"], out["version"]) == ("王*", "EAST", "9000.00", "0.00", 1)


def test_the_answer_names_whom_the_person_may_be_masked_and_no_one_one_may_not_see(
    api: APIClient, own: Customer, make_customer: Callable[..., Customer]
) -> None:
    far = make_customer(mobile=own.mobile)
    out = api.post(URL, person(name="李雷", mobile=own.mobile), format="json").json()["possible_duplicates"]
    hit = {"id": own.public_id, "name": own.masked_name, "mobile": own.masked_mobile, "branch": "EAST", "reasons": ["mobile"]}
    assert out == {"count": 1, "hits": [hit]}
    assert far.public_id not in str(out)
    assert own.mobile not in str(out)


def test_whom_nobody_looks_like_has_no_duplicates_and_a_repetition_says_the_same(api: APIClient) -> None:
    body = person()
    answers = [api.post(URL, body, format="json", headers={"Idempotency-Key": "k"}).json() for _time in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["possible_duplicates"] == {"count": 0, "hits": []}
    assert "possible_duplicates" not in api.get(f"{URL}{answers[0]['id']}/").json()


def test_the_channel_is_the_api_unless_stated(api: APIClient) -> None:
    assert api.post(URL, person(), format="json").json()["channel"] == "api"


WRONG = [
    ({"name": ""}, "name"),
    ({"mobile": "12345"}, "mobile"),
    ({"mobile": ["13800001234"]}, "mobile"),
    ({"id_number": "110101199003071234"}, "id_number"),
    ({"id_number": None}, "id_number"),
    ({"bank_card": "6222021234567890"}, "bank_card"),
    ({"income": "-1"}, "income"),
    ({"income": "1.005"}, "income"),
    ({"income": "1e20"}, "income"),
    ({"income": "NaN"}, "income"),
    ({"income": {}}, "income"),
    ({"channel": "pigeon"}, "channel"),
    ({"name": "a\0b"}, "name"),
    ({"address": "x" * 500}, "address"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_a_wrong_value_is_a_sentence_at_its_field(api: APIClient, changes: dict[str, Any], field: str) -> None:
    answer = api.post(URL, person(**changes), format="json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert list(problem["errors"]) == [field]
    assert all(problem["errors"][field])
    assert problem["code"] == "invalid"
    assert problem["request_id"]
    assert not Customer.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 5, None, {}, {"name": {}}])
def test_a_body_of_another_shape_is_refused(api: APIClient, body: Any) -> None:
    assert api.post(URL, body, format="json").status_code in (400, 422)


def test_a_body_that_is_no_json_is_400_or_415(api: APIClient) -> None:
    assert api.post(URL, "{", content_type="application/json").status_code == 400
    assert api.post(URL, b"\xff\xfe", content_type="application/json").status_code == 400
    assert api.post(URL, "a=b", content_type="application/x-www-form-urlencoded").status_code == 415


def test_a_second_file_is_refused_without_naming_the_first(api: APIClient, customer: Customer) -> None:
    answer = api.post(URL, person(id_number=customer.id_number), format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "already_customer")
    assert customer.public_id not in answer.content.decode()


def test_a_caller_without_a_branch_is_told(api_of: Callable[..., APIClient], cast: Cast) -> None:
    free = cast.person("free_service", "api_client", None, kind="service")
    assert api_of(user=free).post(URL, person(), format="json").json()["code"] == "no_branch"


def test_a_service_account_sees_what_it_brought(api: APIClient, own: Customer, customer: Customer) -> None:
    assert [row["id"] for row in api.get(URL).json()["results"]] == [own.public_id]
    assert api.get(f"{URL}{own.public_id}/").status_code == 200
    for address in (f"{URL}{customer.public_id}/", UNKNOWN, f"{URL}nonsense/"):
        assert api.get(address).status_code == 404


def test_another_ones_row_cannot_be_changed_or_agreed_for(api: APIClient, customer: Customer) -> None:
    assert api.patch(f"{URL}{customer.public_id}/", {"version": 1, "income": "1.00"}, format="json").status_code == 404
    for action in ("consents", "consents/withdraw"):
        refused = api.post(f"{URL}{customer.public_id}/{action}/", {"purpose": "marketing"}, format="json")
        assert refused.status_code == 404


def test_a_list_costs_the_same_however_long(
    api: APIClient, make_customer: Callable[..., Customer], cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make_customer(actor=cast.service)
    with django_assert_max_num_queries(8):
        assert len(api.get(URL).json()["results"]) == 12


def test_pages_follow_each_other(api: APIClient, make_customer: Callable[..., Customer], cast: Cast) -> None:
    made = [make_customer(actor=cast.service).public_id for _ in range(5)]
    seen, address = [], f"{URL}?limit=2"
    while address:
        page = api.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == made[::-1]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%00", "limit=0", "limit=-1", "limit=x", "limit=9999999999999999999999"])
def test_odd_paging_is_no_broken_page(api: APIClient, own: Customer, query: str) -> None:
    assert api.get(f"{URL}?{query}").status_code in (200, 400, 404)


def test_a_change_carries_the_version_it_was_made_on(api: APIClient, own: Customer) -> None:
    address = f"{URL}{own.public_id}/"
    answer = api.patch(address, {"version": 1, "employer": "新雇主", "bank_card": None}, format="json")
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    own.refresh_from_db()
    assert (own.employer, own.bank_card) == ("新雇主", None)
    stale = api.patch(address, {"version": 1, "mobile": "13812345678"}, format="json")
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (409, "stale", 2)
    assert stale.json()["changes"][0]["yours"] == "138****5678"


@pytest.mark.parametrize("body", [{}, {"version": "x"}, {"version": 0}, {"version": 2**31}, {"version": 1, "mobile": "1"}])
def test_a_change_that_cannot_be_is_refused(api: APIClient, own: Customer, body: dict[str, Any]) -> None:
    assert api.patch(f"{URL}{own.public_id}/", body, format="json").status_code == 422


def test_what_is_not_a_field_is_not_changed(api: APIClient, own: Customer) -> None:
    api.patch(f"{URL}{own.public_id}/", {"version": 1, "origin": "real", "owner": 1, "seal_key": "x"}, format="json")
    own.refresh_from_db()
    assert (own.origin, own.version) == ("", 1)


def test_there_is_no_put_and_no_delete(api: APIClient, own: Customer) -> None:
    address = f"{URL}{own.public_id}/"
    assert api.put(address, person(), format="json").status_code in (403, 405)
    assert api.delete(address).status_code in (403, 405)


def test_an_exact_search_is_sent_in_the_body(api: APIClient, own: Customer, customer: Customer) -> None:
    found = api.post(f"{URL}search/", {"text": own.mobile}, format="json")
    assert [row["id"] for row in found.json()] == [own.public_id]
    assert api.post(f"{URL}search/", {"text": customer.mobile}, format="json").json() == [], "another's customer"
    assert api.post(f"{URL}search/", {"text": own.mobile[:8]}, format="json").json() == []
    assert api.post(f"{URL}search/", {"text": ""}, format="json").status_code == 422
    assert api.get(f"{URL}search/?text={own.mobile}").status_code in (403, 404, 405)


def test_a_consent_is_given_and_withdrawn(api: APIClient, own: Customer) -> None:
    address = f"{URL}{own.public_id}/consents/"
    given = api.post(address, {"purpose": "bureau_query"}, format="json")
    assert given.status_code == 201
    assert (given.json()["purpose"], given.json()["channel"], given.json()["withdrawn_at"]) == ("bureau_query", "api", None)
    assert len(given.json()["text_hash"]) == 64
    ended = api.post(f"{address}withdraw/", {"purpose": "bureau_query"}, format="json")
    assert (ended.status_code, bool(ended.json()["withdrawn_at"])) == (200, True)
    again = api.post(f"{address}withdraw/", {"purpose": "bureau_query"}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "no_consent")


def test_a_consent_to_a_text_that_is_none_is_refused(api: APIClient, own: Customer) -> None:
    address = f"{URL}{own.public_id}/consents/"
    for body, field in (({"purpose": "bureau_query", "text_version": "1999-9"}, "text_version"), ({"purpose": "everything"}, "purpose")):
        assert list(api.post(address, body, format="json").json()["errors"]) == [field]


def test_the_caller_is_answered_in_their_language(api: APIClient) -> None:
    answer = api.post(URL, person(mobile="1"), format="json", headers={"Accept-Language": "en"})
    assert answer.json()["errors"]["mobile"] == ["Enter the mobile as 11 digits, such as 13800001234."]
