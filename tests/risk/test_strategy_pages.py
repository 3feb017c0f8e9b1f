"""Pages of strategies: what a version shows on each tab, each step in the browser, cases, comments, trials."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from risk import engine, strategy_cases, strategy_life, trials
from risk.models import Strategy, StrategyCase, StrategyVersion, Trial
from tests.fixtures.cast import Cast
from tests.risk.drafts import approved, draft
from tests.risk.support import FACTS, NOON, D, live_scorecard

JSON_FACTS = {name: str(value) if isinstance(value, D) else value for name, value in FACTS.items()}
TABS = ("document", "differences", "lint", "tests", "traffic", "notes")


@pytest.fixture
def house(cast: Cast) -> Cast:
    live_scorecard(cast.system)
    return cast


def page(version: StrategyVersion, tab: str = "") -> str:
    return strategy_life.address(version) + (f"&tab={tab}" if tab else "")


def step(version: StrategyVersion, name: str) -> str:
    return f"/risk/strategies/{version.strategy.public_id}/versions/{version.number}/{name}/"


def say(client: Client, address: str, **data: Any) -> Any:
    return client.post(address, {"form_key": str(uuid4()), **data})


def test_each_tab_says_its_part(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version = draft(house, age_min="21")
    strategy_cases.add(version.strategy, name="Good payer", facts_given=JSON_FACTS, expected={"outcome": "approve"}, actor=house.risk_analyst, at=NOON)  # fmt: skip
    strategy_life.comment(version, text="Why 21?", node="admission-policy", actor=house.compliance, at=NOON)
    client = page_of(house.risk_analyst)
    told = {tab: client.get(page(version, tab)).content.decode() for tab in TABS}
    assert "Least age" in told["document"]
    assert "Against version 1" in told["differences"]
    assert ">18<" in told["differences"]
    assert ">21<" in told["differences"]
    assert "is used nowhere" in told["lint"]
    assert "Every case comes out as expected" in told["tests"]
    assert "Good payer" in told["tests"]
    assert "judges everybody" in told["traffic"]
    assert "Why 21?" in told["notes"]
    assert "Admission: policy" in told["notes"]


def test_the_page_s_queries_do_not_grow(house: Cast, page_of: Callable[[Any], Client], django_assert_max_num_queries: Any) -> None:
    version = draft(house)
    for number in range(6):
        strategy_cases.add(version.strategy, name=f"case {number}", facts_given=JSON_FACTS, expected={"outcome": "approve"}, actor=house.risk_analyst, at=NOON)  # fmt: skip
        strategy_life.comment(version, text="x", actor=house.compliance, at=NOON)
        draft(house)
    client = page_of(house.risk_analyst)
    for tab in TABS:
        with django_assert_max_num_queries(24):
            assert client.get(page(version, tab)).status_code == 200


def test_from_draft_to_live_in_the_browser(house: Cast, page_of: Callable[[Any], Client]) -> None:
    live = StrategyVersion.objects.select_related("strategy").get(strategy__kind="lending")
    analyst, manager = page_of(house.risk_analyst), page_of(house.risk_manager)
    assert say(analyst, step(live, "draft"), note="older applicants").status_code == 303
    version = StrategyVersion.objects.select_related("strategy").get(number=2)
    assert "Send for approval" in analyst.get(page(version)).content.decode()
    assert analyst.get(step(version, "send"), headers={"HX-Request": "true", "HX-Target": "dialog"}).status_code == 200
    assert say(analyst, step(version, "send"), note="").status_code == 422
    assert say(analyst, step(version, "send"), note="ready").status_code == 303
    assert "another person must decide" not in manager.get(page(version)).content.decode()
    assert say(manager, step(version, "approve"), note="").status_code == 422  # the linter warns
    assert say(manager, step(version, "approve"), note="unused facts are harmless").status_code == 303
    assert say(manager, step(version, "schedule"), note="x", release_at="2020-01-01T10:00").status_code == 422
    assert say(manager, step(version, "release"), note="go").status_code == 303
    assert StrategyVersion.objects.get(status="live", strategy__kind="lending").number == 2
    assert "Roll back" in manager.get(page(version)).content.decode()
    assert say(manager, step(version, "roll-back"), note="worse").status_code == 303
    assert StrategyVersion.objects.get(status="live", strategy__kind="lending").number == 1


def test_a_second_submit_of_the_same_form_makes_one_draft(house: Cast, page_of: Callable[[Any], Client]) -> None:
    live = StrategyVersion.objects.select_related("strategy").get(strategy__kind="lending")
    client = page_of(house.risk_analyst)
    data = {"form_key": str(uuid4()), "note": "once"}
    first, second = client.post(step(live, "draft"), data), client.post(step(live, "draft"), data)
    assert first.headers["Location"] == second.headers["Location"]
    assert StrategyVersion.objects.filter(strategy__kind="lending").count() == 2


def test_a_case_is_kept_changed_and_taken_away(house: Cast, page_of: Callable[[Any], Client]) -> None:
    strategy = Strategy.objects.get(kind="lending")
    client = page_of(house.risk_analyst)
    address = f"/risk/strategies/{strategy.public_id}/cases/new/"
    assert "6000" in client.get(address).content.decode() or "amount" in client.get(address).content.decode()
    data = {"name": "Good", "outcome": "approve", "grade": "A", "reasons": "", "facts": json.dumps(JSON_FACTS)}
    for wrong in ({"facts": "{"}, {"facts": "[]"}, {"facts": '{"a": [1]}'}, {"name": ""}, {"outcome": "maybe"}, {"facts": "[" * 9_000}):
        assert say(client, address, **data | wrong).status_code == 422
    assert say(client, address, **data).status_code == 303
    assert say(client, address, **data).status_code == 422  # the name is taken
    case = StrategyCase.objects.get(strategy__kind="lending")
    assert say(client, f"/risk/cases/{case.public_id}/", **data | {"outcome": "decline", "grade": ""}).status_code == 303
    assert (
        "comes out otherwise"
        in client.get(page(StrategyVersion.objects.select_related("strategy").get(strategy__kind="lending"), "tests")).content.decode()
    )
    assert client.post(f"/risk/cases/{case.public_id}/remove/").status_code == 303
    assert not StrategyCase.objects.filter(strategy__kind="lending").exists()


def test_a_strategy_of_its_own(house: Cast, page_of: Callable[[Any], Client]) -> None:
    client = page_of(house.risk_analyst)
    data = {
        "code": "merchant_instalment",
        "name_en": "Merchant instalment",
        "name_zh": "商户分期",
        "model": Strategy.objects.get(kind="lending").public_id,
    }
    assert say(client, "/risk/strategies/new/", **data | {"code": "Merchant Instalment"}).status_code == 422
    assert say(client, "/risk/strategies/new/", **data | {"code": "retail_installment"}).status_code == 422
    assert say(client, "/risk/strategies/new/", **data).status_code == 303
    made = StrategyVersion.objects.get(strategy__code="merchant_instalment")
    assert (made.status, made.number) == ("draft", 1)
    assert "Merchant instalment" in client.get("/risk/strategies/").content.decode()


def test_a_trial_is_planned_started_shown_and_ended_in_the_browser(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version = approved(house, age_min="99")
    analyst, manager = page_of(house.risk_analyst), page_of(house.risk_manager)
    assert version.strategy.name in analyst.get(f"/risk/trials/new/?version={version.pk}").content.decode()
    data = {"strategy": version.strategy.public_id, "version": version.pk, "kind": "traffic", "share": 50, "minimum_sample": 20,
            "stop_approval_pp": "15", "why": "older applicants"}  # fmt: skip
    assert say(analyst, "/risk/trials/new/", **data | {"share": 60}).status_code == 422
    assert say(analyst, "/risk/trials/new/", **data).status_code == 303
    trial = Trial.objects.get()
    address = f"/risk/trials/{trial.public_id}/"
    assert "another person must start it" in analyst.get(address).content.decode()
    assert analyst.post(f"{address}start/").status_code == 403
    assert manager.post(f"{address}start/").status_code == 303
    for customer in range(1, 31):
        engine.evaluate(FACTS, at=NOON, actor=house.system, customer_id=customer)
    text = manager.get(address).content.decode()
    assert "Too early to conclude" in text
    assert "100.0%" in text
    assert "judges 50% of the customers" in analyst.get(page(version, "traffic")).content.decode()
    assert say(manager, f"{address}stop/", reason="").status_code == 422
    assert say(manager, f"{address}stop/", reason="seen enough").status_code == 303
    assert "seen enough" in manager.get(address).content.decode()


def test_a_shadow_shows_what_would_have_been(house: Cast, page_of: Callable[[Any], Client], deliver: Any) -> None:
    version = approved(house, age_min="99")
    trial = trials.plan(version.strategy, kind="shadow", version=version, why="x", actor=house.risk_analyst, at=NOON)
    made = engine.evaluate(FACTS, at=NOON, actor=house.system)
    deliver()
    text = page_of(house.risk_analyst).get(f"/risk/trials/{trial.public_id}/").content.decode()
    assert "would decline" in text
    assert made.public_id in text


@pytest.mark.parametrize("address", ["?version=7", "?against=9&tab=differences", "?version=1&against=x&tab=nothing"])
def test_odd_addresses(house: Cast, page_of: Callable[[Any], Client], address: str) -> None:
    answer = page_of(house.risk_analyst).get(f"/risk/strategies/{Strategy.objects.get(kind='lending').public_id}/{address}")
    assert answer.status_code in (200, 404)
