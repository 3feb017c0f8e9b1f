"""The German credit data as this product reads it: real applications with known outcome. Pure. See data/GERMAN_CREDIT.md."""

import csv
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "data" / "german_credit.csv"
INTEGERS = ("row", "term", "installment_rate", "residence_years", "age", "existing_credits", "dependents", "bad")
BOOLEANS = ("telephone", "foreign_worker")


def rows() -> list[dict[str, Any]]:
    """Return the 1,000 applications, with the types of the facts they are."""
    with PATH.open(newline="", encoding="utf-8") as file:
        return [_typed(row) for row in csv.DictReader(file)]


def split(
    found: list[dict[str, Any]], *, seed: int, holdout: float = 0.3, target: str = "bad"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (training, hold-out) in the order of `found`: the same for a seed, with the share of bad ones kept."""
    drawn: set[int] = set()
    for outcome in sorted({row[target] for row in found}):
        places = [place for place, row in enumerate(found) if row[target] == outcome]
        rng = random.Random(f"{seed}:{outcome}")  # noqa: S311  a draw, no secret
        drawn.update(rng.sample(places, round(len(places) * holdout)))
    return [row for place, row in enumerate(found) if place not in drawn], [row for place, row in enumerate(found) if place in drawn]


def _typed(row: dict[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = dict(row)
    typed |= {name: int(row[name]) for name in INTEGERS}
    typed |= {name: row[name] == "yes" for name in BOOLEANS}
    typed["amount"] = Decimal(row["amount"])
    return typed
