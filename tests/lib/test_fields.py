"""Column types: money is never a float, public ids cannot be guessed or counted."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from crm.lib.fields import ALPHABET, LENGTH, MoneyField, PublicIdField, RateField, public_id
from customers.models import Customer


def test_money_refuses_floats(customer: Customer) -> None:
    customer.income = 0.1  # type: ignore[assignment]
    with pytest.raises(TypeError, match="float"):
        customer.save()


def test_money_refuses_floats_in_filters(db: None) -> None:
    with pytest.raises(TypeError, match="float"):
        list(Customer.objects.filter(income__gt=0.1))


def test_money_keeps_every_cent(customer: Customer) -> None:
    customer.income = Decimal("999999999999.99")
    customer.save()
    customer.refresh_from_db()
    assert customer.income == Decimal("999999999999.99")


def test_a_negative_income_is_refused_by_the_database(customer: Customer) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Customer.objects.filter(pk=customer.pk).update(income=Decimal("-0.01"))


@pytest.mark.parametrize("field", [MoneyField(null=True), RateField(), PublicIdField(prefix="L")])
def test_fields_survive_a_migration(field: Any) -> None:
    field.set_attributes_from_name("x")
    _name, _path, args, kwargs = field.deconstruct()
    again = type(field)(*args, **kwargs)
    again.set_attributes_from_name("x")
    assert again.deconstruct()[3] == kwargs
    assert again.db_type(connection) == field.db_type(connection)


def test_public_ids_are_unlike_each_other() -> None:
    ids = {public_id("L") for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(one[:2] == "L-" and len(one) == 2 + LENGTH and set(one[2:]) <= set(ALPHABET) for one in ids)
    assert not set("01OILU") & set(ALPHABET), "what is misheard over a telephone is not used"
