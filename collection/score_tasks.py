"""Scores of cases every night, and backtests of the queue on a worker of their own."""

from celery import shared_task
from django.utils.timezone import now

from collection import queue_backtests, scores
from governance.models import LegalEntity
from ledger import log
from ledger.models import Entry


@shared_task
def score_cases(**_: object) -> int:
    """Score the cases of every lender, after the night has brought them in step with their loans."""
    return sum(scores.score_all(entity, at=now()) for entity in LegalEntity.objects.order_by("pk"))


@log.on("collections.queue_backtest.ordered")
def begin_backtest(*, entry: Entry, **_: object) -> None:
    """Give a backtest to a worker of its own: it may take longer than a delivery may."""
    run_queue_backtest.delay(backtest_id=entry.subject_id)


@shared_task
def run_queue_backtest(*, backtest_id: int, **_: object) -> None:
    queue_backtests.run(backtest_id, clock=now)
