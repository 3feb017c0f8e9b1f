"""The clock of limitation of each debt, and what bears on it that stands nowhere else."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from credit.models import Loan
from crm.lib.fields import PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from governance.fields import SealedTextField
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet

CLOCK_STATES = ["running", "suspended", "in_court", "judged", "lapsed"]
MARK_KINDS = ["demand", "acknowledged", "suspended", "resumed"]


class OfCaseQuerySet(ScopedQuerySet[Any]):
    """Rows of a case: whoever reaches the case reaches them."""

    scope_owner = "case__owner"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN or (user.role and user.role.own_cases):
            return self.filter(case__in=Case.objects.reached_by(user))
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("case", "case__customer", "case__legal_entity")


class LimitationClock(models.Model):
    """When the claim of one loan lapses, as the books and the record told it last. A copy: `collection.limitation_book` reckons it anew."""

    POLICY = Policy(
        owner="collections",
        meaning=_("clocks of limitation of overdue loans"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "starts_on": _("Day from which the period could first run"),
            "runs_from": _("Day from which it runs now: the last act that began it anew"),
            "expires_on": _("Last day of the period; none while it stands still"),
            "state": _("Whether it runs, stands still or is over"),
            "last_kind": _("What began the period anew last"),
            "last_ref": _("Where that stands on record"),
            "whole_due_on": _("Day on which the last instalment falls due"),
        },
    )

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("limitation", "Running")
        SUSPENDED = "suspended", pgettext_lazy("limitation", "Suspended")
        IN_COURT = "in_court", pgettext_lazy("limitation", "Stands still: in court")
        JUDGED = "judged", pgettext_lazy("limitation", "Judged: enforcement period runs")
        LAPSED = "lapsed", pgettext_lazy("limitation", "Lapsed")

    TONES: ClassVar[dict[str, str]] = {"running": "info", "suspended": "special", "in_court": "special", "judged": "info", "lapsed": "bad"}

    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="clocks", db_index=False)
    state = models.CharField(max_length=9, choices=State)
    starts_on = models.DateField()
    runs_from = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    whole_due_on = models.DateField(null=True, blank=True)
    last_kind = models.CharField(max_length=12, blank=True, default="")
    last_ref = models.CharField(max_length=40, blank=True, default="")
    reckoned_at = models.DateTimeField()

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="limitation_state_known", condition=Q(state__in=CLOCK_STATES)),
            models.CheckConstraint(
                name="limitation_still_has_no_end",
                condition=Q(state__in=["suspended", "in_court"], expires_on__isnull=True)
                | (~Q(state__in=["suspended", "in_court"]) & Q(expires_on__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["expires_on", "id"], name="limitation_expires"),  # what expires first
            models.Index(fields=["case"], name="limitation_of_case"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.state}"


class LimitationMark(models.Model):
    """An act that bears on the period and stands nowhere else: a paper handed over, a debt acknowledged, a hindrance. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("acts that interrupt or suspend a period of limitation, with their evidence"),
        retention=_("with the loan"),
        personal={"evidence": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "on": _("Day it happened"),
            "evidence": Column(_("Where it can be read or heard, in words"), mask="text"),
        },
    )
    PERSON = "case__customer"

    class Kind(models.TextChoices):
        DEMAND = "demand", _("Demand handed over")
        ACKNOWLEDGED = "acknowledged", _("Debt acknowledged in writing")
        SUSPENDED = "suspended", _("A hindrance began")
        RESUMED = "resumed", _("The hindrance ended")

    public_id = PublicIdField(prefix="LM")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="limitation_marks", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    on = models.DateField()
    evidence = SealedTextField("collections.limitationmark.evidence")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="limitation_mark_kind_known", condition=Q(kind__in=MARK_KINDS)),
            models.UniqueConstraint(name="limitation_mark_once", fields=["loan", "kind", "on"]),
        ]

    def __str__(self) -> str:
        return self.public_id
