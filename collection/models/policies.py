"""Drafts of the contact policy, and what a draft would have done to the contacts that were made."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.models import Job, LegalEntity, User


class PolicyDraftQuerySet(models.QuerySet["PolicyDraft"]):
    def visible_to(self, user: Any) -> "PolicyDraftQuerySet":
        """Rules are the house's: who may see them at all, sees every draft."""
        return self


class PolicyDraft(models.Model):
    """Own caps on contact and a choice of rule pack, as they might be. In force only once a second person has confirmed it."""

    POLICY = Policy(
        owner="collections",
        meaning=_("drafts of the contact policy"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "title": _("What the draft is called"),
            "values": _("The value of each rule, by its code"),
            "since": _("Day from which it shall hold"),
        },
    )

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PROPOSED = "proposed", _("Waits for a second person")
        LIVE = "live", _("In force")
        DROPPED = "dropped", _("Dropped")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.DRAFT: {Status.PROPOSED, Status.DROPPED},
        Status.PROPOSED: {Status.DRAFT, Status.LIVE},
        Status.LIVE: set(),
        Status.DROPPED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"draft": "neutral", "proposed": "info", "live": "good", "dropped": "neutral"}

    public_id = PublicIdField(prefix="KD")
    title = models.CharField(max_length=80)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    values = models.JSONField()
    since = models.DateField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    objects = PolicyDraftQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="policy_draft_status_known", condition=Q(status__in=["draft", "proposed", "live", "dropped"])),
        ]

    def __str__(self) -> str:
        return self.public_id


class PolicyReplay(models.Model):
    """The contacts of a span of days held against a draft: what it would have refused, and what came after. Sums only, no person."""

    POLICY = Policy(
        owner="collections",
        meaning=_("replays of past contacts under a draft of the contact policy"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "since": _("First day looked at"),
            "until": _("Last day looked at"),
            "values": _("The values that were tried, by code"),
            "result": _("Counts and sums of the replay"),
        },
    )

    public_id = PublicIdField(prefix="KR")
    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="replays")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField()
    values = models.JSONField()
    result = models.JSONField(null=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="policy_replay_ends_later", condition=Q(until__gte=models.F("since")))]

    def __str__(self) -> str:
        return self.public_id
