"""The back office over HTTP: the doors, their keys, and rows that are not the caller's."""

from decimal import Decimal as D

import pytest
from django.utils.timezone import now

from credit import suspense
from credit.models import PayoffQuote, Receipt, Refund, Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def back(desk, api_of):
    """Return a client of the back office: a person's session, since no program holds these permissions."""
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_login(desk.cast.loan_operations)
    return client


@pytest.fixture
def loan(desk):
    return desk.loan_now()


def post(client, path, body, key="k"):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/{path}", body, format="json", headers=headers)


def test_quote_pay_reverse(back, loan):
    from django.utils.timezone import localdate

    made = post(back, "payoff-quotes/", {"loan": loan.public_id, "settles_on": localdate().isoformat()})
    assert (made.status_code, made.json()["total"]) == (201, "12000.00")
    paid = post(back, "repayments/", {"loan": loan.public_id, "amount": made.json()["total"]}, key="p")
    assert paid.json()["loan_status"] == "settled"
    assert back.get(f"/api/v1/payoff-quotes/{made.json()['id']}/").json()["status"] == "paid"
    body = {"repayment": paid.json()["id"], "reason": "bounced"}
    assert post(back, "reversals/", body, key="").status_code == 422
    done = post(back, "reversals/", body, key="r")
    assert (done.status_code, done.json()["loan_status"], done.json()["reverses"]) == (201, "open", paid.json()["id"])
    assert post(back, "reversals/", body, key="r").json() == done.json()
    assert post(back, "reversals/", body, key="other").json()["code"] == "not_reversible"
    assert Transaction.objects.filter(kind="reversal").count() == 1
    assert PayoffQuote.objects.get().status == "reversed"


def test_a_refund_is_asked_for(back, desk, loan):
    from credit import repayments

    repayments.receive(loan, amount=D("1500.00"), actor=desk.cast.loan_officer, at=now(), key="p")
    made = post(back, "refunds/", {"loan": loan.public_id, "amount": "100.00"})
    assert (made.status_code, made.json()["status"]) == (201, "requested")
    assert post(back, "refunds/", {"loan": loan.public_id, "amount": "299.85"}, key="b").json()["code"] == "more_than_held"
    assert Refund.objects.count() == 1


def test_suspense_is_listed_allocated_and_returned(back, desk, loan):
    def money(reference):
        return suspense.take_in(
            legal_entity=desk.cast.entity, reference=reference, received_on=now().date(), amount=D("100.00"), payer_name="王小明",
            actor=desk.cast.system, at=now(),
        )  # fmt: skip

    one, two = money("a"), money("b")
    rows = back.get("/api/v1/suspense/", {"status": "unmatched"}).json()["results"]
    assert {row["id"] for row in rows} == {one.public_id, two.public_id}
    assert "王小明" not in str(rows)
    done = post(back, f"suspense/{one.public_id}/allocate/", {"loan": loan.public_id})
    assert (done.status_code, done.json()["status"], done.json()["loan"]) == (200, "matched", loan.public_id)
    assert post(back, f"suspense/{two.public_id}/return/", {}, key="c").json()["status"] == "returned"
    assert post(back, f"suspense/{two.public_id}/return/", {}, key="d").status_code == 409
    assert Receipt.objects.filter(status="unmatched").count() == 0


@pytest.mark.parametrize(("path", "body"), [("payoff-quotes/", {"settles_on": "2026-03-05"}), ("refunds/", {"amount": "1.00"})])
def test_a_loan_of_another_branch_is_not_there(desk, path, body):
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_login(desk.cast.outsider)
    answer = post(client, path, body | {"loan": desk.loan().public_id})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["loan"])
