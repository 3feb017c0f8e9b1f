"""Gain curves of orders over the same rows: what share of the whole lies in the first calls, with intervals by the bootstrap. No Django."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

FIRST = 0.2  # of the calls
POINTS = 50
ROUNDS, SEED = 500, 1994


def compared(values: Sequence[int], weights: Mapping[str, Sequence[int]], *, to: str) -> list[dict[str, Any]]:
    """Return by order its curve at `POINTS` + 1 shares of calls, the share of all values in the first fifth, and how much more `to` has.

    Intervals are of 95 %, by drawing rows anew, the same for every order: differences are of pairs. Rows of equal weight stand as they came.

    :param values: what came of each row, a whole number of at least 0, not all 0
    :param weights: by order, what each row weighs; the heaviest is called first
    """
    import numpy as np

    came = np.array(values, dtype=float)
    places = {name: np.argsort(-np.array(given, dtype=float), kind="stable") for name, given in weights.items()}
    drawn = {name: _drawn(came, order) for name, order in places.items()}
    first = {name: float(came[order][: _calls(len(came))].sum() / came.sum()) for name, order in places.items()}
    found = []
    for name, order in places.items():
        curve = np.concatenate([[0.0], np.cumsum(came[order]) / came.sum()])
        less = drawn[to] - drawn[name]
        found.append({
            "order": name, "first": first[name], "low": _at(drawn[name], 0.025), "high": _at(drawn[name], 0.975),
            "curve": [float(np.interp(place, np.arange(len(curve)), curve)) for place in np.linspace(0, len(came), POINTS + 1)],
            "house_more": first[to] - first[name], "house_more_low": _at(less, 0.025), "house_more_high": _at(less, 0.975),
        })  # fmt: skip
    return found


def _at(values: Any, share: float) -> float:
    import numpy as np

    return float(np.quantile(values, share))


def _calls(rows: int) -> int:
    return max(1, int(rows * FIRST))


def _drawn(came: Any, order: Any) -> Any:
    """Return the share in the first fifth of each of `ROUNDS` drawings."""
    import numpy as np

    chance = np.random.default_rng(SEED)
    size, calls = len(came), _calls(len(came))
    rank = np.empty(size, dtype=int)
    rank[order] = np.arange(size)
    told = np.empty(ROUNDS)
    for number in range(ROUNDS):
        taken = chance.integers(0, size, size)
        first = taken[np.argsort(rank[taken], kind="stable")[:calls]]
        whole = came[taken].sum()
        told[number] = came[first].sum() / whole if whole else 0.0
    return told


def expected_calibration_error(tenths: Sequence[Mapping[str, Any]]) -> float:
    """Return how far expected and observed shares lie apart, on average over rows: ECE by the tenths of `modelling.measures.deciles`."""
    every = sum(one["rows"] for one in tenths)
    return float(sum(abs(one["expected"] * one["rows"] - one["bad"]) for one in tenths) / every)


def as_row(values: Mapping[str, Any], came: bool) -> dict[str, Any]:
    """Return values of features as a row to learn from, with `bad`: decimals as floats, of a statistic and no booking."""
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()} | {"bad": int(came)}
