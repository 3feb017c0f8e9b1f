"""Links by which a debtor pays one amount while they talk to a collector."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.promises import Promise
from credit.models import Loan
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from governance.fields import SealedTextField
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet


class PayLinkQuerySet(ScopedQuerySet["PayLink"]):
    """Scope: the links one made, and those of the cases one works."""

    scope_owner = "made_by"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN:
            return self.filter(Q(made_by=user.pk) | Q(case__in=Case.objects.reached_by(user)))
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self


class PayLink(models.Model):
    """One amount that may be paid by a link, until a moment. The page behind it says nothing but amount, lender and reference."""

    POLICY = Policy(
        owner="collections",
        meaning=_("links by which a debtor pays"),
        retention=_("5y after the case closed"),
        personal={"token": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "token": Column(_("What opens the page of the link"), mask="text"),
            "token_hash": _("Hash of what opens the page"),
            "kind": _("What the amount pays"),
            "expires_at": _("Until when it may be paid"),
            "paid_at": _("When the gateway told that it was paid"),
            "gateway_id": _("What the gateway calls it"),
        },
    )

    PERSON = "case__customer"

    class Kind(models.TextChoices):
        OVERDUE = "overdue", _("All that is overdue")
        PAYOFF = "payoff", _("The whole loan")
        PROMISE = "promise", _("What was promised")
        SETTLEMENT = "settled", _("The next payment of the settlement")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("pay link", "May be paid")
        PAID = "paid", pgettext_lazy("pay link", "Paid")
        EXPIRED = "expired", pgettext_lazy("pay link", "Expired")
        WITHDRAWN = "withdrawn", pgettext_lazy("pay link", "Withdrawn")

    # Money that came is money that came: a link that ended may still be told of as paid.
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.PAID, Status.EXPIRED, Status.WITHDRAWN},
        Status.EXPIRED: {Status.PAID},
        Status.WITHDRAWN: {Status.PAID},
        Status.PAID: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "info", "paid": "good", "expired": "neutral", "withdrawn": "neutral"}

    public_id = PublicIdField(prefix="PL")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="pay_links", db_index=False)
    loan = models.ForeignKey(Loan, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    promise = models.ForeignKey(Promise, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    amount = MoneyField()
    token = SealedTextField("collections.paylink.token")
    token_hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    gateway_id = models.CharField(max_length=64, blank=True, default="")

    objects = PayLinkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="pay_link_one_open_per_case", fields=["case"], condition=Q(status="open")),
            models.CheckConstraint(name="pay_link_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="pay_link_kind_known", condition=Q(kind__in=["overdue", "payoff", "promise", "settled"])),
            models.CheckConstraint(name="pay_link_status_known", condition=Q(status__in=["open", "paid", "expired", "withdrawn"])),
            models.CheckConstraint(
                name="pay_link_paid_says_when",
                condition=Q(status="paid", paid_at__isnull=False) | (~Q(status="paid") & Q(paid_at__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="pay_link_of_case"),  # the latest of a case
            models.Index(fields=["expires_at"], name="pay_link_open", condition=Q(status="open")),  # the sweeper's question
            models.Index(fields=["expires_at"], name="pay_link_ended", condition=Q(status__in=["expired", "withdrawn"])),  # and its second
        ]

    def __str__(self) -> str:
        return self.public_id
