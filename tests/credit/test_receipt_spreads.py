"""Money in suspense for several loans of a customer: spread by the rule's order, the rest waits, parts come back alone."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit import book_check, customer_payments, four_eyes, receipt_spreads, suspense
from credit.models import Receipt, SuspenseMove, Transaction
from credit.receipt_spreads import NotWaiting
from credit.spreading import Debt
from credit.spreading import spread as spread_of
from tests.credit.test_acts import at, fresh, rows_of
from tests.credit.test_loan_doors import agree
from tests.credit.test_money_api import post
from tests.credit.test_several_loans import two_loans

DAY = date(2026, 4, 20)


def money(desk, amount, reference="s", on=DAY):
    return suspense.take_in(
        legal_entity=desk.cast.entity, reference=reference, received_on=on, amount=D(amount), payer_name="王小明",
        actor=desk.cast.system, at=at(on),
    )  # fmt: skip


def spread(desk, receipt, customer, on=DAY, **told):
    return receipt_spreads.spread(receipt, customer, actor=desk.cast.loan_operations, at=at(on), **told)


def waits(receipt):
    """Return what the suspense account holds of a receipt."""
    return sum(SuspenseMove.objects.filter(receipt=receipt).values_list("amount", flat=True), D(0))


def test_what_is_due_and_runs_is_paid_and_the_rest_waits(desk):
    first, second = two_loans(desk)
    receipt = money(desk, "9000.00")
    seen = receipt_spreads.preview(receipt, first.customer, user=desk.cast.loan_operations, at=at(DAY))
    done = spread(desk, receipt, first.customer)
    [payment] = receipt_spreads.payments(done)
    assert done.status == "unmatched" and done.left == seen.rest == D("9000.00") - payment.amount > 0
    assert waits(done) == done.left
    shares = {share.transaction.loan_id: share.transaction.amount for share in customer_payments.shares_of(payment)}
    assert shares == {share.loan.pk: share.amount for share in seen.shares} and set(shares) == {first.pk, second.pk}
    assert fresh(first).overpayment == fresh(second).overpayment == 0
    assert [row.status for row in rows_of(first)[:3]] == ["paid", "paid", "pending"]
    with pytest.raises(customer_payments.NothingToPay):
        spread(desk, done, first.customer)
    third = desk.loan(at=at(date(2026, 3, 2)))
    rest = done.left
    ended = suspense.allocate(done, third, actor=desk.cast.loan_operations, at=at(DAY))
    assert (ended.status, ended.left, waits(ended)) == ("matched", D(0), D(0))
    assert Transaction.objects.get(loan=third, kind="repayment").amount == rest
    desk.close_to(DAY)
    agree(desk)


def test_a_part_that_is_taken_back_waits_again_and_one_that_bounced_does_not(desk):
    first, _second = two_loans(desk)
    receipt = money(desk, "2500.00")
    done = spread(desk, receipt, first.customer)
    assert (done.status, done.loan.customer_id, done.transaction) == ("matched", first.customer_id, None)
    [payment] = receipt_spreads.payments(done)
    told = {"actor": desk.cast.loan_operations, "at": at(DAY)}
    customer_payments.reverse(payment, reason="wrong_loan", key="r", **told)
    row = Receipt.objects.get(pk=receipt.pk)
    assert (row.status, row.left, waits(row)) == ("unmatched", D("2500.00"), D("2500.00"))
    again = spread(desk, row, first.customer)
    payment = receipt_spreads.payments(again)[-1]
    customer_payments.reverse(payment, reason="bounced", key="b", **told)
    row = Receipt.objects.get(pk=receipt.pk)
    assert (row.status, waits(row)) == ("returned", D(0))
    with pytest.raises(NotWaiting):
        spread(desk, row, first.customer)


def test_the_rest_goes_back_and_what_was_spread_stays(desk):
    first, _second = two_loans(desk)
    done = spread(desk, money(desk, "9000.00"), first.customer)
    ended = suspense.give_back(done, actor=desk.cast.loan_operations, at=at(DAY))
    assert (ended.status, ended.loan.customer_id, waits(ended)) == ("matched", first.customer_id, D(0))
    [payment] = receipt_spreads.payments(ended)
    customer_payments.reverse(payment, reason="wrong_loan", key="r", actor=desk.cast.loan_operations, at=at(DAY))
    row = Receipt.objects.get(pk=ended.pk)
    assert (row.status, row.left, waits(row)) == ("unmatched", payment.amount, payment.amount)


def test_a_large_one_waits_for_a_second_person(desk):
    first, _second = two_loans(desk)
    receipt = money(desk, "30000.00")
    proposed = spread(desk, receipt, first.customer)
    assert (proposed.status, proposed.proposed_customer) == ("proposed", first.customer)
    assert not first.transactions.filter(kind="repayment").exists()
    with pytest.raises(four_eyes.SamePerson):
        suspense.approve(proposed, actor=desk.cast.loan_operations, at=at(DAY))
    back = suspense.reject(proposed, actor=desk.cast.risk_manager, at=at(DAY))
    assert (back.status, back.proposed_customer) == ("unmatched", None)
    done = suspense.approve(spread(desk, back, first.customer), actor=desk.cast.risk_manager, at=at(DAY))
    assert (done.status, done.proposed_by) == ("unmatched", None) and 0 < done.left < D("30000.00") and waits(done) == done.left


def test_over_http_with_a_preview(desk):
    from django.utils.timezone import localdate, now
    from rest_framework.test import APIClient

    loan = desk.loan_now()
    client = APIClient()
    client.force_login(desk.cast.loan_operations)
    receipt = suspense.take_in(
        legal_entity=desk.cast.entity, reference="h", received_on=localdate(), amount=D("3000.00"), actor=desk.cast.system, at=now()
    )
    path = f"suspense/{receipt.public_id}/spread/"
    seen = post(client, f"{path}preview/", {"loan": loan.public_id}).json()["shares"]
    assert [row["loan"] for row in seen] == [loan.public_id] and D(seen[0]["overpayment"]) == 0
    done = post(client, path, {"loan": loan.public_id}, key="s")
    assert (done.status_code, done.json()["status"]) == (200, "unmatched")
    assert D(done.json()["left"]) == D("3000.00") - D(seen[0]["amount"])
    assert post(client, path, {"loan": loan.public_id, "version": 1}, key="t").status_code == 409


def test_the_page_shows_it_before_it_does_it(desk, client):
    first, second = two_loans(desk)
    receipt = money(desk, "2500.00")
    client.force_login(desk.cast.loan_operations)
    page = client.get(f"/payments/{receipt.public_id}/spread/?loan={second.public_id}").content.decode()
    assert first.public_id in page and second.public_id in page and "Spread it" in page
    assert client.get(f"/payments/{receipt.public_id}/spread/").status_code == 200
    wrong = client.post(f"/payments/{receipt.public_id}/spread/", {"loan": "L-22222222", "version": receipt.version})
    assert wrong.status_code == 422 and Receipt.objects.get(pk=receipt.pk).status == "unmatched"


def test_the_check_tells_a_part_that_differs(desk):
    first, _second = two_loans(desk)
    done = spread(desk, money(desk, "9000.00"), first.customer)
    desk.close_to(DAY)
    Receipt.objects.filter(pk=done.pk).update(placed=done.placed - 1)
    assert "suspense" in {each.check for each in book_check.run(desk.cast.entity, DAY) if each.differences}


sums = st.decimals("0.01", "500", places=2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(sums, max_size=3), st.none() | sums), min_size=1, max_size=4), sums)
def test_no_loan_gets_more_than_it_asks_for(loans, amount):
    debts = [
        Debt(n, D("0.1"), 0, tuple((date(2026, 1, 1 + m), sum_) for m, sum_ in enumerate(due)), (date(2026, 2, 1), runs) if runs else None)
        for n, (due, runs) in enumerate(loans)
    ]
    asked = sum((debt.total + (debt.runs[1] if debt.runs else 0) for debt in debts), D(0))
    if not asked:
        return
    for order in ("oldest_due", "highest_dpd", "highest_rate", "smallest_due"):
        shares = dict(spread_of(min(amount, asked), debts, order))
        assert sum(shares.values()) == min(amount, asked)
        assert all(share <= debts[n].total + (debts[n].runs[1] if debts[n].runs else 0) for n, share in shares.items())
