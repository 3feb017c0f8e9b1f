"""Revolving lines over HTTP: what a line has left and asks for, draws, freezes, limits."""

from decimal import Decimal
from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credit import acts, line_acts
from credit import permissions as may
from credit.acts import ACTS, Why
from credit.acts_api import LoanActOut
from credit.api_common import key_of, moment
from credit.books import value_day
from credit.models import Loan, Transaction
from credit.serializers import At, money
from credit.state import REST
from credit.views import lines as pages
from credit.views.loans import schedule
from crm.lib.api import checked
from crm.lib.errors import NotAllowed
from governance.asked import caller
from governance.idempotency import idempotent

Kind = Transaction.Kind
NEEDS = {
    "line": may.VIEW_LOAN, "draw": may.DRAW_LINE, "freeze": may.FREEZE_LINE, "unfreeze": may.FREEZE_LINE, "limit": may.CHANGE_LIMIT,
}  # fmt: skip


class DrawIn(At):
    amount = money()
    why = serializers.ChoiceField(choices=Why.choices, required=False, default=Why.AGREED)


class LimitIn(At):
    amount = money(help_text="the new limit; a higher one is proposed on the page: a second person confirms it")
    why = serializers.ChoiceField(choices=Why.choices)


class FreezeIn(At):
    why = serializers.ChoiceField(choices=Why.choices)


class LineStatementOut(serializers.Serializer):
    number = serializers.IntegerField()
    made_on = serializers.DateField()
    due_on = serializers.DateField()
    principal = money(help_text="least principal to be repaid")
    interest = money()
    penalty = money()
    due = money()
    paid = money()
    left = money()


class LineOut(serializers.Serializer):
    """A line as of today."""

    loan = serializers.CharField()
    limit = money()
    drawn = money()
    available = money()
    frozen_on = serializers.DateField(allow_null=True)
    next_statement_on = serializers.DateField(allow_null=True)
    minimum_due = money(help_text="billed and unpaid, past due included")
    due_on = serializers.DateField(allow_null=True)
    unbilled = money(help_text="interest since the last statement")
    a_day = money(help_text="what a day costs on what is drawn")
    ends_on = serializers.DateField(help_text="draws are taken until then")
    statements = LineStatementOut(many=True, help_text="the newest first")


class LineActions:
    """The actions of a revolving line, for the viewset of loans."""

    get_object: Any

    @extend_schema(responses={200: LineOut})
    @action(detail=True, methods=["get"])
    def line(self, request: Request, public_id: str) -> Response:
        """Return what a revolving line has left, asks for and has billed."""
        loan = self.get_object()
        _check(loan)
        on = value_day(loan.legal_entity, now())
        rows = list(loan.installments.order_by("seq"))
        told = pages.of(loan, rows, schedule(loan, [each for each in rows if each.seq != REST], on), on)
        document = told | {"loan": loan.public_id, "ends_on": loan.matures_on}
        return Response(LineOut(document).data)

    @extend_schema(request=DrawIn, responses={201: LoanActOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def draw(self, request: Request, public_id: str) -> Response:
        """Let money of the limit out. What it costs is told by `line` and by the preview of the act."""
        return self._do(request, Kind.DRAW, DrawIn)

    @extend_schema(request=FreezeIn, responses={201: LoanActOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def freeze(self, request: Request, public_id: str) -> Response:
        """Let nothing be drawn until the line is given free."""
        return self._do(request, Kind.FREEZE, FreezeIn)

    @extend_schema(request=FreezeIn, responses={201: LoanActOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def unfreeze(self, request: Request, public_id: str) -> Response:
        """Give a frozen line free."""
        return self._do(request, Kind.UNFREEZE, FreezeIn)

    @extend_schema(request=LimitIn, responses={201: LoanActOut})
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def limit(self, request: Request, public_id: str) -> Response:
        """Lower the limit; a higher one needs a second person and is refused here."""
        return self._do(request, Kind.LIMIT, LimitIn)

    def _do(self, request: Request, kind: str, body_class: type[serializers.Serializer]) -> Response:
        loan = self.get_object()
        body = checked(body_class, request)
        _check(loan)
        act = ACTS[kind]
        if act.two(loan, body.get("amount", Decimal(0)), caller(request)):
            raise NotAllowed(_("A second person has to confirm this: it is proposed on the page of the line."))
        done = acts.do(loan, act, body, on=None, why=body["why"], actor=caller(request), at=moment(request, body), key=key_of(request))
        return Response(LoanActOut(Transaction.objects.select_related("loan").get(pk=done.pk)).data, status=201)


def _check(loan: Loan) -> None:
    """:raises OnlyOfALine: if the loan is no line"""
    if not loan.revolving:
        raise line_acts.OnlyOfALine(_("%(loan)s is no revolving line: this is done to lines only.") % {"loan": loan})
