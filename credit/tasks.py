"""Work that follows from what doors recorded, and the beat's sweeps. Each may run twice."""

from datetime import datetime, timedelta

from celery import shared_task
from django.utils.timezone import now

from credit import applications, end_of_day, expiry, imports, offers, payouts
from credit.books import local_day
from credit.models import Application, ClosePartition, CloseRun, Loan
from governance import users
from governance.models import LegalEntity
from ledger import log
from ledger.models import Entry

STUCK = timedelta(minutes=2)  # no evaluation takes this long: its worker died


@log.on("credit.application.submitted")
def evaluate_submitted(*, entry: Entry, **_: object) -> None:
    """Let the engine judge what was submitted."""
    applications.evaluate(entry.subject_id, at=entry.at)


@log.on("credit.application.approved")
def offer_approved(*, entry: Entry, **_: object) -> None:
    """Offer what was approved."""
    application = Application.objects.only("status", "customer_id").get(pk=entry.subject_id)
    if application.status == Application.Status.APPROVED:
        offers.make(application, at=entry.at)


@log.on("credit.loan.booked")
def pay_out_booked(*, entry: Entry, **_: object) -> None:
    """Send the money of a booked loan out; what the bank does not answer for certain is asked again by the outbox."""
    payouts.send(Loan.objects.get(pk=entry.subject_id), actor=users.system(), at=entry.at)


@log.on("credit.day.closed")
def expire_after_close(*, entry: Entry, **_: object) -> None:
    """End what the new business date leaves behind."""
    expiry.expire(LegalEntity.objects.get(pk=entry.facts["legal_entity"]), at=entry.at)


@shared_task
def expire(**_: object) -> None:
    """End offers and drafts whose time is over."""
    for entity in LegalEntity.objects.order_by("pk"):
        expiry.expire(entity, at=now())


@shared_task
def evaluate(*, application_id: int, **_: object) -> None:
    applications.evaluate(application_id, at=now())


@shared_task
def close_day(**_: object) -> None:
    """Close every business date that is over, entity by entity; partitions go to the workers."""
    at = now()
    for entity in LegalEntity.objects.order_by("pk"):
        if entity.business_date < local_day(entity, at):
            hand_out(end_of_day.plan(entity, entity.business_date, at=at), at=at)


@shared_task
def close_partition(*, partition_id: int, **_: object) -> None:
    """Close one range; whoever closes the last one ends the run and starts the next day that is over."""
    at = now()
    end_of_day.close_partition(partition_id, at=at)
    run = CloseRun.objects.get(partitions=partition_id)
    if end_of_day.finish(run, at=at):
        close_day.delay()


def hand_out(run: CloseRun, *, at: datetime) -> None:
    """Give a run's open partitions to the workers; a run without any is finished here."""
    for partition_id in end_of_day.pending(run):
        close_partition.delay(partition_id=partition_id)
    if end_of_day.finish(run, at=at):
        close_day.delay()


@log.on("credit.import.started")
def begin_import(*, entry: Entry, **_: object) -> None:
    """Hand a file to a worker of its own: it may take longer than a delivery may."""
    run_import.delay(batch_id=entry.subject_id)


@shared_task
def run_import(*, batch_id: int, **_: object) -> None:
    imports.run(batch_id, at=now(), clock=now)


@shared_task
def sweep(**_: object) -> None:
    """Take up what was begun and not finished: evaluations, closes, files."""
    at = now()
    for pk in applications.stuck(before=at - STUCK):
        evaluate.delay(application_id=pk)
    open_runs = CloseRun.objects.filter(status=CloseRun.Status.RUNNING)
    for partition in ClosePartition.objects.filter(run__in=open_runs, status=ClosePartition.Status.PENDING).order_by("pk"):
        close_partition.delay(partition_id=partition.pk)
    for run in open_runs.order_by("pk"):
        if end_of_day.finish(run, at=at):
            close_day.delay()
    for batch_id in imports.unfinished(at=at):
        run_import.delay(batch_id=batch_id)
