"""Doors of trainings: start one, run it on a worker, and register what comes out as a draft."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from governance import jobs
from governance.models import Job, User
from ledger import log
from risk import data_sets, model_states, registry, words
from risk.models import DataSet, ModelAct, Scorecard, ScorecardVersion, Training

KIND = "risk.training"
CODE = re.compile(r"[a-z][a-z0-9_-]{1,58}")
MOST_SEED = 2_147_483_647
STEPS = 100
DEAD = timedelta(minutes=30)  # no training the browser can start takes so long between two reports of progress


class NotEditable(DomainError):
    """The bins of this version cannot be changed: it is no scorecard, or its data are gone."""

    code = "not_editable"


@transaction.atomic
def start(
    data_set: DataSet, *, code: str, name_en: str, name_zh: str, kind: str, cv: int, seed: int, actor: User, at: datetime
) -> Training:
    """Order a model: a new one, or another version of the one that has `code`.

    :raises Invalid: if the code, the kind, the folds or the seed cannot be
    """
    problems: dict[str, Any] = {}
    if not CODE.fullmatch(code):
        problems["code"] = _("Small letters, digits, - and _, beginning with a letter.")
    if kind not in Training.Kind.values:
        problems["kind"] = _("There is no such kind of model.")
    if not 2 <= cv <= 20:
        problems["cv"] = _("Between 2 and 20 folds.")
    if not 0 <= seed <= MOST_SEED:
        problems["seed"] = _("A whole number from 0 to %(most)s.") % {"most": MOST_SEED}
    if not data_set.named("feature"):
        problems["code"] = _("At least one column is a feature.")
    if problems:
        raise Invalid(next(iter(problems.values())), fields=problems)
    model, _made = Scorecard.objects.get_or_create(
        code=code, defaults={"name_en": name_en.strip() or code, "name_zh": name_zh.strip() or code}
    )
    return _ordered(data_set, model, None, kind, {"cv": cv, "seed": seed} | data_sets.planned(data_set), actor=actor, at=at)


@transaction.atomic
def start_edit(base: ScorecardVersion, *, edits: Mapping[str, Any], actor: User, at: datetime) -> Training:
    """Order a new version of a scorecard with other bins; coefficients and points are fitted again on the same data.

    `edits` gives by feature {"splits": [rising limits]} or {"groups": [[values], …]}, as `risk.modelling.edit` reads them.

    :raises NotEditable: if it is no scorecard or its data are not here
    :raises Invalid: if there are no edits
    """
    if base.kind != "scorecard" or base.data_set is None:
        raise NotEditable(_("Only the bins of a scorecard whose data are here can be changed."))
    if not edits:
        raise Invalid(_("Nothing was changed."))
    before = Training.objects.filter(result=base).order_by("-pk").first()
    plan = before.plan if before else {"cv": 5, "seed": 0} | data_sets.planned(base.data_set)
    return _ordered(base.data_set, base.scorecard, base, Training.Kind.SCORECARD, plan | {"edits": dict(edits)}, actor=actor, at=at)


def _ordered(
    data_set: DataSet, model: Scorecard, base: ScorecardVersion | None, kind: str, plan: dict[str, Any], *, actor: User, at: datetime
) -> Training:
    job = jobs.start(kind=KIND, title=gettext_noop("Training of a model"), actor=actor, at=at, total=STEPS)
    training = Training(data_set=data_set, scorecard=model, base=base, kind=kind, plan=plan, job=job, started_by=actor, created_at=at)
    training.save(force_insert=True)
    log.record("risk.training.started", training, actor=actor, at=at, data_set=data_set.public_id, kind=kind, job=job.public_id)
    return training


def run(training_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> Training | None:
    """Train on this worker; None when another has it or it is over. What cannot be trained ends the job with a sentence."""
    found = Training.objects.select_related("data_set", "scorecard", "started_by", "base", "job").get(pk=training_id)
    job = jobs.claim(found.job_id, at=at)
    if job is None:
        return None
    tell = clock or (lambda: at)
    # What is said of it is for the person who started it.
    with override(found.started_by.language or None), ExitStack() as broke:
        broke.callback(_broke_off, job, tell)
        try:
            trained = _fitted(found, job, tell)
            with transaction.atomic():
                version = _registered(found, trained, at=tell())
                Training.objects.filter(pk=found.pk).update(result=version)
                jobs.finish(job, at=tell(), version=version.number, model=found.scorecard.public_id)
        except DomainError as refusal:
            jobs.fail(job, str(refusal), at=tell())
        broke.pop_all()
    found.refresh_from_db()
    return found


def _broke_off(job: Job, tell: Callable[[], datetime]) -> None:
    """Tell that the training ended by a failure of ours, which goes on to the worker's log."""
    jobs.fail(job, gettext("The training broke off; nothing was registered. Tell the administrator the number of this job."), at=tell())


def _fitted(training: Training, job: Job, tell: Callable[[], datetime]) -> Any:
    """Return what the modelling core makes of it.

    :raises Invalid: if the data cannot carry it
    """
    from risk.modelling.refusals import BadTable

    done = 0

    def progress(share: float, _step: str) -> None:
        nonlocal done
        now_done = min(STEPS, int(share * STEPS))
        if now_done > done:
            jobs.progress(job, at=tell(), done=now_done - done)
            done = now_done

    plan = training.plan
    table = data_sets.opened(training.data_set, plan=plan)
    table = table.only([name for name in table.names if name in set(plan["features"])])
    try:
        if training.base is not None:
            from risk.modelling import edit

            trained = edit.refit(table, training.base.content, plan["edits"])
        else:
            from risk.modelling import train

            trained = train.train(
                table, kind=training.kind, cv=plan["cv"], seed=plan["seed"], protected=plan["protected"], progress=progress,
                code=training.scorecard.code, reasons=reasons_for(table.names),
            )  # fmt: skip
    except BadTable as problem:
        raise Invalid(data_sets.told(problem.code, problem.template, problem.values)) from problem
    progress(1.0, "")
    return trained


def reasons_for(names: Any) -> dict[str, dict[str, Any]]:
    """Return the reason texts the house has for features it knows; the others get plain ones, to be rewritten while it is a draft."""
    known = words.data("scorecard_reasons")
    return {name: dict(known[name]) for name in names if name in known}


def _registered(training: Training, trained: Any, *, at: datetime) -> ScorecardVersion:
    note = gettext("bins set by hand") if training.base_id else f"{training.data_set.name}"
    version = registry.add_scorecard_version(
        code=training.scorecard.code, name_en=training.scorecard.name_en, name_zh=training.scorecard.name_zh, content=trained.content,
        metrics=trained.metrics, data_sha256=trained.data_sha256, actor=training.started_by, at=at, note=note[:200],
        data_set=training.data_set,
    )  # fmt: skip
    kind = ModelAct.Kind.EDITED if training.base_id else ModelAct.Kind.TRAINED
    model_states.note(version, kind, actor=training.started_by, at=at, outcome=training.public_id)
    return version


def unfinished(*, at: datetime) -> list[int]:
    """Return trainings that wait for a worker longer than a delivery takes."""
    waiting = Training.objects.filter(job__status=Job.Status.WAITING, created_at__lt=at - timedelta(minutes=1))
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def dead(*, at: datetime) -> int:
    """End the trainings whose worker died, with a sentence; return how many."""
    rows = Training.objects.filter(job__status=Job.Status.RUNNING, job__updated_at__lt=at - DEAD).select_related("job", "started_by")
    for one in rows:
        with override(one.started_by.language or None):
            jobs.fail(one.job, gettext("The worker was stopped during the training. Start it once more."), at=at)
    return len(rows)
