"""Cases along their paths: what begins, what is done, what ends it, and that each step is taken once."""

import copy
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as some

from collection import placements, queues, treatment_facts, treatment_judge, treatment_runs, treatment_sending, treatment_shape
from collection.models import Case, CaseScore, Contact, TreatmentEntry, TreatmentStep
from customers import contacts, outbox
from customers.models import Message
from risk import kinds
from tests.collection.test_treatment_strategy import CALM

MORNING = datetime(2026, 4, 11, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai, the day after the case was opened


@pytest.fixture
def case(floor: Any) -> Case:
    found: Case = floor.case()
    TreatmentStep.objects.all().delete()
    TreatmentEntry.objects.all().delete()
    return found


def steps(case: Case) -> list[tuple[str, str, str]]:
    rows = TreatmentStep.objects.filter(entry__case=case).order_by("pk")
    return list(rows.values_list("name", "status", "why"))


def on(day: int, hour: int = 4) -> datetime:
    return MORNING.replace(hour=hour) + timedelta(days=day)


@pytest.mark.django_db
def test_a_case_enters_a_path_and_its_next_step_is_planned(case: Case) -> None:
    done = treatment_runs.work([case.pk], at=MORNING)
    assert (done.began, done.planned, done.taken) == (1, 1, 0)
    entry = TreatmentEntry.objects.get(case=case)
    assert (entry.path, entry.status, entry.entered_amount) == ("gentle", "running", case.overdue_amount)
    assert steps(case) == [("g-sms", "planned", "")]
    again = treatment_runs.work([case.pk], at=MORNING)
    assert (again.began, again.planned, again.taken) == (0, 0, 0)


@pytest.mark.django_db
def test_a_message_leaves_through_the_gate_and_its_step_says_so(case: Case, gateway: Any) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    assert treatment_runs.work_due(at=on(1, 1)).taken == 0  # 09:00: its hour is ten
    assert treatment_runs.work_due(at=on(1, 3)).taken == 1
    message = Message.objects.get(key__startswith="treatment:")
    assert (message.purpose, message.template.code) == ("collection", "treatment.notice")
    outbox.send_due(clock=lambda: on(1, 3), seconds=5)
    message.refresh_from_db()
    assert message.status == "sent"
    assert treatment_sending.follow() == 1
    assert steps(case)[0] == ("g-sms", "sent", "")
    assert treatment_sending.follow() == 0


@pytest.mark.django_db
def test_a_version_says_what_it_did_so_far(case: Case, gateway: Any) -> None:
    """The page of a strategy shows these instead of credit decisions."""
    treatment_runs.work([case.pk], at=MORNING)
    version = TreatmentEntry.objects.select_related("version__strategy").get(case=case).version
    used = kinds.of(version.strategy.kind).used
    assert used is not None
    assert [(str(label), figure) for label, figure in used(version)] == [("Cases entered", "1"), ("Steps done", "0"), ("Paths ended", "0")]
    treatment_runs.work_due(at=on(1, 3))
    outbox.send_due(clock=lambda: on(1, 3), seconds=5)
    treatment_sending.follow()
    TreatmentEntry.objects.filter(case=case).update(status="ended", ended_why="paid", ended_at=on(2))
    assert [figure for _label, figure in used(version)] == ["1", "1", "1"]


@pytest.mark.django_db
def test_the_desk_gets_the_call_as_its_next_action(case: Case) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    TreatmentEntry.objects.filter(case=case).update(through_day=6, through_step="g-sms2")
    TreatmentStep.objects.filter(entry__case=case).delete()
    treatment_runs.work([case.pk], at=on(8))
    assert treatment_runs.work_due(at=on(9)).taken == 1
    case.refresh_from_db()
    assert (case.next_action, str(case.next_action_on)) == ("call", "2026-04-20")


@pytest.mark.django_db
def test_nothing_leaves_once_it_is_paid_even_a_moment_before(case: Case, floor: Any) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    treatment_runs.work_due(at=on(1, 3))
    message = Message.objects.get(key__startswith="treatment:")
    floor.pay_all_overdue(case.debts.get().loan, at=on(1, 3))
    outbox.send_due(clock=lambda: on(1, 4), seconds=5)
    message.refresh_from_db()
    assert message.status == "cancelled"
    treatment_runs.end_gone(at=on(1, 4))
    treatment_sending.follow()
    entry = TreatmentEntry.objects.get(case=case)
    assert (entry.status, entry.ended_why) == ("ended", "paid")
    assert steps(case)[0][1] == "exited"


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["dispute", "hardship", "complaint", "deceased"])
def test_what_the_customer_said_ends_the_path_before_its_next_step(case: Case, outcome: str) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    from governance import users

    Contact.objects.create(
        case=case, channel="call", outcome=outcome, at=MORNING, actor=users.system(), next_action="call", next_action_on=MORNING.date()
    )
    treatment_runs.work_due(at=on(1))
    entry = TreatmentEntry.objects.get(case=case)
    assert (entry.status, entry.ended_why) == ("ended", outcome)
    assert steps(case) == [("g-sms", "exited", outcome)]
    assert not Message.objects.filter(key__startswith="treatment:").exists()


@pytest.mark.django_db
def test_a_stopped_channel_is_passed_over_for_the_next_one(case: Case) -> None:
    from governance import users

    treatment_runs.work([case.pk], at=MORNING)
    contacts.bar(case.customer, channel="sms", reason="stop", actor=users.system(), at=MORNING)
    treatment_runs.work_due(at=on(1))
    assert steps(case)[0] == ("g-sms", "skipped", "condition")
    assert not Message.objects.filter(key__startswith="treatment:").exists()


@pytest.mark.django_db
def test_a_graver_bucket_is_another_path_and_a_long_standstill_takes_one_step(case: Case) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    treatment_runs.work([case.pk], at=on(20))
    rows = steps(case)
    assert [row[1] for row in rows].count("planned") <= 1
    case.debts.get().loan.__class__.objects.filter(pk=case.debts.get().loan_id).update(dpd=45, bucket=2)
    treatment_runs.work([case.pk], at=on(21))
    entries = list(TreatmentEntry.objects.filter(case=case).order_by("pk").values_list("path", "ended_why"))
    assert entries == [("gentle", "segment"), ("firm", "")]


@pytest.mark.django_db(transaction=True)
def test_two_workers_take_a_step_once(case: Case) -> None:
    treatment_runs.work([case.pk], at=MORNING)
    gate, taken = threading.Barrier(2), []

    def go() -> None:
        gate.wait()
        taken.append(treatment_runs.work([case.pk], at=on(1)).taken)
        connection.close()

    lines = [threading.Thread(target=go) for _n in range(2)]
    for line in lines:
        line.start()
    for line in lines:
        line.join()
    assert sum(taken) == 1
    assert Message.objects.filter(key__startswith="treatment:").count() == 1


BROUGHT = treatment_shape.shipped()
JUDGE = treatment_judge.Judge(BROUGHT["graph"], BROUGHT["input_schema"], BROUGHT["reasons"])
FACTS = some.fixed_dictionaries({
    "bucket": some.integers(0, 7), "dpd": some.integers(0, 400), "overdue_amount": some.sampled_from(["0.01", "199.99", "200.00", "5000.00", "9e4"[:1] + "0000.00"]),
    "outstanding": some.sampled_from(["1.00", "9999.99", "10000.00", "70000.00"]), "promises_broken": some.integers(0, 4),
    "score_band": some.sampled_from(["A", "D", "none"]), "response": some.sampled_from(["silent", "answers", "refuses"]),
    "has_mobile": some.booleans(), "has_email": some.booleans(), "dispute_open": some.booleans(), "paid": some.booleans(),
})  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(FACTS)
def test_the_short_cut_says_what_the_strategy_says(facts: dict[str, Any]) -> None:
    told = CALM | facts | {name: Decimal(facts[name]) for name in ("overdue_amount", "outstanding")}
    assert JUDGE.judge(told) == JUDGE.asked(told)


def test_the_short_cut_knows_few_cases() -> None:
    assert [name for name, _edges in JUDGE.cuts] == ["bucket", "outstanding", "overdue_amount", "promises_broken"]
    assert "dpd" not in JUDGE.exact


@pytest.mark.django_db
def test_what_the_night_reckoned_can_draw_a_path_and_an_older_version_does_not_mind(case: Case) -> None:
    """A version with a row for the chance of paying by oneself follows it; one that does not declare it judges as before."""
    CaseScore.objects.update_or_create(
        case=case, defaults={"cure": "0.8200", "cure_by": "bucket", "channel": "sms", "hour": 10, "rate": "0.5000", "as_of": MORNING}
    )
    (told,) = treatment_facts.told([case.pk], at=MORNING)
    assert (told.facts["self_cure"], told.facts["roll_forward"], told.facts["best_channel"]) == (Decimal("0.8200"), None, "sms")
    graph, schema = copy.deepcopy(BROUGHT["graph"]), copy.deepcopy(BROUGHT["input_schema"])
    segment = next(one for one in graph["nodes"] if one["id"] == "segment")["content"]
    segment["inputs"].append({"id": "segment-self_cure", "name": "Pays by oneself", "field": "self_cure"})
    row = {column["id"]: "" for column in segment["inputs"]} | {"_id": "segment-r0", "segment-self_cure": ">= 0.8"}
    segment["rules"].insert(0, row | {"segment-o-path": '"small"', "segment-o-path_reason": '"path_small"'})
    asking = treatment_judge.Judge(graph, schema, BROUGHT["reasons"])
    assert asking.judge(told.facts).path == "small"
    assert (
        asking.judge({**told.facts, "self_cure": None}).path
        == asking.judge({**told.facts, "self_cure": Decimal("0.7999")}).path
        == "gentle"
    )
    schema["facts"] = [one for one in schema["facts"] if one["name"] not in treatment_facts.UNSCORED]
    older = treatment_judge.Judge(BROUGHT["graph"], schema, BROUGHT["reasons"])
    assert older.judge(told.facts).path == "gentle"


@pytest.mark.django_db
def test_who_is_only_reminded_is_not_called_unasked(case: Case, floor: Any) -> None:
    """The hold-out arm is the control: no queue shows it, no agency gets it, until somebody agreed on a next step."""
    treatment_runs.work([case.pk], at=MORNING)
    at = on(0)
    seen = lambda: queues.waiting(floor.cast.collector, at=at).filter(pk=case.pk).exists()  # noqa: E731
    assert seen()
    TreatmentEntry.objects.filter(case=case).update(arm="holdout", experiment=None)
    assert not seen()
    assert placements.stays([case], at=at)[case.pk].code == "holdout"
    Case.objects.filter(pk=case.pk).update(next_action="call", next_action_on=at.date())
    assert seen()
