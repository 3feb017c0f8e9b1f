"""The close of day: the published edges, twice is once, killed half-way is nothing, a bad row is parked."""

from datetime import date, timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from credit import close_ranges, close_rules, end_of_day
from credit.models import ClosePartition, CloseRun, DelinquencyRanges, Installment, Loan, LoanSnapshot, ParkedLoan, RangeMove
from governance.models import Rule
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db
FIRST_DUE = date(2026, 4, 2)
BUCKET_EVENTS = ("credit.loan.overdue", "credit.loan.bucket_moved", "credit.loan.cured")


def state():
    """Everything a close may change, as rows."""
    loans = Loan.objects.order_by("pk").values_list("pk", "status", "dpd", "bucket", "oldest_due_on", "closed_on")
    rows = Installment.objects.order_by("pk").values_list("pk", "status", "penalty", "penalty_paid", "penalty_base", "penalty_since")
    entries = (
        Entry.objects.filter(event__in=(*BUCKET_EVENTS, "credit.day.closed")).order_by("pk").values_list("event", "subject_id", "facts")
    )
    return list(loans), list(rows), list(entries)


def fresh(loan):
    return Loan.objects.get(pk=loan.pk)


def close_on(desk, day):
    """Let the books open on `day` and close it."""
    type(desk.cast.entity).objects.update(business_date=day)
    desk.cast.entity.refresh_from_db()
    return end_of_day.close(desk.cast.entity, day, at=NOON)


EDGES = [
    (0, 0, "M0", "0.00"), (3, 0, "M0", "0.00"), (4, 4, "M1", "2.45"), (30, 30, "M1", "18.40"), (31, 31, "M2", "19.02"),
    (60, 60, "M2", "36.81"), (61, 61, "M3", "37.42"), (90, 90, "M3", "55.21"), (91, 91, "M4", "55.82"), (120, 120, "M4", "73.61"),
    (121, 121, "M5", "74.23"), (151, 151, "M6", "92.63"), (180, 180, "M6", "110.42"), (181, 181, "M7+", "111.03"),
]  # fmt: skip


@pytest.mark.parametrize(("days", "dpd", "bucket", "penalty"), EDGES)
def test_days_bucket_and_penalty_by_date(desk, days, dpd, bucket, penalty):
    loan = desk.loan()
    close_on(desk, FIRST_DUE + timedelta(days=days))
    loan = fresh(loan)
    assert (loan.dpd, loan.bucket_label) == (dpd, bucket)
    assert loan.installments.get(seq=1).penalty == D(penalty)


def test_each_close_advances_the_date_and_says_what_moved(desk):
    loan = desk.loan()
    desk.close_to(FIRST_DUE + timedelta(days=31))
    assert desk.cast.entity.business_date == FIRST_DUE + timedelta(days=32)
    assert fresh(loan).closed_on == FIRST_DUE + timedelta(days=31)
    moves = [
        (entry.event, entry.facts["was"], entry.facts["bucket"], entry.facts["dpd"])
        for entry in Entry.objects.filter(event__in=BUCKET_EVENTS).order_by("pk")
    ]
    assert moves == [("credit.loan.overdue", 0, 1, 4), ("credit.loan.bucket_moved", 1, 2, 31)]
    assert Entry.objects.filter(event="credit.day.closed").count() == (FIRST_DUE - TODAY).days + 32


def test_twice_for_a_date_changes_nothing(desk):
    desk.loan()
    day = FIRST_DUE + timedelta(days=10)
    close_on(desk, day)
    before = state()
    assert end_of_day.close(desk.cast.entity, day, at=NOON + timedelta(hours=1)).business_date == day
    assert state() == before
    assert desk.cast.entity.business_date == day + timedelta(days=1)


def test_a_date_that_is_not_open_is_refused(desk):
    for day in (TODAY + timedelta(days=1), TODAY - timedelta(days=1)):
        with pytest.raises(end_of_day.OutOfOrder) as refusal:
            end_of_day.close(desk.cast.entity, day, at=NOON)
        assert refusal.value.status == 409
    assert not CloseRun.objects.exists()


def test_missed_days_come_to_the_same_as_one_by_one(desk):
    """A loan whose days stand open is closed day after day, in order, to what the others are."""
    loan, behind = desk.loan(), desk.loan()
    first = FIRST_DUE - timedelta(days=3)
    desk.close_to(first - timedelta(days=1))
    Loan.objects.filter(pk=behind.pk).update(status="settled", principal_outstanding=0, settled_at=NOON)  # out of the close's sight
    last = FIRST_DUE + timedelta(days=39)
    desk.close_to(last)
    Loan.objects.filter(pk=behind.pk).update(status="open", principal_outstanding=12_000, settled_at=None)
    assert fresh(behind).closed_on == first - timedelta(days=1)
    desk.close_to(last + timedelta(days=1))
    one, other = fresh(loan), fresh(behind)
    for name in ("dpd", "treatment_dpd", "bucket", "risk_class", "stage", "cured_on", "ecl", "closed_on", "oldest_due_on"):
        assert getattr(one, name) == getattr(other, name), name
    assert [(row.penalty, row.status) for row in loan.installments.order_by("seq")] == [
        (row.penalty, row.status) for row in behind.installments.order_by("seq")
    ]
    months = [list(LoanSnapshot.objects.filter(loan=each).order_by("month").values_list("month", "dpd", "ecl")) for each in (one, other)]
    assert months[0] == months[1] and len(months[0]) == 2
    moves = [
        list(Entry.objects.filter(event__in=BUCKET_EVENTS, subject_id=each.pk).order_by("pk").values_list("event", "facts", "at"))
        for each in (one, other)
    ]
    assert [row[:2] for row in moves[0]] == [row[:2] for row in moves[1]] and len(moves[0]) == 2


def test_missed_days_go_each_by_what_held_on_it(desk):
    """A number of a close and the names of days late change among the days that stand open."""
    loan, changed = desk.loan(), FIRST_DUE + timedelta(days=10)
    old = Rule.objects.get(code=close_rules.PD + "B")
    Rule.objects.filter(pk=old.pk).update(effective_to=changed)
    Rule.objects.create(
        code=old.code, value=["0.5000", "0.5000", "1.0000"], unit=old.unit, meaning_en="x", meaning_zh="x", verification=old.verification,
        effective_from=changed,
    )  # fmt: skip
    DelinquencyRanges.objects.create(
        legal_entity=desk.cast.entity, product_code=desk.product.code, effective_from=changed, ranges=[["EARLY", 1, None]],
        added_by=desk.cast.risk_manager, added_at=NOON,
    )  # fmt: skip
    told = {}
    for together in (False, True):
        with transaction.atomic():
            last = changed + timedelta(days=1)
            close_on(desk, last) if together else desk.close_to(last)
            moves = RangeMove.objects.filter(loan=loan).order_by("pk").values_list("business_date", "was", "now")
            told[together] = fresh(loan).ecl, list(moves)
            transaction.set_rollback(True)
        desk.cast.entity.refresh_from_db()
    assert told[True] == told[False]
    ecl, moves = told[True]
    assert moves[-1] == (changed, "M1", "EARLY")
    assert ecl == D("3958.50")  # 12,180.00 with the first interest, half of it lost to default, 65 % of that for good


def test_stopped_half_way_and_again_is_as_if_never_stopped(desk, monkeypatch):
    for _ in range(4):
        desk.loan()
    day = FIRST_DUE + timedelta(days=5)
    type(desk.cast.entity).objects.update(business_date=day)
    run = end_of_day.plan(desk.cast.entity, day, at=NOON, size=1)
    first, second, *_rest = end_of_day.pending(run)
    assert end_of_day.close_partition(first, at=NOON)
    done = close_ranges.rows

    def dies(*arguments, **options):
        done(*arguments, **options)
        raise RuntimeError("the worker died after its work and before its commit")

    monkeypatch.setattr(close_ranges, "rows", dies)
    with pytest.raises(RuntimeError):
        end_of_day.close_partition(second, at=NOON)
    assert ClosePartition.objects.get(pk=second).status == "pending"
    assert not end_of_day.finish(run, at=NOON)
    monkeypatch.setattr(close_ranges, "rows", done)
    end_of_day.close(desk.cast.entity, day, at=NOON)
    assert set(Loan.objects.values_list("dpd", "bucket", "closed_on")) == {(5, 1, day)}
    assert Entry.objects.filter(event="credit.loan.overdue").count() == 4
    assert Entry.objects.filter(event="credit.day.closed").count() == 1


def test_partitions_cover_every_open_loan_once(desk):
    for _ in range(5):
        desk.loan()
    Loan.objects.filter(pk=Loan.objects.first().pk).update(status="settled", principal_outstanding=0, settled_at=NOON)
    for size, parts in ((1, 4), (2, 2), (3, 2), (100, 1)):
        CloseRun.objects.all().delete()
        run = end_of_day.plan(desk.cast.entity, TODAY, at=NOON, size=size)
        ranges = list(run.partitions.order_by("first_id").values_list("first_id", "last_id"))
        assert len(ranges) == parts
        for pk in Loan.objects.open().values_list("pk", flat=True):
            assert sum(first <= pk <= last for first, last in ranges) == 1


def test_a_bad_row_is_parked_and_the_rest_goes_on(desk):
    good, bad, other = desk.loan(), desk.loan(), desk.loan()
    day = FIRST_DUE + timedelta(days=10)
    # Somebody's repair left more penalty paid than has grown: the close would break a CHECK.
    Installment.objects.filter(loan=bad, seq=1).update(penalty=D("99.00"), penalty_paid=D("99.00"))
    run = close_on(desk, day)
    assert {fresh(loan).dpd for loan in (good, other)} == {10}
    refuses = FIRST_DUE + timedelta(days=4)  # the first day beyond its grace
    assert (fresh(bad).dpd, fresh(bad).closed_on) == (0, refuses - timedelta(days=1))
    parked = ParkedLoan.objects.get()
    assert (parked.loan, parked.business_date) == (bad, refuses)
    assert "installment_paid_within_due" in parked.error
    assert (run.status, run.partitions.get().parked, run.partitions.get().loans) == ("done", 1, 2)
    Installment.objects.filter(loan=bad, seq=1).update(penalty=D("0.00"), penalty_paid=D("0.00"))
    assert end_of_day.retry(parked, at=NOON)
    assert (fresh(bad).dpd, ParkedLoan.objects.filter(cleared_at__isnull=True).count()) == (10, 0)


def test_a_parked_loan_is_tried_again_by_the_next_close(desk):
    bad = desk.loan()
    Installment.objects.filter(loan=bad, seq=1).update(penalty=D("99.00"), penalty_paid=D("99.00"))
    day = FIRST_DUE + timedelta(days=10)
    close_on(desk, day)
    desk.close_to(day + timedelta(days=1))
    assert ParkedLoan.objects.get().business_date == FIRST_DUE + timedelta(days=4)
    Installment.objects.filter(loan=bad, seq=1).update(penalty=D("0.00"), penalty_paid=D("0.00"))
    desk.close_to(day + timedelta(days=2))
    assert fresh(bad).dpd == 12
    assert ParkedLoan.objects.get().cleared_at is not None


def test_a_settled_loan_and_another_lender_s_are_left_alone(desk):
    from governance.models import LegalEntity

    loan = desk.loan()
    other = LegalEntity.objects.create(code="OTHER", name_en="Other", name_zh="别家", business_date=FIRST_DUE + timedelta(days=9))
    end_of_day.close(other, other.business_date, at=NOON)
    assert fresh(loan).closed_on == TODAY - timedelta(days=1)


def test_the_command_closes_to_a_date_and_says_so(desk):
    desk.loan()
    out = StringIO()
    call_command("close_day", "--to", str(TODAY + timedelta(days=2)), "--entity", "TEST", "--inline", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"TEST {TODAY}: 1 loans, 0 changed bucket, 0 parked")
    out = StringIO()
    call_command("close_day", "--to", str(TODAY), "--entity", "TEST", "--inline", stdout=out)
    assert "closed already" in out.getvalue()


def test_the_close_keeps_the_heap_only_path(desk):
    """No index covers a column that changes each night: only in the night a loan falls behind are its index entries made anew."""
    changing = {"dpd", "bucket", "closed_on", "penalty"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename IN ('credit_loan', 'credit_installment')")
        for (definition,) in cursor.fetchall():
            assert not any(f" {name}" in definition or f"({name}" in definition for name in changing), definition

    def heap_only() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('credit_loan'::regclass)")
            return cursor.fetchone()[0]

    late, current = desk.loan(), desk.loan()
    desk.pay(current, current.installments.get(seq=1).owed, on=FIRST_DUE - timedelta(days=1))
    close_on(desk, FIRST_DUE + timedelta(days=10))
    assert (fresh(late).dpd, fresh(current).dpd) == (10, 0)
    before = heap_only()
    close_on(desk, FIRST_DUE + timedelta(days=11))
    assert (fresh(late).dpd, heap_only() - before) == (11, 2)
