"""What a person may decide beyond yes and no: papers, conditions, a second person, other terms; and what each refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from credit import applications, clocks, conditions, expiry, exposure, offers, papers, underwriting, verified
from credit.models import Application, Condition, CounterOffer, PaperRequest, Proposal, Reservation
from crm.lib.errors import Invalid
from customers import documents
from governance.lifecycle import IllegalMove, MovedMeanwhile
from ledger import log
from tests.fixtures.cast import NOON, TODAY
from tests.fixtures.papers import PDF, pdf

pytestmark = pytest.mark.django_db
Status = Application.Status


def day(number: int) -> Any:
    return NOON + timedelta(days=number)


def events(record: Any) -> list[str]:
    return [entry.event for entry in log.history(record).order_by("id")]


@pytest.fixture
def referred(desk: Any) -> Any:
    return desk.concluded("refer", {"limit": D("20000.00"), "annual_rate": None, "grade": "C"}, amount=D("15000.00"))


@pytest.fixture
def paper(desk: Any, storage: Any) -> Any:
    """Return a function that puts a paper of a kind among a customer's."""

    def add(customer: Any, kind: str, serial: int = 0) -> Any:
        stored = documents.keep(pdf(f"{kind} {serial} {customer.public_id}"))
        return documents.add(customer, kind=kind, stored=stored, file_name="工资.pdf", actor=desk.cast.loan_officer, at=NOON)

    return add


class TestPapers:
    def ask(self, desk: Any, application: Any, *kinds: str, **changes: Any) -> Any:
        values = {"due_on": TODAY + timedelta(days=7), "actor": desk.cast.underwriter, "at": NOON} | changes
        return papers.ask(application, kinds=kinds or ("income_proof", "bank_statement"), **values)

    def test_asking_stops_the_underwriter_s_clock_and_the_last_paper_lets_it_run_on(self, desk: Any, referred: Any, paper: Any) -> None:
        hours = clocks.review_time(TODAY)
        assert clocks.due_at(referred, hours) == referred.submitted_at + hours
        request = self.ask(desk, referred, at=NOON + timedelta(hours=5))
        assert referred.status == Status.WAITING
        assert clocks.due_at(referred, hours) is None
        first = papers.answer(request, document=paper(referred.customer, "income_proof"), actor=desk.cast.loan_officer, at=day(3))
        referred.refresh_from_db()
        assert (first.status, referred.status) == ("open", Status.WAITING)
        papers.answer(request, document=paper(referred.customer, "bank_statement"), actor=desk.cast.loan_officer, at=day(4))
        referred.refresh_from_db()
        request.refresh_from_db()
        assert (request.status, referred.status) == ("answered", Status.REFERRED)
        assert clocks.due_at(referred, hours) == day(4) + hours - timedelta(hours=5)
        assert "credit.application.papers_came" in events(referred)

    def test_a_paper_nobody_asked_for_changes_nothing(self, desk: Any, referred: Any, paper: Any) -> None:
        request = self.ask(desk, referred, "income_proof")
        papers.answer(request, document=paper(referred.customer, "address_proof"), actor=desk.cast.loan_officer, at=NOON)
        referred.refresh_from_db()
        assert referred.status == Status.WAITING

    def test_a_paper_put_in_anywhere_answers_what_is_asked(self, desk: Any, referred: Any, paper: Any, deliver: Any) -> None:
        self.ask(desk, referred, "income_proof")
        paper(referred.customer, "income_proof")
        deliver()
        referred.refresh_from_db()
        assert referred.status == Status.REFERRED
        deliver()

    def test_another_person_s_paper_is_no_answer(self, desk: Any, referred: Any, paper: Any) -> None:
        request = self.ask(desk, referred, "income_proof")
        with pytest.raises(Invalid):
            papers.answer(request, document=paper(desk.make_customer(), "income_proof"), actor=desk.cast.loan_officer, at=NOON)

    def test_the_clock_reminds_once_and_then_ends_the_application(self, desk: Any, referred: Any) -> None:
        request = self.ask(desk, referred)
        entity = desk.cast.entity
        assert expiry.expire(entity, at=day(7)) == 0
        request.refresh_from_db()
        assert request.reminded_at is None
        assert expiry.expire(entity, at=day(8)) == 0
        assert expiry.expire(entity, at=day(8) + timedelta(hours=1)) == 0
        request.refresh_from_db()
        assert (request.reminded_at, request.final_on) == (day(8), TODAY + timedelta(days=11))
        assert events(request).count("credit.paperrequest.reminded") == 1
        assert expiry.expire(entity, at=day(11)) == 0
        assert expiry.expire(entity, at=day(12)) == 1
        referred.refresh_from_db()
        request.refresh_from_db()
        assert (referred.status, request.status) == (Status.EXPIRED, "expired")

    def test_papers_that_came_after_the_reminder_save_the_application(self, desk: Any, referred: Any, paper: Any) -> None:
        request = self.ask(desk, referred, "income_proof")
        expiry.expire(desk.cast.entity, at=day(8))
        papers.answer(request, document=paper(referred.customer, "income_proof"), actor=desk.cast.loan_officer, at=day(9))
        assert expiry.expire(desk.cast.entity, at=day(12)) == 0
        referred.refresh_from_db()
        assert referred.status == Status.REFERRED

    def test_the_underwriter_goes_on_without_them(self, desk: Any, referred: Any) -> None:
        request = self.ask(desk, referred)
        papers.take_back(referred, actor=desk.cast.underwriter, at=day(1))
        request.refresh_from_db()
        assert (referred.status, request.status) == (Status.REFERRED, "ended")
        with pytest.raises(papers.NotWaiting):
            papers.take_back(referred, actor=desk.cast.underwriter, at=day(1))

    def test_a_withdrawal_ends_what_was_asked(self, desk: Any, referred: Any) -> None:
        request = self.ask(desk, referred)
        applications.withdraw(referred, actor=desk.cast.loan_officer, at=NOON)
        request.refresh_from_db()
        assert request.status == "ended"

    @pytest.mark.parametrize(
        ("kinds", "due", "field"),
        [
            ((), 7, "kinds"),
            (("passport",), 7, "kinds"),
            (("id_card",), 0, "due_on"),
            (("id_card",), -1, "due_on"),
            (("id_card",), 61, "due_on"),
        ],
    )
    def test_what_cannot_be_asked(self, desk: Any, referred: Any, kinds: Any, due: int, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            papers.ask(referred, kinds=kinds, due_on=TODAY + timedelta(days=due), actor=desk.cast.underwriter, at=NOON)
        assert list(refusal.value.fields) == [field]
        assert not PaperRequest.objects.exists()

    def test_only_a_referred_application_and_not_one_s_own(self, desk: Any) -> None:
        with pytest.raises(applications.NotDecidable):
            self.ask(desk, desk.draft())
        own = desk.concluded("refer", actor=desk.cast.underwriter)
        with pytest.raises(applications.OwnApplication):
            self.ask(desk, own)

    def test_the_list_follows_the_product_s_data(self, desk: Any) -> None:
        product = desk.product
        product.papers = [
            {"kind": "id_card"},
            {"kind": "bank_statement", "above": "10000.00"},
            {"kind": "purpose_proof", "purposes": ["business"]},
        ]
        assert papers.needed(product, amount=D("10000.00"), purpose="car_used") == ["id_card"]
        assert papers.needed(product, amount=D("10000.01"), purpose="car_used") == ["id_card", "bank_statement"]
        assert papers.needed(product, amount=D("1.00"), purpose="business") == ["id_card", "purpose_proof"]

    def test_a_rejected_paper_counts_as_missing_until_a_better_one_comes(self, desk: Any, referred: Any, paper: Any) -> None:
        bad = paper(referred.customer, "id_card")
        documents.reject(bad, words="裁切不全", actor=desk.cast.underwriter, at=NOON)
        line = papers.checklist(referred, [bad], None)[0]
        assert (line.kind, line.there, line.document) == ("id_card", False, bad)
        good = paper(referred.customer, "id_card", 2)
        assert papers.checklist(referred, [good, bad], None)[0].document == good


class TestConditions:
    def approve(self, desk: Any, application: Any, *kinds: str, words: str = "") -> Any:
        return underwriting.approve(
            application, amount=D("12000.00"), kinds=kinds, condition_words=words, actor=desk.cast.underwriter, at=NOON
        )

    def test_the_offer_is_not_accepted_before_every_condition_is_cleared(self, desk: Any, referred: Any) -> None:
        done = self.approve(desk, referred, "employer", "other", words="先结清甲公司贷款")
        offer = offers.make(done, at=NOON)
        offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=desk.cast.loan_officer, at=NOON)
        first, second = Condition.objects.order_by("pk")
        assert second.words == "先结清甲公司贷款"
        for condition in (first, second):
            with pytest.raises(conditions.ConditionsOpen):
                offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON)
            conditions.clear(condition, evidence="人事部王女士电话确认", actor=desk.cast.underwriter, at=NOON)
        assert offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON).principal == D("12000.00")

    def test_evidence_is_needed_and_kept_sealed(self, desk: Any, referred: Any) -> None:
        self.approve(desk, referred, "employer")
        condition = Condition.objects.get()
        with pytest.raises(Invalid) as refusal:
            conditions.clear(condition, evidence=" ok ", actor=desk.cast.underwriter, at=NOON)
        assert "evidence" in refusal.value.fields
        conditions.clear(condition, evidence="called the employer", actor=desk.cast.underwriter, at=NOON)
        raw = Condition.objects.filter(pk=condition.pk).values_list("evidence", flat=True)
        assert b"employer" not in bytes(Condition.objects.raw("SELECT id, evidence FROM credit_condition")[0].__dict__["evidence"])
        assert list(raw)
        with pytest.raises(IllegalMove):
            conditions.clear(condition, evidence="called the employer", actor=desk.cast.underwriter, at=NOON)

    def test_who_entered_it_does_not_clear_it(self, desk: Any, referred: Any) -> None:
        self.approve(desk, referred, "employer")
        with pytest.raises(conditions.OwnCondition):
            conditions.clear(Condition.objects.get(), evidence="called the employer", actor=desk.cast.loan_officer, at=NOON)

    @pytest.mark.parametrize(("kinds", "words"), [(("moon",), ""), (("other",), ""), (("employer",), "something else")])
    def test_conditions_that_cannot_be_leave_the_application_as_it_was(self, desk: Any, referred: Any, kinds: Any, words: str) -> None:
        with pytest.raises(Invalid):
            self.approve(desk, referred, *kinds, words=words)
        assert Application.objects.get(pk=referred.pk).status == Status.REFERRED
        assert not Reservation.objects.filter(status="live").exists()


class TestSecondPerson:
    @pytest.fixture
    def large(self, desk: Any) -> Any:
        for name in ("underwriter", "second_underwriter"):
            user = getattr(desk.cast, name)
            type(user).objects.filter(pk=user.pk).update(approval_limit=D("10000.00"))
            user.refresh_from_db()
        return desk.concluded("refer", {"limit": D("50000.00"), "grade": "C"}, amount=D("40000.00"))

    def propose(self, desk: Any, application: Any, **changes: Any) -> Any:
        values = {"kind": "approve", "amount": D("30000.00"), "term": 24, "actor": desk.cast.underwriter, "at": NOON, "note": "收入稳定"}
        return underwriting.propose(application, **values | changes)

    def test_above_authority_one_proposes_and_another_with_enough_confirms(self, desk: Any, large: Any) -> None:
        with pytest.raises(applications.OverAuthority):
            underwriting.approve(large, amount=D("30000.00"), actor=desk.cast.underwriter, at=NOON)
        proposal = self.propose(desk, large, kinds=("employer",))
        assert large.status == Status.PROPOSED
        assert exposure.standing(large.customer_id).lines == D("30000.00")
        with pytest.raises(applications.OverAuthority):
            underwriting.confirm(proposal, actor=desk.cast.second_underwriter, at=NOON)
        done = underwriting.confirm(Proposal.objects.get(pk=proposal.pk), actor=desk.cast.risk_manager, at=NOON)
        large.refresh_from_db()
        assert (large.status, large.approved_amount, large.approved_term, large.note) == (Status.APPROVED, D("30000.00"), 24, "收入稳定")
        assert (done.decided_by, large.conditions.count()) == (desk.cast.risk_manager, 1)

    def test_never_the_same_person_nor_who_entered_it(self, desk: Any, large: Any) -> None:
        proposal = self.propose(desk, large, amount=D("9000.00"))
        with pytest.raises(underwriting.SamePerson):
            underwriting.confirm(proposal, actor=desk.cast.underwriter, at=NOON)
        with pytest.raises(underwriting.SamePerson):
            underwriting.confirm(proposal, actor=desk.cast.loan_officer, at=NOON)
        with pytest.raises(IntegrityError), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(status="confirmed", answered_by=desk.cast.underwriter)

    def test_returned_with_words_nothing_is_held(self, desk: Any, large: Any) -> None:
        proposal = self.propose(desk, large)
        with pytest.raises(Invalid):
            underwriting.give_back(proposal, words=" ", actor=desk.cast.risk_manager, at=NOON)
        underwriting.give_back(proposal, words="请补充流水", actor=desk.cast.risk_manager, at=NOON)
        large.refresh_from_db()
        proposal.refresh_from_db()
        assert (large.status, proposal.status, proposal.answer) == (Status.REFERRED, "returned", "请补充流水")
        assert exposure.standing(large.customer_id).lines == 0

    def test_the_maker_calls_back_and_nobody_else(self, desk: Any, large: Any) -> None:
        proposal = self.propose(desk, large)
        with pytest.raises(underwriting.SamePerson):
            underwriting.call_back(proposal, actor=desk.cast.second_underwriter, at=NOON)
        assert underwriting.call_back(proposal, actor=desk.cast.underwriter, at=NOON).status == Status.REFERRED

    def test_a_stale_page_is_refused(self, desk: Any, large: Any) -> None:
        with pytest.raises(MovedMeanwhile):
            self.propose(desk, large, version=large.version - 1)
        proposal = self.propose(desk, large)
        with pytest.raises(MovedMeanwhile):
            underwriting.confirm(proposal, actor=desk.cast.risk_manager, at=NOON, version=proposal.version + 1)

    def test_a_counter_offer_confirmed_goes_to_the_applicant(self, desk: Any, large: Any) -> None:
        proposal = self.propose(desk, large, kind="counter", term=36)
        underwriting.confirm(proposal, actor=desk.cast.risk_manager, at=NOON)
        large.refresh_from_db()
        assert (large.status, CounterOffer.objects.get().made_by) == (Status.COUNTERED, desk.cast.risk_manager)


class TestCounterOffer:
    def counter(self, desk: Any, application: Any, **changes: Any) -> Any:
        return underwriting.counter(
            application, **{"amount": D("9000.00"), "term": 24, "actor": desk.cast.underwriter, "at": NOON} | changes
        )

    def test_the_applicant_s_yes_makes_it_the_approval(self, desk: Any, referred: Any) -> None:
        offered = self.counter(desk, referred)
        assert referred.status == Status.COUNTERED
        assert exposure.standing(referred.customer_id).lines == D("9000.00")
        underwriting.agree(offered, way="phone", actor=desk.cast.loan_officer, at=day(2))
        referred.refresh_from_db()
        assert (referred.status, referred.approved_amount, referred.approved_term) == (Status.APPROVED, D("9000.00"), 24)
        assert referred.decided_by == desk.cast.underwriter
        assert offers.make(referred, at=day(2)).amount == D("9000.00")

    def test_a_no_returns_it_to_the_queue(self, desk: Any, referred: Any) -> None:
        offered = self.counter(desk, referred)
        underwriting.refuse(offered, way="phone", actor=desk.cast.loan_officer, at=NOON)
        referred.refresh_from_db()
        assert referred.status == Status.REFERRED
        assert exposure.standing(referred.customer_id).lines == 0

    def test_silence_ends_it(self, desk: Any, referred: Any) -> None:
        offered = self.counter(desk, referred)
        assert offered.due_on == TODAY + timedelta(days=14)
        with pytest.raises(underwriting.CounterLapsed):
            underwriting.agree(offered, way="phone", actor=desk.cast.loan_officer, at=day(15))
        assert expiry.expire(desk.cast.entity, at=day(14)) == 0
        assert expiry.expire(desk.cast.entity, at=day(15)) == 1
        offered.refresh_from_db()
        assert offered.status == "ended"
        assert exposure.standing(referred.customer_id).lines == 0

    def test_what_was_asked_for_is_no_counter_offer(self, desk: Any, referred: Any) -> None:
        with pytest.raises(underwriting.NoDifference):
            self.counter(desk, referred, amount=D("15000.00"), term=12)

    def test_above_authority_and_limit_are_refused(self, desk: Any, referred: Any) -> None:
        with pytest.raises(applications.OverLimit):
            self.counter(desk, referred, amount=D("15000.01"))
        user = desk.cast.underwriter
        type(user).objects.filter(pk=user.pk).update(approval_limit=D("100.00"))
        user.refresh_from_db()
        with pytest.raises(applications.OverAuthority):
            self.counter(desk, referred)
        assert Application.objects.get(pk=referred.pk).status == Status.REFERRED


class TestVerified:
    def verify(self, desk: Any, application: Any, **changes: Any) -> Any:
        values = {"name": "income", "value": "9000.00", "source": "payslip", "as_of": TODAY, "actor": desk.cast.underwriter, "at": NOON}
        return verified.verify(application, **values | changes)

    def test_the_latest_of_a_name_counts_and_the_earlier_stays(self, desk: Any, referred: Any) -> None:
        self.verify(desk, referred)
        self.verify(desk, referred, value="9500.00", source="tax")
        self.verify(desk, referred, name="housing", value="rent", source="visit")
        found = verified.latest(referred)
        assert {name: row.value for name, row in found.items()} == {"income": "9500.00", "housing": "rent"}
        assert referred.verified.count() == 3
        entry = log.history(referred).order_by("-id").first()
        assert entry.event == "credit.application.fact_verified"
        assert "9500" not in str(entry.facts)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": "foreign_worker", "value": True}, "name"),
            ({"name": "zodiac"}, "name"),
            ({"value": "much"}, "value"),
            ({"value": "-1.00"}, "value"),
            ({"name": "housing", "value": "castle"}, "value"),
            ({"source": "dream"}, "source"),
            ({"as_of": date(2026, 3, 3)}, "as_of"),
        ],
    )
    def test_what_cannot_be(self, desk: Any, referred: Any, changes: Any, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            self.verify(desk, referred, **changes)
        assert list(refusal.value.fields) == [field]

    def test_an_ended_application_is_history(self, desk: Any, referred: Any) -> None:
        applications.withdraw(referred, actor=desk.cast.loan_officer, at=NOON)
        with pytest.raises(verified.NotOpen):
            self.verify(desk, referred)


@pytest.mark.django_db(transaction=True)
def test_of_two_second_persons_one_wins(desk: Any) -> None:
    application = desk.concluded("refer", {"limit": D("50000.00")}, amount=D("40000.00"))
    proposal = underwriting.propose(application, kind="approve", amount=D("40000.00"), term=12, actor=desk.cast.underwriter, at=NOON)

    def act(which: int) -> str:
        try:
            fresh = Proposal.objects.select_related("application__legal_entity", "application__product").get(pk=proposal.pk)
            if which % 2:
                underwriting.confirm(fresh, actor=desk.cast.second_underwriter, at=NOON)
            else:
                underwriting.give_back(fresh, words="no", actor=desk.cast.risk_manager, at=NOON)
        except (MovedMeanwhile, IllegalMove) as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(act, range(4)))
    assert said.count("done") == 1, said
    application.refresh_from_db()
    proposal.refresh_from_db()
    held = Reservation.objects.get(application=application).status
    assert (application.status, proposal.status, held) in (
        (Status.APPROVED, "confirmed", "live"),
        (Status.REFERRED, "returned", "released"),
    )


def test_the_pdf_of_these_tests_is_one() -> None:
    assert pdf("x").startswith(PDF)
