"""axe over the pages of every day, in both themes: nothing serious, nothing critical. The whole tour in every look is slow."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

from tests.journeys import pictures, tour
from tests.journeys.conftest import Visitors
from tests.journeys.tour import Stop
from tests.journeys.town import Town

GRAVE = ("serious", "critical")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ON_A_PHONE = (
    ("", "/o/{link}/"), ("officer", "/"), ("officer", "/customers/"), ("officer", "/customers/{customer}/"), ("officer", "/applications/new/"),
    ("officer", "/applications/board/"), ("reviewer", "/applications/{referred}/"), ("caller", "/collections/cases/{held}/"),
)  # fmt: skip

DOWN = """async () => { for (let top = 0; top < document.body.scrollHeight; top += 600) {
  window.scrollTo(0, top); await new Promise(done => setTimeout(done, 25)); } window.scrollTo(0, 0); }"""
# A slow machine may pass a panel without seeing it: whoever waits for one looks at it.
HERE = """() => { const waits = document.querySelector('.panel-wait:not([data-as-is] *)');
  if (waits) waits.scrollIntoView({block: 'center'});
  return !waits && !document.querySelector('.htmx-request'); }"""


def faults(page: Any, **options: Any) -> list[str]:
    """Return axe's grave findings on the page as it stands, each with the first elements it means; of many rows it reads the first ones."""
    found = Axe().run(
        page, context={"exclude": [["tbody tr:nth-child(n+5)"]]}, options={"resultTypes": ["violations"], "runOnly": RULES} | options
    )
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:160]} {' '.join(node['failureSummary'].split())[:260]}"
        for each in found.response["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"][:3]
    ]


def go(page: Any, stop: Stop, town: Town) -> None:
    """Go to a stop and wait for all of it, panels further down included."""
    answer = page.goto(stop.path(town.places))
    assert answer.status == stop.status, f"{stop} answered {answer.status}"
    try:
        page.evaluate(DOWN)
        page.wait_for_function(HERE, polling=100)
        page.evaluate("() => window.scrollTo(0, 0)")
        if stop.open:
            stop.open(page)
    except Error as error:
        error.add_note(f"at {stop}")
        raise


def test_nothing_grave_on_the_pages_of_every_day(visit: Visitors, town: Town) -> None:
    """Every other page of each person, in the light theme; all, in both themes, both languages and all widths are the tour's of `--all`."""
    wrong: list[str] = []
    for who, stops in tour.by_person(stop for stop in tour.STOPS if stop.every_day).items():
        light = visit(who, viewport={"width": 1280, "height": 800}, color_scheme="light")
        for stop in stops[::2]:
            go(light, stop, town)
            wrong += [f"{stop}: {fault}" for fault in faults(light)]
    assert not wrong, "\n".join(wrong)


def test_nothing_grave_on_a_phone(visit: Visitors, town: Town) -> None:
    wrong: list[str] = []
    for who, address in ON_A_PHONE:
        page = visit(who, viewport={"width": 390, "height": 844}, has_touch=True)
        stop = Stop(who, address)
        go(page, stop, town)
        wrong += [f"{stop}: {fault}" for fault in faults(page)]
        if (extra := page.evaluate(pictures.SIDEWAYS)) > 0:
            wrong.append(f"{stop}: scrolls sideways by {extra} px")
    assert not wrong, "\n".join(wrong)


LOOKS = list(pictures.looks(pictures.LANGUAGES, pictures.THEMES, tuple(pictures.SIZES)))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # three minutes alone; a machine that does other things beside takes ten
@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_the_whole_tour_in_every_look(visit: Visitors, town: Town, language: str, theme: str, width: int) -> None:
    """Beside axe: nothing scrolls sideways, is cut off, or is left in English on a Chinese page."""
    wrong: list[str] = []
    size = {"width": width, "height": pictures.SIZES[width]}
    for who, stops in tour.by_person(tour.STOPS).items():
        page = visit(who, viewport=size, has_touch=width < 500)
        cookies = {"crm_language": language, "theme": theme}
        page.context.add_cookies([{"name": name, "value": value, "url": visit.house.url} for name, value in cookies.items()])
        for stop in stops:
            if width < 500 and not stop.phone:
                continue
            go(page, stop, town)
            found = [f"{stop}: {problem}" for problem in (*faults(page), *pictures.seen(page, language))]
            print("\n".join(found) or f"{stop}: nothing")  # what was found until then is told even when the time runs out
            wrong += found
    assert not wrong, "\n".join(wrong)
