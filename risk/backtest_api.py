"""Backtests and simulations over HTTP: which there are, what came out, ordering one."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import Invalid
from governance.asked import caller
from governance.idempotency import idempotent
from risk import backtests, facts, made, outcome_source, populations
from risk.backtest_report import Report
from risk.backtests import CANDIDATES, Side
from risk.models import Backtest, Decision, ScorecardVersion, StrategyVersion
from risk.permissions import RUN_BACKTEST, VIEW_STRATEGY
from risk.populations import Past

PAST = "past"
SHARE = Decimal("0.000001")


class SideIn(serializers.Serializer):
    version = serializers.IntegerField(min_value=1, max_value=100_000, help_text="number of a version of the strategy; drafts are allowed")
    scorecard = serializers.IntegerField(
        min_value=1, max_value=100_000, required=False, default=None, allow_null=True, help_text="number of the scorecard version; default: the live one",
    )  # fmt: skip


class CostsIn(serializers.Serializer):
    """Shares of 1."""

    lgd = serializers.DecimalField(max_digits=7, decimal_places=6, min_value=Decimal(0), max_value=Decimal(1))
    funding = serializers.DecimalField(max_digits=7, decimal_places=6, min_value=Decimal(0), max_value=Decimal(1))
    opex = serializers.DecimalField(max_digits=7, decimal_places=6, min_value=Decimal(0), max_value=Decimal(1))


class FactsField(serializers.DictField):
    """Values by the name of a fact."""

    child = serializers.CharField(max_length=60)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        found: dict[str, str] = super().to_internal_value(data)
        if any(not facts.NAME.match(name) for name in found):
            raise serializers.ValidationError(_("A key is no name of a fact."))
        return found


class BacktestIn(serializers.Serializer):
    """`population` past: over past decisions; drawn: facts drawn from them and changed; random: facts drawn from the declaration."""

    name = serializers.CharField(max_length=120)
    strategy = serializers.CharField(max_length=20, help_text="public id of the strategy")
    versions = serializers.ListField(child=SideIn(), allow_empty=False, max_length=CANDIDATES)
    baseline = serializers.IntegerField(
        min_value=1, max_value=100_000, required=False, default=None, allow_null=True,
        help_text="version they are held against; default: what was decided at the time, in a simulation the live version",
    )  # fmt: skip
    population = serializers.ChoiceField(choices=[PAST, "drawn", "random"], required=False, default=PAST)
    first = serializers.DateField(required=False, default=None, allow_null=True, help_text="decided from this day on")
    last = serializers.DateField(required=False, default=None, allow_null=True, help_text="decided up to this day")
    outcome = serializers.ChoiceField(choices=Decision.Outcome.choices, required=False, allow_blank=True, default="")
    segment = FactsField(required=False, default=dict, help_text="facts every application has")
    limit = serializers.IntegerField(min_value=1, max_value=populations.MOST, required=False, default=2_000)
    defaults = FactsField(required=False, default=dict, help_text="what stands for a fact that was not stored, in text")
    costs = CostsIn(required=False, help_text="default: those of the page")
    horizon_months = serializers.IntegerField(min_value=1, max_value=60, required=False, default=outcome_source.HORIZON_MONTHS)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, default=1)
    changes = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, default=list, max_length=40, help_text="such as “income - 10%”"
    )


class BacktestOut(serializers.ModelSerializer):
    """A backtest and how far it is."""

    id = serializers.CharField(source="public_id")
    strategy = serializers.CharField(source="strategy.public_id")
    done = serializers.IntegerField(source="job.done")

    class Meta:
        model = Backtest
        fields: tuple[str, ...] = ("id", "name", "kind", "status", "strategy", "total", "done", "created_at", "finished_at")


class BacktestReportOut(BacktestOut):
    """A backtest with the figures of each side; the first is what the others are held against."""

    finding = serializers.SerializerMethodField(help_text="in the caller's language")
    sides = serializers.SerializerMethodField()

    class Meta(BacktestOut.Meta):
        fields = (*BacktestOut.Meta.fields, "population", "defaults", "costs", "finding", "sides")

    @extend_schema_field(serializers.CharField())
    def get_finding(self, backtest: Backtest) -> str:
        return Report(backtest).finding() if backtest.status != Backtest.Status.RUNNING else ""

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_sides(self, backtest: Backtest) -> list[dict[str, Any]]:
        report = Report(backtest)
        return [
            {
                "name": column.name, "version": column.arm.strategy_version.number if column.arm.strategy_version else None,
                "scorecard_version": column.arm.scorecard_version.number if column.arm.scorecard_version else None,
                "applications": column.total, "outcomes": column.counts["outcome"], "approval_rate": _told(column.share),
                "interval": [_told(one) for one in column.interval or ()], "expected_bad_rate": _told(column.expected_bad),
                "known_bad_rate": _told(column.known_bad), "known": column.known, "in": sum(column.counts["in"].values()),
                "out": sum(column.counts["out"].values()), "moves": column.counts["matrix"], "gained": column.counts["gained"],
                "lost": column.counts["lost"], "absent_facts": column.counts["absent"], "assumed_facts": column.counts["assumed"],
                "computed_facts": column.counts.get("computed", {}),
            }
            for column in report.columns
        ]  # fmt: skip


def _told(share: Decimal | None) -> str | None:
    return None if share is None else str(share.quantize(SHARE))


class BacktestViewSet(DoorViewSet):
    """Backtests and simulations: ordering one, asking later what came out."""

    serializer_class = BacktestOut
    queryset = Backtest.objects.none()
    needs = {"list": VIEW_STRATEGY, "retrieve": VIEW_STRATEGY, "create": RUN_BACKTEST}

    def get_queryset(self) -> QuerySet[Backtest]:
        rows = Backtest.objects.visible_to(self.request.user)
        return rows.for_list() if self.action == "list" else rows.select_related("job", "strategy")

    @extend_schema(responses=BacktestReportOut)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(BacktestReportOut(self.get_object()).data)

    @extend_schema(request=BacktestIn, responses={201: BacktestOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        body = checked(BacktestIn, request)
        rows = StrategyVersion.objects.filter(strategy__public_id=body["strategy"]).select_related("strategy")
        asked: dict[str, Any] = {
            "name": body["name"], "sides": [_side(rows, one, f"versions.{place}") for place, one in enumerate(body["versions"])],
            "baseline": _side(rows, {"version": body["baseline"], "scorecard": None}, "baseline") if body["baseline"] else None,
            "defaults": body["defaults"], "costs": body.get("costs"), "actor": caller(request), "at": now(),
        }  # fmt: skip
        if body["population"] == PAST:
            past = Past(body["first"], body["last"], body["outcome"], body["segment"], body["limit"])
            one = backtests.ask(**asked, population=past, horizon_months=body["horizon_months"])
        else:
            schema = facts.read_schema(asked["sides"][0].strategy.input_schema)
            changes = made.changes("\n".join(body["changes"]), schema)
            base = made.PAST if body["population"] == "drawn" else made.RANDOM
            one = backtests.simulate(**asked, population=made.Made(base, body["limit"], body["seed"], changes))
        return Response(BacktestOut(one).data, status=201)


def _side(rows: QuerySet[StrategyVersion], asked: dict[str, Any], field: str) -> Side:
    version = rows.filter(number=asked["version"]).first()
    if version is None:
        sentence = _("There is no such version of the strategy.")
        raise Invalid(sentence, fields={field: sentence})
    if asked["scorecard"] is None:
        return Side(version)
    card = (
        ScorecardVersion.objects.filter(scorecard__code=version.scorecard_code, number=asked["scorecard"])
        .select_related("scorecard")
        .first()
    )
    if card is None:
        sentence = _("There is no such version of the scorecard.")
        raise Invalid(sentence, fields={field: sentence})
    return Side(version, card)


VIEWSETS = {"backtests": BacktestViewSet}
