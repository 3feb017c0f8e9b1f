"""Limits proposed from the behaviour score over HTTP: which wait, and the two answers."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from governance.asked import caller
from governance.idempotency import idempotent
from risk import limit_proposals
from risk.models import LimitProposal
from risk.permissions import DECIDE_LIMIT_PROPOSAL, VIEW_DECISION


class LimitProposalOut(serializers.ModelSerializer):
    """Another limit for a line, with the score it came from."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    direction = serializers.CharField(help_text="up or down")
    status = serializers.CharField(help_text="open, approved, refused, lapsed, done or failed")
    pd = serializers.DecimalField(source="score.pd", max_digits=7, decimal_places=6, help_text="likely to fall behind, a share of 1")
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True)

    class Meta:
        model = LimitProposal
        fields = (
            "id", "customer", "line", "direction", "limit_now", "limit_proposed", "pd", "status", "made_at", "decided_by", "decided_at",
            "consent_on", "outcome",
        )  # fmt: skip


class LimitApprovalIn(serializers.Serializer):
    consent_on = serializers.DateField(required=False, default=None, allow_null=True, help_text="of the customer; a higher limit needs it")
    consent_channel = serializers.ChoiceField(
        choices=LimitProposal.Channel.choices, required=False, default="", allow_blank=True, help_text="how the customer agreed"
    )


class LimitProposalViewSet(DoorViewSet):
    """Limits proposed from the behaviour score."""

    serializer_class = LimitProposalOut
    queryset = LimitProposal.objects.none()
    needs = {"list": VIEW_DECISION, "retrieve": VIEW_DECISION, "approve": DECIDE_LIMIT_PROPOSAL, "refuse": DECIDE_LIMIT_PROPOSAL}

    def get_queryset(self) -> QuerySet[LimitProposal]:
        return LimitProposal.objects.visible_to(self.request.user).select_related("customer", "score", "decided_by")

    @extend_schema(request=LimitApprovalIn, responses={200: LimitProposalOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, public_id: str) -> Response:
        """Approve a proposed limit; the line changes at once, a higher limit once its second person has confirmed it."""
        proposal: Any = self.get_object()
        done = limit_proposals.approve(proposal, **checked(LimitApprovalIn, request), actor=caller(request), at=now())
        return Response(LimitProposalOut(done).data)

    @extend_schema(request=None, responses={200: LimitProposalOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self, request: Request, public_id: str) -> Response:
        """Refuse a proposed limit: the line stays as it is."""
        proposal: Any = self.get_object()
        return Response(LimitProposalOut(limit_proposals.refuse(proposal, actor=caller(request), at=now())).data)


VIEWSETS = {"limit-proposals": LimitProposalViewSet}
