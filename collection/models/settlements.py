"""Settlements: less than all is paid, by a day, and ends the debt; a breach brings all of it back."""

from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.matters import MatterQuerySet
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from governance.models import User

ZERO = Decimal("0.00")


class SettlementQuerySet(MatterQuerySet):
    scope_owner = "offered_by"

    def reached_by(self, user):  # type: ignore[no-untyped-def]
        return self.filter(case__in=Case.objects.reached_by(user))

    def for_list(self) -> Self:
        return self.select_related("case", "case__customer", "offered_by")

    def open(self) -> Self:
        return self.filter(status__in=Settlement.UNDER_WAY)

    def running(self) -> Self:
        return self.filter(status="accepted")


class Settlement(models.Model):
    """An offer to end the whole debt of a case for less. Nothing is forgiven before all of it is paid; then credit's door forgives the rest."""

    POLICY = Policy(
        owner="collections",
        meaning=_("offers to settle a debt for less, and what became of them"),
        retention=_("5y after the case closed"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "balance": _("What ended the whole debt on the day of the offer, CNY"),
            "floor": _("The least the ladder allowed, CNY"),
            "discount": _("Share of the balance that is forgiven"),
            "paid_amount": _("Paid on it so far, CNY"),
            "forgiven": _("What was forgiven at the end, CNY"),
            "tolerance": _("What may lack and it still is paid, CNY"),
            "counts_after": _("Payments after this one count"),
            "offered_on": _("Business date of the offer"),
            "offered_at": _("When it was offered"),
            "accepted_on": _("Business date the customer accepted"),
            "ended_on": _("Business date it ended"),
        },
    )

    class Status(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("settlement", "Waits for approval")
        APPROVED = "approved", pgettext_lazy("settlement", "Offered")
        ACCEPTED = "accepted", pgettext_lazy("settlement", "Being paid")
        PAID = "paid", pgettext_lazy("settlement", "Paid, the rest is being forgiven")
        SETTLED = "settled", pgettext_lazy("settlement", "Settled")
        BREACHED = "breached", pgettext_lazy("settlement", "Breached, all is owed again")
        EXPIRED = "expired", pgettext_lazy("settlement", "Expired")
        REFUSED = "refused", pgettext_lazy("settlement", "Refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("settlement", "Withdrawn")

    UNDER_WAY: ClassVar[tuple[str, ...]] = (Status.PROPOSED, Status.APPROVED, Status.ACCEPTED, Status.PAID)
    BEING_PAID: ClassVar[tuple[str, ...]] = (Status.ACCEPTED, Status.PAID)  # nothing else is demanded meanwhile
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PROPOSED: {Status.APPROVED, Status.REFUSED, Status.WITHDRAWN, Status.EXPIRED},
        Status.APPROVED: {Status.ACCEPTED, Status.EXPIRED, Status.WITHDRAWN},
        Status.ACCEPTED: {Status.PAID, Status.BREACHED, Status.SETTLED},
        Status.PAID: {Status.SETTLED, Status.ACCEPTED, Status.BREACHED},  # a payment that is taken back opens it again
        Status.SETTLED: {Status.PAID, Status.ACCEPTED, Status.BREACHED},  # and so does one taken back after all was forgiven
        Status.BREACHED: set(),
        Status.EXPIRED: set(),
        Status.REFUSED: set(),
        Status.WITHDRAWN: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "proposed": "caution", "approved": "info", "accepted": "info", "paid": "good", "settled": "good", "breached": "bad",
        "expired": "neutral", "refused": "neutral", "withdrawn": "neutral",
    }  # fmt: skip

    public_id = PublicIdField(prefix="SE")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="settlements", db_index=False)
    hardship = models.ForeignKey("Hardship", null=True, blank=True, on_delete=models.PROTECT, related_name="settlements", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.PROPOSED)
    dpd = models.PositiveIntegerField()
    balance = MoneyField()
    floor = MoneyField()
    amount = MoneyField()
    discount = models.DecimalField(max_digits=7, decimal_places=6)
    tolerance = models.DecimalField(max_digits=14, decimal_places=2)
    grace_days = models.PositiveSmallIntegerField()
    paid_amount = MoneyField(default=ZERO)
    forgiven = MoneyField(null=True, blank=True)
    counts_after = models.BigIntegerField(default=0)
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    offered_at = models.DateTimeField()
    offered_on = models.DateField()
    expires_on = models.DateField()
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    approved_at = models.DateTimeField(null=True, blank=True)
    accepted_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = SettlementQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="settlement_one_under_way", fields=["case"], condition=Q(status__in=["proposed", "approved", "accepted", "paid"])
            ),
            models.CheckConstraint(
                name="settlement_status_known",
                condition=Q(
                    status__in=[
                        "proposed", "approved", "accepted", "paid", "settled", "breached", "expired", "refused", "withdrawn",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="settlement_between_floor_and_balance",
                condition=Q(floor__gt=0, amount__gte=F("floor"), amount__lte=F("balance"), paid_amount__gte=0),
            ),
            models.CheckConstraint(name="settlement_discount_a_share", condition=Q(discount__gte=0, discount__lt=1)),
            models.CheckConstraint(
                name="settlement_four_eyes", condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("offered_by"))
            ),
            models.CheckConstraint(
                name="settlement_given_was_approved",
                condition=~Q(status__in=["approved", "accepted", "paid", "settled", "breached"]) | Q(approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="settlement_forgiven_at_the_end", condition=Q(forgiven__isnull=True) | Q(status="settled", forgiven__gte=0)
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["case", "-id"], name="settlement_of_case"),
            models.Index(fields=["expires_on"], name="settlement_expires", condition=Q(status__in=["proposed", "approved"])),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def to_forgive(self) -> Decimal:
        """What would be given up if it were paid as agreed, of the balance of the offer."""
        return self.balance - self.amount


class SettlementPart(models.Model):
    """One payment of a settlement: an amount by a day. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("payments agreed in a settlement"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="contract",
        lies_open=SUMMED,
    )

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="parts", db_index=False)
    seq = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    amount = MoneyField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="settlement_part_once", fields=["settlement", "seq"]),
            models.CheckConstraint(name="settlement_part_of_something", condition=Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id}/{self.seq}"
