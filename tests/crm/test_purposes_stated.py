"""What pages read of a person they read for a stated purpose: take the purpose away, and the page says so instead of showing."""

from typing import Any

import pytest

from governance import purposes
from governance.models import DataPurpose
from tests.fixtures.cast import Cast


@pytest.fixture
def without_names(db: None) -> Any:
    """Let a purpose read everything but names."""

    def take(code: str) -> None:
        DataPurpose.objects.filter(code=code).update(without=["customers.customer.name"])
        purposes.forget()

    yield take
    purposes.forget()


def test_search_and_the_form_of_a_file_read_for_the_purpose_of_the_file(
    cast: Cast, customer: Any, page_of: Any, without_names: Any
) -> None:
    browser = page_of(cast.loan_officer)
    edit = f"/customers/{customer.public_id}/edit/"
    found = browser.post("/search/", {"text": customer.public_id})
    assert found.status_code == browser.get(edit).status_code == 200 and customer.public_id in found.text
    without_names("onboarding")
    assert browser.post("/search/", {"text": customer.public_id}).status_code == 403
    assert browser.get(edit).status_code == 403


def test_an_application_is_entered_for_underwriting(cast: Cast, customer: Any, page_of: Any, without_names: Any) -> None:
    browser = page_of(cast.loan_officer)
    entry = f"/applications/new/?customer={customer.public_id}"
    assert browser.get(entry).status_code == 200
    without_names("onboarding")
    assert browser.get(entry).status_code == 200, "another purpose"
    without_names("underwriting")
    assert browser.get(entry).status_code == 403
