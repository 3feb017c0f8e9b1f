"""Settlements: the floor of the ladder, four eyes and authority, acceptance, payment, forgiveness through credit's door, breach."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from collection import (
    cases,
    contested,
    disputes,
    holds,
    legal_holds,
    pay_links,
    promises,
    queues,
    relief_home,
    settlement_letter,
    settlements,
)
from collection.judgement import Part
from collection.models import Case, Settlement
from collection.settlements import AboveAuthority, BelowFloor, DisputeOpen, NotWhollyDue, OfferExpired, OwnProposal, SettlementUnderWay
from credit import repayments, reversals
from credit.models import Loan, Transaction
from crm.lib.errors import Invalid
from governance import changes
from governance.lifecycle import IllegalMove
from governance.models import ChangeRequest
from ledger import log
from tests.collection.conftest import AFTER as DEMANDED
from tests.collection.conftest import Floor
from tests.collection.relief_rows import demand_all
from tests.collection.test_pay_links import confirm

AFTER = datetime(2026, 4, 21, 4, 0, tzinfo=UTC)  # ten days after the whole balance was demanded: its grace is over
TODAY = AFTER.date()
WEEK = timedelta(days=7)


def test_a_debt_that_is_not_due_in_full_is_not_settled(floor: Floor) -> None:
    row = floor.case()
    with pytest.raises(NotWhollyDue, match="the whole balance is demanded first"):
        offered(row, floor)


@pytest.fixture
def case(floor: Floor) -> Case:
    row = floor.case()
    demand_all(row, floor, DEMANDED)
    floor.close(TODAY - timedelta(days=1))
    Case.objects.filter(pk=row.pk).update(dpd=95)  # as if it had been late for a quarter: the ladder allows a fifth
    row.refresh_from_db()
    return row


def offered(case: Case, floor: Floor, amount: Decimal | None = None, **changes_: Any) -> Settlement:
    amount = settlements.terms(case, on=TODAY).floor if amount is None else amount
    values: dict[str, Any] = {"parts": [Part(TODAY + WEEK, amount)], "actor": floor.cast.collector, "at": AFTER}
    return settlements.offer(case, **(values | changes_))


def agreed(case: Case, floor: Floor) -> Settlement:
    row = settlements.approve(offered(case, floor), actor=floor.cast.risk_manager, at=AFTER)
    return settlements.accept(row, actor=floor.cast.collector, at=AFTER)


def pay(case: Case, floor: Floor, amount: Decimal, key: str = "p") -> None:
    repayments.receive(case.debts.get().loan, amount=amount, actor=floor.cast.loan_officer, at=AFTER, key=key)
    floor.deliver()


def test_what_waits_stands_on_the_home_page_of_who_may_approve_it(case: Case, floor: Floor) -> None:
    row = offered(case, floor, actor=floor.cast.collections_supervisor)
    read = relief_home.to_approve
    assert read(floor.cast.collections_supervisor, AFTER) == [], "one's own proposal is somebody else's to approve"
    (shown,) = read(floor.cast.risk_manager, AFTER)
    assert (row.public_id in shown["who"], shown["amount"]) == (True, row.to_forgive)
    settlements.approve(row, actor=floor.cast.risk_manager, at=AFTER)
    assert read(floor.cast.risk_manager, AFTER) == []


def test_the_floor_is_a_fifth_below_the_balance(case: Case) -> None:
    found = settlements.terms(case, on=TODAY)
    assert (found.cap, found.dpd) == (Decimal("0.20"), 95)
    assert found.balance * Decimal("0.8") <= found.floor < found.balance * Decimal("0.8") + Decimal("0.01")


def test_a_cent_below_the_floor_is_refused_by_name(case: Case, floor: Floor) -> None:
    least = settlements.terms(case, on=TODAY).floor
    with pytest.raises(BelowFloor, match=r"at most 20(\.0)?%"):
        offered(case, floor, least - Decimal("0.01"))
    assert not Settlement.objects.exists()
    assert offered(case, floor, least).amount == least


def test_more_than_is_owed_is_no_settlement(case: Case, floor: Floor) -> None:
    with pytest.raises(Invalid, match="settle for at most that"):
        offered(case, floor, settlements.terms(case, on=TODAY).balance + Decimal("0.01"))


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "amount_1"), ([Part(TODAY, Decimal("0.00"))], "amount_1"), ([Part(TODAY - timedelta(days=1), Decimal("1.00"))], "due_on_1"),
        ([Part(TODAY + timedelta(days=91), Decimal("1.00"))], "due_on_1"), ([Part(TODAY, Decimal("1.001"))], "amount_1"),
        ([Part(TODAY, Decimal("1.00")), Part(TODAY, Decimal("1.00"))], "due_on_2"),
    ],
)  # fmt: skip
def test_payments_that_cannot_be(case: Case, floor: Floor, parts: list[Part], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        offered(case, floor, Decimal(0), parts=parts)
    assert field in refused.value.fields


def test_what_is_contested_is_decided_first_and_one_runs_at_a_time(case: Case, floor: Floor) -> None:
    found = disputes.raise_(
        case, loan=case.debts.get().loan, kind="amount", amount=Decimal("10.00"), channel="inbound",
        owner=floor.cast.collections_supervisor, actor=floor.cast.collector, at=AFTER,
    )  # fmt: skip
    with pytest.raises(DisputeOpen):
        offered(case, floor)
    disputes.withdraw(found, words="清楚了", actor=floor.cast.collector, at=AFTER)
    offered(case, floor)
    with pytest.raises(SettlementUnderWay):
        offered(case, floor)


def test_authority_and_four_eyes(case: Case, floor: Floor) -> None:
    row = offered(case, floor)
    with pytest.raises(OwnProposal):
        settlements.approve(row, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(AboveAuthority, match="your authority reaches to 10"):
        settlements.approve(row, actor=floor.cast.collections_supervisor, at=AFTER)
    row.refresh_from_db()
    assert row.status == "proposed"
    assert settlements.approve(row, actor=floor.cast.risk_manager, at=AFTER).status == "approved"


def test_a_small_one_is_within_the_supervisor_s_authority(case: Case, floor: Floor) -> None:
    balance = settlements.terms(case, on=TODAY).balance
    row = offered(case, floor, (balance * Decimal("0.95")).quantize(Decimal("0.01")))
    assert settlements.approve(row, actor=floor.cast.collections_supervisor, at=AFTER).status == "approved"


def test_an_offer_ends_by_itself(case: Case, floor: Floor) -> None:
    row = settlements.approve(offered(case, floor), actor=floor.cast.risk_manager, at=AFTER)
    late = datetime(2026, 5, 10, 4, tzinfo=UTC)
    floor.close(date(2026, 5, 9))
    row.refresh_from_db()
    assert row.status == "expired"
    with pytest.raises(IllegalMove):
        settlements.accept(row, actor=floor.cast.collector, at=late)
    again = settlements.approve(
        offered(case, floor, at=late, parts=[Part(late.date(), settlements.terms(case, on=late.date()).balance)]),
        actor=floor.cast.risk_manager,
        at=late,
    )
    Settlement.objects.filter(pk=again.pk).update(expires_on=date(2026, 5, 1))
    with pytest.raises(OfferExpired):
        settlements.accept(again, actor=floor.cast.collector, at=late)


def test_paid_in_full_the_rest_is_forgiven_by_a_second_person_of_credit(case: Case, floor: Floor) -> None:
    row, loan = agreed(case, floor), case.debts.get().loan
    pay(case, floor, row.amount)
    row.refresh_from_db()
    assert (row.status, row.paid_amount) == ("paid", row.amount)
    change = ChangeRequest.objects.get(kind="credit.loan_act", subject=loan.public_id, status="open")
    loan.refresh_from_db()
    assert loan.status == Loan.Status.OPEN, "nothing is forgiven by collections alone"
    changes.confirm(change, actor=floor.cast.risk_manager, at=AFTER)
    floor.deliver()
    row.refresh_from_db()
    loan.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, loan.status) == ("settled", Loan.Status.WRITTEN_OFF)
    assert row.forgiven == row.to_forgive, "paid on the day of the offer: to the cent"
    assert (case.status, case.close_reason) == ("closed", "settled")


def test_a_breach_brings_the_whole_debt_back(case: Case, floor: Floor) -> None:
    row = agreed(case, floor)
    pay(case, floor, Decimal("100.00"))
    floor.close(TODAY + WEEK + timedelta(days=2))
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, row.paid_amount) == ("breached", Decimal("100.00"))
    assert case.is_open and case.broken_on is not None
    assert not ChangeRequest.objects.filter(kind="credit.loan_act", status="open").exists()


def test_while_it_is_paid_nothing_else_is_demanded(case: Case, floor: Floor) -> None:
    """Queue, treatment, reminders, court and visits wait; a breach lets all of them go on."""
    row = agreed(case, floor)
    case.refresh_from_db()
    assert (case.status, case.pause_reason) == ("paused", "settlement")
    assert not queues.waiting(floor.cast.collector, at=AFTER).filter(pk=case.pk).exists()
    assert "promised" in holds.exits([case.customer_id])[case.customer_id], "a path of treatment ends"
    assert case.customer_id in holds.of([case.customer_id]), "no reminder leaves"
    with pytest.raises(legal_holds.Settling):
        legal_holds.refuse(case)
    floor.close(TODAY + WEEK + timedelta(days=2))
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, case.status, case.next_action) == ("breached", "open", "call")
    assert holds.of([case.customer_id]) == {} and legal_holds.standing(case) is None


def test_a_link_asks_for_the_next_payment_and_for_nothing_else(case: Case, floor: Floor) -> None:
    least = settlements.terms(case, on=TODAY).floor
    parts = [Part(TODAY + WEEK, Decimal("300.00")), Part(TODAY + 2 * WEEK, least - Decimal("300.00"))]
    row = settlements.approve(offered(case, floor, parts=parts), actor=floor.cast.risk_manager, at=AFTER)
    settlements.accept(row, actor=floor.cast.collector, at=AFTER)
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    confirm(case, floor, AFTER)
    for kind in ("overdue", "payoff", "promise"):
        with pytest.raises(pay_links.SettlementRuns):
            pay_links.make(case, kind=kind, actor=floor.cast.collector, at=AFTER)
    link = pay_links.make(case, kind="settled", actor=floor.cast.collector, at=AFTER)
    assert link.amount == Decimal("300.00")
    pay(case, floor, Decimal("100.00"))
    assert pay_links.make(case, kind="settled", actor=floor.cast.collector, at=AFTER).amount == Decimal("200.00")
    pay(case, floor, Decimal("200.00"), key="q")
    assert pay_links.make(case, kind="settled", actor=floor.cast.collector, at=AFTER).amount == least - Decimal("300.00")


def test_what_was_contested_since_the_offer_is_decided_first(case: Case, floor: Floor) -> None:
    row = settlements.approve(offered(case, floor), actor=floor.cast.risk_manager, at=AFTER)
    disputes.raise_(
        case, loan=case.debts.get().loan, kind="fee", amount=Decimal("10.00"), channel="inbound", owner=floor.cast.collections_supervisor,
        actor=floor.cast.collector, at=AFTER,
    )  # fmt: skip
    with pytest.raises(DisputeOpen):
        settlements.accept(row, actor=floor.cast.collector, at=AFTER)


def test_following_again_changes_nothing(case: Case, floor: Floor) -> None:
    row = agreed(case, floor)
    pay(case, floor, row.amount)
    moved = settlements.follow([case.customer_id], actor=floor.cast.system, at=AFTER)
    again = ChangeRequest.objects.filter(kind="credit.loan_act", status="open").count()
    assert (moved, again) == (1, 1)


def test_the_letter_says_the_terms_and_only_of_what_was_approved(case: Case, floor: Floor) -> None:
    row = offered(case, floor)
    with pytest.raises(settlement_letter.NoLetter):
        settlement_letter.paper(row, actor=floor.cast.collector, at=AFTER)
    row = settlements.approve(row, actor=floor.cast.risk_manager, at=AFTER)
    assert settlement_letter.paper(row, actor=floor.cast.collector, at=AFTER).startswith(b"%PDF-")
    said = settlement_letter.data(row)
    assert said["tables"][1]["foot"][-1] == f"{row.amount:,.2f}"
    assert "王" not in str(said["facts"][3]) and contested.held_back([1]) == {}


# --- money taken back after the end ----------------------------------------------------------------------------------
def settled(case: Case, floor: Floor) -> tuple[Settlement, Transaction]:
    """Return a settlement that was paid and ended the debt, with the payment that kept it."""
    row, loan = agreed(case, floor), case.debts.get().loan
    paid = repayments.receive(loan, amount=row.amount, actor=floor.cast.loan_officer, at=AFTER, key="p")
    floor.deliver()
    changes.confirm(ChangeRequest.objects.get(kind="credit.loan_act", status="open"), actor=floor.cast.risk_manager, at=AFTER)
    floor.deliver()
    row.refresh_from_db()
    assert row.status == "settled"
    return row, paid


def bounce(movement: Transaction, floor: Floor, at: datetime, key: str = "b") -> None:
    reversals.reverse(movement, reason="bounced", actor=floor.cast.loan_operations, at=at, key=key)
    floor.deliver()


def test_the_payment_that_kept_it_bounces_and_all_is_owed_again(case: Case, floor: Floor) -> None:
    """Breach → reinstatement: what was forgiven is reversed in credit's books, and the same case goes on, named so in the ledger."""
    row, paid = settled(case, floor)
    forgiven, loan = row.forgiven, paid.loan
    late = TODAY + WEEK + timedelta(days=3)
    floor.close(late - timedelta(days=1))
    bounce(paid, floor, datetime(late.year, late.month, late.day, 4, tzinfo=UTC))
    row.refresh_from_db()
    case.refresh_from_db()
    loan.refresh_from_db()
    assert (row.status, row.paid_amount, row.forgiven, row.ended_on) == ("breached", Decimal("0.00"), None, late)
    assert (loan.status, Transaction.objects.get(loan=loan, kind="write_off").reversal.kind) == ("open", "reversal")
    assert (case.status, case.close_reason, case.closed_on, case.broken_on) == ("open", "", None, late)
    assert case.overdue_amount >= row.balance and Case.objects.filter(customer=case.customer_id).count() == 1
    told = log.history(case).filter(event="collections.case.reopened").get()
    assert (told.facts["reason"], told.facts["why"]) == ("settled", "settlement")
    breach = log.history(row).filter(event="collections.settlement.breached").get()
    assert Decimal(breach.facts["forgiven"]) == forgiven
    assert not ChangeRequest.objects.filter(kind="credit.loan_act", status="open").exists()


def test_one_that_bounces_before_its_day_may_still_be_paid_and_is_forgiven_once_more(case: Case, floor: Floor) -> None:
    row, paid = settled(case, floor)
    bounce(paid, floor, AFTER + timedelta(minutes=5))
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, row.forgiven, row.ended_on) == ("accepted", None, None)
    assert (case.status, case.pause_reason) == ("paused", "settlement"), "nothing else is demanded while it may be paid"
    pay(case, floor, row.amount, key="again")
    changes.confirm(ChangeRequest.objects.get(kind="credit.loan_act", status="open"), actor=floor.cast.risk_manager, at=AFTER)
    floor.deliver()
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, case.status, case.close_reason) == ("settled", "closed", "settled")
    assert Transaction.objects.filter(loan=paid.loan, kind="write_off").count() == 2


def test_what_was_forgiven_and_is_taken_back_alone_is_owed_to_the_customer_again(case: Case, floor: Floor) -> None:
    row, paid = settled(case, floor)
    given = Transaction.objects.get(loan=paid.loan, kind="write_off")
    reversals.reverse(given, reason="mistake", actor=floor.cast.loan_operations, at=AFTER, key="w")
    floor.deliver()
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, case.status, case.pause_reason) == ("paid", "paused", "settlement")
    assert ChangeRequest.objects.filter(kind="credit.loan_act", status="open").count() == 1, "the second person is asked anew"
    bounce(paid, floor, AFTER)
    row.refresh_from_db()
    assert row.status == "accepted"
    assert not ChangeRequest.objects.filter(kind="credit.loan_act", status="open").exists(), "nothing is forgiven for nothing"


def test_news_that_comes_twice_or_out_of_order_changes_nothing_more(case: Case, floor: Floor) -> None:
    _row, paid = settled(case, floor)
    late = TODAY + WEEK + timedelta(days=3)
    floor.close(late - timedelta(days=1))
    bounce(paid, floor, datetime(late.year, late.month, late.day, 4, tzinfo=UTC))
    moves = Transaction.objects.filter(loan=paid.loan).count()
    assert not settlements.judge_again(case.customer_id, actor=floor.cast.system, at=AFTER)
    assert settlements.follow([case.customer_id], actor=floor.cast.system, at=AFTER) == 0
    assert Transaction.objects.filter(loan=paid.loan).count() == moves


def test_where_another_case_is_open_that_one_goes_on(case: Case, floor: Floor) -> None:
    row, paid = settled(case, floor)
    other = Case.objects.create(
        customer=case.customer, legal_entity=case.legal_entity, branch=case.branch, channel=case.channel, partner=case.partner,
        owner=case.owner, opened_on=TODAY,
    )  # fmt: skip
    bounce(paid, floor, AFTER)
    for each in (row, case, other):
        each.refresh_from_db()
    assert (row.status, case.status, other.status) == ("breached", "closed", "open")
    assert other.overdue_amount > row.floor


def test_a_settlement_takes_the_place_of_what_was_promised(case: Case, floor: Floor) -> None:
    """What runs until then is judged by what came, and is not broken by a debtor who pays as was agreed instead."""
    promise = promises.take(
        cases.claim(case, actor=floor.cast.collector, at=AFTER), parts=[Part(TODAY + timedelta(days=2), Decimal("100.00"))], channel="inbound",
        actor=floor.cast.collector, at=AFTER,
    )  # fmt: skip
    agreed(case, floor)
    promise.refresh_from_db()
    assert (promise.status, promise.cancel_reason) == ("cancelled", "settlement")


@pytest.mark.parametrize(
    ("path", "press"), [("decide", {}), ("decide", {"approve": "", "refuse": ""}), ("step", {}), ("step", {"approve": ""})]
)
def test_a_form_that_says_nothing_decides_nothing(case: Case, floor: Floor, page_of: Any, path: str, press: dict[str, str]) -> None:
    row = offered(case, floor)
    answer = page_of(floor.cast.risk_manager if path == "decide" else floor.cast.collector).post(
        f"/collections/settlements/{row.public_id}/{path}/", press
    )
    row.refresh_from_db()
    assert (row.status, answer.status_code) == ("proposed", 422)
    assert "press one of its buttons" in answer.text
