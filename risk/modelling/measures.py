"""Figures of a model, with confidence intervals. Arrays of shape (rows,): `score` is higher the riskier, `bad` is 0 or 1."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from risk.stability import Z95

DRAWS = 200


def auc(score: np.ndarray, bad: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the share of pairs of a bad and a good one that are ranked rightly; a tie counts half.

    :raises ValueError: if one class is absent
    """
    order = np.argsort(score, kind="stable")
    ranked, hit = score[order], bad[order].astype(float)
    mass = np.ones(len(bad)) if weight is None else weight[order]
    edges = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    bads = np.add.reduceat(hit * mass, edges)
    goods = np.add.reduceat((1 - hit) * mass, edges)
    if not bads.sum() or not goods.sum():
        raise ValueError("the AUC needs rows of both outcomes")
    below = np.cumsum(goods) - goods
    return float((bads * (below + goods / 2)).sum() / (bads.sum() * goods.sum()))


def auc_variance(score: np.ndarray, bad: np.ndarray) -> float:
    """Return the variance of the AUC after DeLong, by the fast midrank method of Sun and Xu (2014)."""
    high, low = score[bad == 1], score[bad == 0]
    if len(high) < 2 or len(low) < 2:
        return math.nan
    own_high, own_low, both = _midranks(high), _midranks(low), _midranks(np.concatenate([high, low]))
    above = (both[: len(high)] - own_high) / len(low)
    below = 1 - (both[len(high) :] - own_low) / len(high)
    return float(above.var(ddof=1) / len(high) + below.var(ddof=1) / len(low))


def _midranks(values: np.ndarray) -> np.ndarray:
    _found, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def curve(score: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC curve as (share of good refused, share of bad found), both of shape (points,), from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    ranked, hit = score[order], bad[order].astype(float)
    ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    found, alarm = np.cumsum(hit)[ends], np.cumsum(1 - hit)[ends]
    return np.r_[0.0, alarm / max(alarm[-1], 1)], np.r_[0.0, found / max(found[-1], 1)]


def ks(score: np.ndarray, bad: np.ndarray) -> float:
    """Return the largest distance between the shares of bad and of good found."""
    alarm, found = curve(score, bad)
    return float(np.abs(found - alarm).max())


def brier(log_odds: np.ndarray, bad: np.ndarray) -> float:
    """Return the mean squared error of the probabilities."""
    return float(((sigmoid(log_odds) - bad) ** 2).mean())


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Return probabilities of log odds, without overflow."""
    return 0.5 * (1 + np.tanh(np.asarray(log_odds, dtype=float) / 2))


def logit(probability: np.ndarray) -> np.ndarray:
    """Return log odds of probabilities; 0 and 1 are held a hair away from the ends."""
    held = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(held / (1 - held))


def line(log_odds: np.ndarray, bad: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """Return (slope, intercept) of the logistic regression of the outcome on the log odds: (1, 0) is a calibrated model.

    Newton's method with a ridge of 1e-6, which holds it together where the classes are parted.
    """
    mass = np.ones(len(bad)) if weight is None else weight
    slope, intercept = 1.0, 0.0
    for _round in range(50):
        share = sigmoid(slope * log_odds + intercept)
        gap, curvature = mass * (bad - share), mass * np.maximum(share * (1 - share), 1e-12)
        gradient = np.array([(gap * log_odds).sum() - 1e-6 * (slope - 1), gap.sum() - 1e-6 * intercept])
        cross = (curvature * log_odds).sum()
        hessian = np.array([[(curvature * log_odds**2).sum() + 1e-6, cross], [cross, curvature.sum() + 1e-6]])
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 4.0 / max(np.abs(step).max(), 1e-12))
        slope, intercept = slope + step[0], intercept + step[1]
        if np.abs(step).max() < 1e-10:
            break
    return float(slope), float(intercept)


def deciles(log_odds: np.ndarray, bad: np.ndarray, parts: int = 10) -> list[dict[str, Any]]:
    """Return, from the riskiest tenth on: rows, bad, expected share of bad, and the shares of bad and good found so far."""
    order = np.argsort(-log_odds, kind="stable")
    found = []
    caught = alarmed = 0
    bads, goods = int(bad.sum()), int(len(bad) - bad.sum())
    for number, places in enumerate(np.array_split(order, min(parts, len(order))), 1):
        hit = int(bad[places].sum())
        caught, alarmed = caught + hit, alarmed + len(places) - hit
        found.append({
            "part": number, "rows": len(places), "bad": hit, "expected": float(sigmoid(log_odds[places]).mean()),
            "lowest": float(log_odds[places].min()), "captured": caught / max(bads, 1), "refused_good": alarmed / max(goods, 1),
        })  # fmt: skip
    return found


def ks_interval(score: np.ndarray, bad: np.ndarray, *, seed: int) -> list[float]:
    """Return the 95 % interval of the KS by the bootstrap within classes.

    Large data are drawn down to 10,000 rows and the interval is narrowed by the root of the share.
    """
    rng = np.random.default_rng(seed)
    high, low = score[bad == 1], score[bad == 0]
    share = min(1.0, 10_000 / len(bad))
    sizes = max(2, int(len(high) * share)), max(2, int(len(low) * share))
    hit = np.r_[np.ones(sizes[0], dtype=np.int8), np.zeros(sizes[1], dtype=np.int8)]
    draws = [ks(np.r_[rng.choice(high, sizes[0]), rng.choice(low, sizes[1])], hit) for _draw in range(DRAWS)]
    middle, half = ks(score, bad), Z95 * float(np.std(draws)) * math.sqrt(share)
    return [max(0.0, middle - half), min(1.0, middle + half)]


def slope_error(log_odds: np.ndarray, bad: np.ndarray, slope: float, intercept: float) -> float:
    """Return the standard error of a calibration slope, from the information matrix."""
    share = sigmoid(slope * log_odds + intercept)
    weight = np.maximum(share * (1 - share), 1e-12)
    cross = (weight * log_odds).sum()
    information = np.array([[(weight * log_odds**2).sum(), cross], [cross, weight.sum()]])
    return math.sqrt(max(0.0, float(np.linalg.pinv(information)[0, 0])))


def figures(log_odds: np.ndarray, bad: np.ndarray, *, seed: int = 0, intervals: bool = True) -> dict[str, Any]:
    """Return all figures of calibrated log odds against outcomes, as JSON.

    AUC and Gini with DeLong's interval, KS with the bootstrap's; Brier score, calibration slope and capture with that of their standard
    error. `roc` has at most about 60 points.
    """
    area = auc(log_odds, bad)
    slope, intercept = line(log_odds, bad)
    tenths = deciles(log_odds, bad)
    error = (sigmoid(log_odds) - bad) ** 2
    told: dict[str, Any] = {
        "rows": len(bad), "bad": int(bad.sum()), "auc": area, "gini": 2 * area - 1, "ks": ks(log_odds, bad), "brier": float(error.mean()),
        "calibration": {"slope": slope, "intercept": intercept, "expected": float(sigmoid(log_odds).mean()), "observed": float(bad.mean())},
        "capture": [one["captured"] for one in tenths], "deciles": tenths, "roc": thinned(*curve(log_odds, bad)),
    }  # fmt: skip
    if intervals:
        low, high = _around(area, math.sqrt(auc_variance(log_odds, bad)))
        captured, bads = tenths[0]["captured"], int(bad.sum())
        told["ci95"] = {
            "auc": [max(0.0, low), min(1.0, high)], "gini": [max(-1.0, 2 * low - 1), min(1.0, 2 * high - 1)],
            "ks": ks_interval(log_odds, bad, seed=seed), "brier": _around(float(error.mean()), float(error.std()) / math.sqrt(len(bad))),
            "calibration_slope": _around(slope, slope_error(log_odds, bad, slope, intercept)),
            "capture_1": _around(captured, math.sqrt(captured * (1 - captured) / bads)),
        }  # fmt: skip
    return told


def _around(middle: float, error: float) -> list[float]:
    return [middle - Z95 * error, middle + Z95 * error]


def thinned(alarm: np.ndarray, found: np.ndarray, points: int = 60) -> list[list[float]]:
    """Return a curve as pairs, at most about `points`, ends included."""
    places = np.unique(np.linspace(0, len(alarm) - 1, min(points, len(alarm))).astype(int))
    return [[round(float(alarm[place]), 5), round(float(found[place]), 5)] for place in places]  # statistics, not money


def by_group(log_odds: np.ndarray, bad: np.ndarray, groups: Mapping[str, np.ndarray], *, least: int = 30) -> list[dict[str, Any]]:
    """Return rows, bad rate, expected bad rate and AUC of each group; no AUC where a group has fewer than ten of a class."""
    told = []
    for name, places in groups.items():
        hit = bad[places]
        if len(hit) < least:
            continue
        both = min(int(hit.sum()), int(len(hit) - hit.sum())) >= 10
        told.append({
            "group": name, "rows": len(hit), "bad": int(hit.sum()), "bad_rate": float(hit.mean()),
            "expected": float(sigmoid(log_odds[places]).mean()), "auc": auc(log_odds[places], hit) if both else None,
        })  # fmt: skip
    return told
