"""What every open loan was at the end of a month: the rows that vintage, roll and migration are read from."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credit.models.classification import RiskClass
from credit.models.loans import Loan
from credit.models.money import OfLoanQuerySet
from crm.lib.fields import MoneyField
from crm.lib.policy import SUMMED, Policy
from governance.models import LegalEntity, Team
from governance.models.identity import Channel


class LoanSnapshot(models.Model):
    """One open loan at a month's end, written by the close of that day. Insert-only.

    Month and loan together are the key, so that the table can be partitioned by month without another change.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("state of every open loan at each month's end"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            "month": _("Last day of the month"),
            "product": _("Code of the product"),
            "grade": _("Risk grade the loan was made at"),
            "vintage": _("First day of the month the money went out"),
            "months_on_book": _("Months since the money went out; 0 in the month itself"),
            "principal_outstanding": _("Principal not yet repaid, CNY"),
            "overdue": _("Unpaid of missed instalments with penalty, CNY"),
            "treatment_dpd": _("Days past due that treatment counts: less grace and pauses"),
            "risk_class": _("Class of the five, 1 normal to 5 loss"),
            "stage": _("Stage of credit risk, 1 to 3"),
            "ecl": _("Expected credit loss, CNY"),
        },
    )

    pk = models.CompositePrimaryKey("month", "loan_id")
    month = models.DateField()
    # written by millions from the loans themselves, which are never deleted: a check of each key would cost more than the row
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="snapshots", db_constraint=False, db_index=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    branch = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    channel = models.CharField(max_length=8, choices=Channel)
    product = models.CharField(max_length=20)
    grade = models.CharField(max_length=4, blank=True)
    vintage = models.DateField()
    months_on_book = models.PositiveSmallIntegerField()
    principal = MoneyField()
    principal_outstanding = MoneyField()
    overdue = MoneyField()
    dpd = models.PositiveIntegerField()
    treatment_dpd = models.PositiveIntegerField()
    bucket = models.PositiveSmallIntegerField()
    risk_class = models.PositiveSmallIntegerField(choices=RiskClass)
    stage = models.PositiveSmallIntegerField()
    ecl = MoneyField()

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="snapshot_known", condition=Q(bucket__lte=7, risk_class__gte=1, risk_class__lte=5, stage__gte=1, stage__lte=3)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.month}"
