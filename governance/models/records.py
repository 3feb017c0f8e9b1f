"""Records that the machinery keeps: jobs, rules as data, idempotency keys, form receipts."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.models.identity import User, chinese


class Job(models.Model):
    """Long work with progress that goes on without the page."""

    POLICY = Policy(
        owner="governance",
        meaning=_("long work and how it went"),
        retention=_("1y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "title": _("What the job does, in words"),
            "total": _("How many things it has to do"),
            "done": _("How many it did"),
            "failed": _("How many it could not do"),
            "problems": _("What went wrong, by line; no personal values"),
            "result": _("What came out of it"),
        },
    )

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        PARTIAL = "partial", _("Partial")
        FAILED = "failed", _("Failed")

    public_id = PublicIdField(prefix="J")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    total = models.PositiveIntegerField(null=True)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    started_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="job_status_known", condition=Q(status__in=["waiting", "running", "done", "partial", "failed"]))
        ]
        indexes = [models.Index(fields=["started_by", "-id"], name="job_of_user")]  # "my jobs", newest first

    def __str__(self) -> str:
        return self.title

    @property
    def percent(self) -> int | None:
        return min(100, (self.done + self.failed) * 100 // self.total) if self.total else None

    @property
    def is_over(self) -> bool:
        return self.status in (self.Status.DONE, self.Status.PARTIAL, self.Status.FAILED)


class Rule(models.Model):
    """One value that law, regulation or policy sets, with its source and its dates."""

    POLICY = Policy(
        owner="governance",
        meaning=_("rules as data, with citation"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "value": _("The value of the rule"),
            "unit": _("Unit of the value"),
            "citation": _("Article the rule comes from"),
            "verification": _("Whether the article was read in the text"),
        },
    )

    class Verification(models.TextChoices):
        VERIFIED = "verified", _("Read in the text")
        SECONDARY = "secondary", _("Second-hand source")
        UNVERIFIED = "unverified", _("Not verified")
        POLICY = "policy", _("Own policy")

    code = models.CharField(max_length=60)
    value = models.JSONField(help_text="text for amounts and rates, so that they stay exact")
    unit = models.CharField(max_length=20)
    meaning_en = models.CharField(max_length=200)
    meaning_zh = models.CharField(max_length=200)
    citation = models.CharField(max_length=300, blank=True)
    verification = models.CharField(max_length=10, choices=Verification)
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, help_text="first day it no longer holds")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="rule_verification_known",
                condition=Q(verification__in=["verified", "secondary", "unverified", "policy"]),
            ),
            models.CheckConstraint(name="rule_law_has_citation", condition=Q(verification__in=["policy", "unverified"]) | ~Q(citation="")),
            ExclusionConstraint(
                name="rule_periods_do_not_overlap",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (
                        Func(
                            "effective_from",
                            "effective_to",
                            RangeBoundary(),
                            function="DATERANGE",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.meaning_zh if chinese() else self.meaning_en


class IdempotencyKey(models.Model):
    """An API request that was or is being answered under a key of the caller's choice."""

    POLICY = Policy(
        owner="governance",
        meaning=_("answers to repeated API requests"),
        retention=_("30d"),
        personal={"body": "C2"},
        level=2,
        kind="C1",
        purposes=("operation",),
        basis="contract",
        columns={
            "route": _("Which address was asked"),
            "body_hash": _("Hash of what was sent"),
            "body": Column(_("The answer, sealed as a whole"), mask="text"),
        },
    )

    caller = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=128)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(null=True, help_text="the answer, sealed")
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="idempotency_key_once", fields=["caller", "key"])]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]  # the nightly sweep

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class FormReceipt(models.Model):
    """A form that was sent: a second click on its button returns to the first result."""

    POLICY = Policy(
        owner="governance",
        meaning=_("results of sent forms"),
        retention=_("1d"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "location": _("Where the form led to"),
        },
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.UUIDField()
    location = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="form_receipt_once", fields=["user", "key"])]
        indexes = [models.Index(fields=["created_at"], name="form_receipt_age")]  # the nightly sweep

    def __str__(self) -> str:
        return str(self.key)
