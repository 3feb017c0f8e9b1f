"""Models, data sets and trainings over HTTP: reading, and the two steps of a second and a third person."""

from typing import Any

from django.db.models import Prefetch
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import NotFound
from governance.asked import caller
from governance.idempotency import idempotent
from risk import model_states
from risk.models import DataSet, Scorecard, ScorecardVersion, Training
from risk.monitor_api import Watched
from risk.permissions import APPROVE_MODEL, VALIDATE_MODEL, VIEW_MONITORING, VIEW_STRATEGY

MOST_NUMBER = 100_000


class ModelVersionOut(serializers.ModelSerializer):
    """One version of a model: who answers for it, and how good it is on rows not seen."""

    developer = serializers.CharField(source="developer.username", default=None, allow_null=True, help_text="none: the house's own")
    validator = serializers.CharField(source="validator.username", default=None, allow_null=True)
    approver = serializers.CharField(source="approver.username", default=None, allow_null=True)
    data_set = serializers.CharField(source="data_set.public_id", default=None, allow_null=True)
    auc = serializers.SerializerMethodField(help_text="on rows not seen in training")
    ks = serializers.SerializerMethodField()

    class Meta:
        model = ScorecardVersion
        fields = (
            "number", "kind", "status", "tier", "developer", "validator", "approver", "data_set", "auc", "ks", "sha256", "data_sha256",
            "created_at", "validated_at", "approved_at", "live_at", "retired_at", "review_due", "note",
        )  # fmt: skip

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_auc(self, version: ScorecardVersion) -> Any:
        return version.metrics.get("holdout", {}).get("auc")

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_ks(self, version: ScorecardVersion) -> Any:
        return version.metrics.get("holdout", {}).get("ks")


class ModelOut(serializers.ModelSerializer):
    """A model with its versions, the newest first."""

    id = serializers.CharField(source="public_id")
    versions = serializers.SerializerMethodField()

    class Meta:
        model = Scorecard
        fields = ("id", "code", "name_en", "name_zh", "versions")

    @extend_schema_field(ModelVersionOut(many=True))
    def get_versions(self, model: Scorecard) -> Any:
        return ModelVersionOut(sorted(model.versions.all(), key=lambda one: -one.number), many=True).data


class DataSetOut(serializers.ModelSerializer):
    """A data set and what its columns are for; nothing of its rows."""

    id = serializers.CharField(source="public_id")
    features = serializers.SerializerMethodField()
    protected = serializers.SerializerMethodField()

    class Meta:
        model = DataSet
        fields = ("id", "name", "file_name", "rows", "bad", "target", "sha256", "features", "protected", "created_at")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_features(self, data_set: DataSet) -> list[str]:
        return data_set.named("feature")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_protected(self, data_set: DataSet) -> list[str]:
        return data_set.named("protected")


class TrainingOut(serializers.ModelSerializer):
    """A training: how far it is, and which version came out."""

    id = serializers.CharField(source="public_id")
    data_set = serializers.CharField(source="data_set.public_id")
    model = serializers.CharField(source="scorecard.public_id")
    status = serializers.CharField(source="job.status")
    done = serializers.IntegerField(source="job.done")
    total = serializers.IntegerField(source="job.total")
    version = serializers.IntegerField(source="result.number", default=None, allow_null=True)

    class Meta:
        model = Training
        fields = ("id", "data_set", "model", "kind", "status", "done", "total", "version", "created_at")


class ValidationIn(serializers.Serializer):
    number = serializers.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="of the version")
    report = serializers.CharField(max_length=4000)
    checklist = serializers.ListField(child=serializers.ChoiceField(choices=list(model_states.CHECKS)), max_length=20)
    tier = serializers.IntegerField(min_value=1, max_value=3)


class ApprovalIn(serializers.Serializer):
    number = serializers.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="of the version")
    text = serializers.CharField(max_length=2000)
    fairness_reason = serializers.CharField(max_length=400, required=False, default="", allow_blank=True)
    review_due = serializers.DateField(required=False, default=None, allow_null=True, help_text="default: in a year")


class ModelViewSet(Watched, DoorViewSet):
    """The inventory of models."""

    serializer_class = ModelOut
    queryset = Scorecard.objects.none()
    needs = {
        "list": VIEW_STRATEGY,
        "retrieve": VIEW_STRATEGY,
        "validate": VALIDATE_MODEL,
        "approve": APPROVE_MODEL,
        "monitoring": VIEW_MONITORING,
    }
    watched, parent = "scorecard_version", "scorecard"

    def get_queryset(self) -> Any:
        rows = ScorecardVersion.objects.visible_to(self.request.user).select_related("developer", "validator", "approver", "data_set")
        light = rows.defer("content", "proof", "data_set__columns", "data_set__problems")
        return Scorecard.objects.prefetch_related(Prefetch("versions", light)).order_by("pk")

    @extend_schema(request=ValidationIn, responses={200: ModelVersionOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def validate(self, request: Request, public_id: str) -> Response:
        """Validate a draft that somebody else developed."""
        model, body = self.get_object(), checked(ValidationIn, request)
        version = _version(model, body.pop("number"))
        model_states.validate(version, actor=caller(request), at=now(), **body)
        return Response(ModelVersionOut(version).data)

    @extend_schema(request=ApprovalIn, responses={200: ModelVersionOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, public_id: str) -> Response:
        """Approve a validated version as the third person."""
        model, body = self.get_object(), checked(ApprovalIn, request)
        version = _version(model, body.pop("number"))
        model_states.approve(version, actor=caller(request), at=now(), **body)
        return Response(ModelVersionOut(version).data)


def _version(model: Scorecard, number: int) -> ScorecardVersion:
    """Return a version of a model.

    :raises NotFound: if it has none of that number
    """
    found = model.versions.select_related("scorecard", "data_set").filter(number=number).first()
    if found is None:
        raise NotFound(_("This model has no version %(number)s.") % {"number": number})
    return found


class DataSetViewSet(DoorViewSet):
    """The data sets models are trained on."""

    serializer_class = DataSetOut
    queryset = DataSet.objects.none()
    needs = {"list": VIEW_STRATEGY, "retrieve": VIEW_STRATEGY}

    def get_queryset(self) -> Any:
        return DataSet.objects.visible_to(self.request.user).order_by("pk")


class TrainingViewSet(DoorViewSet):
    """The trainings of models."""

    serializer_class = TrainingOut
    queryset = Training.objects.none()
    needs = {"list": VIEW_STRATEGY, "retrieve": VIEW_STRATEGY}

    def get_queryset(self) -> Any:
        return Training.objects.visible_to(self.request.user).for_list().order_by("pk")


VIEWSETS = {"models": ModelViewSet, "data-sets": DataSetViewSet, "trainings": TrainingViewSet}
