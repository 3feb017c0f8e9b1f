"""The paper of an offer, and the links by which a customer accepts it or answers a counter-offer."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.applications import Offer
from credit.models.underwriting import CounterOffer
from crm.lib.policy import Policy
from governance.models import User


class Contract(models.Model):
    """The PDF of an offer under one cost table. The file lies sealed in the storage, its SHA-256 in the ledger."""

    POLICY = Policy(
        owner="credit",
        meaning=_("contract papers"),
        retention=_("5y after the loan"),
        level=2,
        kind="C1",
        purposes=("servicing", "compliance"),
        basis="contract",
        columns={
            "template": _("Which wording it was made from"),
        },
    )

    ERASED_WITH = "offer__application__customer"
    FILE_LABEL = "credit.contract.paper"  # what the sealed paper is bound to, beside the row's seal_key

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="contracts", db_index=False)
    cost_hash = models.CharField(max_length=64)
    template = models.CharField(max_length=20, help_text="version of the form it was set with")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="bytes")
    storage_key = models.CharField(max_length=200, unique=True)  # the sweeper of files asks for a thousand of them at once
    seal_key = models.UUIDField(editable=False)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="contract_once_per_table", fields=["offer", "cost_hash", "template"])]

    def __str__(self) -> str:
        return self.sha256[:12]


class Link(models.Model):
    """An address that opens one thing to its customer without sign-in. Only the hash of its token is kept."""

    class Status(models.TextChoices):
        LIVE = "live", pgettext_lazy("link", "Live")
        USED = "used", pgettext_lazy("link", "Used")
        REVOKED = "revoked", pgettext_lazy("link", "Replaced")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.LIVE: {Status.USED, Status.REVOKED}, Status.USED: set(), Status.REVOKED: set()}
    TONES: ClassVar[dict[str, str]] = {"live": "info", "used": "good", "revoked": "neutral"}

    token_hash = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=7, choices=Status, default=Status.LIVE)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return f"link {self.pk}"


class OfferLink(Link):
    """An address that opens one offer to its customer without sign-in."""

    POLICY = Policy(
        owner="credit",
        meaning=_("links by which customers accept offers"),
        retention=_("1y after their end"),
        level=2,
        kind="C1",
        purposes=("servicing",),
        basis="contract",
        columns={
            "shown_hash": _("Hash of the costs shown through the link"),
        },
    )

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="links", db_index=False)
    shown_at = models.DateTimeField(null=True, blank=True, help_text="when the table that stands was first on the customer's screen")
    shown_hash = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="offer_link_one_live", fields=["offer"], condition=Q(status="live")),
            models.CheckConstraint(name="offer_link_status_known", condition=Q(status__in=["live", "used", "revoked"])),
        ]
        indexes = [
            # the offer's page shows the last one
            models.Index(fields=["offer", "-id"], name="offer_link_of_offer"),
        ]


class CounterLink(Link):
    """An address that opens one counter-offer to its applicant without sign-in."""

    POLICY = Policy(
        owner="credit",
        meaning=_("links by which applicants answer counter-offers"),
        retention=_("1y after their end"),
        level=2,
        kind="C1",
        purposes=("underwriting",),
        basis="contract",
    )

    counter = models.ForeignKey(CounterOffer, on_delete=models.PROTECT, related_name="links", db_index=False)
    shown_at = models.DateTimeField(null=True, blank=True, help_text="when it was first on the applicant's screen")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="counter_link_one_live", fields=["counter"], condition=Q(status="live")),
            models.CheckConstraint(name="counter_link_status_known", condition=Q(status__in=["live", "used", "revoked"])),
        ]
        indexes = [
            # the counter-offer's card shows the last one
            models.Index(fields=["counter", "-id"], name="counter_link_of_counter"),
        ]
