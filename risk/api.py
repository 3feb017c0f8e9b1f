"""Decisions over HTTP, for clients that follow an application: reading only."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers, viewsets

from crm.lib.api import DoorViewSet
from risk import backtest_api, decisions, limit_api, list_api, model_api, monitor_api, strategy_api
from risk.models import Decision
from risk.permissions import VIEW_DECISION


class DecisionOut(serializers.ModelSerializer):
    """A verdict with its reasons as sentences in the caller's language."""

    id = serializers.CharField(source="public_id")
    strategy = serializers.CharField(source="strategy_version.strategy.public_id")
    strategy_version = serializers.IntegerField(source="strategy_version.number")
    scorecard = serializers.CharField(source="scorecard_version.scorecard.public_id", default=None, allow_null=True)
    scorecard_version = serializers.IntegerField(source="scorecard_version.number", default=None, allow_null=True)
    reason_codes = serializers.ListField(child=serializers.CharField(), source="reasons")
    reasons = serializers.SerializerMethodField()

    class Meta:
        model = Decision
        fields = (
            "id", "subject", "outcome", "grade", "score", "pd", "limit", "binding", "annual_rate", "reason_codes", "reasons",
            "strategy", "strategy_version", "scorecard", "scorecard_version", "at",
        )  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_reasons(self, decision: Decision) -> list[str]:
        return decision.reason_sentences()


class DecisionViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Decision]):
    """One decision by its public id, to whoever may see what was judged."""

    queryset = Decision.objects.none()
    serializer_class = DecisionOut
    lookup_field = "public_id"
    lookup_value_regex = DoorViewSet.lookup_value_regex
    needs = {"retrieve": VIEW_DECISION}

    def get_object(self) -> Any:
        return decisions.get_for(self.request.user, self.kwargs["public_id"])


VIEWSETS: dict[str, Any] = {
    "decisions": DecisionViewSet,
    **model_api.VIEWSETS,
    **strategy_api.VIEWSETS,
    **backtest_api.VIEWSETS,
    **list_api.VIEWSETS,
    **monitor_api.VIEWSETS,
    **limit_api.VIEWSETS,
}
