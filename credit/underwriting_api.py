"""What underwriting asks of an applicant, over HTTP: papers with their day, conditions of an approval, other terms than asked for."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credit import conditions, underwriting
from credit import permissions as may
from credit.models import Condition, CounterOffer, Paper, PaperRequest
from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import Invalid
from customers.models import Document
from governance.asked import caller
from governance.idempotency import idempotent

FILTERS = [
    OpenApiParameter("application", str, description="only rows of the application with this public id"),
    OpenApiParameter("status", str),
]


class PaperOut(serializers.ModelSerializer[Paper]):
    document = serializers.CharField(source="document.public_id", default=None, allow_null=True)

    class Meta:
        model = Paper
        fields = ("kind", "document", "answered_at")


class PaperRequestOut(serializers.ModelSerializer[PaperRequest]):
    id = serializers.CharField(source="public_id")
    application = serializers.CharField(source="application.public_id")
    papers = PaperOut(many=True)
    last_day = serializers.DateField(help_text="the day after which the application ends, or is reminded first")

    class Meta:
        model = PaperRequest
        fields = ("id", "application", "status", "papers", "due_on", "reminded_at", "last_day", "asked_at", "ended_at", "version")


class ConditionOut(serializers.ModelSerializer[Condition]):
    id = serializers.CharField(source="public_id")
    application = serializers.CharField(source="application.public_id")
    document = serializers.CharField(source="document.public_id", default=None, allow_null=True)

    class Meta:
        model = Condition
        fields = ("id", "application", "kind", "status", "document", "set_at", "cleared_at", "version")


class ClearIn(serializers.Serializer[Any]):
    evidence = serializers.CharField(max_length=1000, help_text="what was seen or heard, from whom")
    document = serializers.CharField(required=False, default="", allow_blank=True, help_text="public id of the paper that shows it")
    version = serializers.IntegerField(required=False, default=None, allow_null=True, help_text="refuse if the record changed since")


class CounterOfferOut(serializers.ModelSerializer[CounterOffer]):
    """Other terms than were asked for; they become the approval once the applicant agrees."""

    id = serializers.CharField(source="public_id")
    application = serializers.CharField(source="application.public_id")
    asked_amount = serializers.DecimalField(source="application.amount", max_digits=14, decimal_places=2)
    asked_term = serializers.IntegerField(source="application.term")

    class Meta:
        model = CounterOffer
        fields = (
            "id", "application", "status", "amount", "term", "annual_rate", "asked_amount", "asked_term", "conditions", "due_on", "made_at",
            "way", "answered_at", "version",
        )  # fmt: skip


class AnswerIn(serializers.Serializer[Any]):
    way = serializers.ChoiceField(choices=CounterOffer.Way.choices, help_text="how the applicant answered")
    version = serializers.IntegerField(required=False, default=None, allow_null=True, help_text="refuse if the record changed since")


class _OfApplications(DoorViewSet):
    """Rows of applications, narrowed by exact filters; an unknown value finds nothing."""

    filters: Mapping[str, str] = {"application": "application__public_id", "status": "status"}

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.action == "list":
            for name, path in self.filters.items():
                if given := self.request.query_params.get(name, "").replace("\0", ""):
                    queryset = queryset.filter(**{path: given})
        return super().filter_queryset(queryset)

    @extend_schema(parameters=FILTERS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


class PaperRequestViewSet(_OfApplications):
    serializer_class = PaperRequestOut
    queryset = PaperRequest.objects.none()
    needs = {"list": may.VIEW_APPLICATION, "retrieve": may.VIEW_APPLICATION}

    def get_queryset(self) -> QuerySet[PaperRequest]:
        rows = PaperRequest.objects.visible_to(self.request.user).select_related("application").defer("words")
        return rows.prefetch_related("papers__document")


class ConditionViewSet(_OfApplications):
    serializer_class = ConditionOut
    queryset = Condition.objects.none()
    needs = {"list": may.VIEW_APPLICATION, "retrieve": may.VIEW_APPLICATION, "clear": may.CLEAR_CONDITION}

    def get_queryset(self) -> QuerySet[Condition]:
        rows = Condition.objects.visible_to(self.request.user).select_related("application", "document")
        return rows.defer("words", "evidence") if self.action != "clear" else rows

    @extend_schema(request=ClearIn, responses={200: ConditionOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def clear(self, request: Request, public_id: str) -> Response:
        """Say that a condition is met, and by what one knows."""
        condition, body = self.get_object(), checked(ClearIn, request)
        document = None
        if wanted := body["document"].replace("\0", ""):
            document = Document.objects.named(request.user, wanted)
            if document is None:
                sentence = _("There is no such paper.")
                raise Invalid(sentence, fields={"document": sentence})
        done = conditions.clear(
            condition, evidence=body["evidence"], document=document, version=body["version"], actor=request.user, at=now()  # type: ignore[arg-type]
        )  # fmt: skip
        return Response(ConditionOut(done).data)


class CounterOfferViewSet(_OfApplications):
    serializer_class = CounterOfferOut
    queryset = CounterOffer.objects.none()
    needs = {
        "list": may.VIEW_APPLICATION,
        "retrieve": may.VIEW_APPLICATION,
        "agree": may.ACCEPT_OFFER,
        "refuse": may.ACCEPT_OFFER,
    }

    def get_queryset(self) -> QuerySet[CounterOffer]:
        rows = CounterOffer.objects.visible_to(self.request.user).select_related("application")
        if self.action in ("agree", "refuse"):
            return rows.select_related("made_by", "application__legal_entity", "application__product", "application__customer",
                                       "application__decision")  # fmt: skip
        return rows.defer("condition_words")

    @extend_schema(request=AnswerIn, responses={200: CounterOfferOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def agree(self, request: Request, public_id: str) -> Response:
        """Enter that the applicant agrees: the terms become the approval, and the offer with its cost table follows."""
        offered, body = self.get_object(), checked(AnswerIn, request)
        underwriting.agree(offered, way=body["way"], version=body["version"], actor=caller(request), at=now())
        return Response(CounterOfferOut(offered).data)

    @extend_schema(request=AnswerIn, responses={200: CounterOfferOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self, request: Request, public_id: str) -> Response:
        """Enter that the applicant does not agree: the application goes back to the underwriters."""
        offered, body = self.get_object(), checked(AnswerIn, request)
        underwriting.refuse(offered, way=body["way"], version=body["version"], actor=caller(request), at=now())
        return Response(CounterOfferOut(offered).data)


VIEWSETS = {"paper-requests": PaperRequestViewSet, "conditions": ConditionViewSet, "counter-offers": CounterOfferViewSet}
