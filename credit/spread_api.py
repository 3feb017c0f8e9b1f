"""Payments for several loans of a customer over HTTP."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credit import customer_payments, reversals
from credit import permissions as may
from credit.api_common import FILTERS, Filtered, key_of, moment, unknown
from credit.models import CustomerPayment, Loan, PaymentShare
from credit.serializers import At, money
from crm.lib.api import checked
from customers.models import Customer
from governance.asked import caller
from governance.idempotency import idempotent


class CustomerPaymentIn(At):
    customer = serializers.CharField(help_text="public id of a customer the caller may see")
    amount = money()
    received_on = serializers.DateField(required=False, default=None, allow_null=True, help_text="the day it came; default: the open one")


class CustomerPaymentReverseIn(At):
    reason = serializers.ChoiceField(choices=reversals.Reason.choices)
    version = serializers.IntegerField(required=False, default=None, allow_null=True)


class PaymentShareOut(serializers.ModelSerializer):
    loan = serializers.CharField(source="transaction.loan.public_id")
    repayment = serializers.CharField(source="transaction.public_id")
    amount = serializers.CharField(source="transaction.amount")

    class Meta:
        model = PaymentShare
        fields = ("place", "loan", "repayment", "amount")


class CustomerPaymentOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    shares = PaymentShareOut(many=True)

    class Meta:
        model = CustomerPayment
        fields = ("id", "customer", "status", "amount", "received_on", "order", "at", "ended_at", "version", "shares")


class SpreadShareOut(serializers.Serializer):
    loan = serializers.CharField()
    due = serializers.DecimalField(max_digits=14, decimal_places=2)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    overpayment = serializers.DecimalField(max_digits=14, decimal_places=2, help_text="held for refund")
    dpd_before = serializers.IntegerField()
    dpd_after = serializers.IntegerField()


class SpreadOut(serializers.Serializer):
    """How a payment would be spread: nothing is stored."""

    shares = SpreadShareOut(many=True)


def shares_out(shares: list[customer_payments.Share]) -> list[dict[str, Any]]:
    """Return shares as `SpreadShareOut` tells them."""
    return [
        {
            "loan": share.loan.public_id,
            "due": share.debt.total,
            "amount": share.amount,
            "overpayment": share.preview.after.splits["new"].overpayment,
            "dpd_before": share.preview.before.delinquency.regulatory_days,
            "dpd_after": share.preview.after.delinquency.regulatory_days,
        }
        for share in shares
    ]


class CustomerPaymentViewSet(Filtered):
    serializer_class = CustomerPaymentOut
    queryset = CustomerPayment.objects.none()
    filters = {"customer": "customer__public_id", "status": "status"}
    needs = {
        "list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.RECORD_REPAYMENT, "preview": may.RECORD_REPAYMENT,
        "reverse": may.REVERSE_REPAYMENT,
    }  # fmt: skip
    key_required = ("create", "reverse")

    def get_queryset(self) -> QuerySet[Any]:
        seen = Loan.objects.visible_to(self.request.user)
        shares = PaymentShare.objects.filter(transaction__loan__in=seen).select_related("transaction__loan").order_by("place")
        rows = CustomerPayment.objects.visible_to(self.request.user).for_list()
        return rows.prefetch_related(Prefetch("shares", queryset=shares))

    @extend_schema(parameters=[FILTERS["customer"], FILTERS["status"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=CustomerPaymentIn, responses={201: CustomerPaymentOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Take a payment in and spread it over the customer's open loans in the order the rule declares."""
        body = checked(CustomerPaymentIn, request)
        made = customer_payments.receive(
            _customer(request, body["customer"]), amount=body["amount"], received_on=body["received_on"], actor=caller(request),
            at=moment(request, body), key=key_of(request), channel="api",
        )  # fmt: skip
        return Response(CustomerPaymentOut(self.get_queryset().get(pk=made.pk)).data, status=201)

    @extend_schema(request=CustomerPaymentIn, responses={200: SpreadOut})
    @action(detail=False, methods=["post"])
    @idempotent()
    def preview(self, request: Request) -> Response:
        """Say how a payment would be spread; nothing is stored."""
        body = checked(CustomerPaymentIn, request)
        shares = customer_payments.preview(
            _customer(request, body["customer"]), amount=body["amount"], received_on=body["received_on"], user=caller(request),
            at=moment(request, body),
        )  # fmt: skip
        return Response(SpreadOut({"shares": shares_out(shares)}).data)

    @extend_schema(request=CustomerPaymentReverseIn, responses={200: CustomerPaymentOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def reverse(self, request: Request, public_id: str) -> Response:
        """Take a payment back from every loan it went to."""
        row, body = self.get_object(), checked(CustomerPaymentReverseIn, request)
        customer_payments.reverse(
            row, reason=body["reason"], actor=caller(request), at=moment(request, body), key=key_of(request), version=body["version"]
        )
        return Response(CustomerPaymentOut(self.get_queryset().get(pk=row.pk)).data)


def _customer(request: Request, public_id: str) -> Customer:
    found = Customer.objects.select_related("legal_entity").named(caller(request), public_id)
    if found is None:
        raise unknown("customer", _("There is no such customer."))
    return found


VIEWSETS = {"customer-payments": CustomerPaymentViewSet}
