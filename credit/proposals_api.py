"""What needs a second person, proposed over HTTP: relief, later parts of a payout, sales of loans, journals by hand.

A program proposes and asks later what became of it; the second person confirms on the page of changes and is never a program.
"""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credit import acts, loan_sales, manual_journals
from credit import permissions as may
from credit.act_builds import Evidence
from credit.acts import ACTS, Why
from credit.api_common import FILTERS, Filtered, key_of, moment, unknown
from credit.books_api import entity_of
from credit.models import Journal, ManualJournal, Transaction
from credit.money_api import loan_of
from credit.serializers import At, money
from crm.lib.api import checked
from governance import changes
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models import ChangeRequest

CENT = Decimal("0.01")
REASONS = [each for each in ManualJournal.Reason.choices if each[0] != ManualJournal.Reason.REVERSAL]


class ProposalOut(serializers.ModelSerializer):
    """A change and what became of it."""

    id = serializers.CharField(source="public_id")
    what = serializers.SerializerMethodField(help_text="in the caller's language")
    made_alone = serializers.BooleanField(source="alone", help_text="nobody else could confirm it: it was made at once")

    class Meta:
        model = ChangeRequest
        fields = ("id", "status", "subject", "what", "made_at", "due_at", "decided_at", "made_alone")

    def get_what(self, row: ChangeRequest) -> str:
        return str(changes.KINDS[row.kind].name(row.subject, row.after))


class ActProposalIn(At):
    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    why = serializers.ChoiceField(choices=Why.choices)
    on = serializers.DateField(required=False, default=None, allow_null=True, help_text="the day it counts for; default: the open one")
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=500, help_text="read by the second person")


class ReliefIn(ActProposalIn):
    until = serializers.DateField(help_text="the last day of the relief")
    pays = money(required=False, default=Decimal("0.00"), min_value=Decimal(0), help_text="paid at each due date until then")
    adds = serializers.BooleanField(required=False, default=False, help_text="as many periods are added as are relieved")
    evidence = serializers.ChoiceField(choices=Evidence.choices, required=False, default=Evidence.STATED)


class TrancheIn(ActProposalIn):
    amount = money(min_value=CENT)


class SaleLineIn(serializers.Serializer):
    loan = serializers.CharField(max_length=20, help_text="public id of a loan the caller may see")
    price = money(min_value=CENT)


class SaleIn(At):
    loans = serializers.ListField(child=SaleLineIn(), allow_empty=False, max_length=loan_sales.MOST)
    buyer = serializers.CharField(max_length=80, help_text="a company")
    reference = serializers.CharField(max_length=60, help_text="number of the contract of sale")
    why = serializers.ChoiceField(choices=Why.choices)
    on = serializers.DateField(required=False, default=None, allow_null=True, help_text="the day it counts for; default: the open one")
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=500, help_text="read by the second person")


class ManualLineIn(serializers.Serializer):
    account = serializers.CharField(max_length=20, help_text="number of an account that people may write on")
    amount = money(help_text="debit above zero, credit below")


class ManualJournalIn(At):
    day = serializers.DateField(help_text="of an open month, up to the open day")
    document = serializers.CharField(max_length=manual_journals.DOCUMENT, help_text="number of the document it is written from")
    text = serializers.CharField(max_length=500, help_text="what it is for; no names of customers")
    reason = serializers.ChoiceField(choices=REASONS, required=False, help_text="needed with lines")
    lines = serializers.ListField(child=ManualLineIn(), required=False, max_length=manual_journals.LINES, help_text="they add up to 0")
    reverses = serializers.CharField(required=False, help_text="public id of a journal written by hand that is taken back; then no lines")


class Proposals(Filtered):
    """Changes of one kind that the caller proposed."""

    serializer_class = ProposalOut
    queryset = ChangeRequest.objects.none()
    filters = {"status": "status"}
    kind = acts.CHANGE
    key_required = ("create",)

    def get_queryset(self) -> QuerySet[Any]:
        return ChangeRequest.objects.filter(kind=self.kind, made_by=caller(self.request))

    @extend_schema(parameters=[FILTERS["status"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


class ActProposals(Proposals):
    """One act of a loan that always needs a second person."""

    act = ""
    filters = {"status": "status", "loan": "subject"}

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(after__act=self.act)

    @extend_schema(parameters=[FILTERS["status"], FILTERS["loan"]])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def propose(self, request: Request, body: dict[str, Any]) -> Response:
        """Propose the act of this viewset."""
        key = key_of(request)
        made = acts.do(
            loan_of(request, body["loan"]), ACTS[self.act], body, on=body["on"], why=body["why"], note=body["note"],
            actor=caller(request), at=moment(request, body), key=key,
        )  # fmt: skip
        if isinstance(made, Transaction):  # the key is of an act that was confirmed long ago
            made = self.get_queryset().get(after__key=key)
        return Response(ProposalOut(made).data, status=201)


class HardshipReliefViewSet(ActProposals):
    act = Transaction.Kind.RELIEF
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.RESTRUCTURE}

    @extend_schema(request=ReliefIn, responses={201: ProposalOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Propose a hardship relief; a second person confirms it on the page of changes."""
        return self.propose(request, checked(ReliefIn, request))


class TrancheViewSet(ActProposals):
    act = Transaction.Kind.DISBURSEMENT
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.SERVICE_LOAN}

    @extend_schema(request=TrancheIn, responses={201: ProposalOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Propose to pay out another part; a second person confirms it on the page of changes."""
        return self.propose(request, checked(TrancheIn, request))


class LoanSaleViewSet(Proposals):
    kind = loan_sales.CHANGE
    needs = {"list": may.VIEW_LOAN, "retrieve": may.VIEW_LOAN, "create": may.RESTRUCTURE}

    @extend_schema(request=SaleIn, responses={201: ProposalOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Propose to sell a list of loans, all or none; a second person confirms it on the page of changes."""
        body = checked(SaleIn, request)
        told = [(line["loan"], line["price"]) for line in body["loans"]]
        made = loan_sales.propose(
            loan_sales.items_of(told, caller(request)), buyer=body["buyer"], reference=body["reference"], on=body["on"], why=body["why"],
            note=body["note"], actor=caller(request), at=moment(request, body),
        )  # fmt: skip
        return Response(ProposalOut(made).data, status=201)


class ManualJournalViewSet(Proposals):
    kind = manual_journals.KIND
    needs = {"list": may.VIEW_BOOKS, "retrieve": may.VIEW_BOOKS, "create": may.MANAGE_BOOKS}

    @extend_schema(request=ManualJournalIn, responses={201: ProposalOut})
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        """Propose a journal, or to take one back; a second person confirms it on the page of changes."""
        body = checked(ManualJournalIn, request)
        entity = entity_of(request)
        told: dict[str, Any] = {"day": body["day"], "document": body["document"], "text": body["text"]}
        told |= {"actor": caller(request), "at": moment(request, body)}
        if number := body.get("reverses"):
            rows = Journal.objects.visible_to(caller(request)).filter(legal_entity=entity, source=Journal.Source.MANUAL)
            journal = rows.filter(public_id=number).first()
            if journal is None or body.get("lines"):
                raise unknown("reverses", _("Only a journal that people wrote, and that takes none back itself, is taken back."))
            made = manual_journals.propose_reversal(journal, **told)
        else:
            if not body.get("reason"):
                raise unknown("reason", _("Choose a reason of the list."))
            lines = [(line["account"], line["amount"]) for line in body.get("lines", [])]
            made = manual_journals.propose(entity, lines=lines, reason=body["reason"], **told)
        return Response(ProposalOut(made).data, status=201)


VIEWSETS = {
    "hardship-reliefs": HardshipReliefViewSet,
    "tranches": TrancheViewSet,
    "loan-sales": LoanSaleViewSet,
    "manual-journals": ManualJournalViewSet,
}
