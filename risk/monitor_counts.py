"""What monitoring counts of decisions: a few statements a version, however many decisions and features there are.

A feature is counted in bins: those its card was trained on, with the counts of the training rows, or tenths of the first months after the
version went live. `None` is the bin of what is missing or cannot be read as a number.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from django.db import connection
from django.utils import timezone

from crm.lib.dates import add_months
from risk.models import ScorecardVersion, StrategyVersion

SCORE = ""  # the name under which the score itself is counted
BINS = 10
MOST_VALUES = 40  # of a category; a fact with more is counted by the most frequent
Version = ScorecardVersion | StrategyVersion
Kind = Literal["numeric", "category"]
NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,12})?$"


@dataclass(slots=True)
class Binned:
    """How one feature is counted, and the counts it is held against."""

    name: str
    kind: Kind
    edges: list[float] = field(default_factory=list)  # numeric: inner edges, an edge belongs to the bin above
    groups: list[list[Any]] = field(default_factory=list)  # category: the values of each bin
    counts: list[int] = field(default_factory=list)  # of the reference, by bin; the last one is what is missing
    points: list[float] = field(default_factory=list)  # of each bin, where a card gives them
    source: str = "first_months"

    @property
    def bins(self) -> int:
        return (len(self.edges) + 1 if self.kind == "numeric" else len(self.groups) + 1) + 1

    def counted(self, found: Mapping[str | None, int]) -> list[int]:
        """Return counts by bin from counts by what the statement gave: bin numbers, or values. Other values have a bin before the missing."""
        counts = [0] * self.bins
        places = {str(value): n for n, values in enumerate(self.groups) for value in values}
        for key, count in found.items():
            if key is None:
                counts[-1] += count
            elif self.kind == "numeric":
                counts[min(int(key), self.bins - 2)] += count
            else:
                counts[places.get(key, self.bins - 2)] += count
        return counts

    def plain(self) -> dict[str, Any]:
        return {"kind": self.kind, "edges": self.edges, "groups": self.groups, "counts": self.counts, "points": self.points,
                "source": self.source}  # fmt: skip

    @classmethod
    def read(cls, name: str, kept: Mapping[str, Any]) -> "Binned":
        return cls(name, **{key: kept[key] for key in ("kind", "edges", "groups", "counts", "points", "source")})


@dataclass(frozen=True, slots=True)
class Span:
    """Moments [since, until)."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, first: date, last: date) -> "Span":
        """Return the span of whole days, both within, in the house's zone."""
        return cls(midnight(first), midnight(last + timedelta(days=1)))


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def column(version: Version) -> str:
    return "scorecard_version_id" if isinstance(version, ScorecardVersion) else "strategy_version_id"


VERSIONS = """
SELECT scorecard_version_id, strategy_version_id, count(*) FROM risk_decision
WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2
"""


def decided(span: Span) -> list[tuple[int | None, int, int]]:
    """Return which versions decided how often: (scorecard version, strategy version, decisions)."""
    with connection.cursor() as cursor:
        cursor.execute(VERSIONS, {"since": span.since, "until": span.until})
        return list(cursor.fetchall())


def first_decided(version: Version, *, before: datetime) -> datetime | None:
    """Return when `version` first decided."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(at) FROM risk_decision WHERE {column(version)} = %s AND at < %s", [version.pk, before])  # noqa: S608  a name of ours
        found: datetime | None = cursor.fetchone()[0]
        return found


def reference_span(first: datetime, *, months: int, until: datetime) -> Span:
    """Return the first `months` calendar months of a version, as far as they have passed."""
    day = timezone.localtime(first).date().replace(day=1)
    return Span(midnight(day), min(until, midnight(add_months(day, months))))


EDGES = """
SELECT name, percentile_disc(%(places)s) WITHIN GROUP (ORDER BY value)
FROM (
    SELECT asked.name, CASE WHEN asked.name = '' THEN d.score::numeric
        WHEN d.facts->>asked.name ~ %(number)s THEN (d.facts->>asked.name)::numeric END AS value
    FROM risk_decision AS d CROSS JOIN unnest(%(names)s::text[]) AS asked(name)
    WHERE d.{column} = %(version)s AND d.at >= %(since)s AND d.at < %(until)s
) AS valued
WHERE value IS NOT NULL GROUP BY name
"""


def tenths(version: Version, names: Sequence[str], span: Span) -> dict[str, list[float]]:
    """Return the inner edges that cut each numeric feature of the span's decisions into tenths, ties undivided; one statement."""
    places = [0.0, *(step / BINS for step in range(1, BINS))]
    values: dict[str, Any] = {
        "places": places,
        "names": list(names),
        "version": version.pk,
        "since": span.since,
        "until": span.until,
        "number": NUMBER,
    }
    with connection.cursor() as cursor:
        cursor.execute(EDGES.format(column=column(version)), values)
        found = dict(cursor.fetchall())
    edges = {}
    for name in names:
        least, *inner = [float(each) for each in found.get(name, [0])]
        edges[name] = sorted({each for each in inner if each > least})
    return edges


COUNTS = """
WITH judged AS (
    SELECT facts, score, at >= %(since)s AND at < %(until)s AS now, at >= %(ref_since)s AND at < %(ref_until)s AS before
    FROM risk_decision
    WHERE {column} = %(version)s AND (at >= %(since)s AND at < %(until)s OR at >= %(ref_since)s AND at < %(ref_until)s)
), asked AS (
    SELECT name, edges FROM jsonb_to_recordset(%(asked)s) AS one(name text, edges numeric[])
)
SELECT asked.name,
    CASE WHEN asked.name = '' THEN width_bucket(judged.score::numeric, asked.edges)::text
        WHEN asked.edges IS NULL THEN left(judged.facts->>asked.name, 80)
        WHEN judged.facts->>asked.name ~ %(number)s THEN width_bucket((judged.facts->>asked.name)::numeric, asked.edges)::text END AS bin,
    count(*) FILTER (WHERE now), count(*) FILTER (WHERE before)
FROM judged CROSS JOIN asked GROUP BY 1, 2
"""
Counts = dict[str, dict[str | None, int]]


def counts(version: Version, features: Iterable[Binned], span: Span, reference: Span) -> tuple[Counts, Counts]:
    """Return, by feature and bin or value, how many decisions of `span` and of `reference` there are; one statement."""
    asked: list[dict[str, Any]] = [{"name": each.name, "edges": each.edges if each.kind == "numeric" else None} for each in features]
    values: dict[str, Any] = {
        "asked": json.dumps(asked), "version": version.pk, "since": span.since, "until": span.until, "ref_since": reference.since,
        "ref_until": reference.until, "number": NUMBER,
    }  # fmt: skip
    now: Counts = {each["name"]: {} for each in asked}
    before: Counts = {each["name"]: {} for each in asked}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS.format(column=column(version)), values)
        for name, key, in_span, in_reference in cursor.fetchall():
            now[name][key] = in_span
            before[name][key] = in_reference
    return now, before


OUTCOMES = """
SELECT count(*) FILTER (WHERE now), count(*) FILTER (WHERE now AND outcome = 'approve'), count(*) FILTER (WHERE now AND outcome = 'refer'),
    count(*) FILTER (WHERE now AND outcome = 'decline'),
    count(*) FILTER (WHERE before), count(*) FILTER (WHERE before AND outcome = 'approve'),
    percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_us) FILTER (WHERE now),
    percentile_disc(0.99) WITHIN GROUP (ORDER BY duration_us) FILTER (WHERE now)
FROM (
    SELECT outcome, duration_us, at >= %(since)s AND at < %(until)s AS now, at >= %(ref_since)s AND at < %(ref_until)s AS before
    FROM risk_decision
    WHERE strategy_version_id = %(version)s AND (at >= %(since)s AND at < %(until)s OR at >= %(ref_since)s AND at < %(ref_until)s)
) AS judged
"""


def verdicts(version: StrategyVersion, span: Span, reference: Span) -> dict[str, int]:
    """Return how the decisions of a span went, how many of the reference were approved, and how long they took; one statement."""
    values: dict[str, Any] = {
        "version": version.pk,
        "since": span.since,
        "until": span.until,
        "ref_since": reference.since,
        "ref_until": reference.until,
    }
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES, values)
        names = ("n", "approve", "refer", "decline", "reference_n", "reference_approve", "p50_us", "p99_us")
        return {name: int(value or 0) for name, value in zip(names, cursor.fetchone(), strict=True)}


SCORED = """
SELECT DISTINCT ON (subject) subject, score, pd, at, grade, outcome FROM risk_decision
WHERE {column} = %(version)s AND at >= %(since)s AND at < %(until)s AND subject <> '' {more}
ORDER BY subject, id DESC LIMIT %(most)s
"""
MOST_SUBJECTS = 200_000  # of one cohort; what is measured of as many does not change with more


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject with the last word of a version on it."""

    subject: str
    score: int | None
    pd: Any
    at: datetime
    grade: str
    outcome: str


def judged(version: Version, span: Span, *, referred: bool = False) -> list[Judged]:
    """Return the subjects a version judged in a span, each once with its last decision; one statement.

    Of a scorecard those with a score; `referred`: only those the engine left to a person.
    """
    more = "AND score IS NOT NULL" if isinstance(version, ScorecardVersion) else ""
    if referred:
        more += " AND outcome = 'refer'"
    values: dict[str, Any] = {"version": version.pk, "since": span.since, "until": span.until, "most": MOST_SUBJECTS}
    with connection.cursor() as cursor:
        cursor.execute(SCORED.format(column=column(version), more=more), values)
        return [Judged(*row) for row in cursor.fetchall()]
