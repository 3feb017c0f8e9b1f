"""What one person proposes and another confirms, and which duties never meet in one role."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models.identity import User, chinese


class ChangeRequest(models.Model):
    """A change that waits for a second person. The database refuses the maker as the checker."""

    POLICY = Policy(
        owner="governance",
        meaning=_("changes that need a second person, with what stood before and what shall stand"),
        retention=_("10y"),
        personal={"reason": "C1", "answer": "C1"},
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "subject": _("What the change is about, as a code"),
            "before": _("What stood before"),
            "after": _("What shall stand"),
            "reason": Column(_("Why it was proposed"), mask="text", encrypted=True),
            "answer": Column(_("What the second person said"), mask="text", encrypted=True),
            "alone": _("Whether it came into force without a second person"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("change", "Waits for a second person")
        CONFIRMED = "confirmed", pgettext_lazy("change", "Confirmed")
        REFUSED = "refused", pgettext_lazy("change", "Refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("change", "Withdrawn")
        EXPIRED = "expired", pgettext_lazy("change", "Expired")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.CONFIRMED, Status.REFUSED, Status.WITHDRAWN, Status.EXPIRED},
        Status.CONFIRMED: set(),
        Status.REFUSED: set(),
        Status.WITHDRAWN: set(),
        Status.EXPIRED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "info", "confirmed": "good", "refused": "bad", "withdrawn": "neutral", "expired": "caution"}

    public_id = PublicIdField(prefix="CR")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40, help_text="which door; see governance.changes.KINDS")
    subject = models.CharField(max_length=60, help_text="the code or public id of what changes")
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    before = models.JSONField(default=dict, help_text="what stood when it was proposed")
    after = models.JSONField(default=dict, help_text="what shall stand")
    reason = SealedTextField("governance.changerequest.reason")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="the last moment it can be confirmed")
    answer = SealedTextField("governance.changerequest.answer", null=True, blank=True, help_text="the checker's words")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    alone = models.BooleanField(default=False, help_text="made when nobody else could confirm it")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="change_one_open", fields=["kind", "subject"], condition=Q(status="open")),
            models.CheckConstraint(
                name="change_status_known", condition=Q(status__in=["open", "confirmed", "refused", "withdrawn", "expired"])
            ),
            models.CheckConstraint(
                name="change_checked_by_another",
                condition=~Q(status__in=["confirmed", "refused"])
                | (Q(decided_by__isnull=False) & (~Q(decided_by=F("made_by")) | Q(alone=True, status="confirmed"))),
            ),
        ]
        indexes = [
            # the inbox, newest first, and the daily look for what nobody answered
            models.Index(fields=["status", "made_at"], name="change_inbox"),
        ]

    def __str__(self) -> str:
        return self.public_id


class DutyPair(models.Model):
    """Two permissions that no role may hold together."""

    POLICY = Policy(
        owner="governance",
        meaning=_("duties that are kept apart"),
        retention=_("for ever"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "first": _("One permission of the pair"),
            "second": _("The other permission of the pair"),
            "source": _("Where the rule comes from, and whether that was verified"),
        },
    )

    code = models.CharField(max_length=40, unique=True)
    first = models.CharField(max_length=60)
    second = models.CharField(max_length=60)
    meaning_en = models.CharField(max_length=200)
    meaning_zh = models.CharField(max_length=200)
    source = models.CharField(max_length=200, help_text="where it comes from, and whether that was verified")
    is_active = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="duty_pair_of_two", condition=~Q(first=F("second")))]

    def __str__(self) -> Any:
        return self.meaning_zh if chinese() else self.meaning_en
