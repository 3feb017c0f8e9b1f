"""The self-test and issued quotes over HTTP, read only."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from credit import permissions as may
from credit import published
from credit.api_common import FILTERS, Filtered
from credit.models import Product, Quote


class FigureOut(serializers.Serializer[Any]):
    """One published figure and what the product computes for it now."""

    group = serializers.CharField(source="figure.group")
    name = serializers.CharField(source="figure.name")
    source = serializers.CharField(source="figure.source")  # type: ignore[assignment]  # the document's word
    expected = serializers.CharField(source="figure.expected")
    computed = serializers.CharField()
    passed = serializers.BooleanField()


@extend_schema_serializer(many=False)  # one answer, though the route is that of a list
class SelfTestOut(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = FigureOut(many=True)


class SelfTestViewSet(viewsets.GenericViewSet[Any]):
    """Published figures, computed anew at every request."""

    queryset = Product.objects.none()
    serializer_class = SelfTestOut
    pagination_class = None
    filter_backends = ()
    needs = {"list": may.RUN_SELF_TEST}

    @extend_schema(responses=SelfTestOut)
    def list(self, request: Request) -> Response:
        """Return every figure with its source, what is expected and what comes out."""
        results = published.run()
        failed = sum(not result.passed for result in results)
        return Response({"count": len(results), "failed": failed, "results": FigureOut(results, many=True).data})


class QuoteOut(serializers.ModelSerializer[Quote]):
    id = serializers.CharField(source="public_id")
    application = serializers.CharField(source="application.public_id")
    document = serializers.DictField(
        help_text="schedule, totals, rates, versions of product and caps; its RFC 8785 SHA-256 is document_hash"
    )

    class Meta:
        model = Quote
        fields = (
            "id", "application", "amount", "term", "annual_rate", "nominal_rate", "effective_rate", "valid_until", "issued_at",
            "document_hash", "document",
        )  # fmt: skip


class QuoteViewSet(Filtered):
    """Issued quotes; they are made by the doors of offers and never change."""

    serializer_class = QuoteOut
    queryset = Quote.objects.none()
    filters = {"application": "application__public_id", "customer": "application__customer__public_id"}
    needs = {"list": may.VIEW_APPLICATION, "retrieve": may.VIEW_APPLICATION}

    def get_queryset(self) -> QuerySet[Quote]:
        return Quote.objects.visible_to(self.request.user).for_list()

    @extend_schema(parameters=[FILTERS["customer"], OpenApiParameter("application", str)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


VIEWSETS = {"self-test": SelfTestViewSet, "quotes": QuoteViewSet}
