"""Published and computed cases of promises and buckets as tables: what became of a promise, and the trade's names of days past due.

Promises: the house's own definition, one day of grace, one yuan of tolerance, payments from the promise to the due date and its grace.
Buckets: M0 is 0 days, M1 1 to 30, and so on to M7+ above 180; due on the 8th and paid on the 10th is two days, the 9th is day one.
"""

from datetime import date
from decimal import Decimal as D

import pytest

from collection.judgement import Part, Payment, judge
from credit.accrual import bucket, bucket_name

DUE = date(2025, 6, 10)
PROMISED = [Part(DUE, D("500.00"))]


@pytest.mark.parametrize(
    ("paid", "as_of", "state"),
    [
        ([("2025-06-09", "500.00")], "2025-06-09", "kept"),
        ([("2025-06-11", "499.50")], "2025-06-11", "kept"),  # grace and tolerance
        ([("2025-06-10", "200.00")], "2025-06-10", "partial"),
        ([("2025-06-10", "200.00")], "2025-06-11", "broken"),  # the grace is over
        ([], "2025-06-10", "open"),
    ],
)
def test_promises(paid: list[tuple[str, str]], as_of: str, state: str) -> None:
    payments = [Payment(date.fromisoformat(day), D(amount)) for day, amount in paid]
    verdict = judge(PROMISED, payments, closed=date.fromisoformat(as_of), grace_days=1, tolerance=D("1.00"))
    assert verdict.state == state


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("M0", 0, 0), ("M1", 1, 30), ("M2", 31, 60), ("M3", 61, 90), ("M4", 91, 120), ("M5", 121, 150), ("M6", 151, 180), ("M7+", 181, 4000),
    ],
)  # fmt: skip
def test_buckets(name: str, first: int, last: int) -> None:
    assert {bucket_name(bucket(days)) for days in (first, (first + last) // 2, last)} == {name}


def test_due_on_the_eighth_paid_on_the_tenth_is_two_days() -> None:
    due, paid = date(2025, 6, 8), date(2025, 6, 10)
    assert (paid - due).days == 2
    assert bucket_name(bucket((date(2025, 6, 9) - due).days)) == "M1"
