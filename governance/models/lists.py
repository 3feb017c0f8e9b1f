"""What people keep of lists: views, exports, work on many rows."""

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models.identity import Team, User
from governance.models.records import Job


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: Any) -> "SavedViewQuerySet":
        """Narrow to a person's own views and those shared with a team they sit in or below."""
        above = [int(part) for part in user.team.path.split("/") if part] if user.team_id else []
        return self.filter(Q(owner=user.pk) | Q(team__in=above))


class SavedView(models.Model):
    """What somebody asks of a list, under a name: conditions, columns, sort; private, or shared with a team and those below it."""

    POLICY = Policy(
        owner="governance",
        meaning=_("views of lists people saved"),
        retention=_("with the account of who saved them"),
        personal={"name": "C1"},
        level=2,
        kind="C1",
        purposes=("operation",),
        basis="employment",
        columns={
            "name": Column(_("Name of the view"), mask="none"),
            "pinned": _("Whether it is a tab above the list"),
            "is_default": _("Whether the list opens with it"),
        },
    )

    public_id = PublicIdField(prefix="V")
    list = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="with whom it is shared")
    query = models.CharField(max_length=2000, blank=True, help_text="as in the address; holds nothing personal")
    pinned = models.BooleanField(default=False, help_text="a tab above the list")
    is_default = models.BooleanField(default=False, help_text="what the list opens with")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="view_name_once", fields=["owner", "list", "name"]),
            models.UniqueConstraint(name="view_one_own_default", fields=["owner", "list"], condition=Q(is_default=True, team__isnull=True)),
            models.UniqueConstraint(
                name="view_one_team_default", fields=["team", "list"], condition=Q(is_default=True, team__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BulkRun(models.Model):
    """One action on many rows, fixed when it was started; a worker goes through them one by one."""

    POLICY = Policy(
        owner="governance",
        meaning=_("work on many rows of a list"),
        retention=_("1y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "action": _("Which action it does"),
            "ids": _("Keys of the rows, in the order of the work"),
            "values": _("What the form asked for: ids, codes and dates, never a personal value"),
            "next": _("How many rows are behind us"),
        },
    )

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="bulk_run")
    list = models.CharField(max_length=40)
    action = models.CharField(max_length=40)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ids = ArrayField(models.BigIntegerField(), help_text="keys of the rows, in the order of the work")
    values = models.JSONField(default=dict, help_text="what the form asked for: ids, codes and dates, never a personal value")
    next = models.PositiveIntegerField(default=0, help_text="how many of `ids` are behind us")
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["id"], name="bulk_open", condition=Q(finished_at__isnull=True))]  # the sweeper

    def __str__(self) -> str:
        return f"{self.list} {self.action}"


class Export(models.Model):
    """Rows of a list, or a paper, that left as a file: who asked, what for, how many; the content goes when its time is over.

    A paper has no job and no content: it is set when it is taken, from what its own record keeps.
    """

    POLICY = Policy(
        owner="governance",
        meaning=_("lists and papers that left as a file"),
        retention=_("5y, the content a day"),
        personal={"reason": "C2"},
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "purpose": _("What it was exported for"),
            "use": _("Purpose for which its personal columns were read; empty: it holds none"),
            "reason": Column(_("Why, in the words of who exported"), mask="text"),
            "subject": _("Serial of a paper; empty: a list"),
            "columns": _("Which columns it holds"),
            "rows": _("How many rows it holds"),
            "content": _("The file, compressed and masked, kept for a day"),
            "downloads": _("How often it was fetched"),
        },
    )

    class Purpose(models.TextChoices):
        WORK = "work", _("Working through the rows")
        REPORT = "report", _("Report or statistics")
        CONTROL = "control", _("Audit or control")
        AUTHORITY = "authority", _("Request of an authority")
        CUSTOMER = "customer", _("Request of the customer")
        BOOKS = "books", _("Bookkeeping")

    # What rows of a list are exported for; the others are a paper's.
    OF_A_LIST = (Purpose.WORK, Purpose.REPORT, Purpose.CONTROL, Purpose.AUTHORITY)

    public_id = PublicIdField(prefix="X")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    job = models.OneToOneField(Job, null=True, blank=True, on_delete=models.PROTECT, related_name="export")
    list = models.CharField(max_length=40)
    subject = models.CharField(max_length=40, blank=True, default="", db_default="")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=10, choices=Purpose)
    use = models.CharField(max_length=20, blank=True, default="", db_default="")
    reason = SealedTextField("governance.export.reason")
    query = models.CharField(max_length=2000, blank=True)
    columns = ArrayField(models.CharField(max_length=40))
    language = models.CharField(max_length=10, blank=True, default="")
    rows = models.PositiveIntegerField(null=True)
    content = models.BinaryField(null=True, help_text="compressed; masked values only")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    downloads = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="export_purpose_known", condition=Q(purpose__in=["work", "report", "control", "authority", "customer", "books"])
            ),
            models.CheckConstraint(name="export_list_has_job", condition=Q(job__isnull=False) | ~Q(subject="")),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="export_to_empty", condition=Q(content__isnull=False)),  # the sweep
            models.Index(fields=["id"], name="export_open", condition=Q(rows__isnull=True)),  # what a dead worker left
        ]

    @property
    def work(self) -> Job:
        """The job that writes the file; only a list's file has one."""
        assert self.job is not None
        return self.job

    def __str__(self) -> str:
        return self.public_id
