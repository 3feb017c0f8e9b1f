"""The order of the queue on a past day against other orders: how much of the cash that came in afterwards lay in the first calls.

Cases are ordered by what was known at the start of the day and judged by the money of the days after it. Nobody knows what calls would have
changed: it is compared which order puts first those from whom money came.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from collection import priority, score_rows, scores
from collection.models import QueueBacktest
from collection.score_rows import Stood
from credit import books
from crm.lib.errors import DomainError, Invalid
from governance import jobs
from governance.models import LegalEntity, User
from ledger import log
from risk import behaviour, feature_values, gains
from risk.models import BehaviourScore

KIND = "collections.queue_backtest"
TITLE = gettext_noop("Backtest of the queue")
LEAST = 20
HOUSE, LEARNED, BALANCE, LATE = "house", "learned", "balance", "late"
ORDERS: Mapping[str, Any] = {
    HOUSE: _("Order of the queue"), LEARNED: _("Learned order"), BALANCE: _("By balance"), LATE: _("By days past due"),
}  # fmt: skip


class NothingToOrder(DomainError):
    """On that day there were too few cases, or nothing came in from them."""

    code = "nothing_to_order"
    status = 422


@transaction.atomic
def start(entity: LegalEntity, *, day: date, days: int, actor: User, at: datetime) -> QueueBacktest:
    """Order a backtest; a worker does it, and the page may be left.

    :raises Invalid: if the days after it are not over, or the day lies before the year 2000
    """
    wrong: dict[str, Any] = {}
    if not 1 <= days <= 180:
        wrong["days"] = _("Between 1 and 180 days.")
    elif day.year < 2000 or day + timedelta(days=days) > books.value_day(entity, at):
        wrong["day"] = _("The days whose cash is counted are not over yet: choose an earlier day.")
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    job = jobs.start(kind=KIND, title=TITLE, actor=actor, at=at)
    made = QueueBacktest.objects.create(legal_entity=entity, job=job, day=day, days=days, made_by=actor, made_at=at)
    log.record("collections.queue_backtest.ordered", made, actor=actor, at=at, day=day, days=days)
    return made


def run(backtest_id: int, *, clock: Callable[[], datetime]) -> None:
    """Do a backtest that waits; one that another worker has, or that is over, is left to it."""
    row = QueueBacktest.objects.select_related("job", "legal_entity").get(pk=backtest_id)
    job = jobs.claim(row.job_id, at=clock())
    if job is None:
        return
    try:
        result = compared(row.legal_entity, day=row.day, days=row.days)
    except DomainError as refused:
        jobs.fail(job, str(refused), at=clock())
        return
    with transaction.atomic():
        at = clock()
        QueueBacktest.objects.filter(pk=row.pk).update(result=result, finished_at=at)
        jobs.finish(job, at=at, cases=result["cases"])
        log.record("collections.queue_backtest.done", row, actor=row.made_by, at=at, cases=result["cases"], cash=result["cash"])


def compared(entity: LegalEntity, *, day: date, days: int) -> dict[str, Any]:
    """Return what each order would have put first, as JSON: shares as numbers, cash as text.

    :raises NothingToOrder: if there is nothing to compare
    """
    as_of = datetime.combine(day, time.min, tzinfo=ZoneInfo(entity.zone))
    rows = score_rows.stood(entity.pk, [as_of], zone=entity.zone, cure_days=scores.cure_days(day), cash_days=days)
    cash = sum((max(row.cash, Decimal(0)) for row in rows), Decimal("0.00"))
    if len(rows) < LEAST or not cash:
        raise NothingToOrder(
            _("On this day %(cases)s cases were open, and %(cash)s came in from them afterwards: too little to compare orders by.")
            % {"cases": f"{len(rows):,}", "cash": f"{cash:,.2f}"}
        )
    weights, seen_by_model = weighed(rows, as_of=as_of)
    return {
        "cases": len(rows), "cash": str(cash), "payers": sum(row.cash > 0 for row in rows), "model_saw_it": seen_by_model,
        "orders": gains.compared(
            [cents(max(row.cash, Decimal(0))) for row in rows], {name: [cents(one) for one in given] for name, given in weights.items()}, to=HOUSE
        ),
    }  # fmt: skip


def cents(amount: Decimal) -> int:
    return int(amount * 100)


def weighed(rows: Sequence[Stood], *, as_of: datetime) -> tuple[dict[str, list[Decimal]], bool]:
    """Return by order what each case weighs, the heaviest first to be called; whether the model may have learned from these days."""
    losses = _losses([row.customer_id for row in rows], as_of=as_of)
    chances = priority.chances()
    found = {
        HOUSE: [
            priority.recovery(overdue=row.overdue, expected_loss=losses.get(row.customer_id, Decimal(0)), chance=chances.get(row.bucket, chances[7]))
            for row in rows
        ],
        BALANCE: [row.balance for row in rows],
        LATE: [Decimal(row.dpd) for row in rows],
    }  # fmt: skip
    version = scores.live(scores.ROLL)
    if version is None:
        return found, False
    card = behaviour.card_of(version)
    values = feature_values.training_set([(row.customer_id, row.as_of) for row in rows], names=card.names)
    found[LEARNED] = [
        priority.recovery(
            overdue=row.overdue, expected_loss=losses.get(row.customer_id, Decimal(0)), chance=1 - Decimal(str(card.score(told).pd))
        )
        for row, told in zip(rows, values, strict=True)
    ]
    return found, str(version.metrics.get("parted_on", "")) > as_of.date().isoformat()


def _losses(customers: Sequence[int], *, as_of: datetime) -> dict[int, Decimal]:
    """Return what was expected to be lost of what each customer owed, by the last behaviour score of before; one query."""
    rows = (
        BehaviourScore.objects.filter(customer__in=customers, as_of__lte=as_of).order_by("customer", "-as_of", "-pk").distinct("customer")
    )
    return {one.customer_id: (one.pd * Decimal(one.features.get("outstanding") or 0)).quantize(Decimal("0.01")) for one in rows}
