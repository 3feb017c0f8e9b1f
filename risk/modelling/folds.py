"""Stratified folds, the same for a seed."""

import numpy as np

from risk.modelling.refusals import BadTable


def stratified(bad: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each row, as scikit-learn's StratifiedKFold(shuffle=True, random_state=seed) draws them.

    :raises BadTable: `bad_folds` or `few_cases`
    """
    from sklearn.model_selection import StratifiedKFold

    if not 2 <= folds <= 20:
        raise BadTable("bad_folds", folds=folds)
    least = int(min(bad.sum(), len(bad) - bad.sum()))
    if least < folds:
        raise BadTable("few_cases", count=least, least=folds)
    found = np.empty(len(bad), dtype=np.int8)
    for number, (_rest, held) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=seed).split(bad, bad)):
        found[held] = number
    return found
