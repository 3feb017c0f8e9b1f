"""The arithmetic of monitoring: has a population moved, does a score still rank, does it still mean what it said. Pure.

The index of a population (PSI) and the interval of a share stand here for everybody, AUC and KS in `modelling/measures.py`, whose arrays
are loaded only by who asks for them. Sources: PSI as Siddiqi, Credit Risk Scorecards (2006), ch. 9: sum over bins of (a - e) ln(a / e).
Intervals of a share by Wilson (1927). Binary floats on purpose: these are statistics, not money.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

EMPTY = 0.5  # rows an empty bin stands for, as in a scorecard's weights: the logarithm of nothing would outweigh every other bin
Z95 = 1.959963984540054
Z95_ONE_SIDED = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure with its 95 % interval; `value` is None where there is too little to measure."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def plain(self) -> dict[str, float | None]:
        return {"value": rounded(self.value), "low": rounded(self.low), "high": rounded(self.high)}


NOTHING = Measured(None)


def rounded(value: float | None, digits: int = 6) -> float | None:
    """Return a statistic as it is stored and shown, None where it is none."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{digits}f}")


def shares(counts: Sequence[int]) -> list[float]:
    """Return the share of each bin; of no rows, nothing anywhere."""
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def psi_parts(expected: Sequence[int], actual: Sequence[int]) -> list[float]:
    """Return what each bin adds to the population stability index. Counts of the same bins, in the same order.

    A bin that is empty on one side counts half a row there; one that is empty on both adds nothing.

    :raises ValueError: if the bins differ in number
    """
    if len(expected) != len(actual):
        raise ValueError("Both populations are counted in the same bins.")
    before, after = max(sum(expected), 1), max(sum(actual), 1)
    parts = []
    for e, a in zip(expected, actual, strict=True):
        was, now = max(e, EMPTY) / before, max(a, EMPTY) / after
        parts.append((now - was) * math.log(now / was) if e or a else 0.0)
    return parts


def psi(expected: Sequence[int], actual: Sequence[int]) -> float | None:
    """Return the population stability index of `actual` against `expected`; None where one of them has no rows."""
    if not sum(expected) or not sum(actual):
        return None
    return math.fsum(psi_parts(expected, actual))


def psi_noise(expected: Sequence[int], actual: Sequence[int]) -> float:
    """Return what the index stays below in 95 of 100 draws from one and the same population: small samples move it by themselves.

    Yurdakul, Statistical Properties of Population Stability Index (2018): the index over (1/n + 1/m) is chi-square with a degree of
    freedom fewer than bins. The quantile by Wilson and Hilferty (1931), to within a per cent.
    """
    n, m = sum(expected), sum(actual)
    free = sum(1 for e, a in zip(expected, actual, strict=True) if e or a) - 1
    if not n or not m or free < 1:
        return 0.0
    quantile = free * (1 - 2 / (9 * free) + Z95_ONE_SIDED * math.sqrt(2 / (9 * free))) ** 3
    return float(quantile * (1 / n + 1 / m))


def characteristic(expected: Sequence[int], actual: Sequence[int], points: Sequence[float]) -> float | None:
    """Return by how many points a feature's shift moved the average score: sum of (a - e) times the bin's points."""
    if not sum(expected) or not sum(actual):
        return None
    return math.fsum((a - e) * p for e, a, p in zip(shares(expected), shares(actual), points, strict=True))


def place(edges: Sequence[float], value: float) -> int:
    """Return the bin of a value: bin 0 lies below the first edge, an edge belongs to the bin above it."""
    return bisect_right(edges, value)


def edges_of(sorted_values: Sequence[float], bins: int) -> list[float]:
    """Return the inner edges that cut sorted values into at most `bins` of about equal size; ties never share two bins."""
    found: list[float] = []
    for step in range(1, bins):
        edge = sorted_values[len(sorted_values) * step // bins] if sorted_values else 0.0
        if sorted_values and edge > sorted_values[0] and (not found or edge > found[-1]):
            found.append(edge)
    return found


def auc(bad: Sequence[float], good: Sequence[float]) -> Measured:
    """Return how often a bad one stands above a good one (higher is riskier, a tie counts half), with DeLong's interval."""
    if not bad or not good:
        return NOTHING
    from risk.modelling import measures

    score, hit = _arrays(bad, good)
    value, spread = measures.auc(score, hit), math.sqrt(measures.auc_variance(score, hit))
    return Measured(value) if math.isnan(spread) else Measured(value, max(0.0, value - Z95 * spread), min(1.0, value + Z95 * spread))


def ks(bad: Sequence[float], good: Sequence[float]) -> Measured:
    """Return the largest gap between the shares of bad and of good found among the riskiest (Kolmogorov-Smirnov).

    The interval is that of the difference of two shares at the place of the largest gap; it leaves out that the place itself was chosen.
    """
    if not bad or not good:
        return NOTHING
    from risk.modelling import measures

    alarm, found = measures.curve(*_arrays(bad, good))
    place = int((found - alarm).argmax())
    b, g = float(found[place]), float(alarm[place])
    spread = math.sqrt(b * (1 - b) / len(bad) + g * (1 - g) / len(good))
    return Measured(b - g, max(0.0, b - g - Z95 * spread), min(1.0, b - g + Z95 * spread))


def _arrays(bad: Sequence[float], good: Sequence[float]) -> tuple[Any, Any]:
    import numpy as np

    return np.array([*bad, *good], dtype=float), np.repeat([1, 0], [len(bad), len(good)])


def share(hits: int, of: int) -> Measured:
    """Return a share with its interval (Wilson)."""
    if not of:
        return NOTHING
    p, z2 = hits / of, Z95 * Z95
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Measured(p, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Band:
    """One band of scores: how many bad were expected, how many came."""

    label: str
    n: int
    bad: int
    expected: float  # the mean of the predicted probabilities
    observed: Measured

    @property
    def drifted(self) -> bool:
        """Whether what was expected lies outside the interval of what was observed."""
        low, high = self.observed.low, self.observed.high
        return low is not None and high is not None and not low <= self.expected <= high

    def plain(self) -> dict[str, object]:
        return {"label": self.label, "n": self.n, "bad": self.bad, "expected": rounded(self.expected), "drifted": self.drifted,
                "observed": self.observed.plain()}  # fmt: skip


def calibration(rows: Iterable[tuple[int, float, bool]], labels: Sequence[str]) -> list[Band]:
    """Return each band's expected and observed share of bad, of rows (band, predicted probability, bad)."""
    sums = [[0, 0, 0.0] for _ in labels]
    for band, predicted, bad in rows:
        one = sums[band]
        one[0] += 1
        one[1] += bad
        one[2] += predicted
    return [
        Band(label, int(n), int(bad), total / n if n else 0.0, share(int(bad), int(n)))
        for label, (n, bad, total) in zip(labels, sums, strict=True)
    ]


def observed_to_expected(bands: Iterable[Band]) -> Measured:
    """Return bad observed over bad expected, with its interval by the share observed; 1 is what was said."""
    found = list(bands)
    n, bad, expected = sum(b.n for b in found), sum(b.bad for b in found), math.fsum(b.n * b.expected for b in found)
    if not n or expected <= 0:
        return NOTHING
    whole, mean = share(bad, n), expected / n
    return Measured(bad / expected, None if whole.low is None else whole.low / mean, None if whole.high is None else whole.high / mean)
