"""A collector's round by keyboard alone: sign in, next, right-party check, disposition with a promise, next."""

from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from tests.journeys import town as places
from tests.journeys.conftest import Visitors
from tests.journeys.town import Town


def type_at(page: Any, name: str, text: str) -> None:
    """Tab to the field of that name and type."""
    for _ in range(60):
        if page.evaluate("document.activeElement?.name") == name:
            page.keyboard.press("Control+a")
            page.keyboard.type(text)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the field {name} is not reached by Tab")


def say_what_must_be_said(page: Any) -> None:
    """Step through the script by its key until all is said."""
    for _line in range(10):
        left = page.locator("#script [data-key='t']").count()
        if not left:
            break
        before = page.locator("#script input[name=code]").input_value() + page.locator("#script input[name=script]").input_value()
        page.keyboard.press("t")
        page.wait_for_function(
            "before => { const of = (name) => document.querySelector(`#script input[name=${name}]`)?.value || ''; return of('code') + of('script') !== before; }",
            arg=before,
        )
    expect(page.locator("#script")).to_contain_text("All said")


def test_a_round_without_a_mouse(visit: Visitors, town: Town) -> None:
    page = visit()
    page.goto("/accounts/login/")
    type_at(page, "login", "town-collector")
    type_at(page, "password", places.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/accounts/login" not in url)

    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/collections/desk/")
    if page.locator("[data-key='b']").count():  # what another journey left in hand
        page.keyboard.press("b")
        page.get_by_text("The case is back in the queue.").wait_for()
    number = page.locator(".next-card a.strong").inner_text()
    page.keyboard.press("w")
    page.locator("#check-title").wait_for()
    expect(page.locator("h2", has_text="Log contact")).to_have_count(1)
    expect(page.locator(".revealed")).to_have_count(0)

    page.keyboard.press("v")
    identity = town.identities[number]
    page.keyboard.type("0000")
    type_at(page, "birth_year", "1901")
    page.keyboard.press("Control+Enter")
    page.get_by_text("The answers do not match.").first.wait_for()
    page.keyboard.press("v")
    page.keyboard.press("Control+a")
    page.keyboard.type(identity[-4:])
    type_at(page, "birth_year", identity[6:10])
    page.keyboard.press("Control+Enter")
    page.get_by_text("The person is confirmed.").wait_for()
    expect(page.locator(".revealed")).to_have_count(2)
    say_what_must_be_said(page)

    page.keyboard.press("7")
    page.locator("[data-promise]").wait_for(state="visible")
    page.keyboard.press("p")
    type_at(page, "amount_1", "300")
    due = town.today + timedelta(days=4)
    type_at(page, "due_on_1", f"{due:%m%d%Y}")
    page.keyboard.press("Tab")
    assert page.locator("input[name=next_action_on]").input_value() == (due + timedelta(days=2)).isoformat()
    page.keyboard.press("Control+Enter")
    page.get_by_text("The contact is saved.").wait_for()

    page.goto(f"/collections/cases/{number}/")
    promised = page.locator(".promise").first
    assert "300.00" in promised.inner_text()
    assert "Open" in promised.inner_text()

    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/collections/desk/")
    page.keyboard.press("w")
    page.locator("#check-title").wait_for()
    assert page.locator(".page-line .c-tag").inner_text() != number
    page.keyboard.press("b")
    page.get_by_text("The case is back in the queue.").wait_for()
