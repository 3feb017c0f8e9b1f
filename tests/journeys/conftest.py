"""What journeys share: the town, seeded once, and a way in for each of its people."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.fixtures.processes import House, _is_complaint
from tests.journeys import town as places
from tests.journeys.town import Town

PATIENCE = 15_000  # milliseconds: a click does not wait for the page it opens, what is looked for on it does
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/journeys/" in item.nodeid:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def town(live_house: House) -> Town:
    """Seed the running house; the worker that runs in it finds everything finished."""
    at = datetime.now(places.ZONE)
    with live_house.orm():
        from governance.models import Rule

        # People of the town sign in once, for all journeys however long they take together.
        Rule.objects.filter(code__in=["sign_in.step_up_minutes", "sign_in.idle_minutes"]).update(value=240)
        return places.Founder(at.date(), at).build()


@pytest.fixture(scope="session")
def entrances() -> dict[str, Any]:
    """Keep the sessions of people who signed in once: each journey begins where work begins."""
    return {}


class Visitors:
    """Opens browsers for the people of the town and listens to what their consoles say."""

    def __init__(self, browser: Any, house: House, entrances: dict[str, Any]) -> None:
        self.browser, self.house, self.entrances = browser, house, entrances
        self.contexts: list[Any] = []
        self.complaints: list[str] = []

    def __call__(self, name: str = "", *, fresh: bool = False, **options: Any) -> Any:
        """Return a page of somebody of the town, signed in; nobody's when no name is given.

        :param fresh: sign in anew, for a journey that ends or changes the session
        """
        if name and (fresh or name not in self.entrances):
            state = self.sign_in(name)
            if fresh:
                return self.page(storage_state=state, **options)
            self.entrances[name] = state
        return self.page(storage_state=self.entrances.get(name), **options)

    def page(self, **options: Any) -> Any:
        size = {"width": 1440, "height": 900}
        context = self.browser.new_context(
            base_url=self.house.url, **{"locale": "en-US", "viewport": size, "reduced_motion": "reduce"} | options
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        context.on("page", self.listen)
        return context.new_page()

    def listen(self, page: Any) -> None:
        said = self.complaints
        page.on("pageerror", lambda error: said.append(f"{page.url}: script: {error}"))
        page.on("console", lambda message: said.append(f"{page.url}: {message.text}") if _is_complaint(message) else None)
        page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)

    def sign_in(self, name: str) -> Any:
        page = self.page()
        page.goto("/accounts/login/")
        page.fill("input[name=login]", f"town-{name}")
        page.fill("input[name=password]", places.PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda url: "/accounts/login" not in url)
        return page.context.storage_state()


@pytest.fixture
def visit(browser: Any, live_house: House, town: Town, entrances: dict[str, Any]) -> Iterator[Visitors]:
    """Return a factory of pages: `visit("officer").goto("/")`. Console errors, CSP violations and answers of 500 fail the test."""
    visitors = Visitors(browser, live_house, entrances)
    yield visitors
    for context in visitors.contexts:
        context.close()
    assert not visitors.complaints, "\n".join(visitors.complaints)


@pytest.fixture
def status_of(live_house: House) -> Callable[[str], str]:
    """Return a function that tells an application's status by its public id, past all pages."""

    def ask(public_id: str) -> str:
        rows = live_house.rows("SELECT status FROM credit_application WHERE public_id = %s", public_id)
        return str(rows[0]["status"])

    return ask
