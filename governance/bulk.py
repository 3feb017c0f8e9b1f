"""One action on many rows, in the background: the rows are fixed when it starts, each is one call of a door."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed
from crm.lib.lists import LISTS, Action, List
from governance import jobs
from governance.models import BulkRun, User
from ledger import log

KIND = "governance.bulk"
CHUNK = 20
LEASE = timedelta(minutes=5)


class NothingChosen(Invalid):
    code = "nothing_chosen"


def pick(action: Action, rows: Any) -> list[int]:
    """Return the keys of the rows an action goes through: the newest of `rows`, which its reader may see, as many as it takes."""
    return list(rows.order_by("-pk").values_list("pk", flat=True)[: action.most])


@transaction.atomic
def start(spec: List, action: Action, *, ids: Sequence[int], values: Mapping[str, Any], actor: User, at: datetime) -> BulkRun:
    """Fix the rows and let a worker begin after commit.

    :raises NothingChosen: without rows
    :raises NotAllowed: without the action's permission
    """
    if not actor.has_perm(action.permission):
        raise NotAllowed(_("You may not do this."))
    if not ids:
        raise NothingChosen(_("Choose at least one row."))
    job = jobs.start(kind=KIND, title=f"{action.label}: {spec.title}"[:200], actor=actor, at=at, total=len(ids))
    run_ = BulkRun.objects.create(
        job=job, list=spec.name, action=action.name, actor=actor, ids=list(ids), values=log.plain(dict(values)), created_at=at
    )
    log.record("governance.bulk.started", run_, actor=actor, at=at, list=spec.name, action=action.name, rows=len(ids), job=job.public_id)
    return run_


def run(run_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> BulkRun | None:
    """Go through the rows from where the run stands; None when another worker has it or it is over.

    Each row is refused or done by itself. The person's permission and scope are asked again: they may have changed meanwhile.
    """
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - LEASE)
    if not BulkRun.objects.filter(free, pk=run_id, finished_at__isnull=True).update(claimed_at=at):
        return None
    found = BulkRun.objects.select_related("job", "actor", "actor__role", "actor__team").get(pk=run_id)
    jobs.claim(found.job_id, at=at)
    spec = LISTS[found.list]
    action = spec.actions[found.action]
    with override(found.actor.language or None):
        while found.next < len(found.ids):
            _chunk(found, spec, action, at=clock() if clock else at)
    with transaction.atomic():
        BulkRun.objects.filter(pk=found.pk).update(finished_at=at)
        jobs.finish(found.job, at=at)
    found.refresh_from_db()
    return found


@transaction.atomic
def _chunk(found: BulkRun, spec: List, action: Action, *, at: datetime) -> None:
    keys = found.ids[found.next : found.next + CHUNK]
    # permission first: who lost it, lost all rows
    found.actor.asked = action.permission
    rows = spec.rows(found.actor).in_bulk(keys) if found.actor.has_perm(action.permission) else {}
    done, problems = 0, []
    for key in keys:
        row = rows.get(key)
        if row is None:
            problems.append({"line": None, "field": "", "message": gettext("A row is no longer there, or no longer yours to change.")})
            continue
        try:
            with transaction.atomic():
                action.run(row, actor=found.actor, at=at, **found.values)
            done += 1
        except DomainError as error:
            problems.append({"line": None, "field": row.public_id, "message": str(error.message)})
    found.next += len(keys)
    BulkRun.objects.filter(pk=found.pk).update(next=found.next, claimed_at=at)
    jobs.progress(found.job, at=at, done=done, failed=len(problems), problems=problems)


def unfinished(*, at: datetime) -> list[int]:
    """Return runs that no worker holds and that are not over."""
    free = Q(claimed_at__isnull=True, created_at__lt=at - timedelta(minutes=1)) | Q(claimed_at__lt=at - LEASE)
    return list(BulkRun.objects.filter(free, finished_at__isnull=True).order_by("pk").values_list("pk", flat=True))
