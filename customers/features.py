"""What the customer's file tells a model: how long we know the person, what was agreed to, who stands around, how they were reached."""

from django.utils.translation import gettext_lazy as _

from crm.lib.features import Feature, Source, register

# A hand-over changes the branch of the file; the entries of those that came later still say where it was before.
register(Source(
    "customers.profile",
    _("Customer file"),
    _("The customer's file and the ledger entries of its hand-overs"),
    """
    SELECT a.n,
        (extract(year FROM age(a.as_of, c.created_at)) * 12 + extract(month FROM age(a.as_of, c.created_at)))::int,
        c.channel,
        coalesce((
            SELECT e.facts ->> 'from_branch' FROM ledger_entry AS e
            WHERE e.customer_id = a.customer_id AND e.event = 'customers.customer.handed_over' AND e.at > a.as_of
            ORDER BY e.at, e.id LIMIT 1
        ), t.code)
    FROM asked AS a JOIN customers_customer AS c ON c.id = a.customer_id JOIN governance_team AS t ON t.id = c.branch_id
    """,
    (
        Feature("months_known", _("Whole months since the file was opened"), "integer"),
        Feature("intake_channel", _("Channel by which the customer came"), "category"),
        Feature("home_branch", _("Code of the branch that keeps the file"), "category"),
    ),
))  # fmt: skip

register(Source(
    "customers.consents",
    _("Consents"),
    _("Consents of the customer with their ends"),
    """
    SELECT a.n,
        coalesce(bool_or(k.live AND k.purpose = 'bureau_query'), false),
        coalesce(bool_or(k.live AND k.purpose = 'service_contact'), false),
        coalesce(bool_or(k.live AND k.purpose = 'marketing'), false),
        (count(*) FILTER (WHERE k.live))::int,
        (count(*) FILTER (WHERE k.withdrawn_by_id IS NOT NULL AND k.withdrawn_at <= a.as_of AND k.withdrawn_at > a.as_of - interval '12 months'))::int
    FROM asked AS a LEFT JOIN LATERAL (
        SELECT k.purpose, k.withdrawn_at, k.withdrawn_by_id,
            (k.withdrawn_at IS NULL OR k.withdrawn_at > a.as_of) AND (k.expires_on IS NULL OR k.expires_on > a.today) AS live
        FROM customers_consent AS k WHERE k.customer_id = a.customer_id AND k.given_at <= a.as_of
    ) AS k ON true
    GROUP BY a.n
    """,
    (
        Feature("consent_to_bureau", _("Whether a consent to bureau queries holds"), "boolean"),
        Feature("consent_to_contact", _("Whether a consent to service contact holds"), "boolean"),
        Feature("consent_to_marketing", _("Whether a consent to marketing holds"), "boolean"),
        Feature("consents_live", _("Consents that hold"), "integer"),
        Feature("consents_withdrawn_12m", _("Consents the customer withdrew"), "integer", window="12m"),
    ),
))  # fmt: skip

register(Source(
    "customers.relations",
    _("Relations"),
    _("Relations of the customer, from either side, with their ends"),
    """
    SELECT a.n, (count(r.id) FILTER (WHERE r.mine))::int, (count(r.id) FILTER (WHERE r.mine AND r.kind = 'guarantor'))::int,
        (count(r.id) FILTER (WHERE r.kind = 'same_employer'))::int, (count(r.id) FILTER (WHERE NOT r.mine AND r.kind = 'guarantor'))::int
    FROM asked AS a LEFT JOIN LATERAL (
        SELECT r.id, r.kind, true AS mine FROM customers_relation AS r
        WHERE r.customer_id = a.customer_id AND r.created_at <= a.as_of AND (r.ended_at IS NULL OR r.ended_at > a.as_of)
        UNION ALL
        SELECT r.id, r.kind, false FROM customers_relation AS r
        WHERE r.other_id = a.customer_id AND r.created_at <= a.as_of AND (r.ended_at IS NULL OR r.ended_at > a.as_of)
    ) AS r ON true
    GROUP BY a.n
    """,
    (
        Feature("relations", _("Related people on file"), "integer"),
        Feature("guarantors", _("People who stand surety for the customer"), "integer"),
        Feature("same_employer", _("Customers known to work for the same employer"), "integer"),
        Feature("stands_surety", _("People the customer stands surety for"), "integer"),
    ),
))  # fmt: skip

register(Source(
    "customers.contacts",
    _("Contact history"),
    _("Attempts to reach the customer by any channel, and ways the customer barred"),
    """
    SELECT a.n, coalesce(k.tries, 0), coalesce(k.reached, 0), round(k.reached::numeric / nullif(k.tries, 0), 6),
        (SELECT count(*) FROM customers_contactbar AS b
            WHERE b.customer_id = a.customer_id AND b.since <= a.as_of AND (b.lifted_at IS NULL OR b.lifted_at > a.as_of))::int
    FROM asked AS a LEFT JOIN LATERAL (
        SELECT count(*)::int AS tries, (count(*) FILTER (WHERE t.connected))::int AS reached
        FROM customers_contactattempt AS t
        WHERE t.customer_id = a.customer_id AND t.at <= a.as_of AND t.at > a.as_of - interval '90 days'
    ) AS k ON true
    """,
    (
        Feature("contact_tries_90d", _("Attempts to reach the customer"), "integer", window="90d"),
        Feature("contacts_made_90d", _("Attempts that reached the customer"), "integer", window="90d"),
        Feature("reached_share_90d", _("Share of attempts that reached the customer"), "decimal", window="90d",
            missing=_("Nobody tried to reach the customer.")),
        Feature("contact_bars", _("Ways by which the customer is not to be reached"), "integer"),
    ),
))  # fmt: skip
