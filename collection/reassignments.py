"""Re-assign many cases at once: counted first, then done in the background, each case against the version it was counted with.

The list of cases and their versions is fixed when it is counted; what somebody changes meanwhile is refused by name and not overwritten, so
two supervisors at once, or a second click, do nothing twice. It can be stopped: what is done stays done, and the report says how far it came.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext_lazy as _

from collection import assignment, cases, contested, permissions, team
from collection.models import AssignmentMark, Case, Collector, Complaint, Reassignment
from credit import books
from crm.lib.errors import DomainError, Invalid, Stale
from governance import jobs
from governance.lifecycle import move
from governance.models import Job, LegalEntity, Team, User
from ledger import log

JOB_KIND = "collections.reassignment"
TITLE = gettext_noop("Cases re-assigned")
MOST = 20_000
CHUNK = 50
LEASE = timedelta(minutes=5)
FRESH = timedelta(minutes=30)  # what was counted longer ago is counted anew before it begins
Status = Reassignment.Status


class TooOld(DomainError):
    """What was counted long ago is no ground to move cases on."""

    code = "reassignment_too_old"


class NotRunning(DomainError):
    """Only what runs is stopped."""

    code = "reassignment_not_running"


def asked_for(user: User, asked: Mapping[str, Any]) -> QuerySet[Case]:
    """Return the open cases a supervisor asked for.

    :param asked: `whose` (a person's public id, `nobody`, or empty for anybody), `buckets`, `language`, `product`, `silent` in days
    """
    rows = Case.objects.open().visible_to(user)
    whose = asked.get("whose", "")
    if whose == "nobody":
        rows = rows.filter(assigned_to__isnull=True)
    elif whose:
        rows = rows.filter(assigned_to__public_id=whose)
    if asked.get("buckets"):
        rows = rows.filter(bucket__in=[int(bucket) for bucket in asked["buckets"]])
    if asked.get("language"):
        rows = rows.filter(customer__language=asked["language"])
    if asked.get("product"):
        rows = rows.filter(
            pk__in=Case.objects.filter(debts__overdue_amount__gt=0, debts__loan__product__code=asked["product"]).values("pk")
        )
    return rows


@transaction.atomic
def look(
    *,
    asked: Mapping[str, Any],
    people: Sequence[User],
    to_team: Team | None,
    by_rules: bool,
    entity: LegalEntity,
    actor: User,
    at: datetime,
) -> Reassignment:
    """Fix which cases would move and count them; nothing moves yet.

    :raises Invalid: with a sentence per wrong value, or when no case is meant
    """
    if sum((bool(people), to_team is not None, by_rules)) > 1:
        sentence = _("Choose people, a team, or the rules: one of them.")
        raise Invalid(sentence, fields={"people": sentence})
    allowed = set(team.workers(actor).values_list("pk", flat=True))
    if any(person.pk not in allowed for person in people):
        sentence = _("One of these people is not yours to give cases to.")
        raise Invalid(sentence, fields={"people": sentence})
    if by_rules and assignment.live(entity) is None:
        sentence = _("No assignment rules are in force yet.")
        raise Invalid(sentence, fields={"by_rules": sentence})
    rows = list(
        asked_for(actor, asked)
        .order_by("-expected_recovery", "-pk")
        .values_list("pk", "version", "assigned_to", "claimed_until", "status")[:MOST]
    )
    if not rows:
        raise Invalid(_("No open case is like this."))
    made = Reassignment(
        legal_entity=entity, asked=dict(asked), ids=[row[0] for row in rows], versions=[row[1] for row in rows],
        people=[person.pk for person in people], team=to_team, by_rules=by_rules, made_by=actor, made_at=at,
    )  # fmt: skip
    made.seen = counted(made, rows, people, at=at)
    made.save(force_insert=True)
    log.record("collections.reassignment.counted", made, actor=actor, at=at, cases=len(rows))
    return made


def counted(row: Reassignment, rows: Sequence[tuple[Any, ...]], people: Sequence[User], *, at: datetime) -> dict[str, Any]:
    """Return what would come of it as far as one can tell before: how many to each, what stays where it is, what will be refused and why."""
    barred = Counter(
        Complaint.objects.filter(case__in=row.ids, about__in=row.people, status__in=contested.BARS)
        .order_by()
        .values_list("about", flat=True)
    )
    wanted = Counter(row.people[place % len(row.people)] for place in range(len(rows))) if row.people else Counter[int]()
    now = Counter(assigned for _pk, _version, assigned, _until, _status in rows)
    limits = dict(Collector.objects.filter(user__in=row.people, most_cases__isnull=False).values_list("user", "most_cases"))
    loads = dict(
        Case.objects.open()
        .filter(assigned_to__in=row.people)
        .exclude(pk__in=row.ids)
        .order_by()
        .values_list("assigned_to")
        .annotate(n=Count("pk"))
    )
    shares = [
        {
            "person": person.public_id, "name": person.name, "cases": wanted[person.pk], "barred": barred[person.pk], "now": now[person.pk],
            "over": max(loads.get(person.pk, 0) + wanted[person.pk] - limits[person.pk], 0) if person.pk in limits else 0,
        }
        for person in people
    ]  # fmt: skip
    return {
        "cases": len(rows), "capped": len(rows) == MOST, "shares": shares,
        "held": sum(1 for each in rows if each[3] is not None and each[3] > at),
        "paused": sum(1 for each in rows if each[4] == Case.Status.PAUSED),
    }  # fmt: skip


@transaction.atomic
def begin(row: Reassignment, *, actor: User, at: datetime) -> Reassignment:
    """Let a worker do it. A second click finds it begun and changes nothing.

    :raises TooOld: if it was counted long ago
    """
    if row.status != Status.SEEN:
        return row
    if row.made_at < at - FRESH:
        raise TooOld(_("This was counted over 30 minutes ago: count again, much may have moved."))
    job = jobs.start(kind=JOB_KIND, title=TITLE, actor=actor, at=at, total=len(row.ids))
    return move(row, Status.RUNNING, actor=actor, at=at, event="collections.reassignment.begun", job=job)


def stop(row: Reassignment, *, actor: User, at: datetime) -> Reassignment:
    """Ask the worker to stop after the cases it has in hand.

    :raises NotRunning: if it is over, or has not begun
    """
    if row.status != Status.RUNNING:
        raise NotRunning(_("Only a re-assignment that runs is stopped."))
    return move(row, Status.STOPPING, actor=actor, at=at, event="collections.reassignment.stopping")


def run(row_id: int, *, clock: Callable[[], datetime]) -> Reassignment | None:
    """Go through the cases from where it stands; None when another worker has it, or it is over."""
    at = clock()
    free = Q(beat_at__isnull=True) | Q(beat_at__lt=at - LEASE)
    waits = Reassignment.objects.filter(free, pk=row_id, status__in=(Status.RUNNING, Status.STOPPING))
    if not waits.update(beat_at=at):
        return None
    row = Reassignment.objects.select_related("job", "made_by__role", "made_by__team", "legal_entity", "team").get(pk=row_id)
    jobs.claim(job_of(row).pk, at=at)
    people = {each.pk: each for each in User.objects.filter(pk__in=row.people).select_related("role", "team")}
    with override(row.made_by.language or None):
        while row.next < len(row.ids) and row.status == Status.RUNNING:
            chunk(row, people, at=clock())
            row.refresh_from_db(fields=["status"])
    with transaction.atomic():
        over = Status.DONE if row.next >= len(row.ids) else Status.STOPPED
        if over == Status.DONE and row.by_rules:
            place(row, at=clock())
        move(row, over, actor=row.made_by, at=clock(), event=f"collections.reassignment.{over}", finished_at=clock())
        jobs.finish(job_of(row), at=clock(), stopped=over == Status.STOPPED, of=len(row.ids), reached=row.next)
    return row


def job_of(row: Reassignment) -> Job:
    """Return the job of what has begun."""
    if row.job is None:
        raise NotRunning(_("Only a re-assignment that runs is stopped."))
    return row.job


@transaction.atomic
def chunk(row: Reassignment, people: Mapping[int, User], *, at: datetime) -> None:
    """Do the next few cases; each is done or refused by itself, with its reason."""
    last = min(row.next + CHUNK, len(row.ids))
    places = range(row.next, last)
    actor = row.made_by
    actor.asked = permissions.PLAN_TEAM
    may = actor.has_perm(permissions.PLAN_TEAM)
    found = Case.objects.visible_to(actor).in_bulk([row.ids[place] for place in places]) if may else {}
    done, problems = 0, []
    for place_ in places:
        case = found.get(row.ids[place_])
        if case is None:
            problems.append({"line": None, "field": "", "message": gettext("A case is no longer there, or no longer yours to change.")})
            continue
        to = people.get(row.people[place_ % len(row.people)]) if row.people else None
        try:
            with transaction.atomic():
                give(row, case, to, version=row.versions[place_], at=at)
            done += 1
        except Stale:
            problems.append({"line": None, "field": case.public_id, "message": gettext("Somebody changed it since it was counted.")})
        except DomainError as error:
            problems.append({"line": None, "field": case.public_id, "message": str(error.message)})
    row.next = last
    Reassignment.objects.filter(pk=row.pk).update(next=last, beat_at=at)
    jobs.progress(job_of(row), at=at, done=done, failed=len(problems), problems=problems)


def give(row: Reassignment, case: Case, to: User | None, *, version: int, at: datetime) -> None:
    """Give one case to a person, to a team's queue, or back to everybody."""
    if row.team is None:
        cases.assign(case, to=to, version=version, actor=row.made_by, at=at)
    else:
        cases.give_to_team(case, row.team, version=version, actor=row.made_by, at=at)


def place(row: Reassignment, *, at: datetime) -> None:
    """Let the rules place what was given back to everybody for them."""
    plan = assignment.live(row.legal_entity)
    if plan is not None:
        AssignmentMark.objects.filter(case__in=row.ids).delete()
        assignment.apply(plan, actor=row.made_by, at=at, on=books.value_day(row.legal_entity, at), case_ids=row.ids)


def unfinished(*, at: datetime) -> list[int]:
    """Return what no worker holds and is not over."""
    free = Q(beat_at__isnull=True, made_at__lt=at - timedelta(minutes=1)) | Q(beat_at__lt=at - LEASE)
    rows = Reassignment.objects.filter(free, status__in=(Status.RUNNING, Status.STOPPING))
    return list(rows.order_by("pk").values_list("pk", flat=True))
