"""Filing packs: made by a job, whole and hashed, the person masked where the signature is not needed, opened on the record."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from collection import packs
from collection.models import Contact, FilingPack
from collection.packs import NoPack
from crm.lib.errors import Invalid
from ledger.models import Entry
from tests.collection.conftest import Floor
from tests.collection.court_rows import action

AT = datetime(2026, 7, 11, 4, tzinfo=UTC)


@pytest.fixture
def row(floor: Floor, storage: Any) -> Any:
    return action(floor.case(date(2026, 7, 10)), by=floor.cast.collector, at=AT, status="pre_action")


def made(row: Any, floor: Floor) -> FilingPack:
    pack = packs.ask(row, reason="向法院立案", actor=floor.cast.collections_supervisor, at=AT)
    for _twice in range(2):
        packs.run(pack.pk, clock=lambda: AT)
    pack.refresh_from_db()
    return pack


def test_a_pack_is_whole_and_its_index_names_each_part_by_its_hash(row: Any, floor: Floor) -> None:
    pack = made(row, floor)
    content = packs.opened(pack, actor=floor.cast.collections_supervisor, at=AT)
    assert hashlib.sha256(content).hexdigest() == pack.sha256 and pack.job.kind == packs.JOB_KIND
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    index = json.loads(parts.pop("index.json"))
    assert {one["name"]: one["sha256"] for one in index} == {name: hashlib.sha256(body).hexdigest() for name, body in parts.items()}
    loan = row.case.debts.get().loan.public_id
    assert {f"{loan}/movements.csv", f"{loan}/instalments.csv", "contacts.csv", "limitation.csv"} <= set(parts)
    customer = row.case.customer
    for name, body in parts.items():
        if not name.endswith(".pdf"):
            assert customer.name.encode() not in body and customer.mobile.encode() not in body, name


def test_its_tables_speak_to_the_court_and_by_the_lenders_clock(row: Any, floor: Floor) -> None:
    worker = floor.cast.collector
    Contact.objects.create(
        case=row.case, channel="call", outcome="no_answer", actor=worker, at=AT, next_action="call", next_action_on=AT.date()
    )
    tables = {
        name: list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
        for name, body in packs.contents(made(row, floor), at=AT)
        if name.endswith(".csv")
    }
    heads, *contacts = tables["contacts.csv"]
    assert heads == ["日期和时间 / Date and time", "编号 / Number", "债务人 / Debtor", "渠道 / Channel", "结果 / Outcome", "操作人 / By"]
    assert contacts[-1][0] == "2026-07-11 12:00+08:00"  # four in the morning by the world's clock
    assert contacts[-1][3:] == ["电话 / Call", "无人接听 / No answer", worker.public_id]
    loan = row.case.debts.get().loan.public_id
    assert "金额（元） / Amount, CNY" in tables[f"{loan}/movements.csv"][0]
    assert "逾期 / Overdue" in [each[-1] for each in tables[f"{loan}/instalments.csv"]]


def test_who_asked_made_and_opened_it_stands_on_record(row: Any, floor: Floor) -> None:
    pack = made(row, floor)
    packs.opened(pack, actor=floor.cast.collections_supervisor, at=AT)
    events = list(Entry.objects.filter(event__startswith="collections.pack.").order_by("pk").values_list("event", flat=True))
    assert events == ["collections.pack.ordered", "collections.pack.made", "collections.pack.opened"]
    assert "向法院立案" not in str(list(Entry.objects.values_list("facts", flat=True)))


def test_without_approval_reason_or_a_finished_job_there_is_none(row: Any, floor: Floor) -> None:
    with pytest.raises(Invalid):
        packs.ask(row, reason=" x ", actor=floor.cast.collections_supervisor, at=AT)
    waiting = packs.ask(row, reason="向法院立案", actor=floor.cast.collections_supervisor, at=AT)
    with pytest.raises(NoPack, match="not made yet"):
        packs.opened(waiting, actor=floor.cast.collections_supervisor, at=AT)
    row.status = "proposed"
    with pytest.raises(NoPack):
        packs.ask(row, reason="向法院立案", actor=floor.cast.collections_supervisor, at=AT)


def test_from_the_page(row: Any, floor: Floor, page_of: Any) -> None:
    supervisor = page_of(floor.cast.collections_supervisor)
    url = f"/collections/legal/{row.public_id}/"
    assert "Make the filing pack" in supervisor.get(url).text
    assert supervisor.post(f"{url}pack/", {"form_key": str(uuid4()), "reason": "向法院立案"}).status_code == 303
    pack = FilingPack.objects.get()
    packs.run(pack.pk, clock=lambda: AT)
    answer = supervisor.get(f"{url}packs/{pack.public_id}/")
    assert answer["Content-Type"] == "application/zip" and answer.content.startswith(b"PK")
