"""A passkey from a real browser with an authenticator of its own (WebAuthn of the DevTools protocol): added, used, used to confirm."""

from typing import Any

from django.utils.timezone import now
from playwright.sync_api import expect

from tests.fixtures.processes import House
from tests.journeys import town as places
from tests.journeys.conftest import Visitors
from tests.journeys.town import Town


def test_a_passkey_is_added_and_signs_in_without_a_password(visit: Visitors, live_house: House, town: Town) -> None:
    with live_house.orm():
        from governance import users
        from governance.models import Role

        users.create(
            username="town-keyholder",
            name="Key Holder",
            role=Role.objects.get(code="admin"),
            password=places.PASSWORD,
            actor=None,
            at=now(),
        )
    home = live_house.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name, never to an address
    page = visit.page()
    authenticator(page)
    page.goto(f"{home}/accounts/login/")
    page.fill("input[name=login]", "town-keyholder")
    page.fill("input[name=password]", places.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{home}/")
    page.goto(f"{home}/account/passkeys/new/")
    page.fill("input[name=name]", "work laptop")
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_role("heading", name="Recovery codes").first.wait_for()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the codes").click()
    assert len(saved.value.path().read_text().split()) == 10
    page.goto(f"{home}/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{home}/")
    page.goto(f"{home}/account/")
    page.get_by_text("work laptop").first.wait_for()
    page.goto(f"{home}/account/confirm/?next=/account/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{home}/account/")
    methods = [row["method"] for row in live_house.rows("SELECT method FROM governance_staffsession ORDER BY id DESC LIMIT 2")]
    assert methods == ["webauthn", "password"]


def authenticator(page: Any) -> None:
    """Give the browser an authenticator that says yes by itself."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
