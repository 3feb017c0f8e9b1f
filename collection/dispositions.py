"""The outcome tree: which results a channel offers and what follows each. Content is data, `collection/data/dispositions.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collection.models import Channel, Outcome

FILE = Path(__file__).parent / "data" / "dispositions.json"


@dataclass(frozen=True, slots=True)
class Result:
    """One result of a channel: its key on the desk, what follows by default, and what it asks for.

    `person`: the debtor was spoken to, so the right-party check has to be passed. `obligor`: who answers for the debt beside the debtor
    was; told of one of them by name. Without either it may be told of anybody. `promise`: it carries a promise to pay.
    `hold`: reminders wait until the person is spoken to again.
    """

    outcome: str
    key: str
    next: str
    days: int
    person: bool = False
    obligor: bool = False
    promise: bool = False
    hold: bool = False


@cache
def tree() -> Mapping[str, tuple[Result, ...]]:
    """Return the results of each channel, in the order of the desk.

    :raises ValueError: if the data names an unknown channel or outcome, or a key twice in one channel
    """
    content = json.loads(FILE.read_text())
    found = {channel: tuple(Result(**row) for row in rows) for channel, rows in content.items() if channel != "_about"}
    for channel, results in found.items():
        # Those of the debtor and those of who answers beside are never offered together: they may share a key.
        keys = [result.key for result in results if not result.obligor]
        beside = [result.key for result in results if not result.person]
        known = all(result.outcome in Outcome.values and result.next in Channel.values for result in results)
        if channel not in Channel.values or not known or len(keys) != len(set(keys)) or len(beside) != len(set(beside)):
            raise ValueError(f"{FILE.name}: {channel} names something unknown, or a key twice")
    return found


def result(channel: str, outcome: str) -> Result | None:
    """Return what follows `outcome` by `channel`; None when the channel has no such result."""
    return next((each for each in tree().get(channel, ()) if each.outcome == outcome), None)


@cache
def holding() -> frozenset[str]:
    """Return the outcomes after which reminders wait."""
    return frozenset(each.outcome for results in tree().values() for each in results if each.hold)


@cache
def ending() -> frozenset[str]:
    """Return the outcomes of a talk with the person that end such a wait."""
    return frozenset(each.outcome for results in tree().values() for each in results if each.person and not each.hold)
