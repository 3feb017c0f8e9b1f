"""Terms under which loans are made, as data."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credit.allocation import WATERFALL
from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import Policy
from governance.models import LegalEntity, User
from governance.models.identity import chinese
from governance.scope import ScopedQuerySet

METHODS = ["equal_installment", "equal_principal", "interest_only", "bullet", "flat_fee", "revolving"]
DAY_COUNTS = ["30/360", "actual/360", "actual/365", "actual/actual"]


class ProductQuerySet(ScopedQuerySet["Product"]):
    """Products are the legal entity's, not a person's: every scope sees them all, but a role may be narrowed to some."""

    scope_customer = ""

    def reached_by(self, user: Any) -> "ProductQuerySet":
        if not user.scope:
            return self.none()
        rows = self.of_entity(user)
        return rows.filter(code__in=user.role.products) if user.role and user.role.products else rows

    def live(self) -> "ProductQuerySet":
        """Narrow to versions on sale."""
        return self.filter(live=True)


def default_order() -> list[str]:
    return list(WATERFALL)


class Product(models.Model):
    """One version of a product. A version that was ever used is not edited: a change is the next version."""

    POLICY = Policy(
        owner="credit",
        meaning=_("terms under which loans are made, by version"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "live": _("Whether it is offered now"),
            "method": _("How instalments are made"),
            "amount_min": _("Smallest amount, CNY"),
            "amount_max": _("Largest amount, CNY"),
            "term_min": _("Shortest term in months"),
            "term_max": _("Longest term in months"),
            "rates_by_grade": _("Rate a year for each risk grade"),
            "penalty_multiplier": _("Penalty rate as a multiple of the annual rate"),
            "early_fee_rate": _("Fee for early settlement, as a fraction"),
            "fees": _("Fees of the product"),
            "papers": _("Papers an applicant has to bring"),
            "offer_days": _("Days an offer stands"),
            "delinquency_ranges": _("Names of spans of treatment days: name, first, last"),
            "penalty_within_cap": _("Whether the penalty rate is held down to the caps"),
            "terms": _("Further terms of the schedule and of payments"),
            "examples": _("Examples it is tested on: amount, term, grade"),
            "review": _("Answers of the review for consumers"),
            "reviewed_at": _("When it was reviewed for consumers"),
            "reviewed_by": _("Who reviewed it for consumers"),
            "drafted_by": _("Who wrote this version"),
            "released_at": _("When it went on sale through two people"),
            "retired_at": _("When it was taken off sale for good"),
            "sunset_on": _("The last day an application is taken"),
        },
    )

    class Method(models.TextChoices):
        EQUAL_INSTALLMENT = "equal_installment", _("Equal instalment")
        EQUAL_PRINCIPAL = "equal_principal", _("Equal principal")
        INTEREST_ONLY = "interest_only", _("Interest only, principal at the end")
        BULLET = "bullet", _("All at the end")
        FLAT_FEE = "flat_fee", _("Flat fee on the original principal")
        REVOLVING = "revolving", _("Revolving line")

    class DayCount(models.TextChoices):
        THIRTY_360 = "30/360", "30/360"
        ACTUAL_360 = "actual/360", "actual/360"
        ACTUAL_365 = "actual/365", "actual/365"
        ACTUAL_ACTUAL = "actual/actual", "actual/actual"

    class MonthEnd(models.TextChoices):
        LAST_DAY = "last_day", _("Last day of the month")
        NEXT_FIRST = "next_first", _("First of the next month")

    public_id = PublicIdField(prefix="F")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=20)
    version = models.PositiveIntegerField(default=1)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    live = models.BooleanField(default=False)
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=20, choices=Method, default=Method.EQUAL_INSTALLMENT)
    amount_min = MoneyField()
    amount_max = MoneyField()
    term_min = models.PositiveSmallIntegerField(help_text="months")
    term_max = models.PositiveSmallIntegerField(help_text="months")
    rates_by_grade = models.JSONField(help_text='annual rates as text: {"A": "0.108"}; a grade left out is not served')
    day_count = models.CharField(max_length=13, choices=DayCount, default=DayCount.THIRTY_360)
    month_end = models.CharField(max_length=10, choices=MonthEnd, default=MonthEnd.LAST_DAY)
    rounding = models.CharField(max_length=9, choices=[("HALF_UP", "HALF_UP"), ("HALF_EVEN", "HALF_EVEN")], default="HALF_UP")
    grace_days = models.PositiveSmallIntegerField(default=0)
    penalty_multiplier = models.DecimalField(
        max_digits=5, decimal_places=3, help_text="penalty rate = contract rate × this, within the cap"
    )
    allocation_order = ArrayField(models.CharField(max_length=9), default=default_order)
    early_fee_rate = RateField(default=0, db_default=0, help_text="charged on the principal paid before it is due, when a loan is paid off")
    fees = models.JSONField(default=list, help_text="charges of normal performance, see credit/cost.py")
    papers = models.JSONField(default=list, help_text="papers an application needs, see credit/papers.py")
    delinquency_ranges = models.JSONField(
        default=list, db_default=[], blank=True, help_text="[[name, first day, last day or null], …]; empty: by bucket"
    )
    offer_days = models.PositiveSmallIntegerField(default=14, help_text="days an offer stands")
    penalty_within_cap = models.BooleanField(default=True, db_default=True)
    terms = models.JSONField(default=dict, db_default={}, help_text="further terms, see credit/product_terms.py")
    examples = models.JSONField(default=list, db_default=[], help_text="examples it is tested on, see credit/product_examples.py")
    review = models.JSONField(default=dict, db_default={}, help_text="answers of the review, see credit/product_factory.py")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    drafted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    sunset_on = models.DateField(null=True, blank=True, help_text="last day an application is taken; loans go on")

    objects = ProductQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="product_version_once", fields=["legal_entity", "code", "version"]),
            models.UniqueConstraint(name="product_one_live_version", fields=["legal_entity", "code"], condition=Q(live=True)),
            models.CheckConstraint(name="product_amounts_in_order", condition=Q(amount_min__gt=0, amount_max__gte=F("amount_min"))),
            models.CheckConstraint(name="product_terms_in_order", condition=Q(term_min__gte=1, term_max__gte=F("term_min"))),
            models.CheckConstraint(name="product_early_fee_is_a_share", condition=Q(early_fee_rate__gte=0, early_fee_rate__lte=1)),
            models.CheckConstraint(name="product_penalty_not_below_rate", condition=Q(penalty_multiplier__gte=1)),
            models.CheckConstraint(name="product_method_known", condition=Q(method__in=METHODS)),
            models.CheckConstraint(name="product_day_count_known", condition=Q(day_count__in=DAY_COUNTS)),
            models.CheckConstraint(name="product_month_end_known", condition=Q(month_end__in=["last_day", "next_first"])),
            models.CheckConstraint(name="product_rounding_known", condition=Q(rounding__in=["HALF_UP", "HALF_EVEN"])),
            models.CheckConstraint(
                name="product_allocation_is_a_waterfall", condition=Q(allocation_order__contains=list(WATERFALL), allocation_order__len=4)
            ),
            models.CheckConstraint(name="product_retired_is_not_live", condition=Q(live=False) | Q(retired_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The product's name in the current language."""
        return self.name_zh if chinese() else self.name_en

    @property
    def stage(self) -> str:
        """Return where the version stands: draft, live, past (another took its place) or retired."""
        if self.retired_at:
            return "retired"
        if self.live:
            return "live"
        return "past" if self.released_at or not self.drafted_by_id else "draft"

    def takes(self, on: date) -> bool:
        """Return whether an application is taken on a day."""
        return self.live and (self.sunset_on is None or on <= self.sunset_on)

    def rate_for(self, grade: str) -> Decimal | None:
        """Return the annual rate of `grade`, None when the product does not serve it."""
        text = self.rates_by_grade.get(grade)
        return Decimal(text) if text is not None else None
