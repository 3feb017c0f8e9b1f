"""The books over HTTP, to read: accounts with their balances, journals with their lines."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from credit import book_check, trial_balance
from credit import permissions as may
from credit.api_common import Filtered, unknown
from credit.models import GLAccount, Journal, JournalLine
from governance.asked import caller
from governance.models import LegalEntity


class GLAccountOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")

    class Meta:
        model = GLAccount
        fields = ("id", "code", "name_en", "name_zh", "kind")


class AccountBalanceOut(serializers.Serializer):
    code = serializers.CharField(source="account.code")
    before = serializers.DecimalField(max_digits=18, decimal_places=2, help_text="before the month of the day; debit above zero")
    debit = serializers.DecimalField(max_digits=18, decimal_places=2, help_text="in the month up to the day")
    credit = serializers.DecimalField(max_digits=18, decimal_places=2, help_text="in the month up to the day")
    balance = serializers.DecimalField(max_digits=18, decimal_places=2, help_text="on the day; the balances of all accounts add up to 0")


class TrialBalanceOut(serializers.Serializer):
    on = serializers.DateField()
    agrees = serializers.BooleanField()
    accounts = AccountBalanceOut(many=True)


class JournalLineOut(serializers.ModelSerializer):
    account = serializers.CharField(source="account.code")

    class Meta:
        model = JournalLine
        fields = ("account", "purpose", "amount")


class JournalOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    lines = JournalLineOut(many=True, help_text="debit above zero, credit below; they add up to 0")

    class Meta:
        model = Journal
        fields = ("id", "business_date", "product_code", "source", "movements", "posted_at", "lines")


class DayIn(serializers.Serializer):
    on = serializers.DateField(required=False, default=None, allow_null=True)


def entity_of(request: Request) -> LegalEntity:
    """Return the lender whose books the caller sees."""
    user = caller(request)
    entity = user.team.legal_entity if user.team else LegalEntity.objects.order_by("pk").first()
    if entity is None:
        raise unknown("on", _("There is no lender yet."))
    return entity


class GLAccountViewSet(Filtered):
    serializer_class = GLAccountOut
    queryset = GLAccount.objects.none()
    filters = {"code": "code"}
    needs = {"list": may.VIEW_BOOKS, "retrieve": may.VIEW_BOOKS, "balances": may.VIEW_BOOKS}

    def get_queryset(self) -> QuerySet[Any]:
        return GLAccount.objects.visible_to(self.request.user)

    @extend_schema(parameters=[OpenApiParameter("code", str, description="only the account of this number")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(parameters=[OpenApiParameter("on", str, description="a day, YYYY-MM-DD; the last one in the general ledger when left out")],
                   responses={200: TrialBalanceOut}, filters=False)  # fmt: skip
    @action(detail=False, methods=["get"], pagination_class=None)
    def balances(self, request: Request) -> Response:
        """Return the trial balance on a day."""
        asked = DayIn(data={key: value for key, value in request.query_params.items() if key == "on"})
        if not asked.is_valid():
            raise ParseError(_("Give the day as YYYY-MM-DD."))
        user, entity = caller(request), entity_of(request)
        on = asked.validated_data["on"] or book_check.last_day(entity) or entity.business_date
        narrowed = list(user.role.products) if user.role and user.role.products else None
        rows, total = trial_balance.read(entity, on, products=narrowed)
        return Response(TrialBalanceOut({"on": on, "agrees": total.agrees, "accounts": rows}).data)


class JournalViewSet(Filtered):
    serializer_class = JournalOut
    queryset = Journal.objects.none()
    filters = {"product": "product_code", "source": "source"}
    needs = {"list": may.VIEW_BOOKS, "retrieve": may.VIEW_BOOKS}

    def get_queryset(self) -> QuerySet[Any]:
        return Journal.objects.visible_to(self.request.user).prefetch_related("lines__account")

    @extend_schema(
        parameters=[
            OpenApiParameter("product", str, description="only journals of the product with this code"),
            OpenApiParameter("source", str, description="only journals of this source"),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


VIEWSETS = {"gl-accounts": GLAccountViewSet, "journals": JournalViewSet}
