"""Duplicates: found by fingerprint and likeness, shown masked to who may see them, overruled only with a reason."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import duplicates
from customers.likeness import alike, distance
from customers.models import Customer
from ledger.models import Entry
from tests.fixtures.support import identities

BORN = date(1990, 3, 7)  # of every customer the fixtures make


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("王小明", "王晓明", True),
        ("王小明", "Wang Xiaoming", True),
        ("Xiaoming WANG", "王小明", True),
        ("John Carter", "Carter, John", True),
        ("Maria Fernandez", "Maria Fernandes", True),
        ("Élena Petrova", "Elena Petrova", True),
        ("王小明", "李小明", False),
        ("王伟", "王芳", False),
        ("John Carter", "Joan Porter", False),
    ],
)
def test_names_that_may_be_one(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same and alike(other, one) is same


@given(st.text(alphabet="abc", max_size=8), st.text(alphabet="abc", max_size=8), st.text(alphabet="abc", max_size=8))
def test_the_distance_is_one(one: str, two: str, three: str) -> None:
    assert distance(one, two) == distance(two, one)
    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, three) <= distance(one, two) + distance(two, three)


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_no_name_breaks_the_comparison(one: str, other: str) -> None:
    assert alike(one, other) in (True, False)


def look(values: dict[str, str], user: Any) -> duplicates.Found:
    return duplicates.look(values, user=user, legal_entity_id=user.team.legal_entity_id)


@pytest.mark.parametrize("field", ["id_number", "mobile", "bank_card"])
def test_the_same_number_is_a_hit_however_it_is_written(cast: Any, customer: Customer, field: str) -> None:
    value = str(getattr(customer, field))
    found = look({field: f" {value[:4]} {value[4:]} "}, cast.loan_officer)
    assert [(hit.customer, hit.reasons) for hit in found.hits] == [(customer, (field,))] and not found.elsewhere


def test_a_similar_name_is_a_hit_for_those_born_on_one_day(cast: Any, customer: Customer, make_customer: Callable[..., Any]) -> None:
    make_customer(name="王小明", born=date(1971, 1, 1))
    make_customer(name="李雷")
    typed = {"name": "王晓明", "id_number": identities.id_number(990, born=BORN)}
    assert [(hit.customer, hit.reasons) for hit in look(typed, cast.loan_officer).hits] == [(customer, ("name",))]
    assert not look({"name": "王晓明"}, cast.loan_officer), "a name alone is nobody's"


def test_of_a_file_in_another_branch_one_learns_that_it_exists_and_nothing_else(cast: Any, customer: Customer, page_of: Any) -> None:
    found = look({"mobile": customer.mobile}, cast.outsider)
    assert (found.hits, found.elsewhere) == ([], True)
    page = page_of(cast.outsider).post("/customers/duplicates/", {"mobile": customer.mobile}).content.decode()
    assert "A file exists in another branch." in page
    for secret in (customer.public_id, customer.masked_name, customer.masked_mobile, str(cast.east)):
        assert secret not in page


def test_the_hits_are_masked(cast: Any, customer: Customer, page_of: Any) -> None:
    page = page_of(cast.loan_officer).post("/customers/duplicates/", {"bank_card": customer.bank_card}).content.decode()
    assert customer.public_id in page and customer.masked_mobile in page and "same bank card" in page
    for secret in (customer.name, customer.mobile, customer.bank_card, customer.id_number):
        assert secret not in page
    assert page_of(cast.loan_officer).get("/customers/duplicates/").status_code == 405, "what is typed never stands in an address"


def test_a_look_costs_the_same_however_many_were_born_that_day(
    cast: Any, make_customer: Callable[..., Any], django_assert_num_queries: Any
) -> None:
    for _ in range(6):
        make_customer()
    typed = {"name": "王小明", "id_number": identities.id_number(991, born=BORN), "mobile": "13900001111"}
    with django_assert_num_queries(4):  # one of them names the teams below the officer's
        assert len(look(typed, cast.loan_officer).hits) == 6


def answers(cast: Any, **changes: Any) -> dict[str, Any]:
    values = {
        "name": "王晓明", "id_number": identities.id_number(992, born=BORN), "mobile": "13912345678", "income": "9000", "monthly_debt": "0",
        "branch": cast.east.pk, "form_key": str(uuid4()),
    }  # fmt: skip
    return values | changes


def test_a_file_beside_a_similar_one_needs_a_reason_and_keeps_it(cast: Any, customer: Customer, page_of: Any) -> None:
    client, typed = page_of(cast.loan_officer), answers(cast)
    refused = client.post("/customers/new/", typed)
    assert refused.status_code == 422 and customer.public_id in refused.content.decode()
    assert Customer.objects.count() == 1
    assert client.post("/customers/new/", typed | {"despite": "同名同日，身份证已核对"}).status_code == 303
    made = Customer.objects.exclude(pk=customer.pk).get()
    entry = Entry.objects.get(event="customers.duplicate.overruled")
    assert (entry.subject_id, entry.facts["files"], entry.facts["reasons"]) == (made.pk, [customer.pk], ["name"])
    assert "同名" not in str(entry.facts) and made.notes.get().text == "同名同日，身份证已核对"


def test_the_file_says_who_it_may_be_too(cast: Any, customer: Customer, make_customer: Callable[..., Any], page_of: Any) -> None:
    twin = make_customer(mobile=customer.mobile, name="赵四", born=date(1980, 1, 1))
    page = page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/").content.decode()
    assert "May be the same person as:" in page and twin.public_id in page


def test_files_from_before_get_their_fingerprint(cast: Any, make_customer: Callable[..., Any]) -> None:
    rows = [make_customer() for _ in range(3)]
    keys = {row.pk: row.born_key for row in rows}
    Customer.objects.update(born_key=None)
    assert (duplicates.fill(), duplicates.fill()) == (3, 0)
    assert dict(Customer.objects.values_list("pk", "born_key")) == keys


def test_a_changed_id_number_changes_the_day_too(cast: Any, customer: Customer) -> None:
    from customers import profiles
    from tests.fixtures.cast import NOON

    before = customer.born_key
    number = identities.id_number(993, born=date(1985, 5, 5))
    changed = profiles.update(customer, id_number=number, version=customer.version, actor=cast.loan_officer, at=NOON)
    assert Customer.objects.get(pk=changed.pk).born_key not in (None, before)
