"""How applications turned out: each definition on a few loans counted by hand, nothing of what came after the day asked for."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit import loans
from credit.models import Installment, Loan, LoanSnapshot, Posting, Transaction
from risk import outcome_source
from risk.outcome_source import Outcome, outcomes
from tests.credit.conftest import Desk
from tests.credit.conftest import desk as desk  # noqa: PLC0414  the fixture
from tests.credit.portfolio import multiply
from tests.credit.test_reports import snapshot
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
NAMES = ("pays", "late", "bad", "cured", "charged", "settled", "cancelled", "sold", "rescheduled", "bad_later")
BEGAN, YEAR = date(2026, 3, 2), date(2027, 3, 2)


def pay(loan: Loan, **days: int | None) -> None:
    """Let each instalment be paid so many days after it is due; `n4=None` leaves the fourth and later ones unpaid."""
    unpaid = min((int(name[1:]) for name, late in days.items() if late is None), default=99)
    for each in loan.installments.order_by("seq"):
        if each.seq < unpaid:
            late = days.get(f"n{each.seq}", 0)
            Installment.objects.filter(pk=each.pk).update(
                paid_on=each.due_on + timedelta(days=late or 0), status="paid", principal_paid=each.principal, interest_paid=each.interest
            )


@pytest.fixture
def book(desk: Desk) -> dict[str, Loan]:
    """Ten loans of 2 March 2026, 12,000.00 over 12 months, due on the 2nd of each month from April on."""
    first = desk.loan()
    multiply(first, len(NAMES) - 1)
    found = dict(zip(NAMES, Loan.objects.filter(pk__gte=first.pk).select_related("application", "product").order_by("pk"), strict=True))
    pay(found["pays"])
    pay(found["late"], n3=40)
    pay(found["bad"], n4=None)
    pay(found["cured"], n2=91)
    pay(found["charged"], n5=None)
    pay(found["settled"])
    for name in ("cancelled", "sold"):
        pay(found[name], n2=None)
    pay(found["rescheduled"])
    pay(found["bad_later"], n11=None)
    for name, status, day in (
        ("settled", "settled", (2026, 8, 2)),
        ("cancelled", "cancelled", (2026, 3, 5)),
        ("sold", "sold", (2026, 6, 1)),
    ):
        ended = {"settled_at": NOON.replace(year=day[0], month=day[1], day=day[2]), "principal_outstanding": 0}
        Loan.objects.filter(pk=found[name].pk).update(status=status, **ended)
    # Its instalments were replaced since: only the month-end remembers.
    LoanSnapshot.objects.bulk_create([snapshot(found["rescheduled"], date(2026, 9, 30), 95, D(9000))])
    moved = {"loan": found["charged"], "at": NOON, "actor": desk.cast.system}
    gone = Transaction.objects.create(kind="write_off", amount=D("8000.00"), value_on=date(2026, 10, 1), key="gone", **moved)
    back = Transaction.objects.create(kind="recovery", amount=D("500.00"), value_on=date(2026, 11, 1), key="back", **moved)
    for movement, entries in ((gone, {"loss": "8000", "principal": "-8000"}), (back, {"cash": "500", "recovery": "-500"})):
        Posting.objects.bulk_create(Posting(transaction=movement, account=account, amount=D(amount)) for account, amount in entries.items())
    return found


def told(book: dict[str, Loan], as_of: date, **asked: int) -> dict[str, Outcome]:
    subjects = {name: f"credit.application:{loan.application.public_id}" for name, loan in book.items()}
    found = outcomes(subjects.values(), as_of=as_of, **asked)
    return {name: found[subject] for name, subject in subjects.items() if subject in found}


def test_each_status_after_a_year(book: dict[str, Loan]) -> None:
    found = told(book, YEAR)
    assert {name: outcome.status for name, outcome in found.items()} == {
        "pays": "good", "late": "good", "bad": "bad", "cured": "bad", "charged": "bad", "settled": "good", "cancelled": "indeterminate",
        "sold": "indeterminate", "rescheduled": "bad", "bad_later": "good",
    }  # fmt: skip
    assert found["late"].worst_dpd == 40 and found["cured"].worst_dpd == 91 and found["rescheduled"].worst_dpd == 95
    assert found["bad"].worst_dpd == (YEAR - date(2026, 7, 2)).days and found["bad"].bad_on == date(2026, 7, 2) + timedelta(days=90)
    assert all(outcome.matured and outcome.months == 12 and outcome.lent == D("12000.00") for outcome in found.values())
    assert found["charged"].lost == D("7500.00") and found["bad"].lost == 0
    assert {name for name, outcome in found.items() if not outcome.counts} == {"cancelled", "sold"}


def test_nothing_of_what_came_after(book: dict[str, Loan]) -> None:
    """On 2 August nobody had been 90 days late but by the payments that were still to come."""
    found = told(book, date(2026, 8, 2))
    assert {outcome.status for outcome in found.values()} == {"immature", "bad", "indeterminate"}
    assert [name for name, outcome in found.items() if outcome.bad] == ["cured"]
    assert found["cured"].bad_on == date(2026, 5, 2) + timedelta(days=90) == date(2026, 7, 31)
    assert found["bad"].worst_dpd == 31 and found["late"].worst_dpd == 40 and found["pays"].months == 5
    assert found["charged"].lost == 0
    assert not any(outcome.matured for outcome in found.values())
    assert told(book, BEGAN - timedelta(days=1)) == {}


def test_the_horizon_ends_the_looking(book: dict[str, Loan]) -> None:
    """The eleventh instalment fell due on 2 February 2027: 90 days late is beyond a year, within fifteen months."""
    late = date(2027, 9, 1)
    assert told(book, late)["bad_later"].status == "good" and told(book, late)["bad_later"].worst_dpd == 28
    assert told(book, late, horizon_months=15)["bad_later"].status == "bad"
    assert told(book, late, horizon_months=3)["bad"].status == "good"
    assert told(book, YEAR, bad_dpd=30)["late"].status == "bad"


def test_a_write_off_taken_back_proves_nothing(book: dict[str, Loan], desk: Desk) -> None:
    gone, day = Transaction.objects.get(kind="write_off"), date(2026, 10, 1)
    assert told(book, day)["charged"].bad
    Installment.objects.filter(loan=book["charged"], paid_on=None).update(due_on=date(2027, 1, 1))
    assert told(book, day)["charged"].bad_on == day
    back = Transaction.objects.create(
        loan=gone.loan,
        kind="reversal",
        amount=gone.amount,
        value_on=date(2026, 10, 9),
        at=NOON,
        actor=desk.cast.system,
        key="r",
        reverses=gone,
    )
    loans.post(back, [(each.account, -each.amount, each.installment_id) for each in gone.postings.all()])
    assert told(book, day)["charged"].bad and not told(book, date(2026, 10, 9))["charged"].bad


def test_what_has_no_outcome_is_left_out(desk: Desk) -> None:
    declined = desk.concluded("decline")
    subjects = [f"credit.application:{declined.public_id}", "credit.application:A-UNKNOWN", "weather.day:1", "", "credit.application:"]
    assert outcomes(subjects, as_of=YEAR) == {}
    for wrong in ({"horizon_months": 0}, {"bad_dpd": 0}):
        with pytest.raises(ValueError, match="at least"):
            outcomes([], as_of=YEAR, **wrong)


def test_queries_do_not_grow(book: dict[str, Loan]) -> None:
    def count(loans: Any) -> int:
        with CaptureQueriesContext(connection) as caught:
            outcomes([f"credit.application:{loan.application.public_id}" for loan in loans], as_of=YEAR)
        return len(caught)

    assert count([book["pays"]]) == count(book.values()) == 2


def test_a_second_source_of_a_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        outcome_source.outcome_source("credit.application", lambda ids, **_asked: {})  # type: ignore[misc]
