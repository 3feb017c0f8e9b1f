"""The back office over HTTP: payoff quotes, reversals, refunds, money in suspense. The second person of four eyes is never a program."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credit import payoffs, receipt_spreads, refunds, reversals, suspense
from credit import permissions as may
from credit.api_common import FILTERS, Filtered, key_of, moment, unknown
from credit.models import Loan, PayoffQuote, Receipt, Refund, Transaction
from credit.serializers import At, money
from credit.spread_api import SpreadOut, shares_out
from crm.lib.api import checked
from governance import uses
from governance.asked import caller
from governance.idempotency import idempotent


class PayoffQuoteIn(At):
    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    settles_on = serializers.DateField(help_text="the day it is to be paid; interest is counted to it")


class PayoffQuoteOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.CharField(source="loan.public_id")

    class Meta:
        model = PayoffQuote
        fields = (
            "id", "loan", "status", "settles_on", "principal", "interest", "fee", "penalty", "early_fee", "interest_waived", "fee_waived",
            "total", "issued_at",
        )  # fmt: skip


class ReversalIn(At):
    repayment = serializers.CharField(help_text="public id of a repayment the caller may see")
    reason = serializers.ChoiceField(choices=reversals.Reason.choices)


class ReversalOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.CharField(source="loan.public_id")
    loan_status = serializers.CharField(source="loan.status")
    reverses = serializers.CharField(source="reverses.public_id")

    class Meta:
        model = Transaction
        fields = ("id", "loan", "loan_status", "reverses", "amount", "value_on", "at")


class RefundIn(At):
    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    amount = money()


class RefundOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.CharField(source="loan.public_id")

    class Meta:
        model = Refund
        fields = ("id", "loan", "status", "amount", "requested_at", "decided_at", "ended_at", "receipt", "refusal")


class ReceiptOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.SerializerMethodField()
    payer = serializers.CharField(source="masked_payer", help_text="masked")
    left = serializers.DecimalField(max_digits=14, decimal_places=2, help_text="what of it is not placed")

    class Meta:
        model = Receipt
        fields = (
            "id",
            "reference",
            "received_on",
            "amount",
            "left",
            "payer",
            "status",
            "why",
            "match",
            "loan",
            "entered_at",
            "ended_at",
            "version",
        )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_loan(self, row: Receipt) -> str | None:
        return row.loan.public_id if row.loan else None


class AllocateIn(At):
    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    version = serializers.IntegerField(required=False, default=None, allow_null=True)


class ReturnIn(At):
    version = serializers.IntegerField(required=False, default=None, allow_null=True)


def loan_of(request: Request, public_id: str) -> Loan:
    loan = Loan.objects.named(caller(request), public_id)
    if loan is None:
        raise unknown("loan", _("There is no such loan."))
    return loan


class PayoffQuoteViewSet(Filtered):
    serializer_class = PayoffQuoteOut
    queryset = PayoffQuote.objects.none()
    filters = {"loan": "loan__public_id", "status": "status"}
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.QUOTE_PAYOFF}

    def get_queryset(self) -> QuerySet[Any]:
        return PayoffQuote.objects.visible_to(self.request.user).for_list()

    @extend_schema(parameters=[FILTERS["loan"], FILTERS["status"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=PayoffQuoteIn, responses={201: PayoffQuoteOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Say what ends a loan on a day. A repayment of just this sum by that day, with no other between, ends it."""
        body = checked(PayoffQuoteIn, request)
        quote = payoffs.issue(
            loan_of(request, body["loan"]), settles_on=body["settles_on"], actor=caller(request), at=moment(request, body)
        )
        return Response(PayoffQuoteOut(quote).data, status=201)


class ReversalViewSet(Filtered):
    serializer_class = ReversalOut
    queryset = Transaction.objects.none()
    filters = {"loan": "loan__public_id"}
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.REVERSE_REPAYMENT}
    key_required = ("create",)

    def get_queryset(self) -> QuerySet[Any]:
        seen = Loan.objects.visible_to(self.request.user)
        return Transaction.objects.filter(kind=Transaction.Kind.REVERSAL, loan__in=seen).select_related("loan", "reverses")

    @extend_schema(parameters=[FILTERS["loan"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=ReversalIn, responses={201: ReversalOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Reverse a repayment: the loan then stands as if it had never been; later repayments are allocated anew."""
        body = checked(ReversalIn, request)
        seen = Loan.objects.visible_to(caller(request))
        movement = Transaction.objects.filter(loan__in=seen, public_id=body["repayment"]).first()
        if movement is None:
            raise unknown("repayment", _("There is no such repayment."))
        made = reversals.reverse(movement, reason=body["reason"], actor=caller(request), at=moment(request, body), key=key_of(request))
        return Response(ReversalOut(self.get_queryset().get(pk=made.pk)).data, status=201)


class RefundViewSet(Filtered):
    serializer_class = RefundOut
    queryset = Refund.objects.none()
    filters = {"loan": "loan__public_id", "status": "status"}
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.REQUEST_REFUND}
    key_required = ("create",)

    def get_queryset(self) -> QuerySet[Any]:
        return Refund.objects.visible_to(self.request.user).for_list()

    @extend_schema(parameters=[FILTERS["loan"], FILTERS["status"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=RefundIn, responses={201: RefundOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Ask for an over-payment to be paid back; a person other than the one who asks approves it."""
        body = checked(RefundIn, request)
        refund = refunds.request(loan_of(request, body["loan"]), amount=body["amount"], actor=caller(request), at=moment(request, body))
        return Response(RefundOut(refund).data, status=201)


class SuspenseViewSet(Filtered):
    serializer_class = ReceiptOut
    queryset = Receipt.objects.none()
    filters = {"status": "status", "reference": "reference"}
    needs = {
        "list": may.VIEW_SUSPENSE,
        "retrieve": may.VIEW_SUSPENSE,
        "allocate": may.ALLOCATE_SUSPENSE,
        "give_back": may.ALLOCATE_SUSPENSE,
        "spread": may.ALLOCATE_SUSPENSE,
        "spread_preview": may.ALLOCATE_SUSPENSE,
    }
    key_required = ("allocate", "give_back", "spread")

    def get_queryset(self) -> QuerySet[Any]:
        return Receipt.objects.visible_to(self.request.user).for_list()

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            uses.bind(args[0] if isinstance(args[0], list) else [args[0]], "servicing", actor=caller(self.request), at=now())
        return super().get_serializer(*args, **kwargs)

    @extend_schema(parameters=[FILTERS["status"], OpenApiParameter("reference", str)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=AllocateIn, responses={200: ReceiptOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def allocate(self, request: Request, public_id: str) -> Response:
        """Say that this money is for a loan. Above the amount of the rule it waits for a second person."""
        receipt, body = self.get_object(), checked(AllocateIn, request)
        loan = loan_of(request, body["loan"])
        done = suspense.allocate(receipt, loan, actor=caller(request), at=moment(request, body), version=body["version"])
        uses.bind([done], "servicing", actor=caller(request), at=now())
        return Response(ReceiptOut(done).data)

    @extend_schema(request=AllocateIn, responses={200: ReceiptOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def spread(self, request: Request, public_id: str) -> Response:
        """Spread it over the open loans of the customer of `loan`; what they do not ask for yet goes on waiting."""
        receipt, body = self.get_object(), checked(AllocateIn, request)
        customer = loan_of(request, body["loan"]).customer
        done = receipt_spreads.spread(receipt, customer, actor=caller(request), at=moment(request, body), version=body["version"])
        return Response(ReceiptOut(done).data)

    @extend_schema(request=AllocateIn, responses={200: SpreadOut})
    @action(detail=True, methods=["post"], url_path="spread/preview", url_name="spread-preview")
    @idempotent()
    def spread_preview(self, request: Request, public_id: str) -> Response:
        """Say how it would be spread; nothing is stored."""
        receipt, body = self.get_object(), checked(AllocateIn, request)
        customer = loan_of(request, body["loan"]).customer
        seen = receipt_spreads.preview(receipt, customer, user=caller(request), at=moment(request, body))
        return Response(SpreadOut({"shares": shares_out(seen.shares)}).data)

    @extend_schema(request=ReturnIn, responses={200: ReceiptOut})
    @action(detail=True, methods=["post"], url_path="return", url_name="return")
    @idempotent(required=True)
    def give_back(self, request: Request, public_id: str) -> Response:
        """Say that this money went back to its sender. Above the amount of the rule it waits for a second person."""
        receipt, body = self.get_object(), checked(ReturnIn, request)
        done = suspense.give_back(receipt, actor=caller(request), at=moment(request, body), version=body["version"])
        uses.bind([done], "servicing", actor=caller(request), at=now())
        return Response(ReceiptOut(done).data)


VIEWSETS = {
    "payoff-quotes": PayoffQuoteViewSet,
    "reversals": ReversalViewSet,
    "refunds": RefundViewSet,
    "suspense": SuspenseViewSet,
}
