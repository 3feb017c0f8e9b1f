"""Who can see a record, and by which rule: `visible_to` turned round, for four kinds of record and one permission each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from crm.lib import pages
from crm.lib.registry import Registry
from governance import standing, teams
from governance.models import BreakGlass, Delegation, Team, User
from governance.models.identity import Scope

SHOWN = 50

ALL, TEAM, TREE, OWNER, LENT, GLASS = "all", "team", "tree", "owner", "lent", "glass"
RULES = {
    ALL: _("The role sees all rows of the institution"),
    TEAM: _("The role sees the rows of the team and of the teams below it"),
    TREE: _("The role sees the rows of the branch its team belongs to"),
    OWNER: _("The role sees own rows, and this is one"),
    LENT: _("Acts for somebody who sees it"),
    GLASS: _("Emergency access, for a short time"),
}


@dataclass(frozen=True)
class Place:
    """Where a record lies: whose, in which branch of which lender, about which customer; of which product, where it has one.

    `workers` are those who hold it or are assigned to it, where a role may be narrowed to these.
    """

    owners: tuple[int, ...]
    team: Team
    customer_id: int
    product: str = ""
    workers: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of record one may ask about."""

    label: Any
    permission: str
    rows: Callable[[], Any]  # a scoped queryset
    place: Callable[[Any], Place]
    url_name: str


KINDS: Registry[Kind] = Registry("record of which one asks who sees it")


@dataclass(frozen=True)
class Line:
    """Some people who reach the record by one rule."""

    rule: str
    people: tuple[str, ...]
    count: str
    label: Any


def _by_role(place: Place) -> dict[str, Q]:
    above = [int(part) for part in place.team.path.split("/") if part]
    narrowed = Q()
    if place.product:
        narrowed &= Q(role__products=[]) | Q(role__products__contains=[place.product])
    if place.workers is not None:
        narrowed &= Q(role__own_cases=False) | Q(role__scope=Scope.OWN) | Q(pk__in=place.workers)
    return {
        ALL: narrowed & Q(role__scope=Scope.ALL) & (Q(team__isnull=True) | Q(team__legal_entity=place.team.legal_entity_id)),
        TEAM: narrowed & Q(role__scope=Scope.TEAM, team__in=above),
        TREE: narrowed & Q(role__scope=Scope.TREE, team__in=teams.of_trees(above)),
        OWNER: narrowed & Q(role__scope=Scope.OWN, pk__in=place.owners),
    }


def _active() -> QuerySet[User]:
    return User.objects.filter(is_active=True)


def people(kind: Kind, place: Place) -> dict[str, QuerySet[User]]:
    """Return who reaches a record, by rule; somebody may stand under several."""
    holders = _active().filter(role__permissions__contains=[kind.permission])
    rules = _by_role(place)
    found = {rule: holders.filter(reach) for rule, reach in rules.items()}
    by_role = Q()
    for reach in rules.values():
        by_role |= reach
    lenders = holders.filter(by_role)
    at = standing.moment()
    lent = Delegation.objects.in_force(at).filter(giver__in=lenders.values("pk"))
    found[LENT] = _active().filter(pk__in=lent.values("taker"))
    glass = BreakGlass.objects.filter(customer_id=place.customer_id, ended_at__isnull=True, started_at__lte=at, until__gt=at)
    found[GLASS] = holders.filter(pk__in=glass.values("user"))
    return found


def lines(kind: Kind, place: Place) -> list[Line]:
    """Return the rules by which the record is reached, with capped counts and the first names; a fixed number of queries."""
    found = people(kind, place)
    counts = pages.count_labels([found[rule] for rule in RULES])
    named: dict[str, list[str]] = {rule: [] for rule in RULES}
    for rule, rows in found.items():
        first = rows.select_related("role", "team").order_by("name", "pk")[:SHOWN]
        named[rule] = [" · ".join(str(part) for part in (one.name, one.role, one.team) if part) for one in first]
    return [Line(rule, tuple(named[rule]), count, RULES[rule]) for rule, count in zip(RULES, counts, strict=True) if count != "0"]


def why(user: User, kind: Kind, place: Place) -> list[Any]:
    """Return the rules by which `user` reaches the record."""
    found = people(kind, place)
    mine: list[Any] = [RULES[rule] for rule, rows in found.items() if rule != LENT and rows.filter(pk=user.pk).exists()]
    if found[LENT].filter(pk=user.pk).exists():
        names = ", ".join(one.name for one in user.acting_for)
        mine.append(_("You act for %(names)s, who sees it.") % {"names": names})
    return mine


def seen_by(kind: Kind, place: Place) -> set[int]:
    """Return the ids of everybody who reaches the record."""
    return {pk for rows in people(kind, place).values() for pk in rows.values_list("pk", flat=True)}


def belonging(row: Any) -> Place:
    """Return the place of a record with owner, branch and product of its own."""
    return Place(tuple(_known([row.owner_id])), row.branch, row.customer_id, product=row.product.code)


def _known(ids: Iterable[int | None]) -> list[int]:
    return [pk for pk in ids if pk is not None]


def known(*ids: int | None) -> tuple[int, ...]:
    return tuple(_known(ids))
