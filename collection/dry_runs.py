"""Doors of dry runs: a version of the treatment strategy held against another on every case of now. Nothing is written to a case.

The facts are those the hourly planner reads, judged by both versions; each case keeps its place on a path that stays, as at a release. Where a
running experiment would have put a case is left out: two versions are compared, each over all cases.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from collection import dry_run_math, treatment_arms, treatment_facts, treatment_results, treatment_shape
from collection.dry_run_math import Asked, Plan, Planner, Sums
from collection.models import Case, TreatmentDryRun, TreatmentDryRunCase, TreatmentEntry, TreatmentStep
from collection.treatment_judge import Judge
from collection.treatment_runs import NOWHERE, Stand
from crm.lib.among import among
from crm.lib.errors import DomainError, Invalid
from customers import contact_packs, contacts, outbox
from customers.contact_policy import Attempt, Pack
from governance import jobs
from governance.models import Job, LegalEntity, User
from ledger import log
from risk import facts as fact_schemas
from risk import strategies
from risk.models import StrategyVersion

KIND = "collections.dry_run"
TITLE = gettext_noop("Dry run of a treatment strategy")
CHUNK = 2_000
SILENT = timedelta(minutes=5)  # a worker reports after each part of the cases
LONGEST_WHY = 200


class Unrunnable(Invalid):
    """The version cannot be run as it is drawn."""

    code = "unrunnable_version"


def judge(version: StrategyVersion, field: str = "draft") -> Judge:
    """Return a version compiled.

    :raises Unrunnable: if it cannot be
    """
    try:
        return treatment_arms.judge_of(version.pk)
    except (strategies.BadStrategy, fact_schemas.BadSchema):
        sentence = _("v%(number)s cannot be run as it is drawn: its linter says what is missing.") % {"number": version.number}
        raise Unrunnable(sentence, fields={field: sentence}) from None


@transaction.atomic
def start(draft: StrategyVersion, *, base: StrategyVersion | None, actor: User, at: datetime) -> TreatmentDryRun:
    """Order a dry run over the cases that `actor` may see; a worker does it, and the page may be left.

    :param base: what it is held against; what is live when left out
    :raises Unrunnable: if one of the two cannot be run
    :raises Invalid: if there is nothing to hold it against, or both are the same
    """
    base = base or StrategyVersion.objects.filter(strategy=draft.strategy_id, status="live").first()
    if base is None:
        raise Invalid(_("No version is live: choose what it is held against."), fields={"base": _("Choose a version.")})
    if base.pk == draft.pk:
        raise Invalid(_("Choose two different versions."), fields={"base": _("Choose two different versions.")})
    for version, field in ((draft, "draft"), (base, "base")):
        if version.strategy.kind != treatment_shape.KIND:
            raise Invalid(_("Only versions of a treatment strategy are tried here."), fields={field: _("Choose a version.")})
        judge(version, field)
    entity = actor.team.legal_entity if actor.team else LegalEntity.objects.order_by("pk").first()
    if entity is None:
        raise Invalid(_("There is no lender yet."))
    job = jobs.start(kind=KIND, title=TITLE, actor=actor, at=at)
    made = TreatmentDryRun.objects.create(
        legal_entity=entity, base=base, draft=draft, base_sha=base.sha256, draft_sha=draft.sha256, job=job, made_by=actor, made_at=at
    )
    log.record("collections.dry_run.ordered", made, actor=actor, at=at, base=base.number, draft=draft.number)
    return made


def run(run_id: int, *, clock: Callable[[], datetime]) -> None:
    """Do a dry run that waits; one that another worker has, or that is over, is left to it."""
    row = TreatmentDryRun.objects.select_related("job", "legal_entity", "base__strategy", "draft__strategy", "made_by__role", "made_by__team").get(pk=run_id)  # fmt: skip
    job = jobs.claim(row.job_id, at=clock())
    if job is None:
        return
    at = clock()
    try:
        sums = worked_out(row, job=job, clock=clock, at=at)
        prices = treatment_results.prices(on=localtime(at).date())
    except DomainError as refused:  # a draft changed meanwhile so that it cannot run, or a rule of the rule book is missing
        jobs.fail(job, str(refused), at=clock())
        return
    with transaction.atomic():
        TreatmentDryRunCase.objects.filter(run=row).delete()
        places = {cell: number for number, cell in enumerate(sorted(sums.cells))}
        TreatmentDryRunCase.objects.bulk_create(
            [
                TreatmentDryRunCase(run=row, case_id=case_id, cell=places[cell], why=why[:LONGEST_WHY])
                for cell, rows in sums.shown.items()
                for case_id, why in rows
            ],
            batch_size=CHUNK,
        )
        TreatmentDryRun.objects.filter(pk=row.pk).update(
            result=sums.plain(prices), finished_at=clock(), base_sha=row.base.sha256, draft_sha=row.draft.sha256
        )
        moved = sum(n for cell, n in sums.cells.items() if cell[0] != cell[1])
        jobs.finish(job, at=clock(), cases=sums.cases, moved=moved)
        log.record("collections.dry_run.done", row, actor=row.made_by, at=clock(), cases=sums.cases, moved=moved)


def unfinished(*, at: datetime) -> list[int]:
    """Return the dry runs nobody works at: the broker lost their start, or their worker died; a dead one's begins anew."""
    left = TreatmentDryRun.objects.filter(finished_at__isnull=True, made_at__lt=at - SILENT)
    jobs.put_back(left.values_list("job_id", flat=True), silent_since=at - SILENT)
    return list(left.filter(job__status=Job.Status.WAITING).order_by("pk").values_list("pk", flat=True))


def worked_out(row: TreatmentDryRun, *, job: Job | None, clock: Callable[[], datetime], at: datetime) -> Sums:
    """Return what both versions come to at `at`, over one part of the cases after the other; it only reads."""
    code = row.legal_entity.code

    def pack_of(day: date) -> Pack:
        return contact_packs.held(on=day, lender=code).pack

    off = {name for name in treatment_shape.NEEDS_GATEWAY if not settings.PORTS.get(name)}
    planner = Planner(judge(row.base, "base"), judge(row.draft), pack_of, off=off, counts_as=outbox.CONTACT, at=at)
    visible = Case.objects.visible_to(row.made_by).filter(status__in=treatment_facts.IN_WORK, legal_entity=row.legal_entity)
    if job is not None:
        jobs.progress(job, at=clock(), total=visible.count())
    sums, last = Sums(), 0
    plans: Counter[tuple[Plan, Plan]] = Counter()
    while ids := list(visible.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        one_part(ids, planner, sums, plans, at=at)
        last = ids[-1]
        if job is not None:
            jobs.progress(job, at=clock(), done=len(ids))
    return dry_run_math.added(sums, plans)


def one_part(ids: Sequence[int], planner: Planner, sums: Sums, plans: Counter[tuple[Plan, Plan]], *, at: datetime) -> None:
    """Reckon some cases; a constant number of queries however many they are."""
    rows = treatment_facts.told(ids, at=at)
    customers = [row.customer_id for row in rows]
    running = {one.case_id: one for one in TreatmentEntry.objects.filter(case__among=among(ids), status=TreatmentEntry.Status.RUNNING)}
    of_running = among([one.pk for one in running.values()])
    waiting = dict(
        TreatmentStep.objects.filter(entry__among=of_running, status=TreatmentStep.Status.PLANNED).values_list("entry_id", "name")
    )
    attempts, barred = contacts.attempts_of(customers, at=at), contacts.bars_of(customers)
    windows = contacts.windows_of(customers, on=localtime(at).date())
    none: frozenset[str] = frozenset()
    for row in rows:
        who = row.customer_id
        made: tuple[Attempt, ...] = tuple(attempts.get(who, ()))
        asked = Asked(row.zone, made, barred.get(who, none), windows.get(who, ()))
        entry = running.get(row.case_id)
        path, stands = "", Stand(at.date(), NOWHERE, "")
        if entry is not None:
            path, stands = entry.path, Stand(entry.began_on, (entry.through_day, entry.through_step), waiting.get(entry.pk, ""))
        was, now, why = planner.both(row.facts, asked, path, stands, small=row.small)
        plans[was, now] += 1
        sums.add(row.case_id, row.facts["overdue_amount"], was, now, why)
