"""What goes in and comes out of the API. Everything out is masked or no personal value; ids are public ids."""

from decimal import Decimal
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credit import repayments
from credit.books import value_day
from credit.cost import speak
from credit.models import Application, Installment, Loan, Offer, Product, Transaction
from credit.product_terms import TERMS, Term, whole
from credit.words import Reasons
from crm.lib.api import Moment

ZERO = Decimal("0.00")


def money(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=14, decimal_places=2, **options)


def rate(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=9, decimal_places=6, **options)


class At(serializers.Serializer):
    """Optional moment of the act; only a caller who may set the clock names it."""

    at = Moment(required=False, help_text="needs the permission to state the moment; default: now")


def _term(term: Term) -> serializers.Field[Any, Any, Any, Any]:
    """Return the field of a further term: a word of some, a whole number, or an amount or share as text."""
    told: dict[str, Any] = {"allow_null": True} if term.may_be_empty else {}
    if term.choices is not None:
        return serializers.ChoiceField(choices=list(term.choices), **told)
    return serializers.CharField(**told) if term.decimal else serializers.IntegerField(min_value=0, max_value=term.most, **told)


# Every further term of a product, those it leaves unsaid with what stands for them.
ProductTermsOut: type[serializers.Serializer[Any]] = type(
    "ProductTermsOut", (serializers.Serializer,), {name: _term(term) for name, term in TERMS.items()}
)


class ProductOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    terms = serializers.SerializerMethodField(help_text="further terms; those the product leaves unsaid with what stands for them")
    rates_by_grade = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = Product
        fields = (
            "id", "code", "version", "name", "currency", "method", "amount_min", "amount_max", "term_min", "term_max",
            "rates_by_grade", "day_count", "grace_days", "penalty_multiplier", "offer_days", "early_fee_rate", "sunset_on", "terms",
        )  # fmt: skip

    @extend_schema_field(ProductTermsOut())
    def get_terms(self, row: Product) -> dict[str, Any]:
        return whole(row.terms)


class DeviceIn(serializers.Serializer):
    """The applicant's own device, where a partner or an app hands the application in. Kept as keyed fingerprints only."""

    fingerprint = serializers.CharField(min_length=4, max_length=200, help_text="what the app or browser calls the device")
    user_agent = serializers.CharField(required=False, default="", allow_blank=True, max_length=400)
    language = serializers.CharField(required=False, default="", allow_blank=True, max_length=12, help_text="such as zh-CN")
    time_zone = serializers.CharField(required=False, default="", allow_blank=True, max_length=40, help_text="such as Asia/Shanghai")
    ip = serializers.CharField(required=False, default="", allow_blank=True, max_length=45, help_text="address the applicant came from")


class ApplicationIn(At):
    customer = serializers.CharField(help_text="public id of a customer the caller may see")
    product = serializers.CharField(help_text="code or public id of a product on sale")
    amount = money()
    term = serializers.IntegerField(min_value=1, max_value=1200, help_text="months")
    purpose = serializers.CharField(max_length=40)
    stated = serializers.DictField(required=False, default=dict, help_text="what the applicant stated, by the names of the risk facts")
    reference = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=60, help_text="the caller's own number, once"
    )
    device = DeviceIn(required=False, default=None, allow_null=True)


class VersionIn(At):
    version = serializers.IntegerField(required=False, default=None, allow_null=True, help_text="refuse if the record changed since")


class ReasonOut(serializers.Serializer):
    code = serializers.CharField()
    sentence = serializers.CharField()


class ApplicationOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    product = serializers.CharField(source="product.code")
    decision = serializers.CharField(source="decision.public_id", default=None, allow_null=True)
    reasons = serializers.SerializerMethodField()
    offer = serializers.SerializerMethodField(help_text="the offer that stands or was accepted")
    loan = serializers.SerializerMethodField()

    class Meta:
        model = Application
        fields = (
            "id", "reference", "customer", "product", "status", "amount", "term", "purpose", "stated", "channel", "decision",
            "reasons", "approved_amount", "approved_term", "approved_rate", "offer", "loan", "created_at", "submitted_at",
            "decided_at", "ended_at", "version",
        )  # fmt: skip

    @extend_schema_field(ReasonOut(many=True))
    def get_reasons(self, row: Application) -> list[dict[str, str]]:
        reasons = self.context.get("reasons") or Reasons([row])
        return [{"code": code, "sentence": sentence} for code, sentence in reasons.pairs(row)]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_offer(self, row: Application) -> str | None:
        if row.approved_amount is None:
            return None
        standing = [each.public_id for each in row.offers.all() if each.status in (Offer.Status.MADE, Offer.Status.ACCEPTED)]
        return standing[0] if standing else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_loan(self, row: Application) -> str | None:
        loan = getattr(row, "loan", None)
        return loan.public_id if loan else None


class OfferOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    application = serializers.CharField(source="application.public_id")
    schedule = serializers.ListField(child=serializers.DictField())
    cost_table = serializers.SerializerMethodField(help_text="to be shown to the borrower before signing")
    confirmed = serializers.BooleanField(source="is_confirmed")
    quote = serializers.CharField(source="quote.public_id", default=None, allow_null=True, help_text="the document of these terms")

    class Meta:
        model = Offer
        fields = (
            "id", "application", "status", "amount", "term", "annual_rate", "penalty_rate", "nominal_rate", "effective_rate",
            "starts_on", "expires_on", "schedule", "cost_table", "cost_hash", "confirmed", "disclosure_confirmed_at",
            "disclosure_channel", "quote", "accepted_at", "version",
        )  # fmt: skip

    @extend_schema_field(serializers.DictField())
    def get_cost_table(self, row: Offer) -> Any:
        return speak(row.cost_table, get_language() or "en")


class ConfirmIn(At):
    cost_hash = serializers.CharField(max_length=64, help_text="hash of the cost table that was shown")
    seconds = serializers.IntegerField(min_value=0, max_value=86_400, help_text="how long it was on the screen")
    channel = serializers.ChoiceField(
        choices=[Offer.Disclosed.API, Offer.Disclosed.SHOP, Offer.Disclosed.COUNTER], required=False, default=Offer.Disclosed.API,
        help_text="where it was shown; at a counter the borrower signed and the caller is the witness",
    )  # fmt: skip


class InstallmentOut(serializers.ModelSerializer):
    penalty = serializers.SerializerMethodField(help_text="grown until today")
    outstanding = serializers.SerializerMethodField(help_text="unpaid, with the penalty grown until today")

    class Meta:
        model = Installment
        fields = (
            "seq", "from_on", "due_on", "status", "principal", "interest", "fee", "penalty", "principal_paid", "interest_paid",
            "fee_paid", "penalty_paid", "outstanding", "paid_on",
        )  # fmt: skip

    @extend_schema_field(money())
    def get_penalty(self, row: Installment) -> str:
        return str(self._penalty(row))

    @extend_schema_field(money())
    def get_outstanding(self, row: Installment) -> str:
        return str(row.owed + self._penalty(row) - row.penalty_paid)

    def _penalty(self, row: Installment) -> Decimal:
        return repayments.penalty_on(self.context["loan"], row, self.context["on"])


class AcceptIn(At):
    first = money(required=False, default=None, allow_null=True, help_text="first part to pay out; default: the whole amount")


class LoanOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    product = serializers.CharField(source="product.code")
    application = serializers.CharField(source="application.public_id")
    bucket = serializers.CharField(source="bucket_label")

    class Meta:
        model = Loan
        fields = (
            "id", "customer", "product", "application", "status", "principal", "annual_rate", "penalty_rate", "term", "starts_on",
            "matures_on", "principal_outstanding", "revolving", "undrawn", "overpayment", "dpd", "treatment_dpd", "delinquency_range", "bucket", "oldest_due_on",
            "risk_class", "stage",
            "closed_on", "booked_at", "settled_at",
        )  # fmt: skip


class ScheduleOut(serializers.Serializer):
    loan = serializers.CharField()
    as_of = serializers.DateField()
    installments = InstallmentOut(many=True)


class RepaymentIn(At):
    loan = serializers.CharField(help_text="public id of a loan the caller may see")
    amount = money()


class AllocationOut(serializers.Serializer):
    installment = serializers.IntegerField(help_text="its number in the schedule")
    part = serializers.ChoiceField(choices=["fee", "penalty", "interest", "principal"])
    amount = money()


class RepaymentOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    loan = serializers.CharField(source="loan.public_id")
    loan_status = serializers.CharField(source="loan.status")
    allocation = serializers.SerializerMethodField()
    overpayment = serializers.SerializerMethodField(help_text="held for refund")

    class Meta:
        model = Transaction
        fields = ("id", "loan", "loan_status", "amount", "value_on", "at", "allocation", "overpayment")

    @extend_schema_field(AllocationOut(many=True))
    def get_allocation(self, row: Transaction) -> list[dict[str, Any]]:
        lines = [posting for posting in row.postings.all() if posting.installment_id]
        lines.sort(key=lambda posting: posting.pk)
        return [
            {"installment": each.installment.seq, "part": each.account, "amount": str(-each.amount)} for each in lines if each.installment
        ]

    @extend_schema_field(money())
    def get_overpayment(self, row: Transaction) -> str:
        return str(-sum((each.amount for each in row.postings.all() if each.account == "overpayment"), ZERO))


def schedule(loan: Loan, *, at: Any) -> dict[str, Any]:
    """Return a loan's instalments with the penalty grown until the day of `at`."""
    on = value_day(loan.legal_entity, at)
    rows = loan.installments.order_by("seq")
    return {
        "loan": loan.public_id,
        "as_of": on.isoformat(),
        "installments": InstallmentOut(rows, many=True, context={"loan": loan, "on": on}).data,
    }
