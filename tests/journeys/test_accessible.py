"""axe over the pages of every day, in both themes: nothing serious, nothing critical."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.journeys import pictures
from tests.journeys.conftest import Visitors
from tests.journeys.town import Town

GRAVE = ("serious", "critical")
PAGES = [
    ("", "/accounts/login/"),
    ("officer", "/"),
    ("officer", "/customers/"),
    ("officer", "/customers/{customers[look]}/"),
    ("officer", "/applications/"),
    ("officer", "/offers/{offers[late]}/"),
    ("officer", "/loans/{loans[latest]}/"),
    ("reviewer", "/applications/review/"),
    ("reviewer", "/applications/{applications[look]}/"),
    ("collector", "/collections/desk/"),
    ("collector", "/collections/cases/{cases[latest]}/"),
    ("admin", "/admin/users/"),
    ("auditor", "/customers/new/"),
]
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Colours change over a moment; what is read in the middle of it is neither theme's.
STILL = "() => document.getAnimations().every(each => each.playState !== 'running' || each.effect.getTiming().iterations === Infinity)"


def faults(page: Any, **options: Any) -> list[str]:
    """Return axe's grave findings on the page as it stands, each with the first elements it means."""
    found = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES} | options)
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:160]} {' '.join(node['failureSummary'].split())[:260]}"
        for each in found.response["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"][:3]
    ]


def test_nothing_grave_on_the_pages_of_every_day(visit: Visitors, town: Town) -> None:
    """Structure is the same in both themes, so the dark one is looked at for its contrasts only."""
    wrong: list[str] = []
    pages: dict[str, Any] = {}
    for who, address in PAGES:
        page = pages[who] = pages.get(who) or visit(who, viewport=WIDE, color_scheme="light")
        path = address.format(**vars(town))
        page.goto(path)
        pictures.settle(page)
        wrong += [f"{who} {path}: {fault}" for fault in faults(page)]
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("() => document.documentElement.dataset.bsTheme === 'dark'")
        page.wait_for_function(STILL)
        wrong += [f"{who} {path}, dark: {fault}" for fault in faults(page, runOnly={"type": "rule", "values": ["color-contrast"]})]
        page.emulate_media(color_scheme="light")
    assert not wrong, "\n".join(wrong)


def test_nothing_grave_on_a_phone(visit: Visitors, town: Town) -> None:
    wrong: list[str] = []
    page = visit("officer", viewport=PHONE, has_touch=True)
    for path in ("/", "/customers/", f"/customers/{town.customers['look']}/", "/applications/new/"):
        page.goto(path)
        pictures.settle(page)
        wrong += [f"{path}: {fault}" for fault in faults(page)]
    assert not wrong, "\n".join(wrong)


def test_nothing_grave_while_a_dialog_is_open_or_a_form_refused(visit: Visitors, town: Town) -> None:
    page = visit("officer")
    page.goto(f"/customers/{town.customers['look']}/")
    page.get_by_role("button", name="Reveal Mobile").click()
    page.locator("dialog[open]").wait_for()
    wrong = faults(page)
    page.goto("/customers/new/")
    page.fill("#id_name", "x")
    page.fill("#id_id_number", "1")
    page.fill("#id_mobile", "1")
    page.click("main form.card button[type=submit]")
    page.locator(".form-errors").wait_for()
    wrong += faults(page)
    assert not wrong, "\n".join(wrong)
