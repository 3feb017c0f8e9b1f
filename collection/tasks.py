"""News from credit becomes work on cases. Each subscriber reads the loans as they stand, so it may run twice or late."""

from celery import shared_task
from django.utils.timezone import localdate, now

from collection import (
    case_states,
    cases,
    contact_rules,
    placement_orders,
    placements,
    places,
    portfolio,
    promises,
    recordings,
    relief_plans,
    replays,
    settlements,
)
from collection.models import Case, Contact
from credit import acts
from governance import users
from governance.models import ChangeRequest, LegalEntity
from ledger import log
from ledger.models import Entry

TAKEN_BACK = ("credit.repayment.reversed", "credit.movement.reversed", "credit.loan.reopened")


@log.on(
    "credit.loan.overdue",
    "credit.loan.bucket_moved",
    "credit.loan.cured",
    "credit.loan.settled",
    "credit.repayment.received",
    "credit.repayment.reversed",
    "credit.loan.reopened",
    "credit.loan.written_off",
    "credit.loan.cancelled",
    "credit.loan.sold",
    "credit.movement.relief",
    "credit.movement.death",
    "credit.movement.prepayment",
    "credit.movement.charge",
    "credit.movement.waiver",
    "credit.movement.reschedule",
    "credit.movement.restructure",
    "credit.movement.acceleration",
    "credit.movement.reversed",
)
def follow_loan(*, entry: Entry, **_: object) -> None:
    """Judge what the loan's customer promised, and bring their case in step."""
    if entry.customer_id is not None:
        if entry.event == "credit.repayment.reversed":
            promises.judge_again(entry.customer_id, actor=users.system(), at=entry.at)
        if entry.event in TAKEN_BACK:  # before the refresh, which would open another case for what was forgiven
            settlements.judge_again(entry.customer_id, actor=users.system(), at=entry.at)
        promises.judge([entry.customer_id], actor=users.system(), at=entry.at)
        settlements.follow([entry.customer_id], actor=users.system(), at=entry.at)
        cases.refresh([entry.customer_id], actor=users.system(), at=entry.at)
        placements.follow([entry.customer_id], actor=users.system(), at=entry.at)


@log.on(
    "collections.case.closed", "collections.dispute.opened", "collections.complaint.opened", "collections.hardship.opened",
    "collections.contact.logged", "collections.care.noted", "customers.contact.stopped",
)  # fmt: skip
def follow_placement(*, entry: Entry, **_: object) -> None:
    """Take a case back from its agency when it may not stay there, and end a placement with its case."""
    if entry.customer_id is not None:
        placements.follow([entry.customer_id], actor=users.system(), at=entry.at)


@log.on("collections.refresh.planned")
def follow_placements(*, entry: Entry, **_: object) -> None:
    """Bring back what is outside too long, and book what came in, for one range of customers."""
    ids = placements.outside(entry.subject_id, first=entry.facts["first"], last=entry.facts["last"])
    placements.follow(ids, actor=users.system(), at=entry.at)


@log.on("collections.placement.ordered")
def begin_placing(*, entry: Entry, **_: object) -> None:
    """Give an order to a worker of its own: it may take longer than a delivery may."""
    run_placing.delay(order_id=entry.subject_id)


@shared_task
def run_placing(*, order_id: int, **_: object) -> None:
    placement_orders.run(order_id, clock=now)


@log.on("collections.agency.suspended")
def begin_taking_back(*, entry: Entry, **_: object) -> None:
    run_taking_back.delay(agency_id=entry.subject_id, job_id=entry.facts["job"])


@shared_task
def run_taking_back(*, agency_id: int, job_id: int, **_: object) -> None:
    placement_orders.take_back(agency_id, job_id, clock=now)


@log.on("collections.case.closed")
def end_promise(*, entry: Entry, **_: object) -> None:
    """End what was promised in a case that is over."""
    case = Case.objects.select_related("legal_entity").get(pk=entry.subject_id)
    promises.end_with_case(case, actor=users.system(), at=entry.at)


@log.on("credit.day.closed")
def follow_close(*, entry: Entry, **_: object) -> None:
    """Plan a refresh of every case of the legal entity: days past due and penalty grow each day."""
    entity = LegalEntity.objects.get(pk=entry.facts["legal_entity"])
    portfolio.plan_refresh(entity, actor=users.system(), at=entry.at)


@log.on("collections.refresh.planned")
def refresh_partition(*, entry: Entry, **_: object) -> None:
    """Refresh the cases of one range of customers."""
    portfolio.refresh_range(entry.subject_id, first=entry.facts["first"], last=entry.facts["last"], actor=users.system(), at=entry.at)


@shared_task
def release_claims(**_: object) -> int:
    """Free the cases whose claim ran out."""
    return cases.release_expired(at=now())


@shared_task
def wake_planned(**_: object) -> int:
    """Let the cases whose planned day has come stand where they belong, before the night does."""
    at = now()
    return sum(places.wake(entity, at=at) for entity in LegalEntity.objects.order_by("pk"))


@log.on("collections.replay.ordered")
def begin_replay(*, entry: Entry, **_: object) -> None:
    """Give a replay to a worker of its own: it may take longer than a delivery may."""
    run_replay.delay(replay_id=entry.subject_id)


@shared_task
def sweep_replays(**_: object) -> None:
    """Take up replays whose start was lost or whose worker died."""
    for replay_id in replays.unfinished(at=now()):
        run_replay.delay(replay_id=replay_id)


@shared_task
def run_replay(*, replay_id: int, **_: object) -> None:
    replays.run(replay_id, clock=now)


@log.on("governance.change.refused", "governance.change.withdrawn", "governance.change.expired")
def give_draft_back(*, entry: Entry, **_: object) -> None:
    """Make a draft again of a contact policy that did not come into force."""
    if entry.facts.get("kind") == contact_rules.KIND:
        change = ChangeRequest.objects.get(pk=entry.subject_id)
        contact_rules.give_back(change.after["draft"], actor=users.system(), at=entry.at)


@log.on("governance.change.confirmed", "governance.change.refused", "governance.change.withdrawn", "governance.change.expired")
def follow_plan(*, entry: Entry, **_: object) -> None:
    """Start a relief plan that credit's second person confirmed, or end it."""
    if entry.facts.get("kind") == acts.CHANGE:
        relief_plans.decided(ChangeRequest.objects.get(pk=entry.subject_id), actor=users.system(), at=entry.at)


@log.on("credit.movement.death")
def wait_for_estate(*, entry: Entry, **_: object) -> None:
    """Let the work on the case of somebody who died wait: nobody is next in a queue whom nobody may reach."""
    if entry.customer_id is not None:
        case_states.pause_for_death(entry.customer_id, actor=users.system(), at=entry.at)


@log.on("collections.contact.logged")
def tie_recording(*, entry: Entry, **_: object) -> None:
    """Tie what was recorded of a call to the contact that was logged of it."""
    recordings.tie(Contact.objects.get(pk=entry.subject_id))


@shared_task
def forget_recordings(**_: object) -> int:
    """Delete the sound of recordings whose time is over."""
    return recordings.forget_due(actor=users.system(), at=now(), on=localdate())
