"""The product factory: a version is written, tried, reviewed, released by two people, sets and is retired."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from credit import applications, caps, product_examples, product_factory, product_terms
from credit.models import Application, Product
from credit.product_written import stamp, written
from credit.schedule import Terms, build
from crm.lib.errors import Stale
from governance import changes
from tests.fixtures.cast import NOON

TODAY = NOON.date()
WORKED = Terms(D("12000.00"), D("0.18"), 12, date(2025, 1, 1))
ALL = dict.fromkeys(product_factory.REVIEW, True)


@pytest.fixture
def draft(desk):
    return product_factory.new_version(desk.product, actor=desk.cast.risk_manager, at=NOON)


def write(desk, product, **changed):
    values = written(product) | changed
    return product_factory.write(product, values, actor=desk.cast.risk_manager, at=NOON)


def reviewed(desk, product):
    return product_factory.review(product, answers=ALL, note="", actor=desk.cast.compliance, at=NOON)


def propose(desk, product, **changed):
    values = {"live": True, "sunset_on": None, "reason": "r", "actor": desk.cast.risk_manager, "at": NOON} | changed
    return product_factory.propose(product, **values)


# `amortisation_cn`: the rows of the worked examples are retyped
@pytest.mark.parametrize(
    ("method", "first", "last", "interest"),
    [
        ("equal_installment", ("920.16", "180.00"), ("1083.93", "16.26"), "1201.95"),
        ("equal_principal", ("1000.00", "180.00"), ("1000.00", "15.00"), "1170.00"),
        ("interest_only", ("0.00", "180.00"), ("12000.00", "180.00"), "2160.00"),
        ("flat_fee", ("1000.00", "180.00"), ("1000.00", "180.00"), "2160.00"),
        ("bullet", ("12000.00", "2160.00"), ("12000.00", "2160.00"), "2160.00"),
    ],
)
def test_a_method_is_tried_to_the_cent(method, first, last, interest):
    rows = build(replace(WORKED, method="flat" if method == "flat_fee" else method))
    assert [(str(row.principal), str(row.interest)) for row in (rows[0], rows[-1])] == [first, last]
    assert sum(row.interest for row in rows) == D(interest)
    assert sum(row.principal for row in rows) == D("12000.00")
    assert rows[-1].balance == 0


def test_a_flat_fee_is_shown_with_its_true_rate_and_breaks_the_cap(desk, draft):
    product = write(
        desk, draft, method="flat_fee", rates_by_grade={"A": "0.180000"}, examples=[{"amount": "12000.00", "term": 12, "grade": "A"}]
    )
    tried = product_examples.run(product, caps.holding(TODAY), on=TODAY)[0]
    assert (tried.table["annualised"]["nominal"], tried.table["annualised"]["effective"]) == ("0.317164", "0.367583")
    assert not tried.passes
    codes = [each.code for each in product_factory.hindrances(reviewed(desk, product), on=TODAY)]
    assert codes == ["over_rate_cap"]


def test_the_way_of_a_version_to_sale_and_off_it(desk, draft):
    old = desk.product
    assert (draft.version, draft.stage, draft.live) == (2, "draft", False)
    product = write(desk, draft, rates_by_grade={"A": "0.100000", "B": "0.120000"}, offer_days=7)
    with pytest.raises(product_factory.NotReviewed):
        propose(desk, product)
    reviewed(desk, product)
    change = propose(desk, product)
    with pytest.raises(product_factory.NotADraft):
        write(desk, product, offer_days=9)
    changes.confirm(change, actor=desk.cast.compliance, at=NOON)
    product.refresh_from_db()
    old.refresh_from_db()
    assert (product.stage, old.stage, product.released_at) == ("live", "past", NOON)
    with pytest.raises(product_factory.NotADraft):
        write(desk, product, offer_days=9)

    desk.product = product
    running = desk.concluded("refer", {"grade": "A"})
    ends = propose(desk, product, sunset_on=TODAY + timedelta(days=1))
    changes.confirm(ends, actor=desk.cast.compliance, at=NOON)
    product.refresh_from_db()
    desk.draft(at=NOON + timedelta(days=1))
    with pytest.raises(applications.Invalid) as refusal:
        desk.draft(at=NOON + timedelta(days=2))
    assert "product" in refusal.value.fields
    assert Application.objects.get(pk=running.pk).product.takes(TODAY)
    changes.confirm(propose(desk, product, live=False), actor=desk.cast.compliance, at=NOON)
    product.refresh_from_db()
    assert (product.stage, product.live) == ("retired", False)
    with pytest.raises(product_factory.NotADraft):
        propose(desk, product)
    # what was under way goes on: the version is off sale for new applications only
    approved = applications.approve(running, amount=D("5000.00"), actor=desk.cast.underwriter, at=NOON)
    assert approved.status == Application.Status.APPROVED


def test_a_released_version_keeps_its_terms_in_the_database_too(desk, draft):
    reviewed(desk, draft)
    changes.confirm(propose(desk, draft), actor=desk.cast.compliance, at=NOON)
    with pytest.raises(IntegrityError, match="terms are kept"), transaction.atomic():
        Product.objects.filter(pk=draft.pk).update(rates_by_grade={"A": "0.01"})
    assert Product.objects.filter(pk=draft.pk).update(sunset_on=TODAY) == 1


def test_a_review_is_another_persons_whole_and_of_what_stands(desk, draft):
    with pytest.raises(product_factory.OwnReview):
        product_factory.review(draft, answers=ALL, note="", actor=desk.cast.risk_manager, at=NOON)
    with pytest.raises(product_factory.Invalid) as refusal:
        product_factory.review(draft, answers=ALL | {"suitable": False}, note="", actor=desk.cast.compliance, at=NOON)
    assert list(refusal.value.fields) == ["suitable"]
    product = reviewed(desk, draft)
    assert product.reviewed_by == desk.cast.compliance
    assert write(desk, product, offer_days=3).reviewed_at is None


def test_a_stale_page_does_not_overwrite(desk, draft):
    mark = stamp(draft)
    write(desk, draft, offer_days=3)
    with pytest.raises(Stale):
        product_factory.write(draft, written(draft), actor=desk.cast.risk_manager, at=NOON, mark=mark)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount_min": D("60000.00")}, "amount_max"),
        ({"term_min": 99}, "term_max"),
        ({"rates_by_grade": {}}, "rates_by_grade"),
        ({"penalty_multiplier": D("0.5")}, "penalty_multiplier"),
        ({"allocation_order": ["fee"] * 4}, "allocation_order"),
        ({"fees": [{"code": "x", "method": "once"}]}, "fee_1_name_en"),
        ({"examples": [{"amount": "1.00", "term": 12, "grade": "A"}]}, "examples"),
        ({"terms": {"every": 0}}, "every"),
        ({"terms": {"due_day": 32}}, "due_day"),
        ({"terms": {"prepayment": "perhaps"}}, "prepayment"),
        ({"terms": {"down_payment": "1"}}, "down_payment"),
        ({"terms": {"colour": "red"}}, "colour"),
    ],
)
def test_what_cannot_be_a_product_is_refused_at_its_field(desk, draft, changed, field):
    with pytest.raises(product_factory.Invalid) as refusal:
        write(desk, draft, **changed)
    assert field in refusal.value.fields


def test_deducting_from_the_payout_is_refused_with_the_article(desk, draft):
    fee = {"code": "f", "name": {"en": "F", "zh-hans": "费"}, "method": "deducted", "rate": "0.03"}
    with pytest.raises(product_factory.Deducted) as refusal:
        write(desk, draft, fees=[fee])
    assert "第六百七十条" in refusal.value.extra["citation"]


def test_terms_have_defaults_the_doors_can_keep():
    assert product_terms.unsupported("equal_installment", "30/360", {}) == []
    assert set(product_terms.SUPPORTED) <= set(product_terms.TERMS)
    assert product_terms.cleaned(product_terms.whole({})) == product_terms.whole({})
    assert (
        len(product_terms.unsupported("revolving", "actual/actual", {"interest": "daily", "late_fee": "7.00", "cooling_off_days": 7})) == 1
    )
