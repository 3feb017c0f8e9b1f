"""Relations: both sides, a source, a consent; and nobody but a guarantor who agreed is ever open for collections."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from crm.lib.errors import Invalid
from customers import relations
from customers.models import Customer, Relation
from customers.models.relations import OBLIGORS
from ledger.models import Entry
from tests.fixtures.cast import NOON

GUARANTOR, FAMILY = Relation.Kind.GUARANTOR, Relation.Kind.FAMILY


def add(customer: Customer, cast: Any, **changes: Any) -> Relation:
    values: dict[str, Any] = {
        "kind": FAMILY,
        "source": "customer",
        "name": "李雷",
        "mobile": "138 1234-5678",
        "actor": cast.loan_officer,
        "at": NOON,
    }
    return relations.add(customer, **values | changes)


def test_an_outside_person_is_sealed_and_masked(cast: Any, customer: Customer) -> None:
    made = Relation.objects.get(pk=add(customer, cast).pk)
    assert (made.name, made.mobile) == ("李雷", "13812345678")
    assert (made.masked_name, made.masked_mobile) == ("李*", "138****5678")
    entry = Entry.objects.get(event="customers.relation.added")
    assert "李雷" not in str(entry.facts) and "138" not in str(entry.facts) and entry.customer_id == customer.pk


def test_a_number_outside_has_the_fingerprint_it_would_have_as_a_customers(cast: Any, customer: Customer) -> None:
    made = add(customer, cast, mobile=customer.mobile, name="王五")
    assert made.mobile_key == customer.mobile_key


def test_contact_about_a_debt_is_closed_for_everybody_new(cast: Any, customer: Customer) -> None:
    for number, kind in enumerate(Relation.Kind):
        assert add(customer, cast, kind=kind, mobile=f"1390000000{number}", consent="given").may_contact is False
    assert list(Relation.objects.contactable()) == []


@pytest.mark.parametrize("kind", [kind for kind in Relation.Kind if kind not in OBLIGORS])
@pytest.mark.parametrize("consent", Relation.Consent.values)
def test_a_third_party_is_never_opened_for_collections(cast: Any, customer: Customer, kind: str, consent: str) -> None:
    row = add(customer, cast, kind=kind, consent=consent)
    with pytest.raises(relations.ThirdParty):
        relations.allow_contact(row, allowed=True, actor=cast.loan_officer, at=NOON)
    with pytest.raises(IntegrityError, match="relation_contact_obligors_only"), transaction.atomic():
        Relation.objects.filter(pk=row.pk).update(may_contact=True)


def test_a_guarantor_who_agreed_is_opened_and_closed_on_the_record(cast: Any, customer: Customer) -> None:
    row = add(customer, cast, kind=GUARANTOR, consent="given")
    relations.allow_contact(row, allowed=True, actor=cast.loan_officer, at=NOON)
    assert list(Relation.objects.contactable()) == [row]
    relations.end(row, actor=cast.loan_officer, at=NOON)
    assert list(Relation.objects.contactable()) == []
    with pytest.raises(relations.Ended):
        relations.allow_contact(row, allowed=True, actor=cast.loan_officer, at=NOON)
    events = list(Entry.objects.filter(subject_type="customers.relation").order_by("pk").values_list("event", flat=True))
    assert events == ["customers.relation.added", "customers.relation.contact_opened", "customers.relation.ended"]


def test_a_guarantor_who_was_not_asked_stays_closed(cast: Any, customer: Customer) -> None:
    row = add(customer, cast, kind=GUARANTOR)
    with pytest.raises(relations.ThirdParty):
        relations.allow_contact(row, allowed=True, actor=cast.loan_officer, at=NOON)


@pytest.mark.parametrize(
    "changes", [{"name": "", "mobile": ""}, {"name": "李雷", "mobile": ""}, {"name": "", "mobile": "13800001111"}, {"mobile": "12"}]
)
def test_half_a_person_is_refused(cast: Any, customer: Customer, changes: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        add(customer, cast, **changes)
    assert not Relation.objects.exists()


def test_the_other_side_is_one_of_both(cast: Any, customer: Customer, make_customer: Callable[..., Any]) -> None:
    other = make_customer()
    with pytest.raises(relations.OtherSideUnclear):
        add(customer, cast, other=other)
    with pytest.raises(relations.OtherSideUnclear):
        add(customer, cast, other=customer, name="", mobile="")
    assert add(customer, cast, other=other, name="", mobile="").masked_mobile == other.masked_mobile


def test_a_relation_is_recorded_once_and_again_after_its_end(cast: Any, customer: Customer) -> None:
    first = add(customer, cast)
    with pytest.raises(relations.KnownAlready):
        add(customer, cast, name="李雷雷")
    relations.end(first, actor=cast.loan_officer, at=NOON)
    assert add(customer, cast).pk != first.pk


# --- opening a number ----------------------------------------------------------------------------------------------
def test_a_third_partys_number_is_not_opened_to_collect(cast: Any, customer: Customer) -> None:
    asked: dict[str, Any] = {"field": "mobile", "reason": "联系不上客户本人", "actor": cast.collector, "at": NOON}
    third, guarantor = add(customer, cast), add(customer, cast, kind=GUARANTOR, consent="given")
    for row in (third, guarantor):
        with pytest.raises(relations.ThirdParty):
            relations.reveal(row, purpose="collections", **asked)
    assert not Entry.objects.filter(event="customers.relation.revealed").exists()
    relations.allow_contact(guarantor, allowed=True, actor=cast.loan_officer, at=NOON)
    assert relations.reveal(guarantor, purpose="collections", **asked) == "13812345678"
    assert relations.reveal(third, purpose="service", **asked) == "13812345678"
    facts = list(Entry.objects.filter(event="customers.relation.revealed").order_by("pk").values_list("facts", flat=True))
    assert [fact["purpose"] for fact in facts] == ["collections", "service"] and "138" not in str(facts)


def test_a_number_is_opened_on_the_page_for_a_reason_and_by_who_may(cast: Any, customer: Customer, page_of: Any) -> None:
    row = add(customer, cast)
    url, typed = f"/relations/{row.public_id}/reveal/mobile/", {"purpose": "service", "reason": "核对紧急联系人"}
    assert "13812345678" not in page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/relations/").content.decode()
    assert page_of(cast.loan_officer).post(url, typed | {"reason": ""}).status_code == 422
    assert "13812345678" in page_of(cast.loan_officer).post(url, typed, headers={"HX-Request": "true"}).content.decode()
    assert page_of(cast.loan_officer).post(url, typed | {"purpose": "collections"}).status_code == 409
    assert page_of(cast.auditor).post(url, typed).status_code == 403
    assert "138****5678" in page_of(cast.auditor).get(f"/relations/{row.public_id}/masked/mobile/").content.decode()
    assert page_of(cast.loan_officer).get(f"/relations/{row.public_id}/reveal/source/").status_code == 404


# --- pages ---------------------------------------------------------------------------------------------------------
def test_the_panel_shows_both_sides_and_hides_who_is_not_ones_own(
    cast: Any, customer: Customer, make_customer: Callable[..., Any], page_of: Any
) -> None:
    near, far = make_customer(name="赵近"), make_customer(name="钱远", branch=cast.west, actor=cast.outsider)
    for other in (near, far):
        add(customer, cast, other=other, name="", mobile="")
    page = page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/relations/").content.decode()
    assert near.public_id in page and far.public_id not in page and "钱" not in page and far.masked_mobile not in page
    assert "customer of another branch" in page
    assert customer.public_id in page_of(cast.loan_officer).get(f"/customers/{near.public_id}/relations/").content.decode()
    theirs = page_of(cast.outsider).get(f"/customers/{far.public_id}/relations/").content.decode()
    assert customer.public_id not in theirs and customer.masked_name not in theirs


def test_a_relation_is_added_and_ended_on_the_page(cast: Any, customer: Customer, make_customer: Callable[..., Any], page_of: Any) -> None:
    client, far = page_of(cast.loan_officer), make_customer(branch=cast.west, actor=cast.outsider)
    url = f"/customers/{customer.public_id}/relations/add/"
    typed = {"kind": "family", "source": "customer", "consent": "not_asked"}
    assert client.post(url, typed | {"name": "李雷", "mobile": "13812345678"}).status_code == 303
    refused = client.post(url, typed | {"other": far.public_id})
    assert refused.status_code == 422 and "There is no file with this number that you may see." in refused.content.decode()
    row = Relation.objects.get()
    assert page_of(cast.outsider).post(f"/relations/{row.public_id}/end/").status_code == 404
    assert client.post(f"/relations/{row.public_id}/contact/open/").status_code == 409
    assert client.post(f"/relations/{row.public_id}/end/").status_code == 303
    row.refresh_from_db()
    assert row.ended_by == cast.loan_officer


def test_the_panel_costs_the_same_for_one_and_for_many(
    cast: Any, customer: Customer, make_customer: Callable[..., Any], page_of: Any, django_assert_num_queries: Any
) -> None:
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/relations/"
    add(customer, cast, other=make_customer(), name="", mobile="")
    client.get(url)
    with django_assert_num_queries(6) as first:
        client.get(url)
    for _ in range(5):
        add(customer, cast, other=make_customer(), name="", mobile="")
        add(make_customer(), cast, other=customer, name="", mobile="")
    with django_assert_num_queries(len(first)):
        client.get(url)
