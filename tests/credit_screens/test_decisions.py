"""The page of an application: what it shows to whom, how it waits, the four refusals of a decision, withdrawal."""

from decimal import Decimal as D
from typing import Any

import pytest

from credit.models import Application

HTMX = {"HX-Request": "true"}
KEY = "11111111-2222-3333-4444-555555555555"


def approve(client: Any, application: Any, **changes: Any) -> Any:
    data = {"form_key": KEY, "version": application.version, "amount": "10,000", "term": "12", "note": "seen"} | changes
    return client.post(f"/applications/{application.public_id}/approve/", {f"approve-{name}": value for name, value in data.items()})


def decline(client: Any, application: Any, **changes: Any) -> Any:
    data = {"form_key": KEY, "version": application.version, "reason_codes": ["credit.affordability"], "note": ""} | changes
    return client.post(f"/applications/{application.public_id}/decline/", {f"decline-{name}": value for name, value in data.items()})


@pytest.fixture
def referred(desk: Any) -> Any:
    return desk.concluded("refer")


@pytest.mark.parametrize("outcome", ["approve", "refer", "decline"])
def test_every_verdict_has_a_page(outcome: str, desk: Any, page_of: Any) -> None:
    application = desk.concluded(outcome)
    for user in (desk.cast.loan_officer, desk.cast.underwriter, desk.cast.auditor):
        answer = page_of(user).get(f"/applications/{application.public_id}/")
        assert answer.status_code == 200
        assert application.customer.name not in answer.text
        assert application.customer.masked_name in answer.text


def test_unknown_and_foreign_applications_look_the_same(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.outsider)
    assert client.get(f"/applications/{referred.public_id}/").status_code == 404
    assert client.get("/applications/A-NOBODY/").status_code == 404
    assert approve(page_of(desk.cast.west_underwriter), referred).status_code == 404


def test_the_page_asks_again_until_the_verdict_stands(desk: Any, page_of: Any) -> None:
    application = desk.evaluating()
    client = page_of(desk.cast.loan_officer)
    url = f"/applications/{application.public_id}/"
    assert "load delay:1s" in client.get(url).text
    assert "load delay:2s" in client.get(f"{url}?look=0", headers=HTMX).text
    third = client.get(f"{url}?look=1", headers=HTMX)
    assert third.status_code == 200
    assert "load delay:5s" in third.text
    from credit import applications
    from tests.fixtures.cast import NOON

    applications.conclude(application, decision=desk.decision(application, "decline"), actor=desk.cast.system, at=NOON)
    last = client.get(f"{url}?look=2", headers=HTMX)
    assert last.status_code == 286
    assert 'hx-swap-oob="true"' in last.text
    assert "load delay" not in last.text
    assert client.get(f"{url}?look=-1'--", headers=HTMX).status_code == 286


def test_what_was_stated_is_shown_in_words(referred: Any, desk: Any, page_of: Any) -> None:
    stated = dict(page_of(desk.cast.underwriter).get(f"/applications/{referred.public_id}/").context["stated"])
    assert stated["Credit history"] == "All here repaid"
    assert stated["Instalment share of income"] == "25% to under 35% of income"
    assert "Sex and marital status" not in stated


def test_an_underwriter_approves(referred: Any, desk: Any, page_of: Any) -> None:
    answer = approve(page_of(desk.cast.underwriter), referred)
    referred.refresh_from_db()
    assert answer.status_code == 303
    assert (referred.status, referred.approved_amount, referred.note) == ("approved", D("10000.00"), "seen")
    assert referred.decided_by == desk.cast.underwriter


def test_a_double_click_decides_once_and_leads_to_the_same_page(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.underwriter)
    first, second = approve(client, referred), approve(client, referred)
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"]


def test_above_the_authority_stands_at_the_field(desk: Any, page_of: Any) -> None:
    application = desk.concluded("refer", amount=D("40000.00"), verdict={"limit": D("50000.00")})
    desk.cast.underwriter.role.approval_limit = D("20000.00")
    desk.cast.underwriter.role.save()
    answer = approve(page_of(desk.cast.underwriter), application, amount="30000")
    assert answer.status_code == 422
    assert "20,000.00" in str(answer.context["approve_form"].errors["amount"])
    assert "30000" in answer.text
    application.refresh_from_db()
    assert application.status == "referred"


def test_above_the_limit_stands_at_the_field(desk: Any, page_of: Any) -> None:
    application = desk.concluded("refer", amount=D("20000.00"), verdict={"limit": D("9000.00")})
    client = page_of(desk.cast.underwriter)
    answer = approve(client, application, amount="15000")
    assert answer.status_code == 422
    assert "9,000.00" in str(answer.context["approve_form"].errors["amount"])
    assert client.get(f"/applications/{application.public_id}/").context["approve_form"]["amount"].value() == D("9000.00")


def test_nobody_decides_what_they_entered(desk: Any, page_of: Any) -> None:
    application = desk.concluded("refer", actor=desk.cast.underwriter)
    client = page_of(desk.cast.underwriter)
    page = client.get(f"/applications/{application.public_id}/")
    assert "You entered this application" in page.text
    assert "approve-amount" not in page.text
    assert approve(client, application).status_code == 403
    assert approve(page_of(desk.cast.second_underwriter), application).status_code == 303


def test_the_second_of_two_underwriters_is_told_who_was_faster(referred: Any, desk: Any, page_of: Any) -> None:
    decline(page_of(desk.cast.second_underwriter), referred)
    stale = approve(page_of(desk.cast.underwriter), referred)
    assert stale.status_code == 409
    assert "Second Underwriter" in stale.text
    part = page_of(desk.cast.underwriter).post(
        f"/applications/{referred.public_id}/approve/",
        {"approve-version": referred.version, "approve-amount": "10000", "approve-term": "12"},
        headers=HTMX,
    )
    assert part.status_code == 409
    assert "<html" not in part.text
    referred.refresh_from_db()
    assert referred.status == "declined"


@pytest.mark.parametrize(
    ("amount", "term"),
    [("", "12"), ("x", "12"), ("-1", "12"), ("10000", "0"), ("10000", "abc"), ("10000", "200"), ("1", "12")],
)
def test_a_wrong_approval_keeps_what_was_typed(amount: str, term: str, referred: Any, desk: Any, page_of: Any) -> None:
    answer = approve(page_of(desk.cast.underwriter), referred, amount=amount, term=term)
    assert answer.status_code == 422
    assert answer.context["approve_form"].errors
    assert "seen" in answer.text


def test_a_decline_needs_one_to_four_known_reasons(referred: Any, desk: Any, page_of: Any) -> None:
    from credit.applications import DECLINE_REASONS

    client = page_of(desk.cast.underwriter)
    for codes in ([], ["no.such.reason"], list(DECLINE_REASONS[:5])):
        answer = decline(client, referred, reason_codes=codes)
        assert answer.status_code == 422
        assert answer.context["opened"] == "decline"
    assert decline(client, referred, reason_codes=list(DECLINE_REASONS[:4])).status_code == 303
    page = client.get(f"/applications/{referred.public_id}/")
    assert "The instalment is too high for the income." in page.text or len(page.context["reasons"]) == 4


def test_the_terms_of_an_approval_are_shown_before_it(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.underwriter)
    url = f"/applications/{referred.public_id}/terms/"
    assert client.get(url, {"approve-amount": "10000", "approve-term": "12"}).context["installment"] > 0
    for amount, term in (("", ""), ("x", "y"), ("1", "12"), ("10000", "99999"), ("10000", "٣")):
        assert client.get(url, {"approve-amount": amount, "approve-term": term}).status_code == 200


def test_who_may_not_decide_sees_no_form(referred: Any, desk: Any, page_of: Any) -> None:
    page = page_of(desk.cast.loan_officer).get(f"/applications/{referred.public_id}/")
    assert "approve-amount" not in page.text
    assert approve(page_of(desk.cast.loan_officer), referred).status_code == 403


def test_withdrawing_asks_first_and_ends_it(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    url = f"/applications/{referred.public_id}/withdraw/"
    assert "cannot be undone" in client.get(url).text
    assert "<html" not in client.get(url, headers=HTMX).text
    assert client.post(url, {"version": referred.version, "form_key": KEY}).status_code == 303
    referred.refresh_from_db()
    assert referred.status == "withdrawn"
    assert client.post(url, {"version": referred.version}).status_code == 409


def test_a_draft_is_submitted_from_its_page(desk: Any, page_of: Any, deliver: Any) -> None:
    draft = desk.draft()
    client = page_of(desk.cast.loan_officer)
    assert client.post(f"/applications/{draft.public_id}/submit/", {"version": 99}).status_code == 409
    assert client.post(f"/applications/{draft.public_id}/submit/", {"version": draft.version}).status_code == 303
    assert Application.objects.get().status == "submitted"


def test_the_page_costs_a_fixed_number_of_queries(referred: Any, desk: Any, page_of: Any, django_assert_max_num_queries: Any) -> None:
    client = page_of(desk.cast.underwriter)
    url = f"/applications/{referred.public_id}/"
    client.get(url)
    with django_assert_max_num_queries(34):
        client.get(url)


def test_a_form_changed_on_its_way_is_refused_not_ignored(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    answer = client.post(f"/applications/{referred.public_id}/withdraw/", {"version": "soon"})
    assert answer.status_code == 422
    assert "could not be read" in answer.text
    assert client.post("/applications/import/").status_code == 422
    referred.refresh_from_db()
    assert referred.status == "referred"
