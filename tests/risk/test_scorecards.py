"""The arithmetic of points, held to its definition."""

import copy
import math
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, sampled_from

from risk import scorecards
from risk.scorecards import BadCard, Scale, Unscorable
from tests.risk.support import FACTS, artefact, card

SCALE = Scale()


@pytest.mark.parametrize(("odds", "score"), [(30, 600), (60, 620), (15, 580), (120, 640), (1, 600 - 20 * math.log2(30))])
def test_600_points_are_odds_of_30_and_20_points_double_them(odds: float, score: float) -> None:
    assert SCALE.score(math.log(1 / odds)) == pytest.approx(score, abs=1e-9)


def test_the_scale_is_data() -> None:
    scale = Scale(base_score=500, base_odds=20, pdo=50)
    assert scale.score(math.log(1 / 20)) == pytest.approx(500)
    assert scale.score(math.log(1 / 40)) == pytest.approx(550)


@given(floats(-20, 20), floats(200, 900), floats(1, 1000), floats(1, 100))
def test_score_and_odds_are_inverse(log_odds: float, base: float, odds: float, pdo: float) -> None:
    scale = Scale(base, odds, pdo)
    assert scale.log_odds_bad(scale.score(log_odds)) == pytest.approx(log_odds, abs=1e-6)


@pytest.mark.parametrize(("log_odds", "pd"), [(0, "0.500000"), (math.log(1 / 30), "0.032258"), (-745, "0.000000"), (745, "1.000000")])
def test_probability_to_six_decimals(log_odds: float, pd: str) -> None:
    assert scorecards.probability(log_odds) == D(pd)


@given(floats(-700, 700), floats(0.0001, 50))
def test_a_higher_score_is_never_a_higher_probability(log_odds: float, more: float) -> None:
    assert scorecards.probability(log_odds) <= scorecards.probability(log_odds + more)
    assert SCALE.score(log_odds) > SCALE.score(log_odds + more)


def test_points_of_the_features_add_up_to_the_score() -> None:
    found = card().score(FACTS)
    assert math.fsum(line.points for line in found.lines) == pytest.approx(found.exact, abs=1e-9)
    assert found.score == math.floor(found.exact + 0.5)
    assert found.pd == scorecards.probability(card().scale.log_odds_bad(found.exact))


def test_reasons_are_the_largest_shortfalls_against_the_average_at_most_four() -> None:
    found = card().score(FACTS | {"checking_status": "below_0", "purpose": "education"})
    short = sorted(((line.mean - line.points, line.feature) for line in found.lines if line.points < line.mean), reverse=True)
    assert found.reasons == tuple(f"score_{name}" for _, name in short[:4])
    assert found.reasons[0] == "score_checking_status"
    assert len(found.reasons) <= 4


def test_nobody_is_told_of_a_factor_that_is_better_than_average() -> None:
    found = card().score(FACTS)
    above = {f"score_{line.feature}" for line in found.lines if line.points >= line.mean}
    assert not above & set(found.reasons)


def test_reasons_against_the_best_bin_where_the_card_says_so() -> None:
    content = copy.deepcopy(artefact()["content"])
    content["reference"] = "max"
    best = {feature["name"]: max(cell["points"] for cell in feature["bins"]) for feature in content["features"]}
    found = scorecards.load(content).score(FACTS)
    short = sorted(((best[line.feature] - line.points, line.feature) for line in found.lines), reverse=True)
    assert found.reasons[0] == f"score_{short[0][1]}"


def test_absent_and_unseen_values_have_bins_of_their_own_and_are_named() -> None:
    found = card().score(FACTS | {"savings": None, "purpose": "vacation"})
    assert found.unfit == ("purpose", "savings")
    assert {line.feature: line.bin for line in found.lines}["purpose"] == "unseen"


@pytest.mark.parametrize(("value", "place"), [(7, "0"), (7.49, "0"), (7.5, "1"), (8, "1"), (D("7.5"), "1"), (10**9, "last")])
def test_a_bin_holds_its_lower_edge(value: Any, place: str) -> None:
    feature = next(feature for feature in card().features if feature.name == "term")
    assert feature.splits is not None
    assert feature.splits[0] == 7.5
    assert feature.cell(value).key == (str(len(feature.splits)) if place == "last" else place)


@pytest.mark.parametrize("value", ["12", True, float("nan"), [12]])
def test_a_numeric_feature_refuses_what_is_no_number(value: Any) -> None:
    with pytest.raises(Unscorable, match="term"):
        card().score(FACTS | {"term": value})


@given(sampled_from(["term", "amount", "age"]), integers(0, 10**9))
def test_scoring_is_a_function_of_the_facts(name: str, value: int) -> None:
    assert card().score(FACTS | {name: value}) == card().score(FACTS | {name: value})


def spoiled(change: str) -> dict[str, Any]:
    content = copy.deepcopy(artefact()["content"])
    numeric = next(feature for feature in content["features"] if feature["kind"] == "numeric")
    if change == "version":
        content["v"] = 2
    elif change == "points":
        numeric["bins"][0]["points"] += 1
    elif change == "gap":
        numeric["bins"][1]["low"] += 1
    elif change == "kind":
        numeric["kind"] = "text"
    elif change == "twice":
        content["features"].append(content["features"][0])
    elif change == "absent":
        del numeric["missing"]
    return content


@pytest.mark.parametrize("change", ["version", "points", "gap", "kind", "twice", "absent"])
def test_a_card_that_does_not_hold_together_is_refused(change: str) -> None:
    with pytest.raises(BadCard):
        scorecards.load(spoiled(change))
