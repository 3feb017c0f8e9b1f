"""The close of a business date as ordered steps, each declared once, put together into one statement for a range of loans.

A step is a part of the statement that reads the step before it and adds columns; only the last ones write, so that each loan is written
once, however many steps there are. The same rules for one loan, readable: `credit/daily.py`; a property test holds the two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit.daily import Rules
from credit.delinquency import Range

# OFFSET 0 keeps the planner from pasting a step's expressions into those that follow, where they would be computed again and again.
FENCE = "OFFSET 0"
ENDLESS = 2**31 - 1  # days: the end of a range that has none


# What is charged once for an instalment missed; the column stays as it is where a product has no such charge.
CHARGED = """(scope.late_fee + scope.late_fee_rate > 0 AND NOT i.late_charged
                AND i.principal + i.interest + i.fee > i.principal_paid + i.interest_paid + i.fee_paid)"""


@dataclass(frozen=True)
class Step:
    """What a step is called, what it does for people, its SQL, and whether only a month's end has it."""

    name: str
    label: Any
    sql: str
    month_end: bool = False


STEPS = (
    Step("scope", _("Lock the open loans of the range whose last closed date is the day before"), """
        SELECT id, product_id, grace_days, penalty_rate, late_fee, late_fee_rate, late_fee_passed, late_rate_passed, grade, principal_outstanding, undrawn,
            delinquency_range AS was_range, coalesce(charged_off_on <= %(day)s, false) AS charged_off,
            bucket AS was_bucket, risk_class AS was_class, stage AS was_stage, cured_on AS was_cured_on
        FROM credit_loan
        WHERE id BETWEEN %(first)s AND %(last)s AND legal_entity_id = %(entity)s AND status = 'open' AND closed_on = %(before)s
            AND (%(parked_too)s OR NOT EXISTS (
                SELECT FROM credit_parkedloan AS p WHERE p.loan_id = credit_loan.id AND p.cleared_at IS NULL
            ))
        ORDER BY id
        FOR NO KEY UPDATE"""),
    Step("late", _("Instalments missed beyond their grace become overdue; penalty grows on their unpaid principal, a late fee is charged once"), """
        UPDATE credit_installment AS i
        SET status = 'overdue',
            penalty = i.penalty_base
                + round((i.principal - i.principal_paid) * scope.penalty_rate * greatest(%(day)s - i.penalty_since, 0) / 360, 2),
            fee = CASE WHEN {charged} THEN i.fee + scope.late_fee + round((i.principal - i.principal_paid) * scope.late_fee_rate, 2) ELSE i.fee END,
            fee_passed = CASE WHEN {charged} THEN i.fee_passed + scope.late_fee_passed + round((i.principal - i.principal_paid) * scope.late_rate_passed, 2)
                ELSE i.fee_passed END,
            late_charged = i.late_charged OR {charged}
        FROM scope
        WHERE i.loan_id = scope.id AND i.loan_id BETWEEN %(first)s AND %(last)s AND i.paid_on IS NULL AND i.due_on < %(day)s
            AND i.due_on + scope.grace_days < %(day)s
        RETURNING i.loan_id, i.due_on,
            i.principal + i.interest + i.fee - i.principal_paid - i.interest_paid - i.fee_paid AS owed,
            i.interest + i.fee - i.interest_paid - i.fee_paid AS extra, i.penalty - i.penalty_paid AS penalty"""),
    Step("arrears", _("The oldest missed due date with anything owed, and what is unpaid of all that were missed"), """
        SELECT loan_id, min(due_on) FILTER (WHERE owed > 0) AS since, sum(extra) AS extra, sum(owed + penalty) AS overdue
        FROM late GROUP BY loan_id"""),
    Step("marks", _("The gravest class that people or a restructuring set"), """
        SELECT loan_id, max(risk_class) AS floor
        FROM credit_classmark
        WHERE loan_id BETWEEN %(first)s AND %(last)s AND status = 'approved' AND from_on <= %(day)s
            AND (until_on IS NULL OR until_on > %(day)s)
        GROUP BY loan_id"""),
    Step("counted", _("Days past due in two counters: regulatory, and treatment less grace and pauses"), """
        SELECT scope.*, arrears.since, coalesce(arrears.extra, 0) AS extra, coalesce(arrears.overdue, 0) AS overdue,
            coalesce(marks.floor, 1) AS floor,
            coalesce(%(day)s - arrears.since, 0) AS dpd,
            CASE WHEN arrears.since IS NULL THEN 0 ELSE greatest(
                %(day)s - arrears.since - scope.grace_days - (
                    SELECT coalesce(sum(greatest(least(coalesce(p.until_on, %(day)s), %(day)s) - greatest(p.from_on, arrears.since), 0)), 0)
                    FROM credit_delinquencypause AS p WHERE p.loan_id = scope.id
                ), 0) END AS treatment_dpd
        FROM scope LEFT JOIN arrears ON arrears.loan_id = scope.id LEFT JOIN marks ON marks.loan_id = scope.id
        {fence}"""),
    Step("ranged", _("The span of treatment days, as the product names it"), """
        SELECT counted.*, CASE WHEN treatment_dpd = 0 THEN '' ELSE coalesce((
                SELECT r.name
                FROM unnest(%(range_products)s::bigint[], %(range_names)s::text[], %(range_firsts)s::int[], %(range_lasts)s::int[])
                    AS r(product, name, first, last)
                WHERE r.product = counted.product_id AND counted.treatment_dpd BETWEEN r.first AND r.last LIMIT 1
            ), '') END AS range
        FROM counted
        {fence}"""),
    Step("bucketed", _("Bucket M0 to M7+, and since when a loan under watch owes nothing"), """
        SELECT ranged.*, least((dpd + 29) / 30, 7) AS bucket,
            CASE WHEN dpd = 0 AND (was_class >= 3 OR was_stage > 1) THEN coalesce(was_cured_on, %(day)s) END AS clean_since,
            greatest(
                1 + (dpd > %(special_mention)s)::int + (dpd > %(substandard)s)::int + (dpd > %(doubtful)s)::int + (dpd > %(loss)s)::int,
                floor
            ) AS found
        FROM ranged
        {fence}"""),
    Step("classed", _("Five-class: by days, by people, by restructuring; a non-performing loan becomes better only after its time"), """
        SELECT bucketed.*,
            CASE WHEN was_class < 3 OR found >= 3 THEN found
                WHEN clean_since IS NOT NULL AND %(day)s >= greatest(
                    (clean_since + make_interval(months => %(upgrade_months)s))::date,
                    CASE WHEN %(upgrade_periods)s > 0 THEN (
                        SELECT i.due_on FROM credit_installment AS i WHERE i.loan_id = bucketed.id AND i.due_on > clean_since
                        ORDER BY i.due_on LIMIT 1 OFFSET greatest(%(upgrade_periods)s - 1, 0)
                    ) END
                ) THEN found
                ELSE 3 END AS risk_class
        FROM bucketed
        {fence}"""),
    Step("staged", _("Stage 1, 2 or 3: worse at once, better after a cure period"), """
        SELECT given.*,
            CASE WHEN least >= was_stage THEN least
                WHEN %(day)s - clean_since >= CASE was_stage WHEN 3 THEN %(cure_three)s ELSE %(cure_two)s END THEN was_stage - 1
                ELSE was_stage END AS stage
        FROM (
            SELECT classed.*, CASE WHEN dpd >= %(stage_three)s OR risk_class >= 3 THEN 3
                WHEN dpd > %(stage_two)s OR floor > 1 THEN 2 ELSE 1 END AS least
            FROM classed
        ) AS given
        {fence}"""),
    Step("judged", _("Expected loss: probability of default by grade and stage × loss given default × exposure, undrawn limits with their conversion factor"), """
        SELECT staged.*,
            CASE WHEN stage = 1 AND risk_class < 3 THEN NULL WHEN stage < was_stage THEN %(day)s ELSE clean_since END AS cured_on,
            CASE WHEN charged_off THEN 0 ELSE round((principal_outstanding + extra + undrawn * %(ccf)s)
                * coalesce(
                    CASE stage WHEN 1 THEN pd.one WHEN 2 THEN pd.two ELSE pd.three END,
                    CASE stage WHEN 1 THEN %(other1)s WHEN 2 THEN %(other2)s ELSE %(other3)s END)
                * CASE stage WHEN 1 THEN %(lgd1)s WHEN 2 THEN %(lgd2)s ELSE %(lgd3)s END, 2) END AS ecl
        FROM staged LEFT JOIN unnest(%(grades)s::text[], %(pd1)s::numeric[], %(pd2)s::numeric[], %(pd3)s::numeric[])
            AS pd(grade, one, two, three) ON pd.grade = staged.grade"""),
    Step("written", _("Write each loan once"), """
        UPDATE credit_loan AS l
        SET dpd = j.dpd, treatment_dpd = j.treatment_dpd, bucket = j.bucket, oldest_due_on = j.since, risk_class = j.risk_class,
            stage = j.stage, cured_on = j.cured_on, ecl = j.ecl, delinquency_range = j.range, closed_on = %(day)s
        FROM judged AS j
        WHERE l.id = j.id AND l.id BETWEEN %(first)s AND %(last)s
        RETURNING l.id, l.customer_id, j.was_bucket, l.bucket, l.dpd, j.was_class, l.risk_class, j.was_stage, l.stage,
            j.was_range, l.delinquency_range, l.treatment_dpd{for_snapshot}"""),
    Step("ranges", _("Which spans of treatment days a loan came into and left"), """
        INSERT INTO credit_rangemove (loan_id, business_date, was, now, treatment_dpd)
        SELECT id, %(day)s, was_range, delinquency_range, treatment_dpd FROM written WHERE was_range <> delinquency_range"""),
    Step("snapshots", _("At a month's end: a snapshot of every open loan"), """
        INSERT INTO credit_loansnapshot (month, loan_id, legal_entity_id, branch_id, channel, product, grade, vintage, months_on_book,
            principal, principal_outstanding, overdue, dpd, treatment_dpd, bucket, risk_class, stage, ecl)
        SELECT %(day)s, w.id, %(entity)s, w.branch_id, w.channel, product.code, w.grade, date_trunc('month', w.starts_on)::date,
            greatest((extract(year FROM %(day)s) - extract(year FROM w.starts_on)) * 12
                + extract(month FROM %(day)s) - extract(month FROM w.starts_on), 0),
            w.principal, w.principal_outstanding, w.overdue, w.dpd, w.treatment_dpd, w.bucket, w.risk_class, w.stage, w.ecl
        FROM written AS w JOIN credit_product AS product ON product.id = w.product_id""", month_end=True),
)  # fmt: skip

FOR_SNAPSHOT = """,
            l.branch_id, l.channel, l.product_id, l.grade, l.starts_on, l.principal, l.principal_outstanding, j.overdue,
            l.ecl"""
# One row comes back whatever the size of the range: how many loans, and those whose bucket or class moved.
TOLD = """
SELECT count(*), coalesce(json_agg(json_build_array(id, customer_id, was_bucket, bucket, dpd, was_class, risk_class, was_stage, stage)
    ORDER BY id) FILTER (WHERE was_bucket <> bucket OR was_class <> risk_class OR was_stage <> stage), '[]'::json)
FROM written
"""


def is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def statement(*, month_end: bool) -> str:
    """Return the steps as one statement."""
    parts = [
        f"{step.name} AS ({step.sql.replace('{fence}', FENCE).replace('{charged}', CHARGED).replace('{for_snapshot}', FOR_SNAPSHOT if month_end else '')})"
        for step in STEPS
        if month_end or not step.month_end
    ]
    return "WITH " + ", ".join(parts) + TOLD


def parameters(
    rules: Rules, named: Mapping[int, Sequence[Range]], *, day: date, entity: int, first: int, last: int, parked_too: bool
) -> dict[str, Any]:
    """Return what the statement is filled with for a range of loans and a day; `named` are the ranges of each product."""
    spans = [(product, each) for product, ranges in sorted(named.items()) for each in ranges]
    classes, stages = rules.classes, rules.stages
    grades = sorted(grade for grade in stages.pd if grade)
    other = stages.pd[""]
    return {
        "day": day, "before": day - timedelta(days=1), "entity": entity, "first": first, "last": last, "parked_too": parked_too,
        "special_mention": classes.special_mention, "substandard": classes.substandard, "doubtful": classes.doubtful, "loss": classes.loss,
        "upgrade_periods": classes.upgrade_periods, "upgrade_months": classes.upgrade_months,
        "stage_two": stages.two_above, "stage_three": stages.three_from, "cure_two": stages.cure_two, "cure_three": stages.cure_three,
        "grades": grades, "pd1": [stages.pd[g][0] for g in grades], "pd2": [stages.pd[g][1] for g in grades],
        "pd3": [stages.pd[g][2] for g in grades], "other1": other[0], "other2": other[1], "other3": other[2],
        "range_products": [product for product, _each in spans], "range_names": [each.name for _product, each in spans],
        "range_firsts": [each.first for _product, each in spans],
        "range_lasts": [ENDLESS if each.last is None else each.last for _product, each in spans],
        "lgd1": stages.lgd[0], "lgd2": stages.lgd[1], "lgd3": stages.lgd[2], "ccf": stages.ccf,
    }  # fmt: skip
