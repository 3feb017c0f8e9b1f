"""What staff do for a customer: calls, visits, tasks and follow-ups, done or still to do."""

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models.person import Customer
from governance.fields import SealedTextField
from governance.models import User
from governance.scope import ScopedQuerySet


class ActivityQuerySet(ScopedQuerySet["Activity"]):
    scope_owner = "customer__owner"
    scope_team = "customer__branch"

    def for_list(self) -> Self:
        """Name the joins of a row in a list of tasks."""
        return self.select_related("customer", "assignee", "created_by")

    def open(self) -> Self:
        return self.filter(status=Activity.Status.OPEN)

    def overdue(self, at: datetime) -> Self:
        return self.open().filter(due_at__lt=at)


class Activity(models.Model):
    """Something to be done, or done, for a customer. The texts are sealed: people write names into them."""

    POLICY = Policy(
        owner="customers",
        meaning=_("calls, visits, tasks and follow-ups"),
        retention=_("5y after the customer's last contract ended"),
        personal={"text": "C2", "result": "C2"},
        level=2,
        kind="C1",
        purposes=("service", "collections"),
        basis="contract",
        columns={
            "text": Column(_("What is to be done, in words"), mask="text"),
            "result": Column(_("What came of it, in words"), mask="text"),
        },
    )

    class Kind(models.TextChoices):
        CALL = "call", _("Call")
        VISIT = "visit", _("Visit")
        TASK = "task", _("Task")
        FOLLOW_UP = "follow_up", _("Follow-up")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("activity", "To do")
        DONE = "done", pgettext_lazy("activity", "Done")
        CANCELLED = "cancelled", pgettext_lazy("activity", "Cancelled")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.DONE, Status.CANCELLED},
        Status.DONE: set(),
        Status.CANCELLED: set(),
    }

    public_id = PublicIdField(prefix="W")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="activities", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    text = SealedTextField("customers.activity.text")
    result = SealedTextField("customers.activity.result", null=True, blank=True)
    due_at = models.DateTimeField(null=True, help_text="by when; empty for what was done when it was written down")
    assignee = models.ForeignKey(User, on_delete=models.PROTECT, related_name="activities", db_index=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="activity_status_known", condition=Q(status__in=["open", "done", "cancelled"])),
            models.CheckConstraint(name="activity_kind_known", condition=Q(kind__in=["call", "visit", "task", "follow_up"])),
            models.CheckConstraint(name="activity_open_has_a_day", condition=~Q(status="open") | Q(due_at__isnull=False)),
            models.CheckConstraint(
                name="activity_closed_says_who",
                condition=Q(status="open", closed_at__isnull=True, closed_by__isnull=True)
                | Q(status__in=["done", "cancelled"], closed_at__isnull=False, closed_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="activity_of_customer"),  # the panel on the customer's page
            # a person's work by its day: the task list, the home page, the overdue figure
            models.Index(fields=["assignee", "due_at", "id"], name="activity_to_do", condition=Q(status="open")),
            models.Index(fields=["assignee", "-closed_at"], name="activity_done"),  # what a person did lately
            models.Index(fields=["due_at"], name="activity_fell_due", condition=Q(status="open")),  # the beat's question
        ]

    def __str__(self) -> str:
        return self.public_id

    def is_overdue(self, at: datetime) -> bool:
        return self.status == self.Status.OPEN and self.due_at is not None and self.due_at < at
