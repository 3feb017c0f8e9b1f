"""Money held goes back once, by two people, and never more than is held."""

from decimal import Decimal as D

import pytest

from credit import four_eyes, refunds
from credit.models import Loan, Refund
from crm.lib.errors import Stale
from crm.lib.ports.http import PortUnknown
from governance.lifecycle import IllegalMove
from ledger import log
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(desk):
    """Return a loan that holds 399.84."""
    loan = desk.loan()
    desk.pay(loan, "1500.00")
    return Loan.objects.get(pk=loan.pk)


def ask(desk, loan, amount="399.84"):
    return refunds.request(loan, amount=D(amount), actor=desk.cast.loan_operations, at=NOON)


def test_asked_approved_sent_confirmed(desk, held, sandbox_bank):
    refund = ask(desk, held)
    refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON)
    done = refunds.send(refund.pk, at=NOON)
    held.refresh_from_db()
    assert (done.status, held.overpayment) == (Refund.Status.CONFIRMED, D("0.00"))
    assert {(row.account, row.amount) for row in done.transaction.postings.all()} == {("overpayment", D("399.84")), ("cash", D("-399.84"))}
    assert refunds.send(refund.pk, at=NOON).transaction == done.transaction
    assert [entry.event for entry in log.history(done)] == ["credit.refund.confirmed", "credit.refund.approved", "credit.refund.requested"]


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "399.85", "0.001"])
def test_never_more_than_held(desk, held, amount):
    with pytest.raises(refunds.MoreThanHeld):
        ask(desk, held, amount)
    assert not Refund.objects.exists()


def test_what_is_promised_is_not_promised_again(desk, held):
    ask(desk, held, "300.00")
    with pytest.raises(refunds.MoreThanHeld):
        ask(desk, held, "99.85")
    assert refunds.free(held) == D("99.84")


def test_the_second_person_is_another(desk, held):
    refund = ask(desk, held)
    with pytest.raises(four_eyes.SamePerson):
        refunds.approve(refund, actor=desk.cast.loan_operations, at=NOON)
    refund.refresh_from_db()
    assert refund.status == "requested"


def test_a_declined_request_frees_the_money(desk, held):
    refund = refunds.decline(ask(desk, held), actor=desk.cast.risk_manager, at=NOON)
    assert refunds.free(held) == D("399.84")
    with pytest.raises(IllegalMove):
        refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON)


def test_the_bank_says_no(desk, sandbox_bank):
    loan = desk.loan()
    desk.pay(loan, "1500.00")
    refund = ask(desk, loan, "100.91")  # the sandbox refuses amounts that end so
    refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON)
    done = refunds.send(refund.pk, at=NOON)
    loan.refresh_from_db()
    assert (done.status, done.refusal, loan.overpayment) == ("failed", "account_closed", D("399.84"))
    assert refunds.free(loan) == D("399.84")


def test_an_uncertain_answer_is_asked_again_and_paid_once(desk, sandbox_bank):
    loan = desk.loan()
    desk.pay(loan, "1500.00")
    refund = ask(desk, loan, "100.93")  # the first call of a key finds the bank closed
    refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON)
    with pytest.raises(PortUnknown):
        refunds.send(refund.pk, at=NOON)
    refund.refresh_from_db()
    assert refund.status == "approved"
    assert refunds.send(refund.pk, at=NOON).status == "confirmed"
    assert sandbox_bank.paid("refund:" + refund.public_id) == 1


def test_a_page_that_is_old_is_told(desk, held):
    refund = ask(desk, held)
    with pytest.raises(Stale):
        refunds.approve(refund, actor=desk.cast.risk_manager, at=NOON, version=refund.version + 1)
