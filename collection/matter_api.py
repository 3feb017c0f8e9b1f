"""Disputes and complaints over HTTP: read them, open one in a case, answer it. What people said and were answered stays inside."""

from collections import Counter
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import complaints, disputes, permissions
from collection.models import Case, Channel, Complaint, Dispute
from credit.models import Loan
from crm.lib.api import DoorViewSet, checked
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models import User

Outcome, Answer = Dispute.Status, Complaint.Status


class MatterOut(serializers.ModelSerializer):
    """What both kinds of matter tell: whose it is, who answers by when."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    owner = serializers.CharField(source="owner.public_id", help_text="who answers")
    opened_by = serializers.CharField(source="opened_by.public_id")


SHARED = ("id", "case", "customer", "status", "kind", "channel", "owner", "opened_by", "opened_on", "due_on", "decided_on")


class DisputeOut(MatterOut):
    """A contested amount of one loan: it is left out of every demand while the dispute is open."""

    loan = serializers.CharField(source="loan.public_id")

    class Meta:
        model = Dispute
        fields = (*SHARED, "loan", "amount", "upheld_amount", "corrected_at")


class ComplaintOut(MatterOut):
    """A complaint; whom it names is off the case while it is open, and for good if it is upheld."""

    about = serializers.CharField(source="about.public_id", default=None, allow_null=True)

    class Meta:
        model = Complaint
        fields = (*SHARED, "about", "is_complex", "extended")


class MatterIn(serializers.Serializer):
    case = serializers.CharField(max_length=16)
    channel = serializers.ChoiceField(choices=Channel.choices)
    statement = serializers.CharField(required=False, allow_blank=True, default="", max_length=disputes.LONGEST)
    owner = serializers.CharField(
        required=False, default="", max_length=16, allow_blank=True, help_text="who answers; default: who may and has the least to answer"
    )


class DisputeIn(MatterIn):
    loan = serializers.CharField(max_length=16)
    kind = serializers.ChoiceField(choices=Dispute.Kind.choices)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)


class ComplaintIn(MatterIn):
    kind = serializers.ChoiceField(choices=Complaint.Kind.choices)
    about = serializers.CharField(required=False, default="", max_length=16, allow_blank=True, help_text="a member of staff")
    is_complex = serializers.BooleanField(required=False, default=False)


class DisputeWithdrawIn(serializers.Serializer):
    """Why a dispute is taken back."""

    words = serializers.CharField(max_length=disputes.LONGEST, help_text="what the debtor said")


class DisputeDecisionIn(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=[(each.value, each.label) for each in (Outcome.UPHELD, Outcome.PARTLY, Outcome.REJECTED)])
    upheld = serializers.DecimalField(max_digits=14, decimal_places=2, required=False, default=None, allow_null=True)
    answer = serializers.CharField(max_length=disputes.LONGEST)


class ComplaintDecisionIn(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=[(each.value, each.label) for each in (Answer.UPHELD, Answer.REJECTED, Answer.WITHDRAWN)])
    answer = serializers.CharField(max_length=disputes.LONGEST)


def case_of(request: Request, body: dict[str, Any]) -> Case:
    """Return the case a body names.

    :raises serializers.ValidationError: if there is none the caller may see
    """
    found = Case.objects.select_related("customer", "legal_entity").named(caller(request), body.pop("case"))
    if found is None:
        raise serializers.ValidationError({"case": _("There is no such case.")})
    return found


def loan_of(case: Case, name: str) -> Loan:
    """Return the open loan of a case a body names.

    :raises serializers.ValidationError: if the case has none of that name
    """
    found = Loan.objects.open().filter(pk__in=case.debts.values("loan"), public_id=name).first()
    if found is None:
        raise serializers.ValidationError({"loan": _("This case has no such open loan.")})
    return found


def owner_of(case: Case, name: str) -> User:
    """Return who answers: the one named, else who may and has the fewest open matters.

    :raises serializers.ValidationError: if nobody of that name may, or nobody at all
    """
    able = disputes.owners(case)
    if name:
        found = able.filter(public_id=name).first()
    else:
        people, busy = list(able), Counter[int]()
        for model in (Dispute, Complaint):
            busy.update(model.objects.open().filter(owner__in=people).order_by().values_list("owner", flat=True))
        found = min(people, key=lambda user: (busy[user.pk], user.name), default=None)
    if found is None:
        raise serializers.ValidationError({"owner": _("Nobody of that name may answer in this case.")})
    return found


class DisputeViewSet(DoorViewSet):
    """Disputes in the cases the caller may see."""

    serializer_class = DisputeOut
    queryset = Dispute.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.OPEN_MATTER,
        "withdraw": permissions.OPEN_MATTER,
        "decide": permissions.DECIDE_MATTER,
        "put_right": permissions.DECIDE_MATTER,
    }

    def get_queryset(self) -> QuerySet[Dispute]:
        return Dispute.objects.visible_to(self.request.user).for_list().select_related("loan")

    def answer(self, row: Dispute) -> Response:
        return Response(DisputeOut(self.get_queryset().get(pk=row.pk)).data)

    @extend_schema(request=DisputeIn, responses={201: DisputeOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Contest an amount of a loan of a case: it is not demanded until the dispute is decided."""
        body = checked(DisputeIn, request)
        case = case_of(request, body)
        loan = loan_of(case, body.pop("loan"))
        body["owner"] = owner_of(case, body["owner"])
        made = disputes.raise_(case, loan=loan, **body, actor=caller(request), at=now())
        return Response(DisputeOut(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=DisputeWithdrawIn, responses=DisputeOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take a dispute back, as the debtor asked, with what they said."""
        row, body = self.get_object(), checked(DisputeWithdrawIn, request)
        return self.answer(disputes.withdraw(row, words=body["words"], actor=caller(request), at=now()))

    @extend_schema(request=DisputeDecisionIn, responses=DisputeOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def decide(self, request: Request, public_id: str) -> Response:
        """Decide a dispute; what proved wrong is put right through the doors of loans."""
        return self.answer(disputes.decide(self.get_object(), **checked(DisputeDecisionIn, request), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=DisputeOut)
    @action(detail=True, methods=["post"], url_path="put-right")
    @idempotent()
    def put_right(self, request: Request, public_id: str) -> Response:
        """Note that what was upheld is put right in the books: they alone say what is owed from now on."""
        return self.answer(disputes.put_right(self.get_object(), actor=caller(request), at=now()))


class ComplaintViewSet(DoorViewSet):
    """Complaints in the cases the caller may see."""

    serializer_class = ComplaintOut
    queryset = Complaint.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "create": permissions.OPEN_MATTER,
        "extend": permissions.EXTEND_MATTER,
        "decide": permissions.DECIDE_MATTER,
    }

    def get_queryset(self) -> QuerySet[Complaint]:
        return Complaint.objects.visible_to(self.request.user).for_list().select_related("about")

    def answer(self, row: Complaint) -> Response:
        return Response(ComplaintOut(self.get_queryset().get(pk=row.pk)).data)

    @extend_schema(request=ComplaintIn, responses={201: ComplaintOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """File a complaint in a case; closed cases take them too."""
        body = checked(ComplaintIn, request)
        case = case_of(request, body)
        name, about = body.pop("about"), None
        if name:
            about = User.objects.filter(public_id=name, kind=User.Kind.STAFF).first()
            if about is None:
                raise serializers.ValidationError({"about": _("There is no such member of staff.")})
        body["owner"] = owner_of(case, body["owner"])
        made = complaints.file(case, about=about, **body, actor=caller(request), at=now())
        return Response(ComplaintOut(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=ComplaintOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def extend(self, request: Request, public_id: str) -> Response:
        """Extend the deadline of a complex complaint, once."""
        return self.answer(complaints.extend(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=ComplaintDecisionIn, responses=ComplaintOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def decide(self, request: Request, public_id: str) -> Response:
        """Answer a complaint; whom it names cannot."""
        return self.answer(complaints.decide(self.get_object(), **checked(ComplaintDecisionIn, request), actor=caller(request), at=now()))


VIEWSETS = {"disputes": DisputeViewSet, "complaints": ComplaintViewSet}
