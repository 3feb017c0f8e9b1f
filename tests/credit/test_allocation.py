"""Money received: the order as tables, and that no cent is made or lost."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.allocation import WATERFALL, Due, Line, allocate

OLD = Due(1, D("5.00"), D("2.00"), D("10.00"), D("90.00"))
NEW = Due(2, D("5.00"), D("0.00"), D("9.00"), D("91.00"))


@pytest.mark.parametrize(
    ("payment", "lines", "left"),
    [
        ("3.00", [(1, "fee", "3.00")], "0.00"),
        ("6.00", [(1, "fee", "5.00"), (1, "penalty", "1.00")], "0.00"),
        ("107.00", [(1, "fee", "5.00"), (1, "penalty", "2.00"), (1, "interest", "10.00"), (1, "principal", "90.00")], "0.00"),
        (
            "113.00",
            [
                (1, "fee", "5.00"),
                (1, "penalty", "2.00"),
                (1, "interest", "10.00"),
                (1, "principal", "90.00"),
                (2, "fee", "5.00"),
                (2, "interest", "1.00"),
            ],
            "0.00",
        ),
        (
            "300.00",
            [
                (1, "fee", "5.00"),
                (1, "penalty", "2.00"),
                (1, "interest", "10.00"),
                (1, "principal", "90.00"),
                (2, "fee", "5.00"),
                (2, "interest", "9.00"),
                (2, "principal", "91.00"),
            ],
            "88.00",
        ),
    ],
)
def test_fee_penalty_interest_principal_whole_oldest_instalment_first(payment, lines, left):
    assert allocate(D(payment), [OLD, NEW]) == ([Line(n, part, D(amount)) for n, part, amount in lines], D(left))


def test_a_product_may_put_principal_first():
    lines, _ = allocate(D("95.00"), [OLD], ("principal", "interest", "penalty", "fee"))
    assert [(line.part, line.amount) for line in lines] == [("principal", D("90.00")), ("interest", D("5.00"))]


cents = st.decimals("0.00", "9999.99", places=2)
dues = st.lists(st.builds(Due, st.integers(1, 72), cents, cents, cents, cents), max_size=12)


@given(cents, dues, st.permutations(WATERFALL))
def test_allocation_never_makes_or_loses_a_cent(payment, owed, order):
    lines, left = allocate(payment, owed, order)
    assert sum((line.amount for line in lines), left) == payment
    assert all(line.amount > 0 for line in lines)
    assert left >= 0
    assert left == max(payment - sum((due.total for due in owed), D(0)), D(0))


@given(cents, st.lists(cents, min_size=1, max_size=8))
def test_a_younger_instalment_gets_nothing_before_the_older_is_whole(payment, amounts):
    owed = [Due(n, D(0), D(0), D(0), amount) for n, amount in enumerate(amounts)]
    lines, _ = allocate(payment, owed)
    touched = [line.installment for line in lines]
    assert all(line.amount == amounts[line.installment] for line in lines[:-1])
    assert touched == sorted(touched)
