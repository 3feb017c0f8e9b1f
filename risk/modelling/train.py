"""From a table to a model: candidates by cross-validation, the choice with its reason, the fit on all rows, calibration, figures, proof."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from risk import blends, scoring
from risk.modelling import calibration, cards, folds, measures, rejects, report, selection, trees
from risk.modelling.refusals import BadTable, Note
from risk.modelling.tables import NUMERIC, Table
from risk.scorecards import Scale

AUTO, SCORECARD, LIGHTGBM, BLEND = "auto", scoring.SCORECARD, scoring.LIGHTGBM, scoring.BLEND
KINDS = (AUTO, SCORECARD, LIGHTGBM)
# Of AUC. Folds of a thousand rows tell differences of a hundredth by chance, so a rule stands before the largest figure: a blend, which errs
# least from sample to sample, unless something plainer is as good or better.
PLAINER = 0.0005  # so much may be given up for a model that is read more easily
MONOTONE = 0.001  # so much may be given up for directions that hold everywhere
SINGLE = 0.001  # so much better must trees alone be than the blend
TUNED = 0.002  # so much better must another number of rounds be than the usual
SHARE = 0.25  # of the scorecard in a blend; choosing it anew on small samples ranks worse than a fixed one
CODE = "model"
Progress = Callable[[float, str], None]

# Slow learning, few leaves, half the features a tree: on credit data of 1,000 to 150,000 rows better than the library's defaults.
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "small trees": {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 20, "feature_fraction": 0.5, "bagging_fraction": 0.7,
                    "bagging_freq": 1, "lambda_l2": 5.0},
    "middling trees": {"learning_rate": 0.05, "num_leaves": 16, "min_data_in_leaf": 30, "feature_fraction": 0.5, "bagging_fraction": 0.7,
                       "bagging_freq": 1, "lambda_l2": 10.0},
}  # fmt: skip
ROUNDS = 200
STEPS = (50, 100, 150, ROUNDS, 250, 300)  # rounds among which the folds choose; more would cost explanations their millisecond


@dataclass(frozen=True, eq=False)
class Trained:
    """A model with the figures that let a person judge it. `content` and `metrics` are JSON; `why` tells in a sentence why this kind."""

    kind: str
    content: dict[str, Any]
    metrics: dict[str, Any]
    why: Note
    data_sha256: str
    seconds: float


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    cv: int = 5
    seed: int = 0
    scale: Scale = field(default_factory=Scale)
    code: str = CODE
    monotone: Mapping[str, int] | None = None
    special: Mapping[str, Sequence[float]] | None = None
    reject_method: str = rejects.NONE
    reject_factor: float = rejects.FACTOR
    rules: selection.Rules = field(default_factory=selection.Rules)


@dataclass(eq=False)
class Candidate:
    """One way to fit, with its scores on rows it had not seen."""

    label: str
    kind: str
    plan: cards.Plan | trees.Plan
    held: np.ndarray
    seconds: float = 0.0
    aucs: tuple[float, ...] = ()

    @property
    def auc(self) -> float:
        return float(np.mean(self.aucs))


def train(
    table: Table,
    *,
    kind: str = AUTO,
    cv: int = 5,
    seed: int = 0,
    monotone: Mapping[str, int] | None = None,
    protected: Sequence[str] = (),
    progress: Progress | None = None,
    scale: Scale | None = None,
    code: str = CODE,
    reasons: Mapping[str, Mapping[str, Any]] | None = None,
    special: Mapping[str, Sequence[float]] | None = None,
    reject_inference: str = rejects.NONE,
    reject_factor: float = rejects.FACTOR,
) -> Trained:
    """Fit a model of `kind` on a table; "auto" takes the plainest of scorecard, trees and their blend that ranks as well as the best.

    `monotone` gives directions the trees must hold, by name (1: risk rises with the value, -1: it falls); None learns them from the bins and
    holds them where that costs little. `protected` names columns that must not enter. `progress(share, step)` is called between steps.
    `reject_inference` is one of `rejects.METHODS` and needs rows without an outcome. Figures are of cross-validation, each row scored by a
    model that had not seen it; weights of a blend and calibration are taken from the other folds.

    :raises BadTable: if the table cannot carry a model, or a protected attribute is among its features
    """
    began = time.perf_counter()
    if kind not in KINDS:
        raise BadTable("unknown_kind", kind=kind)
    if banned := sorted(set(protected) & set(table.names)):
        raise BadTable("protected", columns=", ".join(banned))
    if reject_inference != rejects.NONE and table.rejects is None:
        raise BadTable("no_rejects")
    asked = Settings(cv, seed, scale or Scale(), code, monotone, special, reject_inference, reject_factor)
    say = progress or (lambda share, step: None)
    fold = folds.stratified(table.bad, cv, seed)
    found: list[Candidate] = []
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # tables of a lender are small: threads would wait for each other longer than they work
        if kind in (AUTO, SCORECARD):
            found += _cards(table, fold, asked, say)
        if kind in (AUTO, LIGHTGBM):
            found += _trees(table, fold, asked, say)
        chosen, why, told = choose(found, kind, table.bad, fold)
        say(0.8, "fit")
        return finish(table, fold, chosen, asked, reasons or {}, why, told, began)


# --- candidates --------------------------------------------------------------------------------------------------------------
def _cards(table: Table, fold: np.ndarray, asked: Settings, say: Progress) -> list[Candidate]:
    found: list[Candidate] = []
    fits: list[Any] = []
    for number, (label, trend) in enumerate((("scorecard, rising or falling", "auto_asc_desc"), ("scorecard, with peaks", "auto"))):
        say(0.05 + 0.2 * number, label)
        plan = cards.Plan(trend, asked.rules, scale=asked.scale, special=asked.special or {}, seed=asked.seed)
        # the bins of categories have no trend: they are those of the first
        known = [{name: bins for name, bins in one.bins.items() if bins.kind != NUMERIC} for one in fits]
        found.append(_tried(label, SCORECARD, plan, table, fold, asked, fits=fits, known=known))
    return found


def _trees(table: Table, fold: np.ndarray, asked: Settings, say: Progress) -> list[Candidate]:
    found = []
    for number, (label, shape) in enumerate(SHAPES.items()):
        say(0.4 + 0.12 * number, label)
        plan = trees.Plan(label, shape, STEPS[-1], asked.monotone or {}, asked.scale, asked.seed)
        found.append(_tried(label, LIGHTGBM, plan, table, fold, asked))
    if asked.monotone is None:
        best = _clearly(found)
        directions = learned_directions(table)
        if directions:
            say(0.7, "monotone")
            held = replace(best.plan, monotone=directions)  # type: ignore[arg-type]  # trees' plans, as all here
            found.append(_tried(f"{best.label}, monotone", LIGHTGBM, held, table, fold, asked))
    return found


def learned_directions(table: Table) -> dict[str, int]:
    """Return the features whose risk rises (1) or falls (-1) from end to end, as their freely set bins show.

    A direction is taken only where bins without any trend asked for go one way by a rank correlation of 0.9 or more.
    """
    found = {}
    for name, column in table.columns.items():
        if column.kind != NUMERIC:
            found[name] = 1  # a category is read as its bad rate: the risk rises with it
            continue
        filled = ~column.missing
        values, bad = column.values[filled], table.bad[filled]
        if len(values) < 100:
            continue
        edges = np.unique(np.quantile(values, np.linspace(0, 1, 11)[1:-1]))
        codes = np.searchsorted(edges, values, side="right")
        rows = np.bincount(codes)
        held = rows > 0
        if held.sum() < 3:
            continue
        rate = np.bincount(codes, weights=bad)[held] / rows[held]
        order = np.corrcoef(np.arange(len(rate)), np.argsort(np.argsort(rate)))[0, 1]
        if abs(order) >= 0.9:
            found[name] = 1 if order > 0 else -1
    return found


def _tried(
    label: str, kind: str, plan: cards.Plan | trees.Plan, table: Table, fold: np.ndarray, asked: Settings,
    *, fits: list[Any] | None = None, known: Sequence[Mapping[str, Any]] = (),
) -> Candidate:  # fmt: skip
    """Score every row by a fit that had not seen it. Of trees, the usual number of rounds stays unless another ranks clearly better over all folds.

    `fits` is left with the fit of each fold; `known` gives bins by fold that need not be sought again.
    """
    began = time.perf_counter()
    held = np.empty(table.rows)
    numbers = np.unique(fold)
    fits = [] if fits is None else fits
    fits[:] = [fitted(table.take(fold != number), plan, asked, known[place] if known else None) for place, number in enumerate(numbers)]
    if isinstance(plan, trees.Plan):
        steps = [step for step in STEPS if step <= plan.rounds] or [plan.rounds]
        ranks = np.zeros((len(numbers), len(steps)))
        raw: list[list[np.ndarray]] = []
        for row, (number, one) in enumerate(zip(numbers, fits, strict=True)):
            there = fold == number
            matrix = one.matrix(table.take(there))
            raw.append(_staged(one.booster, matrix, steps))
            ranks[row] = [measures.auc(scores, table.bad[there]) for scores in raw[-1]]
        mean = ranks.mean(axis=0)
        usual = steps.index(ROUNDS) if ROUNDS in steps else -1
        best = int(mean.argmax()) if mean.max() > mean[usual] + TUNED else usual
        best %= len(steps)
        for number, scores in zip(numbers, raw, strict=True):
            held[fold == number] = scores[best]
        plan = replace(plan, rounds=steps[best])
    else:
        for number, one in zip(numbers, fits, strict=True):
            held[fold == number] = one.log_odds(table.take(fold == number))
    found = Candidate(label, kind, plan, held, time.perf_counter() - began)
    found.aucs = _aucs(held, table.bad, fold)
    return found


def _staged(booster: Any, matrix: np.ndarray, steps: Sequence[int]) -> list[np.ndarray]:
    total, found, done = np.zeros(len(matrix)), [], 0
    for step in steps:
        total = total + booster.predict(matrix, raw_score=True, start_iteration=done, num_iteration=step - done, num_threads=1)
        found.append(total)
        done = step
    return found


def fitted(table: Table, plan: cards.Plan | trees.Plan, asked: Settings, bins: Mapping[str, Any] | None = None) -> Any:
    """Fit by a plan, with reject inference where it is asked for; given bins are taken where no rows are added to them."""

    def once(rows: Table, weight: np.ndarray | None, bins: Mapping[str, Any] | None = None) -> Any:
        return cards.fit(rows, plan, weight=weight, bins=bins) if isinstance(plan, cards.Plan) else trees.fit(rows, plan, weight=weight)

    if asked.reject_method == rejects.NONE:
        return once(table, None, bins)
    first = once(table, None)
    rows, weight = rejects.augment(
        table, first.log_odds(table), first.log_odds(table.rejects), method=asked.reject_method, factor=asked.reject_factor, seed=asked.seed
    )
    return once(rows, weight)


def _aucs(scores: np.ndarray, bad: np.ndarray, fold: np.ndarray) -> tuple[float, ...]:
    return tuple(measures.auc(scores[fold == number], bad[fold == number]) for number in np.unique(fold))


# --- choice ------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Choice:
    """What is fitted in the end: one candidate, or several with weights; `held` are its calibrated log odds on rows not seen."""

    kind: str
    members: tuple[Candidate, ...]
    weights: tuple[float, ...]
    held: np.ndarray
    aucs: tuple[float, ...]

    @property
    def auc(self) -> float:
        return float(np.mean(self.aucs))

    @property
    def label(self) -> str:
        return " + ".join(one.label for one in self.members)


def single(one: Candidate, bad: np.ndarray, fold: np.ndarray) -> Choice:
    """Make a choice of one candidate; each fold is calibrated on the others."""
    return mixed((one,), (1.0,), bad, fold)


def mixed(members: tuple[Candidate, ...], weights: tuple[float, ...], bad: np.ndarray, fold: np.ndarray) -> Choice:
    """Make a choice of candidates, calibrated each and then together; each fold on the others."""
    held = np.empty(len(bad))
    for number in np.unique(fold):
        there, rest = fold == number, fold != number
        inner, outer = np.zeros(rest.sum()), np.zeros(there.sum())
        for one, weight in zip(members, weights, strict=True):
            slope, shift = calibration.platt(one.held[rest], bad[rest])
            inner += weight * (slope * one.held[rest] + shift)
            outer += weight * (slope * one.held[there] + shift)
        slope, shift = calibration.platt(inner, bad[rest])
        held[there] = slope * outer + shift
    kind = members[0].kind if len(members) == 1 else BLEND
    return Choice(kind, members, weights, held, _aucs(held, bad, fold))


def choose(found: Sequence[Candidate], kind: str, bad: np.ndarray, fold: np.ndarray) -> tuple[Choice, Note, list[dict[str, Any]]]:
    """Return the choice, why, and the figures of all that was tried."""
    tried = {one.label: single(one, bad, fold) for one in found}
    plain = [one for one in found if one.kind == SCORECARD]
    wooden = [one for one in found if one.kind == LIGHTGBM]
    card = _plainer(plain, PLAINER) if plain else None
    forest = _forest(wooden) if wooden else None
    blend: Choice | None = None
    if kind == AUTO and card and forest:
        fine = plain[-1]  # the finer card adds more to trees than the plainer one, whichever ranks better alone
        leaves = max(_clearly(wooden), forest, key=lambda one: one.auc)
        blend = mixed((fine, leaves), (SHARE, 1 - SHARE), bad, fold)
        tried[blend.label] = blend
    best = max(tried.values(), key=lambda one: one.auc)
    told = [
        {"label": label, "kind": one.kind, "auc": {"mean": one.auc, "sd": float(np.std(one.aucs))}, "ks": measures.ks(one.held, bad),
         "brier": measures.brier(one.held, bad), "seconds": sum(member.seconds for member in one.members)}
        for label, one in tried.items()
    ]  # fmt: skip
    figures = {"auc": f"{best.auc:.4f}", "best": best.label}
    if kind != AUTO:
        one = card or forest
        assert one is not None
        return tried[one.label], Note("why_asked", label=one.label, own=f"{one.auc:.4f}", **figures), told
    assert card is not None and forest is not None and blend is not None
    if card.auc >= max(blend.auc, forest.auc) - PLAINER:
        return tried[card.label], Note("why_card", own=f"{card.auc:.4f}", **figures), told
    apart = np.array(forest.aucs) - np.array(blend.aucs)
    if apart.mean() > max(SINGLE, error_of(apart)):
        return tried[forest.label], Note("why_trees", own=f"{forest.auc:.4f}", **figures), told
    return blend, Note("why_blend", own=f"{blend.auc:.4f}", single=f"{max(card.auc, forest.auc):.4f}", **figures), told


def _plainer(found: Sequence[Candidate], worth: float) -> Candidate:
    """Return the first that ranks within `worth` of the best: they stand in the order of how easily they are read."""
    best = max(one.auc for one in found)
    return next(one for one in found if one.auc >= best - worth)


def _clearly(found: Sequence[Candidate]) -> Candidate:
    """Return the first (smallest) trees without directions, or later ones that rank better by more than chance between the folds."""
    free = [one for one in found if isinstance(one.plan, trees.Plan) and "monotone" not in one.label]
    best = free[0]
    for one in free[1:]:
        apart = np.array(one.aucs) - np.array(best.aucs)
        if apart.mean() > max(PLAINER, error_of(apart)):
            best = one
    return best


def error_of(apart: np.ndarray) -> float:
    """Return the standard error of a mean difference over folds."""
    return float(apart.std(ddof=1) / np.sqrt(len(apart)))


def _forest(found: Sequence[Candidate]) -> Candidate:
    """Return the trees with directions where they rank nearly as well as the free ones, else the free ones."""
    best = _clearly(found)
    for one in found:
        if "monotone" in one.label and one.auc >= best.auc - MONOTONE:
            return one
    return best


# --- the end -----------------------------------------------------------------------------------------------------------------
def finish(
    table: Table, fold: np.ndarray, chosen: Choice, asked: Settings, reasons: Mapping[str, Mapping[str, Any]], why: Note,
    tried: list[dict[str, Any]], began: float,
) -> Trained:  # fmt: skip
    """Fit the choice on all rows, write it, prove it, measure it."""
    words = {name: reasons.get(name) or reason(name) for name in table.names}
    curve, how = calibration.choose(chosen.held, table.bad, fold)
    made, fits = [], []
    for one in chosen.members:
        whole = fitted(table, one.plan, asked)
        line = calibration.platt(one.held, table.bad)
        fits.append((whole, line))
        alone = len(chosen.members) == 1
        about: dict[str, Any] = {"code": asked.code, "reasons": words, "line": line, "pd_curve": curve if alone else None}
        if isinstance(one.plan, cards.Plan):
            made.append(cards.content(whole, table, one.plan, **about))
        else:
            made.append(trees.content(whole, table, one.plan, **about))
    if len(made) == 1:
        content = made[0]
    else:
        mix: Any = sum(weight * (line[0] * one.held + line[1])
                  for one, weight, (_whole, line) in zip(chosen.members, chosen.weights, fits, strict=True))  # fmt: skip
        scale = {"base_score": asked.scale.base_score, "base_odds": asked.scale.base_odds, "pdo": asked.scale.pdo}
        content = {
            "v": blends.VERSION, "kind": blends.KIND, "code": asked.code, "scale": scale, "line": list(calibration.platt(mix, table.bad)),
            "parts": [{"weight": weight, "content": part} for weight, part in zip(chosen.weights, made, strict=True)],
            "reasons": {key: value for part in made for key, value in part["reasons"].items()},
        }  # fmt: skip
        if curve:
            content["pd_curve"] = curve
    metrics = report.metrics(table, fold, chosen.held, content, [whole for whole, _line in fits], seed=asked.seed)
    metrics |= {
        "candidates": tried, "calibration": how, "why": why.as_json(), "notes": [note.as_json() for note in table.notes],
        "rejects": {"method": asked.reject_method, "factor": asked.reject_factor if asked.reject_method != rejects.NONE else None,
                    "rows": 0 if table.rejects is None else len(next(iter(table.rejects.values())).values)},
        "proof": proof(table, content, fits), "seed": asked.seed, "folds": asked.cv, "label": chosen.label,
    }  # fmt: skip
    seconds = time.perf_counter() - began
    return Trained(chosen.kind, content, metrics | {"seconds": seconds}, why, table.sha256 or report.fingerprint(table), seconds)


def reason(name: str) -> dict[str, str]:
    """Return the texts of a feature nobody wrote texts for."""
    return {
        "code": f"score_{name}"[:80],
        "label_en": name, "label_zh": name,
        "en": f"“{name}” speaks for more risk than the average.", "zh": f"“{name}”：风险高于平均水平。",
        "customer_en": f"“{name}” lowered the assessment.", "customer_zh": f"“{name}”降低了综合评估。",
    }  # fmt: skip


def proof(table: Table, content: Mapping[str, Any], fits: Sequence[tuple[Any, tuple[float, float]]]) -> dict[str, Any]:
    """Hold what is served against the libraries that fitted it, row by row: optbinning for a card, LightGBM's predict for trees."""
    kind = scoring.kind_of(content)
    if kind == SCORECARD:
        whole, line = fits[0]
        return cards.prove(whole, table, content, line=line)
    if kind == LIGHTGBM:
        whole, line = fits[0]
        return _prove_rows(table, content, lambda part: line[0] * whole.log_odds(part) + line[1], "LightGBM")
    slope, shift = content["line"]
    weights = [part["weight"] for part in content["parts"]]
    own = [cards.prove(whole, table, part["content"], line=line) for (whole, line), part in zip(fits, content["parts"], strict=True)
           if isinstance(whole, cards.Fit)]  # fmt: skip
    found = _prove_rows(
        table, content,
        lambda part: slope * sum(w * (line[0] * whole.log_odds(part) + line[1]) for w, (whole, line) in zip(weights, fits, strict=True)) + shift,
        "optbinning and LightGBM",
    )  # fmt: skip
    return found | {"max_abs_diff": max(found["max_abs_diff"], *(one["max_abs_diff"] for one in own), 0.0)}


def _prove_rows(
    table: Table, content: Mapping[str, Any], expected: Callable[[Table], np.ndarray], against: str, most: int = 1_000
) -> dict[str, Any]:
    model: Any = scoring.load(content)
    places = np.arange(table.rows) if table.rows <= most else np.linspace(0, table.rows - 1, most).astype(int)
    part = table.take(places)
    far = adds = 0.0
    for facts, due in zip(part.facts(), expected(part).tolist(), strict=True):
        found = model.score(facts)
        far = max(far, abs(found.log_odds_bad - due), abs(model.log_odds_bad(facts) - due))
        adds = max(adds, abs(sum(one.points for one in found.lines) - found.exact))
    return {"rows": len(places), "max_abs_diff": far, "points_add_up": adds, "against": against}
