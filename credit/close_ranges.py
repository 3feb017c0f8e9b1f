"""Closing days for a range of loans inside the caller's transaction: missed days in order, a loan that refuses is set aside.

Whoever writes to a loan that is behind closes its days first, by `bring_up`.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Min
from django.utils.translation import gettext_lazy as _

from credit import close_rules, close_steps, late_closes, line_statements, ranges
from credit.daily import Rules
from credit.delinquency import Range
from credit.lateness import bucket_event
from credit.line_statements import NotMade
from credit.models import CloseRun, CreditLine, Loan, ParkedLoan
from crm.lib.errors import DomainError
from crm.lib.scrub import cause
from governance import users
from governance.models import LegalEntity
from ledger import log

ERROR_KEPT = 500
REFUSES = (DataError, IntegrityError, NotMade)  # what sets one loan aside
DAY = timedelta(days=1)


class LoanBehind(DomainError):
    """The loan's missed days cannot be closed, so nothing may be written to it."""

    code = "loan_behind"


@dataclass(slots=True)
class Count:
    """What closing a range did."""

    loans: int = 0
    moved: int = 0
    parked: int = 0

    def add(self, other: "Count") -> None:
        self.loans += other.loans
        self.moved += other.moved
        self.parked += other.parked


class Known:
    """What days closed one after the other go by, read once for all days between two changes of it, and whether there are lines among the loans."""

    def __init__(self, entity_id: int, first: int, last: int, since: date, until: date) -> None:
        self.entity_id = entity_id
        self.lines = CreditLine.objects.filter(loan_id__gte=first, loan_id__lte=last).exists()
        missed = since < until
        self.changes = sorted(close_rules.begins(since, until) | ranges.begins(entity_id, since, until)) if missed else []
        self.held: dict[int, tuple[Rules, dict[int, tuple[Range, ...]]]] = {}

    def on(self, day: date) -> tuple[Rules, dict[int, tuple[Range, ...]]]:
        """Return the numbers and the ranges of days late that hold on a day.

        :raises NoRule: if one of them does not hold
        """
        span = bisect_right(self.changes, day)
        if span not in self.held:
            self.held[span] = close_rules.holding(day), ranges.holding(self.entity_id, day)
        return self.held[span]


def close(entity_id: int, first: int, last: int, *, until: date, at: datetime, told_at: datetime) -> Count:
    """Close every day up to `until` for the loans of a range, in order; who was set aside before is tried by themselves.

    :param told_at: the moment the ledger's entries carry
    """
    waiting = list(
        ParkedLoan.objects.filter(loan_id__gte=first, loan_id__lte=last, loan__legal_entity=entity_id, cleared_at=None).order_by("loan_id")
    )
    done = Count()
    oldest = _open(entity_id, first, last, until).aggregate(day=Min("closed_on"))["day"]
    day = until if oldest is None else oldest + DAY
    known = Known(entity_id, first, last, day, until)
    while day <= until:
        found = _day(known, first, last, day, at=at, told_at=told_at)
        done.add(found if day == until else Count(0, found.moved, found.parked))
        day += DAY
    for parked in waiting:
        done.add(_again(entity_id, parked, until=until, at=at, told_at=told_at))
    return done


def _again(entity_id: int, parked: ParkedLoan, *, until: date, at: datetime, told_at: datetime) -> Count:
    """Try a loan that was set aside once more."""
    done = Count()
    try:
        with transaction.atomic():
            known = Known(entity_id, parked.loan_id, parked.loan_id, date.min, until)
            for day in _missed(parked.loan_id, until):
                found = rows(known, parked.loan_id, parked.loan_id, day, told_at=told_at, parked_too=True)
                done.add(found if day == until else Count(0, found.moved))
            ParkedLoan.objects.filter(pk=parked.pk, cleared_at=None).update(cleared_at=at)
    except REFUSES:
        return Count(parked=1)  # the first cause stays until it is cured
    return done


def retry(parked: ParkedLoan, *, at: datetime) -> bool:
    """Close the days a loan that was set aside has missed, once its cause is cured; return whether it succeeded."""
    entity = parked.loan.legal_entity
    with transaction.atomic():
        before = late_closes.mark(parked.loan_id)
        _again(entity.pk, parked, until=entity.business_date - DAY, at=at, told_at=at)
        late_closes.post(entity, before, at=at, accrues=True)
    parked.refresh_from_db()
    return parked.cleared_at is not None


def bring_up(loan: Loan) -> bool:
    """Close the days that `loan`, which the caller has locked, has missed; return whether there were any.

    :raises LoanBehind: if they cannot be closed
    """
    entity = loan.legal_entity
    until = entity.business_date - DAY
    if loan.status != Loan.Status.OPEN or loan.closed_on >= until:
        return False
    try:
        with transaction.atomic():
            day, before = loan.closed_on + DAY, late_closes.mark(loan.pk)
            known = Known(entity.pk, loan.pk, loan.pk, day, until)
            while day <= until:
                rows(known, loan.pk, loan.pk, day, told_at=told_for(entity, day), parked_too=True)
                day += DAY
            ParkedLoan.objects.filter(loan=loan, cleared_at=None).update(cleared_at=told_for(entity, until))
            late_closes.post(entity, before, at=told_for(entity, until), accrues=False)
    except REFUSES:
        raise LoanBehind(
            _("%(loan)s was last closed on %(day)s and its days since cannot be closed. See the parked loans of the end of day.")
            % {"loan": loan, "day": loan.closed_on.isoformat()}
        ) from None
    loan.refresh_from_db(
        fields=[
            "dpd",
            "treatment_dpd",
            "bucket",
            "oldest_due_on",
            "risk_class",
            "stage",
            "cured_on",
            "ecl",
            "closed_on",
            "delinquency_range",
            "undrawn",
            "status",
            "settled_at",
            "version",
        ]
    )
    return True


def told_for(entity: LegalEntity, day: date) -> datetime:
    """Return the moment a day was closed: its run's, else the midnight that ended it."""
    began = CloseRun.objects.filter(legal_entity=entity, business_date=day).values_list("started_at", flat=True).first()
    return began or datetime.combine(day + DAY, time.min, tzinfo=ZoneInfo(entity.zone))


def _day(known: Known, first: int, last: int, day: date, *, at: datetime, told_at: datetime) -> Count:
    """Close one day of a range; where a row refuses, halve the range until it stands alone, set it aside and go on."""
    try:
        with transaction.atomic():
            return rows(known, first, last, day, told_at=told_at)
    except REFUSES as error:
        ids = list(_ids(known.entity_id, first, last, day))
        if len(ids) <= 1:
            return _park(ids, day, str(error), at=at)
    middle = ids[(len(ids) - 1) // 2]
    done = _day(known, first, middle, day, at=at, told_at=told_at)
    done.add(_day(known, middle + 1, last, day, at=at, told_at=told_at))
    return done


def rows(known: Known, first: int, last: int, day: date, *, told_at: datetime, parked_too: bool = False) -> Count:
    """Run the steps of a day for the loans whose last closed date is the day before, and tell what moved."""
    held, named = known.on(day)
    values = close_steps.parameters(held, named, day=day, entity=known.entity_id, first=first, last=last, parked_too=parked_too)
    with connection.cursor() as cursor:
        cursor.execute(close_steps.statement(month_end=close_steps.is_month_end(day)), values)
        loans, moved = cursor.fetchone()
    moved = json.loads(moved) if isinstance(moved, str) else moved
    moves: dict[str, list[log.Row]] = {}
    for pk, customer_id, was, bucket, dpd, was_class, risk_class, was_stage, stage in moved:
        facts: dict[str, Any] = {"was": was, "bucket": bucket, "dpd": dpd, "as_of": day}
        if was_class != risk_class:
            facts |= {"was_class": was_class, "risk_class": risk_class}
        if was_stage != stage:
            facts |= {"was_stage": was_stage, "stage": stage}
        event = bucket_event(was, bucket) if was != bucket else "credit.loan.reclassified"
        moves.setdefault(event, []).append(log.Row("credit.loan", pk, customer_id, facts))
    actor = users.system()
    for event, entries in sorted(moves.items()):
        log.record_many(event, entries, actor=actor, at=told_at)
    if known.lines:
        line_statements.make(known.entity_id, first, last, day, at=told_at)
    return Count(loans=loans, moved=sum(len(entries) for event, entries in moves.items() if event != "credit.loan.reclassified"))


def _park(ids: list[int], day: date, error: str, *, at: datetime) -> Count:
    """Set loans aside; the database's own words carry the row's values, so only the first line is kept."""
    for loan_id in ids:
        ParkedLoan.objects.get_or_create(
            loan_id=loan_id,
            cleared_at=None,
            defaults={"business_date": day, "error": cause(error, most=ERROR_KEPT), "parked_at": at},
        )
    return Count(parked=len(ids))


def _open(entity_id: int, first: int, last: int, until: date) -> Any:
    """Return the open loans of a range that `until` is not closed for, but for those set aside."""
    loans = Loan.objects.open().filter(legal_entity_id=entity_id, pk__range=(first, last), closed_on__lt=until)
    return loans.exclude(pk__in=ParkedLoan.objects.filter(loan_id__gte=first, loan_id__lte=last, cleared_at=None).values("loan_id"))


def _ids(entity_id: int, first: int, last: int, day: date) -> Iterator[int]:
    yield from _open(entity_id, first, last, day).filter(closed_on=day - DAY).order_by("pk").values_list("pk", flat=True)


def _missed(loan_id: int, until: date) -> Iterator[date]:
    """Yield the days an open loan has missed, oldest first."""
    loan = Loan.objects.only("closed_on", "status").get(pk=loan_id)
    day = loan.closed_on + DAY
    while loan.status == Loan.Status.OPEN and day <= until:
        yield day
        day += DAY
