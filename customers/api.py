"""Customers over HTTP: masked wherever they are shown; a value in clear is opened by people only, never by a token."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import Invalid
from customers import consents, desk_api, document_api, duplicates, handover_api, index, permissions, profiles
from customers.models import Consent, Customer, Purpose
from governance import uses
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models import Partner
from governance.models.identity import Channel

FOUND_AT_MOST = 20


class CustomerOut(serializers.ModelSerializer[Customer]):
    """A customer as staff and machines see one: no combination of these values rebuilds an id number."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="masked_name")
    id_number = serializers.CharField(source="masked_id_number", help_text="first and last character")
    mobile = serializers.CharField(source="masked_mobile")
    bank_card = serializers.CharField(source="masked_bank_card", help_text="last four digits")
    email = serializers.CharField(source="masked_email", help_text="first letter")
    address = serializers.CharField(source="masked_address")
    employer = serializers.CharField(source="masked_employer")
    age_band = serializers.SerializerMethodField(help_text="five years of life, such as 35-39")
    branch = serializers.CharField(source="branch.code")

    class Meta:
        model = Customer
        fields = (
            "id", "version", "name", "id_number", "mobile", "bank_card", "email", "address", "employer", "age_band", "income",
            "monthly_debt", "branch", "channel", "origin", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(str)
    def get_age_band(self, customer: Customer) -> str:
        return customer.age_band(localdate())


class DuplicateOut(serializers.Serializer[Any]):
    """A file that may be the same person's, masked."""

    id = serializers.CharField(source="customer.public_id")
    name = serializers.CharField(source="customer.masked_name")
    mobile = serializers.CharField(source="customer.masked_mobile")
    branch = serializers.CharField(source="customer.branch.code")
    reasons = serializers.ListField(child=serializers.ChoiceField(choices=list(duplicates.REASONS.items())))


class DuplicatesOut(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="of those the caller may see")
    hits = DuplicateOut(many=True)


class CustomerMade(CustomerOut):
    """A new customer, with the files the caller may see that may be the same person's."""

    possible_duplicates = serializers.SerializerMethodField(help_text="by mobile, bank card, or a similar name born on the same day")

    class Meta:
        model = Customer
        fields = (*CustomerOut.Meta.fields, "possible_duplicates")
        read_only_fields = fields

    @extend_schema_field(DuplicatesOut)
    def get_possible_duplicates(self, customer: Customer) -> Any:
        user = self.context["user"]
        hits = duplicates.of(customer, user=user).read_for(profiles.READ_FOR, actor=user, at=now()).hits
        return DuplicatesOut({"count": len(hits), "hits": hits}).data


class AmountsIn(serializers.Serializer[Any]):
    income = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, allow_null=True, help_text="a month, before tax"
    )
    monthly_debt = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, help_text="paid a month on other debts"
    )


class CustomerIn(AmountsIn):
    """What a person states; each value is checked by the door, which says what is wrong with it."""

    name = serializers.CharField(max_length=200)
    id_number = serializers.CharField(max_length=40)
    mobile = serializers.CharField(max_length=40)
    bank_card = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    email = serializers.CharField(max_length=200, required=False, allow_blank=True, allow_null=True)
    address = serializers.CharField(max_length=400, required=False, allow_blank=True, allow_null=True)
    employer = serializers.CharField(max_length=400, required=False, allow_blank=True, allow_null=True)
    channel = serializers.ChoiceField(choices=Channel.choices, required=False, default=Channel.API)


class CustomerChange(AmountsIn):
    """The values to change, and the version they were read in."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=200, required=False)
    id_number = serializers.CharField(max_length=40, required=False)
    mobile = serializers.CharField(max_length=40, required=False)
    bank_card = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    email = serializers.CharField(max_length=200, required=False, allow_blank=True, allow_null=True)
    address = serializers.CharField(max_length=400, required=False, allow_blank=True, allow_null=True)
    employer = serializers.CharField(max_length=400, required=False, allow_blank=True, allow_null=True)


class SearchIn(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=200, help_text="an id number, mobile, card number, full name or public id; only exact matches are found"
    )


class ConsentIn(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    text_version = serializers.CharField(
        max_length=20, required=False, default="", allow_blank=True, help_text="the wording agreed to; the one in force if left out"
    )
    channel = serializers.ChoiceField(choices=Channel.choices, required=False, default=Channel.API)
    recipient = serializers.CharField(
        max_length=20, required=False, default="", allow_blank=True, help_text="public id of the third party; for sharing, and only then"
    )


class WithdrawalIn(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    recipient = serializers.CharField(max_length=20, required=False, default="", allow_blank=True, help_text="as it was given")


class ConsentOut(serializers.ModelSerializer[Consent]):
    recipient = serializers.CharField(source="recipient.public_id", default=None, allow_null=True)
    data_classes = serializers.ListField(child=serializers.CharField())
    effects = serializers.DictField(child=serializers.IntegerField(), help_text="what its withdrawal stopped, and how many times")

    class Meta:
        model = Consent
        fields = (
            "purpose", "data_classes", "recipient", "text_version", "text_hash", "channel", "given_at", "expires_on", "withdrawn_at", "effects",
        )  # fmt: skip
        read_only_fields = fields


def third_party(customer: Customer, code: str) -> Partner | None:
    """Return the third party a body names.

    :raises Invalid: if it is none of this lender's
    """
    found = Partner.objects.filter(legal_entity=customer.legal_entity_id, public_id=code).first() if code else None
    if code and found is None:
        sentence = _("There is no such third party.")
        raise Invalid(sentence, fields={"recipient": sentence})
    return found


class NoBranch(Invalid):
    """The caller belongs to no branch, so a new file would belong to nobody."""

    code = "no_branch"


class CustomerViewSet(DoorViewSet):
    """Persons with a file. Personal values are sealed at rest and masked in every answer."""

    serializer_class = CustomerOut
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "search": permissions.VIEW,
        "create": permissions.ADD,
        "partial_update": permissions.CHANGE,
        "consents": permissions.CONSENT,
        "consent_history": permissions.VIEW,
        "withdraw_consent": permissions.CONSENT,
    }

    def get_queryset(self) -> QuerySet[Customer]:
        if getattr(self, "swagger_fake_view", False):
            return Customer.objects.none()
        rows = Customer.objects.visible_to(self.request.user).for_list()
        return rows.for_purpose(profiles.READ_FOR, actor=caller(self.request), at=now()) if self.action in ("list", "retrieve") else rows

    @extend_schema(request=CustomerIn, responses={201: CustomerMade})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Open a file for a person, in the caller's branch; the answer names the files that may be this person's already."""
        values = checked(CustomerIn, request)
        if request.user.team is None:
            raise NoBranch(_("Your user belongs to no branch: ask an administrator."))
        customer = profiles.create(**values, branch=request.user.team, actor=request.user, at=now())
        uses.bind([customer], profiles.READ_FOR, actor=caller(request), at=now())
        return Response(CustomerMade(customer, context={"user": caller(request)}).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CustomerChange, responses=CustomerOut)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change values of a file that still has the version they were read in; else 409 with what changed."""
        customer = self.get_object()
        changes = checked(CustomerChange, request)
        version = changes.pop("version")
        changed = profiles.update(customer, actor=request.user, at=now(), version=version, **changes)
        uses.bind([changed], profiles.READ_FOR, actor=caller(request), at=now())
        return Response(CustomerOut(changed).data)

    @extend_schema(request=SearchIn, responses=CustomerOut(many=True), filters=False)
    @action(detail=False, methods=["post"], pagination_class=None)
    @idempotent()
    def search(self, request: Request) -> Response:
        """Find customers by an exact value. It is sent in the body because addresses end up in logs."""
        text = checked(SearchIn, request)["text"]
        found = index.exactly(text, user=caller(request), at=now(), most=FOUND_AT_MOST)
        uses.bind(found, profiles.READ_FOR, actor=caller(request), at=now())
        return Response(CustomerOut(found, many=True).data)

    @extend_schema(request=ConsentIn, responses={201: ConsentOut})
    @action(detail=True, methods=["post"], pagination_class=None)
    @idempotent()
    def consents(self, request: Request, public_id: str) -> Response:
        """Record that the customer agreed to a purpose under a text."""
        customer = self.get_object()
        body = checked(ConsentIn, request)
        consent = consents.give(
            customer, purpose=body["purpose"], version=body["text_version"], channel=body["channel"],
            recipient=third_party(customer, body["recipient"]), actor=request.user, at=now(),
        )  # fmt: skip
        return Response(ConsentOut(consent).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=ConsentOut(many=True), filters=False)
    @consents.mapping.get
    def consent_history(self, request: Request, public_id: str) -> Response:
        """Return every consent of the customer, newest first."""
        rows = self.get_object().consents.select_related("recipient").order_by("-given_at", "-pk")
        return Response(ConsentOut(rows, many=True).data)

    @extend_schema(request=WithdrawalIn, responses=ConsentOut)
    @action(detail=True, methods=["post"], url_path="consents/withdraw")
    @idempotent()
    def withdraw_consent(self, request: Request, public_id: str) -> Response:
        """End the live consent of a purpose."""
        customer = self.get_object()
        body = checked(WithdrawalIn, request)
        ended = consents.withdraw(
            customer, purpose=body["purpose"], recipient=third_party(customer, body["recipient"]), actor=request.user, at=now()
        )
        return Response(ConsentOut(ended).data)


VIEWSETS = {"customers": CustomerViewSet, **desk_api.VIEWSETS, **document_api.VIEWSETS, **handover_api.VIEWSETS}
