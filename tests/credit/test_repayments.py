"""Money received: the order, the over-payment, lateness cured, the same movement once."""

import random
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from credit import repayments
from credit.models import Installment, Loan, Posting, Transaction
from ledger import log
from tests.fixtures.cast import TODAY

pytestmark = pytest.mark.django_db
FIRST_DUE = date(2026, 4, 2)


def fresh(loan):
    return Loan.objects.get(pk=loan.pk)


def taken(movement):
    rows = movement.postings.exclude(account="cash").select_related("installment").order_by("pk")
    return [(row.installment.seq if row.installment else None, row.account, -row.amount) for row in rows]


def test_the_running_instalment_is_paid_interest_first(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "1100.16", FIRST_DUE)
    assert taken(movement) == [(1, "interest", D("180.00")), (1, "principal", D("920.16"))]
    assert fresh(loan).principal_outstanding == D("11079.84")
    first = loan.installments.get(seq=1)
    assert (first.status, first.paid_on) == (Installment.Status.PAID, FIRST_DUE)


def test_a_partial_payment_leaves_the_rest_due(desk):
    loan = desk.loan()
    assert taken(desk.pay(loan, "200.00", FIRST_DUE)) == [(1, "interest", D("180.00")), (1, "principal", D("20.00"))]
    first = loan.installments.get(seq=1)
    assert (first.status, first.outstanding) == (Installment.Status.PENDING, D("900.16"))
    assert taken(desk.pay(loan, "900.16", FIRST_DUE)) == [(1, "principal", D("900.16"))]


def test_what_exceeds_the_running_instalment_is_held_for_refund(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "1500.00")
    assert taken(movement)[-1] == (None, "overpayment", D("399.84"))
    assert taken(desk.pay(loan, "1100.16")) == [(None, "overpayment", D("1100.16"))]
    assert fresh(loan).overpayment == D("1500.00")


def test_overdue_instalments_come_first_then_the_one_that_runs(desk):
    loan = desk.loan()
    day = date(2026, 5, 20)  # two instalments missed, the third runs
    movement = desk.pay(loan, "4000.00", day)
    # 24 % on overdue principal, actual days over 360: 920.16 × 48 days, 933.96 × 18 days
    assert taken(movement) == [
        (1, "penalty", D("29.45")), (1, "interest", D("180.00")), (1, "principal", D("920.16")),
        (2, "penalty", D("11.21")), (2, "interest", D("166.20")), (2, "principal", D("933.96")),
        (3, "interest", D("152.19")), (3, "principal", D("947.97")),
        (None, "overpayment", D("658.86")),
    ]  # fmt: skip


def test_penalty_grows_on_from_a_partial_payment(desk):
    loan = desk.loan()
    desk.pay(loan, "529.45", FIRST_DUE + timedelta(days=48))  # penalty 29.45, interest 180.00, principal 320.00
    first = loan.installments.get(seq=1)
    assert (first.penalty, first.penalty_paid, first.principal_paid) == (D("29.45"), D("29.45"), D("320.00"))
    later = FIRST_DUE + timedelta(days=78)
    assert repayments.penalty_on(loan, first, later) == D("29.45") + D("12.00")  # 600.16 × 24 % / 360 × 30


def test_inside_the_grace_no_penalty_and_once_missed_from_the_due_date(desk):
    loan = desk.loan()
    first = loan.installments.get(seq=1)
    assert repayments.penalty_on(loan, first, FIRST_DUE + timedelta(days=3)) == 0
    assert repayments.penalty_on(loan, first, FIRST_DUE + timedelta(days=4)) == D("2.45")
    desk.pay(loan, "200.00", FIRST_DUE + timedelta(days=3))  # inside the grace: nothing is fixed
    first.refresh_from_db()
    assert repayments.penalty_on(loan, first, FIRST_DUE + timedelta(days=4)) == D("2.40")  # 900.16 × 24 % / 360 × 4


def test_the_last_payment_settles(desk):
    loan = desk.loan(term=3, amount=D("3000.00"))
    for row in list(loan.installments.order_by("seq")):
        desk.pay(loan, row.payment, row.due_on)
    loan = fresh(loan)
    assert (loan.status, loan.principal_outstanding, loan.overpayment) == ("settled", D("0.00"), D("0.00"))
    assert log.history(loan).first().event == "credit.loan.settled"
    with pytest.raises(repayments.LoanClosed):
        desk.pay(loan, "1.00")


def test_the_same_key_is_the_same_movement(desk):
    loan = desk.loan()
    first = desk.pay(loan, "100.00", key="bank-1")
    assert desk.pay(loan, "100.00", key="bank-1") == first
    assert Transaction.objects.filter(kind="repayment").count() == 1
    with pytest.raises(repayments.KeyUsed):
        desk.pay(loan, "100.01", key="bank-1")


def test_a_repeated_key_is_answered_even_after_settlement(desk):
    loan = desk.loan(term=3, amount=D("3000.00"))
    for row in list(loan.installments.order_by("seq")):
        last = desk.pay(loan, row.payment, row.due_on, key=f"k{row.seq}")
    assert desk.pay(loan, last.amount, key="k3") == last


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "0.001", "1000000000000.00"])
def test_what_is_no_amount_is_refused(desk, amount):
    loan = desk.loan()
    with pytest.raises(repayments.NotAnAmount) as refusal:
        desk.pay(loan, amount)
    assert refusal.value.status == 422
    assert "amount" in refusal.value.fields
    assert loan.transactions.count() == 1


def test_paying_what_is_late_cures(desk):
    loan = desk.loan()
    desk.close_to(FIRST_DUE + timedelta(days=10))
    assert (fresh(loan).dpd, fresh(loan).bucket) == (10, 1)
    owed = sum(
        due.total for due in repayments.dues(fresh(loan), list(loan.installments.order_by("seq")), FIRST_DUE + timedelta(days=11))[:1]
    )
    desk.pay(loan, owed, FIRST_DUE + timedelta(days=11))
    assert (fresh(loan).dpd, fresh(loan).bucket, fresh(loan).oldest_due_on) == (0, 0, None)
    assert log.history(loan).first().event == "credit.loan.cured"


def test_a_partial_payment_does_not_cure(desk):
    loan = desk.loan()
    desk.close_to(FIRST_DUE + timedelta(days=10))
    desk.pay(loan, "100.00", FIRST_DUE + timedelta(days=11))
    assert (fresh(loan).dpd, fresh(loan).bucket) == (10, 1)


def test_books_that_are_further_take_the_movement_on_the_open_date(desk):
    loan = desk.loan()
    desk.close_to(TODAY + timedelta(days=4))
    assert desk.pay(loan, "100.00", TODAY).value_on == TODAY + timedelta(days=5)


def test_the_ledger_says_where_the_money_went(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "1200.00")
    entry = log.history(movement).get()
    assert (entry.event, entry.customer_id) == ("credit.repayment.received", loan.customer_id)
    assert entry.facts == {
        "loan": loan.public_id, "loan_id": loan.pk, "amount": "1200.00", "fee": "0.00", "penalty": "0.00", "interest": "180.00",
        "principal": "920.16", "overpayment": "99.84",
    }  # fmt: skip


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] if seed > 1 else []) for seed in range(6)])
def test_whatever_is_paid_whenever_balances_are_the_sum_of_the_postings(desk, seed):
    rng = random.Random(seed)
    loan, day = desk.loan(term=6, amount=D(rng.randrange(20_000, 5_000_000)) / 100), TODAY
    for _ in range(12):
        day += timedelta(days=rng.randrange(0, 40))
        if rng.random() < 0.5:
            desk.close_to(day - timedelta(days=1))
        if fresh(loan).status == "settled":
            break
        desk.pay(loan, D(rng.randrange(1, 150_000)) / 100, day)
    loan = fresh(loan)
    sums = dict(Posting.objects.filter(transaction__loan=loan).values_list("account").annotate(sum=Sum("amount")))
    assert sum(sums.values()) == 0
    assert sums["principal"] == loan.principal_outstanding
    assert -sums.get("overpayment", D(0)) == loan.overpayment
    for part in ("principal", "interest", "fee", "penalty"):
        paid = loan.installments.aggregate(sum=Sum(f"{part}_paid"))["sum"]
        posted = -(sums.get(part, D(0)) - (loan.principal if part == "principal" else 0))
        assert paid == posted
    received = loan.transactions.filter(kind="repayment").aggregate(sum=Sum("amount"))["sum"]
    assert sums["cash"] == received - loan.principal
