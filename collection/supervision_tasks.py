"""The supervisor's work that goes on by itself: the night's rules, a new case's place, absences, quality and the forecast."""

from celery import shared_task
from django.utils.timezone import now

from collection import absences, assignment_plans, capacity, quality, reassignments, recordings
from collection.models import Case, Contact, Recording
from governance.models import LegalEntity
from ledger import log
from ledger.models import Entry


@shared_task
def assign_nightly(**_: object) -> int:
    """Apply the assignment rules of each lender once a business date; return how many cases changed hands."""
    done = [assignment_plans.nightly(entity, at=now()) for entity in LegalEntity.objects.order_by("pk")]
    return sum(run.moved for run in done if run is not None)


@log.on("collections.assignment.ordered")
def begin_run(*, entry: Entry, **_: object) -> None:
    run_assignment.delay(run_id=entry.subject_id)


@shared_task
def run_assignment(*, run_id: int, **_: object) -> None:
    assignment_plans.run(run_id, clock=now)


@log.on("collections.case.opened")
def place_case(*, entry: Entry, **_: object) -> None:
    """Give a case that opened to whom the rules give it."""
    entity = LegalEntity.objects.get(pk=Case.objects.values_list("legal_entity", flat=True).get(pk=entry.subject_id))
    assignment_plans.place_new(entry.subject_id, entity, at=entry.at)


@shared_task
def follow_absences(**_: object) -> int:
    """Hand over on first days, bring back after last ones; return how many absences began or ended."""
    return sum(sum(absences.follow_day(entity, at=now())) for entity in LegalEntity.objects.order_by("pk"))


@log.on("collections.reassignment.begun")
def begin_reassignment(*, entry: Entry, **_: object) -> None:
    """Give a re-assignment to a worker of its own: it may take longer than a delivery may."""
    run_reassignment.delay(reassignment_id=entry.subject_id)


@shared_task
def run_reassignment(*, reassignment_id: int, **_: object) -> None:
    reassignments.run(reassignment_id, clock=now)


@shared_task
def sweep_reassignments(**_: object) -> None:
    """Go on with what a worker left that died."""
    for pk in reassignments.unfinished(at=now()):
        run_reassignment.delay(reassignment_id=pk)


@log.on("collections.contact.logged")
def scan_contact(*, entry: Entry, **_: object) -> None:
    """Look for the words that raise a flag as soon as a contact is logged."""
    contact = Contact.objects.select_related("case").get(pk=entry.subject_id)
    recordings.tie(contact)  # what was said in it belongs to it
    quality.scan(contact, at=entry.at)


@log.on("collections.recording.kept")
def scan_recording(*, entry: Entry, **_: object) -> None:
    """Look through what was said, once the recording is tied to its contact."""
    row = Recording.objects.select_related("contact__case").get(pk=entry.subject_id)
    if row.contact is not None:
        quality.scan(row.contact, at=entry.at)


@shared_task
def plan_capacity(**_: object) -> int:
    """Make the capacity plan of each lender once a day, from half past eight by its clock."""
    return sum(capacity.make_due(entity, at=now()) is not None for entity in LegalEntity.objects.order_by("pk"))
