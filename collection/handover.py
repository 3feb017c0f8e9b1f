"""Cases go with their customer; the open cases of a collector who leaves go to the taker, or back to everybody."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from collection import contested, permissions
from collection.models import Case, Promise
from customers import handover
from governance import offboarding
from governance.models import User
from governance.models.identity import Scope
from ledger import log
from ledger.models import Entry

CASE = "collections.case"


@log.on("customers.handover.moved")
def follow_customers(*, entry: Entry, **_: object) -> None:
    """Bring owner and branch of up to 500 customers' cases in step; who no longer reaches a case loses it to everybody."""
    handover.follow(Case, entry.facts)
    if entry.facts.get("branch") is not None:
        rows = Case.objects.open().filter(customer__in=entry.facts["customers"], assigned_to__isnull=False)
        for pk in set(rows.values_list("assigned_to", flat=True)):
            person = User.objects.select_related("role", "team").get(pk=pk)
            if person.root is not None:
                out_of_reach = rows.filter(assigned_to=person).exclude(branch__path__startswith=person.root.path)
                reassign(list(out_of_reach.values_list("pk", "customer_id")), was=person, to=None, actor_id=entry.actor_id, at=entry.at)


@log.on("customers.handover.done")
def follow_person(*, entry: Entry, **_: object) -> None:
    """Give the open cases of somebody who handed everything over to the taker, if they collect; else to everybody."""
    if not entry.facts.get("everything"):
        return
    people = User.objects.select_related("role", "team")
    giver, taker = people.get(pk=entry.facts["giver"]), people.get(pk=entry.facts["taker"])
    mine = Case.objects.open().filter(assigned_to=giver)
    able = taker.is_active and taker.has_perm(permissions.CLAIM)
    fit = Case.objects.visible_to(taker).filter(~contested.bars_of(taker)) if able else Case.objects.none()
    to_taker = list(mine.filter(pk__in=fit.values("pk")).values_list("pk", "customer_id"))
    reassign(to_taker, was=giver, to=taker, actor_id=entry.actor_id, at=entry.at)
    reassign(list(mine.values_list("pk", "customer_id")), was=giver, to=None, actor_id=entry.actor_id, at=entry.at)


@transaction.atomic
def reassign(rows: list[tuple[int, int]], *, was: User, to: User | None, actor_id: int | None, at: datetime) -> None:
    """Give cases, as (id, customer id), to `to` or to everybody; a hold of the former assignee ends. One entry each."""
    ids = [pk for pk, _customer in rows]
    Case.objects.filter(pk__in=ids, claimed_by=was).update(claimed_by=None, claimed_at=None, claimed_until=None)
    Case.objects.filter(pk__in=ids, assigned_to=was).update(assigned_to=to)
    facts = {"was": was.pk, "to": to.pk if to else None}
    actor = User.objects.filter(pk=actor_id).first() if actor_id else None
    log.record_many("collections.case.assigned", [log.Row(CASE, pk, customer, facts) for pk, customer in rows], actor=actor, at=at)


def worked_by(user: User) -> QuerySet[Case]:
    return Case.objects.open().filter(Q(assigned_to=user) | Q(claimed_by=user))


def hand_on(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    """Give the next open cases of somebody who leaves to `taker`, or to everybody; their holds end. Nobody gets one with a complaint about them."""
    rows = list(worked_by(giver).order_by("pk").values_list("pk", "customer_id")[: handover.CHUNK])
    ids = [pk for pk, _customer in rows]
    barred = set(Case.objects.filter(contested.bars_of(taker), pk__in=ids).values_list("pk", flat=True)) if taker is not None else set()
    reassign([row for row in rows if row[0] not in barred], was=giver, to=taker, actor_id=actor.pk, at=at)
    reassign([row for row in rows if row[0] in barred], was=giver, to=None, actor_id=actor.pk, at=at)
    return len(rows)


def beyond(giver: User, taker: User) -> QuerySet[Case]:
    """Return the cases of `giver` that `taker` could not work."""
    rows = worked_by(giver)
    if not taker.has_perm(permissions.CLAIM):
        return rows
    return rows.none() if taker.scope == Scope.OWN else rows.exclude(pk__in=Case.objects.visible_to(taker).values("pk"))


def owned_by(user: User) -> QuerySet[Case]:
    return Case.objects.filter(owner=user)


def hand_on_owned(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    """Give the next cases whose responsible person leaves; cases of the leaver's customers have followed those by now or will."""
    return handover.hand_on_owned(Case, giver, taker=taker, actor=actor, at=at)


def promised_to(user: User) -> QuerySet[Promise]:
    return Promise.objects.running().filter(case__in=worked_by(user).values("pk"))


offboarding.HOLDINGS.register(
    "cases",
    offboarding.Holding(
        label=gettext_lazy("Open cases"), rows=worked_by, hand_on=hand_on, goes="anyone", beyond=beyond,
        note=gettext_lazy("without a receiver they go back to everybody"),
    ),
)  # fmt: skip
offboarding.HOLDINGS.register(
    "promises",
    offboarding.Holding(
        label=gettext_lazy("Running promises in these cases"), rows=promised_to, hand_on=lambda *args, **kwargs: 0, goes="ends",
        note=gettext_lazy("go with their case; who took them stays on the record"),
    ),
)  # fmt: skip
offboarding.HOLDINGS.register(
    "case_files",
    offboarding.Holding(
        label=gettext_lazy("Cases they answer for"), rows=owned_by, hand_on=hand_on_owned, beyond=lambda giver, taker: handover.owned_beyond(Case, giver, taker),
    ),
)  # fmt: skip
