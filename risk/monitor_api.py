"""Monitoring over HTTP: the figures of a version month by month, and alerts with their life."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import Invalid
from governance.asked import caller
from governance.idempotency import idempotent
from risk import alerts, monitor_pages
from risk.models import MonitorRun, RiskAlert
from risk.permissions import RUN_MONITORING, VIEW_MONITORING

VERSION = OpenApiParameter("version", OpenApiTypes.INT, description="number of the version; default: every one that was watched")


class MonitorRunOut(serializers.ModelSerializer):
    """What monitoring found of a version in a month, as of its last run."""

    version = serializers.SerializerMethodField(help_text="number of the version")
    figures = serializers.DictField(help_text="counts by bin, stability indices, measures with their intervals; nothing of a person")

    class Meta:
        model = MonitorRun
        fields = ("version", "month", "on", "decisions", "figures", "made_at", "took_ms")

    @extend_schema_field(serializers.IntegerField())
    def get_version(self, run: MonitorRun) -> int:
        version: Any = run.scorecard_version or run.strategy_version
        return int(version.number)


class MonitorRunsOut(serializers.Serializer):
    results = MonitorRunOut(many=True)


class Watched:
    """Adds `monitoring` to the view of models or strategies: the last run of each version and of each of the last twelve months."""

    watched: str  # the field of a run that names the version, and the parent beyond it
    parent: str

    @extend_schema(parameters=[VERSION], responses={200: MonitorRunsOut}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def monitoring(self, request: Request, public_id: str) -> Response:
        """The last run of each version and of each of the last twelve months, the earliest month first."""
        of: dict[str, Any] = {f"{self.watched}__{self.parent}": self.get_object()}  # type: ignore[attr-defined]
        if asked := request.query_params.get("version"):
            if not (asked.isascii() and asked.isdigit() and len(asked) < 6):
                sentence = _("There is no such version.")
                raise Invalid(sentence, fields={"version": sentence})
            of[f"{self.watched}__number"] = int(asked)
        found = sorted(monitor_pages.runs(until=localdate(), **of), key=lambda run: run.month)
        return Response(MonitorRunsOut({"results": found}).data)


class RiskAlertOut(serializers.ModelSerializer):
    """Something that left its bounds: what, how far, where the bound lay, and what was done about it."""

    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    level = serializers.CharField(help_text="watch or act")
    status = serializers.CharField(help_text="open, acknowledged or closed")
    reason = serializers.CharField(help_text="why it was closed")
    model = serializers.CharField(source="scorecard_version.scorecard.public_id", default=None, allow_null=True)
    model_version = serializers.IntegerField(source="scorecard_version.number", default=None, allow_null=True)
    strategy = serializers.CharField(source="strategy_version.strategy.public_id", default=None, allow_null=True)
    strategy_version = serializers.IntegerField(source="strategy_version.number", default=None, allow_null=True)
    customer = serializers.CharField(source="customer.public_id", default=None, allow_null=True)
    acknowledged_by = serializers.CharField(source="acknowledged_by.username", default=None, allow_null=True)
    closed_by = serializers.CharField(source="closed_by.username", default=None, allow_null=True)

    class Meta:
        model = RiskAlert
        fields = (
            "id", "kind", "level", "status", "feature", "value", "threshold", "model", "model_version", "strategy", "strategy_version",
            "customer", "opened_at", "seen_on", "passed_on", "acknowledged_by", "acknowledged_at", "closed_by", "closed_at", "reason",
        )  # fmt: skip


class AlertCloseIn(serializers.Serializer):
    reason = serializers.ChoiceField(choices=RiskAlert.Reason.choices)
    words = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True, help_text="what was done")


class RiskAlertViewSet(DoorViewSet):
    """Alerts of monitoring and early warnings."""

    serializer_class = RiskAlertOut
    queryset = RiskAlert.objects.none()
    needs = {"list": VIEW_MONITORING, "retrieve": VIEW_MONITORING, "acknowledge": RUN_MONITORING, "close": RUN_MONITORING}

    def get_queryset(self) -> QuerySet[RiskAlert]:
        return RiskAlert.objects.visible_to(self.request.user).for_list()

    @extend_schema(request=None, responses={200: RiskAlertOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def acknowledge(self, request: Request, public_id: str) -> Response:
        """Take an alert in hand."""
        alert: Any = self.get_object()
        return Response(RiskAlertOut(alerts.acknowledge(alert, actor=caller(request), at=now())).data)

    @extend_schema(request=AlertCloseIn, responses={200: RiskAlertOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def close(self, request: Request, public_id: str) -> Response:
        """Close an alert with a reason. Found again, it opens as another."""
        alert: Any = self.get_object()
        return Response(RiskAlertOut(alerts.close(alert, **checked(AlertCloseIn, request), actor=caller(request), at=now())).data)


VIEWSETS = {"risk-alerts": RiskAlertViewSet}
