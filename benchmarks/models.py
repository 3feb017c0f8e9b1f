"""How well our models rank, beside plain libraries on the same folds. The last line is JSON.

    python benchmarks/models.py --data DIR [--only german] [--cv 5 --seed 0]

DIR holds german.csv (target bad), australian.csv (target approved) and taiwan.csv.gz (target DefaultNextMonth). Every model is fitted on
four fifths and measured on the fifth, in turn; ours choose their trend, rounds, weights and calibration inside the four fifths by folds of
their own, so no row takes part in any choice about itself. The exit code says whether `auto` is within 0.001 AUC of the best on every data set.

Peers: optbinning's BinningProcess with logistic regression, library defaults; LightGBM, defaults, categories as its own; scikit-learn's
HistGradientBoosting, defaults, categories as its own.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

import numpy as np  # noqa: E402

from benchmarks.common import say  # noqa: E402
from risk import bulk_scores, scoring  # noqa: E402
from risk.modelling import folds, measures, tables, train  # noqa: E402
from risk.modelling.tables import NUMERIC, Table  # noqa: E402

SETS = {"german": ("german.csv", "bad"), "australian": ("australian.csv", "approved"), "taiwan": ("taiwan.csv.gz", "DefaultNextMonth")}
WITHIN = 0.001
INNER = 5
Fitted = Callable[[Table], np.ndarray]


def main() -> int:
    """Measure and print; the exit code says whether `auto` holds its aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--only", default="", help="one of " + ", ".join(SETS))
    parser.add_argument("--cv", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    told: dict[str, Any] = {}
    for name, (file, target) in SETS.items():
        if options.only in ("", name):
            told[name] = measured(name, tables.read(options.data / file, target), options.cv, options.seed)
    ratios = {name: found["auto"]["auc"] - max(one["auc"] for one in found.values()) for name, found in told.items()}
    print(json.dumps({
        "name": "models", "sizes": {"cv": options.cv, "seed": options.seed}, "figures": told, "auto_over_best_auc": ratios, "aim": -WITHIN,
        "aim_held": all(gap >= -WITHIN for gap in ratios.values()),
    }))  # fmt: skip
    return 0 if all(gap >= -WITHIN for gap in ratios.values()) else 1


def measured(name: str, table: Table, cv: int, seed: int) -> dict[str, dict[str, Any]]:
    """Return the figures of every model on one data set."""
    fold = folds.stratified(table.bad, cv, seed)
    models: dict[str, Callable[[Table], Fitted]] = {
        "our scorecard": lambda rows: ours(rows, "scorecard", seed),
        "our lightgbm": lambda rows: ours(rows, "lightgbm", seed),
        "auto": lambda rows: ours(rows, "auto", seed),
        "optbinning + LR": plain_card,
        "LightGBM": plain_lightgbm,
        "HistGradientBoosting": plain_histogram,
    }
    found = {}
    for label, fit in models.items():
        each = [one_fold(table, fold, number, fit) for number in range(cv)]
        told = {key: float(np.mean([one[key] for one in each])) for key in each[0]}
        told["auc_sd"] = float(np.std([one["auc"] for one in each]))
        found[label] = told
        say(f"{name:10} {label:22} AUC {told['auc']:.4f} ± {told['auc_sd']:.4f}  KS {told['ks']:.4f}  Brier {told['brier']:.4f}  "
            f"{told['train_seconds']:.2f} s")  # fmt: skip
    return found


def one_fold(table: Table, fold: np.ndarray, number: int, fit: Callable[[Table], Fitted]) -> dict[str, float]:
    began = time.perf_counter()
    fitted = fit(table.take(fold != number))
    seconds = time.perf_counter() - began
    there = table.take(fold == number)
    log_odds = fitted(there)
    return {"auc": measures.auc(log_odds, there.bad), "ks": measures.ks(log_odds, there.bad), "brier": measures.brier(log_odds, there.bad),
            "train_seconds": seconds}  # fmt: skip


def ours(rows: Table, kind: str, seed: int) -> Fitted:
    """Train as the product does, and serve from the JSON as the product does."""
    trained = train.train(rows, kind=kind, cv=INNER, seed=seed)
    model = scoring.load(json.loads(json.dumps(trained.content)))
    return lambda there: bulk_scores.log_odds_bad(model, bulk_scores.of_table(there))


def frame(table: Table) -> Any:
    import pandas

    return pandas.DataFrame(
        {name: pandas.Series(one.texts(), dtype=object if one.kind != NUMERIC else float) for name, one in table.columns.items()}
    )


def codes(table: Table) -> tuple[np.ndarray, list[int]]:
    """Return the columns as numbers with categories as codes, and which are categories."""
    made = [np.where(one.missing, np.nan, one.values.astype(float)) for one in table.columns.values()]
    return np.column_stack(made), [place for place, one in enumerate(table.columns.values()) if one.kind != NUMERIC]


def plain_card(rows: Table) -> Fitted:
    from optbinning import BinningProcess
    from sklearn.linear_model import LogisticRegression

    words = [name for name, one in rows.columns.items() if one.kind != NUMERIC]
    process = BinningProcess(list(rows.names), categorical_variables=words)
    woe = process.fit_transform(frame(rows), rows.bad.astype(int))
    model = LogisticRegression(max_iter=1000).fit(woe, rows.bad)
    return lambda there: np.asarray(model.decision_function(process.transform(frame(there))))


def plain_lightgbm(rows: Table) -> Fitted:
    import lightgbm

    values, words = codes(rows)
    model = lightgbm.LGBMClassifier(random_state=0, verbose=-1, n_jobs=1).fit(values, rows.bad, categorical_feature=words or "auto")
    return lambda there: np.asarray(model.predict(codes(there)[0], raw_score=True))


def plain_histogram(rows: Table) -> Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier

    values, words = codes(rows)
    model = HistGradientBoostingClassifier(categorical_features=words or None, random_state=0).fit(values, rows.bad)
    return lambda there: np.asarray(model.decision_function(codes(there)[0]))


if __name__ == "__main__":
    raise SystemExit(main())
