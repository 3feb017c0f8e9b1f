"""Absences: on the first day a collector's work goes to a deputy, or to everybody; after the last what nobody touched comes back.

What goes is the open cases assigned to them with their planned actions and promises, and their open tasks that fall due while they are
away (these to the deputy only). A hold of theirs ends at once. A case the deputy may not work, because of their team or of a complaint,
lies with everybody. Untouched is what still has the version it had when it was handed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from collection import contested, permissions
from collection.models import Absence, AbsencePiece, AssignmentMark, Case, Complaint, Promise, PromisePart
from credit import books
from crm.lib.errors import DomainError, Invalid, Stale
from customers import activities
from customers.models import Activity
from governance import notices, users
from governance.lifecycle import move
from governance.models import LegalEntity, Notice, User
from governance.models.identity import Scope
from ledger import log

LONGEST = 366  # days
CHUNK = 1_000
LOCK = 7413
Status = Absence.Status


class AwayAlready(Invalid):
    """Two absences of one person do not overlap."""

    code = "away_already"


class NotAway(DomainError):
    """Only a running absence is ended, only a planned one cancelled."""

    code = "not_away"


@dataclass(frozen=True)
class Work:
    """What a person leaves behind for the days of an absence."""

    cases: int
    actions: int
    promises: int
    tasks: int


def standing() -> QuerySet[Absence]:
    return Absence.objects.filter(status__in=Absence.STANDING)


def away_on(entity: LegalEntity | int, day: date) -> set[int]:
    """Return who is away on a day."""
    return set(standing().filter(legal_entity=entity, since__lte=day, until__gte=day).values_list("person", flat=True))


def away_between(entity: LegalEntity, first: date, last: date) -> dict[date, set[int]]:
    """Return who is away on each day of a span; one query."""
    found: dict[date, set[int]] = {}
    for person, since, until in (
        standing().filter(legal_entity=entity, since__lte=last, until__gte=first).values_list("person", "since", "until")
    ):
        for day in days(max(since, first), min(until, last)):
            found.setdefault(day, set()).add(person)
    return found


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def work_of(person: User, *, since: date, until: date) -> Work:
    """Return what somebody would leave behind."""
    mine = Case.objects.open().filter(assigned_to=person)
    return Work(
        cases=mine.count(),
        actions=mine.filter(next_action_on__gte=since, next_action_on__lte=until).count(),
        promises=PromisePart.objects.filter(
            due_on__gte=since, due_on__lte=until, promise__in=Promise.objects.running().filter(case__in=mine.values("pk")).values("pk")
        ).count(),
        tasks=tasks_of(person, until=until).count(),
    )


def tasks_of(person: User, *, until: date) -> QuerySet[Activity]:
    zone = ZoneInfo(person.team.legal_entity.zone) if person.team else ZoneInfo("UTC")
    return Activity.objects.open().filter(assignee=person, due_at__lt=datetime.combine(until + timedelta(days=1), time.min, tzinfo=zone))


# --- planning it ---------------------------------------------------------------------------------------------------
@transaction.atomic
def plan(person: User, *, since: date, until: date, reason: str, deputy: User | None, today: date, actor: User, at: datetime) -> Absence:
    """Plan an absence; one that begins today hands over at once.

    :raises AwayAlready: if they are away on one of these days by another absence
    :raises Invalid: with a sentence per wrong value
    """
    with connection.cursor() as cursor:  # two supervisors plan the same person at once: the second one sees the first's
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, person.pk])
    found: dict[str, Any] = {}
    if person.team is None or not person.has_perm(permissions.CLAIM):
        found["person"] = _("%(name)s works no cases.") % {"name": person}
    if reason not in Absence.Reason.values:
        found["reason"] = _("Choose a kind of absence.")
    if since < today:
        found["since"] = _("The first day cannot lie before %(day)s.") % {"day": today.isoformat()}
    if until < since:
        found["until"] = _("The last day cannot lie before the first.")
    elif (until - since).days >= LONGEST:
        found["until"] = _("At most a year at once.")
    entity = person.team.legal_entity if person.team else None
    if deputy is not None:
        if deputy.pk == person.pk:
            found["deputy"] = _("Nobody stands in for themselves.")
        elif not deputy.is_active or not deputy.has_perm(permissions.CLAIM):
            found["deputy"] = _("%(name)s works no cases.") % {"name": deputy}
        elif standing().filter(person=deputy, since__lte=until, until__gte=since).exists():
            found["deputy"] = _("%(name)s is away on some of these days: choose another person.") % {"name": deputy}
    if found or entity is None:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    if standing().filter(person=person, since__lte=until, until__gte=since).exists():
        sentence = _("%(name)s is away on some of these days already.") % {"name": person}
        raise AwayAlready(sentence, fields={"since": sentence})
    row = Absence.objects.create(
        legal_entity=entity, person=person, deputy=deputy, reason=reason, since=since, until=until, made_by=actor, made_at=at
    )
    log.record(
        "collections.absence.planned",
        row,
        actor=actor,
        at=at,
        person=person.pk,
        deputy=deputy.pk if deputy else None,
        since=since,
        until=until,
    )
    return begin(row, actor=actor, at=at) if since <= today else row


@transaction.atomic
def cancel(absence: Absence, *, actor: User, at: datetime) -> Absence:
    """Give up an absence that has not begun.

    :raises NotAway: if it began, or is over
    """
    if absence.status != Status.PLANNED:
        raise NotAway(_("Only an absence that has not begun is cancelled; end one that runs."))
    return move(absence, Status.CANCELLED, actor=actor, at=at, event="collections.absence.cancelled")


# --- handing over --------------------------------------------------------------------------------------------------
@transaction.atomic
def begin(absence: Absence, *, actor: User, at: datetime) -> Absence:
    """Hand the work over and end the holds. Of two that begin it at once one does it.

    :raises MovedMeanwhile: if another was faster
    """
    move(absence, Status.RUNNING, actor=actor, at=at, event="collections.absence.began", began_at=at)
    person, deputy = absence.person, absence.deputy
    held = Case.objects.filter(claimed_by=person)
    freed = list(held.values_list("pk", "customer_id"))
    held.update(claimed_by=None, claimed_at=None, claimed_until=None)
    log.record_many(
        "collections.case.released", [entry(pk, customer, {"absence": absence.public_id}) for pk, customer in freed], actor=actor, at=at
    )
    mine = Case.objects.open().filter(assigned_to=person)
    to_deputy = list(fit(mine, deputy).values_list("pk", flat=True)) if deputy else []
    moved = hand_over(absence, mine.filter(pk__in=to_deputy), to=deputy, actor=actor, at=at) if deputy else 0
    moved += hand_over(absence, mine.exclude(pk__in=to_deputy), to=None, actor=actor, at=at)
    if deputy is not None:
        tasks = hand_tasks(absence, deputy, actor=actor, at=at)
        notices.tell(
            [deputy], code="collections.absence", key=f"absence:{absence.public_id}", url="/collections/cases/?whose=mine", at=at, actor=actor,
            until=absence.until.isoformat(), cases=len(to_deputy), tasks=tasks,
        )  # fmt: skip
    return absence


def fit(rows: QuerySet[Case], deputy: User) -> QuerySet[Case]:
    """Narrow to the cases a deputy may work: their team reaches it, and no complaint keeps them from it."""
    free = rows.filter(~Exists(Complaint.objects.filter(case=OuterRef("pk"), about=deputy.pk, status__in=contested.BARS)))
    if deputy.scope == Scope.OWN or (deputy.role and deputy.role.own_cases):
        return free
    return free.filter(pk__in=Case.objects.visible_to(deputy).order_by().values("pk"))


def hand_over(absence: Absence, rows: QuerySet[Case], *, to: User | None, actor: User, at: datetime) -> int:
    """Give cases to `to`, or to everybody, and keep each with the version it has then."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        Case.objects.filter(pk__in=part, assigned_to=absence.person).update(assigned_to=to, version=F("version") + 1)
        now = list(Case.objects.filter(pk__in=part).values_list("pk", "version", "customer_id"))
        AbsencePiece.objects.bulk_create([AbsencePiece(absence=absence, case_id=pk, number=number) for pk, number, _customer in now])
        facts = {"was": absence.person_id, "to": to.pk if to else None, "absence": absence.public_id}
        log.record_many("collections.case.assigned", [entry(pk, customer, facts) for pk, _number, customer in now], actor=actor, at=at)
    return len(ids)


def entry(pk: int, customer: int, facts: dict[str, Any]) -> log.Row:
    return log.Row(Case._meta.label_lower, pk, customer, facts)


def hand_tasks(absence: Absence, deputy: User, *, actor: User, at: datetime) -> int:
    """Give the tasks that fall due meanwhile to the deputy; one they may not open stays."""
    done = 0
    for task in tasks_of(absence.person, until=absence.until).select_related("customer", "assignee")[:CHUNK]:
        try:
            with transaction.atomic():
                changed = activities.change(task, actor=actor, at=at, version=task.version, assignee=deputy)
        except (activities.NotForThem, Stale):
            continue
        AbsencePiece.objects.create(absence=absence, task=changed, number=changed.version)
        done += 1
    return done


@transaction.atomic
def end(absence: Absence, *, actor: User, at: datetime) -> Absence:
    """Bring back what nobody touched; what was worked meanwhile stays with who worked it.

    :raises NotAway: if it does not run
    """
    if absence.status != Status.RUNNING:
        raise NotAway(_("Only an absence that runs is ended."))
    move(absence, Status.OVER, actor=actor, at=at, event="collections.absence.ended", ended_at=at)
    person, deputy = absence.person, absence.deputy
    pieces = AbsencePiece.objects.filter(absence=absence, case__isnull=False, came_back__isnull=True)
    back = pieces.filter(case__version=F("number"), case__status__in=("open", "worked", "paused")).filter(
        Q(case__assigned_to__isnull=True) | Q(case__assigned_to=deputy), case__team__isnull=True
    ).filter(~Exists(Complaint.objects.filter(case=OuterRef("case"), about=person.pk, status__in=contested.BARS)))  # fmt: skip
    works = person.is_active and person.has_perm(permissions.CLAIM)
    ids = list(back.values_list("case", flat=True)) if works else []
    rows = list(Case.objects.filter(pk__in=ids).select_for_update(of=("self",)).values_list("pk", "customer_id", "assigned_to"))
    Case.objects.filter(pk__in=ids).update(assigned_to=person, version=F("version") + 1)
    AssignmentMark.objects.filter(case__in=ids).exclude(person=person).delete()
    log.record_many(
        "collections.case.assigned", [entry(pk, customer, {"was": was, "to": person.pk, "absence": absence.public_id}) for pk, customer, was in rows],
        actor=actor, at=at,
    )  # fmt: skip
    pieces.filter(case__in=ids).update(came_back=True)
    pieces.filter(came_back__isnull=True).update(came_back=False)
    for piece in AbsencePiece.objects.filter(absence=absence, task__isnull=False, came_back__isnull=True).select_related(
        "task__customer", "task__assignee"
    ):
        piece.came_back = task_back(piece, person, actor=actor, at=at) if works else False
        piece.save(update_fields=["came_back"])
    return absence


def task_back(piece: AbsencePiece, person: User, *, actor: User, at: datetime) -> bool:
    """Give a task back that nobody touched; return whether it went."""
    task = piece.task
    if task is None or task.version != piece.number or task.status != Activity.Status.OPEN:
        return False
    try:
        with transaction.atomic():
            activities.change(task, actor=actor, at=at, version=task.version, assignee=person)
    except (activities.NotForThem, Stale):
        return False
    return True


def follow_day(entity: LegalEntity, *, at: datetime) -> tuple[int, int]:
    """Begin the absences whose first day has come and end those whose last day is over; return how many of each."""
    on, actor = books.local_day(entity, at), users.system()
    rows = Absence.objects.filter(legal_entity=entity).select_related(
        "person__role", "person__team__legal_entity", "deputy__role", "deputy__team"
    )
    over = list(rows.filter(status=Status.RUNNING, until__lt=on).order_by("pk"))
    for absence in over:
        end(absence, actor=actor, at=at)
    due = list(rows.filter(status=Status.PLANNED, since__lte=on, until__gte=on).order_by("pk"))
    for absence in due:
        begin(absence, actor=actor, at=at)
    for absence in rows.filter(status=Status.PLANNED, until__lt=on):  # it never began: the machine stood still all these days
        move(absence, Status.CANCELLED, actor=actor, at=at, event="collections.absence.cancelled")
    return len(due), len(over)


@notices.words("collections.absence", icon="users", tone="info")
def _said(notice: Notice) -> str:
    return gettext("You stand in for a colleague until %(until)s: %(cases)s cases, %(tasks)s tasks") % {
        name: notice.facts.get(name, "") for name in ("until", "cases", "tasks")
    }
