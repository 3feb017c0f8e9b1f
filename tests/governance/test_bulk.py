"""Many rows at once: fixed at the start, each refused or done by itself, once whatever happens to the worker."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from crm.lib.errors import DomainError, NotAllowed
from crm.lib.lists import LISTS, Action
from customers import notes, permissions
from customers.models import Note
from governance import bulk
from governance.models import BulkRun, User
from tests.fixtures.cast import NOON, Cast


@pytest.fixture
def remark() -> Iterator[Action]:
    """A bulk action with a real door behind it: a note on each file, refused for one income."""
    spec = LISTS["customers"]

    def run(row: Any, *, actor: Any, at: Any, text: str) -> None:
        notes.add(row, text=text, actor=actor, at=at)
        if row.income == 13:
            raise DomainError("Thirteen is refused.")

    spec.actions["remark"] = Action("remark", "Remark", permissions.NOTE, run)
    yield spec.actions["remark"]
    del spec.actions["remark"]


def started(cast: Cast, action: Action, rows: list[Any], actor: Any = None) -> BulkRun:
    ids = [row.pk for row in rows]
    return bulk.start(LISTS["customers"], action, ids=ids, values={"text": "seen"}, actor=actor or cast.loan_officer, at=NOON)


def test_each_row_is_done_or_refused_by_itself(cast: Cast, make_customer: Callable[..., Any], remark: Action) -> None:
    good, bad, other = make_customer(), make_customer(income=13), make_customer()
    run = started(cast, remark, [good, bad, other])
    done = bulk.run(run.pk, at=NOON)
    assert done is not None
    done.job.refresh_from_db()
    assert (done.job.status, done.job.done, done.job.failed) == ("partial", 2, 1)
    assert done.job.problems == [{"line": None, "field": bad.public_id, "message": "Thirteen is refused."}]
    assert set(Note.objects.values_list("customer_id", flat=True)) == {good.pk, other.pk}  # the refused row's note is undone


def test_a_row_that_went_to_another_branch_meanwhile_is_left(cast: Cast, make_customer: Callable[..., Any], remark: Action) -> None:
    row = make_customer()
    run = started(cast, remark, [row])
    type(row).objects.filter(pk=row.pk).update(branch=cast.west)
    done = bulk.run(run.pk, at=NOON)
    assert done is not None
    done.job.refresh_from_db()
    assert (done.job.status, done.job.failed) == ("failed", 1) and not Note.objects.exists()


def test_who_lost_the_permission_meanwhile_changes_nothing(cast: Cast, make_customer: Callable[..., Any], remark: Action) -> None:
    run = started(cast, remark, [make_customer()])
    User.objects.filter(pk=cast.loan_officer.pk).update(role=None)
    bulk.run(run.pk, at=NOON)
    assert not Note.objects.exists()


def test_without_the_permission_or_rows_nothing_begins(cast: Cast, make_customer: Callable[..., Any], remark: Action) -> None:
    with pytest.raises(NotAllowed):
        started(cast, remark, [make_customer()], cast.compliance)
    with pytest.raises(bulk.NothingChosen):
        started(cast, remark, [])


def test_a_dead_worker_is_taken_over_where_it_stood(
    cast: Cast, make_customer: Callable[..., Any], remark: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    rows = [make_customer() for _ in range(5)]
    run = started(cast, remark, rows)
    real, calls = bulk._chunk, []

    def dies(*args: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args, **more)

    monkeypatch.setattr(bulk, "_chunk", dies)
    with pytest.raises(KeyboardInterrupt):
        bulk.run(run.pk, at=NOON)
    monkeypatch.setattr(bulk, "_chunk", real)
    assert bulk.run(run.pk, at=NOON + timedelta(seconds=1)) is None, "the claim still holds"
    later = NOON + bulk.LEASE + timedelta(seconds=1)
    assert bulk.unfinished(at=later) == [run.pk]
    assert bulk.run(run.pk, at=later) is not None
    assert sorted(Note.objects.values_list("customer_id", flat=True)) == sorted(row.pk for row in rows)
    assert bulk.run(run.pk, at=later + bulk.LEASE * 2) is None and bulk.unfinished(at=later) == []


def test_the_ledger_says_what_was_begun(cast: Cast, make_customer: Callable[..., Any], remark: Action) -> None:
    from ledger.models import Entry

    started(cast, remark, [make_customer(), make_customer()])
    facts = Entry.objects.get(event="governance.bulk.started").facts
    assert (facts["list"], facts["action"], facts["rows"]) == ("customers", "remark", 2)
