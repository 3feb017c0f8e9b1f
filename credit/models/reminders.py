"""Which instalment the customer was reminded of, when it was planned, and the units of work of the planning."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credit.models.loans import Installment
from crm.lib.policy import Policy
from customers.models import Message
from governance.models import LegalEntity


class ReminderRun(models.Model):
    """Planning the reminders of one business date of one legal entity."""

    POLICY = Policy(
        owner="credit",
        meaning=_("plannings of reminders"),
        retention=_("10y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "shards": _("How many parts the work has"),
        },
    )

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RUNNING: {Status.DONE}, Status.DONE: set()}

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    shards = models.PositiveSmallIntegerField(help_text="into how many partitions the customers are cut")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="reminder_run_once_per_date", fields=["legal_entity", "business_date"]),
            models.CheckConstraint(name="reminder_run_status_known", condition=Q(status__in=["running", "done"])),
        ]
        indexes = [
            # what the sweeper looks for
            models.Index(fields=["id"], name="reminder_run_unfinished", condition=Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"{self.business_date}"


class ReminderPartition(models.Model):
    """The customers whose id leaves `number` when divided by the run's `shards`: planned in one transaction by one worker.

    By customer and not by loan, so that two loans due on one day become one message.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("units of work of a planning"),
        retention=_("90d"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "number": _("Which part it is"),
            "messages": _("How many messages were made"),
            "reminders": _("How many reminders were made"),
        },
    )

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")

    run = models.ForeignKey(ReminderRun, on_delete=models.CASCADE, related_name="partitions")
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    messages = models.PositiveIntegerField(default=0)
    reminders = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="reminder_partition_once", fields=["run", "number"]),
            models.CheckConstraint(name="reminder_partition_status_known", condition=Q(status__in=["pending", "done"])),
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class Reminder(models.Model):
    """One instalment in one message, once for ever per kind (T-3, T0 …; ST when the statement of a line was made) and channel."""

    POLICY = Policy(
        owner="credit",
        meaning=_("reminders of instalments"),
        retention=_("with the loan"),
        level=2,
        kind="C1",
        purposes=("servicing",),
        basis="contract",
    )

    # Written by one statement for a whole portfolio: what is looked up by, is covered by the two indexes below. No constraint in the
    # database either: its check would lock, and so rewrite, the row of every instalment that is planned for. Instalments stay for ever.
    installment = models.ForeignKey(Installment, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=6, help_text="days from the due date, such as T-3")
    channel = models.CharField(max_length=8)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="+")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="reminder_once_for_ever", fields=["installment", "kind", "channel"]),
        ]

    def __str__(self) -> str:
        return f"{self.installment_id} {self.kind}"
