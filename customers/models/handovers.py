"""Moving customers and their open work from one person, or branch, to another."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models import Job, LegalEntity, Team, User


class Handover(models.Model):
    """One order to move customers: those chosen, or all of a person; how far it is stands in its job."""

    POLICY = Policy(
        owner="customers",
        meaning=_("hand-overs of customers between people"),
        retention=_("10y"),
        personal={"note": "C2"},
        level=2,
        kind="C1",
        purposes=("service",),
        basis="contract",
        columns={
            "everything": _("Whether all customers go over"),
            "chosen": _("Keys of the customers that go over"),
            "reason": _("Why they go over"),
            "note": Column(_("What the next person should know"), mask="text"),
        },
    )

    class Reason(models.TextChoices):
        LEFT = "left", _("The person leaves")
        MOVED = "moved", _("The customer moved to another branch")
        WORKLOAD = "workload", _("Balance of work")
        ABSENCE = "absence", _("Long absence")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RUNNING: {Status.DONE}, Status.DONE: set()}

    public_id = PublicIdField(prefix="H")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    giver = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", help_text="empty: whoever owns them")
    taker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="+", help_text="empty: each stays in its own")
    everything = models.BooleanField(default=False, help_text="all customers and all open work of the giver")
    chosen = ArrayField(models.BigIntegerField(), default=list, help_text="ids of customers still to be moved")
    reason = models.CharField(max_length=10, choices=Reason)
    note = SealedTextField("customers.handover.note", null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    ordered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="handover_status_known", condition=Q(status__in=["running", "done"])),
            models.CheckConstraint(name="handover_to_somebody_else", condition=Q(giver__isnull=True) | ~Q(giver=F("taker"))),
            models.CheckConstraint(name="handover_everything_of_whom", condition=Q(everything=False) | Q(giver__isnull=False)),
        ]
        indexes = [
            models.Index(fields=["id"], name="handover_unfinished", condition=Q(status="running")),  # the sweeper's question
        ]

    def __str__(self) -> str:
        return self.public_id
