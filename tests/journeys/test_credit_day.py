"""The days of a loan officer and an underwriter, in a browser: from a new customer to a booked loan, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from crm.demo.path import GOOD
from tests.fixtures.processes import House
from tests.fixtures.support import identities
from tests.journeys.conftest import Visitors
from tests.journeys.town import Town

VERDICT = 90_000  # milliseconds a worker may take on a busy machine


def state_facts(page: Any, **changes: Any) -> None:
    """Answer the questions about the applicant."""
    for name, value in (GOOD | changes).items():
        field = page.locator(f"#id_{name}")
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option({True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value))
        else:
            field.fill(str(value))


def fill_loan(page: Any) -> None:
    page.fill("#id_amount", "6,000")
    page.fill("#id_term", "6")
    page.select_option("#id_purpose", "radio_television")
    state_facts(page)


def test_an_officers_day_from_a_new_customer_to_a_booked_loan(visit: Visitors, town: Town, live_house: House) -> None:
    page = visit("officer")
    page.goto("/customers/new/")
    right = identities.id_number(610_001)
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    page.fill("#id_name", "欧阳小明")
    page.fill("#id_id_number", wrong)
    page.fill("#id_mobile", identities.mobile(610_001))
    page.fill("#id_income", "1.5万")
    page.click("main button[type=submit]")
    assert page.locator("#id_id_number_error").inner_text().strip()
    expect(page.locator(".form-errors a[href='#id_id_number']")).to_have_count(1)
    assert (page.input_value("#id_name"), page.input_value("#id_id_number"), page.input_value("#id_income")) == ("欧阳小明", wrong, "1.5万")
    page.fill("#id_id_number", right)
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile(r"/customers/C-[0-9A-Z]+/$"))
    customer = page.url.split("/")[-2]

    page.get_by_role("link", name="Record").first.click()
    page.locator("#dialog .quoted").wait_for()
    page.check("#dialog input[type=checkbox]")
    page.click("#dialog button[type=submit]")
    page.get_by_text("In force").first.wait_for()

    page.goto(f"/applications/new/?customer={customer}")
    fill_loan(page)
    page.locator("#quote .figure-line, #quote dd, #quote .money").first.wait_for()
    page.dblclick("button[name=do][value=submit]")
    page.wait_for_url(re.compile(r"/applications/A-[0-9A-Z]+/$"))
    made = "SELECT a.public_id FROM credit_application a JOIN customers_customer c ON c.id = a.customer_id WHERE c.public_id = %s"
    assert [row["public_id"] for row in live_house.rows(made, customer)] == [page.url.split("/")[-2]]

    page.get_by_role("link", name="Open the offer").wait_for(timeout=VERDICT)  # the page follows by itself
    expect(page.locator("#evaluating")).to_have_count(0)
    with page.expect_response(re.compile(r"/offers/O-[0-9A-Z]+/$")) as opened:
        page.get_by_role("link", name="Open the offer").click()
    page.wait_for_url(re.compile(r"/offers/O-[0-9A-Z]+/$"))
    for words in ("Principal", "Total to repay", "Annualised total cost", "Cost of default", "There is no other charge."):
        expect(page.get_by_text(words).first).to_be_visible()
    confirm = page.locator("#confirm-form button[name=confirm]")
    sent = opened.value.text()  # as it came: on the screen the seconds may have run out already
    assert re.search(r'name="confirm"[^>]* disabled data-opens-at-zero', sent)
    assert re.search(r"0:0\d", confirm.inner_text())
    confirm.and_(page.locator(":enabled")).wait_for()
    page.check("#id_read")
    confirm.click()
    accept = page.get_by_role("button", name="Accept and pay out")
    accept.wait_for()
    accept.dblclick()
    page.wait_for_url(re.compile(r"/loans/L-[0-9A-Z]+/$"))
    loans = "SELECT l.public_id FROM credit_loan l JOIN customers_customer c ON c.id = l.customer_id WHERE c.public_id = %s"
    assert [row["public_id"] for row in live_house.rows(loans, customer)] == [page.url.split("/")[-2]]


@pytest.fixture
def queue(visit: Visitors) -> Any:
    page = visit("reviewer")
    page.goto("/applications/review/")
    return page


def test_an_underwriter_approves_from_the_queue(queue: Any, town: Town, status_of: Callable[[str], str]) -> None:
    wanted = town.applications["to_approve"]
    queue.locator(f"#list a[href='/applications/{wanted}/']").click()
    queue.locator("#id_approve-amount").fill("5,000")
    queue.locator("#terms .figure-line, #terms dd, #terms p").first.wait_for()
    queue.get_by_role("button", name="Approve application").click()
    queue.get_by_text("is approved for").first.wait_for()
    queue.get_by_role("link", name="Open the offer").or_(queue.get_by_text("Approved. The offer is being made.")).first.wait_for()
    assert status_of(wanted) in ("approved", "offered")
    queue.goto("/applications/review/")
    expect(queue.locator(f"#list a[href='/applications/{wanted}/']")).to_have_count(0)


def test_an_underwriter_declines_with_reasons(queue: Any, town: Town, status_of: Callable[[str], str]) -> None:
    wanted = town.applications["to_decline"]
    queue.goto(f"/applications/{wanted}/")
    queue.keyboard.press("d")
    queue.fill("#id_decline-note", "the papers do not fit together")
    button = queue.get_by_role("button", name="Decline application")
    button.click()
    queue.get_by_text("Choose at least one reason.").first.wait_for()
    assert queue.input_value("#id_decline-note") == "the papers do not fit together"
    for code in ("credit.documents_missing", "credit.income_not_proved"):
        queue.check(f"input[name=decline-reason_codes][value='{code}']")
    button.click()
    queue.get_by_text("is declined.").first.wait_for()
    assert status_of(wanted) == "declined"
    expect(queue.get_by_text("Documents are missing.").first).to_be_visible()


def test_nobody_decides_what_they_entered(queue: Any, town: Town, status_of: Callable[[str], str]) -> None:
    wanted = town.applications["own"]
    queue.goto(f"/applications/{wanted}/")
    expect(queue.get_by_text("You entered this application, so another person decides it.")).to_be_visible()
    expect(queue.get_by_role("button", name="Approve application")).to_have_count(0)
    token = queue.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    address = f"/applications/{wanted}/approve/"
    form = {"csrfmiddlewaretoken": token, "approve-amount": "1000", "approve-term": "6"}
    answer = queue.request.post(address, form=form, headers={"Referer": queue.url})
    assert answer.status == 403
    assert "Nobody decides an application they entered." in answer.text()
    assert status_of(wanted) == "referred"


def test_above_ones_authority_is_said_at_the_field(visit: Visitors, town: Town, status_of: Callable[[str], str]) -> None:
    page, wanted = visit("junior"), town.applications["over"]
    page.goto(f"/applications/{wanted}/")
    page.fill("#id_approve-amount", "5,000")
    page.get_by_role("button", name="Approve application").click()
    page.locator("#id_approve-amount_error").wait_for()
    assert "You may approve up to 1" in page.inner_text("#id_approve-amount_error")
    assert page.input_value("#id_approve-amount") == "5,000"
    assert status_of(wanted) == "referred"


def test_the_slower_of_two_tabs_is_told_what_changed(visit: Visitors, town: Town, status_of: Callable[[str], str]) -> None:
    wanted = town.applications["stale"]
    slow, fast = visit("reviewer"), visit("second_reviewer")
    for page in (slow, fast):
        page.goto(f"/applications/{wanted}/")
    fast.locator("summary", has_text="Decline").click()
    fast.check("input[name=decline-reason_codes] >> nth=0")
    fast.get_by_role("button", name="Decline application").click()
    fast.get_by_text("is declined.").first.wait_for()
    slow.get_by_role("button", name="Approve application").click()
    conflict = slow.locator("[data-code=conflict]")
    conflict.wait_for()
    said = conflict.inner_text()
    assert "Second Reviewer" in said and "Your decision was not saved and nothing was overwritten." in said
    conflict.get_by_role("link").click()
    slow.get_by_text("Decision of a person").wait_for()
    assert status_of(wanted) == "declined"
