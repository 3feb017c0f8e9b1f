"""A collector's day at the desk, with a second collector beside."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitors
from tests.journeys.town import Town


@pytest.fixture
def desk(visit: Visitors) -> Any:
    """A collector at an empty desk: what the journey before left in hand is given back."""
    page = visit("collector")
    page.goto("/collections/desk/")
    if page.get_by_role("button", name="Give it back").count():
        page.get_by_role("button", name="Give it back").click()
        page.locator(".next-card").wait_for()
    return page


def test_the_desk_by_keyboard(desk: Any, visit: Visitors, town: Town) -> None:
    number = desk.locator(".next-card a.strong").inner_text()
    assert number in town.cases.values()
    expect(desk.locator(".next-card .reasons li").first).to_be_attached()
    beside = visit("second_collector")
    beside.goto(f"/collections/cases/{number}/")
    expect(beside.get_by_role("button", name="Take this case")).to_be_visible()

    desk.keyboard.press("w")
    desk.locator("#contact-title").wait_for()
    beside.get_by_role("button", name="Take this case").click()  # their page is older than the claim
    beside.locator("[role=alert]").wait_for()
    assert "Collector" in beside.locator("[role=alert]").inner_text()
    beside.goto(f"/collections/cases/{number}/")
    expect(beside.get_by_text("Collector holds this case now.")).to_be_visible()
    expect(beside.get_by_role("button", name="Save contact")).to_have_count(0)

    result = desk.locator("label[data-key='2']")
    desk.keyboard.press("2")
    chosen = desk.locator(f"#{result.get_attribute('for')}")
    assert chosen.is_checked()
    desk.locator("textarea[name=note]").fill("said the wages come on Friday")
    desk.locator("input[name=next_action_on]").fill("")
    desk.keyboard.press("Control+Enter")
    desk.get_by_text("Enter the day of the next action.").first.wait_for()
    assert chosen.is_checked()
    assert desk.locator("textarea[name=note]").input_value() == "said the wages come on Friday"
    desk.locator("input[name=next_action_on]").fill((town.today + timedelta(days=3)).isoformat())
    desk.keyboard.press("Control+Enter")
    desk.get_by_text("The contact is saved.").wait_for()
    desk.goto(f"/collections/cases/{number}/")
    expect(desk.get_by_text("said the wages come on Friday")).to_be_visible()


def test_a_case_given_back_is_free_for_others(desk: Any, visit: Visitors) -> None:
    number = desk.locator(".next-card a.strong").inner_text()
    desk.get_by_role("button", name="Take the next case").click()
    desk.locator("#contact-title").wait_for()
    desk.get_by_role("button", name="Give it back").click()
    desk.get_by_text("The case is back in the queue.").wait_for()
    beside = visit("second_collector")
    beside.goto(f"/collections/cases/{number}/")
    beside.keyboard.press("w")
    beside.get_by_role("button", name="Save contact").wait_for()
    beside.get_by_role("button", name="Give it back").click()
    beside.get_by_text("The case is back in the queue.").wait_for()
