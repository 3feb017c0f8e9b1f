"""How a model treats groups at its cut-off, and the four-fifths rule. Pure reading of the figures a training stored."""

from typing import Any

FOUR_FIFTHS = 0.8  # US EEOC Uniform Guidelines (1978), 29 CFR 1607.4 D; a line from which a gap is explained, no law of this country


def tables(version: Any) -> list[dict[str, Any]]:
    """Return by protected attribute the rows of its groups: approved, ratio to the best, errors, and whether it falls short."""
    stored = version.metrics.get("fairness") or {}
    return [
        {"attribute": name, "rows": [row | {"gap": row.get("ratio") is not None and row["ratio"] < FOUR_FIFTHS} for row in rows]}
        for name, rows in stored.items()
    ]


def gaps(version: Any) -> list[str]:
    """Return the groups whose approval rate falls short of four fifths of the best group's, as "attribute: group"."""
    return [f"{table['attribute']}: {row['group']}" for table in tables(version) for row in table["rows"] if row["gap"]]
