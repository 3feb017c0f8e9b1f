"""Who stands in which relation to a customer: another customer, or a person outside with sealed name and number."""

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models.person import Customer
from governance import masking
from governance.access import Masked
from governance.fields import FingerprintField, SealedTextField
from governance.models import User
from governance.scope import ScopedQuerySet
from governance.uses import PurposeBound

OBLIGORS = ["guarantor", "co_borrower"]  # who answers for the debt beside the debtor


class RelationQuerySet(ScopedQuerySet["Relation"]):
    scope_owner = "customer__owner"
    scope_team = "customer__branch"

    def for_list(self) -> Self:
        """Name the joins of a row on the customer's page."""
        return self.select_related("customer", "other", "created_by")

    def live(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def contactable(self) -> Self:
        """Narrow to whom collections may turn: people who answer for the debt, opened by a person on the record.

        The only list that collections may read; everybody else in a file is a third party and never collected from.
        """
        return self.live().filter(may_contact=True, kind__in=OBLIGORS, consent=Relation.Consent.GIVEN)


class Relation(PurposeBound):
    """One relation of a customer, as known from a source; ended, never deleted."""

    POLICY = Policy(
        owner="customers",
        meaning=_("relations of customers, with source and consent"),
        retention=_("5y after the customer's last contract ended"),
        personal={"name": "C2", "mobile": "C2"},
        level=2,
        kind="C1",
        purposes=("service", "collections"),
        basis="consent",
        columns={
            "name": Column(_("Name of the related person"), mask="name"),
            "mobile": Column(_("Mobile number of the related person"), mask="mobile", search="exact"),
            "source": _("Who told us of the relation"),
            "consent": _("Whether the related person agreed to be kept here"),
            "may_contact": _("Whether this person may be contacted about a debt"),
        },
    )

    class Kind(models.TextChoices):
        FAMILY = "family", _("Family")
        GUARANTOR = "guarantor", _("Guarantor")
        CO_BORROWER = "co_borrower", _("Co-borrower")
        EMERGENCY = "emergency_contact", _("Emergency contact")
        REFERRAL = "referral", _("Referral")
        EMPLOYER = "same_employer", _("Same employer")
        HEIR = "heir", _("Heir")

    class Source(models.TextChoices):
        CUSTOMER = "customer", _("Stated by the customer")
        PERSON = "person", _("Stated by the person themselves")
        DOCUMENT = "document", _("Taken from a document")
        STAFF = "staff", _("Known to staff")

    class Consent(models.TextChoices):
        """What the other person said about being kept here."""

        NOT_ASKED = "not_asked", _("Not asked")
        GIVEN = "given", _("Agreed")
        REFUSED = "refused", _("Refused")

    public_id = PublicIdField(prefix="R")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="relations", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    other = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="related_by", db_index=False)
    name = SealedTextField("customers.relation.name", null=True, blank=True)
    mobile = SealedTextField("customers.relation.mobile", null=True, blank=True)
    # the customer's own label, so that a number outside can be found among customers without opening either
    mobile_key = FingerprintField(source="mobile", label="customers.customer.mobile")
    source = models.CharField(max_length=10, choices=Source)
    consent = models.CharField(max_length=10, choices=Consent, default=Consent.NOT_ASKED)
    may_contact = models.BooleanField(default=False, help_text="collections may turn to this person; closed unless opened")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    objects = RelationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="relation_one_other_side",
                condition=Q(other__isnull=False, name__isnull=True, mobile__isnull=True)
                | Q(other__isnull=True, name__isnull=False, mobile__isnull=False, mobile_key__isnull=False),
            ),
            models.CheckConstraint(name="relation_not_with_oneself", condition=Q(other__isnull=True) | ~Q(other=F("customer"))),
            # third parties are never collected from: only somebody who answers for the debt, and said so
            models.CheckConstraint(
                name="relation_contact_obligors_only",
                condition=Q(may_contact=False) | Q(kind__in=OBLIGORS, consent="given", ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="relation_end_is_whole",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="relation_once_per_customer",
                fields=["customer", "kind", "other"],
                condition=Q(ended_at__isnull=True, other__isnull=False),
            ),
            models.UniqueConstraint(
                name="relation_once_per_number",
                fields=["customer", "kind", "mobile_key"],
                condition=Q(ended_at__isnull=True, mobile_key__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="relation_of_customer"),  # the panel on the customer's page
            models.Index(fields=["other"], name="relation_from_others", condition=Q(other__isnull=False)),  # its other side
            models.Index(
                fields=["mobile_key"], name="relation_of_number", condition=Q(mobile_key__isnull=False)
            ),  # one person, several debts
        ]

    def __str__(self) -> str:
        return self.public_id

    outside_name = Masked("name", masking.mask_name)
    outside_mobile = Masked("mobile", masking.mask_mobile)

    @property
    def answers(self) -> bool:
        """Whether this person answers for the debt beside the customer."""
        return self.kind in OBLIGORS

    @property
    def masked_name(self) -> str:
        return self.outside_name if self.other is None else self.other.masked_name

    @property
    def masked_mobile(self) -> str:
        return self.outside_mobile if self.other is None else self.other.masked_mobile

    def sides(self) -> dict[str, Any]:
        """Return what the ledger may know of the other side."""
        return {"kind": self.kind, "other": self.other.public_id if self.other else None}
