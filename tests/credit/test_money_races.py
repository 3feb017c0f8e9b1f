"""Money out and money matched, by two at once: never more than there is, never twice."""

from decimal import Decimal as D

import pytest

from credit import customer_payments, payoffs, refunds, reversals, suspense
from credit.models import CustomerPayment, Loan, PayoffQuote, Refund, Transaction
from tests.credit.test_races import together
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db(transaction=True)


def test_refunds_asked_for_at_once_never_exceed_what_is_held(desk):
    loan = desk.loan()
    desk.pay(loan, "1500.00")  # 399.84 held
    results = together(*(lambda: refunds.request(loan, amount=D("150.00"), actor=desk.cast.loan_operations, at=NOON) for _ in range(4)))
    assert sum(isinstance(each, Refund) for each in results) == 2
    assert sum(isinstance(each, refunds.MoreThanHeld) for each in results) == 2


def test_a_refund_sent_by_two_workers_is_booked_once(desk, sandbox_bank):
    loan = desk.loan()
    desk.pay(loan, "1500.00")
    refund = refunds.request(loan, amount=D("399.84"), actor=desk.cast.loan_operations, at=NOON)
    refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON)
    together(*(lambda: refunds.send(refund.pk, at=NOON) for _ in range(3)))
    loan.refresh_from_db()
    assert (loan.overpayment, Transaction.objects.filter(kind="refund").count()) == (D("0.00"), 1)
    assert sandbox_bank.paid(f"refund:{refund.public_id}") == 1


def test_a_refund_and_a_reversal_of_its_money_do_not_both_pass(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "1500.00")
    results = together(
        lambda: refunds.request(loan, amount=D("399.84"), actor=desk.cast.loan_operations, at=NOON),
        lambda: reversals.reverse(movement, reason="bounced", actor=desk.cast.loan_operations, at=NOON, key="r"),
    )
    assert sum(isinstance(each, Exception) for each in results) == 1
    loan = Loan.objects.get(pk=loan.pk)
    assert refunds.free(loan) >= 0


def test_a_repayment_reversed_by_two_is_reversed_once(desk):
    loan = desk.loan()
    movement = desk.pay(loan, "100.00")
    calls = [
        lambda key=key: reversals.reverse(movement, reason="bounced", actor=desk.cast.loan_operations, at=NOON, key=key) for key in "aabc"
    ]
    results = together(*calls)
    assert Transaction.objects.filter(kind="reversal").count() == 1
    assert all(isinstance(each, Transaction | reversals.NotReversible) for each in results)


def test_a_receipt_matched_by_two_is_booked_once(desk):
    one, two = desk.loan(), desk.loan()
    money = suspense.take_in(
        legal_entity=desk.cast.entity, reference="S", received_on=TODAY, amount=D("100.00"), actor=desk.cast.system, at=NOON
    )
    calls = [lambda loan=loan: suspense.allocate(money, loan, actor=desk.cast.loan_operations, at=NOON) for loan in (one, two, one)]
    results = together(*calls)
    assert Transaction.objects.filter(kind="repayment").count() == 1
    assert sum(not isinstance(each, Exception) for each in results) == 1


def test_one_reference_taken_in_at_once_is_one_receipt(desk):
    loan = desk.loan()
    calls = [
        lambda: suspense.take_in(
            legal_entity=desk.cast.entity, reference="S", received_on=TODAY, amount=D("100.00"), remittance=loan.public_id,
            actor=desk.cast.system, at=NOON,
        )
    ] * 3  # fmt: skip
    together(*calls)
    assert Transaction.objects.filter(kind="repayment").count() == 1


def test_a_quote_paid_twice_at_once_ends_the_loan_once(desk):
    loan = desk.loan()
    quote = payoffs.issue(loan, settles_on=TODAY, actor=desk.cast.loan_officer, at=NOON)
    from credit import repayments

    calls = [
        lambda key=key: repayments.receive(loan, amount=quote.total, actor=desk.cast.system, at=NOON, key=key) for key in ("a", "b", "a")
    ]
    together(*calls)
    assert Transaction.objects.filter(kind="repayment").count() == 1
    assert PayoffQuote.objects.get().status == "paid"


def test_a_payment_for_several_loans_sent_twice_is_taken_in_once(desk):
    first = desk.loan()
    desk.loan(customer=first.customer, amount=D("6000.00"))
    pay = [
        lambda key=key: customer_payments.receive(first.customer, amount=D("900.00"), actor=desk.cast.loan_officer, at=NOON, key=key)
        for key in "aab"
    ]
    results = together(*pay)
    assert len({each.pk for each in results}) == 2 == CustomerPayment.objects.count()
    assert sum(Transaction.objects.filter(kind="repayment").values_list("amount", flat=True)) == D("1800.00")
