"""What is said on the telephone: scripts by stage, by who is on the line and by language, in versions; and which lines were said when."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.contacts import Contact
from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.models import User


class CallScript(models.Model):
    """One version of what is said; a version that was live is not edited. `lines` holds [{code, text, must}]."""

    POLICY = Policy(
        owner="collections",
        meaning=_("what collectors say on the telephone, by version"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "stage": _("How late the debt is"),
            "party": _("Who is on the line"),
            "lines": _("What is said, line by line, and which of it must be"),
        },
    )

    class Stage(models.TextChoices):
        EARLY = "early", _("1 to 30 days late")
        MIDDLE = "middle", _("31 to 90 days late")
        LATE = "late", _("More than 90 days late")

    class Party(models.TextChoices):
        UNKNOWN = "unknown", _("Before the person is confirmed")
        CONFIRMED = "confirmed", _("The debtor, confirmed")
        OBLIGOR = "obligor", _("Who answers beside the debtor, confirmed")
        THIRD = "third", _("Somebody else")

    class Language(models.TextChoices):
        ZH = "zh-hans", _("Chinese")
        EN = "en", _("English")

    class Status(models.TextChoices):
        LIVE = "live", pgettext_lazy("template", "Live")
        RETIRED = "retired", pgettext_lazy("template", "Retired")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.LIVE: {Status.RETIRED}, Status.RETIRED: set()}

    public_id = PublicIdField(prefix="SP")
    stage = models.CharField(max_length=6, choices=Stage)
    party = models.CharField(max_length=9, choices=Party)
    language = models.CharField(max_length=8, choices=Language)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=Status, default=Status.LIVE)
    lines = models.JSONField()
    since = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="call_script_version_once", fields=["stage", "party", "language", "version"]),
            models.UniqueConstraint(name="call_script_one_live", fields=["stage", "party", "language"], condition=Q(status="live")),
            models.CheckConstraint(name="call_script_stage_known", condition=Q(stage__in=["early", "middle", "late"])),
            models.CheckConstraint(name="call_script_party_known", condition=Q(party__in=["unknown", "confirmed", "obligor", "third"])),
            models.CheckConstraint(name="call_script_language_known", condition=Q(language__in=["zh-hans", "en"])),
            models.CheckConstraint(name="call_script_status_known", condition=Q(status__in=["live", "retired"])),
        ]

    def __str__(self) -> str:
        return f"{self.stage}/{self.party}/{self.language} v{self.version}"

    @property
    def must(self) -> list[str]:
        """Return the codes of the lines that have to be said."""
        return [line["code"] for line in self.lines if line["must"]]


class LineSaidQuerySet(models.QuerySet["LineSaid"]):
    """Which lines were said."""

    def of(self, case: Any, actor: Any, since: Any) -> Self:
        return self.filter(case=case, actor=actor, at__gte=since)


class LineSaid(models.Model):
    """A line of a script that a collector said in a case, and when. Insert-only; `contact` is the talk it belongs to, once that is logged."""

    POLICY = Policy(
        owner="collections",
        meaning=_("lines of the script that were said on the telephone"),
        retention=_("5y after the case closed"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "script": _("Version of the script"),
            "code": _("Which line"),
        },
    )

    PERSON = "case__customer"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="lines_said", db_index=False)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    script = models.ForeignKey(CallScript, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=20)
    at = models.DateTimeField()
    contact = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT, related_name="lines_said")

    objects = LineSaidQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["case", "actor", "-at"], name="line_said_of_case")]  # what was said in this talk

    def __str__(self) -> str:
        return f"{self.case_id} {self.code}"
