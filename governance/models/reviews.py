"""Campaigns in which somebody looks at each grant and says whether it shall stand."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models.identity import Role, Team, User


class AccessReview(models.Model):
    """One campaign: which people's grants, until when."""

    POLICY = Policy(
        owner="governance",
        meaning=_("access reviews"),
        retention=_("10y"),
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "title": _("What the review is called"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("access review", "Under way")
        DONE = "done", pgettext_lazy("access review", "Done")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.OPEN: {Status.DONE}, Status.DONE: set()}
    TONES: ClassVar[dict[str, str]] = {"open": "info", "done": "good"}

    public_id = PublicIdField(prefix="AR")
    title = models.CharField(max_length=100)
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="with those below; empty: every one"
    )
    role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="empty: every one")
    due_on = models.DateField()
    status = models.CharField(max_length=4, choices=Status, default=Status.OPEN)
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="access_review_status_known", condition=Q(status__in=["open", "done"]))]

    def __str__(self) -> str:
        return self.title


class ReviewedGrant(models.Model):
    """One person's grant in a campaign, as it stood when it was put before the reviewer, and the answer."""

    POLICY = Policy(
        owner="governance",
        meaning=_("answers of access reviews"),
        retention=_("10y"),
        personal={"words": "C1"},
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "verdict": _("Whether the grant was confirmed or revoked"),
            "words": Column(_("What the reviewer said of it"), mask="text", encrypted=True),
        },
    )

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed", pgettext_lazy("grant", "Confirmed")
        REVOKED = "revoked", pgettext_lazy("grant", "Revoked")

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    review = models.ForeignKey(AccessReview, on_delete=models.PROTECT, related_name="grants")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="+")
    approval_limit = MoneyField(null=True, blank=True)
    verdict = models.CharField(max_length=9, choices=Verdict, blank=True)
    words = SealedTextField("governance.reviewedgrant.words", null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="reviewed_grant_once", fields=["review", "user"]),
            models.CheckConstraint(
                name="reviewed_grant_by_another",
                condition=Q(verdict="", decided_by__isnull=True)
                | Q(verdict__in=["confirmed", "revoked"], decided_by__isnull=False) & ~Q(decided_by=F("user")),
            ),
        ]
        indexes = [
            # what waits for reviewers, over all campaigns
            models.Index(fields=["review"], name="reviewed_grant_waits", condition=Q(verdict="")),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"
