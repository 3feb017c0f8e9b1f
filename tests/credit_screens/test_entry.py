"""Entering an application: find the person, keep what was typed, one application per form, a quote beside it."""

from decimal import Decimal as D
from typing import Any

import pytest

from credit.models import Application
from customers import consents
from customers.models import Purpose
from tests.credit.conftest import STATED
from tests.fixtures.cast import NOON

HTMX = {"HX-Request": "true"}
KEY = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def answers(desk: Any, customer: Any) -> dict[str, Any]:
    """Return a complete form."""
    return {
        "form_key": KEY,
        "customer": customer.public_id,
        "customer_version": customer.version,
        "product": desk.product.public_id,
        "amount": "12,000",
        "term": "12",
        "purpose": "car_used",
        "income": "12000.00",
        "monthly_debt": "500.00",
        "consent": "on",
        "do": "submit",
        **STATED,
    }


def test_a_complete_form_becomes_a_submitted_application(answers: Any, desk: Any, customer: Any, page_of: Any) -> None:
    answer = page_of(desk.cast.loan_officer).post("/applications/new/", answers)
    application = Application.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == f"/applications/{application.public_id}/"
    assert application.status == "submitted"
    assert application.amount == D("12000.00")
    assert application.stated["existing_credits"] == 1
    assert consents.holds(customer, Purpose.BUREAU, on=application.created_at.date())


def test_a_double_click_is_one_application(answers: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    first, second = client.post("/applications/new/", answers), client.post("/applications/new/", answers)
    assert Application.objects.count() == 1
    assert first["Location"] == second["Location"]


def test_a_draft_may_leave_answers_open_and_is_completed_later(answers: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    client.post("/applications/new/", answers | {"do": "draft", "savings": "", "income": "", "consent": ""})
    draft = Application.objects.get()
    page = client.get(f"/applications/{draft.public_id}/")
    assert draft.status == "draft"
    assert "Savings" in page.context["missing"]
    edit = client.get(f"/applications/{draft.public_id}/edit/")
    assert edit.context["form"]["savings"].value() is None
    changed = answers | {"form_key": KEY.replace("1", "9"), "version": draft.version, "amount": "9000", "customer_version": ""}
    assert client.post(f"/applications/{draft.public_id}/edit/", changed).status_code == 303
    draft.refresh_from_db()
    assert (draft.status, draft.amount, draft.stated["savings"]) == ("submitted", D("9000.00"), STATED["savings"])


def test_a_draft_changed_meanwhile_is_not_overwritten(answers: Any, desk: Any, page_of: Any) -> None:
    draft = desk.draft()
    client = page_of(desk.cast.loan_officer)
    url = f"/applications/{draft.public_id}/edit/"
    first = answers | {"do": "draft", "version": draft.version, "amount": "8000", "customer_version": ""}
    assert client.post(url, first).status_code == 303
    late = first | {"form_key": KEY.replace("1", "8"), "amount": "7000"}
    answer = client.post(url, late)
    assert answer.status_code == 409
    assert "7000" in answer.text
    draft.refresh_from_db()
    assert draft.amount == D("8000.00")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("amount", "a lot", "Amount (CNY) must be an amount such as 12,000 or 12000.50."),
        ("amount", "", "Amount (CNY) is needed."),
        ("amount", "100", "Enter an amount between 200.00 and 50,000.00."),
        ("amount", "12000.555", "Amount (CNY) must be an amount such as 12,000 or 12000.50."),
        ("term", "200", "Enter a term between 3 and 72 months."),
        ("term", "1.5", "The term must be a whole number of months, 1 to 360."),
        ("purpose", "", "Purpose is needed."),
        ("purpose", "gambling", "Select a valid choice."),
        ("customer", "", "Choose the customer."),
        ("customer", "C-NOBODY", "Choose the customer."),
        ("income", "-5", "Income a month (CNY) must be 0.00 or more."),
        ("savings", "", "Savings is needed."),
        ("existing_credits", "100", "Credits at this lender must be a whole number from 0 to 99."),
        ("product", "F-NONE", "Select a valid choice."),
        ("consent", "", "Without this authorisation"),
    ],
)
def test_a_wrong_answer_says_what_to_change_and_keeps_the_rest(
    field: str, value: str, sentence: str, answers: Any, desk: Any, page_of: Any
) -> None:
    answer = page_of(desk.cast.loan_officer).post("/applications/new/", answers | {field: value})
    assert answer.status_code == 422
    said = " ".join(text for _id, text in answer.context["form"].summary)
    assert sentence in said
    assert 'value="12,000"' in answer.text or field == "amount"
    assert not Application.objects.exists()


def test_a_second_open_application_is_refused_and_nothing_is_lost(answers: Any, desk: Any, customer: Any, page_of: Any) -> None:
    desk.draft(customer=customer)
    answer = page_of(desk.cast.loan_officer).post("/applications/new/", answers)
    assert answer.status_code == 409
    assert "already has an open application" in answer.text
    assert 'value="12,000"' in answer.text


def test_income_typed_goes_into_the_customers_file(answers: Any, desk: Any, customer: Any, page_of: Any) -> None:
    page_of(desk.cast.loan_officer).post("/applications/new/", answers | {"income": "1.3万"})
    customer.refresh_from_db()
    assert customer.income == D("13000.00")


def test_a_file_changed_meanwhile_is_shown_and_not_overwritten(answers: Any, desk: Any, customer: Any, page_of: Any) -> None:
    from customers import profiles

    profiles.update(customer, actor=desk.cast.colleague, at=NOON, version=customer.version, income=D("9000.00"))
    answer = page_of(desk.cast.loan_officer).post("/applications/new/", answers | {"income": "14000"})
    assert answer.status_code == 409
    assert "9,000.00" in answer.text
    assert not Application.objects.exists()
    customer.refresh_from_db()
    assert customer.income == D("9000.00")


def test_the_person_is_found_by_exact_search_and_masked(desk: Any, customer: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    answer = client.post("/applications/new/", {"find": "1", "q": customer.mobile, "amount": "7,777"}, headers=HTMX)
    assert answer.context["customer"] == customer
    assert customer.mobile not in answer.text
    assert customer.id_number not in answer.text
    assert customer.masked_mobile in answer.text
    page = client.post("/applications/new/", {"find": "1", "q": customer.id_number, "amount": "7,777", "savings": "under_100"})
    assert "7,777" in page.text
    assert page.context["form"]["savings"].value() == "under_100"
    none = client.post("/applications/new/", {"find": "1", "q": customer.mobile[:-1]})
    assert none.context["looked"]
    assert none.context["customer"] is None


def test_namesakes_are_chosen_among(desk: Any, make_customer: Any, page_of: Any) -> None:
    one, other = make_customer(), make_customer()
    client = page_of(desk.cast.loan_officer)
    found = client.post("/applications/new/", {"find": "1", "q": one.name}, headers=HTMX)
    assert {hit.public_id for hit in found.context["hits"]} >= {one.public_id, other.public_id}
    chosen = client.post("/applications/new/", {"choose": other.public_id}, headers=HTMX)
    assert chosen.context["customer"] == other


def test_another_branchs_customer_is_nobody(desk: Any, make_customer: Any, page_of: Any) -> None:
    theirs = make_customer(branch=desk.cast.west)
    client = page_of(desk.cast.loan_officer)
    assert client.post("/applications/new/", {"find": "1", "q": theirs.mobile}).context["customer"] is None
    assert client.get(f"/applications/new/?customer={theirs.public_id}").context["customer"] is None


def test_protected_attributes_are_not_asked(desk: Any, page_of: Any) -> None:
    form = page_of(desk.cast.loan_officer).get("/applications/new/").context["form"]
    assert not {"personal_status_sex", "foreign_worker"} & set(form.fields)


def test_the_quote_has_a_line_per_grade(desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    query = {"product": desk.product.public_id, "amount": "12,000", "term": "12"}
    answer = client.get("/applications/quote/", query, headers=HTMX)
    assert [quote.grade for quote in answer.context["quotes"]] == ["A", "B", "C", "D", "E"]
    assert answer.context["span"]["low"] < answer.context["span"]["high"]
    nonsense = [("amount", "x"), ("amount", ""), ("amount", "nan"), ("term", "-1"), ("term", "9999"), ("product", "F-NONE")]
    for name, value in nonsense:
        assert client.get("/applications/quote/", query | {name: value}, headers=HTMX).status_code == 200
    assert client.get("/applications/quote/", query | {"amount": "100"}).context["problems"]


def test_words_are_in_the_readers_language(desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    client.cookies["django_language"] = "zh-hans"
    text = client.get("/applications/new/", headers={"Accept-Language": "zh-hans"}).text
    assert "信用历史" in text
    assert "无活期账户" in text
