from celery import shared_task
from django.core.cache import cache
from django.utils.timezone import now

from governance import idempotency

HEARTBEAT = "beat:last"


@shared_task
def heartbeat(**_: object) -> None:
    """Show that beat and a worker are alive; health checks read the age of it."""
    cache.set(HEARTBEAT, now().isoformat(), 120)


@shared_task
def forget_old_keys(**_: object) -> int:
    return idempotency.forget(at=now())
