# ruff: noqa: S608  the statements are put together from this file and Django alone
"""The facts reports are counted from: one statement per report, a row per loan and figure it belongs to.

A figure is a count and a sum of these rows; the list behind it is the loans of the same rows. So the two cannot differ.

Each statement yields (loan_id, kind, row, col, upto, amount, more): `kind` says what is counted, `row` and `col` where it stands; it counts
in the columns from `col` to `upto`. `amount` and `more` in CNY. No loan occurs twice in a kind, row and column.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, F, Func, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import TruncDate

from credit.models import Loan

ALWAYS = 999  # a column beyond every month: what happened stays so
SETTLED, WRITTEN_OFF, NOT_ON_FILE = 90, 91, 92  # where a loan stands that has no row at the month's end
NEW = "new"
NAMED = re.compile(r"%\((\w+)\)s")
BAND = 50  # points of score in one band
MONTHS_SHOWN = 12
BY_AMOUNT = ("vintage", "segments", "fpd", "payoff")

ROWS_BY = {
    "month": "to_char(seen.starts_on, 'YYYY-MM')",
    "product": "seen.product",
    "channel": "seen.channel",
    "grade": "seen.grade",
    "economics": "seen.product || '|' || seen.channel || '|' || to_char(seen.starts_on, 'YYYY-MM')",
    "segment": f"""seen.channel || '|' || coalesce((seen.score / {BAND} * {BAND})::text, '') || '|'
        || coalesce(seen.strategy || ' v' || seen.version, '')""",
}  # fmt: skip
SEEN = ("pk", "principal", "starts_on", "matures_on", "status", "settled_on", "channel", "product__code", "grade")
DECIDED = (
    "application__decision__score",
    "application__decision__strategy_version__strategy__code",
    "application__decision__strategy_version__number",
)
NAMES = "id, principal, starts_on, matures_on, status, settled_on, channel, product, grade"


def age(at: str, since: str = "seen.starts_on") -> str:
    """Return SQL for the months on book at a day: 0 in the month the money went out."""
    return f"((extract(year FROM {at}) - extract(year FROM {since})) * 12 + extract(month FROM {at}) - extract(month FROM {since}))::int"


FIRST_END = "(date_trunc('month', seen.starts_on) + interval '1 month - 1 day')::date"
# Lost for good by the day observed. What was reversed by then was not.
WRITTEN = """
lost AS (
    SELECT gone.loan_id, gone.value_on,
        (SELECT coalesce(sum(p.amount), 0) FROM credit_posting AS p JOIN credit_transaction AS t ON t.id = p.transaction_id
         WHERE t.loan_id = gone.loan_id AND p.account = 'loss' AND t.value_on <= %(observed)s) AS amount
    FROM credit_transaction AS gone
    WHERE gone.kind = 'write_off' AND gone.value_on <= %(observed)s AND NOT EXISTS (
        SELECT FROM credit_transaction AS back WHERE back.reverses_id = gone.id AND back.value_on <= %(observed)s)
)"""
# A curve is drawn of loans that were looked at from their first month-end on: of those that joined the book later, the ones that went
# bad or away before are not known.
WATCHED = f"""
watched AS MATERIALIZED (
    SELECT seen.*, {FIRST_END} AS first_end,
        EXISTS (SELECT FROM credit_loansnapshot AS s WHERE s.month = {FIRST_END} AND s.loan_id = seen.id)
            OR seen.settled_on <= {FIRST_END} AS from_first
    FROM seen WHERE {FIRST_END} <= %(observed)s AND seen.status <> 'cancelled'
)"""
VINTAGE = f"""
{WRITTEN}, {WATCHED}, hit AS (
    SELECT seen.id AS loan_id, s.months_on_book::int AS col, s.months_on_book::int AS upto, s.principal_outstanding AS amount
    FROM watched AS seen JOIN credit_loansnapshot AS s ON s.loan_id = seen.id
    WHERE seen.from_first AND s.month BETWEEN seen.first_end AND %(observed)s AND s.dpd > %(view)s
    UNION ALL
    SELECT seen.id, {age("lost.value_on")}, {ALWAYS}, lost.amount
    FROM watched AS seen JOIN lost ON lost.loan_id = seen.id WHERE seen.from_first
), counted AS (
    SELECT loan_id, col, upto, amount FROM hit WHERE NOT %(ever)s
    UNION ALL
    (SELECT DISTINCT ON (loan_id) loan_id, col, {ALWAYS}, amount FROM hit WHERE %(ever)s ORDER BY loan_id, col)
), facts AS (
    SELECT seen.id AS loan_id, CASE WHEN from_first THEN 'lent' ELSE 'joined' END AS kind, {{row}} AS row, 0 AS col,
        {age("%(observed)s::date")} AS upto, seen.principal AS amount, 0.00 AS more
    FROM watched AS seen
    UNION ALL
    SELECT seen.id, 'bad', {{row}}, counted.col, least(counted.upto, {age("%(observed)s::date")}), counted.amount, 0.00
    FROM watched AS seen JOIN counted ON counted.loan_id = seen.id
)"""
MOVED = f"""
facts AS (
    SELECT seen.id AS loan_id, 'moved' AS kind, was.{{place}}::text AS row,
        coalesce(now.{{place}}, CASE seen.status WHEN 'written_off' THEN {WRITTEN_OFF} WHEN 'open' THEN {NOT_ON_FILE} ELSE {SETTLED} END)
            ::int AS col,
        coalesce(now.{{place}}, CASE seen.status WHEN 'written_off' THEN {WRITTEN_OFF} WHEN 'open' THEN {NOT_ON_FILE} ELSE {SETTLED} END)
            ::int AS upto,
        was.principal_outstanding AS amount, 0.00 AS more
    FROM seen JOIN credit_loansnapshot AS was ON was.loan_id = seen.id AND was.month = %(before)s
        LEFT JOIN credit_loansnapshot AS now ON now.loan_id = seen.id AND now.month = %(observed)s
    UNION ALL
    SELECT seen.id, '{NEW}', '{NEW}', now.{{place}}, now.{{place}}, now.principal_outstanding, 0.00
    FROM seen JOIN credit_loansnapshot AS now ON now.loan_id = seen.id AND now.month = %(observed)s
    WHERE NOT EXISTS (SELECT FROM credit_loansnapshot AS was WHERE was.loan_id = seen.id AND was.month = %(before)s)
    UNION ALL
    SELECT seen.id, 'now', '', now.{{place}}, now.{{place}}, now.principal_outstanding, 0.00
    FROM seen JOIN credit_loansnapshot AS now ON now.loan_id = seen.id AND now.month = %(observed)s
)"""
FPD = """
facts AS (
    SELECT seen.id AS loan_id, said.kind || span.days AS kind, {row} AS row, 0 AS col, 0 AS upto, seen.principal AS amount, 0.00 AS more
    FROM seen JOIN credit_installment AS first ON first.loan_id = seen.id AND first.seq = 1
        CROSS JOIN (VALUES (7), (30)) AS span(days)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN first.due_on + span.days <= %(observed)s THEN 'due' ELSE 'wait' END
            UNION ALL
            SELECT 'bad' WHERE first.due_on + span.days <= %(observed)s
                AND (first.paid_on IS NULL OR first.paid_on >= first.due_on + span.days)
        ) AS said(kind)
    WHERE seen.starts_on <= %(observed)s AND seen.status <> 'cancelled'
)"""
AGEING = """
facts AS (
    SELECT seen.id AS loan_id, 'at' AS kind, {row} AS row, s.bucket::int AS col, s.bucket::int AS upto, s.principal_outstanding AS amount,
        s.overdue AS more
    FROM seen JOIN credit_loansnapshot AS s ON s.loan_id = seen.id AND s.month = %(observed)s
)"""
QUALITY = """
facts AS (
    SELECT seen.id AS loan_id, 'class' AS kind, to_char(s.month, 'YYYY-MM') AS row, s.risk_class::int AS col, s.risk_class::int AS upto,
        s.principal_outstanding AS amount, s.ecl AS more
    FROM seen JOIN credit_loansnapshot AS s ON s.loan_id = seen.id AND s.month = ANY(%(months)s)
)"""
PAYOFF = f"""
facts AS (
    SELECT seen.id AS loan_id, 'lent' AS kind, {{row}} AS row, 0 AS col, {age("%(observed)s::date")} AS upto, seen.principal AS amount,
        0.00 AS more
    FROM seen WHERE {FIRST_END} <= %(observed)s AND seen.status <> 'cancelled'
    UNION ALL
    SELECT seen.id, 'early', {{row}}, {age("seen.settled_on")}, {age("%(observed)s::date")}, seen.principal, 0.00
    FROM seen WHERE {FIRST_END} <= %(observed)s AND seen.status = 'settled' AND seen.settled_on <= %(observed)s
        AND seen.settled_on < seen.matures_on
)"""
# Interest that a restructuring made principal was not received; a fee that goes to somebody else is no income.
ECONOMICS = f"""
{WRITTEN}, moved AS (
    SELECT t.loan_id, CASE WHEN p.account IN ('fee', 'penalty') THEN 'fees' ELSE p.account END AS kind, -sum(
        p.amount - CASE WHEN p.account = 'fee' AND i.fee_passed > 0 THEN round(p.amount * i.fee_passed / (i.fee - i.fee_waived), 2) ELSE 0 END
    ) AS amount
    FROM credit_posting AS p JOIN credit_transaction AS t ON t.id = p.transaction_id LEFT JOIN credit_installment AS i ON i.id = p.installment_id
    WHERE p.account IN ('interest', 'fee', 'penalty', 'recovery') AND t.kind <> 'restructure' AND t.value_on <= %(observed)s
    GROUP BY 1, 2 HAVING sum(p.amount) <> 0
), facts AS (
    SELECT seen.id AS loan_id, 'lent' AS kind, {{row}} AS row, 0 AS col, 0 AS upto, seen.principal AS amount, 0.00 AS more
    FROM seen WHERE seen.starts_on <= %(observed)s AND seen.status <> 'cancelled'
    UNION ALL
    SELECT seen.id, moved.kind, {{row}}, 0, 0, moved.amount, 0.00
    FROM seen JOIN moved ON moved.loan_id = seen.id WHERE seen.starts_on <= %(observed)s AND seen.status <> 'cancelled'
    UNION ALL
    SELECT seen.id, 'loss', {{row}}, 0, 0, lost.amount, 0.00 FROM seen JOIN lost ON lost.loan_id = seen.id AND seen.status <> 'cancelled'
    UNION ALL
    SELECT seen.id, 'expected', {{row}}, 0, 0, s.ecl, 0.00
    FROM seen JOIN credit_loansnapshot AS s ON s.loan_id = seen.id AND s.month = %(observed)s AND seen.status <> 'cancelled'
    UNION ALL
    SELECT seen.id, 'balance', {{row}}, 0, 0, s.balance, 0.00
    FROM seen JOIN (SELECT loan_id, sum(principal_outstanding) AS balance FROM credit_loansnapshot WHERE month <= %(observed)s GROUP BY 1)
        AS s ON s.loan_id = seen.id AND seen.status <> 'cancelled'
)"""
STATEMENTS = {
    "vintage": VINTAGE, "segments": VINTAGE, "roll": MOVED.replace("{place}", "bucket"), "classes": MOVED.replace("{place}", "risk_class"),
    "fpd": FPD, "ageing": AGEING, "quality": QUALITY, "payoff": PAYOFF, "economics": ECONOMICS,
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What facts are asked for: which report, on which day, seen how. Empty `product` and `channel` narrow nothing."""

    report: str
    observed: date
    by: str = "month"
    view: int = 30
    ever: bool = False
    product: str = ""
    channel: str = ""

    @property
    def values(self) -> dict[str, Any]:
        months = month_ends(self.observed, MONTHS_SHOWN)
        return {"observed": self.observed, "before": months[-2], "months": months, "view": self.view, "ever": self.ever}


def month_ends(until: date, count: int) -> list[date]:
    """Return the last `count` month-ends up to `until`, the earliest first; `until` itself where it is none."""
    found = [until]
    while len(found) < count:
        found.append(found[-1].replace(day=1) - timedelta(days=1))
    return found[::-1]


def seen(asked: Asked, loans: QuerySet[Loan]) -> tuple[str, dict[str, Any]]:
    """Return the statement of the loans that are counted, of those in `loans`, with its values by name.

    :raises EmptyResultSet: if there can be none
    """
    # The limit of a revolving line is no amount that was lent: what is counted by the amount lent is told of loans with a schedule.
    loans = loans.filter(revolving=False) if asked.report in BY_AMOUNT else loans
    rows: Any = loans.order_by().annotate(settled_on=TruncDate("settled_at"))
    if asked.product:
        rows = rows.filter(product__code=asked.product)
    if asked.channel:
        rows = rows.filter(channel=asked.channel)
    names, columns = NAMES, list(SEEN)
    if asked.by == "segment":
        names, columns = f"{NAMES}, score, strategy, version", [*SEEN, *DECIDED]
    sql, values = rows.values_list(*columns).query.sql_with_params()
    named = {f"seen{place}": value for place, value in enumerate(values)}
    return f"seen ({names}) AS ({sql % tuple(f'%({name})s' for name in named)})", named


def statement(asked: Asked, loans: QuerySet[Loan], ending: str) -> tuple[str, dict[str, Any]]:
    """Return the report's statement, closed by `ending`, and its values."""
    first, named = seen(asked, loans)
    rest = STATEMENTS[asked.report].replace("{row}", ROWS_BY[asked.by])
    return f"WITH {first}, {rest} {ending}", named | asked.values


@dataclass(frozen=True, slots=True)
class Sum:
    """How many loans, and what their amounts add up to."""

    loans: int = 0
    amount: Decimal = Decimal("0.00")
    more: Decimal = Decimal("0.00")

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.loans + other.loans, self.amount + other.amount, self.more + other.more)


class Figures:
    """The facts of a report, counted."""

    def __init__(self, found: list[tuple[str, str, int, int, int, Decimal, Decimal]]) -> None:
        self.found = found
        self.parts: dict[tuple[str, str], list[tuple[int, int, Sum]]] = {}
        for kind, row, col, upto, loans, amount, more in found:
            self.parts.setdefault((kind, row), []).append((col, upto, Sum(loans, amount, more)))

    def rows(self, *kinds: str) -> list[str]:
        return sorted({row for kind, row in self.parts if kind in kinds})

    def at(self, kind: str, row: str | None = None, low: int = 0, high: int | None = None) -> Sum:
        """Return the figure of a cell: one column or a span of them; of all rows where none is named."""
        high = low if high is None else high
        wanted = [(kind, row)] if row is not None else [key for key in self.parts if key[0] == kind]
        found = Sum()
        for key in wanted:
            for col, upto, part in self.parts.get(key, ()):
                if col <= high and upto >= low:
                    found += part
        return found

    def reach(self, kind: str, row: str) -> int:
        """Return the last column of a row in which anything of the kind counts, -1 for none."""
        return max((upto for _col, upto, _part in self.parts.get((kind, row), ())), default=-1)


def count(asked: Asked, loans: QuerySet[Loan]) -> Figures:
    """Return the figures of a report over `loans`; one query."""
    ending = "SELECT kind, row, col, upto, count(*), sum(amount), sum(more) FROM facts GROUP BY 1, 2, 3, 4"
    try:
        sql, values = statement(asked, loans, ending)
    except EmptyResultSet:
        return Figures([])
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return Figures(cursor.fetchall())


def behind(asked: Asked, loans: QuerySet[Loan], kind: str, row: str | None, low: int, high: int) -> Any:
    """Return the condition that a loan is one of those a figure is counted from: the rows of the same statement.

    The ids are gathered once, whatever the planner believes of the tables: as a plain subquery it may run them through for every loan.

    :raises EmptyResultSet: if there can be none
    """
    ending = "SELECT loan_id FROM facts WHERE kind = %(kind)s AND col <= %(high)s AND upto >= %(low)s AND (%(every)s OR row = %(row)s)"
    sql, values = statement(asked, loans, ending)
    values |= {"kind": kind, "low": low, "high": high, "every": row is None, "row": row or ""}
    places: list[Any] = []

    def place(match: re.Match[str]) -> str:
        places.append(values[match[1]])
        return "%s"

    ids = RawSQL(NAMED.sub(place, sql), places)  # noqa: S611  from this file and Django alone
    return Func(F("pk"), ids, arg_joiner=" = ANY(ARRAY", template="%(expressions)s)", output_field=BooleanField())


LOOSE = """
WITH RECURSIVE months AS (
    (SELECT month FROM credit_loansnapshot ORDER BY month DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT s.month FROM credit_loansnapshot AS s WHERE s.month < months.month ORDER BY s.month DESC LIMIT 1)
    FROM months WHERE months.month IS NOT NULL
)
SELECT month FROM months WHERE month IS NOT NULL LIMIT 60
"""


def months_on_file() -> list[date]:
    """Return the month-ends of which there are snapshots, the last first; the key's order gives them without reading every row."""
    with connection.cursor() as cursor:
        cursor.execute(LOOSE)
        return [month for (month,) in cursor.fetchall()]
