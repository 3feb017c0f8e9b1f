"""Tracing of debtors nobody reaches any more: the request with purpose and ground, each look at a source, and what was found."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.limitation import OfCaseQuerySet
from crm.lib.fields import PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import ContactAttempt
from governance.fields import FingerprintField, SealedTextField
from governance.models import User


class TraceQuerySet(OfCaseQuerySet):
    def for_list(self) -> Self:
        return super().for_list().select_related("requested_by")

    def open(self) -> Self:
        return self.filter(status="open")


class TraceRequest(models.Model):
    """Who asked to look for a lost debtor, what for, and on which ground."""

    POLICY = Policy(
        owner="collections",
        meaning=_("requests to trace debtors nobody reaches any more"),
        retention=_("5y after the case closed"),
        personal={"reason": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "purpose": _("What the debtor is looked for"),
            "basis": _("Ground of law it was asked on"),
            "shown": _("What showed that the debtor is lost, as a code"),
            "reason": Column(_("Why, in words"), mask="text"),
            "requested_on": _("Business date it was asked for"),
        },
    )
    PERSON = "case__customer"

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("trace", "Looking")
        FOUND = "found", pgettext_lazy("trace", "Found")
        NOTHING = "nothing", pgettext_lazy("trace", "Nothing found")
        STOPPED = "stopped", pgettext_lazy("trace", "Stopped")

    class Purpose(models.TextChoices):
        COLLECT = "collect", pgettext_lazy("trace", "To reach the debtor about the debt")
        SERVE = "serve", pgettext_lazy("trace", "To have papers of a court served")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.FOUND, Status.NOTHING, Status.STOPPED},
        Status.FOUND: set(),
        Status.NOTHING: set(),
        Status.STOPPED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "info", "found": "good", "nothing": "neutral", "stopped": "neutral"}

    public_id = PublicIdField(prefix="ST")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="traces", db_index=False)
    status = models.CharField(max_length=7, choices=Status, default=Status.OPEN)
    purpose = models.CharField(max_length=7, choices=Purpose)
    basis = models.CharField(max_length=12)
    shown = models.CharField(max_length=12)
    reason = SealedTextField("collections.tracerequest.reason")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_at = models.DateTimeField()
    requested_on = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = TraceQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="trace_one_open_per_case", fields=["case"], condition=Q(status="open")),
            models.CheckConstraint(name="trace_status_known", condition=Q(status__in=["open", "found", "nothing", "stopped"])),
            models.CheckConstraint(name="trace_purpose_known", condition=Q(purpose__in=["collect", "serve"])),
            models.CheckConstraint(
                name="trace_end_is_whole",
                condition=Q(status="open", ended_at__isnull=True) | (~Q(status="open") & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="trace_of_case"),
            models.Index(fields=["requested_by", "requested_on"], name="trace_of_person"),  # the limit of a day
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.status == "open"


class TraceLook(models.Model):
    """One look at a source: who looked, when, and what kinds of details were seen, without any of them. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("looks at sources when a debtor is traced"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        columns={"source": _("Which source was looked at"), "seen": _("How many details of each kind were seen")},
    )

    request = models.ForeignKey(TraceRequest, on_delete=models.PROTECT, related_name="looks", db_index=False)
    source = models.CharField(max_length=16)
    seen = models.JSONField(default=dict)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["request", "-id"], name="trace_look_of_request")]

    def __str__(self) -> str:
        return f"{self.request_id} {self.source}"


class TraceFind(models.Model):
    """A way to the debtor that was found: nothing is known of it until it was tried through the contact policy."""

    POLICY = Policy(
        owner="collections",
        meaning=_("ways to lost debtors that were found, and whether they proved right"),
        retention=_("with the case"),
        personal={"value": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "source": _("Which source told it"),
            "value": Column(_("Number or address that was found"), mask="text", search="exact"),
        },
    )
    PERSON = "request__case__customer"

    class Kind(models.TextChoices):
        MOBILE = "mobile", _("Mobile")
        ADDRESS = "address", _("Address")

    class Status(models.TextChoices):
        UNVERIFIED = "unverified", pgettext_lazy("trace", "Not verified")
        CONFIRMED = "confirmed", pgettext_lazy("trace", "Confirmed")
        BARRED = "barred", pgettext_lazy("trace", "Somebody else's: barred")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.UNVERIFIED: {Status.CONFIRMED, Status.BARRED},
        Status.CONFIRMED: {Status.BARRED},
        Status.BARRED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"unverified": "caution", "confirmed": "good", "barred": "bad"}

    public_id = PublicIdField(prefix="SD")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    request = models.ForeignKey(TraceRequest, on_delete=models.PROTECT, related_name="finds", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.UNVERIFIED)
    source = models.CharField(max_length=16)
    value = SealedTextField("collections.tracefind.value")
    # the customer's own label, so that a barred number is known again whoever found it
    value_key = FingerprintField(source="value", label="customers.customer.mobile")
    found_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    found_at = models.DateTimeField()
    attempt = models.ForeignKey(ContactAttempt, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    tried_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    tried_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="trace_find_once", fields=["request", "value_key"]),
            models.CheckConstraint(name="trace_find_kind_known", condition=Q(kind__in=["mobile", "address"])),
            models.CheckConstraint(name="trace_find_status_known", condition=Q(status__in=["unverified", "confirmed", "barred"])),
            # what was never tried is never confirmed
            models.CheckConstraint(
                name="trace_find_confirmed_was_tried",
                condition=~Q(status="confirmed") | Q(tried_at__isnull=False, decided_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def masked(self) -> str:
        """The value as lists show it."""
        from governance import masking

        return masking.mask_mobile(self.value) if self.kind == self.Kind.MOBILE else masking.mask_text(self.value)
