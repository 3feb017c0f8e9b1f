"""Which case comes next, and why: the data behind the desk's top card."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection import cases
from collection.cases import AssignedElsewhere, CaseClosed, Taken
from collection.contested import CaseFrozen
from collection.models import Case, CaseDebt, CaseQuerySet, Place
from credit import books
from crm.lib.templatetags.crm import spoken
from governance import rules, uses
from governance.models import LegalEntity, User

SHOWN = 6  # the next one and five more
REASONS = 3
ROUNDS = 5  # how often a lost race is tried again; each round somebody else has taken six cases


@dataclass(frozen=True)
class Item:
    """A case of the queue with at most three sentences why it stands here, the weightiest first."""

    case: Case
    reasons: list[str]


def today(user: Any, at: datetime) -> date:
    """Return the day a person works in: the open business date of their books, or the calendar's where that is later."""
    entity = user.team.legal_entity if user.team_id else LegalEntity.objects.order_by("pk").first()
    return books.value_day(entity, at) if entity else localdate(at)


def silent_days(on: date) -> int:
    """Return after how many days without contact a case moves up."""
    return int(rules.value("collections.queue.silent_days", on=on))


def waiting(user: User, *, at: datetime) -> CaseQuerySet:
    """Return the queue of `user` at `at`, in its order."""
    on = today(user, at)
    return Case.objects.queue(user, at=at, on=on, silent_days=silent_days(on))


def upcoming(user: User, *, at: datetime, limit: int = SHOWN) -> list[Item]:
    """Return the next cases for `user`, each with why it stands where it stands."""
    on = today(user, at)
    silent = silent_days(on)
    rows = list(Case.objects.queue(user, at=at, on=on, silent_days=silent).select_related("customer", "branch")[:limit])
    uses.bind([case.customer for case in rows], "collections", actor=user, at=at)
    late = CaseDebt.objects.filter(case__in=rows, dpd__gt=0).values_list("case_id")
    loans = dict(late.annotate(Count("pk")).order_by("case_id"))
    return [Item(case, why(case, user=user, at=at, on=on, loans=loans.get(case.pk, 1), silent=silent)) for case in rows]


def take_next(user: User, *, at: datetime) -> Case | None:
    """Take the first case of the queue that nobody takes before; None when the queue is empty."""
    for _round in range(ROUNDS):
        rows = list(waiting(user, at=at)[:SHOWN])
        for case in rows:
            try:
                return cases.claim(case, actor=user, at=at)
            except (Taken, CaseClosed, AssignedElsewhere, CaseFrozen):
                continue  # somebody was faster: the one after it is as good
        if not rows:
            break
    return None


def why(case: Case, *, user: User, at: datetime, on: date, loans: int, silent: int) -> list[str]:
    """Return why `case`, with so many overdue loans, stands where it stands: at most three sentences, the deciding one first."""
    reasons = [_("Assigned to you")] if case.assigned_to_id == user.pk else []
    place = place_of(case, at=at, silent=silent)
    if place == Place.BROKEN and case.broken_on is not None:
        reasons.append(
            _("Promise broken today") if case.broken_on >= on else _("Promise broken on %(day)s") % {"day": case.broken_on.isoformat()}
        )
    elif place == Place.PLANNED and case.next_action_on is not None:
        words = {"action": case.get_next_action_display(), "day": case.next_action_on.isoformat()}
        reasons.append(
            _("%(action)s planned for today") % words if case.next_action_on >= on else _("%(action)s was planned for %(day)s") % words
        )
    elif place == Place.MOVED and case.moved_on is not None:
        words = {"bucket": case.bucket_label, "day": case.moved_on.isoformat()}
        reasons.append(_("Moved to %(bucket)s on %(day)s") % words)
    elif place == Place.SILENT:
        reasons.append(silence(case, at))
    reasons.append(_("%(days)s days past due, %(bucket)s") % {"days": case.dpd, "bucket": case.bucket_label})
    reasons.append(
        ngettext("%(amount)s overdue on %(loans)s loan", "%(amount)s overdue on %(loans)s loans", loans)
        % {"amount": spoken(case.overdue_amount), "loans": loans}
    )
    return reasons[:REASONS]


def place_of(case: Case, *, at: datetime, silent: int) -> int:
    """Return the place of a case as `CaseQuerySet.queue` orders it, for one that was read otherwise."""
    if case.broken_on is not None:
        return Place.BROKEN
    if case.next_action_on is not None:
        return Place.PLANNED
    if case.moved_on is not None:
        return Place.MOVED
    return Place.SILENT if case.last_contact_at is None or (at - case.last_contact_at).days >= silent else Place.WEIGHT


def silence(case: Case, at: datetime) -> str:
    if case.last_contact_at is None:
        return _("Not contacted yet")
    days = (at - case.last_contact_at).days
    return ngettext("Not contacted for %(n)s day", "Not contacted for %(n)s days", days) % {"n": days}


def next_due(user: User, *, at: datetime) -> date | None:
    """Return the day the next planned action brings a case back into the queue, None when nothing is planned."""
    on = today(user, at)
    later = Case.objects.open().visible_to(user).filter(Q(assigned_to__isnull=True) | Q(assigned_to=user.pk))
    return later.filter(next_action_on__gt=on).order_by("next_action_on").values_list("next_action_on", flat=True).first()
