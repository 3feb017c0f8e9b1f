"""Whose case is whose by rule: the house's ordered rules in versions, what each night's run did, and by which rule a case stands."""

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.workers import Collector
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import Policy
from governance.models import Job, LegalEntity, Team, User

ZERO = Decimal("0.00")


class OfHouseQuerySet(models.QuerySet[Any]):
    """Rows of the whole lender: rules, plans and sums, nobody's case among them."""

    def visible_to(self, user: Any) -> "OfHouseQuerySet":
        return self.filter(legal_entity=user.team.legal_entity_id) if user.team_id else self


class AssignmentPlan(models.Model):
    """One version of the assignment rules. What was in force is not edited: a change is a new version."""

    POLICY = Policy(
        owner="collections",
        meaning=_("versions of the assignment rules"),
        retention=_("5y after it was replaced"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "number": _("Number of the version"),
            "why": _("What the change is for"),
            "live_at": _("When it came into force"),
            "retired_at": _("When another version replaced it"),
        },
    )

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("In force")
        RETIRED = "retired", pgettext_lazy("assignment", "Replaced")
        DROPPED = "dropped", _("Dropped")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.DRAFT: {Status.LIVE, Status.DROPPED},
        Status.LIVE: {Status.RETIRED},
        Status.RETIRED: set(),
        Status.DROPPED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"draft": "neutral", "live": "good", "retired": "neutral", "dropped": "neutral"}

    public_id = PublicIdField(prefix="AP")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    why = models.CharField(max_length=200)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    live_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    live_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OfHouseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="assignment_plan_number_once", fields=["legal_entity", "number"]),
            models.UniqueConstraint(name="assignment_plan_one_live", fields=["legal_entity"], condition=Q(status="live")),
            models.CheckConstraint(name="assignment_plan_status_known", condition=Q(status__in=["draft", "live", "retired", "dropped"])),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class AssignmentRule(models.Model):
    """One rule of a version: which cases, by what they are, go to whom. What is left empty means any."""

    POLICY = Policy(
        owner="collections",
        meaning=_("rules that give cases to people and teams"),
        retention=_("with the version"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "position": _("Place among the rules; the first that fits and has room decides"),
            "name": _("What the rule is called"),
            "buckets": _("Buckets of the cases"),
            "languages": _("Languages of the customers"),
            "products": _("Codes of the products in the case"),
            "amount_from": _("Overdue from, CNY"),
            "amount_below": _("Overdue below, CNY"),
            "gives_to": _("To people, to a team's queue, or to everybody"),
            "skill": _("What the people are trained for"),
            "same_language": _("Whether the people speak the customer's language"),
        },
    )

    class To(models.TextChoices):
        PEOPLE = "people", _("People, by load")
        TEAM = "team", _("A team's queue")
        POOL = "pool", _("Everybody in the queue")

    plan = models.ForeignKey(AssignmentPlan, on_delete=models.PROTECT, related_name="rules")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    buckets = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    languages = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    products = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    branch = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_from = MoneyField(null=True, blank=True)
    amount_below = MoneyField(null=True, blank=True)
    gives_to = models.CharField(max_length=6, choices=To, default=To.PEOPLE)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    skill = models.CharField(max_length=10, choices=Collector.Skill, blank=True, default="")
    same_language = models.BooleanField(default=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="assignment_rule_place_once", fields=["plan", "position"], deferrable=models.Deferrable.DEFERRED),
            models.CheckConstraint(name="assignment_rule_to_known", condition=Q(gives_to__in=["people", "team", "pool"])),
            models.CheckConstraint(name="assignment_rule_names_its_team", condition=~Q(gives_to="team") | Q(team__isnull=False)),
            models.CheckConstraint(
                name="assignment_rule_amounts_in_order",
                condition=Q(amount_from__isnull=True) | Q(amount_below__isnull=True) | Q(amount_below__gt=F("amount_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AssignmentMark(models.Model):
    """By which rule a case stands with somebody. A case without one was given by hand, or lies in the pool."""

    POLICY = Policy(
        owner="collections",
        meaning=_("by which rule a case stands with somebody"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections",),
        basis="contract",
        columns={"at": _("When the rule gave it")},
    )

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="assignment", primary_key=True)
    rule = models.ForeignKey(AssignmentRule, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.case_id}"


class AssignmentRun(models.Model):
    """One application of the rules to every case in work: the night's, or one a supervisor ordered."""

    POLICY = Policy(
        owner="collections",
        meaning=_("applications of the assignment rules, in figures"),
        retention=_("5y"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "night": _("Business date of the night it ran in; none for one that was ordered"),
            "result": _("How many cases went where, and why others did not"),
            "moved": _("How many cases changed hands"),
        },
    )

    public_id = PublicIdField(prefix="AN")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(AssignmentPlan, on_delete=models.PROTECT, related_name="runs", db_index=False)
    night = models.DateField(null=True, blank=True)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    result = models.JSONField(null=True)
    moved = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OfHouseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="assignment_run_once_a_night", fields=["legal_entity", "night"])]
        indexes = [models.Index(fields=["legal_entity", "-id"], name="assignment_run_of_house")]

    def __str__(self) -> str:
        return self.public_id
