"""One evaluation of the shipped strategy in process: check of the facts, card, graph, trace; beside the bare engine on the same graph.

    .venv/bin/python benchmarks/strategy.py [--small]

No database: the card is the one the tests keep. `whole` is what a decision costs: check of the facts, card, graph, trace, words of the
outcome; `plain` is the same through the engine's own trace of the graph as it was drawn. The bare engine gets the facts in its own types
on that graph, without trace and with its own, and checks nothing. `floor` is the engine alone on the graph in one pass, the score given.
The search for what would pass is measured over declined and referred cases. Rounds take turns, so that a busy moment hits all alike; each
figure is that of its best round by p50, beside the time of this thread's processor. The last line of stdout is one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own
os.environ.setdefault("CRM_ENV", "tooling")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")


ROUNDS = 5
AIM_US = 500


def times(run: Callable[[int], Any], count: int) -> dict[str, float]:
    """Return p50 and p99 of `count` calls and the processor's time of one, in microseconds, after a tenth of them to warm up."""
    for number in range(count // 10):
        run(number)
    took = []
    busy = time.thread_time_ns()
    for number in range(count):
        began = time.perf_counter_ns()
        run(number)
        took.append(time.perf_counter_ns() - began)
    busy = time.thread_time_ns() - busy
    took.sort()
    return {
        "p50_us": round(statistics.median(took) / 1000, 1), "p99_us": round(took[int(len(took) * 0.99)] / 1000, 1),
        "cpu_us": round(busy / count / 1000, 1),
    }  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    count = 1_000 if parser.parse_args().small else 20_000
    import django

    django.setup()
    from risk import facts, suggestions
    from risk.one_pass import GIVEN
    from risk.strategies import KEY
    from tests.risk.support import FACTS, MIDDLING, WEAK, D, strategy

    cases = [
        FACTS,
        FACTS | MIDDLING,
        FACTS | WEAK,
        FACTS | {"monthly_debt": D("4500.00")},
        FACTS | {"age": 17},
        FACTS | {"shared_mobile": 1},
    ]
    shipped = strategy()
    bare = [facts.for_engine(facts.check(one, shipped.schema)[0], shipped.schema) for one in cases]
    verdicts = [shipped.run(one) for one in cases]
    left = [verdict for verdict in verdicts if verdict.outcome != "approve"]
    short: Any = shipped._short
    scored = [{**one, GIVEN: given(shipped.card, one)} for one in bare]
    doors: dict[str, tuple[Callable[[int], Any], int]] = {
        "whole": (lambda number: shipped.run(cases[number % len(cases)]), count),
        "without_trace": (lambda number: shipped.concludes(cases[number % len(cases)]), count),
        "plain": (lambda number: shipped.run(cases[number % len(cases)], plainly=True), count // 4),
        "check": (lambda number: facts.check(cases[number % len(cases)], shipped.schema), count),
        "bare": (lambda number: shipped.engine.evaluate(KEY, bare[number % len(bare)]), count),
        "bare_traced": (lambda number: shipped.engine.evaluate(KEY, bare[number % len(bare)], {"trace": True}), count // 4),
        "engine_in_one_pass": (lambda number: short.evaluate(KEY, scored[number % len(scored)]), count),
        "what_would_pass": (
            lambda number: suggestions.find(shipped, left[number % len(left)].facts, left[number % len(left)].reasons),
            count // 50,
        ),
    }
    rounds = [{name: times(run, many // ROUNDS) for name, (run, many) in doors.items()} for _round in range(ROUNDS)]
    figures = {name: min((one[name] for one in rounds), key=lambda told: told["p50_us"]) for name in doors}
    whole = figures["whole"]["p50_us"]
    result = {
        "name": "strategy",
        "sizes": {
            "evaluations": count,
            "rounds": ROUNDS,
            "cases": len(cases),
            "nodes": len(shipped.graph.nodes),
            "load": os.getloadavg()[0],
        },
        "figures": figures,
        "floor": figures.pop("engine_in_one_pass"),
        "peer": {"bare": figures["bare"], "bare_traced": figures["bare_traced"]},
        "ratios": {
            "whole_to_bare": round(whole / figures["bare"]["p50_us"], 2),
            "whole_to_bare_traced": round(whole / figures["bare_traced"]["p50_us"], 2),
            "whole_to_aim_of_500_us": round(whole / AIM_US, 2),
        },
    }
    print(json.dumps(result))
    return 0 if whole < AIM_US else 1


def given(card: Any, one: dict[str, Any]) -> dict[str, Any]:
    score = card.score(one)
    return {"score": score.score, "pd": float(score.pd)}


if __name__ == "__main__":
    raise SystemExit(main())
