"""What a step does when its moment has come: a message is handed to its sender, a person's work to the desk, the rest to who carries it on."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.timezone import localdate
from psycopg2.extras import execute_values

from collection import legal, visits
from collection import treatment_shape as shape
from collection.models import Case, TreatmentStep
from collection.treatment_facts import Told
from customers import messages, send_times
from customers.models import Message, MessageTemplate
from governance import users
from ledger import log

S = TreatmentStep.Status
CASE = Case._meta.label_lower
PRIORITY = 8
PAGE = 5_000
KEY = "treatment:"

# Whether it was made now or by a worker that died before it could say so: the key finds it again, and there is one.
MADE = """
INSERT INTO customers_message
    (public_id, seal_key, customer_id, template_id, channel, purpose, key, status, priority, planned_at, due_at)
SELECT 'MS-' || upper(right(replace(gen_random_uuid()::text, '-', ''), 13)), gen_random_uuid(), v.customer, v.template, v.channel,
    'collection', v.key, 'planned', %(priority)s, %(at)s, greatest(v.due_at, %(at)s)
FROM (VALUES {values}) AS v (customer, template, channel, key, due_at)
ON CONFLICT (key) DO NOTHING
"""
TAKEN = """
UPDATE collections_treatmentstep AS s SET status = v.status, why = v.why, taken_at = v.at, message_id = v.message
FROM (VALUES %s) AS v (id, status, why, at, message) WHERE s.id = v.id AND s.status = 'planned'
"""


def take(due: Sequence[tuple[TreatmentStep, Told]], *, at: datetime) -> None:
    """Take these steps, each once; within the caller's transaction."""
    if not due:
        return
    outcomes: dict[int, tuple[str, str, int | None]] = {}
    for step, _row in due:
        outcomes[step.pk] = (S.DONE if step.action == shape.WAIT else S.GIVEN, "", None)
    off = {name for name in shape.NEEDS_GATEWAY if not settings.PORTS.get(name)}
    _write_messages([one for one in due if one[0].action in shape.WRITTEN and one[0].action not in off], outcomes, at=at)
    _tell_desk([one for one in due if one[0].action in shape.DESK and one[0].action != "visit"], at=at)
    _want_visits([one for one in due if one[0].action == "visit"], outcomes, at=at)
    _propose_legal([one for one in due if one[0].action == "legal"], outcomes, at=at)
    for step, _row in due:
        if step.action in off:
            outcomes[step.pk] = (S.BLOCKED, "no_gateway", None)
    _plan_placements([one for one in due if one[0].action == shape.AGENCY], at=at)
    values = [(pk, str(status), why, at, message) for pk, (status, why, message) in outcomes.items()]
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor, TAKEN, values, template="(%s, %s, %s, %s::timestamptz, %s::bigint)", page_size=PAGE,
        )  # fmt: skip
    facts = [
        log.Row(
            CASE, row.case_id, row.customer_id,
            {"step": step.pk, "name": step.name, "action": step.action, "status": str(outcomes[step.pk][0]), "why": outcomes[step.pk][1]},
        )
        for step, row in due
    ]  # fmt: skip
    log.record_many("collections.treatment.step", facts, actor=users.system(), at=at)


def _write_messages(due: Sequence[tuple[TreatmentStep, Told]], outcomes: dict[int, tuple[str, str, int | None]], *, at: datetime) -> None:
    """Plan the messages without a text: what each says is read when it leaves."""
    if not due:
        return
    wanted = {(step.template, step.action) for step, _row in due}
    live = {
        (code, channel): pk
        for pk, code, channel in MessageTemplate.objects.filter(
            code__in={code for code, _channel in wanted}, status=MessageTemplate.Status.LIVE
        ).values_list("pk", "code", "channel")
    }
    rows: list[tuple[Any, ...]] = []
    minutes, best = send_times.minutes_on(localdate(at)), send_times.best_of([row.customer_id for _step, row in due])
    for step, row in due:
        template = live.get((step.template, step.action))
        if template is None:
            outcomes[step.pk] = (S.BLOCKED, "no_template", None)
        else:
            leaves = send_times.moment(
                row.customer_id, after=step.due_at, zone=ZoneInfo(row.zone), minutes=minutes, best=best.get(row.customer_id)
            )
            rows.append((row.customer_id, template, step.action, f"{KEY}{step.pk}", leaves))
    with connection.cursor() as cursor:
        for start in range(0, len(rows), PAGE):
            part = ", ".join(
                cursor.mogrify("(%s, %s, %s, %s, %s::timestamptz)", one).decode() for one in rows[start : start + PAGE]
            ).replace("%", "%%")
            cursor.execute(MADE.format(values=part), {"priority": PRIORITY, "at": at})
    made = dict(Message.objects.filter(key__in=[row[3] for row in rows]).values_list("key", "pk"))
    for key, pk in made.items():
        outcomes[int(key.removeprefix(KEY))] = (S.GIVEN, "", pk)
    if made:
        messages.hint()


def _tell_desk(due: Sequence[tuple[TreatmentStep, Told]], *, at: datetime) -> None:
    """Let the case come up at the desk today with this as its next action; what a person planned for today or before stands."""
    by_act: dict[tuple[str, Any], list[int]] = defaultdict(list)
    for step, row in due:
        by_act[step.action, step.due_at.astimezone(ZoneInfo(row.zone)).date()].append(row.case_id)
    for (action, day), ids in by_act.items():
        later = Q(next_action_on__isnull=True) | Q(next_action_on__gt=day)
        Case.objects.filter(later, pk__in=ids).update(next_action=action, next_action_on=day)


def _propose_legal(due: Sequence[tuple[TreatmentStep, Told]], outcomes: dict[int, tuple[str, str, int | None]], *, at: datetime) -> None:
    """Propose a legal action for each case: a person decides on it, the step itself takes nobody to court."""
    if due:
        refused = legal.propose_for([row.case_id for _step, row in due], at=at)
        outcomes.update({step.pk: (S.BLOCKED, refused[row.case_id], None) for step, row in due if refused.get(row.case_id)})


def _want_visits(due: Sequence[tuple[TreatmentStep, Told]], outcomes: dict[int, tuple[str, str, int | None]], *, at: datetime) -> None:
    """Ask for a visit of each case: somebody plans it for two persons and a day."""
    if due:
        refused = visits.want_for([row.case_id for _step, row in due], at=at)
        outcomes.update({step.pk: (S.BLOCKED, refused[row.case_id], None) for step, row in due if refused.get(row.case_id)})


def answered(case_ids: Sequence[int], *, channel: str) -> int:
    """Mark the step that asked for this contact as done; return how many."""
    rows = TreatmentStep.objects.filter(entry__case__in=case_ids, status=S.GIVEN, action=channel, message__isnull=True)
    return rows.update(status=S.DONE)


def _plan_placements(due: Sequence[tuple[TreatmentStep, Told]], *, at: datetime) -> None:
    """Have the cases placed after commit, each by its own rules and locks; what became of it comes back to the step."""
    rows = [log.Row(CASE, row.case_id, row.customer_id, {"step": step.pk}) for step, row in due]
    if rows:
        log.record_many("collections.placement.planned", rows, actor=users.system(), at=at)


def placed(step_id: int, *, why: str = "") -> None:
    """Write down what became of a step that placed its case: done, or why it stayed."""
    rows = TreatmentStep.objects.filter(pk=step_id, status=S.GIVEN)
    rows.update(status=S.BLOCKED if why else S.DONE, why=why)
