"""How much a contact with each case is expected to bring: what orders the cases of one place in the queue.

The formula of this house, until a learned one takes its place (`use`):

    expected recovery = (overdue amount + expected loss) x chance of the bucket, at most the overdue amount

*Expected loss* is what risk expects to be lost of the principal owed (`risk.behaviour.priorities`: probability of falling behind x
principal), 0.00 where a customer has no behaviour score. *Chance* falls with the days past due, as data (`data/priority.json`). So a
large debt that still can be saved stands before an older one that is nearly lost, and of two alike the riskier one comes first.

Where the rule `collections.queue.learned` says so, the chance of a case whose roll-forward a live model gives is what is left of it: one
less the probability that it gets graver.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from collection import scores
from crm.lib.money import quantize
from risk import behaviour

ZERO = Decimal("0.00")
FILE = Path(__file__).parent / "data" / "priority.json"


@dataclass(frozen=True, slots=True)
class Stake:
    """What the order of one case is made from."""

    key: int
    customer_id: int
    overdue: Decimal
    bucket: int


# Given many cases at once, the expected recovery of each in CNY by its key; a constant number of queries.
Source = Callable[[Sequence[Stake]], Mapping[int, Decimal]]


@cache
def chances() -> Mapping[int, Decimal]:
    """Return the chance that a contact brings the money of a case, by bucket.

    :raises ValueError: if a chance is not from 0 to 1
    """
    found = {int(bucket): Decimal(chance) for bucket, chance in json.loads(FILE.read_text())["chances"].items()}
    if any(not 0 <= chance <= 1 for chance in found.values()):
        raise ValueError(f"{FILE.name}: a chance is from 0 to 1")
    return found


def recovery(*, overdue: Decimal, expected_loss: Decimal, chance: Decimal) -> Decimal:
    """Return the expected recovery of one contact, in whole cents: never more than is overdue, as nobody can be asked for more."""
    return min(quantize((overdue + expected_loss) * chance), overdue)


def by_formula(stakes: Sequence[Stake]) -> Mapping[int, Decimal]:
    """Return the expected recovery of each case by the formula above; three queries for all."""
    customers = {stake.customer_id for stake in stakes}
    losses = behaviour.priorities(customers) if stakes else {}
    graver = scores.ordering(customers) if stakes else {}
    known = chances()
    return {
        stake.key: recovery(
            overdue=stake.overdue, expected_loss=losses.get(stake.customer_id, ZERO),
            chance=1 - graver[stake.customer_id] if stake.customer_id in graver else known.get(stake.bucket, known[7]),
        )
        for stake in stakes
    }  # fmt: skip


_source: list[Source] = [by_formula]


def use(source: Source) -> None:
    """Let another source give the expected recovery from now on, as a learned one."""
    _source[0] = source


def expected(stakes: Sequence[Stake]) -> Mapping[int, Decimal]:
    """Return the expected recovery of each case from the source in use."""
    return _source[0](stakes)
