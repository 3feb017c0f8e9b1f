"""Stated facts held against what staff found out: one door, and what the file shows of it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit.books import local_day
from credit.models import Application, VerifiedFact
from credit.stated import SENTENCES, questions, schema
from crm.lib.errors import DomainError, Invalid
from customers.models import Document
from governance.models import User
from ledger import log
from risk.facts import Schema, check

MONEY = ("income", "monthly_debt")


class NotOpen(DomainError):
    """The application has ended: its facts are history."""

    code = "not_open"


def names() -> list[str]:
    """Return the facts that can be verified: income and debts, then what an applicant states, without protected attributes."""
    return [*MONEY, *(name for name, fact in questions().items() if not fact.protected)]


@transaction.atomic
def verify(
    application: Application,
    *,
    name: str,
    value: Any,
    source: str,
    as_of: date,
    actor: User,
    at: datetime,
    document: Document | None = None,
) -> VerifiedFact:
    """Keep what was found out about one fact. The latest row of a name counts; earlier ones stay.

    :raises NotOpen: if the application has ended
    :raises Invalid: for a fact, value or source that cannot be, a day to come, or another person's document
    """
    if not application.is_open:
        raise NotOpen(_("%(record)s has ended; its facts are not changed any more.") % {"record": application})
    problems: dict[str, Any] = {}
    found: Any = None
    if name not in names():
        problems["name"] = _("There is no such question.")
    else:
        clean, wrong = check({name: value}, Schema({name: schema().facts[name]}))
        found = clean[name]
        if wrong:
            problems["value"] = SENTENCES.get(wrong[0].kind, SENTENCES["wrong_type"])
    if source not in VerifiedFact.Source.values:
        problems["source"] = _("Choose where it comes from.")
    if as_of > local_day(application.legal_entity, at):
        problems["as_of"] = _("This day is still to come.")
    if document is not None and document.customer_id != application.customer_id:
        problems["document"] = _("This paper is another person's.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    kept = VerifiedFact.objects.create(
        application=application,
        name=name,
        value=str(found) if isinstance(found, Decimal) else found,
        source=source,
        document=document,
        as_of=as_of,
        verified_by=actor,
        verified_at=at,
    )
    log.record("credit.application.fact_verified", application, actor=actor, at=at, name=name, source=source, as_of=as_of)
    return kept


def latest(application: Application) -> dict[str, VerifiedFact]:
    """Return the latest verified value of each fact, in one query."""
    rows = VerifiedFact.objects.filter(application=application).select_related("verified_by", "document")
    return {row.name: row for row in rows.order_by("name", "-pk").distinct("name")}
