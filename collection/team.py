"""The team at a glance: who has what in hand, who was in touch with whom, what came in. One statement per figure."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.timezone import localtime

from collection import figures, permissions
from collection.models import Case, Contact, Outcome, Promise
from credit.accrual import LAST_BUCKET
from governance.models import User

ZERO = Decimal("0.00")
BUCKETS = range(1, LAST_BUCKET + 1)
SPOKEN_TO = (Outcome.RIGHT_PARTY, Outcome.REFUSED, Outcome.PROMISE, Outcome.DISPUTE, Outcome.HARDSHIP)


@dataclass
class Line:
    """One collector of the board; the line of nobody holds what lies in the pool."""

    person: User | None
    assigned: int = 0
    held: int = 0
    contacts: int = 0
    reached: int = 0
    due: int = 0
    kept: int = 0
    broken: int = 0
    collected: Decimal = ZERO
    buckets: dict[int, tuple[int, Decimal]] = field(default_factory=dict)

    @property
    def cells(self) -> list[tuple[int, int, Decimal]]:
        """The line of the matrix: bucket, cases, overdue amount."""
        return [(bucket, *self.buckets.get(bucket, (0, ZERO))) for bucket in BUCKETS]

    @property
    def overdue(self) -> Decimal:
        return sum((amount for _cases, amount in self.buckets.values()), ZERO)


def workers(user: User) -> QuerySet[User]:
    """Return the people a supervisor may give cases to: those below them who may claim."""
    people = User.objects.filter(is_active=True, role__permissions__contains=[permissions.CLAIM])
    if user.root is not None:
        people = people.filter(team__path__startswith=user.root.path)
    elif user.team is not None:
        people = people.filter(team__legal_entity=user.team.legal_entity_id)
    return people.order_by("name", "pk")


def board(user: User, *, at: datetime, on: date, days: int) -> list[Line]:
    """Return one line per collector `user` may give cases to, and one of the pool; kept and broken are of the last `days`."""
    lines: dict[int | None, Line] = {person.pk: Line(person) for person in workers(user)}
    lines[None] = Line(None)
    cases = Case.objects.visible_to(user)
    rows = cases.open().order_by().values_list("assigned_to", "bucket").annotate(Count("pk"), Sum("overdue_amount"))
    for person, bucket, number, amount in rows:
        line = lines.get(person)
        if line is not None:
            line.assigned += number
            line.buckets[bucket] = (number, amount)
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    known = [person for person in lines if person is not None]
    counted: list[tuple[str, Any]] = [
        ("held", cases.open().filter(claimed_until__gt=at).order_by().values_list("claimed_by").annotate(Count("pk"))),
        (
            "due",
            Promise.objects.visible_to(user).running().filter(parts__due_on=on).order_by().values_list("taken_by")
            .annotate(Count("pk", distinct=True)),
        ),
    ]  # fmt: skip
    for name, found in counted:
        for person, number in found:
            if person in lines:
                setattr(lines[person], name, number)
    today = Contact.objects.filter(actor__in=known, at__gte=midnight).order_by().values_list("actor")
    for person, number, reached in today.annotate(number=Count("pk"), reached=Count("pk", filter=Q(outcome__in=SPOKEN_TO))):
        lines[person].contacts, lines[person].reached = number, reached
    ended = Promise.objects.visible_to(user).filter(ended_on__gt=on - timedelta(days=days)).order_by()
    for person, status, number in ended.values_list("taken_by", "status").annotate(Count("pk")):
        if person in lines and status in ("kept", "broken"):
            setattr(lines[person], status, number)
    for person, amount in figures.collected(cases, since=on, until=on, by="who").items():
        if person in lines:
            lines[person].collected = amount
    return list(lines.values())


def totals(lines: list[Line]) -> Line:
    """Return the sum of a board's lines."""
    whole = Line(None)
    buckets: dict[int, tuple[int, Decimal]] = defaultdict(lambda: (0, ZERO))
    for line in lines:
        for name in ("assigned", "held", "contacts", "reached", "due", "kept", "broken", "collected"):
            setattr(whole, name, getattr(whole, name) + getattr(line, name))
        for bucket, (number, amount) in line.buckets.items():
            buckets[bucket] = (buckets[bucket][0] + number, buckets[bucket][1] + amount)
    whole.buckets = dict(buckets)
    return whole
