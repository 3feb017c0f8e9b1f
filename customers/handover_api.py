"""Hand-overs over HTTP, for the system that knows who leaves: all customers and open work of one person go to another."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import Invalid
from customers import handover, permissions
from customers.handover_forms import branches, people_below, takers
from customers.models import Handover
from governance.asked import caller
from governance.idempotency import idempotent


class HandoverOut(serializers.ModelSerializer[Handover]):
    id = serializers.CharField(source="public_id")
    giver = serializers.CharField(source="giver.public_id", default=None, allow_null=True, help_text="null where customers were chosen")
    taker = serializers.CharField(source="taker.public_id")
    branch = serializers.CharField(source="branch.code", default=None, allow_null=True)
    total = serializers.IntegerField(source="job.total", allow_null=True, help_text="customers when it was ordered")
    done = serializers.IntegerField(source="job.done", help_text="customers moved so far")

    class Meta:
        model = Handover
        fields = ("id", "status", "giver", "taker", "branch", "reason", "total", "done", "created_at", "finished_at")
        read_only_fields = fields


class HandoverIn(serializers.Serializer[Any]):
    giver = serializers.CharField(max_length=16, help_text="public id of the person whose customers and open work go")
    taker = serializers.CharField(max_length=16, help_text="public id of the colleague who gets them")
    branch = serializers.CharField(
        max_length=20, required=False, allow_blank=True, default="", help_text="code of the branch they go into; each stays in its own if left out"
    )  # fmt: skip
    reason = serializers.ChoiceField(choices=Handover.Reason.choices)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class HandoverViewSet(DoorViewSet):
    """Hand-overs ordered by the caller, or of the whole lender for who sees everything."""

    serializer_class = HandoverOut
    queryset = Handover.objects.none()
    needs = {"list": permissions.VIEW_HANDOVER, "retrieve": permissions.VIEW_HANDOVER, "create": permissions.HAND_OVER}

    def get_queryset(self) -> QuerySet[Handover]:
        if getattr(self, "swagger_fake_view", False):
            return Handover.objects.none()
        return handover.visible_to(caller(self.request))

    @extend_schema(request=HandoverIn, responses={201: HandoverOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Order that all customers and open work of one person go to another. A worker moves them: follow by reading it."""
        body, user = checked(HandoverIn, request), caller(request)
        row = handover.order(
            giver=one(people_below(user), "giver", public_id=body["giver"]),
            taker=one(takers(user), "taker", public_id=body["taker"]),
            branch=one(branches(user), "branch", code=body["branch"]) if body["branch"] else None,
            reason=body["reason"],
            note=body["note"],
            actor=user,
            at=now(),
        )
        return Response(HandoverOut(row).data, status=201)


def one(rows: QuerySet[Any], field: str, **wanted: str) -> Any:
    """Return the row of the caller's reach that a field names.

    :raises Invalid: if there is none
    """
    found = rows.filter(**wanted).first()
    if found is None:
        sentence = _("There is nobody and nothing of this number in your reach.")
        raise Invalid(sentence, fields={field: sentence})
    return found


VIEWSETS = {"handovers": HandoverViewSet}
