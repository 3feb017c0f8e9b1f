"""Giving many cases to people at once."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm.lib.policy import Policy
from governance.models import Job, User


class AssignmentBatch(models.Model):
    """Cases to be given out, fixed when it was asked for, and how far that is. The job tells the person who asked."""

    POLICY = Policy(owner="collections", meaning="bulk assignments of cases", retention="1y")

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="assignment_batch")
    case_ids = ArrayField(models.BigIntegerField())
    people_ids = ArrayField(models.BigIntegerField(), help_text="whom they go to in turn; empty: back to everybody")
    next_index = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        indexes = [
            # the sweep takes up what a dead worker left
            models.Index(fields=["created_at"], name="assignment_unfinished", condition=models.Q(finished_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{len(self.case_ids)} cases"
