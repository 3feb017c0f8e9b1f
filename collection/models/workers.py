"""What a supervisor knows of a collector: languages, skills, how many cases they carry."""

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Policy
from governance.models import User

DAILY_CONTACTS = 60  # of a full day, where nothing else was said of a person


def weekdays() -> list[int]:
    return [0, 1, 2, 3, 4]


class Collector(models.Model):
    """How a person works cases: nothing said of a language or a skill means any."""

    POLICY = Policy(
        owner="collections",
        meaning=_("languages, skills and load of collectors"),
        retention=_("while the person works here, then 1y"),
        level=2,
        kind="C1",
        purposes=("collections",),
        basis="contract",
        columns={
            "languages": _("Languages the person speaks with customers"),
            "skills": _("Kinds of cases the person is trained for"),
            "most_cases": _("How many open cases the person carries at most"),
            "daily_contacts": _("How many contacts the person makes on a full day"),
            "works_from": _("When the person's day begins"),
            "works_until": _("When the person's day ends"),
            "workdays": _("Days of the week the person works, Monday 0"),
        },
    )

    class Skill(models.TextChoices):
        EARLY = "early", _("Early arrears (M1, M2)")
        LATE = "late", _("Late arrears (M3 and graver)")
        HARDSHIP = "hardship", _("Hardship and vulnerable customers")
        LARGE = "large", _("Large amounts")

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="collector")
    languages = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    skills = ArrayField(models.CharField(max_length=10, choices=Skill), default=list, blank=True)
    most_cases = models.PositiveIntegerField(null=True, blank=True)
    daily_contacts = models.PositiveSmallIntegerField(default=DAILY_CONTACTS)
    works_from = models.TimeField(default=time(9))
    works_until = models.TimeField(default=time(18))
    workdays = ArrayField(models.PositiveSmallIntegerField(), default=weekdays)
    version = models.PositiveIntegerField(default=1)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="collector_carries_something", condition=Q(most_cases__isnull=True) | Q(most_cases__gt=0)),
            models.CheckConstraint(name="collector_day_has_hours", condition=Q(works_until__gt=F("works_from"))),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"
