"""Field visits over HTTP: asked for, planned, begun and joined at the door, ended with what came of them.

Of photographs only that they are there is told. The address opens on the page alone, to the two, on the day.
"""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import permissions, visits
from collection.contacts import LONGEST_NOTE
from collection.legal_api import OF_CASE
from collection.matter_api import case_of
from collection.models import FieldVisit, Outcome, VisitPhoto
from collection.part_api import NEXT, named, parts_of
from collection.visit_forms import able
from credit.api_common import Filtered
from crm.lib.api import checked
from governance.asked import caller
from governance.idempotency import idempotent


class VisitPhotoOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    added_by = serializers.CharField(source="added_by.public_id")

    class Meta:
        model = VisitPhoto
        fields = ("id", "kind", "media_type", "size", "sha256", "added_by", "added_at")


class VisitOut(serializers.ModelSerializer):
    """A visit: its hours are by the debtor's clock, its area names no street."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    first = serializers.CharField(source="first.public_id", default=None, allow_null=True)
    second = serializers.CharField(source="second.public_id", default=None, allow_null=True)
    begun_by = serializers.CharField(source="begun_by.public_id", default=None, allow_null=True)
    contact = serializers.CharField(
        source="contact.public_id", default=None, allow_null=True, help_text="what came of it, as a contact of the case"
    )
    photos = VisitPhotoOut(many=True)

    class Meta:
        model = FieldVisit
        fields = (
            "id", "case", "customer", "status", "why", "source", "area", "on", "opens", "closes", "first", "second", "begun_by", "begun_at",
            "joined_at", "ended_at", "outcome", "contact", "photos",
        )  # fmt: skip


class VisitIn(serializers.Serializer):
    case = serializers.CharField(max_length=16)
    why = serializers.ChoiceField(choices=FieldVisit.Why.choices)


class VisitPlanIn(serializers.Serializer):
    on = serializers.DateField(help_text="by the debtor's calendar")
    opens = serializers.TimeField(help_text="by the debtor's clock")
    closes = serializers.TimeField()
    first = serializers.CharField(max_length=16, help_text="who goes")
    second = serializers.CharField(max_length=16, help_text="who goes along: nobody visits alone")


class VisitPartIn(serializers.Serializer):
    due_on = serializers.DateField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)


class VisitResultIn(serializers.Serializer):
    outcome = serializers.ChoiceField(
        choices=Outcome.choices, help_text="one that a visit offers, such as `not_met`; `wrong_number`: not the debtor's address"
    )
    promise = VisitPartIn(many=True, required=False, default=list, help_text="with the outcome `promise`")
    next_action = serializers.ChoiceField(choices=NEXT)
    next_action_on = serializers.DateField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_NOTE)
    location = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=120, help_text="where the two are; kept sealed, and only where both agree"
    )
    consented = serializers.BooleanField(required=False, default=False, help_text="both agree that their place is kept")


def whole(rows: Any) -> QuerySet[FieldVisit]:
    """Join what a visit is told with: a constant number of statements."""
    found: QuerySet[FieldVisit] = rows.for_list().select_related("begun_by", "contact")
    return found.prefetch_related(Prefetch("photos", VisitPhoto.objects.select_related("added_by").order_by("pk")))


class VisitViewSet(Filtered):
    """Field visits of the cases the caller may see, and those they are sent on."""

    serializer_class = VisitOut
    queryset = FieldVisit.objects.none()
    filters = {"case": "case__public_id", "status": "status"}
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.MAKE_VISIT,
        "plan": permissions.PLAN_VISIT,
        "cancel": permissions.PLAN_VISIT,
        "begin": permissions.MAKE_VISIT,
        "join": permissions.MAKE_VISIT,
        "finish": permissions.MAKE_VISIT,
    }

    def get_queryset(self) -> QuerySet[FieldVisit]:
        return whole(FieldVisit.objects.visible_to(self.request.user))

    def told(self, row: FieldVisit, code: int = status.HTTP_200_OK) -> Response:
        """Return the visit as the door left it, also where the case went out of the caller's sight."""
        return Response(VisitOut(whole(FieldVisit.objects.filter(pk=row.pk)).get()).data, status=code)

    @extend_schema(parameters=OF_CASE)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=VisitIn, responses={201: VisitOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Ask for a visit; whoever plans visits gives it a day and two persons."""
        body = checked(VisitIn, request)
        made = visits.want(case_of(request, body), **body, actor=caller(request), at=now())
        return self.told(made, status.HTTP_201_CREATED)

    @extend_schema(request=VisitPlanIn, responses=VisitOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def plan(self, request: Request, public_id: str) -> Response:
        """Give a visit its day, its hours and two persons; 422 `visit_not_then` where law, house or the debtor's own wish closes the hours."""
        row, body = self.get_object(), checked(VisitPlanIn, request)
        people = able(row.case)
        for name in ("first", "second"):
            found = people.filter(public_id=body[name]).first()
            if found is None:
                raise serializers.ValidationError({name: _("Nobody of that name may be sent to this case.")})
            body[name] = found
        return self.told(visits.plan(row, **body, actor=caller(request), at=now()))

    @extend_schema(request=None, responses=VisitOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, public_id: str) -> Response:
        """Call a visit off before it begins."""
        return self.told(visits.cancel(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=VisitOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def begin(self, request: Request, public_id: str) -> Response:
        """Begin a visit at the door, as one of the two: the contact policy is asked and counts it, and the case is held."""
        return self.told(visits.begin(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=VisitOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def join(self, request: Request, public_id: str) -> Response:
        """Say from one's own sign-in that one is there too."""
        return self.told(visits.join(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=VisitResultIn, responses=VisitOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def finish(self, request: Request, public_id: str) -> Response:
        """Write down what came of a visit, as who began it; 409 `visit_alone` until the other has joined."""
        row, body = self.get_object(), checked(VisitResultIn, request)
        promise = parts_of(body.pop("promise"))
        with named("promise"):
            done = visits.finish(row, promise=promise, **body, actor=caller(request), at=now())
        return self.told(done)


VIEWSETS = {"visits": VisitViewSet}
