"""The check of the books finds what was changed behind the doors; months that are closed refuse; loans made anew."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(desk: Desk) -> Any:
    """Return a loan with an instalment paid and its days closed."""
    loan = desk.loan()
    first = loan.installments.get(seq=1)
    desk.close_to(first.due_on - timedelta(days=1))
    desk.pay(loan, first.payment, on=first.due_on)
    desk.close_to(first.due_on)
    loan.refresh_from_db()
    return loan


def tamper(statement: str, *values: Any) -> None:
    """Change rows behind the doors; what the database would refuse at commit is not committed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount >= 1


def wrong(desk: Desk) -> dict[str, list[list[str]]]:
    from credit import book_check

    day = book_check.last_day(desk.cast.entity)
    assert day is not None
    return {each.check: each.first for each in book_check.run(desk.cast.entity, day) if each.differences}


LOAN = "WHERE id = (SELECT max(id) FROM credit_loan)"
POST = (
    "INSERT INTO credit_posting (transaction_id, account, amount, installment_id) SELECT m.id, '{account}', {amount}, {part}"
    " FROM credit_transaction m JOIN credit_installment i ON i.loan_id = m.loan_id AND i.seq = 1 WHERE m.kind = 'repayment'"
)
LINES = (
    "INSERT INTO credit_journalline (journal_id, account_id, purpose, amount) SELECT (SELECT max(id) FROM credit_journal WHERE source = '{source}'),"
    " a.id, v.purpose, v.amount FROM credit_glaccount a, (VALUES {values}) AS v(purpose, amount) WHERE a.code = '{code}'"
)
MOVED = (
    "INSERT INTO credit_transaction (public_id, loan_id, kind, amount, value_on, booked_on, at, actor_id, key)"
    " SELECT 'X-1', loan_id, kind, 5, value_on, booked_on, at, actor_id, 'other' FROM credit_transaction WHERE kind = 'repayment'"
)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (f"UPDATE credit_loan SET principal_outstanding = principal_outstanding - 1 {LOAN}", {"loans", "schedules"}),
        (f"UPDATE credit_loan SET overpayment = 7 {LOAN}", {"loans"}),
        (f"UPDATE credit_loan SET principal = principal + 1 {LOAN}", {"schedules"}),
        ("UPDATE credit_installment SET interest_paid = interest_paid - 1, status = 'pending', paid_on = NULL WHERE seq = 1", {"installments", "receivables"}),
        ("UPDATE credit_installment SET principal = principal - 1 WHERE seq = 5", {"schedules"}),
        (POST.format(account="cash", amount=1, part="NULL"), {"movements", "subledger"}),
        (POST.format(account="interest", amount=-1, part="i.id"), {"movements", "subledger", "installments"}),
        (POST.format(account="principal", amount=-1, part="NULL"), {"movements", "subledger", "loans"}),
        (MOVED, {"movements"}),
        (LINES.format(source="postings", values="('cash', 1)", code="190101"), {"journals", "trial_balance", "subledger", "unmapped"}),
        (LINES.format(source="accrual", values="('interest', 5), ('interest_income', -5)", code="601102"), {"receivables"}),
        (LINES.format(source="accrual", values="('x', 5), ('y', -5)", code="190101"), {"unmapped"}),
        ("DELETE FROM credit_bookday WHERE business_date = '2026-03-10'", {"days"}),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_found(desk: Desk, kept: Any, statement: str, found: set[str]) -> None:
    assert wrong(desk) == {}
    with transaction.atomic():
        tamper(statement)
        assert set(wrong(desk)) == found
        transaction.set_rollback(True)


def test_the_command_ends_with_one_and_says_where(desk: Desk, kept: Any) -> None:
    out = StringIO()
    call_command("check_books", stdout=out)
    assert "TEST: 0 differences" in out.getvalue()
    tamper(f"UPDATE credit_loan SET overpayment = 7 {LOAN}")
    out = StringIO()
    with pytest.raises(CommandError, match="differ in 1 places"):
        call_command("check_books", "--json", stdout=out)
    checks = {each["check"]: each for each in json.loads(out.getvalue())["books"][0]["checks"]}
    assert checks["loans"]["first"] == [[f"{kept.public_id} overpayment", "0", "7.00"]]


def test_the_books_of_an_earlier_day_are_checked_as_they_stood(desk: Desk, kept: Any) -> None:
    from credit import book_check

    for day in (TODAY, TODAY + timedelta(days=12)):
        assert [each for each in book_check.run(desk.cast.entity, day) if each.differences] == []


def test_the_check_after_a_close_is_kept_and_tells_operations(desk: Desk, kept: Any) -> None:
    from credit import book_check
    from credit.models import BookDay
    from governance.models import Notice
    from ledger.models import Entry

    day = book_check.last_day(desk.cast.entity)
    assert day is not None
    row = book_check.check_day(desk.cast.entity, day, at=NOON)
    assert row is not None and row.differences == 0 and len(row.findings) == len(book_check.CHECKS)
    assert not Notice.objects.filter(code="books.differ").exists()
    tamper(f"UPDATE credit_loan SET overpayment = 7 {LOAN}")
    book_check.check_day(desk.cast.entity, day, at=NOON)
    assert set(Notice.objects.filter(code="books.differ").values_list("user__username", flat=True)) == {"admin", "loan_operations"}
    assert Entry.objects.filter(event="credit.books.differ").count() == 1
    assert BookDay.objects.get(business_date=day).differences == 1
    assert book_check.check_day(desk.cast.entity, TODAY, at=NOON) is None


def test_a_loan_is_made_anew_from_its_movements(desk: Desk, kept: Any) -> None:
    out = StringIO()
    call_command("recompute_loan", kept.public_id, stdout=out)
    assert f"{kept.public_id}: 0 differences" in out.getvalue()
    tamper("UPDATE credit_installment SET interest = interest + 1 WHERE seq = 3 AND loan_id = %s", kept.pk)
    tamper(f"UPDATE credit_loan SET dpd = 5, oldest_due_on = '2026-04-02' {LOAN}")
    out = StringIO()
    with transaction.atomic():
        tamper(POST.format(account="interest", amount=-1, part="i.id"))
        with pytest.raises(CommandError):
            call_command("recompute_loan", kept.public_id, "--json", stdout=out)
        transaction.set_rollback(True)
    places = {each["place"] for each in json.loads(out.getvalue())["differences"]}
    assert {"3.interest", "dpd", "oldest_due_on", "1.posted.interest"} <= places
    with pytest.raises(CommandError, match="no loan"):
        call_command("recompute_loan", "L-22222222X")


# --- months ------------------------------------------------------------------------------------------------------------
MARCH = date(2026, 3, 1)


def test_a_month_closes_when_it_is_over_and_two_open_it_again(desk: Desk) -> None:
    from credit import books, periods
    from governance import changes

    loan = desk.loan()
    told = {"actor": desk.cast.loan_operations, "at": NOON}
    with pytest.raises(periods.MonthNotOver):
        periods.close(desk.cast.entity, MARCH, **told)
    desk.close_to(date(2026, 4, 30))
    with pytest.raises(periods.MonthNotOver, match="2026-03"):
        periods.close(desk.cast.entity, date(2026, 4, 1), **told)
    periods.close(desk.cast.entity, MARCH, **told)
    with pytest.raises(books.PeriodClosed) as refusal:
        books.check_open(desk.cast.entity, date(2026, 3, 31))
    assert "2026-03" in str(refusal.value) and refusal.value.status == 409
    assert books.check_open(desk.cast.entity, date(2026, 4, 1)) == date(2026, 4, 1)

    def back_dated() -> None:
        from credit.models import Transaction

        Transaction.objects.create(loan=loan, kind="repayment", amount=D(1), value_on=MARCH, at=NOON, actor=desk.cast.system, key="x")

    with pytest.raises(IntegrityError, match="the books of 2026-03 are closed"), transaction.atomic():
        back_dated()
    change = periods.propose_reopening(desk.cast.entity, MARCH, reason="late statement", **told)
    with pytest.raises(changes.OwnChange):
        changes.confirm(change, **told)
    changes.confirm(change, actor=desk.cast.risk_manager, at=NOON)
    assert books.check_open(desk.cast.entity, MARCH) == MARCH


def test_money_that_would_count_for_a_closed_month_is_refused(desk: Desk) -> None:
    from credit import books, offers
    from credit.models import AccountingPeriod

    loan = desk.loan()
    AccountingPeriod.objects.create(legal_entity=desk.cast.entity, month=MARCH, status="closed")
    other = desk.confirmed()

    with pytest.raises(books.PeriodClosed):
        offers.accept(other, key="k", actor=desk.cast.loan_officer, at=NOON)
    with pytest.raises(books.PeriodClosed):
        desk.pay(loan, "1.00")


def test_a_month_does_not_close_over_differences(desk: Desk, kept: Any) -> None:
    from credit import book_check, periods

    desk.close_to(date(2026, 4, 30))
    tamper(f"UPDATE credit_loan SET overpayment = 7 {LOAN}")
    book_check.check_day(desk.cast.entity, date(2026, 4, 30), at=NOON)
    with pytest.raises(periods.BooksDiffer):
        periods.close(desk.cast.entity, MARCH, actor=desk.cast.loan_operations, at=NOON)


# --- pages -------------------------------------------------------------------------------------------------------------
def test_the_books_are_read_from_account_to_loan(desk: Desk, kept: Any, page_of: Callable[[Any], Any]) -> None:
    from credit.models import Journal

    auditor = page_of(desk.cast.auditor)
    text = auditor.get(reverse("books")).content.decode()
    assert "130301" in text and "The trial balance is zero" in text
    day = kept.installments.get(seq=1).due_on
    account = auditor.get(reverse("book-account", args=["130301"])).content.decode()
    journal = Journal.objects.get(business_date=day, source="postings")
    assert reverse("journal", args=[journal.public_id]) in account
    movement = kept.transactions.get(kind="repayment")
    shown = auditor.get(reverse("journal", args=[journal.public_id])).content.decode()
    assert reverse("movement", args=[movement.public_id]) in shown and reverse("loan", args=[kept.public_id]) in shown
    assert "113201" in auditor.get(reverse("movement", args=[movement.public_id])).content.decode()
    for name in ("journal-line-list", "book-check", "chart-of-accounts", "period-list"):
        assert auditor.get(reverse(name)).status_code == 200
    earlier = auditor.get(reverse("books"), {"on": (day - timedelta(days=1)).isoformat(), "product": "CASH-12"}).content.decode()
    assert "12,000.00" in earlier
    assert "12,000.00" not in auditor.get(reverse("books"), {"on": "1999-01-01"}).content.decode()


def test_every_field_and_column_of_the_journal_lines_works(desk: Desk, kept: Any, page_of: Callable[[Any], Any]) -> None:
    from credit.book_lists import LINES
    from governance import exports

    page, address = page_of(desk.cast.auditor), reverse("journal-line-list")
    every = ",".join(column.key for column in LINES.columns)
    assert len(page.get(f"{address}?cols={every}&source=postings&account=130301&since=2026-03-01").context["page"].rows) == 2
    for field in LINES.fields:
        options = field.options(desk.cast.auditor)
        values = {"choice": options[0][0] if options else "", "money": "1.00", "day": "2026-01-01"}
        for op, _label in field.operators:
            value = "7" if op in ("past", "next", "older") else values[field.kind]
            answer = page.get(f"{address}?w=1.{field.key}.{op}.{value}")
            assert answer.status_code == 200 and not answer.context["page"].state.where.dropped, (field.key, op)
    export = exports.ask(LINES, query="", columns=LINES.columns, purpose="report", reason="all", actor=desk.cast.auditor, at=NOON)
    exports.write(export.pk, at=NOON)
    export.refresh_from_db()
    assert export.job.status == "done" and export.rows


def test_another_lenders_books_are_not_there(desk: Desk, kept: Any, page_of: Callable[[Any], Any]) -> None:
    from credit.models import Journal
    from governance import teams
    from governance.models import LegalEntity

    other = LegalEntity.objects.create(code="OTHER", name_en="Other", name_zh="其他", business_date=TODAY, zone="Asia/Shanghai")
    head = teams.create(legal_entity=other, code="OH", name_en="O", name_zh="他", kind="head", parent=None, actor=desk.cast.system, at=NOON)
    page = page_of(desk.cast.person("far_auditor", "auditor", head))
    assert page.get(reverse("journal", args=[Journal.objects.first().public_id])).status_code == 404
    assert page.get(reverse("book-account", args=["130301"])).status_code == 404
    assert "12,000.00" not in page.get(reverse("books")).content.decode()


def test_a_movement_is_read_by_who_may_see_its_loan(desk: Desk, kept: Any, page_of: Callable[[Any], Any]) -> None:
    address = reverse("movement", args=[kept.transactions.get(kind="repayment").public_id])
    assert page_of(desk.cast.outsider).get(address).status_code == 404
    seen = page_of(desk.cast.loan_officer).get(address).content.decode()
    assert kept.public_id in seen and "113201" not in seen  # the general ledger is not for everybody
    assert page_of(desk.cast.admin).get(address).status_code == 403


def test_chart_and_months_are_changed_by_forms(desk: Desk, kept: Any, page_of: Callable[[Any], Any]) -> None:
    from credit.models import AccountingPeriod
    from governance.models import ChangeRequest

    page = page_of(desk.cast.loan_operations)
    sent = {"code": "660201", "name_en": "Fees of banks", "name_zh": "银行手续费", "kind": "expense", "reason": "new"}
    assert page.post(reverse("account-new"), sent).status_code in (204, 302, 303)
    assert page.post(reverse("account-new"), sent | {"code": "1"}).status_code == 422
    desk.cast.entity.refresh_from_db()
    since = desk.cast.entity.business_date.isoformat()
    moved = {"product": "CASH-12", "purpose": "fee", "account": "130301", "since": since, "reason": "as agreed"}
    assert page.post(reverse("mapping-new"), moved).status_code in (204, 302, 303)
    assert page.post(reverse("mapping-new"), moved | {"since": "2026-03-01"}).status_code == 422
    assert ChangeRequest.objects.filter(kind__in=("credit.gl_account", "credit.gl_mapping"), status="open").count() == 2
    assert page.post(reverse("period-close", args=["2026-03"])).status_code in (204, 302, 303)
    assert AccountingPeriod.objects.get().status == "closed"
    assert page.post(reverse("period-reopen", args=["2026-03"]), {"reason": "late paper"}).status_code in (204, 302, 303)
    assert ChangeRequest.objects.filter(kind="credit.period_reopen").count() == 1
    assert page.post(reverse("period-close", args=["2026-13"])).status_code == 404
