"""Agencies that collect for the house, the cases placed with them, and what they earn. Fees are insert-only and never rounded twice."""

import uuid
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Prefetch, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.permissions import VIEW_AGENCY
from credit.models import Transaction
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from customers.models import Relation
from governance.models import Export, Job, LegalEntity, User
from governance.models.identity import chinese
from governance.scope import ScopedQuerySet

ZERO = Decimal("0.00")


class AgencyQuerySet(models.QuerySet["Agency"]):
    def visible_to(self, user: Any) -> Self:
        """Agencies are the house's; of their cases each person sees those of their branch."""
        return self.of_entity(user) if user.is_active else self.none()

    def of_entity(self, user: Any) -> Self:
        return self.filter(legal_entity=user.team.legal_entity_id) if user.team_id else self


class Agency(models.Model):
    """A company that collects for the house: how many cases it may have and what it earns by days past due."""

    POLICY = Policy(
        owner="collections",
        meaning=_("companies that collect for the house"),
        retention=_("5y after the last case"),
        level=2,
        purposes=("collections",),
        basis="not_personal",
        columns={
            "capacity": _("How many cases it may have at once"),
            "fees": _("Its share of what comes in, by days past due at placement"),
            "watermark": _("Random key its files are marked with"),
        },
    )

    class Status(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("agency", "Active")
        SUSPENDED = "suspended", pgettext_lazy("agency", "Suspended")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.ACTIVE: {Status.SUSPENDED}, Status.SUSPENDED: {Status.ACTIVE}}
    TONES: ClassVar[dict[str, str]] = {"active": "good", "suspended": "bad"}

    public_id = PublicIdField(prefix="AG")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=20, unique=True)
    name_en = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    capacity = models.PositiveIntegerField()
    fees = models.JSONField()
    watermark = models.UUIDField(default=uuid.uuid4, editable=False)
    members = models.ManyToManyField(User, related_name="agencies", blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = AgencyQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="agency_status_known", condition=Q(status__in=["active", "suspended"]))]

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en


class PlacementQuerySet(ScopedQuerySet["Placement"]):
    """Scope: staff by the case's branch; people and clients of an agency see its running placements and nothing else."""

    scope_owner = "placed_by"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        """Who has the house's right sees by branch; anybody else is an agency's, and sees its running placements and nothing else."""
        if user.has_perm(VIEW_AGENCY):
            return super().reached_by(user)
        return self.running().filter(agency__members=user.pk, agency__status="active") if user.is_active else self.none()

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        return self.select_related("agency", "case", "case__customer", "placed_by")

    def with_agency(self) -> Self:
        """Join what an agency is shown: the debts, and who answers for them and agreed to be turned to (`obligors` of the customer)."""
        beside = Relation.objects.contactable().select_related("other__legal_entity").order_by("pk")
        return self.select_related("agency", "case__customer__legal_entity").prefetch_related(
            "case__debts__loan", Prefetch("case__customer__relations", queryset=beside, to_attr="obligors")
        )

    def running(self) -> Self:
        return self.filter(status="placed")


class Placement(models.Model):
    """One case with one agency: all debts of a customer go to one."""

    POLICY = Policy(
        owner="collections",
        meaning=_("cases given to agencies"),
        retention=_("5y after the case closed"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "balance": _("Overdue when it was placed, CNY"),
            "rate": _("Share of what comes in that is the agency's"),
            "collected": _("Come in since it was placed, CNY"),
            "fee": _("Fees earned so far, CNY"),
            "counts_after": _("Payments after this one count"),
            "counts_until": _("Payments after this one count no more"),
            "placed_on": _("Business date it was placed"),
            "back_on": _("Day it comes back by itself"),
            "ended_on": _("Business date it ended"),
            "reason": _("Why it was taken back"),
        },
    )

    class Status(models.TextChoices):
        PLACED = "placed", pgettext_lazy("placement", "With the agency")
        RECALLED = "recalled", pgettext_lazy("placement", "Taken back")
        ENDED = "ended", pgettext_lazy("placement", "Case closed")

    class Reason(models.TextChoices):
        EXPIRED = "expired", _("Its time was over")
        DISPUTE = "dispute", _("Dispute")
        COMPLAINT = "complaint", _("Complaint")
        HARDSHIP = "hardship", _("Hardship")
        VULNERABLE = "vulnerable", _("Vulnerable customer")
        DECEASED = "deceased", _("Deceased")
        SUSPENDED = "suspended", _("The agency is suspended")
        RETURNED = "returned", _("Given back by the agency")
        DECISION = "decision", _("Decision of a supervisor")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.PLACED: {Status.RECALLED, Status.ENDED}, Status.RECALLED: set(), Status.ENDED: set()}
    TONES: ClassVar[dict[str, str]] = {"placed": "info", "recalled": "neutral", "ended": "good"}

    public_id = PublicIdField(prefix="PL")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="placements", db_index=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="placements", db_index=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.PLACED)
    reason = models.CharField(max_length=10, choices=Reason, blank=True, default="")
    dpd = models.PositiveIntegerField()
    balance = MoneyField()
    rate = models.DecimalField(max_digits=6, decimal_places=4)
    collected = MoneyField(default=ZERO)
    fee = MoneyField(default=ZERO)
    counts_after = models.BigIntegerField()
    counts_until = models.BigIntegerField(null=True, blank=True)
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    placed_on = models.DateField()
    back_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = PlacementQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="placement_one_per_case", fields=["case"], condition=Q(status="placed")),
            models.CheckConstraint(name="placement_status_known", condition=Q(status__in=["placed", "recalled", "ended"])),
            models.CheckConstraint(name="placement_rate_a_share", condition=Q(rate__gte=0, rate__lt=1)),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="placement_of_case"),
            models.Index(fields=["agency", "status"], name="placement_of_agency"),
            models.Index(fields=["back_on"], name="placement_comes_back", condition=Q(status="placed")),
        ]

    def __str__(self) -> str:
        return self.public_id


class PlacementOrder(models.Model):
    """Many cases to be placed at once, chosen by what is asked of them; a worker does it."""

    POLICY = Policy(
        owner="collections",
        meaning=_("orders to place many cases"),
        retention=_("5y"),
        level=2,
        purposes=("collections",),
        basis="not_personal",
        columns={"asks": _("What was asked of the cases"), "result": _("How many went to whom, and why the others stayed")},
    )

    public_id = PublicIdField(prefix="PB")
    agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    asks = models.JSONField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    result = models.JSONField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.public_id


class PlacementFee(models.Model):
    """What an agency earned by one movement of money; a reversal takes it back. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("fees of agencies by movement of money"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="contract",
        lies_open=SUMMED,
        columns={"collected": _("What came in, CNY"), "on": _("Day from which it counts")},
    )

    placement = models.ForeignKey(Placement, on_delete=models.PROTECT, related_name="fees", db_index=False)
    movement = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    collected = MoneyField()
    fee = MoneyField()
    on = models.DateField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="placement_fee_once", fields=["placement", "movement"])]

    def __str__(self) -> str:
        return f"{self.placement_id}/{self.movement_id}"


class AgencyFile(models.Model):
    """A file of cases that was made for an agency; its marks are worked out from the two secrets, and not kept."""

    POLICY = Policy(
        owner="collections",
        meaning=_("files made for agencies"),
        retention=_("5y"),
        level=2,
        purposes=("collections", "compliance"),
        basis="contract",
        columns={"secret": _("Random key the file is marked with"), "placements": _("Which placements stand in it, by key")},
    )

    public_id = PublicIdField(prefix="AF")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="files")
    export = models.OneToOneField(Export, on_delete=models.PROTECT, related_name="+")
    placements = models.JSONField()
    secret = models.UUIDField(default=uuid.uuid4, editable=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.public_id
