"""Opening one masked value, for a purpose and with a reason, on the record."""

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.errors import Invalid
from customers import guarded
from customers.models import Customer, Note
from governance import access, purposes
from governance.models import User
from governance.models.identity import Level
from ledger import log

SHORTEST_REASON = 5


class RevealPurpose(models.TextChoices):
    """The purposes of `governance.purposes` that the house itself opens values for; a lender may have more."""

    SERVICE = "service", _("Serve this customer")
    UNDERWRITING = "underwriting", _("Check an application")
    COLLECTION = "collections", _("Collect an overdue debt")
    COMPLIANCE = "compliance", _("Answer a request of the law")


class Field(models.TextChoices):
    NAME = "name", _("Name")
    ID_NUMBER = "id_number", _("Id number")
    MOBILE = "mobile", _("Mobile")
    BANK_CARD = "bank_card", _("Bank card")
    EMAIL = "email", pgettext_lazy("channel", "E-mail")
    ADDRESS = "address", _("Address")
    EMPLOYER = "employer", _("Employer")


class NoReason(Invalid):
    code = "no_reason"


def check(*, purpose: str, reason: str, fields: dict[str, Any] | None = None) -> None:
    """Ask for purpose and reason; `fields` are problems found before.

    :raises NoReason: if one is missing, or there were problems before
    """
    problems = dict(fields or {})
    if not purposes.opens(purpose):
        problems["purpose"] = _("Choose what it is needed for.")
    if len(reason.strip()) < SHORTEST_REASON:
        problems["reason"] = _("Say why, in at least five characters.")
    if problems:
        raise NoReason(_("Opening a value needs a purpose and a reason."), fields=problems)


@transaction.atomic
def reveal(customer: Customer, *, field: str, purpose: str, actor: User, at: datetime, reason: str = "", case: str = "") -> str:
    """Return one value in clear; who, which field, for what and why go into the ledger first.

    `case` is the public id of the collections case in which the person was confirmed: that is reason enough, and no free text.

    :raises NoReason: if field or purpose is missing, or the reason where there is no case
    :raises FieldClosed: if the actor's role may not open this field
    :raises uses.UnlawfulUse: if the purpose may not read this value, or needs a consent that was not given
    """
    wrong = {} if field in Field.values else {"field": _("Choose which value to open.")}
    check(purpose=purpose, reason=case or reason, fields=wrong)
    access.demand(actor, guarded.of(field), Level.REVEAL)
    facts: dict[str, Any] = {"case": case}
    if not case:  # free text may name a person: the note holds it sealed, the ledger only points there
        facts = {"note_id": Note.objects.create(customer=customer, author=actor, text=reason.strip(), at=at).pk}
    value = getattr(Customer.objects.for_purpose(purpose, actor=actor, at=at).get(pk=customer.pk), field) or ""
    log.record("customers.customer.revealed", customer, actor=actor, at=at, field=field, purpose=purpose, **facts)
    return value
