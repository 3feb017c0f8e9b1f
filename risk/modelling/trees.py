"""Fitting boosted trees with LightGBM. What comes out is the JSON `risk.boosters` reads: the library's own text, never a pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from risk import boosters
from risk.modelling import measures
from risk.modelling.tables import NUMERIC, Column, Table
from risk.scorecards import Scale

SMOOTH = 10.0  # a category's bad rate is drawn to the average as if it held so many average rows more
SAMPLE = 2_000  # rows over which average contributions are taken


@dataclass(frozen=True)
class Plan:
    """How to fit: LightGBM's own parameters and rounds, monotone directions by name (1: the risk rises with the value, -1: it falls)."""

    name: str = "plain"
    params: Mapping[str, Any] = field(default_factory=dict)
    rounds: int = 100
    monotone: Mapping[str, int] = field(default_factory=dict)
    scale: Scale = field(default_factory=Scale)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Encoding:
    """The numbers the trees read for a category: its bad rate in log odds, smoothed."""

    values: Mapping[str, Mapping[str, float]]
    missing: Mapping[str, float]
    unseen: float

    def matrix(self, columns: Mapping[str, Column], names: tuple[str, ...]) -> np.ndarray:
        """Return the columns as float64 of shape (rows, features)."""
        made = []
        for name in names:
            column = columns[name]
            if name not in self.values:
                made.append(column.values if column.kind == NUMERIC else np.full(len(column.values), np.nan))
                continue
            known = self.values[name]
            if column.kind == NUMERIC:  # a file of codes where words were learned
                distinct, place = np.unique(column.values, return_inverse=True)
                turn = np.array([self.missing[name] if one != one else known.get(f"{one:g}", self.unseen) for one in distinct])
                made.append(turn[place])
                continue
            made.append(np.array([*(known.get(level, self.unseen) for level in column.levels), self.missing[name]])[column.values])
        return np.column_stack(made).astype(float)


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted trees with what is needed to read a table."""

    names: tuple[str, ...]
    encoding: Encoding
    booster: Any

    def matrix(self, table: Table | Mapping[str, Column]) -> np.ndarray:
        return self.encoding.matrix(table.columns if isinstance(table, Table) else table, self.names)

    def log_odds(self, table: Table | Mapping[str, Column]) -> np.ndarray:
        """Return the raw log of odds of each row, of shape (rows,)."""
        return np.asarray(self.booster.predict(self.matrix(table), raw_score=True, num_threads=1))


def encode(table: Table, weight: np.ndarray | None = None) -> Encoding:
    """Learn what number stands for each category value."""
    mass = np.ones(table.rows) if weight is None else weight
    share = float((mass * table.bad).sum() / mass.sum())
    values: dict[str, dict[str, float]] = {}
    missing: dict[str, float] = {}
    for name, column in table.columns.items():
        if column.kind == NUMERIC:
            continue
        codes, size = column.values + 1, len(column.levels) + 1
        rows = np.bincount(codes, weights=mass, minlength=size)
        bad = np.bincount(codes, weights=mass * table.bad, minlength=size)
        told = measures.logit((bad + SMOOTH * share) / (rows + SMOOTH))
        values[name] = {level: float(told[place + 1]) for place, level in enumerate(column.levels) if rows[place + 1]}
        missing[name] = float(told[0])
    return Encoding(values, missing, float(measures.logit(np.array([share]))[0]))


def fit(table: Table, plan: Plan, *, weight: np.ndarray | None = None, threads: int = 0) -> Fit:
    """Fit trees; the same data and seed give the same trees.

    Without `threads`, tables below 100,000 rows take one: more of them only wait for each other on a machine that is in use.
    """
    import lightgbm

    encoding = encode(table, weight)
    params: dict[str, Any] = {"objective": "binary", "verbose": -1, "seed": plan.seed, "deterministic": True, "force_row_wise": True,
                              "num_threads": threads or (1 if table.rows < 100_000 else 2)} | dict(plan.params)  # fmt: skip
    if plan.monotone:
        params |= {
            "monotone_constraints": [int(plan.monotone.get(name, 0)) for name in table.names],
            "monotone_constraints_method": "advanced",
        }
    data = lightgbm.Dataset(encoding.matrix(table.columns, table.names), table.bad, weight=weight)
    return Fit(table.names, encoding, lightgbm.train(params, data, plan.rounds))


def content(
    fitted: Fit, table: Table, plan: Plan, *, code: str, reasons: Mapping[str, Mapping[str, Any]],
    line: tuple[float, float], pd_curve: list[list[float]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write fitted trees as JSON. `line` is the calibration (slope, intercept) of the raw log odds."""
    places = np.arange(table.rows) if table.rows <= SAMPLE else np.linspace(0, table.rows - 1, SAMPLE).astype(int)
    given = fitted.booster.predict(fitted.matrix(table.take(places)), pred_contrib=True, num_threads=1)[:, :-1] * line[0]
    gain = fitted.booster.feature_importance("gain")
    features = []
    for place, name in enumerate(fitted.names):
        one: dict[str, Any] = {
            "name": name, "kind": table.columns[name].kind, "reason": str(reasons[name]["code"]), "mean": float(given[:, place].mean()),
            "weight": float(np.abs(given[:, place]).mean()), "gain": float(gain[place]), "trend": int(plan.monotone.get(name, 0)),
        }  # fmt: skip
        if name in fitted.encoding.values:
            one |= {
                "values": dict(fitted.encoding.values[name]),
                "missing": fitted.encoding.missing[name],
                "unseen": fitted.encoding.unseen,
            }
        features.append(one)
    told: dict[str, Any] = {
        "v": boosters.VERSION,
        "kind": boosters.KIND,
        "code": code,
        "scale": {"base_score": plan.scale.base_score, "base_odds": plan.scale.base_odds, "pdo": plan.scale.pdo},
        "line": list(line),
        "features": features,
        "params": dict(plan.params) | {"rounds": plan.rounds},
        "reasons": {str(reasons[name]["code"]): dict(reasons[name]) for name in fitted.names},
        "model": fitted.booster.model_to_string(num_iteration=-1),
    }
    if pd_curve:
        told["pd_curve"] = pd_curve
    return told
