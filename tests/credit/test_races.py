"""Real threads, real connections: of two that race, the sums stay right."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.db import connections, transaction

from credit import exposure, offers, repayments
from credit.models import Loan, Reservation, Transaction
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db(transaction=True)


def together(*calls):
    """Run the calls at once, each in a thread with its own connection; return results or the refusals they raised."""
    start = Barrier(len(calls))

    def run(call):
        try:
            start.wait(10)
            return call()
        except Exception as refusal:  # noqa: BLE001  what was refused is what the test looks at
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.parametrize("held", ["130000.00"])
def test_two_parallel_approvals_never_pass_the_cap(desk, held):
    """Two approvals of 40,000 on lines of 130,000 under a cap of 200,000: one gets 40,000, the other 30,000 at most."""
    customer = desk.make_customer()
    first = desk.draft(customer=customer)
    other = type(desk.product).objects.get(pk=desk.product.pk)
    other.pk, other.public_id, other.code = None, "F-OTHER", "OTHER"
    other.save(force_insert=True)
    third = type(desk.product).objects.get(pk=desk.product.pk)
    third.pk, third.public_id, third.code = None, "F-THIRD", "THIRD"
    third.save(force_insert=True)
    second = desk.draft(customer=customer, product=other)
    lines = desk.draft(customer=customer, product=third)
    assert exposure.reserve(lines, amount=D(held), at=NOON) == D(held)

    granted = together(*(lambda each=each: exposure.reserve(each, amount=D("40000.00"), at=NOON) for each in (first, second)))

    assert sorted(granted) == [D("30000.00"), D("40000.00")]
    assert exposure.standing(customer.pk).lines == D("200000.00")


@pytest.mark.parametrize(
    ("lines", "asked", "granted"),
    [("150000.00", "60000.00", "50000.00"), ("200000.00", "1.00", "0.00"), ("150000.00", "50000.00", "50000.00")],
)
def test_published_cases_of_over_lending(desk, lines, asked, granted):
    """The cap is on the line, not on what is drawn of it."""
    customer = desk.make_customer()
    held = desk.draft(customer=customer)
    other = type(desk.product).objects.get(pk=desk.product.pk)
    other.pk, other.public_id, other.code = None, "F-OTHER", "OTHER"
    other.save(force_insert=True)
    exposure.reserve(held, amount=D(lines), at=NOON)
    assert exposure.reserve(desk.draft(customer=customer, product=other), amount=D(asked), at=NOON) == D(granted)


def test_an_offer_accepted_twice_at_once_is_booked_once(desk):
    offer = desk.confirmed()
    keys = ("a", "a", "b")
    results = together(*(lambda key=key: offers.accept(offer, key=key, actor=desk.cast.loan_officer, at=NOON) for key in keys))
    assert Loan.objects.count() == 1
    assert Transaction.objects.count() == 1
    booked = [result for result in results if isinstance(result, Loan)]
    refused = [result for result in results if isinstance(result, offers.AlreadyAccepted)]
    assert len(booked) + len(refused) == 3
    assert booked
    assert Reservation.objects.get().status == "used"


def test_payments_at_once_lose_no_cent(desk):
    loan = desk.loan()
    amounts = [D("100.00"), D("250.50"), D("1000.00"), D("0.01")]
    calls = [
        lambda amount=amount, n=n: repayments.receive(loan, amount=amount, actor=desk.cast.loan_officer, at=NOON, key=f"k{n}")
        for n, amount in enumerate(amounts)
    ]
    assert all(isinstance(result, Transaction) for result in together(*calls))
    loan.refresh_from_db()
    first = loan.installments.get(seq=1)
    assert first.status == "paid"
    assert loan.overpayment == sum(amounts) - first.payment
    assert loan.principal_outstanding == D("11079.84")


def test_the_same_payment_sent_twice_at_once_is_one_movement(desk):
    loan = desk.loan()
    calls = [lambda: repayments.receive(loan, amount=D("100.00"), actor=desk.cast.loan_officer, at=NOON, key="bank-1")] * 4
    results = together(*calls)
    assert len({result.pk for result in results}) == 1
    assert Transaction.objects.filter(kind="repayment").count() == 1


def test_a_movement_without_balance_is_refused_at_commit(desk):
    from django.db import IntegrityError

    loan = desk.loan()
    with pytest.raises(IntegrityError, match="not balanced"), transaction.atomic():
        Transaction.objects.create(
            loan=loan, kind="repayment", amount=D("5.00"), value_on=NOON.date(), at=NOON, actor=desk.cast.system, key="x"
        )
    assert loan.transactions.count() == 1
