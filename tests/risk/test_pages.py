"""Pages of risk: who may open them, what they say, in both languages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from risk import decisions, engine
from risk.models import Decision, Scorecard, Strategy
from tests.fixtures.cast import Cast
from tests.risk.support import FACTS, NOON, WEAK, D, live_scorecard

HTMX = {"HX-Request": "true"}


@pytest.fixture
def made(cast: Cast) -> Decision:
    live_scorecard(cast.system)
    facts = FACTS | {"monthly_debt": D("4500.00")}
    sources = {"income": {"source": "verified", "as_of": "2026-02-20"}}
    return engine.evaluate(facts, at=NOON, actor=cast.system, subject="tests.thing:T-1", sources=sources)


@pytest.fixture
def analyst(cast: Cast, page_of: Callable[[Any], Client]) -> Client:
    return page_of(cast.risk_analyst)


def test_the_page_says_verdict_reason_trace_and_versions(made: Decision, analyst: Client) -> None:
    text = analyst.get(f"/risk/decisions/{made.public_id}/").content.decode()
    assert "Debt takes" in text
    assert "bound by affordability" in text
    assert "Debt-to-income &gt; Limit of debt-to-income" in text
    assert "verified" in text
    assert "2026-02-20" in text
    assert made.strategy_version.strategy.public_id in text
    assert "Points by factor" in text
    assert "<h1" in text


def test_the_part_is_the_panel_alone(made: Decision, analyst: Client) -> None:
    response = analyst.get(f"/risk/decisions/{made.public_id}/", headers=HTMX)
    assert response.headers["Vary"].find("HX-Request") >= 0
    assert response.headers["Cache-Control"] == "no-store"
    assert response.content.decode().lstrip().startswith(f'<div id="decision-{made.public_id}"')


def test_the_customer_s_words_and_hits_only(made: Decision, analyst: Client) -> None:
    text = analyst.get(f"/risk/decisions/{made.public_id}/?words=customer&hits=1").content.decode()
    assert "your income" in text
    assert "Least age" not in text
    assert "Debt above the limit" in text


def test_replay_says_the_same_verdict(made: Decision, analyst: Client) -> None:
    assert "Same verdict" in analyst.post(f"/risk/decisions/{made.public_id}/replay/", headers=HTMX).content.decode()
    assert "Same verdict" in analyst.post(f"/risk/decisions/{made.public_id}/replay/").content.decode()  # without htmx: the page
    assert analyst.get(f"/risk/decisions/{made.public_id}/replay/").status_code == 405


def test_the_app_that_knows_the_subject_decides_who_sees_it(
    made: Decision, cast: Cast, page_of: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/risk/decisions/{made.public_id}/"
    assert page_of(cast.loan_officer).get(address).status_code == 404  # scope "team", and nobody vouches for the subject
    assert page_of(cast.collector).get(address).status_code == 403
    monkeypatch.setitem(decisions.GUARDS._items, "tests.thing", lambda user, about: about == "T-1" and user.pk == cast.loan_officer.pk)
    assert page_of(cast.loan_officer).get(address).status_code == 200
    assert page_of(cast.colleague).get(address).status_code == 404
    assert page_of(cast.risk_analyst).get(address).status_code == 404
    assert page_of(cast.loan_officer).get("/risk/decisions/D-NOSUCH/").status_code == 404


@pytest.mark.parametrize("role", ["loan_officer", "collector", "service_agent"])
def test_strategies_and_replay_are_not_for_everybody(made: Decision, cast: Cast, page_of: Callable[[Any], Client], role: str) -> None:
    client = page_of(getattr(cast, role))
    for address in ("/risk/decisions/", "/risk/strategies/", "/risk/models/"):
        assert client.get(address).status_code == 403


def test_who_sees_only_their_branch_opens_decisions_from_their_applications(
    made: Decision, cast: Cast, page_of: Callable[[Any], Client]
) -> None:
    text = page_of(cast.underwriter).get("/risk/decisions/").content.decode()
    assert made.public_id not in text
    assert "Open a decision from its application" in text


def test_the_list_filters_sorts_and_stays_at_its_queries(
    made: Decision, cast: Cast, analyst: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        engine.evaluate(FACTS | WEAK, at=NOON, actor=cast.system)
    text = analyst.get("/risk/decisions/?outcome=refer").content.decode()
    assert made.public_id in text
    assert text.count('<tr><th scope="row">') == 1
    with django_assert_max_num_queries(8):
        assert analyst.get("/risk/decisions/?sort=-score").status_code == 200
    assert "Nothing matches 1 filter" in analyst.get("/risk/decisions/?grade=B").content.decode()


def test_strategy_and_scorecard_can_be_read(made: Decision, analyst: Client) -> None:
    strategy, card = Strategy.objects.get(kind="lending").public_id, Scorecard.objects.get().public_id
    text = analyst.get(f"/risk/strategies/{strategy}/").content.decode()
    assert "Least age" in text
    assert "protected, never decides" in text
    text = analyst.get(f"/risk/models/{card}/").content.decode()
    assert "600 at 30:1" in text
    assert "Overdrawn" in text
    assert strategy in analyst.get("/risk/strategies/").content.decode()
    assert card in analyst.get("/risk/models/").content.decode()
    assert analyst.get(f"/risk/strategies/{strategy}/?version=7").status_code == 404
    assert analyst.get("/risk/models/M-NOSUCH/").status_code == 404


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_policy_is_a_document_of_sentences(made: Decision, analyst: Client, language: str) -> None:
    strategy = Strategy.objects.get(kind="lending").public_id
    analyst.cookies["crm_language"] = language
    text = analyst.get(f"/risk/strategies/{strategy}/document/", headers={"Accept-Language": language}).content.decode()
    assert ("Least age: decline when" if language == "en" else "民法典") in text
    assert analyst.get(f"/risk/strategies/{strategy}/document/?version=99").status_code == 404
    assert analyst.get(f"/risk/strategies/{strategy}/document/?version=x").status_code == 404


def test_a_decision_that_was_no_approval_says_what_would_pass(made: Decision, analyst: Client) -> None:
    text = analyst.get(f"/risk/decisions/{made.public_id}/").content.decode()
    assert "What would pass" in text
    assert "It would be approved for up to" in text
    assert "We could lend you up to" in analyst.get(f"/risk/decisions/{made.public_id}/?words=customer").content.decode()


@pytest.mark.parametrize("kind", ["roc", "ks"])
def test_the_curves_are_in_the_chart_s_form(made: Decision, analyst: Client, kind: str) -> None:
    card = Scorecard.objects.get().public_id
    data = analyst.get(f"/risk/models/{card}/charts/{kind}/").json()
    assert data["v"] == 1
    assert data["title"]
    for series in data["series"]:
        assert len(series["values"]) == len(data["x"]["values"])
        assert series["values"] == sorted(series["values"])
        assert series["values"][-1] == 1
    assert analyst.get(f"/risk/models/{card}/charts/pie/").status_code == 404


def test_a_missing_fact_is_a_stage_of_its_own(cast: Cast, analyst: Client) -> None:
    live_scorecard(cast.system)
    found = engine.evaluate(FACTS | {"income": None}, at=NOON, actor=cast.system)
    text = analyst.get(f"/risk/decisions/{found.public_id}/").content.decode()
    assert "Referred: Monthly income is missing." in text
    assert "not reached" in text


def test_no_label_of_a_stage_is_a_word_of_the_code(made: Decision, analyst: Client) -> None:
    analyst.cookies["crm_language"] = "zh-hans"
    response = analyst.get(f"/risk/decisions/{made.public_id}/", headers={"Accept-Language": "zh-Hans"})
    text = response.content.decode()
    for name in ("dti_limit", "current_dpd", "product_min", "limit_affordable"):
        assert name not in text


# --- REST ---------------------------------------------------------------------------------------------------------------
def test_a_client_reads_a_decision_it_may_see(
    made: Decision, cast: Cast, api_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/api/v1/decisions/{made.public_id}/"
    client = api_of("applications:read", user=cast.service)
    assert client.get(address).status_code == 404
    monkeypatch.setitem(decisions.GUARDS._items, "tests.thing", lambda user, about: user.pk == cast.service.pk)
    body = client.get(address).json()
    assert body["outcome"] == "refer"
    assert body["reason_codes"] == ["dti_above_limit"]
    assert body["reasons"][0].startswith("Debt takes")
    assert body["strategy_version"] == 1
    assert "facts" not in body
    assert api_of("customers:read", user=cast.service).get(address).status_code == 403
