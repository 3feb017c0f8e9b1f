"""Days on which the treatment counter of a loan stands still."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.loans import Loan
from credit.models.money import OfLoanQuerySet
from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.models import LegalEntity, User


class DelinquencyPause(models.Model):
    """A span [from_on, until_on) that treatment does not count. Class, stage and bureau count it."""

    POLICY = Policy(
        owner="credit",
        meaning=_("pauses of collection treatment"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "collections"),
        basis="contract",
        lies_open=_("dates and a code from a closed list; the close of day computes with them in SQL"),
        columns={
            "from_on": _("First day that is not counted"),
            "until_on": _("First day that is counted again; empty while nobody has ended it"),
            "reason": _("Why, from a closed list"),
        },
    )

    class Reason(models.TextChoices):
        DISASTER = "disaster", _("Disaster")
        HARDSHIP = "hardship", _("Hardship")
        ILLNESS = "illness", _("Illness")
        DISPUTE = "dispute", pgettext_lazy("pause", "Dispute")
        OUR_ERROR = "our_error", _("Our own error")

    public_id = PublicIdField(prefix="DP")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="pauses")  # the close reads a late loan's pauses
    from_on = models.DateField()
    until_on = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=10, choices=Reason)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    resumed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    resumed_at = models.DateTimeField(null=True, blank=True)

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="pause_in_order", condition=Q(until_on__isnull=True) | Q(until_on__gte=F("from_on"))),
            models.CheckConstraint(
                name="pause_reason_known", condition=Q(reason__in=["disaster", "hardship", "illness", "dispute", "our_error"])
            ),
            ExclusionConstraint(
                name="pauses_do_not_overlap",
                expressions=[
                    ("loan", RangeOperators.EQUAL),
                    (Func("from_on", "until_on", RangeBoundary(), function="DATERANGE"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id


class DelinquencyRanges(models.Model):
    """From a day on, the spans of treatment days of a product have these names; the latest row that has begun holds.

    A product without a row has those its version was made with. Insert-only: other spans are another row.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("names of spans of days late, by product"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "product_code": _("Code of the product"),
            "ranges": _("Name, first day and last day of each span; empty: by bucket"),
        },
    )

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    product_code = models.CharField(max_length=20)
    effective_from = models.DateField()
    ranges = models.JSONField(default=list, blank=True, help_text="[[name, first day, last day or null], …]")
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="delinquency_ranges_once", fields=["legal_entity", "product_code", "effective_from"])]

    def __str__(self) -> str:
        return f"{self.product_code} {self.effective_from}"


class RangeMove(models.Model):
    """A loan that came into a span of days late, or left one, as the close of a business date found it. Insert-only."""

    POLICY = Policy(
        owner="credit",
        meaning=_("spans of days late that loans came into and left"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "collections"),
        basis="contract",
        lies_open=_("dates, day counts and names from the product; the close of day writes them in SQL"),
        columns={
            "business_date": _("Business date whose close found it"),
            "was": _("Span it left, empty if it was in none"),
            "now": _("Span it came into, empty if it is in none"),
            "treatment_dpd": _("Days past due that treatment counts: less grace and pauses"),
        },
    )

    # A loan's page reads its own. Written by thousands from the loans themselves, which are never deleted: a check of each key costs as much.
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="range_moves", db_constraint=False)
    business_date = models.DateField()
    was = models.CharField(max_length=20, blank=True)
    now = models.CharField(max_length=20, blank=True)
    treatment_dpd = models.PositiveIntegerField()

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="range_move_moves", condition=~Q(was=F("now")))]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.business_date}"

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id
