"""What was asked of the credit bureau, what it answered, and whether it is being asked at all."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import Consent, Customer
from governance.fields import SealedTextField
from governance.models import User


class BureauQueryQuerySet(models.QuerySet["BureauQuery"]):
    def visible_to(self, user: Any) -> "BureauQueryQuerySet":
        """Narrow to queries about customers `user` may see."""
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def for_list(self) -> "BureauQueryQuerySet":
        """Name the joins of a list row."""
        return self.select_related("customer", "asked_by", "consent", "report").defer("report__content")


class BureauQuery(models.Model):
    """One question to the bureau: about whom, for which legal reason, under which consent, by whom, and what became of it.

    Its public id is the key the bureau knows the query by: a repetition is the same query.
    """

    POLICY = Policy(
        owner="risk",
        meaning=_("queries of the credit bureau"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("bureau", "underwriting", "servicing", "compliance"),
        basis="consent",
        lies_open=_("who asked and why must be counted and listed; carries no identifier"),
        columns={
            "reason": _("Legal reason of the query"),
            "subject": _("What it was asked for, as model and public id"),
            "cause": _("Why there is no report, as a code"),
            "tries": _("How often the bureau was called"),
            "asked_at": _("When it was asked for"),
            "answered_at": _("When the answer, or the last failure, came"),
        },
    )

    class Status(models.TextChoices):
        ASKED = "asked", pgettext_lazy("bureau query", "Asked")
        ANSWERED = "answered", pgettext_lazy("bureau query", "Answered")
        FAILED = "failed", pgettext_lazy("bureau query", "No report")

    class Reason(models.TextChoices):
        CREDIT_APPROVAL = "credit_approval", pgettext_lazy("bureau query", "Approval of credit")
        GUARANTEE = "guarantee", pgettext_lazy("bureau query", "Check of a guarantor")
        POST_LOAN = "post_loan", pgettext_lazy("bureau query", "Post-loan management")

    class Cause(models.TextChoices):
        SILENT = "silent", _("The bureau gave no certain answer.")
        PAUSED = "paused", _("The bureau failed several times in a row and is not asked for the moment.")
        REFUSED = "refused", _("The bureau refused the query.")
        GARBLED = "garbled", _("The bureau's answer is no report.")
        CONSENT = "consent", _("The consent ended before the bureau was asked.")
        LOST = "lost", _("The query was not carried out.")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.ASKED: {Status.ANSWERED, Status.FAILED}, Status.ANSWERED: set(), Status.FAILED: set()}
    TONES: ClassVar[dict[str, str]] = {"asked": "info", "answered": "good", "failed": "warn"}

    public_id = PublicIdField(prefix="BQ")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="bureau_queries", db_index=False)
    reason = models.CharField(max_length=20, choices=Reason)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", db_index=False)
    subject = models.CharField(max_length=80, blank=True, default="", help_text="app.model:public id; empty: asked for by a person")
    status = models.CharField(max_length=8, choices=Status, default=Status.ASKED)
    cause = models.CharField(max_length=8, choices=Cause, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = BureauQueryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="bureau_query_one_open", fields=["customer"], condition=Q(status="asked")),
            models.CheckConstraint(name="bureau_query_status_known", condition=Q(status__in=["asked", "answered", "failed"])),
            models.CheckConstraint(
                name="bureau_query_failure_says_why", condition=Q(status="failed") & ~Q(cause="") | ~Q(status="failed") & Q(cause="")
            ),
            models.CheckConstraint(
                name="bureau_query_end_has_moment",
                condition=Q(status="asked", answered_at__isnull=True) | ~Q(status="asked") & Q(answered_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(F("customer"), F("id").desc(), name="bureau_query_history"),
            models.Index(fields=["asked_at"], name="bureau_query_open", condition=Q(status="asked")),
        ]

    def __str__(self) -> str:
        return self.public_id


class BureauReport(models.Model):
    """One report: the bureau's own words sealed, and the figures read from them. Nothing changes it; the next one is another row."""

    POLICY = Policy(
        owner="risk",
        meaning=_("reports of the credit bureau"),
        retention=_("5y after the last contract ended"),
        personal={"content": "C2"},
        level=3,
        kind="C2",
        purposes=("underwriting", "servicing", "compliance"),
        basis="consent",
        lies_open=SUMMED,
        columns={
            "standing": _("What the bureau has on the person: a file, a thin one, a frozen one, none"),
            "disputed": _("Whether the person contests the file"),
            "content": Column(_("The report as it came: accounts with their months, and inquiries"), mask="none"),
            "as_of": _("Moment as of which the house counts it as known"),
            "inquiries_1m": _("Inquiries for credit within one month"),
            "inquiries_3m": _("Inquiries for credit within three months"),
            "inquiries_6m": _("Inquiries for credit within six months"),
            "open_accounts": _("Open accounts at all lenders"),
            "lenders": _("Lenders with an open account"),
            "limits": _("Limits and amounts lent over all accounts, CNY"),
            "balance": _("Owed over all accounts, CNY"),
            "monthly_due": _("Due a month over all accounts, CNY"),
            "overdue_now": _("Overdue now over all accounts, CNY"),
            "overdue_accounts": _("Accounts overdue now"),
            "worst_dpd_24m": _("Most days past due within 24 months, at any lender"),
            "oldest_months": _("Age of the oldest account, whole months"),
        },
    )

    class Standing(models.TextChoices):
        FULL = "full", pgettext_lazy("bureau report", "File")
        THIN = "thin", pgettext_lazy("bureau report", "Thin file")
        FROZEN = "frozen", pgettext_lazy("bureau report", "Frozen")
        UNKNOWN = "unknown", pgettext_lazy("bureau report", "Nobody of this identity")

    TONES: ClassVar[dict[str, str]] = {"full": "good", "thin": "caution", "frozen": "special", "unknown": "warn"}

    public_id = PublicIdField(prefix="BR")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    query = models.OneToOneField(BureauQuery, on_delete=models.PROTECT, related_name="report")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="bureau_reports", db_index=False)
    standing = models.CharField(max_length=8, choices=Standing)
    disputed = models.BooleanField(default=False)
    content = SealedTextField("risk.bureaureport.content", null=True, blank=True)
    as_of = models.DateTimeField()
    inquiries_1m = models.PositiveSmallIntegerField(null=True, blank=True)
    inquiries_3m = models.PositiveSmallIntegerField(null=True, blank=True)
    inquiries_6m = models.PositiveSmallIntegerField(null=True, blank=True)
    open_accounts = models.PositiveSmallIntegerField(null=True, blank=True)
    lenders = models.PositiveSmallIntegerField(null=True, blank=True)
    limits = MoneyField(null=True, blank=True)
    balance = MoneyField(null=True, blank=True)
    monthly_due = MoneyField(null=True, blank=True)
    overdue_now = MoneyField(null=True, blank=True)
    overdue_accounts = models.PositiveSmallIntegerField(null=True, blank=True)
    worst_dpd_24m = models.PositiveSmallIntegerField(null=True, blank=True)
    oldest_months = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="bureau_report_standing_known", condition=Q(standing__in=["full", "thin", "frozen", "unknown"])),
            models.CheckConstraint(
                name="bureau_report_figures_with_a_file",
                condition=Q(standing__in=["frozen", "unknown"], balance__isnull=True)
                | Q(standing__in=["full", "thin"], balance__isnull=False, overdue_now__isnull=False, inquiries_3m__isnull=False),
            ),
        ]
        indexes = [models.Index(F("customer"), F("as_of").desc(), F("id").desc(), name="bureau_report_latest")]

    def __str__(self) -> str:
        return self.public_id


class BureauCircuit(models.Model):
    """Whether the bureau is asked at all: one row for the house, so that every process stops when one of them has seen it fail."""

    POLICY = Policy(
        owner="risk",
        meaning=_("the breaker before the credit bureau"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "name": _("Which bureau it stands before"),
            "failures": _("Queries in a row without a certain answer"),
            "since": _("When it took its present state"),
        },
    )

    class Status(models.TextChoices):
        CLOSED = "closed", pgettext_lazy("breaker", "Asked as usual")
        OPEN = "open", pgettext_lazy("breaker", "Not asked for the moment")
        TRYING = "trying", pgettext_lazy("breaker", "One query tries again")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.CLOSED: {Status.OPEN},
        Status.OPEN: {Status.TRYING},
        Status.TRYING: {Status.OPEN, Status.CLOSED},
    }
    TONES: ClassVar[dict[str, str]] = {"closed": "good", "open": "bad", "trying": "caution"}

    name = models.CharField(max_length=20, unique=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.CLOSED)
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="bureau_circuit_status_known", condition=Q(status__in=["closed", "open", "trying"]))]

    def __str__(self) -> str:
        return self.name
