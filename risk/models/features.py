"""What features looked like on a day: the catalogue's figures."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Policy


class FeatureStat(models.Model):
    """How the values of one feature were spread on a day, and how well they tell good from bad. Counts only, nobody's value."""

    POLICY = Policy(
        owner="risk",
        meaning=_("distribution of each feature by day"),
        retention=_("5y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "name": _("Name of the feature"),
            "measured_on": _("Day the values are as of"),
            "people": _("How many customers were looked at"),
            "missing": _("How many of them have no value"),
            "bins": _("How many values lie in which span, and how many of these turned out good and bad"),
            "iv": _("Information value against the outcome"),
            "outcome": _("What counted as bad, and how many turned out so"),
        },
    )

    name = models.CharField(max_length=40)
    measured_on = models.DateField()
    computed_at = models.DateTimeField()
    people = models.PositiveIntegerField()
    missing = models.PositiveIntegerField()
    bins = models.JSONField(default=list)
    iv = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    outcome = models.JSONField(default=dict)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="feature_stat_once_a_day", fields=["name", "measured_on"]),
            models.CheckConstraint(name="feature_stat_missing_within", condition=Q(missing__lte=F("people"))),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.measured_on}"
