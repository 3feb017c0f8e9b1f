"""The branch tree: a path from the root to each node."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.lib.errors import Invalid
from customers.models import Customer
from governance import changes, teams
from governance.models import ChangeRequest, LegalEntity, Team, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast


def test_a_path_is_the_parents_and_the_own_id(cast: Cast) -> None:
    assert cast.head.path == f"/{cast.head.pk}/"
    assert cast.east.path == f"/{cast.head.pk}/{cast.east.pk}/"
    assert cast.east_team.path == f"/{cast.head.pk}/{cast.east.pk}/{cast.east_team.pk}/"


def test_a_code_is_used_once_by_a_lender(cast: Cast) -> None:
    with pytest.raises(teams.CodeTaken):
        teams.create(
            legal_entity=cast.entity, code="EAST", name_en="x", name_zh="x", kind=Team.Kind.TEAM, parent=cast.head,
            actor=cast.admin, at=NOON,
        )  # fmt: skip


# --- the tree as an administrator keeps it -------------------------------------------------------------------------
def move(cast: Cast, team: Team, parent: Team) -> None:
    waiting = teams.propose_move(team, parent=parent, reason="new region", actor=cast.admin, at=NOON)
    changes.confirm(waiting, actor=cast.compliance, at=NOON)


def paths_are_right() -> bool:
    """Say whether every path is its parent's and the own id."""
    rows = {team.pk: team for team in Team.objects.all()}
    return all(team.path == f"{rows[team.parent_id].path if team.parent_id else '/'}{team.pk}/" for team in rows.values())


def test_a_subtree_moves_whole_and_scope_follows_at_once(cast: Cast, make_customer: Any) -> None:
    customer = make_customer()
    member = cast.person("east_1", "loan_officer", cast.east_team)
    assert not Customer.objects.visible_to(cast.outsider).exists()
    waiting = teams.propose_move(cast.east, parent=cast.west, reason="merged", actor=cast.admin, at=NOON)
    line = changes.lines(waiting)[1]
    assert "Outsider" in line.added and "Collector" not in line.added, "the checker reads who would see more"
    assert not Customer.objects.visible_to(cast.outsider).exists(), "nothing moves before it is confirmed"
    changes.confirm(waiting, actor=cast.compliance, at=NOON)
    assert paths_are_right() and Team.objects.get(pk=cast.east_team.pk).path.startswith(cast.west.path)
    fresh = User.objects.select_related("role", "team").get(pk=cast.outsider.pk)
    assert Customer.objects.visible_to(fresh).get() == customer
    assert User.objects.select_related("team").get(pk=member.pk).team.depth == 3
    assert Entry.objects.get(event="governance.team.moved").facts["teams"] == 2


@pytest.mark.parametrize("below", ["east", "east_team"])
def test_a_team_never_stands_below_itself(cast: Cast, below: str) -> None:
    with pytest.raises(teams.Circle):
        teams.propose_move(cast.east, parent=getattr(cast, below), reason="x", actor=cast.admin, at=NOON)


def test_two_moves_that_would_close_a_circle_do_not(transactional_db: None, cast: Cast) -> None:
    """Each is fine alone: east below west, west below east."""
    pairs = [(cast.east, cast.west), (cast.west, cast.east)]
    waiting = [teams.propose_move(team, parent=to, reason="x", actor=cast.admin, at=NOON) for team, to in pairs]
    barrier = Barrier(2)

    def race(change: ChangeRequest) -> str:
        try:
            barrier.wait(timeout=10)
            changes.confirm(change, actor=cast.compliance, at=NOON)
        except teams.Circle:
            return "circle"
        finally:
            connections.close_all()
        return "moved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(race, waiting)) == ["circle", "moved"]
    assert paths_are_right()


@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_moved_the_tree_stays_a_tree(cast: Cast, steps: list[tuple[int, int]]) -> None:
    with transaction.atomic():
        nodes = [cast.head, cast.east, cast.east_team, cast.west]
        for n in range(2):
            nodes.append(
                teams.create(
                    legal_entity=cast.entity, code=f"X{n}", name_en="x", name_zh="x", kind="team", parent=nodes[-1], actor=cast.admin, at=NOON
                )
            )  # fmt: skip
        for which, to in steps:
            try:
                with transaction.atomic():
                    teams._make(nodes[which].public_id, {"parent": nodes[to].public_id}, actor=cast.admin, at=NOON)
            except teams.Circle:
                continue
            assert paths_are_right()
        transaction.set_rollback(True)


def test_another_lenders_or_a_retired_team_takes_none(cast: Cast) -> None:
    other = LegalEntity.objects.create(code="OTHER", name_en="o", name_zh="o", business_date=cast.entity.business_date)
    root = teams.create(legal_entity=other, code="O", name_en="o", name_zh="o", kind="head", parent=None, actor=cast.admin, at=NOON)
    empty = teams.create(
        legal_entity=cast.entity, code="E", name_en="e", name_zh="e", kind="team", parent=cast.head, actor=cast.admin, at=NOON
    )
    empty = teams.retire(empty, actor=cast.admin, at=NOON)
    for parent in (root, empty):
        with pytest.raises(Invalid):
            teams.propose_move(cast.east, parent=parent, reason="x", actor=cast.admin, at=NOON)
    assert teams.reopen(empty, actor=cast.admin, at=NOON).is_active


def test_a_team_that_keeps_something_is_not_retired(cast: Cast, make_customer: Any) -> None:
    make_customer(branch=cast.west)
    with pytest.raises(teams.InUse, match="people, customers"):
        teams.retire(cast.west, actor=cast.admin, at=NOON)
    with pytest.raises(teams.InUse, match="teams below"):
        teams.retire(cast.east, actor=cast.admin, at=NOON)
    assert teams.retire(cast.east_team, actor=cast.admin, at=NOON).is_active is False


def test_the_pages_show_and_change_the_tree(cast: Cast, page_of: Any, make_customer: Any) -> None:
    make_customer()
    browser = page_of(cast.admin)
    page = browser.get("/admin/teams/").text
    assert page.index("HEAD") < page.index("EAST") < page.index("EAST-1") < page.index("WEST")
    made = browser.post(
        "/admin/teams/new/", {"code": "N", "name_en": "New", "name_zh": "新", "kind": "team", "parent": cast.east.public_id}
    )
    assert made.status_code == 303 and "New" in browser.get(made["Location"]).text
    url = made["Location"]
    assert browser.post(url + "edit/", {"name_en": "Newer", "name_zh": "新", "kind": "team", "version": 1}).status_code == 303
    stale = browser.post(url + "edit/", {"name_en": "Newest", "name_zh": "新", "kind": "team", "version": 1})
    assert stale.status_code == 409 and "Newer" in stale.text and "Newest" in stale.text
    moved = browser.post(url + "move/", {"parent": cast.west.public_id, "reason": "closer"})
    assert moved.status_code == 303 and "waits for a second person" in browser.get(url).text
    assert browser.post(url + "active/", {"active": "no"}).status_code == 303
    assert browser.post(f"/admin/teams/{cast.west.public_id}/active/", {"active": "no"}).status_code == 409
    taken = browser.post("/admin/teams/new/", {"code": "EAST", "name_en": "x", "name_zh": "x", "kind": "team", "parent": ""})
    assert taken.status_code == 422


def test_the_tree_is_read_in_a_fixed_number_of_queries(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        assert len(teams.tree()) == 4
