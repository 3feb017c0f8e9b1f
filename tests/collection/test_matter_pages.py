"""The pages of disputes and complaints: opened from the case, decided by who may, each with its clock."""

from typing import Any
from uuid import uuid4

from django.utils.timezone import now

from collection import complaints
from collection.models import Complaint, Dispute
from tests.collection.conftest import Floor


def test_from_the_case_to_a_dispute_and_its_decision(floor: Floor, page_of: Any) -> None:
    case = floor.case()
    collector, supervisor = page_of(floor.cast.collector), page_of(floor.cast.collections_supervisor)
    assert "Nothing is contested" in collector.get(f"/collections/cases/{case.public_id}/").text
    url = f"/collections/cases/{case.public_id}/dispute/"
    loan = case.debts.get().loan
    data = {
        "form_key": str(uuid4()), "loan": loan.pk, "kind": "amount", "amount": "9999999.00", "channel": "inbound", "statement": "账单有误",
        "owner": floor.cast.collections_supervisor.pk,
    }  # fmt: skip
    refused = collector.post(url, data)
    assert refused.status_code == 422 and "contest at most that" in refused.text and "账单有误" in refused.text
    for _twice in range(2):
        assert collector.post(url, data | {"amount": "100.00"}).status_code == 303
    row = Dispute.objects.get()
    page = collector.get(f"/collections/disputes/{row.public_id}/").text
    assert "账单有误" in page and "are not demanded" in page and "/decide/" not in page
    assert "账单有误" not in page_of(floor.cast.auditor).get(f"/collections/disputes/{row.public_id}/").text
    assert row.public_id in supervisor.get("/collections/disputes/").text
    assert row.public_id in supervisor.get(f"/collections/cases/{case.public_id}/").text
    decide = f"/collections/disputes/{row.public_id}/decide/"
    told = {"form_key": str(uuid4()), "outcome": "partly", "upheld": "100.00", "answer": "部分属实"}
    assert supervisor.post(decide, told).status_code == 422
    assert supervisor.post(decide, told | {"upheld": "30.00"}).status_code == 303
    row.refresh_from_db()
    assert (row.status, str(row.upheld_amount)) == ("partly", "30.00")
    assert "部分属实" in supervisor.get(f"/collections/disputes/{row.public_id}/").text


def test_who_is_complained_about_reads_it_and_decides_nothing(floor: Floor, page_of: Any) -> None:
    case, cast = floor.case(), floor.cast
    page_of(cast.collector).post(f"/collections/cases/{case.public_id}/claim/")
    told = {"form_key": str(uuid4()), "kind": "hours", "about": cast.collector.pk, "channel": "inbound", "owner": cast.compliance.pk}
    new = f"/collections/cases/{case.public_id}/complaint/"
    assert page_of(cast.second_collector).post(new, told | {"is_complex": "on"}).status_code == 303
    row = Complaint.objects.get()
    claim = page_of(cast.collector).post(f"/collections/cases/{case.public_id}/claim/")
    assert claim.status_code == 409 and "A complaint about you" in claim.text
    compliance = page_of(cast.compliance)
    assert "Overdue" not in compliance.get("/collections/complaints/").text
    assert compliance.get("/").status_code == 200
    extended = compliance.post(f"/collections/complaints/{row.public_id}/extend/")
    assert extended.status_code == 409, "who answers for it does not extend it"
    decided = {"form_key": str(uuid4()), "outcome": "upheld", "answer": "已致歉"}
    assert compliance.post(f"/collections/complaints/{row.public_id}/decide/", decided).status_code == 303
    assert "does not work this case any more" in compliance.get(f"/collections/complaints/{row.public_id}/").text


def test_lists_and_pages_ask_a_constant_number_of_queries(floor: Floor, page_of: Any, django_assert_max_num_queries: Any) -> None:
    first = floor.case()
    for _number in range(3):
        complaints.file(
            first, kind="manner", about=None, is_complex=False, channel="inbound", owner=floor.cast.compliance,
            actor=floor.cast.collector, at=now(),
        )  # fmt: skip
    browser = page_of(floor.cast.compliance)
    browser.get("/collections/complaints/")
    with django_assert_max_num_queries(30):
        browser.get("/collections/complaints/")
