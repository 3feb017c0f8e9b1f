"""The frame and the customer's pages in a real browser: keys, dialogs, masks, languages, themes, and how they look."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.fixtures.support import identities
from tests.journeys import pictures

PASSWORD = "a-long-journey-word-3"


@pytest.fixture(scope="module")
def people(live_house: Any) -> Iterator[dict[str, str]]:
    """A lender with an officer and an administrator in the running house; returns user names by role."""
    from datetime import UTC, date, datetime

    with live_house.orm():
        from governance import teams, users
        from governance.models import LegalEntity, Role, Team

        at = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
        entity, _new = LegalEntity.objects.get_or_create(
            code="LOOK", defaults={"name_en": "Look Finance", "name_zh": "观澜金融", "business_date": date(2026, 11, 22)}
        )
        team = Team.objects.filter(code="LOOK").first() or teams.create(
            legal_entity=entity, code="LOOK", name_en="Look branch", name_zh="观澜分行", kind="head", parent=None,
            actor=users.system(), at=at,
        )  # fmt: skip
        made = {}
        for role, username in (("loan_officer", "look-officer"), ("admin", "look-admin")):
            users.create(
                username=username, name="陈晨 Chen Chen", role=Role.objects.get(code=role), team=team, password=PASSWORD,
                actor=users.system(), at=at,
            )  # fmt: skip
            made[role] = username
    yield made


def sign_in(page: Any, username: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", username)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile(r"/$"))


@pytest.fixture
def officer(page: Any, people: dict[str, str]) -> Any:
    sign_in(page, people["loan_officer"])
    return page


def new_customer(page: Any, serial: int) -> None:
    page.goto("/customers/new/")
    # Names that sound alike and were born on one day would be held against each other.
    page.fill("#id_name", {9001: "欧阳小明", 9002: "司马文", 9003: "诸葛亮", 9004: "上官婉"}.get(serial, "欧阳小明"))
    page.fill("#id_id_number", identities.id_number(serial))
    page.fill("#id_mobile", identities.mobile(serial))
    page.fill("#id_income", "1.2万")


def test_a_wrong_answer_is_led_to_and_nothing_typed_is_lost(officer: Any) -> None:
    new_customer(officer, 9001)
    assert officer.locator("#id_income ~ .understood").inner_text().endswith("12,000.00")
    officer.fill("#id_mobile", "123")
    officer.click("main button[type=submit]")
    officer.wait_for_selector(".form-errors")
    officer.click(".form-errors a")
    assert officer.evaluate("document.activeElement.id") == "id_mobile"
    assert officer.input_value("#id_name") == "欧阳小明"
    officer.fill("#id_mobile", identities.mobile(9001))
    officer.click("main button[type=submit]")
    officer.wait_for_selector("#identity-title")
    assert officer.inner_text("h1") == "欧*"
    expect(officer.locator(".c-toast")).to_have_count(1)


def test_a_value_opens_for_a_minute_and_the_mask_comes_back(officer: Any) -> None:
    new_customer(officer, 9002)
    officer.click("main button[type=submit]")
    officer.wait_for_url(re.compile(r"/customers/C-[0-9A-Z]+/$"))
    mobile = identities.mobile(9002)
    assert mobile not in officer.content()
    eye = officer.get_by_role("button", name="Reveal Mobile")
    eye.click()
    officer.wait_for_selector("dialog[open]")
    officer.keyboard.press("Escape")
    officer.wait_for_selector("dialog:not([open])", state="attached")
    assert officer.evaluate("document.activeElement.getAttribute('aria-label')") == "Reveal Mobile"
    eye.click()
    officer.locator("#dialog input[type=radio]").first.check()
    officer.click("#dialog button[type=submit]")
    officer.fill("#dialog textarea", "x")
    officer.click("#dialog button[type=submit]")
    officer.wait_for_selector("#dialog .error")
    officer.fill("#dialog textarea", "customer asked to be called back")
    officer.click("#dialog button[type=submit]")
    officer.wait_for_selector("#masked-mobile .revealed")
    assert officer.inner_text("#masked-mobile .revealed") == mobile
    expect(officer.locator("dialog[open]")).to_have_count(0)
    officer.evaluate("htmx.trigger('#masked-mobile', 'expired')")
    officer.wait_for_selector("#masked-mobile:not(:has(.revealed))")
    assert mobile not in officer.content() and mobile not in officer.url


def test_notes_and_consents_without_leaving_the_page(officer: Any) -> None:
    new_customer(officer, 9003)
    officer.click("main button[type=submit]")
    officer.wait_for_url(re.compile(r"/customers/C-[0-9A-Z]+/$"))
    officer.fill("#notes textarea", "周末联系")
    officer.keyboard.press("Control+Enter")
    officer.wait_for_selector("#notes .note-text")
    officer.get_by_role("link", name="Record").first.click()
    officer.wait_for_selector("dialog[open] .quoted")
    officer.check("#dialog input[type=checkbox]")
    officer.click("#dialog button[type=submit]")
    officer.wait_for_selector("text=In force")


def test_the_day_by_keyboard(officer: Any) -> None:
    officer.goto("/")
    officer.keyboard.press("g")
    officer.keyboard.press("c")
    officer.wait_for_url(re.compile("/customers/$"))
    officer.keyboard.press("?")
    officer.wait_for_selector("#keys[open]")
    officer.keyboard.press("Escape")
    officer.keyboard.press("n")
    officer.wait_for_url(re.compile("/customers/new/$"))
    officer.keyboard.press("Control+k")
    assert officer.evaluate("document.activeElement.name") == "text"
    officer.keyboard.type(identities.mobile(9002))
    officer.keyboard.press("Enter")
    officer.wait_for_selector("#identity-title")


def test_language_theme_and_menu_stay(officer: Any) -> None:
    officer.goto("/customers/")
    officer.get_by_role("button", name="中文").click()
    officer.wait_for_selector("html[lang=zh-Hans]")
    officer.locator("details:has([value=dark]) summary").click()
    officer.locator("button[value=dark]").click()
    assert officer.get_attribute("html", "data-bs-theme") == "dark"
    officer.locator(".side-fold").click()
    officer.reload()
    assert officer.get_attribute("html", "data-bs-theme") == "dark"
    assert officer.evaluate("document.documentElement.classList.contains('folded')")
    officer.get_by_role("button", name="English").click()
    officer.wait_for_selector("html[lang=en]")


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_forms_and_lists_work_without_scripts(page: Any, people: dict[str, str]) -> None:
    sign_in(page, people["loan_officer"])
    new_customer(page, 9004)
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile(r"/customers/C-[0-9A-Z]+/$"))
    page.fill("#notes textarea", "no scripts here")
    page.click("#notes button[type=submit]")
    page.wait_for_selector("text=no scripts here")
    page.goto("/customers/?sort=-income&channel=branch")
    expect(page.locator("tbody tr").first).to_be_attached()


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("", "/accounts/login/"),
        ("loan_officer", "/"),
        *(
            pytest.param(role, path, marks=pytest.mark.slow)
            for role, path in (
                ("loan_officer", "/customers/new/"),
                ("loan_officer", "/ui/"),
                ("loan_officer", "/customers/"),
                ("loan_officer", "/nowhere/"),
                ("admin", "/admin/users/"),
                ("admin", "/admin/roles/"),
                ("admin", "/governance/rules/"),
            )
        ),
    ],
)
def test_pictures(browser: Any, live_house: Any, people: dict[str, str], role: str, path: str, tmp_path: Path) -> None:
    """Both languages, both themes, desk and phone: nothing scrolls sideways, is cut off, untranslated or in the console."""
    assert pictures.chinese_font(), "No Chinese font is installed: install fonts-noto-cjk."
    taken = pictures.take(browser, live_house.url, people.get(role, ""), PASSWORD, [path], tmp_path)
    assert len(taken) == 8
    assert [(picture.file.name, picture.problems) for picture in taken if picture.problems] == []
