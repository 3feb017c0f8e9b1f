"""A scorecard's bins set by hand: counted again, the regression and the points fitted again, the figures measured again.

An edit is, per feature, ``{"splits": [rising limits]}`` of a number or ``{"groups": [[values], …]}`` of a category, or ``{"drop": true}`` to
take the feature out, or ``{"keep": true}`` to bring in one that selection had left out. Features without an edit keep the bins they have.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from risk import scoring
from risk.modelling import binning, calibration, cards, folds, measures, refusals, report, selection, train
from risk.modelling.binning import Bins
from risk.modelling.refusals import BadTable, Note
from risk.modelling.tables import NUMERIC, Table
from risk.modelling.train import Trained
from risk.scorecards import Scale

Edit = Mapping[str, Any]


def bins_of(content: Mapping[str, Any], table: Table) -> dict[str, Bins]:
    """Return the bins of a written card, counted on a table.

    :raises BadTable: `not_editable` if it is no card, `no_column` if the table lacks a feature
    """
    if scoring.kind_of(content) != scoring.SCORECARD:
        raise BadTable("not_editable")
    found = {}
    for spec in content["features"]:
        name = spec["name"]
        if name not in table.columns:
            raise BadTable("no_column", column=name)
        splits = [one["high"] for one in spec["bins"][:-1]] if spec["kind"] == NUMERIC else []
        groups = [one["values"] for one in spec["bins"]] if spec["kind"] != NUMERIC else []
        special = (spec.get("special") or {}).get("values") or []
        found[name] = _counted(table, name, splits, groups, special, spec["kind"])
    return found


def preview(table: Table, name: str, edit: Edit, special: Sequence[float] = ()) -> list[dict[str, Any]]:
    """Return the bins of one feature as an edit would set them, for a plot: label, rows, bad rate, weight of evidence; nothing is fitted.

    :raises BadTable: `bad_edit` or `no_column`
    """
    bins = _edited(table, name, edit, special)
    return rows_of(bins)


def rows_of(bins: Bins) -> list[dict[str, Any]]:
    """Return the rows of a table of bins, special and missing last where they have rows."""
    if bins.kind == NUMERIC:
        heads: list[dict[str, Any]] = [{"low": low, "high": high} for low, high in pairwise([None, *bins.splits, None])]
    else:
        heads = [{"values": list(group)} for group in bins.groups]
    heads += [{"special": list(bins.special)}, {"missing": True}]
    told = []
    for place, head in enumerate(heads):
        count = float(bins.good[place] + bins.bad[place])
        if place < bins.size or count:
            told.append(head | {"count": count, "bad": float(bins.bad[place]), "bad_rate": float(bins.bad[place]) / count if count else None,
                                "woe": float(bins.woe[place]), "thin": count < cards.TRUST})  # fmt: skip
    return told


def refit(
    table: Table, content: Mapping[str, Any], edits: Mapping[str, Edit], *, cv: int = 5, seed: int = 0,
    reasons: Mapping[str, Mapping[str, Any]] | None = None,
) -> Trained:  # fmt: skip
    """Fit a card again with some bins set by hand. Its figures are of cross-validation with these bins held fixed.

    Bins set by hand stay whatever their information value; a feature whose coefficient comes out with the wrong sign is still taken out,
    and the figures of the features say so.

    :raises BadTable: `not_editable`, `no_column`, `bad_edit`, or what `train.train` raises
    """
    began = time.perf_counter()
    bins = bins_of(content, table)
    for name, edit in edits.items():
        if edit.get("drop"):
            if bins.pop(name, None) is None:
                raise BadTable("no_column", column=name)
        elif edit.get("keep") and not edit.get("splits") and not edit.get("groups"):
            if name not in table.columns:
                raise BadTable("no_column", column=name)
            bins[name] = binning.fit(table.columns[name], table.bad)
        else:
            bins[name] = _edited(table, name, edit, bins[name].special if name in bins else ())
    if not bins:
        raise BadTable("nothing_learned")
    part = table.only(name for name in table.names if name in bins)
    plan = cards.Plan(
        rules=selection.Rules(None, None, None), scale=Scale(**content["scale"]), reference=str(content.get("reference", "mean")),
        special={name: one.special for name, one in bins.items()}, seed=seed,
    )  # fmt: skip
    fold = folds.stratified(part.bad, cv, seed)
    held = np.empty(part.rows)
    for number in np.unique(fold):
        rest = part.take(fold != number)
        counted = {name: binning.counted(rest.columns[name], rest.bad, splits=one.splits, groups=one.groups, special=one.special)
                   for name, one in bins.items()}  # fmt: skip
        held[fold == number] = cards.fit(rest, plan, bins=counted).log_odds(part.take(fold == number))
    candidate = train.Candidate("scorecard, bins set by hand", scoring.SCORECARD, plan, held)
    candidate.aucs = tuple(measures.auc(held[fold == number], part.bad[fold == number]) for number in np.unique(fold))
    chosen = train.single(candidate, part.bad, fold)
    words = _words(content) | dict(reasons or {})
    fitted = cards.fit(part, plan, bins=bins)
    curve, how = calibration.choose(chosen.held, part.bad, fold)
    line = calibration.platt(held, part.bad)
    texts = {name: words.get(name) or train.reason(name) for name in part.names}
    made = cards.content(fitted, part, plan, code=str(content["code"]), reasons=texts, line=line, pd_curve=curve)
    why = Note("why_edited", columns=", ".join(edits) or "—", own=f"{chosen.auc:.4f}")
    metrics = report.metrics(part, fold, chosen.held, made, [fitted], seed=seed) | {
        "candidates": [], "calibration": how, "why": why.as_json(), "notes": [note.as_json() for note in table.notes],
        "proof": cards.prove(fitted, part, made, line=line), "seed": seed, "folds": cv, "label": candidate.label, "edits": _plain(edits),
    }  # fmt: skip
    seconds = time.perf_counter() - began
    return Trained(scoring.SCORECARD, made, metrics | {"seconds": seconds}, why, table.sha256 or report.fingerprint(table), seconds)


def _edited(table: Table, name: str, edit: Edit, special: Sequence[float]) -> Bins:
    if name not in table.columns:
        raise BadTable("no_column", column=name)
    column = table.columns[name]
    unknown = set(edit) - {"splits", "groups", "keep", "special"}
    if unknown or not isinstance(edit.get("splits", []), list | tuple) or not isinstance(edit.get("groups", []), list | tuple):
        raise BadTable("bad_edit", column=name, why=refusals.NOTHING)
    if (column.kind == NUMERIC and edit.get("groups")) or (column.kind != NUMERIC and not edit.get("groups")):
        raise BadTable("bad_edit", column=name, why=refusals.MIXED_UP)
    try:
        splits = [float(one) for one in edit.get("splits", ())]
        groups = [[str(value) for value in group] for group in edit.get("groups", ()) if not isinstance(group, str) or _fail()]
    except (TypeError, ValueError) as wrong:
        raise BadTable("bad_edit", column=name, why=refusals.NO_LIMITS) from wrong
    if len(splits) > 50 or len(groups) > 500:
        raise BadTable("bad_edit", column=name, why=refusals.TOO_MANY)
    return _counted(table, name, splits, groups, edit.get("special", special), column.kind)


def _fail() -> bool:
    raise ValueError("a group is a list")


def _counted(
    table: Table, name: str, splits: Sequence[float], groups: Sequence[Sequence[str]], special: Sequence[float], kind: str
) -> Bins:
    column = table.columns[name]
    if column.kind != kind:
        raise BadTable("bad_edit", column=name, why=refusals.OTHER_TYPE)
    return binning.counted(column, table.bad, splits=splits, groups=groups, special=special)


def _words(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the texts of the features of a card by the feature's name."""
    texts = content.get("reasons") or {}
    return {spec["name"]: texts[spec["reason"]] for spec in content["features"] if spec["reason"] in texts}


def _plain(edits: Mapping[str, Edit]) -> dict[str, Any]:
    return {name: dict(edit) for name, edit in edits.items()}
