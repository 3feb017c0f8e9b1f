"""Four eyes: a change is proposed by one person and takes effect when another confirms it.

A kind of change is declared once, where its door is: who may confirm it, what stands now, what it does. Between proposal and
confirmation nothing is changed; if what stands has moved meanwhile, the proposal is stale and is made anew. Where nobody else could confirm
(an installation with one administrator), the change is made at once and marked so, in the ledger too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed, Stale
from crm.lib.registry import Registry
from governance import notices
from governance.lifecycle import move
from governance.models import ChangeRequest, User
from ledger import log

WAITS = timedelta(days=7)
LONGEST = 500
Status = ChangeRequest.Status


class AlreadyProposed(DomainError):
    """One change of a thing waits at a time."""

    code = "already_proposed"


class OwnChange(NotAllowed):
    """Nobody confirms what they proposed."""

    code = "own_change"


class NothingChanges(Invalid):
    code = "nothing_changes"


@dataclass(frozen=True)
class Line:
    """A line of the difference: a value before and after, or what is added to and removed from a set."""

    label: Any
    before: Any = ""
    after: Any = ""
    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Kind:
    """How a kind of change is checked, told and made."""

    label: Any
    check: str  # the permission of who may confirm or refuse
    standing: Callable[[str], dict[str, Any]]  # subject → what stands now; empty when there is nothing yet
    validate: Callable[[str, dict[str, Any]], None]  # raises a refusal for what cannot be
    lines: Callable[[dict[str, Any], dict[str, Any]], list[Line]]
    make: Callable[..., Any]  # (subject, after, *, actor, at), within the caller's transaction
    name: Callable[[str, dict[str, Any]], Any]  # subject, after → what a person calls it; asked for each row of a list: no query
    url: Callable[[str], str]  # the page of what changes, empty when it is not there yet
    names: Callable[[list[str]], dict[str, Any]] | None = None  # subjects → what people call them, one query for a list
    touches: Callable[[str, User], bool] | None = None  # whether the change is of this person's own rights


KINDS: Registry[Kind] = Registry("change")


def inbox(user: User) -> QuerySet[ChangeRequest]:
    """Return what `user` may see: what they made, and every kind they may check."""
    rows = ChangeRequest.objects.select_related("made_by", "decided_by")
    return rows.filter(Q(kind__in=_checked_by(user)) | Q(made_by=user))


def waiting_for(user: User) -> QuerySet[ChangeRequest]:
    """Return what `user` may confirm or refuse now."""
    rows = ChangeRequest.objects.filter(status=Status.OPEN, kind__in=_checked_by(user))
    return rows.exclude(made_by=user).select_related("made_by")


def _checked_by(user: User) -> list[str]:
    return [name for name, kind in KINDS.items() if user.has_perm(kind.check)]


def checkers(kind: str, *, but: User, subject: str = "") -> list[User]:
    """Return who could confirm a change of `kind`: neither its maker nor whose own rights it would change."""
    door = KINDS[kind]
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[door.check])
    return [one for one in people.exclude(pk=but.pk).order_by("pk") if not _own(door, subject, one)]


def _own(door: Kind, subject: str, person: User) -> bool:
    return door.touches is not None and door.touches(subject, person)


def titles(rows: list[ChangeRequest]) -> list[Any]:
    """Return what people call the things that change, in the rows' order; one query a kind at most."""
    called: dict[str, dict[str, Any]] = {}
    for kind in {one.kind for one in rows}:
        names = KINDS[kind].names
        called[kind] = names([one.subject for one in rows if one.kind == kind]) if names else {}
    return [called[one.kind].get(one.subject) or KINDS[one.kind].name(one.subject, one.after) for one in rows]


@transaction.atomic
def propose(kind: str, subject: str, *, after: dict[str, Any], reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Put a change before a second person; with nobody there, make it at once.

    :raises NothingChanges: if it says what stands already
    :raises AlreadyProposed: if a change of the same thing waits
    :raises DomainError: what the kind refuses
    """
    door = KINDS[kind]
    reason = reason.strip()
    if not reason:
        raise Invalid(_("A reason is needed."), fields={"reason": _("Say why: the second person reads it.")})
    if len(reason) > LONGEST:
        raise Invalid(_("The reason is too long."), fields={"reason": _("At most 500 characters.")})
    before = door.standing(subject)
    if before == after:
        raise NothingChanges(_("Nothing differs from what stands now."))
    door.validate(subject, after)
    others = checkers(kind, but=actor, subject=subject)
    try:
        with transaction.atomic():
            made = ChangeRequest.objects.create(
                kind=kind, subject=subject, before=before, after=after, reason=reason, made_by=actor, made_at=at, due_at=at + WAITS
            )
    except IntegrityError as error:
        if "change_one_open" not in str(error):
            raise
        raise AlreadyProposed(_("A change of this already waits for a second person.")) from None
    log.record("governance.change.proposed", made, actor=actor, at=at, kind=kind, of=subject)
    if others:
        _tell(others, made, code="change.waits", actor=actor, at=at)
    else:
        _make(made, actor=actor, at=at, alone=True)
    return made


@transaction.atomic
def confirm(change: ChangeRequest, *, actor: User, at: datetime, answer: str = "") -> ChangeRequest:
    """Make the change.

    :raises OwnChange: if the actor proposed it
    :raises NotAllowed: if the actor may not check this kind
    :raises Stale: if what stands is no longer what it was proposed against
    """
    _may_check(change, actor)
    return _make(change, actor=actor, at=at, answer=answer)


def _make(change: ChangeRequest, *, actor: User, at: datetime, answer: str = "", alone: bool = False) -> ChangeRequest:
    door = KINDS[change.kind]
    if at > change.due_at:
        raise Stale(_("This change has expired. It has to be proposed anew."))
    if door.standing(change.subject) != change.before:
        raise Stale(_("What stands has changed since this was proposed. Refuse it, and have it proposed anew."))
    change.answer = answer.strip()[:LONGEST] or None
    change.save(update_fields=["answer"])
    move(
        change, Status.CONFIRMED, actor=actor, at=at, event="governance.change.confirmed",
        facts={"kind": change.kind, "of": change.subject, "alone": alone}, decided_by=actor, decided_at=at, alone=alone,
    )  # fmt: skip
    door.make(change.subject, change.after, actor=actor, at=at)
    _tell([change.made_by], change, code=f"change.{change.status}", actor=actor, at=at)
    return change


@transaction.atomic
def refuse(change: ChangeRequest, *, actor: User, at: datetime, answer: str) -> ChangeRequest:
    """Say no, with a reason for the maker.

    :raises Invalid: without a reason
    """
    _may_check(change, actor)
    if not answer.strip():
        raise Invalid(_("A reason is needed."), fields={"answer": _("Say why: the person who proposed it reads it.")})
    change.answer = answer.strip()[:LONGEST]
    change.save(update_fields=["answer"])
    facts = {"kind": change.kind, "of": change.subject}
    move(change, Status.REFUSED, actor=actor, at=at, event="governance.change.refused", facts=facts, decided_by=actor, decided_at=at)
    _tell([change.made_by], change, code=f"change.{change.status}", actor=actor, at=at)
    return change


@transaction.atomic
def withdraw(change: ChangeRequest, *, actor: User, at: datetime) -> ChangeRequest:
    """Take back what one proposed.

    :raises NotAllowed: if somebody else proposed it
    """
    if change.made_by_id != actor.pk:
        raise NotAllowed(_("Only the person who proposed a change withdraws it."))
    facts = {"kind": change.kind, "of": change.subject}
    return move(change, Status.WITHDRAWN, actor=actor, at=at, event="governance.change.withdrawn", facts=facts, decided_at=at)


def made_by(user: User) -> QuerySet[ChangeRequest]:
    """Return what `user` proposed and nobody answered yet."""
    return ChangeRequest.objects.filter(made_by=user, status=Status.OPEN).order_by("pk")


def end(change: ChangeRequest, *, actor: User, at: datetime) -> ChangeRequest:
    """End a change whose maker leaves: nobody is left to answer for it."""
    facts = {"kind": change.kind, "of": change.subject, "maker_leaves": True}
    return move(change, Status.WITHDRAWN, actor=actor, at=at, event="governance.change.withdrawn", facts=facts, decided_at=at)


def expire(*, at: datetime, actor: User, limit: int = 500) -> int:
    """End what nobody answered in seven days; return how many."""
    late = ChangeRequest.objects.filter(status=Status.OPEN, due_at__lt=at).order_by("pk")[:limit]
    for change in late:
        with transaction.atomic():
            facts = {"kind": change.kind, "of": change.subject}
            move(change, Status.EXPIRED, actor=actor, at=at, event="governance.change.expired", facts=facts, decided_at=at)
            _tell([change.made_by], change, code=f"change.{change.status}", actor=actor, at=at)
    return len(late)


def lines(change: ChangeRequest) -> list[Line]:
    """Return the difference a person reads before they confirm."""
    return KINDS[change.kind].lines(change.before, change.after)


def may_check(change: ChangeRequest, user: User) -> bool:
    """Return whether `user` may answer the change."""
    try:
        _may_check(change, user)
    except NotAllowed:
        return False
    return True


def _may_check(change: ChangeRequest, actor: User) -> None:
    if not actor.has_perm(KINDS[change.kind].check):
        raise NotAllowed(_("You may not confirm changes of this kind."))
    if actor.is_also(change.made_by_id):
        raise OwnChange(_("Nobody confirms what they proposed themselves: a second person has to."))
    if _own(KINDS[change.kind], change.subject, actor):
        raise OwnChange(_("Nobody confirms a change of their own rights: another person has to."))


def _tell(people: list[User], change: ChangeRequest, *, code: str, actor: User, at: datetime) -> None:
    url = reverse("change", args=[change.public_id])
    notices.tell(people, code=code, key=f"{code}:{change.public_id}", url=url, at=at, actor=actor)


@notices.words("change.waits", icon="decisions")
def _waits(notice: Any) -> Any:
    return _("A change waits for you as the second person.")


@notices.words("change.confirmed", icon="decisions", tone="good")
def _confirmed(notice: Any) -> Any:
    return _("Your change was confirmed and is in force.")


@notices.words("change.refused", icon="decisions", tone="bad")
def _refused(notice: Any) -> Any:
    return _("Your change was refused.")


@notices.words("change.expired", icon="decisions", tone="caution")
def _expired(notice: Any) -> Any:
    return _("Nobody answered your change in seven days; it has expired.")
