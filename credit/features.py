"""What applications, loans and payments tell a model. Each statement reads rows by the moment they were entered.

What a loan owed at a moment is the sum of the postings entered by then, since a loan's own row tells only of today. How late it was is read
from what the close of day marked: month-ends, and the spans of days late that loans came into and left.
"""

from django.utils.translation import gettext_lazy as _

from crm.lib.features import Feature, Source, register

NO_APPLICATION = _("The customer never applied.")
NO_LOAN = _("The customer never had a loan here.")
NEVER_JUDGED = _("No application of the customer was judged.")

register(Source(
    "credit.applications",
    _("Applications"),
    _("Applications by the day they were handed in and decided"),
    """
    SELECT a.n,
        (count(x.id) FILTER (WHERE x.submitted_at > a.as_of - interval '30 days'))::int,
        (count(x.id) FILTER (WHERE x.submitted_at > a.as_of - interval '90 days'))::int,
        (count(x.id) FILTER (WHERE x.submitted_at > a.as_of - interval '365 days'))::int,
        (count(x.id) FILTER (
            WHERE x.status = 'declined' AND x.decided_at <= a.as_of AND x.decided_at > a.as_of - interval '365 days'))::int,
        (count(x.id) FILTER (
            WHERE x.approved_amount IS NOT NULL AND x.decided_at <= a.as_of AND x.decided_at > a.as_of - interval '365 days'))::int,
        max(x.amount) FILTER (WHERE x.submitted_at > a.as_of - interval '365 days'),
        min(extract(day FROM a.as_of - x.submitted_at))::int
    FROM asked AS a LEFT JOIN credit_application AS x ON x.customer_id = a.customer_id AND x.submitted_at <= a.as_of
    GROUP BY a.n
    """,
    (
        Feature("applications_handed_in_30d", _("Applications handed in"), "integer", window="30d"),
        Feature("applications_90d", _("Applications handed in"), "integer", window="90d"),
        Feature("applications_365d", _("Applications handed in"), "integer", window="365d"),
        Feature("declined_365d", _("Applications declined"), "integer", window="365d"),
        Feature("approved_365d", _("Applications approved"), "integer", window="365d"),
        Feature("asked_most_365d", _("Largest amount asked for"), "money", window="365d", missing=_("No application in the window.")),
        Feature("days_since_applied", _("Days since the latest application"), "integer", missing=NO_APPLICATION),
    ),
))  # fmt: skip

# Facts as they were judged: the file's own income and debts are overwritten, the age lies sealed in the id number.
register(Source(
    "credit.judged",
    _("Latest decision"),
    _("The facts and the score of the customer's latest decision before the moment"),
    """
    SELECT DISTINCT ON (a.n) a.n,
        CASE WHEN jsonb_typeof(d.facts -> 'age') = 'number' THEN (d.facts ->> 'age')::int END,
        CASE WHEN jsonb_typeof(d.facts -> 'income') = 'string' THEN (d.facts ->> 'income')::numeric(14, 2) END,
        CASE WHEN jsonb_typeof(d.facts -> 'monthly_debt') = 'string' THEN (d.facts ->> 'monthly_debt')::numeric(14, 2) END,
        d.score, nullif(d.grade, '')
    FROM asked AS a JOIN credit_application AS x ON x.customer_id = a.customer_id AND x.submitted_at <= a.as_of
        JOIN risk_decision AS d ON d.subject = 'credit.application:' || x.public_id AND d.at < a.as_of
    ORDER BY a.n, d.at DESC, d.id DESC
    """,
    (
        Feature("judged_age", _("Age at the latest decision, years"), "integer", missing=NEVER_JUDGED),
        Feature("judged_income", _("Monthly income at the latest decision"), "money", missing=NEVER_JUDGED, pii="C2"),
        Feature("judged_debt", _("Paid a month on other debts at the latest decision"), "money", missing=NEVER_JUDGED, pii="C2"),
        Feature("judged_score", _("Score of the latest decision"), "integer", missing=NEVER_JUDGED, pii="C2"),
        Feature("judged_grade", _("Grade of the latest decision"), "category", missing=NEVER_JUDGED, pii="C2"),
    ),
))  # fmt: skip

register(Source(
    "credit.loans",
    _("Loans and lateness"),
    _("Loans booked, the postings that say what is owed, and what closes of day marked: month-ends and spans of days late"),
    """
    WITH held AS MATERIALIZED (
        SELECT a.n, a.today, l.id, l.starts_on, l.revolving, l.principal,
            coalesce(sum(p.amount) FILTER (WHERE p.account IN ('principal', 'charged_off')), 0) AS owed,
            coalesce(sum(p.amount) FILTER (WHERE p.account = 'loss'), 0) AS lost,
            coalesce(bool_or(t.kind IN ('cancellation', 'sale', 'closure') AND back.id IS NULL), false) AS gone
        FROM asked AS a JOIN credit_loan AS l ON l.customer_id = a.customer_id AND l.booked_at <= a.as_of
            LEFT JOIN credit_transaction AS t ON t.loan_id = l.id AND t.at <= a.as_of
            LEFT JOIN credit_transaction AS back ON back.reverses_id = t.id AND back.at <= a.as_of
            LEFT JOIN credit_posting AS p ON p.transaction_id = t.id
        GROUP BY a.n, a.today, l.id, l.starts_on, l.revolving, l.principal
    ), marks AS MATERIALIZED (
        SELECT h.n, h.id, s.month AS day, s.dpd AS worst, s.treatment_dpd AS days, s.treatment_dpd > 0 AS late, true AS month_end
        FROM held AS h CROSS JOIN generate_series(0, 11) AS back(months)
            JOIN credit_loansnapshot AS s ON s.loan_id = h.id
                AND s.month = (date_trunc('month', h.today) - make_interval(months => back.months))::date - 1
        UNION ALL
        SELECT h.n, h.id, m.business_date, m.treatment_dpd, m.treatment_dpd, m.now <> '', false
        FROM held AS h JOIN credit_rangemove AS m ON m.loan_id = h.id AND m.business_date < h.today
            AND m.business_date >= (h.today - interval '12 months')::date
    ), latest AS (
        SELECT DISTINCT ON (h.n, h.id) h.n, h.id,
            CASE WHEN h.owed > 0 AND marks.late THEN marks.days + (h.today - 1 - marks.day) ELSE 0 END AS days
        FROM held AS h LEFT JOIN marks ON marks.n = h.n AND marks.id = h.id
        ORDER BY h.n, h.id, marks.day DESC NULLS LAST, marks.month_end
    ), lateness AS (
        SELECT h.n, max(latest.days) AS days,
            max(w.worst3) AS worst3, max(w.worst6) AS worst6, max(w.worst12) AS worst12, max(w.late12) AS late12
        FROM held AS h JOIN latest ON latest.n = h.n AND latest.id = h.id
            LEFT JOIN LATERAL (
                SELECT max(m.worst) FILTER (WHERE m.day >= (h.today - interval '3 months')::date) AS worst3,
                    max(m.worst) FILTER (WHERE m.day >= (h.today - interval '6 months')::date) AS worst6,
                    max(m.worst) AS worst12, count(*) FILTER (WHERE m.month_end AND m.worst > 0) AS late12
                FROM marks AS m WHERE m.n = h.n AND m.id = h.id
            ) AS w ON true
        GROUP BY h.n
    ), sums AS (
        SELECT h.n, count(*)::int AS ever, (count(*) FILTER (WHERE h.owed > 0))::int AS owing,
            (count(*) FILTER (WHERE h.revolving AND NOT h.gone))::int AS lines,
            (count(*) FILTER (WHERE h.owed <= 0 AND h.lost = 0 AND NOT h.gone AND NOT h.revolving))::int AS repaid,
            (count(*) FILTER (WHERE h.lost > 0))::int AS lost,
            sum(greatest(h.owed, 0))::numeric(14, 2) AS outstanding,
            (max(h.principal) FILTER (WHERE NOT h.revolving))::numeric(14, 2) AS largest,
            (extract(year FROM age(min(h.today), min(h.starts_on))) * 12 + extract(month FROM age(min(h.today), min(h.starts_on))))::int AS months
        FROM held AS h GROUP BY h.n
    )
    SELECT a.n, coalesce(s.ever, 0), coalesce(s.owing, 0), coalesce(s.lines, 0), coalesce(s.repaid, 0), coalesce(s.lost, 0),
        coalesce(s.outstanding, 0.00), s.largest, s.months, l.days::int, greatest(l.worst3, l.days)::int, greatest(l.worst6, l.days)::int,
        greatest(l.worst12, l.days)::int, l.late12::int
    FROM asked AS a LEFT JOIN sums AS s ON s.n = a.n LEFT JOIN lateness AS l ON l.n = a.n
    """,
    (
        Feature("loans_ever", _("Loans the customer had"), "integer"),
        Feature("loans_owing", _("Loans with principal owed"), "integer"),
        Feature("open_lines", _("Revolving lines not closed"), "integer"),
        Feature("loans_repaid", _("Loans repaid in full"), "integer"),
        Feature("loans_lost", _("Loans with a loss"), "integer"),
        Feature("outstanding", _("Principal owed over all loans"), "money"),
        Feature("largest_loan", _("Largest loan the customer had"), "money", missing=NO_LOAN),
        Feature("months_on_book", _("Whole months since the first loan was paid out"), "integer", missing=NO_LOAN),
        Feature("days_late", _("Days late that treatment counts, by the latest mark of a close of day"), "integer", missing=NO_LOAN),
        Feature("days_late_worst_3m", _("Most days late"), "integer", window="3m", missing=NO_LOAN),
        Feature("days_late_worst_6m", _("Most days late"), "integer", window="6m", missing=NO_LOAN),
        Feature("days_late_worst_12m", _("Most days late"), "integer", window="12m", missing=NO_LOAN),
        Feature("months_late_12m", _("Month-ends with anything past due, the worst loan"), "integer", window="12m", missing=NO_LOAN),
    ),
))  # fmt: skip

register(Source(
    "credit.repayments",
    _("Repayments"),
    _("Movements of money on the customer's loans by the moment they were entered, and the instalments they paid"),
    """
    WITH moved AS MATERIALIZED (
        SELECT a.n, a.as_of, a.today, t.id, t.kind, t.amount, t.at, t.value_on
        FROM asked AS a JOIN credit_loan AS l ON l.customer_id = a.customer_id
            JOIN credit_transaction AS t ON t.loan_id = l.id AND t.at <= a.as_of AND t.kind IN ('repayment', 'reversal')
        WHERE t.kind = 'reversal' OR NOT EXISTS (
            SELECT FROM credit_transaction AS back WHERE back.reverses_id = t.id AND back.at <= a.as_of)
    ), sums AS (
        SELECT m.n,
            (count(*) FILTER (WHERE m.kind = 'repayment' AND m.at > m.as_of - interval '90 days'))::int AS times90,
            coalesce(sum(m.amount) FILTER (WHERE m.kind = 'repayment' AND m.at > m.as_of - interval '90 days'), 0)::numeric(14, 2) AS paid90,
            coalesce(sum(m.amount) FILTER (WHERE m.kind = 'repayment' AND m.at > m.as_of - interval '365 days'), 0)::numeric(14, 2) AS paid365,
            min(m.today - m.value_on) FILTER (WHERE m.kind = 'repayment') AS since,
            (count(*) FILTER (WHERE m.kind = 'reversal' AND m.at > m.as_of - interval '365 days'))::int AS taken_back
        FROM moved AS m GROUP BY m.n
    ), punctual AS (
        SELECT m.n, sum(-p.amount) AS every, sum(-p.amount) FILTER (WHERE m.value_on <= i.due_on) AS timely
        FROM moved AS m JOIN credit_posting AS p ON p.transaction_id = m.id AND p.account IN ('principal', 'interest', 'fee')
            JOIN credit_installment AS i ON i.id = p.installment_id AND i.due_on <= m.today AND i.due_on > (m.today - interval '12 months')::date
        WHERE m.kind = 'repayment'
        GROUP BY m.n
    )
    SELECT a.n, coalesce(s.times90, 0), coalesce(s.paid90, 0.00), coalesce(s.paid365, 0.00), s.since, coalesce(s.taken_back, 0),
        round(coalesce(o.timely, 0) / nullif(o.every, 0), 6)
    FROM asked AS a LEFT JOIN sums AS s ON s.n = a.n LEFT JOIN punctual AS o ON o.n = a.n
    """,
    (
        Feature("repayments_90d", _("Repayments received"), "integer", window="90d"),
        Feature("repaid_90d", _("Sum of repayments"), "money", window="90d"),
        Feature("repaid_365d", _("Sum of repayments"), "money", window="365d"),
        Feature("days_since_repayment", _("Days since the latest repayment"), "integer", missing=_("The customer never repaid anything.")),
        Feature("taken_back_365d", _("Movements of money that were reversed"), "integer", window="365d"),
        Feature("on_time_share_12m", _("Share of the money paid on instalments that came by their due day"), "decimal", window="12m",
            missing=_("No instalment that fell due in the window was paid.")),
    ),
))  # fmt: skip

NO_DEVICE = _("No application of the customer told a device.")

register(Source(
    "credit.devices",
    _("Devices"),
    _("The device the newest application came from, and whatever else came from it"),
    """
    SELECT a.n,
        (SELECT count(*) FROM credit_applicationdevice AS o JOIN credit_application AS x ON x.id = o.application_id
            WHERE o.device_key = d.device_key AND o.seen_at > a.as_of - interval '30 days' AND o.seen_at <= a.as_of
                AND x.legal_entity_id = d.legal_entity_id)::int,
        (SELECT count(DISTINCT x.customer_id) FROM credit_applicationdevice AS o JOIN credit_application AS x ON x.id = o.application_id
            WHERE o.device_key = d.device_key AND o.seen_at > a.as_of - interval '90 days' AND o.seen_at <= a.as_of
                AND x.legal_entity_id = d.legal_entity_id)::int,
        d.zone_differs, d.family
    FROM asked AS a JOIN LATERAL (
        SELECT d.*, x.legal_entity_id FROM credit_applicationdevice AS d JOIN credit_application AS x ON x.id = d.application_id
        WHERE x.customer_id = a.customer_id AND d.seen_at <= a.as_of ORDER BY d.seen_at DESC, d.id DESC LIMIT 1
    ) AS d ON true
    """,
    (
        Feature("applications_of_device_30d", _("Applications from the customer's device, whoever applied"), "integer", window="30d", missing=NO_DEVICE),
        Feature("customers_of_device_90d", _("Customers who applied from the customer's device, this one too"), "integer", window="90d",
            missing=NO_DEVICE),
        Feature("newest_device_zone_differs", _("Whether the device's clock differs from the lender's"), "boolean",
            missing=_("No device, or it told no time zone.")),
        Feature("device_family", _("Family of app or browser of the device"), "category", missing=NO_DEVICE),
    ),
))  # fmt: skip
