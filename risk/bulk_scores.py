"""Scoring many rows at once with any model kept as JSON: numpy in, numpy out. No Django; a table of a million rows takes seconds or less.

Columns are a mapping of name to array of shape (rows,): numbers as float64 with NaN for absent (or whole numbers), categories as `Codes`
(codes into levels, -1 for absent) or as objects with None for absent. A column that is not there is absent in every row. The results are those
of the model's own `score`, row by row: a scorecard's points are summed in the order of its features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from risk.blends import Blend
from risk.boosters import Booster, Input
from risk.scorecards import Feature, Scorecard, Unscorable
from risk.scoring import Model

if TYPE_CHECKING:
    from risk.modelling.tables import Table

CHUNK = 65_536  # rows that stay in the processor's cache while a feature is read


@dataclass(frozen=True, eq=False)
class Codes:
    """A category's values: int codes of shape (rows,) into `levels`, -1 for absent."""

    codes: np.ndarray
    levels: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice) -> "Codes":
        return Codes(self.codes[rows], self.levels)


Columns = Mapping[str, "np.ndarray | Codes"]


@dataclass(frozen=True, eq=False)
class Scores:
    """What came out, each of shape (rows,): log odds of bad, the exact score, and the probability of default."""

    log_odds_bad: np.ndarray
    exact: np.ndarray
    pd: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """The scores as whole numbers, half up."""
        return np.floor(self.exact + 0.5).astype(np.int64)


def score(model: Model, columns: Columns) -> Scores:
    """Score rows with a model of any kind.

    :raises Unscorable: if a numeric feature is given a column of texts
    """
    log_odds = log_odds_bad(model, columns)
    curve = getattr(model, "pd_curve", ())
    bent = np.interp(log_odds, *np.array(curve).T) if curve else log_odds
    return Scores(log_odds, model.scale.offset - model.scale.factor * log_odds, 0.5 * (1 + np.tanh(bent / 2)))


def log_odds_bad(model: Model, columns: Columns) -> np.ndarray:
    """Return the log of odds bad to good of each row, of shape (rows,)."""
    rows = len(next(iter(columns.values()))) if columns else 0
    if isinstance(model, Scorecard):
        return _summed(model, columns, rows, [np.array([one.coefficient * cell.woe for cell in _cells(one)]) for one in model.features],
                       model.intercept)  # fmt: skip
    if isinstance(model, Booster):
        return np.asarray(model.slope * raw(model, columns) + model.intercept)
    assert isinstance(model, Blend)
    total = np.zeros(rows)
    for weight, part in model.parts:
        total += weight * log_odds_bad(part, columns)
    return model.slope * total + model.intercept


def points(card: Scorecard, columns: Columns) -> np.ndarray:
    """Return the sum of a card's points of each row, of shape (rows,), added in the order of the features."""
    rows = len(next(iter(columns.values()))) if columns else 0
    return _summed(card, columns, rows, [np.array([cell.points for cell in _cells(one)]) for one in card.features], 0.0)


def raw(model: Booster, columns: Columns, *, threads: int = 0) -> np.ndarray:
    """Return what the trees give each row before calibration, of shape (rows,)."""
    rows = len(next(iter(columns.values()))) if columns else 0
    return np.asarray(model.booster.predict(matrix(model, columns, rows), raw_score=True, num_threads=threads))


def matrix(model: Booster, columns: Columns, rows: int) -> np.ndarray:
    """Return the numbers the trees read, float64 of shape (rows, features)."""
    made = np.empty((rows, len(model.inputs)))
    for place, one in enumerate(model.inputs):
        made[:, place] = _read(one, columns.get(one.name), rows)
    return made


def of_table(table: "Table") -> dict[str, "np.ndarray | Codes"]:
    """Return the columns of a table read by `risk.modelling.tables`."""
    return {name: Codes(one.values, one.levels) if one.levels else one.values for name, one in table.columns.items()}


def _cells(feature: Feature) -> list[Any]:
    """Return the cells of a feature in the order `_places` numbers them: ordinary, missing, unseen, then those of single values."""
    return [*feature.cells, feature.missing, feature.unseen, *_singles(feature).values()]


def _singles(feature: Feature) -> dict[Any, Any]:
    return dict(feature.by_value) if feature.splits is not None else {}


def _summed(card: Scorecard, columns: Columns, rows: int, tables: list[np.ndarray], start: float) -> np.ndarray:
    total = np.full(rows, start)
    made = [_prepared(one, columns.get(one.name)) for one in card.features]
    for first in range(0, rows, CHUNK):
        part = slice(first, first + CHUNK)
        into = total[part]
        for feature, column, table in zip(card.features, made, tables, strict=True):
            if column is None:
                into += table[len(feature.cells)]
            else:
                into += table[_places(feature, column[part])]
    return total


def _prepared(feature: Feature, column: Any) -> Any:
    """Return a column as it is read: floats for a number, codes of cells for a category."""
    if column is None:
        return None
    if feature.splits is not None:
        if isinstance(column, Codes) or (column.dtype == object and any(isinstance(one, str) for one in column[:1000])):
            raise Unscorable(f"{feature.name} must be a number")
        return column if column.dtype == np.float64 else np.array([np.nan if one is None else float(one) for one in column])
    if not isinstance(column, Codes):
        column = coded(column)
    size = len(feature.cells)
    where = {id(cell): place for place, cell in enumerate(feature.cells)}
    turn = [where[id(feature.by_value[level])] if level in feature.by_value else size + 1 for level in column.levels]
    return Codes(np.array([*turn, size], dtype=np.intp)[column.codes], ())


def _places(feature: Feature, column: Any) -> np.ndarray:
    if isinstance(column, Codes):
        return column.codes
    size = len(feature.cells)
    found: np.ndarray = np.zeros(len(column), dtype=np.uint8)
    for split in feature.splits or ():  # a compare a limit is several times faster than a search a row
        found += column >= split
    gone = np.isnan(column)
    if gone.any():
        found[gone] = size
    for place, value in enumerate(_singles(feature)):
        found[column == value] = size + 2 + place
    return found


def coded(column: np.ndarray) -> Codes:
    """Return the codes of a column of objects; None and NaN are absent."""
    import pandas

    codes, levels = pandas.factorize(column)
    return Codes(codes, tuple(levels))


def _read(one: Input, column: Any, rows: int) -> np.ndarray:
    if column is None:
        return np.full(rows, one.missing)
    if one.numeric:
        if isinstance(column, Codes):
            raise Unscorable(f"{one.name} must be a number")
        return np.asarray(column, dtype=float)
    if not isinstance(column, Codes):
        column = coded(column)
    turn = [one.values.get(level, one.unseen) for level in column.levels]
    return np.array([*turn, one.missing])[column.codes]
