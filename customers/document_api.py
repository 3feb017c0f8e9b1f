"""Papers of customers over HTTP: put in and listed; contents are opened by people only, never by a token."""

import base64
import binascii
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from crm.lib.errors import Invalid
from customers import documents, permissions
from customers.models import Customer, Document
from governance import files
from governance.asked import caller
from governance.idempotency import idempotent, keyed_by


class DocumentOut(serializers.ModelSerializer[Document]):
    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")

    class Meta:
        model = Document
        fields = ("id", "customer", "kind", "status", "media_type", "size", "sha256", "added_at", "checked_at", "version")
        read_only_fields = fields


class DocumentIn(serializers.Serializer[Any]):
    customer = serializers.CharField(help_text="public id of a customer the caller may see")
    kind = serializers.ChoiceField(choices=Document.Kind.choices)
    file_name = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    content = serializers.CharField(
        help_text="the file in base64: PDF, JPEG, PNG or HEIC; a request holds 5 MB at most", trim_whitespace=True
    )

    def validate_content(self, value: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError(_("This is not base64.")) from None


class DocumentViewSet(DoorViewSet):
    serializer_class = DocumentOut
    queryset = Document.objects.none()
    needs = {"list": permissions.VIEW_DOCUMENT, "retrieve": permissions.VIEW_DOCUMENT, "create": permissions.ADD_DOCUMENT}

    def get_queryset(self) -> QuerySet[Document]:
        rows = Document.objects.visible_to(self.request.user).for_list().select_related("customer")
        wanted = self.request.query_params.get("customer", "").replace("\0", "") if self.action == "list" else ""
        return rows.filter(customer__public_id=wanted) if wanted else rows

    @idempotent()
    def add_row(self, request: Request, *, body: dict[str, Any], stored: files.Stored, made: list[Document]) -> Response:
        """Let a row take the file up; `made` holds it then, and stays empty for a repeated request."""
        customer = Customer.objects.named(request.user, body["customer"])
        if customer is None:
            sentence = _("There is no such customer.")
            raise Invalid(sentence, fields={"customer": sentence})
        document = documents.add(
            customer, kind=body["kind"], stored=stored, file_name=body["file_name"], actor=caller(request), at=now()
        )  # fmt: skip
        made.append(document)
        return Response(DocumentOut(document).data, status=201)

    @extend_schema(request=DocumentIn, responses={201: DocumentOut})
    @keyed_by(add_row)
    def create(self, request: Request) -> Response:
        """Put a paper among those of a customer; it answers what the applicant was asked for, if it was."""
        body = checked(DocumentIn, request)
        try:
            stored = documents.keep(body["content"])  # the storage may take its time: no transaction is open here
        except files.NotThisFile as error:
            raise Invalid(error.message, fields={"content": error.message}) from None
        made: list[Document] = []
        try:
            return self.add_row(request, body=body, stored=stored, made=made)
        finally:
            if not made:  # a row whose commit failed may stand all the same: that file is the sweeper's
                files.discard(stored)

    @extend_schema(parameters=[OpenApiParameter("customer", str, description="only papers of the customer with this public id")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


VIEWSETS = {"documents": DocumentViewSet}
