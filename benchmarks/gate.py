"""Verdicts of the contact policy a second on one core: the pure gate, without a database.

    .venv/bin/python benchmarks/gate.py [--small] [--verdicts N]

Random questions, the same each time: every channel, an hour of any day, up to a month of earlier attempts, some agreed hours, some stops,
under the limits that ship (China with the house's own caps, and Regulation F). `first` is the first verdict, `with_opening` also looks for
the moment from which a refused contact is allowed. The last line of stdout is one JSON object.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

from benchmarks.common import rounded, say  # noqa: E402
from customers.contact_policy import Attempt, Pack, Question, Window, check, once  # noqa: E402

SEED = 20_261_123
AIM = 50_000
ZONES = tuple(ZoneInfo(name) for name in ("Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Europe/London"))
CHANNELS = ("call", "call", "call", "sms", "sms", "email", "letter", "visit")
ROWS = json.loads((ROOT / "customers" / "data" / "contact_packs.json").read_text())["packs"]


def limits(name: str) -> Pack:
    """Return the shipped limits of a pack beside the house's own; the stricter of two."""
    found: dict[str, Any] = dict.fromkeys(Pack.__dataclass_fields__)
    for pack in ROWS:
        for row in pack["rules"] if pack["code"] in (name, "house") else ():
            if row["part"] == "hours":
                opens, closes = (clock.fromisoformat(row["value"][each]) for each in ("opens", "closes"))
                found |= {"opens": max(opens, found["opens"] or opens), "closes": min(closes, found["closes"] or closes)}
            elif row["part"] == "quiet_days":
                found["quiet_days"] = max(row["value"], found["quiet_days"] or 0)
            elif row["part"] and (found[row["part"]] is None or row["value"] < found[row["part"]]):
                found[row["part"]] = row["value"]
    return Pack(**found)


def made(count: int) -> list[Question]:
    """Return random questions."""
    chance = random.Random(SEED)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    found = []
    for _ in range(count):
        at = start + timedelta(minutes=chance.randrange(60 * 24 * 90))
        attempts = tuple(
            Attempt(chance.choice(CHANNELS), at - timedelta(minutes=chance.randrange(60 * 24 * 31)), chance.random() < 0.3)
            for _n in range(min(int(chance.expovariate(1 / 6)), 40))
        )
        windows = (Window(clock(19), clock(23)),) if chance.random() < 0.02 else ()
        barred = frozenset({"sms"}) if chance.random() < 0.03 else frozenset()
        question = Question(chance.choice(CHANNELS), at, chance.choice(ZONES), attempts=attempts, barred=barred, windows=windows)
        found.append(question)
    return found


def main() -> int:
    """Measure and print; the exit code says whether the aim is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    parser.add_argument("--verdicts", type=int, help="how many; default 200,000, small 20,000")
    options = parser.parse_args()
    count = options.verdicts or (20_000 if options.small else 200_000)
    questions = made(count)
    say(f"{count:,} questions, {sum(len(one.attempts) for one in questions) / count:.1f} earlier attempts each")
    figures: dict[str, Any] = {}
    for name in ("cn", "us_reg_f"):
        pack = limits(name)
        for way, ask in (("first", once), ("with_opening", check)):
            began = time.process_time()
            verdicts = [ask(question, pack) for question in questions]
            seconds = time.process_time() - began
            figures[f"{name}_{way}_per_second"] = count / seconds
        figures[f"{name}_verdicts"] = dict(Counter(verdict.kind for verdict in verdicts))
    slowest = min(value for key, value in figures.items() if key.endswith("first_per_second"))
    result = {
        "name": "gate",
        "sizes": {"verdicts": count, "attempts": sum(len(one.attempts) for one in questions)},
        "figures": figures,
        "floor": {"aim_per_second": AIM},
        "peer": {},
        "ratios": {"slowest_first_to_aim": slowest / AIM},
    }
    print(json.dumps(rounded(result)))
    return 0 if slowest >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
