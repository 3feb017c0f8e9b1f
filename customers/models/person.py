"""Persons with a file: identity sealed, found by fingerprint, masked wherever it is shown."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.dates import age_on
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import Column, Policy
from customers import identifiers
from governance import masking
from governance.access import Masked, level, reader, shown
from governance.fields import FingerprintField, SealedTextField
from governance.models import LegalEntity, Partner, Team, User
from governance.models.identity import Channel, Level
from governance.person_keys import PersonNumberField
from governance.persons import number_field
from governance.uses import PurposeBound, PurposeQuerySet


class CustomerQuerySet(PurposeQuerySet["Customer"]):
    scope_customer = "pk"

    def for_list(self) -> "CustomerQuerySet":
        """Name the joins of a list row."""
        return self.select_related("branch", "owner")

    def found_by(self, text: str) -> "CustomerQuerySet":
        """Return those whose id number, mobile, card, full name or public id is exactly `text`; opens nothing.

        Spaces, dashes and full-width digits do not matter: each is looked for in the form in which it was filed.
        """
        text = text.strip()
        if not text or "\0" in text:
            return self.none()
        match = Q(public_id=text.upper())
        who = reader()
        for name, filed in identifiers.filed_forms(text).items():
            if who is not None and level(who, f"customers.customer.{name}") == Level.NONE:
                continue  # to whom a value is closed, a search does not tell whose it is
            key: Any = Customer._meta.get_field(f"{name}_key")
            match |= Q(**{f"{name}_key": key.of(filed)})
        return self.filter(match)

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Create many: their numbers and secrets are taken at once."""
        people = list(objs)
        unnumbered = [person for person in people if person.pk is None]
        for person, number in zip(unnumbered, number_field(Customer).take(len(unnumbered)) if unnumbered else (), strict=True):
            person.pk = number
        return super().bulk_create(people, *args, **kwargs)


class Customer(PurposeBound):
    """A person with a file, borrower or not."""

    POLICY = Policy(
        owner="customers",
        meaning=_("a person we serve or were asked to serve"),
        retention=_("5y after the last contract ended"),
        personal={
            "name": "C2",
            "id_number": "C2",
            "mobile": "C2",
            "bank_card": "C2",
            "address": "C2",
            "employer": "C2",
            "email": "C2",
            "income": "C2",
            "monthly_debt": "C2",
        },
        open_fields={
            "income": _("summed and compared in SQL; an amount alone identifies nobody"),
            "monthly_debt": _("summed and compared in SQL; an amount alone identifies nobody"),
        },
        level=2,
        kind="C1",
        purposes=(
            "onboarding",
            "service",
            "underwriting",
            "bureau",
            "servicing",
            "collections",
            "marketing",
            "sharing",
            "compliance",
            "authority",
        ),
        basis="contract",
        columns={
            "name": Column(_("Full name as in the identity document"), mask="name", search="n-gram", shared_with=("bureau",)),
            "id_number": Column(
                _("Number of the resident identity card, GB 11643"),
                mask="id_number",
                purposes=("onboarding", "service", "underwriting", "bureau", "servicing", "collections", "compliance", "authority"),
                search="exact",
                shared_with=("bureau",),
            ),
            "mobile": Column(
                _("Mobile number the person is reached at"), mask="mobile", search="n-gram", shared_with=("bureau", "gateway")
            ),
            "bank_card": Column(
                _("Card that pays out and collects"),
                mask="card",
                purposes=("onboarding", "service", "servicing", "compliance", "authority"),
                search="n-gram",
                shared_with=("bank",),
            ),
            "address": Column(
                _("Where the person lives"),
                mask="text",
                purposes=("onboarding", "service", "underwriting", "collections", "compliance", "authority"),
            ),
            "employer": Column(
                _("Whom the person works for"),
                mask="text",
                purposes=("onboarding", "service", "underwriting", "collections", "compliance", "authority"),
            ),
            "email": Column(
                _("E-mail the person is reached at"),
                mask="email",
                purposes=("onboarding", "service", "servicing", "collections", "marketing", "compliance", "authority"),
                shared_with=("gateway",),
            ),
            "income": Column(
                _("Income a month before tax, as stated, CNY"),
                mask="none",
                purposes=("onboarding", "underwriting", "compliance", "authority"),
            ),
            "monthly_debt": Column(
                _("Paid a month on other debts, as stated, CNY"),
                mask="none",
                purposes=("onboarding", "underwriting", "compliance", "authority"),
            ),
            "erased_at": _("Since when nothing of the person opens any more"),
            "origin": _("Whether a row belongs to the demonstration"),
        },
    )

    class Origin(models.TextChoices):
        """Where a row of the demonstration comes from; empty for an installation's own customers."""

        OWN = "", ""
        REAL = "real", _("real application, generated identity")
        GENERATED = "generated", _("generated")

    PERSON = "id"

    id = PersonNumberField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
    public_id = PublicIdField(prefix="C")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    branch = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="customers")
    owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="customers")
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.BRANCH)
    partner = models.ForeignKey(Partner, null=True, blank=True, on_delete=models.PROTECT)

    name = SealedTextField("customers.customer.name")
    name_key = FingerprintField(source="name", label="customers.customer.name")
    id_number = SealedTextField("customers.customer.id_number")
    id_number_key = FingerprintField(source="id_number", label="customers.customer.id_number")
    # near-equal names are looked for among those born on one day only: a few dozen in a million
    born_key = FingerprintField(source="born_text", inside="id_number", label="customers.customer.born")
    mobile = SealedTextField("customers.customer.mobile")
    mobile_key = FingerprintField(source="mobile", label="customers.customer.mobile")
    bank_card = SealedTextField("customers.customer.bank_card", null=True, blank=True)
    bank_card_key = FingerprintField(source="bank_card", label="customers.customer.bank_card")
    address = SealedTextField("customers.customer.address", null=True, blank=True)
    employer = SealedTextField("customers.customer.employer", null=True, blank=True)
    email = SealedTextField("customers.customer.email", null=True, blank=True)
    income = MoneyField(null=True, blank=True, help_text="a month, before tax, as stated")
    monthly_debt = MoneyField(default=Decimal("0.00"), help_text="paid a month on other debts, as stated")

    # In which language and by which clock we write to this person; empty: as the installation does.
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    zone = models.CharField(max_length=40, blank=True, default="", db_default="")
    erased_at = models.DateTimeField(null=True, blank=True, help_text="since when nothing of the person opens any more")
    origin = models.CharField(max_length=10, choices=Origin, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            # one file per person and lender: full-length fingerprint, so that no coincidence refuses anybody
            models.UniqueConstraint(name="customer_one_file_per_id", fields=["legal_entity", "id_number_key"]),
            models.CheckConstraint(name="customer_income_not_negative", condition=Q(income__isnull=True) | Q(income__gte=0)),
            models.CheckConstraint(name="customer_monthly_debt_not_negative", condition=Q(monthly_debt__gte=0)),
        ]
        indexes = [
            models.Index(fields=["mobile_key"], name="customer_mobile"),  # exact search
            models.Index(fields=["bank_card_key"], name="customer_card"),  # exact search
            models.Index(fields=["name_key"], name="customer_name"),  # exact search
            models.Index(fields=["born_key"], name="customer_born"),  # duplicates by likeness
            models.Index(fields=["branch", "-id"], name="customer_branch"),  # a team's list, newest first
            models.Index(fields=["owner", "-id"], name="customer_owner"),  # an own list, newest first
        ]

    def __str__(self) -> str:
        return self.public_id

    masked_name = Masked("name", masking.mask_name)
    masked_mobile = Masked("mobile", masking.mask_mobile)
    masked_id_number = Masked("id_number", masking.mask_id_number)
    masked_bank_card = Masked("bank_card", masking.mask_card)
    masked_address = Masked("address", masking.mask_text)
    masked_email = Masked("email", masking.mask_email)
    masked_employer = Masked("employer", masking.mask_text)

    @property
    def born_text(self) -> str:
        return self.id_number[6:14]

    @property
    def born_on(self) -> date:
        """The birth date inside the id number (GB 11643); shown only as an age band."""
        digits = self.id_number[6:14]
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))

    def age(self, on: date) -> int:
        return age_on(self.born_on, on)

    def age_band(self, on: date) -> str:
        """Return the five years of life, as far as the reader may see anything of the id number that tells them."""
        if getattr(self.id_number, "is_unreadable", False):
            return self.id_number
        return shown("customers.customer.id_number", lambda: masking.age_band(self.born_on, on))
