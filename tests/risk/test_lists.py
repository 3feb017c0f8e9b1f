"""The lists: what is kept of a value, who stands on them, what the engine is told."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.lib.errors import Invalid
from ledger import log
from risk import lists
from risk.models import ListEntry
from tests.fixtures.cast import NOON, Cast

ON = NOON.date()
MOBILE = "13800001234"


def put(cast: Cast, **changes: Any) -> ListEntry:
    told = {"list": "black", "what": "mobile", "value": MOBILE, "reason": "Lent under another name", "source": "own"}
    return lists.add(**told | changes, actor=cast.risk_manager, at=NOON)


def test_an_entry_keeps_fingerprint_and_mask_and_never_the_value(cast: Cast) -> None:
    entry = put(cast)
    kept = str(ListEntry.objects.values().get(pk=entry.pk))
    assert MOBILE not in kept
    assert entry.masked == "138****1234"
    told = log.history(entry).get()
    assert told.event == "risk.listentry.added"
    assert MOBILE not in str(told.facts)


@pytest.mark.parametrize("written", ["138 0000 1234", "+86-138-0000-1234", "１３８００００１２３４"])
def test_a_value_is_found_however_it_is_written(cast: Cast, written: str) -> None:
    put(cast)
    assert lists.facts({"mobile": written}, on=ON)["listed_black"] is True


def test_the_engine_is_told_the_lists_in_one_query(cast: Cast, django_assert_num_queries: Any) -> None:
    put(cast)
    put(cast, list="watch", what="employer", value="远航物流有限公司")
    with django_assert_num_queries(1):
        found = lists.facts({"mobile": MOBILE, "employer": "远航物流 有限公司", "address": None, "id_number": "nonsense"}, on=ON)
    assert found == {"listed_black": True, "listed_grey": False, "listed_watch": True}


def test_the_same_words_of_another_kind_are_another_value(cast: Cast) -> None:
    put(cast, what="employer", value="人民路1号")
    assert not any(lists.facts({"address": "人民路1号"}, on=ON).values())


def test_an_entry_counts_from_its_day_to_its_end_and_no_more_once_taken_off(cast: Cast) -> None:
    entry = put(cast, since=ON, until=ON + timedelta(days=10))
    for day, counts in ((ON - timedelta(days=1), False), (ON, True), (ON + timedelta(days=9), True), (ON + timedelta(days=10), False)):
        assert lists.facts({"mobile": MOBILE}, on=day)["listed_black"] is counts
    lists.end(entry, reason="Was a mistake", actor=cast.compliance, at=NOON)
    assert lists.facts({"mobile": MOBILE}, on=ON)["listed_black"] is False
    assert log.history(entry).count() == 2
    with pytest.raises(lists.AlreadyEnded):
        lists.end(entry, reason="Again", actor=cast.compliance, at=NOON)
    assert put(cast).pk != entry.pk  # may be put on again


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": "12345"}, "value"), ({"what": "id_number", "value": "310101199003070010"}, "value"), ({"what": "address", "value": "x"}, "value"),
        ({"list": "pink"}, "list"), ({"what": "shoe"}, "what"), ({"source": "rumour"}, "source"), ({"reason": " "}, "reason"),
        ({"until": date(2020, 1, 1)}, "until"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_by_its_field(cast: Cast, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        put(cast, **changes)
    assert field in refusal.value.fields
    assert not ListEntry.objects.exists()


def test_a_value_stands_on_a_list_once(cast: Cast) -> None:
    put(cast)
    with pytest.raises(lists.AlreadyListed):
        put(cast)
    assert put(cast, list="grey").list == "grey"


def test_a_file_adds_what_can_be_and_tells_the_other_rows(cast: Cast) -> None:
    rows = (
        "list,what,value,reason,source,since,until", "black,mobile,13800001234,Fraud,own,,", "black,mobile,13800001234,Again,own,,",
        "grey,mobile,nobody,Why,own,,", "grey,device,a-b-c-d-9,Emulator,own,2026-13-01,",
    )  # fmt: skip
    content = "\n".join(rows)
    done = lists.import_csv(content.encode(), actor=cast.risk_manager, at=NOON)
    assert done.added == 1
    assert [number for number, _ in done.problems] == [3, 4, 5]
    for wrong in (b"\xff\xfe\x00", b"a,b\n1,2\n"):
        with pytest.raises(Invalid):
            lists.import_csv(wrong, actor=cast.risk_manager, at=NOON)


# --- pages --------------------------------------------------------------------------------------------------------------
def test_the_pages_add_find_and_take_off(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    keeper = page_of(cast.risk_manager)
    told = {"list": "black", "what": "mobile", "value": MOBILE, "reason": "Lent under another name", "source": "own", "form_key": "k-1"}
    assert keeper.post("/risk/lists/new/", told).status_code == 303
    assert keeper.post("/risk/lists/new/", told | {"form_key": "k-2"}).status_code == 422
    text = keeper.get("/risk/lists/").content.decode()
    assert "138****1234" in text and MOBILE not in text
    found = keeper.post("/risk/lists/find/", {"what": "mobile", "value": "138 0000 1234"}).content.decode()
    assert "Lent under another name" in found
    assert "never did" in keeper.post("/risk/lists/find/", {"what": "mobile", "value": "13900001234"}).content.decode()
    entry = ListEntry.objects.get()
    assert keeper.post(f"/risk/lists/{entry.public_id}/end/", {"reason": "Was a mistake"}).status_code == 303
    assert "taken off" in keeper.get("/risk/lists/").content.decode()


def test_a_file_is_brought_in_on_its_page(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    file = SimpleUploadedFile("list.csv", b"list,what,value,reason,source\nblack,mobile,13800001234,Fraud,own\nblack,mobile,1,Fraud,own\n")
    text = page_of(cast.risk_manager).post("/risk/lists/import/", {"file": file}).content.decode()
    assert "1 row was added." in text and "Row 3" in text


def test_who_reads_does_not_keep(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    assert page_of(cast.underwriter).get("/risk/lists/").status_code == 200
    assert page_of(cast.underwriter).get("/risk/lists/new/").status_code == 403
    assert page_of(cast.loan_officer).get("/risk/lists/").status_code == 403


def test_the_list_costs_a_fixed_number_of_queries(cast: Cast, page_of: Callable[[Any], Client], django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        put(cast, value=f"138000012{number:02d}")
    client = page_of(cast.risk_manager)
    client.get("/risk/lists/")
    with django_assert_max_num_queries(10):
        assert client.get("/risk/lists/").status_code == 200
