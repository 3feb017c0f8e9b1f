"""What the coming days need of the team, and what the team can give: one row a day and lender."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from collection.models.assignment import OfHouseQuerySet
from crm.lib.policy import Policy
from governance.models import LegalEntity


class CapacityDay(models.Model):
    """The plan of a morning: contacts needed against capacity for the days ahead, cases expected to roll, what can be done. Sums only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("capacity plans of the collectors, by morning"),
        retention=_("5y"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "on": _("Business date it was made for"),
            "days": _("Each coming day: contacts needed and why, people present, contacts they make"),
            "rolls": _("Each bucket: cases, rate of the house's history, cases expected to roll by day"),
            "made_at": _("When it was made"),
        },
    )

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    on = models.DateField()
    days = models.JSONField()
    rolls = models.JSONField()
    made_at = models.DateTimeField()

    objects = OfHouseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="capacity_day_once", fields=["legal_entity", "on"])]

    def __str__(self) -> str:
        return f"{self.on}"
