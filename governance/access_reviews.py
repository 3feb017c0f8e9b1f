"""Doors of access reviews: a campaign puts each grant before somebody else, who confirms or revokes it.

Revoking takes the role at once: it only narrows, and the reviewer is never the person. Who reviews: holders of the permission, over the
people their data scope reaches. A campaign is done when every grant is answered.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed, Stale
from governance import notices, permissions, users
from governance.lifecycle import move
from governance.models import AccessReview, ReviewedGrant, Role, Team, User
from governance.models.identity import Scope
from ledger import log

REMIND = timedelta(days=3)
LONGEST = 500
Verdict = ReviewedGrant.Verdict


class NobodyThere(Invalid):
    code = "nobody_there"


class Answered(DomainError):
    """Somebody answered this grant already."""

    code = "answered"


def visible_to(user: User) -> QuerySet[AccessReview]:
    """Return the campaigns with their progress: `total`, `answered`, `revoked`."""
    rows = AccessReview.objects.select_related("team", "role", "started_by")
    return rows.annotate(
        total=Count("grants"),
        answered=Count("grants", filter=~Q(grants__verdict="")),
        revoked=Count("grants", filter=Q(grants__verdict=Verdict.REVOKED)),
    )


def waiting_for(user: User) -> QuerySet[ReviewedGrant]:
    """Return the grants `user` may answer: of others, within the data scope, in campaigns under way."""
    rows = ReviewedGrant.objects.filter(verdict="", review__status=AccessReview.Status.OPEN).exclude(user=user.pk)
    if not user.has_perm(permissions.REVIEW_ACCESS):
        return rows.none()
    return reached(user, rows)


def reached(user: User, rows: QuerySet[ReviewedGrant]) -> QuerySet[ReviewedGrant]:
    """Return the grants of the people that the data scope of `user` reaches."""
    if user.scope == Scope.ALL:
        return rows if user.team is None else rows.filter(Q(team__isnull=True) | Q(team__legal_entity=user.team.legal_entity_id))
    return rows.filter(team__path__startswith=user.team.path) if user.team is not None else rows.none()


@transaction.atomic
def start(*, title: str, due_on: date, actor: User, at: datetime, team: Team | None = None, role: Role | None = None) -> AccessReview:
    """Put the grants of all active people, of a team with those below, or of a role before reviewers.

    :raises NobodyThere: if no person holds a grant there
    :raises Invalid: if it is due before tomorrow or in more than a year
    """
    if not actor.has_perm(permissions.START_REVIEW):
        raise NotAllowed(_("You may not start access reviews."))
    on = localtime(at).date()
    if not on < due_on <= on + timedelta(days=366):
        sentence = _("It is due from tomorrow on, within a year.")
        raise Invalid(sentence, fields={"due_on": sentence})
    people = User.objects.select_related("role").filter(is_active=True, role__isnull=False).exclude(username=users.SYSTEM).order_by("pk")
    if actor.team is not None:
        people = people.filter(Q(team__isnull=True) | Q(team__legal_entity=actor.team.legal_entity_id))
    if team is not None:
        people = people.filter(team__path__startswith=team.path)
    if role is not None:
        people = people.filter(role=role)
    rows = list(people)
    if not rows:
        sentence = _("Nobody holds a grant there.")
        raise NobodyThere(sentence, fields={"role": sentence})
    review = AccessReview.objects.create(title=title.strip(), team=team, role=role, due_on=due_on, started_by=actor, started_at=at)
    ReviewedGrant.objects.bulk_create(
        [ReviewedGrant(review=review, user=one, role=one.role, team_id=one.team_id, approval_limit=one.approval_limit) for one in rows]
    )
    facts: dict[str, Any] = {
        "people": len(rows),
        "team": team.code if team else None,
        "role": role.code if role else None,
        "due_on": due_on,
    }
    log.record("governance.access_review.started", review, actor=actor, at=at, **facts)
    notices.tell(reviewers(), code="access_review.started", key=f"access_review:{review.public_id}", url=_url(review), at=at, actor=actor)
    return review


def reviewers() -> list[User]:
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permissions.REVIEW_ACCESS])
    return list(people.select_related("role", "team").order_by("pk"))


def _url(review: AccessReview) -> str:
    return reverse("access-review", args=[review.public_id])


def answer(grant: ReviewedGrant, *, verdict: str, words: str = "", actor: User, at: datetime) -> ReviewedGrant:
    """Confirm a grant, or revoke it: the person's role and authority are gone at once.

    :raises NotAllowed: if it is the actor's own grant, that of somebody they act for, or outside their scope
    :raises Invalid: if it is revoked without a reason
    :raises Answered: if somebody was faster
    :raises Stale: if the person's rights changed meanwhile; they stand in the campaign as they are now
    """
    if actor.is_also(grant.user_id) or not waiting_for(actor).filter(pk=grant.pk).exists():
        if ReviewedGrant.objects.filter(pk=grant.pk).exclude(verdict="").exists():
            raise Answered(_("Somebody answered this grant already."))
        raise NotAllowed(_("Nobody reviews their own rights, or those of people outside their scope."))
    if verdict not in Verdict.values:
        raise Invalid(_("Confirm or revoke."), fields={"verdict": _("Confirm or revoke.")})
    words = words.strip()[:LONGEST]
    if verdict == Verdict.REVOKED and not words:
        sentence = _("Say why it is revoked.")
        raise Invalid(sentence, fields={"words": sentence})
    if _moved(grant):
        raise Stale(_("This person's rights changed meanwhile. They stand here as they are now: look again."))
    return _answer(grant, verdict=verdict, words=words, actor=actor, at=at)


def _moved(grant: ReviewedGrant) -> bool:
    """Bring a grant up to date; return whether it differed. Where the role is gone there is nothing more to look at."""
    user = User.objects.get(pk=grant.user_id)
    now_held = {"role_id": user.role_id, "team_id": user.team_id, "approval_limit": user.approval_limit}
    if user.role_id is None or all(getattr(grant, name) == value for name, value in now_held.items()):
        return False
    ReviewedGrant.objects.filter(pk=grant.pk, verdict="").update(**now_held)
    return True


@transaction.atomic
def _answer(grant: ReviewedGrant, *, verdict: str, words: str, actor: User, at: datetime) -> ReviewedGrant:
    held = ReviewedGrant.objects.select_for_update(of=("self",)).select_related("user", "review").get(pk=grant.pk)
    if held.verdict:
        raise Answered(_("Somebody answered this grant already."))
    held.verdict, held.words, held.decided_by, held.decided_at = verdict, words or None, actor, at
    held.save(update_fields=["verdict", "words", "decided_by", "decided_at"])
    facts: dict[str, Any] = {"of": held.user.public_id, "verdict": verdict, "review": held.review.public_id}
    log.record("governance.access_review.answered", held.review, actor=actor, at=at, **facts)
    if verdict == Verdict.REVOKED:
        _revoke(held, actor=actor, at=at)
    if not ReviewedGrant.objects.filter(review=held.review_id, verdict="").exists():
        review = AccessReview.objects.get(pk=held.review_id)
        move(review, AccessReview.Status.DONE, actor=actor, at=at, event="governance.access_review.done", closed_at=at)
        notices.tell([review.started_by], code="access_review.done", key=f"access_review.done:{review.public_id}", url=_url(review), at=at)
    return held


def _revoke(held: ReviewedGrant, *, actor: User, at: datetime) -> None:
    changed = User.objects.filter(pk=held.user_id, role=held.role_id).update(role=None, approval_limit=None, version=F("version") + 1)
    if not changed:
        if User.objects.filter(pk=held.user_id, role__isnull=True).exists():
            return  # somebody else took it away meanwhile
        raise Stale(_("This person's rights changed meanwhile. They stand here as they are now: look again."))
    role = Role.objects.get(pk=held.role_id)
    facts: dict[str, Any] = {"role": {"from": role.code, "to": None}, "review": held.review.public_id}
    log.record("governance.user.changed", held.user, actor=actor, at=at, fields=["role"], **facts)
    key = f"access_review.revoked:{held.pk}"
    notices.tell(
        [held.review.started_by], code="access_review.revoked", key=key, url=reverse("user", args=[held.user.public_id]), at=at, actor=actor
    )


def remind(*, at: datetime) -> int:
    """Tell reviewers, once a day, of campaigns that are due within three days or late and have something for them; return how many."""
    on, told = localtime(at).date(), 0
    late = list(AccessReview.objects.filter(status=AccessReview.Status.OPEN, due_on__lte=on + REMIND).order_by("pk"))
    for person in reviewers() if late else []:
        open_ = set(waiting_for(person).values_list("review", flat=True))
        for review in late:
            if review.pk in open_:
                key = f"access_review.due:{review.public_id}:{on}"
                told += notices.tell([person], code="access_review.due", key=key, url=_url(review), at=at)
    return told


def table(review: AccessReview) -> Iterator[list[Any]]:
    """Return the rows of the result, a heading first."""
    yield [_("Person"), _("User name"), _("Role"), _("Team"), _("Authority limit"), _("Answer"), _("By"), _("When"), _("Words")]
    rows = review.grants.select_related("user", "role", "team", "decided_by").order_by("pk")
    for row in rows.iterator(chunk_size=500):
        when = localtime(row.decided_at).strftime("%Y-%m-%d %H:%M") if row.decided_at else ""
        yield [
            row.user.name, row.user.username, row.role, row.team or "", row.approval_limit if row.approval_limit is not None else "",
            row.get_verdict_display(), row.decided_by or "", when, row.words or "",
        ]  # fmt: skip


@notices.words("access_review.started", icon="review")
def _started(notice: Any) -> Any:
    return _("An access review waits for your answers.")


@notices.words("access_review.due", icon="review", tone="caution")
def _due(notice: Any) -> Any:
    return _("An access review is due or late and still waits for your answers.")


@notices.words("access_review.done", icon="review", tone="good")
def _done(notice: Any) -> Any:
    return _("Every grant of your access review is answered.")


@notices.words("access_review.revoked", icon="review", tone="warn")
def _revoked(notice: Any) -> Any:
    return _("A role was taken from a person in your access review.")
