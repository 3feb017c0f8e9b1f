"""The figures kept with a model: on rows not seen, on training rows, by fold, over time, by segment, by protected group, by cut-off."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from risk import stability
from risk.modelling import cards, measures, trees
from risk.modelling.tables import NUMERIC, Column, Table
from risk.scorecards import Scale

GROUPS = 24
BANDS = 20
APPROVED = 0.7  # share of the least risky that is taken as approved where groups are compared
AGES = (25, 35, 45, 60)


def metrics(
    table: Table, fold: np.ndarray, held: np.ndarray, content: Mapping[str, Any], fits: Sequence[Any], *, seed: int
) -> dict[str, Any]:
    """Return the figures as JSON. `held` are calibrated log odds of rows scored by models that had not seen them, of shape (rows,)."""
    scale = Scale(**content["scale"])
    own = served(content, fits, table)
    told: dict[str, Any] = {
        "cv": by_fold(held, table.bad, fold),
        "holdout": measures.figures(held, table.bad, seed=seed),
        "training": measures.figures(own, table.bad, seed=seed, intervals=False),
        "features": features(fits, table),
        "cutoffs": cutoffs(scale.offset - scale.factor * held, table.bad),
        "stability": {"time": [], "segment": []},
        "fairness": {},
    }
    edges = np.quantile(own, np.linspace(0, 1, 11)[1:-1])
    if table.time:
        told["stability"]["time"] = over(held, own, table, table.asides[table.time], edges, dates=True)
    if table.segment:
        told["stability"]["segment"] = over(held, own, table, table.asides[table.segment], edges, dates=False)
    for name, column in table.asides.items():
        if name not in (table.time, table.segment):
            told["fairness"][name] = fairness(held, table.bad, groups(column))
    return told


def served(content: Mapping[str, Any], fits: Sequence[Any], table: Table) -> np.ndarray:
    """Return the calibrated log odds the written model gives the table, of shape (rows,)."""
    if "parts" in content:
        slope, shift = content["line"]
        total = sum(part["weight"] * served(part["content"], [one], table) for part, one in zip(content["parts"], fits, strict=True))
        return np.asarray(slope * total + shift)
    one = fits[0]
    if isinstance(one, trees.Fit):
        slope, shift = content["line"]
        return np.asarray(slope * one.log_odds(table) + shift)
    coefficients = {spec["name"]: spec["coefficient"] for spec in content["features"]}
    total = content["intercept"] + sum(coefficients[name] * one.bins[name].woes(table.columns[name]) for name in one.kept)
    return np.asarray(total)


def by_fold(held: np.ndarray, bad: np.ndarray, fold: np.ndarray) -> dict[str, Any]:
    """Return mean and deviation over the folds of AUC, KS and Brier score."""
    places = [fold == number for number in np.unique(fold)]
    found = {
        "auc": [measures.auc(held[one], bad[one]) for one in places],
        "ks": [measures.ks(held[one], bad[one]) for one in places],
        "brier": [measures.brier(held[one], bad[one]) for one in places],
    }
    return {"folds": len(places)} | {name: {"mean": float(np.mean(all_)), "sd": float(np.std(all_)), "each": all_}
                                     for name, all_ in found.items()}  # fmt: skip


def features(fits: Sequence[Any], table: Table) -> dict[str, dict[str, Any]]:
    """Return of each feature whether it is used, and what speaks for it: information value, gain, or why it went."""
    told: dict[str, dict[str, Any]] = {name: {"used": False, "iv": None} for name in table.names}
    for one in fits:
        if isinstance(one, cards.Fit):
            for name, bins in one.bins.items():
                told[name] |= {"iv": bins.iv, "used": told[name]["used"] or name in one.kept, "why": one.gone.get(name, "")}
        else:
            gain = one.booster.feature_importance("gain")
            for name, value in zip(one.names, gain.tolist(), strict=True):
                told[name] |= {"gain": value, "used": told[name]["used"] or value > 0}
    for name, column in table.columns.items():
        told[name]["missing"] = float(column.missing.mean())
    return told


def cutoffs(score: np.ndarray, bad: np.ndarray) -> list[dict[str, Any]]:
    """Return for rising cut-offs: share approved at or above it, bad rate of the approved, shares of good and of bad refused."""
    steps = np.unique(np.floor(np.quantile(score, np.linspace(0, 0.95, BANDS))))
    goods, bads = max(int((bad == 0).sum()), 1), max(int(bad.sum()), 1)
    told = []
    for step in steps.tolist():
        passed = score >= step
        told.append({
            "score": int(step), "approved": float(passed.mean()), "bad_rate": float(bad[passed].mean()) if passed.any() else None,
            "good_refused": float(((bad == 0) & ~passed).sum() / goods), "bad_refused": float((bad.astype(bool) & ~passed).sum() / bads),
        })  # fmt: skip
    return told


def groups(column: Column) -> dict[str, np.ndarray]:
    """Return the rows of each group of a column: its values, or bands of a number (ages by decade, else quarters)."""
    if column.kind != NUMERIC:
        counts = np.bincount(column.values[column.values >= 0], minlength=len(column.levels))
        return {
            column.levels[place]: np.flatnonzero(column.values == place) for place in np.argsort(-counts, kind="stable")[:GROUPS].tolist()
        }
    present = column.values[~column.missing]
    distinct = np.unique(present)
    if len(distinct) <= 8:
        return {f"{one:g}": np.flatnonzero(column.values == one) for one in distinct.tolist()}
    age = "age" in column.name.lower() or "年龄" in column.name
    edges = [float(one) for one in AGES] if age else np.unique(np.quantile(present, [0.25, 0.5, 0.75])).tolist()
    told = {}
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        label = f"< {high:g}" if low is None else f"≥ {low:g}" if high is None else f"{low:g} – {high:g}"
        inside = (
            ~column.missing & (column.values >= (-np.inf if low is None else low)) & (column.values < (np.inf if high is None else high))
        )
        if inside.any():
            told[label] = np.flatnonzero(inside)
    return told


def over(held: np.ndarray, own: np.ndarray, table: Table, column: Column, edges: np.ndarray, *, dates: bool) -> list[dict[str, Any]]:
    """Return figures by month (or year, when months are many) or segment, with the PSI of the score against all rows."""
    found = groups(column)
    if dates and column.kind != NUMERIC:
        short = np.array([level[:7].replace("/", "-") for level in column.levels])
        if len(set(short.tolist())) > GROUPS:
            short = np.array([level[:4] for level in short])
        found = {name: np.flatnonzero((column.values >= 0) & (short[column.values] == name)) for name in sorted(set(short.tolist()))}
    whole = np.bincount(np.searchsorted(edges, own), minlength=len(edges) + 1)
    told = measures.by_group(held, table.bad, found)
    for one in told:
        part = np.bincount(np.searchsorted(edges, own[found[one["group"]]]), minlength=len(edges) + 1)
        one["psi"] = stability.psi(whole.tolist(), part.tolist())
    return told


def fairness(
    held: np.ndarray, bad: np.ndarray, found: Mapping[str, np.ndarray], *, passed: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """Return by group what it would be approved and how it is erred about; `passed`, of shape (rows,), or the safest 70 % pass.

    `ratio` is the group's approval rate over the highest of any group: below 0.8 it fails the four-fifths rule. `good_refused` is the share
    of the good ones refused, `bad_passed` the share of the bad ones approved.
    """
    passed = held <= np.quantile(held, APPROVED) if passed is None else passed
    told = measures.by_group(held, bad, found)
    for one in told:
        own, hit = passed[found[one["group"]]], bad[found[one["group"]]]
        one["approved"] = float(own.mean())
        one["good_refused"] = float((~own & (hit == 0)).sum() / max(int((hit == 0).sum()), 1))
        one["bad_passed"] = float((own & (hit == 1)).sum() / max(int(hit.sum()), 1))
    best = max((one["approved"] for one in told), default=0.0)
    for one in told:
        one["ratio"] = one["approved"] / best if best else None
    return told


def fairness_at(held: np.ndarray, table: Table, *, scale: Mapping[str, Any], score: float) -> dict[str, list[dict[str, Any]]]:
    """Return by protected attribute how each group fares when `score` points and more pass.

    :param held: log odds bad to good of each row, of shape (rows,)
    :param scale: of the model: base_score, base_odds, pdo
    """
    sums = Scale(**scale)
    passed = sums.offset - sums.factor * held >= score
    asides = {name: column for name, column in table.asides.items() if name not in (table.time, table.segment)}
    return {name: fairness(held, table.bad, groups(column), passed=passed) for name, column in asides.items()}


def fingerprint(table: Table) -> str:
    """Return the SHA-256 of the values of a table that came from no file."""
    digest = hashlib.sha256(json.dumps([table.target, [(one.name, one.kind, one.levels) for one in table.columns.values()]]).encode())
    for column in table.columns.values():
        digest.update(np.ascontiguousarray(column.values).tobytes())
    digest.update(np.ascontiguousarray(table.bad).tobytes())
    return digest.hexdigest()
