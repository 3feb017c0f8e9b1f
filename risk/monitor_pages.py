"""What the pages of monitoring show: the grid of versions and months, lines over months, one version in full."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.lib.dates import add_months
from risk import display
from risk.models import MonitorRun, RiskAlert, Scorecard, ScorecardVersion, Strategy, StrategyVersion
from risk.monitor_counts import SCORE
from risk.monitor_rules import Held

MONTHS = 12
LINES = 5  # features drawn: the most moved; the table has all
TONES = {"": "good", "watch": "caution", "act": "bad"}
Version = ScorecardVersion | StrategyVersion


@dataclass
class Cell:
    """A month of a version: the worst that stands in it."""

    month: date
    run: MonitorRun | None = None
    tone: str = "neutral"
    text: str = ""
    title: str = ""


@dataclass
class Line:
    """A version with its months, the earliest first."""

    version: Version
    name: str
    url: str
    is_card: bool
    cells: list[Cell] = field(default_factory=list)

    @property
    def last(self) -> MonitorRun | None:
        return next((cell.run for cell in reversed(self.cells) if cell.run), None)


def months_until(last: date) -> list[date]:
    """Return the first days of the last `MONTHS` months, the earliest first."""
    return [add_months(last.replace(day=1), back) for back in range(1 - MONTHS, 1)]


def runs(*, until: date, **of: Any) -> list[MonitorRun]:
    """Return the last run of each version and month that is looked at, by month; one statement, without what versions say."""
    heavy = [f"scorecard_version__{name}" for name in ("content", "metrics")]
    heavy += [f"strategy_version__{name}" for name in ("graph", "input_schema", "reasons")]
    rows = (
        MonitorRun.objects.filter(month__in=months_until(until), on__lte=until, **of)
        .order_by("scorecard_version", "strategy_version", "month", "-on")
        .distinct("scorecard_version", "strategy_version", "month")
        .select_related("scorecard_version__scorecard", "strategy_version__strategy")
        .defer(*heavy)
    )
    return list(rows)


def grid(found: Iterable[MonitorRun], *, until: date, held: Held) -> list[Line]:
    """Return a line a version: scorecards first, then strategies, those that decided last on top."""
    months, lines = months_until(until), {}
    for run in found:
        version: Any = run.scorecard_version or run.strategy_version
        key = (type(version).__name__, version.pk)
        if key not in lines:
            lines[key] = Line(
                version, name_of(version), url_of(version), isinstance(version, ScorecardVersion), [Cell(month) for month in months]
            )
        cell = lines[key].cells[months.index(run.month)]
        cell.run = run
        cell.tone, cell.text, cell.title = _worst(run, held)
    return sorted(lines.values(), key=lambda line: (not line.is_card, -(line.last.on.toordinal() if line.last else 0), -line.version.pk))


def _worst(run: MonitorRun, held: Held) -> tuple[str, str, str]:
    """Return tone, index and name of the feature that moved most, of those beyond what chance moves; else of all."""
    features = run.figures["features"]
    known = [(one["psi"], name) for name, one in features.items() if one["psi"] is not None]
    if not known or run.decisions < held.least_rows:
        return "neutral", _("few"), _("%(n)s decisions: too few to judge") % {"n": run.decisions}
    beyond = [(value, name) for value, name in known if value > features[name]["noise"]]
    value, name = max(beyond or known)
    tone = TONES[held.psi.level(value)] if beyond else "good"
    return tone, f"{value:.2f}", _("%(feature)s: index %(value)s, %(n)s decisions") % {
        "feature": feature_label(name), "value": f"{value:.3f}", "n": run.decisions,
    }  # fmt: skip


def feature_label(name: str) -> str:
    return _("Score") if name == SCORE else display.label(name, get_language() or "en")


def name_of(version: Version) -> str:
    parent: Scorecard | Strategy = version.scorecard if isinstance(version, ScorecardVersion) else version.strategy
    return f"{parent.name} v{version.number}"


def url_of(version: Version) -> str:
    if isinstance(version, ScorecardVersion):
        return f"{reverse('monitoring-model', args=[version.scorecard.public_id])}?version={version.number}"
    return f"{reverse('monitoring-strategy', args=[version.strategy.public_id])}?version={version.number}"


# --- lines over months ---------------------------------------------------------------------------------------------
def chart(
    kind: str, title: str, caption: str, labels: Sequence[str], unit: str, series: Sequence[tuple[str, str, str, Sequence[Any]]],
    marks: Sequence[tuple[Any, str, str]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return figures in the form the chart part draws. Series: (key, name, role, values); marks on the upright axis: (value, label, tone)."""
    drawn = [one for one in series if any(value is not None for value in one[3])]
    return {
        "v": 1, "kind": kind, "title": title, "caption": caption, "complete": True, "note": _("Nothing to draw yet."), "events": [],
        "x": {"label": "", "type": "category", "values": list(labels)}, "y": {"label": "", "unit": unit},
        "series": [{"key": key, "name": name, "role": role, "values": list(values)} for key, name, role, values in drawn],
        "marks": [{"axis": "y", "value": float(value), "label": label, "tone": tone} for value, label, tone in marks],
    }  # fmt: skip


def labels(months: Iterable[date]) -> list[str]:
    return [f"{month:%Y-%m}" for month in months]


def shift_lines(line: Line, held: Held) -> dict[str, Any]:
    """Return the index of the score and of the features that moved most, by month, with the two bounds marked."""
    last = line.last
    features = last.figures["features"] if last else {}
    moved = sorted(((one["psi"] or 0, name) for name, one in features.items() if name != SCORE), reverse=True)[:LINES]
    names = ([SCORE] if SCORE in features else []) + [name for _value, name in moved]
    series = [(name or "score", feature_label(name), "main", [_of(cell, "features", name, "psi") for cell in line.cells]) for name in names]
    over = [feature_label(name) for value, name in moved if held.psi.level(value) and value > features[name]["noise"]]
    if last and last.decisions < held.least_rows:  # the grid says "few" of such a month: the plot may not say more
        title = _("Too few decisions to judge: %(n)s of %(least)s") % {"n": last.decisions, "least": held.least_rows}
    elif over:
        title = _("%(features)s moved beyond the bounds") % {"features": ", ".join(over[:3])}
    else:
        title = _("No feature moved beyond the bounds")
    bounds = [(held.psi.watch, _("watch"), "caution"), (held.psi.act, _("act"), "bad")]
    caption = _("population stability index against the reference, by month: %(version)s") % {"version": line.name}
    return chart("line", title, caption, labels(cell.month for cell in line.cells), "ratio", series[:6], bounds)


def _of(cell: Cell, *path: str) -> Any:
    found: Any = cell.run.figures if cell.run else None
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def ranking_lines(line: Line) -> dict[str, Any]:
    """Return AUC and KS of those whose time was up, by month of looking."""
    last = line.last
    value = last.figures["early"]["auc"]["value"] if last else None
    title = (
        _("By early signs the score ranks %(auc)s of pairs rightly") % {"auc": f"{value * 100:.1f}%"}
        if value is not None
        else _("Nobody's time is up yet: ranking is not known")
    )
    series = [
        ("early_auc", _("AUC, early signs"), "main", [_of(cell, "early", "auc", "value") for cell in line.cells]),
        ("early_ks", _("KS, early signs"), "main", [_of(cell, "early", "ks", "value") for cell in line.cells]),
        ("full_auc", _("AUC, full time"), "main", [_of(cell, "full", "auc", "value") for cell in line.cells]),
        ("full_ks", _("KS, full time"), "main", [_of(cell, "full", "ks", "value") for cell in line.cells]),
        ("approved", _("AUC when approved"), "compare", [_of(cell, "approved_auc") if cell.run else None for cell in line.cells]),
    ]
    caption = _("of loans watched long enough by the end of each month: %(version)s") % {"version": line.name}
    return chart("line", title, caption, labels(cell.month for cell in line.cells), "percent", series)


def verdict_lines(line: Line) -> dict[str, Any]:
    """Return how a strategy's decisions went by month, and the share of referrals that people approved."""
    series = [
        (key, label, "main", [_share(_of(cell, "verdicts", key), _of(cell, "verdicts", "n")) for cell in line.cells])
        for key, label in (("approve", _("Approved")), ("refer", _("Referred")), ("decline", _("Declined")))
    ]
    people = [_share(_of(cell, "people", "approved"), _of(cell, "people", "decided")) for cell in line.cells]
    series.append(("people", _("Referrals people approved"), "compare", people))
    last = line.last
    now = _share(last.figures["verdicts"]["approve"], last.figures["verdicts"]["n"]) if last else None
    title = _("%(share)s are approved by the engine") % {"share": f"{now * 100:.1f}%"} if now is not None else _("No decision yet")
    caption = _("share of the decisions of each month: %(version)s") % {"version": line.name}
    return chart("line", title, caption, labels(cell.month for cell in line.cells), "percent", series)


def latency_lines(line: Line) -> dict[str, Any]:
    """Return how long a decision takes, without the database, by month."""
    series = [
        (key, name, "main", [None if (us := _of(cell, "verdicts", key)) is None else us / 1000 for cell in line.cells])
        for key, name in (("p50_us", _("half of them within")), ("p99_us", _("99 of 100 within")))
    ]
    last = line.last
    title = (
        _("99 of 100 decisions take %(ms)s ms at most") % {"ms": f"{last.figures['verdicts']['p99_us'] / 1000:.1f}"}
        if last
        else _("No decision yet")
    )
    caption = _("milliseconds of checking, scoring and rules: %(version)s") % {"version": line.name}
    return chart("line", title, caption, labels(cell.month for cell in line.cells), "ratio", series)


def _share(part: Any, whole: Any) -> float | None:
    return None if part is None or not whole else part / whole


# --- one version ---------------------------------------------------------------------------------------------------
def feature_rows(run: MonitorRun, held: Held) -> list[dict[str, Any]]:
    """Return a row a feature, the most moved first."""
    kept, rows = run.figures["reference"]["features"], []
    for name, one in run.figures["features"].items():
        beyond = one["psi"] is not None and one["psi"] > one["noise"]
        rows.append({
            "name": name, "label": feature_label(name), **one, "tone": TONES[held.psi.level(one["psi"])] if beyond else "good",
            "beyond": beyond, "training": kept[name]["source"] == "training",
            "more_missing": bool(held.missing.level((one["missing"] or 0) - (one["missing_before"] or 0))),
        })  # fmt: skip
    return sorted(rows, key=lambda row: -(row["psi"] or 0))


def score_bars(run: MonitorRun) -> dict[str, Any] | None:
    """Return the shares of scores by tenth of the reference, then and now."""
    one, kept = run.figures["features"].get(SCORE), run.figures["reference"]["features"].get(SCORE)
    if not one or not kept or not sum(kept["counts"]):
        return None
    edges = kept["edges"]
    names = [f"<{edges[0]:.0f}", *(f"{edge:.0f}+" for edge in edges)] if edges else [_("all")]
    before, now = ([_share(count, sum(counts)) for count in counts[:-1]] for counts in (kept["counts"], one["counts"]))
    title = _("Scores against the reference: index %(psi)s") % {"psi": "–" if one["psi"] is None else f"{one['psi']:.3f}"}
    caption = _("share of decisions by band of score, %(month)s") % {"month": f"{run.month:%Y-%m}"}
    series = [("before", _("Reference"), "main", before), ("now", _("This month"), "main", now)]
    return chart("bar", title, caption, names, "percent", series)


def calibration_bars(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return predicted and observed bad by band of score."""
    bands = told["bands"]
    if not bands:
        return None
    off = [band["label"] for band in bands if band["drifted"]]
    title = (
        _("Outside what was predicted: %(bands)s") % {"bands": ", ".join(off)}
        if off
        else _("What was predicted lies within what was observed")
    )
    caption = _("share bad by band of score: %(dpd)s or more days past due within %(months)s months, of %(n)s loans") % {
        "dpd": told["dpd"], "months": told["months"], "n": told["n"],
    }  # fmt: skip
    series = [
        ("expected", _("Predicted"), "main", [band["expected"] for band in bands]),
        ("observed", _("Observed"), "main", [band["observed"]["value"] for band in bands]),
    ]
    return chart("bar", title, caption, [band["label"] for band in bands], "percent", series)


def vintage_lines(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the share bad by month of decision, a line a band of score."""
    months, bands = told["vintage"]["months"], told["vintage"]["bands"]
    if not months:
        return None
    series = [
        (band, band, "main", [_share(cells[place][1], cells[place][0]) for cells in months.values()]) for place, band in enumerate(bands)
    ]
    caption = _("share with %(dpd)s or more days past due within %(months)s months, by month of the decision and band of score") % {
        "dpd": told["dpd"], "months": told["months"],
    }  # fmt: skip
    return chart("line", _("How each band of score turned out"), caption, list(months), "percent", series)


def alert_sentence(alert: RiskAlert) -> str:
    """Return an alert as a sentence."""
    value, bound = f"{alert.value:.3f}", f"{alert.threshold:.3f}"
    percent = {"value": f"{alert.value * 100:.1f}%", "bound": f"{alert.threshold * 100:.1f}%"}
    kind = RiskAlert.Kind(alert.kind)
    if kind == RiskAlert.Kind.SCORE_SHIFT:
        return _("The scores have shifted: index %(value)s, bound %(bound)s.") % {"value": value, "bound": bound}
    if kind == RiskAlert.Kind.FEATURE_SHIFT:
        return _("%(feature)s has shifted: index %(value)s, bound %(bound)s.") % {
            "feature": feature_label(alert.feature), "value": value, "bound": bound,
        }  # fmt: skip
    if kind == RiskAlert.Kind.MISSING:
        return _("%(feature)s is missing in %(value)s of the cases.") % {"feature": feature_label(alert.feature), "value": percent["value"]}
    if kind == RiskAlert.Kind.RANKING:
        return _("The score ranks %(value)s of pairs rightly; %(bound)s was the bound.") % percent
    if kind == RiskAlert.Kind.CALIBRATION:
        return _("%(value)s times as many went bad as predicted; the bound is %(bound)s.") % {
            "value": f"{alert.value:.2f}",
            "bound": f"{alert.threshold:.2f}",
        }
    if kind == RiskAlert.Kind.APPROVAL:
        return _("%(value)s are approved; it was %(bound)s.") % percent
    if kind == RiskAlert.Kind.OVERRIDES:
        return _("People approve %(value)s of what the engine refers; the bound is %(bound)s.") % percent
    if kind == RiskAlert.Kind.LATENCY:
        return _("One decision of a hundred takes %(value)s ms or more; the bound is %(bound)s ms.") % {
            "value": f"{alert.value:.1f}",
            "bound": f"{alert.threshold:.0f}",
        }
    return _("Likely to fall behind: probability %(value)s; the bound is %(bound)s.") % percent


def alert_rows(found: Iterable[RiskAlert]) -> list[dict[str, Any]]:
    """Return alerts as rows of a list."""
    rows = []
    for alert in found:
        version = alert.scorecard_version or alert.strategy_version
        about = name_of(version) if version else (alert.customer.public_id if alert.customer else "")
        rows.append({"alert": alert, "sentence": alert_sentence(alert), "about": about, "tone": RiskAlert.TONES[alert.level]})
    return rows
