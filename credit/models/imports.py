"""Files of lines that a worker works through: what every such file keeps, and the files of applications."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models import Job, LegalEntity, Partner, Team, User


class FileOfLines(models.Model):
    """What `credit/batches.py` needs of a file: its sealed text until the last line is done, and how far the work is."""

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    lines = models.PositiveIntegerField(help_text="without the heading")
    next_line = models.PositiveIntegerField(default=0, help_text="how many lines are done; a restart goes on from here")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return self.public_id  # type: ignore[attr-defined,no-any-return]


class ImportBatch(FileOfLines):
    """One file of applications. Its text is sealed, and emptied when the last line is done."""

    POLICY = Policy(
        owner="credit",
        meaning=_("files of applications brought in"),
        retention=_("text until done, the rest 1y"),
        personal={"content": "C2"},
        level=2,
        kind="C1",
        purposes=("onboarding", "underwriting"),
        basis="contract",
        columns={
            "file_name": _("Name of the file as it was put in"),
            "content": Column(_("Lines of the file until they are done"), mask="text"),
            "created": _("How many applications were made"),
        },
    )
    COUNTERS = ("created", "known")

    public_id = PublicIdField(prefix="B")
    branch = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    partner = models.ForeignKey(Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    content = SealedTextField("credit.importbatch.content", null=True, blank=True)
    created = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0, help_text="lines whose application was there before")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        indexes = [
            # what the sweeper looks for
            models.Index(fields=["id"], name="import_batch_unfinished", condition=Q(finished_at__isnull=True)),
        ]
