"""Published figures of portfolio reports, retyped with their source, against the pure rules."""

from decimal import Decimal as D

import pytest

from credit.report_math import Economics, ProvisionRates, flow_rates, quality, share, through

# shared/cases/worked_examples.json, roll_rate: month-end balances and the rates made of them
BALANCES = {
    "2025-01": {0: 100_000_000, 1: 3_000_000, 2: 1_100_000, 3: 700_000},
    "2025-02": {0: 101_000_000, 1: 3_200_000, 2: 1_200_000, 3: 770_000},
    "2025-03": {0: 102_500_000, 1: 3_434_000, 2: 1_344_000, 3: 876_000, 4: 462_000},
}
# the same file, provisioning.case; rates of the 2002 guideline: 1 % general, 2 / 25 / 50 / 100 % specific
RATES = ProvisionRates(D("0.01"), D("0.02"), D("0.25"), D("0.50"), D("1.00"))
CASE = {1: D("900000.00"), 2: D("50000.00"), 3: D("30000.00"), 4: D("15000.00"), 5: D("5000.00")}


def percents(rates, count):
    return [f"{rates[bucket] * 100:.4f}%" for bucket in range(count)]


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [("2025-01", "2025-02", ["3.2000%", "40.0000%", "70.0000%"]), ("2025-02", "2025-03", ["3.4000%", "42.0000%", "73.0000%", "60.0000%"])],
)
def test_flow_rates_as_published(before, now, wanted):
    assert percents(flow_rates(BALANCES[before], BALANCES[now], 7), len(wanted)) == wanted


def test_what_of_m0_is_expected_in_m4():
    rates = flow_rates(BALANCES["2025-02"], BALANCES["2025-03"], 7)
    expected = through(rates, 4)
    assert f"{expected * 100:.6f}%" == "0.625464%"
    assert f"{expected * 102_500_000:.2f}" == "641100.60"
    assert rates[5] is None and through(rates, 6) is None  # nothing stood in M5 a month before: no rate, not zero


def test_provision_and_coverage_as_published():
    found = quality(CASE, RATES)
    assert (found.total, found.non_performing, found.provision) == (D("1000000.00"), D("50000.00"), D("31000.00"))
    assert [f"{each * 100:.2f}%" for each in (found.npl_ratio, found.coverage, found.provision_to_loans)] == ["5.00%", "62.00%", "3.10%"]


def test_a_share_of_nothing_is_not_zero():
    assert share(0, 0) is None and share(D("0.00"), D("0.00")) is None
    assert quality({}, RATES).coverage is None
    assert share(24, 800) == D("0.03")  # fpd.case: not 24 of the 1,000 disbursed


def test_economics_say_nothing_of_cost_without_a_rate():
    brought = {
        "lent": D("12000.00"), "interest": D("900.00"), "fees": D("60.00"), "written_off": D("500.00"), "recovered": D("120.00"),
        "expected_loss": D("80.00"), "month_ends": D("96000.00"),
    }  # fmt: skip
    silent = Economics(**brought, funding_rate=None)
    assert (silent.funding, silent.margin) == (None, None)
    told = Economics(**brought, funding_rate=D("0.0300"))
    assert told.yearly_yield == D("0.12")  # 960 on an average of 8,000
    assert (told.net_loss, told.funding, told.margin) == (D("380.00"), D("240.00"), D("260.00"))
