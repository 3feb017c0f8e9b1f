"""The e-mail address on the file: checked, sealed, masked, opened on the record."""

import pytest

from crm.lib.errors import Invalid
from customers import identifiers, profiles, reveals
from customers.models import Customer
from governance import masking
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("typed", "kept"), [(" Wang.Li@Example.COM ", "Wang.Li@example.com"), ("ｗ@example.com", "w@example.com")])
def test_it_is_kept_in_one_form(typed, kept):
    assert identifiers.email(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "wang", "wang@", "@example.com", "wang@example", "王@example.com", "a b@example.com", "a" * 200 + "@example.com"]
)
def test_what_is_none_is_refused(typed):
    with pytest.raises(Invalid):
        identifiers.email(typed)


def test_it_is_sealed_and_masked_and_opened_on_the_record(make_customer, cast):
    customer = make_customer(email="wang@example.com")
    assert b"wang" not in bytes(Customer.objects.filter(pk=customer.pk).values_list("email", flat=True)[0])
    assert Customer.objects.get(pk=customer.pk).masked_email == "w***@***"
    assert (
        reveals.reveal(customer, field="email", purpose="service", reason="asked for it", actor=cast.loan_officer, at=NOON)
        == "wang@example.com"
    )


def test_it_may_be_missing_added_and_taken_away(customer, cast):
    assert customer.email is None
    changed = profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, email="li@example.com")
    assert changed.email == "li@example.com"
    assert profiles.update(changed, actor=cast.loan_officer, at=NOON, version=2, email="").email is None
    with pytest.raises(Invalid) as refused:
        profiles.update(changed, actor=cast.loan_officer, at=NOON, version=3, email="li")
    assert "email" in refused.value.fields


def test_the_page_shows_the_mask_only(page_of, cast, make_customer):
    customer = make_customer(email="wang@example.com")
    page = page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/").text
    assert "w***@***" in page
    assert "wang@example.com" not in page


def test_nothing_of_what_is_no_address_shows():
    assert masking.mask_email("@x") == "**"


def test_language_and_clock_are_of_a_list(customer, cast):
    changed = profiles.update(customer, actor=cast.loan_officer, at=NOON, version=1, language="en", zone="Asia/Urumqi")
    assert (changed.language, changed.zone) == ("en", "Asia/Urumqi")
    for wrong in ({"language": "fr"}, {"zone": "Mars/Base"}):
        with pytest.raises(Invalid) as refused:
            profiles.update(changed, actor=cast.loan_officer, at=NOON, version=2, **wrong)
        assert set(refused.value.fields) == set(wrong)


def test_they_are_chosen_on_the_form(page_of, cast, customer):
    client = page_of(cast.loan_officer)
    address = f"/customers/{customer.public_id}/edit/"
    assert "Asia/Urumqi" in client.get(address).text
    sent = {"version": "1", "income": "12000.00", "monthly_debt": "500.00", "language": "en", "zone": "Asia/Urumqi"}
    assert client.post(address, sent).status_code == 303
    customer.refresh_from_db()
    assert (customer.language, customer.zone) == ("en", "Asia/Urumqi")
