"""Which features stay in a scorecard: by information value, correlation, variance inflation, and the sign of the coefficient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_IV = 0.02  # below this a feature is commonly held to say nothing
MOST_CORRELATION = 0.95
MOST_VIF = 10.0


@dataclass(frozen=True)
class Rules:
    """The limits; a limit of None asks nothing."""

    least_iv: float | None = LEAST_IV
    most_correlation: float | None = MOST_CORRELATION
    most_vif: float | None = MOST_VIF


def choose(woes: Mapping[str, np.ndarray], ivs: Mapping[str, float], rules: Rules) -> tuple[list[str], dict[str, str]]:
    """Return the kept names, in the order given, and for each other one why it went.

    Of two features that go together, the one with the lower information value goes; then, as long as one is explained by the others beyond
    the limit of the variance inflation factor, the worst of them goes.
    """
    gone: dict[str, str] = {}
    kept = list(woes)
    if rules.least_iv is not None:
        for name in kept:
            if ivs[name] < rules.least_iv:
                gone[name] = f"iv {ivs[name]:.4f} < {rules.least_iv:g}"
    for name in kept:
        if name not in gone and float(np.ptp(woes[name])) < 1e-12:
            gone[name] = "one bin"
    kept = [name for name in kept if name not in gone]
    if rules.most_correlation is not None and len(kept) > 1:
        table = np.abs(np.corrcoef(np.column_stack([woes[name] for name in kept]), rowvar=False))
        for place in sorted(range(len(kept)), key=lambda one: -ivs[kept[one]]):
            name = kept[place]
            if name in gone:
                continue
            for other, twin in enumerate(kept):
                if other != place and twin not in gone and ivs[twin] <= ivs[name] and table[place, other] > rules.most_correlation:
                    gone[twin] = f"correlation with {name} {table[place, other]:.3f}"
        kept = [name for name in kept if name not in gone]
    while rules.most_vif is not None and len(kept) > 2:
        found = inflation(np.column_stack([woes[name] for name in kept]))
        worst = int(found.argmax())
        if found[worst] <= rules.most_vif:
            break
        gone[kept[worst]] = f"vif {found[worst]:.1f}"
        del kept[worst]
    return kept, gone


def inflation(values: np.ndarray) -> np.ndarray:
    """Return the variance inflation factor of each column of shape (rows, columns)."""
    table = np.corrcoef(values, rowvar=False)
    return np.diag(
        np.linalg.inv(table + 1e-9 * np.eye(len(table)))
    )  # a hair on the diagonal: what the others give exactly is inflated most


def worst_sign(coefficients: Sequence[float]) -> int | None:
    """Return the place of the coefficient most against what the bins say, None when all agree.

    Coefficients are of the odds of bad on weight of evidence: more evidence of good must lower them.
    """
    worst = max(range(len(coefficients)), key=lambda place: coefficients[place])
    return worst if coefficients[worst] >= 0 else None
