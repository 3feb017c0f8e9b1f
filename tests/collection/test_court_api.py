"""Legal actions, filing packs, field visits and tracing over HTTP: the doors of the pages, with their refusals, and nothing of what is written in words."""

import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, now

from collection import packs
from collection.models import Case, FieldVisit, FilingPack, LegalAction, VisitPhoto
from customers import contacts
from customers.models import ContactAttempt
from governance.models import Rule
from ledger.models import Entry
from tests.collection.conftest import Floor, by_daylight
from tests.collection.court_rows import action, trace, visit
from tests.fixtures.cast import NOON

SCOPES = ("cases:read", "legal:read", "legal:write", "legal:decide", "visits:write", "traces:write")
Call = Callable[..., Any]


@pytest.fixture
def call(floor: Floor, api_of: Any) -> Call:
    """Return how somebody of a role calls: `call("collector", "visits/", case=…)`, or with `get=True` reads."""

    def send(role: str, path: str, *, get: bool = False, key: str = "", **body: Any) -> Any:
        if role not in clients:
            clients[role] = api_of(*SCOPES, user=getattr(floor.cast, role))
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        client = clients[role]
        return client.get(f"/api/v1/{path}") if get else client.post(f"/api/v1/{path}", body, format="json", **headers)

    clients: dict[str, Any] = {}
    return send


# --- court ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def due(floor: Floor) -> Case:
    row: Case = floor.case(date(2026, 7, 10))  # 99 days past due
    for code, value in (("lawyer_fee", {"flat": "0.00"}), ("court_fee", {"flat": "25.00"}), ("enforcement_fee", {"flat": "25.00"})):
        Rule.objects.filter(code=f"collections.legal.{code}").update(value=value)
    return row


def test_to_court_proposed_by_one_approved_by_another_and_told_in_the_diary(due: Case, call: Call) -> None:
    made = call("collector", "legal-actions/", key="to-court", case=due.public_id)
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["status"], row["case"], row["source"], row["spent"]) == ("proposed", due.public_id, "person", "0.00")
    assert call("collector", "legal-actions/", key="to-court", case=due.public_id).headers["Idempotent-Replay"] == "true"
    again = call("collector", "legal-actions/", case=due.public_id)
    assert (again.status_code, again.json()["code"]) == (409, "legal_under_way")
    url = f"legal-actions/{row['id']}/"
    assert call("collector", f"{url}approve/").status_code == 403
    approved = call("risk_manager", f"{url}approve/").json()
    assert (approved["status"], approved["next_what"]) == ("pre_action", "file")
    today = localdate(now()).isoformat()
    wrong = call("collections_supervisor", f"{url}diary/", to="filed", on=today)
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["court"])
    early = call("collections_supervisor", f"{url}diary/", to="filed", on=today, court="上海市黄浦区人民法院")
    assert (early.status_code, early.json()["code"]) == (409, "letter_first")
    noted = call("collections_supervisor", f"{url}diary/", to="pre_action", on=today, note="已联系律师")
    assert [line["stage"] for line in noted.json()["diary"]] == ["pre_action", "pre_action", "proposed"]
    assert "已联系律师" not in noted.content.decode(), "words go in and are not given out"
    paid = call("collections_supervisor", f"{url}costs/", kind="court", amount="50.00", on=today, reference="R-1")
    assert (paid.status_code, paid.json()["spent"]) == (201, "50.00")
    cost = paid.json()["costs"][0]["id"]
    back = call("collections_supervisor", f"{url}take-back/", cost=cost).json()
    assert (back["spent"], back["costs"][0]["reverses"]) == ("0.00", cost)
    unknown = call("collections_supervisor", f"{url}take-back/", cost="LC-22222222")
    assert (unknown.status_code, list(unknown.json()["errors"])) == (422, ["cost"])
    assert [one["id"] for one in call("collector", "legal-actions/?status=pre_action", get=True).json()["results"]] == [row["id"]]
    assert call("collector", "legal-actions/?status=ended", get=True).json()["results"] == []


def test_nobody_decides_what_they_proposed(due: Case, call: Call) -> None:
    row = call("collections_supervisor", "legal-actions/", case=due.public_id).json()
    own = call("collections_supervisor", f"legal-actions/{row['id']}/refuse/")
    assert (own.status_code, own.json()["code"]) == (403, "own_proposal")
    assert call("risk_manager", f"legal-actions/{row['id']}/refuse/").json()["status"] == "refused"


def test_a_filing_pack_is_ordered_then_opened_on_the_record(due: Case, call: Call, floor: Floor, storage: Any) -> None:
    proposed = action(due, by=floor.cast.collector, at=NOON)
    early = call("collections_supervisor", "filing-packs/", action=proposed.public_id, reason="向法院立案")
    assert (early.status_code, early.json()["code"]) == (409, "no_pack")
    LegalAction.objects.update(status="pre_action", decided_at=NOON)
    made = call("collections_supervisor", "filing-packs/", action=proposed.public_id, reason="向法院立案").json()
    assert (made["job"], made["made_at"], "reason" in made) == ("waiting", None, False)
    url = f"filing-packs/{made['id']}/"
    waits = call("collections_supervisor", f"{url}file/", get=True)
    assert (waits.status_code, waits.json()["code"]) == (409, "no_pack")
    packs.run(FilingPack.objects.get().pk, clock=lambda: NOON)
    done = call("collector", url, get=True).json()
    assert done["job"] == "done" and "contacts.csv" in [part["name"] for part in done["index"]]
    assert call("collector", f"{url}file/", get=True).status_code == 403
    paper = call("collections_supervisor", f"{url}file/", get=True)
    assert (paper["Content-Type"], paper["Cache-Control"]) == ("application/zip", "no-store")
    assert "index.json" in zipfile.ZipFile(BytesIO(paper.content)).namelist()
    assert Entry.objects.filter(event="collections.pack.opened").count() == 1


# --- the door ------------------------------------------------------------------------------------------------------
def test_a_visit_from_asking_to_its_result(floor: Floor, call: Call) -> None:
    case = floor.case()
    by_daylight()
    made = call("collector", "visits/", case=case.public_id, why="talk")
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["status"], row["area"], "人民路" in made.content.decode()) == ("wanted", "上海市浦东新区", False)
    url = f"visits/{row['id']}/"
    people = {name: getattr(floor.cast, name).public_id for name in ("collector", "second_collector")}
    case.customer.refresh_from_db()
    day = now().astimezone(contacts.zone_of(case.customer)).date()
    plan = {"on": day.isoformat(), "opens": "09:00", "closes": "20:00", "first": people["collector"], "second": people["second_collector"]}
    assert call("collector", f"{url}plan/", **plan).status_code == 403
    alone = call("collections_supervisor", f"{url}plan/", **plan | {"second": people["collector"]})
    assert (alone.status_code, list(alone.json()["errors"])) == (422, ["second"])
    stranger = call("collections_supervisor", f"{url}plan/", **plan | {"first": floor.cast.west_collector.public_id})
    assert (stranger.status_code, list(stranger.json()["errors"])) == (422, ["first"])
    night = call("collections_supervisor", f"{url}plan/", **plan | {"opens": "05:00"})
    assert (night.status_code, night.json()["code"]) == (422, "visit_not_then")
    assert call("collections_supervisor", f"{url}plan/", **plan).json()["status"] == "planned"
    other = call("collections_supervisor", f"{url}begin/")
    assert (other.status_code, other.json()["code"]) == (403, "visit_not_yours")
    assert call("collector", f"{url}begin/").json()["status"] == "begun"
    end = {"outcome": "not_met", "next_action": "call", "next_action_on": (day + timedelta(days=2)).isoformat(), "note": "家中无人"}
    waits = call("collector", f"{url}finish/", **end)
    assert (waits.status_code, waits.json()["code"]) == (409, "visit_alone")
    assert call("second_collector", f"{url}join/").json()["joined_at"]
    place = call("collector", f"{url}finish/", **end, location="31.2304, 121.4737")
    assert (place.status_code, list(place.json()["errors"])) == (422, ["consented"])
    VisitPhoto.objects.create(
        visit=FieldVisit.objects.get(), kind="door", media_type="image/jpeg", size=9, sha256="0" * 64, storage_key="none",
        added_by=floor.cast.collector, added_at=NOON,
    )  # fmt: skip
    done = call("collector", f"{url}finish/", **end)
    assert done.status_code == 200, done.content
    told = done.json()
    assert (told["status"], told["outcome"], [photo["kind"] for photo in told["photos"]]) == ("done", "not_met", ["door"])
    assert "家中无人" not in done.content.decode() and "storage" not in done.content.decode()


def test_a_visit_is_called_off_by_who_plans(floor: Floor, call: Call) -> None:
    row = visit(floor.case(), by=floor.cast.collector, at=NOON)
    url = f"visits/{row.public_id}/cancel/"
    assert call("collector", url).status_code == 403
    assert call("collections_supervisor", url).json()["status"] == "cancelled"
    again = call("collections_supervisor", url)
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")


# --- who is lost ---------------------------------------------------------------------------------------------------
def test_tracing_for_a_purpose_and_what_it_came_to(floor: Floor, call: Call) -> None:
    case = floor.case()
    by_daylight()
    ask = {"case": case.public_id, "purpose": "collect", "basis": "contract", "reason": "号码已停用"}
    reached = call("collector", "traces/", **ask)
    assert (reached.status_code, reached.json()["code"]) == (409, "trace_not_lost")
    contacts.bar_number(case.customer, actor=floor.cast.collector, at=now())
    wrong = call("collector", "traces/", **ask | {"basis": "not_personal"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["basis"])
    row = call("collector", "traces/", **ask).json()
    assert (row["status"], row["shown"], row["purpose"]) == ("open", "barred", "collect")
    url = f"traces/{row['id']}/"
    off = call("collector", f"{url}look/", source="number_repair")
    assert (off.status_code, off.json()["code"]) == (409, "trace_source_off")
    assert call("collector", f"{url}look/", source="own_files").json()["looks"][0]["seen"] == {"files": 0, "mobile": 0, "address": 0}
    entered = call("collector", f"{url}finds/", kind="mobile", value="13911112222", source="returned_contact")
    assert entered.status_code == 201, entered.content
    [one] = entered.json()["finds"]
    assert one["status"] == "unverified" and "13911112222" not in entered.content.decode()
    early = call("collector", f"{url}decide/", find=one["id"], right=True)
    assert (early.status_code, early.json()["code"]) == (409, "trace_not_tried")
    tried = call("collector", f"{url}try/", find=one["id"])
    assert tried.json() == {"find": one["id"], "kind": "mobile", "value": "13911112222"}
    assert ContactAttempt.objects.filter(customer=case.customer, channel="call").count() == 1, "it is counted"
    assert call("collector", f"{url}decide/", find=one["id"], right=True).json()["finds"][0]["status"] == "confirmed"
    assert call("collector", f"{url}end/").json()["status"] == "found"
    assert "13911112222" not in call("compliance", url, get=True).content.decode()


def test_lists_cost_the_same_for_one_and_many(floor: Floor, call: Call) -> None:
    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert call("collector", path, get=True).status_code == 200
        return len(found)

    for _turn in range(2):
        floor.desk.loan()
    floor.close(date(2026, 4, 10))
    one, *others = Case.objects.order_by("pk")
    paths = ("legal-actions/", "visits/", "traces/")
    for make in (action, visit, trace):
        make(one, by=floor.cast.collector, at=NOON)
    call("collector", "cases/", get=True)
    before = [asked(path) for path in paths]
    for make in (action, visit, trace):
        for other in others:
            make(other, by=floor.cast.collector, at=NOON)
    assert [asked(path) for path in paths] == before
