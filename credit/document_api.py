"""Statements, explained instalments and documents of loans over HTTP."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credit import documents_pdf, loan_documents, statements
from credit import permissions as may
from credit.api_common import FILTERS, Filtered, moment
from credit.books import value_day
from credit.models import Loan, LoanDocument
from credit.money_api import loan_of
from credit.serializers import At, money
from credit.views import borrower
from credit.views import loan_documents as pages
from crm.lib.api import checked
from crm.lib.errors import Invalid
from governance.asked import caller
from governance.idempotency import idempotent

KINDS = [choice for choice in LoanDocument.Kind.choices if choice[0] != LoanDocument.Kind.CREDIT_NOTE]
PURPOSES = [choice for choice in LoanDocument.Purpose.choices if choice[0] != LoanDocument.Purpose.BOOKS]


class PeriodIn(serializers.Serializer):
    first = serializers.DateField(required=False, help_text="first day of the period; default: the loan's first")
    last = serializers.DateField(required=False, help_text="last day of the period; default: today")


class StatementOut(serializers.Serializer):
    """Amounts as text; `movements` carry what they changed and the balances after them."""

    format = serializers.IntegerField()
    loan = serializers.CharField()
    first = serializers.DateField()
    last = serializers.DateField()
    opening = serializers.DictField()
    movements = serializers.ListField(child=serializers.DictField())
    totals = serializers.DictField()
    closing = serializers.DictField()
    fell_due = serializers.ListField(child=serializers.DictField())
    overdue = serializers.DictField()
    due_today = serializers.DictField()
    principal_to_come = serializers.CharField()
    accrual = serializers.DictField(allow_null=True)


class ExplainIn(serializers.Serializer):
    installment = serializers.IntegerField(min_value=1, max_value=32_767, help_text="number of the instalment")


class ExplainedLineOut(serializers.Serializer):
    part = serializers.CharField()
    code = serializers.CharField(help_text="the rule")
    text = serializers.CharField()
    amount = money()


class ExplainedUseOut(serializers.Serializer):
    movement = serializers.CharField()
    on = serializers.DateField()
    part = serializers.CharField()
    amount = money()


class ExplainedOut(serializers.Serializer):
    """The lines of each part add up to what is due of it."""

    installment = serializers.IntegerField()
    due_on = serializers.DateField()
    lines = ExplainedLineOut(many=True)
    total = money()
    used = ExplainedUseOut(many=True)
    left = money()


class LoanDocumentIn(At):
    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    document = serializers.ChoiceField(choices=KINDS)
    made_for = serializers.ChoiceField(choices=PURPOSES)
    first = serializers.DateField(required=False, default=None, allow_null=True, help_text="statement, invoice: first day of the period")
    last = serializers.DateField(required=False, default=None, allow_null=True, help_text="statement, invoice: last day of the period")


class LoanDocumentOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.CharField(source="loan.public_id")
    document_kind = serializers.CharField(source="kind")
    made_for = serializers.CharField(source="purpose")
    credits = serializers.CharField(source="credits.serial", default=None, allow_null=True)
    document = serializers.DictField(help_text="what it says; its RFC 8785 SHA-256 is document_hash")

    class Meta:
        model = LoanDocument
        fields = (
            "id", "loan", "document_kind", "serial", "first_on", "last_on", "payee", "amount", "credits", "made_for", "issued_at", "document_hash",
            "document",
        )  # fmt: skip


def _asked(kind: Any, request: Request) -> dict[str, Any]:
    form = kind(data=request.query_params)
    if not form.is_valid():
        fields = {name: str(errors[0]) for name, errors in form.errors.items()}
        raise Invalid(_("Some values cannot be; see the fields."), fields=fields)
    asked: dict[str, Any] = form.validated_data
    return asked


def statement(loan: Loan, request: Request, *, at: datetime) -> dict[str, Any]:
    """Return the statement of the period asked for.

    :raises Invalid: if the period cannot be
    """
    asked, today = _asked(PeriodIn, request), value_day(loan.legal_entity, at)
    first, last = statements.usual(loan, today=today)
    return statements.to_json(statements.of(loan, asked.get("first", first), asked.get("last", last), today=today))


def explained(loan: Loan, request: Request, *, at: datetime) -> dict[str, Any]:
    """Return how an instalment came about.

    :raises Http404: if the loan has no such instalment
    """
    found = pages.explained(loan, _asked(ExplainIn, request)["installment"], on=value_day(loan.legal_entity, at))
    lines = [
        {"part": part["part"], "code": line["line"].code, "text": line["text"], "amount": line["amount"]}
        for part in found["parts"]
        for line in part["lines"]
    ]
    used = [
        {"movement": each["key"], "on": each["on"], "part": str(step["label"]), "amount": step["amount"]}
        for each in found["used"]
        for step in each["steps"]
    ]
    row = found["row"]
    document = {"installment": row.seq, "due_on": row.due_on, "lines": lines, "total": found["total"], "used": used, "left": found["left"]}
    return ExplainedOut(document).data


class LoanDocumentViewSet(Filtered):
    """Issued documents of loans; they never change."""

    serializer_class = LoanDocumentOut
    queryset = LoanDocument.objects.none()
    filters = {"loan": "loan__public_id"}
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.ISSUE_DOCUMENT, "pdf": may.VIEW_LOAN}

    def get_queryset(self) -> QuerySet[Any]:
        return LoanDocument.objects.visible_to(self.request.user).for_list().select_related("credits")

    @extend_schema(parameters=[FILTERS["loan"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=LoanDocumentIn, responses={201: LoanDocumentOut(many=True)})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Make a document. A settlement certificate that stands is returned again; an invoice is one for each payee."""
        body = checked(LoanDocumentIn, request)
        asked = {"kind": body["document"], "purpose": body["made_for"], "first": body["first"], "last": body["last"]}
        made = pages.make(loan_of(request, body["loan"]), asked, actor=caller(request), at=moment(request, body))
        rows = self.get_queryset().filter(pk__in=[each.pk for each in made]).order_by("pk")
        return Response(LoanDocumentOut(rows, many=True).data, status=201)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def pdf(self, request: Request, public_id: str) -> HttpResponse:
        """Return the paper, in both languages; who takes it is recorded."""
        made = self.get_object()
        made.loan.customer = borrower(made.loan, caller(request))
        loan_documents.taken(made, actor=caller(request), at=moment(request, {}))
        return HttpResponse(documents_pdf.paper(made), content_type="application/pdf")


VIEWSETS = {"loan-documents": LoanDocumentViewSet}
