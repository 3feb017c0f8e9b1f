"""What is done in dialogs: many cases given away, papers asked for and brought, a view saved, a card moved, other terms, a link."""

import re
from collections.abc import Callable
from datetime import date

from playwright.sync_api import expect

from crm import processes
from crm.lib.ports.http import call
from tests.fixtures.processes import House
from tests.journeys.conftest import Visitors
from tests.journeys.town import Town

PAPER = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def text_to(house: House, customer: str, holding: str) -> str:
    """Return the newest text the sandbox took for a customer that holds some words."""
    keys = [row["public_id"] for row in house.rows(
        "SELECT m.public_id FROM customers_message m JOIN customers_customer c ON c.id = m.customer_id WHERE c.public_id = %s ORDER BY m.id DESC",
        customer,
    )]  # fmt: skip

    def come() -> list[str]:
        rows = [
            row
            for key in keys
            for row in call("GET", f"{house.environment['CRM_SANDBOX_URL']}/sms?key={key}", port="sandbox").body["messages"]
        ]
        return [row["text"] for row in rows if holding in row["text"]]

    assert processes.wait(lambda: bool(come()), 20), "no text came"
    return str(come()[0])


def test_a_supervisor_gives_many_cases_away(visit: Visitors, town: Town, live_house: House) -> None:
    page = visit("supervisor")
    page.goto("/collections/cases/")
    free = "SELECT public_id FROM collections_case WHERE status IN ('open', 'worked') AND assigned_to_id IS NULL AND claimed_by_id IS NULL"
    given = [row["public_id"] for row in live_house.rows(f"{free} ORDER BY id DESC LIMIT 2")]  # another journey may have ended some
    for number in given:
        page.check(f"input[name=row][value='{number}']")
    page.get_by_text("2 rows chosen").wait_for()
    page.locator("#bulk").get_by_role("button", name="Assign cases").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("2 rows will be changed.").wait_for()
    for name in ("Collector", "Second Collector"):
        dialog.get_by_label(name, exact=True).check()
    dialog.get_by_role("button", name="Assign cases").click()
    page.wait_for_url(re.compile(r"/lists/jobs/J-[0-9A-Z]+/$"))
    page.get_by_text("Done", exact=True).first.wait_for()
    whose = "SELECT count(*) AS n FROM collections_case WHERE public_id = ANY(%s) AND assigned_to_id IS NOT NULL"
    assert live_house.rows(whose, given) == [{"n": 2}]
    page.goto("/collections/cases/")
    for number in given:  # open to everybody again: other journeys work them
        page.check(f"input[name=row][value='{number}']")
    page.locator("#bulk").get_by_role("button", name="Assign cases").click()
    dialog.get_by_role("button", name="Assign cases").click()
    page.wait_for_url(re.compile(r"/lists/jobs/J-[0-9A-Z]+/$"))
    page.get_by_text("Done", exact=True).first.wait_for()
    assert live_house.rows(whose, given) == [{"n": 0}]


def test_papers_are_asked_for_brought_and_the_file_is_back(visit: Visitors, town: Town, status_of: Callable[[str], str]) -> None:
    wanted = town.applications["to_ask"]
    underwriter = visit("reviewer")
    underwriter.goto(f"/applications/{wanted}/")
    underwriter.keyboard.press("q")
    form = underwriter.locator(f"form[action='/applications/{wanted}/ask/']")
    form.locator("input[value=bank_statement]").check()
    form.get_by_role("button", name="Ask the applicant").click()
    underwriter.get_by_text("The applicant has until").first.wait_for()
    assert status_of(wanted) == "waiting"

    officer = visit("officer")
    officer.goto("/")
    expect(officer.locator(f"main a[href='/applications/{wanted}/']").first).to_be_attached()
    officer.goto(f"/applications/{wanted}/")
    officer.locator("#papers a[href$='/papers/bank_statement/']").click()
    dialog = officer.locator("dialog[open]")
    dialog.locator("input[type=file]").set_input_files({"name": "nothing.pdf", "mimeType": "application/pdf", "buffer": b"not a paper"})
    dialog.locator("form button[type=submit]").first.click()
    dialog.locator(".error, .form-errors").first.wait_for()
    assert status_of(wanted) == "waiting"
    dialog.locator("input[type=file]").set_input_files({"name": "statement.pdf", "mimeType": "application/pdf", "buffer": PAPER})
    dialog.locator("form button[type=submit]").first.click()
    officer.locator("dialog[open]").wait_for(state="hidden")
    assert processes.wait(lambda: status_of(wanted) == "referred", 10)

    underwriter.goto(f"/customers/{town.customers['to_ask']}/")
    underwriter.locator("#panel-documents").scroll_into_view_if_needed()
    underwriter.locator("#panel-documents [hx-get*='/check/']").click()
    dialog = underwriter.locator("dialog[open]")
    dialog.get_by_label("is what it should be").check()
    dialog.locator("form button[type=submit]").first.click()
    underwriter.locator("dialog[open]").wait_for(state="hidden")
    underwriter.locator("#panel-documents").scroll_into_view_if_needed()
    underwriter.locator("#panel-documents").get_by_text("Checked, good").wait_for()


def test_a_view_is_saved_pinned_and_taken_away(visit: Visitors) -> None:
    page = visit("officer")
    page.goto("/applications/?status=declined")
    page.get_by_role("link", name="Save as a view").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name of the view").fill("Declined ones")
    assert dialog.get_by_label("As a tab above the list").is_checked()
    dialog.get_by_role("button", name="Save the view").click()
    tab = page.locator("#tabs").get_by_role("link", name="Declined ones")
    tab.wait_for()
    assert tab.get_attribute("aria-current") == "page"
    page.goto("/applications/")
    tab.click()
    page.wait_for_url(re.compile("view=V-"))
    assert page.input_value("form[data-filter] select[name=status]") == "declined"
    page.get_by_role("link", name="Change the view").click()
    page.locator("dialog[open]").get_by_role("button", name="Delete the view").click()
    page.get_by_text("The view is deleted.").wait_for()
    expect(tab).to_have_count(0)


def test_a_card_of_the_board_by_keyboard(visit: Visitors, town: Town, status_of: Callable[[str], str]) -> None:
    page, wanted = visit("officer"), town.applications["to_withdraw"]
    page.goto("/applications/board/")
    cards = page.locator("#stage-draft [data-card]")
    cards.first.focus()
    for _card in range(cards.count()):
        if page.evaluate("document.activeElement.textContent") == wanted:
            break
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == wanted
    page.keyboard.press(".")
    steps = page.locator(f".board-card:has([href='/applications/{wanted}/']) .menu-body")
    steps.get_by_role("button", name="Withdraw").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("button", name="Withdraw application").click()
    page.wait_for_url(re.compile(r"/applications/"))
    page.get_by_text("Withdrawn").first.wait_for()
    assert status_of(wanted) == "withdrawn"
    page.goto("/applications/board/")
    expect(page.locator(f"[data-card][href='/applications/{wanted}/']")).to_have_count(0)


def test_other_terms_are_offered_and_agreed_to(visit: Visitors, town: Town, status_of: Callable[[str], str]) -> None:
    wanted = town.applications["to_counter"]
    underwriter = visit("reviewer")
    underwriter.goto(f"/applications/{wanted}/")
    underwriter.keyboard.press("o")
    form = underwriter.locator(f"form[action='/applications/{wanted}/counter/']")
    form.locator("input[name=counter-amount]").fill("3,000")
    form.locator("input[name=counter-term]").fill("12")
    form.locator("button[type=submit]").first.click()
    underwriter.get_by_text("Offered instead").first.wait_for()
    assert status_of(wanted) == "countered"

    officer = visit("officer")
    officer.goto(f"/applications/{wanted}/")
    assert "3,000.00 over 12 months" in officer.inner_text("#decide")
    way = officer.locator("#decide [name=answer-way]")
    if way.first.evaluate("element => element.tagName") == "SELECT":
        way.select_option(index=1)
    else:
        way.first.check()
    officer.get_by_role("button", name="The applicant agrees").click()
    officer.get_by_role("link", name="Open the offer").or_(officer.get_by_text("The offer is being made.")).first.wait_for(timeout=30_000)
    assert status_of(wanted) in ("approved", "offered")


def test_an_offer_is_accepted_on_the_customers_telephone(visit: Visitors, town: Town, live_house: House) -> None:
    customer, offer = town.customers["accepted_by_link"], town.offers["accepted_by_link"]
    officer = visit("officer")
    officer.goto(f"/offers/{offer}/")
    officer.get_by_role("button", name="Send a link").click()
    officer.get_by_text(re.compile("link (is|was) (sent|on its way)|Send another link", re.IGNORECASE)).first.wait_for()
    address = re.search(r"/o/[\w-]+/", text_to(live_house, customer, "/o/"))
    assert address

    phone = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.goto(address[0])
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    expect(phone.get_by_role("heading", name="What this loan costs")).to_be_visible()
    expect(phone.locator("input[name=code]")).to_have_count(0)
    read = phone.get_by_role("button", name="I have read it")
    read.and_(phone.locator(":enabled")).wait_for()
    phone.check("#id_read")
    read.click()
    phone.get_by_role("button", name="Send me the code").click()
    phone.locator("input[name=code]").wait_for()
    code = re.search(r"(?<!\d)\d{6}(?!\d)", text_to(live_house, customer, "验证码"))
    assert code
    phone.fill("input[name=code]", "000000" if code[0] != "000000" else "000001")
    phone.get_by_role("button", name=re.compile("^Accept")).click()
    phone.locator(".error, .form-errors, [role=alert]").first.wait_for()
    phone.fill("input[name=code]", code[0])
    phone.get_by_role("button", name=re.compile("^Accept")).click()
    phone.get_by_text("You accepted this offer.").wait_for()
    loans = live_house.rows(
        "SELECT l.status, l.starts_on FROM credit_loan l JOIN customers_customer c ON c.id = l.customer_id WHERE c.public_id = %s", customer
    )
    assert [row["status"] for row in loans] == ["open"] and isinstance(loans[0]["starts_on"], date)
    phone.goto(address[0])
    expect(phone.get_by_text("You accepted this offer.")).to_be_visible()
    expect(phone.get_by_role("button", name=re.compile("^Accept"))).to_have_count(0)
