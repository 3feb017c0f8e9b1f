"""The general ledger as rows: accounts, what goes to which account, journals in sums per product and day, and the months of the books."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import Policy
from governance.models import LegalEntity, User
from governance.models.identity import chinese
from governance.scope import ScopedQuerySet


class BooksQuerySet(ScopedQuerySet[Any]):
    """Books are the legal entity's: every scope that reads them reads them whole, sums of all products too."""

    scope_customer = ""
    scope_entity: ClassVar[str] = "legal_entity"

    def reached_by(self, user: Any) -> "BooksQuerySet":
        if not user.scope:
            return self.none()
        rows = self.filter(**{self.scope_entity: user.team.legal_entity_id}) if user.team_id else self
        narrowed = user.role.products if self.scope_product and user.role else ()
        return rows.filter(**{f"{self.scope_product}__in": narrowed}) if narrowed else rows


class GLAccount(models.Model):
    """An account of the general ledger. It is never deleted: what was written on it stays readable."""

    POLICY = Policy(
        owner="credit",
        meaning=_("chart of accounts of the general ledger"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
    )

    class Kind(models.TextChoices):
        ASSET = "asset", pgettext_lazy("account", "Asset")
        LIABILITY = "liability", pgettext_lazy("account", "Liability")
        INCOME = "income", pgettext_lazy("account", "Income")
        EXPENSE = "expense", pgettext_lazy("account", "Expense")
        OFF_BALANCE = "off_balance", pgettext_lazy("account", "Off balance sheet")

    public_id = PublicIdField(prefix="GA")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=12)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    kind = models.CharField(max_length=11, choices=Kind)
    added_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = BooksQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="glaccount_code_once", fields=["legal_entity", "code"]),
            models.CheckConstraint(
                name="glaccount_kind_known", condition=Q(kind__in=["asset", "liability", "income", "expense", "off_balance"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def name(self) -> str:
        """The account's name in the current language."""
        return self.name_zh if chinese() else self.name_en


class AccountMapping(models.Model):
    """From a day on, what is posted for a purpose goes to this account; the latest row that has begun holds.

    A row of a product goes before the row of every product (`product_code` empty). Insert-only: another account is another row.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("which account of the general ledger takes what"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "product_code": _("Product it holds for, empty for every one"),
            "purpose": _("What is posted: an account of the sub-ledger, or one that only the general ledger has"),
        },
    )

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    product_code = models.CharField(max_length=20, blank=True, default="")
    purpose = models.CharField(max_length=20)
    account = models.ForeignKey(GLAccount, on_delete=models.PROTECT, related_name="mappings")
    effective_from = models.DateField()
    added_at = models.DateTimeField()

    objects = BooksQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="accountmapping_once", fields=["legal_entity", "product_code", "purpose", "effective_from"]),
        ]

    def __str__(self) -> str:
        return f"{self.product_code or '*'} {self.purpose} {self.effective_from}"

    @property
    def said(self) -> Any:
        """What is posted, in words."""
        from credit.chart import PURPOSES  # it tells what the models are for

        return PURPOSES.get(self.purpose, self.purpose)


class Journal(models.Model):
    """What one product moved on one business date, in sums; its lines sum to zero. Insert-only."""

    POLICY = Policy(
        owner="credit",
        meaning=_("journals of the general ledger, in sums per product and day"),
        retention=_("for ever"),
        level=2,
        purposes=("operation", "compliance"),
        basis="not_personal",
        columns={
            "product_code": _("Product whose movements it sums"),
            "source": _("Where its figures come from"),
            "movements": _("How many movements of money it sums"),
            "serial": _("Number among the journals of one kind of a day; 0 for the first"),
        },
    )

    class Source(models.TextChoices):
        OPENING = "opening", _("Opening balance")
        POSTINGS = "postings", _("Movements of money")
        ACCRUAL = "accrual", _("Accrual of the day")
        TRANSFER = "transfer", _("Transfer to another account")
        TAKEN_OVER = "taken_over", _("Movements of a book taken over")
        TAKEN_ACCRUAL = "taken_accrual", _("Accrual of a book taken over")
        SUSPENSE = "suspense", _("Money to be identified")
        PROVISION = "provision", _("Change of the allowance for losses")
        MANUAL = "manual", _("Written by hand")

    public_id = PublicIdField(prefix="GJ")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    product_code = models.CharField(max_length=20)
    business_date = models.DateField()
    source = models.CharField(max_length=13, choices=Source)
    movements = models.PositiveIntegerField(default=0)
    serial = models.PositiveIntegerField(default=0, db_default=0)
    posted_at = models.DateTimeField()

    class Rows(BooksQuerySet):
        scope_product = "product_code"

    objects = Rows.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            # also how the journals of a day, or of the days up to one, are found
            models.UniqueConstraint(name="journal_once", fields=["legal_entity", "business_date", "product_code", "source", "serial"]),
            models.CheckConstraint(
                name="journal_source_known",
                condition=Q(
                    source__in=[
                        "opening",
                        "postings",
                        "accrual",
                        "transfer",
                        "taken_over",
                        "taken_accrual",
                        "suspense",
                        "provision",
                        "manual",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class JournalLine(models.Model):
    """One sum on one account: debit above zero, credit below. Insert-only."""

    POLICY = Policy(
        owner="credit",
        meaning=_("lines of the journals"),
        retention=_("for ever"),
        level=2,
        purposes=("operation", "compliance"),
        basis="not_personal",
        columns={"purpose": _("What is posted: an account of the sub-ledger, or one that only the general ledger has")},
    )

    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="lines", db_index=False)
    account = models.ForeignKey(GLAccount, on_delete=models.PROTECT, related_name="lines")
    purpose = models.CharField(max_length=20)
    amount = MoneyField()

    class Rows(BooksQuerySet):
        scope_entity = "journal__legal_entity"
        scope_product = "journal__product_code"

    objects = Rows.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="journalline_once", fields=["journal", "purpose", "account"]),
            models.CheckConstraint(name="journalline_of_something", condition=~Q(amount=0)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount}"


class BookDay(models.Model):
    """A business date that is in the general ledger, and what the check of the books found after it."""

    POLICY = Policy(
        owner="credit",
        meaning=_("days entered in the general ledger and what their check found"),
        retention=_("10y"),
        level=2,
        purposes=("operation", "compliance"),
        basis="not_personal",
        columns={
            "journals": _("How many journals the day has"),
            "differences": _("How many differences the check found; empty until it ran"),
            "findings": _("What each check compared and the first differences: ids and amounts"),
        },
    )

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    journals = models.PositiveIntegerField(default=0)
    posted_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    differences = models.PositiveIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    findings = models.JSONField(default=list)

    objects = BooksQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="bookday_once", fields=["legal_entity", "business_date"])]

    def __str__(self) -> str:
        return self.business_date.isoformat()


class AccountingPeriod(models.Model):
    """A month of the books of a legal entity. A month without a row is open."""

    POLICY = Policy(
        owner="credit",
        meaning=_("months of the books, open and closed"),
        retention=_("for ever"),
        level=1,
        purposes=("operation", "compliance"),
        basis="not_personal",
        columns={"month": _("First day of the month")},
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("period", "Open")
        CLOSED = "closed", pgettext_lazy("period", "Closed")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.OPEN: {Status.CLOSED}, Status.CLOSED: {Status.OPEN}}
    TONES: ClassVar[dict[str, str]] = {Status.OPEN: "info", Status.CLOSED: "neutral"}

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    status = models.CharField(max_length=6, choices=Status, default=Status.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = BooksQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="accountingperiod_once", fields=["legal_entity", "month"]),
            models.CheckConstraint(name="accountingperiod_status_known", condition=Q(status__in=["open", "closed"])),
            models.CheckConstraint(name="accountingperiod_is_a_month", condition=Q(month__day=1)),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
