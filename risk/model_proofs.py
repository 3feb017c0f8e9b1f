"""The proof that our pure reading of a model scores as the libraries do, and how it treats groups at the live cut-off: made by a job.

The libraries that fit take seconds and much memory, so no page waits for them: a worker makes the proof, approval asks whether one of the very
content stands.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from governance import jobs
from governance.models import Job, User
from ledger import log
from risk import cutoffs, data_sets, training
from risk.models import ModelProof, ScorecardVersion, Training

KIND = "risk.proof"
STEPS = 3  # the data are read, the rows are compared, the groups are counted
DEAD = timedelta(minutes=30)


class NotEqual(DomainError):
    """Our reading of the model and the library's differ, or were never compared."""

    code = "not_equal"


class NotProven(DomainError):
    """No proof of this very content stands yet."""

    code = "not_proven"


@transaction.atomic
def start(version: ScorecardVersion, *, actor: User, at: datetime) -> ModelProof | None:
    """Order a proof of what the version says now. None where its data are not here: the proof of its training is all there is.

    One that runs already, or has just been ordered by somebody else, is returned as it is.
    """
    held = ScorecardVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if held.data_set_id is None:
        return None
    running = held.proofs.filter(sha256=held.sha256, job__status__in=[Job.Status.WAITING, Job.Status.RUNNING]).order_by("-pk").first()
    if running is not None:
        return running
    job = jobs.start(kind=KIND, title=gettext_noop("Proof of a model"), actor=actor, at=at, total=STEPS)
    made = ModelProof.objects.create(version=held, sha256=held.sha256, job=job, started_by=actor, created_at=at)
    log.record("risk.modelproof.started", made, actor=actor, at=at, version=held.pk, sha256=held.sha256, job=job.public_id)
    return made


def latest(version: ScorecardVersion) -> ModelProof | None:
    """Return the newest proof of what the version says now, whatever became of it."""
    return version.proofs.select_related("job").filter(sha256=version.sha256).order_by("-pk").first()


def standing(version: ScorecardVersion) -> dict[str, Any]:
    """Return {rows, max_abs_diff, tolerance, against, again, at} of the proof that stands for what the version says now; no library is called.

    A version that was brought in without its data has the proof of its training only.

    :raises NotProven: if none was made of this content, or the live strategies cut off elsewhere since
    :raises NotEqual: if the largest difference reaches the tolerance, or no rows were compared
    """
    if version.data_set_id is None:
        told = version.metrics.get("proof", {})
        found = told | {"tolerance": training.TOLERANCE, "against": told.get("against", "optbinning"), "again": False}
    else:
        made = latest(version)
        if made is None or not made.job.is_over:
            raise NotProven(
                _("The proof of equality of this version is not made yet. Order it on the page of its approval; it takes seconds.")
            )
        if not made.result:
            raise NotProven(_("The proof of equality could not be made: the job says why. Order it once more."))
        if _marks(made.fairness) != _marks(
            [{"strategy": one.strategy, "score": str(one.score)} for one in cutoffs.live(version.scorecard.code)]
        ):
            raise NotProven(_("The live strategies cut off at another score since the proof was made. Order it once more."))
        found = made.result | {"fairness": made.fairness}
    if not found.get("rows") or not found.get("max_abs_diff", 1.0) < training.TOLERANCE:
        raise NotEqual(_("Our reading of this model does not score as the library does, or was never compared. Train it again."))
    return found


def _marks(rows: list[dict[str, Any]]) -> set[tuple[str, Decimal]]:
    return {(row["strategy"], Decimal(row["score"])) for row in rows}


def run(proof_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> ModelProof | None:
    """Make a proof on this worker; None when another has it or it is over."""
    found = ModelProof.objects.select_related("version__scorecard", "version__data_set", "started_by").get(pk=proof_id)
    job = jobs.claim(found.job_id, at=at)
    if job is None:
        return None
    tell = clock or (lambda: at)
    with override(found.started_by.language or None), ExitStack() as broke:
        broke.callback(_broke_off, job, tell)
        try:
            _make(found, job, tell)
        except DomainError as refusal:
            jobs.fail(job, str(refusal), at=tell())
        broke.pop_all()
    return ModelProof.objects.select_related("job").get(pk=proof_id)


def _broke_off(job: Job, tell: Callable[[], datetime]) -> None:
    jobs.fail(job, gettext("The proof broke off. Tell the administrator the number of this job."), at=tell())


def _make(proof: ModelProof, job: Job, tell: Callable[[], datetime]) -> None:
    version = proof.version
    table = opened(version)
    jobs.progress(job, at=tell(), done=1)
    told = again(version, table)
    jobs.progress(job, at=tell(), done=1)
    groups = grouped(version, table)
    result = {
        "rows": told.get("rows", 0), "max_abs_diff": told.get("max_abs_diff", 1.0), "tolerance": training.TOLERANCE,
        "against": told.get("against", "optbinning"), "again": True, "at": tell().isoformat(),
    }  # fmt: skip
    with transaction.atomic():
        ModelProof.objects.filter(pk=proof.pk).update(result=result, fairness=groups)
        jobs.progress(job, at=tell(), done=1)
        jobs.finish(job, at=tell(), rows=result["rows"], max_abs_diff=str(result["max_abs_diff"]))


def unfinished(*, at: datetime) -> list[int]:
    """Return proofs that wait for a worker longer than a delivery takes."""
    waiting = ModelProof.objects.filter(job__status=Job.Status.WAITING, created_at__lt=at - timedelta(minutes=1))
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def dead(*, at: datetime) -> int:
    """End the proofs whose worker died; return how many."""
    rows = ModelProof.objects.filter(job__status=Job.Status.RUNNING, job__updated_at__lt=at - DEAD).select_related("job", "started_by")
    for one in rows:
        with override(one.started_by.language or None):
            jobs.fail(one.job, gettext("The worker was stopped during the proof. Order it once more."), at=at)
    return len(rows)


def opened(version: ScorecardVersion) -> Any:
    """Return the table the version was trained on, with the roles its columns had then.

    :raises NoTable: if the file cannot be read any more
    """
    assert version.data_set is not None
    made = Training.objects.filter(result=version).order_by("-pk").first()
    return data_sets.opened(version.data_set, plan=made.plan if made else None)


def grouped(version: ScorecardVersion, table: Any) -> list[dict[str, Any]]:
    """Return by live strategy its cut-off and, by protected attribute, how each group would fare at it with this model's scores."""
    from risk.modelling import report

    found = cutoffs.live(version.scorecard.code)
    if not found:
        return []
    parts = _parts(version.content)
    held = report.served(version.content, [rebuilt(part, table)[0] for part in parts], table)
    scale = version.content["scale"]
    return [
        {"strategy": one.strategy, "name": f"{one.name} v{one.number}", "score": str(one.score),
         "tables": report.fairness_at(held, table, scale=scale, score=float(one.score))}
        for one in found
    ]  # fmt: skip


def _parts(content: Mapping[str, Any]) -> list[Any]:
    return [part["content"] for part in content["parts"]] if "parts" in content else [content]


def again(version: ScorecardVersion, table: Any) -> dict[str, Any]:
    """Compare on the rows the version was trained on: the libraries are given what the JSON says, bins or trees, and score them themselves."""
    from risk.modelling import train

    return train.proof(table, version.content, [rebuilt(part, table) for part in _parts(version.content)])


def rebuilt(content: Mapping[str, Any], table: Any) -> tuple[Any, tuple[float, float]]:
    """Return (what the library needs to score by itself, its calibration line) of a card or of trees, from the JSON alone."""
    if content.get("kind") == "lightgbm":
        import lightgbm

        from risk.modelling import trees

        specs = content["features"]
        words = {one["name"]: one for one in specs if one["kind"] != "numeric"}
        encoding = trees.Encoding(
            {name: one["values"] for name, one in words.items()}, {name: one["missing"] for name, one in words.items()},
            next((one["unseen"] for one in words.values()), 0.0),
        )  # fmt: skip
        booster = lightgbm.Booster(model_str=content["model"])
        slope, shift = content["line"]
        return trees.Fit(tuple(one["name"] for one in specs), encoding, booster), (slope, shift)
    from risk.modelling import binning, cards

    bins = {}
    for one in content["features"]:
        numeric = one["kind"] == "numeric"
        bins[one["name"]] = binning.counted(
            table.columns[one["name"]], table.bad,
            splits=[cell["high"] for cell in one["bins"][:-1]] if numeric else (),
            groups=() if numeric else [cell["values"] for cell in one["bins"]],
            special=(one.get("special") or {}).get("values", ()),
        )  # fmt: skip
    names = tuple(one["name"] for one in content["features"])
    return cards.Fit(bins, names, content["intercept"], tuple(one["coefficient"] for one in content["features"]), {}), (1.0, 0.0)
