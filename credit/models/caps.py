"""Caps on what a loan may cost, as dated rows with their source."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField, RateField
from crm.lib.policy import Policy
from governance.models import Rule
from governance.models.identity import chinese


class RateCap(models.Model):
    """One cap over one period of time. It is never edited: another value is another row from another day."""

    POLICY = Policy(
        owner="credit",
        meaning=_("caps on the cost of loans, with citation"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "value": _("The highest annual cost, as a fraction"),
            "basis": _("Which annual rate is held against it"),
            "per": _("Whether each loan keeps it or their average"),
            "binding": _("Whether an offer above it is refused"),
            "products": _("Codes of the products it holds for; none means all"),
            "channels": _("Channels it holds for; none means all"),
            "counts": _("What counts beside interest"),
            "citation": _("Article the cap comes from"),
            "verification": _("Whether the article was read in the text"),
        },
    )

    class Basis(models.TextChoices):
        NOMINAL = "nominal", _("Nominal (IRR × 12)")
        EFFECTIVE = "effective", _("Effective (compounded)")
        APR = "apr", _("APR (unit periods)")

    class Per(models.TextChoices):
        LOAN = "loan", _("Each loan")
        AVERAGE = "average", _("Average of new loans")

    class Part(models.TextChoices):
        FEE = "fee", _("Service fees")
        THIRD_PARTY = "third_party", _("Charges of third parties")
        INSURANCE = "insurance", _("Insurance")
        PENALTY = "penalty", _("Penalty after default")

    public_id = PublicIdField(prefix="RC")
    code = models.CharField(max_length=40)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    value = RateField()
    basis = models.CharField(max_length=9, choices=Basis)
    per = models.CharField(max_length=7, choices=Per, default=Per.LOAN)
    binding = models.BooleanField(default=True)
    products = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    counts = ArrayField(models.CharField(max_length=11), default=list, blank=True)
    citation = models.CharField(max_length=300, blank=True)
    verification = models.CharField(max_length=10, choices=Rule.Verification)
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True, help_text="first day it no longer holds")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="rate_cap_between_0_and_10", condition=Q(value__gt=0, value__lt=10)),
            models.CheckConstraint(name="rate_cap_basis_known", condition=Q(basis__in=["nominal", "effective", "apr"])),
            models.CheckConstraint(name="rate_cap_per_known", condition=Q(per__in=["loan", "average"])),
            models.CheckConstraint(
                name="rate_cap_counts_known", condition=Q(counts__contained_by=["fee", "third_party", "insurance", "penalty"])
            ),
            models.CheckConstraint(
                name="rate_cap_verification_known", condition=Q(verification__in=["verified", "secondary", "unverified", "policy"])
            ),
            models.CheckConstraint(
                name="rate_cap_law_has_citation", condition=Q(verification__in=["policy", "unverified"]) | ~Q(citation="")
            ),
            ExclusionConstraint(
                name="rate_cap_periods_do_not_overlap",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (
                        Func("effective_from", "effective_to", RangeBoundary(), function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en

    def holds_for(self, product: str, channel: str) -> bool:
        """Return whether a loan of this product through this channel has to keep it."""
        return (not self.products or product in self.products) and (not self.channels or channel in self.channels)
