"""The general ledger: journals of a day, accrual in sums, non-accrual, transfers, a book taken over, what the database refuses."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.credit.conftest import Desk
from tests.credit.portfolio import multiply
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db
CENT = D("0.01")


def books(desk: Desk, until: date | None = None) -> dict[str, D]:
    """Return the balances of the general ledger by purpose, those of nothing left out; the allowance for losses has tests of its own."""
    from credit import chart, general_ledger

    found = general_ledger.balance(desk.cast.entity, until=until)
    own = {chart.PROVISION, *chart.ALLOWANCES.values()}
    return {purpose: amount for parts in found.values() for purpose, amount in parts.items() if amount and purpose not in own}


def differences(desk: Desk) -> list[Any]:
    from credit import book_check

    day = book_check.last_day(desk.cast.entity)
    assert day is not None
    return [each for each in book_check.run(desk.cast.entity, day) if each.differences]


def refused(name: str, act: Callable[[], Any]) -> bool:
    """Return whether the database refuses `act`, at the latest when what it checks at commit is checked."""
    try:
        with transaction.atomic():
            act()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError as error:
        return name in str(error)
    return False


def test_a_loan_paid_out_stands_in_the_books_after_the_close(desk: Desk) -> None:
    desk.loan()
    desk.close_to(TODAY)
    assert books(desk) == {"principal": D("12000.00"), "cash": D("-12000.00")}


def test_interest_is_earned_day_by_day_in_one_sum(desk: Desk) -> None:
    from credit.models import Journal

    loans = [desk.loan(), desk.loan(amount=D("7000.00")), desk.loan(amount=D("3333.00"))]
    for days in (1, 4, 10):
        desk.close_to(TODAY + timedelta(days=days))
        parts = [loan.installments.get(seq=1) for loan in loans]
        exact = sum(part.interest * days / (part.due_on - part.from_on).days for part in parts)
        assert books(desk)["interest"] == exact.quantize(CENT) == -books(desk)["interest_income"]
    days_of = Journal.objects.filter(source="accrual").values_list("business_date", flat=True)
    assert sorted(days_of) == [TODAY + timedelta(days=n) for n in range(1, 11)]


def test_what_is_paid_relieves_what_was_earned(desk: Desk) -> None:
    loan = desk.loan()
    first = loan.installments.get(seq=1)
    desk.close_to(first.due_on - timedelta(days=1))
    desk.pay(loan, first.payment, on=first.due_on)
    desk.close_to(first.due_on)
    found = books(desk)
    assert "interest" not in found
    assert (found["interest_income"], found["principal"]) == (-first.interest, D("12000.00") - first.principal)
    assert differences(desk) == []


def test_a_loan_paid_off_is_owed_nothing_and_all_it_paid_is_earned(desk: Desk) -> None:
    from credit import payoffs

    loan = desk.loan()
    day = TODAY + timedelta(days=40)
    desk.close_to(day - timedelta(days=1))
    at = NOON + timedelta(days=40)
    quote = payoffs.issue(loan, settles_on=day, actor=desk.cast.loan_officer, at=at)
    desk.pay(loan, quote.total, on=day)
    desk.close_to(day)
    found = books(desk)
    assert found == {"cash": quote.total - D("12000.00")} | {
        purpose: amount for purpose, amount in found.items() if purpose.endswith("_income")
    }
    assert found["interest_income"] == -quote.interest
    assert sum(found.values()) == 0


def test_beyond_ninety_days_interest_leaves_the_balance_sheet_and_comes_back_when_cured(desk: Desk) -> None:
    loan = desk.loan()
    first = loan.installments.get(seq=1)
    desk.close_to(first.due_on + timedelta(days=90))
    before = books(desk)
    assert before["interest"] > 0 and before["penalty"] > 0 and "off_interest" not in before
    desk.close_to(first.due_on + timedelta(days=91))
    stopped = books(desk)
    assert {"interest", "penalty", "interest_income", "penalty_income"}.isdisjoint(stopped)
    assert stopped["off_interest"] > before["interest"] and stopped["off_penalty"] > before["penalty"]
    assert stopped["off_contra"] == -stopped["off_interest"] - stopped["off_penalty"]
    assert differences(desk) == []
    # what comes in is income as it comes in; the loan stays late
    day = first.due_on + timedelta(days=92)
    desk.pay(loan, "100.00", on=day)
    desk.close_to(day)
    assert books(desk)["interest_income"] + books(desk).get("penalty_income", D(0)) == D("-100.00")
    # cured: everything due is paid, and the running interest is on the balance sheet again
    day += timedelta(days=1)
    loan.refresh_from_db()
    desk.pay(loan, "4600.00", on=day)
    desk.close_to(day)
    loan.refresh_from_db()
    assert loan.dpd == 0
    assert {"off_interest", "off_penalty", "off_contra"}.isdisjoint(books(desk))
    assert differences(desk) == []


def test_an_older_installation_begins_with_an_opening_journal(desk: Desk) -> None:
    from credit.models import BookDay, Journal
    from governance.models import LegalEntity

    loan = desk.loan()
    first = loan.installments.get(seq=1)
    desk.pay(loan, first.payment, on=first.due_on)
    # its days were closed before there was a general ledger
    LegalEntity.objects.filter(pk=desk.cast.entity.pk).update(business_date=first.due_on + timedelta(days=1))
    desk.close_to(first.due_on + timedelta(days=2))
    opening = Journal.objects.get(source="opening")
    assert opening.business_date == first.due_on
    found = books(desk, until=first.due_on)
    assert found["cash"] == first.payment - D("12000.00")
    assert found["principal"] == D("12000.00") - first.principal
    assert (found["interest_income"], found.get("interest")) == (-first.interest, None)
    assert BookDay.objects.count() == 2
    assert differences(desk) == []


def test_a_date_is_written_once(desk: Desk) -> None:
    from credit import general_ledger
    from credit.models import Journal

    desk.loan()
    desk.close_to(TODAY)
    count = Journal.objects.count()
    again = general_ledger.close(desk.cast.entity, TODAY, at=NOON)
    assert (again.business_date, Journal.objects.count()) == (TODAY, count)


def test_the_database_refuses_journals_that_do_not_sum_to_zero_and_any_change(desk: Desk) -> None:
    from credit.models import GLAccount, Journal, JournalLine

    desk.loan()
    desk.close_to(TODAY)
    entity, account = desk.cast.entity, GLAccount.objects.first()

    def journal(*amounts: str) -> None:
        made = Journal.objects.create(legal_entity=entity, product_code="X", business_date=TODAY, source="postings", posted_at=NOON)
        for number, amount in enumerate(amounts):
            JournalLine.objects.create(journal=made, account=account, purpose=f"p{number}", amount=D(amount))

    assert refused("is not balanced", lambda: journal("1.00", "-0.99"))
    assert refused("is not balanced", journal)
    assert not refused("is not balanced", lambda: journal("1.00", "-1.00"))
    assert refused("permission denied", lambda: JournalLine.objects.update(amount=D(5)))
    assert refused("permission denied", lambda: Journal.objects.all()._raw_delete("default"))


def test_another_account_takes_the_balance_over_on_its_day(desk: Desk) -> None:
    from credit import chart
    from credit.models import GLAccount, Journal
    from governance import changes

    desk.loan()
    desk.close_to(TODAY)
    entity, keeper = desk.cast.entity, desk.cast.loan_operations
    told = {"reason": "auditors", "actor": keeper, "at": NOON}
    made = chart.propose_account(entity, "130302", name_en="Loans – other", name_zh="贷款—其他", kind="asset", new=True, **told)
    changes.confirm(made, actor=desk.cast.admin, at=NOON)
    since = TODAY + timedelta(days=2)
    changed = chart.propose_mapping(entity, product_code="", purpose="principal", account="130302", since=since, **told)
    with pytest.raises(changes.OwnChange):
        changes.confirm(changed, actor=keeper, at=NOON)
    changes.confirm(changed, actor=desk.cast.risk_manager, at=NOON)
    desk.loan(at=NOON + timedelta(days=1))
    desk.close_to(since - timedelta(days=1))
    old, new = GLAccount.objects.get(code="130301"), GLAccount.objects.get(code="130302")
    assert (on(old), on(new)) == (D("24000.00"), D(0))
    desk.close_to(since)
    assert (on(old), on(new)) == (D(0), D("24000.00"))
    assert Journal.objects.filter(source="transfer").count() == 1
    assert differences(desk) == []


def on(account: Any) -> D:
    return sum((line.amount for line in account.lines.all()), D(0))


def test_the_chart_refuses_what_cannot_be(desk: Desk) -> None:
    from credit import chart
    from crm.lib.errors import DomainError, Invalid

    entity, told = desk.cast.entity, {"reason": "x", "actor": desk.cast.loan_operations, "at": NOON}
    names = {"name_en": "A", "name_zh": "甲"}
    mapped: dict[str, Any] = {"product_code": "", "purpose": "cash", "account": "130301", "since": TODAY + timedelta(days=1)}
    desk.close_to(TODAY)
    for act, field in (
        (lambda: chart.propose_account(entity, "12", kind="asset", **names, **told), "code"),
        (lambda: chart.propose_account(entity, "100201", kind="asset", new=True, **names, **told), "code"),
        (lambda: chart.propose_account(entity, "100201", kind="income", **names, **told), "kind"),
        (lambda: chart.propose_account(entity, "100299", kind="asset", name_en=" ", name_zh="甲", **told), "name_en"),
        (lambda: chart.propose_mapping(entity, **mapped | {"account": "999999"}, **told), "account"),
        (lambda: chart.propose_mapping(entity, **mapped | {"account": "710101"}, **told), "account"),
        (lambda: chart.propose_mapping(entity, **mapped | {"purpose": "nothing"}, **told), "purpose"),
        (lambda: chart.propose_mapping(entity, **mapped | {"product_code": "NONE"}, **told), "product"),
        (lambda: chart.propose_mapping(entity, **mapped | {"since": TODAY}, **told), "since"),
    ):
        with pytest.raises((Invalid, DomainError)) as refusal:
            act()
        assert field in refusal.value.fields


def test_a_book_taken_over_is_written_by_its_own_dates(desk: Desk) -> None:
    from credit import general_ledger
    from credit.models import Journal, Loan, Transaction

    loan = desk.loan()
    part = loan.installments.get(seq=1)
    desk.close_to(part.due_on)
    multiply(loan, 3)
    others = list(Loan.objects.exclude(pk=loan.pk).order_by("pk"))
    for other in others:
        movement = Transaction.objects.create(
            loan=other, kind="disbursement", amount=other.principal, value_on=other.starts_on, booked_on=other.starts_on, at=NOON,
            actor=desk.cast.system, key="past",
        )  # fmt: skip
        movement.postings.create(account="principal", amount=other.principal)
        movement.postings.create(account="cash", amount=-other.principal)
    with pytest.raises(general_ledger.DayNotClosed):
        general_ledger.take_over(desk.cast.entity, [other.pk for other in others], until=part.due_on + timedelta(days=1), at=NOON)
    general_ledger.take_over(desk.cast.entity, [other.pk for other in others], until=part.due_on, at=NOON)
    assert books(desk, until=TODAY)["principal"] == D("48000.00")
    assert books(desk)["interest"] == 4 * part.interest
    half = TODAY + timedelta(days=10)
    exact = part.interest * 10 / (part.due_on - part.from_on).days
    assert books(desk, until=half)["interest"] == exact.quantize(CENT) + (3 * exact).quantize(CENT)
    assert Journal.objects.filter(source="taken_over").count() == 1
    assert differences(desk) == []
    desk.close_to(part.due_on + timedelta(days=1))
    assert differences(desk) == []


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=(Phase.explicit, Phase.generate)
)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 20), st.decimals("1.00", "4000.00", places=2), st.booleans()), min_size=2, max_size=5
    )
)
def test_after_any_history_the_books_agree(desk: Desk, history: list[tuple[int, int, D, bool]]) -> None:
    from credit import recompute, reversals
    from credit.models import Loan
    from crm.lib.errors import DomainError

    with transaction.atomic():
        loans = [desk.loan(), desk.loan(amount=D("999.99")), desk.loan(amount=D("30000.00"), term=24)]
        day = TODAY
        for which, later, amount, taken_back in history:
            day += timedelta(days=later)
            desk.close_to(day - timedelta(days=1))
            try:
                movement = desk.pay(loans[which], amount, on=day)
                if taken_back:
                    at = datetime.combine(day, NOON.timetz())
                    reversals.reverse(movement, reason="bounced", actor=desk.cast.loan_operations, at=at, key=f"r{movement.pk}")
            except DomainError:
                continue  # settled meanwhile
        desk.close_to(day)
        found = books(desk)
        assert sum(found.values()) == 0
        assert differences(desk) == []
        assert all(recompute.differences(loan) == [] for loan in Loan.objects.select_related("legal_entity", "product"))
        transaction.set_rollback(True)
    desk.cast.entity.refresh_from_db()
