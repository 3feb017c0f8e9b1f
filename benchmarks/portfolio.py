"""Re-scoring a portfolio of a million accounts from and to PostgreSQL, beside what moving the rows alone takes.

    .venv/bin/python benchmarks/portfolio.py [--small] [--accounts N] [--runs N]

Accounts are made by SQL in a table of their own, in a database of their own: twelve features of conduct, some of them absent. `ours` is what
`manage.py score_portfolio` does with columns: COPY out, our card over whole columns to score and probability, COPY in. `trees` is the same
with LightGBM of the same features. `floor` is COPY out, one matrix product with a logistic curve, COPY in: nothing that scores can be
quicker than that. The card and the trees are fitted here, on a part of the same accounts whose outcome is drawn.
The last line of stdout is one JSON object.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

from benchmarks.common import rounded, say, settings_of  # noqa: E402
from crm import servers  # noqa: E402

AREA = "bench-portfolio"
AIM_SECONDS = 60.0
FITTED = 20_000
# feature → SQL of its value for account n; r(k) is a fixed draw of the account in [0, 1)
DRAW = "(abs(hashint8(n * 97 + {k})::bigint) %% 100000) / 100000.0"
FEATURES = {
    "days_late": "CASE WHEN {0} < 0.85 THEN 0 ELSE floor({1} * 120) END",
    "days_late_worst_3m": "CASE WHEN {2} < 0.8 THEN 0 ELSE floor({1} * 150) END",
    "days_late_worst_12m": "CASE WHEN {3} < 0.1 THEN NULL ELSE floor({3} * {4} * 200) END",
    "months_late_12m": "floor({4} * {4} * 12)",
    "on_time_share_12m": "CASE WHEN {5} < 0.05 THEN NULL ELSE round((1 - {5} * {5})::numeric, 6) END",
    "days_since_repayment": "floor({6} * 90)",
    "repayments_90d": "floor({7} * 5)",
    "outstanding": "round(({8} * 50000)::numeric, 2)",
    "months_on_book": "floor({9} * 48)",
    "loans_owing": "1 + floor({10} * {10} * 4)",
    "applications_90d": "floor({11} * {11} * 6)",
    "judged_score": "CASE WHEN {12} < 0.02 THEN NULL ELSE 450 + floor({12} * 150) END",
}
RISK = "0.04 + 0.5 * ({0} >= 0.85)::int * {1} + 0.15 * {4} * {4} + 0.1 * (1 - {12})"


def sql(text: str) -> str:
    return text.format(*(DRAW.format(k=k) for k in range(13)))


def fill(cursor: Any, accounts: int) -> None:
    """Make the accounts and the table the scores go to."""
    columns = ", ".join(f"{sql(value)} AS {name}" for name, value in FEATURES.items())
    cursor.execute("DROP TABLE IF EXISTS bench_account, bench_score")
    cursor.execute(
        f"CREATE UNLOGGED TABLE bench_account AS SELECT n AS account_id, {columns},"
        f" ({DRAW.format(k=99)} < {sql(RISK)})::int AS bad FROM generate_series(1::bigint, %s) AS n",
        [accounts],
    )
    cursor.execute("CREATE TABLE bench_score (account_id bigint NOT NULL, score int NOT NULL, pd numeric(7, 6) NOT NULL)")
    cursor.execute("ANALYZE bench_account")


def measured(cursor: Any, names: list[str], predict: Callable[[dict[str, Any]], tuple[Any, Any]]) -> dict[str, float]:
    """Return the seconds of the three parts of one re-score, committed."""
    from risk import portfolio

    cursor.execute("TRUNCATE bench_score")
    cursor.connection.commit()
    kinds = {"account_id": "key"} | dict.fromkeys(names, "numeric")
    marks = [time.perf_counter()]
    columns = portfolio.copied_out(cursor, f"SELECT account_id, {', '.join(names)} FROM bench_account", kinds)
    marks.append(time.perf_counter())
    score, probability = predict(columns)
    marks.append(time.perf_counter())
    portfolio.copied_in(cursor, "bench_score", ("account_id", "score", "pd"), (columns["account_id"], score, probability))
    cursor.connection.commit()
    marks.append(time.perf_counter())
    out, scored, back = (after - before for before, after in itertools.pairwise(marks))
    return {"copy_out_seconds": out, "score_seconds": scored, "copy_in_seconds": back, "seconds": out + scored + back}


def measure(cursor: Any, accounts: int, runs: int) -> dict[str, Any]:
    """Fit, re-score, compare a few scores with those of one account alone."""
    import numpy as np
    from psycopg2.extras import RealDictCursor

    from risk import bulk_scores, scoring, training, words
    from risk.modelling import tables
    from risk.modelling.train import train

    names = list(FEATURES)
    with cursor.connection.cursor(cursor_factory=RealDictCursor) as rows:
        rows.execute(f"SELECT {', '.join(names)}, bad FROM bench_account WHERE account_id <= {FITTED} ORDER BY account_id")
        sample = [{name: None if value is None else float(value) for name, value in row.items()} for row in rows.fetchall()]
    cut = len(sample) * 7 // 10
    say(f"fitting on {len(sample):,} accounts")
    plan = training.Plan("behaviour", dict.fromkeys(names, "numeric"), words.data("behaviour_reasons"))
    card = scoring.load(training.train(sample[:cut], sample[cut:], plan).content)
    trees = scoring.load(train(tables.from_rows(sample, dict.fromkeys(names, "numeric"), "bad"), kind="lightgbm", cv=2, seed=0).content)
    weights = np.linspace(-0.01, 0.01, len(names))

    def ours(model: Any) -> Callable[[dict[str, Any]], tuple[Any, Any]]:
        def predict(columns: dict[str, Any]) -> tuple[Any, Any]:
            found = bulk_scores.score(model, {name: columns[name] for name in model.names})
            return found.score, found.pd

        return predict

    def floor(columns: dict[str, Any]) -> tuple[Any, Any]:
        log_odds = np.nan_to_num(np.column_stack([columns[name] for name in names])) @ weights / 1000
        return np.rint(log_odds).astype(np.int64), 1 / (1 + np.exp(-log_odds))

    result: dict[str, Any] = {"accounts": accounts, "features": len(names)}
    for name, predict in (("floor", floor), ("ours", ours(card)), ("trees", ours(trees))):
        found = min((measured(cursor, names, predict) for _ in range(runs)), key=lambda one: one["seconds"])
        result[name] = found | {"accounts_per_second": accounts / found["seconds"]}
        say(f"{name}: {found['seconds']:.2f} s, of it scoring {found['score_seconds']:.2f} s")
        if name != "floor":
            result[name]["over_floor"] = found["seconds"] / result["floor"]["seconds"]
            model = card if name == "ours" else trees
            cursor.execute("SELECT account_id, score FROM bench_score WHERE account_id <= 500")
            stored = dict(cursor.fetchall())
            differing = sum(stored[place] != model.score(sample[place - 1]).score for place in range(1, 501))
            result[name]["differing_of_500"] = differing
    result["aim_seconds"] = AIM_SECONDS
    result["within_aim"] = result["ours"]["seconds"] <= AIM_SECONDS and result["trees"]["seconds"] <= AIM_SECONDS
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="20,000 accounts, for trying")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="the quickest of them is told")
    given = parser.parse_args()
    accounts = 20_000 if given.small else given.accounts
    with servers.joined(AREA, external=False) as joined:
        settings_of(joined.environment, AREA)
        import django
        import psycopg2

        django.setup()
        link = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
        with link.cursor() as cursor:
            say(f"making {accounts:,} accounts")
            fill(cursor, accounts)
            link.commit()
            result = measure(cursor, accounts, given.runs)
            cursor.execute("DROP TABLE bench_account, bench_score")
        link.commit()
        link.close()
    print(json.dumps(rounded(result)))
    return 0 if result["within_aim"] else 1


if __name__ == "__main__":
    sys.exit(main())
