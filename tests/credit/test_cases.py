"""Published cases on the live engine: a few of them whole, and that a wrong figure, a missing step or an unknown rule is told."""

import copy
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from credit import cases

# Apache Fineract (Apache-2.0), figures of its test suite at 4198b0b: allocation by due date (ALL-09), the schedule of EMI-03,
# a pause of delinquency (DLQ-12). Retyped; amounts in the currency's units.
BASE = {
    "rounding": "HALF_EVEN", "interest_type": "FLAT", "interest_calculation_period": "SAME_AS_REPAYMENT_PERIOD",
    "amortization_type": "EQUAL_INSTALLMENTS", "repay_every": 1, "repay_unit": "MONTHS", "schedule": "CUMULATIVE",
    "instalment_multiple_of": "1", "day_count": "rate x periods / 12 (months) — days do not matter", "interest_recalculation": "OFF",
    "arrears_grace_days": 3,
    "allocation_order": "due: penalty, fee, interest, principal; then in advance: principal, penalty, fee, interest",
}  # fmt: skip
ADVANCED = "; ".join(f"{when}: penalty, fee, principal, interest" for when in ("past due", "due", "in advance"))


def row(nr, due_date, principal, interest, balance, **more):
    return {
        "type": "installment",
        "nr": nr,
        "due_date": due_date,
        "principal": principal,
        "interest": interest,
        "balance_after": balance,
        **more,
    }


ALLOCATED = {
    "id": "ALL-09", "category": "allocation_order", "tier": 2,
    "terms": {**BASE, "principal": "3000.00", "annual_rate_percent": "0", "number_of_repayments": 3, "submitted_on": "2023-01-01"},
    "steps": [
        {"op": "set_business_date", "date": "2023-01-01"},
        {"op": "approve", "date": "2023-01-01", "amount": "3000.00"},
        {"op": "disburse", "date": "2023-01-01", "amount": "3000.00"},
        {"op": "set_business_date", "date": "2023-01-15"},
        {"op": "add_charge", "kind": "PENALTY", "due_date": "2023-01-15", "amount": "50.00"},
        {"op": "add_charge", "kind": "PENALTY", "due_date": "2023-01-20", "amount": "50.00"},
        {"op": "repay", "date": "2023-01-15", "amount": "500.00"},
        {"op": "expect_transactions", "rows": [
            {"date": "2023-01-01", "type": "Disbursement", "amount": "3000.00", "principal_balance_after": "3000.00"},
            {"date": "2023-01-15", "type": "Repayment", "amount": "500.00", "principal": "450.00", "penalties": "50.00",
             "principal_balance_after": "2550.00"},
        ]},
        {"op": "expect_totals", "totals": {"penalties": "100.00", "paid": "500.00", "paid_in_advance": "500.00", "outstanding": "2600.00"}},
        {"op": "reverse_transaction", "made_on": "2023-01-15", "nth_on_that_day": 1},
        {"op": "expect_totals", "totals": {"paid": "0.00", "outstanding": "3100.00"}},
    ],
}  # fmt: skip
EVENED = {
    "id": "EMI-03", "category": "schedule", "tier": 1,
    "terms": {
        **BASE, "principal": "331.77", "annual_rate_percent": "10.65", "number_of_repayments": 5, "submitted_on": "2023-12-12",
        "interest_type": "DECLINING_BALANCE", "interest_calculation_period": "DAILY", "schedule": "PROGRESSIVE",
        "day_count": "ACTUAL/ACTUAL", "allocation_order": ADVANCED,
    },
    "steps": [
        {"op": "disburse", "date": "2023-12-12", "amount": "331.77"},
        {"op": "expect_schedule", "rows": [
            {"type": "disbursement", "date": "2023-12-12", "amount": "331.77"},
            row(1, "2024-01-12", "65.14", "3.00", "266.63", due="68.14"),
            row(2, "2024-02-12", "65.73", "2.41", "200.90", due="68.14"),
            row(3, "2024-03-12", "66.44", "1.70", "134.46", due="68.14"),
            row(4, "2024-04-12", "66.93", "1.21", "67.53", due="68.14"),
            row(5, "2024-05-12", "67.53", "0.59", "0.00", due="68.12"),
        ]},
    ],
}  # fmt: skip
PAUSED = {
    "id": "DLQ-12", "category": "delinquency", "tier": 3,
    "terms": {
        **BASE, "principal": "1000.00", "annual_rate_percent": "0", "number_of_repayments": 3, "repay_every": 15, "repay_unit": "DAYS",
        "submitted_on": "2023-10-01", "schedule": "PROGRESSIVE", "day_count": "ACTUAL/ACTUAL", "down_payment_percent": "25",
        "allocation_order": ADVANCED,
    },
    "steps": [
        {"op": "set_business_date", "date": "2023-10-01"},
        {"op": "disburse", "date": "2023-10-01", "amount": "1000.00"},
        {"op": "repay", "date": "2023-10-01", "amount": "250.00"},
        {"op": "delinquency_pause", "start": "2023-10-16", "end": "2023-10-25"},
        {"op": "set_business_date", "date": "2023-10-29"},
        {"op": "close_of_business"},
        {"op": "expect_last_closed_business_date", "date": "2023-10-28"},
        {"op": "expect_loan_delinquency", "range": "RANGE_1", "delinquent_amount": "250.00", "delinquent_since": "2023-10-19",
         "delinquent_days": 1, "past_due_days": 13},
        {"op": "expect_installment_delinquency", "rows": [{"range": "RANGE_3", "amount": "250.00"}]},
        {"op": "expect_pause_periods", "rows": [{"active": False, "start": "2023-10-16", "end": "2023-10-25"}]},
    ],
}  # fmt: skip
DOCUMENT = {
    "delinquency_ranges": [{"name": "RANGE_1", "min_days": 1, "max_days": 3}, {"name": "RANGE_3", "min_days": 4, "max_days": None}],
    "cases": [ALLOCATED, EVENED, PAUSED],
}


def results(document, **options):
    return [(each.case, each.result) for each in cases.replay(document, **options)]


def test_the_cases_pass_and_a_tier_holds_back_the_later_ones():
    assert [each for each in cases.replay(DOCUMENT) if each.result != "passed"] == []
    assert results(DOCUMENT, tier=1) == [("EMI-03", "passed")]


@pytest.mark.parametrize(
    ("case", "step", "path", "told"),
    [
        (0, 7, ("rows", 1, "principal"), "transaction 2: principal expected 1.11, found 450.00"),
        (0, 10, ("totals", "outstanding"), "totals: outstanding expected 1.11, found 3100.00"),
        (1, 1, ("rows", 3, "interest"), "instalment 3: interest expected 1.11, found 1.70"),
        (2, 7, ("delinquent_amount",), "delinquency: delinquent_amount expected 1.11, found 250.00"),
    ],
)
def test_every_figure_is_looked_at(case, step, path, told):
    document = copy.deepcopy(DOCUMENT)
    place = document["cases"][case]["steps"][step]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = "1.11"
    outcome = list(cases.replay(document))[case]
    assert outcome.result == "failed"
    assert outcome.sentence.endswith(told)


def test_a_row_too_few_is_a_difference():
    document = copy.deepcopy(DOCUMENT)
    document["cases"][1]["steps"][1]["rows"].pop()
    assert results(document)[1] == ("EMI-03", "failed")


@pytest.mark.parametrize(
    ("terms", "step"),
    [({}, {"op": "sell_loan"}), ({"day_count": "LUNAR"}, None), ({"interest_recalculation": {"compounding": "INTEREST"}}, None)],
)
def test_what_the_engine_lacks_is_skipped(terms, step):
    document = copy.deepcopy(DOCUMENT)
    document["cases"][0]["terms"] |= terms
    document["cases"][0]["steps"] += [step] if step else []
    assert results(document)[0] == ("ALL-09", "skipped")


@pytest.mark.django_db
def test_the_command_tells_by_category_and_ends_in_one_line(tmp_path):
    file, out = tmp_path / "cases.json", StringIO()
    file.write_text(json.dumps(DOCUMENT))
    call_command("replay_cases", str(file), stdout=out)
    assert out.getvalue().splitlines() == [
        "allocation_order: 1 of 1 passed", "delinquency: 1 of 1 passed", "schedule: 1 of 1 passed", "3 passed, 0 failed, 0 skipped",
    ]  # fmt: skip
    wrong = copy.deepcopy(DOCUMENT)
    wrong["cases"][1]["steps"][1]["rows"][1]["interest"] = "3.01"
    file.write_text(json.dumps(wrong))
    told = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("replay_cases", str(file), "--tier", "2", "--json", stdout=told)
    assert ended.value.code == 1
    first, last = told.getvalue().splitlines()
    assert [each["result"] for each in json.loads(first)["cases"]] == ["passed", "failed"]
    assert last == "1 passed, 1 failed, 0 skipped"


def test_a_file_without_cases_is_refused(tmp_path):
    with pytest.raises(CommandError):
        call_command("replay_cases", str(tmp_path / "none.json"))
