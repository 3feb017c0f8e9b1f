"""Monitoring's arithmetic, against examples worked by hand and against a library that computes the same another way."""

import math
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import stability

COUNTS = st.lists(st.integers(0, 1000), min_size=3, max_size=8)


def test_psi_by_hand() -> None:
    """Expected 20/30/50 %, actual 30/30/40 %: 0.1 ln 1.5 + 0 + (-0.1) ln 0.8 = 0.040546511 + 0.022314355."""
    found = stability.psi([200, 300, 500], [30, 30, 40])
    assert found == pytest.approx(0.0628608659, abs=1e-9)
    assert stability.psi_parts([200, 300, 500], [30, 30, 40])[1] == 0


def test_psi_of_an_empty_bin_is_finite_and_of_nobody_none() -> None:
    assert stability.psi([50, 50], [100, 0]) == pytest.approx(0.5 * math.log(2) + (0.005 - 0.5) * math.log(0.005 / 0.5), abs=1e-9)
    assert stability.psi([5, 0, 5], [50, 0, 50]) == pytest.approx(0)
    assert stability.psi([0, 0], [1, 1]) is None and stability.psi([1, 1], [0, 0]) is None
    with pytest.raises(ValueError, match="same bins"):
        stability.psi([1], [1, 2])


@given(COUNTS, st.integers(1, 9))
def test_psi_of_the_same_shares_is_nothing_and_never_below(counts: list[int], times: int) -> None:
    found = stability.psi(counts, [count * times for count in counts])
    assert found is None if not sum(counts) else found == pytest.approx(0, abs=1e-12)
    other = stability.psi(counts, counts[::-1])
    assert other is None or other >= -1e-12


def test_the_noise_of_the_index_is_what_draws_show() -> None:
    """Ten bins, 200 against 100 drawn alike: one in twenty indices lies above."""
    rng = Random(3)
    above = 0
    for _ in range(400):
        one, two = ([0] * 10 for _ in range(2))
        for counts, n in ((one, 200), (two, 100)):
            for _ in range(n):
                counts[rng.randrange(10)] += 1
        above += (stability.psi(one, two) or 0) > stability.psi_noise(one, two)
    assert 5 <= above <= 40
    assert stability.psi_noise([100] * 10, [100] * 10) == pytest.approx(16.919 * 0.002, rel=0.01)  # the tables say 16.919


def test_the_characteristic_says_by_how_many_points() -> None:
    """A tenth moved from the bin of 40 points to that of 10: three points less."""
    assert stability.characteristic([50, 50], [40, 60], [40.0, 10.0]) == pytest.approx(-3.0)


def test_auc_by_hand() -> None:
    """0.9 stands above all four, 0.7 above three, 0.4 above two and ties one: 9.5 pairs of 12."""
    assert stability.auc([0.9, 0.7, 0.4], [0.8, 0.4, 0.3, 0.1]).value == pytest.approx(9.5 / 12)


def test_delong_equals_the_definition() -> None:
    """The interval against the sums of the definition, written out pair by pair."""
    rng = Random(5)
    bad, good = [rng.gauss(1, 1) for _ in range(40)], [rng.gauss(0, 1) for _ in range(60)]
    found = stability.auc(bad, good)
    v10 = [sum((b > g) + (b == g) / 2 for g in good) / len(good) for b in bad]
    v01 = [sum((b > g) + (b == g) / 2 for b in bad) / len(bad) for g in good]
    mean = sum(v10) / len(v10)
    s10 = sum((v - mean) ** 2 for v in v10) / (len(v10) - 1)
    s01 = sum((v - mean) ** 2 for v in v01) / (len(v01) - 1)
    half = 1.959963984540054 * math.sqrt(s10 / 40 + s01 / 60)
    assert found.value == pytest.approx(mean) and found.low == pytest.approx(mean - half) and found.high == pytest.approx(mean + half)


def test_auc_and_ks_equal_the_library() -> None:
    from scipy.stats import ks_2samp
    from sklearn.metrics import roc_auc_score

    rng = Random(7)
    bad, good = [float(rng.randint(3, 12)) for _ in range(80)], [float(rng.randint(0, 9)) for _ in range(200)]
    assert stability.auc(bad, good).value == pytest.approx(roc_auc_score([1] * 80 + [0] * 200, bad + good))
    assert stability.ks(bad, good).value == pytest.approx(ks_2samp(bad, good, alternative="less").statistic)


def test_too_little_measures_nothing() -> None:
    assert stability.auc([], [1.0]).value is None and stability.ks([1.0], []).value is None
    assert stability.auc([1.0], [0.0]).low is None and stability.share(0, 0).value is None


def test_wilson_by_hand() -> None:
    """5 of 50: 0.0434 to 0.2136, as in the tables."""
    found = stability.share(5, 50)
    assert found.value == 0.1 and found.low == pytest.approx(0.04348, abs=1e-4) and found.high == pytest.approx(0.21360, abs=1e-4)


def test_calibration_names_the_band_that_drifted() -> None:
    rows = [(0, 0.1, n < 10) for n in range(100)] + [(1, 0.1, n < 40) for n in range(100)]
    bands = stability.calibration(rows, ["low", "high"])
    assert [band.drifted for band in bands] == [False, True] and bands[1].observed.value == 0.4
    ratio = stability.observed_to_expected(bands)
    assert ratio.value == pytest.approx(50 / 20) and ratio.low is not None and ratio.low > 1


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_edges_cut_without_empty_bins(values: list[int]) -> None:
    ordered = sorted(float(value) for value in values)
    edges = stability.edges_of(ordered, 10)
    assert edges == sorted(set(edges)) and len(edges) < 10
    filled = {stability.place(edges, value) for value in ordered}
    assert filled == set(range(len(edges) + 1))


def test_a_page_that_shows_intervals_loads_no_arrays() -> None:
    """AUC and KS stand with the models, whose arrays a web process does not load at its start."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from risk import stability; stability.share(1, 2); print('numpy' in sys.modules)"],
        capture_output=True, text=True, check=True, cwd=Path(stability.__file__).parent.parent,
    )  # fmt: skip
    assert told.stdout.strip() == "False"
