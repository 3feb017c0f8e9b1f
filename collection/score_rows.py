# ruff: noqa: S608  the statement is put together from this file and cash.py alone
"""Cases as they stood at moments of the past, and what came of each afterwards: what scores are learned from and orders are tried on.

What was owed at a moment is read from the instalments (due before it, not paid by then), so that nothing known later enters. An
instalment paid in part counts whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from collection import cash

ROLL_DAYS = 30
STOOD = f"""
WITH moments AS (SELECT as_of, (as_of AT TIME ZONE %(zone)s)::date AS day FROM unnest(%(moments)s::timestamptz[]) AS m (as_of)),
stood AS (
    SELECT m.as_of, m.day, c.id AS case_id, c.customer_id, c.closed_on, c.close_reason
    FROM moments AS m JOIN collections_case AS c ON c.legal_entity_id = %(entity)s AND c.opened_on < m.day
        AND (c.closed_on IS NULL OR c.closed_on >= m.day)
)
SELECT s.as_of, s.case_id, s.customer_id, o.overdue, o.balance, s.day - o.oldest,
    coalesce(s.close_reason = 'cured' AND s.closed_on < s.day + %(cure_days)s, false),
    EXISTS (SELECT FROM collections_contact AS k WHERE k.case_id = s.case_id AND k.channel <> 'inbound' AND k.at >= s.as_of
        AND k.at < s.as_of + make_interval(days => %(cure_days)s)),
    later.oldest IS NOT NULL AND least(7, (s.day + %(roll_days)s - later.oldest + 29) / 30) > least(7, (s.day - o.oldest + 29) / 30),
    coalesce((
        SELECT sum(CASE t.kind WHEN 'reversal' THEN -t.amount ELSE t.amount END) FROM credit_loan AS l JOIN credit_transaction AS t ON t.loan_id = l.id
        WHERE l.customer_id = s.customer_id AND {cash.came_sql("t")} AND t.value_on >= s.day AND t.value_on < s.day + %(cash_days)s
    ), 0)
FROM stood AS s
    CROSS JOIN LATERAL (
        SELECT sum(i.principal + i.interest + i.fee) FILTER (WHERE i.due_on < s.day) AS overdue, sum(i.principal) AS balance,
            min(i.due_on) FILTER (WHERE i.due_on < s.day) AS oldest
        FROM credit_loan AS l JOIN credit_installment AS i ON i.loan_id = l.id
        WHERE l.customer_id = s.customer_id AND l.starts_on < s.day AND (i.paid_on IS NULL OR i.paid_on >= s.day)
    ) AS o
    LEFT JOIN LATERAL (
        SELECT min(i.due_on) AS oldest FROM credit_loan AS l JOIN credit_installment AS i ON i.loan_id = l.id
        WHERE l.customer_id = s.customer_id AND i.due_on < s.day + %(roll_days)s AND (i.paid_on IS NULL OR i.paid_on >= s.day + %(roll_days)s)
    ) AS later ON true
WHERE o.oldest IS NOT NULL
ORDER BY s.as_of, s.case_id
"""


@dataclass(frozen=True, slots=True)
class Stood:
    """A case at a moment (`overdue`, `balance` in CNY), and what came of it: only to be learned from, never to be scored by."""

    as_of: datetime
    case_id: int
    customer_id: int
    overdue: Decimal
    balance: Decimal
    dpd: int
    cured: bool
    contacted: bool
    rolled: bool
    cash: Decimal

    @property
    def bucket(self) -> int:
        return min(7, (self.dpd + 29) // 30)

    @property
    def self_cured(self) -> bool | None:
        """Whether it was paid up without a collector's contact; None where there was one: then nobody knows."""
        return None if self.contacted else self.cured


def stood(entity: int, moments: Sequence[datetime], *, zone: str, cure_days: int, cash_days: int = ROLL_DAYS) -> list[Stood]:
    """Return the cases that were open at each moment, the start of a day, with what came of them; one statement.

    :param cure_days: within how many days a cure counts
    :param cash_days: for how many days money is counted
    """
    asked: dict[str, Any] = {
        "entity": entity, "moments": list(moments), "zone": zone, "cure_days": cure_days, "roll_days": ROLL_DAYS, "cash_days": cash_days,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(STOOD, asked)
        return [Stood(*row) for row in cursor.fetchall()]
