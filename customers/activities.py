"""Doors for calls, visits, tasks and follow-ups: planned for somebody, changed, done or cancelled; or logged after the fact."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from customers import mentions
from customers.models import Activity, Customer
from customers.permissions import ACT
from governance import lifecycle, notices
from governance.models import Notice, User
from ledger import log

LONGEST = 2_000
FARTHEST = timedelta(days=3 * 365)
FELL_DUE = timedelta(days=1)  # how far back the beat looks: it runs far more often


class EmptyActivity(Invalid):
    code = "empty_activity"


class DueCannotBe(Invalid):
    """The time is over already, or beyond three years."""

    code = "due_cannot_be"


class NotForThem(Invalid):
    """The person may not open the file, or does no such work."""

    code = "not_for_them"


def _said(text: str, field: str = "text") -> str:
    text = text.strip()
    if not text or len(text) > LONGEST:
        sentence = _("Say what it is about, in at most 2,000 characters.")
        raise EmptyActivity(sentence, fields={field: sentence})
    return text


def _due(due_at: datetime, *, at: datetime) -> datetime:
    if not at <= due_at <= at + FARTHEST:
        sentence = _("Choose a time that is still to come, within three years.")
        raise DueCannotBe(sentence, fields={"due_on": sentence, "due_at": sentence})
    return due_at


def _fit(assignee: User, customer: Customer) -> User:
    if not (assignee.has_perm(ACT) and mentions.may_open(assignee, customer)):
        sentence = _("%(name)s may not open this file or does no such work. Choose somebody else.") % {"name": assignee.name}
        raise NotForThem(sentence, fields={"assignee": sentence})
    return assignee


def _address(customer: Customer) -> str:
    return f"{reverse('customer', args=[customer.public_id])}#panel-activities"


@transaction.atomic
def plan(
    customer: Customer, *, kind: str, text: str, due_at: datetime, actor: User, at: datetime, assignee: User | None = None
) -> Activity:
    """Give `assignee`, or the actor, something to do for `customer` by `due_at`; they and who is named are told.

    :raises EmptyActivity: if it does not say what
    :raises DueCannotBe: if `due_at` is over or more than three years away
    :raises NotForThem: if the assignee may not open the file
    :raises mentions.CannotBeTold: if somebody named may not
    """
    text, due_at = _said(text), _due(due_at, at=at)
    assignee = actor if assignee is None or assignee.pk == actor.pk else _fit(assignee, customer)
    named = mentions.people(text, customer)
    activity = Activity.objects.create(
        customer=customer, kind=kind, text=text, due_at=due_at, assignee=assignee, created_by=actor, created_at=at
    )
    log.record(
        "customers.activity.planned", activity, actor=actor, at=at, kind=kind, assignee=assignee.public_id, due_at=due_at,
        named=mentions.codes(named),
    )  # fmt: skip
    _tell_assigned(activity, actor=actor, at=at)
    _tell_named(activity, named, actor=actor, at=at)
    return activity


@transaction.atomic
def note_down(customer: Customer, *, kind: str, text: str, actor: User, at: datetime) -> Activity:
    """Keep what was done already: a call that was made, a visit that took place.

    :raises EmptyActivity: if it does not say what
    :raises mentions.CannotBeTold: if somebody named may not open the file
    """
    text = _said(text)
    named = mentions.people(text, customer)
    activity = Activity.objects.create(
        customer=customer, kind=kind, status=Activity.Status.DONE, text=text, assignee=actor, created_by=actor, created_at=at,
        closed_by=actor, closed_at=at,
    )  # fmt: skip
    log.record("customers.activity.noted", activity, actor=actor, at=at, kind=kind, named=mentions.codes(named))
    _tell_named(activity, named, actor=actor, at=at)
    return activity


@transaction.atomic
def change(
    activity: Activity, *, actor: User, at: datetime, version: int, due_at: datetime | None = None, assignee: User | None = None
) -> Activity:
    """Move an open activity to another time or person.

    :raises Stale: if it changed since `version`, or is no longer open
    :raises DueCannotBe: if the new time is over
    :raises NotForThem: if the new assignee may not open the file
    """
    changes: dict[str, Any] = {}
    if due_at is not None and due_at != activity.due_at:
        changes["due_at"] = _due(due_at, at=at)
    if assignee is not None and assignee.pk != activity.assignee_id:
        changes["assignee"] = _fit(assignee, activity.customer)
    if not changes:
        return activity
    open_rows = Activity.objects.open().filter(pk=activity.pk, version=version)
    if not open_rows.update(version=F("version") + 1, **changes):
        raise Stale(_("This was changed or finished meanwhile. Look at it again."))
    found = Activity.objects.for_list().get(pk=activity.pk)
    facts: dict[str, Any] = {"kind": found.kind, "assignee": found.assignee.public_id, "due_at": found.due_at, "fields": sorted(changes)}
    log.record("customers.activity.changed", found, actor=actor, at=at, **facts)
    if "assignee" in changes:
        _tell_assigned(found, actor=actor, at=at)
    return found


@transaction.atomic
def finish(activity: Activity, *, actor: User, at: datetime, result: str = "") -> Activity:
    """Mark as done, with what came of it; whoever asked for it is told.

    :raises governance.lifecycle.MovedMeanwhile: if somebody else was faster
    """
    return _close(activity, Activity.Status.DONE, actor=actor, at=at, result=result)


@transaction.atomic
def cancel(activity: Activity, *, actor: User, at: datetime, result: str = "") -> Activity:
    """Give up what is no longer to be done; whoever asked for it is told.

    :raises governance.lifecycle.MovedMeanwhile: if somebody else was faster
    """
    return _close(activity, Activity.Status.CANCELLED, actor=actor, at=at, result=result)


def _close(activity: Activity, to: str, *, actor: User, at: datetime, result: str) -> Activity:
    if result.strip():
        activity.result = _said(result, "result")
        named = mentions.people(result, activity.customer, field="result")
    else:
        named = []
    moved = lifecycle.move(
        activity, to, actor=actor, at=at, facts={"kind": activity.kind, "named": mentions.codes(named)}, closed_by=actor, closed_at=at
    )
    if result.strip():
        moved.save(update_fields=["result"])
    _tell_named(moved, named, actor=actor, at=at)
    notices.tell(
        [moved.created_by], code=f"customers.activity_{to}", key=f"activity:{moved.pk}:{to}", url=_address(moved.customer),
        actor=actor, at=at, kind=moved.kind, customer=moved.customer.public_id,
    )  # fmt: skip
    return moved


def _tell_assigned(activity: Activity, *, actor: User, at: datetime) -> None:
    notices.tell(
        [activity.assignee], code="customers.activity_assigned", key=f"activity:{activity.pk}:{activity.version}:{activity.assignee_id}",
        url=_address(activity.customer), actor=actor, at=at, kind=activity.kind, customer=activity.customer.public_id,
    )  # fmt: skip


def _tell_named(activity: Activity, named: list[User], *, actor: User, at: datetime) -> None:
    notices.tell(
        named, code="customers.mention", key=f"activity:{activity.pk}:named:{activity.version}", url=_address(activity.customer),
        actor=actor, at=at, where=activity.kind, customer=activity.customer.public_id,
    )  # fmt: skip


def tell_overdue(*, at: datetime) -> int:
    """Tell the assignees of what fell due within the last day and is not done, once each; return how many."""
    rows = Activity.objects.overdue(at).filter(due_at__gte=at - FELL_DUE, assignee__is_active=True).select_related("customer")
    told = [
        Notice(
            user_id=row.assignee_id,
            code="customers.activity_overdue",
            key=f"activity:{row.pk}:overdue:{row.version}",
            url=_address(row.customer),
            facts={"kind": row.kind, "customer": row.customer.public_id},
            at=at,
        )
        for row in rows.only("pk", "assignee", "kind", "version", "customer__public_id").order_by("pk")
    ]
    return notices.tell_each(told) if told else 0


def _kind(notice: Notice, name: str = "kind") -> str:
    words = {**dict(Activity.Kind.choices), "note": _("Note")}
    return str(words.get(notice.facts.get(name, ""), notice.facts.get(name, "")))


def _who(notice: Notice) -> str:
    return notice.actor.name if notice.actor else gettext("the system")


@notices.words("customers.mention", icon="notes", tone="info")
def _mention(notice: Notice) -> str:
    values = {"who": _who(notice), "customer": notice.facts.get("customer", ""), "where": _kind(notice, "where")}
    return gettext("%(who)s named you on customer %(customer)s (%(where)s)") % values


@notices.words("customers.activity_assigned", icon="tasks", tone="info")
def _assigned(notice: Notice) -> str:
    values = {"who": _who(notice), "customer": notice.facts.get("customer", ""), "kind": _kind(notice)}
    return gettext("%(who)s gave you work on customer %(customer)s: %(kind)s") % values


@notices.words("customers.activity_done", icon="tone-good", tone="good")
def _finished(notice: Notice) -> str:
    values = {"who": _who(notice), "customer": notice.facts.get("customer", ""), "kind": _kind(notice)}
    return gettext("%(who)s finished what you asked for on customer %(customer)s: %(kind)s") % values


@notices.words("customers.activity_cancelled", icon="close", tone="neutral")
def _cancelled(notice: Notice) -> str:
    values = {"who": _who(notice), "customer": notice.facts.get("customer", ""), "kind": _kind(notice)}
    return gettext("%(who)s cancelled what you asked for on customer %(customer)s: %(kind)s") % values


@notices.words("customers.activity_overdue", icon="clock", tone="warn")
def _overdue(notice: Notice) -> str:
    return gettext("Overdue on customer %(customer)s: %(kind)s") % {"customer": notice.facts.get("customer", ""), "kind": _kind(notice)}
