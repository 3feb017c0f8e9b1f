"""Matters and relief over HTTP: the doors of the pages, with their refusals, and nothing of what people said."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils.timezone import localdate, now

from collection import contested
from collection.models import Case, Complaint, Dispute, Hardship
from credit import repayments
from tests.collection.conftest import Floor, by_daylight
from tests.collection.relief_rows import demand_all


@pytest.fixture
def case(floor: Floor) -> Case:
    made = floor.case()
    by_daylight()
    return made


@pytest.fixture
def post(floor: Floor, api_of: Any) -> Any:
    """Return how a machine of a role sends a body."""

    def send(role: str, path: str, **body: Any) -> Any:
        if role not in clients:
            user = floor.cast.person(f"machine-{role}", role, floor.cast.east, kind="service")
            clients[role] = api_of("cases:read", "cases:write", "cases:decide", user=user)
        return clients[role].post(f"/api/v1/{path}", body, format="json")

    clients: dict[str, Any] = {}
    return send


SUPERVISOR = "collections_supervisor"


def test_a_dispute_from_opening_to_decision(case: Case, post: Any) -> None:
    loan = case.debts.get().loan.public_id
    body = {"case": case.public_id, "loan": loan, "kind": "fee", "amount": "10.00", "channel": "inbound", "statement": "多收了费用"}
    made = post("collector", "disputes/", **body)
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["status"], row["amount"], row["loan"]) == ("open", "10.00", loan)
    assert "多收了费用" not in made.content.decode()
    assert Dispute.objects.get().statement == "多收了费用"
    again = post("collector", "disputes/", **body)
    assert (again.status_code, again.json()["code"]) == (409, "already_disputed")
    decide = f"disputes/{row['id']}/decide/"
    assert post("collector", decide, outcome="rejected", answer="x").status_code == 403
    wrong = post(SUPERVISOR, decide, outcome="partly", answer="已核对", upheld="11.00")
    assert (wrong.status_code, "upheld" in wrong.json()["errors"]) == (422, True)
    done = post(SUPERVISOR, decide, outcome="partly", answer="已核对", upheld="4.00").json()
    assert (done["status"], done["upheld_amount"]) == ("partly", "4.00")
    late = post(SUPERVISOR, decide, outcome="rejected", answer="x")
    assert (late.status_code, late.json()["code"]) == (409, "matter_decided")


def test_what_was_upheld_is_noted_as_put_right_once_it_is_booked(case: Case, post: Any, floor: Floor) -> None:
    loan = case.debts.get().loan
    body = {"case": case.public_id, "loan": loan.public_id, "kind": "paid", "amount": "10.00", "channel": "inbound"}
    row = post("collector", "disputes/", **body).json()
    path = f"disputes/{row['id']}/put-right/"
    early = post(SUPERVISOR, path)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_put_right")
    post(SUPERVISOR, f"disputes/{row['id']}/decide/", outcome="upheld", answer="已核对")
    unbooked = post(SUPERVISOR, path)
    assert (unbooked.status_code, unbooked.json()["code"], loan.public_id in unbooked.json()["detail"]) == (409, "nothing_booked", True)
    repayments.receive(loan, amount=D("1.00"), actor=floor.cast.loan_officer, at=now(), key="the payment that was not seen")
    assert post("collector", path).status_code == 403
    done = post(SUPERVISOR, path)
    assert (done.status_code, done.json()["corrected_at"] is not None) == (200, True)
    assert contested.held_back([loan.pk]) == {}
    assert post(SUPERVISOR, path).json()["code"] == "nothing_to_put_right"


def test_who_answers_is_who_may_and_has_least_to_do(case: Case, post: Any, floor: Floor) -> None:
    body = {"case": case.public_id, "kind": "manner", "channel": "inbound"}
    first, second = (post("collector", "complaints/", **body).json()["owner"] for _ in range(2))
    assert first != second, "two who may answer share the work"
    named = post("collector", "complaints/", **body, owner=floor.cast.compliance.public_id).json()
    assert named["owner"] == floor.cast.compliance.public_id
    unable = post("collector", "complaints/", **body, owner=floor.cast.collector.public_id)
    assert (unable.status_code, list(unable.json()["errors"])) == (422, ["owner"])
    assert Complaint.objects.count() == 3


def test_a_complaint_about_a_collector_takes_the_case_away(case: Case, post: Any, floor: Floor) -> None:
    about = floor.cast.collector.public_id
    made = post(SUPERVISOR, "complaints/", case=case.public_id, kind="manner", channel="inbound", about=about).json()
    assert made["about"] == about
    stranger = post(SUPERVISOR, "complaints/", case=case.public_id, kind="manner", channel="inbound", about="U-22222222")
    assert (stranger.status_code, list(stranger.json()["errors"])) == (422, ["about"])


def test_relief_from_the_form_to_the_loan(case: Case, post: Any, floor: Floor) -> None:
    loan = case.debts.get().loan
    asked = post("collector", "hardships/", case=case.public_id, cause="income", words="减薪").json()
    assert asked["status"] == "draft"
    plan = {"hardship": asked["id"], "loan": loan.public_id, "kind": "extension"}
    assert post("collector", "relief-plans/", **plan).json()["errors"]["more"], "the figure the kind needs"
    early = post("collector", "relief-plans/", **plan, more=2)
    assert (early.status_code, early.json()["code"]) == (409, "not_assessed")
    half = [{"item": "wage", "amount": "9000.00"}]
    unfinished = post("collector", f"hardships/{asked['id']}/form/", lines=half, finish=True)
    assert (unfinished.status_code, unfinished.json()["code"]) == (422, "form_not_finished")
    whole = [*half, {"item": "food", "amount": "2000.00"}]
    formed = post("collector", f"hardships/{asked['id']}/form/", lines=whole, finish=True).json()
    assert formed["status"] == "assessed"
    assert {line["item"]: line["amount"] for line in formed["lines"]} == {"wage": "9000.00", "food": "2000.00"}
    made = post(SUPERVISOR, "relief-plans/", **plan, more=2)
    assert made.status_code == 201, made.content
    own = post(SUPERVISOR, f"relief-plans/{made.json()['id']}/approve/")
    assert (own.status_code, own.json()["code"]) == (403, "own_proposal")
    before = loan.installments.count()
    done = post("risk_manager", f"relief-plans/{made.json()['id']}/approve/").json()
    assert (done["status"], done["kind"]) == ("running", "extension")
    assert loan.installments.count() == before + 2
    assert Hardship.objects.get().words == "减薪"


def test_a_settlement_below_the_ladder_is_refused_by_name(case: Case, post: Any, floor: Floor) -> None:
    day = (localdate(now()) + timedelta(days=5)).isoformat()
    early = post("collector", "settlements/", case=case.public_id, parts=[{"due_on": day, "amount": "1.00"}])
    assert (early.status_code, early.json()["code"]) == (409, "not_wholly_due")
    demand_all(case, floor, now())
    low = post("collector", "settlements/", case=case.public_id, parts=[{"due_on": day, "amount": "1.00"}])
    assert (low.status_code, low.json()["code"]) == (422, "settlement_below_floor")


def test_a_case_waits_goes_on_and_closes_only_by_what_the_books_show(case: Case, post: Any) -> None:
    until = (localdate(now()) + timedelta(days=3)).isoformat()
    url = f"cases/{case.public_id}/"
    assert post("collector", f"{url}pause/", reason="other", until=until).json()["status"] == "paused"
    assert post("collector", f"{url}resume/").json()["status"] != "paused"
    nothing = post("collector", f"{url}resume/")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "case_not_paused")
    today = localdate(now()).isoformat()
    assert post("collector", f"{url}close/", reason="cured", on=today).status_code == 403
    still = post(SUPERVISOR, f"{url}close/", reason="cured", on=today)
    assert (still.status_code, still.json()["code"]) == (409, "case_not_closable")
    assert Case.objects.get().is_open
    assert Case.objects.get().overdue_amount > D("0.00")
