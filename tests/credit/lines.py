"""What tests of revolving lines share: a product that sells them, and that a line is sound."""

from decimal import Decimal as D

from credit import book_check, movements, recompute
from credit.models import Product
from credit.revolving import LineState
from tests.credit.test_acts import books, fresh

TERMS = {"statement_day": 10, "statement_due_days": 20, "minimum_share": "0.10", "minimum_amount": "100.00", "freeze_days": 5}


def product_of(desk, **changes):
    values = {
        "legal_entity": desk.cast.entity, "code": "LINE", "version": 1, "live": True, "currency": "CNY", "name_en": "Line", "name_zh": "循环额度",
        "method": "revolving", "day_count": "actual/360", "amount_min": D("1000.00"), "amount_max": D("50000.00"), "term_min": 6, "term_max": 36,
        "rates_by_grade": {"A": "0.18", "B": "0.18"}, "penalty_multiplier": D("1.5"), "grace_days": 3, "terms": TERMS,
    }  # fmt: skip
    return Product.objects.create(**values | changes)


def play(loan, on):
    state = movements.played(fresh(loan), movements.events(loan), as_of=on)
    assert isinstance(state, LineState)
    return state


def sound(loan):
    """Assert that a line is the same when it is played anew; return its books."""
    assert recompute.differences(fresh(loan)) == []
    return books(loan)


def agree(desk, day):
    """Assert that the books agree after a day that is closed."""
    found = book_check.run(desk.cast.entity, day)
    assert not (wrong := [(each.check, each.first) for each in found if each.differences]), wrong
