"""The floor as it is this minute: who is on which case since when, what they did today, what was blocked, who has nothing in hand, how
deep the queues are. A constant number of statements, however many people there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Q, Sum
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection import absences
from collection.models import Case, Collector, Contact, Place, Promise
from collection.models.case import Channel
from collection.team import BUCKETS, SPOKEN_TO, Line
from credit.accrual import bucket_name
from customers.models import ContactVerdict
from governance.models import LegalEntity, User

ZERO = Decimal("0.00")
IDLE_AFTER = timedelta(minutes=15)
MANY_BLOCKS = 5  # of one person in a day: somebody asks why
CALLS = (Channel.CALL, Channel.INBOUND)


@dataclass
class Seat:
    """One collector this minute."""

    person: User
    case: Case | None = None
    since: datetime | None = None
    calls: int = 0
    connects: int = 0
    promises: int = 0
    promised: Decimal = ZERO
    cash: Decimal = ZERO
    blocks: int = 0
    last_at: datetime | None = None
    away: bool = False
    works: bool = False  # who is not on the roster has no hours to be idle in

    def idle(self, at: datetime) -> bool:
        """Return whether they are in, hold nothing, and did nothing for a while."""
        quiet = self.last_at is None or self.last_at < at - IDLE_AFTER
        return self.works and not self.away and self.case is None and quiet


@dataclass
class Depth:
    """One queue: cases of a bucket that may be worked now, and how many of them nobody was given."""

    bucket: int
    waiting: int
    free: int

    @property
    def name(self) -> str:
        return bucket_name(self.bucket)


@dataclass
class Floor:
    """The whole board of a moment."""

    seats: list[Seat]
    depths: list[Depth]
    blocks_by_rule: list[tuple[str, int]] = field(default_factory=list)

    def sum(self, name: str) -> Any:
        return sum((getattr(seat, name) for seat in self.seats), ZERO if name in ("promised", "cash") else 0)


def read(user: User, lines: Sequence[Line], *, entity: LegalEntity, at: datetime, on: date) -> Floor:
    """Return the board of those `lines` name: what a supervisor's `team.board` found, with what changes by the minute."""
    seats = {line.person.pk: Seat(line.person, cash=line.collected) for line in lines if line.person is not None}
    known = list(seats)
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    cases = Case.objects.visible_to(user)
    for case in (
        cases.in_work()
        .filter(claimed_by__in=known, claimed_until__gt=at)
        .only("public_id", "bucket", "dpd", "claimed_by", "claimed_at", "status")
    ):
        seat = seats[case.claimed_by_id or 0]
        if seat.since is None or (case.claimed_at is not None and case.claimed_at > seat.since):
            seat.case, seat.since = case, case.claimed_at
    today = Contact.objects.filter(actor__in=known, at__gte=midnight, at__lte=at).order_by().values_list("actor")
    spoken = Q(channel__in=CALLS, outcome__in=SPOKEN_TO)
    for person, calls, connects, last in today.annotate(
        calls=Count("pk", filter=Q(channel__in=CALLS)), connects=Count("pk", filter=spoken), last=Max("at")
    ):
        seats[person].calls, seats[person].connects, seats[person].last_at = calls, connects, last
    taken = Promise.objects.visible_to(user).filter(taken_on=on, taken_by__in=known).order_by().values_list("taken_by")
    for person, number, amount in taken.annotate(n=Count("pk"), sum=Sum("amount")):
        seats[person].promises, seats[person].promised = number, amount
    refused = (
        ContactVerdict.objects.filter(at__gte=midnight, at__lte=at, actor__in=known).exclude(verdict=ContactVerdict.Kind.ALLOW).order_by()
    )
    by_rule: dict[str, int] = {}
    for person, rule, number in refused.values_list("actor", "rule").annotate(n=Count("pk")):
        seats[person].blocks += number
        by_rule[rule] = by_rule.get(rule, 0) + number
    away = absences.away_on(entity, on)
    clock = at.astimezone(ZoneInfo(entity.zone))
    for row in Collector.objects.filter(user__in=known):
        seats[row.user_id].works = clock.weekday() in row.workdays and row.works_from <= clock.time() < row.works_until
    for seat in seats.values():
        seat.away = seat.person.pk in away
        if seat.since is not None and (seat.last_at is None or seat.since > seat.last_at):
            seat.last_at = seat.since
    return Floor(list(seats.values()), depths(cases, at=at), sorted(by_rule.items(), key=lambda pair: (-pair[1], pair[0])))


def depths(cases: Any, *, at: datetime) -> list[Depth]:
    """Return how many cases of each bucket wait to be worked, and how many of them nobody was given; one statement."""
    free = Q(claimed_by__isnull=True) | Q(claimed_until__lte=at)
    rows = cases.in_work().filter(free).exclude(place__in=(Place.LATER, Place.SMALL)).order_by().values_list("bucket")
    found = {bucket: (n, pool) for bucket, n, pool in rows.annotate(n=Count("pk"), pool=Count("pk", filter=Q(assigned_to=None)))}
    return [Depth(bucket, *found.get(bucket, (0, 0))) for bucket in BUCKETS]


def alerts(floor: Floor, *, at: datetime) -> list[dict[str, str]]:
    """Return what wants a supervisor's eye now, the gravest first."""
    found = [
        {
            "tone": "warn",
            "text": ngettext(
                "%(name)s: %(n)s contact refused by the policy today", "%(name)s: %(n)s contacts refused by the policy today", seat.blocks
            )
            % {"name": seat.person, "n": seat.blocks},
        }
        for seat in sorted(floor.seats, key=lambda seat: -seat.blocks)
        if seat.blocks >= MANY_BLOCKS
    ]
    idle = [str(seat.person) for seat in floor.seats if seat.idle(at)]
    if idle:
        found.append({"tone": "caution", "text": _("Nothing in hand for 15 minutes: %(names)s") % {"names": ", ".join(idle)}})
    away = [str(seat.person) for seat in floor.seats if seat.away]
    if away:
        found.append({"tone": "special", "text": _("Away today: %(names)s") % {"names": ", ".join(away)}})
    return found
