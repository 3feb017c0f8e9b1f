"""Scores of cases: trained on the house's own history through the registry of models, reckoned every night, with the bucket's rate as fallback.

A model is a draft like any other: validated and approved by two more people before it counts. While none is live, or the history carries
none, the rate of the case's bucket stands in its place, drawn towards that of all, and says so.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg2.extras import Json, execute_values

from collection import score_best, score_rows
from collection.models import ACTIVE, Case, CaseScore
from collection.score_rows import Stood
from crm.lib.errors import DomainError
from customers import contact_packs, contacts
from governance import rules, users
from governance.models import LegalEntity
from ledger import log
from risk import behaviour, feature_values, gains, registry, training, words
from risk.models import ScorecardVersion

CURE, ROLL = "self_cure", "roll_forward"
NAMES = {CURE: ("Self-cure", "自愈概率"), ROLL: ("Roll-forward", "下滚概率")}
WORDS = {CURE: _("Pays by itself"), ROLL: _("Gets graver")}
FEATURES: Mapping[str, str] = {
    "days_late": "numeric", "days_late_worst_12m": "numeric", "months_late_12m": "numeric", "on_time_share_12m": "numeric",
    "days_since_repayment": "numeric", "repayments_90d": "numeric", "outstanding": "numeric", "months_on_book": "numeric",
    "loans_owing": "numeric", "cases_ever": "numeric", "promises_broken_12m": "numeric", "contacts_30d": "numeric", "reached_90d": "numeric",
}  # fmt: skip
LEAST_ROWS, LEAST_OF_A_KIND = 500, 50
DRAWN = 30  # cases that the rate of all weighs beside that of a bucket
WEEKS = 26
HELD_OUT = Decimal("0.3")  # of the moments, the last
CHUNK = 2_000
PLACES = Decimal("0.0001")
FILE = Path(__file__).parent / "data" / "score_reasons.json"


class TooLittleHistory(DomainError):
    """The house has too few cases to learn from; the sentence says how many there are."""

    code = "too_little_history"
    status = 422


@cache
def reasons_data() -> Mapping[str, Any]:
    """Return the texts told of each feature: those of the behaviour score, and of what collecting knows beside them."""
    known = words.data("behaviour_reasons") | json.loads(FILE.read_text(encoding="utf-8"))
    return {name: known[name] for name in FEATURES}


def cure_days(on: date) -> int:
    return int(rules.value("collections.score.cure_days", on=on))


# --- learning ------------------------------------------------------------------------------------------------------
def moments(*, until: date, horizon: int, zone: str, weeks: int = WEEKS) -> list[datetime]:
    """Return the first moments of Mondays whose horizon was over by `until`, the earliest first."""
    last = until - timedelta(days=horizon)
    monday = last - timedelta(days=last.weekday())
    return [datetime.combine(monday - timedelta(weeks=back), time.min, tzinfo=ZoneInfo(zone)) for back in range(weeks - 1, -1, -1)]


def outcome(code: str, row: Stood) -> bool | None:
    return row.self_cured if code == CURE else row.rolled


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of features with `bad` (it came so), split in time: what is held out lies after all that was learned from."""

    fitted: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    parted_on: date


def sample(code: str, entity: LegalEntity, *, until: date) -> Sample:
    """Return what was known of cases on past Mondays, and what came of them."""
    days = cure_days(until) if code == CURE else score_rows.ROLL_DAYS
    asked = moments(until=until, horizon=days, zone=entity.zone)
    rows = score_rows.stood(entity.pk, asked, zone=entity.zone, cure_days=cure_days(until))
    known = [(row, came) for row in rows if (came := outcome(code, row)) is not None]
    seen = sorted({row.as_of for row, _came in known})
    # Between the parts lies the horizon: no outcome of the first reaches into the second.
    cut = seen[-max(1, int(len(seen) * HELD_OUT))] if seen else asked[-1]
    parts: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    values = feature_values.training_set([(row.customer_id, row.as_of) for row, _came in known], names=FEATURES)
    for (row, came), told in zip(known, values, strict=True):
        if row.as_of < cut and row.as_of + timedelta(days=days) > cut:
            continue
        parts[row.as_of >= cut].append(gains.as_row(told, came))
    return Sample(*parts, cut.date())


def train(code: str, entity: LegalEntity, *, until: date, actor: Any, at: datetime, seed: int = 1994) -> ScorecardVersion:
    """Fit a card on this house's own cases and register it as a draft with its figures. Takes seconds.

    :raises TooLittleHistory: if there are too few cases, or too few that went one way
    :raises UnfitData: if nothing known of them tells them apart
    """
    return fitted(code, sample(code, entity, until=until), until=until, actor=actor, at=at, seed=seed)


def fitted(code: str, found: Sample, *, until: date, actor: Any, at: datetime, seed: int = 1994) -> ScorecardVersion:
    """Fit a card on a sample and register it as a draft; refusals as in `train`."""
    for part, share in ((found.fitted, 1), (found.held_out, 4)):
        came = Counter(row["bad"] for row in part)
        if len(part) < LEAST_ROWS // share or min(came[0], came[1]) < LEAST_OF_A_KIND // share:
            raise TooLittleHistory(
                _(
                    "Too little history for a model: %(rows)s cases on past Mondays, %(came)s of them came so. %(least)s and %(kind)s are needed."
                )
                % {"rows": f"{len(part):,}", "came": f"{came[1]:,}", "least": f"{LEAST_ROWS // share:,}", "kind": LEAST_OF_A_KIND // share}
            )
    plan = training.Plan(code, FEATURES, reasons_data(), seed=seed)
    try:
        made = training.train(found.fitted, found.held_out, plan)
    except (training.TrainingFailed, training.ProtectedColumn) as refusal:
        raise registry.UnfitData(str(refusal)) from refusal
    error = gains.expected_calibration_error(made.metrics["holdout"]["deciles"])
    metrics = made.metrics | {"ece": error, "parted_on": found.parted_on.isoformat(), "until": until.isoformat()}
    name_en, name_zh = NAMES[code]
    return registry.add_scorecard_version(
        code=code, name_en=name_en, name_zh=name_zh, content=made.content, metrics=metrics, data_sha256=made.data_sha256, actor=actor, at=at,
        note=f"{len(found.fitted)} cases on Mondays, held out {len(found.held_out)} from {found.parted_on} on",
    )  # fmt: skip


def live(code: str) -> ScorecardVersion | None:
    """Return the version that scores; None while none was approved. One query."""
    return ScorecardVersion.objects.filter(scorecard__code=code, status="live").select_related("scorecard").defer("content").first()


def bucket_rates(code: str, rows: Iterable[Stood]) -> dict[int, Decimal]:
    """Return the share that came so by bucket, each drawn towards that of all; empty where too few are known; pure."""
    tried: Counter[int] = Counter()
    came: Counter[int] = Counter()
    for row in rows:
        result = outcome(code, row)
        if result is not None:
            tried[row.bucket] += 1
            came[row.bucket] += result
    every = sum(tried.values())
    if every < LEAST_OF_A_KIND:
        return {}
    overall = Decimal(sum(came.values())) / every
    return {bucket: ((came[bucket] + DRAWN * overall) / (tried[bucket] + DRAWN)).quantize(PLACES) for bucket in range(1, 8)}


# --- every night ---------------------------------------------------------------------------------------------------
PUT = """
INSERT INTO collections_casescore
    (case_id, cure, cure_by, cure_version_id, roll, roll_by, roll_version_id, reasons, channel, hour, rate, tries, orders, as_of)
VALUES %s ON CONFLICT (case_id) DO UPDATE SET cure = excluded.cure, cure_by = excluded.cure_by, cure_version_id = excluded.cure_version_id,
    roll = excluded.roll, roll_by = excluded.roll_by, roll_version_id = excluded.roll_version_id, reasons = excluded.reasons,
    channel = excluded.channel, hour = excluded.hour, rate = excluded.rate, tries = excluded.tries, orders = excluded.orders,
    as_of = excluded.as_of
"""


@dataclass(frozen=True)
class Night:
    """What is the same for every case of a night."""

    versions: Mapping[str, ScorecardVersion | None]
    rates: Mapping[str, Mapping[int, Decimal]]
    house: Mapping[score_best.Cell, tuple[int, int]]
    opens: int
    closes: int
    orders: bool


def prepared(entity: LegalEntity, *, at: datetime) -> Night:
    """Read models, rates of the buckets and the house's answers; a few statements."""
    on = at.astimezone(ZoneInfo(entity.zone)).date()
    days = cure_days(on)
    past = score_rows.stood(
        entity.pk, moments(until=on, horizon=max(days, score_rows.ROLL_DAYS), zone=entity.zone, weeks=13), zone=entity.zone, cure_days=days
    )
    pack = contact_packs.held(on=on, lender=entity.code).pack
    return Night(
        {code: live(code) for code in NAMES}, {code: bucket_rates(code, past) for code in NAMES},
        score_best.of_house(entity.pk, at=at, zone=entity.zone), pack.opens.hour * 60 + pack.opens.minute,
        pack.closes.hour * 60 + pack.closes.minute, bool(rules.value("collections.queue.learned", on=on)),
    )  # fmt: skip


def score_all(entity: LegalEntity, *, at: datetime, chunk: int = CHUNK) -> int:
    """Score every case in work, some at a time; return how many. Twice is once: the last of a case stays."""
    night, last, done = prepared(entity, at=at), 0, 0
    while rows := list(
        Case.objects.in_work().filter(legal_entity=entity, pk__gt=last).order_by("pk").values_list("pk", "customer_id", "bucket")[:chunk]
    ):
        score_some(rows, night, entity, at=at)
        last, done = rows[-1][0], done + len(rows)
    log.record("collections.cases.scored", entity, actor=users.system(), at=at, cases=done)
    return done


@transaction.atomic
def score_some(rows: Sequence[tuple[int, int, int]], night: Night, entity: LegalEntity, *, at: datetime) -> None:
    """Score these cases (id, customer, bucket); a constant number of statements, whatever their number."""
    customers = [customer for _case, customer, _bucket in rows]
    cards = {code: behaviour.card_of(version) for code, version in night.versions.items() if version is not None}
    names = sorted({name for card in cards.values() for name in card.names})
    values = dict(feature_values.bulk(as_of=at, customer_ids=customers, names=names)) if names else {}
    tried = score_best.of_customers(entity.pk, customers, at=at, zone=entity.zone)
    barred = contacts.bars_of(customers)
    put = []
    for case_id, customer, bucket in rows:
        told: dict[str, tuple[Decimal | None, str, int | None]] = {}
        reasons: dict[str, list[str]] = {}
        for code in NAMES:
            card, version = cards.get(code), night.versions[code]
            if card is not None and version is not None and customer in values:
                found = card.score(values[customer])
                told[code] = (Decimal(found.pd).quantize(PLACES), CaseScore.By.MODEL.value, version.pk)
                reasons[code] = list(found.reasons)
            elif bucket in night.rates[code]:
                told[code] = (night.rates[code][bucket], CaseScore.By.BUCKET.value, None)
            else:
                told[code] = (None, "", None)
        best = score_best.best(
            tried.get(customer, {}), night.house, opens=night.opens, closes=night.closes, barred=barred.get(customer, frozenset())
        )
        way = (best.channel, best.hour, best.rate, best.tries) if best else ("", None, None, 0)
        put.append((case_id, *told[CURE], *told[ROLL], Json(reasons), *way, night.orders and told[ROLL][1] == CaseScore.By.MODEL, at))
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, PUT, put, page_size=1_000)


def ordering(customer_ids: Iterable[int]) -> dict[int, Decimal]:
    """Return how likely each customer's case gets graver, where a model says so and the rule lets it order the queue. One query."""
    rows = CaseScore.objects.filter(case__customer__in=list(customer_ids), case__status__in=ACTIVE, orders=True, roll__isnull=False)
    return {who: roll for who, roll in rows.values_list("case__customer_id", "roll") if roll is not None}
