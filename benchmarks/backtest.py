"""Applications a second of a backtest on one core, in process, beside the bare engine on the same graph as the floor.

    .venv/bin/python benchmarks/backtest.py [--small]

The shipped strategy with the scorecard trained on the German credit data runs over the real applications of that file, repeated. Measured
in time of this process' processor: `run` with its trace, the short path without it, the short path with everything a worker does
for a part (facts fitted, counted, packed), and the engine alone as the library offers it (with the scorecard's node answering in Python, and with the score given
beforehand). Needs no database. The last line of stdout is one JSON object.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own
os.environ.setdefault("CRM_ENV", "tooling")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

from benchmarks.common import rounded, say  # noqa: E402

AIM = 1_500


def main() -> int:
    """Measure and print; the exit code says whether the aim is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    number = 1_000 if parser.parse_args().small else 5_000
    import django

    django.setup()
    from risk import backtests, facts, populations, tallies
    from risk.one_pass import GIVEN
    from risk.strategies import KEY

    people = applications(number)
    strategy = shipped()
    if strategy.why_not_told:
        say(f"the shipped graph goes the plain way: {strategy.why_not_told}")
    given = []
    for one in people:
        clean, _problems = facts.check(one, strategy.schema)
        given.append(facts.for_engine(clean, strategy.schema))
    scored = [one | {GIVEN: told(strategy.card.score(one))} for one in given] if strategy.card else given

    rows = [populations.Row(place, one, tallies.Answer("refer", reasons=("x",))) for place, one in enumerate(people)]
    runner = object.__new__(backtests.Runner)
    runner.__dict__.update(
        backtest=SimpleNamespace(defaults={}), sides=[None, strategy], costs=tallies.Costs(600_000, 40_000, 30_000), horizon=12,
        dimensions=sorted(name for name, fact in strategy.schema.facts.items() if fact.type in ("category", "boolean")), protected=["personal_status_sex"],
    )  # fmt: skip

    def parts() -> None:
        for begin in range(0, len(rows), backtests.CHUNK):
            cases = runner.cases(rows[begin : begin + backtests.CHUNK], {})
            tallies.tally(cases, runner.costs, arms=2)
            json.dumps(tallies.packed(cases))

    def each(door: Callable[[Any], Any], over: list[Any]) -> Callable[[], None]:
        def loop() -> None:
            for one in over:
                door(one)

        return loop

    figures = {
        "run_with_trace_per_second": speed(each(strategy.run, people), number),
        "quick_per_second": speed(each(strategy.concludes, people), number),
        "backtest_part_per_second": speed(parts, number),
    }
    floor = {"bare_engine_per_second": speed(each(lambda one: strategy.engine.evaluate(KEY, one), given), number)}
    if strategy._short is not None:
        floor["bare_engine_score_given_per_second"] = speed(each(lambda one: strategy._short.evaluate(KEY, one), scored), number)
    ratios = {
        "backtest_over_aim_of_1500": figures["backtest_part_per_second"] / AIM,
        "backtest_over_bare_engine": figures["backtest_part_per_second"] / floor["bare_engine_per_second"],
        "quick_over_run": figures["quick_per_second"] / figures["run_with_trace_per_second"],
    }
    print(json.dumps(rounded({
        "name": "backtest", "sizes": {"applications": number, "arms": 1}, "figures": figures, "floor": floor, "peer": {}, "ratios": ratios,
    })))  # fmt: skip
    return 0 if figures["backtest_part_per_second"] >= AIM else 1


def told(score: Any) -> dict[str, Any]:
    return {"score": score.score, "pd": float(score.pd)}


def speed(work: Callable[[], None], number: int) -> float:
    """Return applications a second of processor time, the best of three."""
    best = 0.0
    for _round in range(3):
        began = time.process_time()
        work()
        best = max(best, number / (time.process_time() - began))
    return best


def shipped() -> Any:
    """Return the shipped strategy with a scorecard trained now, without a database."""
    from risk import german, scorecards, training, words
    from risk.registry import CARD, FEATURES, RETAIL
    from risk.strategies import Strategy

    say("training the scorecard")
    fitted, held_out = german.split(german.rows(), seed=20_261_122)
    plan = training.Plan(CARD, FEATURES, words.data("scorecard_reasons"), scale=scorecards.Scale(), seed=20_261_122)
    card = scorecards.load(training.train(fitted, held_out, plan).content)
    return Strategy(words.data(RETAIL), words.data("input_schema"), words.data("policy_reasons"), card)


def applications(number: int) -> list[dict[str, Any]]:
    """Return the facts of real applications as they are stored with a decision, with the terms of a product."""
    from risk import german, words

    terms: dict[str, Any] = {
        "product_min": "1000.00", "product_max": "50000.00", "term_min": 3, "term_max": 36, "rate_a": "0.12", "rate_b": "0.15",
        "rate_c": "0.18", "rate_d": "0.20", "rate_cap": "0.24", "income": "9000.00", "monthly_debt": "500.00", "exposure": "0.00",
        "exposure_cap": "200000.00", "current_dpd": 0, "consent_bureau": True,
    }  # fmt: skip
    declared = {row["name"]: row for row in words.data("input_schema")["facts"]}
    rows = german.rows()
    made = []
    for place in range(number):
        row = {name: value for name, value in rows[place % len(rows)].items() if name in declared}
        row = {name: f"{Decimal(value):.2f}" if declared[name]["type"] == "money" else value for name, value in row.items()}
        made.append({name: value for name, value in (terms | row).items() if name in declared} | _required(declared, terms | row))
    return made


def _required(declared: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return a plausible value for what a later schema requires and these applications do not have."""
    found: dict[str, Any] = {}
    for name, row in declared.items():
        if row["required"] and name not in known:
            least = row.get("min")
            plain = {
                "boolean": False,
                "category": (row.get("values") or [""])[0],
                "integer": int(least or 0),
                "money": f"{Decimal(least or 0):.2f}",
            }
            found[name] = plain.get(row["type"], str(least or 0))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
