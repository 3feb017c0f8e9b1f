"""Spans of a feature's values, what falls into them, and how well they tell good from bad. Pure.

For the catalogue only: what a model reads is binned by `risk/modelling/`.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

SPANS = 10
CATEGORIES = 12  # the rarer ones share a bin
HALF = 0.5  # added to each count, so that an empty span has a weight of evidence too


def cut(values: Iterable[Any], kind: str) -> list[Any]:
    """Return what the bins are made from: the categories by frequency, or the lower ends of all spans but the first, rising.

    Numbers are cut at the deciles of those present; equal deciles are one, so that a span holds at least one value. Values that are
    None are left out.
    """
    present = [value for value in values if value is not None]
    if kind in ("category", "boolean"):
        return [value for value, _count in sorted(Counter(present).items(), key=lambda pair: (-pair[1], str(pair[0])))[:CATEGORIES]]
    ordered = sorted(present)
    if not ordered:
        return []
    ends = {ordered[len(ordered) * step // SPANS] for step in range(1, SPANS)}
    distinct = sorted(set(ordered[:: max(1, len(ordered) // 1_000)]) | {ordered[-1]})
    if len(distinct) <= SPANS:
        ends = set(distinct)
    return sorted(end for end in ends if end > ordered[0])


def place(value: Any, edges: Sequence[Any], kind: str) -> int:
    """Return the bin a value falls into: its span or category, or the one after the last for a category that shares; -1 for None."""
    if value is None:
        return -1
    if kind in ("category", "boolean"):
        return edges.index(value) if value in edges else len(edges)
    return bisect_right(edges, value)


def count(values: Iterable[Any], edges: Sequence[Any], kind: str) -> Counter[int]:
    """Return how many values fall into which bin."""
    return Counter(place(value, edges, kind) for value in values)


def evidence(good: Sequence[int], bad: Sequence[int]) -> tuple[list[Decimal], Decimal]:
    """Return each bin's weight of evidence, ln(share of good / share of bad), and the information value, to six places.

    Each count is raised by a half. Bins without anybody have no weight and add nothing.
    """
    seen = [place for place in range(len(good)) if good[place] + bad[place]]
    goods, bads = sum(good) + HALF * len(seen), sum(bad) + HALF * len(seen)
    weights, total = [Decimal(0)] * len(good), 0.0
    for where in seen:
        share_good, share_bad = (good[where] + HALF) / goods, (bad[where] + HALF) / bads
        weight = math.log(share_good / share_bad)
        weights[where] = Decimal(f"{weight:.6f}")
        total += (share_good - share_bad) * weight
    return weights, Decimal(f"{total:.6f}")
