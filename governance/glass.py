"""Doors of emergency access: the rows of one customer outside one's scope, for a reason, for an hour at most, and reviewed.

It opens rows, never permissions: whoever may view customers views this one too, and does to it what their role does to others.
Compliance and the person who answers for the customer are told at once; every entry of the time carries the act's number; it ends by
itself; somebody else reviews it within a working day. How often a person may is a rule (`governance.glass.quota`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed
from crm.lib.registry import Registry
from governance import notices, permissions, rules, standing
from governance.models import BreakGlass, User
from ledger import log
from ledger.models import Entry

MINUTES, QUOTA = "governance.glass.minutes", "governance.glass.quota"
SHORTEST, LONGEST = 20, 500


class QuotaSpent(DomainError):
    """This quarter's uses are spent."""

    code = "quota_spent"


class NotNeeded(Invalid):
    """The person sees the record already."""

    code = "not_needed"


class OwnGlass(NotAllowed):
    """Nobody reviews what they did themselves."""

    code = "own_glass"


@dataclass(frozen=True)
class Record:
    """The customer whose rows are asked for."""

    id: int
    public_id: str
    url: str
    owner: User | None  # who answers for it, told at once
    seen: bool  # whether the person sees it without


# Said by the app that keeps customers: (user, public id) → the record, None when the lender has none of that number.
FINDERS: Registry[Callable[[User, str], Record | None]] = Registry("record finder")


def quarter(day: date) -> date:
    """Return the first day of the quarter."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def review_due(at: datetime) -> datetime:
    """Return the end of the next working day (Monday to Friday) after `at`, in the installation's zone."""
    day = localtime(at) + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day.replace(hour=18, minute=0, second=0, microsecond=0)


def left_in_quarter(user: User, *, at: datetime) -> int:
    """Return how often `user` may still break the glass this quarter."""
    on = localtime(at).date()
    used = BreakGlass.objects.filter(user=user.pk, started_at__date__gte=quarter(on)).count()
    return max(0, int(rules.value(QUOTA, on=on)) - used)


@transaction.atomic
def break_(public_id: str, *, reason: str, minutes: int, actor: User, at: datetime) -> BreakGlass:
    """Open the rows of one customer to `actor` for `minutes`.

    :param minutes: from 5 to what the rule `governance.glass.minutes` allows, 60 at most
    :raises NotAllowed: without the permission
    :raises Invalid: without a reason of 20 characters, or for a number that is no customer of the lender
    :raises NotNeeded: if the actor sees the customer anyway
    :raises QuotaSpent: if this quarter's uses are spent; of two at once the second is told
    """
    if permissions.BREAK_GLASS not in actor.own_codes:
        raise NotAllowed(_("Your role has no emergency access."))
    reason = reason.strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        sentence = _("Say why, in 20 to 500 characters: somebody reviews it.")
        raise Invalid(sentence, fields={"reason": sentence})
    longest = min(int(rules.value(MINUTES, on=localtime(at).date())), 60)
    if not 5 <= minutes <= longest:
        bounds = _("From 5 to %(most)s minutes.") % {"most": longest}
        raise Invalid(bounds, fields={"minutes": bounds})
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if not left_in_quarter(actor, at=at):
        raise QuotaSpent(_("Your emergency accesses of this quarter are spent. Ask your supervisor or compliance."))
    found = next((one for find in FINDERS.values() if (one := find(actor, public_id)) is not None), None) if "\0" not in public_id else None
    if found is None:
        sentence = _("There is no customer of this number.")
        raise Invalid(sentence, fields={"public_id": sentence})
    if found.seen:
        sentence = _("You see this customer already.")
        raise NotNeeded(sentence, fields={"public_id": sentence})
    row = BreakGlass.objects.create(
        user=actor, customer_id=found.id, subject=found.public_id, reason=reason, started_at=at, until=at + timedelta(minutes=minutes),
        review_due_at=review_due(at),
    )  # fmt: skip
    standing.remember(actor.pk, until=row.until)
    log.record(
        "governance.glass.broken",
        row,
        actor=actor,
        at=at,
        customer_id=found.id,
        of=found.public_id,
        minutes=minutes,
        break_glass=row.public_id,
    )
    url = reverse("glass", args=[row.public_id])
    told = reviewers(but=actor)
    notices.tell(told, code="glass.broken", key=f"glass:{row.public_id}", url=url, at=at, actor=actor)
    if found.owner is not None and found.owner.pk not in {one.pk for one in told}:
        notices.tell([found.owner], code="glass.own", key=f"glass:{row.public_id}", url=found.url, at=at, actor=actor)
    return row


def reviewers(*, but: User) -> list[User]:
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permissions.REVIEW_GLASS])
    return list(people.exclude(pk=but.pk).order_by("pk"))


@transaction.atomic
def give_back(row: BreakGlass, *, actor: User, at: datetime) -> BreakGlass:
    """End it before its time.

    :raises NotAllowed: if it is another person's and the actor reviews none
    """
    if actor.pk != row.user_id and not actor.has_perm(permissions.REVIEW_GLASS):
        raise NotAllowed(_("Only the person who opened it, or who reviews it, ends it."))
    if BreakGlass.objects.filter(pk=row.pk, ended_at__isnull=True, until__gt=at).update(ended_at=at):
        log.record("governance.glass.given_back", row, actor=actor, at=at, of=row.subject, break_glass=row.public_id)
    row.refresh_from_db()
    return row


@transaction.atomic
def review(row: BreakGlass, *, verdict: str, words: str, actor: User, at: datetime) -> BreakGlass:
    """Say whether it was justified; once, by another person, after it is over.

    :raises OwnGlass: if the actor broke it, or acts for who did
    :raises Invalid: without words, before it is over, or a second time
    """
    if not actor.has_perm(permissions.REVIEW_GLASS):
        raise NotAllowed(_("You may not review emergency access."))
    if actor.is_also(row.user_id):
        raise OwnGlass(_("Nobody reviews their own emergency access."))
    if verdict not in BreakGlass.Verdict.values:
        raise Invalid(_("Say whether it was justified."), fields={"verdict": _("Say whether it was justified.")})
    words = words.strip()
    if not 0 < len(words) <= LONGEST:
        raise Invalid(_("Words are needed."), fields={"words": _("Say what you found, in 500 characters at most.")})
    held = BreakGlass.objects.select_for_update().get(pk=row.pk)
    if held.is_open(at):
        raise Invalid(_("It is not over yet: end it first, then review it."))
    if held.verdict:
        raise Invalid(_("It is reviewed already."))
    held.verdict, held.words, held.reviewed_by, held.reviewed_at = verdict, words, actor, at
    held.save(update_fields=["verdict", "words", "reviewed_by", "reviewed_at"])
    log.record(
        "governance.glass.reviewed", held, actor=actor, at=at, verdict=verdict, break_glass=held.public_id, late=at > held.review_due_at
    )
    notices.tell([held.user], code="glass.reviewed", key=f"glass.reviewed:{held.public_id}", url=reverse("glass-list"), at=at, actor=actor)
    return held


def visible_to(user: User) -> QuerySet[BreakGlass]:
    """Return one's own acts; every one for those who review them or look at the reviews."""
    rows = BreakGlass.objects.select_related("user", "reviewed_by")
    every = user.has_perm(permissions.VIEW_GLASS) or user.has_perm(permissions.REVIEW_GLASS)
    return rows if every else rows.filter(user=user)


def to_review(user: User) -> QuerySet[BreakGlass]:
    """Return the acts of others that wait for a review, the first due first."""
    return BreakGlass.objects.filter(verdict="").exclude(user=user).select_related("user").order_by("review_due_at", "pk")


def traces(row: BreakGlass) -> QuerySet[Entry]:
    """Return what was done under the act, as the ledger marks it."""
    rows = Entry.objects.filter(actor_id=row.user_id, at__gte=row.started_at, at__lte=row.until, facts__break_glass=row.public_id)
    return rows.order_by("pk")


@notices.words("glass.broken", icon="warnings", tone="warn")
def _broken(notice: Any) -> Any:
    return _("Somebody opened a customer's records by emergency access. Review it within a working day.")


@notices.words("glass.own", icon="warnings", tone="warn")
def _own(notice: Any) -> Any:
    return _("Somebody outside your team opened one of your customers by emergency access.")


@notices.words("glass.reviewed", icon="decisions")
def _reviewed(notice: Any) -> Any:
    return _("Your emergency access was reviewed.")
