"""Promises to pay: what a customer said they will pay by when, and what became of it."""

from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case, Channel
from collection.models.contacts import Contact
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet

ZERO = Decimal("0.00")
RUNNING = ("open", "partial")


class PromiseQuerySet(ScopedQuerySet["Promise"]):
    """Scope: that of the case; with scope *own* the promises one took, and those of the cases one works."""

    scope_owner = "taken_by"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN:
            return self.filter(Q(taken_by=user.pk) | Q(case__in=Case.objects.reached_by(user)))
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("case", "case__customer", "taken_by")

    def running(self) -> Self:
        return self.filter(status__in=RUNNING)


class Promise(models.Model):
    """An amount in one or several parts, each by a day. Parts never change: another word is another promise.

    Grace and tolerance are copied from policy when it is taken, so that it is judged by what held then. Payments count whose
    transaction comes after `counts_after`, the last one known when it was taken: each counts for one promise at most.
    """

    POLICY = Policy(
        owner="collections",
        meaning=_("what debtors promised to pay, and whether they did"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "paid_amount": _("Paid on it so far, CNY"),
            "first_due_on": _("Day of the first part"),
            "last_due_on": _("Day of the last part"),
            "tolerance": _("Share that may be missing and the promise still is kept"),
            "counts_after": _("Payments after this one count"),
            "taken_on": _("Business date it was made"),
            "ended_on": _("Business date it ended"),
            "cancel_reason": _("Why it was cancelled"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("promise", "Open")
        PARTIAL = "partial", pgettext_lazy("promise", "Part-paid")
        KEPT = "kept", pgettext_lazy("promise", "Kept")
        BROKEN = "broken", pgettext_lazy("promise", "Broken")
        REPLACED = "replaced", pgettext_lazy("promise", "Replaced")
        CANCELLED = "cancelled", pgettext_lazy("promise", "Cancelled")

    # A kept promise moves again only when the payment that kept it is reversed.
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.PARTIAL, Status.KEPT, Status.BROKEN, Status.REPLACED, Status.CANCELLED},
        Status.PARTIAL: {Status.OPEN, Status.KEPT, Status.BROKEN, Status.REPLACED, Status.CANCELLED},
        Status.KEPT: {Status.OPEN, Status.PARTIAL, Status.BROKEN},
        Status.BROKEN: set(),
        Status.REPLACED: set(),
        Status.CANCELLED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {Status.REPLACED: "neutral"}

    class CancelReason(models.TextChoices):
        NOTHING_OWED = "nothing_owed", _("Nothing is overdue any more")
        MISTAKE = "mistake", _("Entered by mistake")
        WITHDRAWN = "withdrawn", _("The customer took it back")
        CONTESTED = "contested", _("What it would pay is contested")
        SETTLEMENT = "settlement", _("A settlement took its place")

    # Only a person can say these; the others follow from what happened.
    SAID: ClassVar[tuple[str, ...]] = (CancelReason.MISTAKE, CancelReason.WITHDRAWN)

    public_id = PublicIdField(prefix="Y")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="promises", db_index=False)
    contact = models.OneToOneField(Contact, null=True, blank=True, on_delete=models.PROTECT, related_name="promise")
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    amount = MoneyField()
    paid_amount = MoneyField(default=ZERO, help_text="counted at the last judgement")
    first_due_on = models.DateField()
    last_due_on = models.DateField()
    grace_days = models.PositiveSmallIntegerField()
    tolerance = models.DecimalField(max_digits=14, decimal_places=2, help_text="CNY that may lack")
    counts_after = models.BigIntegerField(help_text="last transaction known when it was taken")

    channel = models.CharField(max_length=8, choices=Channel)
    taken_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    taken_at = models.DateTimeField()
    taken_on = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True, help_text="business date it was kept, broken, replaced or cancelled on")
    cancel_reason = models.CharField(max_length=12, choices=CancelReason, blank=True, default="")
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    version = models.PositiveIntegerField(default=1)

    objects = PromiseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="promise_one_running_per_case", fields=["case"], condition=Q(status__in=RUNNING)),
            models.CheckConstraint(
                name="promise_status_known",
                condition=Q(status__in=["open", "partial", "kept", "broken", "replaced", "cancelled"]),
            ),
            models.CheckConstraint(
                name="promise_of_something",
                condition=Q(amount__gt=F("tolerance"), tolerance__gte=0, paid_amount__gte=0, last_due_on__gte=F("first_due_on")),
            ),
            models.CheckConstraint(
                name="promise_ended_says_when",
                condition=Q(status__in=RUNNING, ended_at__isnull=True, ended_on__isnull=True)
                | (~Q(status__in=RUNNING) & Q(ended_at__isnull=False, ended_on__isnull=False)),
            ),
            models.CheckConstraint(
                name="promise_cancelled_says_why",
                condition=(~Q(status="cancelled") & Q(cancel_reason=""))
                | Q(status="cancelled", cancel_reason__in=["nothing_owed", "mistake", "withdrawn", "contested", "settlement"]),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="promise_of_case"),  # the case's page, newest first
            models.Index(fields=["last_due_on"], name="promise_running_due", condition=Q(status__in=RUNNING)),  # due today
            models.Index(fields=["ended_on"], name="promise_ended", condition=Q(ended_on__isnull=False)),  # kept rate of a period
            models.Index(fields=["taken_by", "-id"], name="promise_of_taker"),  # a collector's own promises
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def lacking(self) -> Decimal:
        """What of the promised amount has not been paid."""
        return max(self.amount - self.paid_amount, ZERO)


class PromisePart(models.Model):
    """One part of a promise: an amount by a day. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("parts of a promise to pay"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="contract",
        lies_open=SUMMED,
    )

    promise = models.ForeignKey(Promise, on_delete=models.PROTECT, related_name="parts", db_index=False)
    seq = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    amount = MoneyField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="promise_part_once", fields=["promise", "seq"]),
            models.CheckConstraint(name="promise_part_of_something", condition=Q(amount__gt=0)),
        ]
        indexes = [models.Index(fields=["due_on"], name="promise_part_due")]  # the calendar

    def __str__(self) -> str:
        return f"{self.promise_id}/{self.seq}"
