# ruff: noqa: S608  the statement is put together from this file and Django alone
"""What the figures of collections are counted from: one statement, a row per case and figure it belongs to.

A figure is a count and a sum of these rows; the list behind it is the cases of the same rows. So the two cannot differ.

The statement yields (case_id, kind, row, n, amount): `kind` says what is counted (`KINDS`), `row` where it stands, `n` how often, `amount`
in CNY (points of 100 for a score). A period is whole calendar months, the running one up to the business date.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, F, Func, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from collection import cash, team
from collection.models import Case, Outcome

NAMED = re.compile(r"%\((\w+)\)s")
AGAIN = 90  # days after a cure in which a new case is a re-default
TOP_BUCKET = 7  # nothing rolls out of it
MONTH, COLLECTOR, BRANCH, BUCKET = "month", "collector", "branch", "bucket"
ROWS_BY = {
    MONTH: "to_char(told.day, 'YYYY-MM')",
    COLLECTOR: "coalesce(told.who::text, '')",
    BRANCH: "seen.branch_id::text",
    BUCKET: "coalesce(told.bucket, seen.opened_bucket)::text",
}
KINDS = (
    "cash", "early", "stood", "entered", "opened", "cured", "before", "rolled", "late", "back", "ripe", "again", "calls", "answered", "right",
    "reached", "promised", "judged", "kept", "cost", "touch", "complaint", "asked", "refused", "score",
)  # fmt: skip
SEEN = ("pk", "customer_id", "branch_id", "opened_on", "closed_on", "close_reason", "opened_amount", "opened_bucket")
MACHINE = ("sms", "email", "app", "ivr")  # steps that leave by themselves; of the others each contact is logged by who made it
UNANSWERED = (Outcome.NO_ANSWER, Outcome.BUSY)

# Whether a case was open at the end of a day.
STOOD_OPEN = "seen.opened_on <= {day} AND (seen.closed_on IS NULL OR seen.closed_on > {day})"
# A person or an agency that is told "later" is refused; a message that a machine asks for is put off, and leaves later by itself.
REFUSED = "v.verdict = 'block' OR (v.verdict = 'wait' AND v.actor_id IS NOT NULL)"
TOLD = f"""
months AS (SELECT * FROM unnest(%(befores)s::date[], %(firsts)s::date[], %(lasts)s::date[]) AS m (before, first, last)),
price AS (SELECT key AS act, value::numeric AS cost FROM jsonb_each_text(%(prices)s::jsonb)),
paid AS (
    SELECT seen.id, t.value_on, seen.who, CASE t.kind WHEN 'reversal' THEN -t.amount ELSE t.amount END AS amount,
        date_trunc('month', seen.opened_on) = date_trunc('month', t.value_on) AS fresh
    FROM seen JOIN collections_casedebt AS d ON d.case_id = seen.id
        JOIN credit_transaction AS t ON t.loan_id = d.loan_id AND {cash.came_sql("t")}
            AND t.value_on BETWEEN %(since)s AND %(until)s
            AND t.value_on BETWEEN seen.opened_on AND coalesce(seen.closed_on, t.value_on)
    WHERE seen.closed_on IS NULL OR seen.closed_on >= %(since)s
),
stood AS (
    SELECT seen.id, seen.who, m.first, m.last, s.loan_id, s.bucket::int AS bucket, s.overdue, s.principal_outstanding AS balance
    FROM seen JOIN collections_casedebt AS d ON d.case_id = seen.id JOIN months AS m ON {STOOD_OPEN.format(day="m.before")}
        JOIN credit_loansnapshot AS s ON s.month = m.before AND s.loan_id = d.loan_id AND s.bucket > 0
),
moved AS (
    SELECT stood.*, now.bucket > stood.bucket OR (now.bucket IS NULL AND l.status = 'written_off') AS is_worse,
        coalesce(now.bucket = 0, l.status = 'settled') AND NOT EXISTS (
            SELECT FROM credit_transaction AS r WHERE r.loan_id = l.id AND r.kind = 'restructure' AND r.value_on BETWEEN stood.first AND stood.last
        ) AS is_back
    FROM stood JOIN credit_loan AS l ON l.id = stood.loan_id
        LEFT JOIN credit_loansnapshot AS now ON now.month = stood.last AND now.loan_id = stood.loan_id
    WHERE EXISTS (SELECT FROM credit_loansnapshot AS s WHERE s.month = stood.last)
),
spoken AS (
    SELECT seen.id, k.channel, k.outcome, k.actor_id, (k.at AT TIME ZONE %(zone)s)::date AS day
    FROM seen JOIN collections_contact AS k ON k.case_id = seen.id
    WHERE k.at >= (%(since)s::date)::timestamp AT TIME ZONE %(zone)s AND k.at < (%(until)s::date + 1)::timestamp AT TIME ZONE %(zone)s
),
sent AS (
    SELECT seen.id, s.action, (s.taken_at AT TIME ZONE %(zone)s)::date AS day
    FROM seen JOIN collections_treatmententry AS e ON e.case_id = seen.id JOIN collections_treatmentstep AS s ON s.entry_id = e.id
    WHERE s.status = 'sent' AND s.action = ANY(%(machine)s)
        AND s.taken_at >= (%(since)s::date)::timestamp AT TIME ZONE %(zone)s AND s.taken_at < (%(until)s::date + 1)::timestamp AT TIME ZONE %(zone)s
),
told (case_id, kind, day, who, bucket, n, amount) AS (
    SELECT id, 'cash', value_on, who, NULL::int, 1, amount FROM paid
    UNION ALL SELECT id, 'early', value_on, who, NULL, 1, amount FROM paid WHERE fresh
    UNION ALL SELECT id, 'stood', first, who, bucket, 1, overdue FROM stood
    UNION ALL SELECT id, unnest(CASE close_reason WHEN 'cured' THEN ARRAY['entered', 'opened', 'cured'] ELSE ARRAY['entered', 'opened'] END),
        opened_on, who, NULL, 1, opened_amount FROM seen WHERE opened_on BETWEEN %(since)s AND %(until)s
    UNION ALL SELECT id, 'before', first, who, bucket, 1, balance FROM moved WHERE bucket < {TOP_BUCKET}
    UNION ALL SELECT id, 'rolled', first, who, bucket, 1, balance FROM moved WHERE bucket < {TOP_BUCKET} AND is_worse
    UNION ALL SELECT id, 'late', first, who, bucket, 1, balance FROM moved
    UNION ALL SELECT id, 'back', first, who, bucket, 1, balance FROM moved WHERE is_back
    UNION ALL SELECT seen.id, unnest(CASE WHEN EXISTS (
            SELECT FROM collections_case AS c WHERE c.customer_id = seen.customer_id AND c.opened_on > seen.closed_on
                AND c.opened_on <= seen.closed_on + {AGAIN}
        ) THEN ARRAY['ripe', 'again'] ELSE ARRAY['ripe'] END), seen.closed_on, seen.who, NULL, 1, seen.opened_amount
        FROM seen WHERE seen.close_reason = 'cured' AND seen.closed_on BETWEEN %(since)s AND %(until)s AND seen.closed_on + {AGAIN} <= %(until)s
    UNION ALL SELECT id, 'calls', day, actor_id, NULL, 1, 0 FROM spoken WHERE channel = 'call'
    UNION ALL SELECT id, 'answered', day, actor_id, NULL, 1, 0 FROM spoken WHERE channel = 'call' AND outcome <> ALL(%(unanswered)s)
    UNION ALL SELECT id, 'right', day, actor_id, NULL, 1, 0 FROM spoken WHERE channel = 'call' AND outcome = ANY(%(right)s)
    UNION ALL SELECT id, 'reached', day, actor_id, NULL, 1, 0 FROM spoken WHERE outcome = ANY(%(right)s)
    UNION ALL SELECT id, 'promised', day, actor_id, NULL, 1, 0 FROM spoken WHERE outcome = 'promise'
    UNION ALL SELECT seen.id, unnest(CASE p.status WHEN 'kept' THEN ARRAY['judged', 'kept'] ELSE ARRAY['judged'] END), p.ended_on, p.taken_by_id,
        NULL, 1, p.amount FROM seen JOIN collections_promise AS p ON p.case_id = seen.id
        WHERE p.status IN ('kept', 'broken') AND p.ended_on BETWEEN %(since)s AND %(until)s
    UNION ALL SELECT id, 'cost', day, actor_id, NULL, 1, price.cost FROM spoken JOIN price ON price.act = spoken.channel
    UNION ALL SELECT id, 'cost', day, NULL::bigint, NULL, 1, price.cost FROM sent JOIN price ON price.act = sent.action
    UNION ALL SELECT seen.id, 'cost', f."on", seen.who, NULL, 1, f.fee FROM seen JOIN collections_placement AS p ON p.case_id = seen.id
        JOIN collections_placementfee AS f ON f.placement_id = p.id WHERE f."on" BETWEEN %(since)s AND %(until)s
    UNION ALL SELECT seen.id, 'cost', k."on", seen.who, NULL, 1, k.amount FROM seen JOIN collections_legalaction AS a ON a.case_id = seen.id
        JOIN collections_legalcost AS k ON k.action_id = a.id WHERE k."on" BETWEEN %(since)s AND %(until)s
    UNION ALL SELECT seen.id, 'score', (r.scored_at AT TIME ZONE %(zone)s)::date, k.actor_id, NULL, 1, r.score
        FROM seen JOIN collections_contact AS k ON k.case_id = seen.id JOIN collections_qualityreview AS r ON r.contact_id = k.id
        WHERE r.round = 1 AND r.score IS NOT NULL AND r.scored_at >= (%(since)s::date)::timestamp AT TIME ZONE %(zone)s
            AND r.scored_at < (%(until)s::date + 1)::timestamp AT TIME ZONE %(zone)s
    UNION ALL SELECT id, 'touch', day, actor_id, NULL, 1, 0 FROM spoken WHERE channel <> 'inbound'
    UNION ALL SELECT id, 'touch', day, NULL, NULL, 1, 0 FROM sent
    UNION ALL SELECT seen.id, 'complaint', c.opened_on, c.about_id, NULL, 1, 0 FROM seen JOIN collections_complaint AS c ON c.case_id = seen.id
        WHERE c.opened_on BETWEEN %(since)s AND %(until)s
    UNION ALL SELECT seen.id, unnest(CASE WHEN {REFUSED} THEN ARRAY['asked', 'refused'] ELSE ARRAY['asked'] END),
        (v.at AT TIME ZONE %(zone)s)::date, v.actor_id, NULL, 1, 0
        FROM seen JOIN customers_contactverdict AS v ON v.customer_id = seen.customer_id AND v.purpose = 'collection'
        WHERE v.at >= (%(since)s::date)::timestamp AT TIME ZONE %(zone)s AND v.at < (%(until)s::date + 1)::timestamp AT TIME ZONE %(zone)s
            AND (v.at AT TIME ZONE %(zone)s)::date BETWEEN seen.opened_on AND coalesce(seen.closed_on, %(until)s)
)"""


@dataclass(frozen=True)
class Asked:
    """What is asked for: from the first of a month to a business date, one row per `by`."""

    since: date
    until: date
    by: str = MONTH

    @property
    def values(self) -> dict[str, Any]:
        firsts = months(self.since, self.until)
        lasts = [(first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1) for first in firsts]
        return {
            "since": self.since, "until": self.until, "firsts": firsts, "lasts": lasts, "befores": [first - timedelta(days=1) for first in firsts],
            "zone": settings.TIME_ZONE, "right": [str(each) for each in team.SPOKEN_TO], "unanswered": [str(each) for each in UNANSWERED],
            "machine": list(MACHINE),
        }  # fmt: skip


def months(since: date, until: date) -> list[date]:
    """Return the first days of the months from `since` to `until`."""
    found = [since.replace(day=1)]
    while (following := (found[-1] + timedelta(days=32)).replace(day=1)) <= until:
        found.append(following)
    return found


def period(until: date, count: int) -> date:
    """Return the first day of the first of the last `count` months, the running one among them."""
    first = until.replace(day=1)
    for _month in range(count - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


@dataclass(frozen=True, slots=True)
class Sum:
    n: int = 0
    amount: Decimal = Decimal("0.00")

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.n + other.n, self.amount + other.amount)


class Counted:
    """The rows of the statement, summed by kind and row."""

    def __init__(self, found: list[tuple[str, str, int, Decimal]]) -> None:
        self.parts = {(kind, row): Sum(n, amount) for kind, row, n, amount in found}

    def rows(self, *kinds: str) -> list[str]:
        return sorted({row for kind, row in self.parts if not kinds or kind in kinds})

    def at(self, kinds: tuple[str, ...], row: str | None = None) -> Sum:
        """Return a figure of one row; of all of them where none is named."""
        found = Sum()
        for (kind, where), part in self.parts.items():
            if kind in kinds and row in (None, where):
                found += part
        return found


def statement(asked: Asked, cases: QuerySet[Case], prices: dict[str, Decimal], ending: str) -> tuple[str, dict[str, Any]]:
    rows = cases.order_by().annotate(who=Coalesce("assigned_to", "last_contact_by")).values_list(*SEEN, "who")
    sql, values = rows.query.sql_with_params()
    named: dict[str, Any] = {f"seen{place}": value for place, value in enumerate(values)}
    names = "id, customer_id, branch_id, opened_on, closed_on, close_reason, opened_amount, opened_bucket, who"
    first = f"seen ({names}) AS MATERIALIZED ({sql % tuple(f'%({name})s' for name in named)})"
    facts = f"facts AS (SELECT told.case_id, told.kind, {ROWS_BY[asked.by]} AS row, told.n, told.amount FROM told JOIN seen ON seen.id = told.case_id)"
    told = {act: str(cost) for act, cost in prices.items()}
    return f"WITH {first}, {TOLD}, {facts} {ending}", named | asked.values | {"prices": json.dumps(told)}


def count(asked: Asked, cases: QuerySet[Case], prices: dict[str, Decimal]) -> Counted:
    """Return the figures of a period over `cases`; one query."""
    try:
        sql, values = statement(asked, cases, prices, "SELECT kind, row, sum(n), sum(amount) FROM facts GROUP BY kind, row")
    except EmptyResultSet:
        return Counted([])
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return Counted(cursor.fetchall())


def behind(asked: Asked, cases: QuerySet[Case], prices: dict[str, Decimal], kinds: tuple[str, ...], row: str | None) -> Any:
    """Return the condition that a case is one of those a figure is counted from: the rows of the same statement.

    :raises EmptyResultSet: if there can be none
    """
    ending = "SELECT DISTINCT case_id FROM facts WHERE kind = ANY(%(kinds)s) AND (%(every)s OR row = %(row)s)"
    sql, values = statement(asked, cases, prices, ending)
    values |= {"kinds": list(kinds), "every": row is None, "row": row or ""}
    places: list[Any] = []

    def place(match: re.Match[str]) -> str:
        places.append(values[match[1]])
        return "%s"

    ids = RawSQL(NAMED.sub(place, sql), places)  # noqa: S611  from this file and Django alone
    return Func(F("pk"), ids, arg_joiner=" = ANY(ARRAY", template="%(expressions)s)", output_field=BooleanField())
