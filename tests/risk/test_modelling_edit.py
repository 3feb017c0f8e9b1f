"""Bins set by hand, and scoring in bulk: the same as one by one."""

from typing import Any

import numpy as np
import pytest

from risk import bulk_scores, scoring
from risk.modelling import edit
from risk.modelling.refusals import BadTable
from risk.scorecards import Unscorable
from tests.risk.test_modelling_train import KINDS, applications, trained


@pytest.mark.parametrize("kind", KINDS)
def test_scoring_in_bulk_is_scoring_one_by_one(kind: str) -> None:
    model: Any = scoring.load(trained(kind).content)
    columns = bulk_scores.of_table(applications())
    found = bulk_scores.score(model, columns)
    for place, facts in enumerate(applications().facts(range(80))):
        one = model.score(facts)
        assert found.log_odds_bad[place] == pytest.approx(one.log_odds_bad, abs=1e-12)
        assert found.score[place] == one.score
        assert found.pd[place] == pytest.approx(float(one.pd), abs=1e-6)


def test_a_card_s_points_in_bulk_are_the_same_to_the_last_decimal() -> None:
    card: Any = scoring.load(trained("scorecard").content)
    found = bulk_scores.points(card, bulk_scores.of_table(applications()))
    for place, facts in enumerate(applications().facts(range(80))):
        total = 0.0
        for line in card.score(facts).lines:
            total += line.points
        assert found[place] == total


def test_absent_and_unseen_values_in_bulk() -> None:
    card: Any = scoring.load(trained("scorecard").content)
    rows = [{"term": None, "checking_status": "never heard of"}, {"term": 12.0, "checking_status": None}, {}]
    columns = {"term": np.array([np.nan, 12.0, np.nan]), "checking_status": np.array(["never heard of", None, None], dtype=object)}
    found = bulk_scores.score(card, columns)
    assert found.log_odds_bad.tolist() == pytest.approx([card.score(row).log_odds_bad for row in rows])
    with pytest.raises(Unscorable, match="term"):
        bulk_scores.score(card, {"term": np.array(["long"], dtype=object)})


def test_bins_set_by_hand_are_counted_fitted_and_proved_again() -> None:
    before = trained("scorecard").content
    found = edit.refit(applications(), before, {"term": {"splits": [12, 24, 36]}}, cv=3)
    feature = next(one for one in found.content["features"] if one["name"] == "term")
    assert [one["high"] for one in feature["bins"]] == [12, 24, 36, None]
    terms = applications().columns["term"].values
    assert feature["bins"][1]["count"] == ((terms >= 12) & (terms < 24)).sum()
    others = {one["name"]: [cell["count"] for cell in one["bins"]] for one in before["features"] if one["name"] != "term"}
    assert others.items() <= {one["name"]: [cell["count"] for cell in one["bins"]] for one in found.content["features"]}.items()
    assert found.metrics["proof"]["max_abs_diff"] < 1e-9
    assert 0.7 < found.metrics["cv"]["auc"]["mean"] < 0.85
    assert "term" in str(found.why)


def test_values_are_put_together_and_features_taken_out_by_hand() -> None:
    before = trained("scorecard").content
    groups = [["below_0", "0_to_200"], ["no_account", "200_or_more"]]
    found = edit.refit(applications(), before, {"checking_status": {"groups": groups}, "purpose": {"drop": True}}, cv=3)
    feature = next(one for one in found.content["features"] if one["name"] == "checking_status")
    assert [one["values"] for one in feature["bins"]] == groups
    assert "purpose" not in scoring.load(found.content).names


def test_a_preview_counts_and_fits_nothing() -> None:
    rows = edit.preview(applications(), "term", {"splits": [24]})
    assert [one["count"] for one in rows] == [float(n) for n in np.bincount(applications().columns["term"].values >= 24)]
    assert rows[0]["woe"] > 0 > rows[1]["woe"]  # long terms go bad more often


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("term", {"splits": [24, 12]}, "bad_edit"), ("term", {"splits": ["x"]}, "bad_edit"), ("term", {"splits": [float("nan")]}, "bad_edit"),
        ("term", {"groups": [["a"]]}, "bad_edit"), ("term", {"splits": "12"}, "bad_edit"), ("term", {"bins": []}, "bad_edit"),
        ("term", {"splits": list(range(60))}, "bad_edit"), ("purpose", {"splits": [1]}, "bad_edit"), ("purpose", {}, "bad_edit"),
        ("purpose", {"groups": [["education"], ["education"]]}, "bad_edit"), ("purpose", {"groups": [[]]}, "bad_edit"),
        ("purpose", {"groups": ["education"]}, "bad_edit"), ("shoe_size", {"splits": [40]}, "no_column"), ("shoe_size", {"drop": True}, "no_column"),
    ],
)  # fmt: skip
def test_bins_that_cannot_be(name: str, change: dict[str, Any], code: str) -> None:
    with pytest.raises(BadTable) as refusal:
        edit.refit(applications(), trained("scorecard").content, {name: change}, cv=3)
    assert refusal.value.code == code
    assert name in str(refusal.value)


def test_trees_have_no_bins_to_set() -> None:
    with pytest.raises(BadTable, match="scorecard only"):
        edit.refit(applications(), trained("lightgbm").content, {})
