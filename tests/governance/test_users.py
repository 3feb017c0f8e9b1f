"""Doors for people: names are taken once, passwords are strong, nobody changes their own rights."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from crm.lib.errors import Invalid, Stale
from governance import seeds, users
from governance.models import Role, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, PASSWORD, Cast


def add(cast: Cast, **changes: Any) -> User:
    values: dict[str, Any] = {"username": "anna", "name": "Anna", "role": cast.roles["collector"], "team": cast.east}
    return users.create(**{"actor": cast.system, "at": NOON} | values | changes)


def test_a_user_is_made_and_recorded_without_name_or_password(cast: Cast) -> None:
    user = add(cast, password=PASSWORD, email="anna@example.org", approval_limit=Decimal("100.00"))
    assert user.check_password(PASSWORD)
    entry = Entry.objects.get(event="governance.user.created", subject_id=user.pk)
    assert entry.facts == {"role": "collector"}


def test_without_a_password_nobody_signs_in_by_one(cast: Cast) -> None:
    assert not add(cast).has_usable_password()


@pytest.mark.parametrize("again", ["anna", "Anna", "ANNA"])
def test_a_name_is_taken_whatever_its_case(cast: Cast, again: str) -> None:
    add(cast)
    with pytest.raises(users.NameTaken) as refusal:
        add(cast, username=again)
    assert (refusal.value.status, list(refusal.value.fields)) == (422, ["username"])


def test_the_database_has_the_last_word_about_names(cast: Cast) -> None:
    add(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="ANNA", name="Another")


def test_two_administrators_at_once_get_one_user_and_one_sentence(transactional_db: None, cast: Cast) -> None:
    barrier = Barrier(4)

    def race(name: str) -> str:
        try:
            barrier.wait(timeout=10)
            add(cast, username=name)
        except users.NameTaken:
            return "told"
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(race, ["anna", "Anna", "ANNA", "anna"])) == ["made", "told", "told", "told"]


@pytest.mark.parametrize("password", ["short", "password123", "anna-anna-anna"])
def test_a_weak_password_is_refused_with_sentences(cast: Cast, password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        add(cast, username="anna-anna-anna", password=password)
    assert refusal.value.fields["password"]
    assert not User.objects.filter(username="anna-anna-anna").exists()


def test_a_place_is_changed_on_the_record(cast: Cast) -> None:
    user = add(cast)
    changed = users.change(user, actor=cast.admin, at=NOON, version=1, team=cast.west, name="Anna B.")
    assert (changed.role.code, changed.team, changed.version) == ("collector", cast.west, 2)
    facts = Entry.objects.get(event="governance.user.changed").facts
    assert facts["team"] == {"from": "EAST", "to": "WEST"}
    assert facts["fields"] == ["name", "team"]
    assert "Anna" not in str(facts)


def test_nobody_moves_themselves(cast: Cast) -> None:
    with pytest.raises(users.NotYourself):
        users.change(cast.admin, actor=cast.admin, at=NOON, version=1, team=cast.west)


@pytest.mark.parametrize("given", [{"role": "auditor"}, {"role": None, "approval_limit": Decimal("1.00")}])
def test_no_person_makes_an_account_with_rights(cast: Cast, given: dict[str, Any]) -> None:
    role = cast.roles.get(given["role"])
    with pytest.raises(users.NeedsSecondPerson):
        add(cast, actor=cast.admin, **given | {"role": role})
    assert not User.objects.filter(username="anna").exists()


def test_ones_own_language_may_be_changed(cast: Cast) -> None:
    assert users.change(cast.admin, actor=cast.admin, at=NOON, version=1, language="zh-hans").language == "zh-hans"


def test_a_change_on_an_old_page_is_refused(cast: Cast) -> None:
    user = add(cast)
    users.change(user, actor=cast.admin, at=NOON, version=1, name="Anna B.")
    with pytest.raises(Stale):
        users.change(User.objects.get(pk=user.pk), actor=cast.system, at=NOON, version=1, team=cast.west)


def test_no_change_is_no_entry(cast: Cast) -> None:
    user = add(cast)
    assert users.change(user, actor=cast.admin, at=NOON, version=1, name="Anna").version == 1
    assert not Entry.objects.filter(event="governance.user.changed").exists()


def test_what_is_no_field_of_the_door_is_a_programming_error(cast: Cast) -> None:
    with pytest.raises(TypeError, match="is_active"):
        users.change(add(cast), actor=cast.admin, at=NOON, version=1, is_active=False)


def test_a_suspended_user_loses_rights_and_session(cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.loan_officer)
    assert "_auth_user_id" in browser.session
    users.set_active(cast.loan_officer, active=False, actor=cast.admin, at=NOON)
    fresh = User.objects.get(pk=cast.loan_officer.pk)
    assert not fresh.has_perm("customers.view_customer")
    assert fresh.scope == ""
    assert browser.get("/").status_code == 302
    users.set_active(fresh, active=True, actor=cast.admin, at=NOON)
    events = Entry.objects.filter(subject_id=fresh.pk, event__in=["governance.user.suspended", "governance.user.admitted"])
    assert events.count() == 2


def test_nobody_suspends_themselves(cast: Cast) -> None:
    with pytest.raises(users.NotYourself):
        users.set_active(cast.admin, active=False, actor=cast.admin, at=NOON)


def test_authority_is_ones_own_or_the_roles(cast: Cast) -> None:
    assert cast.underwriter.authority == Decimal("50000.00")
    assert cast.loan_officer.authority is None
    assert cast.person("strong", "underwriter", cast.east, approval_limit=Decimal("0.00")).authority == Decimal("0.00")


def test_every_permission_of_a_role_exists(cast: Cast) -> None:
    from crm.lib.permissions import ALL

    named = {code for role in cast.roles.values() for code in role.permissions}
    assert named <= set(ALL), f"roles.json names what no app declares: {sorted(named - set(ALL))}"


def test_every_permission_is_in_some_role(cast: Cast) -> None:
    from crm.lib.permissions import ALL

    named = {code for role in cast.roles.values() for code in role.permissions}
    assert set(ALL) <= named, f"declared, and nobody holds it: {sorted(set(ALL) - named)}"


def test_a_permission_of_a_later_version_is_given_once_and_what_was_taken_away_stays_away(cast: Cast) -> None:
    role = Role.objects.get(code="collector")
    first, second = sorted(role.permissions)[:2]
    role.permissions = [code for code in role.permissions if code != first]  # an administrator took it away
    role.permissions.remove(second)
    role.offered = [code for code in role.offered if code != second]  # the version before did not know this one
    role.save(update_fields=["permissions", "offered"])
    seeds.seed()
    role.refresh_from_db()
    assert first not in role.permissions
    assert second in role.permissions
    seeds.seed()
    assert Entry.objects.filter(event="governance.role.extended").count() == 1
