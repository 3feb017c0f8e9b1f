"""Scoring: a million rows with a scorecard and with trees, one application with reasons. Beside the libraries; the last line is JSON.

    python benchmarks/scoring.py [--rows 1000000] [--small]

The rows are drawn with replacement from the shipped applications, with small noise on the amounts so that no two are alike. The scorecard is
optbinning's own (`Scorecard` with its binning and points); ours is that very card compiled into our JSON, so the points must be the same to
the last decimal. The trees are trained by this product on the same applications.
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

from benchmarks.common import at_share, say  # noqa: E402
from risk import bulk_scores, german, scorecards, scoring  # noqa: E402
from risk.modelling import binning, cards, tables, train  # noqa: E402
from risk.modelling.tables import NUMERIC, Table  # noqa: E402

SEED = 20_261_123
ONES = 2_000


def main() -> int:
    """Measure and print; the exit code says whether every aim is held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--small", action="store_true", help="a quick run of 50,000 rows")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = 50_000 if options.small else options.rows
    table = tables.read(german.PATH, "bad", exclude=["personal_status_sex", "foreign_worker"])
    say("fitting the library's scorecard, and trees")
    library, card = library_card(table)
    booster: Any = scoring.load(train.train(table, kind="lightgbm").content)
    many = drawn(table, rows)
    figures = {"scorecard": bulk_card(library, card, many), "lightgbm": bulk_trees(booster, many), "one": ones(card, booster, many)}
    one = figures["one"]
    aims = {
        "card_over_library_at_least_1.5": figures["scorecard"]["ratio"] >= 1.5, "same_points": figures["scorecard"]["largest_difference"] == 0.0,
        "lightgbm_over_raw_predict_at_least_0.9": figures["lightgbm"]["ratio"] >= 0.9,
        "one_card_under_50_us": one["card_with_reasons_us"]["p50"] < 50, "one_lightgbm_under_1_ms": one["lightgbm_with_contributions_us"]["p50"] < 1_000,
    }  # fmt: skip
    print(json.dumps({"name": "scoring", "sizes": {"rows": rows, "features": len(card.features)}, "figures": figures, "aims": aims}))
    return 0 if all(aims.values()) else 1


def library_card(table: Table) -> tuple[Any, scorecards.Scorecard]:
    """Return optbinning's own scorecard on a table, and the same compiled into our JSON and loaded."""
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    words = [name for name, one in table.columns.items() if one.kind != NUMERIC]
    process = BinningProcess(list(table.names), categorical_variables=words)
    scale = scorecards.Scale()
    library = Scorecard(
        process, LogisticRegression(max_iter=1000), scaling_method="pdo_odds",
        scaling_method_params={"pdo": scale.pdo, "odds": scale.base_odds, "scorecard_points": scale.base_score},
    )  # fmt: skip
    library.fit(frame(table), table.bad.astype(int), metric_missing="empirical", metric_special="empirical")
    bins = {}
    for name, column in table.columns.items():
        found = library.binning_process_.get_binned_variable(name)
        groups = [] if column.kind == NUMERIC else [[str(one) for one in group] for group in found.splits]
        splits = [float(one) for one in found.splits] if column.kind == NUMERIC else []
        bins[name] = binning.counted(column, table.bad, splits=splits, groups=groups)
    model = library.estimator_
    fitted = cards.Fit(bins, tuple(table.names), float(model.intercept_[0]), tuple(float(one) for one in model.coef_[0]), {})
    plan = cards.Plan(scale=scale)
    reasons = {name: train.reason(name) for name in table.names}
    content = cards.content(fitted, table, plan, code="library", reasons=reasons)
    # the library's own points, to the last bit: it adds the same terms in another order
    for spec in content["features"]:
        points = library._df_scorecard[library._df_scorecard.Variable == spec["name"]].Points.to_numpy()
        for cell, value in zip((*spec["bins"], spec["special"], spec["missing"]), points.tolist(), strict=True):
            assert abs(cell["points"] - value) < 1e-9, "the compiled card is not the library's"
            cell["points"] = value
    return library, scorecards.load(content)


def drawn(table: Table, rows: int) -> Table:
    rng = np.random.default_rng(SEED)
    found = table.take(rng.integers(0, table.rows, rows))
    amounts = found.columns["amount"]
    return tables.Table(dict(found.columns) | {"amount": tables.Column("amount", NUMERIC, np.round(amounts.values * rng.uniform(0.9, 1.1, rows), 2))},
                        found.bad, found.target)  # fmt: skip


def frame(table: Table) -> Any:
    import pandas

    return pandas.DataFrame(
        {name: pandas.Series(one.texts(), dtype=object if one.kind != NUMERIC else float) for name, one in table.columns.items()}
    )


def best_of(run: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """Return the shortest time of a few runs, and what the last returned."""
    found, took = None, []
    for _time in range(times):
        began = time.perf_counter()
        found = run()
        took.append(time.perf_counter() - began)
    return min(took), found


def bulk_card(library: Any, card: scorecards.Scorecard, many: Table) -> dict[str, Any]:
    """Both read the same objects: a frame for the library, its columns for us, so that coding the words is our time too."""
    given = frame(many)
    columns = {name: given[name].to_numpy() for name in given.columns}
    say(f"{many.rows:,} rows through the scorecard")
    theirs, due = best_of(lambda: library.score(given))
    own, found = best_of(lambda: bulk_scores.points(card, columns))
    coded, _again = best_of(lambda: bulk_scores.points(card, bulk_scores.of_table(many)))
    return {"rows_per_second": many.rows / own, "rows_per_second_coded": many.rows / coded, "optbinning_rows_per_second": many.rows / theirs,
            "ratio": theirs / own, "largest_difference": float(np.abs(found - due).max())}  # fmt: skip


def bulk_trees(booster: Any, many: Table) -> dict[str, Any]:
    """The floor is LightGBM's predict on a matrix that is ready; ours starts from the columns and ends in probabilities."""
    columns = bulk_scores.of_table(many)
    ready = bulk_scores.matrix(booster, columns, many.rows)
    say(f"{many.rows:,} rows through the trees")
    floor, _raw = best_of(lambda: booster.booster.predict(ready))
    own, _found = best_of(lambda: bulk_scores.score(booster, columns))
    return {"rows_per_second": many.rows / own, "raw_predict_rows_per_second": many.rows / floor, "ratio": floor / own}


def ones(card: Any, booster: Any, many: Table) -> dict[str, Any]:
    facts = list(many.facts(range(ONES)))
    say("one application at a time")
    return {"card_with_reasons_us": times(card.score, facts), "lightgbm_with_contributions_us": times(booster.score, facts)}


def times(run: Callable[[Any], Any], given: list[Any]) -> dict[str, float]:
    took = []
    for one in given:
        began = time.perf_counter_ns()
        run(one)
        took.append((time.perf_counter_ns() - began) / 1_000)
    took.sort()
    return {"p50": at_share(took, 0.5), "p99": at_share(took, 0.99)}


if __name__ == "__main__":
    raise SystemExit(main())
