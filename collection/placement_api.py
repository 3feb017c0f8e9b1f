"""Agencies over HTTP: their own placements, the gate before each contact, what came of it. Nothing of other agencies, nothing of what is back."""

from typing import Any

from django.db.models import Prefetch
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import permissions, placement_work, script_panel
from collection.contacts import LONGEST_NOTE
from collection.models import (
    CallScript,
    CaseDebt,
    Channel,
    Complaint,
    Contact,
    Dispute,
    Hardship,
    Outcome,
    Placement,
    Promise,
    PromisePart,
)
from collection.obligor_api import TO_WHOM, ObligorOut
from collection.part_api import named, parts_of
from credit.act_builds import Evidence
from crm.lib.api import DoorViewSet, checked
from customers.models import ContactBar, ContactChannel, Relation
from governance import uses
from governance.asked import caller
from governance.idempotency import idempotent


class PlacedDebtOut(serializers.ModelSerializer):
    loan = serializers.CharField(source="loan.public_id")

    class Meta:
        model = CaseDebt
        fields = ("loan", "overdue_amount", "dpd")


class PlacedPromisePartOut(serializers.ModelSerializer):
    class Meta:
        model = PromisePart
        fields = ("seq", "due_on", "amount")


class PlacedPromiseOut(serializers.ModelSerializer):
    """The promise that runs in the case, whoever took it down; `paid_amount` is what of it came in time."""

    id = serializers.CharField(source="public_id")
    parts = PlacedPromisePartOut(many=True)

    class Meta:
        model = Promise
        fields = ("id", "status", "amount", "paid_amount", "first_due_on", "last_due_on", "taken_at", "parts")


class PlacementOut(serializers.ModelSerializer):
    """A case with the agency, as little of it as the work needs: no id number, the number only with the place for a call."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="case.customer.masked_name")
    mobile = serializers.CharField(source="case.customer.masked_mobile")
    language = serializers.CharField(source="case.customer.language")
    zone = serializers.SerializerMethodField(help_text="by whose clock the hours of contact run")
    overdue_amount = serializers.DecimalField(source="case.overdue_amount", max_digits=14, decimal_places=2)
    debts = PlacedDebtOut(source="case.debts", many=True)
    obligors = ObligorOut(source="case.customer.obligors", many=True)
    promise = serializers.SerializerMethodField()

    class Meta:
        model = Placement
        fields = (
            "id", "placed_on", "back_on", "name", "mobile", "language", "zone", "overdue_amount", "rate", "collected", "fee", "debts", "obligors",
            "promise",
        )  # fmt: skip

    @extend_schema_field(PlacedPromiseOut(allow_null=True))
    def get_promise(self, row: Placement) -> Any:
        running = row.case.running_promises  # type: ignore[attr-defined]  # at most one runs
        return PlacedPromiseOut(running[0]).data if running else None

    def get_zone(self, row: Placement) -> str:
        return row.case.customer.zone or row.case.customer.legal_entity.zone


class PlacedLineOut(serializers.Serializer):
    party = serializers.ChoiceField(
        choices=CallScript.Party.choices,
        help_text="`unknown`: to whoever answers; `confirmed`: to the debtor alone; `obligor`: to who answers beside them",
    )
    text = serializers.CharField()
    must = serializers.BooleanField(help_text="`lines_said` says that each of these was said")


class PlacedScriptOut(serializers.Serializer):
    """What is said in a talk about a placed case, in the customer's language, with the amounts of the books."""

    language = serializers.CharField()
    lines = PlacedLineOut(many=True)


class AskIn(serializers.Serializer):
    channel = serializers.ChoiceField(choices=Channel.choices)
    obligor = serializers.CharField(**TO_WHOM)


class AllowedOut(serializers.Serializer):
    """The place is taken: make the contact now and tell how it went. A refusal is a 409 with `rule` and `opens_at`."""

    verdict = serializers.ChoiceField(choices=[("allow", _("Allowed"))])
    channel = serializers.ChoiceField(choices=Channel.choices)
    at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    number = serializers.CharField(help_text="for calls and text messages; empty otherwise")


class PlacedPartIn(serializers.Serializer):
    due_on = serializers.DateField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)


class ToldIn(serializers.Serializer):
    channel = serializers.ChoiceField(choices=Channel.choices)
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    obligor = serializers.CharField(**TO_WHOM)
    confirmed = serializers.BooleanField(
        required=False, default=False, help_text="it is certain that it was the debtor, or the obligor named"
    )
    lines_said = serializers.BooleanField(
        required=False, default=False, help_text="who calls, for whom and that it is recorded was said; a talk with the debtor needs it"
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_NOTE)
    promise = PlacedPartIn(many=True, required=False, default=list)


class ToldOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")

    class Meta:
        model = Contact
        fields = ("id", "channel", "outcome", "at")


class PlacedPromiseIn(serializers.Serializer):
    channel = serializers.ChoiceField(choices=Channel.choices)
    parts = PlacedPartIn(many=True, allow_empty=False)


class PlacedMatterOut(serializers.Serializer):
    """What was opened in the house; the case is back there."""

    id = serializers.CharField()
    status = serializers.CharField()


class PlacedStopIn(serializers.Serializer):
    channel = serializers.ChoiceField(choices=ContactChannel.choices)
    obligor = serializers.CharField(**TO_WHOM)


class PlacedStopOut(serializers.ModelSerializer):
    class Meta:
        model = ContactBar
        fields = ("channel", "since")


class PlacedDisputeIn(serializers.Serializer):
    loan = serializers.CharField(max_length=16)
    kind = serializers.ChoiceField(choices=Dispute.Kind.choices)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    channel = serializers.ChoiceField(choices=Channel.choices)
    statement = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_NOTE)


class PlacedComplaintIn(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Complaint.Kind.choices)
    channel = serializers.ChoiceField(choices=Channel.choices)
    statement = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_NOTE)


class PlacedHardshipIn(serializers.Serializer):
    cause = serializers.ChoiceField(choices=Evidence.choices)
    words = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_NOTE)


def opened(row: Dispute | Complaint | Hardship) -> Response:
    return Response({"id": row.public_id, "status": row.status}, status=status.HTTP_201_CREATED)


class PlacementViewSet(DoorViewSet):
    """The cases that are with the caller's agency now."""

    serializer_class = PlacementOut
    queryset = Placement.objects.none()
    needs = {
        "list": permissions.VIEW_PLACEMENT,
        "retrieve": permissions.VIEW_PLACEMENT,
        "script": permissions.VIEW_PLACEMENT,
        "ask": permissions.WORK_PLACEMENT,
        "contacts": permissions.WORK_PLACEMENT,
        "promises": permissions.WORK_PLACEMENT,
        "stops": permissions.WORK_PLACEMENT,
        "disputes": permissions.WORK_PLACEMENT,
        "complaints": permissions.WORK_PLACEMENT,
        "hardships": permissions.WORK_PLACEMENT,
        "return_": permissions.WORK_PLACEMENT,
    }

    def get_queryset(self) -> Any:
        rows = Placement.objects.visible_to(self.request.user)
        if self.action == "contacts":  # a call that ran while the case was taken back is told all the same
            rows = placement_work.tellable(caller(self.request), at=now())
        running = Promise.objects.running().prefetch_related("parts").order_by("-pk")
        return rows.with_agency().prefetch_related(Prefetch("case__promises", running, to_attr="running_promises"))

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset)
        self.lawful(rows or [])
        return rows

    def get_object(self) -> Placement:
        row: Placement = super().get_object()
        self.lawful([row])
        return row

    def lawful(self, rows: list[Placement]) -> None:
        """Bind the people of these rows to what collections may read of them."""
        beside: list[Relation] = [one for row in rows for one in row.case.customer.obligors]  # type: ignore[attr-defined]
        people = [row.case.customer for row in rows] + [one.other for one in beside if one.other]
        uses.bind(people, "collections", actor=caller(self.request), at=now())
        uses.bind([one for one in beside if one.other_id is None], "collections", actor=caller(self.request), at=now())

    @extend_schema(responses=PlacedScriptOut)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def script(self, request: Request, public_id: str) -> Response:
        """Read what is said in a talk; a result that names the debtor needs every line marked `must`."""
        language, lines = script_panel.placed(self.get_object(), user=caller(request), at=now())
        return Response(PlacedScriptOut({"language": language, "lines": lines}).data)

    @extend_schema(request=AskIn, responses=AllowedOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def ask(self, request: Request, public_id: str) -> Response:
        """Ask the contact gate and take the place; 409 `contact_refused` with the rule, and when it opens."""
        row, body = self.get_object(), checked(AskIn, request)
        found = placement_work.ask(row, channel=body["channel"], obligor=body["obligor"], actor=caller(request), at=now())
        return Response(AllowedOut({"verdict": "allow", **vars(found)}).data)

    @extend_schema(request=ToldIn, responses={201: ToldOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def contacts(self, request: Request, public_id: str) -> Response:
        """Tell how a contact went: within a day, also if the case went back meanwhile. Wrong numbers are barred; dispute, complaint, hardship, death take it back."""
        row, body = self.get_object(), checked(ToldIn, request)
        parts = parts_of(body.pop("promise"))
        with named("promise"):
            contact = placement_work.tell(row, actor=caller(request), at=now(), promise=parts, **body)
        return Response(ToldOut(contact).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=PlacedPromiseIn, responses={201: PlacedMatterOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def promises(self, request: Request, public_id: str) -> Response:
        """Write down a promise made in a talk of today that is told and confirmed; one that ran until now is replaced."""
        row, body = self.get_object(), checked(PlacedPromiseIn, request)
        with named("parts"):
            made = placement_work.promise(row, parts=parts_of(body["parts"]), channel=body["channel"], actor=caller(request), at=now())
        return Response({"id": made.public_id, "status": made.status}, status=status.HTTP_201_CREATED)

    @extend_schema(request=PlacedStopIn, responses={201: PlacedStopOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def stops(self, request: Request, public_id: str) -> Response:
        """Stop one way of contact as the debtor, or an obligor, asked, for everybody; one that is stopped stays so."""
        row, body = self.get_object(), checked(PlacedStopIn, request)
        made = placement_work.stop(row, channel=body["channel"], obligor=body["obligor"], actor=caller(request), at=now())
        return Response(PlacedStopOut(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=PlacedDisputeIn, responses={201: PlacedMatterOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def disputes(self, request: Request, public_id: str) -> Response:
        """Open a dispute about a loan of the case; the case goes back."""
        row, body = self.get_object(), checked(PlacedDisputeIn, request)
        debt = row.case.debts.select_related("loan__legal_entity").filter(loan__public_id=body.pop("loan").replace("\0", "")).first()
        if debt is None:
            raise serializers.ValidationError({"loan": _("Choose an open loan of this case.")})
        return opened(placement_work.dispute(row, loan=debt.loan, actor=caller(request), at=now(), **body))

    @extend_schema(request=PlacedComplaintIn, responses={201: PlacedMatterOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def complaints(self, request: Request, public_id: str) -> Response:
        """File a complaint; the case goes back."""
        row, body = self.get_object(), checked(PlacedComplaintIn, request)
        return opened(placement_work.complain(row, actor=caller(request), at=now(), **body))

    @extend_schema(request=PlacedHardshipIn, responses={201: PlacedMatterOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def hardships(self, request: Request, public_id: str) -> Response:
        """Ask for relief in the customer's name; the case goes back."""
        row, body = self.get_object(), checked(PlacedHardshipIn, request)
        return opened(placement_work.ask_relief(row, actor=caller(request), at=now(), **body))

    @extend_schema(request=None, responses=PlacedMatterOut)
    @action(detail=True, methods=["post"], url_path="return", url_name="return")
    @idempotent()
    def return_(self, request: Request, public_id: str) -> Response:
        """Give a case back to the house."""
        done = placement_work.give_back(self.get_object(), actor=caller(request), at=now())
        return Response({"id": done.public_id, "status": done.status})


VIEWSETS = {"placements": PlacementViewSet}
