"""Doors of the proof of encryption: every search is a job whose result stands on a page and in the ledger; what lies in clear is told at once."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from crm.lib.errors import DomainError
from governance import jobs, notices, permissions, users
from governance.models import Job, User
from ledger import log

if TYPE_CHECKING:
    from governance import proof  # arithmetic on arrays: loaded by the process that searches, not by every web process

KIND = "governance.proof"
TITLE = gettext_noop("Search for personal values in clear")
LONGEST = timedelta(hours=6)  # a search that stood longer died with its worker
SHOWN = 50  # places named of those where something lies in clear


class ProofRuns(DomainError):
    """One search at a time: it reads everything the house keeps."""

    code = "proof_runs"
    status = 409


def runs() -> QuerySet[Job]:
    """Return all searches, the newest first."""
    return Job.objects.filter(kind=KIND).select_related("started_by").order_by("-pk")


def last() -> Job | None:
    """Return the newest search that came to an end."""
    return runs().filter(finished_at__isnull=False).exclude(result={}).first()


def running(*, at: datetime) -> Job | None:
    """Return the search that is under way."""
    return runs().filter(status__in=[Job.Status.WAITING, Job.Status.RUNNING], updated_at__gt=at - LONGEST).first()


@transaction.atomic
def begin(*, actor: User, at: datetime) -> Job:
    """Order a search; a worker makes it after commit.

    :raises ProofRuns: if one is under way
    """
    User.objects.select_for_update(no_key=True).get(username=users.SYSTEM)  # of two who order at once, one gets through
    if running(at=at) is not None:
        raise ProofRuns(gettext_lazy("A search is under way: its result stands here when it ends."))
    return jobs.start(kind=KIND, title=TITLE, actor=actor, at=at)


def run(job_id: int, *, at: datetime, clock: Callable[[], datetime], folders: Iterable[Path] = ()) -> "proof.Found | None":
    """Make the search that was ordered; None when another worker has it."""
    job = jobs.claim(job_id, at=at)
    return _search(job, clock=clock, folders=folders) if job is not None else None


def run_here(
    *, actor: User, at: datetime, clock: Callable[[], datetime], superuser_url: str = "", folders: Iterable[Path] = ()
) -> "proof.Found":
    """Order a search and make it in this process, which may read more than a worker.

    :param superuser_url: see `proof.search`
    :raises ProofRuns: if one is under way
    """
    with transaction.atomic():
        job = begin(actor=actor, at=at)
        jobs.claim(job.pk, at=at)  # before a worker hears of it
    return _search(job, clock=clock, superuser_url=superuser_url, folders=folders)


def _search(job: Job, *, clock: Callable[[], datetime], superuser_url: str = "", folders: Iterable[Path] = ()) -> "proof.Found":
    """Search, keep what was found, tell who may see it when something lies in clear."""
    from governance import proof

    folders, found = list(folders), None
    try:
        wanted = proof.needles()
        found = proof.search(wanted, superuser_url=superuser_url, folders=folders)
    finally:
        if found is None:
            jobs.fail(job, str(gettext_lazy("The search ended by an error; the log of the process names it.")), at=clock())
    at = clock()
    facts: dict[str, Any] = {
        "values": found.values,
        "hits": len(found.hits),
        "searched": dict(found.searched),
        "unread": wanted.unread,
        "files_lost": sum(one.startswith("file ") for one in found.not_searched),
        "write_ahead_log": bool(superuser_url),
        "logs": bool(folders),
        "where": sorted({f"{hit.label} · {hit.place}" for hit in found.hits})[:SHOWN],
    }
    with transaction.atomic():
        jobs.progress(job, at=at, done=found.values, total=found.values)
        job = jobs.finish(job, at=at, **facts)
        log.record("governance.encryption.searched", job, actor=job.started_by, at=at, **facts)
        if found.hits:
            _tell(job, len(found.hits), at=at)
    return found


def _tell(job: Job, hits: int, *, at: datetime) -> None:
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permissions.PROVE]).order_by("pk")
    notices.tell(list(people), code="proof.in_clear", key=f"proof:{job.public_id}", url=reverse("proof"), at=at, hits=hits)


@notices.words("proof.in_clear", icon="warnings", tone="bad")
def _in_clear(notice: Any) -> Any:
    return _("Personal values lie in clear in %(hits)s places.") % notice.facts
