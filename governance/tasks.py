from celery import shared_task
from django.core.cache import cache
from django.utils.timezone import now

from governance import bulk, changes, device_letters, exports, files, idempotency, notices, sessions, users
from governance.models import StaffSession
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


@shared_task
def expire_changes(**_: object) -> int:
    """Each hour: what no second person answered in seven days ends."""
    return changes.expire(at=now(), actor=users.system())


@shared_task
def sweep_lists(**_: object) -> None:
    """Take up what a dead worker left, and empty the files whose day is over."""
    at = now()
    exports.forget(at=at)
    for run_id in bulk.unfinished(at=at):
        run_bulk.delay(run_id=run_id)
    for export_id in exports.unfinished(at=at):
        write_export.delay(export_id=export_id)


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
