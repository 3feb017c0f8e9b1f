"""Issued quotes: terms as a document that nobody changes."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credit.models.applications import Application
from credit.models.common import CreditQuerySet
from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import SUMMED, Policy
from governance.models import User


class QuoteQuerySet(CreditQuerySet["Quote"]):
    scope_owner = "application__owner"
    scope_team = "application__branch"
    scope_product = "application__product__code"
    scope_customer = "application__customer"

    def of_entity(self, user: Any) -> Self:
        return self.filter(application__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        return self.select_related("application", "application__customer", "application__product", "issued_by")


class Quote(models.Model):
    """Schedule, totals, rates and the versions of every rule they were worked out by. Insert-only; its hash stands in the ledger."""

    POLICY = Policy(
        owner="credit",
        meaning=_("terms as they were quoted, unchangeable"),
        retention=_("5y after the loan"),
        level=3,
        kind="C2",
        purposes=("underwriting", "servicing"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "nominal_rate": _("Nominal rate a year after all costs, as a fraction"),
            "effective_rate": _("Effective rate a year after all costs, as a fraction"),
            "document": _("Schedule, totals, rates and versions of rules, as quoted"),
            "document_hash": _("Hash of the document"),
            "valid_until": _("The last day the quote holds"),
        },
    )

    public_id = PublicIdField(prefix="QT")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="quotes")
    amount = MoneyField()
    term = models.PositiveSmallIntegerField(help_text="months")
    annual_rate = RateField()
    nominal_rate = RateField()
    effective_rate = RateField()
    document = models.JSONField()
    document_hash = models.CharField(max_length=64)
    valid_until = models.DateField()
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = QuoteQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="quote_of_something", condition=Q(amount__gt=0, term__gt=0)),
            models.CheckConstraint(name="quote_hash_is_whole", condition=Q(document_hash__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return self.public_id
