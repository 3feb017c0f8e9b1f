"""Strategies over HTTP, for reading: which there are, their versions and where each stands."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.lib.api import DoorViewSet
from risk.models import Strategy, StrategyVersion
from risk.monitor_api import Watched
from risk.permissions import VIEW_MONITORING, VIEW_STRATEGY


class StrategyVersionOut(serializers.ModelSerializer):
    """One version: where it stands, what changed, the hash of its content."""

    class Meta:
        model = StrategyVersion
        fields = ("number", "status", "note", "sha256", "scorecard_code", "created_at", "decided_at", "release_at", "live_at", "retired_at")


class StrategyOut(serializers.ModelSerializer):
    """A credit policy with its versions, the newest first."""

    id = serializers.CharField(source="public_id")
    live_version = serializers.SerializerMethodField()
    versions = StrategyVersionOut(source="listed_versions", many=True)

    class Meta:
        model = Strategy
        fields = ("id", "code", "name_en", "name_zh", "live_version", "versions")

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_live_version(self, strategy: Any) -> int | None:
        return next((one.number for one in strategy.listed_versions if one.status == "live"), None)


class StrategyViewSet(Watched, DoorViewSet):
    """The strategies and their versions."""

    serializer_class = StrategyOut
    queryset = Strategy.objects.none()
    needs = {"list": VIEW_STRATEGY, "retrieve": VIEW_STRATEGY, "monitoring": VIEW_MONITORING}
    watched, parent = "strategy_version", "strategy"

    def get_queryset(self) -> QuerySet[Strategy]:
        versions = StrategyVersion.objects.defer("graph", "input_schema", "reasons", "evidence").order_by("-number")
        return Strategy.objects.visible_to(self.request.user).prefetch_related(Prefetch("versions", versions, to_attr="listed_versions"))


VIEWSETS = {"strategies": StrategyViewSet}
