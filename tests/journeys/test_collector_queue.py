"""A collector's queue by keyboard alone, through the telephone gateway: take, call, check, say, pay link, result, next; several cases in a row."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitors
from tests.journeys.test_collector_keys import say_what_must_be_said, type_at
from tests.journeys.town import Town


def take_and_call(page: Any) -> str:
    """Take the next case and have it called; return its number once somebody answered."""
    number: str = page.locator(".next-card a.strong").inner_text()
    page.keyboard.press("w")
    page.locator("#call [data-key='d']").wait_for()
    page.keyboard.press("d")
    expect(page.locator("#call")).to_contain_text("it counts as a connect")
    return number


def confirm(page: Any, identity: str) -> None:
    page.keyboard.press("v")
    page.keyboard.type(identity[-4:])
    type_at(page, "birth_year", identity[6:10])
    page.keyboard.press("Control+Enter")
    page.get_by_text("The person is confirmed.").wait_for()


@pytest.mark.slow
def test_several_cases_in_a_row_without_a_mouse(visit: Visitors, town: Town) -> None:
    page = visit("caller")
    page.goto("/collections/desk/")
    if page.locator("[data-key='b']").count():
        page.keyboard.press("b")
        page.get_by_text("The case is back in the queue.").wait_for()

    # the debtor pays while one talks: it shows without a reload
    first = take_and_call(page)
    confirm(page, town.identities[first])
    say_what_must_be_said(page)
    page.keyboard.press("?")
    for key in ("d", "e", "t", "q", "m", "7"):
        expect(page.locator("#keys dt", has_text=key).first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    link = page.locator("#pay .mono").inner_text()
    debtor = visit()
    debtor.goto(link)
    assert first not in debtor.locator("main").inner_text()
    debtor.get_by_text("Pay now").first.click()
    debtor.get_by_text("Pay now").click()
    expect(page.locator("#pay")).to_contain_text("paid at")

    # the next one hangs up: the gateway's end suggests the result
    page.goto("/collections/desk/")
    if page.locator("[data-key='b']").count():
        page.keyboard.press("b")
        page.get_by_text("The case is back in the queue.").wait_for()
    second = take_and_call(page)
    assert second != first
    confirm(page, town.identities[second])
    say_what_must_be_said(page)
    page.keyboard.press("e")
    expect(page.locator("#call")).to_contain_text("The talk took")
    page.keyboard.press("u")
    assert page.locator("input[name=outcome][value=right_party]").is_checked()
    page.keyboard.press("Control+Enter")
    page.get_by_text("The contact is saved.").wait_for()
    expect(page.locator(".page-line .c-tag")).to_have_count(0)
