"""Proofs of equality of a model, each made by a job of its own."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Policy
from governance.models import Job
from risk.models.scorecards import ScorecardVersion


class ModelProofQuerySet(models.QuerySet["ModelProof"]):
    def visible_to(self, user: Any) -> "ModelProofQuerySet":
        """Narrow to what `user` may read: as of the versions they are about."""
        return self if getattr(user, "is_active", False) else self.none()


class ModelProof(models.Model):
    """What a job found when the libraries scored a version's own data: how far our reading is off, and how it treats groups."""

    POLICY = Policy(
        owner="risk",
        meaning=_("proofs that our reading of a model scores as the libraries do, with its treatment of groups"),
        retention=_("10y after the last decision of the model"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "sha256": _("Hash of the content it was made of; a later content needs another proof"),
            "result": _("Rows compared, largest difference, the library"),
            "fairness": _("Groups at the cut-off of the live strategies: approval and errors, as sums"),
        },
    )

    version = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="proofs")
    sha256 = models.CharField(max_length=64)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    result = models.JSONField(default=dict, blank=True, help_text="rows, max_abs_diff, tolerance, against, at; empty until the job is done")
    fairness = models.JSONField(
        default=list, blank=True, help_text="by live strategy: its cut-off, and a table for each protected attribute"
    )
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = ModelProofQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["version", "-id"], name="model_proof_of_version")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.sha256[:12]}"
