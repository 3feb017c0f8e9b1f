"""What the credit bureau tells a model: the figures of the newest report known at the moment, by when the house had it."""

from django.utils.translation import gettext_lazy as _

from crm.lib.features import Feature, Source, register

NO_REPORT = _("No bureau report was on file, or it held no figures.")
NO_ACCOUNT = _("No report was on file, or the person has no account elsewhere.")

register(Source(
    "risk.bureau",
    _("Credit bureau"),
    _("The newest bureau report on file"),
    """
    SELECT a.n, r.inquiries_1m, r.inquiries_3m, r.inquiries_6m, r.open_accounts, r.lenders, r.balance, r.monthly_due, r.overdue_now,
        r.worst_dpd_24m, r.oldest_months, least(round(r.balance / nullif(r.limits, 0), 6), 999.999999), r.standing,
        extract(day FROM a.as_of - r.as_of)::int
    FROM asked AS a JOIN LATERAL (
        SELECT * FROM risk_bureaureport AS r WHERE r.customer_id = a.customer_id AND r.as_of <= a.as_of ORDER BY r.as_of DESC, r.id DESC LIMIT 1
    ) AS r ON true
    """,
    (
        Feature("bureau_inquiries_1m", _("Inquiries for credit by lenders, of the newest bureau report"), "integer", window="1m", missing=NO_REPORT),
        Feature("bureau_inquiries_3m", _("Inquiries for credit by lenders, of the newest bureau report"), "integer", window="3m", missing=NO_REPORT),
        Feature("bureau_inquiries_6m", _("Inquiries for credit by lenders, of the newest bureau report"), "integer", window="6m", missing=NO_REPORT),
        Feature("bureau_open_accounts", _("Open accounts at other lenders"), "integer", missing=NO_REPORT),
        Feature("bureau_lenders", _("Other lenders with an open account"), "integer", missing=NO_REPORT),
        Feature("bureau_balance", _("Owed at other lenders"), "money", missing=NO_REPORT),
        Feature("bureau_monthly_due", _("Due a month at other lenders"), "money", missing=NO_REPORT),
        Feature("bureau_overdue_now", _("Overdue at other lenders on the report's day"), "money", missing=NO_REPORT),
        Feature("bureau_worst_dpd_24m", _("Most days past due at any lender"), "integer", window="24m", missing=NO_REPORT),
        Feature("bureau_oldest_months", _("Age of the oldest account elsewhere, whole months"), "integer", missing=NO_ACCOUNT),
        Feature("bureau_used_share", _("Owed elsewhere as a share of limits and loans"), "decimal", missing=NO_ACCOUNT),
        Feature("bureau_standing", _("What the bureau says of the file: full, thin, frozen, unknown"), "category", missing=NO_REPORT),
        Feature("bureau_report_days", _("Age of the newest bureau report, whole days"), "integer", missing=NO_REPORT),
    ),
))  # fmt: skip
