"""Doors of the catalogue's figures: how features are spread today and were at past month-ends, how well they tell good from bad."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from crm.lib import features
from crm.lib.errors import DomainError
from customers.models import Customer
from governance import jobs, users
from governance.models import Job, User
from risk import feature_bins, feature_values, outcome_source
from risk.models import FeatureStat

KIND = "risk.features"
TITLE = gettext_noop("Figures of the feature catalogue")
LONGEST = timedelta(hours=2)  # one that stood longer died with its worker
SAMPLE = 50_000  # customers looked at; of more, every n-th
DECIDED = 20_000  # latest decisions whose outcome is asked
MONTHS = 6  # past month-ends shown as a trend
ENOUGH = 25  # good and bad each, below which no information value is told
# What counts as bad, the house's definition first; a young book is measured by the next. Months, days past due.
DEFINITIONS = ((outcome_source.HORIZON_MONTHS, outcome_source.BAD_DPD), (6, 60), (3, 30))

# Whose decision it was stands in the ledger: risk itself keeps no names.
SUBJECTS = """
SELECT d.subject, e.customer_id, d.at
FROM (SELECT id, subject, at FROM risk_decision ORDER BY id DESC LIMIT %s) AS d
    JOIN ledger_entry AS e ON e.subject_type = 'risk.decision' AND e.subject_id = d.id AND e.event = 'risk.decision.made'
WHERE e.customer_id IS NOT NULL
ORDER BY d.id
"""


class FiguresRun(DomainError):
    """One run at a time: it reads every customer."""

    code = "figures_run"


def running(*, at: datetime) -> Job | None:
    """Return the run that is under way."""
    rows: QuerySet[Job] = Job.objects.filter(kind=KIND, status__in=[Job.Status.WAITING, Job.Status.RUNNING], updated_at__gt=at - LONGEST)
    return rows.order_by("-pk").first()


@transaction.atomic
def order(*, actor: User | None, at: datetime) -> Job:
    """Order the figures anew; a worker makes them after commit.

    :raises FiguresRun: if a run is under way
    """
    User.objects.select_for_update(no_key=True).get(username=users.SYSTEM)  # of two who order at once, one gets through
    if running(at=at) is not None:
        raise FiguresRun(_("The figures are being made: they stand here in a moment."))
    return jobs.start(kind=KIND, title=TITLE, actor=actor, at=at)


def run(job_id: int, *, at: datetime, clock: Callable[[], datetime]) -> None:
    """Make the figures that were ordered, and those of past month-ends that are not on file; nothing when another worker has them."""
    job = jobs.claim(job_id, at=at)
    if job is None:
        return
    ended = False
    try:
        moments = [*missing_months(localdate(at)), at]
        jobs.progress(job, at=clock(), total=len(moments))
        for moment in moments:
            measure(as_of=moment, judged=moment == at, at=clock())
            jobs.progress(job, at=clock(), done=1)
        ended = True
    finally:
        if not ended:
            jobs.fail(job, str(_("The run ended by an error; the log of the process names it.")), at=clock())
    jobs.finish(job, at=clock(), features=len(features.names()))


def missing_months(today: date) -> list[datetime]:
    """Return the ends of the past months of which there are no figures, the earliest first: nothing before the first file."""
    first = Customer.objects.order_by("created_at").values_list("created_at", flat=True).first()
    known = set(FeatureStat.objects.values_list("measured_on", flat=True).distinct())
    found, day = [], today.replace(day=1) - timedelta(days=1)
    for _month in range(MONTHS):
        if first is not None and day >= localdate(first) and day not in known:
            found.append(datetime.combine(day, time(23, 59), tzinfo=ZoneInfo(settings.TIME_ZONE)))
        day = day.replace(day=1) - timedelta(days=1)
    return found[::-1]


@transaction.atomic
def measure(*, as_of: datetime, judged: bool, at: datetime) -> None:
    """Write the figures of every feature as of a moment in the place of those of that day; `judged`: with their information value."""
    spread = _columns(values for _customer, values in feature_values.bulk(as_of=as_of, customer_ids=_sample(as_of)))
    known, bad, outcome = _outcomes(as_of) if judged else ({}, [], {})
    rows = []
    for feature, _source in features.every():
        values = spread.get(feature.name, [])
        edges = feature_bins.cut(values, feature.type)
        counted = feature_bins.count(values, edges, feature.type)
        bins = _bins(edges, feature.type)
        for where, each in enumerate(bins):
            each["n"] = counted[where]
        iv = None
        if bad:
            held = [feature_bins.place(value, edges, feature.type) for value in known[feature.name]]
            ends = [len(bins), *range(len(bins))]  # the first is the missing one, -1 being the last of a list
            goods, bads = [0] * len(ends), [0] * len(ends)
            for where, is_bad in zip(held, bad, strict=True):
                (bads if is_bad else goods)[where + 1] += 1
            weights, iv = feature_bins.evidence(goods, bads)
            for where, each in enumerate(bins, start=1):
                each |= {"good": goods[where], "bad": bads[where], "woe": str(weights[where])}
            outcome = outcome | {"missing": {"good": goods[0], "bad": bads[0], "woe": str(weights[0])}}
        rows.append(
            FeatureStat(
                name=feature.name, measured_on=localdate(as_of), computed_at=at, people=len(values), missing=counted[-1], bins=bins, iv=iv,
                outcome=outcome,
            )
        )  # fmt: skip
    fields = ["computed_at", "people", "missing", "bins", "iv", "outcome"]
    FeatureStat.objects.bulk_create(rows, update_conflicts=True, unique_fields=["name", "measured_on"], update_fields=fields)


def _sample(as_of: datetime) -> list[int] | None:
    """Return the customers to look at; None for all of them."""
    rows = Customer.objects.filter(created_at__lte=as_of, erased_at__isnull=True)
    every = rows.count() // SAMPLE
    return list(rows.order_by("pk").values_list("pk", flat=True))[:: every + 1] if every else None


def _columns(rows: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in features.names()}
    for values in rows:
        for name, value in values.items():
            columns[name].append(value)
    return columns


def _outcomes(as_of: datetime) -> tuple[dict[str, list[Any]], list[bool], dict[str, Any]]:
    """Return each feature's values as of the decisions whose outcome is known, whether these went bad, and what counted as that.

    By the house's own definition of bad; while too few loans are old enough for it, by an earlier one, which the page names.
    """
    about = _subjects()
    outcome: dict[str, Any] = {}
    for months, dpd in DEFINITIONS:
        found = outcome_source.outcomes(about, as_of=localdate(as_of), horizon_months=months, bad_dpd=dpd)
        counted = {subject: one.bad for subject, one in found.items() if one.counts}
        bads = sum(counted.values())
        outcome = {"months": months, "dpd": dpd, "good": len(counted) - bads, "bad_count": bads}
        if min(bads, len(counted) - bads) >= ENOUGH:
            return _columns(feature_values.training_set(about[subject] for subject in counted)), list(counted.values()), outcome
    return {}, [], outcome


def _subjects() -> dict[str, tuple[int, datetime]]:
    """Return what was judged lately: whom it was about, and when."""
    with connection.cursor() as cursor:
        cursor.execute(SUBJECTS, [DECIDED])
        return {subject: (customer, moment) for subject, customer, moment in cursor.fetchall()}


def _bins(edges: list[Any], kind: str) -> list[dict[str, Any]]:
    if kind in ("category", "boolean"):
        return [{"value": str(edge)} for edge in edges] + ([{"rest": True}] if kind == "category" else [])
    ends = [None, *(str(edge) for edge in edges), None]
    return [{"low": low, "high": high} for low, high in pairwise(ends)]


def latest() -> dict[str, FeatureStat]:
    """Return the newest figures of each feature, in one query."""
    return {row.name: row for row in FeatureStat.objects.order_by("name", "-measured_on").distinct("name")}
