"""Long work with progress: the page may be left, the job says how far it is and what went wrong."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from governance.models import Job, User
from governance.models.identity import Scope
from ledger import log

PROBLEMS_KEPT = 1_000  # beyond this a file is broken as a whole, and the list helps nobody


@transaction.atomic
def start(*, kind: str, title: str, actor: User | None, at: datetime, total: int | None = None) -> Job:
    """Create a job that waits for a worker."""
    job = Job.objects.create(kind=kind, title=title, total=total, started_by=actor, created_at=at, updated_at=at)
    log.record("governance.job.started", job, actor=actor, at=at, kind=kind)
    return job


def claim(job_id: int, *, at: datetime) -> Job | None:
    """Take a waiting job for this worker; None when another has it or it is over."""
    taken = Job.objects.filter(pk=job_id, status=Job.Status.WAITING).update(status=Job.Status.RUNNING, updated_at=at)
    return Job.objects.get(pk=job_id) if taken else None


def put_back(job_ids: Iterable[int], *, silent_since: datetime) -> int:
    """Let jobs wait again whose worker has said nothing since: it is dead, and another begins anew. Return how many."""
    silent = Job.objects.filter(pk__in=list(job_ids), status=Job.Status.RUNNING, updated_at__lt=silent_since)
    return silent.update(status=Job.Status.WAITING, done=0, failed=0)


def progress(
    job: Job,
    *,
    at: datetime,
    done: int = 0,
    failed: int = 0,
    problems: list[dict[str, Any]] | None = None,
    total: int | None = None,
) -> None:
    """Add to what is done and what failed; `problems` are {line, field, message} rows for the person who sent it."""
    changes: dict[str, Any] = {"done": F("done") + done, "failed": F("failed") + failed, "updated_at": at}
    if total is not None:
        changes["total"] = total
    if problems:
        job.problems = (job.problems + problems)[:PROBLEMS_KEPT]
        changes["problems"] = job.problems
    Job.objects.filter(pk=job.pk).update(**changes)


@transaction.atomic
def finish(job: Job, *, at: datetime, actor: User | None = None, **result: Any) -> Job:
    """End the job: done, partial when something failed, failed when nothing worked."""
    job.refresh_from_db()
    status = Job.Status.DONE
    if job.failed:
        status = Job.Status.PARTIAL if job.done else Job.Status.FAILED
    Job.objects.filter(pk=job.pk).update(status=status, finished_at=at, updated_at=at, result=log.plain(result))
    job.refresh_from_db()
    log.record("governance.job.finished", job, actor=actor or job.started_by, at=at, done=job.done, failed=job.failed)
    return job


@transaction.atomic
def fail(job: Job, message: str, *, at: datetime) -> Job:
    """End a job that could not run, with the sentence for the person who started it."""
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.FAILED, finished_at=at, updated_at=at, problems=[{"line": None, "message": message}]
    )
    job.refresh_from_db()
    log.record("governance.job.failed", job, actor=job.started_by, at=at)
    return job


def visible_to(user: User) -> QuerySet[Job]:
    """Return the jobs `user` may see: their own, or every one for those who see all rows."""
    return Job.objects.all() if user.scope == Scope.ALL else Job.objects.filter(started_by=user)
