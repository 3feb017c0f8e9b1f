"""Tracing: only who is lost, for a purpose and on a ground, within limits; references never; what is found is tried through the gate."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from collection import cases, traces
from collection.models import Case, TraceFind, TraceLook, TraceRequest
from collection.traces import NotLost, NotTried, SourceOff, ThirdParty, TooOften, TraceOver, TraceUnderWay
from crm.lib.errors import Invalid
from customers import contacts, relations
from customers.contacts import NotNow
from customers.models import BarredNumber, ContactAttempt
from governance.models import Rule
from ledger.models import Entry
from tests.collection.conftest import Floor

AT = datetime(2026, 4, 11, 4, tzinfo=UTC)
NEW, REFERENCE = "13911112222", "13812345678"


@pytest.fixture
def case(floor: Floor) -> Case:
    row: Case = floor.case()
    return row


def lose(case: Case, floor: Floor) -> None:
    contacts.bar_number(case.customer, actor=floor.cast.collector, at=AT)


def asked(case: Case, floor: Floor, **changes: Any) -> TraceRequest:
    values: dict[str, Any] = {"purpose": "collect", "basis": "contract", "reason": "号码已停用", "actor": floor.cast.collector, "at": AT}
    return traces.ask(case, **values | changes)


@pytest.fixture
def trace(case: Case, floor: Floor) -> TraceRequest:
    lose(case, floor)
    return asked(case, floor)


def found(trace: TraceRequest, floor: Floor, value: str = NEW) -> TraceFind:
    return traces.add(trace, kind="mobile", value=value, source="returned_contact", actor=floor.cast.collector, at=AT)


def test_nobody_is_traced_who_is_not_lost(case: Case, floor: Floor) -> None:
    with pytest.raises(NotLost, match="Nothing shows"):
        asked(case, floor)
    for number in range(3):
        contacts.record(case.customer, channel="call", at=AT - timedelta(days=number), key=f"c{number}")
    row = asked(case, floor)
    assert (row.shown, row.status) == ("silent", "open")
    with pytest.raises(TraceUnderWay):
        asked(case, floor)


def test_somebody_who_answered_once_is_not_lost(case: Case, floor: Floor) -> None:
    for number in range(4):
        contacts.record(case.customer, channel="call", at=AT - timedelta(days=number), key=f"c{number}", connected=number == 2)
    with pytest.raises(NotLost):
        asked(case, floor)


def test_purpose_ground_and_reason_are_needed_and_kept(case: Case, floor: Floor) -> None:
    lose(case, floor)
    for values, field in (
        ({"purpose": "x"}, "purpose"),
        ({"basis": "x"}, "basis"),
        ({"basis": "not_personal"}, "basis"),
        ({"reason": " x "}, "reason"),
    ):
        with pytest.raises(Invalid) as refused:
            asked(case, floor, **values)
        assert field in refused.value.fields
    row = asked(case, floor)
    told = Entry.objects.get(event="collections.trace.asked")
    assert (told.facts["purpose"], told.facts["basis"], told.actor_id) == ("collect", "contract", floor.cast.collector.pk)
    assert "号码已停用" not in str(told.facts) and row.reason == "号码已停用"


def test_the_dead_are_not_looked_for(case: Case, floor: Floor) -> None:
    lose(case, floor)
    contacts.bar(case.customer, channel="call", reason="deceased", actor=floor.cast.collector, at=AT)
    with pytest.raises(NotLost, match="has died"):
        asked(case, floor)


def test_limits_by_case_and_by_person(trace: TraceRequest, case: Case, floor: Floor) -> None:
    traces.end(trace, actor=floor.cast.collector, at=AT)
    with pytest.raises(TooOften, match="possible again from 2026-05-11"):
        asked(case, floor)
    Rule.objects.filter(code="collections.trace.again_days").update(value=0)
    Rule.objects.filter(code="collections.trace.per_day").update(value=1)
    with pytest.raises(TooOften, match="that is the limit"):
        asked(case, floor)
    assert asked(case, floor, actor=floor.cast.second_collector).status == "open"


def test_a_source_without_a_gateway_says_so_and_asks_nothing(trace: TraceRequest, floor: Floor) -> None:
    for source in ("public_register", "court_notices", "number_repair"):
        with pytest.raises(SourceOff, match="No gateway is connected"):
            traces.look(trace, source=source, actor=floor.cast.collector, at=AT)
        with pytest.raises(SourceOff):
            traces.add(trace, kind="mobile", value=NEW, source=source, actor=floor.cast.collector, at=AT)
    assert not TraceLook.objects.exists()
    with pytest.raises(Invalid):
        traces.look(trace, source="facebook", actor=floor.cast.collector, at=AT)


def test_each_look_is_kept_with_who_and_how_much_never_with_what(trace: TraceRequest, floor: Floor) -> None:
    for source, seen in (("own_files", {"files": 0, "mobile": 0, "address": 0}), ("obligors", {"obligors": 0})):
        assert traces.look(trace, source=source, actor=floor.cast.collector, at=AT).seen == seen
    assert Entry.objects.filter(event="collections.trace.looked", actor_id=floor.cast.collector.pk).count() == 2


def test_a_reference_is_never_asked(trace: TraceRequest, case: Case, floor: Floor) -> None:
    for kind in ("emergency_contact", "family"):
        relations.add(case.customer, kind=kind, source="customer", name="李雷", mobile=REFERENCE, actor=floor.cast.loan_officer, at=AT)
    with pytest.raises(ThirdParty, match="references are never asked"):
        found(trace, floor, REFERENCE)
    assert not TraceFind.objects.exists()


def test_what_is_found_is_not_verified_sealed_and_once(trace: TraceRequest, case: Case, floor: Floor) -> None:
    row = found(trace, floor, "+86 139-1111-2222")
    assert (row.status, row.value, row.masked.count("*") > 3) == ("unverified", NEW, True)
    for value, says in ((NEW, "found already"), (case.customer.mobile, "on file already"), ("12345", "11 digits")):
        with pytest.raises(Invalid, match=says):
            found(trace, floor, value)


def test_it_is_tried_through_the_gate_although_the_old_number_is_barred(trace: TraceRequest, floor: Floor) -> None:
    row = found(trace, floor)
    with pytest.raises(NotTried):
        traces.decide(row, right=True, actor=floor.cast.collector, at=AT)
    assert traces.try_it(row, actor=floor.cast.collector, at=AT) == NEW
    assert ContactAttempt.objects.filter(channel="call").count() == 1
    row = traces.decide(row, right=True, actor=floor.cast.collector, at=AT)
    assert (row.status, ContactAttempt.objects.get(channel="call").connected) == ("confirmed", True)
    assert traces.end(trace, actor=floor.cast.collector, at=AT).status == "found"
    with pytest.raises(TraceOver):
        traces.look(trace, source="own_files", actor=floor.cast.collector, at=AT)


def test_the_debtor_s_stop_and_the_night_hold_for_a_found_number_too(trace: TraceRequest, case: Case, floor: Floor) -> None:
    row = found(trace, floor)
    with pytest.raises(NotNow):
        traces.try_it(row, actor=floor.cast.collector, at=AT + timedelta(hours=12))
    contacts.bar(case.customer, channel="call", reason="stop", actor=floor.cast.collector, at=AT)
    with pytest.raises(NotNow):
        traces.try_it(row, actor=floor.cast.collector, at=AT)
    assert not ContactAttempt.objects.exists() and TraceFind.objects.get().tried_at is None


def test_a_wrong_number_is_barred_everywhere(trace: TraceRequest, floor: Floor) -> None:
    row = found(trace, floor)
    traces.try_it(row, actor=floor.cast.collector, at=AT)
    traces.decide(row, right=False, actor=floor.cast.collector, at=AT)
    assert BarredNumber.objects.filter(number_key=row.value_key, lifted_at__isnull=True).exists()
    other = floor.desk.loan().customer
    type(other).objects.filter(pk=other.pk).update(mobile_key=row.value_key)
    assert {"call", "sms"} <= contacts.bars_of([other.pk])[other.pk]
    with pytest.raises(TraceOver):
        traces.try_it(row, actor=floor.cast.collector, at=AT)
    TraceFind.objects.all().delete()
    with pytest.raises(Invalid, match="barred everywhere"):
        found(trace, floor)


def test_nobody_is_looked_for_once_the_case_is_over(trace: TraceRequest, case: Case, floor: Floor) -> None:
    floor.pay_all_overdue(case.debts.get().loan)
    trace.refresh_from_db()
    assert trace.status == "stopped"
    with pytest.raises(cases.CaseClosed):
        asked(Case.objects.get(pk=case.pk), floor)


def test_the_pages_from_asking_to_a_confirmed_number(case: Case, floor: Floor, page_of: Any) -> None:
    from tests.collection.conftest import by_daylight

    by_daylight()
    collector, auditor = page_of(floor.cast.collector), page_of(floor.cast.auditor)
    new = f"/collections/cases/{case.public_id}/trace/"
    told = {"form_key": str(uuid4()), "purpose": "collect", "basis": "contract", "reason": "号码已停用"}
    assert collector.post(new, told).status_code == 409
    lose(case, floor)
    assert collector.post(new, told).status_code == 303
    row = TraceRequest.objects.get()
    url = f"/collections/traces/{row.public_id}/"
    assert "not connected" in collector.get(url).text and "号码已停用" not in auditor.get(url).text
    assert collector.post(f"{url}look/", {"source": "own_files"}).status_code == 303
    assert collector.post(f"{url}look/", {"source": "number_repair"}).status_code == 409
    wrong = {"form_key": str(uuid4()), "kind": "mobile", "source": "returned_contact", "value": "1"}
    assert collector.post(f"{url}finds/", wrong).status_code == 422
    assert collector.post(f"{url}finds/", wrong | {"value": NEW}).status_code == 303
    one = TraceFind.objects.get().public_id
    assert NEW not in collector.get(url).text
    assert NEW in collector.post(f"{url}finds/{one}/", {"try": ""}).text
    assert collector.post(f"{url}finds/{one}/", {"right": ""}).status_code == 303
    assert collector.post(f"{url}end/").status_code == 303
    assert row.public_id in collector.get("/collections/traces/?status=all").text
    assert collector.post(f"{url}finds/nobody/", {"try": ""}).status_code == 404


def test_a_form_that_says_nothing_bars_nobodys_number(trace: TraceRequest, floor: Floor, page_of: Any) -> None:
    find = found(trace, floor)
    traces.try_it(find, actor=floor.cast.collector, at=AT)
    barred = BarredNumber.objects.count()
    assert page_of(floor.cast.collector).post(f"/collections/traces/{trace.public_id}/finds/{find.public_id}/", {}).status_code == 422
    find.refresh_from_db()
    assert (find.status, BarredNumber.objects.count()) == ("unverified", barred)
