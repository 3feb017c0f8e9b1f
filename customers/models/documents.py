"""Papers of a person: what each is, where its sealed content lies, whether a person has looked at it."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models.person import Customer
from governance import files
from governance.fields import SealedTextField
from governance.models import User
from governance.scope import ScopedQuerySet


class DocumentQuerySet(ScopedQuerySet["Document"]):
    scope_owner = "customer__owner"
    scope_team = "customer__branch"

    def for_list(self) -> "DocumentQuerySet":
        """Join what a row shows; the name a file had stays sealed."""
        return self.select_related("added_by", "checked_by").defer("file_name", "words")


class Document(models.Model):
    """One paper of a customer. Its content lies sealed in the storage; this row says what it was and who looked."""

    POLICY = Policy(
        owner="customers",
        meaning=_("papers of a person"),
        retention=_("5y after the last contract ended"),
        personal={"file_name": "C2", "words": "C2"},
        level=2,
        kind="C1",
        purposes=("onboarding", "underwriting", "servicing", "compliance"),
        basis="contract",
        columns={
            "media_type": _("Kind of file"),
            "file_name": Column(_("Name of the file as it was put in"), mask="text"),
            "words": Column(_("Why a paper was refused, in words"), mask="text"),
        },
    )

    class Kind(models.TextChoices):
        ID_CARD = "id_card", _("Identity card, both sides")
        INCOME_PROOF = "income_proof", _("Proof of income")
        BANK_STATEMENT = "bank_statement", _("Bank statement, six months")
        EMPLOYMENT_PROOF = "employment_proof", _("Proof of employment")
        ADDRESS_PROOF = "address_proof", _("Proof of address")
        PURPOSE_PROOF = "purpose_proof", _("Proof of what the money is for")
        DEBT_STATEMENT = "debt_statement", _("Statement of other debts")
        AUTHORISATION = "authorisation", _("Signed authorisation")
        OTHER = "other", pgettext_lazy("document", "Other paper")

    class Status(models.TextChoices):
        RECEIVED = "received", pgettext_lazy("document", "Not looked at")
        ACCEPTED = "accepted", pgettext_lazy("document", "Checked, good")
        REJECTED = "rejected", pgettext_lazy("document", "Not good")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.RECEIVED: {Status.ACCEPTED, Status.REJECTED},
        Status.ACCEPTED: {Status.REJECTED},
        Status.REJECTED: {Status.ACCEPTED},
    }
    TONES: ClassVar[dict[str, str]] = {"received": "info", "accepted": "good", "rejected": "bad"}

    FILE_LABEL = "customers.document.content"  # what the sealed content is bound to, beside the row's seal_key

    public_id = PublicIdField(prefix="DC")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False, help_text="binds row and content")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="documents", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=8, choices=Status, default=Status.RECEIVED)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64, help_text="of the content as it came")
    storage_key = models.CharField(max_length=80, unique=True)
    file_name = SealedTextField("customers.document.file_name", null=True, blank=True)
    words = SealedTextField("customers.document.words", null=True, blank=True, help_text="why it is not good")
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    checked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="document_status_known", condition=Q(status__in=["received", "accepted", "rejected"])),
            models.CheckConstraint(
                name="document_type_known",
                condition=Q(media_type__in=["application/pdf", "image/jpeg", "image/png", "image/heic"]),
            ),
            models.CheckConstraint(
                name="document_checked_has_who",
                condition=Q(status="received") | Q(checked_by__isnull=False, checked_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="document_of_customer"),  # the panel, newest first
            models.Index(fields=["sha256"], name="document_content"),  # the same paper in another person's file
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def extension(self) -> str:
        return files.EXTENSIONS.get(self.media_type, "bin")

    @property
    def short_name(self) -> str:
        """What a browser saves it as: nothing personal."""
        return f"{self.public_id}.{self.extension}"
