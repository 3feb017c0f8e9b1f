"""The data catalogue over HTTP: for whoever keeps a register of processing elsewhere."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from governance import catalogue
from governance.catalogue import CLASSES, LEVELS, Entry
from governance.models import LegalBasis
from governance.permissions import VIEW_CATALOGUE

PER_PAGE = 200


class CatalogueEntryOut(serializers.Serializer[Any]):
    """One column of one model, as it is declared; meanings and reasons in the caller's language."""

    model = serializers.CharField(source="model._meta.label")
    column = serializers.CharField(source="name")
    type = serializers.CharField()
    owner = serializers.CharField()
    meaning = serializers.CharField()
    level = serializers.IntegerField(help_text="1-5, JR/T 0197-2020")
    data_class = serializers.CharField(source="kind", allow_blank=True, help_text="C1, C2, C3 of JR/T 0171-2020; empty: not personal")
    purposes = serializers.ListField(child=serializers.CharField())
    legal_basis = serializers.CharField(source="basis")
    citation = serializers.SerializerMethodField()
    retention = serializers.CharField()
    mask = serializers.CharField(allow_blank=True)
    encrypted = serializers.BooleanField()
    search = serializers.CharField(help_text="none, exact, n-gram")
    shared_with = serializers.ListField(child=serializers.CharField())
    why_open = serializers.CharField(allow_blank=True)
    technical = serializers.BooleanField()

    def get_citation(self, one: Entry) -> str:
        found: dict[str, str] = self.context["citations"]
        return found.get(one.basis, "")


@extend_schema_serializer(many=False)  # one answer, though the route is that of a list
class CatalogueOut(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.IntegerField(allow_null=True, help_text="page to ask for next")
    results = CatalogueEntryOut(many=True)


class AskedFor(serializers.Serializer[Any]):
    """What may be asked of the catalogue; anything else is nobody's."""

    app = serializers.CharField(required=False, max_length=40)
    level = serializers.ChoiceField(choices=[str(level) for level in LEVELS], required=False)
    data_class = serializers.ChoiceField(choices=list(CLASSES), required=False)
    purpose = serializers.CharField(required=False, max_length=40)
    encrypted = serializers.ChoiceField(choices=["yes", "no"], required=False)
    text = serializers.CharField(required=False, max_length=60)
    page = serializers.IntegerField(required=False, min_value=1, max_value=10_000, default=1)


class CatalogueViewSet(viewsets.GenericViewSet[Any]):
    """What is kept, what for, on which ground, and how it is protected."""

    queryset = LegalBasis.objects.none()
    serializer_class = CatalogueOut
    pagination_class = None
    filter_backends = ()
    needs = {"list": VIEW_CATALOGUE}

    @extend_schema(parameters=[AskedFor], responses=CatalogueOut)
    def list(self, request: Request) -> Response:
        """Return columns, 200 a page."""
        asked = AskedFor(data=request.query_params)
        if not asked.is_valid():  # as every list of the API: what nobody is called finds nothing
            return Response({"count": 0, "next": None, "results": []})
        said = asked.validated_data
        rows = catalogue.narrowed(catalogue.entries(), said | {"kind": said.get("data_class", "")})
        start = (said["page"] - 1) * PER_PAGE
        citations = dict(LegalBasis.objects.values_list("code", "citation"))
        shown = CatalogueEntryOut(rows[start : start + PER_PAGE], many=True, context={"citations": citations}).data
        return Response({"count": len(rows), "next": said["page"] + 1 if start + PER_PAGE < len(rows) else None, "results": shown})


VIEWSETS = {"catalogue": CatalogueViewSet}
