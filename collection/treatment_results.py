# ruff: noqa: S608  the statement is put together from this file and cash.py alone
"""What came of an experiment: per arm cash, cures, cost and complaints with their intervals. Read from cases, payments and steps.

An arm's unit is the case, counted once however many paths it was on. Shares have Wilson's interval; cash a case has the normal one of a
mean. Two arms differ when the interval of their difference leaves zero out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.timezone import localtime

from collection import cash
from collection import treatment_shape as shape
from collection.models import ARMS, TreatmentExperiment
from governance import rules
from risk import stability

Z = Decimal("1.959964")  # 95 %
COST = "collections.treatment.cost"
CENT, ZERO = Decimal("0.01"), Decimal(0)

# Cash is what came in on loans of the case's customer from the day the case entered its arm to the end of the experiment.
SUMS = f"""
WITH entered AS (
    SELECT e.case_id, min(e.arm) AS arm, min(e.began_at) AS since, (array_agg(e.entered_amount ORDER BY e.id))[1] AS amount
    FROM collections_treatmententry AS e WHERE e.experiment_id = %(experiment)s GROUP BY e.case_id
), cases AS (
    SELECT n.*, c.customer_id,
        (c.status = 'closed' AND c.close_reason IN ('cured', 'settled') AND c.closed_on <= %(until)s::date)::int AS cured
    FROM entered AS n JOIN collections_case AS c ON c.id = n.case_id
), paid AS (
    SELECT n.case_id, coalesce(sum(CASE WHEN r.kind = 'reversal' THEN -r.amount ELSE r.amount END), 0) AS cash
    FROM cases AS n JOIN credit_loan AS l ON l.customer_id = n.customer_id
    JOIN credit_transaction AS r ON r.loan_id = l.id AND {cash.came_sql("r")}
        AND r.value_on >= (n.since AT TIME ZONE %(zone)s)::date AND r.value_on <= %(until)s::date
    GROUP BY n.case_id
)
SELECT n.arm, count(*), sum(n.amount), sum(n.cured), coalesce(sum(p.cash), 0), coalesce(sum(p.cash * p.cash), 0)
FROM cases AS n LEFT JOIN paid AS p ON p.case_id = n.case_id GROUP BY n.arm
"""
# What machines do is counted by the steps, what people do by their contacts: whoever calls somebody of any arm, it costs that arm.
ACTS = """
WITH armed AS (
    SELECT case_id, min(arm) AS arm, min(began_at) AS since FROM collections_treatmententry WHERE experiment_id = %(experiment)s GROUP BY case_id
)
SELECT e.arm, s.action, count(*) FROM collections_treatmentstep AS s JOIN collections_treatmententry AS e ON e.id = s.entry_id
WHERE e.experiment_id = %(experiment)s AND s.status IN ('given', 'sent', 'done') AND s.action <> ALL(%(by_people)s) GROUP BY e.arm, s.action
UNION ALL
SELECT n.arm, k.channel, count(*) FROM collections_contact AS k JOIN armed AS n ON n.case_id = k.case_id AND k.at >= n.since AND k.at <= %(at)s
WHERE k.channel = ANY(%(by_people)s) GROUP BY n.arm, k.channel
"""
# One a case and day: a complaint on file, or told in a contact and filed by nobody.
COMPLAINTS = """
SELECT n.arm, count(DISTINCT (m.case_id, (m.at AT TIME ZONE %(zone)s)::date)) FROM (
    SELECT case_id, opened_at AS at FROM collections_complaint
    UNION ALL SELECT case_id, at FROM collections_contact WHERE outcome = 'complaint'
) AS m JOIN (
    SELECT case_id, min(arm) AS arm, min(began_at) AS since FROM collections_treatmententry WHERE experiment_id = %(experiment)s GROUP BY case_id
) AS n ON n.case_id = m.case_id AND m.at >= n.since AND m.at <= %(at)s
GROUP BY n.arm
"""


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm with its sums; shares and means carry their interval of 95 per cent."""

    name: str
    cases: int
    entered: Decimal
    cash: Decimal
    cash_squares: Decimal
    cured: int
    cost: Decimal
    contacts: int
    complaints: int

    @property
    def recovered(self) -> Decimal:
        return self.cash / self.entered if self.entered else ZERO

    @property
    def cash_per_case(self) -> Decimal:
        return (self.cash / self.cases).quantize(CENT) if self.cases else Decimal("0.00")

    @property
    def cash_interval(self) -> tuple[Decimal, Decimal]:
        half = self.cash_half
        return (self.cash_per_case - half).quantize(CENT), (self.cash_per_case + half).quantize(CENT)

    @property
    def cash_half(self) -> Decimal:
        if self.cases < 2:
            return Decimal("0.00")
        mean = self.cash / self.cases
        variance = max((self.cash_squares - self.cases * mean * mean) / (self.cases - 1), Decimal(0))
        return (Z * (variance / self.cases).sqrt()).quantize(CENT)

    @property
    def cure_rate(self) -> Decimal:
        return Decimal(self.cured) / self.cases if self.cases else ZERO

    @property
    def cure_interval(self) -> tuple[Decimal, Decimal]:
        return wilson(self.cured, self.cases)

    @property
    def complaint_rate(self) -> Decimal:
        return Decimal(self.complaints) / self.contacts if self.contacts else ZERO

    @property
    def complaint_interval(self) -> tuple[Decimal, Decimal]:
        return wilson(min(self.complaints, self.contacts), self.contacts)

    @property
    def complaints_low(self) -> Decimal:
        return self.complaint_interval[0]

    @property
    def cost_of_cash(self) -> Decimal | None:
        return (self.cost / self.cash).quantize(Decimal("0.0001")) if self.cash else None


def wilson(hits: int, n: int) -> tuple[Decimal, Decimal]:
    """Return Wilson's interval of a share; of nobody, everything is possible."""
    found = stability.share(hits, n)
    return (ZERO, Decimal(1)) if found.low is None or found.high is None else (Decimal(str(found.low)), Decimal(str(found.high)))


def difference(one: Arm, other: Arm) -> tuple[Decimal, Decimal, Decimal]:
    """Return how much more cash a case brings in `one` than in `other`, with the interval of the difference."""
    by = one.cash_per_case - other.cash_per_case
    half = (one.cash_half**2 + other.cash_half**2).sqrt().quantize(CENT)
    return by, by - half, by + half


def prices(*, on: Any) -> dict[str, Decimal]:
    """Return what each act costs, by the rule book."""
    return {name: Decimal(str(value)) for name, value in rules.value(COST, on=on).items()}


def arms(experiment: TreatmentExperiment, *, at: datetime) -> list[Arm]:
    """Return the arms of an experiment as they stand, or as they stood when it ended."""
    if experiment.result is not None:
        return read(experiment.result)
    until = min(at, experiment.ended_at or at)
    values: dict[str, Any] = {
        "experiment": experiment.pk,
        "at": until,
        "until": localtime(until).date(),
        "by_people": list(shape.DESK),
        "zone": settings.TIME_ZONE,
    }
    with connection.cursor() as cursor:
        cursor.execute(SUMS, values)
        sums = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(ACTS, values)
        acts: dict[str, dict[str, int]] = {}
        for name, action, n in cursor.fetchall():
            acts.setdefault(name, {})[action] = n
        cursor.execute(COMPLAINTS, values)
        complaints = dict(cursor.fetchall())
    price = prices(on=localtime(at).date())
    found = []
    for name in ARMS:
        if name not in sums:
            continue
        cases, entered, cured, cash, squares = sums[name]
        done = acts.get(name, {})
        cost = sum((price.get(action, Decimal(0)) * n for action, n in done.items()), Decimal("0.00"))
        contacts = sum(n for action, n in done.items() if action != shape.WAIT)
        found.append(Arm(name, cases, entered, cash, squares, cured, cost.quantize(CENT), contacts, complaints.get(name, 0)))
    return found


def stored(found: Sequence[Arm]) -> list[dict[str, Any]]:
    """Return the sums as JSON, money as text."""
    return [
        {name: str(value) if isinstance(value, Decimal) else value for name in Arm.__slots__ if (value := getattr(one, name)) is not None}
        for one in found
    ]


def read(kept: Sequence[dict[str, Any]]) -> list[Arm]:
    money = ("entered", "cash", "cash_squares", "cost")
    rows: list[dict[str, Any]] = [{name: Decimal(value) if name in money else value for name, value in row.items()} for row in kept]
    return [Arm(**row) for row in rows]
