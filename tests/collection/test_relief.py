"""Hardship: an unfinished form is kept, what is left of a month is computed, plans go by authority through credit's door and are followed."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import decimals, dictionaries, none, one_of, sampled_from

from collection import hardship as hardships
from collection import holds, relief_plans
from collection.hardship import AlreadyAsked, AlreadyFlagged, FormNotFinished
from collection.models import BudgetLine, CareFlag, Case, Hardship, ReliefPlan
from collection.relief_plans import NotAffordable, NotAssessed, PlanUnderWay
from collection.settlements import AboveAuthority, OwnProposal
from crm.lib.errors import Invalid
from governance import changes
from governance.models import ChangeRequest
from tests.collection.conftest import AFTER, Floor
from tests.fixtures.papers import pdf

TODAY = AFTER.date()
BUDGET = {"wage": Decimal("6000.00"), "housing": Decimal("3000.00"), "food": Decimal("2500.50")}


@pytest.fixture
def case(floor: Floor) -> Case:
    return floor.case()


def asked(case: Case, floor: Floor, **changes_: Any) -> Hardship:
    values: dict[str, Any] = {
        "cause": "illness", "owner": floor.cast.collections_supervisor, "actor": floor.cast.collector, "at": AFTER, "words": "住院",
    }  # fmt: skip
    return hardships.open_(case, **(values | changes_))


def assessed(case: Case, floor: Floor, budget: dict[str, Any] | None = None) -> Hardship:
    row = asked(case, floor)
    hardships.fill_in(row, amounts=budget or BUDGET, actor=floor.cast.collector, at=AFTER)
    return hardships.assess(row, actor=floor.cast.collector, at=AFTER)


def proposed(case: Case, floor: Floor, kind: str = "extension", **data: Any) -> ReliefPlan:
    chosen = data or {"more": 3}
    return relief_plans.propose(
        assessed(case, floor), loan=case.debts.get().loan, kind=kind, data=chosen, actor=floor.cast.collector, at=AFTER
    )


# --- the form ------------------------------------------------------------------------------------------------------
def test_an_unfinished_form_is_kept_as_it_is(case: Case, floor: Floor) -> None:
    row = asked(case, floor)
    hardships.fill_in(row, amounts={"wage": Decimal("6000.00"), "housing": None}, actor=floor.cast.collector, at=AFTER)
    row = Hardship.objects.get()
    assert (row.status, row.sums(), row.words) == ("draft", (Decimal("6000.00"), Decimal("0.00")), "住院")
    with pytest.raises(FormNotFinished):
        hardships.assess(row, actor=floor.cast.collector, at=AFTER)


def test_what_is_left_is_computed(case: Case, floor: Floor) -> None:
    row = assessed(case, floor)
    assert row.surplus == Decimal("499.50")
    hardships.fill_in(row, amounts=BUDGET | {"health": Decimal("900.00")}, actor=floor.cast.collector, at=AFTER)
    row = Hardship.objects.get()
    assert (row.status, row.surplus) == ("draft", Decimal("-400.50")), "changed, it is looked at anew"


@given(dictionaries(sampled_from(BudgetLine.Item.values), one_of(none(), decimals("0", "99999.99", places=2))))
def test_the_surplus_is_the_sum_of_its_lines(amounts: dict[str, Decimal | None]) -> None:
    rows = [BudgetLine(side=BudgetLine.SIDES[item], item=item, amount=amount) for item, amount in amounts.items() if amount is not None]
    comes_in, goes_out = (sum((row.amount for row in rows if row.side == side), Decimal(0)) for side in ("in", "out"))
    row = Hardship(pk=1)
    row._prefetched_objects_cache = {"lines": rows}  # type: ignore[attr-defined]  # as if they had been read
    assert row.surplus == comes_in - goes_out


@pytest.mark.parametrize("amount", [Decimal("-0.01"), Decimal("1.001")])
def test_amounts_that_cannot_be(case: Case, floor: Floor, amount: Decimal) -> None:
    row = asked(case, floor)
    with pytest.raises(Invalid) as refused:
        hardships.fill_in(row, amounts={"wage": amount}, actor=floor.cast.collector, at=AFTER)
    assert set(refused.value.fields) == {"wage"}


def test_one_request_at_a_time_and_it_silences_messages(case: Case, floor: Floor) -> None:
    row = asked(case, floor)
    with pytest.raises(AlreadyAsked):
        asked(case, floor)
    assert holds.exits([case.customer_id])[case.customer_id] == {"hardship"}
    hardships.answer(row, outcome="withdrawn", answer="客户撤回", actor=floor.cast.collector, at=AFTER)
    assert case.customer_id not in holds.exits([case.customer_id])
    assert asked(case, floor).is_open


def test_papers_lie_sealed_and_the_same_file_once(case: Case, floor: Floor, storage: Any) -> None:
    row = asked(case, floor)
    stored = hardships.keep_file(pdf("illness"))
    paper = hardships.add_paper(row, stored=stored, actor=floor.cast.collector, at=AFTER)
    assert hardships.opened(paper, actor=floor.cast.collector, at=AFTER) == pdf("illness")
    with pytest.raises(Invalid, match="there already"):
        hardships.add_paper(row, stored=hardships.keep_file(pdf("illness")), actor=floor.cast.collector, at=AFTER)


# --- plans ---------------------------------------------------------------------------------------------------------
def test_a_plan_needs_a_finished_form_and_is_one_per_loan(case: Case, floor: Floor) -> None:
    row, loan = asked(case, floor), case.debts.get().loan
    with pytest.raises(NotAssessed):
        relief_plans.propose(row, loan=loan, kind="extension", data={"more": 3}, actor=floor.cast.collector, at=AFTER)
    hardships.fill_in(row, amounts=BUDGET, actor=floor.cast.collector, at=AFTER)
    hardships.assess(row, actor=floor.cast.collector, at=AFTER)
    relief_plans.propose(row, loan=loan, kind="extension", data={"more": 3}, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(PlanUnderWay):
        relief_plans.propose(row, loan=loan, kind="extension", data={"more": 2}, actor=floor.cast.collector, at=AFTER)


def test_nobody_is_asked_for_more_than_is_left_of_a_month(case: Case, floor: Floor) -> None:
    until = (TODAY + timedelta(days=90)).isoformat()
    with pytest.raises(NotAffordable, match=r"499\.50"):
        proposed(case, floor, "lower", until=until, pays="499.51", adds=True)


def test_the_consequences_are_kept_with_the_proposal(case: Case, floor: Floor) -> None:
    plan = proposed(case, floor)
    before, after = plan.seen["before"], plan.seen["after"]
    assert int(after["instalments"]) == int(before["instalments"]) + 3
    assert date.fromisoformat(after["ends"]) > date.fromisoformat(before["ends"])
    assert (plan.months, plan.given_up) == (3, Decimal("0.00"))


@pytest.mark.parametrize(("more", "allowed"), [(6, True), (7, False)])
def test_the_supervisor_s_authority_ends_at_six_months(case: Case, floor: Floor, more: int, allowed: bool) -> None:
    plan, supervisor = proposed(case, floor, more=more), floor.cast.collections_supervisor
    with pytest.raises(OwnProposal):
        relief_plans.approve(plan, actor=floor.cast.collector, at=AFTER)
    if not allowed:
        with pytest.raises(AboveAuthority):
            relief_plans.approve(plan, actor=supervisor, at=AFTER)
        plan.refresh_from_db()
        assert plan.status == "proposed"
        assert relief_plans.approve(plan, actor=floor.cast.risk_manager, at=AFTER).status == "running"
        return
    assert relief_plans.approve(plan, actor=supervisor, at=AFTER).status == "running"
    assert relief_plans.moved(plan) is not None
    assert Hardship.objects.get().status == "granted"


def test_lower_instalments_wait_for_the_second_person_of_credit(case: Case, floor: Floor) -> None:
    plan = proposed(case, floor, "lower", until=(TODAY + timedelta(days=90)).isoformat(), pays="300.00", adds=True)
    plan = relief_plans.approve(plan, actor=floor.cast.collections_supervisor, at=AFTER)
    assert plan.status == "approved" and relief_plans.moved(plan) is None
    changes.confirm(ChangeRequest.objects.get(pk=plan.change_id), actor=floor.cast.risk_manager, at=AFTER)
    floor.deliver()
    plan.refresh_from_db()
    assert plan.status == "running" and relief_plans.moved(plan) is not None


def test_what_credit_s_second_person_refuses_is_refused(case: Case, floor: Floor) -> None:
    plan = proposed(case, floor, "lower", until=(TODAY + timedelta(days=90)).isoformat(), pays="300.00", adds=True)
    plan = relief_plans.approve(plan, actor=floor.cast.collections_supervisor, at=AFTER)
    changes.refuse(ChangeRequest.objects.get(pk=plan.change_id), actor=floor.cast.risk_manager, at=AFTER, answer="no")
    floor.deliver()
    plan.refresh_from_db()
    assert plan.status == "refused" and Hardship.objects.get().is_open


def test_a_plan_that_is_not_paid_is_broken(case: Case, floor: Floor) -> None:
    plan = relief_plans.approve(proposed(case, floor), actor=floor.cast.collections_supervisor, at=AFTER)
    floor.close(date(2026, 5, 20))
    plan.refresh_from_db()
    assert plan.status == "broken" and plan.ended_on is not None


# --- special care --------------------------------------------------------------------------------------------------
def test_special_care_is_minimal_and_health_needs_consent(case: Case, floor: Floor) -> None:
    told: dict[str, Any] = {"needs": "请慢慢说", "review_on": TODAY + timedelta(days=60), "actor": floor.cast.collector, "at": AFTER}
    with pytest.raises(Invalid) as refused:
        hardships.flag_care(case.customer, kind="health", consented=False, **told)
    assert set(refused.value.fields) == {"consented"}
    flag = hardships.flag_care(case.customer, kind="health", consented=True, **told)
    with pytest.raises(AlreadyFlagged):
        hardships.flag_care(case.customer, kind="life", consented=False, **told)
    assert holds.exits([case.customer_id])[case.customer_id] == {"vulnerable"}
    assert CareFlag.objects.get().needs == "请慢慢说"
    hardships.end_care(flag, actor=floor.cast.collector, at=AFTER)
    assert case.customer_id not in holds.exits([case.customer_id])
