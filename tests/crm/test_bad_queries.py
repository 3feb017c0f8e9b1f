"""Whatever stands in the query of an address, and whatever a form is sent with: an answer, never a broken page."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django_filters import FilterSet

from tests import test_permissions as table
from tests.fixtures.cast import Cast

NASTY = [
    "", "-1", "0", "1" * 400, "1e400", "NaN", "2026-02-30", "9999-12-31", "0001-01-01", "[]", "{}", "'; --", "%", "٣", "x" * 3000, "\ud7ff",
    "-", "--id", "../..", "true",
]  # fmt: skip
NAMES = {
    "q",
    "sort",
    "after",
    "before",
    "limit",
    "page",
    "tab",
    "words",
    "hits",
    "look",
    "version",
    "amount",
    "term",
    "on",
    "customer",
    "product",
}


def filters(kind: type = FilterSet) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from filters(below)


def names() -> set[str]:
    found = set(NAMES)
    for each in filters():
        for name in getattr(each, "base_filters", {}):
            found |= {name, *(f"{name}_{end}" for end in ("min", "max", "after", "before", "0", "1"))}
    return found


@pytest.fixture
def rows(west: dict[str, str]) -> dict[str, str]:
    return west


west = table.west  # the rows of the west branch, and those who work there


def workers(cast: Cast) -> dict[str, Client]:
    """Return for each permission somebody of the west branch, or of the head office, who holds it."""
    people = [cast.outsider, cast.west_underwriter, cast.west_collector, *cast.by_role.values()]
    found: dict[str, Client] = {}
    for code in table.WHO:
        holder = next(person for person in people if code == "signed in" or person.has_perm(code))
        found[code] = Client(raise_request_exception=False)
        found[code].force_login(holder)
    return found


ROW_OF = {name: row for _method, name, row, _who in table.ROWS}


def known(name: str, rows: dict[str, str]) -> dict[str, str]:
    return {"public_id": rows[ROW_OF[name]]} if name in ROW_OF else {}


PART = {"HX-Request": "true"}
PATIENT = [pytest.mark.slow, pytest.mark.timeout(1500)]
SOME = ["1" * 400, "9999-12-31"]


@pytest.mark.parametrize("values", [*([each] for each in SOME), pytest.param(NASTY, marks=PATIENT)], ids=["long", "late", "all"])
def test_no_query_breaks_a_page(cast: Cast, rows: dict[str, str], values: list[str]) -> None:
    clients, broken, fields = workers(cast), [], names()
    for number, (method, name, code) in enumerate(table.PAGES):
        if method == "GET":
            # The frame of a page reads the same of every query: it is asked for now and then, else what stands in it, as htmx does.
            headers = {} if values == NASTY or number % 10 == 0 else PART
            for value in values:
                answer = clients[code].get(table.address(name, **known(name, rows)), dict.fromkeys(fields, value), headers=headers)
                if answer.status_code >= 500:
                    broken.append((name, value[:20], answer.status_code))
    assert broken == []


@pytest.mark.parametrize("values", [["1" * 400], pytest.param(NASTY[2:12], marks=PATIENT)], ids=["some", "all"])
def test_no_single_filter_breaks_a_list(cast: Cast, rows: dict[str, str], values: list[str]) -> None:
    """One wrong value at a time: together, the first that is refused would hide the others."""
    clients, broken, tried = workers(cast), [], 0
    for method, name, code in table.PAGES:
        if method == "GET" and not table.blanks_of(table.BY_NAME[name]):
            shown = clients[code].get(table.address(name)).content.decode(errors="replace")
            for field in sorted({*re.findall(r'name="(\w+)"', shown), "sort", "after", "before"} - {"csrfmiddlewaretoken"}):
                for value in values:
                    tried += 1
                    if len(values) == 1 and tried % 4:  # every fourth of them; `--all` tries each with every value
                        continue
                    answer = clients[code].get(table.address(name), {field: value}, headers=PART if len(values) == 1 else {})
                    if answer.status_code >= 500:
                        broken.append((name, field, value[:20], answer.status_code))
    assert broken == []
    assert tried > 100


def form_fields() -> set[str]:
    from crm.lib.forms import Form

    def below(kind: type) -> Iterator[type]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    return {name for each in below(Form) for name in each.base_fields} | NAMES  # type: ignore[attr-defined]


@pytest.mark.parametrize("values", [*([each] for each in SOME), pytest.param(NASTY, marks=PATIENT)], ids=["long", "late", "all"])
def test_no_form_breaks_a_page(cast: Cast, rows: dict[str, str], values: list[str]) -> None:
    clients, broken = workers(cast), []
    fields = form_fields()
    assert {"id_number", "amount", "reason"} <= fields
    for number, (method, name, code) in enumerate(table.PAGES):
        headers = {} if values == NASTY or number % 10 == 0 else PART
        if method == "POST" and name != "account_logout":
            for value in values:
                answer = clients[code].post(table.address(name, **known(name, rows)), dict.fromkeys(fields, value), headers=headers)
                if answer.status_code >= 500:
                    broken.append((name, value[:20], answer.status_code))
    assert broken == []
