"""Who works cases, what they can, how much they carry: read by assignment, by the capacity plan and by the board."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count

from collection import absences, permissions
from collection.models import Case, Collector
from governance.models import LegalEntity, User
from governance.models.identity import Scope


@dataclass(slots=True)
class Hand:
    """One person of the roster; `load` is the open cases assigned to them, `most` what they carry, None for no limit."""

    user: User
    languages: frozenset[str]
    skills: frozenset[str]
    path: str
    sees: str | None  # the path of teams whose cases they reach; None for every case, and for whoever is given one
    most: int | None
    daily: int
    load: int = 0

    def speaks(self, language: str) -> bool:
        """Return whether they speak a customer's language; who has said none speaks any, and so does a customer without one."""
        return not self.languages or not language or language in self.languages

    def can(self, skill: str) -> bool:
        return not skill or not self.skills or skill in self.skills

    def reaches(self, branch_path: str) -> bool:
        return self.sees is None or branch_path.startswith(self.sees)


def hand_of(row: Collector) -> Hand:
    """Return a person of the roster as the rules see them."""
    user = row.user
    given = user.scope == Scope.OWN or bool(user.role and user.role.own_cases)  # what is given to them they reach
    return Hand(
        user=user,
        languages=frozenset(row.languages),
        skills=frozenset(row.skills),
        path=user.team.path if user.team else "",
        sees=None if given or user.root is None else user.root.path,
        most=row.most_cases,
        daily=row.daily_contacts,
    )


def hands(entity: LegalEntity, *, on: date) -> list[Hand]:
    """Return the people of the roster who may work cases and are not away on a day, with their load; three queries."""
    rows = Collector.objects.filter(
        user__is_active=True, user__role__permissions__contains=[permissions.CLAIM], user__team__legal_entity=entity
    )
    away = absences.away_on(entity, on)
    found = [hand_of(row) for row in rows.exclude(user__in=away).select_related("user__role", "user__team").order_by("user_id")]
    loads = loads_of(hand.user.pk for hand in found)
    for hand in found:
        hand.load = loads.get(hand.user.pk, 0)
    return found


def loads_of(people: Iterable[int]) -> dict[int, int]:
    """Return how many open cases are assigned to each."""
    rows = Case.objects.open().filter(assigned_to__in=list(people)).order_by().values_list("assigned_to").annotate(n=Count("pk"))
    return dict(rows)
