"""What a person stands for beside their own role: rights that were lent to them, and a record opened by breaking the glass.

The rule of rows, written once. A permission opens the rows of the role it comes from: one's own permission the own rows, a lent one the
lender's rows, for the time of the delegation. `needs`, the API and the home page say which permission is being used (`User.asked`); where
none is named, only own rows open. So no pair of permission and row comes about that neither person has. Breaking the glass adds the rows
of one customer to whatever permission its owner holds themselves. Every list and every single read passes through here.
"""

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Q, Value, When
from django.db.models.functions import Greatest
from django.utils.timezone import now

if TYPE_CHECKING:
    from governance.models import User


def moment() -> datetime:
    """Return the moment at which rights are asked for: `visible_to` and `has_perm` are asked by a request and take none."""
    return now()


def givers(user: "User") -> "list[User]":
    """Return those who lent `user` their rights, now; one query."""
    from governance.models import Delegation

    rows = Delegation.objects.in_force(moment()).filter(taker=user.pk)
    people = {row.giver_id: row.giver for row in rows.select_related("giver__role", "giver__team__legal_entity").order_by("pk")}
    return list(people.values())


def open_glass(user: "User") -> dict[int, str]:
    """Return the customers `user` opened by breaking the glass, now; one query."""
    from governance.models import BreakGlass

    rows = BreakGlass.objects.filter(user=user.pk, ended_at__isnull=True, started_at__lte=moment(), until__gt=moment())
    return dict(rows.order_by("pk").values_list("customer_id", "public_id"))


def widened(rows: Any, user: "User") -> Any:
    """Narrow `rows` to what `user` sees by all that stands for them at the moment."""
    if user.previews is not None:
        return _both(rows, user)
    people = user.through
    glass = _glass(rows, user)
    if glass is None and [person.pk for person in people] == [user.pk]:
        return rows.reached_by(user)
    every = rows.model._default_manager.all()
    seen = Q(pk__in=[]) if glass is None else glass
    for person in people:
        seen |= Q(pk__in=every.reached_by(person).values("pk"))
    return rows.filter(seen)


def first_for(rows: Any, user: "User") -> Any:
    """Return the first of `rows` that `user` may see, and remember for whom it was opened; None when there is none."""
    if user.previews is not None:
        return _both(rows, user).first()
    for person in user.through:
        found = rows.reached_by(person).first()
        if found is not None:
            user.stands_in = None if person.pk == user.pk else person
            return found
    glass = _glass(rows, user)
    return None if glass is None else rows.filter(glass).first()


def _both(rows: Any, user: "User") -> Any:
    """Narrow to what both see: the person themselves, without the preview, and the one they look through the eyes of."""
    whole, other, every = copy(user), user.previews, rows.model._default_manager.all()
    assert other is not None  # asked for by the caller
    whole.previews, other.asked = None, user.asked
    return rows.filter(pk__in=every.visible_to(whole).values("pk")).filter(pk__in=every.visible_to(other).values("pk"))


def _glass(rows: Any, user: "User") -> Q | None:
    """Return the condition of the rows under broken glass; only one's own permissions reach them."""
    if not user.glass or not rows.scope_customer or (user.asked and user.asked not in user.own_codes):
        return None
    return Q(**{f"{rows.scope_customer}__in": list(user.glass)})


def remember(user_id: int, *, until: datetime) -> None:
    """Note on the person that something may stand for them until then."""
    from governance.models import User

    User.objects.filter(pk=user_id).update(
        extra_until=Case(When(extra_until__isnull=True, then=Value(until)), default=Greatest("extra_until", Value(until)))
    )


def codes_with(user: "User", codes: Iterable[str]) -> set[str]:
    """Return `codes` with all that is lent to `user`, or will be: what one person would hold together."""
    from governance.models import Delegation

    rows = Delegation.objects.standing(moment()).filter(taker=user.pk).select_related("role")
    return {*codes, *(code for row in rows for code in row.role.permissions)}


def beside(role_code: str) -> list[set[str]]:
    """Return what else is held by each person who holds a role and borrows another, either way round: one set for each."""
    from governance.models import Delegation

    rows = Delegation.objects.standing(moment()).filter(Q(role__code=role_code) | Q(taker__role__code=role_code))
    found: dict[int, set[str]] = {}
    for row in rows.select_related("role", "taker__role"):
        held = found.setdefault(row.taker_id, set())
        for role in (row.role, row.taker.role):
            if role is not None and role.code != role_code:
                held.update(role.permissions)
    return list(found.values())


def borrowers() -> "list[tuple[User, set[str]]]":
    """Return the people to whom something is lent, or will be, with all they hold together."""
    from governance.models import Delegation

    found: dict[int, tuple[User, set[str]]] = {}
    for row in Delegation.objects.standing(moment()).select_related("role", "taker__role"):
        own = row.taker.role.permissions if row.taker.role else []
        found.setdefault(row.taker_id, (row.taker, set(own)))[1].update(row.role.permissions)
    return list(found.values())
