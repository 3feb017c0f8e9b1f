"""Pages of the close, of classes and of pauses."""

from datetime import date, timedelta
from typing import Any

from credit import class_batches, class_marks
from credit.models import ClassBatch, ClassMark, ClosePartition, CloseRun, DelinquencyPause
from tests.fixtures.cast import NOON

END = date(2026, 3, 31)
KEY = "11111111-2222-3333-4444-555555555555"


def test_a_month_is_answered_for_by_three_people_on_its_page(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    desk.close_to(END)
    batch = class_batches.make(desk.cast.entity, END, at=NOON)
    cast = desk.cast
    for person, step in ((cast.loan_operations, "check"), (cast.risk_manager, "decide"), (cast.compliance, "approve")):
        client = page_of(person)
        assert batch.public_id in client.get("/classes/").content.decode()
        page = client.get(f"/classes/{batch.public_id}/").content.decode()
        assert f"/classes/{batch.public_id}/{step}/" in page
        data = {"version": ClassBatch.objects.get().version, "decision": "approve"}
        assert client.post(f"/classes/{batch.public_id}/{step}/", data).status_code == 303
        assert f"/classes/{batch.public_id}/{step}/" not in client.get(f"/classes/{batch.public_id}/").content.decode()
        assert client.post(f"/classes/{batch.public_id}/{step}/", data).status_code == 409
    assert ClassBatch.objects.get().status == "approved"
    assert loan.public_id in page_of(cast.auditor).get(f"/classes/{batch.public_id}/?class=1").content.decode()


def test_an_override_is_proposed_on_the_loan_and_reported(desk: Any, page_of: Any) -> None:
    loan, cast = desk.loan(), desk.cast
    client = page_of(cast.loan_operations)
    assert f"/loans/{loan.public_id}/class/" in client.get(f"/loans/{loan.public_id}/").content.decode()
    url = f"/loans/{loan.public_id}/class/"
    assert client.get(url).status_code == 200
    wrong = client.post(url, {"risk_class": "3", "reason": "income", "note": "", "form_key": KEY})
    assert wrong.status_code == 422
    data = {"risk_class": "3", "reason": "income", "note": "Employer closed.", "form_key": KEY}
    assert client.post(url, data).status_code == 303
    assert client.post(url, data).status_code == 303  # sent twice is once
    mark = ClassMark.objects.get()
    assert "Employer closed." in client.get("/classes/overrides/").content.decode()
    assert mark.public_id in page_of(cast.risk_manager).get("/classes/overrides/").content.decode()
    decide = f"/classes/overrides/{mark.public_id}/decide/"
    assert page_of(cast.risk_manager).post(decide, {"version": 1, "decision": "approve"}).status_code == 303
    mark.refresh_from_db()
    approve = f"/classes/overrides/{mark.public_id}/approve/"
    assert page_of(cast.compliance).post(approve, {"version": mark.version, "decision": "reject"}).status_code == 303
    mark.refresh_from_db()
    assert mark.status == "refused"
    assert mark.public_id and "Employer closed." in page_of(cast.compliance).get("/classes/overrides/?status=refused").content.decode()


def test_a_pause_is_made_and_ended_on_the_loan(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    client = page_of(desk.cast.loan_operations)
    url, opened = f"/loans/{loan.public_id}/pause/", desk.cast.entity.business_date
    assert client.get(url).status_code == 200
    wrong = client.post(url, {"from_on": opened, "until_on": opened, "reason": "illness", "form_key": KEY})
    assert (wrong.status_code, "has to come after" in wrong.content.decode()) == (422, True)
    data = {"from_on": opened, "until_on": opened + timedelta(days=9), "reason": "illness", "form_key": KEY[::-1]}
    assert client.post(url, data).status_code == 303
    assert "Treatment is paused" in client.get(f"/loans/{loan.public_id}/").content.decode()
    assert client.post(f"/loans/{loan.public_id}/resume/").status_code == 303
    assert DelinquencyPause.objects.get().until_on == opened
    assert client.post(f"/loans/{loan.public_id}/resume/").status_code == 409


def test_the_close_tells_steps_speed_and_failures(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    desk.close_to(desk.cast.entity.business_date)
    ClosePartition.objects.update(milliseconds=5)
    client = page_of(desk.cast.loan_operations)
    page = client.get("/credit/close/").content.decode()
    assert "loans a second by one worker" in page
    assert "Write each loan once" in page
    CloseRun.objects.update(status="running")
    ClosePartition.objects.update(status="pending", error="canceling statement due to lock timeout")
    page = client.get("/credit/close/").content.decode()
    assert "canceling statement due to lock timeout" in page
    assert "could not be closed as a whole" in page
    assert client.post("/credit/close/run/").status_code == 303
    assert class_marks.watch(loan, on=END, actor=desk.cast.system, at=NOON).risk_class == 2
    assert "Terms changed because of hardship" in client.get("/classes/overrides/?status=approved").content.decode()
