"""A training run on the real data: proof of equality, figures that are sane, protected attributes refused."""

import copy
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from risk import german, registry, scorecards, training, words
from risk.modelling import measures
from risk.models import ScorecardVersion
from risk.training import Plan, ProtectedColumn, TrainingFailed
from tests.fixtures.cast import Cast
from tests.risk.support import NOON, artefact, live_scorecard

SEED = 1994


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "code": registry.CARD,
        "features": registry.FEATURES,
        "reasons": words.data("scorecard_reasons"),
        "seed": SEED,
    }
    return Plan(**values | changes)


@pytest.fixture(scope="module")
def trained() -> training.Trained:
    fitted, held_out = german.split(german.rows(), seed=SEED)
    return training.train(fitted, held_out, plan())


def test_our_scoring_equals_the_library_s_on_every_row(trained: training.Trained) -> None:
    proof = trained.metrics["proof"]
    assert proof["rows"] == 1000
    assert proof["max_abs_diff"] < 1e-9
    assert proof["points_add_up"] < 1e-9


def test_the_card_ranks_as_well_as_the_published_baselines(trained: training.Trained) -> None:
    held_out = trained.metrics["holdout"]
    assert 0.72 < held_out["auc"] < 0.90
    assert held_out["gini"] == pytest.approx(2 * held_out["auc"] - 1)
    assert 0.35 < held_out["ks"] < 0.70
    assert held_out["rows"] == 300
    assert held_out["bad"] == 90


def test_training_is_repeatable(trained: training.Trained) -> None:
    kept = artefact()
    assert trained.data_sha256 == kept["data_sha256"]
    assert [one["name"] for one in trained.content["features"]] == [one["name"] for one in kept["content"]["features"]]
    ours, theirs = scorecards.load(trained.content), scorecards.load(kept["content"])
    # another processor may round the last bits of the fit otherwise
    assert max(abs(ours.score(row).exact - theirs.score(row).exact) for row in german.rows()) < 1e-4


def test_numeric_bins_are_monotone(trained: training.Trained) -> None:
    for feature in trained.content["features"]:
        if feature["kind"] == "numeric":
            points = [cell["points"] for cell in feature["bins"]]
            assert points in (sorted(points), sorted(points, reverse=True)), feature["name"]


def test_better_bins_get_more_points(trained: training.Trained) -> None:
    assert all(feature["coefficient"] < 0 for feature in trained.content["features"])


@pytest.mark.parametrize("name", sorted(training.PROTECTED))
def test_protected_attributes_are_refused_by_name(name: str) -> None:
    fitted, held_out = german.split(german.rows(), seed=SEED)
    with pytest.raises(ProtectedColumn, match=name):
        training.train(fitted, held_out, plan(features={**registry.FEATURES, name: "category"}))


def test_a_feature_without_a_text_for_the_customer_is_refused() -> None:
    fitted, held_out = german.split(german.rows(), seed=SEED)
    with pytest.raises(TrainingFailed, match="telephone"):
        training.train(fitted, held_out, plan(features={**registry.FEATURES, "telephone": "category"}))


def test_one_outcome_alone_teaches_nothing() -> None:
    good = [row for row in german.rows() if not row["bad"]]
    with pytest.raises(TrainingFailed, match="both outcomes"):
        training.train(good, good, plan())


def test_absent_values_get_their_empirical_weight() -> None:
    rows = [dict(row) for row in german.rows()]
    for row in rows:
        if row["savings"] == "unknown_or_none" and row["row"] % 2:
            row["savings"] = None
        if row["term"] > 40:
            row["term"] = None
    fitted, held_out = german.split(rows, seed=SEED)
    done = training.train(fitted, held_out, plan())
    told = {one["name"]: one["missing"] for one in done.content["features"]}
    assert told["term"]["count"] > 30
    assert told["term"]["woe"] < -0.3  # those with long terms were worse than the average
    assert told["savings"]["woe"] > 0
    assert done.metrics["proof"]["max_abs_diff"] < 1e-9


# --- figures of ranking -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("log_odds", "bad", "auc", "ks"),
    [
        ([3, 2, 1, 0], [1, 1, 0, 0], 1.0, 1.0), ([0, 1, 2, 3], [1, 1, 0, 0], 0.0, 1.0), ([1, 1, 1, 1], [1, 0, 1, 0], 0.5, 0.0),
        ([3, 2, 1, 0], [1, 0, 1, 0], 0.75, 0.5),
    ],
)  # fmt: skip
def test_auc_and_ks_by_hand(log_odds: list[float], bad: list[int], auc: float, ks: float) -> None:
    score, hit = np.array(log_odds, dtype=float), np.array(bad)
    assert (measures.auc(score, hit), measures.ks(score, hit)) == (pytest.approx(auc), pytest.approx(ks))
    curve = measures.thinned(*measures.curve(score, hit))
    assert (curve[0], curve[-1]) == ([0.0, 0.0], [1.0, 1.0])


def test_auc_equals_scikit_learn_s() -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    card = scorecards.load(artefact()["content"])
    rows = german.rows()
    scores, bad = [card.log_odds_bad(row) for row in rows], [row["bad"] for row in rows]
    found = {"auc": measures.auc(np.array(scores), np.array(bad)), "ks": measures.ks(np.array(scores), np.array(bad))}
    fpr, tpr, _ = roc_curve(bad, scores)
    assert found["auc"] == pytest.approx(roc_auc_score(bad, scores), abs=1e-12)
    assert found["ks"] == pytest.approx(max(tpr - fpr), abs=1e-12)


# --- the data ------------------------------------------------------------------------------------------------------------
def test_the_data_are_the_1000_applications() -> None:
    rows = german.rows()
    assert len(rows) == 1000
    assert sum(row["bad"] for row in rows) == 300
    assert [row["row"] for row in rows] == list(range(1, 1001))
    # counts of the original description
    assert sum(row["personal_status_sex"] == "female_divorced_separated_or_married" for row in rows) == 310
    assert sum(row["checking_status"] == "no_account" for row in rows) == 394
    assert sum(row["foreign_worker"] for row in rows) == 963


def test_every_value_is_one_the_schema_declares() -> None:
    declared = {row["name"]: set(row.get("values", ())) for row in words.data("input_schema")["facts"]}
    for row in german.rows():
        for name, value in row.items():
            if isinstance(value, str):
                assert value in declared[name], (name, value)


def test_the_split_keeps_the_share_of_bad_ones_and_repeats() -> None:
    rows = german.rows()
    fitted, held_out = german.split(rows, seed=7)
    assert (len(fitted), len(held_out), sum(row["bad"] for row in held_out)) == (700, 300, 90)
    assert (fitted, held_out) == german.split(copy.deepcopy(rows), seed=7)
    assert held_out != german.split(rows, seed=8)[1]


# --- in the database -------------------------------------------------------------------------------------------------------
def test_the_first_scorecard_is_trained_once(cast: Cast) -> None:
    first = registry.train_first(actor=cast.system, at=NOON, seed=SEED)
    assert first.status == "live"
    assert first.metrics["proof"]["max_abs_diff"] < 1e-9
    assert registry.train_first(actor=cast.system, at=NOON, seed=SEED).pk == first.pk


def test_the_command_registers_a_draft_beside_a_live_one_and_names_its_figures(cast: Cast) -> None:
    live_scorecard(cast.system)
    out = StringIO()
    call_command("train_scorecard", "--base-score", "500", "--base-odds", "20", "--pdo", "50", stdout=out)
    assert out.getvalue().startswith("retail v2 draft: hold-out AUC 0.7")
    assert ScorecardVersion.objects.get(number=2).content["scale"] == {"base_score": 500.0, "base_odds": 20.0, "pdo": 50.0}
