"""Monitoring: each day the figures of every version that decides, of its month up to that day; what leaves its bounds opens an alert.

A run for a day reads nothing of what came after it, so that it can be made again later and says the same. The reference of a version is
fixed by its first runs: the bins and counts of the training rows where its card carries them, else its first months in service.
"""

import itertools
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from crm.lib.dates import add_months
from risk import alerts, monitor_rules, outcome_source, stability
from risk.alerts import Finding
from risk.models import MonitorRun, RiskAlert, ScorecardVersion, StrategyVersion
from risk.monitor_counts import (
    SCORE,
    Binned,
    Judged,
    Span,
    Version,
    counts,
    decided,
    first_decided,
    judged,
    reference_span,
    tenths,
    verdicts,
)
from risk.monitor_rules import Held, Performance

Kind = RiskAlert.Kind
BANDS = 5
COHORT_MONTHS = 12  # months of decisions, all past their horizon, that measures are taken of
NUMERIC = ("money", "integer", "decimal")
TERMS = ("product_", "term_m", "rate_")  # facts of the product, not of who applies


def run(*, on: date, at: datetime, actor: Any) -> list[MonitorRun]:
    """Write the figures as of the end of `on` for every version that decided in its month; open, renew and pass alerts.

    Made again for a day, its rows are written anew. Alerts follow only the latest day there is. The number of statements grows with the
    versions that decide, not with decisions, features or runs before.

    :raises NoRule: if the bounds are not known for the day
    """
    held = monitor_rules.holding(on)
    month = Span.of(on.replace(day=1), on)
    found = decided(month)
    cards = ScorecardVersion.objects.select_related("scorecard").in_bulk({card for card, _strategy, _n in found if card})
    strategies = StrategyVersion.objects.select_related("strategy").in_bulk({strategy for _card, strategy, _n in found})
    made = []
    versions: list[Version] = [*cards.values(), *strategies.values()]
    for version in versions:
        made.append(_run_of(version, on=on, month=month, held=held, at=at, actor=actor))
    return made


def _run_of(version: Version, *, on: date, month: Span, held: Held, at: datetime, actor: Any) -> MonitorRun:
    began = time.perf_counter()
    key: dict[str, Any] = {_field(version): version}
    before = MonitorRun.objects.filter(**key, on__lt=on).order_by("-on").only("figures", "on").first()
    features, reference, complete = _reference(version, before, month=month, months=held.reference_months)
    figures = shifts(version, features, month, reference)
    figures["reference"]["complete"] = complete
    if isinstance(version, ScorecardVersion):
        figures |= {"full": performance(version, held.full, on=on), "early": performance(version, held.early, on=on)}
        figures["approved_auc"] = approved_auc(version.metrics)
        findings = of_card(figures, held)
    else:
        figures |= {"verdicts": verdicts(version, month, reference), "people": people(version, on=on)}
        findings = of_strategy(figures, held)
    with transaction.atomic():
        made, _new = MonitorRun.objects.update_or_create(
            **key, on=on,
            defaults={
                "month": on.replace(day=1), "decisions": figures["n"], "figures": figures, "made_at": at,
                "took_ms": int((time.perf_counter() - began) * 1000),
            },
        )  # fmt: skip
        if not MonitorRun.objects.filter(**key, on__gt=on).exists():
            alerts.settle(version, findings, on=on, at=at, actor=actor)
    return made


def _field(version: Version) -> str:
    return "scorecard_version" if isinstance(version, ScorecardVersion) else "strategy_version"


# --- the reference -------------------------------------------------------------------------------------------------
def _reference(version: Version, before: MonitorRun | None, *, month: Span, months: int) -> tuple[list[Binned], Span, bool]:
    """Return how each feature is counted, the span of first months, and whether these are over: then later runs keep to them."""
    if before is not None and before.figures["reference"]["complete"]:
        kept = before.figures["reference"]
        span = Span(datetime.fromisoformat(kept["since"]), datetime.fromisoformat(kept["until"]))
        return [Binned.read(name, each) for name, each in kept["features"].items()], span, True
    first = first_decided(version, before=month.until) or month.since
    span = reference_span(first, months=months, until=month.until)
    features = binned(version)
    free = [each.name for each in features if each.kind == "numeric" and each.source != "training"]
    edges = tenths(version, free, span)
    for each in features:
        if each.name in edges:
            each.edges = edges[each.name]
    return features, span, span.until < month.until


def binned(version: Version) -> list[Binned]:
    """Return the features of a version with the bins they are counted in: a card's own with its training counts, else to be found."""
    if isinstance(version, StrategyVersion):
        return [
            Binned(fact["name"], "numeric" if fact["type"] in NUMERIC else "category", groups=[[each] for each in fact.get("values", [])])
            for fact in version.input_schema.get("facts", [])
            if not fact.get("protected") and not fact["name"].startswith(TERMS)
        ]
    found = [Binned(SCORE, "numeric")]
    for spec in version.content.get("features", []):
        if not isinstance(spec, Mapping):
            found.append(Binned(str(spec), "numeric"))
        elif "bins" in spec:
            found.append(_of_card(spec))
        else:
            found.append(Binned(str(spec["name"]), "category" if spec.get("kind") == "category" else "numeric"))
    return found


def _of_card(spec: Mapping[str, Any]) -> Binned:
    """Return a card's feature: its bins, with the rows of the training data in each."""
    special, other, missing = spec.get("special") or {}, spec.get("unseen") or {}, spec["missing"]
    rows = [*spec["bins"]]
    made = Binned(spec["name"], spec["kind"])
    if spec["kind"] == "numeric":
        made.edges = [float(each["high"]) for each in rows[:-1]]
        tail = [missing]
    else:
        made.groups = [list(each["values"]) for each in rows]
        if special.get("values"):
            made.groups.append(list(special["values"]))
            rows.append(special)
        tail = [other, missing]
    every = [*rows, *tail]
    made.counts = [int(each.get("count", 0)) for each in every]
    made.points = [float(each.get("points", 0)) for each in every]
    if sum(made.counts):
        made.source = "training"
    return made


# --- figures -------------------------------------------------------------------------------------------------------
def shifts(version: Version, features: list[Binned], month: Span, reference: Span) -> dict[str, Any]:
    """Return how the month's score and features lie against the reference. One statement."""
    now, before = counts(version, features, month, reference)
    kept, told = {}, {}
    n = sum(next(iter(now.values()), {}).values())
    for each in features:
        if each.source != "training" and each.kind == "category" and not each.groups:
            each.groups = [[value] for value in _most_frequent(before[each.name])]
        if each.source != "training":
            each.counts = each.counted(before[each.name])
        actual = each.counted(now[each.name])
        kept[each.name] = each.plain()
        told[each.name] = {
            "psi": stability.rounded(stability.psi(each.counts, actual)), "noise": stability.rounded(stability.psi_noise(each.counts, actual)),
            "counts": actual, "missing": stability.rounded(actual[-1] / n if n else None),
            "missing_before": stability.rounded(each.counts[-1] / sum(each.counts) if sum(each.counts) else None),
            "moved": stability.rounded(stability.characteristic(each.counts, actual, each.points), 2) if any(each.points) else None,
        }  # fmt: skip
    span = {"since": reference.since.isoformat(), "until": reference.until.isoformat()}
    return {"n": n, "features": told, "reference": {**span, "features": kept}}


def _most_frequent(found: Mapping[str | None, int]) -> list[str]:
    values = [(count, value) for value, count in found.items() if value is not None and count]
    return [value for _count, value in sorted(values, reverse=True)[:40]]


def performance(version: ScorecardVersion, of: Performance, *, on: date) -> dict[str, Any]:
    """Return how the score ranked those whose time is up: AUC and KS with intervals, bad by band and month, expected against observed.

    Looked at are the loans of the version's decisions whose money went out long enough ago; the rest proves nothing yet.
    """
    last = add_months(on, -of.months)
    rows = judged(version, Span.of(add_months(last, -COHORT_MONTHS), last))
    found = outcome_source.outcomes((row.subject for row in rows), as_of=on, horizon_months=of.months, bad_dpd=of.dpd)
    pairs = [(row, found[row.subject].bad) for row in rows if row.subject in found and found[row.subject].counts]
    risks = {flag: [-float(row.score or 0) for row, bad in pairs if bad is flag] for flag in (True, False)}
    bad = len(risks[True])
    edges = stability.edges_of(sorted(float(row.score or 0) for row, _bad in pairs), BANDS)
    labels = band_labels(edges)
    bands = stability.calibration(
        ((stability.place(edges, float(row.score or 0)), float(row.pd or 0), is_bad) for row, is_bad in pairs), labels if pairs else []
    )
    return {
        "months": of.months, "dpd": of.dpd, "n": len(pairs), "bad": bad,
        "auc": stability.auc(risks[True], risks[False]).plain(), "ks": stability.ks(risks[True], risks[False]).plain(),
        "bands": [band.plain() for band in bands], "ratio": stability.observed_to_expected(bands).plain(),
        "vintage": _vintage(pairs, edges, labels),
    }  # fmt: skip


def band_labels(edges: list[float]) -> list[str]:
    """Return what bands of scores are called: "under 540", "540-559" …, by whole points."""
    if not edges:
        return ["all"]
    inner = [f"{low:.0f}-{high - 1:.0f}" for low, high in itertools.pairwise(edges)]
    return [f"<{edges[0]:.0f}", *inner, f"{edges[-1]:.0f}+"]


def _vintage(pairs: list[tuple[Judged, bool]], edges: list[float], labels: list[str]) -> dict[str, Any]:
    """Return, by month of decision and band of score, how many were lent to and how many of them went bad."""
    months: dict[str, list[list[int]]] = {}
    for row, bad in pairs:
        cells = months.setdefault(f"{row.at:%Y-%m}", [[0, 0] for _ in labels])
        cell = cells[stability.place(edges, float(row.score or 0))]
        cell[0] += 1
        cell[1] += bad
    return {"bands": labels, "months": dict(sorted(months.items()))}


def people(version: StrategyVersion, *, on: date) -> dict[str, int]:
    """Return what people decided of the cases the engine left to them in the last three months."""
    rows = judged(version, Span.of(add_months(on, -3) + timedelta(days=1), on), referred=True)
    found = outcome_source.finals((row.subject for row in rows), as_of=on)
    by_people = [final for final in found.values() if final.by is not None]
    return {"referred": len(rows), "decided": len(by_people), "approved": sum(final.approved for final in by_people)}


def approved_auc(metrics: Mapping[str, Any]) -> float | None:
    """Return the AUC a version was judged by: of its hold-out rows, or the mean of its folds."""
    for name in ("holdout", "validation", "cv"):
        part = metrics.get(name)
        if isinstance(part, Mapping) and part.get("auc") is not None:
            value = part["auc"]
            return stability.rounded(float(value["mean"] if isinstance(value, Mapping) else value))
    value = metrics.get("auc")
    value = value.get("mean", value.get("value")) if isinstance(value, Mapping) else value
    return None if value is None else stability.rounded(float(value))


# --- what leaves its bounds ----------------------------------------------------------------------------------------
def of_features(figures: Mapping[str, Any], held: Held) -> list[Finding]:
    """Return shifts and gaps beyond the bounds. What chance alone would move as far is none."""
    found: list[Finding] = []
    if figures["n"] < held.least_rows:
        return found
    for name, one in figures["features"].items():
        level = held.psi.level(one["psi"])
        if level and one["psi"] > one["noise"]:
            kind = Kind.SCORE_SHIFT if name == SCORE else Kind.FEATURE_SHIFT
            found.append(Finding(kind, level, one["psi"], getattr(held.psi, level), feature=name))
        more = (one["missing"] or 0) - (one["missing_before"] or 0)
        if (level := held.missing.level(more)) and name != SCORE:
            found.append(Finding(Kind.MISSING, level, one["missing"], getattr(held.missing, level), feature=name))
    return found


def of_card(figures: Mapping[str, Any], held: Held) -> list[Finding]:
    """Return what of a scorecard left its bounds. Ranking and calibration count where even the kind end of the interval lies outside."""
    found, full = of_features(figures, held), figures["full"]
    approved, high = figures["approved_auc"], full["auc"]["high"]
    if full["n"] < held.least_rows or full["bad"] < held.least_bad:
        return found
    if approved is not None and high is not None and (level := held.ranking.level(approved - high)):
        found.append(Finding(Kind.RANKING, level, full["auc"]["value"], stability.rounded(approved - float(getattr(held.ranking, level)))))
    low = full["ratio"]["low"]
    if low is not None and low > 1 and (level := held.calibration.level(full["ratio"]["value"])):
        found.append(Finding(Kind.CALIBRATION, level, full["ratio"]["value"], getattr(held.calibration, level)))
    return found


def of_strategy(figures: Mapping[str, Any], held: Held) -> list[Finding]:
    """Return what of a strategy left its bounds."""
    found, told, asked = of_features(figures, held), figures["verdicts"], figures["people"]
    if min(told["n"], told["reference_n"]) >= held.least_rows:
        was, now = told["reference_approve"] / told["reference_n"], stability.share(told["approve"], told["n"])
        assert now.value is not None and now.low is not None and now.high is not None
        if (level := held.approval.level(abs(now.value - was))) and not now.low <= was <= now.high:
            found.append(Finding(Kind.APPROVAL, level, now.value, stability.rounded(was)))
    if asked["decided"] >= held.least_rows and (level := held.overrides.level(asked["approved"] / asked["decided"])):
        found.append(Finding(Kind.OVERRIDES, level, asked["approved"] / asked["decided"], getattr(held.overrides, level)))
    if told["n"] >= held.least_rows and (level := held.latency.level(told["p99_us"] / 1000)):
        found.append(Finding(Kind.LATENCY, level, told["p99_us"] / 1000, getattr(held.latency, level)))
    return found
