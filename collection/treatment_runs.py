"""Cases along their paths: set by set, each step once for ever.

`work` takes any cases: it asks the strategy anew, ends what is to end, begins what begins, takes the step that is due and plans the next.
Exits are thus asked before every step, and once more when a message leaves (`treatment_sending`). It may run at any time and twice.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from psycopg2.extras import execute_values

from collection import treatment_acts, treatment_arms, treatment_judge
from collection.models import Case, TreatmentEntry, TreatmentStep
from collection.treatment_arms import Arms
from collection.treatment_facts import IN_WORK, Told, told
from collection.treatment_judge import Treatment
from collection.treatment_shape import Step
from crm.lib.among import among
from governance import users
from ledger import log

CHUNK = 2_000
LATE = timedelta(days=2)  # a step whose day is further past is passed over: nobody gets three messages at once after a standstill
NINE = "09:00"
ENTRY = TreatmentEntry._meta.label_lower
CASE = Case._meta.label_lower
S = TreatmentStep.Status
NOWHERE = (-1, "")


@dataclass
class Count:
    """What one round did."""

    cases: int = 0
    began: int = 0
    ended: int = 0
    planned: int = 0
    taken: int = 0
    unjudged: int = 0

    def add(self, other: "Count") -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Stand(NamedTuple):
    """How far a case is on its path: the day it began, the place of the last step that was planned, and that step where it still waits.

    A step that waits for its day when another version takes over is still to come: only what was taken is behind.
    """

    began: date
    through: tuple[int, str]
    waiting: str


@dataclass
class Round:
    """What one chunk of cases comes to, written down at its end in a few statements."""

    at: datetime
    count: Count = field(default_factory=Count)
    ended: list[tuple[int, int, int | None, str]] = field(default_factory=list)  # entry, case, customer, why
    begun: list[tuple[Any, ...]] = field(default_factory=list)
    steps: list[tuple[Any, ...]] = field(default_factory=list)  # entry or ("new", case), step, due, status, why
    through: list[tuple[int, int, str]] = field(default_factory=list)
    taken: list[tuple[TreatmentStep, Told]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)


def case_ids(*, after: int = 0, last: int | None = None, limit: int = CHUNK) -> list[int]:
    """Return the next cases in work by id."""
    rows = Case.objects.filter(status__in=IN_WORK, pk__gt=after).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__lte=last)
    return list(rows.values_list("pk", flat=True)[:limit])


def work_all(*, at: datetime, chunk: int = CHUNK) -> Count:
    """Plan every case in work, chunk by chunk."""
    total, last = Count(), 0
    while ids := case_ids(after=last, limit=chunk):
        total.add(work(ids, at=at))
        last = ids[-1]
    total.add(end_gone(at=at))
    return total


def work_due(*, at: datetime, limit: int = CHUNK, rounds: int = 1_000) -> Count:
    """Take the steps whose moment has come, chunk by chunk, at most `rounds` of them."""
    total = Count()
    for _round in range(rounds):
        due = TreatmentStep.objects.filter(status=S.PLANNED, due_at__lte=at).order_by("due_at", "pk")
        ids = sorted(set(due.values_list("entry__case", flat=True)[:limit]))
        if not ids:
            break
        done = work(ids, at=at)
        gone = end_gone(at=at, among=ids)
        total.add(done)
        if not done.taken + done.ended + gone.ended:
            break  # held by another worker
    return total


@transaction.atomic
def work(ids: Collection[int], *, at: datetime) -> Count:
    """Bring these cases on by at most one step each, in one transaction."""
    locked = Case.objects.filter(pk__among=among(ids), status__in=IN_WORK).order_by("pk").select_for_update(skip_locked=True, no_key=True)
    free = list(locked.values_list("pk", flat=True))
    arms = treatment_arms.now_running()
    if not free or arms is None:
        return Count()
    rows = told(free, at=at)
    running = {one.case_id: one for one in TreatmentEntry.objects.filter(case__among=among(free), status=TreatmentEntry.Status.RUNNING)}
    of_running = among([one.pk for one in running.values()])
    planned = {one.entry_id: one for one in TreatmentStep.objects.filter(entry__among=of_running, status=S.PLANNED)}
    done = Round(at, Count(cases=len(rows)))
    for row in rows:
        entry = running.get(row.case_id)
        _one(done, arms, row, entry, planned.get(entry.pk) if entry else None)
    _write(done)
    return done.count


def _one(done: Round, arms: Arms, row: Told, entry: TreatmentEntry | None, open_step: TreatmentStep | None) -> None:
    arm, version, treatment = arms.judged(row.customer_id, row.facts)
    if row.small:
        treatment = treatment_judge.only_written(treatment)
    if not treatment.path:
        done.count.unjudged += not treatment.exit
        if entry is not None:
            done.ended.append((entry.pk, row.case_id, row.customer_id, treatment.exit or "unjudged"))
        return
    zone = ZoneInfo(row.zone)
    today = done.at.astimezone(zone).date()
    if entry is not None and entry.path == treatment.path and (entry.version_id, entry.arm) == (version, arm):
        _go_on(done, row, entry, open_step, treatment, today, zone)
        return
    same = entry is not None and entry.path == treatment.path  # another version of the path one is on: its days go on
    if entry is not None:
        done.ended.append((entry.pk, row.case_id, row.customer_id, "strategy" if same else "segment"))
    place = stand(entry if same else None, open_step, today)
    steps, through = _next(treatment.steps, place, today, zone)
    done.begun.append((
        row.case_id, version, arms.experiment if arm else None, arm, treatment.path, place.began, done.at, row.facts["overdue_amount"], *through
    ))  # fmt: skip
    done.steps += [(("new", row.case_id), *one) for one in steps]


def _go_on(
    done: Round, row: Told, entry: TreatmentEntry, open_step: TreatmentStep | None, treatment: Treatment, today: date, zone: ZoneInfo
) -> None:
    if open_step is not None:
        if open_step.due_at > done.at:
            return
        if not any(one.name == open_step.name for one in treatment.steps):
            done.skipped.append((open_step.pk, "condition"))
        else:
            done.taken.append((open_step, row))
    steps, through = _next(treatment.steps, stand(entry, None, today), today, zone)
    if steps:
        done.steps += [(entry.pk, *one) for one in steps]
        done.through.append((entry.pk, *through))


def stand(entry: TreatmentEntry | None, open_step: TreatmentStep | None, today: date) -> Stand:
    """Return how far a case is on a path: on its first day without an entry."""
    if entry is None:
        return Stand(today, NOWHERE, "")
    return Stand(entry.began_on, (entry.through_day, entry.through_step), open_step.name if open_step is not None else "")


def to_come(steps: Sequence[Step], place: Stand, today: date, zone: ZoneInfo) -> Iterator[tuple[Step, datetime, bool]]:
    """Yield the steps that are still to come with their moment, and whether that went by unseen, so that they are passed over."""
    for step in steps:
        if step.place > place.through or step.name == place.waiting:
            day = place.began + timedelta(days=step.day)
            yield step, datetime.combine(day, time.fromisoformat(step.hour or NINE), tzinfo=zone), day < today - LATE


def _next(
    steps: Sequence[Step], place: Stand, today: date, zone: ZoneInfo
) -> tuple[list[tuple[Step, datetime, str, str]], tuple[int, str]]:
    """Return the step that comes next, and before it those whose day went by unseen, which are passed over."""
    found: list[tuple[Step, datetime, str, str]] = []
    past = place.through
    for step, due, late in to_come(steps, place, today, zone):
        past = max(past, step.place)
        if late:
            found.append((step, due, S.SKIPPED, "late"))
            continue
        found.append((step, due, S.PLANNED, ""))
        break
    return found, past


# --- writing down --------------------------------------------------------------------------------------------------
BEGIN = """
INSERT INTO collections_treatmententry
    (case_id, version_id, experiment_id, arm, path, began_on, began_at, entered_amount, through_day, through_step)
VALUES %s ON CONFLICT (case_id) WHERE status = 'running' DO NOTHING RETURNING id, case_id
"""
PLAN = """
INSERT INTO collections_treatmentstep (entry_id, name, day, action, template, status, why, due_at, planned_at)
VALUES %s ON CONFLICT (entry_id, name) DO NOTHING
"""
THROUGH = """
UPDATE collections_treatmententry AS e SET through_day = v.day, through_step = v.name FROM (VALUES %s) AS v (id, day, name)
WHERE e.id = v.id
"""
PAGE = 5_000


def _put(statement: str, rows: Sequence[Sequence[Any]], template: str | None = None, *, fetch: bool = False) -> list[Any]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        return execute_values(cursor.cursor, statement, rows, template=template, page_size=PAGE, fetch=fetch) or []


def _write(done: Round) -> None:
    _end(done.ended, at=done.at)
    made = _put(BEGIN, done.begun, fetch=True)
    new = {case_id: pk for pk, case_id in made}
    rows = []
    for entry, step, due, status, why in done.steps:
        pk = new.get(entry[1]) if isinstance(entry, tuple) else entry
        if pk is not None:
            rows.append((pk, step.name, step.day, step.action, step.template, str(status), why, due, done.at))
    _put(PLAN, rows)
    _put(THROUGH, done.through)
    if done.skipped:
        TreatmentStep.objects.filter(pk__in=[pk for pk, _why in done.skipped], status=S.PLANNED).update(
            status=S.SKIPPED, why="condition", taken_at=done.at
        )
    treatment_acts.take(done.taken, at=done.at)
    of_case = {row[0]: row for row in done.begun}
    customers = dict(Case.objects.filter(pk__among=among(new)).values_list("pk", "customer_id"))
    begun = [
        log.Row(CASE, case_id, customers[case_id], {"path": of_case[case_id][4], "arm": of_case[case_id][3], "entry": pk})
        for case_id, pk in new.items()
    ]
    log.record_many("collections.treatment.entered", begun, actor=users.system(), at=done.at)
    done.count.began, done.count.ended = len(new), len(done.ended)
    done.count.planned, done.count.taken = len(rows), len(done.taken) + len(done.skipped)


def _end(ended: Iterable[tuple[int, int, int | None, str]], *, at: datetime) -> None:
    """End entries for their reasons; what was planned in them is left out, and what waits to be sent is taken back by its sender."""
    reasons: dict[str, list[int]] = defaultdict(list)
    rows = []
    for pk, case_id, customer_id, why in ended:
        reasons[why].append(pk)
        rows.append(log.Row(CASE, case_id, customer_id, {"why": why, "entry": pk}))
    for why, ids in reasons.items():
        TreatmentEntry.objects.filter(pk__among=among(ids), status=TreatmentEntry.Status.RUNNING).update(
            status=TreatmentEntry.Status.ENDED, ended_at=at, ended_why=why
        )
        TreatmentStep.objects.filter(entry__among=among(ids), status=S.PLANNED).update(status=S.EXITED, why=why, taken_at=at)
    log.record_many("collections.treatment.ended", rows, actor=users.system(), at=at)


@transaction.atomic
def end_gone(*, at: datetime, among: Collection[int] | None = None) -> Count:
    """End the paths of cases that are closed or paused: the work on them is over or waits."""
    running = TreatmentEntry.objects.filter(status=TreatmentEntry.Status.RUNNING).exclude(case__status__in=IN_WORK)
    if among is not None:
        running = running.filter(case_id__in=among)
    rows = running.order_by("pk").select_for_update(skip_locked=True, of=("self",)).values_list(
        "pk", "case_id", "case__customer_id", "case__status", "case__close_reason"
    )  # fmt: skip
    found = [(pk, case_id, customer_id, _gone(status, reason)) for pk, case_id, customer_id, status, reason in rows]
    _end(found, at=at)
    return Count(ended=len(found))


def _gone(status: str, reason: str) -> str:
    return "paid" if reason in ("cured", "settled") else reason if reason else str(status)
