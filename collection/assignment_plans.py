"""Doors of the assignment rules: a draft from what stands, its rules changed one by one, put in force, applied."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, Max
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from collection import assignment
from collection.models import AssignmentPlan, AssignmentRule, AssignmentRun
from credit import books
from crm.lib.errors import DomainError, Invalid, Stale
from governance import jobs, users
from governance.lifecycle import move
from governance.models import LegalEntity, User
from governance.models.identity import chinese
from ledger import log

FILE = Path(__file__).parent / "data" / "assignment.json"
MOST = 30  # rules of one version: more nobody reads
LONGEST_WHY = 200
JOB_KIND = "collections.assignment"
TITLE = gettext_noop("Cases given out by the rules")
AFTER_MIDNIGHT = 5  # the hour of the house's clock from which the night's run is due: the day is closed by then
COPIED = (
    "position", "name", "buckets", "languages", "products", "branch", "amount_from", "amount_below", "gives_to", "team", "skill",
    "same_language",
)  # fmt: skip
Status = AssignmentPlan.Status


class NotADraft(DomainError):
    """Only a draft is changed; what was in force stays as it was."""

    code = "not_a_draft"


class NothingToApply(DomainError):
    """No rules are in force."""

    code = "no_assignment_rules"


@transaction.atomic
def draft(entity: LegalEntity, *, why: str, actor: User, at: datetime) -> AssignmentPlan:
    """Begin a new version from what is in force, or from the shipped rules where nothing is yet.

    :raises Invalid: without a reason
    """
    if not 0 < len(why.strip()) <= LONGEST_WHY:
        sentence = _("Say in up to 200 characters what the change is for.")
        raise Invalid(sentence, fields={"why": sentence})
    with connection.cursor() as cursor:  # two drafts at once get two numbers
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [assignment.LOCK, entity.pk])
    number = (AssignmentPlan.objects.filter(legal_entity=entity).aggregate(n=Max("number"))["n"] or 0) + 1
    plan = AssignmentPlan.objects.create(legal_entity=entity, number=number, why=why.strip(), made_by=actor, made_at=at)
    standing = assignment.live(entity)
    AssignmentRule.objects.bulk_create(copies(plan, standing) if standing else shipped(plan))
    log.record("collections.assignment.drafted", plan, actor=actor, at=at, number=number)
    return plan


def copies(plan: AssignmentPlan, standing: AssignmentPlan) -> list[AssignmentRule]:
    rows = standing.rules.select_related("branch", "team").order_by("position")
    return [AssignmentRule(plan=plan, **{name: getattr(row, name) for name in COPIED}) for row in rows]


def shipped(plan: AssignmentPlan) -> list[AssignmentRule]:
    rows = json.loads(FILE.read_text())["rules"]
    return [
        AssignmentRule(
            plan=plan, position=place, name=row["name_zh" if chinese() else "name_en"], buckets=row.get("buckets", []),
            amount_from=Decimal(row["amount_from"]) if "amount_from" in row else None, skill=row.get("skill", ""),
        )
        for place, row in enumerate(rows, start=1)
    ]  # fmt: skip


def held(plan: AssignmentPlan, *, version: int | None) -> AssignmentPlan:
    """Return the locked draft.

    :raises NotADraft: if it is in force, replaced or dropped
    :raises Stale: if somebody changed it since `version`
    """
    row = AssignmentPlan.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=plan.pk)
    refuse_standing(row)
    if version is not None and row.version != version:
        raise Stale(_("These rules were changed meanwhile. Your change is not saved yet."), version=row.version)
    return row


def refuse_standing(plan: AssignmentPlan) -> None:
    """Go on only with a draft.

    :raises NotADraft: if it is in force, replaced or dropped
    """
    if plan.status != Status.DRAFT:
        raise NotADraft(_("Version %(number)s is no draft: begin a new one to change the rules.") % {"number": plan.number})


def touched(plan: AssignmentPlan) -> None:
    plan.version += 1
    plan.save(update_fields=["version"])


def problems(values: Mapping[str, Any], entity: LegalEntity) -> dict[str, Any]:
    """Return a sentence per value of a rule that cannot be."""
    found: dict[str, Any] = {}
    if not 0 < len(values.get("name", "").strip()) <= 60:
        found["name"] = _("Give the rule a name of up to 60 characters.")
    low, high = values.get("amount_from"), values.get("amount_below")
    if low is not None and high is not None and high <= low:
        found["amount_below"] = _("The upper amount has to lie above the lower one.")
    team, branch = values.get("team"), values.get("branch")
    if values.get("gives_to") == AssignmentRule.To.TEAM and team is None:
        found["team"] = _("Choose whose queue the cases go to.")
    for name, row in (("team", team), ("branch", branch)):
        if row is not None and row.legal_entity_id != entity.pk:
            found[name] = _("This team is of another lender.")
    return found


@transaction.atomic
def put_rule(
    plan: AssignmentPlan, *, rule: AssignmentRule | None, values: Mapping[str, Any], version: int | None, actor: User, at: datetime
) -> AssignmentRule:
    """Add a rule at the end, or change one.

    :raises Invalid: with a sentence per wrong value
    :raises NotADraft: if the version is no draft
    :raises Stale: if somebody changed the draft since `version`
    """
    row = held(plan, version=version)
    found = problems(values, row.legal_entity)
    if rule is None and row.rules.count() >= MOST:
        found["name"] = _("A version holds at most 30 rules.")
    if found:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    made = rule or AssignmentRule(plan=row, position=(row.rules.aggregate(n=Max("position"))["n"] or 0) + 1)
    for name in COPIED:
        if name in values:
            setattr(made, name, values[name].strip() if name == "name" else values[name])
    if made.gives_to != AssignmentRule.To.PEOPLE:
        made.skill, made.same_language = "", False
    if made.gives_to == AssignmentRule.To.POOL:
        made.team = None
    made.save()
    touched(row)
    log.record("collections.assignment.changed", row, actor=actor, at=at, rule=made.name)
    return made


@transaction.atomic
def shift_rule(rule: AssignmentRule, *, up: bool, actor: User, at: datetime) -> None:
    """Move a rule one place up or down; at the end it stays where it is.

    :raises NotADraft: if the version is no draft
    """
    plan = held(rule.plan, version=None)
    rows = list(plan.rules.order_by("position"))
    here = next((place for place, row in enumerate(rows) if row.pk == rule.pk), None)
    there = None if here is None else here + (-1 if up else 1)
    if here is None or there is None or not 0 <= there < len(rows):
        return
    rows[here].position, rows[there].position = rows[there].position, rows[here].position
    AssignmentRule.objects.bulk_update([rows[here], rows[there]], ["position"])
    touched(plan)
    log.record("collections.assignment.changed", plan, actor=actor, at=at, rule=rule.name)


@transaction.atomic
def drop_rule(rule: AssignmentRule, *, actor: User, at: datetime) -> None:
    """Take a rule out of a draft.

    :raises NotADraft: if the version is no draft
    """
    plan = held(rule.plan, version=None)
    AssignmentRule.objects.filter(pk=rule.pk).delete()
    plan.rules.filter(position__gt=rule.position).update(position=F("position") - 1)
    touched(plan)
    log.record("collections.assignment.changed", plan, actor=actor, at=at, rule=rule.name)


@transaction.atomic
def release(plan: AssignmentPlan, *, version: int | None, actor: User, at: datetime) -> AssignmentPlan:
    """Put a draft in force: for new cases from now on, for all others from the next night.

    :raises Invalid: if it holds no rule
    :raises NotADraft: if it is no draft
    :raises Stale: if somebody changed it since it was looked at
    """
    row = held(plan, version=version)
    if not row.rules.exists():
        raise Invalid(_("A version without rules would place nothing: add one first."))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [assignment.LOCK, row.legal_entity_id])
    standing = assignment.live(row.legal_entity_id)
    if standing is not None:
        move(standing, Status.RETIRED, actor=actor, at=at, event="collections.assignment.retired", retired_at=at)
    return move(row, Status.LIVE, actor=actor, at=at, event="collections.assignment.released", live_by=actor, live_at=at)


@transaction.atomic
def drop(plan: AssignmentPlan, *, actor: User, at: datetime) -> AssignmentPlan:
    """Give a draft up.

    :raises IllegalMove: if it is no draft
    """
    return move(plan, Status.DROPPED, actor=actor, at=at, event="collections.assignment.dropped")


# --- applying them -------------------------------------------------------------------------------------------------
@transaction.atomic
def order_run(entity: LegalEntity, *, actor: User, at: datetime) -> AssignmentRun:
    """Order the rules to be applied now; a worker does it, and the page may be left.

    :raises NothingToApply: if no rules are in force
    """
    plan = assignment.live(entity)
    if plan is None:
        raise NothingToApply(_("No assignment rules are in force yet."))
    job = jobs.start(kind=JOB_KIND, title=TITLE, actor=actor, at=at)
    made = AssignmentRun.objects.create(legal_entity=entity, plan=plan, job=job, actor=actor, at=at)
    log.record("collections.assignment.ordered", made, actor=actor, at=at, plan=plan.public_id)
    return made


def run(run_id: int, *, clock: Callable[[], datetime]) -> None:
    """Apply the rules as ordered; a run that another worker has, or that is over, is left to it."""
    row = AssignmentRun.objects.select_related("job", "plan__legal_entity", "actor").get(pk=run_id)
    job = jobs.claim(row.job_id, at=clock()) if row.job_id else None
    if job is None or row.finished_at is not None:
        return
    plan = assignment.live(row.legal_entity_id) or row.plan
    with transaction.atomic():
        at = clock()
        found = assignment.apply(plan, actor=row.actor, at=at, on=books.value_day(plan.legal_entity, at))
        AssignmentRun.objects.filter(pk=row.pk).update(plan=plan, result=found.plain(), moved=found.moves, finished_at=at)
        jobs.progress(job, at=at, done=found.moves, total=found.moves)
        jobs.finish(job, at=at, moved=found.moves, left=found.left)


def nightly(entity: LegalEntity, *, at: datetime) -> AssignmentRun | None:
    """Apply the rules once a business date, after the house's small hours; None where it was done or nothing is in force."""
    plan, on = assignment.live(entity), books.value_day(entity, at)
    if plan is None or hour_of(entity, at) < AFTER_MIDNIGHT:
        return None
    with transaction.atomic():
        row, made = AssignmentRun.objects.get_or_create(
            legal_entity=entity, night=on, defaults={"plan": plan, "actor": users.system(), "at": at}
        )
        if not made:
            return None
        found = assignment.apply(plan, actor=users.system(), at=at, on=on)
        row.result, row.moved, row.finished_at = found.plain(), found.moves, at
        row.save(update_fields=["result", "moved", "finished_at"])
        log.record("collections.assignment.applied", row, actor=users.system(), at=at, moved=found.moves, left=found.left)
    return row


def hour_of(entity: LegalEntity, at: datetime) -> int:
    return at.astimezone(ZoneInfo(entity.zone)).hour


def place_new(case_id: int, entity: LegalEntity, *, at: datetime) -> None:
    """Give a case that opened to whom the rules give it; without rules it lies in the pool."""
    plan = assignment.live(entity)
    if plan is not None:
        assignment.apply(plan, actor=users.system(), at=at, on=books.value_day(entity, at), case_ids=[case_id])


def recent(entity: LegalEntity, *, on: date) -> list[AssignmentRun]:
    """Return the runs of the last two weeks, newest first."""
    since = on - timedelta(days=14)
    rows = AssignmentRun.objects.filter(legal_entity=entity, at__date__gte=since).select_related("plan", "actor", "job")
    return list(rows.order_by("-pk")[:20])
