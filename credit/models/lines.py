"""What a revolving line keeps beside its loan, so that sums over many need no replay."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from credit.models.loans import Loan
from credit.models.money import OfLoanQuerySet
from crm.lib.fields import MoneyField
from crm.lib.policy import SUMMED, Policy


class CreditLine(models.Model):
    """A copy of what `credit/revolving.py` makes of the loan's movements: written with its instalments, compared by `recompute_loan`.

    `accrued` is the interest since the last statement up to `counted_to`, times the days of a year; from that day on what is outstanding
    earns, in the day before it `earning` did. `ahead` of it was paid before it was billed.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("revolving lines: when the next statement is, and the interest that none has billed yet"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "collections"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "next_statement_on": _("Day of the next statement"),
            "frozen_on": _("Since when no more is drawn; empty while it is not frozen"),
            "freeze_days": _("Days past due from which the close of day freezes it, 0 for never"),
            "accrued": _("Interest since the last statement, times the days of a year, CNY"),
            "counted_to": _("Day up to which that interest is counted"),
            "earning": _("Principal that earned on the day before it, CNY"),
            "ahead": _("Interest paid before a statement billed it, CNY"),
        },
    )

    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="line")
    next_statement_on = models.DateField()
    frozen_on = models.DateField(null=True, blank=True)
    freeze_days = models.PositiveSmallIntegerField()
    accrued = models.DecimalField(max_digits=24, decimal_places=8)
    counted_to = models.DateField()
    earning = MoneyField()
    ahead = MoneyField()

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.loan.public_id

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id
