"""Requests for relief, their plans and settlements over HTTP. Words and papers stay inside; whoever proposes does not approve."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import hardship as hardships
from collection import permissions, relief_plans, settlements
from collection.disputes import LONGEST
from collection.matter_api import case_of, loan_of, owner_of
from collection.models import BudgetLine, Hardship, ReliefPlan, Settlement, SettlementPart
from collection.part_api import named, parts_of
from credit.act_builds import Evidence
from crm.lib.api import DoorViewSet, checked
from governance.asked import caller
from governance.idempotency import idempotent


class BudgetLineOut(serializers.ModelSerializer):
    class Meta:
        model = BudgetLine
        fields = ("side", "item", "amount")


class HardshipOut(serializers.ModelSerializer):
    """A request for relief with its form of a month's income and expenses."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    owner = serializers.CharField(source="owner.public_id", help_text="who answers")
    lines = BudgetLineOut(many=True)

    class Meta:
        model = Hardship
        fields = ("id", "case", "customer", "status", "cause", "owner", "opened_on", "decided_on", "lines")


class HardshipIn(serializers.Serializer):
    case = serializers.CharField(max_length=16)
    cause = serializers.ChoiceField(choices=Evidence.choices)
    words = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST)
    owner = serializers.CharField(required=False, allow_blank=True, default="", max_length=16)


class BudgetLineIn(serializers.Serializer):
    item = serializers.ChoiceField(choices=BudgetLine.Item.choices)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True, help_text="null: not filled in")


class BudgetIn(serializers.Serializer):
    lines = BudgetLineIn(many=True, allow_empty=False)
    finish = serializers.BooleanField(required=False, default=False, help_text="the form is complete: plans may be proposed")


class HardshipAnswerIn(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=[(each.value, each.label) for each in (Hardship.Status.REFUSED, Hardship.Status.WITHDRAWN)])
    answer = serializers.CharField(max_length=LONGEST)


class HardshipViewSet(DoorViewSet):
    """Requests for relief in the cases the caller may see."""

    serializer_class = HardshipOut
    queryset = Hardship.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.OPEN_RELIEF,
        "form": permissions.OPEN_RELIEF,
        "answer": permissions.OPEN_RELIEF,
    }

    def get_queryset(self) -> QuerySet[Hardship]:
        return Hardship.objects.visible_to(self.request.user).for_list().prefetch_related("lines")

    def told(self, row: Hardship, code: int = status.HTTP_200_OK) -> Response:
        return Response(HardshipOut(self.get_queryset().get(pk=row.pk)).data, status=code)

    @extend_schema(request=HardshipIn, responses={201: HardshipOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Open a request for relief in a case: machines send no more reminders meanwhile."""
        body = checked(HardshipIn, request)
        case = case_of(request, body)
        body["owner"] = owner_of(case, body["owner"])
        return self.told(hardships.open_(case, **body, actor=caller(request), at=now()), status.HTTP_201_CREATED)

    @extend_schema(request=BudgetIn, responses=HardshipOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def form(self, request: Request, public_id: str) -> Response:
        """Keep the form of income and expenses as far as it is filled in; `finish` ends it."""
        row, body = self.get_object(), checked(BudgetIn, request)
        actor, at = caller(request), now()
        amounts = {line["item"]: line["amount"] for line in body["lines"]}
        row = hardships.fill_in(row, amounts=amounts, actor=actor, at=at)
        return self.told(hardships.assess(row, actor=actor, at=at) if body["finish"] else row)

    @extend_schema(request=HardshipAnswerIn, responses=HardshipOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def answer(self, request: Request, public_id: str) -> Response:
        """End a request without a plan, with the answer the customer got."""
        return self.told(hardships.answer(self.get_object(), **checked(HardshipAnswerIn, request), actor=caller(request), at=now()))


class PlanOut(serializers.ModelSerializer):
    """A relief plan; `seen` tells the loan before and after it, as it was when it was proposed."""

    id = serializers.CharField(source="public_id")
    hardship = serializers.CharField(source="hardship.public_id")
    case = serializers.CharField(source="hardship.case.public_id")
    loan = serializers.CharField(source="loan.public_id")
    proposed_by = serializers.CharField(source="proposed_by.public_id")
    approved_by = serializers.CharField(source="approved_by.public_id", default=None, allow_null=True)

    class Meta:
        model = ReliefPlan
        fields = (
            "id", "hardship", "case", "loan", "kind", "status", "data", "given_up", "months", "seen", "proposed_by", "approved_by", "starts_on",
            "until", "ended_on",
        )  # fmt: skip


class PlanIn(serializers.Serializer):
    """Only the figures of the chosen kind are read."""

    hardship = serializers.CharField(max_length=16)
    loan = serializers.CharField(max_length=16)
    kind = serializers.ChoiceField(choices=ReliefPlan.Kind.choices)
    more = serializers.IntegerField(required=False, min_value=1, max_value=24, help_text="extension: further instalments")
    until = serializers.DateField(required=False, help_text="lower: last day of the lower instalments")
    pays = serializers.DecimalField(max_digits=14, decimal_places=2, required=False, help_text="lower: paid at each due date, CNY")
    periods = serializers.IntegerField(required=False, min_value=1, max_value=60, help_text="rate: instalments from now on")
    annual_rate = serializers.DecimalField(
        max_digits=7, decimal_places=6, required=False, min_value=0, max_value=1, help_text="rate: a share, 0.12 for 12 %"
    )
    part = serializers.ChoiceField(choices=[("penalty", _("Penalty")), ("interest", _("Interest"))], required=False)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, required=False, help_text="waive: CNY")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if missing := relief_plans.missing(attrs["kind"], attrs):
            raise serializers.ValidationError(missing)
        return attrs


class PlanViewSet(DoorViewSet):
    """Relief plans of the requests the caller may see."""

    serializer_class = PlanOut
    queryset = ReliefPlan.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.OPEN_RELIEF,
        "approve": permissions.APPROVE_RELIEF,
        "refuse": permissions.APPROVE_RELIEF,
    }

    def get_queryset(self) -> QuerySet[ReliefPlan]:
        seen = Hardship.objects.visible_to(self.request.user)
        rows = ReliefPlan.objects.filter(hardship__in=seen)
        return rows.select_related("hardship__case__customer", "loan", "proposed_by", "approved_by").order_by("-pk")

    def told(self, row: ReliefPlan, code: int = status.HTTP_200_OK) -> Response:
        return Response(PlanOut(self.get_queryset().get(pk=row.pk)).data, status=code)

    @extend_schema(request=PlanIn, responses={201: PlanOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Propose a plan for a loan of a finished request; another person approves it."""
        body, actor = checked(PlanIn, request), caller(request)
        hardship = Hardship.objects.for_list().named(actor, body["hardship"])
        if hardship is None:
            raise serializers.ValidationError({"hardship": _("There is no such request for relief.")})
        loan = loan_of(hardship.case, body["loan"])
        data = relief_plans.chosen(body["kind"], body)
        made = relief_plans.propose(hardship, loan=loan, kind=body["kind"], data=data, actor=actor, at=now())
        return self.told(made, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=PlanOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, public_id: str) -> Response:
        """Approve a plan within the caller's authority; it goes onto the loan through the loan desk's door."""
        return self.told(relief_plans.approve(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=PlanOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self, request: Request, public_id: str) -> Response:
        """Refuse a plan."""
        return self.told(relief_plans.refuse(self.get_object(), actor=caller(request), at=now()))


class SettlementPartOut(serializers.ModelSerializer):
    class Meta:
        model = SettlementPart
        fields = ("seq", "due_on", "amount")


class SettlementOut(serializers.ModelSerializer):
    """A settlement for less than is owed; `floor` is the least the ladder allowed when it was proposed."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    hardship = serializers.CharField(source="hardship.public_id", default=None, allow_null=True)
    offered_by = serializers.CharField(source="offered_by.public_id")
    approved_by = serializers.CharField(source="approved_by.public_id", default=None, allow_null=True)
    parts = SettlementPartOut(many=True)

    class Meta:
        model = Settlement
        fields = (
            "id", "case", "customer", "hardship", "status", "dpd", "balance", "floor", "amount", "discount", "paid_amount", "forgiven",
            "offered_by", "approved_by", "offered_on", "expires_on", "accepted_on", "ended_on", "parts",
        )  # fmt: skip


class SettlementPartIn(serializers.Serializer):
    due_on = serializers.DateField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)


class SettlementIn(serializers.Serializer):
    case = serializers.CharField(max_length=16)
    parts = SettlementPartIn(many=True, allow_empty=False)


class SettlementViewSet(DoorViewSet):
    """Settlements in the cases the caller may see."""

    serializer_class = SettlementOut
    queryset = Settlement.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.OPEN_RELIEF,
        "accept": permissions.OPEN_RELIEF,
        "withdraw": permissions.OPEN_RELIEF,
        "approve": permissions.APPROVE_RELIEF,
        "refuse": permissions.APPROVE_RELIEF,
    }

    def get_queryset(self) -> QuerySet[Settlement]:
        rows = Settlement.objects.visible_to(self.request.user).for_list().select_related("hardship", "approved_by")
        return rows.prefetch_related("parts")

    def told(self, row: Settlement, code: int = status.HTTP_200_OK) -> Response:
        return Response(SettlementOut(self.get_queryset().get(pk=row.pk)).data, status=code)

    @extend_schema(request=SettlementIn, responses={201: SettlementOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Propose to take less than is owed, in one or more payments; the ladder says how little."""
        body = checked(SettlementIn, request)
        case = case_of(request, body)
        with named("parts"):
            made = settlements.offer(case, parts=parts_of(body["parts"]), actor=caller(request), at=now())
        return self.told(made, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=SettlementOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def accept(self, request: Request, public_id: str) -> Response:
        """The debtor takes the offer: from now on its payments are judged."""
        return self.told(settlements.accept(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=SettlementOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take an offer back that was not accepted."""
        return self.told(settlements.withdraw(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=SettlementOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, public_id: str) -> Response:
        """Approve a settlement within the caller's authority."""
        return self.told(settlements.approve(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=SettlementOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self, request: Request, public_id: str) -> Response:
        """Refuse a settlement."""
        return self.told(settlements.refuse(self.get_object(), actor=caller(request), at=now()))


VIEWSETS = {"hardships": HardshipViewSet, "relief-plans": PlanViewSet, "settlements": SettlementViewSet}
