"""The retail scorecard: fitted on rows of real applications by the modelling core, with texts of its own and a hold-out.

The heavy libraries are imported inside the functions: the web process never pays for them. What comes out is JSON; nothing is pickled.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from risk import scorecards
from risk.scorecards import Scale

PROTECTED = frozenset({"personal_status_sex", "foreign_worker"})
TOLERANCE = 1e-9
LEAST_IV = 0.02  # below this a feature is commonly held to say nothing

Row = Mapping[str, Any]


class ProtectedColumn(ValueError):
    """A protected attribute was offered to a model."""


class TrainingFailed(ValueError):
    """The data cannot carry a scorecard, or the exported card does not repeat the library's scores."""


@dataclass(frozen=True)
class Plan:
    """What to fit: features with their kind (numeric or category), the scale, and the texts told to people."""

    code: str
    features: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, Any]]
    target: str = "bad"
    scale: Scale = field(default_factory=Scale)
    seed: int = 1994
    least_iv: float = LEAST_IV
    reference: str = "mean"
    special: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A card with the figures that let a person judge it."""

    content: dict[str, Any]
    metrics: dict[str, Any]
    data_sha256: str


def train(training: Sequence[Row], holdout: Sequence[Row], plan: Plan) -> Trained:
    """Fit a card on `training`, measure it on `holdout`, prove the export on both.

    Numeric features are binned ascending or descending. A feature whose coefficient comes out with the wrong sign is taken out.

    :raises ProtectedColumn: if the plan names a protected attribute
    :raises TrainingFailed: if fewer than two features remain, or an outcome is absent, or the export differs from the library
    """
    refused = sorted(PROTECTED & set(plan.features))
    if refused:
        raise ProtectedColumn(f"protected attributes never enter a scorecard: {', '.join(refused)}")
    untold = sorted(set(plan.features) - set(plan.reasons))
    if untold:
        raise TrainingFailed(f"no reason text for: {', '.join(untold)}")
    if {int(row[plan.target]) for row in training} != {0, 1} or {int(row[plan.target]) for row in holdout} != {0, 1}:
        raise TrainingFailed("training and hold-out both need rows of both outcomes")

    from risk.modelling import cards, measures, refusals, selection, tables

    fitted_on, held_out, both = (tables.from_rows(rows, plan.features, plan.target) for rows in (training, holdout, [*training, *holdout]))
    how = cards.Plan(
        rules=selection.Rules(plan.least_iv, None, None), scale=plan.scale, reference=plan.reference, special=plan.special, seed=plan.seed
    )
    try:
        fitted = cards.fit(fitted_on, how)
    except refusals.BadTable as refusal:
        raise TrainingFailed(str(refusal)) from refusal
    if len(fitted.kept) < cards.LEAST_FEATURES:
        raise TrainingFailed("fewer than two features carry information")
    content = cards.content(fitted, fitted_on, how, code=plan.code, reasons=plan.reasons)
    metrics: dict[str, Any] = {
        "holdout": measures.figures(fitted.log_odds(held_out), held_out.bad, seed=plan.seed),
        "training": measures.figures(fitted.log_odds(fitted_on), fitted_on.bad, seed=plan.seed, intervals=False),
        "features": {name: {"iv": fitted.bins[name].iv, "used": name in fitted.kept} for name in plan.features},
        "proof": cards.prove(fitted, both, content),
        "seed": plan.seed,
    }
    if metrics["proof"]["max_abs_diff"] >= TOLERANCE:
        raise TrainingFailed(f"the export differs from the library by {metrics['proof']['max_abs_diff']}")
    scorecards.load(content)
    return Trained(content, metrics, fingerprint([*training, *holdout], [*plan.features, plan.target]))


def fingerprint(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return the SHA-256 of the training data: the named columns of all rows, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([str(row.get(name)) for name in columns]).encode())
    return digest.hexdigest()
