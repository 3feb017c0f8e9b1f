"""What collection work tells a model: promises, broken ones, cases."""

from django.utils.translation import gettext_lazy as _

from crm.lib.features import Feature, Source, register

register(Source(
    "collections.promises",
    _("Collection work"),
    _("Cases and promises to pay, by the moment they were entered and ended"),
    """
    SELECT a.n, (count(DISTINCT k.id) FILTER (WHERE k.opened_on < a.today))::int, (count(p.id) FILTER (WHERE p.taken_at > a.as_of - interval '12 months'))::int,
        (count(p.id) FILTER (WHERE p.status = 'broken' AND p.ended_at <= a.as_of AND p.ended_at > a.as_of - interval '12 months'))::int,
        (min(a.today - p.taken_on))::int
    FROM asked AS a LEFT JOIN collections_case AS k ON k.customer_id = a.customer_id
        LEFT JOIN collections_promise AS p ON p.case_id = k.id AND p.taken_at <= a.as_of
    GROUP BY a.n
    """,
    (
        Feature("cases_ever", _("Collection cases the customer had"), "integer"),
        Feature("promises_12m", _("Promises to pay the customer gave"), "integer", window="12m"),
        Feature("promises_broken_12m", _("Promises to pay the customer broke"), "integer", window="12m"),
        Feature("days_since_promise", _("Days since the latest promise to pay"), "integer",
            missing=_("The customer never promised to pay.")),
    ),
))  # fmt: skip

register(Source(
    "collections.contacts",
    _("Contacts of collectors"),
    _("Contacts logged in cases, by the moment they were made"),
    """
    SELECT a.n, (count(k.id) FILTER (WHERE k.at > a.as_of - interval '30 days' AND k.channel <> 'inbound'))::int,
        (count(k.id) FILTER (WHERE k.at > a.as_of - interval '90 days'
            AND k.outcome IN ('right_party', 'refused', 'promise', 'dispute', 'hardship')))::int
    FROM asked AS a LEFT JOIN collections_case AS c ON c.customer_id = a.customer_id
        LEFT JOIN collections_contact AS k ON k.case_id = c.id AND k.at <= a.as_of
    GROUP BY a.n
    """,
    (
        Feature("contacts_30d", _("Contacts of collectors with the customer"), "integer", window="30d"),
        Feature("reached_90d", _("Times a collector reached the customer"), "integer", window="90d"),
    ),
))  # fmt: skip
