"""What became of applications: risk's models and backtests learn here who paid. Point in time: nothing after the day asked for is read.

A loan's days past due are read from two places, of which the larger holds. Its instalments say when each was paid, to the day; but a new
schedule replaces them. The month-ends keep what the close of day found then, whatever was rescheduled since.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django.db import connection
from django.utils import timezone

from credit import report_facts
from credit.models import Application
from risk.outcome_source import FinalWord, Outcome, Status, final_source, outcome_source

# `until_on` is where looking ends: at the day asked for, at the horizon, or where the loan ended.
SQL = """
WITH seen AS (
    SELECT a.public_id, l.id AS loan_id, l.starts_on, l.principal, horizon.ends_on,
        CASE WHEN l.status <> 'open' AND (l.settled_at AT TIME ZONE e.zone)::date <= %(as_of)s THEN l.status ELSE 'open' END AS status,
        least(%(as_of)s::date, horizon.ends_on,
            CASE WHEN l.status <> 'open' THEN (l.settled_at AT TIME ZONE e.zone)::date END) AS until_on
    FROM credit_application AS a
    JOIN credit_loan AS l ON l.application_id = a.id
    JOIN governance_legalentity AS e ON e.id = l.legal_entity_id
    CROSS JOIN LATERAL (SELECT (l.starts_on + make_interval(months => %(months)s))::date AS ends_on) AS horizon
    WHERE a.public_id = ANY(%(ids)s) AND l.starts_on <= %(as_of)s
)
SELECT seen.public_id, seen.status, seen.starts_on, seen.principal, seen.ends_on <= %(as_of)s,
    extract(year FROM span.lived) * 12 + extract(month FROM span.lived),
    greatest(coalesce(due.worst, 0), coalesce(ended.worst, 0)),
    least(due.bad_on, ended.bad_on, gone.bad_on), coalesce(lost.amount, 0.00)
FROM seen
CROSS JOIN LATERAL (SELECT age(least(%(as_of)s::date, seen.ends_on), seen.starts_on) AS lived) AS span
LEFT JOIN LATERAL (
    SELECT max(late.days) AS worst, min(i.due_on + %(bad)s) FILTER (WHERE late.days >= %(bad)s) AS bad_on
    FROM credit_installment AS i CROSS JOIN LATERAL (SELECT least(i.paid_on, seen.until_on) - i.due_on AS days) AS late
    WHERE i.loan_id = seen.loan_id AND i.due_on < seen.until_on
) AS due ON true
LEFT JOIN LATERAL (
    SELECT max(s.dpd) AS worst, min(s.month - (s.dpd - %(bad)s)) FILTER (WHERE s.dpd >= %(bad)s) AS bad_on
    FROM credit_loansnapshot AS s
    WHERE s.loan_id = seen.loan_id AND s.month = ANY(%(ends)s) AND s.month BETWEEN seen.starts_on AND seen.until_on
) AS ended ON true
LEFT JOIN LATERAL (
    SELECT min(t.value_on) AS bad_on FROM credit_transaction AS t
    WHERE t.loan_id = seen.loan_id AND t.kind IN ('charge_off', 'write_off') AND t.value_on <= seen.until_on AND NOT EXISTS (
        SELECT FROM credit_transaction AS back WHERE back.reverses_id = t.id AND back.value_on <= %(as_of)s)
) AS gone ON true
LEFT JOIN LATERAL (
    SELECT sum(p.amount) AS amount FROM credit_posting AS p JOIN credit_transaction AS t ON t.id = p.transaction_id
    WHERE gone.bad_on IS NOT NULL AND t.loan_id = seen.loan_id AND p.account IN ('loss', 'recovery')
        AND t.value_on <= least(%(as_of)s::date, seen.ends_on)
) AS lost ON true
"""
NEITHER = ("cancelled", "sold")


def of_applications(ids: Sequence[str], *, as_of: date, horizon_months: int, bad_dpd: int) -> Mapping[str, Outcome]:
    """Return what became of applications, by public id; of those no money went out for by `as_of`, nothing. Two queries."""
    # The key of snapshots begins with the month: named, the month-ends are found by it.
    values: dict[str, Any] = {
        "ids": list(ids),
        "as_of": as_of,
        "months": horizon_months,
        "bad": bad_dpd,
        "ends": report_facts.months_on_file(),
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL, values)
        return {row[0]: _outcome(*row[1:]) for row in cursor.fetchall()}


def _outcome(
    status: str, began_on: date, lent: Any, matured: bool, months: Any, worst: int, bad_on: date | None, lost: Any,
) -> Outcome:  # fmt: skip
    told = "bad" if bad_on else "indeterminate" if status in NEITHER else "good" if matured else "immature"
    return Outcome(
        status=cast("Status", told), months=int(months), worst_dpd=int(worst), began_on=began_on, bad_on=bad_on, matured=matured, lent=lent,
        lost=lost,
    )  # fmt: skip


def decided(ids: Sequence[str], *, as_of: date) -> Mapping[str, FinalWord]:
    """Return what was decided about applications by the end of a day, and by whom; one query."""
    ended = timezone.make_aware(datetime.combine(as_of + timedelta(days=1), time()))
    rows = Application.objects.filter(public_id__in=ids, decided_at__lt=ended).values_list(
        "public_id", "approved_amount", "status", "decided_by", "decided_at"
    )
    return {
        public_id: FinalWord(approved=amount is not None, by=by, at=at)
        for public_id, amount, status, by, at in rows
        if at is not None and (amount is not None or status == Application.Status.DECLINED)
    }


outcome_source("credit.application", of_applications)
final_source("credit.application", decided)
