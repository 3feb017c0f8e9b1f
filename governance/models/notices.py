"""News for members of staff: what somebody did that another person should look at."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.models.identity import User


class Notice(models.Model):
    """One sentence and one link for one person. Holds codes and an address of ours, never a personal value."""

    POLICY = Policy(
        owner="governance",
        meaning=_("news for members of staff"),
        retention=_("180d"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "url": _("Page it leads to"),
            "facts": _("What the sentence is filled with: ids and codes"),
        },
    )

    public_id = PublicIdField(prefix="Z")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", db_index=False)
    code = models.CharField(max_length=60)
    key = models.CharField(max_length=80, help_text="what it is about: the same news is told a person once")
    url = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)
    actor = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="notice_once", fields=["user", "key"])]
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_of_user"),  # the list, newest first
            # the bell's figure: unread ones are few, whatever the years leave behind
            models.Index(fields=["user"], name="notice_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.public_id
