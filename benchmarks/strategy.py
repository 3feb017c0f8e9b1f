"""One evaluation of the shipped strategy in process: check of the facts, card, graph, trace; beside the bare engine on the same graph.

    .venv/bin/python benchmarks/strategy.py [--small]

No database: the card is the one the tests keep. The bare engine gets the facts in its own types and gives a result without trace or
check; the search for what would pass is measured over declined and referred cases. The last line of stdout is one JSON object.
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
sys.path.insert(0, str(ROOT))
os.environ.setdefault("CRM_ENV", "tooling")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")


def times(run: Callable[[int], Any], count: int) -> dict[str, float]:
    """Return p50 and p99 of `count` calls, in microseconds, after a tenth of them to warm up."""
    for number in range(count // 10):
        run(number)
    took = []
    for number in range(count):
        began = time.perf_counter_ns()
        run(number)
        took.append(time.perf_counter_ns() - began)
    took.sort()
    return {"p50_us": round(statistics.median(took) / 1000, 1), "p99_us": round(took[int(len(took) * 0.99)] / 1000, 1)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    count = 1_000 if parser.parse_args().small else 20_000
    import django

    django.setup()
    from risk import facts, suggestions
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
    figures = {
        "whole": times(lambda number: shipped.run(cases[number % len(cases)]), count),
        "check": times(lambda number: facts.check(cases[number % len(cases)], shipped.schema), count),
        "bare": times(lambda number: shipped.engine.evaluate(KEY, bare[number % len(bare)]), count),
        "bare_traced": times(lambda number: shipped.engine.evaluate(KEY, bare[number % len(bare)], {"trace": True}), count),
        "what_would_pass": times(
            lambda number: suggestions.find(shipped, left[number % len(left)].facts, left[number % len(left)].reasons), count // 50
        ),
    }
    result = {
        "name": "strategy",
        "sizes": {"evaluations": count, "cases": len(cases), "nodes": len(shipped.graph.nodes)},
        "figures": figures,
        "floor": figures["bare"],
        "peer": "zen-engine on the same graph and card, without check of the facts, without trace",
        "ratios": {"whole_to_bare": round(figures["whole"]["p50_us"] / figures["bare"]["p50_us"], 2)},
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
