"""The behaviour score: from features to a score, to warnings and proposals; nothing is raised by itself."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from threading import Barrier, Thread
from time import perf_counter
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from credit import risk_lines
from credit.models import Loan, Transaction
from crm.celery import app
from governance.lifecycle import IllegalMove
from governance.models import ChangeRequest
from ledger import deliveries as outbox
from ledger import log
from ledger.models import Delivery, Entry
from risk import behaviour, behaviour_rules, behaviour_tasks, feature_values, home_blocks, limit_proposals, limit_source
from risk.limit_source import OpenLine
from risk.models import BehaviourScore, LimitProposal, RiskAlert, ScorecardVersion
from tests.credit.conftest import Desk
from tests.credit.conftest import desk as desk  # noqa: PLC0414  fixtures
from tests.credit.conftest import line as line  # noqa: PLC0414
from tests.credit.portfolio import multiply
from tests.fixtures.cast import NOON, TODAY, Cast
from tests.risk.behaviours import live_behaviour, score_of
from tests.risk.test_outcomes import pay

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


@pytest.fixture
def version(cast: Cast) -> ScorecardVersion:
    return live_behaviour(cast.system)


def held() -> behaviour_rules.Held:
    return behaviour_rules.holding(TODAY)


def test_a_fact_is_answered_by_one_score(version: ScorecardVersion, desk: Desk, cast: Cast) -> None:
    loan = desk.loan()
    made = behaviour.after_fact(loan.customer_id, since=NOON, at=LATER, actor=cast.system)
    assert made is not None and made.as_of == LATER and made.cause == "fact"
    assert made.features["outstanding"] == "12000.00"
    values = feature_values.online(loan.customer_id, as_of=LATER)
    assert made.score == behaviour.card_of(version).score(values).score
    assert behaviour.after_fact(loan.customer_id, since=NOON + timedelta(hours=1), at=LATER, actor=cast.system) is None, "seen already"
    assert behaviour.after_fact(loan.customer_id, since=LATER + timedelta(1), at=LATER + timedelta(2), actor=cast.system) is not None
    assert BehaviourScore.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_who_hear_of_one_moment_store_one_score_and_both_speak_of_it(version: ScorecardVersion, line: Loan, cast: Cast) -> None:
    """Neither goes on with a row that was not stored: a proposal names the score it rests on."""
    start, told, problems = Barrier(2), [], []

    def hear() -> None:
        try:
            start.wait()
            told.append(behaviour.after_fact(line.customer_id, since=NOON, at=LATER, actor=cast.system))
        except Exception as error:  # noqa: BLE001  told to the test
            problems.append(error)
        finally:
            connections.close_all()

    behaviour.card_of(version)
    workers = [Thread(target=hear) for _n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert problems == []
    stored = BehaviourScore.objects.get()
    assert {one.pk for one in told if one is not None} == {stored.pk}


def test_the_ledger_brings_facts(version: ScorecardVersion, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    loan = desk.loan()
    desk.pay(loan, "500.00")
    entry = Entry.objects.filter(event="credit.repayment.received").latest("pk")
    behaviour_tasks.score_after_fact(entry=entry)
    behaviour_tasks.score_after_fact(entry=entry)
    assert BehaviourScore.objects.get().customer_id == loan.customer_id


def test_a_new_fact_is_in_the_score_within_a_minute_though_the_broker_lost_it_and_a_worker_failed(
    version: ScorecardVersion, desk: Desk
) -> None:
    """The longest way by the intervals of the beat table: lost, swept up, failed once, waited, swept up again, scored. 40 s and the scoring."""
    loan = desk.loan()
    with log.without_broker():
        desk.pay(loan, "500.00")
    entry = Entry.objects.filter(event="credit.repayment.received").latest("pk")
    delivery = Delivery.objects.get(entry=entry, handler__endswith="score_after_fact")
    sweep = timedelta(seconds=app.conf.beat_schedule["ledger-sweep"]["schedule"])
    at = delivery.due_at + sweep  # nobody was told: the sweep finds it
    assert delivery.pk in outbox.due(at=at)
    claimed = outbox.claim(delivery.pk, at=at)
    assert claimed is not None
    outbox.fail(claimed, "the database was away", at=at)
    at += outbox.backoff(1) + sweep
    assert delivery.pk in outbox.due(at=at)
    began = perf_counter()
    assert outbox.run(delivery.pk, at=at)
    took = timedelta(seconds=perf_counter() - began)
    assert BehaviourScore.objects.get().customer_id == loan.customer_id
    assert at - delivery.due_at == timedelta(seconds=40) and at - delivery.due_at + took < timedelta(seconds=60), took


def test_nobody_is_scored_without_a_live_model_or_a_debt(desk: Desk, cast: Cast, make_customer: Any) -> None:
    loan = desk.loan()
    assert behaviour.after_fact(loan.customer_id, since=NOON, at=LATER, actor=cast.system) is None
    assert behaviour.monthly(on=TODAY, at=LATER, actor=cast.system) == 0
    live_behaviour(cast.system)
    assert behaviour.after_fact(make_customer().pk, since=NOON, at=LATER, actor=cast.system) is None


def test_the_month_scores_every_borrower_once(version: ScorecardVersion, desk: Desk, cast: Cast, make_customer: Any) -> None:
    loans = [desk.loan() for _ in range(3)]
    make_customer()
    on = date(2026, 3, 31)
    at = datetime(2026, 4, 1, 3, tzinfo=UTC)
    with CaptureQueriesContext(connection) as three:
        assert behaviour.monthly(on=on, at=at, actor=cast.system) == 3
    assert set(BehaviourScore.objects.values_list("customer_id", flat=True)) == {loan.customer_id for loan in loans}
    assert behaviour.monthly(on=on, at=at, actor=cast.system) == 0 and BehaviourScore.objects.count() == 3
    for _ in range(4):
        desk.loan()
    with CaptureQueriesContext(connection) as seven:
        assert behaviour.monthly(on=date(2026, 4, 30), at=at + timedelta(days=30), actor=cast.system) == 7
    assert len(seven) <= len(three)


def test_warnings_follow_the_score_and_pass(version: ScorecardVersion, desk: Desk, cast: Cast) -> None:
    customer = desk.loan().customer
    behaviour.settle([score_of(customer, version, pd=D("0.45"))], at=NOON, actor=cast.system)
    alert = RiskAlert.objects.get()
    assert (alert.kind, alert.level, alert.customer_id, alert.value) == ("early_warning", "watch", customer.pk, D("0.45"))
    behaviour.settle([score_of(customer, version, pd=D("0.70"), as_of=LATER)], at=LATER, actor=cast.system)
    alert.refresh_from_db()
    assert alert.level == "act" and RiskAlert.objects.count() == 1
    older = score_of(customer, version, pd=D("0.01"), as_of=NOON - timedelta(days=9))
    behaviour.settle([older], at=LATER, actor=cast.system)
    alert.refresh_from_db()
    assert alert.passed_on is None, "an older score says nothing about today"
    behaviour.settle([score_of(customer, version, pd=D("0.02"), as_of=LATER + timedelta(1))], at=LATER + timedelta(1), actor=cast.system)
    alert.refresh_from_db()
    assert alert.passed_on is not None and alert.status == "open"


def test_who_is_late_already_is_no_early_warning(version: ScorecardVersion, desk: Desk, cast: Cast) -> None:
    score = score_of(desk.loan().customer, version, pd=D("0.9"), features={"days_late": 45})
    behaviour.settle([score], at=NOON, actor=cast.system)
    assert not RiskAlert.objects.exists()


def test_the_order_of_calls_is_by_expected_loss(version: ScorecardVersion, make_customer: Any) -> None:
    one, two, three = (make_customer() for _ in range(3))
    score_of(one, version, pd=D("0.10"), features={"outstanding": "10000.00"})
    score_of(two, version, pd=D("0.50"), features={"outstanding": "3000.00"})
    assert behaviour.priorities([one.pk, two.pk, three.pk]) == {one.pk: D("1000.00"), two.pk: D("1500.00")}


# --- proposals -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("pd", "months", "limit", "used", "late", "wanted"),
    [
        ("0.40", 12, "20000", "3000", False, "10000"),
        ("0.40", 12, "20000", "14250", False, "14300"),
        ("0.40", 12, "20000", "20000", False, None),
        ("0.01", 12, "20000", "3000", False, "24000"),
        ("0.01", 12, "45000", "0", False, "50000"),
        ("0.01", 12, "50000", "0", False, None),
        ("0.01", 2, "20000", "3000", False, None),
        ("0.01", 12, "20000", "3000", True, None),
        ("0.10", 12, "20000", "3000", False, None),
    ],
)
def test_which_limit_a_score_speaks_for(pd: str, months: int, limit: str, used: str, late: bool, wanted: str | None) -> None:
    score = BehaviourScore(pd=D(pd), features={"months_on_book": months})
    found = limit_proposals.proposed(OpenLine(1, "x", D(limit), D(used), late, D("50000")), score, held())
    assert found == (None if wanted is None else D(wanted))


def test_a_score_that_came_without_its_key_proposes_by_the_stored_one(version: ScorecardVersion, line: Loan, cast: Cast) -> None:
    stored = score_of(line.customer, version)
    told = BehaviourScore(customer=line.customer, scorecard_version=version, score=stored.score, pd=stored.pd, as_of=stored.as_of)
    behaviour.settle([told], at=NOON, actor=cast.system)  # as after a fact that two workers heard of
    assert LimitProposal.objects.get().score == stored


def test_a_lower_limit_holds_once_approved(version: ScorecardVersion, line: Loan, cast: Cast) -> None:
    behaviour.settle([score_of(line.customer, version)], at=NOON, actor=cast.system)
    proposal = LimitProposal.objects.get()
    assert (proposal.direction, proposal.limit_now, proposal.limit_proposed) == ("down", D("20000"), D("10000"))
    line.refresh_from_db()
    assert line.principal == D("20000"), "a proposal changes nothing"
    limit_proposals.approve(proposal, actor=cast.underwriter, at=NOON)
    risk_lines.follow(LimitProposal.objects.select_related("decided_by").get(), at=NOON)
    risk_lines.follow(LimitProposal.objects.select_related("decided_by").get(), at=NOON)
    line.refresh_from_db()
    assert line.principal == D("10000") and Transaction.objects.filter(loan=line, key__startswith="limit-proposal").count() == 1
    proposal.refresh_from_db()
    assert (proposal.status, proposal.outcome) == ("done", "done")
    with pytest.raises(IllegalMove):
        limit_proposals.refuse(proposal, actor=cast.underwriter, at=NOON)


def test_a_higher_limit_needs_consent_and_a_second_person(version: ScorecardVersion, line: Loan, cast: Cast) -> None:
    behaviour.settle([score_of(line.customer, version, pd=D("0.01"))], at=NOON, actor=cast.system)
    proposal = LimitProposal.objects.get()
    assert (proposal.direction, proposal.limit_proposed) == ("up", D("24000"))
    for wrong in ({}, {"consent_on": TODAY}, {"consent_on": TODAY + timedelta(5), "consent_channel": "phone"}):
        with pytest.raises(limit_proposals.NoConsent):
            limit_proposals.approve(proposal, actor=cast.underwriter, at=NOON, **wrong)
    limit_proposals.approve(proposal, actor=cast.underwriter, at=NOON, consent_on=TODAY, consent_channel="phone")
    risk_lines.follow(LimitProposal.objects.select_related("decided_by").get(), at=NOON)
    line.refresh_from_db()
    assert line.principal == D("20000") and ChangeRequest.objects.filter(subject=line.public_id, status="open").count() == 1
    proposal.refresh_from_db()
    assert (proposal.status, proposal.outcome) == ("done", "proposed")


def test_what_the_line_no_longer_allows_ends_the_proposal(version: ScorecardVersion, line: Loan, cast: Cast) -> None:
    behaviour.settle([score_of(line.customer, version)], at=NOON, actor=cast.system)
    proposal = LimitProposal.objects.get()
    Loan.objects.filter(pk=line.pk).update(principal_outstanding=D("15000"), undrawn=D("5000"))
    limit_proposals.approve(proposal, actor=cast.underwriter, at=NOON)
    done = risk_lines.follow(LimitProposal.objects.select_related("decided_by").get(), at=NOON)
    assert done.status == "failed" and done.outcome


def test_a_better_score_lets_a_proposal_lapse(version: ScorecardVersion, line: Loan, cast: Cast) -> None:
    behaviour.settle([score_of(line.customer, version)], at=NOON, actor=cast.system)
    behaviour.settle([score_of(line.customer, version, pd=D("0.10"), as_of=LATER)], at=LATER, actor=cast.system)
    assert LimitProposal.objects.get().status == "lapsed"


# --- who fell behind -----------------------------------------------------------------------------------------------
def test_performance_looks_only_at_the_months_after(desk: Desk) -> None:
    """Due on the 2nd of each month from April: who stops in June is 30 days late in July; who stops in April is so by May."""
    first = desk.loan()
    multiply(first, 2)
    loans = list(Loan.objects.filter(pk__gte=first.pk).order_by("pk"))
    customers = [loan.customer_id for loan in loans[:1]]
    pay(loans[0], n3=None)
    for other in loans[1:]:
        Loan.objects.filter(pk=other.pk).update(status="cancelled", principal_outstanding=0, settled_at=NOON)
    days = [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31), date(2026, 7, 31)]
    observed = [(customers[0], day) for day in days] + [(customers[0], date(2026, 1, 1))]
    found = limit_source.performance(observed, months=3, bad_dpd=30)
    assert found == {0: False, 1: True, 2: True}, "on 31 July it is 59 days late already; in January nothing was owed"


# --- pages ---------------------------------------------------------------------------------------------------------
def test_the_pages_of_a_proposal(version: ScorecardVersion, line: Loan, cast: Cast, page_of: Any) -> None:
    behaviour.settle([score_of(line.customer, version, pd=D("0.01"))], at=NOON, actor=cast.system)
    proposal, browser = LimitProposal.objects.get(), page_of(cast.underwriter)
    at = f"/risk/limit-proposals/{proposal.public_id}/"
    assert proposal.public_id in browser.get("/risk/limit-proposals/?status=open").text
    assert "24,000.00" in browser.get(at).text
    (row,) = home_blocks.open_proposals(cast.underwriter, NOON)
    assert row["who"] == proposal.public_id and row["amount"] == D("24000")
    key = {"form_key": "5b0f0a6e-7a3c-4a7e-9b60-2f1f4b6f0a12"}
    assert browser.post(f"{at}approve/", key).status_code == 422
    assert browser.post(f"{at}approve/", key | {"consent_on": "2026-03-01", "consent_channel": "phone"}).status_code == 303
    assert browser.post(f"{at}refuse/").status_code == 409
    panel = page_of(cast.loan_officer).get(f"/risk/customers/{line.customer.public_id}/behaviour/").text
    assert "1.0%" in panel and "Lateness." in panel
    assert page_of(cast.loan_officer).get(at).status_code == 403
