"""Links by which a person who was invited chooses a password."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Policy
from governance.models.identity import User


class Invitation(models.Model):
    """One link for one person, once, until a moment. Only the hash of its token is kept."""

    POLICY = Policy(
        owner="governance",
        meaning=_("invitations of staff"),
        retention=_("1y after use"),
        level=2,
        kind="C1",
        purposes=("staff",),
        basis="employment",
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="used, or replaced by a newer one")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="invitation_one_open", fields=["user"], condition=Q(ended_at__isnull=True)),
            models.CheckConstraint(name="invitation_expires_later", condition=Q(expires_at__gt=F("made_at"))),
            models.CheckConstraint(name="invitation_used_is_over", condition=Q(used_at__isnull=True) | Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
