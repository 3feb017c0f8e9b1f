"""Scores of cases in the demonstration, learned from its own made history where that is enough, and a backtest of the queue."""

from datetime import date, datetime, timedelta

from collection import queue_backtests, scores
from collection.models import QueueBacktest
from crm.lib.errors import DomainError
from governance import users
from governance.models import LegalEntity, User
from risk import registry

DAYS = 21


def fill(entity: LegalEntity, *, today: date, staff: dict[str, User], at: datetime) -> str:
    """Train what can be trained, score every case, order one backtest; return a line of what was made.

    The history is the demonstration's: what a model says of it holds for nobody. What it has too little of stays with the buckets' rates.
    """
    if QueueBacktest.objects.exists():
        return "the scores of cases were there"
    told = []
    for code in scores.NAMES:
        try:
            version = scores.train(code, entity, until=today, actor=users.system(), at=at)
        except DomainError as few:
            told.append(f"{code}: {few}")
            continue
        registry.make_live(version, actor=users.system(), at=at)
        told.append(f"{code}: AUC {version.metrics['holdout']['auc']:.3f}")
    done = scores.score_all(entity, at=at)
    made = queue_backtests.start(entity, day=today - timedelta(days=DAYS + 1), days=DAYS, actor=staff["supervisor"], at=at)
    queue_backtests.run(made.pk, clock=lambda: at)
    return f"{done} cases scored; {'; '.join(told)}"
