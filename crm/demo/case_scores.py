"""Scores of cases in the demonstration, learned from made cases, and a backtest of the queue.

Half a year of a demonstration has too few cases to learn from. So that models, their pages and the queue can be looked at, cases are drawn in
which what one expects holds: the longer late and the more promises broken, the graver. What such a model says holds for nobody.
"""

import random
from datetime import date, datetime, timedelta
from typing import Any

from collection import queue_backtests, scores
from collection.models import QueueBacktest
from governance import users
from governance.models import LegalEntity, User
from risk import registry

DAYS = 14  # the older book was taken over some days before that
DRAWN, HELD_OUT = 1_500, 500


def fill(entity: LegalEntity, *, today: date, staff: dict[str, User], at: datetime) -> str:
    """Train, score every case, order one backtest; return a line of what was made."""
    if QueueBacktest.objects.exists():
        return "the scores of cases were there"
    told = []
    for code in scores.NAMES:
        chance = random.Random(f"{code}-{today}")  # noqa: S311  # made cases, no secret
        sample = scores.Sample(drawn(code, chance, DRAWN), drawn(code, chance, HELD_OUT), today - timedelta(days=60))
        version = scores.fitted(code, sample, until=today, actor=users.system(), at=at)
        registry.make_live(version, actor=users.system(), at=at)
        told.append(f"{code}: AUC {version.metrics['holdout']['auc']:.3f}")
    done = scores.score_all(entity, at=at)
    made = queue_backtests.start(entity, day=today - timedelta(days=DAYS + 1), days=DAYS, actor=staff["supervisor"], at=at)
    queue_backtests.run(made.pk, clock=lambda: at)
    return f"{done} cases scored; {'; '.join(told)}"


def drawn(code: str, chance: random.Random, rows: int) -> list[dict[str, Any]]:
    """Return made cases as rows of the features with `bad`: that it came so."""
    found = []
    for _row in range(rows):
        late, broken, share = chance.randrange(1, 120), chance.choice((0, 0, 0, 1, 1, 2, 3)), chance.randrange(30, 101)
        row: dict[str, Any] = dict.fromkeys(scores.FEATURES, 0) | {
            "days_late": late, "days_late_worst_12m": late + chance.randrange(0, 40), "months_late_12m": min(12, late // 30 + chance.randrange(0, 4)),
            "on_time_share_12m": share / 100, "days_since_repayment": late + chance.randrange(0, 60), "repayments_90d": chance.randrange(0, 4),
            "outstanding": chance.randrange(500, 60_000), "months_on_book": chance.randrange(1, 36), "loans_owing": chance.choice((1, 1, 1, 2, 3)),
            "cases_ever": chance.randrange(1, 5), "promises_broken_12m": broken, "contacts_30d": chance.randrange(0, 12),
            "reached_90d": chance.randrange(0, 5),
        }  # fmt: skip
        worse = 0.10 + 0.004 * late + 0.08 * broken - 0.002 * share
        comes = 1 - worse - 0.3 if code == scores.CURE else worse
        found.append(row | {"bad": int(chance.random() < min(0.95, max(0.03, comes)))})
    return found
