"""Doors of the customer's file: create it, change it, tell risk what it needs."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from crm.lib.money import ZERO, is_cents
from customers import consents, guarded, identifiers, index, regions
from customers.models import Customer, Purpose
from governance import access, masking, person_keys, uses
from governance.models import Partner, Team, User
from governance.models.identity import Channel, Level
from ledger import log

SEALED = ("name", "id_number", "mobile", "bank_card", "email", "address", "employer")
# How we write to a person and by whose clock; empty is as the installation does.
WRITTEN = {"language": frozenset({"zh-hans", "en"}), "zone": frozenset(available_timezones())}
FIELDS = (*SEALED, "income", "monthly_debt", *WRITTEN)
READ_FOR = "onboarding"  # what pages, lists and the API read a file for, masked; one value is opened for a purpose of its own
LONGEST_TEXT = 200
LARGEST = Decimal(10) ** 12  # numeric(14,2)


class AlreadyCustomer(Invalid):
    """The id number already has a file. The file itself is not named: it may belong to another branch."""

    code = "already_customer"


def cleaned(values: dict[str, Any], *, on: date) -> dict[str, Any]:
    """Return `values` in canonical form.

    :raises Invalid: with one sentence per wrong field in `fields`
    """
    checks: dict[str, Callable[[str], str]] = {
        "name": identifiers.name,
        "id_number": lambda text: identifiers.id_number(text, on=on),
        "mobile": identifiers.mobile,
        "bank_card": identifiers.bank_card,
        "email": identifiers.email,
    }
    found: dict[str, Any] = {}
    problems: dict[str, Any] = {}
    for field, value in values.items():
        if field not in FIELDS:
            raise TypeError(f"{field} is not a field of the customer's file")
        if isinstance(value, str):
            value = value.strip()
        if field in WRITTEN:
            found[field] = value or ""
            if value and value not in WRITTEN[field]:
                problems[field] = _("Choose one of the list.")
            continue
        if field in ("name", "id_number", "mobile"):
            value = value or ""
        try:
            if field in checks and (value or field not in ("bank_card", "email")):
                value = checks[field](value)
        except Invalid as error:
            problems[field] = error.message
            continue
        if field == "monthly_debt" and (value is None or value == ""):
            value = ZERO
        if isinstance(value, int):
            value = Decimal(value)
        if field in ("income", "monthly_debt") and value is not None and not amount_can_be(value):
            problems[field] = _("Enter an amount of 0 or more, in whole cents.")
        if field in ("address", "employer") and value and len(value) > LONGEST_TEXT:
            problems[field] = _("Enter at most 200 characters.")
        found[field] = None if value == "" else value
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    return found


def amount_can_be(value: Decimal) -> bool:
    """Return whether `value` fits the column without rounding."""
    return value.is_finite() and 0 <= value < LARGEST and is_cents(value)


@transaction.atomic
def create(
    *,
    name: str,
    id_number: str,
    mobile: str,
    branch: Team,
    actor: User,
    at: datetime,
    bank_card: str | None = None,
    email: str | None = None,
    address: str | None = None,
    employer: str | None = None,
    income: Decimal | None = None,
    monthly_debt: Decimal = Decimal("0.00"),
    owner: User | None = None,
    channel: str = Channel.BRANCH,
    partner: Partner | None = None,
    origin: str = "",
) -> Customer:
    """Open a file for a person.

    :raises Invalid: with a sentence per wrong field
    :raises AlreadyCustomer: if this id number has a file with the same lender
    """
    values = cleaned(
        {
            "name": name,
            "id_number": id_number,
            "mobile": mobile,
            "bank_card": bank_card,
            "email": email,
            "address": address,
            "employer": employer,
            "income": income,
            "monthly_debt": monthly_debt,
        },
        on=localdate(at),
    )
    customer = Customer(
        legal_entity_id=branch.legal_entity_id,
        branch=branch,
        owner=owner or actor,
        channel=channel,
        partner=partner,
        origin=origin,
        created_at=at,
        updated_at=at,
        **values,
    )
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError as error:
        if "customer_one_file_per_id" not in str(error):
            raise
        sentence = _("A customer with this id number already exists.")
        raise AlreadyCustomer(sentence, fields={"id_number": sentence}) from None
    index.write([customer])
    log.record("customers.customer.created", customer, actor=actor, at=at, channel=channel)
    return customer


@transaction.atomic
def update(customer: Customer, *, actor: User, at: datetime, version: int, **changes: Any) -> Customer:
    """Change fields of a file that still has the `version` the change was made on.

    :raises Invalid: with a sentence per wrong field
    :raises Stale: if somebody changed it meanwhile; `extra["changes"]` names the fields, masked
    :raises AlreadyCustomer: if the new id number has a file
    :raises FieldClosed: if the actor's role may not change one of the fields
    """
    changes = cleaned(changes, on=localdate(at))
    row = Customer.objects.select_for_update().get(pk=customer.pk)
    person_keys.still_kept(row)
    if row.version != version:
        raise Stale(
            _("This file was changed meanwhile. Your change is not saved yet."),
            changes=[
                {"field": field, "theirs": shown(row, field), "yours": masked(field, value)}
                for field, value in changes.items()
                if getattr(row, field) != value
            ],
            version=row.version,
        )
    changes = {field: value for field, value in changes.items() if getattr(row, field) != value}
    if not changes:
        return row
    for field in changes.keys() & set(SEALED):
        access.demand(actor, guarded.of(field), Level.EDIT)
    for field, value in changes.items():
        setattr(row, field, value)
    row.version, row.updated_at = version + 1, at
    keys = [f"{field}_key" for field in changes if f"{field}_key" in KEYS] + (["born_key"] if "id_number" in changes else [])
    try:
        with transaction.atomic():
            row.save(update_fields=[*changes, *keys, "version", "updated_at"])
    except IntegrityError as error:
        if "customer_one_file_per_id" not in str(error):
            raise
        sentence = _("A customer with this id number already exists.")
        raise AlreadyCustomer(sentence, fields={"id_number": sentence}) from None
    if SEARCHED & set(changes):
        index.write([row])
    log.record("customers.customer.changed", row, actor=actor, at=at, fields=sorted(changes))
    return row


SEARCHED = {"name", "mobile", "bank_card"}
KEYS = {"name_key", "id_number_key", "mobile_key", "bank_card_key"}


def shown(customer: Customer, field: str) -> str:
    """Return a field as staff may see it without opening it."""
    return str(getattr(customer, f"masked_{field}")) if field in SEALED else masked(field, getattr(customer, field))


def masked(field: str, value: Any) -> str:
    masks = {
        "name": masking.mask_name,
        "id_number": masking.mask_id_number,
        "mobile": masking.mask_mobile,
        "bank_card": masking.mask_card,
        "email": masking.mask_email,
        "address": masking.mask_text,
        "employer": masking.mask_text,
    }
    if value is None or value == "":
        return ""
    return masks[field](value) if field in masks else str(value)


def facts_for_decision(customer: Customer, *, on: date, at: datetime, actor: User | None = None) -> dict[str, Any]:
    """Return what risk may know of the person: age, province, income, other debts, live bureau consent. No identifiers.

    It is read for the purpose of underwriting.
    """
    person = uses.reading(customer, "underwriting", actor=actor, at=at)
    return {
        "age": person.age(on),
        "region": regions.of(person.address),
        "income": person.income,
        "monthly_debt": person.monthly_debt,
        "consent_bureau": consents.holds(customer, Purpose.BUREAU, on=on),
    }


def given_for_lists(customer: Customer, *, at: datetime, actor: User | None = None) -> dict[str, str | None]:
    """Return what the person gave that may stand on a list, by kind; it is compared by fingerprint and goes no further."""
    person = uses.reading(customer, "underwriting", actor=actor, at=at)
    return {"id_number": person.id_number, "mobile": person.mobile, "address": person.address, "employer": person.employer}
