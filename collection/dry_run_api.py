"""Dry runs of treatment strategies over HTTP: order one, read what it found."""

from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from collection import dry_runs, permissions, treatment_shape
from collection.models import TreatmentDryRun
from crm.lib.api import DoorViewSet, checked
from governance.asked import caller
from governance.idempotency import idempotent
from risk.models import StrategyVersion


class DryRunCellOut(serializers.Serializer):
    """Cases that go from one place to another: `path:CODE`, `exit:CODE`, or `none:` where a version could not judge."""

    source = serializers.CharField()  # type: ignore[assignment]  # declared fields are taken off the class: `Field.source` stays
    to = serializers.CharField()
    cases = serializers.IntegerField()
    amount = serializers.CharField(help_text="overdue, CNY")


class DryRunSpanOut(serializers.Serializer):
    """Contacts of the next days by act."""

    days = serializers.IntegerField()
    planned = serializers.DictField(child=serializers.IntegerField())
    cost = serializers.DictField(child=serializers.CharField(), help_text="CNY, at the prices of the rule collections.treatment.cost")
    put_off = serializers.DictField(child=serializers.IntegerField(), help_text="held back by the contact policy until a later moment")
    refused = serializers.DictField(child=serializers.IntegerField(), help_text="held back, and no moment cures it")
    rules = serializers.DictField(child=serializers.IntegerField(), help_text="what is held back, by rule")


class DryRunSideOut(serializers.Serializer):
    """What one version would do."""

    version = serializers.IntegerField()
    next = serializers.DictField(
        child=serializers.IntegerField(), help_text="cases by the act of their next step; `still`: nothing to come on the path"
    )
    spans = DryRunSpanOut(many=True)


class DryRunFoundOut(serializers.Serializer):
    cases = serializers.IntegerField()
    cells = DryRunCellOut(many=True)
    base = DryRunSideOut()
    draft = DryRunSideOut()


class DryRunOut(serializers.ModelSerializer):
    """A dry run; `found` once its job is over."""

    id = serializers.CharField(source="public_id")
    strategy = serializers.CharField(source="draft.strategy.public_id")
    draft = serializers.IntegerField(source="draft.number")
    base = serializers.IntegerField(source="base.number")
    job_status = serializers.CharField(source="job.status")
    made_by = serializers.CharField(source="made_by.public_id")
    found = serializers.SerializerMethodField()

    class Meta:
        model = TreatmentDryRun
        fields = ("id", "strategy", "draft", "base", "job_status", "made_by", "made_at", "finished_at", "found")

    @extend_schema_field(DryRunFoundOut(allow_null=True))
    def get_found(self, row: TreatmentDryRun) -> Any:
        if row.result is None:
            return None
        cells = [{"source": one["from"], "to": one["to"], "cases": one["cases"], "amount": one["amount"]} for one in row.result["cells"]]
        sides = {name: side(row.result[name], version.number) for name, version in (("base", row.base), ("draft", row.draft))}
        return {"cases": row.result["cases"], "cells": cells, **sides}


def side(found: dict[str, Any], number: int) -> dict[str, Any]:
    spans = [
        {
            "days": int(days), "planned": one["planned"], "cost": one["cost"], "put_off": one["wait"], "refused": one["block"], "rules": one["rules"],
        }
        for days, one in found["spans"].items()
    ]  # fmt: skip
    return {"version": number, "next": found["next"], "spans": spans}


class DryRunIn(serializers.Serializer):
    draft = serializers.IntegerField(min_value=1, max_value=99_999, help_text="number of the version that is tried")
    base = serializers.IntegerField(
        min_value=1,
        max_value=99_999,
        required=False,
        allow_null=True,
        default=None,
        help_text="held against; the live version when left out",
    )


class DryRunViewSet(DoorViewSet):
    """Dry runs of the treatment strategy."""

    serializer_class = DryRunOut
    queryset = TreatmentDryRun.objects.none()
    needs = {"list": permissions.VIEW_TREATMENT, "retrieve": permissions.VIEW_TREATMENT, "create": permissions.CHANGE_TREATMENT}

    def get_queryset(self) -> Any:
        return TreatmentDryRun.objects.visible_to(self.request.user).for_list()

    @extend_schema(request=DryRunIn, responses={201: DryRunOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Hold a version against another on the open cases of now; nothing is written to a case. Ask for the row until its job is over."""
        body = checked(DryRunIn, request)
        rows = StrategyVersion.objects.filter(strategy__code=treatment_shape.CODE).select_related("strategy")
        found = {row.number: row for row in rows.filter(number__in=[number for number in body.values() if number])}
        for name, number in body.items():
            if number and number not in found:
                raise serializers.ValidationError({name: _("There is no such version.")})
        base = found[body["base"]] if body["base"] else None
        made = dry_runs.start(found[body["draft"]], base=base, actor=caller(request), at=now())
        return Response(DryRunOut(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)


VIEWSETS = {"treatment-dry-runs": DryRunViewSet}
