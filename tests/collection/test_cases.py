"""Cases follow the loans: they open, grow, shrink and close with what is overdue, however often news arrives."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from collection import cases, debts, portfolio
from collection.models import Case, CaseDebt
from ledger import log
from ledger.models import Entry
from tests.collection.conftest import AFTER, LATE, Floor


def test_an_overdue_loan_opens_a_case(floor: Floor) -> None:
    loan = floor.late_loan()
    case = Case.objects.get()
    assert (case.customer_id, case.status, case.bucket, case.dpd) == (loan.customer_id, "open", 1, 8)
    first = loan.installments.get(seq=1)
    assert case.overdue_amount == first.outstanding > first.owed
    debt = case.debts.get()
    assert (debt.loan_id, debt.overdue_amount, debt.dpd) == (loan.pk, case.overdue_amount, 8)
    assert (case.legal_entity_id, case.branch_id, case.owner_id) == (loan.legal_entity_id, loan.branch_id, loan.owner_id)
    assert case.public_id.startswith("K-")
    assert case.opened_on == LATE + timedelta(days=1)
    assert [entry.event for entry in log.history(case) if entry.event.startswith("collections.case.")] == ["collections.case.opened"]


def test_two_late_loans_of_a_customer_are_one_case(floor: Floor) -> None:
    one = floor.desk.loan()
    two = floor.desk.loan(customer=one.customer, amount=D("6000.00"), term=6)
    floor.close(LATE)
    case = Case.objects.get()
    assert {debt.loan_id for debt in case.debts.all()} == {one.pk, two.pk}
    assert case.overdue_amount == sum(debt.overdue_amount for debt in case.debts.all())


def test_the_bucket_moves_with_the_days_and_is_told(floor: Floor) -> None:
    case = floor.case()
    floor.close(date(2026, 5, 4))
    case.refresh_from_db()
    assert (case.bucket, case.dpd) == (2, 32)
    assert case.debts.get().bucket == 2
    moved = Entry.objects.get(event="collections.case.bucket_moved")
    assert (moved.subject_id, moved.facts["was"], moved.facts["bucket"]) == (case.pk, 1, 2)


def test_a_close_without_a_bucket_move_still_brings_days_and_amount_up_to_date(floor: Floor) -> None:
    case = floor.case()
    was = case.overdue_amount
    floor.close(LATE + timedelta(days=5))
    case.refresh_from_db()
    assert (case.bucket, case.dpd) == (1, 13)
    assert case.overdue_amount > was  # the penalty grew


def test_a_part_payment_lowers_the_amount(floor: Floor) -> None:
    case = floor.case()
    floor.desk.pay(case.debts.get().loan, "100.00", on=AFTER.date())
    floor.deliver()
    before = case.overdue_amount
    case.refresh_from_db()
    assert case.status == "open"
    assert before - D("100.00") <= case.overdue_amount < before


def test_paying_what_is_overdue_closes_the_case_as_cured(floor: Floor) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    floor.pay_all_overdue(case.debts.get().loan)
    case.refresh_from_db()
    assert (case.status, case.close_reason, case.closed_on) == ("closed", "cured", AFTER.date())
    assert (case.overdue_amount, case.dpd, case.bucket) == (D("0.00"), 0, 0)
    assert (case.claimed_by, case.next_action_on) == (None, None)
    assert case.debts.get().overdue_amount == D("0.00")
    closed = log.history(case).filter(event="collections.case.closed").get()
    assert closed.facts["reason"] == "cured"


def test_paying_the_whole_loan_closes_the_case_as_settled(floor: Floor) -> None:
    case = floor.case(date(2026, 6, 10), term=3, amount=D("1000.00"))
    floor.pay_all_overdue(case.debts.get().loan, at=datetime(2026, 6, 11, 4, tzinfo=UTC))
    case.refresh_from_db()
    assert (case.status, case.close_reason) == ("closed", "settled")


def test_a_customer_late_again_gets_a_new_case(floor: Floor) -> None:
    first = floor.case()
    floor.pay_all_overdue(first.debts.get().loan)
    floor.close(date(2026, 5, 10))
    assert list(Case.objects.order_by("pk").values_list("status", flat=True)) == ["closed", "open"]


def test_every_piece_of_news_may_arrive_twice_and_late(floor: Floor) -> None:
    from collection import tasks

    case = floor.case()
    entries = Entry.objects.filter(event__startswith="credit.loan").exclude(event="credit.loan.booked")
    before = list(Case.objects.values()), list(CaseDebt.objects.values()), Entry.objects.count()
    for entry in entries:
        tasks.follow_loan(entry=entry)
    tasks.refresh_partition(entry=Entry.objects.filter(event="collections.refresh.planned").latest("pk"))
    assert (list(Case.objects.values()), list(CaseDebt.objects.values()), Entry.objects.count()) == before
    floor.pay_all_overdue(case.debts.get().loan)
    count = Entry.objects.count()
    for entry in entries:
        tasks.follow_loan(entry=entry)  # old news of an overdue loan that is cured by now
    assert (Case.objects.get().status, Entry.objects.count()) == ("closed", count)


def test_many_customers_are_refreshed_with_a_constant_number_of_statements(floor: Floor, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    for _ in range(6):
        floor.desk.loan(amount=D("1000.00"), term=3)
    floor.close(LATE)
    assert Case.objects.count() == 6
    Case.objects.update(dpd=1)
    ids = portfolio.touched(floor.cast.entity.pk)
    with django_assert_max_num_queries(12):
        done = cases.refresh(ids, actor=floor.cast.system, at=AFTER)
    assert (len(done.opened), len(done.changed), len(done.closed)) == (0, 6, 0)


def test_partitions_cover_every_customer_once(floor: Floor) -> None:
    for _ in range(5):
        floor.desk.loan(amount=D("1000.00"), term=3)
    floor.close(LATE)
    ids = portfolio.touched(floor.cast.entity.pk)
    before = Entry.objects.filter(event="collections.refresh.planned").count()
    assert portfolio.plan_refresh(floor.cast.entity, actor=floor.cast.system, at=AFTER, size=2) == 3
    ranges = [entry.facts for entry in Entry.objects.filter(event="collections.refresh.planned").order_by("pk")[before:]]
    assert [pk for facts in ranges for pk in portfolio.touched(floor.cast.entity.pk, first=facts["first"], last=facts["last"])] == ids


def test_the_database_refuses_a_second_open_case(floor: Floor) -> None:
    case = floor.case()
    with pytest.raises(IntegrityError, match="case_one_open_per_customer"), transaction.atomic():
        cases.opened(case.customer, debts.overdue([case.customer_id])[case.customer_id], on=LATE).save()


def test_entries_carry_no_personal_value(floor: Floor) -> None:
    case = floor.case()
    person = case.customer
    for facts in Entry.objects.filter(event__startswith="collections.").values_list("facts", flat=True):
        assert not {person.name, person.mobile, person.id_number} & set(map(str, facts.values()))
