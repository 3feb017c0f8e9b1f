"""Who holds which role: proposed by one, confirmed by another who is not the person, never against duties kept apart."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from crm.lib.errors import Invalid, Stale
from governance import changes, grants, roles, teams, users
from governance.lifecycle import MovedMeanwhile
from governance.models import ChangeRequest, DutyPair, LegalEntity, Role, Team, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

LATER = NOON + timedelta(hours=1)


def propose(cast: Cast, user: User, **changed: Any) -> ChangeRequest:
    rights = {"role": user.role, "team": user.team, "approval_limit": user.approval_limit} | changed
    return grants.propose(user, **rights, reason="passed the examination", actor=cast.admin, at=NOON)


def test_rights_are_in_force_after_a_second_person_and_on_the_record(cast: Cast) -> None:
    person = cast.colleague
    waiting = propose(cast, person, role=cast.roles["underwriter"], approval_limit=Decimal("5.00"))
    assert not User.objects.get(pk=person.pk).has_perm("credit.decide_application")
    assert [line.label for line in changes.lines(waiting)] == ["Role", "Permissions", "Authority limit"]
    changes.confirm(waiting, actor=cast.compliance, at=LATER)
    person.refresh_from_db()
    assert (person.role.code, person.approval_limit, person.version) == ("underwriter", Decimal("5.00"), 2)
    entry = Entry.objects.get(event="governance.user.changed")
    assert entry.facts["role"] == {"from": "loan_officer", "to": "underwriter"} and entry.actor_id == cast.compliance.pk
    assert entry.facts["approval_limit"] == {"from": None, "to": "5.00"}


def test_nobody_proposes_or_confirms_their_own_rights(cast: Cast) -> None:
    with pytest.raises(users.NotYourself):
        propose(cast, cast.admin, role=cast.roles["risk_manager"])
    second = cast.person("second_compliance", "compliance", cast.head)
    waiting = propose(cast, cast.compliance, role=cast.roles["risk_manager"])
    assert not changes.may_check(waiting, cast.compliance)
    with pytest.raises(changes.OwnChange):
        changes.confirm(waiting, actor=cast.compliance, at=LATER)
    assert changes.confirm(waiting, actor=second, at=LATER).status == "confirmed"


def test_the_only_checker_does_not_hold_up_their_own_grant(cast: Cast) -> None:
    made = propose(cast, cast.compliance, role=cast.roles["risk_analyst"])
    assert (made.status, made.alone) == ("confirmed", True), "made at once and marked: nobody else could confirm it"


def test_a_role_with_duties_kept_apart_is_refused_with_the_pair(cast: Cast) -> None:
    pair = DutyPair.objects.get(code="enter_decide")
    bad = Role.objects.create(code="both", name_en="Both", name_zh="两者", scope="team", permissions=[pair.first, pair.second])
    with pytest.raises(roles.ConflictingDuties) as refusal:
        propose(cast, cast.colleague, role=bad)
    assert refusal.value.extra["pair"] == "enter_decide" and str(pair) in str(refusal.value)
    assert "role" in refusal.value.fields and not ChangeRequest.objects.exists()


def test_what_conflicts_since_it_was_proposed_is_not_made(cast: Cast) -> None:
    waiting = propose(cast, cast.colleague, role=cast.roles["collector"])
    DutyPair.objects.create(code="late", first="collections.log_contact", second="collections.claim_case", meaning_en="x", meaning_zh="x")
    with pytest.raises(roles.ConflictingDuties):
        changes.confirm(waiting, actor=cast.compliance, at=LATER)
    waiting.refresh_from_db()
    assert (waiting.status, User.objects.get(pk=cast.colleague.pk).role.code) == ("open", "loan_officer")


def test_a_move_while_it_waits_makes_it_stale(cast: Cast) -> None:
    waiting = propose(cast, cast.colleague, role=cast.roles["underwriter"])
    users.change(cast.colleague, actor=cast.admin, at=NOON, version=1, team=cast.west)
    with pytest.raises(Stale):
        changes.confirm(waiting, actor=cast.compliance, at=LATER)


def other_lender(cast: Cast) -> Team:
    entity = LegalEntity.objects.create(code="OTHER", name_en="o", name_zh="o", business_date=cast.entity.business_date)
    return teams.create(legal_entity=entity, code="O", name_en="o", name_zh="o", kind="head", parent=None, actor=cast.system, at=NOON)


@pytest.mark.parametrize(
    ("who", "to", "wide"),
    [
        ("colleague", "west", False),  # beside: rows are traded
        ("colleague", "east_team", False),  # below: fewer
        ("colleague", "head", True),  # above: all branches
        ("colleague", "none", False),  # a role of a team without one reaches nothing
        ("colleague", "other", True),
        ("auditor", "none", True),  # all rows of every lender
        ("auditor", "west", False),
        ("nobody", "head", False),  # without a role nothing opens
    ],
)
def test_a_wider_team_is_a_part_of_the_grant(cast: Cast, who: str, to: str, wide: bool) -> None:
    person = getattr(cast, who)
    team = {"none": None, "other": other_lender(cast)}.get(to) if to in ("none", "other") else getattr(cast, to)
    assert grants.differs(person, role=person.role, team=team, approval_limit=None) is wide
    if not wide:
        assert users.change(person, actor=cast.admin, at=NOON, version=1, team=team).team == team
        return
    with pytest.raises(users.NeedsSecondPerson):
        users.change(person, actor=cast.admin, at=NOON, version=1, team=team)
    changes.confirm(propose(cast, person, team=team), actor=cast.compliance, at=LATER)
    assert User.objects.get(pk=person.pk).team == team


def test_what_cannot_be_is_refused(cast: Cast) -> None:
    with pytest.raises(Invalid):
        propose(cast, cast.colleague, approval_limit=Decimal("-1.00"))
    with pytest.raises(changes.NothingChanges):
        propose(cast, cast.colleague)
    propose(cast, cast.colleague, role=None)
    with pytest.raises(changes.AlreadyProposed):
        propose(cast, cast.colleague, role=cast.roles["collector"])
    with pytest.raises(Stale):
        grants.propose(
            cast.outsider, role=None, team=None, approval_limit=None, reason="x", actor=cast.admin, at=NOON, version=7
        )  # fmt: skip


def test_two_checkers_at_once_give_it_once(transactional_db: None, cast: Cast) -> None:
    waiting = propose(cast, cast.colleague, role=cast.roles["underwriter"])
    second = cast.person("second_compliance", "compliance", cast.head)
    barrier = Barrier(2)

    def race(person: User) -> str:
        try:
            mine = ChangeRequest.objects.get(pk=waiting.pk)
            barrier.wait(timeout=10)
            changes.confirm(mine, actor=person, at=LATER)
        except (MovedMeanwhile, Stale):
            return "told"
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(race, [cast.compliance, second])) == ["made", "told"]
    assert Entry.objects.filter(event="governance.user.changed").count() == 1


def test_from_an_empty_installation_to_working_roles(cast: Cast, page_of: Any) -> None:
    """The first administrator gives the first rights alone; from the first checker on a second person is needed."""
    users.set_active(cast.compliance, active=False, actor=cast.admin, at=NOON)
    browser = page_of(cast.admin)

    def add(name: str, role: str) -> User:
        data = {
            "username": name,
            "name": name,
            "password": "a-long-first-word-7",
            "role": cast.roles[role].pk,
            "team": cast.head.pk,
            "reason": "first day",
        }
        assert browser.post("/admin/users/new/", data).status_code == 303
        return User.objects.select_related("role").get(username=name)

    assert add("first", "compliance").role.code == "compliance"
    assert ChangeRequest.objects.get().alone
    waiting = add("second", "underwriter")
    assert waiting.role is None and grants.waiting(waiting) is not None
