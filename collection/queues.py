"""Which case comes next, and why: the data behind the desk's top card."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection import cases, windows
from collection.models import Case, CaseDebt, CaseQuerySet, Place, Promise
from collection.models.case import LYING
from collection.places import silent_days
from credit import books
from crm.lib import pages
from crm.lib.among import among_words
from crm.lib.errors import Invalid
from crm.lib.templatetags.crm import spoken
from governance import uses
from governance.models import LegalEntity, User

SHOWN = 6  # the next one and five more
REASONS = 3
WHERE = tuple(LYING)  # own, team, pool: the order in which they are worked


@dataclass(frozen=True)
class Item:
    """A case of the queue with at most three sentences why it stands here, the weightiest first."""

    case: Case
    reasons: list[str]


def today(user: Any, at: datetime) -> date:
    """Return the day a person works in: the open business date of their books, or the calendar's where that is later."""
    entity = house_of(user)
    return books.value_day(entity, at) if entity else localdate(at)


def house_of(user: Any) -> LegalEntity | None:
    return user.team.legal_entity if user.team_id else LegalEntity.objects.order_by("pk").first()


def lender_of(user: Any) -> LegalEntity:
    """Return the lender a person works for: its plans and sums are theirs to read.

    :raises Invalid: while there is none
    """
    entity = house_of(user)
    if entity is None:
        raise Invalid(_("There is no lender yet."))
    return entity


def waiting(user: User, *, at: datetime) -> CaseQuerySet:
    """Return the queue of `user` at `at`, in its order."""
    return Case.objects.queue(user, at=at, on=today(user, at))


def counts(user: User, *, at: datetime) -> list[tuple[str, Any, str]]:
    """Return the queues of `user` with how many cases lie free in each, capped: name, words, count."""
    rows = Case.objects.waiting(user, at=at, on=today(user, at))
    words = {"own": _("Given to me"), "team": _("My team"), "pool": _("Pool")}
    found = pages.count_labels([rows.lying(user, where).order_by() for where in WHERE])
    return [(where, words[where], count) for where, count in zip(WHERE, found, strict=True)]


# Who stands before an empty queue of their own is the rule; whether it is empty the indexes `case_assigned` and `case_queue` say at once.
LOOK = """
SELECT (SELECT languages FROM collections_collector WHERE user_id = %(user)s),
    EXISTS (SELECT FROM collections_case WHERE assigned_to_id = %(user)s AND claimed_by_id IS NULL AND status IN ('open', 'worked')),
    EXISTS (
        SELECT FROM collections_case
        WHERE team_id = %(team)s AND assigned_to_id IS NULL AND claimed_by_id IS NULL AND status IN ('open', 'worked')
    ),
    EXISTS (SELECT FROM collections_case WHERE claimed_by_id IS NOT NULL AND claimed_until <= %(at)s)
"""


@dataclass(frozen=True)
class Glance:
    """What one look tells before the queue is read: the languages `user` speaks, their queues that hold anything, and whether a hold ran out."""

    languages: list[str]
    filled: list[str]
    run_out: bool

    def fit(self, rows: CaseQuerySet) -> CaseQuerySet:
        """Narrow to customers whose language is spoken; who has said no language takes any, and so does a customer without one."""
        return rows.filter(Q(customer__language="") | Q(customer__language__in=self.languages)) if self.languages else rows


def glance(user: User, *, at: datetime) -> Glance:
    """Return what is to be known before the queue is read; one statement, each part of which an index answers.

    Most people's own queue is empty: to read it in full as the pool is read, three times for each claim, was half of what a claim took.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            LOOK,
            {
                "user": user.pk,
                "team": user.team_id,
                "at": at,
            },
        )
        languages, own, team, run_out = cursor.fetchone()
    filled = {"own": own, "team": team, "pool": True}
    return Glance(languages or [], [where for where in WHERE if filled[where]], run_out)


def strands(
    user: User, *, at: datetime, where: Sequence[str] = WHERE, within: CaseQuerySet | None = None, seen: Glance | None = None
) -> Iterator[CaseQuerySet]:
    """Yield what lies free for `user`, strand by strand in the order they are worked; each is read in order by its index.

    Cases whose customer may be called now by their own clock come first, those for whom it is night after all of them.

    :param within: only cases of these, as a saved view narrows them
    :param seen: what `glance` told already
    """
    seen = seen or glance(user, at=at)
    rows = seen.fit(Case.objects.waiting(user, at=at, on=today(user, at)))
    if within is not None:
        rows = rows.filter(pk__in=within.order_by().values("pk"))
    house = house_of(user)
    closed = windows.asleep(house, at=at) if house else ()
    for by_day in (True, False) if closed else (True,):
        now = rows.exclude(customer__zone__among=among_words(closed)) if by_day else rows.filter(customer__zone__among=among_words(closed))
        for each in where:
            if each in seen.filled:
                yield now.lying(user, each)


def upcoming(
    user: User, *, at: datetime, limit: int = SHOWN, where: Sequence[str] = WHERE, within: CaseQuerySet | None = None
) -> list[Item]:
    """Return the next cases for `user`, each with why it stands where it stands."""
    found: list[Case] = []
    for rows in strands(user, at=at, where=where, within=within):
        found += list(rows.select_related("customer", "branch")[: limit - len(found)])
        if len(found) >= limit:
            break
    on = today(user, at)
    uses.bind([case.customer for case in found], "collections", actor=user, at=at)
    late = CaseDebt.objects.filter(case__in=found, dpd__gt=0).values_list("case_id")
    loans = dict(late.annotate(Count("pk")).order_by("case_id"))
    due = promises_of(found)
    return [Item(case, why(case, user=user, at=at, on=on, loans=loans.get(case.pk, 1), promised=due.get(case.pk))) for case in found]


def promises_of(found: Sequence[Case]) -> dict[int, Promise]:
    """Return the promise that runs in each case; one query."""
    return {promise.case_id: promise for promise in Promise.objects.running().filter(case__in=found)}


def take_next(user: User, *, at: datetime, where: Sequence[str] = WHERE, within: CaseQuerySet | None = None) -> Case | None:
    """Take the first case of the queue; None when the queue is empty.

    Of many who ask at once each gets another one: a row that somebody is taking is passed over, not waited for.
    """
    seen = glance(user, at=at)
    if seen.run_out:
        cases.release_expired(at=at)
        seen = glance(user, at=at)
    for rows in strands(user, at=at, where=where, within=within, seen=seen):
        with transaction.atomic():
            first = rows.select_for_update(of=("self",), skip_locked=True)[:1]
            case = next(islice(first, 1), None)  # not `first()`, which would order anew
            if case is not None:
                return cases.hold(case, actor=user, at=at)
    return None


def why(case: Case, *, user: User, at: datetime, on: date, loans: int, promised: Promise | None = None) -> list[str]:
    """Return why `case`, with so many overdue loans, stands where it stands: at most three sentences, the deciding one first."""
    reasons = [_("Assigned to you")] if case.assigned_to_id == user.pk else []
    reasons += [_("Given to your team")] if case.team_id and case.assigned_to_id is None else []
    if case.broken_on is not None:
        reasons.append(
            _("Promise broken today") if case.broken_on >= on else _("Promise broken on %(day)s") % {"day": case.broken_on.isoformat()}
        )
    elif case.next_action_on is not None:
        words = {"action": case.get_next_action_display(), "day": case.next_action_on.isoformat()}
        reasons.append(
            _("%(action)s planned for today") % words if case.next_action_on >= on else _("%(action)s was planned for %(day)s") % words
        )
    elif case.place == Place.MOVED and case.moved_on is not None:
        words = {"bucket": case.bucket_label, "day": case.moved_on.isoformat()}
        reasons.append(_("Moved to %(bucket)s on %(day)s") % words)
    elif case.place == Place.SILENT and (case.last_contact_at is None or case.last_contact_at < at - timedelta(days=1)):
        reasons.append(silence(case, at))
    if promised is not None:
        words = {"amount": spoken(promised.amount), "day": promised.last_due_on.isoformat()}
        reasons.append(_("%(amount)s promised by %(day)s") % words)
    if case.expected_recovery:
        reasons.append(_("A contact is expected to bring %(amount)s") % {"amount": spoken(case.expected_recovery)})
    reasons.append(
        ngettext(
            "%(amount)s overdue on %(loans)s loan, %(days)s days past due (%(bucket)s)",
            "%(amount)s overdue on %(loans)s loans, %(days)s days past due (%(bucket)s)",
            loans,
        )
        % {"amount": spoken(case.overdue_amount), "loans": loans, "days": case.dpd, "bucket": case.bucket_label}
    )
    return reasons[:REASONS]


def silence(case: Case, at: datetime) -> str:
    if case.last_contact_at is None:
        return _("Not contacted yet")
    days = (at - case.last_contact_at).days
    return ngettext("Not contacted for %(n)s day", "Not contacted for %(n)s days", days) % {"n": days}


def next_due(user: User, *, at: datetime) -> date | None:
    """Return the day the next planned action brings a case back into the queue, None when nothing is planned."""
    on = today(user, at)
    later = Case.objects.in_work().visible_to(user).filter(LYING["own"](user) | LYING["team"](user) | LYING["pool"](user))
    return later.filter(next_action_on__gt=on).order_by("next_action_on").values_list("next_action_on", flat=True).first()


__all__ = ["SHOWN", "WHERE", "Item", "counts", "next_due", "silent_days", "take_next", "today", "upcoming", "waiting", "why"]
