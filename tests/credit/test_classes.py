"""Classes and pauses through their doors: three people, never better, refusals by name; a write to a loan that is behind closes its days first."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from credit import class_batches, class_marks, pauses, repayments
from credit.close_ranges import LoanBehind
from credit.four_eyes import SamePerson
from credit.models import ClassBatch, Installment, Loan, LoanSnapshot, ParkedLoan, Product
from crm.lib.errors import Invalid, Stale
from governance.lifecycle import IllegalMove
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db
FIRST_DUE = date(2026, 4, 2)


def fresh(loan):
    return Loan.objects.get(pk=loan.pk)


def propose(desk, loan, risk_class=4, **changes):
    values = {"reason": "fraud", "note": "Papers were forged.", "actor": desk.cast.loan_operations, "at": NOON} | changes
    return class_marks.propose(loan, risk_class=risk_class, **values)


def test_an_override_takes_three_people_and_counts_from_the_next_close(desk):
    loan = desk.loan()
    made = propose(desk, loan)
    with pytest.raises(SamePerson):
        class_marks.decide(made, actor=desk.cast.loan_operations, at=NOON)
    with pytest.raises(IllegalMove):
        class_marks.approve(made, actor=desk.cast.compliance, at=NOON)
    decided = class_marks.decide(made, actor=desk.cast.risk_manager, at=NOON)
    for person in (desk.cast.loan_operations, desk.cast.risk_manager):
        with pytest.raises(SamePerson):
            class_marks.approve(decided, actor=person, at=NOON)
    with pytest.raises(Stale):
        class_marks.approve(decided, actor=desk.cast.compliance, at=NOON, version=1)
    desk.close_to(TODAY)
    assert fresh(loan).risk_class == 1
    class_marks.approve(decided, actor=desk.cast.compliance, at=NOON, version=decided.version)
    desk.close_to(TODAY + timedelta(days=1))
    assert (fresh(loan).risk_class, fresh(loan).stage) == (4, 3)
    assert fresh(loan).ecl == D("10200.00")  # 12,000 × 1 × 0.85
    assert Entry.objects.get(event="credit.loan.reclassified").facts["risk_class"] == 4


def test_an_override_makes_worse_only(desk):
    loan = desk.loan()
    Loan.objects.filter(pk=loan.pk).update(risk_class=3, stage=3)
    for risk_class in (1, 2, 3, 6):
        with pytest.raises(class_marks.NotWorse):
            propose(desk, loan, risk_class)
    with pytest.raises(Invalid):
        propose(desk, loan, note=" ")
    with pytest.raises(Invalid):
        propose(desk, loan, reason="restructured")
    propose(desk, loan)
    with pytest.raises(class_marks.OverrideWaits):
        propose(desk, loan, 5)


def test_a_restructured_loan_is_watched_a_year(desk):
    loan = desk.loan()
    mark = class_marks.watch(loan, on=TODAY, actor=desk.cast.system, at=NOON)
    assert (mark.risk_class, mark.from_on, mark.until_on) == (2, TODAY, date(2027, 3, 2))
    desk.close_to(TODAY)
    assert (fresh(loan).risk_class, fresh(loan).stage) == (2, 2)


def test_a_month_s_end_takes_a_snapshot_and_three_people(desk):
    loan, late = desk.loan(), desk.loan()
    end = date(2026, 4, 30)
    desk.pay(loan, loan.installments.get(seq=1).owed, on=FIRST_DUE - timedelta(days=1))
    desk.close_to(end)
    row = LoanSnapshot.objects.get(loan=late, month=end)
    assert (row.dpd, row.treatment_dpd, row.bucket, row.risk_class, row.stage) == (28, 25, 1, 2, 1)
    assert (row.vintage, row.months_on_book, row.product, row.grade) == (date(2026, 3, 1), 1, "CASH-12", late.grade)
    missed = late.installments.get(seq=1)
    assert row.overdue == missed.owed + missed.penalty
    assert LoanSnapshot.objects.filter(month=date(2026, 3, 31)).count() == 2
    assert class_batches.after_close(desk.cast.entity, end - timedelta(days=1), at=NOON) is None
    batch = class_batches.after_close(desk.cast.entity, end, at=NOON)
    assert class_batches.after_close(desk.cast.entity, end, at=NOON) == batch
    assert (batch.loans, batch.worse, batch.better, batch.overridden) == (2, 1, 0, 0)
    assert [line["loans"] for line in class_batches.figures(batch)] == [1, 1, 0, 0, 0]
    checked = class_batches.check(batch, actor=desk.cast.loan_operations, at=NOON)
    with pytest.raises(SamePerson):
        class_batches.decide(checked, actor=desk.cast.loan_operations, at=NOON)
    decided = class_batches.decide(checked, actor=desk.cast.risk_manager, at=NOON)
    for person in (desk.cast.loan_operations, desk.cast.risk_manager):
        with pytest.raises(SamePerson):
            class_batches.approve(decided, actor=person, at=NOON)
    back = class_batches.send_back(decided, actor=desk.cast.compliance, at=NOON)
    assert (back.status, back.checked_by, back.decided_by) == (ClassBatch.Status.MADE, None, None)


def test_a_pause_stops_treatment_only(desk):
    loan = desk.loan()
    desk.close_to(FIRST_DUE + timedelta(days=10))
    assert (fresh(loan).dpd, fresh(loan).treatment_dpd) == (10, 7)
    start = FIRST_DUE + timedelta(days=11)
    made = pauses.pause(
        loan, from_on=start, until_on=start + timedelta(days=30), reason="illness", actor=desk.cast.loan_operations, at=NOON
    )
    desk.close_to(FIRST_DUE + timedelta(days=20))
    assert (fresh(loan).dpd, fresh(loan).treatment_dpd) == (20, 8)
    resumed = pauses.resume(loan, actor=desk.cast.collections_supervisor, at=NOON)
    assert (resumed.pk, resumed.until_on) == (made.pk, FIRST_DUE + timedelta(days=21))
    desk.close_to(FIRST_DUE + timedelta(days=24))
    assert (fresh(loan).dpd, fresh(loan).treatment_dpd, fresh(loan).risk_class) == (24, 11, 2)
    desk.pay(loan, "1.00", on=FIRST_DUE + timedelta(days=25))
    assert fresh(loan).treatment_dpd == 11


@pytest.mark.parametrize(
    ("first", "until", "reason", "refusal"),
    [
        (-1, 5, "illness", pauses.PauseNotPossible),
        (3, 3, "illness", pauses.PauseNotPossible),
        (0, 400, "illness", pauses.PauseNotPossible),
        (0, 5, "boredom", pauses.PauseNotPossible),
        (14, 16, "illness", pauses.PauseOverlaps),
    ],
)
def test_pauses_that_cannot_be(desk, first, until, reason, refusal):
    loan = desk.loan()
    actor = desk.cast.loan_operations
    pauses.pause(loan, from_on=TODAY + timedelta(days=10), until_on=TODAY + timedelta(days=15), reason="dispute", actor=actor, at=NOON)
    days = {"from_on": TODAY + timedelta(days=first), "until_on": TODAY + timedelta(days=until)}
    with pytest.raises(refusal):
        pauses.pause(loan, **days, reason=reason, actor=actor, at=NOON)
    assert loan.pauses.count() == 1


def test_nothing_is_resumed_that_is_not_paused(desk):
    with pytest.raises(pauses.NotPaused):
        pauses.resume(desk.loan(), actor=desk.cast.loan_operations, at=NOON)


def test_a_write_to_a_loan_that_is_behind_closes_its_days_first(desk):
    loan = desk.loan()
    Loan.objects.filter(pk=loan.pk).update(status="settled", principal_outstanding=0, settled_at=NOON)
    last = FIRST_DUE + timedelta(days=40)
    desk.close_to(last)
    Loan.objects.filter(pk=loan.pk).update(status="open", principal_outstanding=D("12000.00"), settled_at=None)
    desk.pay(loan, "1.00", on=last + timedelta(days=1))
    loan = fresh(loan)
    assert (loan.closed_on, loan.dpd, loan.bucket, loan.risk_class, loan.stage) == (last, 40, 2, 2, 2)
    assert list(Entry.objects.filter(subject_id=loan.pk, event="credit.loan.overdue").values_list("facts__as_of", flat=True)) == [
        "2026-04-06"
    ]


def test_nothing_is_written_to_a_loan_whose_days_cannot_be_closed(desk):
    loan = desk.loan()
    Installment.objects.filter(loan=loan, seq=1).update(penalty=D("99.00"), penalty_paid=D("99.00"))
    desk.close_to(FIRST_DUE + timedelta(days=6))
    assert ParkedLoan.objects.get().loan == loan
    with pytest.raises(LoanBehind) as refusal:
        desk.pay(loan, "1.00", on=FIRST_DUE + timedelta(days=7))
    assert refusal.value.status == 409
    Installment.objects.filter(loan=loan, seq=1).update(penalty=D("0.00"), penalty_paid=D("0.00"))
    desk.pay(loan, "1.00", on=FIRST_DUE + timedelta(days=7))
    assert fresh(loan).closed_on == FIRST_DUE + timedelta(days=6)
    assert ParkedLoan.objects.get().cleared_at is not None


def test_a_non_performing_loan_that_is_paid_up_waits_before_it_becomes_better(desk):
    loan = desk.loan()
    late = FIRST_DUE + timedelta(days=91)
    desk.close_to(late)
    assert (fresh(loan).risk_class, fresh(loan).stage) == (3, 3)
    paid_on = late + timedelta(days=1)
    due = [row for row in loan.installments.all() if row.due_on <= paid_on]
    owed = sum(row.owed + repayments.penalty_on(fresh(loan), row, paid_on) for row in due)
    desk.pay(loan, owed, on=paid_on)
    desk.close_to(paid_on)
    row = fresh(loan)
    assert (row.dpd, row.risk_class, row.stage, row.cured_on) == (0, 3, 3, paid_on)


def test_ranges_of_a_product_name_the_days(desk):
    from credit import class_standing

    Product.objects.filter(pk=desk.product.pk).update(delinquency_ranges=[["EARLY", 1, 10], ["LATER", 11, None]])
    loan = desk.loan()
    desk.close_to(FIRST_DUE + timedelta(days=10))
    loan = Loan.objects.select_related("product", "legal_entity").get(pk=loan.pk)
    assert class_standing.of(loan, desk.cast.loan_operations)["range"] == "EARLY"
