"""What risk asks of lines and borrowers, and what becomes of limits it proposes: a lower one holds at once, a higher one by a second person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from credit import acts
from credit.models import Loan, Transaction
from crm.lib.errors import DomainError
from governance.models import ChangeRequest
from risk import limit_proposals
from risk.limit_source import LINES, PERFORMANCE, OpenLine
from risk.models import LimitProposal

WHY = {LimitProposal.Direction.UP: "agreed", LimitProposal.Direction.DOWN: "risk"}


def open_lines(customer_ids: Sequence[int]) -> list[OpenLine]:
    """Return the open revolving lines of customers; one query."""
    rows = Loan.objects.open().filter(customer__in=customer_ids, revolving=True, charged_off_on__isnull=True).order_by("pk")
    values = rows.values_list("customer_id", "public_id", "principal", "principal_outstanding", "dpd", "product__amount_max")
    return [OpenLine(who, f"credit.loan:{public_id}", limit, used, dpd > 0, most) for who, public_id, limit, used, dpd, most in values]


# Of each loan that was owed on the day: how late it was then, and how late it became by the end of the months. As `risk_outcomes`, an
# instalment's own days and the month-ends are both looked at.
WENT = """
WITH asked AS MATERIALIZED (
    SELECT given.n::int - 1 AS n, given.customer_id, given.since, (given.since + make_interval(months => %(months)s))::date AS until
    FROM unnest(%(customers)s::bigint[], %(days)s::date[]) WITH ORDINALITY AS given(customer_id, since, n)
), held AS (
    SELECT a.n, a.since, a.until, l.id FROM asked AS a JOIN credit_loan AS l ON l.customer_id = a.customer_id
    WHERE l.starts_on <= a.since AND l.status <> 'cancelled' AND (l.status = 'open' OR l.settled_at > a.since)
), due AS (
    SELECT h.n, max(least(i.paid_on, h.since) - i.due_on) FILTER (WHERE i.paid_on IS NULL OR i.paid_on > h.since) AS was,
        max(least(i.paid_on, h.until) - i.due_on) FILTER (WHERE i.paid_on IS NULL OR i.paid_on > h.since) AS became
    FROM held AS h JOIN credit_installment AS i ON i.loan_id = h.id AND i.due_on < h.until GROUP BY h.n
), ended AS (
    SELECT h.n, max(s.dpd) FILTER (WHERE s.month = h.since) AS was, max(s.dpd) FILTER (WHERE s.month > h.since) AS became
    FROM held AS h JOIN credit_loansnapshot AS s ON s.loan_id = h.id AND s.month = ANY(%(ends)s) AND s.month BETWEEN h.since AND h.until
    GROUP BY h.n
), gone AS (
    SELECT DISTINCT h.n FROM held AS h JOIN credit_transaction AS t ON t.loan_id = h.id
    WHERE t.kind IN ('charge_off', 'write_off') AND t.value_on > h.since AND t.value_on <= h.until
        AND NOT EXISTS (SELECT FROM credit_transaction AS back WHERE back.reverses_id = t.id)
)
SELECT h.n, coalesce(greatest(due.became, ended.became), 0) >= %(bad)s OR gone.n IS NOT NULL
FROM (SELECT DISTINCT n FROM held) AS h LEFT JOIN due ON due.n = h.n LEFT JOIN ended ON ended.n = h.n LEFT JOIN gone ON gone.n = h.n
WHERE coalesce(greatest(due.was, ended.was), 0) < %(bad)s
"""


def went_bad(observed: Sequence[tuple[int, Any]], *, months: int, bad_dpd: int) -> Mapping[int, bool]:
    """Return which pairs (customer, day) went bad, by place; see `risk.limit_source.performance`."""
    from credit import report_facts

    values: dict[str, Any] = {
        "customers": [customer for customer, _day in observed], "days": [day for _customer, day in observed], "months": months, "bad": bad_dpd,
        "ends": report_facts.months_on_file(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WENT, values)
        return dict(cursor.fetchall())


def follow(proposal: LimitProposal, *, at: datetime) -> LimitProposal:
    """Do what was decided about a limit, in the decider's name; a higher one is put before a second person. Twice is once.

    What the line does not allow any more ends the proposal with the refusal's code.
    """
    if proposal.status != LimitProposal.Status.APPROVED or proposal.decided_by is None:
        return proposal
    loan = Loan.objects.select_related("legal_entity", "product").get(public_id=proposal.line.partition(":")[2])
    try:
        made: Transaction | ChangeRequest = acts.do(
            loan, acts.ACTS["limit"], {"amount": proposal.limit_proposed}, on=None, why=WHY[LimitProposal.Direction(proposal.direction)],
            note=proposal.public_id, actor=proposal.decided_by, at=at, key=f"limit-proposal:{proposal.public_id}",
        )  # fmt: skip
    except DomainError as refusal:
        return limit_proposals.answer(proposal, done=False, outcome=refusal.code, at=at)
    return limit_proposals.answer(proposal, done=True, outcome="proposed" if isinstance(made, ChangeRequest) else "done", at=at)


LINES.register("credit", open_lines)
PERFORMANCE.register("credit", went_bad)
