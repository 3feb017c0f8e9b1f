"""The days of an administrator and an auditor; and what each may not do, over the wire."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitors
from tests.journeys.town import Town


@pytest.fixture
def admin(visit: Visitors) -> Any:
    return visit("admin")


def test_an_administrator_adds_somebody_and_a_second_person_gives_the_role(admin: Any, visit: Visitors) -> None:
    admin.goto("/admin/users/new/")
    admin.fill("#id_username", "town-newcomer")
    admin.fill("#id_name", "新人 New Comer")
    admin.fill("#id_password", "password12")
    admin.fill("#id_reason", "Joins on Monday.")
    admin.select_option("#id_role", label="Loan officer")
    admin.select_option("#id_team", label=re.search(r"[^\n]*East branch", admin.inner_text("#id_team"))[0].strip())  # type: ignore[index]
    admin.click("main button[type=submit]")
    admin.locator("#id_password_error").wait_for()
    assert admin.input_value("#id_username") == "town-newcomer"
    assert admin.locator("#id_role option:checked").inner_text() == "Loan officer"
    assert admin.input_value("#id_password") == "", "a password never comes back in a page"
    admin.fill("#id_password", "a-longer-first-word-8")
    admin.click("main button[type=submit]")
    admin.wait_for_url(re.compile(r"/admin/users/U-[0-9A-Z]+/$"))
    admin.get_by_text("The account is created.").wait_for()
    admin.get_by_text("The rights are proposed").wait_for()
    checker = visit("compliance")
    checker.goto("/admin/changes/")
    checker.get_by_role("row", name="新人 New Comer").get_by_role("link").click()
    checker.get_by_role("button", name="Confirm change").click()
    checker.get_by_text("the change is in force").wait_for()
    admin.reload()
    assert "Loan officer" in admin.locator(".facts").first.inner_text()


def test_nobody_changes_their_own_rights(admin: Any, town: Town) -> None:
    own = f"/admin/users/{town.users['admin']}/"
    admin.goto(own)
    expect(admin.get_by_role("button", name="Suspend")).to_have_count(0)
    admin.goto(f"{own}edit/")
    admin.select_option("#id_role", label="Risk manager")
    admin.click("main button[type=submit]")
    admin.get_by_text("Nobody changes their own role, team or authority").first.wait_for()
    admin.goto(own)
    assert "Administrator" in admin.locator(".facts").first.inner_text()


def test_the_slower_of_two_administrators_sees_both_values(visit: Visitors, town: Town) -> None:
    address = f"/admin/users/{town.users['polyglot']}/edit/"
    slow, fast = visit("admin"), visit("admin")
    for page in (slow, fast):
        page.goto(address)
    fast.fill("#id_name", "Faster")
    fast.click("main button[type=submit]")
    fast.get_by_text("The account is changed.").wait_for()
    slow.fill("#id_name", "Slower")
    slow.click("main button[type=submit]")
    differs = slow.locator(".c-diff")
    differs.wait_for()
    assert "Faster" in differs.inner_text() and "Slower" in differs.inner_text()
    assert slow.input_value("#id_name") == "Slower"


def test_an_auditor_sees_and_writes_nothing(visit: Visitors, town: Town) -> None:
    page = visit("auditor")
    seen = {
        "/customers/": town.customers["late"],
        f"/customers/{town.customers['late']}/": town.customers["late"],
        f"/applications/{town.applications['read_only']}/": town.applications["read_only"],
        f"/offers/{town.offers['offered']}/": town.offers["offered"],
        f"/loans/{town.loans['late']}/": town.loans["late"],
        f"/collections/cases/{town.cases['late']}/": town.cases["late"],
        f"/admin/users/{town.users['officer']}/": "town-officer",
    }
    for path, words in seen.items():
        answer = page.goto(path)
        assert answer.status == 200, path
        if path != "/customers/":
            assert words in page.inner_text("main"), path
        forms = page.locator("main form[method=post]").evaluate_all("forms => forms.map(form => new URL(form.action).pathname)")
        assert [form for form in forms if form != "/customers/find/" and not form.endswith(("/replay/", "/preview/"))] == [], path
    answer = page.goto("/customers/new/")
    assert answer.status == 403
    assert "It needs the permission “" in page.inner_text("main")
    expect(page.locator("[data-code=no_permission]")).to_have_count(1)


def test_what_is_another_branchs_looks_like_what_is_not_there(visit: Visitors, town: Town) -> None:
    page = visit("westerner")
    unknown = page.request.get("/customers/C-7K2M9QXA2/")
    assert unknown.status == 404

    def said(answer: Any) -> str:
        """What the page says; the frame around it marks the menu by the address that was typed."""
        main = re.search(r"<main.*</main>", answer.text(), re.DOTALL)
        assert main
        return re.sub(r'(class="mono">|Report number )[0-9a-f]{8}', "", main[0])

    for address in (
        f"/customers/{town.customers['late']}/",
        f"/customers/{town.customers['late']}/edit/",
        f"/customers/{town.customers['late']}/reveal/mobile/",
        f"/customers/{town.customers['late']}/timeline/?before=99999",
        f"/applications/{town.applications['read_only']}/",
        f"/applications/{town.applications['draft']}/edit/",
        f"/offers/{town.offers['offered']}/",
        f"/loans/{town.loans['late']}/",
        f"/loans/{town.loans['late']}/repay/",
    ):
        answer = page.request.get(address)
        assert answer.status == 404, address
        assert said(answer) == said(unknown), address
    page.goto(f"/customers/{town.customers['late']}/")
    expect(page.get_by_text("There is no such page or record, or it is not yours to see.")).to_be_visible()
    page.goto("/customers/")
    expect(page.locator("#list tbody tr")).to_have_count(1)
