"""No combination of pages, lists, files, search and API answers that a role can reach rebuilds a masked value.

Whatever a role may read is read, and laid together: nothing of it may hold more of a value than its one mask does.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.lib.lists import LISTS
from customers import guarded, index
from customers.models import Customer, Relation
from governance import access, masking
from governance.models.identity import Level
from tests.fixtures.cast import NOON, Cast
from tests.test_permissions import API, API_ROWS, BY_NAME, PAGES, ROWS, WHO, address, blanks_of, west  # noqa: F401  west is a fixture

LISTED = [(name, code) for method, name, code in PAGES + API if method == "GET" and not blanks_of(BY_NAME[name])]
WINDOW = 7  # digits in a row: a shorter run may be an amount or a part of an id
NOISE = re.compile(r"[0-9a-fA-F]{24,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.+Z]+")
STARRED = re.compile(r"[0-9Xx]*\*{2,} ?[0-9Xx]*")
SAMPLES = {"/applications/import/template.csv"}  # shows how a row is written, with nobody's number
Said = list[tuple[str, str]]


def windows(value: str) -> Iterator[str]:
    yield from (value[start : start + WINDOW] for start in range(len(value) - WINDOW + 1))


def masks(customers: Iterable[Customer]) -> set[str]:
    found = {"******", "****"}
    for one in customers:
        found |= {masking.mask_mobile(one.mobile), masking.mask_id_number(one.id_number), masking.mask_card(one.bank_card or "")}
    return found | {masking.mask_mobile(row.mobile or "") for row in Relation.objects.all()}


def told(said: Said, customers: list[Customer]) -> list[tuple[str, str]]:
    """Return where something says more than a mask: the address, and what it says."""
    known, found = masks(customers), []
    digits = {piece for one in customers for value in (one.id_number[1:17], one.mobile, one.bank_card or "") for piece in windows(value)}
    born = {
        text
        for one in customers
        for text in (one.born_on.isoformat(), one.born_text, f"{one.born_on:%B %-d, %Y}", f"{one.born_on:%-d %B %Y}")
    }
    words = {"小明", "李雷", "人民路", "远航物流"} | born
    for where, text in said:
        text = NOISE.sub(" ", text)
        found += [(where, word) for word in words if word in text]
        found += [(where, run) for run in re.findall(rf"\d{{{WINDOW},}}", text) if any(piece in run for piece in digits)]
        found += [(where, star) for star in STARRED.findall(text) if re.search(r"\d", star) and star not in known]
    return found


def reach(client: Client, user: Any, west: dict[str, str], *, framed: bool) -> Said:  # noqa: F811
    """Return every text `user` can read: rows by their address, lists, API, files of lists.

    :param framed: with the frame around each page, which is the same around all of them; else as htmx asks
    """
    said: Said = []
    headers = {} if framed else {"HX-Request": "true"}

    def read(where: str) -> None:
        answer = client.get(where, headers=headers)
        if answer.status_code == 200 and ("text" in answer["Content-Type"] or "json" in answer["Content-Type"]):
            said.append((where, answer.content.decode()))

    for method, name, row, _who in ROWS + API_ROWS:
        if method == "GET":
            read(address(name, public_id=west[row]))
    for name, code in LISTED:
        if reverse(name) not in SAMPLES and (code == "signed in" or user.has_perm(code)):
            read(reverse(name))
    for spec in LISTS.values():
        if user.has_perm(spec.permission):
            every = ",".join(column.key for column in spec.columns)
            read(f"{reverse(spec.url_name)}?cols={every}")
    return said


# who may not open values: what they see are masks, and masks alone
BLIND = ["risk_manager", "compliance", "auditor", "loan_operations", "risk_analyst", "admin"]
assert not set(BLIND) & set(WHO["customers.reveal_customer"].split())


@pytest.mark.parametrize("who", ["outsider", *BLIND])
def test_all_that_a_role_can_read_holds_no_more_than_the_masks(
    cast: Cast,
    west: dict[str, str],  # noqa: F811
    page_of: Any,
    who: str,
    all_kinds: bool,
) -> None:
    """The outsider is the loan officer whose rows they are: they may open values, yet no page shows one unasked."""
    user = getattr(cast, who)
    with access.reading(lambda: None):
        customers = list(Customer.objects.all())
        said = reach(page_of(user), user, west, framed=who == "outsider" or all_kinds)
        said += [("/", page_of(user).get("/").content.decode())]
        assert len(said) > (10 if who not in ("admin", "risk_analyst") else 2)
        assert told(said, customers) == []
    if who == "outsider":
        assert sum(text.count(customers[0].masked_mobile) for _where, text in said), "what is looked for is there to be found"


def test_the_look_finds_what_it_looks_for(make_customer: Any) -> None:
    one = make_customer()
    number, mobile = one.id_number, one.mobile
    for leak in (
        number,
        f"{number[:6]}********{number[-4:]}",
        f"{number[0]}{'*' * 13}{number[-4:]}",
        f"{mobile[:7]}****",
        mobile[-8:],
        "小明",
        "1990-03-07",
    ):
        assert told([("somewhere", f"<td>{leak}</td>")], [one]), leak
    assert not told([("somewhere", f"{one.masked_name} {one.masked_mobile} {one.masked_id_number} {one.masked_bank_card}")], [one])


def test_a_column_that_is_exported_says_what_the_table_says(cast: Cast, west: dict[str, str]) -> None:  # noqa: F811
    customers = list(Customer.objects.all())
    for spec in LISTS.values():
        with access.reading(lambda: cast.auditor):
            rows = list(spec.rows(cast.service_agent)[:20])
            if spec.prepare is not None:
                spec.prepare(rows, NOON)
            said = [(f"{spec.name}.{column.key}", str(column.text(row))) for row in rows for column in spec.columns]
        assert told(said, customers) == []


def test_no_list_is_sorted_filtered_or_asked_by_a_personal_value() -> None:
    personal = {code.rsplit(".", 1)[1] for code in access.FIELDS}
    for spec in LISTS.values():
        paths = {field.path for field in spec.fields} | {sort.lstrip("-") for sort in spec.sorts.values()}
        assert not {path for path in paths if path.split("__")[-1].removesuffix("_key") in personal}, spec.name


@pytest.mark.parametrize("who", [who for who in BLIND if who in WHO["customers.view_customer"].split()])
def test_no_search_tells_a_name_piece_by_piece_to_who_sees_its_mask(cast: Cast, make_customer: Any, who: str) -> None:
    customer, user = make_customer(name="王璟翀"), getattr(cast, who)
    assert not access.may(user, guarded.NAME, Level.REVEAL)
    for piece in (
        "王",
        "王璟",
        "璟翀",
        "翀",
        "wang",
        "wangj",
        "wangjing",
        "wjc",
        customer.mobile[:7],
        customer.id_number[:14],
        customer.bank_card[:8],
    ):
        assert customer not in index.find(user, piece, 20), piece
