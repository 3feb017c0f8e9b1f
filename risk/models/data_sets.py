"""Data a model is trained on, and trainings."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.models import Job
from risk.models.scorecards import ModelKind, Scorecard, ScorecardVersion


class DataSetQuerySet(models.QuerySet["DataSet"]):
    def visible_to(self, user: Any) -> "DataSetQuerySet":
        """Narrow to what `user` may list: a data set covers people of every branch, so only who sees every row sees it."""
        return self if getattr(user, "scope", "") == "all" else self.none()

    def for_list(self) -> "DataSetQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        return self.select_related("owner").defer("columns", "problems")


class DataSet(models.Model):
    """A table with known outcomes that was brought in. The file lies sealed; of its cells the row keeps counts and bounds only."""

    POLICY = Policy(
        owner="risk",
        meaning=_("tables with known outcomes that models are trained on"),
        retention=_("10y after the last decision of a model trained on it"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "name": _("Name of the data set"),
            "file_name": _("Name of the file as it was put in"),
            "media_type": _("What kind of file it is"),
            "rows": _("How many rows it has"),
            "bad": _("How many rows ended badly"),
            "target": _("The column that says how it ended"),
            "columns": Column(_("Type, role, missing share and bounds of each column; no cell of a person"), mask="none"),
            "problems": _("What a reader should know of its columns"),
        },
    )

    public_id = PublicIdField(prefix="DS")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    file_name = models.CharField(max_length=120)
    storage_key = models.CharField(max_length=120)
    media_type = models.CharField(max_length=40)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    target = models.CharField(max_length=120)
    rows = models.PositiveIntegerField()
    bad = models.PositiveIntegerField()
    columns = models.JSONField(help_text="[{name, kind, role, missing, distinct, low, high}] in the order of the file")
    problems = models.JSONField(default=list, help_text="[{column, code, figures}]")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = DataSetQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="data_set_both_outcomes", condition=Q(bad__gt=0) & Q(rows__gt=models.F("bad"))),
        ]

    def __str__(self) -> str:
        return self.public_id

    def named(self, role: str) -> list[str]:
        """Return the columns that carry `role`, in the order of the file."""
        return [one["name"] for one in self.columns if one["role"] == role]


class TrainingQuerySet(models.QuerySet["Training"]):
    def visible_to(self, user: Any) -> "TrainingQuerySet":
        """Narrow to what `user` may list: as of the data sets."""
        return self if getattr(user, "scope", "") == "all" else self.none()

    def for_list(self) -> "TrainingQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        return self.select_related("job", "data_set", "scorecard", "started_by", "result__scorecard").defer(
            "data_set__columns", "data_set__problems", "result__content", "result__metrics", "result__proof"
        )


class Training(models.Model):
    """One fit of a model on a data set, with its settings and what came out. `base` is the version whose bins are changed, if it is one."""

    POLICY = Policy(
        owner="risk",
        meaning=_("trainings of models, with their settings"),
        retention=_("10y after the last decision of the model"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "plan": _("What was asked for: kind, folds, seed, columns left out"),
        },
    )

    class Kind(models.TextChoices):
        AUTO = "auto", pgettext_lazy("model", "the better one")
        SCORECARD = ModelKind.SCORECARD.value, ModelKind.SCORECARD.label
        LIGHTGBM = ModelKind.LIGHTGBM.value, ModelKind.LIGHTGBM.label

    public_id = PublicIdField(prefix="TR")
    data_set = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="trainings")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="trainings")
    base = models.ForeignKey(ScorecardVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    plan = models.JSONField(help_text="folds, seed, features, protected, time, segment, share approved")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    result = models.ForeignKey(ScorecardVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = TrainingQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["started_by", "-id"], name="training_of_user")]

    def __str__(self) -> str:
        return self.public_id
