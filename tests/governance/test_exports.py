"""A list that leaves as a file: by permission, masked, counted, safe in a spreadsheet, gone after a day."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import Http404
from hypothesis import given
from hypothesis.strategies import text

from crm.lib.errors import NotAllowed
from crm.lib.lists import LISTS
from governance import exports, table_files
from governance.models import Export, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast


def ask(cast: Cast, query: str = "", actor: Any = None) -> Export:
    spec = LISTS["customers"]
    return exports.ask(
        spec, query=query, columns=[column for column in spec.columns if column.shown], purpose="control", reason="Yearly check of files",
        actor=actor or cast.auditor, at=NOON, language="en",
    )  # fmt: skip


def table(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_rows_are_masked_and_filtered(cast: Cast, make_customer: Callable[..., Any]) -> None:
    rich, poor = make_customer(income=90_000), make_customer(income=900)
    export = ask(cast, "w=1.income.ge.1000")
    exports.write(export.pk, at=NOON)
    _export, content = exports.fetch(export.public_id, actor=cast.auditor, at=NOON)
    rows = table(content)
    assert rows[0][:2] == ["Customer", "Mobile"] and len(rows) == 2
    assert rich.public_id in rows[1][0] and rich.masked_mobile in rows[1]
    for secret in (rich.name, rich.mobile, rich.id_number, rich.bank_card, rich.address, poor.public_id):
        assert secret.encode() not in content


def test_the_ledger_counts_rows_and_keeps_no_reason(cast: Cast, make_customer: Callable[..., Any]) -> None:
    make_customer(), make_customer()
    export = ask(cast, "sort=income")
    exports.write(export.pk, at=NOON)
    exports.fetch(export.public_id, actor=cast.auditor, at=NOON)
    found = {entry.event: entry.facts for entry in Entry.objects.filter(event__startswith="governance.export.")}
    assert set(found) == {"governance.export.asked", "governance.export.written", "governance.export.downloaded"}
    written = found["governance.export.written"]
    assert (written["rows"], written["filter"], written["list"], written["purpose"]) == (2, "sort=income", "customers", "control")
    assert "Yearly" not in str(found)
    assert Export.objects.get().reason == "Yearly check of files"


def test_only_who_may_and_only_their_own(cast: Cast, make_customer: Callable[..., Any]) -> None:
    with pytest.raises(NotAllowed):
        ask(cast, actor=cast.loan_officer)
    export = ask(cast)
    exports.write(export.pk, at=NOON)
    with pytest.raises(Http404):
        exports.fetch(export.public_id, actor=cast.compliance, at=NOON)
    User.objects.filter(pk=cast.auditor.pk).update(role=cast.roles["underwriter"])
    with pytest.raises(NotAllowed):
        exports.fetch(export.public_id, actor=User.objects.get(pk=cast.auditor.pk), at=NOON)


def test_a_permission_taken_back_stops_the_worker(cast: Cast, make_customer: Callable[..., Any]) -> None:
    make_customer()
    export = ask(cast)
    User.objects.filter(pk=cast.auditor.pk).update(role=cast.roles["underwriter"])
    exports.write(export.pk, at=NOON)
    export.refresh_from_db()
    assert export.content is None and export.job.status == "failed"


def test_after_a_day_the_file_is_gone(cast: Cast, make_customer: Callable[..., Any]) -> None:
    make_customer()
    export = ask(cast)
    exports.write(export.pk, at=NOON)
    later = NOON + exports.KEPT
    with pytest.raises(exports.Expired):
        exports.fetch(export.public_id, actor=cast.auditor, at=later)
    assert exports.forget(at=later - timedelta(seconds=1)) == 0
    assert exports.forget(at=later) == 1
    export.refresh_from_db()
    assert (export.content, export.rows) == (None, 1)


def test_a_file_is_written_once(cast: Cast, make_customer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CHUNK", 2)
    made = {make_customer().public_id for _ in range(5)}
    export = ask(cast)
    assert exports.unfinished(at=NOON + timedelta(minutes=2)) == [export.pk]
    assert exports.write(export.pk, at=NOON) is not None
    assert exports.write(export.pk, at=NOON + exports.LEASE * 2) is None
    _export, content = exports.fetch(export.public_id, actor=cast.auditor, at=NOON)
    assert {row[0].split()[0] for row in table(content)[1:]} == made
    assert exports.unfinished(at=NOON + exports.LEASE * 2) == []


@pytest.mark.parametrize("bad", ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "\t=1", "\r=1", "＝1"])
def test_no_cell_is_a_formula(bad: str) -> None:
    assert table_files.safe(bad) == "'" + bad


@pytest.mark.parametrize("good", ["", "王*", "-12.50", "1,234.00", "C-22222222X", "2026-03-02"])
def test_a_plain_cell_stays_as_it_is(good: str) -> None:
    assert table_files.safe(good) == good


@given(text(max_size=30))
def test_no_text_begins_a_formula(anything: str) -> None:
    cell = table_files.safe(anything)
    assert cell[:1] not in tuple("=@\t\r") and (cell[:1] not in tuple("+-") or table_files.PLAIN_NUMBER.fullmatch(cell))
