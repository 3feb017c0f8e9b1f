"""Documents of a loan that left the house: statements, settlement certificates, invoices and credit notes. Nobody changes them."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.loans import Loan, Transaction
from credit.models.money import OfLoanQuerySet
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from governance.models import LegalEntity, User


class LoanDocument(models.Model):
    """A statement, certificate or invoice as it was issued. Insert-only; its hash stands in the ledger, the PDF is set from it again."""

    POLICY = Policy(
        owner="credit",
        meaning=_("statements, settlement certificates and invoices as they were issued, unchangeable"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "serial": _("Running number within the lender, kind and year"),
            "first_on": _("First day of the period it is about"),
            "last_on": _("Last day of the period it is about"),
            "payee": _("Who received the money an invoice is about; empty: the lender"),
            "credits": _("Invoice that a credit note takes back from"),
            "document": _("What it says, without a personal value"),
            "document_hash": _("Hash of the document"),
            "purpose": _("What it was made for"),
        },
    )

    class Kind(models.TextChoices):
        STATEMENT = "statement", _("Statement of account")
        SETTLEMENT = "settlement", _("Settlement certificate")
        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")

    class Purpose(models.TextChoices):
        CUSTOMER = "customer", pgettext_lazy("document", "The customer asked for it")
        AUTHORITY = "authority", pgettext_lazy("document", "A court or authority asked for it")
        WORK = "work", pgettext_lazy("document", "Work on the loan")
        BOOKS = "books", pgettext_lazy("document", "The books ask for it")

    PREFIXES = {Kind.STATEMENT: "ST", Kind.SETTLEMENT: "JQ", Kind.INVOICE: "IN", Kind.CREDIT_NOTE: "CN"}

    public_id = PublicIdField(prefix="LD")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=11, choices=Kind)
    serial = models.CharField(max_length=20)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="documents", db_index=False)
    first_on = models.DateField(null=True, blank=True)
    last_on = models.DateField()
    payee = models.CharField(max_length=120, blank=True, default="")
    amount = MoneyField(null=True, blank=True, help_text="what an invoice asks for or a credit note gives back")
    credits = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="credit_notes")
    document = models.JSONField()
    document_hash = models.CharField(max_length=64)
    purpose = models.CharField(max_length=9, choices=Purpose)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="loan_document_serial_once", fields=["legal_entity", "serial"]),
            models.CheckConstraint(
                name="loan_document_kind_known", condition=Q(kind__in=["statement", "settlement", "invoice", "credit_note"])
            ),
            models.CheckConstraint(name="loan_document_hash_is_whole", condition=Q(document_hash__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="loan_document_of_money",
                condition=Q(kind__in=["statement", "settlement"], amount__isnull=True)
                | Q(kind__in=["invoice", "credit_note"], amount__gt=0),
            ),
        ]
        indexes = [
            # the loan's page and the next invoice ask for a loan's own, the newest first
            models.Index(fields=["loan", "-id"], name="loan_document_of_loan"),
        ]

    def __str__(self) -> str:
        return self.serial

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id


class InvoicedMovement(models.Model):
    """Which document a movement's interest, fees and penalty were invoiced with: each once per payee. Insert-only."""

    POLICY = Policy(
        owner="credit",
        meaning=_("which invoice or credit note a movement stands in"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={"payee": _("Who received the money; empty: the lender")},
    )

    document = models.ForeignKey(LoanDocument, on_delete=models.PROTECT, related_name="movements")
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="invoiced", db_index=False)
    payee = models.CharField(max_length=120, blank=True, default="")
    interest = MoneyField()
    fee = MoneyField()
    penalty = MoneyField()

    objects: Any = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="invoiced_movement_once", fields=["transaction", "payee"])]

    def __str__(self) -> str:
        return f"{self.document_id}/{self.transaction_id}"
