"""Acts on a loan: what each does to schedule, balances and books; what is refused; who confirms."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.db.models import Sum

from credit import acts, movements, offers, reversals
from credit.acts import ACTS
from credit.models import ClassMark, Loan, Posting, Product, Transaction
from crm.lib.errors import DomainError, Invalid
from governance import changes
from governance.models import ChangeRequest
from tests.fixtures.cast import NOON, TODAY

ZERO = D("0.00")


def fresh(loan):
    return Loan.objects.select_related("legal_entity", "product").get(pk=loan.pk)


def at(day):
    return NOON + timedelta(days=(day - TODAY).days)


def do(desk, loan, kind, day=TODAY, why="agreed", actor=None, **data):
    desk.keys += 1
    who = actor or desk.cast.loan_operations
    done = acts.do(fresh(loan), ACTS[kind], data, on=day, why=why, actor=who, at=at(max(day, TODAY)), key=f"act-{desk.keys}")
    if isinstance(done, ChangeRequest) and not done.alone:
        done = changes.confirm(done, actor=desk.cast.risk_manager, at=at(max(day, TODAY)))
    return Transaction.objects.filter(loan=loan).exclude(kind="reallocation").latest("pk")


def books(loan):
    """Return the balances of a loan's accounts; the database itself refuses, at commit, a movement that does not balance."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    rows = Posting.objects.filter(transaction__loan=loan).values_list("account").annotate(sum=Sum("amount"))
    found = {account: amount for account, amount in rows if amount}
    assert sum(found.values(), ZERO) == 0
    assert found.get("principal", ZERO) == fresh(loan).principal_outstanding
    return found


def rows_of(loan):
    return list(fresh(loan).installments.order_by("seq"))


def test_a_part_prepaid_lowers_the_instalments_or_shortens_the_loan(desk):
    lower, shorter = desk.loan(), desk.loan()
    day = date(2026, 4, 2)
    for loan, keeps in ((lower, "term"), (shorter, "installment")):
        do(desk, loan, "prepayment", day, amount=D("4000.00"), keeps=keeps)
        assert books(loan)["principal"] == fresh(loan).principal_outstanding < D("9000.00")
    assert len(rows_of(lower)) == 12 and rows_of(lower)[5].payment < D("1100.16")
    assert len([row for row in rows_of(shorter) if row.payment]) < 12 and rows_of(shorter)[1].payment == D("1100.16")
    assert fresh(shorter).matures_on < fresh(lower).matures_on


def test_a_charge_is_due_with_the_instalment_it_falls_into_and_is_paid_first(desk):
    loan = desk.loan()
    do(desk, loan, "charge", date(2026, 3, 20), charge_part="fee", amount=D("30.00"), due_on=date(2026, 3, 25))
    assert rows_of(loan)[0].fee == D("30.00")
    desk.pay(loan, "30.00", on=date(2026, 4, 2))
    assert rows_of(loan)[0].fee_paid == D("30.00")
    assert books(loan)["fee"] == D("-30.00")


def test_what_is_waived_is_no_longer_owed(desk):
    loan = desk.loan()
    do(desk, loan, "waiver", date(2026, 3, 20), part="interest", amount=D("80.00"), installment=1)
    row = rows_of(loan)[0]
    assert row.payment == D("1020.16") and row.interest == D("100.00")
    desk.pay(loan, "1020.16", on=date(2026, 4, 2))
    assert rows_of(loan)[0].status == "paid"


def test_more_than_is_owed_is_not_waived(desk):
    loan = desk.loan()
    with pytest.raises(movements.CannotBe):
        do(desk, loan, "waiver", TODAY, part="penalty", amount=D("10.00"))
    assert not loan.transactions.filter(kind="waiver").exists()


def test_a_waiver_above_authority_waits_for_a_second_person(desk):
    loan, operations = desk.loan(), desk.cast.loan_operations
    operations.role.waiver_limit = D("50.00")
    data = {"part": "interest", "amount": D("80.00"), "installment": None}
    done = acts.do(fresh(loan), ACTS["waiver"], data, on=TODAY, why="goodwill", actor=operations, at=NOON, key="w")
    assert isinstance(done, ChangeRequest) and rows_of(loan)[0].payment == D("1100.16")
    operations.role.permissions = [*operations.role.permissions, "credit.confirm_servicing"]
    with pytest.raises(changes.OwnChange):
        changes.confirm(done, actor=operations, at=NOON)
    changes.confirm(done, actor=desk.cast.risk_manager, at=NOON)
    assert rows_of(loan)[0].payment == D("1020.16")


def test_small_waivers_add_up_to_authority(desk):
    loan, operations = desk.loan(), desk.cast.loan_operations
    operations.role.waiver_limit = D("50.00")
    for n, waits in ((1, False), (2, True)):
        data = {"part": "interest", "amount": D("30.00"), "installment": None}
        done = acts.do(fresh(loan), ACTS["waiver"], data, on=TODAY, why="goodwill", actor=operations, at=NOON, key=f"w{n}")
        assert isinstance(done, ChangeRequest) == waits


def test_a_proposal_is_stale_when_money_moved_meanwhile(desk):
    loan = desk.loan()
    proposed = acts.do(fresh(loan), ACTS["write_off"], {}, on=TODAY, why="legal", actor=desk.cast.loan_operations, at=NOON, key="o")
    desk.pay(loan, "100.00")
    with pytest.raises(DomainError):
        changes.confirm(proposed, actor=desk.cast.risk_manager, at=NOON)
    assert fresh(loan).status == "open"


def test_an_extension_keeps_the_principal_and_adds_periods(desk):
    loan = desk.loan()
    do(desk, loan, "reschedule", date(2026, 3, 10), more=6)
    rows = rows_of(loan)
    assert len(rows) == 18 and sum(row.principal for row in rows) == D("12000.00")
    assert rows[-1].due_on == date(2027, 9, 2) == fresh(loan).matures_on
    books(loan)


def test_the_due_day_moves(desk):
    loan = desk.loan()
    do(desk, loan, "reschedule", date(2026, 3, 10), due_day=20)
    assert {row.due_on.day for row in rows_of(loan)} == {20}


def test_a_reschedule_that_changes_nothing_is_refused(desk):
    with pytest.raises(Invalid):
        do(desk, desk.loan(), "reschedule")


def test_a_restructured_loan_has_new_terms_and_is_watched_for_a_year(desk):
    loan = desk.loan()
    day = date(2026, 5, 20)
    do(desk, loan, "restructure", day, why="hardship", periods=24, annual_rate=D("0.12"), capitalises=True)
    loan = fresh(loan)
    assert loan.capitalised > 0 and loan.principal_outstanding == D("12000.00") + loan.capitalised
    assert ClassMark.objects.get(loan=loan).until_on == date(2027, 5, 20)
    assert books(loan)["principal"] == loan.principal_outstanding
    assert sum((row.principal - row.principal_paid for row in rows_of(loan)), ZERO) == loan.principal_outstanding


def test_acceleration_makes_everything_due_and_can_be_undone(desk):
    loan = desk.loan()
    before = [(row.due_on, row.payment) for row in rows_of(loan)]
    made = do(desk, loan, "acceleration", date(2026, 6, 10), why="contract", notice_on=date(2026, 5, 20), notice_number="N-1")
    assert fresh(loan).matures_on == date(2026, 6, 10)
    reversals.reverse(made, reason="mistake", actor=desk.cast.loan_operations, at=at(date(2026, 6, 10)), key="u")
    assert [(row.due_on, row.payment) for row in rows_of(loan)] == before


def test_a_write_off_is_a_loss_and_what_comes_later_a_recovery(desk):
    loan = desk.loan()
    desk.pay(loan, "1100.16", on=date(2026, 4, 2))
    left = fresh(loan).principal_outstanding
    do(desk, loan, "write_off", date(2026, 9, 10), why="deceased")
    loan = fresh(loan)
    assert (loan.status, loan.principal_outstanding, loan.dpd) == ("written_off", ZERO, 0)
    assert books(loan)["loss"] == left
    with pytest.raises(DomainError):
        desk.pay(loan, "10.00", on=date(2026, 9, 11))
    do(desk, loan, "recovery", date(2026, 9, 20), amount=D("500.00"))
    assert books(loan)["recovery"] == D("-500.00")


def test_after_a_write_off_an_earlier_repayment_cannot_be_reversed(desk):
    """Apache Fineract, LoanWriteOff.feature: the earlier repayment stays."""
    loan = desk.loan()
    paid = desk.pay(loan, "1100.16", on=date(2026, 4, 2))
    do(desk, loan, "write_off", date(2026, 9, 10), why="deceased")
    with pytest.raises(movements.CannotBe):
        reversals.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 9, 11)), key="no")
    assert fresh(loan).status == "written_off"


def test_what_was_forgiven_by_agreement_falls_with_the_money_it_was_for(desk):
    """The books are those of a loan on which neither was ever done; the page says so before."""
    loan = desk.loan()
    paid = desk.pay(loan, "1100.16", on=date(2026, 4, 2))
    do(desk, loan, "write_off", date(2026, 9, 10), why="agreed")
    seen = movements.preview_without(fresh(loan), paid)
    assert (seen.before.status, seen.after.status, seen.after.principal_outstanding) == ("written_off", "open", D("12000.00"))
    reversals.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 9, 11)), key="b")
    back = [(row.reverses.kind, row.key) for row in loan.transactions.filter(kind="reversal").order_by("pk")]
    assert (fresh(loan).status, back) == ("open", [("write_off", "b:forgiven"), ("repayment", "b")])
    assert books(loan) == {"principal": D("12000.00"), "cash": D("-12000.00")}
    again = reversals.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 9, 11)), key="b")
    assert again.key == "b" and loan.transactions.filter(kind="reversal").count() == 2


def test_a_recovery_is_reversed_and_the_loss_stays(desk):
    loan = desk.loan()
    do(desk, loan, "write_off", date(2026, 9, 10), why="deceased")
    made = do(desk, loan, "recovery", date(2026, 9, 20), amount=D("500.00"))
    reversals.reverse(made, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 9, 21)), key="r")
    assert fresh(loan).status == "written_off" and "recovery" not in books(loan)


def test_a_line_of_a_draft_is_tried_as_one_draw(desk):
    Product.objects.filter(pk=desk.product.pk).update(method="revolving")
    desk.product.refresh_from_db()
    terms = offers.terms_of(desk.product, amount=D("12000.00"), term=12, annual_rate=D("0.18"), on=TODAY)
    assert terms.method == "equal_principal"


def test_a_day_to_come_is_refused_beforehand_too(desk):
    with pytest.raises(Invalid):
        acts.preview(desk.loan(), ACTS["acceleration"], {}, on=date.max, at=NOON)


def test_a_write_off_taken_back_leaves_the_loan_as_it_was(desk):
    loan = desk.loan()
    before = [(row.status, row.owed) for row in rows_of(loan)]
    made = do(desk, loan, "write_off", TODAY, why="our_error")
    reversals.reverse(made, reason="mistake", actor=desk.cast.loan_operations, at=NOON, key="u")
    assert fresh(loan).status == "open" and [(row.status, row.owed) for row in rows_of(loan)] == before
    assert "loss" not in books(loan)


def test_in_the_cooling_off_period_the_principal_comes_back_and_nothing_else_is_owed(desk):
    loan = desk.loan()
    do(desk, loan, "cancellation", date(2026, 3, 5))
    assert fresh(loan).status == "cancelled" and books(loan) == {}
    with pytest.raises(acts.CoolingOffOver):
        do(desk, desk.loan(), "cancellation", date(2026, 4, 5))


def test_a_payment_that_came_before_another_is_played_in_its_place(desk):
    """Two histories with the same movements end alike, whatever the order they were recorded in."""
    late, straight = desk.loan(), desk.loan()
    for loan, days in ((late, (date(2026, 5, 20), date(2026, 4, 2))), (straight, (date(2026, 4, 2), date(2026, 5, 20)))):
        for day in days:
            from credit import repayments

            repayments.receive(
                loan, amount=D("1100.16"), actor=desk.cast.loan_officer, at=at(date(2026, 5, 21)), key=f"b{loan.pk}{day}", received_on=day
            )
    state = [(r.seq, r.status, r.principal_paid, r.interest_paid, r.penalty_paid, r.paid_on) for r in rows_of(late)]
    assert state == [(r.seq, r.status, r.principal_paid, r.interest_paid, r.penalty_paid, r.paid_on) for r in rows_of(straight)]
    assert books(late) == books(straight)


@pytest.mark.parametrize(
    ("day", "code"), [(TODAY + timedelta(days=1), "day_in_future"), (TODAY - timedelta(days=1), "before_disbursement")]
)
def test_money_counts_for_a_day_that_can_be(desk, day, code):
    from credit import repayments

    loan = desk.loan()
    with pytest.raises(Invalid) as refused:
        repayments.receive(loan, amount=D("10.00"), actor=desk.cast.loan_officer, at=NOON, key="x", received_on=day)
    assert refused.value.code == code and not loan.transactions.filter(kind="repayment").exists()


def test_the_page_says_what_it_will_change_before_it_is_sent(desk, page_of):
    loan = desk.loan_now()
    url = f"/loans/{loan.public_id}/acts/reschedule/"
    browser = page_of(desk.cast.loan_operations)
    assert b"Change the schedule" in browser.get(f"/loans/{loan.public_id}/acts/").content
    on = loan.starts_on.isoformat()
    told = browser.get(url, {"more": "6", "on": on}, headers={"HX-Request": "true", "HX-Target": "preview"})
    assert b"Instalments that change" in told.content and not fresh(loan).transactions.filter(kind="reschedule").exists()
    bad = browser.post(url, {"on": on, "why": "agreed"})
    assert bad.status_code == 422 and b"Say what changes" in bad.content
    sent = browser.post(
        url, {"more": "6", "on": on, "why": "agreed", "form_key": "7f0d9c1e-5a55-4c1e-9a53-0d5a2f1d9c11", "version": loan.version}
    )
    assert sent.status_code == 303 and len(rows_of(loan)) == 18
    again = browser.post(
        url, {"more": "6", "on": on, "why": "agreed", "form_key": "7f0d9c1e-5a55-4c1e-9a53-0d5a2f1d9c11", "version": loan.version}
    )
    assert again.status_code == 303 and len(rows_of(loan)) == 18
