"""What people do to pages: switch the language in the middle, come back after lunch, press Back, do without scripts."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from crm.demo.path import GOOD
from tests.fixtures.processes import House
from tests.fixtures.support import identities
from tests.journeys import town as places
from tests.journeys.conftest import Visitors
from tests.journeys.test_credit_day import fill_loan
from tests.journeys.town import Town


def test_the_language_changes_and_the_page_stays(visit: Visitors) -> None:
    page = visit("polyglot", fresh=True)
    page.goto("/customers/?channel=branch&sort=-income")
    page.get_by_role("button", name="中文").click()
    page.locator("html[lang=zh-Hans]").wait_for()
    assert page.url.endswith("/customers/?channel=branch&sort=-income")
    assert page.locator("#id_channel").input_value() == "branch"
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.get_by_role("button", name="English").click()
    page.locator("html[lang=en]").wait_for()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_theme_is_chosen_and_kept(visit: Visitors, scripts: bool) -> None:
    page = visit("officer", java_script_enabled=scripts)
    page.goto("/customers/?channel=branch")
    for theme in ("dark", "light"):
        page.locator("details:has([value=dark]) summary").click()
        page.locator(f"button[value={theme}]").click()
        page.locator(f"html[data-bs-theme={theme}]").wait_for()
        page.goto("/customers/?channel=branch")
        assert page.get_attribute("html", "data-bs-theme") == theme


def sign_in_again(page: Any, name: str) -> None:
    page.get_by_text("The session had ended, so nothing was saved.").wait_for()
    enter(page, name)


def enter(page: Any, name: str) -> None:
    page.fill("input[name=login]", f"town-{name}")
    page.fill("input[name=password]", places.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login" not in url)


def test_a_form_sent_after_the_session_ended_says_so_and_leads_back(visit: Visitors, town: Town) -> None:
    page = visit("officer", fresh=True)
    address = f"/customers/{town.customers['one_of_many_1']}/edit/"
    page.goto(address)
    page.fill("#id_income", "17,000")
    page.context.clear_cookies(name="crm_session")
    page.click("main form.card button[type=submit]")
    sign_in_again(page, "officer")
    assert page.url.endswith(address)
    page.fill("#id_income", "17,000")
    page.click("main form.card button[type=submit]")
    page.get_by_text("The file is changed.").wait_for()


def sign_in_beside(page: Any, name: str) -> None:
    """Sign in in the tab that the page offers, close it and come back."""
    page.get_by_role("heading", name="Your session has ended").wait_for()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    beside = opened.value
    enter(beside, name)
    beside.get_by_role("heading", name="Signed in again").wait_for()
    beside.close()
    page.bring_to_front()
    page.evaluate("() => dispatchEvent(new Event('focus'))")  # a headless tab is never without the focus
    page.get_by_text("What you typed is still here: send it now.").first.wait_for()


def test_what_was_typed_outlives_the_session(visit: Visitors, town: Town) -> None:
    page = visit("officer", fresh=True)
    page.clock.install()
    page.goto(f"/customers/{town.customers['one_of_many_1']}/edit/")
    page.fill("#id_income", "18,000")
    page.context.clear_cookies(name="crm_session")
    page.clock.fast_forward("10:00")  # past the minute in which a page trusts its session
    page.click("main form.card button[type=submit]")
    page.clock.resume()
    sign_in_beside(page, "officer")
    assert page.input_value("#id_income") == "18,000"
    page.click("main form.card button[type=submit]")
    page.get_by_text("The file is changed.").wait_for()


def test_a_page_does_not_go_on_as_somebody_else(visit: Visitors, town: Town) -> None:
    page = visit("officer", fresh=True)
    page.clock.install()
    page.goto(f"/customers/{town.customers['one_of_many_1']}/edit/")
    page.fill("#id_income", "18,001")
    page.context.clear_cookies(name="crm_session")
    page.context.add_cookies([one for one in visit("collector", fresh=True).context.cookies() if one["name"] == "crm_session"])
    page.clock.fast_forward("10:00")
    page.click("main form.card button[type=submit]")
    page.clock.resume()
    page.locator("input[name=income]").wait_for(state="detached")


def test_a_decision_sent_after_the_session_ended_offers_the_sign_in(visit: Visitors, town: Town) -> None:
    page = visit("reviewer", fresh=True)
    page.goto(f"/applications/{town.applications['expiring']}/")
    page.context.clear_cookies(name="crm_session")
    approve = page.get_by_role("button", name="Approve application")
    approve.click()
    sign_in_beside(page, "reviewer")
    expect(approve).to_be_visible()
    expect(page.locator("#session[open]")).to_have_count(0)


def test_back_after_a_filter_shows_whole_pages(visit: Visitors) -> None:
    page = visit("officer")
    page.goto("/applications/")
    everything = page.locator("#list tbody tr").count()
    page.select_option("form[data-filter] select[name=status]", "draft")
    page.wait_for_url(re.compile("status=draft"))
    page.wait_for_function("before => document.querySelectorAll('#list tbody tr').length < before", arg=everything)
    drafts = page.locator("#list tbody tr").count()
    page.locator("#list tbody tr a").first.click()
    page.wait_for_url(re.compile(r"/applications/A-[0-9A-Z]+/"))
    page.go_back()
    page.wait_for_url(re.compile("status=draft"))
    expect(page.locator("nav, .sidebar").first).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("#list tbody tr")).to_have_count(drafts)
    assert page.input_value("form[data-filter] select[name=status]") == "draft"
    page.go_back()
    page.wait_for_url(re.compile("/applications/$"))
    page.wait_for_function("n => document.querySelectorAll('#list tbody tr').length === n", arg=everything)
    expect(page.locator("h1")).to_have_count(1)


def test_the_slower_of_two_editors_sees_both_values_and_may_keep_theirs(visit: Visitors, town: Town) -> None:
    address = f"/customers/{town.customers['one_of_many_5']}/edit/"
    slow, fast = visit("officer"), visit("colleague")
    for page in (slow, fast):
        page.goto(address)
    fast.fill("#id_income", "9,000")
    fast.click("main form.card button[type=submit]")
    fast.get_by_text("The file is changed.").wait_for()
    slow.fill("#id_income", "11,000")
    slow.click("main form.card button[type=submit]")
    differs = slow.locator(".c-diff")
    differs.wait_for()
    assert re.search(r"9,?000.*11,?000", differs.inner_text(), re.DOTALL)
    assert slow.input_value("#id_income").replace(",", "").startswith("11000")
    slow.click("main form.card button[type=submit]")
    slow.get_by_text("The file is changed.").wait_for()


def test_a_panel_that_fails_says_so_and_the_page_lives(visit: Visitors, town: Town) -> None:
    page = visit("officer")
    page.route("**/panels/applications/", lambda route: route.fulfill(status=500, content_type="text/html", body="<html>down</html>"))
    page.goto(f"/customers/{town.customers['one_of_many_6']}/")
    page.locator("[hx-get$='/panels/applications/']").scroll_into_view_if_needed()
    page.get_by_text("This part could not be loaded.").wait_for()
    page.fill("#notes textarea", "the rest still works")
    page.keyboard.press("Control+Enter")
    page.locator("#notes .note-text").first.wait_for()
    assert len(visit.complaints) == 1 and "/panels/applications/" in visit.complaints.pop()


def test_an_input_method_that_composes_does_not_search_or_jump(visit: Visitors) -> None:
    """Keys that an input method takes arrive with `isComposing`; none of them may be a short cut or send a query."""
    page = visit("officer")
    page.goto("/customers/", wait_until="networkidle")
    asked: list[str] = []
    # the icon of the tab is fetched when the browser has time
    page.on("request", lambda request: "/static/" in request.url or asked.append(request.url))
    page.evaluate("""() => { for (const key of ['n', 'g', 'c', '/']) document.dispatchEvent(
        new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true})); }""")
    page.wait_for_timeout(400)
    assert asked == [] and page.url.endswith("/customers/")


class TestWithoutScripts:
    """Lists page, forms post, and a double click still books nothing twice."""

    def test_a_list_pages_forth_and_back(self, visit: Visitors) -> None:
        page = visit("officer", java_script_enabled=False)
        page.goto("/customers/")
        first = page.locator("#list tbody tr th").all_inner_texts()
        assert len(first) == 50
        with page.expect_navigation():
            page.get_by_role("link", name="Next").click()
        second = page.locator("#list tbody tr th").all_inner_texts()
        assert second and not set(first) & set(second)
        with page.expect_navigation():
            page.get_by_role("link", name="Previous").click()
        assert page.locator("#list tbody tr th").all_inner_texts() == first

    def test_a_double_click_enters_one_application(self, visit: Visitors, town: Town, live_house: House) -> None:
        page = visit("officer", java_script_enabled=False)
        customer = town.customers["one_of_many_2"]
        page.goto(f"/applications/new/?customer={customer}")
        page.fill("#id_amount", "6,000")
        page.fill("#id_term", "6")
        page.select_option("#id_purpose", "radio_television")
        page.select_option("#id_housing", GOOD["housing"])
        page.dblclick("button[name=do][value=draft]")
        page.wait_for_url(re.compile(r"/applications/A-[0-9A-Z]+/$"))
        made = "SELECT a.status FROM credit_application a JOIN customers_customer c ON c.id = a.customer_id WHERE c.public_id = %s"
        assert live_house.rows(made, customer) == [{"status": "draft"}]

    def test_an_application_is_submitted_and_looked_at_again(self, visit: Visitors, town: Town) -> None:
        page = visit("officer", java_script_enabled=False)
        page.goto(f"/applications/new/?customer={town.customers['one_of_many_3']}")
        fill_loan(page)
        page.click("button[name=do][value=submit]")
        page.wait_for_url(re.compile(r"/applications/A-[0-9A-Z]+/$"))
        for _look in range(60):
            again = page.get_by_role("link", name="Look again")
            if not again.count():
                break
            page.wait_for_timeout(500)
            with page.expect_navigation():
                again.click()
        expect(page.get_by_role("link", name="Open the offer")).to_be_visible()

    def test_the_cost_table_is_confirmed_and_accepted(self, visit: Visitors, town: Town) -> None:
        page = visit("officer", java_script_enabled=False)
        page.goto(f"/offers/{town.offers['offered']}/")
        page.wait_for_timeout(5_500)  # the reading time, kept by the server
        page.check("#id_read")
        page.locator("#confirm-form button:enabled").first.click()
        page.get_by_role("button", name="Accept and pay out").click()
        page.wait_for_url(re.compile(r"/loans/L-[0-9A-Z]+/$"))

    def test_a_wrong_answer_keeps_what_was_typed(self, visit: Visitors) -> None:
        page = visit("officer", java_script_enabled=False)
        page.goto("/customers/new/")
        page.fill("#id_name", "无脚本")
        page.fill("#id_id_number", identities.id_number(610_002))
        page.fill("#id_mobile", "12345")
        page.click("main form.card button[type=submit]")
        expect(page.locator("#id_mobile_error")).to_have_count(1)
        assert page.input_value("#id_name") == "无脚本"

    def test_a_collector_logs_a_contact(self, visit: Visitors, town: Town) -> None:
        page = visit("second_collector", java_script_enabled=False)
        case = f"/collections/cases/{town.cases['paid_later']}/"
        page.goto(case)
        page.get_by_role("button", name="Take this case").click()
        page.check("input[name=outcome][value=callback] >> nth=0")
        page.fill("input[name=next_action_on]", town.today.isoformat())
        page.get_by_role("button", name="Save contact").click()
        page.get_by_text("The contact is saved.").wait_for()
        page.goto(case)
        page.get_by_role("button", name="Give it back").or_(page.get_by_role("button", name="Take this case")).first.wait_for()
