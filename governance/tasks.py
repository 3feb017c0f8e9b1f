import os
from pathlib import Path

from celery import shared_task
from django.core.cache import cache
from django.utils.timezone import now

from governance import (
    access_reviews,
    bulk,
    changes,
    device_letters,
    exports,
    files,
    idempotency,
    notices,
    offboarding,
    proof_runs,
    rotation,
    sessions,
    unreadable,
    users,
)
from governance.models import Offboarding, StaffSession
from ledger import log
from ledger.models import Entry

HEARTBEAT = "beat:last"


@shared_task
def heartbeat(**_: object) -> None:
    """Show that beat and a worker are alive; health checks read the age of it."""
    cache.set(HEARTBEAT, now().isoformat(), 120)


@shared_task
def forget_old_keys(**_: object) -> int:
    return idempotency.forget(at=now())


@shared_task
def forget_old_notices(**_: object) -> int:
    return notices.forget_old(at=now())


@shared_task
def sweep_files(**_: object) -> None:
    """Each night: what was stored for a row that never came is deleted."""
    files.sweep(at=now())


@log.on("governance.bulk.started")
def begin_bulk(*, entry: Entry, **_: object) -> None:
    """Hand the rows to a worker of their own: it may take longer than a delivery may."""
    run_bulk.delay(run_id=entry.subject_id)


@shared_task
def run_bulk(*, run_id: int, **_: object) -> None:
    bulk.run(run_id, at=now(), clock=now)


@log.on("governance.export.asked")
def begin_export(*, entry: Entry, **_: object) -> None:
    write_export.delay(export_id=entry.subject_id)


@shared_task
def write_export(*, export_id: int, **_: object) -> None:
    exports.write(export_id, at=now(), clock=now)


@log.on("governance.offboarding.ordered")
def begin_offboarding(*, entry: Entry, **_: object) -> None:
    """Give it to a worker of its own: it may take longer than a delivery may. A small one is done by now."""
    if Offboarding.objects.filter(pk=entry.subject_id, status=Offboarding.Status.RUNNING).exists():
        run_offboarding.delay(offboarding_id=entry.subject_id)


@shared_task
def run_offboarding(*, offboarding_id: int, **_: object) -> None:
    offboarding.run(offboarding_id, at=now(), clock=now)


@shared_task
def expire_changes(**_: object) -> int:
    """Each hour: what no second person answered in seven days ends."""
    return changes.expire(at=now(), actor=users.system())


@shared_task
def remind_reviewers(**_: object) -> int:
    """Each morning: who has grants to answer in a campaign that is due or late is told."""
    return access_reviews.remind(at=now())


@shared_task
def sweep_lists(**_: object) -> None:
    """Take up what a dead worker left, and empty the files whose day is over."""
    at = now()
    exports.forget(at=at)
    for run_id in bulk.unfinished(at=at):
        run_bulk.delay(run_id=run_id)
    for export_id in exports.unfinished(at=at):
        write_export.delay(export_id=export_id)
    for offboarding_id in offboarding.unfinished(at=at):
        run_offboarding.delay(offboarding_id=offboarding_id)


@shared_task
def tell_unreadable(*, model: str, pk: int, field: str, **_: object) -> None:
    """A value did not open: recorded, and told to who holds the keys."""
    unreadable.tell(model=model, pk=pk, field=field, at=now())


@log.on("governance.keys.rotation_began")
def begin_rotation(*, entry: Entry, **_: object) -> None:
    """Hand the sealing to a worker of its own: it takes minutes."""
    run_rotation.delay(job_id=entry.subject_id)


@shared_task
def run_rotation(*, job_id: int, **_: object) -> None:
    rotation.run(job_id, clock=now)


@shared_task
def settle_keys(**_: object) -> None:
    """Take up a rotation whose worker died; retire what a finished one replaced."""
    job = rotation.unfinished()
    if job is not None:
        run_rotation.delay(job_id=job.pk)
    else:
        rotation.settle(clock=now)


@log.on("governance.job.started")
def begin_proof(*, entry: Entry, **_: object) -> None:
    """Hand a search that somebody ordered to a worker of its own: it takes minutes."""
    if entry.facts.get("kind") == proof_runs.KIND:
        run_proof.delay(job_id=entry.subject_id)


@shared_task
def run_proof(*, job_id: int, **_: object) -> None:
    folder = os.environ.get("CRM_LOG_FOLDER")
    proof_runs.run(job_id, at=now(), clock=now, folders=[Path(folder)] if folder else [])


@shared_task
def search_weekly(**_: object) -> None:
    """Each week: the whole house is searched for values in clear."""
    if proof_runs.running(at=now()) is None:
        proof_runs.begin(actor=users.system(), at=now())


@shared_task
def count_keys(**_: object) -> None:
    """Each night: how much each key seals, and whether an older backup brought a retired one back."""
    rotation.retire(at=now())


@shared_task
def close_sessions(**_: object) -> int:
    """End sessions nobody came back to, and forget old ones."""
    sessions.forget_old(at=now())
    return sessions.close_over(at=now())


@log.on("governance.session.began")
def tell_of_device(*, entry: Entry, **_: object) -> None:
    """Write to a person whose account was used on a device it never met."""
    if entry.facts.get("new_device"):
        row = StaffSession.objects.select_related("user").filter(pk=entry.subject_id, told_at__isnull=True).first()
        if row is not None and StaffSession.objects.filter(pk=row.pk, told_at__isnull=True).update(told_at=now()):
            device_letters.post(row, at=now())
