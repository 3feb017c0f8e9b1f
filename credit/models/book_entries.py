"""What enters the general ledger beside loans: money nobody could place yet, and journals that people write."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.general_ledger import BooksQuerySet, Journal
from credit.models.receipts import Receipt
from crm.lib.fields import MoneyField
from crm.lib.policy import Policy
from governance.models import User


class SuspenseMove(models.Model):
    """Money that came into suspense (above zero) or left it (below). The database sets the business date it is entered in. Insert-only."""

    POLICY = Policy(
        owner="credit",
        meaning=_("money entering and leaving suspense, as the general ledger sums it"),
        retention=_("10y"),
        level=2,
        purposes=("operation", "compliance"),
        basis="not_personal",
        columns={"booked_on": _("Business date whose journal sums it")},
    )

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="suspense_moves")
    amount = MoneyField()
    booked_on = models.DateField(null=True, editable=False, help_text="set by the database")
    at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="suspense_move_of_something", condition=~Q(amount=0))]
        # the close of a business date sums those of its day
        indexes = [models.Index(fields=["booked_on"], name="suspense_move_booked")]

    def __str__(self) -> str:
        return f"{self.receipt_id} {self.amount}"


class ManualJournal(models.Model):
    """Why a journal was written by hand, by whom, and which journal it takes back. Insert-only, like the journal."""

    POLICY = Policy(
        owner="credit",
        meaning=_("journals that people wrote: why, from which document, by which two persons"),
        retention=_("for ever"),
        level=2,
        purposes=("operation", "compliance"),
        basis="not_personal",
        columns={
            "reason": _("Why, from a closed list"),
            "document": _("Number of the document it was written from"),
        },
    )

    class Reason(models.TextChoices):
        CORRECTION = "correction", pgettext_lazy("manual journal", "Correction of an error")
        ADJUSTMENT = "adjustment", pgettext_lazy("manual journal", "Adjustment at a month's end")
        EXPENSE = "expense", pgettext_lazy("manual journal", "Cost or income outside the loans")
        AUDIT = "audit", pgettext_lazy("manual journal", "Asked for by the auditors")
        REVERSAL = "reversal", pgettext_lazy("manual journal", "Taking back another journal")

    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, related_name="manual")
    reason = models.CharField(max_length=10, choices=Reason)
    document = models.CharField(max_length=60)
    reverses = models.OneToOneField(Journal, null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Rows(BooksQuerySet):
        scope_entity = "journal__legal_entity"

    objects: ClassVar[Any] = Rows.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="manual_journal_reason_known",
                condition=Q(reason__in=["correction", "adjustment", "expense", "audit"], reverses__isnull=True)
                | Q(reason="reversal", reverses__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.journal)
