"""Every method of repayment that may be on sale is booked, paid to its end and explained by its movements."""

from decimal import Decimal as D

import pytest

from credit import recompute
from credit.models import Loan, Product

# 12,000 at the product's rate of grade A (10.8 % a year) over 12 months: first and last payment, by hand
METHODS = [
    ("equal_principal", D("1108.00"), D("1009.00"), D("702.00")),
    ("interest_only", D("108.00"), D("12108.00"), D("1296.00")),
    ("flat_fee", D("1108.00"), D("1108.00"), D("1296.00")),
]


@pytest.mark.parametrize(("method", "first", "last", "interest"), METHODS)
def test_a_method_is_booked_and_paid_to_its_end(desk, method, first, last, interest):
    Product.objects.filter(pk=desk.product.pk).update(method=method)
    desk.product.refresh_from_db()
    loan = desk.loan(verdict={"annual_rate": D("0.108")})
    rows = list(loan.installments.order_by("seq"))
    assert loan.terms["method"] == ("flat" if method == "flat_fee" else method)
    assert (rows[0].payment, rows[-1].payment, sum(row.interest for row in rows)) == (first, last, interest)
    for row in rows:
        desk.pay(loan, row.payment, on=row.due_on)
    loan = Loan.objects.select_related("legal_entity", "product").get(pk=loan.pk)
    assert (loan.status, loan.principal_outstanding, loan.overpayment) == ("settled", D("0.00"), D("0.00"))
    assert recompute.differences(loan) == []


def test_a_flat_fee_says_that_it_runs_on_the_original_principal(desk):
    Product.objects.filter(pk=desk.product.pk).update(method="flat_fee")
    desk.product.refresh_from_db()
    offer = desk.offer(verdict={"annual_rate": D("0.108")})
    interest = next(item for item in offer.cost_table["items"] if item["code"] == "interest")
    assert interest["method"]["en"].startswith("On the original principal")
    assert offer.nominal_rate > D("0.19")
