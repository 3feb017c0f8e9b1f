"""Right-party checks: whether the person on the line is the debtor, or the one who answers beside them. What was asked is kept, what was answered is not."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collection.models.case import Case
from crm.lib.policy import Policy
from customers.models import Relation
from governance.models import User


class RightPartyCheck(models.Model):
    """One try to confirm a person by two answers. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("whether the person reached was who answers for the debt"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        columns={
            "result": _("Whether the person was confirmed"),
            "asked": _("What was asked to confirm the person; not the answers"),
        },
    )

    class Result(models.TextChoices):
        PASSED = "passed", _("Person confirmed")
        FAILED = "failed", _("Answers do not match")
        THIRD_PARTY = "third_party", _("Somebody else")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="checks", db_index=False)
    relation = models.ForeignKey(
        Relation,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="who answers beside the debtor, if it is they",
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    result = models.CharField(max_length=11, choices=Result)
    asked = ArrayField(models.CharField(max_length=12), default=list)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, help_text="how long a passed check holds")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="check_result_known", condition=Q(result__in=["passed", "failed", "third_party"])),
            models.CheckConstraint(
                name="check_passed_ends",
                condition=Q(result="passed", until__isnull=False) | (~Q(result="passed") & Q(until__isnull=True)),
            ),
        ]
        indexes = [models.Index(fields=["case", "actor", "-at"], name="check_of_case")]  # is it confirmed, how often tried

    def __str__(self) -> str:
        return f"{self.case_id} {self.result}"
