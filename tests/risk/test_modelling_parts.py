"""The parts of the modelling core: figures against scikit-learn, bins, selection, calibration, reject inference."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk import scorecards
from risk.modelling import binning, calibration, folds, measures, refusals, rejects, report, selection, train
from risk.modelling.refusals import BadTable
from risk.modelling.tables import Column, Table
from tests.risk.test_modelling_tables import table as read
from tests.risk.test_modelling_tables import text
from tests.risk.test_modelling_train import applications

SCORES = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=8, max_size=60).filter(
    lambda rows: 1 < sum(b for _s, b in rows) < len(rows) - 1
)


def drawn(rows: int = 4_000, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return log odds and outcomes that follow them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1, 1.2, rows)
    return log_odds, (rng.random(rows) < measures.sigmoid(log_odds)).astype(np.int8)


# --- figures ---------------------------------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(SCORES)
def test_ranking_figures_are_scikit_learn_s(rows: list[tuple[int, bool]]) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    score, bad = np.array([one for one, _bad in rows], dtype=float), np.array([int(one) for _score, one in rows])
    assert measures.auc(score, bad) == pytest.approx(roc_auc_score(bad, score))
    fpr, tpr, _thresholds = roc_curve(bad, score)
    assert measures.ks(score, bad) == pytest.approx(np.abs(tpr - fpr).max())
    assert measures.auc(-score, bad) == pytest.approx(1 - measures.auc(score, bad))


def test_delong_s_interval_covers_what_the_bootstrap_covers() -> None:
    score, bad = drawn(1_500)
    rng = np.random.default_rng(1)
    draws = []
    for _draw in range(300):
        places = rng.integers(0, len(bad), len(bad))
        draws.append(measures.auc(score[places], bad[places]))
    assert math.sqrt(measures.auc_variance(score, bad)) == pytest.approx(np.std(draws), rel=0.15)


def test_a_calibrated_model_has_slope_one_and_an_overconfident_one_less() -> None:
    log_odds, bad = drawn()
    slope, intercept = measures.line(log_odds, bad)
    assert (slope, intercept) == (pytest.approx(1, abs=0.1), pytest.approx(0, abs=0.1))
    assert measures.line(2 * log_odds, bad)[0] == pytest.approx(slope / 2, abs=1e-6)
    found = measures.figures(log_odds, bad)
    assert found["ci95"]["calibration_slope"][0] < 1 < found["ci95"]["calibration_slope"][1]


def test_the_folds_are_those_of_scikit_learn_and_stratified() -> None:
    _score, bad = drawn(1_000)
    fold = folds.stratified(bad, 5, 0)
    assert np.array_equal(fold, folds.stratified(bad, 5, 0))
    shares = [bad[fold == number].mean() for number in range(5)]
    assert max(shares) - min(shares) < 0.01


def test_groups_below_four_fifths_are_seen() -> None:
    log_odds, bad = drawn()
    shifted = np.where(np.arange(len(bad)) % 2 == 0, log_odds + 1.5, log_odds)
    found = report.fairness(shifted, bad, {"even": np.arange(0, 4_000, 2), "odd": np.arange(1, 4_000, 2)})
    assert {one["group"]: one["ratio"] < 0.8 for one in found} == {"even": True, "odd": False}


# --- bins ------------------------------------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-50, 50)), min_size=30, max_size=80), st.lists(st.floats(-40, 40), max_size=6, unique=True))
def test_every_row_lies_in_exactly_the_bin_that_serving_reads(values: list[float | None], limits: list[float]) -> None:
    column = Column("x", "numeric", np.array([math.nan if one is None else one for one in values]))
    bad = np.arange(len(values), dtype=np.int8) % 2
    bins = binning.counted(column, bad, splits=sorted(limits))
    assert bins.good.sum() + bins.bad.sum() == len(values)
    for code, value in zip(bins.codes(column).tolist(), values, strict=True):
        if value is None:
            assert code == bins.size + 1
        else:
            low = -math.inf if code == 0 else bins.splits[code - 1]
            high = math.inf if code == bins.size - 1 else bins.splits[code]
            assert low <= value < high


def test_weights_of_evidence_by_hand() -> None:
    good, bad = np.array([30.0, 60.0, 10.0, 0.0]), np.array([20.0, 10.0, 0.0, 0.0])
    woe = binning.weights_of_evidence(good, bad)
    assert woe[0] == pytest.approx(math.log((30 / 100) / (20 / 30)))
    assert woe[1] == pytest.approx(math.log((60 / 100) / (10 / 30)))
    assert woe[2] == pytest.approx(math.log((10.5 / 100) / (0.5 / 30)))  # nobody went bad: half a row is counted
    assert woe[3] == 0


def test_absent_values_weigh_what_their_own_rows_show() -> None:
    rng = np.random.default_rng(2)
    bad = (rng.random(800) < 0.3).astype(np.int8)
    values = rng.normal(size=800) - bad
    values[(bad == 1) & (rng.random(800) < 0.4)] = np.nan  # only bad ones leave it out
    bins = binning.fit(Column("x", "numeric", values), bad)
    assert bins.woe[-1] < -2
    assert bins.trend == -1


# --- selection ---------------------------------------------------------------------------------------------------------------
def test_of_twins_the_weaker_goes_and_each_loss_has_a_reason() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=500), rng.normal(size=500)
    woes = {"strong": one, "twin": one + rng.normal(size=500) * 0.01, "own": other, "weak": rng.normal(size=500), "sum": one + other}
    kept, gone = selection.choose(woes, {"strong": 0.5, "twin": 0.4, "own": 0.3, "weak": 0.01, "sum": 0.2}, selection.Rules())
    assert gone["weak"].startswith("iv") and gone["twin"].startswith("correlation with strong")
    assert len(kept) == 2 and len(set(kept) & {"strong", "own", "sum"}) == 2  # of three that add up, one goes for its inflation


# --- calibration -------------------------------------------------------------------------------------------------------------
def test_a_bent_model_is_straightened_by_the_curve_and_a_straight_one_left_alone() -> None:
    log_odds, bad = drawn(12_000)
    fold = folds.stratified(bad, 5, 0)
    assert calibration.choose(log_odds, bad, fold)[0] is None
    bent = np.sign(log_odds + 1) * (log_odds + 1) ** 2
    slope, shift = calibration.platt(bent, bad)
    curve, told = calibration.choose(slope * bent + shift, bad, fold)
    assert curve is not None and told["method"] == "isotonic"
    assert told["brier_isotonic"] < told["brier_platt"]
    knots = tuple((x, y) for x, y in curve)
    straight = calibration.bent(slope * bent + shift, curve)
    assert [scorecards.bent(one, knots) for one in (slope * bent + shift)[:50].tolist()] == pytest.approx(straight[:50].tolist())
    assert np.abs(measures.sigmoid(straight) - measures.sigmoid(log_odds)).mean() < 0.02


def test_a_calibration_never_turns_a_ranking_round() -> None:
    log_odds, bad = drawn(1_000)
    assert calibration.platt(-log_odds, bad)[0] > 0


# --- reject inference --------------------------------------------------------------------------------------------------------
def with_rejects() -> Table:
    """Return the applications with the riskier half of them refused: their outcome is not known."""
    whole = applications().only(["term", "amount", "checking_status", "credit_history", "savings"])
    risky = (whole.columns["term"].values > 18) & (np.arange(whole.rows) % 3 > 0)
    refused = whole.take(risky)
    return Table(whole.take(~risky).columns, whole.take(~risky).bad, "bad", rejects=dict(refused.columns))


@pytest.mark.parametrize("method", rejects.METHODS)
def test_reject_inference_trains_and_says_how(method: str) -> None:
    found = train.train(with_rejects(), kind="scorecard", cv=3, reject_inference=method)
    assert found.metrics["rejects"]["method"] == method
    assert found.metrics["rejects"]["rows"] > 100
    assert found.metrics["proof"]["max_abs_diff"] < 1e-9
    assert found.metrics["cv"]["auc"]["mean"] > 0.65


def test_what_the_refused_are_taken_to_have_done() -> None:
    table = with_rejects()
    count = len(table.rejects["term"].values)  # type: ignore[index]
    rng = np.random.default_rng(1)
    accepted, refused = rng.normal(-1, 1, table.rows), rng.normal(0, 1, count)
    drawn_rows, weight = rejects.augment(table, accepted, refused, method="parcelling", seed=2)
    assert weight is None and drawn_rows.rows == table.rows + count
    assert drawn_rows.bad[table.rows :].mean() > table.bad.mean()  # worse than those of the same score
    both, weight = rejects.augment(table, accepted, refused, method="fuzzy", factor=1.0)
    assert weight is not None and both.rows == table.rows + 2 * count
    assert weight[table.rows : table.rows + count] == pytest.approx(measures.sigmoid(refused))
    assert weight.sum() == pytest.approx(table.rows + count)  # every refused row counts once
    same, weight = rejects.augment(table, accepted, refused, method="reweighting")
    assert weight is not None and same.rows == table.rows
    assert weight.sum() == pytest.approx(table.rows + count, rel=0.02)
    with pytest.raises(BadTable, match="rows without an outcome"):
        train.train(applications(), reject_inference="fuzzy")


# --- beside the outcome --------------------------------------------------------------------------------------------------------
def test_stability_is_told_by_month_and_by_segment_and_special_values_have_a_bin() -> None:
    content = text(
        600, opened=lambda row, bad: f"2025-{row % 6 + 1:02d}-{row % 27 + 1:02d}", shop=lambda row, bad: "ab"[row % 2],
        debt=lambda row, bad: "-1" if row % 5 == 0 else str(20 * bad + row % 40),
    )  # fmt: skip
    found = train.train(read(content, segment="shop"), kind="scorecard", cv=3, special={"debt": [-1]})
    months = found.metrics["stability"]["time"]
    assert [one["group"] for one in months] == [f"2025-0{month}" for month in range(1, 7)]
    assert sum(one["rows"] for one in months) == 600 and all(one["psi"] < 0.25 and 0.5 < one["auc"] <= 1 for one in months)
    assert {one["group"] for one in found.metrics["stability"]["segment"]} == {"a", "b"}
    debt = next(one for one in found.content["features"] if one["name"] == "debt")
    assert (debt["special"]["values"], debt["special"]["count"]) == ([-1], 120)
    assert found.metrics["proof"]["max_abs_diff"] < 1e-9
    card = scorecards.load(found.content)
    assert card.score({"debt": -1.0}).lines != card.score({"debt": 1.0}).lines


def test_a_refusal_and_a_note_are_told_in_the_reader_s_language() -> None:
    refusal = BadTable("bad_edit", column="term", why=refusals.RISES)
    assert (
        refusal.told({refusals.SENTENCES["bad_edit"]: "“%(column)s”：%(why)s。", refusals.RISES: "界限没有递增"}.__getitem__)
        == "“term”：界限没有递增。"
    )
    note = refusals.Note("dropped_constant", "x").as_json()
    assert refusals.told(note["code"], note["values"], str) == note["text"]


def test_the_bins_of_a_large_table_are_sought_in_a_sample_and_counted_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    log_odds, bad = drawn(6_000)
    monkeypatch.setattr(binning, "SOUGHT", 2_000)
    bins = binning.fit(Column("x", "numeric", log_odds), bad)
    assert bins.good.sum() + bins.bad.sum() == 6_000
    assert bins.iv > 0.5 and bins.trend == 1 and bins.library is None
