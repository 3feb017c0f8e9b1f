"""Work of backtests: a few workers share the parts of one; a sweeper takes up what a dead one left."""

from celery import shared_task
from django.utils.timezone import now

from ledger import log
from ledger.models import Entry
from risk import backtests
from risk.models import Backtest

WORKERS = 2  # of one backtest at the same time: other work gets its turn


@log.on("risk.backtest.ordered")
def begin_backtest(*, entry: Entry, **_: object) -> None:
    """Hand the parts to workers of their own: they may take longer than a delivery may."""
    if Backtest.objects.filter(pk=entry.subject_id, status=Backtest.Status.RUNNING).exists():
        for _worker in range(WORKERS):
            run_backtest.delay(backtest_id=entry.subject_id)


@shared_task
def run_backtest(*, backtest_id: int, **_: object) -> None:
    backtests.run(backtest_id, at=now(), clock=now)


@shared_task
def sweep_backtests(**_: object) -> None:
    """Each minute: take up what a dead worker left."""
    for backtest_id in backtests.unfinished(at=now()):
        run_backtest.delay(backtest_id=backtest_id)
