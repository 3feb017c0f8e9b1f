from collections import deque

from celery import shared_task
from django.utils.timezone import now

from ledger import deliveries as outbox
from ledger import log

NEAR = 4  # follow-ups a worker does itself


@shared_task
def deliver(*, deliveries: list[int], **_: object) -> None:
    """Run each delivery once, and the few that follow from it: what was approved is offered without another trip to the broker."""
    waiting = deque(deliveries)
    while waiting:
        with log.kept_here() as following:
            outbox.run(waiting.popleft(), at=now())
        if len(following) <= NEAR:
            waiting.extendleft(reversed(following))
        else:  # many: other workers may take their share
            log.hand_over(following)


@shared_task
def sweep(**_: object) -> int:
    """Hand what the broker lost to the workers again; return how many."""
    lost = outbox.due(at=now())
    if lost:
        log.hand_over(lost)
    return len(lost)
