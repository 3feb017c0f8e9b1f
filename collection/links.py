"""Who stands beside the debtor of a case: who answers for the debt, under their own contact count, and the household, never asked for it.

Read from the customer's relations as they stand: co-borrowers and guarantors (`customers.models.Relation`), and family with a file of
their own, in either direction. Nothing of it is copied into the case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collection.models import Case
from crm.lib.errors import DomainError
from customers import contact_meter, contacts
from customers.contact_meter import Meter
from customers.models import Relation
from customers.models.relations import OBLIGORS
from governance import uses
from governance.models import User


class NobodyThere(DomainError):
    """The person named answers for no debt of the case."""

    code = "no_such_obligor"
    status = 422


SHOWN = 6  # obligors shown with their meter; each costs the gate's few queries
HOUSEHOLD = 12


@dataclass(frozen=True)
class Obligor:
    """Who answers for the debt beside the debtor: whether they may be turned to, and how much of their own count is used."""

    relation: Relation
    role: str
    meter: Meter | None
    call_allowed: bool
    reason: str
    case: Case | None


@dataclass(frozen=True)
class Member:
    """Somebody of the household who is a customer too, with their own open case if the reader may see it."""

    person: Any
    case: Case | None


@dataclass(frozen=True)
class Links:
    obligors: Sequence[Obligor]
    household: Sequence[Member]

    def __bool__(self) -> bool:
        return bool(self.obligors or self.household)


def relations_of(case: Case, *, user: User, at: datetime) -> list[Relation]:
    """Return who answers for the debt of a case beside the debtor, agreed and opened or not; bound to what collections may read."""
    rows = Relation.objects.live().filter(customer=case.customer_id, kind__in=OBLIGORS).select_related("other__legal_entity", "customer")
    found = list(rows.order_by("-may_contact", "pk")[:SHOWN])
    uses.bind([row.other for row in found if row.other], "collections", actor=user, at=at)
    uses.bind([row for row in found if row.other_id is None], "collections", actor=user, at=at)
    return found


def asked(case: Case, public_id: str) -> Relation | None:
    """Return the obligor of a case whom a form names; None for the debtor. Whether they may be turned to, the gate says.

    :raises NobodyThere: if the address names nobody who answers for this debt
    """
    if not public_id:
        return None
    rows = Relation.objects.live().filter(customer=case.customer_id, kind__in=OBLIGORS).select_related("other__legal_entity")
    row = rows.filter(public_id=public_id).first() if "\0" not in public_id else None
    if row is None:
        raise NobodyThere(_("This person does not answer for the debt of this case."))
    return row


def of(case: Case, found: list[Relation], *, user: User, at: datetime) -> Links:
    """Return the links of a case as `user` may see them; `found` is what `relations_of` read."""
    family = list(
        Relation.objects.live()
        .filter(Q(customer=case.customer_id) | Q(other=case.customer_id), kind=Relation.Kind.FAMILY, other__isnull=False)
        .select_related("customer", "other")
        .order_by("pk")[:HOUSEHOLD]
    )
    members = {}
    for row in family:
        person = row.other if row.customer_id == case.customer_id else row.customer
        assert person is not None
        members[person.pk] = person
    ids = [*members, *(row.other_id for row in found if row.other_id)]
    theirs = cases_of(ids, user=user)
    uses.bind(list(members.values()), "collections", actor=user, at=at)
    return Links(
        [one(case, row, theirs=theirs, at=at) for row in found],
        [Member(person, theirs.get(pk)) for pk, person in members.items()],
    )


def cases_of(customer_ids: Sequence[int], *, user: User) -> Mapping[int, Case]:
    """Return the open case of each of these customers that `user` may see."""
    return {row.customer_id: row for row in Case.objects.open().visible_to(user).filter(customer__in=list(customer_ids))}


def one(case: Case, row: Relation, *, theirs: Mapping[int, Case], at: datetime) -> Obligor:
    own = theirs.get(row.other_id) if row.other_id else None
    if not (row.may_contact and row.consent == Relation.Consent.GIVEN):
        return Obligor(row, row.get_kind_display(), None, False, "", own)
    said = contacts.judged_by(case.customer, contact_meter.CHANNELS, at, relation=row)
    meter = contact_meter.read(case.customer, at=at, said=said)
    return Obligor(row, row.get_kind_display(), meter, said["call"].answer.allowed, said["call"].answer.reason, own)
