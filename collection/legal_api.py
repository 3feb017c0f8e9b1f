"""Legal actions and their filing packs over HTTP: the doors of the pages. What is written in words goes in and is not given out."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import legal, packs, permissions
from collection.matter_api import case_of
from collection.models import FilingPack, LegalAction, LegalCost, LegalDiary
from credit.api_common import Filtered
from crm.lib.api import DoorViewSet, checked
from crm.lib.money import total
from governance.asked import caller
from governance.idempotency import idempotent

OF_CASE = [
    OpenApiParameter("case", str, description="id of a case"),
    OpenApiParameter("status", str, description="as the rows say it"),
]


class LegalDiaryOut(serializers.ModelSerializer):
    """A line of the diary. Its words stay inside."""

    actor = serializers.CharField(source="actor.public_id")

    class Meta:
        model = LegalDiary
        fields = ("stage", "on", "court", "case_number", "next_what", "next_on", "actor", "at")


class LegalCostOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    reverses = serializers.CharField(source="reverses.public_id", default=None, allow_null=True, help_text="the cost this line takes back")

    class Meta:
        model = LegalCost
        fields = ("id", "kind", "amount", "on", "reference", "reverses")


class LegalActionOut(serializers.ModelSerializer):
    """An action with its diary, the newest line first, and its costs; `expected` and `cost_forecast` are those it was proposed or approved by."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    proposed_by = serializers.CharField(source="proposed_by.public_id")
    decided_by = serializers.CharField(source="decided_by.public_id", default=None, allow_null=True)
    spent = serializers.SerializerMethodField(help_text="what it has cost so far, CNY")
    diary = LegalDiaryOut(many=True)
    costs = LegalCostOut(many=True)

    class Meta:
        model = LegalAction
        fields = (
            "id", "case", "customer", "status", "source", "claim", "expected", "cost_forecast", "above", "spent", "court", "case_number",
            "next_what", "next_on", "outcome", "proposed_by", "proposed_on", "decided_by", "decided_at", "filed_on", "judged_on", "ended_on",
            "diary", "costs",
        )  # fmt: skip

    @extend_schema_field(serializers.DecimalField(max_digits=14, decimal_places=2))
    def get_spent(self, row: LegalAction) -> str:
        return str(total([cost.amount for cost in row.costs.all()]))


class LegalActionIn(serializers.Serializer):
    case = serializers.CharField(max_length=16)


class DiaryIn(serializers.Serializer):
    """Another stage, the end, or a note where `to` is the stage it is in. What stood of court, number and deadline stays where nothing is said."""

    to = serializers.ChoiceField(choices=LegalAction.Status.choices)
    on = serializers.DateField()
    court = serializers.CharField(required=False, allow_blank=True, default="", max_length=80)
    case_number = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    next_what = serializers.ChoiceField(choices=LegalAction.Deadline.choices, required=False, allow_blank=True, default="")
    next_on = serializers.DateField(required=False, allow_null=True, default=None)
    outcome = serializers.ChoiceField(
        choices=LegalAction.Outcome.choices, required=False, allow_blank=True, default="", help_text="only where it ends"
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=legal.LONGEST)


class LegalCostIn(serializers.Serializer):
    kind = serializers.ChoiceField(choices=LegalCost.Kind.choices)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    on = serializers.DateField()
    reference = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)


class LegalCostBackIn(serializers.Serializer):
    cost = serializers.CharField(max_length=16, help_text="id of a cost of this action")


def whole(rows: Any) -> QuerySet[LegalAction]:
    """Join what an action is told with: a constant number of statements."""
    lines = LegalDiary.objects.select_related("actor").defer("note").order_by("-pk")
    costs = LegalCost.objects.select_related("reverses").order_by("-pk")
    found: QuerySet[LegalAction] = rows.for_list().select_related("decided_by")
    return found.prefetch_related(Prefetch("diary", lines), Prefetch("costs", costs))


class LegalActionViewSet(Filtered):
    """Legal actions about the cases the caller may see."""

    serializer_class = LegalActionOut
    queryset = LegalAction.objects.none()
    filters = {"case": "case__public_id", "status": "status"}
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.PROPOSE_LEGAL,
        "approve": permissions.APPROVE_LEGAL,
        "refuse": permissions.APPROVE_LEGAL,
        "diary": permissions.RUN_LEGAL,
        "costs": permissions.RUN_LEGAL,
        "take_back": permissions.RUN_LEGAL,
    }

    def get_queryset(self) -> QuerySet[LegalAction]:
        return whole(LegalAction.objects.visible_to(self.request.user))

    def told(self, row: LegalAction, code: int = status.HTTP_200_OK) -> Response:
        """Return the action as the door left it, also where filing it took its case out of the caller's sight."""
        return Response(LegalActionOut(whole(LegalAction.objects.filter(pk=row.pk)).get()).data, status=code)

    @extend_schema(parameters=OF_CASE)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=LegalActionIn, responses={201: LegalActionOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Propose to take a case to court; another person decides."""
        case = case_of(request, checked(LegalActionIn, request))
        return self.told(legal.propose(case, actor=caller(request), at=now()), status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=LegalActionOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, public_id: str) -> Response:
        """Approve an action within the caller's authority, by what it brings and costs now; the work on the case waits from here on."""
        return self.told(legal.approve(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=LegalActionOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self, request: Request, public_id: str) -> Response:
        """Do not go on with a proposal."""
        return self.told(legal.refuse(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=DiaryIn, responses=LegalActionOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def diary(self, request: Request, public_id: str) -> Response:
        """Write what happened into the diary. Filed, the case is closed by the reason `legal`; 409 `letter_first` before the debtor was written to."""
        row, body = self.get_object(), checked(DiaryIn, request)
        return self.told(legal.step(row, **body, actor=caller(request), at=now()))

    @extend_schema(request=LegalCostIn, responses={201: LegalActionOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def costs(self, request: Request, public_id: str) -> Response:
        """Note a cost of the action."""
        row, body = self.get_object(), checked(LegalCostIn, request)
        legal.add_cost(row, **body, actor=caller(request), at=now())
        return self.told(row, status.HTTP_201_CREATED)

    @extend_schema(request=LegalCostBackIn, responses=LegalActionOut)
    @action(detail=True, methods=["post"], url_path="take-back", url_name="take-back")
    @idempotent()
    def take_back(self, request: Request, public_id: str) -> Response:
        """Take back a cost noted by mistake; both lines stay."""
        row, body = self.get_object(), checked(LegalCostBackIn, request)
        cost = row.costs.filter(public_id=body["cost"]).first()
        if cost is None:
            raise serializers.ValidationError({"cost": _("This action has no such cost.")})
        legal.take_cost_back(cost, actor=caller(request), at=now())
        return self.told(row)


class PackPartOut(serializers.Serializer):
    name = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class FilingPackOut(serializers.ModelSerializer):
    """A pack: it can be opened once `made_at` is there; `job` says how far the worker is, and `index` what lies in it."""

    id = serializers.CharField(source="public_id")
    action = serializers.CharField(source="action.public_id")
    job = serializers.CharField(source="job.status", help_text="waiting, running, done or failed")
    asked_by = serializers.CharField(source="asked_by.public_id")
    index = PackPartOut(many=True)

    class Meta:
        model = FilingPack
        fields = ("id", "action", "job", "asked_by", "asked_at", "made_at", "media_type", "size", "sha256", "index")


class FilingPackIn(serializers.Serializer):
    action = serializers.CharField(max_length=16, help_text="id of a legal action that was approved")
    reason = serializers.CharField(min_length=5, max_length=200, help_text="what it is needed for; it stands on record")


class FilingPackViewSet(DoorViewSet):
    """What a court needs of one action, in one file that a worker makes."""

    serializer_class = FilingPackOut
    queryset = FilingPack.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.RUN_LEGAL,
        "file": permissions.OPEN_PACK,
    }

    def get_queryset(self) -> QuerySet[FilingPack]:
        rows = FilingPack.objects.filter(action__in=LegalAction.objects.visible_to(self.request.user))
        return rows.select_related("action__case", "job", "asked_by").order_by("-pk")

    @extend_schema(request=FilingPackIn, responses={201: FilingPackOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Order a pack; a worker makes it."""
        body = checked(FilingPackIn, request)
        row = LegalAction.objects.for_list().named(caller(request), body["action"])
        if row is None:
            raise serializers.ValidationError({"action": _("There is no such legal action.")})
        made = packs.ask(row, reason=body["reason"], actor=caller(request), at=now())
        return Response(FilingPackOut(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={(200, packs.ZIP): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def file(self, request: Request, public_id: str) -> HttpResponse:
        """Return the file; who opened it stands in the ledger. 409 `no_pack` until it is made."""
        row = self.get_object()
        content = packs.opened(row, actor=caller(request), at=now())
        return HttpResponse(content, content_type=packs.ZIP, headers={"Cache-Control": "no-store"})


VIEWSETS = {"legal-actions": LegalActionViewSet, "filing-packs": FilingPackViewSet}
