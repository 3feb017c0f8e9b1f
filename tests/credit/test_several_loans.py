"""One payment for several loans of a customer: spread by the lender's order, taken in and taken back whole."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit import (
    customer_payments,
    repayments,
    reversals,
    spreading,
)
from credit.models import CustomerPayment, Transaction
from credit.spreading import Debt
from crm.lib.errors import Invalid
from governance.models import Rule
from tests.credit.test_acts import at, fresh, rows_of
from tests.credit.test_loan_doors import ZERO, sound, undo
from tests.fixtures.cast import NOON, TODAY


def two_loans(desk):
    first = desk.loan(at=at(TODAY))
    second = desk.loan(at=at(date(2026, 3, 12)), customer=first.customer, amount=D("6000.00"))
    return first, second


def test_one_payment_goes_to_the_oldest_due_dates_of_all_loans_and_comes_back_whole(desk):
    first, second = two_loans(desk)
    paid = customer_payments.receive(
        first.customer, amount=D("2000.00"), actor=desk.cast.loan_officer, at=at(date(2026, 4, 20)), key="several", reference="slip 7"
    )
    shares = [(share.transaction.loan_id, share.transaction.amount) for share in customer_payments.shares_of(paid)]
    assert [loan for loan, _amount in shares] == [first.pk, second.pk] and sum(amount for _loan, amount in shares) == D("2000.00")
    assert rows_of(first)[0].status == "paid" and sound(first)["cash"] and sound(second)["cash"]
    again = customer_payments.receive(first.customer, amount=D("2000.00"), actor=desk.cast.loan_officer, at=NOON, key="several")
    assert again.pk == paid.pk and Transaction.objects.filter(kind="repayment").count() == 2
    with pytest.raises(repayments.KeyUsed):
        customer_payments.receive(first.customer, amount=D("2.00"), actor=desk.cast.loan_officer, at=NOON, key="several")
    part = customer_payments.shares_of(paid)[0].transaction
    with pytest.raises(reversals.NotReversible):
        undo(desk, part, date(2026, 4, 20))
    back = customer_payments.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 4, 21)), key="back")
    assert back.status == "reversed" and rows_of(first)[0].principal_paid == ZERO
    assert (fresh(first).principal_outstanding, fresh(second).principal_outstanding) == (D("12000.00"), D("6000.00"))
    sound(first), sound(second)
    assert (
        customer_payments.reverse(back, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 4, 21)), key="x").pk == paid.pk
    )


def test_the_order_is_a_rule_of_the_lender_and_what_is_too_much_is_held_on_the_first_loan(desk):
    first, second = two_loans(desk)
    Rule.objects.filter(code=customer_payments.ORDER).update(value={"": "oldest_due", desk.cast.entity.code: "smallest_due"})
    seen = customer_payments.preview(
        first.customer, amount=D("600.00"), received_on=None, user=desk.cast.loan_officer, at=at(date(2026, 4, 20))
    )
    assert [share.loan.pk for share in seen] == [second.pk, first.pk]
    much = customer_payments.receive(first.customer, amount=D("9000.00"), actor=desk.cast.loan_officer, at=at(date(2026, 4, 20)), key="m")
    assert much.order == "smallest_due" and fresh(second).overpayment > 0 and not fresh(first).overpayment
    sound(first), sound(second)


def test_nothing_is_taken_in_where_one_share_cannot_be(desk, monkeypatch):
    first, _second = two_loans(desk)
    desk.cast.entity.refresh_from_db()
    with pytest.raises(Invalid):
        customer_payments.receive(
            first.customer, amount=D("5.00"), actor=desk.cast.loan_officer, at=at(date(2026, 4, 20)), key="b", received_on=date(2026, 3, 5)
        )
    assert not CustomerPayment.objects.exists() and not Transaction.objects.filter(kind="repayment").exists()


CENTS = st.integers(1, 500_000).map(lambda cents: D(cents) / 100)
DAYS = st.dates(date(2026, 1, 1), date(2026, 6, 30))


@st.composite
def debts(draw):
    found = []
    for loan in range(1, draw(st.integers(1, 4)) + 1):
        due = sorted(draw(st.lists(st.tuples(DAYS, CENTS), max_size=3)))
        runs = draw(st.none() | st.tuples(st.just(date(2026, 7, 9)), CENTS))
        found.append(Debt(loan, draw(st.sampled_from([D("0.1"), D("0.2")])), draw(st.integers(0, 90)) if due else 0, tuple(due), runs))
    return found


@given(CENTS, debts(), st.sampled_from(["oldest_due", "highest_dpd", "highest_rate", "smallest_due"]))
def test_no_cent_is_made_or_lost_and_nobody_gets_more_than_asked_while_others_wait(amount, owing, order):
    shares = dict(spreading.spread(amount, owing, order))
    assert sum(shares.values()) == amount and all(share > 0 for share in shares.values())
    asked = {debt.loan: debt.total + (debt.runs[1] if debt.runs else ZERO) for debt in owing}
    over = [loan for loan, share in shares.items() if share > asked[loan]]
    assert not over or all(shares.get(loan, ZERO) >= asked[loan] for loan in asked)
    if any(shares.get(debt.loan, ZERO) < debt.total for debt in owing):
        assert all(share <= next(debt.total for debt in owing if debt.loan == loan) for loan, share in shares.items())


def test_the_page_shows_the_spread_and_takes_it_in_once(desk, page_of):
    first = desk.loan_now()
    second = desk.loan_now(customer=first.customer, amount=D("6000.00"))
    url = f"/customers/{first.customer.public_id}/pay/"
    browser = page_of(desk.cast.loan_operations)
    on = first.starts_on.isoformat()
    told = browser.get(
        url, {"amount": "1500.00", "received_on": on}, headers={"HX-Request": "true", "HX-Target": "preview"}
    ).content.decode()
    assert first.public_id in told and second.public_id in told and not CustomerPayment.objects.exists()
    typed = {"amount": "1500.00", "received_on": on, "channel": "cash", "form_key": "7f0d9c1e-5a55-4c1e-9a53-0d5a2f1d9c12"}
    assert [browser.post(url, typed).status_code for _n in range(2)] == [303, 303]
    paid = CustomerPayment.objects.get()
    assert b"Reverse this" in browser.get(f"/customer-payments/{paid.public_id}/").content
    assert first.public_id in browser.get(f"/customer-payments/{paid.public_id}/reverse/").content.decode()
    assert browser.post(f"/customer-payments/{paid.public_id}/reverse/", {"reason": "bounced"}).status_code == 303
    paid.refresh_from_db()
    assert paid.status == "reversed"


def test_over_http_a_payment_is_spread_once_and_taken_back_whole(desk):
    from rest_framework.test import APIClient

    first = desk.loan_now()
    desk.loan_now(customer=first.customer, amount=D("6000.00"))
    client = APIClient()
    client.force_login(desk.cast.loan_operations)

    def post(path, body, key):
        return client.post(f"/api/v1/customer-payments/{path}", body, format="json", headers={"Idempotency-Key": key} if key else {})

    body = {"customer": first.customer.public_id, "amount": "1500.00"}
    assert len(post("preview/", body, "").json()["shares"]) == 2 and not CustomerPayment.objects.exists()
    assert post("", body, "").status_code == 422
    made = post("", body, "k")
    assert made.status_code == 201 and sum(D(share["amount"]) for share in made.json()["shares"]) == D("1500.00")
    assert post("", body, "k").json() == made.json() and CustomerPayment.objects.count() == 1
    assert post("", body | {"customer": "C-22222222X"}, "z").status_code == 422
    back = post(f"{made.json()['id']}/reverse/", {"reason": "bounced"}, "r")
    assert (back.status_code, back.json()["status"]) == (200, "reversed")
    stale = post(f"{made.json()['id']}/reverse/", {"reason": "bounced", "version": 1}, "r2")
    assert stale.json()["status"] == "reversed" and Transaction.objects.filter(kind="reversal").count() == 2
