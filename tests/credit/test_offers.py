"""From an offer to money out: the cost table first, then one transaction that books and pays out the whole amount."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from credit import cost, exposure, offers
from credit.models import Application, Loan, Offer, Posting, Reservation, Transaction
from ledger import log
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db


def test_an_offer_carries_schedule_cost_table_and_hash(desk):
    offer = desk.offer()
    assert (offer.amount, offer.term, offer.annual_rate, offer.penalty_rate) == (D("12000.00"), 12, D("0.18"), D("0.24"))
    assert [offer.schedule[0]["payment"], offer.schedule[-1]["payment"]] == ["1100.16", "1100.19"]
    assert offer.cost_table["total_cost"] == "1201.95"
    assert (offer.nominal_rate, offer.effective_rate) == (D("0.180004"), D("0.195623"))
    offer.refresh_from_db()
    assert cost.fingerprint(offer.cost_table) == offer.cost_hash
    assert offer.expires_on == TODAY + timedelta(days=14)
    assert log.history(offer).first().facts["cost_hash"] == offer.cost_hash
    assert log.history(offer).first().customer_id == offer.application.customer_id


def test_the_penalty_rate_stays_within_the_cap(desk):
    """18 % × 1.5 = 27 % would break a cap of 24 %; 12 % × 1.5 does not."""
    assert desk.offer(verdict={"annual_rate": D("0.180000")}).penalty_rate == D("0.240000")
    assert desk.offer(verdict={"annual_rate": D("0.120000")}).penalty_rate == D("0.180000")


def test_a_rate_of_exactly_the_cap_passes_at_two_decimals(desk):
    """24 % on 30/360, 10,000 over 12 months comes to 24.00006 %."""
    offer = desk.offer(amount=D("10000.00"), verdict={"annual_rate": D("0.240000")})
    assert offer.nominal_rate == D("0.240001")
    with pytest.raises(offers.OverRateCap) as refusal:
        offers.draft(offer.application, amount=D("10000.00"), term=12, annual_rate=D("0.2402"), on=TODAY)
    assert refusal.value.extra["cap"] == "24.00%"
    assert "2025" in refusal.value.extra["citation"]


def test_making_it_again_returns_the_same(desk):
    offer = desk.offer()
    assert offers.make(offer.application, at=NOON) == offer
    assert Offer.objects.count() == 1


class TestDisclosure:
    def test_without_confirmation_nothing_is_booked(self, desk):
        offer = desk.offer()
        with pytest.raises(offers.NotConfirmed):
            offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON)
        assert not Loan.objects.exists()
        assert not Transaction.objects.exists()

    def test_the_database_too_refuses_an_acceptance_without_confirmation(self, desk):
        offer = desk.offer()
        with pytest.raises(IntegrityError, match="offer_accepted_only_after_disclosure"), transaction.atomic():
            Offer.objects.filter(pk=offer.pk).update(status="accepted", accepted_at=NOON)

    def test_it_needs_time_to_read(self, desk):
        offer = desk.offer()
        with pytest.raises(offers.ReadTooFast) as refusal:
            offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=4, actor=desk.cast.loan_officer, at=NOON)
        assert "5" in str(refusal.value)

    def test_another_table_than_the_one_that_stands_is_refused(self, desk):
        offer = desk.offer()
        with pytest.raises(offers.DisclosureChanged):
            offers.confirm_disclosure(offer, cost_hash="0" * 64, seconds=9, actor=desk.cast.loan_officer, at=NOON)

    def test_hash_and_seconds_enter_the_ledger(self, desk):
        offer = desk.confirmed()
        entry = log.history(offer).first()
        assert entry.event == "credit.offer.disclosure_confirmed"
        assert (entry.facts["cost_hash"], entry.facts["seconds"]) == (offer.cost_hash, 30)
        assert (offer.disclosure_confirmed_at, offer.disclosure_seconds, offer.is_confirmed) == (NOON, 30, True)

    def test_confirming_twice_records_once(self, desk):
        offer = desk.confirmed()
        offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=99, actor=desk.cast.loan_officer, at=NOON)
        assert log.history(offer).filter(event="credit.offer.disclosure_confirmed").count() == 1


class TestAcceptance:
    def test_it_books_and_disburses_the_full_amount(self, desk):
        loan = desk.loan()
        assert (loan.status, loan.principal, loan.principal_outstanding) == ("open", D("12000.00"), D("12000.00"))
        assert (loan.starts_on, loan.matures_on) == (TODAY, date(2027, 3, 2))
        assert [row.payment for row in loan.installments.order_by("seq")] == [D("1100.16")] * 11 + [D("1100.19")]
        paid_out = loan.transactions.get()
        assert (paid_out.kind, paid_out.amount) == ("disbursement", D("12000.00"))
        assert {row.account: row.amount for row in paid_out.postings.all()} == {"principal": D("12000.00"), "cash": D("-12000.00")}
        application = Application.objects.get(pk=loan.application_id)
        assert application.status == "booked"
        assert [entry.event.rsplit(".", 1)[1] for entry in log.history(application)[:2]] == ["booked", "accepted"]

    def test_the_line_counts_once_before_and_after(self, desk):
        offer = desk.confirmed()
        customer = offer.application.customer_id
        assert exposure.standing(customer).lines == D("12000.00")
        offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON)
        assert exposure.standing(customer).lines == D("12000.00")
        assert Reservation.objects.get().status == "used"

    def test_the_same_key_returns_the_loan_and_another_is_refused(self, desk):
        loan = desk.loan()
        offer = Offer.objects.get()
        assert offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON) == loan
        with pytest.raises(offers.AlreadyAccepted) as refusal:
            offers.accept(offer, key="other", actor=desk.cast.loan_officer, at=NOON)
        assert refusal.value.extra["loan"] == loan.public_id
        assert Transaction.objects.count() == 1

    def test_a_later_day_moves_the_dates_and_no_amount(self, desk):
        offer = desk.confirmed()
        loan = offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON + timedelta(days=5))
        assert loan.starts_on == TODAY + timedelta(days=5)
        assert loan.installments.get(seq=1).due_on == date(2026, 4, 7)
        assert [str(row.payment) for row in loan.installments.order_by("seq")] == [row["payment"] for row in offer.schedule]

    def test_where_a_later_day_moves_amounts_the_table_is_shown_again(self, desk):
        desk.product.day_count, desk.product.offer_days = "actual/365", 40
        desk.product.save()
        offer, later = desk.confirmed(), NOON + timedelta(days=31)  # another month, other lengths of the periods
        with pytest.raises(offers.DisclosureChanged):
            offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=later)
        offer = offers.renew(offer, actor=desk.cast.loan_officer, at=later)
        assert not offer.is_confirmed
        with pytest.raises(offers.NotConfirmed):
            offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=later)
        offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=9, actor=desk.cast.loan_officer, at=later)
        assert offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=later).starts_on == later.date()

    def test_after_its_last_day_it_has_lapsed(self, desk):
        offer = desk.confirmed()
        with pytest.raises(offers.OfferLapsed):
            offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON + timedelta(days=15))

    def test_fees_fall_due_with_their_instalments(self, desk):
        desk.product.fees = [{"code": "s", "name": {"en": "Service", "zh-hans": "服务费"}, "method": "per_period", "amount": "2.00"}]
        desk.product.save()
        loan = desk.loan()
        assert {row.fee for row in loan.installments.all()} == {D("2.00")}


class TestMoneyGuards:
    def test_movements_and_postings_are_insert_only(self, desk):
        desk.loan()
        for rows, change in ((Transaction.objects.all(), {"amount": D("1.00")}), (Posting.objects.all(), {"account": "fee"})):
            with pytest.raises(Exception, match=r"insert-only|permission denied"), transaction.atomic():
                rows.update(**change)
            with pytest.raises(Exception, match=r"insert-only|permission denied"), transaction.atomic():
                rows._raw_delete(rows.db)

    @pytest.mark.parametrize("amounts", [[], ["5.00"], ["5.00", "-4.99"], ["4.00", "-4.00"]])
    def test_an_unbalanced_movement_does_not_commit(self, desk, amounts):
        loan = desk.loan()

        def move():
            movement = Transaction.objects.create(
                loan=loan, kind="repayment", amount=D("5.00"), value_on=TODAY, at=NOON, actor=desk.cast.system, key="x"
            )
            for amount in amounts:
                Posting.objects.create(transaction=movement, account="cash", amount=D(amount))
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        with pytest.raises(IntegrityError, match="not balanced"), transaction.atomic():
            move()

    def test_all_postings_sum_to_zero(self, desk):
        desk.pay(desk.loan(), "5000.00")
        assert Posting.objects.aggregate(sum=Sum("amount"))["sum"] == 0
