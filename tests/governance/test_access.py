"""What of a row a role reaches: levels of fields, ceilings, products, own cases, hours, the branch tree; and who asks for what is not theirs."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import FieldDoesNotExist
from django.test import Client
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from customers import guarded, profiles, reveals
from customers.models import Customer
from governance import access, probes, rules
from governance.access import FIELDS, HIDDEN, FieldClosed, level, may, reading
from governance.models import Notice, Role, Team, User
from governance.models.identity import Level, Scope
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY, Cast

MOBILE = guarded.of("mobile")


def narrow(user: User, **changes: Any) -> User:
    """Narrow the role of `user` and return them as the next request finds them."""
    Role.objects.filter(pk=user.role_id).update(**changes)
    return User.objects.select_related("role", "team", "team__legal_entity").get(pk=user.pk)


# --- levels ------------------------------------------------------------------------------------------------------
# level of the role, and what it still allows to somebody with every permission: seen, opened, changed
@pytest.mark.parametrize(
    ("most", "seen", "opened", "changed"),
    [("none", False, False, False), ("masked", True, False, False), ("reveal", True, True, False), ("edit", True, True, True)],
)
def test_a_level_narrows_what_permissions_open(
    cast: Cast, make_customer: Callable[..., Customer], most: str, seen: bool, opened: bool, changed: bool
) -> None:
    officer = narrow(cast.loan_officer, field_levels={MOBILE: most})
    customer = make_customer()
    with reading(lambda: officer):
        assert customer.masked_mobile == (f"{customer.mobile[:3]}****{customer.mobile[-4:]}" if seen else HIDDEN)
    assert (may(officer, MOBILE, Level.REVEAL), may(officer, MOBILE, Level.EDIT)) == (opened, changed)
    for allowed, door in (
        (opened, lambda: reveals.reveal(customer, field="mobile", purpose="service", reason="calls back", actor=officer, at=NOON)),
        (changed, lambda: profiles.update(customer, actor=officer, at=NOON, version=1, mobile="13900001234")),
    ):
        if allowed:
            door()
        else:
            with pytest.raises(FieldClosed, match="Mobile"):
                door()
    customer.refresh_from_db()
    assert (customer.mobile == "13900001234") is changed


def test_a_level_opens_nothing_that_permissions_do_not(cast: Cast) -> None:
    auditor = narrow(cast.auditor, field_levels={MOBILE: "edit"})
    assert level(auditor, MOBILE) == Level.EDIT
    assert not may(auditor, MOBILE, Level.REVEAL)
    assert not may(auditor, MOBILE, Level.EDIT)


@given(st.integers(1, 5))
def test_a_ceiling_hides_the_fields_above_it(ceiling: int) -> None:
    role = Role(scope=Scope.ALL, level_ceiling=ceiling, permissions=[])
    user = User(pk=1, role=role)
    for code in FIELDS:
        assert (level(user, code) == Level.NONE) is (access.sensitivity(code) > ceiling)


def test_without_a_role_nothing_is_shown_and_the_house_itself_sees_masks(cast: Cast, make_customer: Callable[..., Customer]) -> None:
    customer = make_customer()
    with reading(lambda: cast.nobody):
        assert customer.masked_name == HIDDEN
    assert customer.masked_name == "王*"


def test_a_hidden_value_looks_the_same_whether_there_is_one_or_not(cast: Cast, make_customer: Callable[..., Customer]) -> None:
    officer = narrow(cast.loan_officer, field_levels={guarded.of("bank_card"): "none"})
    with reading(lambda: officer):
        assert make_customer().masked_bank_card == make_customer(bank_card=None).masked_bank_card == HIDDEN


PATHS: list[tuple[str, str]] = [
    ("page", "/customers/{id}/"), ("list", "/customers/"), ("API row", "/api/v1/customers/{id}/"), ("API list", "/api/v1/customers/"),
    ("change", "/customers/{id}/edit/"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "address"), PATHS, ids=[name for name, _address in PATHS])
def test_a_list_and_a_single_read_cannot_disagree(
    cast: Cast, make_customer: Callable[..., Customer], page_of: Callable[[Any], Client], path: str, address: str
) -> None:
    customer = make_customer()
    mask = f"{customer.mobile[:3]}****{customer.mobile[-4:]}"
    before = page_of(cast.loan_officer).get(address.format(id=customer.public_id))
    assert mask in before.content.decode(), "shown as a mask while nothing narrows it"
    narrow(cast.loan_officer, field_levels={MOBILE: "none"})
    after = page_of(cast.loan_officer).get(address.format(id=customer.public_id))
    assert after.status_code == 200
    assert mask not in after.content.decode()
    assert (HIDDEN in after.content.decode()) or path == "change"


def test_what_the_search_shows_is_narrowed_too(
    cast: Cast, make_customer: Callable[..., Customer], page_of: Callable[[Any], Client]
) -> None:
    customer = make_customer()
    narrow(cast.loan_officer, field_levels={MOBILE: "none", guarded.NAME: "none"})
    hits = page_of(cast.loan_officer).post("/search/", {"text": customer.public_id}).text
    assert customer.public_id in hits
    assert hits.count(HIDDEN) == 2


def test_to_whom_a_number_is_closed_a_search_does_not_tell_whose_it_is(
    cast: Cast, make_customer: Callable[..., Customer], page_of: Callable[[Any], Client]
) -> None:
    customer = make_customer()
    find = {"text": customer.mobile}
    assert page_of(cast.loan_officer).post("/customers/find/", find).status_code in (302, 303)
    narrow(cast.loan_officer, field_levels={MOBILE: "none"})
    answer = page_of(cast.loan_officer).post("/customers/find/", find)
    assert (answer.status_code, customer.public_id in answer.text) == (200, False)
    found = page_of(cast.loan_officer).post("/api/v1/customers/search/", {"text": customer.mobile}, content_type="application/json")
    assert found.json() == []


def test_a_form_does_not_offer_what_may_not_be_changed_and_a_forged_one_is_refused(
    cast: Cast, make_customer: Callable[..., Customer], page_of: Callable[[Any], Client]
) -> None:
    customer = make_customer()
    narrow(cast.loan_officer, field_levels={MOBILE: "masked"})
    client = page_of(cast.loan_officer)
    page = client.get(f"/customers/{customer.public_id}/edit/").text
    assert 'name="name"' in page
    assert 'name="mobile"' not in page
    sent = {"version": 1, "mobile": "13900001234", "monthly_debt": "500.00", "income": "12000.00"}
    client.post(f"/customers/{customer.public_id}/edit/", sent)
    forged = client.patch(
        f"/api/v1/customers/{customer.public_id}/", {"version": 1, "mobile": "13900001234"}, content_type="application/json"
    )
    assert (forged.status_code, forged.json()["code"]) == (403, "field_closed")
    mobile = customer.mobile
    customer.refresh_from_db()
    assert customer.mobile == mobile


# --- rows --------------------------------------------------------------------------------------------------------
def test_the_branch_tree_is_the_branch_a_team_belongs_to(cast: Cast, make_customer: Callable[..., Customer]) -> None:
    here, above, beside = make_customer(branch=cast.east_team), make_customer(branch=cast.east), make_customer(branch=cast.west)
    User.objects.filter(pk=cast.loan_officer.pk).update(team=cast.east_team)
    assert set(Customer.objects.visible_to(narrow(cast.loan_officer, scope="team"))) == {here}
    assert set(Customer.objects.visible_to(narrow(cast.loan_officer, scope="tree"))) == {here, above}
    assert beside not in Customer.objects.visible_to(narrow(cast.loan_officer, scope="tree"))
    assert Team.objects.get(pk=cast.head.pk).tree == cast.head


def test_who_may_be_named_in_a_note_follows_the_branch_tree(cast: Cast, make_customer: Callable[..., Customer]) -> None:
    from customers import mentions, permissions

    User.objects.filter(pk=cast.loan_officer.pk).update(team=cast.east_team)
    narrow(cast.loan_officer, scope="tree")
    customer = make_customer(branch=cast.east)
    named = set(mentions.colleagues(customer, permissions.NOTE))
    assert {person for person in User.objects.filter(role__code="loan_officer") if mentions.may_open(person, customer)} == {
        person for person in named if person.role.code == "loan_officer"
    }
    assert cast.loan_officer in named


# --- hours -------------------------------------------------------------------------------------------------------
HOURS = [
    # opens, closes, clock in Shanghai, inside
    ("08:00", "20:00", "08:00", True), ("08:00", "20:00", "19:59", True), ("08:00", "20:00", "20:00", False),
    ("08:00", "20:00", "07:59", False), ("22:00", "06:00", "23:30", True), ("22:00", "06:00", "05:59", True),
    ("22:00", "06:00", "06:00", False), ("22:00", "06:00", "12:00", False),
]  # fmt: skip


@pytest.mark.parametrize(("opens", "closes", "clock", "inside"), HOURS)
def test_hours_are_the_lenders(cast: Cast, opens: str, closes: str, clock: str, inside: bool) -> None:
    officer = narrow(cast.loan_officer, opens_at=time.fromisoformat(opens), closes_at=time.fromisoformat(closes))
    at = datetime.combine(TODAY, time.fromisoformat(clock), tzinfo=NOON.tzinfo) - timedelta(hours=8)
    assert (officer.closed_at(at) is None) is inside


def test_outside_its_hours_a_role_opens_neither_pages_nor_the_api_but_one_may_sign_out(
    cast: Cast, page_of: Callable[[Any], Client]
) -> None:
    clock = now() + timedelta(hours=8)
    narrow(cast.loan_officer, opens_at=(clock + timedelta(hours=2)).time(), closes_at=(clock + timedelta(hours=3)).time())
    client = page_of(cast.loan_officer)
    for answer in (client.get("/customers/"), client.get("/")):
        assert answer.status_code == 403
        assert "Your role works from" in answer.text
    api = APIClient()
    api.force_login(cast.loan_officer)
    refused = api.get("/api/v1/customers/")
    assert (refused.status_code, "Your role works from" in refused.json()["detail"]) == (403, True)
    assert client.post("/accounts/logout/").status_code in (302, 303)


# --- who asks for what is not theirs -------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["/customers/{id}/", "/api/v1/customers/{id}/"])
def test_a_strangers_row_is_404_and_noted_an_unknown_one_only_404(
    cast: Cast, make_customer: Callable[..., Customer], page_of: Callable[[Any], Client], address: str
) -> None:
    cache.clear()
    client, far = page_of(cast.loan_officer), make_customer(branch=cast.west, actor=cast.outsider)
    assert client.get(address.format(id=far.public_id)).status_code == 404
    assert client.get(address.format(id="C-22222222X")).status_code == 404
    entry = Entry.objects.get(event="governance.access.refused")
    assert (entry.actor_id, entry.subject_id, entry.customer_id) == (cast.loan_officer.pk, far.pk, far.pk)


def test_who_probes_again_and_again_is_told_of_once_and_written_down_no_more(cast: Cast, make_customer: Callable[..., Customer]) -> None:
    cache.clear()
    far = make_customer(branch=cast.west, actor=cast.outsider)
    for _again in range(probes.WRITTEN + 5):
        probes.note(Customer, cast.loan_officer, far.public_id, at=NOON)
    assert Entry.objects.filter(event="governance.access.refused").count() == probes.WRITTEN
    assert Notice.objects.filter(code="access.probing", user=cast.compliance).count() == 1
    assert not Notice.objects.filter(code="access.probing", user=cast.loan_officer).exists()


@pytest.mark.parametrize(
    ("text", "counted"), [("13812345678", True), ("110101199003070011", True), ("1381234567", False), ("zhang", False)]
)
def test_the_search_of_every_page_counts_whole_numbers_too(cast: Cast, page_of: Callable[[Any], Client], text: str, counted: bool) -> None:
    cache.clear()
    most = int(rules.value(probes.MISSES, on=TODAY))
    for _miss in range(most):
        probes.guessed(cast.auditor, at=now())
    answer = page_of(cast.auditor).post("/search/", {"text": text})
    assert (answer.status_code == 429) is counted


def test_nobody_tries_out_all_numbers(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    cache.clear()
    most = int(rules.value(probes.MISSES, on=TODAY))
    client = page_of(cast.compliance)
    for _miss in range(most):
        probes.guessed(cast.compliance, at=now())
    answer = client.post("/customers/find/", {"text": "13812345678"})
    assert (answer.status_code, "found nobody" in answer.text) == (429, True)
    assert Entry.objects.filter(event="governance.access.guessing", actor_id=cast.compliance.pk).count() == 1
    assert page_of(cast.auditor).post("/customers/find/", {"text": "13812345678"}).status_code == 200, "the other's day is not used up"


def test_levels_of_unknown_fields_cannot_be_asked_for() -> None:
    with pytest.raises(FieldDoesNotExist):
        access.level(User(pk=1, role=Role(scope="all", level_ceiling=3)), "customers.customer.nonsense")
