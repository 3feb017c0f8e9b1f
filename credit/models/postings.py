"""What a movement of money does to the accounts of its loan, as insert-only rows whose amounts sum to nothing."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credit.models.loans import Installment, Transaction
from crm.lib.fields import MoneyField
from crm.lib.policy import SUMMED, Policy

ZERO = Decimal("0.00")


class Posting(models.Model):
    """One amount on one account: debit above zero, credit below. Insert-only; the postings of a transaction sum to zero."""

    POLICY = Policy(
        owner="credit",
        meaning=_("double entry of every movement"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            "account": _("Account of the general ledger"),
        },
    )

    class Account(models.TextChoices):
        CASH = "cash", _("Cash")
        PRINCIPAL = "principal", _("Principal")
        INTEREST = "interest", _("Interest")
        FEE = "fee", _("Fee")
        PENALTY = "penalty", _("Penalty")
        OVERPAYMENT = "overpayment", _("Over-payment")
        LOSS = "loss", _("Loss written off")
        RECOVERY = "recovery", _("Recovered after write-off")
        CHARGED_OFF = "charged_off", _("Principal charged off")
        SALE_RESULT = "sale_result", _("Result of sales of loans")

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=12, choices=Account)
    amount = MoneyField()
    installment = models.ForeignKey(Installment, null=True, on_delete=models.PROTECT, related_name="postings")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="posting_of_something", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="posting_account_known",
                condition=Q(
                    account__in=[
                        "cash",
                        "principal",
                        "interest",
                        "fee",
                        "penalty",
                        "overpayment",
                        "loss",
                        "recovery",
                        "charged_off",
                        "sale_result",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount}"
