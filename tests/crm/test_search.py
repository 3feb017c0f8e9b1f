"""Ctrl K: groups of what one may open, masked, in a constant number of queries, and nothing typed stays anywhere."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.lib import search
from tests.fixtures.cast import Cast

PageOf = Callable[[Any], Client]


@pytest.fixture(autouse=True)
def _forgetful() -> None:
    cache.clear()


def ask(client: Client, text: str) -> str:
    answer = client.post("/search/", {"text": text}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_hit_is_masked_and_leads_to_the_file(cast: Cast, page_of: PageOf, customer: Any) -> None:
    said = ask(page_of(cast.loan_officer), "wangxiaoming")
    assert f"/customers/{customer.public_id}/" in said
    assert "王*" in said and customer.masked_mobile in said
    for secret in ("王小明", customer.mobile, customer.id_number, customer.bank_card):
        assert secret not in said


def test_a_kind_one_may_not_open_is_not_asked(cast: Cast, page_of: PageOf, customer: Any) -> None:
    for person in (cast.admin, cast.nobody, cast.outsider):
        for text in ("wangxiaoming", customer.public_id):
            assert f"/customers/{customer.public_id}/" not in ask(page_of(person), text)


def test_ids_are_found_by_their_beginning(cast: Cast, page_of: PageOf, customer: Any) -> None:
    client = page_of(cast.loan_officer)
    for text in (
        customer.public_id,
        customer.public_id.lower(),
        customer.public_id[:6],
        customer.public_id[2:],
        customer.public_id.replace("-", ""),
    ):
        assert f"/customers/{customer.public_id}/" in ask(client, text), text


@pytest.mark.parametrize("text", ["L-7K", "L7K", "wang", "L-1OIU22", "", "L-%%%", "LL-22222"])
def test_what_cannot_be_an_id_is_none(text: str) -> None:
    assert search.id_of(text, "L") == ""


def test_an_id_is_understood_as_it_is_written() -> None:
    for text in ("L-7K2M9QXAB", "l7k2m9qxab", "7K2M9QXAB", " L‐7K2M9QXAB "):
        assert search.id_of(text, "L") == "L-7K2M9QXAB"
    assert search.id_of("L-7K2", "L") == "L-7K2"


def test_a_name_that_could_be_an_id_is_still_a_name(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    made = make_customer(name="张鹏")
    assert search.id_of("zhangpeng", "C") == "C-ZHANGPENG"
    assert f"/customers/{made.public_id}/" in ask(page_of(cast.loan_officer), "zhangpeng")


def test_menu_entries_are_found_by_name(cast: Cast, page_of: PageOf) -> None:
    assert 'href="/customers/"' in ask(page_of(cast.loan_officer), "custom")
    assert 'href="/admin/users/"' not in ask(page_of(cast.loan_officer), "user")


def test_what_was_opened_comes_back_as_long_as_it_may_be_seen(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    client = page_of(cast.loan_officer)
    first, second = make_customer(), make_customer()
    for each in (first, second, first):
        client.get(f"/customers/{each.public_id}/")
    said = ask(client, "")
    assert 0 < said.index(first.public_id) < said.index(second.public_id)
    assert said.count(f"/customers/{first.public_id}/") == 1
    assert first.public_id not in ask(page_of(cast.colleague), "")
    type(first).objects.filter(pk=first.pk).update(branch=cast.west)
    assert first.public_id not in ask(client, "")


def test_a_page_that_was_refused_is_not_kept(cast: Cast, page_of: PageOf, customer: Any) -> None:
    client = page_of(cast.outsider)
    assert client.get(f"/customers/{customer.public_id}/").status_code == 404
    assert customer.public_id not in str(cache.get(f"search.recent.{cast.outsider.pk}"))


def test_the_text_is_in_no_log_and_no_address(
    cast: Cast, page_of: PageOf, customer: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    client = page_of(cast.loan_officer)
    assert client.get("/search/?text=wangxiaoming").status_code == 405
    caplog.set_level(logging.DEBUG, logger="django.request")
    caplog.clear()
    capfd.readouterr()
    said = ask(client, customer.mobile)
    out, err = capfd.readouterr()
    assert customer.mobile not in out + err + caplog.text
    assert customer.mobile not in said
    assert customer.mobile not in str(cache.get(f"search.recent.{cast.loan_officer.pk}"))


def test_queries_do_not_grow_with_hits(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    client = page_of(cast.loan_officer)
    make_customer()

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            ask(client, "wxm")
        return len(seen)

    ask(client, "wxm")
    few = count()
    for _ in range(12):
        make_customer()
    assert count() == few
    assert "There are more" in ask(client, "wxm")


def test_without_scripts_it_is_a_page(cast: Cast, page_of: PageOf, customer: Any) -> None:
    answer = page_of(cast.loan_officer).post("/search/", {"text": "wxm"})
    assert answer.status_code == 200 and "<html" in answer.content.decode() and customer.public_id in answer.content.decode()


def test_nothing_found_says_what_may_be_typed(cast: Cast, page_of: PageOf) -> None:
    said = ask(page_of(cast.loan_officer), "<b>nobody")
    assert "&lt;b&gt;nobody" in said and "/customers/new/" in said
