"""The plots of the supervisor's home: whole pixels inside their picture, on one scale."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from collection import home_plots
from collection.treatment_results import Arm

counts = st.integers(0, 5_000)


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=7))
def test_bars_stand_on_the_ground_and_the_tallest_fills_the_picture(pairs: list[tuple[int, int]]) -> None:
    rows = [{"day": "2026-11-24", "needed": n, "capacity": c, "short": max(n - c, 0)} for n, c in pairs]
    found = home_plots.days(rows)
    tall = [bar[f"{name}_tall"] for bar in found["bars"] for name in ("needed", "possible")]
    assert all(bar[f"{name}_top"] + bar[f"{name}_tall"] == found["ground"] for bar in found["bars"] for name in ("needed", "possible"))
    assert max(tall) == (found["ground"] - home_plots.TOP if any(map(any, pairs)) else 0)
    assert all(
        bar["left"] + found["bar"] <= bar["right"] and bar["left"] >= 0 and bar["right"] + found["bar"] <= found["width"]
        for bar in found["bars"]
    )


def arm(cases: int, cash: int, squares: int) -> Arm:
    return Arm("champion", cases, Decimal(1_000), Decimal(cash), Decimal(squares), 0, Decimal(0), 0, 0)


def test_intervals_share_a_scale_that_holds_zero() -> None:
    wide, none = home_plots.intervals([arm(10, 1_000, 150_000), arm(10, 0, 0)])
    assert wide["zero"] == none["zero"] == none["mean"] == none["low"] == none["high"]
    assert home_plots.EDGE == wide["zero"] < wide["low"] < wide["mean"] < wide["high"] == home_plots.LINE - home_plots.EDGE
    assert home_plots.intervals([arm(0, 0, 0)])[0]["mean"] == home_plots.EDGE
    assert home_plots.intervals([]) == []
