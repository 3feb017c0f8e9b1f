"""Reading a bureau's report, without a database: what is counted, and what is refused."""

import copy
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import bureau_charts, bureau_report, consortium_port
from sandbox import bureau as other_side
from tests.fixtures.cast import NOON

ON = date(2026, 3, 2)
BODY: dict[str, Any] = {
    "report": "B-1", "key": "BQ-1", "as_of": "2026-03-02", "status": "full", "disputed": False,
    "accounts": [
        {"lender": "N10", "kind": "card", "opened": "2020-05", "limit": "20000.00", "balance": "5000.50", "monthly": "500.00", "overdue": "0", "dpd": [0] * 24},
        {"lender": "N10", "kind": "consumer", "opened": "2025-12", "limit": "8000", "balance": "6000.00", "monthly": "720.10", "overdue": "310.00", "dpd": [12, 0]},
        {"lender": "C22", "kind": "boat", "opened": "2026-03", "limit": "0.00", "balance": "0.00", "monthly": "0.00", "overdue": "0.00", "dpd": []},
    ],
    "inquiries": [
        {"on": "2026-03-01", "purpose": "credit_approval", "lender": "R31"},
        {"on": "2026-02-02", "purpose": "credit_approval", "lender": "R32"},
        {"on": "2025-12-03", "purpose": "credit_approval", "lender": "R33"},
        {"on": "2025-12-02", "purpose": "credit_approval", "lender": "R34"},
        {"on": "2026-02-20", "purpose": "post_loan", "lender": "N10"},
    ],
}  # fmt: skip

PARTS = st.sampled_from(["report", "status", "as_of", "accounts", "inquiries"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS, inner), max_leaves=12)


def test_figures_are_counted_from_accounts_and_inquiries() -> None:
    assert bureau_report.figures(bureau_report.read(BODY, key="BQ-1")) == {
        # a look at an account already held is no inquiry for credit; a month back from 2 March is after 2 February
        "inquiries_1m": 1, "inquiries_3m": 3, "inquiries_6m": 4, "open_accounts": 3, "lenders": 2, "limits": D("28000.00"),
        "balance": D("11000.50"), "monthly_due": D("1220.10"), "overdue_now": D("310.00"), "overdue_accounts": 1, "worst_dpd_24m": 12,
        "oldest_months": 70,
    }  # fmt: skip


def test_nothing_of_a_frozen_file_is_used() -> None:
    assert bureau_report.figures(bureau_report.read(BODY | {"status": "frozen"})) == {}


def test_a_file_without_accounts_has_no_age() -> None:
    found = bureau_report.figures(bureau_report.read(BODY | {"accounts": [], "inquiries": []}))
    assert (found["oldest_months"], found["balance"], found["worst_dpd_24m"]) == (None, D("0.00"), 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("key",), "BQ-2"), (("report",), ""), (("report",), 7), (("status",), "fine"), (("as_of",), "yesterday"), (("accounts",), "none"),
        (("accounts",), [1]), (("accounts",), None), (("inquiries",), {}), (("accounts", 0, "lender"), "中国银行"), (("accounts", 0, "lender"), 7),
        (("accounts", 0, "opened"), "2026-13"), (("accounts", 0, "opened"), "2026-04"), (("accounts", 0, "balance"), 5.5),
        (("accounts", 0, "balance"), "-1.00"), (("accounts", 0, "balance"), "1e5"), (("accounts", 0, "balance"), "1.005"),
        (("accounts", 0, "dpd"), [0] * 25), (("accounts", 0, "dpd"), [True]), (("accounts", 0, "dpd"), [-1]), (("accounts", 0, "dpd"), ["3"]),
        (("inquiries", 0, "on"), "2026-03-03"), (("inquiries", 0, "lender"), None), (("inquiries", 0, "purpose"), None),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_by_the_part_that_is_wrong(path: tuple[Any, ...], value: Any) -> None:
    body: Any = copy.deepcopy(BODY)
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(bureau_report.NotAReport):
        bureau_report.read(body, key="BQ-1")


@given(JSON)
def test_any_json_is_a_report_or_is_refused(body: Any) -> None:
    if isinstance(body, dict):
        with pytest.raises(bureau_report.NotAReport):
            bureau_report.read(body)


@pytest.mark.parametrize("persona", ["clean", "thin", "inquiries", "overdue", "lenders", "frozen"])
@given(serial=st.integers(0, 10**6))
def test_every_report_of_the_sandbox_is_one_and_shows_its_persona(persona: str, serial: int) -> None:
    made = other_side.report(f"{serial}", persona=persona, on=ON, key="BQ-1")
    read = bureau_report.read(made, key="BQ-1")
    found = bureau_report.figures(read)
    if persona == "frozen":
        assert (read.standing, read.disputed, found) == ("frozen", True, {})
        return
    assert read.standing == ("thin" if persona == "thin" else "full")
    assert (found["inquiries_3m"] > 6) is (persona == "inquiries")
    assert (found["overdue_now"] > 1000, found["worst_dpd_24m"] > 90) == ((persona == "overdue"),) * 2
    assert (found["lenders"] > 5) is (persona == "lenders")
    assert persona != "thin" or found["oldest_months"] < 7


def test_the_plots_say_what_the_report_holds() -> None:
    drawn = dict(bureau_charts.drawn(bureau_report.read(BODY)))
    asked, late = drawn["bureau-inquiries"], drawn["bureau-delays"]
    assert (asked["series"][0]["values"][-3:], sum(asked["series"][0]["values"])) == ([1, 1, 1], 4)
    assert asked["title"] == "Lenders asked 3 times within three months"
    assert (late["series"][0]["values"][-2:], late["x"]["values"][-1]) == ([0, 12], "2026-03")
    assert not bureau_charts.drawn(bureau_report.read(BODY | {"accounts": [], "inquiries": []}))


def test_no_consortium_is_connected_and_says_so_by_name() -> None:
    assert (consortium_port.is_on(), consortium_port.facts(1, at=NOON)) == (False, {})
    with pytest.raises(consortium_port.NoConsortium) as refusal:
        consortium_port.ask(1, at=NOON)
    assert refusal.value.code == "no_consortium"
