"""Published and computed cases of promises and buckets as tables: what became of a promise, and the trade's names of days past due.

Promises: the house's own definition, one day of grace, one yuan of tolerance, payments from the promise to the due date and its grace.
Buckets: M0 is 0 days, M1 1 to 30, and so on to M7+ above 180; due on the 8th and paid on the 10th is two days, the 9th is day one.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from collection.judgement import Part, Payment, judge
from credit.accrual import Late, bucket, bucket_name, days_past_due
from customers import contact_packs, templates
from customers.models import MessageTemplate
from governance import rules

DUE, DUE_ON = date(2025, 6, 10), date(2025, 6, 8)
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
    """As the loan counts them: no grace, the ninth is day one; once it is paid nothing is past due."""
    owed = Late(DUE_ON, D("500.00"), D("500.00"), D("0.00"), DUE_ON)
    days = [days_past_due([owed], as_of=date(2025, 6, day), grace_days=0) for day in (8, 9, 10)]
    assert days == [0, 1, 2]
    assert [bucket_name(bucket(each)) for each in days] == ["M0", "M1", "M1"]
    assert days_past_due([replace(owed, owed=D("0.00"))], as_of=date(2025, 6, 10), grace_days=0) == 0


# --- United Kingdom, CONC 7.9: no premium-rate number to call back, nothing that hides who writes ------------------------------
@pytest.mark.parametrize(
    ("text", "abroad", "at_home"),
    [
        ("Call 0909 879 0123.", "", "0909 879 0123"),
        ("Call 0871 234 5678.", "", "0871 234 5678"),  # Kunming, where the British pack does not hold
        ("Call +44 909 8790123.", "+44 909 8790123", "+44 909 8790123"),
        ("Call 0044 (0)871 234 5678.", "0044 (0)871 234 5678", "0044 (0)871 234 5678"),
        ("Call 118118.", "", "118118"),
        ("Call 0808 157 0000.", "", ""),
        ("Call 020 7946 0000 or 03457 404040.", "", ""),
        ("致电95588，或手机13909012345。", "", ""),
        ("Your reference is 10909 8790123.", "", ""),
    ],
)
def test_no_premium_rate_number_is_named(db: None, text: str, abroad: str, at_home: str) -> None:
    assert contact_packs.premium(text) == abroad
    rules.put(
        "contact.pack.UK", value="uk_conc", unit=rules.TEXT, meaning_en="x", meaning_zh="x", citation="", verification="policy", effective_from=date(2020, 1, 1)
    )  # fmt: skip
    assert contact_packs.premium(text) == at_home


def test_words_with_such_a_number_are_refused_by_name(db: None) -> None:
    row = MessageTemplate.objects.filter(status="live", channel="sms").order_by("code")[0]
    words = {"body_en": row.body_en + " Call +44 909 879 0123.", "body_zh": row.body_zh}
    with pytest.raises(templates.CannotBeSaid) as refused:
        templates.checked(row.code, "sms", words)
    assert "+44 909 879 0123" in str(refused.value.fields["body_en"])
    assert set(refused.value.fields) == {"body_en"}


def test_every_text_says_who_writes(db: None) -> None:
    """A card or a text that hides its sender misleads: the lender's name stands in each that ships."""
    rows = MessageTemplate.objects.filter(status="live", channel="sms")
    assert rows.count() > 3
    assert not [row.code for row in rows if "{lender}" not in row.body_en or "{lender}" not in row.body_zh]
