from celery import shared_task
from django.utils.timezone import now

from ledger import deliveries as outbox
from ledger import log


@shared_task
def deliver(*, deliveries: list[int], **_: object) -> None:
    """Run each delivery once."""
    for pk in deliveries:
        outbox.run(pk, at=now())


@shared_task
def sweep(**_: object) -> int:
    """Hand what the broker lost to the workers again; return how many."""
    lost = outbox.due(at=now())
    if lost:
        log.hand_over(lost)
    return len(lost)
