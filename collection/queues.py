"""Which case comes next, and why: the data behind the desk's top card."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection.models import Case, CaseDebt, CaseQuerySet
from credit import books
from crm.lib.templatetags.crm import spoken
from governance.models import LegalEntity, User

SHOWN = 6  # the next one and five more
REASONS = 3


@dataclass(frozen=True)
class Item:
    """A case of the queue with at most three sentences why it stands here, the weightiest first."""

    case: Case
    reasons: list[str]


def today(user: Any, at: datetime) -> date:
    """Return the day a person works in: the open business date of their books, or the calendar's where that is later."""
    entity = user.team.legal_entity if user.team_id else LegalEntity.objects.order_by("pk").first()
    return books.value_day(entity, at) if entity else localdate(at)


def waiting(user: User, *, at: datetime) -> CaseQuerySet:
    """Return the queue of `user` at `at`, for counting and reading."""
    return Case.objects.queue(user, at=at, on=today(user, at))


def upcoming(user: User, *, at: datetime, limit: int = SHOWN) -> list[Item]:
    """Return the next cases for `user`: what a supervisor gave them first, then the pool; within each the gravest first.

    Own cases and the pool are read apart, because one order over both could not walk the index.
    """
    on = today(user, at)
    queue = waiting(user, at=at).select_related("customer", "branch")
    rows = list(queue.filter(assigned_to=user)[:limit])
    if len(rows) < limit:
        rows += list(queue.filter(assigned_to__isnull=True)[: limit - len(rows)])
    late = CaseDebt.objects.filter(case__in=rows, dpd__gt=0).values_list("case_id")
    loans = dict(late.annotate(Count("pk")).order_by("case_id"))
    return [Item(case, why(case, user=user, on=on, loans=loans.get(case.pk, 1))) for case in rows]


def why(case: Case, *, user: User, on: date, loans: int) -> list[str]:
    """Return why `case`, with so many overdue loans, stands where it stands: at most three sentences."""
    reasons = []
    if case.assigned_to_id == user.pk:
        reasons.append(_("Assigned to you"))
    if case.next_action_on is not None and case.next_action_on <= on:
        words = {"action": case.get_next_action_display(), "day": case.next_action_on.isoformat()}
        reasons.append(
            _("%(action)s planned for today") % words
            if case.next_action_on == on
            else _("%(action)s was planned for %(day)s") % words
        )
    reasons.append(_("%(days)s days past due, %(bucket)s") % {"days": case.dpd, "bucket": case.bucket_label})
    reasons.append(
        ngettext("%(amount)s overdue on %(loans)s loan", "%(amount)s overdue on %(loans)s loans", loans)
        % {"amount": spoken(case.overdue_amount), "loans": loans}
    )
    if case.last_contact_at is None:
        reasons.append(_("Not contacted yet"))
    return reasons[:REASONS]


def next_due(user: User, *, at: datetime) -> date | None:
    """Return the day the next planned action brings a case back into the queue, None when nothing is planned."""
    on = today(user, at)
    later = Case.objects.open().visible_to(user).filter(Q(assigned_to__isnull=True) | Q(assigned_to=user.pk))
    return later.filter(next_action_on__gt=on).order_by("next_action_on").values_list("next_action_on", flat=True).first()
