"""The index of customers: written by the doors, asked without opening anything, and only for who may see the row."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import index, name_tokens, profiles
from customers.models import Customer, SearchKeys
from governance import key_ring, vault
from tests.fixtures.cast import NOON, Cast


def names(found: list[Customer]) -> list[str]:
    return [customer.name for customer in found]


def test_who_is_filed_is_found(cast: Cast, make_customer: Callable[..., Any]) -> None:
    made = make_customer(name="欧阳小明")
    make_customer(name="李伟")
    for text in ("欧阳小明", "小明", "ouyang", "oyxm", made.mobile, made.mobile[-4:], made.bank_card[-4:], made.id_number, made.public_id):
        assert names(index.find(cast.loan_officer, text, 5)) == ["欧阳小明"], text


def test_the_exact_name_stands_first(cast: Cast, make_customer: Callable[..., Any]) -> None:
    make_customer(name="王伟")
    make_customer(name="王伟明")
    assert names(index.find(cast.loan_officer, "王伟", 5)) == ["王伟", "王伟明"]
    assert names(index.find(cast.loan_officer, "wangwei", 5)) == ["王伟明", "王伟"]  # the newest of those that only begin so
    assert len(index.find(cast.loan_officer, "王", 1)) == 1


def test_a_new_name_is_found_and_the_old_one_is_not(cast: Cast, customer: Any) -> None:
    profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, name="赵敏")
    assert names(index.find(cast.loan_officer, "zhaomin", 5)) == ["赵敏"]
    assert index.find(cast.loan_officer, "wangxiaoming", 5) == []


def test_a_change_of_income_does_not_file_anew(cast: Cast, customer: Any) -> None:
    with CaptureQueriesContext(connection) as seen:
        profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, income=5)
    assert not [query for query in seen if "searchkeys" in query["sql"]]


@pytest.mark.parametrize("text", ["wangxiaoming", "王小", "exact mobile", "tail"])
def test_another_branchs_customer_is_not_found(cast: Cast, make_customer: Callable[..., Any], text: str) -> None:
    far = make_customer(branch=cast.west, actor=cast.outsider)
    text = {"exact mobile": far.mobile, "tail": far.mobile[-4:]}.get(text, text)
    assert index.find(cast.loan_officer, text, 5) == []
    assert index.find(cast.nobody, text, 5) == []
    assert index.find(cast.outsider, text, 5) == [far]
    assert index.find(cast.service_agent, text, 5) == [far]


def test_a_scope_too_large_to_walk_gives_the_same(cast: Cast, make_customer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_customer()
    make_customer(branch=cast.west, actor=cast.outsider)
    monkeypatch.setattr(index, "FEW", 0)
    assert index.find(cast.loan_officer, "wxm", 5) == [made]


def test_nothing_is_opened_to_search(cast: Cast, customer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = vault.unseal
    monkeypatch.setattr(vault, "unseal", lambda token, *, aad: opened.append(aad) or real(token, aad=aad))  # type: ignore[func-returns-value]
    assert len(index.find(cast.loan_officer, "wangxiao", 5)) == 1
    assert opened == []


def test_the_keys_tell_nothing_without_the_vault(customer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece's key is no plain hash: with other vault keys it is another number."""
    filed = SearchKeys.objects.get(customer=customer)
    assert index.key_of("p:wang") in filed.keys
    monkeypatch.setattr(key_ring, "print_key", lambda label: b"0" * 32)
    assert index.key_of("p:wang") not in filed.keys
    monkeypatch.undo()
    assert index.key_of("p:wang") in filed.keys


def test_what_is_not_filed_is_filed_by_the_job(cast: Cast, make_customer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = [make_customer() for _ in range(5)]
    SearchKeys.objects.filter(customer__in=made[:3]).delete()
    SearchKeys.objects.filter(customer=made[3]).update(rule=name_tokens.RULE - 1)
    monkeypatch.setattr(index, "CHUNK", 2)
    job = index.plan(actor=None, at=NOON)
    assert job.total == 4
    done = index.run(job.pk, at=NOON)
    assert done is not None and (done.status, done.done) == ("done", 4)
    assert index.run(job.pk, at=NOON + timedelta(seconds=1)) is None
    assert not index.unfiled().exists()
    assert len(index.find(cast.loan_officer, "wxm", 9)) == 5


def test_who_may_not_open_names_finds_no_one_by_a_piece_of_one(cast: Cast, make_customer: Callable[..., Any]) -> None:
    """Piece by piece a search would tell the whole name to somebody who sees a surname and a star."""
    one = make_customer()
    for piece in ("王", "王小", "小明", "wang", "wangxiaoming"):
        assert index.find(cast.compliance, piece, 5) == []
    assert index.find(cast.compliance, one.name, 5) == [one], "the whole name is an exact search"
    assert index.find(cast.compliance, one.mobile[-4:], 5) == [one], "the last four stand in the mask"
