"""The lists: what is kept of a value, who stands on them, what the engine is told."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from crm.lib.errors import Invalid, NotAllowed, Stale
from governance import changes
from governance.lifecycle import IllegalMove, MovedMeanwhile
from ledger import log
from risk import list_changes, lists
from risk.models import ListEntry
from tests.fixtures.cast import NOON, Cast

ON = NOON.date()
MOBILE = "13800001234"


def put(cast: Cast, **changes: Any) -> ListEntry:
    return lists.put(lists.checked(**told(**changes), at=NOON), actor=cast.risk_manager, at=NOON)


def told(**changes: Any) -> dict[str, Any]:
    return {"list": "black", "what": "mobile", "value": MOBILE, "reason": "Lent under another name", "source": "own"} | changes


def test_an_entry_keeps_fingerprint_and_mask_and_never_the_value(cast: Cast) -> None:
    entry = put(cast)
    kept = str(ListEntry.objects.values().get(pk=entry.pk))
    assert MOBILE not in kept
    assert entry.masked == "138****1234"
    noted = log.history(entry).get()
    assert noted.event == "risk.listentry.added"
    assert MOBILE not in str(noted.facts)


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


FILE = "\n".join((
    "list,what,value,reason,source,since,until", "black,mobile,13800001234,Fraud,own,,", "black,mobile,138 0000 1234,Again,own,,",
    "grey,mobile,nobody,Why,own,,", "grey,device,a-b-c-d-9,Emulator,own,2026-13-01,", "grey,employer,鸿运商务咨询,Forged payslips,partner,,2027-01-01",
    "black,mobile,13900009999,Known,own,,",
))  # fmt: skip


def test_a_file_gives_the_rows_that_can_be_and_a_sentence_for_each_other(cast: Cast) -> None:
    put(cast, value="13900009999")
    read = lists.read_csv(FILE.encode(), at=NOON)
    assert [number for number, _row in read.rows] == [2, 6]
    problems = dict(read.problems)
    assert list(problems) == [3, 4, 5, 7]
    assert "row 2" in problems[3] and "2026-11-23" in problems[5] and "already" in problems[7]
    for wrong in (b"\xff\xfe\x00", b"a,b\n1,2\n", b"list,what,value,reason,source\n"):
        with pytest.raises(Invalid):
            lists.read_csv(wrong, at=NOON)


# --- four eyes -----------------------------------------------------------------------------------------------------------
def test_a_value_counts_once_a_second_person_has_confirmed_it_and_not_before(cast: Cast) -> None:
    asked = list_changes.propose(**told(), actor=cast.risk_manager, at=NOON)
    assert MOBILE not in str(asked.after) and not ListEntry.objects.exists()
    assert lists.facts({"mobile": MOBILE}, on=ON)["listed_black"] is False
    with pytest.raises(changes.AlreadyProposed):
        list_changes.propose(**told(), actor=cast.compliance, at=NOON)
    with pytest.raises(changes.OwnChange):
        changes.confirm(asked, actor=cast.risk_manager, at=NOON)
    with pytest.raises(NotAllowed):
        changes.confirm(asked, actor=cast.risk_analyst, at=NOON)
    changes.confirm(asked, actor=cast.compliance, at=NOON)
    entry = ListEntry.objects.get()
    assert (entry.added_by, entry.confirmed_by, entry.masked) == (cast.risk_manager, cast.compliance, "138****1234")
    assert lists.facts({"mobile": MOBILE}, on=ON)["listed_black"] is True
    with pytest.raises(lists.AlreadyListed):
        list_changes.propose(**told(), actor=cast.compliance, at=NOON)


def test_a_refused_proposal_leaves_no_trace_on_the_list(cast: Cast) -> None:
    changes.refuse(list_changes.propose(**told(), actor=cast.risk_manager, at=NOON), actor=cast.compliance, at=NOON, answer="No evidence")
    assert not ListEntry.objects.exists()
    assert list_changes.propose(**told(), actor=cast.risk_manager, at=NOON).status == "open"


def test_taking_off_needs_a_second_person_too(cast: Cast) -> None:
    entry = put(cast)
    asked = list_changes.propose_end(entry, reason="Was a mistake", actor=cast.compliance, at=NOON)
    assert lists.facts({"mobile": MOBILE}, on=ON)["listed_black"] is True
    changes.confirm(asked, actor=cast.risk_manager, at=NOON)
    entry.refresh_from_db()
    assert (entry.ended_by, entry.end_confirmed_by, entry.end_reason) == (cast.compliance, cast.risk_manager, "Was a mistake")
    assert lists.facts({"mobile": MOBILE}, on=ON)["listed_black"] is False
    with pytest.raises(lists.AlreadyEnded):
        list_changes.propose_end(entry, reason="Again", actor=cast.compliance, at=NOON)


def test_an_entry_that_was_taken_off_meanwhile_makes_its_proposal_stale(cast: Cast) -> None:
    entry = put(cast)
    asked = list_changes.propose_end(entry, reason="Was a mistake", actor=cast.compliance, at=NOON)
    lists.end(entry, reason="Faster", actor=cast.risk_manager, at=NOON)
    with pytest.raises(Stale):
        changes.confirm(asked, actor=cast.risk_manager, at=NOON)


def test_a_file_waits_as_one_and_puts_on_what_does_not_stand_there_by_then(cast: Cast, django_assert_max_num_queries: Any) -> None:
    rows = [lists.checked(**told(value=f"138000012{number:02d}"), at=NOON) for number in range(60)]
    asked = list_changes.propose_file(rows, reason="Register of the police, November", actor=cast.risk_manager, at=NOON)
    assert not ListEntry.objects.exists()
    put(cast, value="13800001207")
    with django_assert_max_num_queries(30):  # however many rows
        changes.confirm(asked, actor=cast.compliance, at=NOON)
    assert ListEntry.objects.count() == 60
    entry = ListEntry.objects.exclude(confirmed_by=None).order_by("pk")[0]
    assert log.history(entry).get().event == "risk.listentry.added"
    assert len(changes.lines(asked)) == 1 + 60


def test_of_two_who_confirm_one_puts_it_on(cast: Cast) -> None:
    asked = list_changes.propose(**told(), actor=cast.risk_manager, at=NOON)
    changes.confirm(asked, actor=cast.compliance, at=NOON)
    with pytest.raises((MovedMeanwhile, IllegalMove, Stale)):
        changes.confirm(type(asked).objects.get(pk=asked.pk), actor=cast.compliance, at=NOON)
    assert ListEntry.objects.count() == 1


# --- pages --------------------------------------------------------------------------------------------------------------
def test_the_pages_propose_find_and_take_off(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    keeper, second = page_of(cast.risk_manager), page_of(cast.compliance)
    form = told(form_key="k-1")
    assert keeper.post("/risk/lists/new/", form).status_code == 303
    asked = list_changes.waiting().get()
    waits = keeper.get("/risk/lists/").content.decode()
    assert asked.public_id in waits and "138****1234" in waits and MOBILE not in waits
    page = second.get(reverse("change", args=[asked.public_id])).content.decode()
    assert "138****1234" in page and "Lent under another name" in page
    changes.confirm(asked, actor=cast.compliance, at=now())
    assert keeper.post("/risk/lists/new/", form | {"form_key": "k-2"}).status_code == 422
    found = keeper.post("/risk/lists/find/", {"what": "mobile", "value": "138 0000 1234"}).content.decode()
    assert "Lent under another name" in found
    assert "never did" in keeper.post("/risk/lists/find/", {"what": "mobile", "value": "13900001234"}).content.decode()
    entry = ListEntry.objects.get()
    assert keeper.post(f"/risk/lists/{entry.public_id}/end/", {"reason": "Was a mistake"}).status_code == 303
    changes.confirm(list_changes.waiting().get(), actor=cast.compliance, at=now())
    assert "taken off" in keeper.get("/risk/lists/").content.decode()


def test_a_file_is_brought_in_on_its_page(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    file = SimpleUploadedFile("list.csv", FILE.encode())
    text = page_of(cast.risk_manager).post("/risk/lists/import/", {"file": file, "reason": "Police register"}).content.decode()
    asked = list_changes.waiting().get()
    assert "3 rows wait" in text and "Row 4" in text and asked.public_id in text
    again = SimpleUploadedFile("list.csv", FILE.encode())
    assert page_of(cast.risk_manager).post("/risk/lists/import/", {"file": again, "reason": "Twice"}).status_code == 409


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
