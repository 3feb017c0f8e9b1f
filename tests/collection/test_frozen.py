"""Who is complained about is kept from the case by every door, not only by its page."""

from collections.abc import Callable
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from collection import (
    case_states,
    cases,
    complaints,
    disputes,
    handover,
    hardship,
    legal,
    letters,
    limitation_book,
    packs,
    promises,
    relief_plans,
    settlements,
    traces,
    visits,
)
from collection.contested import CaseFrozen
from collection.judgement import Part
from collection.models import (
    Case,
    Complaint,
    Dispute,
    FieldVisit,
    Hardship,
    LegalAction,
    LegalCost,
    PreActionLetter,
    Promise,
    ReliefPlan,
    Settlement,
    TraceFind,
    TraceRequest,
)
from ledger.models import Entry
from tests.collection import court_rows, relief_rows
from tests.collection.conftest import AFTER, LATE, Floor

ITEM = {"wage": Decimal("1.00")}
LATER = AFTER.date() + timedelta(days=5)
# Each door with the kind of thing it is about; the case itself stands in `case`.
DOORS: dict[str, tuple[Any, Callable[[Any, dict[str, Any]], Any]]] = {
    "pause": (None, lambda row, by: case_states.pause(row, reason="dispute", until=LATER, **by)),
    "resume": (None, lambda row, by: case_states.resume(row, **by)),
    "close": (None, lambda row, by: case_states.close(row, reason="legal", on=AFTER.date(), **by)),
    "reopen": (None, lambda row, by: case_states.reopen(row, **by)),
    "promise cancelled": (Promise, lambda row, by: promises.cancel(row, reason="mistake", **by)),
    "dispute taken back": (Dispute, lambda row, by: disputes.withdraw(row, words="清楚了", **by)),
    "dispute put right": (Dispute, lambda row, by: disputes.put_right(row, **by)),
    "complaint extended": (Complaint, lambda row, by: complaints.extend(row, **by)),
    "hardship filled in": (Hardship, lambda row, by: hardship.fill_in(row, amounts=ITEM, **by)),
    "hardship assessed": (Hardship, lambda row, by: hardship.assess(row, **by)),
    "hardship answered": (Hardship, lambda row, by: hardship.answer(row, outcome="refused", answer="x", **by)),
    "plan approved": (ReliefPlan, lambda row, by: relief_plans.approve(row, **by)),
    "plan refused": (ReliefPlan, lambda row, by: relief_plans.refuse(row, **by)),
    "settlement approved": (Settlement, lambda row, by: settlements.approve(row, **by)),
    "settlement refused": (Settlement, lambda row, by: settlements.refuse(row, **by)),
    "settlement accepted": (Settlement, lambda row, by: settlements.accept(row, **by)),
    "settlement taken back": (Settlement, lambda row, by: settlements.withdraw(row, **by)),
    "letter sent": (PreActionLetter, lambda row, by: letters.send(row, tracking="SF1234", **by)),
    "letter dropped": (PreActionLetter, lambda row, by: letters.drop(row, **by)),
    "another complaint decided": (Complaint, lambda row, by: complaints.decide(row, outcome="rejected", answer="x", **by)),
    "court approved": (LegalAction, lambda row, by: legal.approve(row, **by)),
    "court refused": (LegalAction, lambda row, by: legal.refuse(row, **by)),
    "diary": (LegalAction, lambda row, by: legal.step(row, to="proposed", on=AFTER.date(), note="x", **by)),
    "court cost": (LegalAction, lambda row, by: legal.add_cost(row, kind="court", amount=Decimal("1.00"), on=AFTER.date(), reference="", **by)),
    "court cost taken back": (LegalCost, lambda row, by: legal.take_cost_back(row, **by)),
    "filing pack": (LegalAction, lambda row, by: packs.ask(LegalAction(case=row.case, status="pre_action"), reason="for the court", **by)),
    "limitation": (None, lambda row, by: limitation_book.mark(row, loan=row.debts.get().loan, kind="demand", on=AFTER.date(), evidence="x", **by)),
    "trace looked": (TraceRequest, lambda row, by: traces.look(row, source="own_files", **by)),
    "trace found": (TraceRequest, lambda row, by: traces.add(row, kind="mobile", value="13911112222", source="returned_contact", **by)),
    "trace ended": (TraceRequest, lambda row, by: traces.end(row, **by)),
    "number tried": (TraceFind, lambda row, by: traces.try_it(row, **by)),
    "number decided": (TraceFind, lambda row, by: traces.decide(row, right=False, **by)),
    "visit cancelled": (FieldVisit, lambda row, by: visits.cancel(row, **by)),
    "visit begun": (FieldVisit, lambda row, by: visits.begin(row, **by)),
    "visit joined": (FieldVisit, lambda row, by: visits.join(row, **by)),
    "address opened": (FieldVisit, lambda row, by: visits.address_of(row, **by)),
}  # fmt: skip


@pytest.mark.django_db
def test_no_door_of_the_case_opens(floor: Floor) -> None:
    case, cast = floor.case(), floor.cast
    by = {"actor": cast.collections_supervisor, "at": AFTER}
    cases.claim(case, **by)
    promise = promises.take(case, parts=[Part(LATER, Decimal("100.00"))], channel="inbound", **by)
    ids = relief_rows.rows_of(case, worker=cast.collections_supervisor, cast=cast, at=AFTER)
    kinds = {Dispute: "dispute", Complaint: "complaint", Hardship: "hardship", ReliefPlan: "relief_plan", Settlement: "settlement"}
    rows: dict[Any, Any] = {kind: kind.objects.get(public_id=ids[name]) for kind, name in kinds.items()}
    trace = court_rows.trace(case, by=cast.collections_supervisor, at=AFTER)
    find = TraceFind(
        request=trace, kind="mobile", value="13911113333", source="own_files", found_by=cast.collections_supervisor, found_at=AFTER
    )
    find.save(force_insert=True)
    visit = court_rows.visit(case, by=cast.collections_supervisor, at=AFTER)  # the collector is one of the two who are sent
    FieldVisit.objects.filter(pk=visit.pk).update(
        status="planned", on=AFTER.date(), opens=time(9), closes=time(18), first=cast.collector, second=cast.second_collector
    )
    action = court_rows.action(case, by=cast.collections_supervisor, at=AFTER)
    cost = LegalCost.objects.create(
        action=action, kind="court", amount=Decimal("5.00"), on=AFTER.date(), actor=cast.collections_supervisor, at=AFTER
    )
    rows |= {TraceRequest: trace, TraceFind: find, FieldVisit: FieldVisit.objects.get(pk=visit.pk), LegalAction: action, LegalCost: cost}
    rows |= {None: case, Promise: promise, PreActionLetter: court_rows.letter(case, by=cast.collections_supervisor, at=AFTER)}
    complaints.file(
        case, kind="manner", about=cast.collector, is_complex=True, channel="inbound", statement="x", owner=cast.collections_supervisor,
        actor=cast.compliance, at=AFTER,
    )  # fmt: skip
    opened = []
    for name, (kind, door) in DOORS.items():
        try:
            door(rows[kind], {"actor": cast.collector, "at": AFTER})
        except CaseFrozen:
            continue
        opened.append(name)
    assert opened == []


@pytest.mark.django_db
def test_nobody_inherits_a_case_with_a_complaint_about_them(floor: Floor) -> None:
    """A collector leaves, or hands everything over: the case goes to everybody, as assigned to who may not work it nobody would."""
    loans = [floor.desk.loan() for _n in range(2)]
    floor.close(LATE)
    other, case = (Case.objects.get(customer=loan.customer_id) for loan in loans)
    cast = floor.cast
    told = {"is_complex": True, "channel": "inbound", "statement": "x", "owner": cast.collections_supervisor, "actor": cast.compliance}
    complaints.file(case, kind="manner", about=cast.second_collector, at=AFTER, **told)
    facts = {"everything": True, "giver": cast.collector.pk, "taker": cast.second_collector.pk}
    for hand_over in (
        lambda: handover.hand_on(cast.collector, taker=cast.second_collector, actor=cast.collections_supervisor, at=AFTER),
        lambda: handover.follow_person(entry=Entry(facts=facts, actor_id=cast.collections_supervisor.pk, at=AFTER)),
    ):
        Case.objects.update(assigned_to=cast.collector)
        hand_over()
        found = dict(Case.objects.values_list("pk", "assigned_to"))
        assert found == {case.pk: None, other.pk: cast.second_collector.pk}
