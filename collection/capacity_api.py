"""The capacity plans of the mornings over HTTP, to read: what the coming days need, what people make, what is expected to roll. Sums only."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from collection import capacity, permissions
from collection.models import CapacityDay
from credit.accrual import bucket_name
from governance.asked import caller


class CapacityDayOut(serializers.Serializer):
    """One coming day. A case counts once, by the first of the reasons."""

    day = serializers.DateField()
    action = serializers.IntegerField(help_text="cases with a planned action")
    promise = serializers.IntegerField(help_text="cases with a part of a promise due")
    treatment = serializers.IntegerField(help_text="cases with a call of their treatment")
    unplanned = serializers.IntegerField(help_text="a share of the cases without any plan")
    rolls = serializers.IntegerField(help_text="cases expected to roll or to open anew on this day")
    carried = serializers.IntegerField(default=0, help_text="what fell on the days off before it")
    off = serializers.BooleanField(
        default=False, help_text="nobody of the roster works on this day of the week: what falls on it is carried over"
    )
    needed = serializers.IntegerField(help_text="contacts: the sum of these, none on a day off")
    people = serializers.IntegerField(help_text="who work on that day and are not away")
    capacity = serializers.IntegerField(help_text="contacts these people make")
    short = serializers.IntegerField(help_text="needed above capacity, never below 0")


class BucketRollOut(serializers.Serializer):
    """One bucket: M0 are new cases."""

    bucket = serializers.SerializerMethodField()
    cases = serializers.IntegerField(help_text="open in it")
    rate = serializers.DecimalField(
        max_digits=7, decimal_places=4, help_text="share of a month's loans that rolled in the house's own history"
    )
    loans = serializers.IntegerField(help_text="loans that the rate was read from")
    own = serializers.BooleanField(help_text="false: too few, so that all late buckets together stand for it")
    days = serializers.ListField(
        child=serializers.DecimalField(max_digits=12, decimal_places=1), help_text="expected to roll, by day from tomorrow on"
    )
    whole = serializers.DecimalField(max_digits=12, decimal_places=1)
    at_line = serializers.DecimalField(max_digits=16, decimal_places=2, help_text="overdue of the cases that may cross in these days, CNY")

    def get_bucket(self, line: dict[str, Any]) -> str:
        return bucket_name(line["bucket"])


class CapacityPlanOut(serializers.ModelSerializer):
    """The plan of a morning, made at 08:30 by the lender's clock; `proposals` are what would close a shortage."""

    days = CapacityDayOut(many=True)
    rolls = BucketRollOut(many=True)
    proposals = serializers.SerializerMethodField()

    class Meta:
        model = CapacityDay
        fields = ("on", "made_at", "days", "rolls", "proposals")

    def get_proposals(self, row: CapacityDay) -> list[str]:
        return capacity.proposals(row)


class CapacityPlanViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[CapacityDay]):
    """The plans of the mornings, the newest first."""

    serializer_class = CapacityPlanOut
    queryset = CapacityDay.objects.none()
    needs = {"list": permissions.PLAN_TEAM}

    def get_queryset(self) -> QuerySet[CapacityDay]:
        return CapacityDay.objects.visible_to(caller(self.request))


VIEWSETS = {"capacity-plans": CapacityPlanViewSet}
