"""Fitting a scorecard: bins, selection, logistic regression on weight of evidence, points. What comes out is the JSON `risk.scorecards` reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from risk import scorecards
from risk.modelling import binning, selection
from risk.modelling.binning import Bins
from risk.modelling.refusals import BadTable
from risk.modelling.tables import NUMERIC, Column, Table
from risk.scorecards import Scale

TRUST = 30  # fewer training rows than this in a bin is shown as a caution
LEAST_FEATURES = 2


@dataclass(frozen=True)
class Plan:
    """How to fit: trend of the bins, limits of the selection, strength of the regression (its `C`), the scale."""

    trend: str = "auto_asc_desc"
    rules: selection.Rules = field(default_factory=selection.Rules)
    strength: float = 1.0
    scale: Scale = field(default_factory=Scale)
    reference: str = "mean"
    special: Mapping[str, Sequence[float]] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted card before it is written: bins of every feature, and the regression on those that stayed."""

    bins: Mapping[str, Bins]
    kept: tuple[str, ...]
    intercept: float
    coefficients: tuple[float, ...]
    gone: Mapping[str, str]

    def log_odds(self, table: Table | Mapping[str, Column]) -> np.ndarray:
        """Return the log of odds bad to good of each row, of shape (rows,)."""
        columns = table.columns if isinstance(table, Table) else table
        total: Any = self.intercept
        for name, coefficient in zip(self.kept, self.coefficients, strict=True):
            total = total + coefficient * self.bins[name].woes(columns[name])
        return np.asarray(total)


def fit(table: Table, plan: Plan, *, weight: np.ndarray | None = None, bins: Mapping[str, Bins] | None = None) -> Fit:
    """Fit a card; given bins are taken as they are.

    A feature whose coefficient comes out with the wrong sign would punish what the data rewards: it is taken out and the rest fitted again.

    :raises BadTable: `nothing_learned` if no feature carries information
    """
    given = bins or {}
    found = {
        name: given[name] if name in given
        else binning.fit(column, table.bad, weight, trend=plan.trend, special=plan.special.get(name, ()))
        for name, column in table.columns.items()
    }  # fmt: skip
    woes = {name: found[name].woes(column) for name, column in table.columns.items()}
    ivs = {name: one.iv for name, one in found.items()}
    kept, gone = selection.choose(woes, ivs, plan.rules)
    if not kept:  # weak data: the best there is, rather than nothing
        kept = [name for name in sorted(ivs, key=lambda one: -ivs[one])[:LEAST_FEATURES] if ivs[name] > 0]
        gone = {name: why for name, why in gone.items() if name not in kept}
    while kept:
        intercept, coefficients = regression(np.column_stack([woes[name] for name in kept]), table.bad, plan, weight)
        worst = selection.worst_sign(coefficients)
        if worst is None:
            return Fit(found, tuple(kept), intercept, tuple(coefficients), gone)
        gone[kept[worst]] = f"sign of {coefficients[worst]:+.4f}"
        del kept[worst]
    raise BadTable("nothing_learned")


def regression(values: np.ndarray, bad: np.ndarray, plan: Plan, weight: np.ndarray | None = None) -> tuple[float, list[float]]:
    """Return (intercept, coefficients) of a logistic regression of shape (rows, features)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=plan.strength, solver="newton-cholesky", max_iter=200, tol=1e-10)
    model.fit(values, bad.astype(int), sample_weight=weight)
    return float(model.intercept_[0]), [float(one) for one in model.coef_[0]]


def content(
    fitted: Fit, table: Table, plan: Plan, *, code: str, reasons: Mapping[str, Mapping[str, Any]],
    line: tuple[float, float] = (1.0, 0.0), pd_curve: Sequence[Sequence[float]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write a fitted card as JSON. `line` is the calibration (slope, intercept), folded into the coefficients.

    `reasons` gives each kept feature its entry with at least a `code`.
    """
    slope, shift = line
    intercept = slope * fitted.intercept + shift
    features = []
    for name, coefficient in zip(fitted.kept, fitted.coefficients, strict=True):
        made = _feature(fitted.bins[name], slope * coefficient, intercept, len(fitted.kept), plan, str(reasons[name]["code"]))
        points = np.array([one["points"] for one in (*made["bins"], made["special"], made["missing"], made["unseen"])])
        made["mean_points"] = float(points[fitted.bins[name].codes(table.columns[name])].mean())
        features.append(made)
    scale = plan.scale
    told: dict[str, Any] = {
        "v": scorecards.VERSION,
        "code": code,
        "scale": {"base_score": scale.base_score, "base_odds": scale.base_odds, "pdo": scale.pdo},
        "intercept": intercept,
        "reference": plan.reference,
        "features": features,
        "reasons": {str(reasons[name]["code"]): dict(reasons[name]) for name in fitted.kept},
    }
    if pd_curve:
        told["pd_curve"] = [list(pair) for pair in pd_curve]
    return told


def _feature(bins: Bins, coefficient: float, intercept: float, count: int, plan: Plan, reason: str) -> dict[str, Any]:
    def cell(place: int | None) -> dict[str, Any]:
        woe = 0.0 if place is None else float(bins.woe[place])
        rows = 0.0 if place is None else float(bins.good[place] + bins.bad[place])
        ill = 0.0 if place is None else float(bins.bad[place])
        value = scorecards.points(plan.scale, intercept=intercept, coefficient=coefficient, woe=woe, features=count)
        return {"woe": woe + 0.0, "points": value, "count": _whole(rows), "bad": _whole(ill), "thin": rows < TRUST}

    if bins.kind == NUMERIC:
        edges = [None, *bins.splits, None]
        cells = [{"low": low, "high": high} | cell(place) for place, (low, high) in enumerate(pairwise(edges))]
    else:
        cells = [{"values": list(group)} | cell(place) for place, group in enumerate(bins.groups)]
    return {
        "name": bins.name,
        "kind": bins.kind,
        "coefficient": coefficient,
        "mean_points": 0.0,
        "reason": reason,
        "bins": cells,
        "missing": cell(bins.size + 1),
        "special": {"values": list(bins.special)} | cell(bins.size),
        "unseen": cell(None),
        "iv": bins.iv,
    }


def _whole(count: float) -> int | float:
    return int(count) if count == int(count) else count


def prove(
    fitted: Fit, table: Table, made: Mapping[str, Any], *, line: tuple[float, float] = (1.0, 0.0), most: int = 20_000
) -> dict[str, Any]:
    """Hold what is served against the library: its transform of the same bins, its regression's sum, row by row on up to `most` rows.

    optbinning places the rows into the bins it found and gives its own weights of evidence (ours where a bin has one outcome only, for which
    it has none); bins set by hand are read by pandas. The sum is taken with the coefficients of the regression. Our served card reads the
    JSON and scores one row at a time. Also proves that a card's points add up to its score.
    """
    import warnings

    card = scorecards.load(made)
    places = np.arange(table.rows) if table.rows <= most else np.linspace(0, table.rows - 1, most).astype(int)
    part = table.take(places)
    total: Any = fitted.intercept
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, coefficient in zip(fitted.kept, fitted.coefficients, strict=True):
            bins, column = fitted.bins[name], part.columns[name]
            total = total + coefficient * (_by_library(bins, column) if bins.library is not None else _by_pandas(bins, column))
    slope, shift = line
    expected = slope * np.broadcast_to(total, len(places)) + shift
    far = adds = 0.0
    for facts, due in zip(part.facts(), expected.tolist(), strict=True):
        found = card.score(facts)
        far = max(far, abs(found.log_odds_bad - due), abs(found.exact - card.scale.score(due)) / card.scale.factor)
        adds = max(adds, abs(sum(one.points for one in found.lines) - found.exact))
    return {"rows": len(places), "max_abs_diff": far, "points_add_up": adds, "against": "optbinning"}


def _by_library(bins: Bins, column: Column) -> np.ndarray:
    table = bins.library.binning_table.build(add_totals=False)
    pure = (table["Event"].to_numpy() == 0) | (table["Non-event"].to_numpy() == 0)
    woe = np.where(pure, bins.woe, table["WoE"].to_numpy(dtype=float))
    found = bins.library.transform(
        column.values if bins.kind == NUMERIC else column.texts(), metric="indices", metric_missing="empirical", metric_special="empirical"
    )
    return np.asarray(woe[np.asarray(found, dtype=int)])


def _by_pandas(bins: Bins, column: Column) -> np.ndarray:
    import pandas

    if bins.kind == NUMERIC:
        edges = [-np.inf, *bins.splits, np.inf]
        found = pandas.cut(column.values, edges, right=False, labels=False)
        woe = pandas.Series(found).map(dict(enumerate(bins.woe))).fillna(bins.woe[-1])
        return np.where(np.isin(column.values, bins.special), bins.woe[-2], woe.to_numpy(dtype=float))
    woes = {value: weight for group, weight in zip(bins.groups, bins.woe, strict=False) for value in group}
    return np.array([bins.woe[-1] if value is None else woes.get(value, 0.0) for value in column.texts()])
