"""Trainings on a worker of their own, and the sweep that takes up what nobody finished."""

from celery import shared_task
from django.utils.timezone import now

from ledger import log
from ledger.models import Entry
from risk import model_proofs, trainings


@log.on("risk.training.started")
def begin_training(*, entry: Entry, **_: object) -> None:
    """Hand a training to a worker of its own: it takes longer than a delivery may."""
    run_training.delay(training_id=entry.subject_id)


@shared_task
def run_training(*, training_id: int, **_: object) -> None:
    trainings.run(training_id, at=now(), clock=now)


@shared_task
def sweep_trainings(**_: object) -> None:
    """Take up trainings that wait; end those whose worker died."""
    at = now()
    trainings.dead(at=at)
    for pk in trainings.unfinished(at=at):
        run_training.delay(training_id=pk)


@log.on("risk.modelproof.started")
def begin_proof(*, entry: Entry, **_: object) -> None:
    """Hand a proof to a worker of its own."""
    run_proof.delay(proof_id=entry.subject_id)


@shared_task
def run_proof(*, proof_id: int, **_: object) -> None:
    model_proofs.run(proof_id, at=now(), clock=now)


@shared_task
def sweep_proofs(**_: object) -> None:
    """Take up proofs that wait; end those whose worker died."""
    at = now()
    model_proofs.dead(at=at)
    for pk in model_proofs.unfinished(at=at):
        run_proof.delay(proof_id=pk)
