"""Bins of one feature: found by optbinning, counted and weighed by us, kept as plain values.

A bin's weight of evidence is ``ln(share of all good in it / share of all bad in it)``: higher is better. Missing and special values get the
weight their own rows show (the library's default of 0 for missing gives ranking away); a bin without one of the outcomes is counted as if
it held half a row of it. A value never seen in training weighs 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from risk.modelling import refusals
from risk.modelling.refusals import BadTable
from risk.modelling.tables import NUMERIC, Column

MAX_PREBINS = 20
SOUGHT = 100_000  # rows among which bins are sought; all are counted in them
RARE = 0.005  # categories with a smaller share of the rows are put together
TRENDS = ("auto", "auto_asc_desc", "ascending", "descending", "peak", "valley", "none")


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of a feature with what training rows lie in them.

    `splits` of a numeric feature are rising; bin i holds splits[i-1] <= value < splits[i]. `groups` of a category are its values. `good`,
    `bad` and `woe` have shape (ordinary bins + 2,): the last two are special and missing.
    """

    name: str
    kind: str
    splits: tuple[float, ...]
    groups: tuple[tuple[str, ...], ...]
    special: tuple[float, ...]
    good: np.ndarray
    bad: np.ndarray
    woe: np.ndarray
    library: Any = None  # what found the bins, for the proof

    @property
    def size(self) -> int:
        """How many ordinary bins there are."""
        return len(self.good) - 2

    @property
    def iv(self) -> float:
        """The information value over all bins."""
        goods, bads = self.good.sum(), self.bad.sum()
        return float(((self.good / goods - self.bad / bads) * self.woe).sum())

    @property
    def trend(self) -> int:
        """1 where the bad rate rises from bin to bin, -1 where it falls, 0 where it turns, or of categories."""
        if self.kind != NUMERIC or self.size < 2:
            return 0
        steps = np.diff(self.woe[: self.size])
        return 1 if (steps <= 0).all() else -1 if (steps >= 0).all() else 0

    def codes(self, column: Column) -> np.ndarray:
        """Return the bin of each row, of shape (rows,): ordinary from 0, then special, missing, unseen."""
        special, missing, unseen = self.size, self.size + 1, self.size + 2
        if self.kind == NUMERIC:
            if column.kind != NUMERIC:
                return np.full(len(column.values), unseen)
            found = np.searchsorted(np.array(self.splits), column.values, side="right")
            if self.special:
                found[np.isin(column.values, self.special)] = special
            found[np.isnan(column.values)] = missing
            return found
        where = {value: place for place, group in enumerate(self.groups) for value in group}
        levels = column.levels if column.kind != NUMERIC else ()
        if column.kind == NUMERIC:  # a file of codes where words were learned: each number is read as its text
            distinct, place = np.unique(column.values, return_inverse=True)
            turn = np.array([missing if math.isnan(one) else where.get(f"{one:g}", unseen) for one in distinct])
            return turn[place]
        turn = np.array([*(where.get(level, unseen) for level in levels), missing])
        return turn[column.values]

    def woes(self, column: Column) -> np.ndarray:
        """Return the weight of evidence of each row, of shape (rows,)."""
        return np.r_[self.woe, 0.0][self.codes(column)]


def fit(
    column: Column, bad: np.ndarray, weight: np.ndarray | None = None, *, trend: str = "auto_asc_desc", special: Sequence[float] = ()
) -> Bins:
    """Find the best bins by information value, with the trend asked for.

    `trend` goes to optbinning ("auto" lets it choose among rising, falling, peak and valley); "none" lets the bins go as they like.
    """
    if len(bad) > SOUGHT:
        places = np.random.default_rng(0).choice(len(bad), SOUGHT, replace=False)
        splits, groups, library = _search(column.take(places), bad[places], None if weight is None else weight[places], trend, special)
        library = None
    else:
        splits, groups, library = _search(column, bad, weight, trend, special)
    found = counted(column, bad, weight, splits=splits, groups=groups, special=special)
    # for the proof, it must have counted the same rows: it saw them all, and counts weights in whole rows
    return found if weight is not None else replace(found, library=library)


def counted(
    column: Column,
    bad: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    splits: Sequence[float] = (),
    groups: Sequence[Sequence[str]] = (),
    special: Sequence[float] = (),
) -> Bins:
    """Count and weigh rows in given bins.

    :raises BadTable: `bad_edit` if splits do not rise or a value stands in two groups
    """
    edges = tuple(float(one) for one in splits)
    if any(not left < right for left, right in pairwise(edges)) or not all(math.isfinite(one) for one in edges):
        raise BadTable("bad_edit", column=column.name, why=refusals.RISES)
    named = [value for group in groups for value in group]
    if len(named) != len(set(named)) or any(not group for group in groups):
        raise BadTable("bad_edit", column=column.name, why=refusals.TWICE)
    ordinary = len(edges) + 1 if column.kind == NUMERIC else len(groups)
    empty = np.zeros(ordinary + 2)
    bins = Bins(column.name, column.kind, edges, tuple(tuple(group) for group in groups), tuple(special), empty, empty, empty)
    codes = bins.codes(column)
    mass = np.ones(len(bad)) if weight is None else weight
    good = np.bincount(codes, weights=mass * (1 - bad), minlength=ordinary + 3)[: ordinary + 2]
    ill = np.bincount(codes, weights=mass * bad, minlength=ordinary + 3)[: ordinary + 2]
    return Bins(column.name, column.kind, bins.splits, bins.groups, bins.special, good, ill, weights_of_evidence(good, ill))


def weights_of_evidence(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Return the weight of evidence of each bin; an empty bin weighs 0, one outcome alone counts half a row of the other."""
    held = (good > 0) & (bad > 0)
    more = np.where(held, 0.0, 0.5)
    woe = np.log((good + more) / (bad + more)) - math.log(good.sum() / bad.sum())
    return np.where(good + bad > 0, woe, 0.0)


def _search(
    column: Column, bad: np.ndarray, weight: np.ndarray | None, trend: str, special: Sequence[float]
) -> tuple[list[float], list[list[str]], Any]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from optbinning import OptimalBinning

        numeric = column.kind == NUMERIC
        present = ~column.missing
        if special and numeric:
            present &= ~np.isin(column.values, special)
        values = column.values if numeric else column.texts()
        if len(set(bad[present].tolist())) < 2:
            return [], [] if numeric else _together(column), None
        told: dict[str, Any] = {"monotonic_trend": None if trend == "none" else trend} if numeric else {"cat_cutoff": RARE}
        binning = OptimalBinning(
            column.name, dtype="numerical" if numeric else "categorical", solver="cp", max_n_prebins=MAX_PREBINS,
            special_codes=list(special) or None, time_limit=20, **told,
        )  # fmt: skip
        binning.fit(values, bad.astype(int), **({} if weight is None else {"sample_weight": weight}))
        if numeric:
            return [float(one) for one in binning.splits], [], binning
        groups = [sorted(str(one) for one in group) for group in binning.splits]
    return ([], groups, binning) if groups else ([], _together(column), None)


def _together(column: Column) -> list[list[str]]:
    """Return one bin of every value seen: there is too little to part them."""
    return [[level for place, level in enumerate(column.levels) if (column.values == place).any()]]
