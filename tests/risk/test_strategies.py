"""The retail strategy as a rulebook, and strictness where the rule engine is silent."""

import copy
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import decimals, fixed_dictionaries, integers, sampled_from

from risk import registry, strategies, words
from risk.strategies import BadStrategy, Strategy, first_difference
from tests.risk.support import FACTS, MIDDLING, WEAK, card, strategy

STAGES = ["admission", "fraud", "bureau", "scorecard", "affordability", "limit", "price", "referral"]


def run(**changes: Any) -> strategies.Verdict:
    return strategy().run(FACTS | changes)


def graph() -> dict[str, Any]:
    return copy.deepcopy(words.data(registry.RETAIL))


def node(content: dict[str, Any], name: str) -> Any:
    return next(one for one in content["nodes"] if one["id"] == name)


def compiled(content: dict[str, Any], with_card: Any = None) -> Strategy:
    return Strategy(content, words.data("input_schema"), words.data("policy_reasons"), with_card or card())


def test_a_good_applicant_is_approved_with_limit_rate_and_grade() -> None:
    verdict = run()
    assert (verdict.outcome, verdict.grade) == ("approve", "A")
    assert verdict.annual_rate == D("0.120000")
    assert (verdict.limit, verdict.binding) == (D("50000.00"), "product")
    assert all(code.startswith("score_") for code in verdict.reasons)


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        ({"consent_bureau": False}, "decline", "no_bureau_consent"),
        ({"age": 17}, "decline", "age_below_minimum"),
        ({"age": 70, "term": 12}, "refer", "age_at_end_above_maximum"),
        ({"amount": D("999.99")}, "decline", "amount_below_product"),
        ({"amount": D("50000.01")}, "decline", "amount_above_product"),
        ({"term": 2}, "decline", "term_below_product"),
        ({"term": 37}, "decline", "term_above_product"),
        ({"purpose": "investment"}, "decline", "purpose_not_allowed"),
        ({"purpose": "business"}, "refer", "purpose_needs_review"),
        ({"current_dpd": 31}, "decline", "overdue_now"),
        ({"current_dpd": 30}, "refer", "overdue_lately"),
        ({"income": D("0.00")}, "decline", "no_income"),
        (WEAK, "decline", "score_too_low"),
        (MIDDLING, "refer", "score_needs_review"),
        ({"monthly_debt": D("4500.00")}, "refer", "dti_above_limit"),
        ({"monthly_debt": D("7000.00")}, "decline", "dti_far_above_limit"),
        ({"exposure": D("195000.00")}, "refer", "amount_above_limit"),
        ({"exposure": D("199500.00")}, "decline", "limit_below_product"),
        ({"rate_a": None}, "decline", "grade_not_served"),
        ({"rate_cap": D("0.11")}, "refer", "rate_above_cap"),
        ({"listed_black": True}, "decline", "listed_black"),
        ({"listed_grey": True}, "refer", "listed_grey"),
        ({"listed_watch": True, "amount": D("20000.01")}, "refer", "listed_watch"),
        ({"region": "81"}, "decline", "region_not_served"),
        ({"student": True, "other_debtors": "guarantor", "amount": D("8000.01")}, "decline", "student_amount"),
        ({"student": True}, "decline", "student_alone"),
        ({"student": True, "other_debtors": "guarantor"}, "refer", "student_needs_review"),
        ({"employment": "unemployed", "age": 22}, "refer", "student_unknown"),
        ({"purpose": "house_purchase"}, "decline", "purpose_not_allowed"),
        ({"purpose": "debt_repayment"}, "decline", "purpose_not_allowed"),
        ({"shared_mobile": 3}, "decline", "mobile_shared_by_many"),
        ({"shared_mobile": 1}, "refer", "mobile_shared"),
        ({"shared_card": 1}, "refer", "card_shared"),
        ({"shared_device": 1}, "refer", "device_shared"),
        ({"applications_30d": 4}, "refer", "many_applications"),
        ({"device_applications_30d": 4}, "refer", "device_applications_many"),
        ({"device_zone_differs": True, "amount": D("20000.01")}, "refer", "device_zone"),
        ({"bureau_state": "missing"}, "refer", "bureau_missing"),
        ({"bureau_state": "stale"}, "refer", "bureau_stale"),
        ({"bureau_state": "frozen"}, "refer", "bureau_frozen"),
        ({"bureau_state": "unknown"}, "refer", "bureau_unknown"),
        ({"bureau_state": "thin", "amount": D("10000.01")}, "refer", "bureau_thin"),
        ({"bureau_state": "full", "bureau_overdue_now": D("1000.01")}, "decline", "bureau_overdue"),
        ({"bureau_state": "thin", "bureau_overdue_now": D("0.01")}, "refer", "bureau_overdue_little"),
        ({"bureau_state": "full", "bureau_overdue_now": D("1000.00")}, "refer", "bureau_overdue_little"),
        ({"bureau_state": "full", "bureau_worst_dpd_24m": 91}, "decline", "bureau_delays_long"),
        ({"bureau_state": "full", "bureau_worst_dpd_24m": 90}, "refer", "bureau_delays"),
        ({"bureau_state": "full", "bureau_worst_dpd_24m": 31}, "refer", "bureau_delays"),
        ({"bureau_state": "full", "bureau_inquiries_3m": 7}, "refer", "bureau_inquiries"),
        ({"bureau_state": "full", "bureau_lenders": 6}, "refer", "bureau_lenders_many"),
        ({"employment": "unemployed", "income": D("10000.01")}, "refer", "income_without_work"),
        ({"employment": "7_years_or_more", "age": 22}, "refer", "work_before_sixteen"),
        ({"income": D("100000.01"), "income_state": "stated"}, "refer", "income_unusual"),
        ({"income": D("20000.00"), "income_state": "stated", "amount": D("30000.01")}, "refer", "income_needs_proof"),
        ({"rate_a": D("0.07")}, "refer", "margin_below_hurdle"),
        ({"amount": D("40000.01"), "income": D("20000.00")}, "refer", "large_amount"),
        ({"exposure": D("144000.01")}, "refer", "large_exposure"),
    ],
)  # fmt: skip
def test_the_rulebook(changes: dict[str, Any], outcome: str, reason: str) -> None:
    verdict = run(**changes)
    assert (verdict.outcome, reason in verdict.reasons) == (outcome, True), verdict.reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"age": 18}, {"age": 69}, {"amount": D("1000.00")}, {"term": 3}, {"term": 36, "amount": D("20000.00")},
        {"listed_black": False, "listed_grey": False, "listed_watch": True, "amount": D("20000.00")},
        {"region": "31"}, {"region": None}, {"student": False, "age": 22, "employment": "under_1_year"},
        {"employment": "unemployed", "age": 23}, {"shared_mobile": 0, "shared_device": 0}, {"applications_30d": 3},
        {"employment": "unemployed", "income": D("10000.00")}, {"employment": "7_years_or_more", "age": 23},
        {"employment": "4_to_under_7_years", "age": 20}, {"income": D("100000.01")},
        {"income": D("100000.00"), "income_state": "stated"}, {"income_state": "stated"},
        {"income": D("20000.00"), "income_state": "stated", "amount": D("30000.00")},
        {"amount": D("40000.00"), "income": D("20000.00")}, {"exposure": D("144000.00")},
        {"device_applications_30d": 3}, {"device_zone_differs": True, "amount": D("20000.00")},
        {"device_zone_differs": False, "amount": D("20000.01")}, {"bureau_state": "not_connected"}, {"bureau_state": "full"}, {"bureau_state": "thin", "amount": D("10000.00")},
        {"bureau_state": "full", "bureau_overdue_now": D("0.00"), "bureau_worst_dpd_24m": 30, "bureau_inquiries_3m": 6, "bureau_lenders": 5},
    ],
)  # fmt: skip
def test_just_beside_a_rule_it_does_not_hit(changes: dict[str, Any]) -> None:
    changes = ({"employment": "1_to_under_4_years"} if changes.get("age", 40) < 20 else {}) | changes
    verdict = run(**changes)
    assert verdict.outcome in ("approve", "refer")
    ours = {"score_needs_review"} | {code for code in verdict.reasons if code.startswith("score_")}
    assert set(verdict.reasons) <= ours, verdict.reasons  # the score may say more of the same facts; no rule does


def test_expected_loss_is_annualised_on_the_average_balance() -> None:
    figures = run(rate_a=D("0.18"), amount=D("12000.00")).figures
    assert figures["average_balance"] == pytest.approx(0.55645, abs=2e-5)
    assert figures["el_annual"] == pytest.approx(figures["pd_priced"] * 0.6 / figures["average_balance"], abs=2e-6)
    assert figures["margin"] == pytest.approx(0.18 - 0.03 - 0.035 - figures["el_annual"], abs=2e-6)
    assert figures["rate_needed"] == pytest.approx(0.03 + 0.035 + 0.01 + figures["el_annual"], abs=2e-6)


def test_an_income_that_was_only_stated_counts_up_to_a_bound() -> None:
    assert run(income=D("30000.00")).figures["income_counted"] == 30000
    assert run(income=D("30000.00"), income_state="stated").figures["income_counted"] == 20000


@pytest.mark.parametrize(
    ("changes", "limit", "binding"),
    [
        ({"income": D("3000.00"), "monthly_debt": D("0.00"), "term": 24}, "30000.00", "income"),  # ten months of income in grade A
        ({"exposure": D("190000.00")}, "10000.00", "exposure"),
        ({"income_state": "stated", "income": D("20000.00")}, "30000.00", "verification"),
        ({"student": True, "other_debtors": "guarantor"}, "8000.00", "student"),
        ({"income": D("300000.00"), "product_max": D("900000.00"), "exposure_cap": D("900000.00")}, "200000.00", "grade_cap"),
    ],
)  # fmt: skip
def test_the_limit_names_what_binds(changes: dict[str, Any], limit: str, binding: str) -> None:
    verdict = run(**changes)
    assert (verdict.limit, verdict.binding) == (D(limit), binding)


def test_affordability_binds_and_tells_what_would_pass() -> None:
    verdict = run(monthly_debt=D("4500.00"))
    assert verdict.binding == "affordability"
    assert verdict.limit is not None
    assert verdict.limit < FACTS["amount"]
    assert run(monthly_debt=D("4500.00"), amount=verdict.limit).outcome == "approve"


def test_debt_to_income_uses_the_new_instalment() -> None:
    figures = run(amount=D("12000.00"), rate_a=D("0.18")).figures
    assert figures["instalment"] == 1100.16  # the published figure for 12,000 at 1.5 % a month over 12 months
    assert figures["dti"] == round((500 + 1100.16) / 9000, 4)


def test_an_interest_free_product_has_an_instalment_too() -> None:
    assert run(rate_a=D(0)).figures["instalment"] == 500


applicants = fixed_dictionaries({
    "amount": decimals("1000", "50000", places=2), "term": integers(3, 36), "age": integers(18, 65),
    "income": decimals("1", "60000", places=2), "monthly_debt": decimals("0", "20000", places=2),
    "exposure": decimals("0", "250000", places=2), "purpose": sampled_from(["car_new", "business", "vacation", "education"]),
    "checking_status": sampled_from(["below_0", "no_account"]), "savings": sampled_from(["under_100", "1000_or_more"]),
})  # fmt: skip


@given(applicants)
@settings(max_examples=60, deadline=None)
def test_every_verdict_is_complete_repeatable_and_keeps_its_word(changes: dict[str, Any]) -> None:
    verdict = run(**changes)
    assert first_difference(verdict, strategy().run(verdict.facts)) == ""
    assert strategy().approves(FACTS | changes) is (verdict.outcome == "approve")
    assert [stage["stage"] for stage in verdict.trace][1:] == STAGES
    if verdict.outcome == "approve":
        assert verdict.grade
        assert verdict.limit is not None
        assert verdict.annual_rate is not None
        assert verdict.limit >= changes["amount"]
        assert changes["exposure"] + changes["amount"] <= FACTS["exposure_cap"]
        assert verdict.figures["dti"] <= 0.55
    else:
        assert verdict.reasons
    assert all(words.sentence(code, {**strategy().reasons, **card_texts()}, {**verdict.facts, **verdict.figures}, language="zh") != code
               for code in verdict.reasons)  # fmt: skip


def card_texts() -> dict[str, Any]:
    return {text["code"]: text for text in words.data("scorecard_reasons").values()}


# --- where the engine would be silent ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "rows", "reason"),
    [
        ("affordability-dti", slice(0, 2), "no_outcome"),
        ("scorecard-grade", slice(4, 5), "engine_error"),
        ("price-check", slice(0, 2), "no_outcome"),
    ],
)
def test_no_matching_row_is_referred(name: str, rows: slice, reason: str) -> None:
    content = graph()
    table = node(content, name)["content"]
    table["rules"] = table["rules"][rows]
    verdict = compiled(content).run(FACTS)
    assert (verdict.outcome, verdict.reasons) == ("refer", (reason,))


@pytest.mark.parametrize("value", ['"yes"', "null", "1", '"approved"'])
def test_an_outcome_that_is_none_of_the_three_is_referred(value: str) -> None:
    content = graph()
    node(content, "verdict")["content"]["expressions"][0]["value"] = value
    assert compiled(content).run(FACTS).reasons == ("no_outcome",)


@pytest.mark.parametrize("name", ["limit", "annual_rate", "grade"])
def test_an_approval_without_limit_rate_or_grade_is_referred(name: str) -> None:
    content = graph()
    expressions = node(content, "verdict")["content"]["expressions"]
    next(one for one in expressions if one["key"] == name)["value"] = "null"
    assert compiled(content).run(FACTS).reasons == ("no_outcome",)


def test_an_error_is_referred_and_its_node_is_named() -> None:
    content = graph()
    node(content, "affordability-instalment")["content"]["expressions"][0]["value"] = "1 / (age - age)"
    verdict = compiled(content).run(FACTS)
    assert (verdict.outcome, verdict.reasons) == ("refer", ("engine_error",))
    stages = {stage["stage"]: stage["result"] for stage in verdict.trace}
    assert stages["affordability"] == "error"
    assert stages["limit"] == "not_reached"


def test_without_a_live_scorecard_the_case_goes_to_a_person() -> None:
    bare = Strategy(words.data(registry.RETAIL), words.data("input_schema"), words.data("policy_reasons"), None)
    assert bare.run(FACTS).reasons == ("scorecard_missing",)


def test_a_fact_the_card_cannot_read_is_referred() -> None:
    schema = copy.deepcopy(words.data("input_schema"))
    term = next(row for row in schema["facts"] if row["name"] == "term")
    term |= {"type": "category", "values": ["a year"], "min": None, "max": None}
    content = graph()
    node(content, "admission-rules")["content"]["rules"] = []
    verdict = Strategy(content, schema, words.data("policy_reasons"), card()).run(FACTS | {"term": "a year"})
    assert (verdict.outcome, verdict.reasons) == ("refer", ("scorecard_error",))


# --- what may not even be registered -----------------------------------------------------------------------------------
def reads_protected(content: dict[str, Any]) -> None:
    node(content, "admission-outcome")["content"]["expressions"][0]["value"] = 'foreign_worker ? "refer" : "pass"'


def asks_protected(content: dict[str, Any]) -> None:
    node(content, "admission-rules")["content"]["inputs"][0]["field"] = "personal_status_sex"


def untold_reason(content: dict[str, Any]) -> None:
    rules = node(content, "limit-check")["content"]["rules"]
    rules[0]["limit-check-reason"] = '"because"'


def loose_end(content: dict[str, Any]) -> None:
    content["edges"] = [edge for edge in content["edges"] if edge["sourceId"] != "price-check"]


def circle(content: dict[str, Any]) -> None:
    content["edges"].append({"id": "x", "sourceId": "price-check", "targetId": "limit-sources", "type": "edge"})


def javascript(content: dict[str, Any]) -> None:
    node(content, "limit-sources")["type"] = "functionNode"


def strange_node(content: dict[str, Any]) -> None:
    node(content, "scorecard-points")["content"]["kind"] = "shell"


def two_inputs(content: dict[str, Any]) -> None:
    content["nodes"].append(node(content, "facts") | {"id": "facts-2"})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (reads_protected, "protected attribute foreign_worker"), (asks_protected, "protected attribute personal_status_sex"),
        (untold_reason, "no text for the reason because"), (loose_end, "the path ends at Price: check"), (circle, "circle"),
        (javascript, "functionNode"), (strange_node, "shell"), (two_inputs, "exactly one inputNode"),
    ],
)  # fmt: skip
def test_a_graph_with_a_problem_is_refused_by_name(spoil: Any, told: str) -> None:
    content = graph()
    spoil(content)
    with pytest.raises(BadStrategy, match=told):
        compiled(content)


# --- the trace ----------------------------------------------------------------------------------------------------------
def entry(verdict: strategies.Verdict, reason: str) -> Any:
    return next(one for stage in verdict.trace for one in stage["nodes"] if one.get("reason") == reason)


def test_a_rule_that_fired_shows_what_it_read_beside_the_threshold() -> None:
    found = entry(run(monthly_debt=D("4500.00")), "dti_above_limit")
    assert found["result"] == "hit"
    assert found["values"]["dti_limit"] == 0.55
    assert found["values"]["dti"] > 0.55
    assert found["threshold"] == "dti > dti_limit"


def test_rules_that_did_not_fire_are_shown_too() -> None:
    verdict = run(age=17)
    admission = verdict.trace[1]
    assert [one["result"] for one in admission["nodes"] if one.get("reason")].count("hit") == 1
    assert len([one for one in admission["nodes"] if one.get("reason")]) == len(node(graph(), "admission-rules")["content"]["rules"])
    assert {stage["stage"]: stage["result"] for stage in verdict.trace}["limit"] == "not_reached"


def test_every_factor_of_the_score_is_shown_with_its_points() -> None:
    verdict = run()
    points = next(one["points"] for stage in verdict.trace for one in stage["nodes"] if "points" in one)
    assert sum(one["points"] for one in points) == pytest.approx(verdict.score, abs=0.5)
    assert {one["feature"] for one in points} == set(card().names)


def test_the_first_difference_is_named() -> None:
    was, now = run(), run(age=23)
    assert first_difference(was, now).startswith("score: ")
    assert first_difference(was, was) == ""
