"""What happened: insert-only entries, and the outbox rows that carry them to subscribers."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Column, Policy


class Entry(models.Model):
    """One thing that a door did. Knows nobody's models: subject and customer are ids without foreign keys."""

    POLICY = Policy(
        owner="ledger",
        meaning=_("what happened, by whom, when, to what"),
        retention=_("10y"),
        personal={"customer_id": "C1"},
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "event": _("Name of what happened"),
            "subject_type": _("Kind of record it happened to"),
            "subject_id": _("Which record it happened to"),
            "customer_id": Column(_("Whom it is about, as a number without meaning"), mask="none"),
            "actor_id": _("Who did it, as a number without meaning"),
            "request_id": _("Which request or task it happened in"),
            "facts": _("What is worth keeping of it: codes, amounts and dates, never a personal value"),
            "position": _("Place in the ledger's one row"),
        },
    )

    event = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    customer_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    request_id = models.CharField(max_length=64, blank=True, db_default="")
    facts = models.JSONField(default=dict)
    # Set once by the sealer, which looks only below pg_snapshot_xmin: ids alone do not tell commit order.
    position = models.BigIntegerField(null=True, unique=True)

    class Meta:
        default_permissions = ()
        indexes = [
            # the timeline of a customer, newest first; and the history of one record
            models.Index(fields=["customer_id", "-at", "-id"], name="entry_customer", condition=Q(customer_id__isnull=False)),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="entry_subject"),
            models.Index(fields=["event", "-id"], name="entry_event"),
            # what the sealer has still to seal
            models.Index(fields=["id"], name="entry_unsealed", condition=Q(position__isnull=True)),
        ]

    @property
    def told(self) -> list[tuple[str, Any]]:
        """The facts by name, for templates: there `facts.items` would be a fact of that name."""
        return list(self.facts.items())

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"


class Delivery(models.Model):
    """One entry on its way to one subscriber; runs after commit, at least once."""

    POLICY = Policy(
        owner="ledger",
        meaning=_("outbox of entries to subscribers"),
        retention=_("90d after done"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "handler": _("Which subscriber it goes to"),
            "error": _("What went wrong the last time, scrubbed of personal values"),
        },
    )

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        PARKED = "parked"

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    handler = models.CharField(max_length=160)
    status = models.CharField(max_length=8, choices=Status, db_default=Status.PENDING, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(db_default=0, default=0)
    due_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, db_default="", default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="delivery_once_per_handler", fields=["entry", "handler"]),
            models.CheckConstraint(name="delivery_status_known", condition=Q(status__in=["pending", "running", "done", "parked"])),
        ]
        indexes = [
            # the sweeper's only question: what is due and not finished
            models.Index(fields=["due_at"], name="delivery_open", condition=Q(status__in=["pending", "running"])),
            models.Index(fields=["id"], name="delivery_parked", condition=Q(status="parked")),
        ]

    def __str__(self) -> str:
        return f"{self.handler} of entry {self.entry_id}"
