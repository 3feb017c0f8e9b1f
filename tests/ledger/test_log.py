"""What a door did is recorded with its deliveries in one statement, in order, without personal values."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg2.extras
import pytest
from django.db import connection, transaction

from ledger import log
from ledger.models import Delivery, Entry
from tests.fixtures.cast import NOON, Cast


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Subscribe to `test.happened` for one test; return the entry ids that were heard."""
    found: list[int] = []
    monkeypatch.setattr(log, "_handlers", {**log._handlers})
    monkeypatch.setattr(log, "_by_name", {**log._by_name})

    @log.on("test.happened")
    def listener(*, entry: Entry, **_: Any) -> None:
        found.append(entry.pk)

    return found


def rows(number: int, subject: int = 1) -> list[log.Row]:
    return [log.Row("test.thing", subject, None, {"n": n}) for n in range(number)]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the statements the ledger sends; psycopg2's `execute_values` goes past Django's own counting."""
    sent: list[str] = []

    def spy(cursor: Any, sql: str, values: list[Any], *, page_size: int, fetch: bool) -> Any:
        assert len(values) <= page_size, "more than a page becomes a second statement"
        sent.append(sql)
        return psycopg2.extras.execute_values(cursor, sql, values, page_size=page_size, fetch=fetch)

    monkeypatch.setattr(log, "execute_values", spy)
    return sent


def test_entry_and_deliveries_are_one_statement(
    cast: Cast, heard: list[int], statements: list[str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        entry_id = log.record("test.happened", cast.east, actor=cast.loan_officer, at=NOON, amount=Decimal("1.50"))
    assert [sql.count("INSERT INTO ledger_") for sql in statements] == [2]
    entry = Entry.objects.get(pk=entry_id)
    assert (entry.event, entry.subject_type, entry.subject_id) == ("test.happened", "governance.team", cast.east.pk)
    assert (entry.actor_id, entry.at, entry.customer_id) == (cast.loan_officer.pk, NOON, None)
    assert Delivery.objects.get(entry=entry).status == Delivery.Status.PENDING


def test_many_entries_cost_one_statement_per_two_thousand(cast: Cast, statements: list[str]) -> None:
    log.record_many("test.unheard", rows(5_000), actor=cast.system, at=NOON)
    assert len(statements) == 3


def test_many_entries_come_back_in_the_order_of_the_rows(cast: Cast, heard: list[int]) -> None:
    ids = log.record_many("test.happened", rows(5_000), actor=cast.system, at=NOON)
    assert len(ids) == 5_000
    facts = dict(Entry.objects.filter(pk__in=ids).values_list("pk", "facts"))
    assert [facts[pk]["n"] for pk in ids] == list(range(5_000))
    assert Delivery.objects.filter(entry__in=ids).count() == 5_000


def test_no_rows_are_no_statement(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert log.record_many("test.happened", [], actor=cast.system, at=NOON) == []


def test_an_entry_that_nobody_hears_has_no_delivery(cast: Cast) -> None:
    entry_id = log.record("test.unheard", cast.east, actor=None, at=NOON)
    assert not Delivery.objects.filter(entry_id=entry_id).exists()
    assert Entry.objects.get(pk=entry_id).actor_id is None


def test_the_customer_is_taken_from_the_subject(cast: Cast, customer: Any) -> None:
    assert log.history(customer).first().customer_id == customer.pk  # type: ignore[union-attr]


def test_a_moment_without_time_zone_is_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="time zone"):
        log.record("test.happened", cast.east, actor=None, at=datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001  that is the point


def test_amounts_and_days_stay_exact_in_the_facts() -> None:
    facts = {"amount": Decimal("0.10"), "on": date(2026, 3, 2), "at": NOON, "parts": (Decimal("1.00"), {"x": Decimal("2")})}
    assert json.loads(log.dump(facts)) == {
        "amount": "0.10", "on": "2026-03-02", "at": "2026-03-02T04:00:00+00:00", "parts": ["1.00", {"x": "2"}],
    }  # fmt: skip


def test_an_entry_of_a_transaction_that_failed_never_was(cast: Cast, heard: list[int]) -> None:
    class Failed(Exception):
        pass

    def record_and_fail() -> None:
        with transaction.atomic():
            log.record("test.happened", cast.east, actor=None, at=NOON)
            raise Failed

    with pytest.raises(Failed):
        record_and_fail()
    assert not Entry.objects.filter(event="test.happened").exists()
    assert not Delivery.objects.filter(entry__event="test.happened").exists()


def test_a_subscriber_is_told_after_commit_and_not_before(
    cast: Cast, heard: list[int], django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[list[int]] = []
    monkeypatch.setattr(log, "hand_over", handed.append)
    with django_capture_on_commit_callbacks(execute=True):
        entry_id = log.record("test.happened", cast.east, actor=None, at=NOON)
        assert handed == []
    assert handed == [[Delivery.objects.get(entry_id=entry_id).pk]]


def test_a_broker_that_is_away_refuses_nobody(cast: Cast, heard: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger import tasks

    def away(**_: Any) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(tasks.deliver, "delay", away)
    log.hand_over([1, 2, 3])


def test_history_is_newest_first(cast: Cast) -> None:
    ids = [log.record("test.unheard", cast.west, actor=None, at=NOON) for _ in range(3)]
    assert [entry.pk for entry in log.history(cast.west)][:3] == ids[::-1]


def test_the_timeline_of_a_customer_reads_one_index(customer: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")  # which so few rows make cheaper
        cursor.execute("EXPLAIN " + str(log.of_customer(customer.pk).values("pk")[:20].query))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "entry_customer" in plan
    assert "Sort" not in plan
