"""A repayment that did not last: afterwards the loan stands as if it had never been, and nothing that was written is edited."""

import random
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from credit import movements, payoffs, refunds, repayments, reversals
from credit.models import Loan, Posting, Refund, Transaction
from ledger import log
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db
FIRST_DUE = date(2026, 4, 2)


def at(day):
    return NOON + timedelta(days=(day - NOON.date()).days)


def reverse(desk, movement, reason="bounced", on=TODAY, key="rev"):
    return reversals.reverse(movement, reason=reason, actor=desk.cast.loan_operations, at=at(on), key=key)


def fresh(loan):
    return Loan.objects.get(pk=loan.pk)


def state(loan):
    """Return all that a payment can change, but for the count of versions and moments of doing."""
    loan = fresh(loan)
    rows = loan.installments.order_by("seq").values_list(
        "status", "paid_on", "penalty", "penalty_base", "penalty_since", "fee_paid", "penalty_paid", "interest_paid",
        "principal_paid", "interest_waived", "fee_waived",
    )  # fmt: skip
    names = ("status", "principal_outstanding", "overpayment", "dpd", "bucket", "oldest_due_on", "closed_on")
    return [getattr(loan, name) for name in names], list(rows)


def balances(loan):
    rows = Posting.objects.filter(transaction__loan=loan).values_list("account", "installment__seq").annotate(sum=Sum("amount"))
    return {(account, seq): amount for account, seq, amount in rows if amount}


def test_a_reversed_payment_is_due_again(desk):
    loan = desk.loan()
    before = state(loan)
    movement = desk.pay(loan, "1100.16", FIRST_DUE)
    made = reverse(desk, movement, on=FIRST_DUE)
    assert state(loan) == before
    assert (made.kind, made.amount, made.reverses) == ("reversal", D("1100.16"), movement)
    assert balances(loan) == {("principal", None): D("12000.00"), ("cash", None): D("-12000.00")}


def test_later_payments_move_up(desk):
    """Of two payments the first bounces: the second now pays the first instalment, and a movement posts the difference."""
    loan = desk.loan()
    first = desk.pay(loan, "1100.16", FIRST_DUE)
    desk.pay(loan, "1100.16", date(2026, 5, 2))
    reverse(desk, first, on=date(2026, 5, 3))
    again = Transaction.objects.get(loan=loan, kind="reallocation")
    assert again.postings.aggregate(sum=Sum("amount"))["sum"] == 0
    assert not again.postings.filter(account="cash").exists()
    one, two = loan.installments.order_by("seq")[:2]
    assert one.penalty_paid == D("18.40")  # 920.16 × 24 % / 360 × 30, since it was paid a month late
    assert one.outstanding == D("18.40")  # so much less of its principal
    assert two.interest_paid == 0


def test_a_settled_loan_opens_again_and_is_late_as_the_closes_would_have_found(desk):
    loan = desk.loan(term=3, amount=D("3000.00"))
    last = None
    for row in list(loan.installments.order_by("seq")):
        last = desk.pay(loan, row.payment, row.due_on)
    desk.close_to(date(2026, 6, 20))
    assert fresh(loan).status == "settled"
    reverse(desk, last, on=date(2026, 6, 21))
    loan = fresh(loan)
    assert (loan.status, loan.dpd, loan.bucket, loan.oldest_due_on) == ("open", 18, 1, date(2026, 6, 2))
    assert loan.settled_at is None
    assert [entry.event for entry in log.history(loan)[:2]] == ["credit.loan.overdue", "credit.loan.reopened"]


def test_not_twice(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "100.00")
    made = reverse(desk, movement)
    assert reverse(desk, movement) == made  # the same key
    with pytest.raises(reversals.NotReversible):
        reverse(desk, movement, key="another")
    with pytest.raises(reversals.NotReversible):
        reverse(desk, made, key="third")
    with pytest.raises(repayments.KeyUsed):
        reverse(desk, desk.pay(loan, "50.00"))


def test_a_reason_is_needed(desk):
    from crm.lib.errors import Invalid

    with pytest.raises(Invalid):
        reverse(desk, desk.pay(desk.loan(), "100.00"), reason="whim")


def test_money_that_was_refunded_cannot_be_taken_back(desk, sandbox_bank):
    loan = desk.loan()
    movement = desk.pay(loan, "2000.00")
    refund = refunds.request(loan, amount=D("899.84"), actor=desk.cast.loan_operations, at=NOON)
    with pytest.raises(reversals.RefundUnderWay):
        reverse(desk, movement)
    refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON)
    assert refunds.send(refund.pk, at=NOON).status == Refund.Status.CONFIRMED
    with pytest.raises(movements.CannotBe):
        reverse(desk, movement)


def test_a_state_that_no_movement_explains_is_left_alone(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "100.00")
    loan.installments.filter(seq=2).update(interest_paid=D("5.00"))
    with pytest.raises(reversals.NotExplained):
        reverse(desk, movement)


def test_the_ledger_keeps_both(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "100.00")
    made = reverse(desk, movement)
    assert log.history(movement).get().event == "credit.repayment.received"
    entry = log.history(made).get()
    assert entry.event == "credit.repayment.reversed"
    assert (entry.facts["reverses"], entry.facts["reason"]) == (movement.public_id, "bounced")


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] if seed > 2 else []) for seed in range(14)])
def test_reversed_is_as_if_it_had_never_been(desk, seed):
    """Two loans of one person's twin live the same days; one gets a payment more, and loses it again."""
    rng = random.Random(seed)
    terms = {"term": rng.choice((3, 6, 9)), "amount": D(rng.randrange(20_000, 2_000_000)) / 100}
    if seed % 3 == 0:
        type(desk.product).objects.filter(pk=desk.product.pk).update(early_fee_rate=D("0.01"))
        desk.product.refresh_from_db()
    twin, loan = desk.loan(**terms), desk.loan(**terms)
    day, extra = TODAY, None
    wrong_at = rng.randrange(0, 7)
    for step in range(9):
        day += timedelta(days=rng.randrange(0, 40))
        if rng.random() < 0.6:
            desk.close_to(day - timedelta(days=1))
        if step == wrong_at and fresh(loan).status == "open":
            extra = desk.pay(loan, D(rng.randrange(1, 150_000)) / 100, day)
        amount = D(rng.randrange(1, 90_000)) / 100
        open_now = {fresh(each).status for each in (twin, loan)}
        if open_now != {"open"}:
            break
        if step == 5 and rng.random() < 0.5 and extra is None:
            for each in (twin, loan):
                quote = payoffs.issue(each, settles_on=day + timedelta(days=2), actor=desk.cast.system, at=at(day))
                desk.pay(each, quote.total, day)
            break
        for each in (twin, loan):
            desk.pay(each, amount, day)
    if extra is None and fresh(loan).status == "open":
        extra = desk.pay(loan, "77.77", day)
    if extra is None:
        return
    if fresh(loan).status != "settled":
        desk.close_to(day)
    reverse(desk, extra, on=day)
    assert state(loan) == state(twin)
    ours, theirs = balances(loan), balances(twin)
    assert ours == theirs
