"""Credit over HTTP: every action is one door. What moves money requires an Idempotency-Key."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from credit import (
    acts_api,
    applications,
    books_api,
    document_api,
    line_api,
    money_api,
    offers,
    proposals_api,
    quote_api,
    repayments,
    reports_api,
    spread_api,
    underwriting_api,
)
from credit import permissions as may
from credit.api_common import FILTERS, Filtered, key_of, moment, unknown
from credit.devices import Device
from credit.models import Application, Loan, Offer, Product, Transaction
from credit.serializers import (
    AcceptIn,
    ApplicationIn,
    ApplicationOut,
    ConfirmIn,
    LoanOut,
    OfferOut,
    ProductOut,
    RepaymentIn,
    RepaymentOut,
    ScheduleOut,
    VersionIn,
    schedule,
)
from credit.words import Reasons
from crm.lib.api import DoorViewSet, checked
from customers.models import Customer
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models.identity import Channel


class ProductViewSet(DoorViewSet):
    serializer_class = ProductOut
    queryset = Product.objects.none()
    needs = {"list": may.VIEW_PRODUCT, "retrieve": may.VIEW_PRODUCT}

    def get_queryset(self) -> QuerySet[Product]:
        return Product.objects.visible_to(self.request.user).live()


class ApplicationViewSet(Filtered):
    serializer_class = ApplicationOut
    queryset = Application.objects.none()
    filters = {"status": "status", "customer": "customer__public_id", "reference": "reference"}
    needs = {
        "list": may.VIEW_APPLICATION,
        "retrieve": may.VIEW_APPLICATION,
        "create": may.ADD_APPLICATION,
        "submit": may.SUBMIT_APPLICATION,
        "withdraw": may.WITHDRAW_APPLICATION,
    }

    def get_queryset(self) -> QuerySet[Application]:
        rows = Application.objects.visible_to(self.request.user).for_api()
        if self.action == "submit":  # what is a draft has no offer
            return rows
        standing = Offer.objects.filter(status__in=[Offer.Status.MADE, Offer.Status.ACCEPTED]).only("public_id", "status", "application")
        return rows.prefetch_related(Prefetch("offers", standing))

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer:
        if kwargs.get("many") and args:
            kwargs["context"] = {**self.get_serializer_context(), "reasons": Reasons(args[0])}
        return super().get_serializer(*args, **kwargs)

    @extend_schema(parameters=[FILTERS["status"], FILTERS["customer"], OpenApiParameter("reference", str)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=ApplicationIn, responses={201: ApplicationOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Enter an application as a draft."""
        body = checked(ApplicationIn, request)
        customer = Customer.objects.named(caller(request), body["customer"])
        if customer is None:
            raise unknown("customer", _("There is no such customer."))
        products = Product.objects.visible_to(caller(request)).live().filter(legal_entity=customer.legal_entity_id)
        product = products.filter(code=body["product"]).first() or products.filter(public_id=body["product"]).first()
        if product is None:
            raise unknown("product", _("There is no such product on sale."))
        application = applications.create(
            customer=customer,
            product=product,
            amount=body["amount"],
            term=body["term"],
            purpose=body["purpose"],
            stated=body["stated"],
            reference=body["reference"],
            actor=caller(request),
            at=moment(request, body),
            channel=Channel.API,
            device=Device(**body["device"]) if body["device"] else None,
        )
        return Response(ApplicationOut(application).data, status=201)

    @extend_schema(request=VersionIn, responses={200: ApplicationOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def submit(self, request: Request, public_id: str) -> Response:
        """Hand a draft in for evaluation. A worker judges it: follow by reading the application until its status is final."""
        body = checked(VersionIn, request)
        done = applications.submit(self.get_object(), actor=caller(request), at=moment(request, body), version=body["version"])
        return Response(ApplicationOut(done).data)

    @extend_schema(request=VersionIn, responses={200: ApplicationOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Step back for the customer."""
        body = checked(VersionIn, request)
        done = applications.withdraw(self.get_object(), actor=caller(request), at=moment(request, body), version=body["version"])
        return Response(ApplicationOut(done).data)


class OfferViewSet(Filtered):
    serializer_class = OfferOut
    queryset = Offer.objects.none()
    filters = {"status": "status", "application": "application__public_id", "customer": "application__customer__public_id"}
    needs = {
        "list": may.VIEW_APPLICATION,
        "retrieve": may.VIEW_APPLICATION,
        "confirm": may.ACCEPT_OFFER,
        "accept": may.ACCEPT_OFFER,
    }
    key_required = ("accept",)

    def get_queryset(self) -> QuerySet[Offer]:
        return Offer.objects.visible_to(self.request.user).for_list()

    @extend_schema(parameters=[FILTERS["status"], FILTERS["customer"], OpenApiParameter("application", str)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=ConfirmIn, responses={200: OfferOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def confirm(self, request: Request, public_id: str) -> Response:
        """Record that the borrower read and confirmed the cost table. Without it the offer cannot be accepted."""
        offer, body = self.get_object(), checked(ConfirmIn, request)
        done = offers.confirm_disclosure(
            offer,
            cost_hash=body["cost_hash"],
            seconds=body["seconds"],
            actor=caller(request),
            at=moment(request, body),
            channel=body["channel"],
        )
        return Response(OfferOut(done).data)

    @extend_schema(request=AcceptIn, responses={201: LoanOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def accept(self, request: Request, public_id: str) -> Response:
        """Accept for the borrower: books the loan and pays out the whole amount, or the first part where the product foresees parts."""
        offer, body = self.get_object(), checked(AcceptIn, request)
        loan = offers.accept(offer, key=key_of(request), actor=caller(request), at=moment(request, body), first=body["first"])
        return Response(LoanOut(loan).data, status=201)


class LoanViewSet(line_api.LineActions, Filtered):
    serializer_class = LoanOut
    queryset = Loan.objects.none()
    filters = {"status": "status", "customer": "customer__public_id"}
    needs = {
        "list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "schedule": may.VIEW_LOAN, "statement": may.VIEW_LOAN, "explained": may.VIEW_LOAN,
        **line_api.NEEDS,
    }  # fmt: skip

    key_required = ("draw", "freeze", "unfreeze", "limit")

    def get_queryset(self) -> QuerySet[Loan]:
        return Loan.objects.visible_to(self.request.user).for_list().select_related("application", "legal_entity")

    @extend_schema(parameters=[FILTERS["status"], FILTERS["customer"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(responses={200: ScheduleOut})
    @action(detail=True, methods=["get"])
    def schedule(self, request: Request, public_id: str) -> Response:
        """Return what is due when, what of it was paid, and the penalty grown until today."""
        return Response(schedule(self.get_object(), at=now()))

    @extend_schema(parameters=[document_api.PeriodIn], responses={200: document_api.StatementOut})
    @action(detail=True, methods=["get"])
    def statement(self, request: Request, public_id: str) -> Response:
        """Return the statement of a period; without days, of the whole loan so far."""
        return Response(document_api.statement(self.get_object(), request, at=now()))

    @extend_schema(parameters=[document_api.ExplainIn], responses={200: document_api.ExplainedOut})
    @action(detail=True, methods=["get"])
    def explained(self, request: Request, public_id: str) -> Response:
        """Return line by line how an instalment came about and what was paid of it."""
        return Response(document_api.explained(self.get_object(), request, at=now()))


class RepaymentViewSet(Filtered):
    serializer_class = RepaymentOut
    queryset = Transaction.objects.none()
    filters = {"loan": "loan__public_id", "customer": "loan__customer__public_id"}
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.RECORD_REPAYMENT}
    key_required = ("create",)

    def get_queryset(self) -> QuerySet[Transaction]:
        seen = Loan.objects.visible_to(self.request.user)
        rows = Transaction.objects.filter(kind=Transaction.Kind.REPAYMENT, loan__in=seen)
        return rows.select_related("loan").prefetch_related("postings__installment")

    @extend_schema(parameters=[FILTERS["loan"], FILTERS["customer"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=RepaymentIn, responses={201: RepaymentOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Receive a repayment: fee, penalty, interest, principal, oldest instalment first."""
        body = checked(RepaymentIn, request)
        loan = Loan.objects.named(caller(request), body["loan"])
        if loan is None:
            raise unknown("loan", _("There is no such loan."))
        movement = repayments.receive(loan, amount=body["amount"], actor=caller(request), at=moment(request, body), key=key_of(request))
        movement = self.get_queryset().get(pk=movement.pk)
        return Response(RepaymentOut(movement).data, status=201)


VIEWSETS = {
    **acts_api.VIEWSETS,
    **proposals_api.VIEWSETS,
    **document_api.VIEWSETS,
    **spread_api.VIEWSETS,
    **books_api.VIEWSETS,
    **reports_api.VIEWSETS,
    **money_api.VIEWSETS,
    **underwriting_api.VIEWSETS,
    **quote_api.VIEWSETS,
    "products": ProductViewSet,
    "applications": ApplicationViewSet,
    "offers": OfferViewSet,
    "loans": LoanViewSet,
    "repayments": RepaymentViewSet,
}
