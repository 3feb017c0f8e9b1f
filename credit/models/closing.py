"""The close of day as rows: a run per business date, its partitions, and the loans it had to leave aside."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credit.models.loans import Loan
from crm.lib.policy import Policy
from governance.models import LegalEntity


class CloseRun(models.Model):
    """Closing one business date of one legal entity."""

    POLICY = Policy(
        owner="credit",
        meaning=_("closes of business dates"),
        retention=_("10y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
    )

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RUNNING: {Status.DONE}, Status.DONE: set()}

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="close_run_once_per_date", fields=["legal_entity", "business_date"]),
            models.CheckConstraint(name="close_run_status_known", condition=Q(status__in=["running", "done"])),
        ]
        indexes = [
            # what the sweeper looks for
            models.Index(fields=["id"], name="close_run_unfinished", condition=Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"{self.business_date}"


class ClosePartition(models.Model):
    """A range of loan ids closed in one transaction by one worker."""

    POLICY = Policy(
        owner="credit",
        meaning=_("units of work of a close"),
        retention=_("90d"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "first_id": _("First key of the part"),
            "last_id": _("Last key of the part"),
            "loans": _("How many loans it closed"),
            "moved": _("How many loans changed bucket"),
            "parked": _("How many loans could not be closed"),
            "error": _("Why the last try failed, its first line"),
        },
    )

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")

    run = models.ForeignKey(CloseRun, on_delete=models.CASCADE, related_name="partitions")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    loans = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    parked = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(null=True)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="", db_default="")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="close_partition_once", fields=["run", "first_id"]),
            models.CheckConstraint(name="close_partition_range", condition=Q(last_id__gte=F("first_id"))),
            models.CheckConstraint(name="close_partition_status_known", condition=Q(status__in=["pending", "done"])),
        ]

    def __str__(self) -> str:
        return f"{self.first_id}–{self.last_id}"


class ParkedLoan(models.Model):
    """A loan whose day could not be closed: why, and since when. The next close that succeeds on it clears it."""

    POLICY = Policy(
        owner="credit",
        meaning=_("loans that failed to close"),
        retention=_("1y after clearing"),
        level=2,
        purposes=("servicing",),
        basis="contract",
        columns={
            "error": _("What went wrong, scrubbed of personal values"),
        },
    )

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    error = models.TextField()
    parked_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="parked_loan_once_open", fields=["loan"], condition=Q(cleared_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.business_date}"
