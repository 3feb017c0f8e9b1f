"""Fitting a scorecard from rows with known outcome.

The heavy libraries are imported inside the functions: the web process never pays for them.

What comes out is JSON; nothing is pickled. `prove` holds our reading of that JSON against the library's own, row for row.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from risk import scorecards
from risk.scorecards import Scale

PROTECTED = frozenset({"personal_status_sex", "foreign_worker"})
TOLERANCE = 1e-9
LEAST_IV = 0.02  # below this a feature is commonly held to say nothing
TRUST = 30  # fewer training rows than this in a bin is shown as a caution

Row = Mapping[str, Any]


class ProtectedColumn(ValueError):
    """A protected attribute was offered to a model."""


class TrainingFailed(ValueError):
    """The data cannot carry a scorecard, or the exported card does not repeat the library's scores."""


@dataclass(frozen=True)
class Plan:
    """What to fit: features with their kind (numeric or category), the scale, and the texts told to people."""

    code: str
    features: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, Any]]
    target: str = "bad"
    scale: Scale = field(default_factory=Scale)
    seed: int = 1994
    cat_cutoff: float = 0.005
    least_iv: float = LEAST_IV
    reference: str = "mean"
    special: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A card with the figures that let a person judge it."""

    content: dict[str, Any]
    metrics: dict[str, Any]
    data_sha256: str


def train(training: Sequence[Row], holdout: Sequence[Row], plan: Plan) -> Trained:
    """Fit a card on `training`, measure it on `holdout`, prove the export on both.

    Binning is optimal (optbinning), numeric features ascending or descending; the WOE of absent and special values is the empirical one.
    A feature whose coefficient comes out with the wrong sign would punish what the data rewards: it is taken out and the rest fitted again.

    :raises ProtectedColumn: if the plan names a protected attribute
    :raises TrainingFailed: if fewer than two features remain, or an outcome is absent, or the export differs from the library
    """
    refused = sorted(PROTECTED & set(plan.features))
    if refused:
        raise ProtectedColumn(f"protected attributes never enter a scorecard: {', '.join(refused)}")
    untold = sorted(set(plan.features) - set(plan.reasons))
    if untold:
        raise TrainingFailed(f"no reason text for: {', '.join(untold)}")
    if {int(row[plan.target]) for row in training} != {0, 1} or {int(row[plan.target]) for row in holdout} != {0, 1}:
        raise TrainingFailed("training and hold-out both need rows of both outcomes")

    process, ivs = _bin(training, plan)
    chosen = [name for name in plan.features if ivs[name] >= plan.least_iv]
    kept, intercept, coefficients = _fit(process, training, chosen, plan)
    content = _export(process, training, kept, intercept, coefficients, ivs, plan)
    card = scorecards.load(content)
    metrics: dict[str, Any] = {
        "holdout": measure([card.log_odds_bad(row) for row in holdout], [int(row[plan.target]) for row in holdout]),
        "training": measure([card.log_odds_bad(row) for row in training], [int(row[plan.target]) for row in training]),
        "features": {name: {"iv": ivs[name], "used": name in kept} for name in plan.features},
        "proof": prove(process, card, [*training, *holdout], kept, intercept, coefficients),
        "seed": plan.seed,
    }
    if metrics["proof"]["max_abs_diff"] >= TOLERANCE:
        raise TrainingFailed(f"the export differs from the library by {metrics['proof']['max_abs_diff']}")
    return Trained(content, metrics, fingerprint([*training, *holdout], [*plan.features, plan.target]))


def measure(log_odds: Sequence[float], bad: Sequence[int]) -> dict[str, Any]:
    """Return AUC, Gini and KS of a ranking, with the curves drawn from them (at most about 60 points, ends included)."""
    goods, bads = bad.count(0), bad.count(1)
    ranked = sorted(zip(log_odds, bad, strict=True), reverse=True)
    caught = alarmed = 0
    area = best = 0.0
    curve = [(0.0, 0.0)]
    place = 0
    while place < len(ranked):  # rows of equal score move together, else their order would decide
        tied = place
        caught_before, alarmed_before = caught, alarmed
        while tied < len(ranked) and ranked[tied][0] == ranked[place][0]:
            caught += ranked[tied][1]
            alarmed += 1 - ranked[tied][1]
            tied += 1
        area += (alarmed - alarmed_before) * (caught + caught_before) / 2
        best = max(best, abs(caught / bads - alarmed / goods))
        curve.append((alarmed / goods, caught / bads))
        place = tied
    auc = area / (goods * bads)
    step = max(1, len(curve) // 60)
    shown = curve[::step] + ([curve[-1]] if (len(curve) - 1) % step else [])
    return {"rows": len(bad), "bad": bads, "auc": auc, "gini": 2 * auc - 1, "ks": best,
            "roc": [[round(x, 5), round(y, 5)] for x, y in shown]}  # fmt: skip


def prove(process: Any, card: scorecards.Scorecard, rows: Sequence[Row], kept: Sequence[str], intercept: float,
          coefficients: Sequence[float]) -> dict[str, Any]:  # fmt: skip
    """Score all `rows` with the library's own transform and with our card; return the largest difference, not rounded."""
    woes = _transform(process, rows, kept)
    worst = worst_sum = 0.0
    for row, woe in zip(rows, woes, strict=True):
        library = card.scale.score(intercept + math.fsum(b * float(w) for b, w in zip(coefficients, woe, strict=True)))
        ours = card.score(row)
        worst = max(worst, abs(library - ours.exact))
        worst_sum = max(worst_sum, abs(math.fsum(line.points for line in ours.lines) - ours.exact))
    return {"rows": len(rows), "max_abs_diff": worst, "points_add_up": worst_sum, "tolerance": TOLERANCE}


def fingerprint(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return the SHA-256 of the training data: the named columns of all rows, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([str(row.get(name)) for name in columns]).encode())
    return digest.hexdigest()


def _frame(rows: Sequence[Row], names: Sequence[str], kinds: Mapping[str, str]) -> Any:
    import pandas

    columns: dict[str, Any] = {}
    for name in names:
        found = [row.get(name) for row in rows]
        if kinds[name] == "numeric":
            columns[name] = pandas.Series([float("nan") if value is None else float(value) for value in found], dtype=float)
        else:
            columns[name] = pandas.Series([None if value is None else _word(value) for value in found], dtype=object)
    return pandas.DataFrame(columns)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bin(training: Sequence[Row], plan: Plan) -> tuple[Any, dict[str, float]]:
    import contextlib
    import io
    import logging
    import warnings

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # pandas 4 warnings of the library
        logging.disable(logging.WARNING)  # cvxpy's word, at import, on a solver that is not used
        try:
            from optbinning import BinningProcess
        finally:
            logging.disable(logging.NOTSET)

        names = list(plan.features)
        settings: dict[str, dict[str, Any]] = {}
        for name, kind in plan.features.items():
            settings[name] = {"monotonic_trend": "auto_asc_desc"} if kind == "numeric" else {"cat_cutoff": plan.cat_cutoff}
            if name in plan.special:
                settings[name]["special_codes"] = list(plan.special[name])
        categorical = [name for name, kind in plan.features.items() if kind == "category"]
        process = BinningProcess(names, categorical_variables=categorical, binning_fit_params=settings)
        import numpy

        process.fit(_frame(training, names, plan.features), numpy.array([int(row[plan.target]) for row in training]))
        process.kinds_ = dict(plan.features)
        summary = process.summary().set_index("name")["iv"]
    return process, {name: float(summary[name]) for name in names}


def _transform(process: Any, rows: Sequence[Row], names: Sequence[str]) -> Any:
    import warnings

    frame = _frame(rows, list(process.kinds_), process.kinds_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        woes = process.transform(frame, metric="woe", metric_missing="empirical", metric_special="empirical")
    return woes[list(names)].to_numpy(dtype=float)


def _fit(process: Any, training: Sequence[Row], chosen: Sequence[str], plan: Plan) -> tuple[list[str], float, list[float]]:
    from sklearn.linear_model import LogisticRegression

    kept = list(chosen)
    target = [int(row[plan.target]) for row in training]
    while len(kept) >= 2:
        model = LogisticRegression(max_iter=1000, tol=1e-8, random_state=plan.seed)
        model.fit(_transform(process, training, kept), target)
        coefficients = [float(value) for value in model.coef_[0]]
        worst = max(coefficients)
        if worst < 0:  # a higher WOE means more good ones, so it must lower the odds of bad
            return kept, float(model.intercept_[0]), coefficients
        del kept[coefficients.index(worst)]
    raise TrainingFailed("fewer than two features carry information")


def _export(process: Any, training: Sequence[Row], kept: Sequence[str], intercept: float, coefficients: Sequence[float],
            ivs: Mapping[str, float], plan: Plan) -> dict[str, Any]:  # fmt: skip
    features = []
    for name, coefficient in zip(kept, coefficients, strict=True):
        features.append(_export_feature(process, name, coefficient, intercept, len(kept), plan) | {"iv": ivs[name]})
    content: dict[str, Any] = {
        "v": scorecards.VERSION,
        "code": plan.code,
        "scale": {"base_score": plan.scale.base_score, "base_odds": plan.scale.base_odds, "pdo": plan.scale.pdo},
        "intercept": intercept,
        "reference": plan.reference,
        "features": features,
        "reasons": {plan.reasons[name]["code"]: dict(plan.reasons[name]) for name in kept},
    }
    card = scorecards.load(content)
    scored = [card.score(row).lines for row in training]
    for place, feature in enumerate(features):
        feature["mean_points"] = math.fsum(lines[place].points for lines in scored) / len(scored)
    return content


def _export_feature(process: Any, name: str, coefficient: float, intercept: float, count: int, plan: Plan) -> dict[str, Any]:
    binned = process.get_binned_variable(name)
    table = binned.binning_table.build(add_totals=False)
    rows = [(float(woe), int(n), int(bad)) for woe, n, bad in zip(table["WoE"], table["Count"], table["Event"], strict=True)]
    *ordinary, special, missing = rows

    def cell(row: tuple[float, int, int]) -> dict[str, Any]:
        woe, n, bad = row
        value = scorecards.points(plan.scale, intercept=intercept, coefficient=coefficient, woe=woe, features=count)
        return {"woe": woe + 0.0, "points": value, "count": n, "bad": bad, "thin": n < TRUST}

    if plan.features[name] == "numeric":
        edges = [None, *(float(edge) for edge in binned.splits), None]
        bins = [{"low": low, "high": high} | cell(row) for (low, high), row in zip(pairwise(edges), ordinary, strict=True)]
    else:
        bins = [{"values": sorted(str(value) for value in group)} | cell(row) for group, row in zip(binned.splits, ordinary, strict=True)]
    return {
        "name": name,
        "kind": plan.features[name],
        "coefficient": coefficient,
        "mean_points": 0.0,
        "reason": plan.reasons[name]["code"],
        "bins": bins,
        "missing": cell(missing),
        "special": {"values": list(plan.special.get(name, ()))} | cell(special),
        "unseen": cell((0.0, 0, 0)),
    }
