"""What the pages of a model show, in the reader's language."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.models import User
from risk import data_sets, display, model_fairness, model_proofs, model_states, words
from risk.models import ModelStatus, ScorecardVersion
from risk.permissions import APPROVE_MODEL, EDIT_MODEL, VALIDATE_MODEL

SERVING = (ModelStatus.APPROVED, ModelStatus.LIVE)
FOLDED = 12  # features shown with their bins before the rest fold


def shown(version: ScorecardVersion, language: str) -> dict[str, Any]:
    """Return what the page of a version shows, whatever its kind."""
    metrics = version.metrics
    is_card = version.kind == "scorecard"
    made = model_proofs.latest(version)
    groups = version.proof.get("fairness") or (made.fairness if made else ())
    told: dict[str, Any] = {
        "figures": figures(metrics),
        "metrics": metrics,
        "deciles": metrics.get("holdout", {}).get("deciles", ()),
        "stability": {name: rows for name, rows in (metrics.get("stability") or {}).items() if rows},
        "fairness": model_fairness.tables(version),
        "live_fairness": model_fairness.at_cut_offs(groups),
        "gaps": model_fairness.gaps(version, groups),
        "weights": [] if is_card else weights(metrics, language),
        "notes": [data_sets.noted(one) for one in metrics.get("notes", ())],
        "why": data_sets.noted(metrics["why"]) if metrics.get("why") else "",
        "candidates": metrics.get("candidates", ()),
        "parameters": parameters(version),
        "reasons": reasons(version, language),
        "acts": list(version.acts.for_list().order_by("-pk")),
        "stored_proof": version.proof or (made.result if made else {}) or metrics.get("proof", {}),
        "made": made,
        "checks": model_states.CHECKS,
        "reviews": model_states.REVIEWS,
    }
    if is_card:
        told |= display.card(version, language)
    proof = told["stored_proof"]
    told["difference"] = difference(proof)
    told["proof_at"] = datetime.fromisoformat(proof["at"]) if proof.get("again") else None
    return told


def difference(proof: Mapping[str, Any]) -> str:
    """Return the largest difference a proof found, as people write it."""
    if not proof:
        return ""
    return f"{proof['max_abs_diff']:.1e}" if proof.get("max_abs_diff") else "0"


def figures(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures with their 95 % intervals, on rows not seen in training; what was not measured is left out."""
    held = metrics.get("holdout", {})
    spans = held.get("ci95", {})
    slope = held.get("calibration", {}).get("slope")
    capture = held.get("capture") or [None]
    rows = [
        ("AUC", held.get("auc"), "auc", ""), ("KS", held.get("ks"), "ks", ""), ("Gini", held.get("gini"), "gini", ""),
        ("Brier", held.get("brier"), "brier", ""), (_("Calibration slope"), slope, "calibration_slope", ""),
        (_("Bad found in the riskiest tenth"), capture[0], "capture_1", "percent"),
    ]  # fmt: skip
    return [
        {"label": label, "value": value, "low": spans[key][0] if key in spans else None, "high": spans[key][1] if key in spans else None,
         "unit": unit}
        for label, value, key, unit in rows if value is not None
    ]  # fmt: skip


def weights(metrics: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """Return the features of a model without points, the weightiest first."""
    found = [
        {"name": name, "label": words.label(name, language), **one} for name, one in metrics.get("features", {}).items() if one.get("used")
    ]
    total = sum(one.get("gain") or 0 for one in found) or 1
    rows = [one | {"share": (one.get("gain") or 0) / total} for one in found]
    return sorted(rows, key=lambda one: (-one["share"], one["name"]))


def parameters(version: ScorecardVersion) -> list[tuple[str, Any]]:
    """Return the settings a version was made with, in its own technical names."""
    metrics, content = version.metrics, version.content
    rows: list[tuple[str, Any]] = [("seed", metrics.get("seed")), ("folds", metrics.get("folds")), ("label", metrics.get("label"))]
    rows += sorted((content.get("params") or {}).items())
    return [(name, value) for name, value in rows if value not in (None, "")]


def reasons(version: ScorecardVersion, language: str) -> list[dict[str, Any]]:
    """Return the reasons with their sentences."""
    side = words.side(language)
    return [
        {"code": code, "label": one.get(f"label_{side}", code), "staff": one.get(side, ""), "customer": one.get(f"customer_{side}", "")}
        for code, one in version.content.get("reasons", {}).items()
    ]


def steps(version: ScorecardVersion, user: User) -> list[dict[str, Any]]:
    """Return what this person may do next with the version; the door has the last word."""
    own = user.pk == version.developer_id
    validator, status = user.pk == version.validator_id, version.status
    may = []
    if status == ModelStatus.DRAFT and version.developer_id and not own and user.has_perm(VALIDATE_MODEL):
        may += [("validate", _("Validate"), True), ("reject", _("Reject"), False)]
    if status == ModelStatus.VALIDATED and not own and not validator and user.has_perm(APPROVE_MODEL):
        may.append(("approve", _("Approve"), True))
    if status == ModelStatus.VALIDATED and not own and user.has_perm(VALIDATE_MODEL):
        may.append(("reject", _("Reject"), False))
    if status in (ModelStatus.APPROVED, ModelStatus.RETIRED) and not own and user.has_perm(APPROVE_MODEL):
        may.append(("champion", _("Make champion"), status == ModelStatus.APPROVED))
    if status in SERVING and not own and user.has_perm(VALIDATE_MODEL):
        may.append(("review", _("Record the annual review"), False))
    if status in SERVING and user.has_perm(APPROVE_MODEL):
        may.append(("retire", _("Retire"), False))
    return [{"name": name, "label": label, "main": main} for name, label, main in may]


def editable(version: ScorecardVersion, user: User) -> bool:
    """Return whether this person may change bins: that makes a new version, so the status does not matter."""
    return version.kind == "scorecard" and version.data_set_id is not None and user.has_perm(EDIT_MODEL)


def waits_for(version: ScorecardVersion) -> str:
    """Return who has to do what next, in words."""
    return {
        ModelStatus.DRAFT: _("Waits for validation by somebody who did not develop it.") if version.developer_id else "",
        ModelStatus.VALIDATED: _("Waits for approval by a third person."),
        ModelStatus.APPROVED: _("May become champion."),
    }.get(version.status, "")  # type: ignore[call-overload, no-any-return]


def overdue(version: ScorecardVersion, *, today: date) -> bool:
    """Return whether the annual review of a version that serves was missed."""
    return version.status in SERVING and version.review_due is not None and version.review_due < today
