"""What happens to people's rights over time: a leaver's work handed on."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.fields import SealedTextField
from governance.models.identity import User
from governance.models.records import Job


class Offboarding(models.Model):
    """A leaver's work goes to others; then the account is suspended and its sessions end."""

    POLICY = Policy(owner="governance", meaning="leavers and who took over what", retention="10y", personal={"reason": "C1"})

    class Status(models.TextChoices):
        RUNNING = "running", pgettext_lazy("leaving", "Under way")
        DONE = "done", pgettext_lazy("leaving", "Done")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RUNNING: {Status.DONE}, Status.DONE: set()}
    TONES: ClassVar[dict[str, str]] = {"running": "info", "done": "good"}

    public_id = PublicIdField(prefix="OB")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    takers = models.JSONField(default=dict, help_text="holding → id of who takes it over; nothing for what ends or goes back to everybody")
    reason = SealedTextField("governance.offboarding.reason")
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    ordered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="offboarding_status_known", condition=Q(status__in=["running", "done"])),
            models.CheckConstraint(name="offboarding_by_another", condition=~Q(user=F("ordered_by"))),
            models.UniqueConstraint(name="offboarding_one_running", fields=["user"], condition=Q(status="running")),
        ]

    def __str__(self) -> str:
        return self.public_id
