"""Schedules a second on one core, beside numpy-financial's pmt/ipmt/ppmt on the same loans, and how fast a loan is replayed.

    .venv/bin/python benchmarks/schedules.py [--small] [--loans N]

The same random loans for both: ours are exact in cents (Decimal, each instalment rounded, the last takes the remainder), one loan after
the other, nothing remembered; numpy-financial makes unrounded floats, once loan by loan and once for all loans of a term in one array.
Both have to agree to within a cent for each instalment rounded. `replay` plays a loan with 12, 120 and 2,400 transactions.
The last line of stdout is one JSON object.
"""

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import numpy_financial

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

from benchmarks.common import rounded, say  # noqa: E402
from credit import machine, schedule  # noqa: E402
from credit.events import Disburse, Event, Repay  # noqa: E402
from credit.terms import METHODS, Terms  # noqa: E402

SEED = 20_261_122
START = date(2026, 1, 15)
TERMS = (3, 6, 12, 24, 36)
REPLAYED = (12, 120, 2400)
AIM_SECONDS = 1.0


def main() -> int:
    """Measure and print; the exit code says whether both gave the same schedules and the replay kept its aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    parser.add_argument("--loans", type=int, help="how many loans; default 20,000, small 1,000")
    options = parser.parse_args()
    count = options.loans or (1_000 if options.small else 20_000)
    loans = made(count)
    say(f"{count:,} schedules of equal instalments")
    ours, rows = timed(lambda: [fresh(each) for each in loans])
    say("numpy-financial, loan by loan")
    theirs, floats = timed(lambda: [by_loan(each) for each in loans])
    say("numpy-financial, all loans of a term in one array")
    arrays, _ = timed(lambda: by_array(loans))
    worst = max(apart(each, row, one) for each, row, one in zip(loans, rows, floats, strict=True))
    methods = {}
    for method in METHODS:
        other = [Terms(each.principal, each.annual_rate, each.periods, each.starts_on, method=method) for each in loans[:1000]]
        methods[method] = len(other) / timed(lambda these=other: [fresh(each) for each in these])[0]
    say("replay")
    replay = {f"{size}_transactions_ms": replayed(size) * 1000 for size in REPLAYED}
    installments = sum(each.periods for each in loans)
    result = {
        "name": "schedules",
        "sizes": {"loans": count, "installments": installments},
        "figures": {
            "schedules_per_second": count / ours,
            "installments_per_second": installments / ours,
            "by_method_per_second": methods,
            "replay": replay,
        },
        "floor": {"worst_difference_per_installment_cents": worst},
        "peer": {
            "numpy_financial_loan_by_loan_per_second": count / theirs,
            "numpy_financial_arrays_per_second": count / arrays,
            "exact_in_cents": False,
        },
        "ratios": {"ours_to_numpy_financial_loan_by_loan": theirs / ours, "ours_to_numpy_financial_arrays": arrays / ours},
    }
    print(json.dumps(rounded(result)))
    return 0 if worst <= 1 and replay[f"{REPLAYED[-1]}_transactions_ms"] < AIM_SECONDS * 1000 else 1


def made(count: int) -> list[Terms]:
    """Return random loans, the same each time."""
    chance = random.Random(SEED)
    return [
        Terms(
            Decimal(chance.randrange(100_000, 20_000_000)) / 100,
            Decimal(chance.randrange(600, 2_400)) / 10_000,
            chance.choice(TERMS),
            START,
        )
        for _ in range(count)
    ]


def fresh(terms: Terms) -> tuple[schedule.Row, ...]:
    """Return the schedule of `terms`, not a remembered one."""
    return schedule._build(terms, ())


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of one core `work` took, and what it gave."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def by_loan(terms: Terms) -> tuple[Any, Any]:
    """Return interest and principal of each period by numpy-financial."""
    rate, periods, amount = float(terms.annual_rate) / 12, numpy.arange(1, terms.periods + 1), -float(terms.principal)
    numpy_financial.pmt(rate, terms.periods, amount)
    return numpy_financial.ipmt(rate, periods, terms.periods, amount), numpy_financial.ppmt(rate, periods, terms.periods, amount)


def by_array(loans: list[Terms]) -> list[tuple[Any, Any]]:
    """Return the same for all loans, one array for each term."""
    groups: dict[int, list[Terms]] = defaultdict(list)
    for each in loans:
        groups[each.periods].append(each)
    found = []
    for term, group in groups.items():
        rates = numpy.array([[float(each.annual_rate) / 12] for each in group])
        amounts = numpy.array([[-float(each.principal)] for each in group])
        periods = numpy.arange(1, term + 1)[None, :]
        numpy_financial.pmt(rates, term, amounts)
        found.append((numpy_financial.ipmt(rates, periods, term, amounts), numpy_financial.ppmt(rates, periods, term, amounts)))
    return found


def apart(terms: Terms, rows: tuple[schedule.Row, ...], floats: tuple[Any, Any]) -> float:
    """Return by how many cents for each rounded instalment the two differ: every rounding may carry half a cent on, with interest."""
    interest = abs(float(sum(row.interest for row in rows)) - float(floats[0].sum()))
    return interest * 100 / terms.periods


def replayed(size: int) -> float:
    """Return the seconds one play of a loan with `size` transactions takes, the best of some."""
    terms = Terms(Decimal("12000.00"), Decimal("0.18"), 12, START)
    events: list[Event] = [Disburse(key="out", on=START, amount=terms.principal)]
    if size == terms.periods:
        rows = schedule.build(terms)
        events += [Repay(key=f"r{row.seq}", on=row.due_on, seq=row.seq, amount=row.payment) for row in rows]
    else:
        days = [row.due_on for row in schedule.build(terms)]
        events += [Repay(key=f"r{n}", on=days[n * len(days) // size], seq=n, amount=Decimal("5.00")) for n in range(size)]
    best = float("inf")
    for _ in range(20 if size < 1000 else 3):
        began = time.perf_counter()
        machine.play(terms, events, date(2027, 2, 1))
        best = min(best, time.perf_counter() - began)
    return best


if __name__ == "__main__":
    sys.exit(main())
