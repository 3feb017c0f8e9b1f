"""Two versions of a treatment strategy held against each other on the cases of a day, before anything is released."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from collection.models.case import Case
from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.models import Job, LegalEntity, User
from risk.models import StrategyVersion


class DryRunQuerySet(models.QuerySet["TreatmentDryRun"]):
    def visible_to(self, user: Any) -> "DryRunQuerySet":
        """Sums of one lender: its own people see them, and who works for no team sees each."""
        if not getattr(user, "is_active", False):
            return self.none()
        return self.filter(legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> "DryRunQuerySet":
        return self.select_related("base__strategy", "draft__strategy", "job", "made_by")


class TreatmentDryRun(models.Model):
    """What a version would do with the cases of now beside what another does. Sums only; nothing is written to a case."""

    POLICY = Policy(
        owner="collections",
        meaning=_("dry runs of treatment strategies"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "base_sha": _("Hash of the version it is held against"),
            "draft_sha": _("Hash of the version that is tried"),
            "result": _("Counts and sums of both versions"),
        },
    )

    public_id = PublicIdField(prefix="TD")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    base = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    draft = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    base_sha = models.CharField(max_length=64)
    draft_sha = models.CharField(max_length=64)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+")
    result = models.JSONField(null=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = DryRunQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.CheckConstraint(name="treatment_dry_run_of_two", condition=~Q(base=F("draft")))]

    def __str__(self) -> str:
        return self.public_id


class TreatmentDryRunCase(models.Model):
    """A case that another version would treat otherwise, or that a version could not judge: some of each cell of a dry run."""

    POLICY = Policy(
        owner="collections",
        meaning=_("cases that another treatment strategy would treat otherwise"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={"cell": _("From which path to which"), "why": _("Why a version could not judge, as codes")},
    )

    PERSON = "case__customer"

    run = models.ForeignKey(TreatmentDryRun, on_delete=models.PROTECT, related_name="cases", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", db_index=False)
    cell = models.PositiveSmallIntegerField(help_text="number of the cell in the result of the run")
    why = models.CharField(max_length=200, blank=True, default="")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(name="treatment_dry_run_case_once", fields=["run", "cell", "case"])]

    def __str__(self) -> str:
        return f"{self.run_id} {self.case_id}"
