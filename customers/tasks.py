"""Work of the customers' side: filing for the search, sending what is due. Each may run twice."""

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils.timezone import now

from customers import activities, handover, index, message_ways, outbox, template_life
from customers.models import Handover, Message
from governance import users
from governance.models import ChangeRequest
from ledger import log
from ledger.models import Entry

SECONDS = 25  # of one task that sends: other work gets its turn
SEAT_SECONDS = 50  # after which the seat of a sender that died is free; two on one seat do no harm, the claims keep them apart
ASKED = "messages:asked"


@log.on("customers.message.failed")
def tell_by_another_way(*, entry: Entry, **_: object) -> None:
    """What could not be delivered for good, and has to arrive, goes by another way."""
    if message_ways.for_good(str(entry.facts.get("problem", "")), str(entry.facts.get("purpose", ""))):
        rows = Message.objects.select_related(
            "customer__legal_entity", "customer__owner", "customer__branch", "template", "instead_of__template"
        )
        message_ways.after_failure(rows.get(pk=entry.subject_id), at=entry.at)


@log.on("governance.change.refused", "governance.change.withdrawn", "governance.change.expired")
def give_template_back(*, entry: Entry, **_: object) -> None:
    """Make a draft again of words that did not go live."""
    if entry.facts.get("kind") == template_life.KIND:
        change = ChangeRequest.objects.get(pk=entry.subject_id)
        template_life.give_back(change.after["draft"], actor=users.system(), at=entry.at)


@shared_task
def reindex(*, job_id: int, **_: object) -> None:
    """File for the search what is not filed; long work with a job of its own."""
    index.run(job_id, at=now())


@shared_task
def index_unfiled(**_: object) -> None:
    """Each night: whoever came past the doors, or was filed by an older rule, is filed."""
    if index.unfiled().exists():
        reindex.delay(job_id=index.plan(actor=None, at=now()).pk)


@shared_task
def send_messages(**_: object) -> None:
    """Send what is due. A few of these at a time and no more: a backlog of reminders must not take every worker."""
    seat = next((n for n in range(settings.MESSAGE_SENDERS) if cache.add(f"messages:sender:{n}", 1, SEAT_SECONDS)), None)
    if seat is None:
        cache.set(ASKED, 1, SEAT_SECONDS)  # whoever sends now looks once more before the seat is left empty
        return
    try:
        more = outbox.send_due(clock=now, seconds=SECONDS).sent >= outbox.BATCH
    finally:
        cache.delete(f"messages:sender:{seat}")
    if cache.delete(ASKED) or more:
        send_messages.delay()


@shared_task
def recover_messages(**_: object) -> None:
    """Take up what a sender began and did not finish."""
    if outbox.recover(at=now()).waiting:
        send_messages.delay()


@log.on("customers.handover.ordered")
def begin_handover(*, entry: Entry, **_: object) -> None:
    """Give a hand-over to a worker of its own: it may take longer than a delivery may. A small one is done by now."""
    if Handover.objects.filter(pk=entry.subject_id, status=Handover.Status.RUNNING).exists():
        run_handover.delay(handover_id=entry.subject_id)


@shared_task
def run_handover(*, handover_id: int, **_: object) -> None:
    handover.run(handover_id, at=now(), clock=now)


@shared_task
def sweep_desk(**_: object) -> None:
    """Take up hand-overs a dead worker left, and tell people what has fallen due."""
    at = now()
    for handover_id in handover.unfinished(at=at):
        run_handover.delay(handover_id=handover_id)
    activities.tell_overdue(at=at)
