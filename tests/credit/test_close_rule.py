"""The set-based close equals the pure rule, column by column, on random portfolios; and the rule's own edges as tables."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit import classification, close_ranges, close_rules, daily, delinquency, repayments, staging
from credit.models import ClassMark, DelinquencyPause, Installment, Loan, ParkedLoan, Product, RangeMove
from tests.fixtures.cast import NOON

DAY = date(2026, 4, 2)
CLASSES = classification.Thresholds(0, 90, 270, 360, upgrade_periods=2, upgrade_months=6)
SHARES = (D("0.01"), D("0.10"), D("1"))
STAGES = staging.Staging(30, 90, 30, 90, pd={"A": SHARES, "": SHARES}, lgd=(D("0.5"), D("0.5"), D("0.8")))


@pytest.mark.parametrize(
    ("dpd", "expected"),
    [(0, 1), (1, 2), (90, 2), (91, 3), (270, 3), (271, 4), (360, 4), (361, 5)],
)
def test_class_by_days(dpd, expected):
    assert classification.by_days(dpd, CLASSES) == expected


@pytest.mark.parametrize(
    ("dpd", "floor", "was", "cured", "expected"),
    [
        (0, 1, 2, None, 1),  # performing loans become better at once
        (0, 4, 1, None, 4),  # what people found makes worse
        (100, 2, 1, None, 3),  # and never better than the days say
        (0, 1, 3, DAY - timedelta(days=30), 3),  # non-performing: six months have to pass
        (0, 1, 5, DAY - timedelta(days=30), 3),
        (5, 1, 3, None, 3),  # not while anything is past due
        (0, 1, 3, date(2025, 10, 2), 1),
        (0, 2, 3, date(2025, 10, 2), 2),  # a watched loan comes to special mention
        (0, 1, 3, date(2025, 10, 3), 3),
    ],
)
def test_class_by_what_was(dpd, floor, was, cured, expected):
    found = classification.classify(dpd=dpd, floor=floor, was=was, cured_on=cured, due_dates=[], as_of=DAY, thresholds=CLASSES)
    assert found == expected


def test_an_upgrade_waits_for_two_periods_where_those_are_longer():
    quarterly = [date(2026, 1, 31), date(2026, 4, 30), date(2026, 7, 31)]
    assert classification.upgrade_on(date(2025, 12, 1), quarterly, CLASSES) == date(2026, 6, 1)
    yearly = [date(2026, 12, 1), date(2027, 12, 1)]
    assert classification.upgrade_on(date(2025, 12, 1), yearly, CLASSES) == date(2027, 12, 1)


@pytest.mark.parametrize(
    ("least", "was", "days", "expected"),
    [(3, 1, None, 3), (1, 3, None, 3), (1, 3, 89, 3), (1, 3, 90, 2), (1, 2, 29, 2), (1, 2, 30, 1), (2, 3, 90, 2), (2, 1, None, 2)],
)
def test_stage_comes_down_by_one(least, was, days, expected):
    cured = None if days is None else DAY - timedelta(days=days)
    assert staging.stage(least, was=was, cured_on=cured, as_of=DAY, rules=STAGES) == expected


def test_expected_loss_is_rounded_once():
    assert staging.expected_loss(D("30000.00"), grade="A", stage=1, rules=STAGES) == D("150.00")
    assert staging.expected_loss(D("0.99"), grade="Z", stage=2, rules=STAGES) == D("0.05")
    drawn_more = replace(STAGES, ccf=D("0.4"))
    assert staging.expected_loss(D("10000.00"), grade="A", stage=1, rules=drawn_more, undrawn=D("50000.00")) == D("150.00")


# Published: LoanDelinquency.feature of the anchor (cases DLQ-10 and DLQ-12), ranges in days.
RANGES = [delinquency.Range(*row) for row in (("RANGE_1", 1, 3), ("RANGE_3", 4, 30), ("RANGE_30", 31, 60), ("RANGE_60", 61, 90))]


def test_treatment_days_less_grace_and_pause():
    pauses = [delinquency.Pause(date(2023, 10, 16), date(2023, 10, 25))]
    days = {
        day: delinquency.treatment_days(date(2023, 10, 16), as_of=date(2023, 10, day), grace_days=3, pauses=pauses) for day in (26, 28, 29)
    }
    assert days == {26: 0, 28: 0, 29: 1}
    rows = [delinquency.Missed(date(2023, 10, 16), D("250.00"))]
    assert delinquency.by_range(rows, as_of=date(2023, 10, 29), ranges=RANGES, pauses=pauses) == {"RANGE_3": D("250.00")}


def test_a_resumed_pause_counts_to_its_resume():
    since, pause = date(2023, 10, 1), [delinquency.Pause(date(2023, 11, 17), date(2023, 12, 1))]
    assert delinquency.treatment_days(since, as_of=date(2023, 12, 1), grace_days=3, pauses=pause) == 44
    assert delinquency.range_of(44, RANGES).name == "RANGE_30"
    assert delinquency.treatment_days(since, as_of=date(2023, 12, 1), grace_days=3, pauses=[delinquency.Pause(date(2023, 11, 17))]) == 44


def test_amounts_by_range_of_each_instalment():
    rows = [delinquency.Missed(day, D("250.00")) for day in (date(2024, 1, 1), date(2024, 1, 31), date(2024, 3, 1))]
    found = delinquency.by_range(rows, as_of=date(2024, 3, 5), ranges=RANGES)
    assert found == {"RANGE_60": D("250.00"), "RANGE_30": D("250.00"), "RANGE_3": D("250.00")}
    assert delinquency.treatment_days(date(2024, 1, 1), as_of=date(2024, 3, 5), grace_days=3) == 61


@st.composite
def loans(draw):
    """A loan with instalments around a date, some paid in part, whatever was found of it before, marks and pauses."""
    rows = []
    for seq in range(1, draw(st.integers(1, 5)) + 1):
        principal, interest, fee = (D(draw(st.integers(0, 500_000))) / 100 for _ in range(3))
        due_on = DAY + timedelta(days=draw(st.integers(-400, 40)))
        share = draw(st.sampled_from([0, 0, 1, 50, 100]))
        paid = [(amount * share / 100).quantize(D("0.01")) for amount in (principal, interest, fee)]
        since = due_on + timedelta(days=draw(st.sampled_from([0, 0, 10, 60])))
        settled = draw(st.booleans()) and draw(st.booleans())
        rows.append((seq, due_on, (principal, interest, fee), (principal, interest, fee) if settled else paid, settled,
                     D(draw(st.integers(0, 9_999))) / 100, since))  # fmt: skip
    was = draw(st.tuples(st.integers(1, 5), st.integers(1, 3), st.none() | st.integers(0, 300)))
    starts = sorted(draw(st.sets(st.integers(-380, 5), max_size=4)))
    pauses = [(start, min(start + draw(st.integers(0, 90)), after)) for start, after in zip(starts, [*starts[1:], 400], strict=False)]
    if pauses and draw(st.booleans()):
        pauses[-1] = (pauses[-1][0], None)
    marks = draw(st.lists(st.tuples(st.integers(2, 5), st.integers(-30, 3), st.none() | st.integers(1, 60)), max_size=2))
    return {
        "rate": D(draw(st.integers(0, 360_000))) / 1_000_000, "grace": draw(st.integers(0, 10)), "bucket": draw(st.integers(0, 7)),
        "grade": draw(st.sampled_from(["A", "C", "E", ""])), "balance": D(draw(st.integers(0, 1_200_000))) / 100, "undrawn": draw(st.sampled_from([D(0), D(0), D("777.77")])),
        "rows": rows, "was": was, "pauses": pauses, "marks": marks,
    }  # fmt: skip


def ago(days):
    return None if days is None else DAY - timedelta(days=days)


def ahead(days):
    return None if days is None else DAY + timedelta(days=days)


def stored(desk, loan, made, people):
    """Give a booked loan the drawn state."""
    risk_class, stage, cured = made["was"]
    loan.installments.all().delete()
    Loan.objects.filter(pk=loan.pk).update(
        status="open", principal_outstanding=made["balance"], undrawn=made["undrawn"], settled_at=None, penalty_rate=made["rate"], grace_days=made["grace"],
        bucket=made["bucket"], grade=made["grade"], risk_class=risk_class, stage=stage, cured_on=ago(cured),
        closed_on=DAY - timedelta(days=1), dpd=0, oldest_due_on=None,
    )  # fmt: skip
    Installment.objects.bulk_create(
        Installment(
            loan=loan, seq=seq, from_on=due_on - timedelta(days=30), due_on=due_on, principal=owed[0], interest=owed[1], fee=owed[2],
            principal_paid=paid[0], interest_paid=paid[1], fee_paid=paid[2], penalty=0 if settled else base, penalty_base=base,
            penalty_since=since, status="paid" if settled else "pending", paid_on=due_on if settled else None,
        )
        for seq, due_on, owed, paid, settled, base, since in made["rows"]
    )  # fmt: skip
    DelinquencyPause.objects.filter(loan=loan).delete()
    DelinquencyPause.objects.bulk_create(
        DelinquencyPause(loan=loan, from_on=ahead(start), until_on=ahead(end), reason="illness", made_by=people[0], made_at=NOON)
        for start, end in made["pauses"]
    )
    ClassMark.objects.filter(loan=loan).delete()
    ClassMark.objects.bulk_create(
        ClassMark(
            loan=loan, risk_class=floor, rule_class=1, reason="income", status="approved", from_on=ahead(start),
            until_on=None if length is None else ahead(start + length), made_by=people[0], made_at=NOON, decided_by=people[1],
            approved_by=people[2],
        )
        for floor, start, length in made["marks"]
    )  # fmt: skip


def judged(loan, held):
    """Return what the pure rule says, and the penalties by instalment."""
    rows = list(loan.installments.order_by("seq"))
    unpaid = [row for row in rows if row.status != "paid"]
    dues = [daily.Due(repayments.late(row), row.interest + row.fee - row.interest_paid - row.fee_paid) for row in unpaid]
    marks = [mark.risk_class for mark in loan.class_marks.all() if mark.from_on <= DAY and (mark.until_on is None or mark.until_on > DAY)]
    day = daily.close(
        dues, due_dates=[row.due_on for row in rows], as_of=DAY, grace_days=loan.grace_days, penalty_rate=loan.penalty_rate,
        grade=loan.grade, principal_outstanding=loan.principal_outstanding,
        was=daily.Standing(loan.risk_class, loan.stage, loan.cured_on), floor=max(marks, default=1),
        pauses=[delinquency.Pause(row.from_on, row.until_on) for row in loan.pauses.all()], rules=held, ranges=RANGES, undrawn=loan.undrawn,
    )  # fmt: skip
    return day, dict(zip([row.pk for row in unpaid], day.penalties, strict=True))


COLUMNS = ("dpd", "treatment_dpd", "delinquency_range", "bucket", "oldest_due_on", "risk_class", "stage", "cured_on", "ecl")


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(portfolio=st.lists(loans(), min_size=3, max_size=3))
def test_the_set_based_close_equals_the_rule(desk, portfolio):
    if not hasattr(desk, "booked"):
        desk.booked = [desk.loan() for _ in range(3)]
        spans = [[each.name, each.first, each.last] for each in RANGES]
        Product.objects.filter(pk=desk.product.pk).update(delinquency_ranges=spans)
    cast = desk.cast
    people, held = [cast.loan_officer, cast.underwriter, cast.system], close_rules.holding(DAY)
    for loan, made in zip(desk.booked, portfolio, strict=True):
        stored(desk, loan, made, people)
    found = list(Loan.objects.filter(pk__in=[loan.pk for loan in desk.booked]).order_by("pk"))
    expected = {loan.pk: judged(loan, held) for loan in found}
    before = {loan.pk: loan.delinquency_range for loan in found}
    known = set(RangeMove.objects.values_list("pk", flat=True))
    count = close_ranges.close(cast.entity.pk, found[0].pk, found[-1].pk, until=DAY, at=NOON, told_at=NOON)
    assert not ParkedLoan.objects.exists(), ParkedLoan.objects.get().error
    assert (count.loans, count.parked) == (3, 0)
    for loan in Loan.objects.filter(pk__in=expected):
        day, penalties = expected[loan.pk]
        assert {name: getattr(loan, name) for name in COLUMNS} == {name: getattr(day, name) for name in COLUMNS}
        assert dict(loan.installments.exclude(status="paid").values_list("pk", "penalty")) == penalties
        assert loan.closed_on == DAY
        was, move = before[loan.pk], RangeMove.objects.filter(loan=loan, business_date=DAY).order_by("-pk").first()
        assert (move.was, move.now) == (was, day.delinquency_range) if was != day.delinquency_range else move is None or move.pk in known
