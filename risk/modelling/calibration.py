"""Calibration: from a ranking to probabilities that come true. Fitted on rows the model has not seen, kept as numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from risk.modelling import measures

LEAST_BADS = 500  # with fewer, the steps of an isotonic curve follow chance
WORTH = 0.0005  # of the Brier score, relatively, before the curve replaces the line
KNOTS = 40


def platt(raw: np.ndarray, bad: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """Return (slope, intercept) that turn raw log odds into calibrated ones.

    The slope is held above 0.2: a calibration may flatten a ranking and never turn it round.
    """
    slope, intercept = measures.line(raw, bad, weight)
    if slope >= 0.2:
        return slope, intercept
    return 0.2, measures.line(0.2 * raw, bad, weight)[1]


def isotonic(log_odds: np.ndarray, bad: np.ndarray) -> list[list[float]]:
    """Return knots (log odds, calibrated log odds), both rising: straight lines between them, flat beyond the ends.

    The steps of the isotonic regression are smoothed towards each other only where they stand for fewer than 20 rows.
    """
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(log_odds, kind="stable")
    x, y = log_odds[order], bad[order].astype(float)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(x, y).predict(x)
    steps = np.flatnonzero(np.r_[True, fitted[1:] > fitted[:-1]])
    knots: list[list[float]] = []
    for places in np.split(np.arange(len(x)), steps[1:]):
        if len(places) < 20:
            continue
        share = (y[places].sum() + 0.5) / (len(places) + 1)
        at, value = float(x[places].mean()), float(measures.logit(np.array([share]))[0])
        if not knots or (at > knots[-1][0] and value > knots[-1][1]):
            knots.append([at, value])
    if len(knots) > KNOTS:
        knots = [knots[place] for place in np.unique(np.linspace(0, len(knots) - 1, KNOTS).astype(int))]
    return knots


def bent(log_odds: np.ndarray, knots: Sequence[Sequence[float]]) -> np.ndarray:
    """Return log odds read off a curve of knots."""
    x, y = np.array(knots).T
    return np.interp(log_odds, x, y)


def choose(log_odds: np.ndarray, bad: np.ndarray, fold: np.ndarray) -> tuple[list[list[float]] | None, dict[str, Any]]:
    """Return the curve of probabilities when it beats the straight line on held-out folds, with the figures it was chosen by."""
    straight = measures.brier(log_odds, bad)
    told: dict[str, Any] = {"method": "platt", "brier_platt": straight, "brier_isotonic": None}
    if min(bad.sum(), len(bad) - bad.sum()) < LEAST_BADS:
        return None, told
    held = np.empty(len(bad))
    for number in np.unique(fold):
        rest = fold != number
        knots = isotonic(log_odds[rest], bad[rest])
        if len(knots) < 3:
            return None, told
        held[~rest] = bent(log_odds[~rest], knots)
    told["brier_isotonic"] = measures.brier(held, bad)
    if told["brier_isotonic"] < straight * (1 - WORTH):
        return isotonic(log_odds, bad), told | {"method": "isotonic"}
    return None, told
