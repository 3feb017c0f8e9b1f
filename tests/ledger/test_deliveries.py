"""Deliveries run after commit, at least once: claimed, finished, tried again, parked, listed, woken."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from ledger import deliveries, log, tasks
from ledger.models import Delivery, Entry
from tests.fixtures.cast import NOON, Cast

Status = Delivery.Status


@pytest.fixture
def subscribe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., None]], Any]:
    """Return a function that subscribes its argument to `test.happened` for one test."""
    monkeypatch.setattr(log, "_handlers", {**log._handlers})
    monkeypatch.setattr(log, "_by_name", {**log._by_name})
    return log.on("test.happened")


@pytest.fixture
def heard(subscribe: Callable[[Callable[..., None]], None]) -> list[int]:
    found: list[int] = []

    def listener(*, entry: Entry, **_: Any) -> None:
        found.append(entry.pk)

    subscribe(listener)
    return found


@pytest.fixture
def poison(subscribe: Callable[[Callable[..., None]], None]) -> list[int]:
    tried: list[int] = []

    def always_fails(*, entry: Entry, **_: Any) -> None:
        tried.append(entry.pk)
        raise RuntimeError("cannot")

    subscribe(always_fails)
    return tried


def happened(cast: Cast) -> Delivery:
    entry_id = log.record("test.happened", cast.east, actor=cast.system, at=NOON)
    return Delivery.objects.get(entry_id=entry_id)


def test_a_delivery_runs_its_subscriber_once(cast: Cast, heard: list[int]) -> None:
    delivery, at = happened(cast), now()
    assert deliveries.run(delivery.pk, at=at)
    assert not deliveries.run(delivery.pk, at=at), "what is done is not done again"
    delivery.refresh_from_db()
    assert heard == [delivery.entry_id]
    assert (delivery.status, delivery.attempts, delivery.done_at) == (Status.DONE, 1, at)


def test_the_task_runs_each_delivery_it_carries(cast: Cast, heard: list[int]) -> None:
    first, second = happened(cast), happened(cast)
    tasks.deliver(deliveries=[first.pk, second.pk], from_a_later_version=True)
    assert heard == [first.entry_id, second.entry_id]


def test_what_the_broker_lost_is_swept(cast: Cast, heard: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = happened(cast)
    handed: list[list[int]] = []
    monkeypatch.setattr(log, "hand_over", handed.append)
    assert tasks.sweep() == 1
    assert handed == [[delivery.pk]]


def test_a_delivery_in_the_hands_of_a_worker_is_left_alone(cast: Cast, heard: list[int]) -> None:
    delivery, at = happened(cast), now()
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.RUNNING, claimed_at=at)
    assert not deliveries.run(delivery.pk, at=at + deliveries.LEASE)
    assert delivery.pk not in deliveries.due(at=at + deliveries.LEASE)
    assert heard == []


def test_the_claim_of_a_worker_that_died_is_taken_over(cast: Cast, heard: list[int]) -> None:
    delivery, at = happened(cast), now()
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.RUNNING, claimed_at=at, attempts=1)
    later = at + deliveries.LEASE + timedelta(seconds=1)
    assert deliveries.due(at=later) == [delivery.pk]
    assert deliveries.run(delivery.pk, at=later)
    assert heard == [delivery.entry_id]


def test_a_worker_that_outlived_its_lease_undoes_nothing(cast: Cast, subscribe: Any) -> None:
    at = now()

    def slow(*, entry: Entry, **_: Any) -> None:
        calls.append(entry.pk)
        if len(calls) == 1:
            taken_over.append(deliveries.run(delivery.pk, at=at + deliveries.LEASE * 2))
            raise RuntimeError("late and wrong")

    calls: list[int] = []
    taken_over: list[bool] = []
    subscribe(slow)
    delivery = happened(cast)
    assert not deliveries.run(delivery.pk, at=at)
    delivery.refresh_from_db()
    assert taken_over == [True]
    assert delivery.status == Status.DONE


def test_a_failure_waits_longer_each_time_and_is_parked_at_last(cast: Cast, poison: list[int]) -> None:
    delivery, at = happened(cast), now()
    waits = []
    for _attempt in range(deliveries.ATTEMPTS):
        assert not deliveries.run(delivery.pk, at=at)
        delivery.refresh_from_db()
        waits.append(delivery.due_at - at)
        assert delivery.error == "RuntimeError: cannot"
        at = delivery.due_at + timedelta(seconds=1)
    assert len(poison) == deliveries.ATTEMPTS
    assert delivery.status == Status.PARKED
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=10)
    assert deliveries.due(at=at + timedelta(days=30)) == [], "a parked delivery waits for a person"


def test_a_failed_delivery_is_not_due_before_its_time(cast: Cast, poison: list[int]) -> None:
    delivery, at = happened(cast), now()
    deliveries.run(delivery.pk, at=at)
    assert deliveries.due(at=at + timedelta(seconds=9)) == []
    assert deliveries.due(at=at + timedelta(seconds=11)) == [delivery.pk]


def test_an_entry_that_kills_its_worker_is_parked_too(cast: Cast, heard: list[int]) -> None:
    delivery, at = happened(cast), now()
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.RUNNING, claimed_at=at, attempts=deliveries.ATTEMPTS)
    assert not deliveries.run(delivery.pk, at=at + deliveries.LEASE * 2)
    delivery.refresh_from_db()
    assert (delivery.status, heard) == (Status.PARKED, [])
    assert "the worker ended" in delivery.error


def test_a_subscriber_that_no_longer_exists_is_said_by_name(cast: Cast, heard: list[int]) -> None:
    delivery = happened(cast)
    Delivery.objects.filter(pk=delivery.pk).update(handler="gone.away")
    assert not deliveries.run(delivery.pk, at=now())
    delivery.refresh_from_db()
    assert delivery.error == "no subscriber named gone.away"


def test_one_poisoned_delivery_does_not_stop_the_others(cast: Cast, poison: list[int], subscribe: Any) -> None:
    found = []

    def well(*, entry: Entry, **_: Any) -> None:
        found.append(entry.pk)

    subscribe(well)
    entry_id = log.record("test.happened", cast.east, actor=cast.system, at=NOON)
    assert deliveries.run_all(at=now() + timedelta(seconds=1)) == 1
    assert found == [entry_id]


def test_what_a_subscriber_brings_about_is_delivered_too(cast: Cast, subscribe: Any) -> None:
    chain = []

    def again(*, entry: Entry, **_: Any) -> None:
        chain.append(entry.pk)
        if len(chain) < 3:
            log.record("test.happened", cast.east, actor=cast.system, at=NOON)

    subscribe(again)
    happened(cast)
    assert deliveries.run_all(at=now() + timedelta(seconds=1)) == 3


def test_a_parked_delivery_is_listed_and_woken_by_a_person(
    cast: Cast, heard: list[int], django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, at = happened(cast), now()
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.PARKED, attempts=8, error="RuntimeError: cannot")
    handed: list[list[int]] = []
    monkeypatch.setattr(log, "hand_over", handed.append)
    assert list(Delivery.objects.filter(status=Status.PARKED)) == [delivery]
    with django_capture_on_commit_callbacks(execute=True):
        deliveries.retry(delivery, actor=cast.admin, at=at)
        deliveries.retry(delivery, actor=cast.admin, at=at)
    assert handed == [[delivery.pk]], "waking what is awake does nothing"
    assert Entry.objects.filter(event="ledger.delivery.retried", subject_id=delivery.pk).count() == 1
    assert deliveries.run(delivery.pk, at=at)
    assert heard == [delivery.entry_id]
