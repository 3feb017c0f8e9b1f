"""Letters before action and legal actions: ledger amounts, the gate, named refusals, authority against recovery, stages, costs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from collection import cases, disputes, legal, legal_costs, legal_holds, letters, limitation_book
from collection import hardship as hardships
from collection.legal import AboveAuthority, ActionUnderWay, CostsAboveRecovery, LetterFirst, OwnProposal, TooEarly
from collection.letters import LetterStale, LetterWaits, NoAddress, NothingToDemand
from collection.models import Case, Contact, LegalAction, LegalDiary, LimitationClock, PreActionLetter
from credit import repayments
from crm.lib.errors import Invalid
from customers import contacts
from customers.contacts import NotNow
from customers.models import ContactAttempt
from governance import files, lenders
from governance.lifecycle import IllegalMove
from governance.models import Rule
from ledger import log
from tests.collection.conftest import Floor
from tests.collection.court_rows import action

DAY = date(2026, 7, 10)
AT = datetime(2026, 7, 11, 4, tzinfo=UTC)
TODAY = AT.date()
D = Decimal
COURT = {"flat": "50.00", "10000": "0.025", "100000": "0.02", "200000": "0.015"}


@pytest.fixture
def case(floor: Floor, storage: Any) -> Case:
    row: Case = floor.case(DAY)  # 99 days past due
    row.customer.address = "上海市黄浦区人民大道1号"
    row.customer.save()
    return row


def made(case: Case, floor: Floor, at: datetime = AT) -> PreActionLetter:
    by = floor.cast.collections_supervisor
    return letters.make(case, drawn=letters.draw(case, actor=by, at=at), actor=by, at=at)


def sent(case: Case, floor: Floor, at: datetime = AT) -> PreActionLetter:
    return letters.send(made(case, floor, at), tracking="EMS1234567890", actor=floor.cast.collections_supervisor, at=at)


def rule(code: str, value: Any) -> None:
    Rule.objects.filter(code=f"collections.legal.{code}").update(value=value)


# --- letters -------------------------------------------------------------------------------------------------------
def test_a_letter_demands_what_the_ledger_says_without_what_is_contested(case: Case, floor: Floor) -> None:
    loan = case.debts.get().loan
    whole = letters.demand(case, on=TODAY)
    disputes.raise_(
        case, loan=loan, kind="fee", amount=D("12.34"), channel="inbound", owner=floor.cast.compliance, actor=floor.cast.collector, at=AT
    )
    row = made(case, floor)
    assert (row.amount, row.contested) == (whole.amount - D("12.34"), D("12.34"))
    assert row.data["loans"][0]["loan"] == loan.public_id
    content = letters.opened(row, actor=floor.cast.collections_supervisor, at=AT)
    assert content.startswith(b"%PDF-") and files.hashlib.sha256(content).hexdigest() == row.sha256


def test_the_paper_names_the_person_and_masks_the_identity_number(case: Case, floor: Floor) -> None:
    asked = letters.demand(case, on=TODAY)
    said = letters.data(case, case.customer, asked, words=letters.text(on=TODAY), pay_by=TODAY + timedelta(days=15), number="LT-1")
    facts = {fact["en"]: fact["value"] for fact in said["facts"]}
    assert said["number"] == facts["Number of the letter"] == "LT-1", "who answers names the letter, not the lender's case"
    assert "Telephone of the lender" not in facts, "what is not on file has no line"
    assert facts["To"] == case.customer.name and "*" in facts["Identity number"]
    assert facts["To be paid (CNY)"] == f"{asked.amount:,.2f}" and said["tables"][0]["foot"][-1] == f"{asked.amount:,.2f}"
    assert all("{" not in line["zh"] + line["en"] for line in said["lines"])


def test_the_paper_says_where_the_lender_is_reached(case: Case, floor: Floor) -> None:
    lenders.change(
        case.legal_entity, name_en="Lender", name_zh="机构", seat_en="8 Road", seat_zh="示范路8号", telephone="021-5550 0100",
        version=case.legal_entity.version, actor=floor.cast.admin, at=AT,
    )  # fmt: skip
    case.legal_entity.refresh_from_db()
    said = letters.data(
        case, case.customer, letters.demand(case, on=TODAY), words=letters.text(on=TODAY), pay_by=TODAY + timedelta(days=15), number="LT-1"
    )
    facts = {fact["en"]: fact["value"] for fact in said["facts"]}
    assert facts["Address of the lender"] == "示范路8号 · 8 Road" and facts["Telephone of the lender"] == "021-5550 0100"


def test_sending_is_counted_by_the_gate_and_once(case: Case, floor: Floor) -> None:
    row = made(case, floor)
    with pytest.raises(LetterWaits):
        made(case, floor)
    row = letters.send(row, tracking="EMS1234567890", actor=floor.cast.collections_supervisor, at=AT)
    attempt = ContactAttempt.objects.get(customer=case.customer, channel="letter")
    assert (row.status, row.attempt_id, row.sent_on) == ("sent", attempt.pk, TODAY)
    assert Contact.objects.get(case=case).attempt_id == attempt.pk
    with pytest.raises(IllegalMove):
        letters.send(row, tracking="EMS1234567890", actor=floor.cast.collections_supervisor, at=AT)
    assert ContactAttempt.objects.count() == 1


def test_a_stopped_channel_keeps_the_letter_back(case: Case, floor: Floor) -> None:
    row = made(case, floor)
    contacts.bar(case.customer, channel="letter", reason="stop", actor=floor.cast.compliance, at=AT)
    with pytest.raises(NotNow):
        letters.send(row, tracking="EMS1234567890", actor=floor.cast.collections_supervisor, at=AT)
    row.refresh_from_db()
    assert row.status == "made" and not ContactAttempt.objects.exists()


def test_a_letter_that_no_longer_says_what_is_owed_is_not_sent(case: Case, floor: Floor) -> None:
    row = made(case, floor)
    repayments.receive(case.debts.get().loan, amount=D("10.00"), actor=floor.cast.loan_officer, at=AT, key="p")
    with pytest.raises(LetterStale):
        letters.send(row, tracking="EMS1234567890", actor=floor.cast.collections_supervisor, at=AT)
    letters.drop(row, actor=floor.cast.collections_supervisor, at=AT)
    again = made(case, floor)
    with pytest.raises(LetterStale):
        letters.send(again, tracking="EMS1234567890", actor=floor.cast.collections_supervisor, at=AT + timedelta(days=8))


def test_without_an_address_or_a_demand_there_is_no_letter(case: Case, floor: Floor) -> None:
    case.customer.address = None
    case.customer.save()
    with pytest.raises(NoAddress):
        made(case, floor)
    owed = letters.demand(case, on=TODAY)
    disputes.raise_(
        case, loan=case.debts.get().loan, kind="amount", amount=owed.amount, channel="inbound", owner=floor.cast.compliance,
        actor=floor.cast.collector, at=AT,
    )  # fmt: skip
    with pytest.raises(NothingToDemand):
        made(case, floor)


def test_delivered_it_begins_the_period_anew_and_returned_it_does_not(case: Case, floor: Floor) -> None:
    row, by = sent(case, floor), floor.cast.collections_supervisor
    later = AT + timedelta(days=3)
    with pytest.raises(Invalid, match="The day must be"):
        letters.delivered(row, on=TODAY - timedelta(days=1), actor=by, at=later)
    letters.delivered(row, on=later.date(), actor=by, at=later)
    clock = LimitationClock.objects.get()
    assert (clock.last_kind, clock.last_ref, clock.runs_from) == ("letter", row.public_id, later.date())
    second = sent(case, floor, at=later)
    letters.returned(second, on=later.date(), actor=by, at=later)
    assert LimitationClock.objects.get().last_ref == row.public_id


# --- who is not taken to court -------------------------------------------------------------------------------------
def contest(case: Case, floor: Floor) -> None:
    told: dict[str, Any] = {"channel": "inbound", "owner": floor.cast.compliance, "actor": floor.cast.collector, "at": AT}
    disputes.raise_(case, loan=case.debts.get().loan, kind="fee", amount=D("1.00"), **told)


def need(case: Case, floor: Floor) -> None:
    hardships.open_(case, cause="illness", owner=floor.cast.compliance, actor=floor.cast.collector, at=AT)


def care(case: Case, floor: Floor) -> None:
    hardships.flag_care(
        case.customer, kind="ability", needs="慢", consented=True, review_on=TODAY + timedelta(days=9), actor=floor.cast.collector, at=AT
    )


def die(case: Case, floor: Floor) -> None:
    contacts.bar(case.customer, channel="call", reason="deceased", actor=floor.cast.collector, at=AT)


@pytest.mark.parametrize(
    ("happens", "code"),
    [(contest, "legal_disputed"), (need, "legal_hardship"), (care, "legal_vulnerable"), (die, "legal_deceased")],
)
def test_each_is_refused_by_its_name_at_every_door(case: Case, floor: Floor, happens: Any, code: str) -> None:
    before = legal.propose(case, actor=floor.cast.collector, at=AT)
    happens(case, floor)
    with pytest.raises(legal_holds.LegalBarred) as refused:
        legal.approve(before, actor=floor.cast.risk_manager, at=AT)
    assert refused.value.code == code
    legal.refuse(before, actor=floor.cast.risk_manager, at=AT)
    with pytest.raises(legal_holds.LegalBarred):
        legal.propose(case, actor=floor.cast.collector, at=AT)
    assert legal.propose_for([case.pk], at=AT) == {case.pk: "legal_barred"}
    if code != "legal_disputed":
        with pytest.raises(legal_holds.LegalBarred):
            made(case, floor)


# --- cost against recovery -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("claim", "fee"),
    [("100.00", "50.00"), ("10000.00", "50.00"), ("20000.00", "300.00"), ("100000.00", "2300.00"), ("150000.00", "3300.00"),
     ("200000.00", "4300.00"), ("300000.00", "5800.00")],
)  # fmt: skip
def test_the_court_s_fee_by_its_table(claim: str, fee: str) -> None:
    """Decree 481 Art. 13(1): 50 up to 10,000; then 2.5 % to 100,000, 2 % to 200,000, 1.5 % to 500,000 of what lies above."""
    assert legal_costs.fee(COURT, D(claim)) == D(fee)


@given(st.decimals("0.01", "900000.00", places=2), st.decimals("0.01", "900000.00", places=2))
def test_a_larger_claim_never_costs_less(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert D("50.00") <= legal_costs.fee(COURT, low) <= legal_costs.fee(COURT, high)


def test_too_early_twice_and_closed_are_refused_by_name(case: Case, floor: Floor) -> None:
    Case.objects.filter(pk=case.pk).update(dpd=89)
    with pytest.raises(TooEarly, match="need 90 days past due; this case has 89"):
        legal.propose(case, actor=floor.cast.collector, at=AT)
    Case.objects.filter(pk=case.pk).update(dpd=90)
    legal.propose(case, actor=floor.cast.collector, at=AT)
    with pytest.raises(ActionUnderWay):
        legal.propose(case, actor=floor.cast.collections_supervisor, at=AT)


def test_costs_above_what_it_brings_need_somebody_who_may_go_on_against_that(case: Case, floor: Floor) -> None:
    rule("lawyer_fee", {"flat": "9000.00"})
    row = legal.propose(case, actor=floor.cast.collector, at=AT)
    assert row.above
    with pytest.raises(CostsAboveRecovery):
        legal.approve(row, actor=floor.cast.collections_supervisor, at=AT)
    row.refresh_from_db()
    assert (row.status, row.decided_by) == ("proposed", None)
    assert legal.approve(row, actor=floor.cast.risk_manager, at=AT).status == "pre_action"


def test_authority_and_four_eyes(case: Case, floor: Floor) -> None:
    cheap(floor)
    rule("authority", {"collections_supervisor": "99.99", "risk_manager": "5000.00"})
    row = legal.propose(case, actor=floor.cast.risk_manager, at=AT)
    with pytest.raises(OwnProposal):
        legal.approve(row, actor=floor.cast.risk_manager, at=AT)
    with pytest.raises(AboveAuthority, match=r"your authority reaches to 99\.99"):
        legal.approve(row, actor=floor.cast.collections_supervisor, at=AT)
    rule("authority", {"collections_supervisor": "5000.00"})
    assert legal.approve(row, actor=floor.cast.collections_supervisor, at=AT).decided_by == floor.cast.collections_supervisor


def cheap(floor: Floor) -> None:
    """Let a court cost little, so that the small loans of these tests are worth it."""
    rule("lawyer_fee", {"flat": "0.00"})
    for code in ("court_fee", "enforcement_fee"):
        rule(code, {"flat": "25.00"})


# --- stages --------------------------------------------------------------------------------------------------------
@pytest.fixture
def approved(case: Case, floor: Floor) -> LegalAction:
    row = legal.propose(case, actor=floor.cast.collector, at=AT)
    return legal.approve(row, actor=floor.cast.risk_manager, at=AT)


def go(row: LegalAction, floor: Floor, to: str, day: date, **values: Any) -> LegalAction:
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    return legal.step(row, to=to, on=day, actor=floor.cast.collections_supervisor, at=at, **values)


def test_approved_the_work_on_the_case_waits(approved: LegalAction, case: Case) -> None:
    case.refresh_from_db()
    assert (case.status, case.pause_reason) == ("paused", "legal")
    assert (approved.next_what, approved.next_on) == ("file", TODAY + timedelta(days=60))


def test_nothing_is_filed_before_the_letter_had_its_time(approved: LegalAction, case: Case, floor: Floor) -> None:
    with pytest.raises(LetterFirst):
        go(approved, floor, "filed", TODAY, court="上海金融法院")
    row = sent(case, floor)
    approved.refresh_from_db()
    assert (approved.next_what, approved.next_on) == ("answer", row.pay_by)
    with pytest.raises(LetterFirst):
        go(approved, floor, "filed", row.pay_by, court="上海金融法院")
    assert go(approved, floor, "filed", row.pay_by + timedelta(days=1), court="上海金融法院").status == "filed"


def test_from_filing_to_the_end(approved: LegalAction, case: Case, floor: Floor) -> None:
    filed_on = sent(case, floor).pay_by + timedelta(days=1)
    row = go(approved, floor, "filed", filed_on, court="上海金融法院", next_what="fee", next_on=filed_on + timedelta(days=7))
    case.refresh_from_db()
    assert (case.status, case.close_reason) == ("closed", "legal")
    assert LimitationClock.objects.get().state == "in_court"
    with pytest.raises(Invalid, match="see the fields") as refused:
        go(row, floor, "accepted", filed_on)
    assert "case_number" in refused.value.fields
    number = "(2026)沪74民初88号"
    row = go(
        row, floor, "accepted", filed_on + timedelta(days=5), case_number=number, next_what="hearing", next_on=filed_on + timedelta(days=40)
    )
    row = go(row, floor, "accepted", filed_on + timedelta(days=6), note="已缴纳受理费")
    assert (row.next_what, row.case_number) == ("hearing", number), "a note leaves the deadline as it was"
    row = go(row, floor, "hearing", filed_on + timedelta(days=40))
    with pytest.raises(IllegalMove):
        go(row, floor, "enforcement", filed_on + timedelta(days=41))
    row = go(row, floor, "judgment", filed_on + timedelta(days=60), next_what="perform", next_on=filed_on + timedelta(days=75))
    assert LimitationClock.objects.get().state == "judged"
    row = go(row, floor, "enforcement", filed_on + timedelta(days=80))
    with pytest.raises(Invalid) as no_end:
        go(row, floor, "ended", filed_on + timedelta(days=90))
    assert "outcome" in no_end.value.fields
    row = go(row, floor, "ended", filed_on + timedelta(days=90), outcome="unenforceable")
    stages = list(LegalDiary.objects.order_by("pk").values_list("stage", flat=True))
    assert stages == ["proposed", "pre_action", "filed", "accepted", "accepted", "hearing", "judgment", "enforcement", "ended"]
    assert (row.next_on, row.outcome) == (None, "unenforceable")
    assert cases.reopen(case, actor=floor.cast.collections_supervisor, at=AT + timedelta(days=200)).status == "open"


def test_the_diary_never_goes_back_in_time(approved: LegalAction, floor: Floor) -> None:
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=1)):
        with pytest.raises(Invalid) as refused:
            legal.step(approved, to="pre_action", on=day, note="x", actor=floor.cast.collections_supervisor, at=AT)
        assert "on" in refused.value.fields


def test_given_up_before_filing_the_work_goes_on(approved: LegalAction, case: Case, floor: Floor) -> None:
    go(approved, floor, "ended", TODAY, outcome="withdrawn")
    case.refresh_from_db()
    assert case.status == "open"


def test_paid_before_filing_it_ends_with_its_case(approved: LegalAction, case: Case, floor: Floor) -> None:
    floor.pay_all_overdue(case.debts.get().loan, at=AT)
    approved.refresh_from_db()
    assert (approved.status, approved.outcome) == ("ended", "paid")


def test_a_case_is_closed_by_the_name_legal_only_if_something_is_filed(case: Case, floor: Floor) -> None:
    with pytest.raises(cases.case_states.NotClosable, match="No legal action of this case is filed"):
        cases.close(case, reason="legal", on=TODAY, actor=floor.cast.collections_supervisor, at=AT)
    action(case, by=floor.cast.collector, at=AT, status="filed")
    assert cases.close(case, reason="legal", on=TODAY, actor=floor.cast.collections_supervisor, at=AT).close_reason == "legal"


def test_costs_add_up_and_are_taken_back_by_a_line_of_their_own(approved: LegalAction, floor: Floor) -> None:
    told: dict[str, Any] = {"on": TODAY, "reference": "收据1", "actor": floor.cast.collections_supervisor, "at": AT}
    first = legal.add_cost(approved, kind="court", amount=D("50.00"), **told)
    legal.add_cost(approved, kind="lawyer", amount=D("1000.00"), **told)
    assert legal.spent(approved) == D("1050.00")
    back = legal.take_cost_back(first, actor=floor.cast.collections_supervisor, at=AT)
    assert legal.spent(approved) == D("1000.00")
    for cost in (first, back):
        with pytest.raises(Invalid, match="taken back already"):
            legal.take_cost_back(cost, actor=floor.cast.collections_supervisor, at=AT)
    with pytest.raises(Invalid) as refused:
        legal.add_cost(approved, kind="x", amount=D("0.001"), **told | {"on": TODAY + timedelta(days=1)})
    assert set(refused.value.fields) == {"kind", "amount", "on"}


def test_proposing_costs_the_same_for_one_and_many(floor: Floor, django_assert_num_queries: Any) -> None:
    """Each with its own claim and first line in the diary; one that is too fresh, one under way and one that owes nothing stay."""
    late = [floor.desk.loan() for _n in range(6)]
    floor.close(DAY)
    case, *rows = [Case.objects.get(customer=loan.customer_id) for loan in late]
    Case.objects.filter(pk=rows[0].pk).update(dpd=1)
    action(rows[1], by=floor.cast.collector, at=AT)
    rows[2].debts.all().delete()
    with CaptureQueriesContext(connection) as one:
        assert legal.propose_for([case.pk], at=AT) == {case.pk: ""}
    with django_assert_num_queries(len(one)):
        found = legal.propose_for([row.pk for row in rows], at=AT)
    assert found == dict(zip([row.pk for row in rows], ["legal_barred", "legal_barred", "nothing_to_claim", "", ""], strict=True))
    made = LegalAction.objects.get(case=rows[3])
    alone = legal_costs.outlook(rows[3], on=TODAY)
    assert (made.claim, made.expected, made.cost_forecast) == (alone.claim, alone.expected, alone.cost)
    assert LegalDiary.objects.get(action=made).stage == "proposed" and log.history(made).get().event == "collections.legal.proposed"


def test_a_step_of_treatment_only_proposes(case: Case, floor: Floor) -> None:
    assert legal.propose_for([case.pk], at=AT) == {case.pk: ""}
    row = LegalAction.objects.get()
    assert (row.source, row.status) == ("treatment", "proposed")
    assert legal.propose_for([case.pk], at=AT) == {case.pk: "legal_barred"}
    case.refresh_from_db()
    assert case.status == "open", "nobody was taken to court by a machine"
    assert limitation_book.clocks([case.customer_id], on=TODAY)
