"""The self-test and issued quotes over HTTP, read only."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from credit import permissions as may
from credit import published
from credit.models import Product


class FigureOut(serializers.Serializer[Any]):
    """One published figure and what the product computes for it now."""

    group = serializers.CharField(source="figure.group")
    name = serializers.CharField(source="figure.name")
    source = serializers.CharField(source="figure.source")
    expected = serializers.CharField(source="figure.expected")
    computed = serializers.CharField()
    passed = serializers.BooleanField()


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


VIEWSETS = {"self-test": SelfTestViewSet}
