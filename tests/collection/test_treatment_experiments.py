"""Experiments between treatment strategies: who is in which arm, who starts one, what it finds, what ends it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from collection import (
    complaints,
    treatment_arms,
    treatment_charts,
    treatment_experiments,
    treatment_judge,
    treatment_results,
    treatment_runs,
)
from collection.models import Contact, TreatmentEntry, TreatmentExperiment, TreatmentStep
from collection.treatment_results import Arm
from crm.lib.errors import DomainError
from risk import registry, strategy_versions
from risk.models import StrategyVersion
from tests.collection.test_treatment_runs import BROUGHT, CALM
from tests.collection.test_treatment_runs import MORNING as AT

D = Decimal


def arm(name: str = "champion", **changes: Any) -> Arm:
    known: dict[str, Any] = {"name": name, "cases": 400, "entered": D("400000"), "cash": D("80000.00"), "cash_squares": D("40000000"), "cured": 100,
                             "cost": D("1200.00"), "contacts": 900, "complaints": 2}  # fmt: skip
    return Arm(**known | changes)


# --- arms ----------------------------------------------------------------------------------------------------------
def test_an_arm_is_stable_spread_by_its_share_and_drawn_anew_for_another_experiment() -> None:
    drawn = [treatment_arms.arm("a", pk, challenger=20, holdout=10) for pk in range(20_000)]
    assert drawn == [treatment_arms.arm("a", pk, challenger=20, holdout=10) for pk in range(20_000)]
    counted = Counter(drawn)
    assert abs(counted["challenger"] / 20_000 - 0.2) < 0.01
    assert abs(counted["holdout"] / 20_000 - 0.1) < 0.01
    other = [treatment_arms.arm("b", pk, challenger=20, holdout=10) for pk in range(20_000)]
    both = sum(one == two == "challenger" for one, two in zip(drawn, other, strict=True))
    assert abs(both / 20_000 - 0.04) < 0.01


def test_a_larger_share_keeps_who_was_in_the_arm() -> None:
    for pk in range(2_000):
        if treatment_arms.arm("a", pk, challenger=10, holdout=10) == "challenger":
            assert treatment_arms.arm("a", pk, challenger=30, holdout=10) == "challenger"


def test_who_is_only_reminded_gets_the_messages_of_the_path_and_nothing_else() -> None:
    judge = treatment_judge.Judge(BROUGHT["graph"], BROUGHT["input_schema"], BROUGHT["reasons"])
    whole = judge.judge(CALM | {"bucket": 2, "overdue_amount": D("900.00"), "outstanding": D("9000.00")})
    part = treatment_judge.only_written(whole)
    assert {one.action for one in part.steps} == {"sms", "email"}
    assert part.path == whole.path


# --- figures -------------------------------------------------------------------------------------------------------
def test_the_interval_of_a_share_is_wilsons() -> None:
    """Brown, Cai, DasGupta 2001: 0 of 10 gives [0, 0.278], 5 of 10 gives [0.237, 0.763]."""
    low, high = treatment_results.wilson(0, 10)
    assert (low, round(high, 3)) == (0, D("0.278"))
    assert [round(one, 3) for one in treatment_results.wilson(5, 10)] == [D("0.237"), D("0.763")]


def test_cash_a_case_has_the_interval_of_a_mean() -> None:
    """Four cases with 0, 0, 100 and 300: mean 100, standard deviation 141.42, half width 1.959964 × 141.42 / 2."""
    one = arm(cases=4, cash=D("400.00"), cash_squares=D("100000"))
    assert one.cash_per_case == D("100.00")
    assert one.cash_half == D("138.59")


def test_an_arm_with_too_few_cases_is_marked() -> None:
    told = treatment_charts.rows([arm(cases=30, cured=3), arm("holdout", cases=29, cured=3)], least=30)
    assert [row["few"] for row in told] == [False, True]


def test_two_arms_differ_when_the_interval_leaves_zero_out() -> None:
    row = TreatmentExperiment(minimum_sample=30)
    more = arm("challenger", cash=D("160000.00"), cash_squares=D("100000000"))
    assert "more a case" in treatment_charts.finding(row, [arm(), more])
    assert "No difference" in treatment_charts.finding(row, [arm(), arm("challenger")])
    assert "Too few" in treatment_charts.finding(row, [arm(), arm("challenger", cases=12)])
    assert treatment_results.read(treatment_results.stored([more])) == [more]


# --- life ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def challenger(floor: Any) -> StrategyVersion:
    live = treatment_experiments.champion()
    assert live is not None
    made = registry.add_strategy_version(
        code="treatment", name_en="x", name_zh="x", graph=live.graph, input_schema=live.input_schema, reasons=live.reasons, kind="treatment",
        actor=floor.cast.risk_analyst, at=AT,
    )  # fmt: skip
    StrategyVersion.objects.filter(pk=made.pk).update(status="approved", decided_by=floor.cast.risk_manager, decided_at=AT)
    made.refresh_from_db()
    return made


def planned(floor: Any, challenger: StrategyVersion | None, **changes: Any) -> TreatmentExperiment:
    asked: dict[str, Any] = {"why": "x", "challenger": challenger, "challenger_share": 50, "holdout_share": 10, "minimum_sample": 30,
                             "stop_complaints": 20, "salt": "s"}  # fmt: skip
    return treatment_experiments.plan(**asked | changes, actor=floor.cast.risk_analyst, at=AT)


@pytest.mark.django_db
def test_another_person_starts_it_and_one_runs_at_a_time(floor: Any, challenger: StrategyVersion) -> None:
    row, second = planned(floor, challenger), planned(floor, challenger)
    with pytest.raises(treatment_experiments.OwnExperiment):
        treatment_experiments.start(row, actor=floor.cast.risk_analyst, at=AT)
    treatment_experiments.start(row, actor=floor.cast.risk_manager, at=AT)
    with pytest.raises(treatment_experiments.RunsAlready):
        treatment_experiments.start(second, actor=floor.cast.risk_manager, at=AT)
    treatment_experiments.end(row, why="enough", actor=floor.cast.risk_manager, at=AT + timedelta(days=9))
    row.refresh_from_db()
    assert (row.status, row.result) == ("ended", [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"challenger_share": 60}, {"holdout_share": 31}, {"challenger_share": 0}, {"challenger": None}, {"why": " "},
     {"challenger": None, "challenger_share": 0, "holdout_share": 0}],
)  # fmt: skip
def test_an_experiment_that_compares_nothing_is_refused(floor: Any, challenger: StrategyVersion, wrong: dict[str, Any]) -> None:
    with pytest.raises(DomainError):
        planned(floor, **{"challenger": challenger} | wrong)
    assert not TreatmentExperiment.objects.exists()


@pytest.mark.django_db
def test_a_version_nobody_approved_is_no_challenger(floor: Any, challenger: StrategyVersion) -> None:
    draft = strategy_versions.draft_from(challenger, note="x", actor=floor.cast.risk_analyst, at=AT)
    with pytest.raises(treatment_experiments.UnfitChallenger):
        planned(floor, draft)


@pytest.mark.django_db
def test_cases_enter_their_arm_and_the_result_counts_cash_cures_cost_and_complaints(floor: Any, challenger: StrategyVersion) -> None:
    case = floor.case()
    row = treatment_experiments.start(planned(floor, challenger), actor=floor.cast.risk_manager, at=AT)
    treatment_runs.work([case.pk], at=AT)
    entry = TreatmentEntry.objects.get(case=case, status="running")
    expected = treatment_arms.arm("s", case.customer_id, challenger=50, holdout=10)
    assert (entry.arm, entry.experiment_id) == (expected, row.pk)
    TreatmentStep.objects.filter(entry=entry).update(status="sent")
    Contact.objects.create(
        case=case, channel="call", outcome="complaint", at=AT + timedelta(hours=1), actor=floor.cast.collector, next_action="call",
        next_action_on=AT.date(),
    )  # fmt: skip
    told = {"kind": "manner", "about": None, "is_complex": False, "channel": "inbound", "owner": floor.cast.compliance}
    complaints.file(case, **told, actor=floor.cast.collector, at=AT + timedelta(hours=2))  # what was told in the call, filed
    due = case.overdue_amount
    floor.pay_all_overdue(case.debts.get().loan, at=datetime(2026, 4, 11, 4, 0, tzinfo=UTC))
    (found,) = treatment_results.arms(row, at=AT + timedelta(days=2))
    assert (found.name, found.cases, found.entered, found.cured, found.complaints) == (expected, 1, due, 1, 1)
    assert found.cash >= due
    price = treatment_results.prices(on=AT.date())
    assert (found.contacts, found.cost) == (2, D("0.05") + price["call"]), "a message by its step, the call by who made it"


@pytest.mark.django_db
def test_a_release_ends_the_experiment_and_complaints_do(floor: Any, challenger: StrategyVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    row = treatment_experiments.start(planned(floor, challenger), actor=floor.cast.risk_manager, at=AT)
    assert treatment_experiments.stop_reason(row, at=AT) == ""
    sides = [arm(), arm("challenger", complaints=60)]
    monkeypatch.setattr(treatment_results, "arms", lambda *_a, **_k: sides)
    assert treatment_experiments.stop_reason(row, at=AT) == "The complaints of an arm lie above the bound."
    sides[1] = arm("challenger", complaints=60, cases=10)
    assert treatment_experiments.stop_reason(row, at=AT) == ""  # too few cases to say
    registry.make_live(challenger, actor=floor.cast.risk_manager, at=AT)
    assert [one.pk for one in treatment_experiments.check_running(at=AT, actor=floor.cast.risk_manager)] == [row.pk]


@pytest.mark.django_db
def test_the_pages_tell_it(floor: Any, challenger: StrategyVersion, page_of: Any) -> None:
    case = floor.case()
    supervisor = page_of(floor.cast.collections_supervisor)
    assert "Cases by path" in supervisor.get(reverse("treatments")).content.decode()
    answer = supervisor.post(reverse("treatment-experiment-new"), {"why": "x", "challenger_share": "0", "holdout_share": "0", "minimum_sample": "30",
                                                                   "stop_complaints": "5", "form_key": "k"})  # fmt: skip
    assert answer.status_code == 422
    row = treatment_experiments.start(planned(floor, challenger), actor=floor.cast.risk_manager, at=AT)
    treatment_runs.work([case.pk], at=AT)
    text = supervisor.get(reverse("treatment-experiment", args=[row.public_id])).content.decode()
    assert "Too few cases" in text or "No case has entered both sides" in text
    assert "Gentle" in supervisor.get(reverse("case-treatment", args=[case.public_id])).content.decode()
