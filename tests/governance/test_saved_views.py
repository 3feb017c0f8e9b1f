"""Saved views: whose they are, with whom they are shared, what a list opens with."""

from typing import Any

import pytest

from crm.lib.errors import Invalid, NotAllowed, Stale
from governance import saved_views
from governance.models import SavedView
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast


def view(cast: Cast, owner: Any = None, **more: Any) -> SavedView:
    given = {"list_name": "customers", "name": "Rich", "query": "w=1.income.ge.9000", "actor": owner or cast.loan_officer, "at": NOON}
    return saved_views.create(**given | more)  # type: ignore[arg-type]


def names(user: Any) -> list[str]:
    return [one.name for one in saved_views.of_list("customers", user)]


def test_a_private_view_is_nobody_elses(cast: Cast) -> None:
    view(cast)
    assert names(cast.loan_officer) == ["Rich"]
    assert names(cast.colleague) == names(cast.compliance) == names(cast.nobody) == []


def test_a_shared_view_reaches_the_team_and_those_below(cast: Cast) -> None:
    view(cast, cast.collections_supervisor, name="East", team=cast.east)
    view(cast, cast.compliance, name="All", team=cast.head)
    assert names(cast.loan_officer) == ["All", "East"]
    assert names(cast.outsider) == ["All"]
    assert names(cast.collections_supervisor) == ["East", "All"]  # own ones first


def test_who_may_not_share_is_refused(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        view(cast, cast.loan_officer, team=cast.east)  # no permission
    with pytest.raises(NotAllowed):
        view(cast, cast.collections_supervisor, team=cast.west)  # not theirs
    with pytest.raises(NotAllowed):
        view(cast, cast.collections_supervisor, team=cast.head)  # above them
    assert not SavedView.objects.exists()


def test_the_own_default_goes_before_the_teams(cast: Cast) -> None:
    head = view(cast, cast.compliance, name="Head", team=cast.head, is_default=True)
    east = view(cast, cast.collections_supervisor, name="East", team=cast.east, is_default=True)

    def opens(user: Any) -> Any:
        return saved_views.default_of(saved_views.of_list("customers", user), user)

    assert opens(cast.loan_officer) == east
    assert opens(cast.outsider) == head
    own = view(cast, is_default=True)
    assert opens(cast.loan_officer) == own
    again = view(cast, name="Other", is_default=True)
    assert opens(cast.loan_officer) == again
    own.refresh_from_db()
    assert not own.is_default


def test_a_name_is_taken_once_per_person_and_list(cast: Cast) -> None:
    view(cast)
    with pytest.raises(saved_views.NameTaken):
        view(cast)
    view(cast, list_name="loans")
    view(cast, cast.colleague)
    with pytest.raises(Invalid):
        view(cast, name="  ")


def test_only_its_owner_changes_a_view_and_only_a_fresh_one(cast: Cast) -> None:
    shared = view(cast, cast.collections_supervisor, team=cast.east)
    with pytest.raises(NotAllowed):
        saved_views.change(shared, actor=cast.loan_officer, at=NOON, version=1, query="")
    with pytest.raises(NotAllowed):
        saved_views.delete(shared, actor=cast.loan_officer, at=NOON)
    changed = saved_views.change(shared, actor=cast.collections_supervisor, at=NOON, version=1, query="sort=income", keep_team=True)
    assert (changed.query, changed.team, changed.version) == ("sort=income", cast.east, 2)
    with pytest.raises(Stale):
        saved_views.change(shared, actor=cast.collections_supervisor, at=NOON, version=1, query="")
    saved_views.delete(changed, actor=cast.collections_supervisor, at=NOON)
    assert list(Entry.objects.filter(event__startswith="governance.view.").order_by("id").values_list("event", flat=True)) == [
        "governance.view.saved", "governance.view.changed", "governance.view.deleted",
    ]  # fmt: skip


def test_there_is_an_end_to_what_a_view_asks(cast: Cast) -> None:
    with pytest.raises(saved_views.TooLong):
        view(cast, query="w=" + "1" * 2_000)


def test_there_is_an_end_to_views(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    view(cast, name="1"), view(cast, name="2")
    with pytest.raises(saved_views.TooManyViews):
        view(cast, name="3")
