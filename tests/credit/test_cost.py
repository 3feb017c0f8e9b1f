"""The cost table: what has to stand in it, and that its hash is the document's."""

import json
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.cost import Contract, fees_by_installment, fingerprint, percent, read_fees, speak, table
from credit.schedule import Terms, equal_installment

LENDER = {"en": "Ringmark Consumer Finance", "zh-hans": "环印消费金融"}
FEES = [
    {"code": "service", "name": {"en": "Service fee", "zh-hans": "服务费"}, "method": "per_period", "rate": "0.001"},
    {
        "code": "notary",
        "name": {"en": "Notary fee", "zh-hans": "公证费"},
        "method": "once",
        "amount": "50.00",
        "payee": {"en": "Notary", "zh-hans": "公证处"},
    },
]


def make(fees=(), grace=3, principal="12000.00"):
    rows = equal_installment(Terms(D(principal), D("0.18"), 12, date(2026, 1, 8)))
    contract = Contract(D(principal), D("0.18"), D("0.24"), "30/360", grace, "CNY", LENDER, read_fees(fees, LENDER))
    return table(contract, rows)


def test_the_table_of_the_published_loan():
    shown = make()
    assert (shown["principal"], shown["disbursed"]) == ("12000.00", "12000.00")
    assert (shown["installment"], shown["last_installment"]) == ("1100.16", "1100.19")
    assert (shown["total_cost"], shown["total_to_repay"]) == ("1201.95", "13201.95")
    assert shown["annualised"]["nominal"] == "0.180004"
    assert shown["annualised"]["effective"] == "0.195623"
    assert [item["code"] for item in shown["items"]] == ["interest"]
    assert [item["code"] for item in shown["contingent"]] == ["penalty"]


def test_every_item_says_method_standard_and_payee_in_both_languages():
    shown = make(FEES)
    for item in [*shown["items"], *shown["contingent"]]:
        for field in ("name", "method", "standard", "payee"):
            assert item[field].keys() == {"en", "zh-hans"}
            assert all(item[field].values())
    assert [item["payee"]["en"] for item in shown["items"]] == ["Ringmark Consumer Finance", "Ringmark Consumer Finance", "Notary"]
    assert "3" in shown["contingent"][0]["method"]["en"]
    assert "24.00%" in shown["contingent"][0]["standard"]["zh-hans"]
    assert shown["no_other_charge"]["en"].startswith("No charge other")


def test_fees_count_in_the_annualised_cost_and_add_up():
    with_fees, without = make(FEES), make()
    assert [item["amount"] for item in with_fees["items"]] == ["1201.95", "144.00", "50.00"]
    assert D(with_fees["total_cost"]) == sum(D(item["amount"]) for item in with_fees["items"])
    assert D(with_fees["annualised"]["nominal"]) > D(without["annualised"]["nominal"])
    assert fees_by_installment(read_fees(FEES, LENDER), D("12000.00"), 3) == [D("62.00"), D("12.00"), D("12.00")]


def test_one_language_at_a_time():
    assert speak(make(), "zh-hans")["items"][0]["name"] == "利息"
    assert speak(make(), "en")["items"][0]["name"] == "Interest"
    assert speak(make(), "en")["annualised"]["nominal"] == "0.180004"


def test_the_hash_survives_storage_and_any_change_shows():
    shown = make(FEES)
    stored = json.loads(json.dumps(shown, indent=3))
    assert fingerprint(stored) == fingerprint(dict(reversed(list(shown.items()))))
    assert len(fingerprint(shown)) == 64
    assert fingerprint(shown | {"total_cost": "1.00"}) != fingerprint(shown)


@pytest.mark.parametrize("row", [{"method": "daily", "amount": "1.00"}, {"method": "once"}, {"method": "once", "amount": "-1.00"}])
def test_a_fee_that_cannot_be_charged_is_refused(row):
    with pytest.raises(ValueError, match="cannot be charged"):
        read_fees([{"code": "x", "name": LENDER} | row], LENDER)


@given(st.decimals("200.00", "50000.00", places=2))
def test_total_to_repay_is_what_the_instalments_add_up_to(principal):
    shown = make(FEES, principal=str(principal))
    rows = equal_installment(Terms(principal, D("0.18"), 12, date(2026, 1, 8)))
    fees = fees_by_installment(read_fees(FEES, LENDER), principal, 12)
    assert D(shown["total_to_repay"]) == sum(row.payment for row in rows) + sum(fees)


def test_caps_compare_at_two_decimals():
    assert percent(D("0.2400006")) == "24.00%"
    assert percent(D("0.24005")) == "24.01%"
