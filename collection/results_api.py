"""Results of collections over HTTP, to read: the same figures as on the page, over the cases the caller may see."""

from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from collection import permissions, result_report
from collection.result_measures import AMOUNT, MEAN, NUMBER


class ResultMeasureOut(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    means = serializers.CharField(help_text="what it is over what")
    basis = serializers.ChoiceField(choices=[NUMBER, AMOUNT, MEAN], help_text="what both sides are; mean: points over how many")
    per = serializers.IntegerField(help_text="1: a share; else so many for each as this number")


class ResultFigureOut(serializers.Serializer):
    measure = serializers.CharField()
    value = serializers.CharField(allow_null=True, help_text="above over below, times per; null: nothing below the line")
    above = serializers.CharField()
    below = serializers.CharField()
    cases_above = serializers.CharField(help_text="`figure` of the list of cases above the line")
    cases_below = serializers.CharField(help_text="`figure` of the list of cases below the line")


class ResultRowOut(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a name of the answer, not the field's own label
    total = serializers.BooleanField()
    figures = ResultFigureOut(many=True)


class ResultTableOut(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    rows = ResultRowOut(many=True)


@extend_schema_serializer(many=False)  # one answer, though the route is that of a list
class CollectionResultsOut(serializers.Serializer):
    since = serializers.DateField()
    until = serializers.DateField()
    months = serializers.IntegerField()
    by = serializers.CharField()
    measures = ResultMeasureOut(many=True)
    tables = ResultTableOut(many=True)


CHOICES = [
    OpenApiParameter("months", int, enum=result_report.SPANS, description="months up to the running one; 6 when left out"),
    OpenApiParameter("by", str, enum=list(result_report.BY_WORDS), description="what a row is; month when left out"),
]


class CollectionResultsViewSet(viewsets.ViewSet):
    needs = {"list": permissions.VIEW_RESULT}

    @extend_schema(parameters=CHOICES, responses={200: CollectionResultsOut})
    def list(self, request: Request) -> Response:
        """Return the results of collections; 400 where a choice is none of its own."""
        user: Any = request.user
        params = request.query_params
        span, by = result_report.chosen(user, params)
        unknown = [key for key in params if key not in ("months", "by", "format")]
        wrong = params.get("months", str(span)) != str(span) or params.get("by", by) != by
        if unknown or wrong:
            raise ParseError(_("This report has no such choice: %(names)s.") % {"names": ", ".join(unknown or ["months", "by"])})
        return Response(CollectionResultsOut(result_report.answer(result_report.read(user, params, at=now()))).data)


VIEWSETS = {"collection-results": CollectionResultsViewSet}
