"""Relations and activities over HTTP: names and numbers masked; what staff wrote is taken in, never given out."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, Moment, checked
from crm.lib.errors import Invalid
from customers import activities, permissions, profiles, relations
from customers.models import Activity, Customer, Relation
from governance import uses
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models import User


class NoSuchFile(Invalid):
    """The customer or person named in the body is not there, or not the caller's to see."""

    code = "no_such_file"


def customer_of(request: Request, public_id: str, field: str = "customer") -> Customer:
    """:raises NoSuchFile: for unknown files and for other people's, alike"""
    found = Customer.objects.select_related("branch").named(request.user, public_id)
    if found is None:
        sentence = _("There is no file with this number that you may see.")
        raise NoSuchFile(sentence, fields={field: sentence})
    return found


class RelationOut(serializers.ModelSerializer[Relation]):
    """One relation; the other side is a customer the caller may see, an outside person masked, or withheld."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    other = serializers.SerializerMethodField(help_text="number of the other file; null for outside persons and for files one may not see")
    name = serializers.SerializerMethodField()
    mobile = serializers.SerializerMethodField()

    class Meta:
        model = Relation
        fields = ("id", "customer", "kind", "other", "name", "mobile", "source", "consent", "may_contact", "created_at", "ended_at")
        read_only_fields = fields

    def _open(self, row: Relation) -> bool:
        return row.other is None or row.other_id in self.context.get("seen", ())

    def get_other(self, row: Relation) -> str | None:
        return row.other.public_id if row.other is not None and self._open(row) else None

    def get_name(self, row: Relation) -> str:
        return row.masked_name if self._open(row) else ""

    def get_mobile(self, row: Relation) -> str:
        return row.masked_mobile if self._open(row) else ""


class RelationIn(serializers.Serializer[Any]):
    customer = serializers.CharField(max_length=16)
    kind = serializers.ChoiceField(choices=Relation.Kind.choices)
    other = serializers.CharField(max_length=16, required=False, allow_blank=True, default="", help_text="number of our customer's file")
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="", help_text="of a person outside")
    mobile = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    source = serializers.ChoiceField(choices=Relation.Source.choices)  # type: ignore[assignment]  # DRF's own attribute of this name
    consent = serializers.ChoiceField(choices=Relation.Consent.choices, required=False, default=Relation.Consent.NOT_ASKED)


class RelationViewSet(DoorViewSet):
    """Who stands in which relation to a customer. Third parties are never open for contact about a debt."""

    serializer_class = RelationOut
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.RELATE,
        "end": permissions.RELATE,
    }

    def get_queryset(self) -> QuerySet[Relation]:
        if getattr(self, "swagger_fake_view", False):
            return Relation.objects.none()
        return Relation.objects.visible_to(self.request.user).for_list()

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        rows = args[0] if args else []
        found = rows if isinstance(rows, list) else [rows] if rows else []
        others = {row.other_id for row in found if row.other_id}
        if found:
            actor, at = caller(self.request), now()
            uses.bind([row.other for row in found if row.other], profiles.READ_FOR, actor=actor, at=at)
            uses.bind([row for row in found if row.other is None], relations.READ_FOR, actor=actor, at=at)
        seen = set(Customer.objects.visible_to(self.request.user).filter(pk__in=others).values_list("pk", flat=True)) if others else set()
        return super().get_serializer(*args, **kwargs | {"context": {**self.get_serializer_context(), "seen": seen}})

    @extend_schema(request=RelationIn, responses={201: RelationOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Record a relation with its source and consent."""
        body = checked(RelationIn, request)
        customer = customer_of(request, body.pop("customer"))
        other = customer_of(request, body["other"], "other") if body["other"] else None
        made = relations.add(customer, **{**body, "other": other}, actor=caller(request), at=now())
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=RelationOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, public_id: str) -> Response:
        """End a relation."""
        ended = relations.end(self.get_object(), actor=caller(request), at=now())
        return Response(self.get_serializer(ended).data)


class ActivityOut(serializers.ModelSerializer[Activity]):
    """What is to be done by when and by whom. The texts are opened by people only: staff write names into them."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    assignee = serializers.CharField(source="assignee.public_id")

    class Meta:
        model = Activity
        fields = ("id", "version", "customer", "kind", "status", "due_at", "assignee", "created_at", "closed_at")
        read_only_fields = fields


class ActivityIn(serializers.Serializer[Any]):
    customer = serializers.CharField(max_length=16)
    kind = serializers.ChoiceField(choices=Activity.Kind.choices)
    text = serializers.CharField(max_length=2000)
    due_at = Moment()
    assignee = serializers.CharField(
        max_length=16, required=False, allow_blank=True, default="", help_text="public id of a colleague; the caller if left out"
    )


class ResultIn(serializers.Serializer[Any]):
    result = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class ActivityViewSet(DoorViewSet):
    """What is to be done for customers, and what was."""

    serializer_class = ActivityOut
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.ACT,
        "done": permissions.ACT,
        "cancel": permissions.ACT,
    }

    def get_queryset(self) -> QuerySet[Activity]:
        if getattr(self, "swagger_fake_view", False):
            return Activity.objects.none()
        return Activity.objects.visible_to(self.request.user).for_list()

    @extend_schema(request=ActivityIn, responses={201: ActivityOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Plan something for a customer; the assignee is told."""
        body = checked(ActivityIn, request)
        customer, assignee = customer_of(request, body.pop("customer")), body.pop("assignee")
        person = None
        if assignee:
            person = User.objects.select_related("role", "team").filter(public_id=assignee).first()
            if person is None:
                sentence = _("There is nobody with this number.")
                raise NoSuchFile(sentence, fields={"assignee": sentence})
        made = activities.plan(customer, **body, assignee=person, actor=caller(request), at=now())
        return Response(ActivityOut(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ResultIn, responses=ActivityOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def done(self, request: Request, public_id: str) -> Response:
        """Mark as done, with what came of it."""
        row = self.get_object()
        return Response(ActivityOut(activities.finish(row, **checked(ResultIn, request), actor=caller(request), at=now())).data)

    @extend_schema(request=ResultIn, responses=ActivityOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, public_id: str) -> Response:
        """Give up what is no longer to be done."""
        row = self.get_object()
        return Response(ActivityOut(activities.cancel(row, **checked(ResultIn, request), actor=caller(request), at=now())).data)


VIEWSETS = {"relations": RelationViewSet, "activities": ActivityViewSet}
