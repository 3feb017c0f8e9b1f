"""Tracing over HTTP: ask for it with purpose and ground, look, enter what a source told, try it through the contact policy, confirm or bar it."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import permissions, traces
from collection.legal_api import OF_CASE
from collection.matter_api import case_of
from collection.models import TraceFind, TraceLook, TraceRequest
from credit.api_common import Filtered
from crm.lib.api import checked
from governance.asked import caller
from governance.idempotency import idempotent


class TraceLookOut(serializers.ModelSerializer):
    """A look at a source: how much was seen of which kind, never what."""

    seen = serializers.DictField(child=serializers.IntegerField())
    actor = serializers.CharField(source="actor.public_id")

    class Meta:
        model = TraceLook
        fields = ("source", "seen", "actor", "at")


class TraceFindOut(serializers.ModelSerializer):
    """A way to the debtor that was found. The number or address itself comes with `try` alone."""

    id = serializers.CharField(source="public_id")
    found_by = serializers.CharField(source="found_by.public_id")

    class Meta:
        model = TraceFind
        fields = ("id", "kind", "status", "source", "found_by", "found_at", "tried_at", "decided_at")


class TraceOut(serializers.ModelSerializer):
    """A request to trace a debtor; `shown` is what showed that nobody reaches them, `status` in the end what came of it."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    requested_by = serializers.CharField(source="requested_by.public_id")
    looks = TraceLookOut(many=True)
    finds = TraceFindOut(many=True)

    class Meta:
        model = TraceRequest
        fields = (
            "id", "case", "customer", "status", "purpose", "basis", "shown", "requested_by", "requested_on", "ended_at", "looks", "finds",
        )  # fmt: skip


class TraceIn(serializers.Serializer):
    """What a debtor is looked for, on which ground, and why; all of it stands on record."""

    case = serializers.CharField(max_length=16)
    purpose = serializers.ChoiceField(choices=TraceRequest.Purpose.choices)
    basis = serializers.CharField(max_length=40, help_text="ground of law, such as contract, consent, legal_duty, made_public")
    reason = serializers.CharField(min_length=5, max_length=traces.LONGEST)


class TraceLookIn(serializers.Serializer):
    source = serializers.CharField(max_length=16, help_text="code of a source, such as own_files")  # type: ignore[assignment]  # a name of the body


class TraceFindIn(serializers.Serializer):
    kind = serializers.ChoiceField(choices=TraceFind.Kind.choices)
    value = serializers.CharField(max_length=200)
    source = serializers.CharField(max_length=16)  # type: ignore[assignment]  # a name of the body


class TraceTryIn(serializers.Serializer):
    find = serializers.CharField(max_length=16, help_text="id of what was found")


class TraceTriedOut(serializers.Serializer):
    """The place for the call is taken: make it now, then tell by `decide` what it came to."""

    find = serializers.CharField()
    kind = serializers.ChoiceField(choices=TraceFind.Kind.choices)
    value = serializers.CharField()


class TraceDecisionIn(serializers.Serializer):
    find = serializers.CharField(max_length=16)
    right = serializers.BooleanField(help_text="it is the debtor's; else it is barred, a number for every file")


def whole(rows: Any) -> QuerySet[TraceRequest]:
    """Join what a request is told with, nothing of what was found: a constant number of statements."""
    looks = TraceLook.objects.select_related("actor").order_by("-pk")
    finds = TraceFind.objects.select_related("found_by").defer("value").order_by("-pk")
    found: QuerySet[TraceRequest] = rows.for_list()
    return found.prefetch_related(Prefetch("looks", looks), Prefetch("finds", finds))


class TraceViewSet(Filtered):
    """Requests to trace in the cases the caller may see."""

    serializer_class = TraceOut
    queryset = TraceRequest.objects.none()
    filters = {"case": "case__public_id", "status": "status"}
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.TRACE,
        "look": permissions.TRACE,
        "finds": permissions.TRACE,
        "try_": permissions.TRACE,
        "decide": permissions.TRACE,
        "end": permissions.TRACE,
    }

    def get_queryset(self) -> QuerySet[TraceRequest]:
        return whole(TraceRequest.objects.visible_to(self.request.user))

    def told(self, row: TraceRequest, code: int = status.HTTP_200_OK) -> Response:
        return Response(TraceOut(whole(TraceRequest.objects.filter(pk=row.pk)).get()).data, status=code)

    @staticmethod
    def find_of(row: TraceRequest, name: str) -> TraceFind:
        """Return what was found under a request by that name.

        :raises serializers.ValidationError: if there is none
        """
        found: TraceFind | None = TraceFind.objects.filter(request=row, public_id=name).first()
        if found is None:
            raise serializers.ValidationError({"find": _("This request found no such thing.")})
        return found

    @extend_schema(parameters=OF_CASE)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=TraceIn, responses={201: TraceOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Ask to look for a debtor nobody reaches any more; 409 `trace_not_lost` where nothing shows that."""
        body = checked(TraceIn, request)
        made = traces.ask(case_of(request, body), **body, actor=caller(request), at=now())
        return self.told(made, status.HTTP_201_CREATED)

    @extend_schema(request=TraceLookIn, responses=TraceOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def look(self, request: Request, public_id: str) -> Response:
        """Look at a source; 409 `trace_source_off` where no gateway is connected for it."""
        row, body = self.get_object(), checked(TraceLookIn, request)
        traces.look(row, source=body["source"], actor=caller(request), at=now())
        return self.told(row)

    @extend_schema(request=TraceFindIn, responses={201: TraceOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def finds(self, request: Request, public_id: str) -> Response:
        """Enter a way to the debtor that a source told; it is not verified. A reference's number is not taken."""
        row, body = self.get_object(), checked(TraceFindIn, request)
        traces.add(row, **body, actor=caller(request), at=now())
        return self.told(row, status.HTTP_201_CREATED)

    @extend_schema(request=TraceTryIn, responses=TraceTriedOut)
    @action(detail=True, methods=["post"], url_path="try", url_name="try")
    @idempotent()
    def try_(self, request: Request, public_id: str) -> Response:
        """Open what was found to try it: the contact policy is asked and counts a call, under the debtor's own count."""
        row, body = self.get_object(), checked(TraceTryIn, request)
        one = self.find_of(row, body["find"])
        value = traces.try_it(one, actor=caller(request), at=now())
        return Response(TraceTriedOut({"find": one.public_id, "kind": one.kind, "value": value}).data)

    @extend_schema(request=TraceDecisionIn, responses=TraceOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def decide(self, request: Request, public_id: str) -> Response:
        """Say what trying it came to: the debtor's, or somebody else's."""
        row, body = self.get_object(), checked(TraceDecisionIn, request)
        traces.decide(self.find_of(row, body["find"]), right=body["right"], actor=caller(request), at=now())
        return self.told(row)

    @extend_schema(request=None, responses=TraceOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, public_id: str) -> Response:
        """End a request: found if something was confirmed, else nothing found."""
        return self.told(traces.end(self.get_object(), actor=caller(request), at=now()))


VIEWSETS = {"traces": TraceViewSet}
