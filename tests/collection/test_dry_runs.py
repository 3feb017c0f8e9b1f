"""A dry run: two versions held against each other on the cases of now. It plans as the planner does, asks the gate, and writes nothing to a case."""

import copy
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as some

from collection import dry_run_math, dry_run_words, dry_runs, treatment_experiments, treatment_runs
from collection.dry_run_math import Act, Asked, Planner
from collection.models import Case, CaseDebt, TreatmentDryRun, TreatmentDryRunCase, TreatmentEntry, TreatmentStep
from collection.treatment_runs import NOWHERE, Stand
from crm.lib.errors import Invalid
from customers.contact_policy import Attempt, Pack
from customers.models import ContactAttempt, Message
from ledger.models import Entry
from risk import strategy_versions
from risk.models import StrategyVersion
from tests.collection.test_treatment_runs import CALM, JUDGE, MORNING
from tests.fixtures.cast import Cast

LIMITS = Pack(time(8), time(22), None, 1, 3, 1, 2)
TODAY = MORNING.date()


# --- one case, pure --------------------------------------------------------------------------------------------------
def planner(**changes: Any) -> Planner:
    told: dict[str, Any] = {"off": {"app"}, "counts_as": {"ivr": "call"}, "at": MORNING}
    return Planner(JUDGE, JUDGE, lambda _day: LIMITS, **told | changes)


def asked(**changes: Any) -> Asked:
    told: dict[str, Any] = {"zone": "Asia/Shanghai", "attempts": (), "barred": frozenset(), "windows": ()}
    return Asked(**told | changes)


def at(day: int, hour: int = 2) -> datetime:
    return MORNING.replace(hour=hour, minute=0) + timedelta(days=day)


@pytest.mark.parametrize(
    ("steps", "who", "found"),
    [
        ([("sms", 1)], asked(), [Act("sms", 1)]),
        ([("sms", 1)], asked(barred=frozenset({"sms"})), [Act("sms", 1, "block", "contact.stop")]),
        ([("ivr", 1)], asked(barred=frozenset({"call"})), [Act("ivr", 1, "block", "contact.stop")]),  # an automatic call is a call
        ([("app", 1)], asked(), [Act("app", 1, "block", "no_gateway")]),
        ([("agency", 1), ("legal", 2)], asked(barred=frozenset({"call"})), [Act("agency", 1), Act("legal", 2)]),
        # a contact of the day before counts, and so does one that is only planned
        ([("sms", 0)], asked(attempts=(Attempt("sms", at(0, 1)),)), [Act("sms", 0, "wait", "contact.per_day")]),
        ([("sms", 1), ("sms", 2), ("sms", 3)], asked(), [Act("sms", 1), Act("sms", 2), Act("sms", 3, "wait", "contact.per_week")]),
        ([("sms", 0), ("sms", 1)], asked(attempts=(Attempt("sms", at(0, 1)),)), [Act("sms", 0, "wait", "contact.per_day"), Act("sms", 1, "wait", "contact.per_day")]),
    ],
)  # fmt: skip
def test_the_gate_is_asked_of_each_planned_contact_after_those_before_it(steps: Any, who: Asked, found: list[Act]) -> None:
    assert list(planner().acts([(action, at(day), day) for action, day in steps], who)) == found


FACTS = some.fixed_dictionaries({
    "bucket": some.integers(0, 7), "overdue_amount": some.sampled_from(["0.01", "199.99", "5000.00"]), "outstanding": some.sampled_from(["1.00", "70000.00"]),
    "promises_broken": some.integers(0, 4), "has_mobile": some.booleans(), "dispute_open": some.booleans(), "paid": some.booleans(),
})  # fmt: skip
STANDS = some.one_of(
    some.none(), some.builds(lambda back, day: Stand(TODAY - timedelta(days=back), (day, "g-sms2"), ""), some.integers(0, 40), some.integers(-1, 40))
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(FACTS, STANDS)
def test_the_next_step_is_the_one_the_planner_plans(facts: dict[str, Any], stands: Stand | None) -> None:
    told = CALM | facts | {name: D(facts[name]) for name in ("overdue_amount", "outstanding")}
    treatment = JUDGE.judge(told)
    plan = planner().plan(treatment, asked(), stands)
    if not treatment.path:
        assert plan.label == f"exit:{treatment.exit}" and not plan.acts
        return
    zone, today, _pack = planner().place("Asia/Shanghai")
    steps, _past = treatment_runs._next(treatment.steps, stands or Stand(today, NOWHERE, ""), today, zone)
    planned = [step.action for step, _due, status, _why in steps if status == "planned"]
    assert plan.next == (planned[0] if planned else dry_run_math.STILL)


# --- a step that waits when another version takes over ------------------------------------------------------------------
@pytest.fixture
def case(floor: Any) -> Case:
    found: Case = floor.case()
    TreatmentStep.objects.all().delete()
    TreatmentEntry.objects.all().delete()
    return found


@pytest.fixture
def draft(floor: Any, case: Case) -> StrategyVersion:
    """A draft whose gentle path calls on the second day, and which puts whoever owes more than 1,000 onto the firm path."""
    live = treatment_experiments.champion()
    assert live is not None
    return strategy_versions.draft_from(live, note="x", actor=floor.cast.risk_analyst, at=MORNING)


def drawn(draft: StrategyVersion, change: Any) -> StrategyVersion:
    graph = copy.deepcopy(draft.graph)
    change({raw["id"]: raw.get("content") for raw in graph["nodes"]}, graph)
    StrategyVersion.objects.filter(pk=draft.pk).update(graph=graph, sha256=f"{draft.pk:064}")
    return StrategyVersion.objects.select_related("strategy").get(pk=draft.pk)


def all_firm(nodes: dict[str, Any], _graph: Any) -> None:
    for row in nodes["segment"]["rules"]:
        row["segment-o-path"] = '"firm"' if row["segment-o-path"] == '"gentle"' else row["segment-o-path"]


@pytest.mark.django_db
def test_a_step_that_waits_for_its_day_is_not_lost_when_another_version_goes_live(case: Case, draft: StrategyVersion) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    assert list(TreatmentStep.objects.values_list("name", "status")) == [("g-sms", "planned")]
    live = treatment_experiments.champion()
    assert live is not None
    StrategyVersion.objects.filter(pk=live.pk).update(status="retired", retired_at=MORNING)
    StrategyVersion.objects.filter(pk=draft.pk).update(status="live", live_at=MORNING)
    treatment_runs.work([case.pk], at=MORNING + timedelta(hours=1))
    rows = TreatmentStep.objects.order_by("pk").values_list("entry__version", "name", "status", "why")
    assert list(rows) == [(live.pk, "g-sms", "exited", "strategy"), (draft.pk, "g-sms", "planned", "")]


# --- the run ---------------------------------------------------------------------------------------------------------
def ran(cast: Cast, draft: StrategyVersion, when: datetime = MORNING) -> TreatmentDryRun:
    made = dry_runs.start(draft, base=None, actor=cast.collections_supervisor, at=when)
    dry_runs.run(made.pk, clock=lambda: when)
    dry_runs.run(made.pk, clock=lambda: when)  # another worker comes late
    return TreatmentDryRun.objects.for_list().get(pk=made.pk)


WRITTEN = (Case, CaseDebt, TreatmentEntry, TreatmentStep, Message, ContactAttempt)


@pytest.mark.django_db
def test_it_counts_who_moves_and_writes_nothing_to_any_case(case: Case, draft: StrategyVersion, cast: Cast, page_of: Any) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    before = [list(model.objects.order_by("pk").values()) for model in WRITTEN]
    entries = Entry.objects.count()
    row = ran(cast, drawn(draft, all_firm))
    assert [list(model.objects.order_by("pk").values()) for model in WRITTEN] == before
    assert {one.event for one in Entry.objects.order_by("pk")[entries:]} == {
        "governance.job.started", "governance.job.finished", "collections.dry_run.ordered", "collections.dry_run.done",
    }  # fmt: skip
    result: Any = row.result
    assert [(one["from"], one["to"], one["cases"]) for one in result["cells"]] == [("path:gentle", "path:firm", 1)]
    assert result["cells"][0]["amount"] == str(case.overdue_amount)
    assert result["base"]["next"] == {"sms": 1}
    month = result["base"]["spans"]["30"]
    assert month["planned"]["sms"] >= 1 and month["cost"]["sms"] == str((D("0.05") * month["planned"]["sms"]).quantize(D("0.01")))
    # the page says it, and leads to the case
    page = page_of(cast.collections_supervisor)
    shown = page.get(reverse("treatment-dry-run", args=[row.public_id])).content.decode()
    assert "1 of 1 cases would be treated otherwise" in shown
    assert not dry_run_words.behind("x~y").among(Case.objects.all(), cast.collections_supervisor).exists()
    behind = page.get(dry_run_words.address(row, "path:gentle", "path:firm")).content.decode()
    assert case.public_id in behind and case.customer.name not in behind
    assert case.public_id not in page.get(dry_run_words.address(row, "path:firm", "path:firm")).content.decode()
    assert row.public_id in page.get(reverse("treatments")).content.decode()
    sheets = dry_run_words.as_file(row)
    assert [len(sheet.rows[0]) == len(sheet.heads) for sheet in sheets] == [True, True, True]


@pytest.mark.django_db
def test_a_release_does_what_the_dry_run_said(case: Case, draft: StrategyVersion, cast: Cast) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    row = ran(cast, drawn(draft, all_firm))
    StrategyVersion.objects.filter(strategy=draft.strategy_id, status="live").update(status="retired", retired_at=MORNING)
    StrategyVersion.objects.filter(pk=draft.pk).update(status="live", live_at=MORNING)
    treatment_runs.work([case.pk], at=MORNING)
    step = TreatmentStep.objects.get(status="planned")
    assert row.result is not None and row.result["draft"]["next"] == {step.action: 1} and step.entry.path == "firm"


@pytest.mark.django_db
def test_what_the_contact_policy_would_hold_back_is_counted(case: Case, draft: StrategyVersion, cast: Cast) -> None:
    from customers import contacts
    from governance import users

    contacts.bar(case.customer, channel="call", reason="stop", actor=users.system(), at=MORNING)
    result: Any = ran(cast, drawn(draft, all_firm)).result
    for side in ("base", "draft"):
        month = result[side]["spans"]["30"]
        assert month["block"].get("call", 0) == month["planned"].get("call", 0) == month["rules"].get("contact.stop", 0)


@pytest.mark.django_db
def test_a_case_a_version_cannot_judge_is_counted_and_named(case: Case, draft: StrategyVersion, cast: Cast, page_of: Any) -> None:
    schema = copy.deepcopy(draft.input_schema)
    schema["facts"] = [one | {"max": "1"} if one["name"] == "overdue_amount" else one for one in schema["facts"]]
    StrategyVersion.objects.filter(pk=draft.pk).update(input_schema=schema, sha256="f" * 64)
    row = ran(cast, StrategyVersion.objects.select_related("strategy").get(pk=draft.pk))
    assert row.result is not None and [(one["to"], one["cases"]) for one in row.result["cells"]] == [("none:", 1)]
    shown = page_of(cast.collections_supervisor).get(reverse("treatment-dry-run", args=[row.public_id])).content.decode()
    assert "could not judge" in shown and case.public_id in shown
    assert TreatmentDryRunCase.objects.get().why


@pytest.mark.django_db
def test_what_cannot_be_compared_is_refused_at_its_field(draft: StrategyVersion, cast: Cast) -> None:
    live = treatment_experiments.champion()
    with pytest.raises(Invalid, match="different"):
        dry_runs.start(draft, base=draft, actor=cast.collections_supervisor, at=MORNING)
    broken = drawn(draft, lambda _nodes, graph: graph.update(edges=[]))
    with pytest.raises(dry_runs.Unrunnable) as refused:
        dry_runs.start(broken, base=live, actor=cast.collections_supervisor, at=MORNING)
    assert "cannot be run as it is drawn" in str(refused.value)
    assert not TreatmentDryRun.objects.exists()


@pytest.mark.django_db
def test_a_part_costs_the_same_queries_however_many_cases_it_holds(case: Case, make_customer: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            dry_runs.one_part(treatment_runs.case_ids(), planner(), dry_run_math.Sums(), Counter(), at=MORNING)
        return len(seen)

    alone = queries()
    for _n in range(3):
        Case.objects.create(customer=make_customer(), legal_entity=case.legal_entity, branch=case.branch, opened_on=case.opened_on)
    assert queries() == alone


@pytest.mark.django_db
def test_over_http_it_is_ordered_and_read(case: Case, draft: StrategyVersion, cast: Cast, api_of: Any) -> None:
    api = api_of("cases:read", "cases:write", user=cast.person("steering", "collections_supervisor", cast.east, kind="service"))
    made = api.post("/api/v1/treatment-dry-runs/", {"draft": draft.number}, format="json")
    assert made.status_code == 201 and made.json()["found"] is None and made.json()["base"] == 1
    dry_runs.run(TreatmentDryRun.objects.get().pk, clock=lambda: datetime(2026, 4, 11, 2, tzinfo=UTC))
    found = api.get(f"/api/v1/treatment-dry-runs/{made.json()['id']}/").json()
    assert found["job_status"] == "done" and found["found"]["cases"] == 1 and found["found"]["cells"][0]["source"] == "path:gentle"
    assert api.post("/api/v1/treatment-dry-runs/", {"draft": 99}, format="json").status_code == 422
