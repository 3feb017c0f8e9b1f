"""Reject inference: what the refused would have done, so that a model also knows the kind of people it never saw repay.

Three methods. *Parcelling*: in each band of the score the refused get the accepted ones' bad rate, raised by a factor, and are drawn good or
bad. *Fuzzy augmentation*: each refused row enters twice, bad with its raised probability as weight and good with the rest. *Reweighting*:
the refused stay out; each accepted row weighs as much as the rows, accepted and refused, it stands for in its band of the chance of
acceptance. See Siddiqi, Credit Risk Scorecards (2006), ch. 6, and Crook & Banasik (2004), Does reject inference really improve the
performance of application scoring models?
"""

from dataclasses import replace

import numpy as np

from risk.modelling import measures
from risk.modelling.refusals import BadTable
from risk.modelling.tables import CATEGORY, Column, Table

NONE, PARCELLING, FUZZY, REWEIGHTING = "none", "parcelling", "fuzzy", "reweighting"
METHODS = (NONE, PARCELLING, FUZZY, REWEIGHTING)
BANDS = 10
FACTOR = 1.2  # the refused are taken to be that much worse in odds than accepted ones of the same score


def joined(table: Table) -> Table:
    """Return the accepted rows, then the rejects, as one table; the outcome of the rejects is 0 for now.

    :raises BadTable: `no_rejects`
    """
    if table.rejects is None:
        raise BadTable("no_rejects")
    count = len(next(iter(table.rejects.values())).values)
    columns = {name: _stacked(column, table.rejects[name]) for name, column in table.columns.items()}
    return replace(table, columns=columns, asides={}, bad=np.r_[table.bad, np.zeros(count, dtype=np.int8)], rejects=None)


def augment(
    table: Table, accepted: np.ndarray, refused: np.ndarray, *, method: str, factor: float = FACTOR, seed: int = 0
) -> tuple[Table, np.ndarray | None]:
    """Return the rows to learn from with their weights of shape (rows,); None where all weigh the same.

    `accepted` and `refused` are the log odds of bad a first model, fitted on the accepted rows, gives to either.

    :raises BadTable: `no_rejects`, or `unknown_kind` of a method
    """
    if method == NONE:
        return table, None
    if method not in METHODS:
        raise BadTable("unknown_kind", kind=method)
    whole = joined(table)
    share = measures.sigmoid(refused + np.log(factor))
    if method == FUZZY:
        places = np.r_[np.arange(table.rows), np.tile(np.arange(table.rows, whole.rows), 2)]
        both = whole.take(places)
        bad = np.r_[table.bad, np.ones(len(refused)), np.zeros(len(refused))].astype(np.int8)
        return replace(both, bad=bad), np.r_[np.ones(table.rows), share, 1 - share]
    edges = np.quantile(accepted, np.linspace(0, 1, BANDS + 1)[1:-1])
    own, theirs = np.searchsorted(edges, accepted), np.searchsorted(edges, refused)
    if method == REWEIGHTING:
        here, there = np.bincount(own, minlength=BANDS), np.bincount(theirs, minlength=BANDS)
        return table, ((here + there) / np.maximum(here, 1))[own]
    rng = np.random.default_rng(seed)
    drawn = np.zeros(len(refused), dtype=np.int8)
    for band in range(BANDS):
        places = np.flatnonzero(theirs == band)
        mine = table.bad[own == band]
        odds = factor * (mine.sum() + 0.5) / (len(mine) - mine.sum() + 0.5)
        count = min(len(places), int(np.floor(len(places) * odds / (1 + odds) + 0.5)))
        drawn[rng.choice(places, count, replace=False)] = 1
    return replace(whole, bad=np.r_[table.bad, drawn]), None


def _stacked(one: Column, other: Column) -> Column:
    if one.kind != CATEGORY:
        return replace(one, values=np.r_[one.values, other.values])
    return replace(one, values=np.r_[one.values, other.values], levels=one.levels)
