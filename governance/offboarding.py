"""Leaving: one order hands on what a person holds, suspends the account and ends its sessions.

The apps above say what a person can hold (`HOLDINGS`); each holding is counted, refused where the receiver could not see the rows, and
handed on in small transactions. An order runs as a job, may be cut off anywhere and run again, and ends when nothing is left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import get_access_token_model

from crm.lib import pages
from crm.lib.errors import DomainError, Invalid
from crm.lib.registry import Registry
from governance import changes, jobs, lifecycle, standing, users
from governance.models import ApiClient, Delegation, Offboarding, SavedView, User
from ledger import log

KIND = "governance.offboarding"
LEASE = timedelta(minutes=5)
LONGEST = 500
AT_ONCE = 50  # so few are handed on while the page waits
PASSES = 3  # what is given to the leaver while the order runs is found by the next pass; after suspension nobody gives them any more
Status = Offboarding.Status


class AlreadyLeaving(DomainError):
    """An order for this person runs."""

    code = "already_leaving"


class CannotReceive(Invalid):
    """The receiver is away, is the leaver, or could not see what they would get."""

    code = "cannot_receive"


@dataclass(frozen=True)
class Holding:
    """One kind of thing a person holds."""

    label: Any
    rows: Callable[[User], QuerySet[Any]]  # what is held now
    hand_on: Callable[..., int]  # (giver, *, taker, actor, at) → how many were handed on; 0 when none is left. One transaction.
    goes: str = "taker"  # "taker": somebody takes it · "anyone": somebody, or everybody · "ends": it ends with the account
    beyond: Callable[[User, User], QuerySet[Any]] | None = None  # (giver, taker) → rows the taker could not see
    note: Any = ""


HOLDINGS: Registry[Holding] = Registry("holding")


def held(user: User) -> list[dict[str, Any]]:
    """Return what a person holds: name, holding, label of a capped count, whether there is any."""
    names = list(HOLDINGS)
    counts = pages.count_labels([HOLDINGS[name].rows(user) for name in names])
    return [
        {"name": name, "holding": HOLDINGS[name], "count": count, "any": count != "0"} for name, count in zip(names, counts, strict=True)
    ]


def receivers(user: User) -> QuerySet[User]:
    """Return who may take over from `user`: other staff whose account is open."""
    rows = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__isnull=False).exclude(pk=user.pk).exclude(username=users.SYSTEM)
    return rows.select_related("role", "team").order_by("name", "pk")


def _refusals(user: User, takers: Mapping[str, User | None]) -> dict[str, Any]:
    """Return what stands against the choice of receivers, by holding."""
    found: dict[str, Any] = {}
    allowed = set(receivers(user).values_list("pk", flat=True))
    for row in held(user):
        name, holding = row["name"], row["holding"]
        taker = takers.get(name)
        if holding.goes == "ends" or not row["any"]:
            continue
        if taker is None:
            if holding.goes == "taker":
                found[name] = _("Choose who takes this over.")
        elif taker.pk not in allowed:
            found[name] = _("%(name)s cannot take anything over: the account is closed, without a role, or the leaver's own.") % {
                "name": taker
            }
        elif holding.beyond is not None and (count := pages.count_label(holding.beyond(user, taker))) != "0":
            found[name] = _("%(name)s could not see %(count)s of these. Choose somebody else, or widen their rights first.") % {
                "name": taker, "count": count,
            }  # fmt: skip
    return found


@transaction.atomic
def order(user: User, *, takers: Mapping[str, User | None], reason: str, actor: User, at: datetime) -> Offboarding:
    """Order that what `user` holds goes to `takers` (by holding) and that the account closes. Nothing moves yet.

    :raises NotYourself: if it is the actor's own account
    :raises CannotReceive: naming each holding whose receiver could not see it
    :raises AlreadyLeaving: while an order for this person runs
    """
    if actor.pk == user.pk:
        raise users.NotYourself(_("Nobody suspends themselves: ask another administrator."))
    if user.username == users.SYSTEM:
        raise Invalid(_("There is no such person."))
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST:
        raise Invalid(_("A reason is needed."), fields={"reason": _("Say why, in 500 characters at most.")})
    if refused := _refusals(user, takers):
        raise CannotReceive(_("Not everything can go to whom you chose."), fields=refused)
    total = sum(HOLDINGS[name].rows(user).order_by().count() for name in HOLDINGS)
    job = jobs.start(kind=KIND, title=gettext("Off-boarding of %(person)s") % {"person": user.public_id}, actor=actor, at=at, total=total)
    chosen = {name: taker.pk for name, taker in takers.items() if taker is not None}
    try:
        with transaction.atomic():
            row = Offboarding.objects.create(user=user, takers=chosen, reason=reason, job=job, ordered_by=actor, created_at=at)
    except IntegrityError as error:
        if "offboarding_one_running" not in str(error):
            raise
        raise AlreadyLeaving(_("This person's off-boarding is under way already.")) from None
    people = {taker.pk: taker.public_id for taker in takers.values() if taker is not None}
    facts: dict[str, Any] = {
        "of": user.public_id,
        "takers": {name: people[pk] for name, pk in chosen.items()},
        "rows": total,
        "job": job.public_id,
    }
    log.record("governance.offboarding.ordered", row, actor=actor, at=at, **facts)
    return row


def run(offboarding_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> Offboarding | None:
    """Carry an order out from where it stands; None when another worker holds it or it is done."""
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - LEASE)
    if not Offboarding.objects.filter(free, pk=offboarding_id, status=Status.RUNNING).update(claimed_at=at):
        return None
    row = Offboarding.objects.select_related("job", "user__role", "user__team", "ordered_by__role", "ordered_by__team").get(
        pk=offboarding_id
    )
    jobs.claim(row.job_id, at=at)
    people = {one.pk: one for one in User.objects.select_related("role", "team").filter(pk__in=row.takers.values())}
    moved: dict[str, int] = {}
    _hand_on(row, people, moved, at=at, clock=clock)
    _close_account(row, at=clock() if clock else at)
    _hand_on(row, people, moved, at=at, clock=clock)  # what came between the last look and the closed account
    return _finish(row, moved, at=clock() if clock else at)


def _hand_on(
    row: Offboarding, people: Mapping[int, User], moved: dict[str, int], *, at: datetime, clock: Callable[[], datetime] | None
) -> None:
    for _pass in range(PASSES):
        before = sum(moved.values())
        for name, holding in HOLDINGS.items():
            taker = people.get(row.takers.get(name, 0))
            if taker is None and holding.goes == "taker":
                continue  # there was none of it, and nobody was named
            while True:
                then = clock() if clock else at
                with transaction.atomic():
                    count = holding.hand_on(row.user, taker=taker, actor=row.ordered_by, at=then)
                if not count:
                    break
                moved[name] = moved.get(name, 0) + count
                jobs.progress(row.job, at=then, done=count)
                Offboarding.objects.filter(pk=row.pk).update(claimed_at=then)
        if sum(moved.values()) == before:
            return


@transaction.atomic
def _close_account(row: Offboarding, *, at: datetime) -> None:
    """Suspend the account; without its password every session's proof is void, and tokens of its clients are gone."""
    person = User.objects.select_for_update(no_key=True).get(pk=row.user_id)
    if person.has_usable_password():
        person.set_unusable_password()
        User.objects.filter(pk=person.pk).update(password=person.password, version=F("version") + 1)
        log.record("governance.user.sessions_ended", person, actor=row.ordered_by, at=at)
    clients = ApiClient.objects.filter(service_user=person)
    get_access_token_model().objects.filter(application__in=clients.values("pk")).delete()
    users.set_active(person, active=False, actor=row.ordered_by, at=at)


@transaction.atomic
def _finish(row: Offboarding, moved: Mapping[str, int], *, at: datetime) -> Offboarding:
    left = {one["name"]: one["count"] for one in held(row.user) if one["any"]}
    if left:
        problems = [
            {"line": None, "field": str(HOLDINGS[name].label), "message": gettext("Left: %(count)s") % {"count": count}}
            for name, count in left.items()
        ]
        jobs.progress(row.job, at=at, failed=len(left), problems=problems)
    facts = {"of": row.user.public_id, "moved": dict(moved), "left": left}
    done = lifecycle.move(row, Status.DONE, actor=row.ordered_by, at=at, event="governance.offboarding.done", facts=facts, finished_at=at)
    jobs.finish(row.job, at=at, moved=dict(moved))
    return done


def unfinished(*, at: datetime) -> list[int]:
    """Return the orders that no worker holds and that are not done."""
    free = Q(claimed_at__isnull=True, created_at__lt=at - timedelta(minutes=1)) | Q(claimed_at__lt=at - LEASE)
    return list(Offboarding.objects.filter(free, status=Status.RUNNING).order_by("pk").values_list("pk", flat=True))


# --- what governance itself knows a person to hold --------------------------------------------------------------------
def _shared_views(user: User) -> QuerySet[SavedView]:
    return SavedView.objects.filter(owner=user, team__isnull=False)


def _give_views(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    """Give the views others work with; where the receiver has one of that name it gets the view's number behind it."""
    rows = list(_shared_views(giver).select_for_update().order_by("pk")[:100])
    taken = set(SavedView.objects.filter(owner=taker).values_list("list", "name"))
    for view in rows:
        name = view.name if (view.list, view.name) not in taken else f"{view.name[:42]} {view.public_id}"
        SavedView.objects.filter(pk=view.pk).update(owner=taker, name=name, updated_at=at, version=F("version") + 1)
    log.record_many(
        "governance.view.handed_over",
        [log.Row("governance.savedview", view.pk, None, {"from": giver.pk, "to": taker.pk if taker else None}) for view in rows],
        actor=actor, at=at,
    )  # fmt: skip
    return len(rows)


def _drop_views(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    rows = list(SavedView.objects.filter(owner=giver, team__isnull=True)[:100])
    gone = [log.Row("governance.savedview", view.pk, None, {"list": view.list}) for view in rows]
    log.record_many("governance.view.deleted", gone, actor=actor, at=at)
    SavedView.objects.filter(pk__in=[view.pk for view in rows]).delete()
    return len(rows)


def _withdraw_changes(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    rows = list(changes.made_by(giver)[:100])
    for change in rows:
        changes.end(change, actor=actor, at=at)
    return len(rows)


def _drop_clients(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    return 0  # they are bound to the account and close with it: `_close_account`


HOLDINGS.register("views", Holding(label=_("Shared views of lists"), rows=_shared_views, hand_on=_give_views))
HOLDINGS.register(
    "own_views",
    Holding(
        label=_("Private views of lists"), rows=lambda user: SavedView.objects.filter(owner=user, team__isnull=True),
        hand_on=_drop_views, goes="ends", note=_("deleted"),
    ),
)  # fmt: skip
HOLDINGS.register(
    "changes",
    Holding(
        label=_("Changes that wait for a second person"), rows=changes.made_by, hand_on=_withdraw_changes, goes="ends", note=_("withdrawn"),
    ),
)  # fmt: skip


def _lent(user: User) -> QuerySet[Delegation]:
    return Delegation.objects.filter(Q(giver=user) | Q(taker=user), ended_at__isnull=True, until__gt=standing.moment())


def _end_lent(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    rows = list(_lent(giver).order_by("pk")[:100])
    for row in rows:
        Delegation.objects.filter(pk=row.pk).update(ended_at=at, ended_by=actor)
        log.record("governance.delegation.ended", row, actor=actor, at=at, leaver=giver.public_id)
    return len(rows)


HOLDINGS.register(
    "delegations", Holding(label=_("Delegations, given and received"), rows=_lent, hand_on=_end_lent, goes="ends", note=_("ended"))
)
HOLDINGS.register(
    "clients",
    Holding(
        label=_("API clients"), rows=lambda user: ApiClient.objects.filter(service_user=user, service_user__is_active=True),
        hand_on=_drop_clients, goes="ends", note=_("closed with the account"),
    ),
)  # fmt: skip
