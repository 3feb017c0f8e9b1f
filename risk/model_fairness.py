"""How a model treats groups at its cut-off: approval and error rates beside each other, and the four-fifths rule. Pure arithmetic on stored figures."""

from collections.abc import Mapping
from typing import Any

FOUR_FIFTHS = 0.8  # US EEOC Uniform Guidelines (1978), 29 CFR 1607.4 D; used here as a line to explain, no law of this country
FEWEST = 30  # rows of a group: below this a rate is chance


def gaps(version: Any) -> list[str]:
    """Return the groups whose approval rate falls short of four fifths of the best group's, as "attribute: group"."""
    return [
        f"{table['attribute']}: {row['group']}"
        for table in version.metrics.get("fairness", {}).get("tables", [])
        for row in table["rows"]
        if row["gap"]
    ]


def table(attribute: str, groups: Mapping[str, tuple[int, int, int, int]]) -> dict[str, Any]:
    """Return the rows of one attribute.

    `groups` gives per group: rows, approved, good ones refused, bad ones approved, with good ones and bad ones as (good, bad) told apart
    by the caller: (good approved, good refused, bad approved, bad refused).
    A group below `FEWEST` rows is shown and never counts as a gap nor as the best.
    """
    rows: list[dict[str, Any]] = []
    for name, (good_in, good_out, bad_in, bad_out) in groups.items():
        count = good_in + good_out + bad_in + bad_out
        rows.append(
            {
                "group": name,
                "rows": count,
                "approval": (good_in + bad_in) / count if count else None,
                "bad_rate": (bad_in + bad_out) / count if count else None,
                "good_refused": good_out / (good_in + good_out) if good_in + good_out else None,
                "bad_approved": bad_in / (bad_in + bad_out) if bad_in + bad_out else None,
            }
        )
    best = max((row["approval"] for row in rows if row["rows"] >= FEWEST and row["approval"] is not None), default=0.0)
    for row in rows:
        row["ratio"] = row["approval"] / best if best and row["approval"] is not None else None
        row["few"] = row["rows"] < FEWEST
        row["gap"] = bool(not row["few"] and row["ratio"] is not None and row["ratio"] < FOUR_FIFTHS)
    return {"attribute": attribute, "rows": rows}
