"""Work that follows from what doors recorded, and the beat's sweeps. Each may run twice."""

import contextlib
from datetime import date, datetime, timedelta

from celery import shared_task
from django.db import DatabaseError
from django.utils.timezone import now

from credit import (
    applications,
    bank_files,
    book_check,
    class_batches,
    counter_links,
    decline_messages,
    devices,
    end_of_day,
    expiry,
    imports,
    offers,
    paper_messages,
    papers,
    payouts,
    refunds,
    reminders,
    risk_lines,
)
from credit.books import local_day
from credit.models import Application, ClosePartition, CloseRun, Loan, Offer, PaperRequest, ReminderRun, Transaction
from crm.lib.errors import DomainError
from crm.lib.ports.http import PortOff
from customers.models import Document
from governance import users
from governance.models import LegalEntity
from ledger import log
from ledger.models import Entry
from risk.models import LimitProposal

STUCK = timedelta(minutes=2)  # no evaluation takes this long: its worker died
UNANSWERED = timedelta(minutes=15)  # the outbox has asked the bank several times by then


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


@log.on("credit.application.declined")
def tell_decline(*, entry: Entry, **_: object) -> None:
    """Tell the applicant why, once the decline stands: it has no further step."""
    found = Application.objects.select_related("customer__legal_entity", "decision__strategy_version", "decision__scorecard_version")
    decline_messages.tell(found.get(pk=entry.subject_id), at=entry.at)


@log.on("credit.offer.made")
def go_on_by_link(*, entry: Entry, **_: object) -> None:
    """Let whoever agreed to other terms by a link go on by one."""
    counter_links.go_on(Offer.objects.select_related("application").get(pk=entry.subject_id), at=entry.at)


@log.on("credit.loan.booked")
def pay_out_booked(*, entry: Entry, **_: object) -> None:
    """Send the money of a booked loan out; what the bank does not answer for certain is asked again by the outbox."""
    loan = Loan.objects.get(pk=entry.subject_id)
    if not loan.revolving:  # of a line each draw goes out by itself
        payouts.send(loan, actor=users.system(), at=entry.at)


@log.on("credit.movement.disbursement", "credit.movement.draw")
def pay_out_part(*, entry: Entry, **_: object) -> None:
    """Send a later part of a loan, or a draw of a line, out, once."""
    part = Transaction.objects.select_related("loan").get(public_id=entry.facts["transaction"])
    payouts.send(part.loan, actor=users.system(), at=entry.at, part=part)


@log.on("customers.document.added")
def answer_papers(*, entry: Entry, **_: object) -> None:
    """Let a new document answer what its person is asked for, wherever it was put in."""
    document = Document.objects.select_related("added_by").get(pk=entry.subject_id)
    papers.came(document, actor=document.added_by, at=entry.at)


@log.on("credit.paperrequest.made", "credit.paperrequest.reminded")
def tell_about_papers(*, entry: Entry, **_: object) -> None:
    """Tell the applicant what is asked for, or that it is still missing."""
    request = PaperRequest.objects.select_related("application__customer").prefetch_related("papers").get(pk=entry.subject_id)
    if request.status == PaperRequest.Status.OPEN:
        code = paper_messages.REMINDED if entry.event.endswith("reminded") else paper_messages.ASKED
        paper_messages.tell(request, code=code, at=entry.at)


@log.on("risk.limitproposal.approved")
def follow_limit_proposal(*, entry: Entry, **_: object) -> None:
    """Do what was decided about a limit: a lower one at once, a higher one through a second person."""
    proposal = LimitProposal.objects.select_related("decided_by").get(pk=entry.subject_id)
    risk_lines.follow(proposal, at=max(now(), entry.at))


@log.on("credit.day.closed")
def expire_after_close(*, entry: Entry, **_: object) -> None:
    """End what the new business date leaves behind."""
    expiry.expire(LegalEntity.objects.get(pk=entry.facts["legal_entity"]), at=entry.at)


@log.on("credit.day.closed")
def check_books_after_close(*, entry: Entry, **_: object) -> None:
    """Hold the books against each other; of past dates closed in a row the last one, and the last of each month."""
    entity = LegalEntity.objects.get(pk=entry.facts["legal_entity"])
    day = date.fromisoformat(entry.facts["business_date"])
    next_day = day + timedelta(days=1)
    if next_day >= local_day(entity, now()) or next_day.day == 1:
        book_check.check_day(entity, day, at=entry.at)


@log.on("credit.day.closed")
def class_batch_after_close(*, entry: Entry, **_: object) -> None:
    """Put the classes of a month's end before people."""
    entity = LegalEntity.objects.get(pk=entry.facts["legal_entity"])
    class_batches.after_close(entity, date.fromisoformat(entry.facts["business_date"]), at=entry.at)


@log.on("credit.day.closed")
def remind_after_close(*, entry: Entry, **_: object) -> None:
    """Plan the reminders of the day that is now open, if it is today: closing past dates in a row reminds nobody."""
    remind(LegalEntity.objects.get(pk=entry.facts["legal_entity"]), at=now())


@log.on(
    "credit.repayment.received",
    "credit.loan.settled",
    "credit.loan.written_off",
    "credit.loan.cancelled",
    "credit.loan.sold",
    "credit.movement.relief",
    "credit.movement.prepayment",
    "credit.movement.reschedule",
    "credit.movement.restructure",
    "credit.movement.acceleration",
)
def forget_paid_reminders(*, entry: Entry, **_: object) -> None:
    """Take back what was planned for instalments that are paid now."""
    about_loan = entry.subject_type == Loan._meta.label_lower
    loan = Loan.objects.filter(pk=entry.subject_id if about_loan else entry.facts.get("loan_id")).first()
    if loan is not None:
        reminders.cancel_paid(loan, at=entry.at)


@shared_task
def check_books(*, entity_id: int, **_: object) -> None:
    """Hold the books of a lender against each other now."""
    entity = LegalEntity.objects.get(pk=entity_id)
    if (day := book_check.last_day(entity)) is not None:
        book_check.check_day(entity, day, at=now())


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
    try:
        end_of_day.close_partition(partition_id, at=at)
    except (DatabaseError, DomainError) as error:
        end_of_day.failed(partition_id, error)
        raise
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


@log.on("credit.bank_file.started")
def begin_bank_file(*, entry: Entry, **_: object) -> None:
    """Hand a bank's file to a worker of its own: it may take longer than a delivery may."""
    run_bank_file.delay(batch_id=entry.subject_id)


@shared_task
def run_bank_file(*, batch_id: int, **_: object) -> None:
    bank_files.run(batch_id, at=now(), clock=now)


@log.on("credit.refund.approved")
def send_refund(*, entry: Entry, **_: object) -> None:
    """Send an approved refund; what the bank does not answer for certain is asked again by the outbox."""
    with contextlib.suppress(PortOff):  # it stays approved; the sweep tries again once there is a bank
        refunds.send(entry.subject_id, at=entry.at)


@shared_task
def send_refund_again(*, refund_id: int, **_: object) -> None:
    with contextlib.suppress(PortOff):
        refunds.send(refund_id, at=now())


@log.on("customers.customer.erased")
def forget_erased(*, entry: Entry, **_: object) -> None:
    """Delete the devices of a person who was erased."""
    devices.forget_of(entry.subject_id)


@shared_task
def forget_devices(**_: object) -> int:
    """Delete fingerprints of devices older than the rule lets them be; return how many."""
    return devices.forget(at=now())


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
    for batch_id in bank_files.unfinished(at=at):
        run_bank_file.delay(batch_id=batch_id)
    for refund_id in refunds.stuck(before=at - UNANSWERED):
        send_refund_again.delay(refund_id=refund_id)


@shared_task
def plan_reminders(**_: object) -> None:
    """Plan what the open business dates ask for; take up partitions that nobody finished."""
    at = now()
    for entity in LegalEntity.objects.order_by("pk"):
        remind(entity, at=at)


def remind(entity: LegalEntity, *, at: datetime) -> None:
    """Hand today's partitions to the workers; a run without any left is finished here."""
    if not reminders.is_due(entity, at=at):
        return
    if log.broker_is_off():
        reminders.plan_now(entity, entity.business_date, at=at)
        return
    run = reminders.plan(entity, entity.business_date, at=at)
    if run.status == ReminderRun.Status.DONE:
        return
    for partition_id in reminders.pending(run):
        plan_reminder_partition.delay(partition_id=partition_id)
    reminders.finish(run, at=at)


@shared_task
def plan_reminder_partition(*, partition_id: int, **_: object) -> None:
    """Plan one partition; whoever plans the last one ends the run."""
    at = now()
    reminders.plan_partition(partition_id, at=at)
    reminders.finish(ReminderRun.objects.get(partitions=partition_id), at=at)
