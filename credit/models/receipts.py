"""Money as the bank reports it: files of it, each receipt with what became of it, and the account number of a loan."""

import secrets
import uuid
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.imports import FileOfLines
from credit.models.loans import Loan, Transaction
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import Customer
from governance import masking
from governance.access import Masked
from governance.fields import FingerprintField, SealedTextField
from governance.models import LegalEntity, User
from governance.scope import ScopedQuerySet
from governance.uses import PurposeBound

VIRTUAL_PREFIX = "8866"
ZERO = Decimal("0.00")


def virtual_number() -> str:
    """Return a new number to pay to: ours by its first digits, not to be guessed by the others."""
    return VIRTUAL_PREFIX + "".join(secrets.choice("0123456789") for _ in range(12))


class VirtualAccount(models.Model):
    """The number a borrower transfers to: what arrives there is for this loan."""

    POLICY = Policy(
        owner="credit",
        meaning=_("account numbers that stand for a loan"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing",),
        basis="contract",
        shared_with=("bank",),
        lies_open=SUMMED,
        columns={
            "number": _("Account number that stands for the loan; it belongs to the lender"),
        },
    )

    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="virtual_account")
    number = models.CharField(max_length=20, unique=True, default=virtual_number)

    objects = models.Manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.number

    @property
    def grouped(self) -> str:
        """The number in fours, as people read it."""
        return " ".join(self.number[n : n + 4] for n in range(0, len(self.number), 4))


class BankFile(FileOfLines):
    """One file of receipts from a bank. Its text is sealed, and emptied when the last line is done."""

    POLICY = Policy(
        owner="credit",
        meaning=_("files of receipts brought in"),
        retention=_("text until done, the rest 10y"),
        personal={"content": "C2"},
        level=2,
        kind="C1",
        purposes=("servicing", "compliance"),
        basis="legal_duty",
        columns={
            "file_name": _("Name of the file as it was put in"),
            "content": Column(_("Lines of the file until they are done"), mask="text"),
            "encoding": _("Character encoding of the file"),
            "headings": _("Which column holds what"),
            "booked": _("How many lines were booked"),
            "suspended": _("How many lines wait in suspense"),
            "outgoing": _("How many lines were money going out"),
        },
    )
    COUNTERS = ("booked", "suspended", "known", "outgoing")

    public_id = PublicIdField(prefix="BF")
    content = SealedTextField("credit.bankfile.content", null=True, blank=True)
    encoding = models.CharField(max_length=10)
    headings = models.JSONField(help_text="which column of the file is which of ours: no cell of it")
    booked = models.PositiveIntegerField(default=0, help_text="lines booked to a loan")
    suspended = models.PositiveIntegerField(default=0, help_text="lines that wait for a person")
    known = models.PositiveIntegerField(default=0, help_text="lines whose bank reference was there before")
    outgoing = models.PositiveIntegerField(default=0, help_text="lines of money that went out: not taken in")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="bank_file_once", fields=["legal_entity", "sha256"])]
        indexes = [
            # what the sweeper looks for
            models.Index(fields=["id"], name="bank_file_unfinished", condition=Q(finished_at__isnull=True)),
        ]


class ReceiptQuerySet(ScopedQuerySet["Receipt"]):
    """Unmatched money belongs to no branch: who may see it sees what came to the lender."""

    scope_customer = ""

    def reached_by(self, user: object) -> Self:
        return self.of_entity(user) if getattr(user, "scope", "") else self.none()

    def open(self) -> Self:
        """Narrow to money that waits for a person."""
        return self.filter(status__in=[Receipt.Status.UNMATCHED, Receipt.Status.PROPOSED])

    def for_list(self) -> Self:
        return self.select_related("loan", "proposed_loan", "proposed_customer", "proposed_by", "bank_file")


class Receipt(PurposeBound):
    """Money that arrived at the bank, once per bank reference."""

    POLICY = Policy(
        owner="credit",
        meaning=_("money that arrived at the bank, and what became of it"),
        retention=_("10y"),
        personal={"payer_name": "C2", "payer_account": "C2", "remittance": "C2"},
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            "received_on": _("Day it arrived at the bank"),
            "payer_name": Column(_("Name of who paid, as the bank says"), mask="name", search="exact"),
            "payer_account": Column(_("Account it came from"), mask="card"),
            "remittance": Column(_("What the payer wrote"), mask="text"),
            "why": _("Why it waits in suspense"),
            "match": _("How its loan was found"),
            "placed": _("What of it does not wait any more, CNY"),
        },
    )

    class Status(models.TextChoices):
        UNMATCHED = "unmatched", pgettext_lazy("receipt", "Unmatched")
        PROPOSED = "proposed", pgettext_lazy("receipt", "Waits for a second person")
        MATCHED = "matched", pgettext_lazy("receipt", "Booked")
        RETURNED = "returned", pgettext_lazy("receipt", "Returned")

    class Match(models.TextChoices):
        LOAN_NUMBER = "loan_number", _("Loan number in the text")
        QUOTE_NUMBER = "quote_number", _("Payoff quote in the text")
        VIRTUAL_ACCOUNT = "virtual_account", _("Virtual account")
        PERSON = "person", _("Allocated by a person")

    class Why(models.TextChoices):
        """Why nobody could book it by rule."""

        NOTHING_NAMED = "nothing_named", _("The text names no loan")
        UNKNOWN_LOAN = "unknown_loan", _("The text names a loan that does not exist")
        SEVERAL = "several", _("The text names more than one loan")
        SETTLED = "settled", _("The loan is settled")
        REVERSED = "reversed", _("Was booked to a loan and taken back")
        SOLD = "sold", _("The loan was sold: the money is the buyer's")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.UNMATCHED: {Status.MATCHED, Status.PROPOSED, Status.RETURNED},
        Status.PROPOSED: {Status.MATCHED, Status.UNMATCHED, Status.RETURNED},
        Status.MATCHED: {Status.UNMATCHED, Status.RETURNED},
        Status.RETURNED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"unmatched": "warn", "proposed": "caution", "matched": "good", "returned": "neutral"}

    ERASED_WITH = "loan__customer"  # whose it is shows when it is matched: until then it belongs to nobody

    public_id = PublicIdField(prefix="M")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    bank_file = models.ForeignKey(BankFile, null=True, blank=True, on_delete=models.PROTECT, related_name="receipts")
    reference = models.CharField(max_length=64, help_text="the bank's own number of the receipt")
    received_on = models.DateField(help_text="the bank's day")
    amount = MoneyField()
    payer_name = SealedTextField("credit.receipt.payer_name", null=True, blank=True)
    payer_key = FingerprintField(source="payer_name", label="customers.customer.name")  # the customers' own, so that the two can meet
    payer_account = SealedTextField("credit.receipt.payer_account", null=True, blank=True)
    remittance = SealedTextField("credit.receipt.remittance", null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.UNMATCHED)
    why = models.CharField(max_length=13, choices=Why, blank=True, default="")
    match = models.CharField(max_length=15, choices=Match, blank=True, default="")
    loan = models.ForeignKey(Loan, null=True, blank=True, on_delete=models.PROTECT, related_name="receipts")
    transaction = models.OneToOneField(Transaction, null=True, blank=True, on_delete=models.PROTECT, related_name="bank_receipt")
    proposed_loan = models.ForeignKey(
        Loan, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="none: to be returned"
    )
    placed = MoneyField(default=ZERO, db_default=ZERO, help_text="what of it does not wait any more")
    proposed_customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="to be spread over the loans of"
    )
    proposed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="receipt_reference_once", fields=["legal_entity", "reference"]),
            models.CheckConstraint(name="receipt_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="receipt_status_known", condition=Q(status__in=["unmatched", "proposed", "matched", "returned"])),
            models.CheckConstraint(
                name="receipt_matched_has_movement",
                # spread, it has payments instead, and stands with the first loan
                condition=~Q(status="matched")
                | Q(loan__isnull=False) & ~Q(match="") & (Q(transaction__isnull=False) | Q(placed=F("amount"))),
            ),
            models.CheckConstraint(name="receipt_placed_of_it", condition=Q(placed__gte=0, placed__lte=F("amount"))),
            models.CheckConstraint(name="receipt_proposed_by_somebody", condition=~Q(status="proposed") | Q(proposed_by__isnull=False)),
            models.CheckConstraint(
                name="receipt_second_person",
                condition=Q(decided_by__isnull=True) | Q(proposed_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
            ),
        ]
        indexes = [
            # the suspense queue, the oldest first; matched money is many, waiting money is little
            models.Index(
                fields=["legal_entity", "received_on", "id"], name="receipt_waiting", condition=Q(status__in=["unmatched", "proposed"])
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int | None:
        return self.loan.customer_id if self.loan else None

    @property
    def left(self) -> Decimal:
        """Return what waits of it, or would, were it not for what was proposed."""
        return self.amount - self.placed

    def age(self, on: date) -> int:
        """Return the days this money has been with us."""
        return max((on - self.received_on).days, 0)

    # who pays is mostly the borrower: seen as far as the borrower's own name and card are
    masked_payer = Masked("payer_name", masking.mask_name, code="customers.customer.name")
    masked_account = Masked("payer_account", masking.mask_card, code="customers.customer.bank_card")
