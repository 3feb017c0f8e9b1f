"""How a model treats groups at its cut-off, and the four-fifths rule. Reading of the figures a training or a proof stored, in the reader's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import get_language

from risk import words

FOUR_FIFTHS = 0.8  # US EEOC Uniform Guidelines (1978), 29 CFR 1607.4 D; a line from which a gap is explained, no law of this country


def tables(version: Any) -> list[dict[str, Any]]:
    """Return by protected attribute the rows of its groups: approved, ratio to the best, errors, and whether it falls short."""
    return [marked(name, rows) for name, rows in (version.metrics.get("fairness") or {}).items()]


def marked(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the table of one attribute in the reader's words, each group marked where it falls short."""
    language = get_language() or "en"
    told = [
        dict(row) | {"label": words.word(name, row["group"], language), "gap": row.get("ratio") is not None and row["ratio"] < FOUR_FIFTHS}
        for row in rows
    ]
    return {"attribute": name, "label": words.label(name, language), "rows": told}


def at_cut_offs(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return by live strategy its name, its cut-off and the tables of a proof, marked like `tables`."""
    return [
        {
            "name": one["name"],
            "strategy": one["strategy"],
            "score": one["score"],
            "tables": [marked(*each) for each in one["tables"].items()],
        }
        for one in rows
    ]


def gaps(version: Any, rows: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Return the groups whose approval rate falls short of four fifths of the best group's, as "attribute: group", each once.

    :param rows: what a proof found at the cut-offs of the live strategies
    """
    every = [*tables(version), *(table for one in at_cut_offs(rows) for table in one["tables"])]
    return list(dict.fromkeys(f"{table['label']}: {row['label']}" for table in every for row in table["rows"] if row["gap"]))
