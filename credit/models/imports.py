"""Files of applications brought in."""

import uuid

from django.db import models
from django.db.models import Q

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.fields import SealedTextField
from governance.models import Job, LegalEntity, Partner, Team, User


class ImportBatch(models.Model):
    """One file of applications. Its text is sealed, and emptied when the last line is done."""

    POLICY = Policy(
        owner="credit", meaning="files of applications brought in", retention="text until done, the rest 1y", personal={"content": "C2"}
    )

    public_id = PublicIdField(prefix="B")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    partner = models.ForeignKey(Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    content = SealedTextField("credit.importbatch.content", null=True, blank=True)
    lines = models.PositiveIntegerField(help_text="without the heading")
    next_line = models.PositiveIntegerField(default=0, help_text="how many lines are done; a restart goes on from here")
    created = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0, help_text="lines whose application was there before")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        indexes = [
            # what the sweeper looks for
            models.Index(fields=["id"], name="import_batch_unfinished", condition=Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.public_id
