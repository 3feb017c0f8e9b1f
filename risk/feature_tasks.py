"""Work on features: figures of the catalogue, each night or ordered on its page. May run twice."""

from celery import shared_task
from django.utils.timezone import now

from ledger import log
from ledger.models import Entry
from risk import feature_stats


@shared_task
def measure_nightly(**_: object) -> None:
    """Each night: order the figures, unless a run is under way."""
    at = now()
    if feature_stats.running(at=at) is None:
        feature_stats.order(actor=None, at=at)


@log.on("governance.job.started")
def begin_figures(*, entry: Entry, **_: object) -> None:
    """Hand what was ordered to a worker of its own: it reads every customer."""
    if entry.facts.get("kind") == feature_stats.KIND:
        run_figures.delay(job_id=entry.subject_id)


@shared_task
def run_figures(*, job_id: int, **_: object) -> None:
    feature_stats.run(job_id, at=now(), clock=now)
