"""The behaviour score: how likely a borrower is to fall behind in the next months, from what they owe and how they pay.

Made at each month's end for every borrower, and within a minute of a new fact for whom it is about. From it follow early warnings,
proposals of limits and the order in which collections calls.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from ledger import log
from risk import alerts, behaviour_rules, feature_values, limit_proposals, scoring
from risk.alerts import Finding
from risk.behaviour_rules import Held
from risk.models import BehaviourScore, RiskAlert, ScorecardVersion
from risk.monitor_counts import midnight

CODE = "behaviour"
FEATURES: Mapping[str, str] = {
    "days_late": "numeric", "days_late_worst_3m": "numeric", "days_late_worst_12m": "numeric", "months_late_12m": "numeric",
    "on_time_share_12m": "numeric", "days_since_repayment": "numeric", "repayments_90d": "numeric", "outstanding": "numeric",
    "months_on_book": "numeric", "loans_owing": "numeric", "applications_90d": "numeric", "judged_score": "numeric",
}  # fmt: skip
KEPT = ("days_late", "outstanding", "months_on_book")  # beside the card's own: what is decided by and shown
CHUNK = 2_000
Cause = BehaviourScore.Cause
_loaded: dict[tuple[int, str], Any] = {}
_lock = threading.Lock()


def live() -> ScorecardVersion | None:
    """Return the version that scores, without its content; None where none was trained and approved yet. One query."""
    return ScorecardVersion.objects.filter(scorecard__code=CODE, status="live").defer("content", "metrics").first()


def card_of(version: ScorecardVersion) -> Any:
    """Return the runnable card of a version, loaded once per process."""
    key = (version.pk, version.sha256)
    with _lock:
        if key not in _loaded:
            _loaded[key] = scoring.load(ScorecardVersion.objects.only("content").get(pk=version.pk).content)
        return _loaded[key]


def owes(values: Mapping[str, Any]) -> bool:
    """Return whether the features are of a borrower: of whom owes nothing, nothing is predicted."""
    return bool(values.get("loans_owing") or values.get("open_lines"))


def scored(
    version: ScorecardVersion, customer_id: int, values: Mapping[str, Any], *, as_of: datetime, cause: str, at: datetime
) -> BehaviourScore:
    """Return the score of a customer's features, not stored."""
    card = card_of(version)
    found = card.score(values)
    kept = {name: values.get(name) for name in (*card.names, *KEPT)}
    return BehaviourScore(
        customer_id=customer_id, scorecard_version=version, score=found.score, pd=found.pd, reasons=list(found.reasons),
        features=feature_values.as_text(kept), as_of=as_of, cause=cause, made_at=at,
    )  # fmt: skip


def after_fact(customer_id: int, *, since: datetime, at: datetime, actor: Any) -> BehaviourScore | None:
    """Score a borrower anew because something happened at `since`; not twice for what one score has seen already.

    Several facts of a moment are answered by the first of them: its score looks at `at`, when all of them stood.
    """
    version = live()
    if version is None or BehaviourScore.objects.filter(customer=customer_id, as_of__gte=since, scorecard_version=version).exists():
        return None
    values = feature_values.online(customer_id, as_of=at, names=_names(version))
    if not owes(values):
        return None
    made = scored(version, customer_id, values, as_of=at, cause=Cause.FACT, at=at)
    with transaction.atomic():
        BehaviourScore.objects.bulk_create([made], ignore_conflicts=True)
        settle([made], at=at, actor=actor)
    return BehaviourScore.objects.get(
        customer=customer_id, as_of=at, scorecard_version=version
    )  # another worker's, where that one was first


def _names(version: ScorecardVersion) -> Sequence[str]:
    return sorted({*card_of(version).names, *KEPT, "loans_owing", "open_lines"})


def monthly(*, on: date, at: datetime, actor: Any) -> int:
    """Score every borrower as of the end of `on`; return how many. Again for the day, those who have a score keep it.

    Reads, scores and writes a few thousand at a time: the number of statements grows with these, not with customers.
    """
    version = live()
    if version is None:
        return 0
    as_of, made = midnight(on + timedelta(days=1)), 0
    rows = feature_values.bulk(as_of=as_of, names=_names(version))
    for chunk in _chunks((customer, values) for customer, values in rows if owes(values)):
        known = set(
            BehaviourScore.objects.filter(customer__in=[customer for customer, _v in chunk], as_of=as_of, scorecard_version=version)
            .values_list("customer_id", flat=True)
        )  # fmt: skip
        scores = [
            scored(version, customer, values, as_of=as_of, cause=Cause.MONTH, at=at) for customer, values in chunk if customer not in known
        ]
        with transaction.atomic():
            BehaviourScore.objects.bulk_create(scores)
            settle(scores, at=at, actor=actor)
        made += len(scores)
    log.record("risk.behaviour.scored", version, actor=actor, at=at, on=on, borrowers=made)
    return made


def _chunks(rows: Iterable[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def settle(scores: Sequence[BehaviourScore], *, at: datetime, actor: Any) -> None:
    """Let warnings and proposals follow from new scores; only the newest of a customer speaks."""
    on = timezone.localtime(at).date()
    held = behaviour_rules.holding(on)
    newest = limit_proposals.latest(score.customer_id for score in scores)
    # The stored rows, not those handed in: a row another worker wrote first stays, and ours then has no key.
    now = {score.customer_id: last for score in scores if (last := newest.get(score.customer_id)) is not None and last.as_of == score.as_of}
    alerts.warn({customer: _finding(score, held) for customer, score in now.items()}, on=on, at=at, actor=actor)
    limit_proposals.propose(now, held=held, actor=actor, at=at)


def _finding(score: BehaviourScore, held: Held) -> Finding | None:
    """Return the early warning of a score; who is late already needs none."""
    level = held.warning.level(score.pd)
    late = int(score.features.get("days_late") or 0) > held.bad.dpd
    return None if late or not level else Finding(RiskAlert.Kind.EARLY_WARNING, level, score.pd, getattr(held.warning, level))


def priorities(customer_ids: Iterable[int]) -> dict[int, Decimal]:
    """Return by customer what is expected to be lost of what they owe, CNY: the probability times the principal owed. One query.

    For the order of calls: the largest first. Whoever has no score is left out.
    """
    found = limit_proposals.latest(customer_ids)
    cent = Decimal("0.01")
    return {who: (score.pd * Decimal(score.features.get("outstanding") or 0)).quantize(cent) for who, score in found.items()}
