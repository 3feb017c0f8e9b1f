"""Doors for handing customers over: one, those chosen, or all of a person; set-based, and in the background when many.

What hangs on a customer in the apps above follows by `customers.handover.moved`: one entry for up to 500 customers.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from customers.models import Activity, Customer, Handover
from customers.permissions import VIEW
from governance import jobs, lifecycle, notices, offboarding
from governance.models import Notice, Team, User
from governance.models.identity import Scope
from ledger import log

KIND = "customers.handover"
CHUNK = 500  # customers a transaction and an entry
AT_ONCE = 50  # so few are moved while the page waits
MOST_CHOSEN = 5_000
LEASE = timedelta(minutes=5)


class CannotTake(Invalid):
    """The person who shall take the customers could not open them."""

    code = "cannot_take"


class NothingToHandOver(Invalid):
    code = "nothing_to_hand_over"


def candidates(user: User, *, giver: User | None = None, ids: Iterable[int] | None = None) -> QuerySet[Customer]:
    """Return the customers `user` may move: all of `giver`'s, or those chosen."""
    rows: QuerySet[Customer] = Customer.objects.visible_to(user)
    if giver is not None:
        rows = rows.filter(owner=giver)
    return rows if ids is None else rows.filter(pk__in=list(ids))


def visible_to(user: User) -> QuerySet[Handover]:
    """Return the hand-overs of a person's lender; those who do not see all rows see their own."""
    rows: QuerySet[Handover] = Handover.objects.select_related("giver", "taker", "branch", "job", "ordered_by")
    if user.team is None:
        return rows
    rows = rows.filter(legal_entity=user.team.legal_entity_id)
    return rows if user.scope == Scope.ALL else rows.filter(ordered_by=user)


def _check(taker: User, branch: Team | None, rows: QuerySet[Customer]) -> None:
    """:raises CannotTake: if `taker` could not open what they get"""
    able = taker.is_active and taker.has_perm(VIEW) and taker.team is not None
    if able and taker.team is not None:
        if branch is not None:
            same = branch.legal_entity_id == taker.team.legal_entity_id
            able = same and (taker.root is None or branch.path.startswith(taker.root.path))
        else:
            rows = rows.exclude(legal_entity=taker.team.legal_entity_id, **_within(taker))
            able = not rows.exists()
    if not able:
        sentence = _("%(name)s could not open these customers. Choose somebody of their branch, or another branch as well.")
        raise CannotTake(sentence % {"name": taker.name}, fields={"taker": sentence % {"name": taker.name}})


def _within(taker: User) -> dict[str, Any]:
    return {"branch__path__startswith": taker.root.path} if taker.root else {}


@transaction.atomic
def order(
    *,
    taker: User,
    reason: str,
    actor: User,
    at: datetime,
    giver: User | None = None,
    ids: Sequence[int] | None = None,
    branch: Team | None = None,
    note: str = "",
) -> Handover:
    """Order that customers move to `taker`: all of `giver` with their open work, or those in `ids`. Nothing moves yet.

    :raises NothingToHandOver: if there are none that the actor may move, or more than 5,000 were chosen
    :raises CannotTake: if the taker could not open them
    """
    rows = candidates(actor, giver=giver if ids is None else None, ids=ids)
    chosen = [] if ids is None else list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_CHOSEN + 1])
    total = rows.count() if ids is None else len(chosen)
    open_work = ids is None and giver is not None and Activity.objects.open().filter(assignee=giver).exists()
    nobody = ids is None and giver is None
    if nobody or not (total or open_work) or len(chosen) > MOST_CHOSEN:
        sentence = _("There is nothing of this person that you may hand over.")
        raise NothingToHandOver(sentence, fields={"giver": sentence})
    if giver is not None and giver.pk == taker.pk:
        sentence = _("Choose somebody else to take over.")
        raise CannotTake(sentence, fields={"taker": sentence})
    _check(taker, branch, rows)
    assert taker.team is not None  # checked above
    job = jobs.start(kind=KIND, title=gettext("Hand-over to %(name)s") % {"name": taker.name}, actor=actor, at=at, total=total)
    row = Handover.objects.create(
        legal_entity=taker.team.legal_entity, giver=giver if ids is None else None, taker=taker,
        branch=branch, everything=ids is None, chosen=chosen, reason=reason, note=note.strip() or None, job=job, ordered_by=actor,
        created_at=at,
    )  # fmt: skip
    log.record(
        "customers.handover.ordered", row, actor=actor, at=at, giver=giver.public_id if giver else None, taker=taker.public_id,
        customers=total, everything=row.everything, reason=reason, branch=branch.code if branch else None, job=job.public_id,
    )  # fmt: skip
    return row


def run(handover_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> Handover | None:
    """Carry an order out from where it stands; None when another worker holds it or it is done."""
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - LEASE)
    if not Handover.objects.filter(free, pk=handover_id, status=Handover.Status.RUNNING).update(claimed_at=at):
        return None
    row = Handover.objects.select_related(
        "job", "giver", "taker__role", "taker__team", "branch", "ordered_by__role", "ordered_by__team"
    ).get(pk=handover_id)
    jobs.claim(row.job_id, at=at)
    while _chunk(row, at=clock() if clock else at):
        pass
    return _close(row, at=clock() if clock else at)


@transaction.atomic
def _chunk(row: Handover, *, at: datetime) -> bool:
    """Move the next customers; return whether there were any."""
    held = Handover.objects.select_for_update().get(pk=row.pk)
    if row.everything:
        rest = candidates(row.ordered_by, giver=row.giver).filter(legal_entity=row.legal_entity_id)
        if row.branch is None:
            rest = rest.filter(**_within(row.taker))
        ids = list(rest.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    else:
        ids = held.chosen[:CHUNK]
        held.chosen = held.chosen[CHUNK:]
    if not ids:
        return False
    held.claimed_at = at
    held.save(update_fields=["chosen", "claimed_at"])
    _move(ids, taker=row.taker, branch=row.branch, actor=row.ordered_by, at=at, handover=row.public_id)
    jobs.progress(row.job, at=at, done=len(ids))
    return True


@transaction.atomic
def _close(row: Handover, *, at: datetime) -> Handover:
    """Move what open work is left with the giver, end the order, tell the taker."""
    work = 0
    if row.everything:
        reach = Customer.objects.visible_to(row.taker)
        left = Activity.objects.open().filter(assignee=row.giver, customer__in=reach.values("pk"))
        work = left.update(assignee=row.taker, version=F("version") + 1)
    row.refresh_from_db(fields=["status", "chosen"])
    facts = {"giver": row.giver_id, "taker": row.taker_id, "everything": row.everything, "activities": work}
    done = lifecycle.move(row, Handover.Status.DONE, actor=row.ordered_by, at=at, facts=facts, finished_at=at)
    job = jobs.finish(row.job, at=at, activities=work)
    notices.tell(
        [row.taker], code="customers.handed_over", key=f"handover:{row.pk}", url=f"{reverse('customer-list')}?mine=yes",
        actor=row.ordered_by, at=at, customers=job.done,
    )  # fmt: skip
    return done


def unfinished(*, at: datetime) -> list[int]:
    """Return the orders that no worker holds and that are not done."""
    free = Q(claimed_at__isnull=True, created_at__lt=at - timedelta(minutes=1)) | Q(claimed_at__lt=at - LEASE)
    return list(Handover.objects.filter(free, status=Handover.Status.RUNNING).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def give(customer: Customer, *, taker: User, actor: User, at: datetime, branch: Team | None = None) -> Customer:
    """Hand one customer over now.

    :raises CannotTake: if the taker could not open the file, or has it already
    """
    if customer.owner_id == taker.pk and (branch is None or branch.pk == customer.branch_id):
        sentence = _("%(name)s has this customer already.") % {"name": taker.name}
        raise CannotTake(sentence, fields={"taker": sentence})
    _check(taker, branch, Customer.objects.filter(pk=customer.pk))
    _move([customer.pk], taker=taker, branch=branch, actor=actor, at=at)
    # several at once are one notice: a key per minute
    notices.tell(
        [taker], code="customers.handed_over", key=f"handed:{actor.pk}:{at:%Y%m%d%H%M}", url=f"{reverse('customer-list')}?mine=yes",
        actor=actor, at=at,
    )  # fmt: skip
    return Customer.objects.select_related("branch", "owner").get(pk=customer.pk)


def give_row(row: Customer, *, actor: User, at: datetime, taker: int, branch: int | None = None) -> None:
    """Hand one row of a selection over; the choices of the form come as keys."""
    person = User.objects.select_related("role", "team").get(pk=taker)
    give(row, taker=person, branch=Team.objects.get(pk=branch) if branch else None, actor=actor, at=at)


def _move(ids: Sequence[int], *, taker: User, branch: Team | None, actor: User, at: datetime, handover: str | None = None) -> None:
    """Change owner and branch of customers and who does their open work; one entry each, one more for whoever follows."""
    rows = list(Customer.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", "owner_id", "branch_id"))
    rows = [row for row in rows if row[1] != taker.pk or (branch is not None and row[2] != branch.pk)]
    if not rows:
        return
    moved = [pk for pk, _owner, _branch in rows]
    changes: dict[str, Any] = {"owner": taker, "version": F("version") + 1, "updated_at": at}
    if branch is not None:
        changes["branch"] = branch
    Customer.objects.filter(pk__in=moved).update(**changes)
    givers: dict[int | None, list[int]] = {}
    for pk, owner_id, _branch_id in rows:
        givers.setdefault(owner_id, []).append(pk)
    for giver_id, theirs in givers.items():
        work = Activity.objects.open().filter(customer__in=theirs).exclude(assignee=taker)
        if branch is None:  # colleagues of the same branch go on with what is theirs
            work = work.filter(assignee=giver_id)
        work.update(assignee=taker, version=F("version") + 1)
    people = dict(User.objects.filter(pk__in=[pk for pk in givers if pk]).values_list("pk", "public_id"))
    codes = dict(Team.objects.filter(pk__in={row[2] for row in rows}).values_list("pk", "code"))
    entries = []
    for pk, owner_id, branch_id in rows:
        facts = {
            "from": people.get(owner_id or 0), "to": taker.public_id, "from_branch": codes[branch_id],
            "to_branch": branch.code if branch else codes[branch_id], "handover": handover,
        }  # fmt: skip
        entries.append(log.Row("customers.customer", pk, pk, facts))
    log.record_many("customers.customer.handed_over", entries, actor=actor, at=at)
    log.record_many(
        "customers.handover.moved",
        [
            log.Row("governance.user", taker.pk, None, {"customers": theirs, "giver": owner_id, "branch": branch.pk if branch else None})
            for owner_id, theirs in givers.items()
        ],
        actor=actor,
        at=at,
    )


def hand_on(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    """Give the next customers of somebody who leaves, with their open work, to `taker`; return how many."""
    assert taker is not None
    ids = list(Customer.objects.filter(owner=giver).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    _move(ids, taker=taker, branch=None, actor=actor, at=at)
    return len(ids)


def hand_on_work(giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    """Give the next open activities of somebody who leaves to `taker`; one entry each."""
    assert taker is not None
    rows = list(Activity.objects.open().filter(assignee=giver).order_by("pk").values_list("pk", "customer_id")[:CHUNK])
    Activity.objects.filter(pk__in=[pk for pk, _customer in rows], assignee=giver).update(assignee=taker, version=F("version") + 1)
    facts = {"from": giver.public_id, "to": taker.public_id}
    log.record_many("customers.activity.handed_over", [log.Row("customers.activity", *row, facts) for row in rows], actor=actor, at=at)
    return len(rows)


def beyond(giver: User, taker: User) -> QuerySet[Customer]:
    """Return the customers of `giver` whose file `taker` could not open."""
    rows = Customer.objects.filter(owner=giver)
    if not taker.has_perm(VIEW):
        return rows
    if taker.scope == Scope.OWN:
        return rows.none()  # owning is what opens them
    return rows.exclude(pk__in=Customer.objects.visible_to(taker).values("pk"))


def work_beyond(giver: User, taker: User) -> QuerySet[Activity]:
    """Return the open activities of `giver` on customers that `taker` could not open, now or with the hand-over."""
    rows = Activity.objects.open().filter(assignee=giver)
    if not taker.has_perm(VIEW):
        return rows
    seen = Q(customer__in=Customer.objects.visible_to(taker).values("pk"))
    if taker.scope == Scope.OWN:
        seen |= Q(customer__owner=giver)
    return rows.exclude(seen)


offboarding.HOLDINGS.register(
    "customers",
    offboarding.Holding(
        label=gettext_lazy("Customers"), rows=lambda user: Customer.objects.filter(owner=user), hand_on=hand_on, beyond=beyond,
        note=gettext_lazy("applications, loans and cases follow"),
    ),
)  # fmt: skip
offboarding.HOLDINGS.register(
    "activities",
    offboarding.Holding(
        label=gettext_lazy("Open tasks and activities"), rows=lambda user: Activity.objects.open().filter(assignee=user),
        hand_on=hand_on_work, beyond=work_beyond,
    ),
)  # fmt: skip


def hand_on_owned(model: type[models.Model], giver: User, *, taker: User | None, actor: User, at: datetime) -> int:
    """Give the next rows of `model` (customer, owner) whose responsible person leaves to `taker`; one entry each."""
    assert taker is not None
    rows = list(model._base_manager.filter(owner=giver).order_by("pk").values_list("pk", "customer_id")[:CHUNK])
    model._base_manager.filter(pk__in=[pk for pk, _customer in rows], owner=giver).update(owner=taker)
    label, facts = model._meta.label_lower, {"from": giver.public_id, "to": taker.public_id}
    log.record_many(f"{label}.handed_over", [log.Row(label, pk, customer, facts) for pk, customer in rows], actor=actor, at=at)
    return len(rows)


def owned_beyond(model: Any, giver: User, taker: User) -> QuerySet[Any]:
    """Return the rows of `model` of `giver` that `taker` could not see, were they theirs."""
    rows: QuerySet[Any] = model._base_manager.filter(owner=giver)
    return rows.none() if taker.scope == Scope.OWN else rows.exclude(pk__in=model.objects.visible_to(taker).values("pk"))


def follow(model: type[models.Model], facts: dict[str, Any]) -> None:
    """Bring rows of `model` (customer, owner, branch) in step with their customers after `customers.handover.moved`.

    Reads the customers as they stand, so it may run twice or late. An owner other than the giver stays: somebody else's work.
    """
    ids, giver = facts.get("customers", []), facts.get("giver")
    customer = Customer.objects.filter(pk=OuterRef("customer_id"))
    rows = model._base_manager.filter(customer__in=ids)
    if facts.get("branch") is not None:
        rows.update(branch=Subquery(customer.values("branch")[:1]))
    rows.filter(owner=giver).update(owner=Subquery(customer.values("owner")[:1]))


@notices.words("customers.handed_over", icon="users", tone="info")
def _handed_over(notice: Notice) -> str:
    who, n = notice.actor.name if notice.actor else gettext("the system"), notice.facts.get("customers")
    if not n:
        return gettext("%(who)s handed customers over to you") % {"who": who}
    sentence = ngettext("%(who)s handed %(n)s customer over to you", "%(who)s handed %(n)s customers over to you", n)
    return sentence % {"who": who, "n": n}
