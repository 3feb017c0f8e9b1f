"""Scoring a whole portfolio at once: features are gathered by the database, copied out, scored as columns, copied in.

A million borrowers are one COPY each way and a few statements, however many there are. The heavy libraries are imported inside the functions.
"""

import io
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm.lib import features
from crm.lib.errors import Invalid
from ledger import log
from risk import behaviour, behaviour_rules, scoring
from risk.models import BehaviourScore, RiskAlert, ScorecardVersion

ASIDE = ("loans_owing", "open_lines")  # who is a borrower


class NotOfFeatures(Invalid):
    """The model reads what is no feature of a customer; the message names it."""

    code = "not_of_features"


@dataclass(frozen=True, slots=True)
class Done:
    """How many were scored, and the seconds of each part."""

    rows: int
    gather: float
    copy_out: float
    score: float
    copy_in: float

    @property
    def seconds(self) -> float:
        return self.gather + self.copy_out + self.score + self.copy_in


# --- columns out of and into the database --------------------------------------------------------------------------
def copied_out(cursor: Any, query: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return a query's columns by name, of shape (rows,): numbers as float64 with NaN for absent, categories as objects.

    :param kinds: "numeric", "category" or "key" (int64) of each column, in the order of the query
    """
    import pandas

    buffer = io.BytesIO()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv)", buffer)
    buffer.seek(0)
    types: Any = {name: {"numeric": "float64", "key": "int64"}.get(kind, object) for name, kind in kinds.items()}
    if not buffer.getbuffer().nbytes:
        return {name: pandas.Series(dtype=kind).to_numpy() for name, kind in types.items()}
    frame = pandas.read_csv(buffer, header=None, names=list(kinds), dtype=types, na_values=[""], keep_default_na=False, true_values=["t"])
    return {name: frame[name].to_numpy() for name in kinds}


def copied_in(cursor: Any, table: str, names: Sequence[str], columns: Sequence[Any]) -> None:
    """Write columns of equal length into a table by one COPY; numbers with as many places as they have, at most six."""
    import pandas

    buffer = io.BytesIO()
    frame = pandas.DataFrame(dict(zip(names, columns, strict=True)))
    frame.to_csv(buffer, header=False, index=False, float_format="%.6f")
    buffer.seek(0)
    cursor.copy_expert(f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT csv)", buffer)


# --- the portfolio -------------------------------------------------------------------------------------------------
ASKED = """
CREATE TEMP TABLE asked ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY c.id)::int AS n, c.id AS customer_id, %(as_of)s::timestamptz AS as_of,
    (%(as_of)s::timestamptz AT TIME ZONE e.zone)::date AS today
FROM customers_customer AS c JOIN governance_legalentity AS e ON e.id = c.legal_entity_id
WHERE c.created_at <= %(as_of)s AND c.erased_at IS NULL
"""
STORED = """
INSERT INTO risk_behaviourscore (customer_id, scorecard_version_id, score, pd, reasons, features, as_of, cause, made_at)
SELECT s.customer_id, %(version)s, s.score, s.pd, '[]', jsonb_strip_nulls(to_jsonb(k)) - '{{n,customer_id}}'::text[], %(as_of)s, 'month', %(at)s
FROM portfolio_score AS s JOIN (SELECT n, customer_id, {kept} FROM portfolio_known) AS k ON k.customer_id = s.customer_id
ON CONFLICT DO NOTHING
"""


def score(version: ScorecardVersion, *, as_of: datetime, at: datetime, actor: Any) -> Done:
    """Score every borrower with any version whose inputs are features, as of a moment; store the scores. Twice is once.

    Of the live behaviour score, warnings and proposals follow.

    :raises NotOfFeatures: if the model reads anything else
    """
    from risk import bulk_scores

    model = scoring.load(ScorecardVersion.objects.only("content").get(pk=version.pk).content)
    known = {feature.name: feature for feature, _source in features.every()}
    if strange := sorted(set(model.names) - set(known)):
        raise NotOfFeatures(f"{version}: {', '.join(strange)}")
    names = list(dict.fromkeys([*model.names, *behaviour.KEPT, *ASIDE]))
    kinds = {"customer_id": "key"} | {name: _kind(known[name].type) for name in names}
    marks = [time.perf_counter()]
    with transaction.atomic(), connection.cursor() as cursor:
        tables = _gather(cursor, names, as_of)
        marks.append(time.perf_counter())
        wanted = ", ".join(f"{name}::int" if known[name].type == "boolean" else name for name in names)
        columns = copied_out(cursor, f"SELECT customer_id, {wanted} FROM portfolio_known", kinds)  # noqa: S608  declared names
        marks.append(time.perf_counter())
        found = bulk_scores.score(model, {name: columns[name] for name in model.names})
        marks.append(time.perf_counter())
        cursor.execute("CREATE TEMP TABLE portfolio_score (customer_id bigint, score int, pd numeric(7, 6)) ON COMMIT DROP")
        copied_in(cursor, "portfolio_score", ("customer_id", "score", "pd"), (columns["customer_id"], found.score, found.pd))
        kept = ", ".join(f"{name}::text" if known[name].type in ("money", "decimal") else name for name in names)
        cursor.execute(STORED.format(kept=kept), {"version": version.pk, "as_of": as_of, "at": at})
        cursor.execute(f"DROP TABLE portfolio_score, {', '.join(tables)}")  # the same transaction may score once more
        marks.append(time.perf_counter())
    rows = len(columns["customer_id"])
    log.record("risk.portfolio.scored", version, actor=actor, at=at, as_of=as_of, borrowers=rows)
    if version.status == "live" and version.scorecard.code == behaviour.CODE:
        _follow(version, as_of=as_of, at=at, actor=actor)
    return Done(rows, *(after - before for before, after in itertools.pairwise(marks)))


def _kind(declared: str) -> str:
    return "category" if declared == "category" else "numeric"


def _gather(cursor: Any, names: Sequence[str], as_of: datetime) -> list[str]:
    """Compute the features of every borrower into a table of this transaction, a statement a source; return the tables it made."""
    cursor.execute(ASKED, {"as_of": as_of})
    cursor.execute("ANALYZE asked")
    joins: list[str] = []
    wanted: dict[str, str] = {}
    for place, source in enumerate(features.sources_of(sorted(names))):
        listed = ", ".join(["n", *(feature.name for feature in source.features)])
        cursor.execute(f"CREATE TEMP TABLE portfolio_{place} ({listed}) ON COMMIT DROP AS {source.sql}")
        joins.append(f"LEFT JOIN portfolio_{place} ON portfolio_{place}.n = asked.n")
        wanted |= {feature.name: f"portfolio_{place}.{feature.name}" for feature in source.features}
    columns = ", ".join(f"{wanted[name]} AS {name}" for name in names)
    owing = " OR ".join(f"coalesce({wanted[name]}, 0) > 0" for name in ASIDE)
    cursor.execute(
        f"CREATE TEMP TABLE portfolio_known ON COMMIT DROP AS SELECT asked.n, asked.customer_id, {columns}"  # noqa: S608  declared names
        f" FROM asked {' '.join(joins)} WHERE {owing}"
    )
    cursor.execute("ANALYZE portfolio_known")
    return ["asked", "portfolio_known", *(f"portfolio_{place}" for place in range(len(joins)))]


def _follow(version: ScorecardVersion, *, as_of: datetime, at: datetime, actor: Any) -> None:
    """Let warnings and proposals follow for those whom they may concern: likely bad, warned of before, or with a line."""
    held = behaviour_rules.holding(as_of.date())
    scores = BehaviourScore.objects.filter(scorecard_version=version, as_of=as_of)
    warned = RiskAlert.objects.standing().filter(kind=RiskAlert.Kind.EARLY_WARNING).values("customer")
    concerned = scores.filter(pd__gte=held.warning.watch) | scores.filter(customer__in=warned) | scores.filter(features__open_lines__gt=0)
    chunk: list[BehaviourScore] = []
    for one in concerned.order_by("pk").iterator(behaviour.CHUNK):
        chunk.append(one)
        if len(chunk) == behaviour.CHUNK:
            behaviour.settle(chunk, at=at, actor=actor)
            chunk = []
    if chunk:
        behaviour.settle(chunk, at=at, actor=actor)
