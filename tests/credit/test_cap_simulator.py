"""What another cap would refuse of the offers that stand, charges for being late among them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from credit import cap_rules, cap_simulator, costing
from credit.models import Offer, Product, RateCap
from tests.fixtures.cast import TODAY

pytestmark = pytest.mark.django_db
COUNTS = ["fee", "third_party", "insurance", "penalty"]


def cap(value, counts=COUNTS, basis="nominal"):
    return RateCap(code="x", value=D(value), basis=basis, counts=counts, products=[], channels=[])


@pytest.fixture
def offer(desk):
    """Return a standing offer of a product that charges 60.00 for each late instalment."""
    made = desk.offer()
    Product.objects.filter(pk=desk.product.pk).update(terms={"late_fee": "60.00"})
    Offer.objects.filter(pk=made.pk).update(expires_on=TODAY + timedelta(days=30))
    return Offer.objects.select_related("application__product__legal_entity").get(pk=made.pk)


def late_cost(offer, basis="nominal", counts=COUNTS):
    worked = costing.work_out(
        offer.application.product, amount=offer.amount, term=offer.term, annual_rate=offer.annual_rate, on=TODAY, caps=[]
    )
    return replace(worked.costs, penalty_rate=offer.penalty_rate).on_default(basis, counts)


@pytest.mark.parametrize("basis", ["nominal", "effective"])
def test_an_offer_counts_with_its_late_charges_as_the_door_would_refuse_it(offer, basis):
    cost = late_cost(offer, basis)
    assert cost > offer.penalty_rate + D("0.01")
    above = cap_simulator.standing(cap(cap_rules.two(cost), basis=basis), Offer.objects.all(), on=TODAY)
    below = cap_simulator.standing(cap(cap_rules.two(cost) - D("0.0001"), basis=basis), Offer.objects.all(), on=TODAY)
    assert (above.number, above.failing, below.failing) == (1, 0, 1)
    assert cap_rules.two(below.furthest) == cap_rules.two(cost) and [each.pk for each in below.worst] == [offer.pk]


def test_where_the_cap_leaves_them_out_they_do_not_count(offer):
    tight = cap_rules.two(late_cost(offer)) - D("0.0001")
    for counts in (["penalty"], ["fee", "third_party", "insurance"]):
        assert cap_simulator.standing(cap(tight, counts), Offer.objects.all(), on=TODAY).failing == 0


def test_too_many_different_ones_are_told_by_the_smallest_amount(offer, desk, monkeypatch):
    Product.objects.update(terms={})  # an offer with such a charge would be refused
    second = desk.offer()
    Product.objects.filter(pk=desk.product.pk).update(terms={"late_fee": "60.00"})
    Offer.objects.filter(pk=second.pk).update(
        expires_on=TODAY + timedelta(days=30), amount=offer.amount * 2, annual_rate=offer.annual_rate, penalty_rate=offer.penalty_rate
    )
    tight = cap_rules.two(late_cost(offer)) - D("0.0001")
    assert cap_simulator.standing(cap(tight), Offer.objects.all(), on=TODAY).failing == 1
    monkeypatch.setattr(cap_simulator, "MOST", 1)
    assert cap_simulator.standing(cap(tight), Offer.objects.all(), on=TODAY).failing == 2


def test_statements_do_not_grow_with_the_offers(offer, desk, django_assert_max_num_queries):
    Product.objects.update(terms={})
    for _n in range(3):
        Offer.objects.filter(pk=desk.offer().pk).update(expires_on=TODAY + timedelta(days=30))
    Product.objects.filter(pk=desk.product.pk).update(terms={"late_fee": "60.00"})
    with django_assert_max_num_queries(6):
        cap_simulator.standing(cap("0.9"), Offer.objects.all(), on=TODAY)
