"""Columns that every contract record carries: whose books, which office, how it came, who answers for it."""

from typing import Any, TypeVar

from django.db import models

from governance.models import LegalEntity, Partner, Team, User
from governance.models.identity import Channel
from governance.scope import ScopedQuerySet

M = TypeVar("M", bound=models.Model)


class CreditQuerySet(ScopedQuerySet[M]):
    """Scope by responsible user and branch."""

    scope_owner = "owner"
    scope_team = "branch"


class Belonging(models.Model):
    """Legal entity, branch, channel, partner and responsible user of a record."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.BRANCH)
    partner = models.ForeignKey(Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def belongs(self) -> dict[str, Any]:
        """Return these columns, for the record that grows out of this one."""
        return {
            "legal_entity_id": self.legal_entity_id,
            "branch_id": self.branch_id,
            "channel": self.channel,
            "partner_id": self.partner_id,
            "owner_id": self.owner_id,
        }
