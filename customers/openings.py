"""Who saw what: every opening of a masked value, and every read that was refused, as the ledger has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from customers.models import Customer, Purpose
from customers.sentences import FIELD_WORDS
from governance.models import DataPurpose, User
from ledger.models import Entry

OPENED = ("customers.customer.revealed", "customers.relation.revealed")
REFUSED = "governance.use.refused"
EARLIER = {"collection": "collections"}  # what a purpose was called before purposes were data
MOST = 10


@dataclass(frozen=True)
class Opening:
    """One line: who, whose, which value, what for; `refused` where it was not shown."""

    entry: Entry
    who: str
    customer: Customer | None
    what: Any
    purpose: str
    refused: bool
    relation: bool
    case: str


def rows(*, refused: bool = True) -> QuerySet[Entry]:
    return Entry.objects.filter(event__in=(*OPENED, REFUSED) if refused else OPENED)


def of_customer(customer: Customer) -> QuerySet[Entry]:
    """Return the openings of one person's values, newest first."""
    return rows().filter(customer_id=customer.pk).order_by("-at", "-pk")


def seen_by(user: User) -> QuerySet[Entry]:
    """Return the openings of persons whom `user` may see."""
    return rows().filter(customer_id__in=Customer.objects.visible_to(user).values("pk"))


def month_of(at: datetime) -> datetime:
    """Return the first moment of the month of `at`, by the house's clock."""
    return localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def own(user: User, *, at: datetime) -> QuerySet[Entry]:
    """Return what `user` opened this month."""
    return rows().filter(actor_id=user.pk, at__gte=month_of(at))


def told(entries: Sequence[Entry]) -> list[Opening]:
    """Return entries as lines; three queries, however many."""
    names = dict(User.objects.filter(pk__in={entry.actor_id for entry in entries if entry.actor_id}).values_list("pk", "name"))
    people = Customer.objects.only("public_id").in_bulk({entry.customer_id for entry in entries if entry.customer_id})
    purposes = {row.code: str(row) for row in DataPurpose.objects.all()}
    found = []
    for entry in entries:
        facts = entry.facts
        code = EARLIER.get(facts.get("purpose", ""), facts.get("purpose", ""))
        what = facts.get("field") or facts.get("column") or ""
        consent = dict(Purpose.choices).get(facts.get("consent", ""))
        missing = _("no consent: %(consent)s") % {"consent": consent} if consent else ""
        found.append(
            Opening(
                entry=entry,
                who=names.get(entry.actor_id or 0, ""),
                customer=people.get(entry.customer_id or 0),
                what=FIELD_WORDS.get(what, what) or missing,
                purpose=purposes.get(code, code),
                refused=entry.event == REFUSED,
                relation=entry.event == OPENED[1],
                case=facts.get("case", ""),
            )
        )
    return found


def most(user: User, *, at: datetime) -> list[tuple[str, int]]:
    """Return who opened most this month among persons `user` may see: [(name, openings)]."""
    counted = (
        seen_by(user)
        .filter(event__in=OPENED, at__gte=month_of(at))
        .order_by()
        .values("actor_id")
        .annotate(n=Count("pk"))
        .order_by("-n")[:MOST]
    )
    numbers: dict[int, int] = {row["actor_id"] or 0: row["n"] for row in counted}
    names = dict(User.objects.filter(pk__in=numbers).values_list("pk", "name"))
    return [(names.get(actor, ""), number) for actor, number in numbers.items()]
