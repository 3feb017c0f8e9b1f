"""Acts on a loan over HTTP: those that one person may do alone; what needs a second person is never done by a program."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credit import acts
from credit import permissions as may
from credit.act_builds import Insurance
from credit.acts import ACTS, Act, Why
from credit.api_common import FILTERS, Filtered, key_of, moment, unknown
from credit.models import Loan, Transaction
from credit.money_api import loan_of
from credit.serializers import At, money
from credit.views import differences
from crm.lib.api import checked
from crm.lib.errors import NotAllowed
from governance.asked import caller
from governance.idempotency import idempotent

Kind = Transaction.Kind
ALONE = (Kind.PREPAYMENT, Kind.CHARGE, Kind.RESCHEDULE, Kind.RECOVERY, Kind.CANCELLATION, Kind.DEATH)


class LoanActIn(At):
    """One act; the fields it does not need are left out."""

    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    act = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in ALONE])
    why = serializers.ChoiceField(choices=Why.choices)
    on = serializers.DateField(required=False, default=None, allow_null=True, help_text="the day it counts for; default: the open one")
    amount = money(required=False, help_text="prepayment, charge, recovery")
    keeps = serializers.ChoiceField(choices=["term", "installment"], required=False, help_text="prepayment: what stays as it is")
    charge_part = serializers.ChoiceField(choices=["fee", "penalty"], required=False, help_text="charge: what it is")
    due_on = serializers.DateField(required=False, help_text="charge: when it is due; default: at once")
    more = serializers.IntegerField(required=False, min_value=0, max_value=600, help_text="reschedule: periods added")
    due_day = serializers.IntegerField(required=False, min_value=1, max_value=31, help_text="reschedule: day of the month")
    next_due_on = serializers.DateField(required=False, help_text="reschedule: next due date")
    died_on = serializers.DateField(required=False, help_text="death: day of death")
    insurance = serializers.ChoiceField(choices=Insurance.choices, required=False, help_text="death: whether an insurance pays")


class LoanActOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.CharField(source="loan.public_id")
    act = serializers.CharField(source="kind")
    loan_status = serializers.CharField(source="loan.status")
    principal_outstanding = serializers.CharField(source="loan.principal_outstanding")

    class Meta:
        model = Transaction
        fields = ("id", "loan", "act", "amount", "value_on", "at", "loan_status", "principal_outstanding")


class SumOut(serializers.Serializer):
    name = serializers.CharField()
    before = serializers.DecimalField(max_digits=14, decimal_places=2)
    after = serializers.DecimalField(max_digits=14, decimal_places=2)


class DifferenceOut(serializers.Serializer):
    """What an act would change: nothing is stored."""

    sums = SumOut(many=True)
    installments_changed = serializers.IntegerField()
    dpd_before = serializers.IntegerField()
    dpd_after = serializers.IntegerField()
    ends_before = serializers.DateField()
    ends_after = serializers.DateField()
    other_movements_changed = serializers.IntegerField()


class LoanActViewSet(Filtered):
    serializer_class = LoanActOut
    queryset = Transaction.objects.none()
    filters = {"loan": "loan__public_id", "act": "kind"}
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.SERVICE_LOAN, "preview": may.SERVICE_LOAN}
    key_required = ("create",)

    def get_queryset(self) -> QuerySet[Any]:
        seen = Loan.objects.visible_to(self.request.user)
        return Transaction.objects.filter(kind__in=list(ACTS), loan__in=seen).exclude(kind=Kind.DISBURSEMENT).select_related("loan")

    @extend_schema(parameters=[FILTERS["loan"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=LoanActIn, responses={201: LoanActOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Do an act on a loan. What it changes is told beforehand by `preview`."""
        body = checked(LoanActIn, request)
        act = _act(request, body)
        done = acts.do(
            loan_of(request, body["loan"]), act, body, on=body["on"], why=body["why"], actor=caller(request), at=moment(request, body),
            key=key_of(request),
        )  # fmt: skip
        return Response(LoanActOut(self.get_queryset().get(pk=done.pk)).data, status=201)

    @extend_schema(request=LoanActIn, responses={200: DifferenceOut})
    @action(detail=False, methods=["post"])
    @idempotent()
    def preview(self, request: Request) -> Response:
        """Say what an act would change; nothing is stored."""
        body = checked(LoanActIn, request)
        act, loan = _act(request, body), loan_of(request, body["loan"])
        told = differences.told(loan, acts.preview(loan, act, body, on=body["on"], at=moment(request, body)))
        document = {
            "sums": [{"name": str(label), "before": was, "after": will} for label, was, will in told["sums"]],
            "installments_changed": len(told["rows"]) + told["more_rows"],
            "dpd_before": told["dpd"][0],
            "dpd_after": told["dpd"][1],
            "ends_before": told["ends"][0],
            "ends_after": told["ends"][1],
            "other_movements_changed": told["anew"],
        }
        return Response(DifferenceOut(document).data)


def _act(request: Request, body: dict[str, Any]) -> Act:
    """Return the act asked for, with what it needs given.

    :raises NotAllowed: if the caller may not do it
    :raises Invalid: if a field it needs is missing
    """
    act = ACTS[body["act"]]
    if not request.user.has_perm(act.permission):
        raise NotAllowed(_("You may not do this to a loan."))
    for name in ("amount", "keeps", "charge_part", "died_on"):
        if name in act.fields and body.get(name) is None:
            raise unknown(name, _("This act needs it."))
    return act


VIEWSETS = {"loan-acts": LoanActViewSet}
