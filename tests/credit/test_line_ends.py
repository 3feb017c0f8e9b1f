"""How a revolving line ends: paid off, closed, its term over, charged off, written off, sold, its holder dead; and what its statement tells."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from credit import line_acts, loan_documents, movements, payoffs, reminders, repayments
from credit.models import Installment, Loan, Product, Reminder
from credit.state import REST
from crm.lib.errors import DomainError
from tests.credit.lines import agree, sound
from tests.credit.test_acts import at, do, fresh
from tests.credit.test_loan_doors import undo
from tests.fixtures.cast import NOON, TODAY


def test_a_payoff_ends_the_line_and_a_certificate_says_so(desk, line):
    do(desk, line, "draw", amount=D("3000.00"))
    desk.close_to(date(2026, 3, 20))
    moment = at(date(2026, 3, 21))
    quote = payoffs.issue(fresh(line), settles_on=date(2026, 3, 23), actor=desk.cast.loan_officer, at=moment)
    # 12.00 billed (8 days), thirteen days on 3,000 since: 19.50
    assert (quote.principal, quote.interest) == (D("3000.00"), D("12.00") + D("19.50"))
    repayments.receive(fresh(line), amount=quote.total, actor=desk.cast.loan_officer, at=moment, key="end")
    ended = fresh(line)
    assert (ended.status, ended.undrawn, ended.principal_outstanding) == ("settled", 0, 0)
    sound(line)
    made = loan_documents.settlement(ended, purpose="customer", actor=desk.cast.loan_operations, at=moment)
    assert (made.document["principal"], made.document["paid"]["interest"]) == ("3000.00", "31.50")
    desk.close_to(date(2026, 3, 31))
    agree(desk, date(2026, 3, 31))
    undo(desk, line.transactions.get(kind="repayment"), date(2026, 4, 1))
    assert (fresh(line).status, fresh(line).principal_outstanding) == ("open", D("3000.00"))
    sound(line)


def test_a_line_without_debt_is_closed_or_settles_at_its_end(desk, line):
    do(desk, line, "draw", amount=D("100.00"))
    with pytest.raises(movements.CannotBe):
        do(desk, line, "closure")
    with pytest.raises(DomainError):
        payoffs.issue(desk.loan(product=line.product, amount=D("1000.00")), settles_on=TODAY, actor=desk.cast.loan_officer, at=NOON)
    undo(desk, line.transactions.get(kind="draw"))
    do(desk, line, "closure")
    assert (fresh(line).status, fresh(line).undrawn) == ("settled", 0)
    sound(line)
    short = desk.loan(product=Product.objects.get(code="LINE"), amount=D("1000.00"), term=6)
    Loan.objects.filter(pk=short.pk).update(
        matures_on=date(2026, 3, 20), terms=short.terms | {"line": short.terms["line"] | {"ends_on": "2026-03-20"}}
    )
    Installment.objects.filter(loan=short, seq=REST).update(due_on=date(2026, 3, 20), penalty_since=date(2026, 3, 20))
    desk.close_to(date(2026, 3, 20))
    assert (fresh(short).status, fresh(short).undrawn, short.installments.count()) == ("settled", 0, 3)
    sound(short)
    agree(desk, date(2026, 3, 20))


def test_charged_off_written_off_and_recovered(desk, line):
    do(desk, line, "draw", amount=D("5000.00"))
    desk.close_to(date(2026, 3, 15))
    day = date(2026, 3, 16)
    do(desk, line, "charge_off", day, why="legal")
    with pytest.raises(line_acts.LinePastDue):
        do(desk, line, "draw", day, amount=D("1.00"))
    desk.pay(line, "100.00", on=day)
    sound(line)
    desk.close_to(day)
    agree(desk, day)
    do(desk, line, "write_off", day + timedelta(days=1), why="legal")
    do(desk, line, "recovery", day + timedelta(days=1), amount=D("50.00"))
    assert fresh(line).status == "written_off"
    sound(line)
    desk.close_to(day + timedelta(days=1))
    agree(desk, day + timedelta(days=1))


def test_a_line_is_sold_with_all_that_is_owed_on_it(desk, line):
    do(desk, line, "draw", amount=D("5000.00"))
    desk.close_to(date(2026, 3, 15))
    day = date(2026, 3, 16)
    do(desk, line, "sale", day, why="contract", amount=D("1500.00"), buyer="Huada Asset Management")
    sold = fresh(line)
    assert (sold.status, sold.principal_outstanding, sold.undrawn) == ("sold", 0, 0)
    with pytest.raises(DomainError):
        desk.pay(line, "100.00", on=day)
    with pytest.raises(DomainError):
        do(desk, line, "draw", day, amount=D("1.00"))
    sound(line)
    desk.close_to(date(2026, 4, 12))  # past the next statement's day: nothing more is billed
    assert line.installments.exclude(seq=REST).count() == 1
    agree(desk, date(2026, 4, 12))


def test_after_a_death_nothing_is_drawn_no_penalty_grows_and_interest_goes_on(desk, line):
    do(desk, line, "draw", amount=D("5000.00"))
    desk.close_to(date(2026, 4, 8))
    assert fresh(line).dpd == 9
    do(desk, line, "death", date(2026, 4, 9), why="deceased", died_on=date(2026, 4, 1))
    with pytest.raises(DomainError):
        do(desk, line, "draw", date(2026, 4, 9), amount=D("1.00"))
    first = line.installments.get(seq=1)
    assert first.penalty == line.installments.get(seq=1).penalty_paid
    sound(line)
    desk.close_to(date(2026, 4, 20))
    assert line.installments.get(seq=1).penalty == first.penalty
    assert line.installments.exclude(seq=REST).count() == 2
    agree(desk, date(2026, 4, 20))


def test_the_statement_is_told_the_day_after_it_was_made_and_the_rest_never(desk, line):
    do(desk, line, "draw", amount=D("5000.00"))
    desk.close_to(date(2026, 3, 10))
    entity = type(desk.cast.entity).objects.get(pk=desk.cast.entity.pk)
    reminders.plan_now(entity, date(2026, 3, 11), at=at(date(2026, 3, 11)))
    told = Reminder.objects.get()
    assert (told.kind, told.installment.seq, told.message.template.code) == ("ST", 1, reminders.STATEMENT)
    says = reminders.values_of([told.message], at(date(2026, 3, 11)))[told.message_id]
    assert says is not None and says["amount"].endswith("520.00")  # a tenth of 5,000.00 and the interest of eight days
    due = reminders.plan_rows(entity, on=date(2026, 3, 1) + timedelta(days=360))
    assert due  # what is not billed falls due with the line's end: no reminder names it
    reminders.plan_now(entity, fresh(line).matures_on - timedelta(days=3), at=at(date(2027, 2, 27)))
    assert Reminder.objects.filter(installment__seq=REST).count() == 0
