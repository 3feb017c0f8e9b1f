"""One payment of a customer spread over their loans: taken in once, taken back as a whole."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.loans import Transaction
from credit.models.receipts import Receipt
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from customers.models import Customer
from governance.models import LegalEntity, User
from governance.scope import ScopedQuerySet


class CustomerPaymentQuerySet(ScopedQuerySet["CustomerPayment"]):
    """Payments belong to whoever sees the customer."""

    scope_owner = "customer__owner"
    scope_team = "customer__branch"

    def for_list(self) -> Self:
        return self.select_related("customer", "legal_entity", "actor")


class CustomerPayment(models.Model):
    """Money of one customer for more than one loan, in the order a rule declares."""

    POLICY = Policy(
        owner="credit",
        meaning=_("payments spread over a customer's loans"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="contract",
        shared_with=("bank",),
        lies_open=SUMMED,
        columns={
            "received_on": _("Day it counts for"),
            "order": _("Order in which it was spread, as the rule said"),
            "channel": _("How the money came"),
            "reference": _("Number of the slip or of the bank"),
        },
    )

    class Status(models.TextChoices):
        RECORDED = "recorded", pgettext_lazy("payment", "Recorded")
        REVERSED = "reversed", pgettext_lazy("payment", "Reversed")

    class Order(models.TextChoices):
        OLDEST_DUE = "oldest_due", _("the oldest due date first, over all loans")
        HIGHEST_DPD = "highest_dpd", _("the loan that is past due longest first, whole")
        HIGHEST_RATE = "highest_rate", _("the dearest loan first, whole")
        SMALLEST_DUE = "smallest_due", _("the loan with the smallest sum due first, whole")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RECORDED: {Status.REVERSED}, Status.REVERSED: set()}
    TONES: ClassVar[dict[str, str]] = {"recorded": "good", "reversed": "caution"}

    public_id = PublicIdField(prefix="CP")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payments")
    status = models.CharField(max_length=8, choices=Status, default=Status.RECORDED)
    amount = MoneyField()
    received_on = models.DateField(help_text="the business date it counts for")
    order = models.CharField(max_length=12, choices=Order)
    channel = models.CharField(max_length=9, choices=Transaction.Channel, blank=True, default="")
    reference = models.CharField(max_length=60, blank=True, default="", help_text="the bank's or the receipt's number")
    key = models.CharField(max_length=160, help_text="names the payment: a repeated key is the same payment")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    receipt = models.ForeignKey(
        Receipt, null=True, blank=True, on_delete=models.PROTECT, related_name="spreads", help_text="money in suspense that it was part of"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = CustomerPaymentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="customer_payment_key_once", fields=["customer", "key"]),
            models.CheckConstraint(name="customer_payment_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="customer_payment_status_known", condition=Q(status__in=["recorded", "reversed"])),
            models.CheckConstraint(
                name="customer_payment_order_known",
                condition=Q(order__in=["oldest_due", "highest_dpd", "highest_rate", "smallest_due"]),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class PaymentShare(models.Model):
    """What of a customer's payment went to one loan, as a movement of that loan."""

    POLICY = Policy(
        owner="credit",
        meaning=_("which movements a customer's payment became"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={"place": _("Place in the order in which it was spread")},
    )

    payment = models.ForeignKey(CustomerPayment, on_delete=models.PROTECT, related_name="shares")
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="share")
    place = models.PositiveSmallIntegerField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="payment_share_place_once", fields=["payment", "place"])]

    def __str__(self) -> str:
        return f"{self.payment_id}/{self.place}"
