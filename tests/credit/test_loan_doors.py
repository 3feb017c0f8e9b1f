"""Doors of a loan beyond the usual: terms of the product, relief, death, sale, charge-off in the books."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from credit import (
    acts,
    book_check,
    chart,
    exposure,
    loan_sales,
    movements,
    offers,
    payoffs,
    payouts,
    recompute,
    repayments,
    reversals,
    suspense,
    tranches,
)
from credit.act_builds import NotForeseen
from credit.machine import play
from credit.models import AccountMapping, ClassMark, GLAccount, JournalLine, Loan, Product, Transaction
from crm.lib.errors import DomainError, Invalid
from customers.models import ContactBar
from governance import changes
from governance.models import ChangeRequest, LegalEntity
from tests.credit import histories
from tests.credit.test_acts import at, books, do, fresh, rows_of
from tests.fixtures.cast import NOON, TODAY

ZERO = D("0.00")
LATE = date(2026, 6, 10)


def undo(desk, made, day=TODAY):
    desk.keys += 1
    return reversals.reverse(made, reason="mistake", actor=desk.cast.loan_operations, at=at(day), key=f"undo-{desk.keys}")


def sound(loan):
    """Return the books of a loan once it is the same when it is played anew."""
    assert recompute.differences(fresh(loan)) == []
    return books(loan)


def jump(desk, day):
    """Open the books on a day without closing those before it one by one: nobody looked at the loans since."""
    LegalEntity.objects.filter(pk=desk.cast.entity.pk).update(business_date=day)
    Loan.objects.update(closed_on=day - timedelta(days=1))
    desk.close_to(day)


def agree(desk, *, day=None):
    """Assert that every check of the books finds nothing."""
    desk.cast.entity.refresh_from_db()
    day = day or book_check.last_day(desk.cast.entity)
    found = {each.check: each.first for each in book_check.run(desk.cast.entity, day) if each.differences}
    assert found == {}


def of_product(desk, **terms):
    Product.objects.filter(pk=desk.product.pk).update(terms=terms)
    desk.product.refresh_from_db()


# --- what the product says -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("said", "place"), [("next", [2]), ("last", [10, 11]), ("refund", [])])
def test_what_is_paid_too_much_goes_where_the_product_says(desk, said, place):
    of_product(desk, over_payment=said)
    loan = desk.loan()
    desk.pay(loan, "2600.00", on=date(2026, 4, 2))
    found = [row.seq - 1 for row in rows_of(loan)[2:] if row.principal_paid or row.interest_paid]
    assert found == place and bool(fresh(loan).overpayment) == (not place)
    sound(loan)


def test_what_is_paid_too_much_lowers_every_instalment_to_come(desk):
    of_product(desk, over_payment="re_amortise")
    loan = desk.loan()
    desk.pay(loan, "2200.16", on=date(2026, 4, 2))
    assert {row.payment - row.owed for row in rows_of(loan)[1:]} == {D("100.00")}
    sound(loan)


def test_paying_early_is_what_the_product_foresees(desk):
    of_product(desk, prepayment="shorten_term")
    loan = desk.loan()
    with pytest.raises(NotForeseen):
        do(desk, loan, "prepayment", amount=D("4000.00"), keeps="term")
    do(desk, loan, "prepayment", amount=D("4000.00"), keeps="installment")
    of_product(desk, prepayment="none")
    assert "prepayment" not in [act.kind for act in acts.open_to(desk.cast.loan_operations, fresh(loan))]
    with pytest.raises(NotForeseen):
        payoffs.issue(fresh(loan), settles_on=TODAY, actor=desk.cast.loan_operations, at=NOON)


def test_a_product_gives_more_cooling_off_days_than_the_rule_and_never_fewer(desk):
    of_product(desk, cooling_off_days=30)
    assert do(desk, desk.loan(), "cancellation", date(2026, 4, 1)).kind == "cancellation"
    of_product(desk, cooling_off_days=0)
    assert do(desk, desk.loan(), "cancellation", date(2026, 3, 5)).kind == "cancellation"


# --- paid out in parts ---------------------------------------------------------------------------------------------------
def in_parts(desk, first):
    offer = desk.confirmed()
    return offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON, first=D(first))


def test_a_loan_is_paid_out_in_parts_within_what_was_approved(desk):
    of_product(desk, tranches=2)
    loan = in_parts(desk, "4000.00")
    assert (loan.principal, fresh(loan).principal_outstanding, fresh(loan).undrawn) == (D("12000.00"), D("4000.00"), D("8000.00"))
    assert exposure.standing(loan.customer_id).lines == D("12000.00") and sum(row.principal for row in rows_of(loan)) == D("4000.00")
    sound(loan)
    with pytest.raises(tranches.AboveApproved):
        do(desk, loan, "disbursement", date(2026, 3, 20), amount=D("8000.01"))
    made = do(desk, loan, "disbursement", date(2026, 3, 20), amount=D("5000.00"))
    assert ChangeRequest.objects.filter(kind=acts.CHANGE).count() == 1 and made.amount == D("5000.00")
    rows = rows_of(loan)
    assert sum(row.principal for row in rows) == D("9000.00") and rows[-1].due_on == date(2027, 3, 2)
    assert sum(row.interest for row in rows) < sum(D(row["interest"]) for row in loan.offer.schedule)
    sound(loan)
    with pytest.raises(tranches.TrancheNotForeseen):
        do(desk, loan, "disbursement", date(2026, 3, 21), amount=D("1.00"))
    undo(desk, made, date(2026, 3, 21))
    assert (fresh(loan).principal_outstanding, fresh(loan).undrawn) == (D("4000.00"), D("8000.00"))
    sound(loan)
    first = loan.transactions.filter(kind="disbursement").earliest("pk")
    with pytest.raises(reversals.NotReversible):
        undo(desk, first, date(2026, 3, 21))
    desk.close_to(date(2026, 3, 21))
    agree(desk)


def test_a_product_that_pays_out_at_once_has_no_parts_and_a_late_loan_gets_none(desk):
    with pytest.raises(tranches.TrancheNotForeseen):
        in_parts(desk, "4000.00")
    of_product(desk, tranches=3)
    with pytest.raises(tranches.AboveApproved):
        in_parts(desk, "12000.01")
    loan = in_parts(desk, "4000.00")
    jump(desk, date(2026, 4, 20))
    with pytest.raises(tranches.PastDue):
        do(desk, loan, "disbursement", date(2026, 4, 21), amount=D("1.00"))


def test_each_part_leaves_through_the_bank_once(desk, sandbox_bank):
    of_product(desk, tranches=2)
    loan = in_parts(desk, "4000.00")
    payouts.send(loan, actor=desk.cast.system, at=NOON)
    part = do(desk, loan, "disbursement", TODAY, amount=D("5000.00"))
    for _n in range(2):
        payouts.send(fresh(loan), actor=desk.cast.system, at=NOON, part=part)
    assert [sandbox_bank.paid(payouts.key(row)) for row in loan.transactions.filter(kind="disbursement")] == [1, 1]


# --- waivers, notice ---------------------------------------------------------------------------------------------------
def test_earlier_money_leaves_less_for_a_waiver_that_stands_and_the_preview_says_so(desk):
    loan = desk.loan()
    do(desk, loan, "waiver", date(2026, 4, 10), part="interest", amount=D("180.00"), installment=1)
    day = date(2026, 4, 2)
    seen = movements.preview(fresh(loan), kind="repayment", amount=D("1100.16"), on=day, details={})
    from credit.views import differences

    assert differences.told(loan, seen)["waivers"] == [(date(2026, 4, 10), D("180.00"), ZERO)]
    repayments.receive(loan, amount=D("1100.16"), actor=desk.cast.loan_officer, at=at(date(2026, 4, 11)), key="b", received_on=day)
    assert rows_of(loan)[0].interest_paid == D("180.00")
    sound(loan)


def test_the_whole_balance_is_demanded_after_a_notice(desk):
    loan = desk.loan()
    for data in ({}, {"notice_on": LATE - timedelta(days=14), "notice_number": "N 1"}):
        with pytest.raises(Invalid):
            do(desk, loan, "acceleration", LATE, **data)
    made = do(desk, loan, "acceleration", LATE, notice_on=LATE - timedelta(days=15), notice_number="N 1")
    assert made.details["notice_number"] == "N 1" and fresh(loan).matures_on == LATE


def test_the_limits_of_roles_are_seeded(desk):
    limits = {name: getattr(desk.cast, name).role.waiver_limit for name in ("loan_operations", "loan_officer")}
    assert D(limits["loan_operations"]) == D("200.00") and limits["loan_officer"] is None


# --- relief, death, sale -----------------------------------------------------------------------------------------------
def test_relief_asks_for_less_until_a_day_and_is_watched(desk):
    loan = desk.loan()
    before = [(row.due_on, row.payment) for row in rows_of(loan)]
    made = do(desk, loan, "relief", date(2026, 3, 10), why="hardship", until=date(2026, 5, 15), pays=D("50.00"), adds=True, evidence="job")
    rows = rows_of(loan)
    assert [row.payment for row in rows[:2]] == [D("50.00"), D("50.00")] and len(rows) == 14
    assert sum(row.principal for row in rows) == D("12000.00") and ClassMark.objects.filter(loan=loan).count() == 1
    sound(loan)
    undo(desk, made, date(2026, 3, 11))
    assert [(row.due_on, row.payment) for row in rows_of(loan) if row.payment] == before
    assert ClassMark.objects.get(loan=loan).until_on == date(2026, 3, 11)


def test_a_holiday_at_the_end_of_a_loan_goes_on_after_it(desk):
    loan = desk.loan()
    do(desk, loan, "relief", date(2027, 1, 10), why="hardship", until=date(2027, 3, 2), adds=True)
    rows = [row for row in rows_of(loan) if row.payment]
    assert rows[-1].due_on == date(2027, 5, 2) and sum(row.principal for row in rows_of(loan)) == D("12000.00")
    sound(loan)


@pytest.mark.parametrize("until", [date(2026, 3, 10), date(2026, 3, 20), date(2029, 1, 1)])
def test_a_relief_of_nothing_or_for_ever_is_refused(desk, until):
    with pytest.raises(DomainError):
        do(desk, desk.loan(), "relief", date(2026, 3, 10), why="hardship", until=until)


def test_after_a_death_no_penalty_grows_and_nobody_is_written_to(desk):
    loan = desk.loan()
    jump(desk, date(2026, 4, 20))
    made = do(desk, loan, "death", date(2026, 4, 21), why="deceased", died_on=date(2026, 4, 10), insurance="claimed")
    at_death = rows_of(loan)[0].penalty
    assert at_death == D("4.91") and fresh(loan).penalty_rate == 0
    bars = ContactBar.objects.filter(customer=loan.customer_id, lifted_at=None)
    assert {bar.reason for bar in bars} == {"deceased"} and bars.count() > 2
    desk.close_to(date(2026, 4, 23))
    assert rows_of(loan)[0].penalty == at_death
    sound(loan)
    with pytest.raises(Invalid):
        do(desk, loan, "death", date(2026, 4, 24), why="deceased", died_on=date(2026, 4, 10))
    undo(desk, made, date(2026, 4, 24))
    assert not bars.all().exists() and fresh(loan).penalty_rate == D("0.24") and rows_of(loan)[0].penalty > at_death
    sound(loan)


def test_a_sold_loan_leaves_the_books_and_later_money_is_the_buyers(desk):
    loan = desk.loan()
    desk.pay(loan, "1100.16", on=date(2026, 4, 2))
    left = fresh(loan).principal_outstanding
    made = do(desk, loan, "sale", LATE, why="contract", amount=D("4000.00"), buyer="Asset Company Ltd", reference="S-2026-7")
    assert (fresh(loan).status, fresh(loan).principal_outstanding, made.reference) == ("sold", ZERO, "S-2026-7")
    assert books(loan)["sale_result"] == left - D("4000.00") and {row.status for row in rows_of(loan)} == {"paid", "sold"}
    sound(loan)
    with pytest.raises(repayments.LoanClosed):
        desk.pay(loan, "10.00", on=LATE)
    late = suspense.take_in(
        legal_entity=loan.legal_entity, reference="B-1", received_on=LATE, amount=D("10.00"), remittance=loan.public_id,
        actor=desk.cast.loan_operations, at=at(LATE),
    )  # fmt: skip
    assert (late.status, late.why) == ("unmatched", "sold")
    undo(desk, made, LATE + timedelta(days=1))
    assert fresh(loan).status == "open" and fresh(loan).principal_outstanding == left and "sale_result" not in books(loan)


def proposed(desk, text):
    items = loan_sales.read(text, desk.cast.loan_operations)
    return loan_sales.propose(
        items, buyer="Asset Company Ltd", reference="S-1", on=TODAY, why="contract", note="", actor=desk.cast.loan_operations, at=NOON
    )


def test_a_list_is_sold_by_two_people_all_of_it_or_nothing(desk):
    first, second = desk.loan(), desk.loan()
    text = f"{first.public_id} 9,000.00\n{second.public_id.lower()}, 12500"
    waits = proposed(desk, text)
    assert isinstance(waits, ChangeRequest) and waits.status == "open" and fresh(first).status == "open"
    desk.pay(second, "10.00")
    with pytest.raises(DomainError):
        changes.confirm(waits, actor=desk.cast.risk_manager, at=NOON)
    assert {fresh(loan).status for loan in (first, second)} == {"open"}
    changes.confirm(proposed(desk, text), actor=desk.cast.risk_manager, at=NOON)
    assert (books(first)["sale_result"], books(second)["sale_result"]) == (D("3000.00"), D("-500.00"))
    sales = Transaction.objects.filter(kind="sale")
    assert {fresh(loan).status for loan in (first, second)} == {"sold"} and len({sale.details["sale"] for sale in sales}) == 1
    sound(first), sound(second)


@pytest.mark.parametrize("text", ["", "L-22222222X 5", "what", "{loan} 0", "{loan} 1\n{loan} 2", "{loan} 1.005"])
def test_a_list_that_cannot_be_sold_is_refused_by_its_line(desk, text):
    loan = desk.loan()
    with pytest.raises(Invalid) as refused:
        loan_sales.read(text.format(loan=loan.public_id), desk.cast.loan_operations)
    assert "loans" in refused.value.fields


def test_the_page_of_a_sale_says_what_it_brings(desk, page_of):
    loan, browser = desk.loan_now(), page_of(desk.cast.loan_operations)
    list_ = {"loans": f"{loan.public_id} 9000"}
    told = browser.get("/loan-sales/new/", list_, headers={"HX-Request": "true", "HX-Target": "preview"}).content.decode()
    assert loan.public_id in told and "3,000.00" in told
    typed = list_ | {"buyer": "Asset Company Ltd", "reference": "S-1", "on": loan.starts_on.isoformat(), "why": "contract"}
    assert browser.post("/loan-sales/new/", typed).status_code == 303
    assert fresh(loan).status in ("open", "sold") and ChangeRequest.objects.filter(kind=loan_sales.CHANGE).count() == 1


# --- charge-off in the books -------------------------------------------------------------------------------------------
def ledger(desk):
    """Return the balances of the general ledger by account."""
    rows = JournalLine.objects.filter(journal__legal_entity=desk.cast.entity).values_list("account__code").annotate(sum=Sum("amount"))
    return {code: amount for code, amount in rows if amount}


def test_a_charged_off_loan_stands_off_the_balance_sheet_and_what_comes_in_is_a_recovery(desk):
    loan, other = desk.loan(), desk.loan()
    jump(desk, date(2026, 4, 20))
    made = do(desk, loan, "charge_off", date(2026, 4, 21), why="legal")
    desk.close_to(date(2026, 4, 21))
    held = ledger(desk)
    assert (held["130301"], held["670201"], held["710104"]) == (D("12000.00"), D("12000.00"), D("12000.00"))
    assert fresh(loan).ecl == 0 < fresh(other).ecl and held["710101"] > 180
    agree(desk)
    desk.pay(loan, "1100.16", on=date(2026, 4, 22))
    desk.close_to(date(2026, 4, 22))
    held = ledger(desk)
    assert held["630101"] == D("-1100.16") and held["130301"] == D("12000.00") and held["710104"] == fresh(loan).principal_outstanding
    agree(desk)
    sound(loan)
    undo(desk, made, date(2026, 4, 23))
    desk.close_to(date(2026, 4, 23))
    held = ledger(desk)
    assert not {"630101", "670201", "710101", "710104"} & set(held)
    assert held["130301"] == fresh(loan).principal_outstanding + fresh(other).principal_outstanding
    agree(desk)
    sound(loan)


@pytest.mark.parametrize(("kind", "data"), [("write_off", {}), ("sale", {"amount": D("900.00"), "buyer": "Asset Company Ltd"})])
def test_what_was_charged_off_is_lost_only_once(desk, kind, data):
    loan = desk.loan()
    do(desk, loan, "charge_off", TODAY, why="legal")
    do(desk, loan, kind, TODAY, why="legal", **data)
    found = sound(loan)
    assert found["loss"] == D("12000.00") and "charged_off" not in found and found.get("recovery", ZERO) == ZERO
    assert found.get("sale_result", ZERO) == -data.get("amount", ZERO)
    desk.close_to(TODAY)
    agree(desk)


def test_a_chart_of_before_gets_what_is_posted_now(desk):
    entity = LegalEntity.objects.create(code="OTHER", name_en="Other", name_zh="另一家", business_date=TODAY, zone="Asia/Shanghai")
    own = GLAccount.objects.create(legal_entity=entity, code="130399", kind="asset", name_en="Loans", name_zh="贷款", added_at=NOON)
    AccountMapping.objects.create(legal_entity=entity, purpose="principal", account=own, effective_from=chart.SINCE, added_at=NOON)
    places = chart.on(entity, TODAY, at=NOON).places
    assert places["", "principal"] == own.pk and {"charged_off", "off_principal", "sale_result", "cash"} <= {
        purpose for _code, purpose in places
    }


KINDS = (
    "repay",
    "repay",
    "prepay_term",
    "relieve",
    "die",
    "charge_off",
    "charge_off",
    "sell",
    "restructure",
    "charge",
    "pay_off",
    "write_off",
)


@given(histories.terms(), st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_whatever_happens_is_posted_in_balance_and_a_charged_off_loan_weighs_nothing(terms, seed):
    told = histories.history(replace(terms, down_payment=D(0)), seed, KINDS, 8)
    state = play(replace(terms, down_payment=D(0)), told, told[-1].on)
    held: dict[str, D] = {}
    for split in state.splits.values():
        rows = movements.entries(split)
        assert sum((amount for _account, amount, _place in rows), ZERO) == 0
        for account, amount, _place in rows:
            held[str(account)] = held.get(str(account), ZERO) + amount
    assert held["principal"] == state.principal_outstanding
    assert held.get("charged_off", ZERO) == (-state.principal_outstanding if state.charged_off_on else 0)
