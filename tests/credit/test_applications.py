"""The doors of an application: who may decide what, and what the verdict leads to."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from credit import applications, expiry, exposure, known_facts, offers
from credit.models import Application, Offer, Reservation
from crm.lib.errors import Invalid
from governance.lifecycle import IllegalMove, MovedMeanwhile
from ledger import log
from tests.credit.conftest import STATED
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
Status = Application.Status


def events(record):
    return [entry.event for entry in log.history(record).order_by("id")]


def test_a_draft_is_entered_and_submitted(desk):
    application = desk.draft(reference="P-1")
    assert (application.status, application.entered_by, application.owner) == (Status.DRAFT, desk.cast.loan_officer, desk.cast.loan_officer)
    assert application.branch == desk.cast.east
    assert application.stated == STATED
    applications.submit(application, actor=desk.cast.loan_officer, at=NOON)
    assert (application.status, application.submitted_at, application.version) == (Status.SUBMITTED, NOON, 2)
    assert events(application) == ["credit.application.created", "credit.application.submitted"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": D("199.99")}, "amount"),
        ({"amount": D("50000.01")}, "amount"),
        ({"amount": D("1000.005")}, "amount"),
        ({"term": 2}, "term"),
        ({"term": 73}, "term"),
        ({"purpose": "gambling"}, "purpose"),
        ({"stated": {"housing": "castle"}}, "housing"),
        ({"stated": {"installment_rate": 5}}, "installment_rate"),
        ({"stated": {"installment_rate": "two"}}, "installment_rate"),
        ({"stated": {"zodiac": "dragon"}}, "zodiac"),
        ({"stated": {"income": D("1.00")}}, "income"),
    ],
)
def test_what_cannot_be_is_refused_by_field(desk, changes, field):
    with pytest.raises(Invalid) as refusal:
        desk.draft(**changes)
    assert list(refusal.value.fields) == [field]
    assert str(refusal.value.fields[field])
    assert not Application.objects.exists()


def test_a_product_off_sale_is_refused(desk):
    desk.product.live = False
    desk.product.save()
    with pytest.raises(Invalid) as refusal:
        desk.draft()
    assert "product" in refusal.value.fields


def test_one_open_application_per_customer_and_product(desk):
    first = desk.draft()
    with pytest.raises(applications.AlreadyOpen):
        desk.draft(customer=first.customer)
    applications.withdraw(first, actor=desk.cast.loan_officer, at=NOON)
    assert desk.draft(customer=first.customer).status == Status.DRAFT


def test_a_sender_s_number_is_used_once(desk):
    desk.draft(reference="P-1")
    with pytest.raises(applications.AlreadyOpen) as refusal:
        desk.draft(reference="P-1")
    assert "reference" in refusal.value.fields


def test_an_approval_holds_exposure_and_fixes_the_terms(desk):
    application = desk.concluded()
    assert application.status == Status.APPROVED
    assert (application.approved_amount, application.approved_term, application.approved_rate) == (D("12000.00"), 12, D("0.180000"))
    assert application.decided_by is None
    assert application.decided_at == NOON
    assert exposure.standing(application.customer_id).lines == D("12000.00")


def test_the_decision_s_limit_cuts_an_approval(desk):
    assert desk.concluded(verdict={"limit": D("9000.00")}).approved_amount == D("9000.00")


@pytest.mark.parametrize("outcome", ["refer", "decline"])
def test_a_referral_or_decline_carries_the_reasons_and_holds_nothing(desk, outcome):
    application = desk.concluded(outcome)
    assert application.status == {"refer": Status.REFERRED, "decline": Status.DECLINED}[outcome]
    assert application.reason_codes == ["amount_above_limit"]
    assert exposure.standing(application.customer_id).lines == 0


def test_an_approval_without_room_under_the_cap_is_referred(desk, monkeypatch):
    monkeypatch.setattr(exposure, "cap", lambda on: D("199.00"))
    application = desk.concluded()
    assert application.status == Status.REFERRED
    assert applications.EXPOSURE_CAP in application.reason_codes
    assert not Reservation.objects.filter(status="live").exists()


def test_an_approval_is_cut_to_the_room_under_the_cap(desk, monkeypatch):
    monkeypatch.setattr(exposure, "cap", lambda on: D("7000.00"))
    application = desk.concluded()
    assert (application.status, application.approved_amount) == (Status.APPROVED, D("7000.00"))
    assert applications.EXPOSURE_CAP in application.reason_codes


def test_a_cost_above_the_rate_cap_is_referred(desk):
    application = desk.concluded(verdict={"annual_rate": D("0.250000")})
    assert application.status == Status.REFERRED
    assert applications.COST_CAP in application.reason_codes
    assert exposure.standing(application.customer_id).lines == 0


def test_a_second_conclusion_loses(desk):
    application = desk.evaluating()
    stale = Application.objects.get(pk=application.pk)
    decision = desk.decision(application)
    applications.conclude(application, decision=decision, actor=desk.cast.system, at=NOON)
    with pytest.raises(MovedMeanwhile):
        applications.conclude(stale, decision=decision, actor=desk.cast.system, at=NOON)


class TestUnderwriting:
    @pytest.fixture
    def referred(self, desk):
        return desk.concluded("refer", {"limit": D("20000.00"), "annual_rate": None, "grade": "C"}, amount=D("30000.00"))

    def test_an_underwriter_approves_within_authority_and_limit(self, desk, referred):
        done = applications.approve(
            referred, amount=D("15000.00"), actor=desk.cast.underwriter, at=NOON, note="ok", version=referred.version
        )
        assert (done.status, done.approved_amount, done.approved_rate) == (Status.APPROVED, D("15000.00"), D("0.156"))
        assert done.decided_by == desk.cast.underwriter
        assert exposure.standing(done.customer_id).lines == D("15000.00")

    def test_nobody_decides_what_they_entered(self, desk):
        application = desk.concluded("refer", actor=desk.cast.underwriter)
        for door in (
            lambda: applications.approve(application, amount=D("1000.00"), actor=desk.cast.underwriter, at=NOON),
            lambda: applications.decline(application, reason_codes=["credit.affordability"], actor=desk.cast.underwriter, at=NOON),
        ):
            with pytest.raises(applications.OwnApplication) as refusal:
                door()
            assert refusal.value.status == 403

    def test_the_database_too_refuses_a_decision_by_who_entered(self, desk):
        application = desk.draft()
        with pytest.raises(IntegrityError, match="application_not_decided_by_who_entered"), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(decided_by=desk.cast.loan_officer)

    def test_above_the_authority_limit_is_refused_by_name(self, desk, referred):
        desk.cast.underwriter.approval_limit = D("10000.00")
        with pytest.raises(applications.OverAuthority) as refusal:
            applications.approve(referred, amount=D("10000.01"), actor=desk.cast.underwriter, at=NOON)
        assert refusal.value.extra["authority"] == "10000.00"
        assert "10,000.00" in str(refusal.value)
        assert applications.approve(referred, amount=D("10000.00"), actor=desk.cast.underwriter, at=NOON).status == Status.APPROVED

    def test_somebody_without_authority_approves_nothing(self, desk, referred):
        with pytest.raises(applications.OverAuthority):
            applications.approve(referred, amount=D("200.00"), actor=desk.cast.colleague, at=NOON)

    def test_above_the_decision_s_limit_is_refused(self, desk, referred):
        with pytest.raises(applications.OverLimit) as refusal:
            applications.approve(referred, amount=D("20000.01"), actor=desk.cast.underwriter, at=NOON)
        assert refusal.value.extra["limit"] == "20000.00"

    def test_above_the_person_s_cap_is_refused_and_nothing_is_held(self, desk, referred, monkeypatch):
        monkeypatch.setattr(exposure, "cap", lambda on: D("5000.00"))
        with pytest.raises(exposure.OverExposure) as refusal:
            applications.approve(referred, amount=D("5000.01"), actor=desk.cast.underwriter, at=NOON)
        assert refusal.value.extra["room"] == "5000.00"
        assert exposure.standing(referred.customer_id).lines == 0

    def test_a_stale_page_is_told(self, desk, referred):
        with pytest.raises(MovedMeanwhile) as refusal:
            applications.approve(referred, amount=D("1000.00"), actor=desk.cast.underwriter, at=NOON, version=referred.version - 1)
        assert refusal.value.status == 409
        assert refusal.value.extra["status_now"] == "referred"

    def test_the_second_of_two_reviewers_is_told(self, desk, referred):
        stale = Application.objects.get(pk=referred.pk)
        applications.decline(referred, reason_codes=["credit.affordability"], actor=desk.cast.underwriter, at=NOON)
        with pytest.raises(MovedMeanwhile):
            applications.approve(stale, amount=D("1000.00"), actor=desk.cast.second_underwriter, at=NOON)
        assert exposure.standing(referred.customer_id).lines == 0

    @pytest.mark.parametrize("codes", [[], ["no_such_reason"]])
    def test_a_decline_needs_a_reason(self, desk, referred, codes):
        with pytest.raises(Invalid) as refusal:
            applications.decline(referred, reason_codes=codes, actor=desk.cast.underwriter, at=NOON)
        assert "reason_codes" in refusal.value.fields

    def test_only_a_referred_application_is_decided_by_a_person(self, desk):
        for status, application in (("draft", desk.draft()), ("approved", desk.concluded())):
            with pytest.raises(applications.NotDecidable):
                applications.approve(application, amount=D("1000.00"), actor=desk.cast.underwriter, at=NOON)
            assert application.status == status


def test_withdrawing_ends_the_offer_and_frees_the_room(desk):
    offer = desk.offer()
    application = applications.withdraw(Application.objects.get(pk=offer.application_id), actor=desk.cast.loan_officer, at=NOON)
    offer.refresh_from_db()
    assert (application.status, offer.status) == (Status.WITHDRAWN, Offer.Status.WITHDRAWN)
    assert exposure.standing(application.customer_id).lines == 0
    with pytest.raises(IllegalMove):
        applications.withdraw(application, actor=desk.cast.loan_officer, at=NOON)


def test_what_nobody_took_further_expires(desk):
    idle = desk.draft(at=NOON - timedelta(days=91))
    young = desk.draft()
    offer = desk.offer()
    desk.cast.entity.business_date = offer.expires_on
    desk.cast.entity.save()
    at = NOON + (offer.expires_on - NOON.date())
    assert expiry.expire(desk.cast.entity, at=at) == 1
    desk.cast.entity.business_date += timedelta(days=1)
    desk.cast.entity.save()
    assert expiry.expire(desk.cast.entity, at=at + timedelta(days=1)) == 1
    statuses = {row.pk: row.status for row in Application.objects.all()}
    assert statuses == {idle.pk: Status.EXPIRED, young.pk: Status.DRAFT, offer.application_id: Status.EXPIRED}
    assert exposure.standing(offer.application.customer_id).lines == 0


def test_facts_for_the_engine_carry_no_identifier(desk):
    application = desk.draft()
    known = known_facts.of(application, at=NOON)
    facts = known.facts
    assert facts["exposure"] == 0
    assert facts["rate_cap"] == D("0.24")
    assert facts["exposure_cap"] == D("200000.00")
    assert facts["rate_a"] == D("0.108")
    assert facts["current_dpd"] == 0
    assert facts["amount"] == D("12000.00")
    person = application.customer
    assert not {person.name, person.id_number, person.mobile, person.public_id} & {str(value) for value in facts.values()}


def test_the_engine_judges_once_however_often_it_is_asked(desk):
    from risk import seeds
    from risk.models import Decision

    seeds.seed()
    application = applications.submit(desk.draft(), actor=desk.cast.loan_officer, at=NOON)
    done = applications.evaluate(application.pk, at=NOON)
    assert done.status in (Status.APPROVED, Status.REFERRED, Status.DECLINED)
    again = applications.evaluate(application.pk, at=NOON)
    assert again.status == done.status
    assert Decision.objects.count() == 1
    assert done.decision.subject == f"credit.application:{application.public_id}"


def test_an_evaluation_that_died_is_found_and_finished(desk):
    from risk import seeds

    seeds.seed()
    application = desk.evaluating()
    assert applications.stuck(before=NOON) == []
    assert applications.stuck(before=NOON + timedelta(seconds=1)) == [application.pk]
    assert applications.evaluate(application.pk, at=NOON).status != Status.EVALUATING


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"status": "approved"}, "application_approved_has_terms"),
        ({"status": "declined", "submitted_at": NOON, "decided_at": NOON}, "application_declined_has_reasons"),
        ({"status": "submitted", "submitted_at": None}, "application_submitted_has_moment"),
        ({"status": "dreaming"}, "application_status_known"),
        ({"amount": D("0.00")}, "application_asks_for_something"),
    ],
)
def test_what_must_never_be_true_the_database_refuses(desk, change, name):
    application = desk.draft()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Application.objects.filter(pk=application.pk).update(**change)


def test_the_worker_s_chain_from_submitted_to_offered(desk, monkeypatch):
    from credit import tasks
    from ledger.models import Entry
    from risk import engine

    monkeypatch.setattr(engine, "evaluate", lambda facts, **_: desk.decision(application))
    application = applications.submit(desk.draft(), actor=desk.cast.loan_officer, at=NOON)
    for event, handler in (("submitted", tasks.evaluate_submitted), ("approved", tasks.offer_approved)):
        entry = Entry.objects.get(event=f"credit.application.{event}", subject_id=application.pk)
        handler(entry=entry)
        handler(entry=entry)
    application.refresh_from_db()
    assert application.status == Status.OFFERED
    assert application.offers.count() == 1
    assert offers.make(application, at=NOON) == application.offers.get()
