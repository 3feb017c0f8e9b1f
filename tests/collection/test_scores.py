"""Scores of cases: as they stood then, no later fact; the bucket's rate while no model is live; the best hour; the queue tried on past days."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from collection import priority, queue_backtests, score_best, score_rows, scores
from collection.models import Case, CaseDebt, CaseScore, Contact, QueueBacktest
from collection.score_best import best
from collection.score_rows import Stood
from credit.models import Loan, Posting, Transaction
from crm.lib.errors import Invalid
from customers.models import Customer
from governance.models import Job, LegalEntity
from risk import gains, registry
from risk.models import VersionStatus
from tests.collection.conftest import AFTER, Floor
from tests.credit.portfolio import multiply
from tests.fixtures.cast import Cast

ZONE = "Asia/Shanghai"
THEN = datetime(2026, 4, 11, 16, tzinfo=UTC)  # the start of 12 April in Shanghai, the day after the case was opened
AT = datetime(2026, 4, 11, 2, tzinfo=UTC)


def row(**changes: Any) -> Stood:
    told: dict[str, Any] = {
        "as_of": THEN, "case_id": 1, "customer_id": 1, "overdue": D(100), "balance": D(1000), "dpd": 8, "cured": False, "contacted": False,
        "rolled": False, "cash": D(0),
    }  # fmt: skip
    return Stood(**told | changes)


# --- the best way, pure --------------------------------------------------------------------------------------------
HOUSE = {("call", 10): (100, 30), ("call", 18): (100, 40), ("sms", 18): (50, 10), ("email", 20): (19, 19), ("call", 22): (500, 500)}
DAY = {"opens": 480, "closes": 1_320}


@pytest.mark.parametrize(
    ("own", "barred", "found"),
    [
        ({}, (), ("call", 18, D("0.4000"), 0)),  # the house's best
        ({("call", 10): (10, 9)}, (), ("call", 10, D("0.7000"), 10)),  # (9 + 5 x 0.3) / 15
        ({("call", 10): (1, 1)}, (), ("call", 10, D("0.4167"), 1)),  # one answer moves it a little: (1 + 1.5) / 6
        ({("call", 18): (10, 0)}, (), ("call", 10, D("0.3000"), 0)),
        ({}, ("call",), ("sms", 18, D("0.2000"), 0)),  # a stopped channel is nobody's best
        ({}, ("call", "sms"), None),  # of e-mails the house knows too few
    ],
)  # fmt: skip
def test_the_best_way_is_the_drawn_share(own: Any, barred: Any, found: Any) -> None:
    told = best(own, HOUSE, barred=barred, **DAY)
    assert (told and (told.channel, told.hour, told.rate, told.tries)) == found


CELLS = st.dictionaries(st.tuples(st.sampled_from(score_best.CHANNELS), st.integers(0, 11).map(lambda n: n * 2)), st.just((40, 20)))


@given(st.integers(0, 1_439), st.integers(0, 1_439), CELLS)
def test_nothing_is_recommended_outside_the_hours_of_contact(opens: int, closes: int, house: Any) -> None:
    told = best({}, house, opens=opens, closes=closes, barred=())
    assert told is None or (opens <= told.hour * 60 and (told.hour + score_best.BAND) * 60 <= closes)


# --- rates of buckets, pure ----------------------------------------------------------------------------------------
def test_the_rate_of_a_bucket_is_drawn_towards_all() -> None:
    """M1: 60 of 100 came so, M2: 0 of 50. Of all 40 %: (60 + 30 x 0.4) / 130 and (0 + 12) / 80; nobody was in M3: 40 %."""
    rows = [row(rolled=n < 60) for n in range(100)] + [row(dpd=45) for _ in range(50)]
    rates = scores.bucket_rates(scores.ROLL, rows)
    assert (rates[1], rates[2], rates[3]) == (D("0.5538"), D("0.1500"), D("0.4000"))


def test_too_few_cases_have_no_rate_and_a_contact_hides_whether_one_pays_by_oneself() -> None:
    assert scores.bucket_rates(scores.ROLL, [row() for _ in range(49)]) == {}
    assert scores.bucket_rates(scores.CURE, [row(contacted=True, cured=True) for _ in range(400)]) == {}


def test_moments_are_mondays_whose_outcome_is_over() -> None:
    found = scores.moments(until=date(2026, 6, 18), horizon=14, zone=ZONE, weeks=3)
    assert [each.date() for each in found] == [date(2026, 5, 18), date(2026, 5, 25), date(2026, 6, 1)]


# --- gain curves, pure ---------------------------------------------------------------------------------------------
def test_gains_by_hand() -> None:
    """Ten cases, 100 came from two. The first fifth is two calls: an order that names both has all, one that names one 60, the worst none."""
    came = [60, 40, *[0] * 8]
    orders = {"good": [9, 8, *[1] * 8], "half": [9, 0, *[5] * 8], "bad": [0, 0, *[5] * 8]}
    found = {one["order"]: one for one in gains.compared(came, orders, to="good")}
    assert [found[name]["first"] for name in ("good", "half", "bad")] == [1.0, 0.6, 0.0]
    assert found["bad"]["house_more"] == 1.0 and found["good"]["house_more"] == 0.0
    assert found["half"]["curve"][0] == 0.0 and found["half"]["curve"][-1] == pytest.approx(1.0)
    assert found["half"]["low"] <= 0.6 <= found["half"]["high"]


# --- as it stood ---------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_comes_later_changes_the_outcome_and_nothing_that_was_known(floor: Floor) -> None:
    loan = floor.late_loan()
    floor.close(date(2026, 4, 11))
    asked: dict[str, Any] = {"zone": ZONE, "cure_days": 14}
    (before,) = score_rows.stood(floor.cast.entity.pk, [THEN], **asked)
    assert before.dpd == 10 and before.overdue > 0 and not before.cured and before.self_cured is False
    floor.pay_all_overdue(loan, AFTER + timedelta(days=1))
    (after,) = score_rows.stood(floor.cast.entity.pk, [THEN], **asked)
    assert (after.overdue, after.balance, after.dpd) == (before.overdue, before.balance, before.dpd)
    assert after.cured and after.self_cured and after.cash >= before.overdue and not after.rolled
    case = Case.objects.get()
    told = {"next_action": "call", "next_action_on": date(2026, 4, 13), "actor": floor.cast.collector}
    Contact.objects.create(case=case, channel="call", outcome="no_answer", at=THEN + timedelta(hours=3), **told)
    (contacted,) = score_rows.stood(floor.cast.entity.pk, [THEN], **asked)
    assert contacted.cured and contacted.self_cured is None
    assert score_rows.stood(floor.cast.entity.pk, [THEN - timedelta(days=5)], **asked) == []  # no case then


# --- nights --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_night_without_history_says_so_and_twice_is_once(floor: Floor, page_of: Any) -> None:
    case = floor.case()
    for _turn in range(2):
        assert scores.score_all(floor.cast.entity, at=AT) == 1
    made = CaseScore.objects.get(case=case)
    assert (made.cure, made.cure_by, made.roll_by, made.channel) == (None, "", "", "")
    shown = page_of(floor.cast.collector).get(reverse("case-scores", args=[case.public_id])).content.decode()
    assert "too little history of the house" in shown


def learned(chance: random.Random, rows: int) -> list[dict[str, Any]]:
    """Made cases: the longer late and the more promises broken, the likelier they get graver. No house's."""
    found = []
    for _n in range(rows):
        late, broken = chance.randrange(1, 90), chance.randrange(0, 4)
        told: dict[str, Any] = {name: chance.randrange(0, 5) for name in scores.FEATURES}
        bad = chance.random() < 0.05 + 0.006 * late + 0.1 * broken
        found.append(told | {"days_late": late, "promises_broken_12m": broken, "bad": int(bad)})
    return found


@pytest.mark.django_db
def test_a_model_is_a_draft_until_people_let_it_score(floor: Floor, page_of: Any) -> None:
    chance = random.Random(7)
    sample = scores.Sample(learned(chance, 900), learned(chance, 300), date(2026, 3, 2))
    with pytest.raises(scores.TooLittleHistory, match="Too little history"):
        scores.fitted(scores.ROLL, scores.Sample(sample.fitted[:400], sample.held_out, date(2026, 3, 2)), until=date(2026, 4, 1), actor=floor.cast.system, at=AT)  # fmt: skip
    version = scores.fitted(scores.ROLL, sample, until=date(2026, 4, 1), actor=floor.cast.system, at=AT)
    assert version.status == VersionStatus.DRAFT and version.metrics["holdout"]["auc"] > 0.65 and version.metrics["ece"] < 0.12
    assert str(version) in page_of(floor.cast.risk_manager).get(reverse("collection-scores")).content.decode()
    case = floor.case()
    scores.score_all(floor.cast.entity, at=AT)
    assert CaseScore.objects.get(case=case).roll_by == ""
    registry.make_live(version, actor=floor.cast.system, at=AT)
    scores.score_all(floor.cast.entity, at=AT)
    made = CaseScore.objects.get(case=case)
    for person in (floor.cast.collections_supervisor, floor.cast.risk_manager):
        shown = page_of(person).get(reverse("collection-scores")).content.decode()
        assert str(version) in shown and f"{version.metrics['holdout']['auc']:.3f}" in shown
    assert made.roll_by == "model" and made.roll_version == version and 0 < (made.roll or 0) < 1 and not made.orders


@pytest.mark.django_db
def test_the_queue_takes_its_chance_from_a_model_only_where_the_rule_says_so(floor: Floor) -> None:
    case = floor.case()
    stake = priority.Stake(1, case.customer_id, D("100.00"), 1)
    formula = priority.expected([stake])[1]
    made = CaseScore.objects.create(case=case, roll=D("0.9000"), roll_by="model", as_of=AT)
    assert priority.expected([stake])[1] == formula
    CaseScore.objects.filter(pk=made.pk).update(orders=True)
    assert priority.expected([stake])[1] == D("10.00")


# --- the queue on a past day ---------------------------------------------------------------------------------------
@pytest.fixture
def past(floor: Floor, make_customer: Any) -> Floor:
    """Twenty-four cases of a day in April; money came in May from the three with the largest overdue amounts."""
    first = floor.desk.loan()
    multiply(first, 23)
    loans = list(Loan.objects.filter(pk__gte=first.pk).order_by("pk"))
    template = Customer.objects.get(pk=first.customer_id)
    people = [template, *(make_customer() for _ in range(23))]
    cases = []
    for loan, customer in zip(loans, people, strict=True):
        Loan.objects.filter(pk=loan.pk).update(customer=customer)
        cases.append(
            Case(customer=customer, legal_entity=floor.cast.entity, branch=first.branch, channel=first.channel, opened_on=date(2026, 4, 5))
        )
    Case.objects.bulk_create(cases)
    CaseDebt.objects.bulk_create([CaseDebt(case=case, loan=loan) for case, loan in zip(cases, loans, strict=True)])
    for loan in loans[:3]:
        loan.installments.filter(seq=1).update(principal=D("5000.00"))
        made = Transaction.objects.create(loan=loan, kind="repayment", amount=D("500.00"), value_on=date(2026, 4, 20), at=AT, actor=floor.cast.system, key="x")  # fmt: skip
        for account, sign in (("cash", 1), ("principal", -1)):
            Posting.objects.create(transaction=made, account=account, amount=D("500.00") * sign)
    LegalEntity.objects.filter(pk=floor.cast.entity.pk).update(business_date=date(2026, 8, 1))
    floor.cast.entity.refresh_from_db()
    return floor


@pytest.mark.django_db
def test_the_orders_of_a_past_day_are_held_against_each_other(past: Floor, page_of: Any, cast: Cast) -> None:
    """Four calls of twenty-four: the queue puts the three largest first and has all the cash; by days past due all are alike."""
    at = datetime(2026, 8, 1, 2, tzinfo=UTC)
    with pytest.raises(Invalid, match="not over yet"):
        queue_backtests.start(cast.entity, day=date(2026, 7, 20), days=30, actor=cast.collections_supervisor, at=at)
    made = queue_backtests.start(cast.entity, day=date(2026, 4, 11), days=30, actor=cast.collections_supervisor, at=at)
    queue_backtests.run(made.pk, clock=lambda: at)
    queue_backtests.run(made.pk, clock=lambda: at)  # another worker comes late
    made = QueueBacktest.objects.get(pk=made.pk)
    assert made.result is not None and made.result["cases"] == 24 and made.result["payers"] == 3 and made.result["cash"] == "1500.00"
    orders = {one["order"]: one for one in made.result["orders"]}
    assert set(orders) == {"house", "balance", "late"} and orders["house"]["first"] == 1.0 and orders["late"]["house_more"] >= 0
    shown = page_of(cast.collections_supervisor).get(reverse("queue-backtest", args=[made.public_id])).content.decode()
    assert "The first fifth of the queue" in shown and "No model of roll-forward is live" in shown
    assert made.public_id in page_of(cast.collections_supervisor).get(reverse("collection-scores")).content.decode()


@pytest.mark.django_db
def test_a_day_with_too_few_cases_ends_with_a_sentence(floor: Floor) -> None:
    floor.case()
    at = datetime(2026, 8, 1, 2, tzinfo=UTC)
    LegalEntity.objects.filter(pk=floor.cast.entity.pk).update(business_date=date(2026, 8, 1))
    floor.cast.entity.refresh_from_db()
    made = queue_backtests.start(floor.cast.entity, day=date(2026, 4, 11), days=30, actor=floor.cast.collections_supervisor, at=at)
    queue_backtests.run(made.pk, clock=lambda: at)
    made.job.refresh_from_db()
    assert made.job.status == Job.Status.FAILED and "too little to compare" in str(made.job.problems)
