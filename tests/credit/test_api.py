"""Credit over HTTP: the main job by a service account, keys that work once, refusals as problem documents."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from credit import api, api_common, applications
from credit.models import Application, Loan, Offer, Transaction
from tests.credit.conftest import STATED
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db


class Caller:
    """A client of the API with a bearer token and a fresh idempotency key for every post."""

    def __init__(self, client, token):
        self.client, self.token, self.keys = client, token, 0

    def headers(self, key=None):
        self.keys += 1
        return {"HTTP_AUTHORIZATION": f"Bearer {self.token}", "HTTP_IDEMPOTENCY_KEY": f"key-{self.keys}" if key is None else key}

    def get(self, path, **query):
        return self.client.get(f"/api/v1/{path}", query, **self.headers())

    def post(self, path, body=None, key=None):
        return self.client.post(f"/api/v1/{path}", body or {}, content_type="application/json", **self.headers(key))


@pytest.fixture
def caller(client, token_of):
    return Caller(client, token_of())


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    """The one place where these requests meet a clock."""
    for module in (api, api_common):
        monkeypatch.setattr(module, "now", lambda: NOON)


@pytest.fixture
def own(desk, make_customer):
    """Return a customer of the service account: it sees its own only."""
    return make_customer(actor=desk.cast.service)


def ask(person, **changes):
    body = {"customer": person.public_id, "product": "CASH-12", "amount": "12000.00", "term": 12, "purpose": "car_used", "stated": STATED}
    return body | changes


def offered(desk, own, **changes):
    return desk.offer(customer=own, actor=desk.cast.service, **changes)


def booked(desk, own):
    return desk.loan(customer=own, actor=desk.cast.service)


def test_the_main_job_over_http(desk, own, caller):
    entered = caller.post("applications/", ask(own, reference="P-1"))
    assert entered.status_code == 201
    number = entered.json()["id"]
    submitted = caller.post(f"applications/{number}/submit/", {"version": entered.json()["version"]})
    assert submitted.json()["status"] == "submitted"
    application = Application.objects.get(public_id=number)
    from governance.lifecycle import move

    move(application, "evaluating", actor=desk.cast.system, at=NOON, evaluation_started_at=NOON)
    applications.conclude(application, decision=desk.decision(application), actor=desk.cast.system, at=NOON)
    from credit import offers

    offers.make(application, at=NOON)
    followed = caller.get(f"applications/{number}/").json()
    assert (followed["status"], followed["approved_amount"]) == ("offered", "12000.00")
    offer = caller.get(f"offers/{followed['offer']}/").json()
    assert offer["cost_table"]["no_other_charge"].startswith("No charge other")
    confirmed = caller.post(f"offers/{offer['id']}/confirm/", {"cost_hash": offer["cost_hash"], "seconds": 20})
    assert confirmed.json()["confirmed"] is True
    loan = caller.post(f"offers/{offer['id']}/accept/")
    assert loan.status_code == 201
    assert loan.json()["principal_outstanding"] == "12000.00"
    schedule = caller.get(f"loans/{loan.json()['id']}/schedule/").json()
    assert [row["principal"] for row in schedule["installments"]][:2] == ["920.16", "933.96"]
    paid = caller.post("repayments/", {"loan": loan.json()["id"], "amount": "1200.00"})
    assert paid.status_code == 201
    assert paid.json()["allocation"] == [
        {"installment": 1, "part": "interest", "amount": "180.00"}, {"installment": 1, "part": "principal", "amount": "920.16"},
    ]  # fmt: skip
    assert paid.json()["overpayment"] == "99.84"
    assert caller.get("repayments/", loan=loan.json()["id"]).json()["results"][0]["id"] == paid.json()["id"]
    assert caller.get("applications/", reference="P-1").json()["results"][0]["loan"] == loan.json()["id"]


def test_a_repeated_key_pays_once_and_another_body_is_refused(desk, own, caller):
    loan = booked(desk, own)
    first = caller.post("repayments/", {"loan": loan.public_id, "amount": "100.00"}, key="bank-1")
    again = caller.post("repayments/", {"loan": loan.public_id, "amount": "100.00"}, key="bank-1")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert Transaction.objects.filter(kind="repayment").count() == 1
    other = caller.post("repayments/", {"loan": loan.public_id, "amount": "100.01"}, key="bank-1")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_used")


def test_money_needs_a_key(desk, own, caller):
    offer = desk.confirmed(customer=own, actor=desk.cast.service)
    loan_path = f"offers/{offer.public_id}/accept/"
    assert caller.post(loan_path, key="").json()["code"] == "idempotency_key_missing"
    assert caller.post("repayments/", {"loan": "L-X", "amount": "1.00"}, key="").status_code == 422
    assert not Loan.objects.exists()


WRONG = [
    ({"amount": "much"}, "amount"),
    ({"amount": "1.005"}, "amount"),
    ({"amount": "1"}, "amount"),
    ({"amount": -5}, "amount"),
    ({"amount": None}, "amount"),
    ({"amount": "1e30"}, "amount"),
    ({"term": 0}, "term"),
    ({"term": "x"}, "term"),
    ({"term": 99}, "term"),
    ({"purpose": "gambling"}, "purpose"),
    ({"purpose": {"a": 1}}, "purpose"),
    ({"purpose": "a\u0000"}, "purpose"),
    ({"product": "NOPE"}, "product"),
    ({"customer": "C-NOBODY"}, "customer"),
    ({"stated": {"housing": "castle"}}, "housing"),
    ({"stated": [1]}, "stated"),
    ({"stated": {"job": {"deep": []}}}, "job"),
    ({"reference": "x" * 61}, "reference"),
    ({"at": "noon"}, "at"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_a_wrong_value_is_named_by_field(own, caller, changes, field):
    answer = caller.post("applications/", ask(own, **changes))
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert any(name.split(".")[0] == field for name in answer.json()["errors"]), answer.json()


@pytest.mark.parametrize("body", ['{"a": ', "[1, 2]", '"text"', "null", "12"])
def test_a_body_that_is_no_object_is_refused(own, client, token_of, body):
    answer = client.post("/api/v1/applications/", body, content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {token_of()}")
    assert answer.status_code in (400, 422)


def test_others_rows_and_unknown_rows_look_the_same(desk, caller):
    loan, offer = desk.loan(), desk.offer()
    others = [f"applications/{offer.application.public_id}", f"offers/{offer.public_id}", f"loans/{loan.public_id}"]
    unknown = ["loans/L-NOSUCH", "applications/A-NOSUCH", "offers/O-NOSUCH", "repayments/X-NOSUCH", "products/F-NOSUCH"]
    for path in (*others, f"loans/{loan.public_id}/schedule", *unknown):
        assert caller.get(f"{path}/").status_code == 404, path
    assert caller.post("repayments/", {"loan": loan.public_id, "amount": "1.00"}).json()["errors"].keys() == {"loan"}
    assert caller.get("loans/").json()["results"] == []


def test_a_stale_version_is_refused(desk, own, caller):
    application = desk.draft(customer=own, actor=desk.cast.service)
    answer = caller.post(f"applications/{application.public_id}/submit/", {"version": 7})
    assert (answer.status_code, answer.json()["code"]) == (409, "moved_meanwhile")
    assert caller.post(f"applications/{application.public_id}/submit/").json()["status"] == "submitted"
    assert caller.post(f"applications/{application.public_id}/submit/").json()["code"] == "illegal_move"
    assert caller.post(f"applications/{application.public_id}/withdraw/").json()["status"] == "withdrawn"


def test_the_moment_is_stated_only_by_who_may(desk, own, caller):
    loan = booked(desk, own)
    at = (NOON + timedelta(days=31)).isoformat()
    answer = caller.post("repayments/", {"loan": loan.public_id, "amount": "100.00", "at": at})
    assert (answer.status_code, answer.json()["code"]) == (403, "clock_not_yours")
    role = desk.cast.service.role
    type(role).objects.filter(pk=role.pk).update(permissions=[*role.permissions, "governance.set_clock"])
    answer = caller.post("repayments/", {"loan": loan.public_id, "amount": "100.00", "at": at})
    assert answer.json()["value_on"] == "2026-04-02"


def test_an_unconfirmed_offer_is_not_accepted(desk, own, caller):
    offer = offered(desk, own)
    answer = caller.post(f"offers/{offer.public_id}/accept/")
    assert (answer.status_code, answer.json()["code"]) == (409, "disclosure_not_confirmed")
    answer = caller.post(f"offers/{offer.public_id}/confirm/", {"cost_hash": offer.cost_hash, "seconds": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "read_too_fast")
    assert Offer.objects.get().status == "made"


def test_a_missing_scope_is_refused(desk, own, client, token_of):
    reader = Caller(client, token_of("loans:read"))
    loan = booked(desk, own)
    assert reader.get(f"loans/{loan.public_id}/").status_code == 200
    assert reader.post("repayments/", {"loan": loan.public_id, "amount": "1.00"}).status_code == 403
    assert reader.get("applications/").status_code == 403
    assert client.get("/api/v1/loans/").status_code == 401


def test_nothing_personal_comes_out(desk, own, caller):
    loan = booked(desk, own)
    desk.pay(loan, "100.00")
    for path in ("products/", "applications/", "offers/", "loans/", "repayments/", f"loans/{loan.public_id}/schedule/"):
        text = caller.get(path).content.decode()
        for secret in (own.name, own.id_number, own.mobile, own.bank_card, own.address, own.employer):
            assert secret not in text, path


def test_lists_have_a_query_ceiling(desk, own, caller, django_assert_max_num_queries):
    booked(desk, own)
    for customer in [desk.make_customer(actor=desk.cast.service) for _ in range(3)]:
        loan = desk.loan(customer=customer, actor=desk.cast.service)
        desk.pay(loan, D("100.00"))
    for path in ("applications/", "offers/", "loans/", "repayments/"):
        with django_assert_max_num_queries(9):
            assert len(caller.get(path).json()["results"]) >= 3


def test_a_product_says_all_its_further_terms(cast, desk, api_of):
    from credit import product_terms
    from credit.models import Product

    Product.objects.filter(pk=desk.product.pk).update(terms={"tranches": 3, "late_fee": "5.00"})
    api = api_of("products:read")
    one = api.get(f"/api/v1/products/{desk.product.public_id}/").json()
    assert one["terms"] == product_terms.whole({"tranches": 3, "late_fee": "5.00"}) and one["sunset_on"] is None
    listed = {row["id"]: row for row in api.get("/api/v1/products/").json()["results"]}
    assert listed[one["id"]] == one
