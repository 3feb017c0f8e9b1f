"""Reports over HTTP, to read: the same figures as on the page, over the loans the caller may see."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from credit import report_tables, reports
from credit.permissions import VIEW_REPORT
from credit.report_forms import ReportForm
from credit.reports import REPORTS, VIEWS


class ReportCellOut(serializers.Serializer):
    value = serializers.CharField(allow_null=True, help_text="the exact figure; a share is a fraction of 1; null: not known")
    unit = serializers.ChoiceField(choices=["percent", "money", "count"])
    loans = serializers.IntegerField(allow_null=True, help_text="how many loans it is made of")
    amount = serializers.DecimalField(max_digits=18, decimal_places=2, allow_null=True)
    of_loans = serializers.IntegerField(allow_null=True)
    of_amount = serializers.DecimalField(max_digits=18, decimal_places=2, allow_null=True)
    cell = serializers.CharField(help_text="names its loans: `cell` of the page of loans; empty where there are none")


class ReportRowOut(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a name of the answer, not the field's own label
    total = serializers.BooleanField()
    cells = ReportCellOut(many=True)


class ReportTableOut(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField(), help_text="the first names the rows")
    rows = ReportRowOut(many=True)


class ReportNameOut(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    about = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())


class ReportOut(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    finding = serializers.CharField()
    counted = serializers.CharField(help_text="everything the figures depend on")
    observed = serializers.DateField(allow_null=True)
    choices = serializers.DictField()
    notes = serializers.ListField(child=serializers.CharField())
    tables = ReportTableOut(many=True)


NAME = OpenApiParameter("public_id", str, OpenApiParameter.PATH, enum=["vintage", "segments", "roll", "fpd", "ageing", "classes", "quality", "payoff", "economics"])  # fmt: skip
CHOICES = [
    NAME,
    OpenApiParameter("observed", str, description="a month-end on file, YYYY-MM-DD; the last one when left out"),
    OpenApiParameter("view", int, enum=VIEWS, description="more days past due than this count as late; 30 when left out"),
    OpenApiParameter("basis", str, enum=[reports.CURRENT, reports.EVER], description="late at that month-end, or ever by then"),
    OpenApiParameter("measure", str, enum=[reports.AMOUNT, reports.COUNT]),
    OpenApiParameter("by", str, description="what the rows are, of the report's own"),
    OpenApiParameter("product", str, description="only loans of the product with this code"),
    OpenApiParameter("channel", str, description="only loans that came this way"),
]


class ReportViewSet(viewsets.ViewSet):
    lookup_field = "public_id"  # as everywhere; a report is called by its name
    lookup_value_regex = r"[A-Za-z0-9-]+"
    needs = {"list": VIEW_REPORT, "retrieve": VIEW_REPORT}

    @extend_schema(responses={200: ReportNameOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the reports and the choices each has."""
        return Response(
            [
                {
                    "name": each.name,
                    "title": str(each.title),
                    "about": str(each.about),
                    "choices": ["observed", *each.choices, "product", "channel"],
                }
                for each in REPORTS.values()
            ]
        )

    @extend_schema(parameters=CHOICES, responses={200: ReportOut})
    def retrieve(self, request: Request, public_id: str) -> Response:
        """Return a report; 400 where a choice is not one of its own."""
        report = REPORTS.get(public_id)
        if report is None:
            raise Http404
        user: Any = request.user
        params = request.query_params
        form = ReportForm(report, params, user)
        unknown = [key for key in params if key not in form.fields and key != "format"]
        if unknown or not form.is_valid():
            raise ParseError(_("This report has no such choice: %(names)s.") % {"names": ", ".join(unknown or form.errors)})
        choices, found = report_tables.result(report, params, user)
        return Response(ReportOut(report_tables.said(report, choices, found)).data)


VIEWSETS = {"reports": ReportViewSet}
