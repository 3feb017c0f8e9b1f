"""Through another person's eyes: it narrows, changes nothing, is logged, and ends."""

from typing import Any

import pytest
from django.test import Client

from customers.models import Customer
from governance.models import LegalEntity, Role, Team, User
from ledger.models import Entry
from tests.fixtures.cast import Cast


def begin(browser: Client, other: User) -> Any:
    return browser.post(f"/admin/users/{other.public_id}/preview/")


def test_a_permission_and_a_row_need_both(cast: Cast, make_customer: Any, page_of: Any) -> None:
    east, west = make_customer(), make_customer(branch=cast.west, actor=cast.outsider)
    browser = page_of(cast.compliance)  # sees all rows, may not change customers
    assert browser.get(f"/customers/{east.public_id}/").status_code == 200
    assert begin(browser, cast.outsider).status_code == 303
    page = browser.get(f"/customers/{west.public_id}/")
    assert page.status_code == 200 and "You look through the eyes of" in page.text and "Outsider" in page.text
    assert browser.get(f"/customers/{east.public_id}/").status_code == 404, "the officer of the west does not see it"
    assert east.public_id not in browser.get("/customers/").text and west.public_id in browser.get("/customers/").text
    assert browser.get("/ledger/").status_code == 403 and browser.get("/admin/roles/").status_code == 403, "theirs, not mine alone"
    assert browser.get(f"/customers/{west.public_id}/edit/").status_code == 403, "mine, not theirs alone"
    browser.post("/preview/end/")
    assert browser.get(f"/customers/{east.public_id}/").status_code == 200


def test_nothing_can_be_changed_meanwhile(cast: Cast, make_customer: Any, page_of: Any) -> None:
    customer = make_customer()
    browser = page_of(cast.compliance)
    begin(browser, cast.loan_officer)
    before = Entry.objects.count()
    for method in ("post", "put", "patch", "delete"):
        for url in (
            f"/customers/{customer.public_id}/consents/marketing/",
            "/admin/changes/X-1/answer/",
            "/api/v1/customers/",
            "/notices/read/",
        ):
            assert getattr(browser, method)(url).status_code in (403, 404), (method, url)
    assert Entry.objects.count() == before
    events = list(Entry.objects.filter(event__startswith="governance.preview").values_list("event", "actor_id", "subject_id"))
    assert events == [("governance.preview.began", cast.compliance.pk, cast.loan_officer.pk)]
    assert browser.post("/preview/end/").status_code == 303
    assert Entry.objects.filter(event="governance.preview.ended").exists()


def test_it_is_offered_to_few_and_of_nobody_without_rights(cast: Cast, page_of: Any) -> None:
    assert begin(page_of(cast.loan_officer), cast.outsider).status_code == 403
    browser = page_of(cast.admin)
    for other in (cast.admin, cast.nobody, cast.system):
        assert begin(browser, other).status_code in (409, 422)
    begin(browser, cast.outsider)
    User.objects.filter(pk=cast.outsider.pk).update(is_active=False)
    assert "You look through" not in browser.get("/").text


def as_role(browser: Client, code: str, team: Team) -> Any:
    return browser.post(f"/admin/roles/{code}/preview/", {"team": team.pk})


def test_a_bare_role_sees_what_the_branch_has_and_owns_nothing(cast: Cast, make_customer: Any, page_of: Any) -> None:
    east, west = make_customer(), make_customer(branch=cast.west, actor=cast.outsider)
    browser = page_of(cast.compliance)
    assert "View as this role" in browser.get("/admin/roles/loan_officer/").text
    assert as_role(browser, "loan_officer", cast.west).status_code == 303
    page = browser.get("/customers/").text
    assert "You look as anybody with the role" in page and west.public_id in page and east.public_id not in page
    assert browser.get(f"/customers/{west.public_id}/").status_code == 200
    assert browser.get(f"/customers/{east.public_id}/").status_code == 404
    assert browser.get("/ledger/").status_code == 403, "mine, not the role's"
    assert browser.post(f"/customers/{west.public_id}/notes/", {"text": "x"}).status_code in (403, 404)
    began = Entry.objects.get(event="governance.preview.began")
    role = Role.objects.get(code="loan_officer")
    assert (began.subject_type, began.subject_id, began.facts["team"]) == ("governance.role", role.pk, cast.west.public_id)
    Role.objects.filter(pk=role.pk).update(scope="own")
    page = browser.get("/customers/").text
    assert west.public_id not in page and "own rows only" in page, "and nothing of the pool either"
    assert browser.post("/preview/end/").status_code == 303
    assert Entry.objects.filter(event="governance.preview.ended", subject_id=role.pk).exists()
    assert browser.get(f"/customers/{east.public_id}/").status_code == 200


def test_a_role_is_looked_at_in_a_branch_of_ones_own_lender(cast: Cast, page_of: Any) -> None:
    other = LegalEntity.objects.create(code="Z", name_en="Z", name_zh="乙", business_date=cast.east.legal_entity.business_date)
    theirs = Team.objects.create(legal_entity=other, kind=Team.Kind.HEAD, code="Z", name_en="Z", name_zh="乙")
    browser = page_of(cast.compliance)
    empty = Role.objects.create(code="empty", name_en="E", name_zh="空", scope="own")
    assert as_role(browser, "loan_officer", theirs).status_code == 422
    assert as_role(browser, empty.code, cast.east).status_code == 422
    assert as_role(browser, "loan_officer", Team(pk=10**9)).status_code == 422
    assert as_role(page_of(cast.loan_officer), "loan_officer", cast.east).status_code == 403
    assert not Entry.objects.filter(event__startswith="governance.preview").exists()


@pytest.mark.parametrize("own", ["admin", "auditor", "compliance"])
@pytest.mark.parametrize("other", ["loan_officer", "underwriter", "risk_manager", "collector", "outsider"])
def test_it_never_widens(cast: Cast, make_customer: Any, own: str, other: str) -> None:
    for branch, actor in ((cast.east, cast.loan_officer), (cast.west, cast.outsider)):
        make_customer(branch=branch, actor=actor)
    plain = User.objects.select_related("role", "team").get(username=own)
    there = User.objects.select_related("role", "team").get(username=other)
    looking = User.objects.select_related("role", "team").get(username=own)
    looking.previews = there
    assert looking.permission_codes == plain.permission_codes & there.permission_codes
    seen = set(Customer.objects.visible_to(looking))
    assert seen == set(Customer.objects.visible_to(plain)) & set(Customer.objects.visible_to(there))
