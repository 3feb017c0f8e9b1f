"""The way to court in the demonstration: letters on their way, actions at each stage, periods that end soon."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from collection import cases, contested, legal, legal_costs, legal_holds, letters, limitation_book, limitation_warnings, traces, visits
from collection.models import Case, FieldVisit, LegalAction, PreActionLetter
from crm.demo import refusals
from crm.lib.errors import DomainError
from customers import contacts

if TYPE_CHECKING:
    from crm.demo.play import House

STAGES = ("proposed", "pre_action", "filed", "accepted", "hearing", "judgment", "enforcement")
COURT = "上海市浦东新区人民法院"


def play(house: House) -> None:
    """Show letters and legal actions in their stages, visits and a trace; played again it adds nothing."""
    at = house.at(house.today, 14, 5)
    visits_and_traces(house, at=at)
    if LegalAction.objects.exists():
        return
    late = Case.objects.open().filter(claimed_by__isnull=True, dpd__gte=90).select_related("customer", "legal_entity", "branch")
    free = [case for case in late.order_by("-dpd", "pk")[:60] if legal_holds.standing(case) is None]
    seen = legal_costs.outlooks(free, on=house.today)
    found = sorted(free, key=lambda case: seen[case.pk].above)[: len(STAGES) + 4]  # what brings more than it costs comes first
    wanted = iter(STAGES)
    for case in found:
        stage = next(wanted, "")
        try:
            one(house, case, stage, at=at) if stage else posted(house, case, at=at)
        except DomainError as refused:  # a case of the play may lack what this stage needs: the next one has it
            house.say(f"  {case.public_id}: {refused.message}")
    limitation_book.refresh(list(Case.objects.filter(dpd__gt=0).values_list("customer", flat=True)), at=at)
    limitation_warnings.tell(list(Case.objects.open().values_list("customer", flat=True)), at=at)


def posted(house: House, case: Case, *, at: datetime) -> PreActionLetter:
    """Write to a debtor."""
    by = house.staff["supervisor"]
    row = letters.make(case, drawn=letters.draw(case, actor=by, at=at), actor=by, at=at)
    return letters.send(row, tracking=f"EMS{case.pk:010d}", actor=by, at=at)


def one(house: House, case: Case, stage: str, *, at: datetime) -> None:
    """Bring a case to a stage: what lies in the past there is told with its days of the past."""
    by: dict[str, Any] = {"actor": house.staff["supervisor"], "at": at}
    row = legal.propose(case, actor=house.staff["supervisor"], at=at)
    if stage == "proposed":
        return
    row = legal.approve(row, actor=house.staff["risk"], at=at)
    letter = posted(house, case, at=at)
    if stage == "pre_action":
        return
    letters.delivered(letter, on=house.today, **by)
    past = house.today - timedelta(days=40)
    PreActionLetter.objects.filter(pk=letter.pk).update(
        as_of=past, pay_by=past + timedelta(days=15), sent_on=past, delivered_on=past + timedelta(days=2)
    )
    for number, to in enumerate(STAGES[2 : STAGES.index(stage) + 1]):
        told: dict[str, Any] = {
            "next_what": "hearing" if to == "accepted" else "other",
            "next_on": house.today + timedelta(days=5 * number + 3),
        }
        row = legal.step(row, to=to, on=house.today, court=COURT, case_number=f"(2026)沪0115民初{1000 + row.pk}号", **told, **by)
        if to == "filed":
            legal.add_cost(row, kind="court", amount=row.cost_forecast or Decimal("50.00"), on=house.today, reference="0001", **by)


def visits_and_traces(house: House, *, at: datetime) -> None:
    """Show visits wanted, planned for today and not carried out, and a debtor who is traced."""
    if FieldVisit.objects.exists():
        return
    supervisor, pair = house.staff["supervisor"], (house.staff["collector"], house.staff["collector2"])
    rows = (
        Case.objects.open()
        .filter(claimed_by__isnull=True, status__in=["open", "worked"])
        .select_related("customer", "legal_entity", "branch")
    )
    able = [case for case in rows.order_by("-overdue_amount", "pk")[:60] if all(cases.may_work(one, case) for one in pair)]
    # Two for the day the story ends on, two for the first day somebody looks at.
    hours = iter(((0, time(14, 30), time(15, 30)), (0, time(16), time(17)), (1, time(10), time(11)), (1, time(15), time(16))))
    wanted = 0
    for case in able[:8]:
        try:
            row = visits.want(case, why="lost", actor=pair[0], at=at)
            wanted += 1
            slot = next(hours, None) if wanted > 2 else None
            if slot is not None:
                told: dict[str, Any] = {"opens": slot[1], "closes": slot[2], "first": pair[0], "second": pair[1]}
                visits.plan(row, on=house.today + timedelta(days=slot[0]), actor=supervisor, at=at, **told)
        except DomainError as refused:  # a case of the play may be kept from visits
            house.say(f"  {case.public_id}: {refused.message}")
    for case in able[8:]:
        if contested.is_frozen(case, pair[0]):  # a complaint about the one who would ask keeps them off: the next one is traced
            continue
        with refusals.told(house, case.public_id):
            contacts.bar_number(case.customer, actor=pair[0], at=at)
            trace = traces.ask(
                case, purpose="collect", basis="contract", reason="登记号码已属他人，来电未能联系到本人。", actor=pair[0], at=at
            )
            traces.look(trace, source="own_files", actor=pair[0], at=at)
            traces.add(trace, kind="address", value="上海市浦东新区张杨路500号", source="returned_contact", actor=pair[0], at=at)
            break
