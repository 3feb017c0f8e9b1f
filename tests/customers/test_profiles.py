"""The file of a person: opened once, changed on the version it was read in, found by exact values."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from crm.lib.errors import DomainError, Invalid, Stale
from customers import consents, profiles
from customers.models import Customer, Purpose
from governance import teams
from governance.models import LegalEntity, Team
from ledger import log
from tests.fixtures.cast import NOON, TODAY, Cast
from tests.fixtures.support import identities

MakeCustomer = Callable[..., Customer]


def values(**changes: Any) -> dict[str, Any]:
    serial = next(identities.serials)
    return {"name": "李四", "id_number": identities.id_number(serial), "mobile": identities.mobile(serial)} | changes


def test_a_file_is_opened_in_canonical_form(cast: Cast) -> None:
    given = values(mobile="+86 139-1234-5678", name="  Maria   Fernandez ", bank_card="", address="  ", employer=None)
    customer = profiles.create(**given, branch=cast.east, actor=cast.loan_officer, at=NOON)
    row = Customer.objects.get(pk=customer.pk)
    assert (row.mobile, row.name, row.bank_card, row.address, row.employer) == ("13912345678", "Maria Fernandez", None, None, None)
    assert (row.owner, row.branch, row.legal_entity, row.version) == (cast.loan_officer, cast.east, cast.entity, 1)
    assert (row.created_at, row.updated_at, row.monthly_debt, row.income) == (NOON, NOON, Decimal("0.00"), None)
    entry = log.history(row).get()
    assert (entry.event, entry.customer_id, entry.facts) == ("customers.customer.created", row.pk, {"channel": "branch"})


WRONG = [
    ("name", "", "Enter the name"),
    ("name", "x" * 61, "60 characters"),
    ("id_number", "", "18 characters"),
    ("id_number", "110101199003071234", "does not match"),
    ("mobile", "12345", "11 digits"),
    ("mobile", None, "11 digits"),
    ("bank_card", "6222021234567890", "check digit"),
    ("address", "x" * 201, "200 characters"),
    ("employer", "x" * 201, "200 characters"),
    ("income", Decimal("-0.01"), "0 or more"),
    ("income", Decimal("1e12"), "0 or more"),
    ("income", Decimal("0.005"), "0 or more"),
    ("income", Decimal("NaN"), "0 or more"),
    ("monthly_debt", Decimal("-1"), "0 or more"),
]


@pytest.mark.parametrize(("field", "value", "says"), WRONG)
def test_a_wrong_value_is_said_at_its_field(cast: Cast, field: str, value: Any, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        profiles.create(**values(**{field: value}), branch=cast.east, actor=cast.loan_officer, at=NOON)
    assert list(refusal.value.fields) == [field]
    assert says in str(refusal.value.fields[field])
    assert not Customer.objects.exists()


def test_all_wrong_values_are_said_together(cast: Cast) -> None:
    with pytest.raises(Invalid) as refusal:
        profiles.create(name="", id_number="1", mobile="2", branch=cast.east, actor=cast.loan_officer, at=NOON)
    assert set(refusal.value.fields) == {"name", "id_number", "mobile"}


def test_no_debt_stated_is_no_debt(cast: Cast) -> None:
    for nothing in (None, "", Decimal(0)):
        given = values(monthly_debt=nothing)
        customer = profiles.create(**given, branch=cast.east, actor=cast.loan_officer, at=NOON)
        assert customer.monthly_debt == 0


def test_an_id_number_has_one_file_with_a_lender(cast: Cast, customer: Customer) -> None:
    with pytest.raises(profiles.AlreadyCustomer) as refusal:
        profiles.create(**values(id_number=customer.id_number.lower()), branch=cast.west, actor=cast.outsider, at=NOON)
    assert refusal.value.fields.keys() == {"id_number"}
    assert customer.public_id not in str(refusal.value), "the file may belong to another branch"


def test_another_lender_opens_a_file_of_its_own(cast: Cast, customer: Customer) -> None:
    other = LegalEntity.objects.create(code="OTHER", name_en="Other", name_zh="他", business_date=TODAY)
    branch = teams.create(
        legal_entity=other, code="X", name_en="X", name_zh="X", kind=Team.Kind.BRANCH, parent=None, actor=cast.system, at=NOON
    )
    profiles.create(**values(id_number=customer.id_number), branch=branch, actor=cast.loan_officer, at=NOON)
    assert Customer.objects.filter(id_number_key=customer.id_number_key).count() == 2


def test_two_branches_at_once_open_one_file(transactional_db: None, cast: Cast) -> None:
    given, barrier = values(), Barrier(4)

    def open_file(_number: int) -> str:
        try:
            barrier.wait(timeout=10)
            profiles.create(**given, branch=cast.east, actor=cast.loan_officer, at=NOON)
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "opened"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(open_file, range(4))) == ["already_customer"] * 3 + ["opened"]
    assert Customer.objects.count() == 1


# --- change ------------------------------------------------------------------------------------------------------
def test_a_change_is_kept_and_recorded_by_field_name_only(cast: Cast, customer: Customer) -> None:
    changed = profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, mobile="13912345678", income=Decimal("1.00"))
    assert (changed.version, changed.mobile, changed.income) == (2, "13912345678", Decimal("1.00"))
    entry = log.history(customer).first()
    assert entry is not None
    assert (entry.event, entry.facts) == ("customers.customer.changed", {"fields": ["income", "mobile"]})
    assert list(Customer.objects.all().found_by("13912345678")) == [customer]
    assert not Customer.objects.all().found_by(customer.mobile).exists()


def test_no_change_is_no_version(cast: Cast, customer: Customer) -> None:
    same = profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, mobile=customer.mobile, name=customer.name)
    assert same.version == 1
    assert log.history(customer).count() == 1


def test_a_stale_change_says_what_changed_masked(cast: Cast, customer: Customer) -> None:
    profiles.update(customer, actor=cast.colleague, at=NOON, version=1, mobile="13912345678", employer="新雇主")
    with pytest.raises(Stale) as refusal:
        profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, mobile="13812345678", income=customer.income)
    assert refusal.value.status == 409
    assert refusal.value.extra == {
        "changes": [{"field": "mobile", "theirs": "139****5678", "yours": "138****5678"}], "version": 2,
    }  # fmt: skip
    assert Customer.objects.get().mobile == "13912345678"


def test_of_two_changes_at_once_one_is_told(transactional_db: None, cast: Cast, make_customer: MakeCustomer) -> None:
    customer, barrier = make_customer(), Barrier(4)

    def change(number: int) -> str:
        try:
            barrier.wait(timeout=10)
            profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, income=Decimal(number))
        except Stale:
            return "told"
        finally:
            connections.close_all()
        return f"{number}.00"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(change, range(1, 5)))
    won = [outcome for outcome in outcomes if outcome != "told"]
    fresh = Customer.objects.get()
    assert won == [str(fresh.income)]
    assert fresh.version == 2


def test_an_id_number_cannot_be_changed_into_anothers(cast: Cast, customer: Customer, make_customer: MakeCustomer) -> None:
    other = make_customer()
    with pytest.raises(profiles.AlreadyCustomer):
        profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, id_number=other.id_number)
    assert Customer.objects.get(pk=customer.pk).version == 1


def test_what_is_no_field_of_the_file_is_a_programming_error(cast: Cast, customer: Customer) -> None:
    with pytest.raises(TypeError, match="origin"):
        profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, origin="real")


# --- search ------------------------------------------------------------------------------------------------------
def test_an_exact_value_finds_and_a_part_does_not(customer: Customer) -> None:
    spaced = f"{customer.bank_card[:4]} {customer.bank_card[4:]}"
    for text in (
        customer.id_number, f" {customer.id_number} ", customer.mobile, f"+86 {customer.mobile}", spaced, customer.bank_card,
        customer.name, customer.public_id, customer.public_id.lower(),
    ):  # fmt: skip
        assert list(Customer.objects.all().found_by(text)) == [customer], text
    for text in ("", " ", "王", customer.mobile[:10], customer.id_number[:17], "%", "\0", "'; --", "x" * 5000):
        assert list(Customer.objects.all().found_by(text)) == [], text


def test_a_search_opens_nothing_and_reads_an_index(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    from governance import vault

    monkeypatch.setattr(vault, "unseal", lambda *_args, **_more: pytest.fail("opened"))
    assert Customer.objects.all().found_by(customer.mobile).count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        query, params = Customer.objects.all().found_by(customer.mobile).values("pk").query.sql_with_params()
        cursor.execute(f"EXPLAIN {query}", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "customer_mobile" in plan
    assert "Seq Scan" not in plan


# --- told to risk ------------------------------------------------------------------------------------------------
def test_risk_is_told_no_identifier(cast: Cast, customer: Customer) -> None:
    facts = profiles.facts_for_decision(customer, on=TODAY, at=NOON)
    assert facts == {
        "age": 35, "income": Decimal("12000.00"), "monthly_debt": Decimal("500.00"), "consent_bureau": False, "region": "31",
    }  # fmt: skip
    consents.give(customer, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=NOON)
    assert profiles.facts_for_decision(customer, on=TODAY, at=NOON)["consent_bureau"] is True


def test_the_age_is_that_of_the_day(customer: Customer) -> None:
    assert customer.born_on == date(1990, 3, 7)
    assert (customer.age(date(2026, 3, 6)), customer.age(date(2026, 3, 7))) == (35, 36)
