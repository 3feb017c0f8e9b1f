"""Field visits: two persons, the hours of law, house and debtor, the address on the day, the gate at the door, photographs without metadata."""

import struct
import zlib
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from threading import Thread
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from collection import cases, checks, complaints, contacts, photo_clean, visits
from collection.judgement import Part
from collection.models import Case, Contact, FieldVisit
from collection.visits import NotThen, NotToday, NotYours, NoVisit, VisitAlone, VisitUnderWay
from credit import exposure
from crm.lib.errors import Invalid
from customers import contact_windows
from customers import contacts as customer_contacts
from customers.contacts import NotNow
from customers.models import ContactAttempt, ContactVerdict
from governance import files
from governance.lifecycle import IllegalMove
from ledger.models import Entry
from tests.collection.conftest import Floor

AT = datetime(2026, 4, 11, 4, tzinfo=UTC)  # noon in Shanghai
TODAY = AT.date()


@pytest.fixture
def case(floor: Floor) -> Case:
    row: Case = floor.case()
    return row


def wanted(case: Case, floor: Floor) -> FieldVisit:
    return visits.want(case, why="talk", actor=floor.cast.collector, at=AT)


def planned(case: Case, floor: Floor, **changes: Any) -> FieldVisit:
    values: dict[str, Any] = {
        "on": TODAY, "opens": time(11), "closes": time(14), "first": floor.cast.collector, "second": floor.cast.second_collector,
        "actor": floor.cast.collections_supervisor, "at": AT,
    }  # fmt: skip
    return visits.plan(wanted(case, floor), **values | changes)


def begun(case: Case, floor: Floor) -> FieldVisit:
    row = visits.begin(planned(case, floor), actor=floor.cast.collector, at=AT)
    return visits.join(row, actor=floor.cast.second_collector, at=AT)


def finish(row: FieldVisit, floor: Floor, **changes: Any) -> FieldVisit:
    values: dict[str, Any] = {
        "outcome": "not_met", "next_action": "call", "next_action_on": TODAY + timedelta(days=2), "actor": floor.cast.collector, "at": AT,
    }  # fmt: skip
    return visits.finish(row, **values | changes)


# --- wanting and planning ------------------------------------------------------------------------------------------
def test_only_the_district_lies_open_and_one_is_under_way(case: Case, floor: Floor) -> None:
    row = wanted(case, floor)
    assert row.area == "上海市浦东新区" and "人民路" not in str(vars(row))
    with pytest.raises(VisitUnderWay):
        wanted(case, floor)


@pytest.mark.parametrize(
    ("address", "area"),
    [("上海市浦东新区人民路1号", "上海市浦东新区"), ("浙江省杭州市西湖区文三路9号", "浙江省杭州市西湖区"), ("江苏省昆山市前进路", "江苏省昆山市"),
     ("somewhere", ""), (None, "")],
)  # fmt: skip
def test_the_area_of_an_address(address: str | None, area: str) -> None:
    assert visits.area_of(address) == area


def test_two_different_persons_whom_no_complaint_keeps_away(case: Case, floor: Floor) -> None:
    cast = floor.cast
    with pytest.raises(Invalid) as alone:
        planned(case, floor, second=cast.collector)
    assert "second" in alone.value.fields
    row = FieldVisit.objects.get() if FieldVisit.objects.exists() else wanted(case, floor)
    filed = complaints.file(
        case, kind="manner", about=cast.second_collector, is_complex=False, channel="inbound", owner=cast.compliance,
        actor=cast.collections_supervisor, at=AT,
    )  # fmt: skip
    told: dict[str, Any] = {"on": TODAY, "opens": time(11), "closes": time(14), "actor": cast.collections_supervisor, "at": AT}
    with pytest.raises(NoVisit, match="complaint is open"):
        visits.plan(row, first=cast.collector, second=cast.second_collector, **told)
    complaints.decide(filed, outcome="upheld", answer="x", actor=cast.compliance, at=AT)
    with pytest.raises(Invalid) as frozen:
        visits.plan(row, first=cast.collector, second=cast.second_collector, **told)
    assert "second" in frozen.value.fields
    with pytest.raises(Invalid) as stranger:
        visits.plan(row, first=cast.collector, second=cast.west_collector, **told)
    assert "second" in stranger.value.fields


def test_nobody_is_at_two_doors_at_once(floor: Floor) -> None:
    loans = [floor.desk.loan() for _number in range(2)]
    floor.close(TODAY - timedelta(days=1))
    one, other = (Case.objects.get(customer=loan.customer) for loan in loans)
    planned(one, floor)
    with pytest.raises(Invalid) as refused:
        planned(other, floor, opens=time(13), closes=time(15))
    assert set(refused.value.fields) == {"first", "second"}
    FieldVisit.objects.filter(case=other).delete()
    assert planned(other, floor, opens=time(14), closes=time(15)).status == "planned"


@pytest.mark.parametrize(
    ("opens", "closes", "says"),
    [
        (time(8, 30), time(10), "The house visits from 09:00 to 20:00"),
        (time(19), time(20, 30), "The house visits"),
        (time(10), time(12), ""),
    ],
)
def test_the_house_s_hours(case: Case, floor: Floor, opens: time, closes: time, says: str) -> None:
    tomorrow = TODAY + timedelta(days=1)
    if not says:
        assert planned(case, floor, on=tomorrow, opens=opens, closes=closes).status == "planned"
        return
    with pytest.raises(NotThen, match=says):
        planned(case, floor, on=tomorrow, opens=opens, closes=closes)


def test_hours_the_debtor_asked_to_be_left_out_are_refused_even_in_part(case: Case, floor: Floor) -> None:
    contact_windows.agree(
        case.customer, kind="left_out", opens=time(12), closes=time(13), since=TODAY, source="letter", evidence="x", actor=floor.cast.collector,
        at=AT,
    )  # fmt: skip
    tomorrow = TODAY + timedelta(days=1)
    with pytest.raises(NotThen, match="asked not to be contacted"):
        planned(case, floor, on=tomorrow, opens=time(10), closes=time(14))
    FieldVisit.objects.all().delete()
    assert planned(case, floor, on=tomorrow, opens=time(13), closes=time(14)).status == "planned"


def test_the_hours_are_those_where_the_debtor_lives(case: Case, floor: Floor) -> None:
    type(case.customer).objects.filter(pk=case.customer_id).update(zone="Asia/Urumqi")
    row = planned(case, floor, opens=time(10, 30), closes=time(11))
    with pytest.raises(NotToday, match="10:30 to 11:00"):
        visits.begin(row, actor=floor.cast.collector, at=AT)  # ten o'clock there
    assert visits.begin(row, actor=floor.cast.collector, at=AT + timedelta(minutes=45)).status == "begun"


def test_nobody_goes_to_the_dead_the_vulnerable_or_past_a_pause(case: Case, floor: Floor) -> None:
    cases.pause(case, reason="other", until=TODAY + timedelta(days=3), actor=floor.cast.collector, at=AT)
    with pytest.raises(cases.CasePaused):
        wanted(case, floor)
    cases.resume(case, actor=floor.cast.collector, at=AT)
    customer_contacts.bar(case.customer, channel="call", reason="deceased", actor=floor.cast.collector, at=AT)
    with pytest.raises(NoVisit, match="has died"):
        wanted(case, floor)


# --- at the door ---------------------------------------------------------------------------------------------------
def test_the_address_opens_to_the_two_on_the_day_and_stands_on_record(case: Case, floor: Floor) -> None:
    row = planned(case, floor)
    assert visits.address_of(row, actor=floor.cast.collector, at=AT) == case.customer.address
    seen = Entry.objects.filter(event="customers.customer.revealed", customer_id=case.customer_id).latest("pk")
    assert (seen.facts["field"], seen.facts["purpose"], seen.actor_id) == ("address", "collections", floor.cast.collector.pk)
    with pytest.raises(NotYours):
        visits.address_of(row, actor=floor.cast.collections_supervisor, at=AT)
    for days in (-1, 1):
        with pytest.raises(NotToday):
            visits.address_of(row, actor=floor.cast.collector, at=AT + timedelta(days=days))


def test_the_gate_is_asked_at_the_door_and_counts_the_visit_once(case: Case, floor: Floor) -> None:
    row = begun(case, floor)
    attempt = ContactAttempt.objects.get(channel="visit")
    assert row.attempt_id == attempt.pk
    row = finish(row, floor)
    contact = Contact.objects.get()
    assert (row.status, row.contact_id, contact.attempt_id, contact.channel) == ("done", contact.pk, attempt.pk, "visit")
    assert ContactAttempt.objects.filter(channel="visit").count() == 1


def test_what_the_gate_refuses_at_the_door_counts_for_nothing(case: Case, floor: Floor) -> None:
    row = planned(case, floor)
    customer_contacts.bar(case.customer, channel="visit", reason="stop", actor=floor.cast.collector, at=AT)
    with pytest.raises(NotNow) as refused:
        visits.begin(row, actor=floor.cast.collector, at=AT)
    refused.value.remember()
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.status, case.claimed_by, ContactAttempt.objects.count()) == ("planned", None, 0)
    assert ContactVerdict.objects.latest("pk").verdict == "block"


def test_nobody_writes_a_visit_down_alone(case: Case, floor: Floor) -> None:
    cast = floor.cast
    row = visits.begin(planned(case, floor), actor=cast.collector, at=AT)
    with pytest.raises(VisitAlone):
        finish(row, floor)
    for actor in (cast.collector, cast.collections_supervisor):
        with pytest.raises(NotYours):
            visits.join(row, actor=actor, at=AT)
    visits.join(row, actor=cast.second_collector, at=AT)
    with pytest.raises(NotYours):
        finish(row, floor, actor=cast.second_collector)
    assert finish(row, floor).joined_at == AT
    with pytest.raises(IllegalMove):
        finish(row, floor)


def test_a_visit_is_not_logged_past_its_page(case: Case, floor: Floor) -> None:
    cases.claim(case, actor=floor.cast.collector, at=AT)
    with pytest.raises(Invalid) as refused:
        contacts.log_contact(
            case, channel="visit", outcome="not_met", next_action="call", next_action_on=TODAY, actor=floor.cast.collector, at=AT
        )
    assert "channel" in refused.value.fields


def test_a_promise_at_the_door_needs_the_person_confirmed(case: Case, floor: Floor) -> None:
    row, day = begun(case, floor), TODAY + timedelta(days=5)
    told: dict[str, Any] = {"outcome": "promise", "promise": [Part(day, Decimal("50.00"))]}
    with pytest.raises(Invalid) as refused:
        finish(row, floor, **told)
    assert "outcome" in refused.value.fields
    customer = case.customer
    answers = {"id_last4": customer.id_number[-4:], "birth_year": str(customer.born_on.year)}
    checks.confirm(case, answers=answers, actor=floor.cast.collector, at=AT)
    assert finish(row, floor, **told).outcome == "promise"


def test_an_address_of_somebody_else_is_barred_for_visits_and_letters(case: Case, floor: Floor) -> None:
    finish(begun(case, floor), floor, outcome="wrong_number")
    assert {"visit", "letter"} <= customer_contacts.bars_of([case.customer_id])[case.customer_id]


def test_the_place_is_kept_only_by_consent_and_sealed(case: Case, floor: Floor) -> None:
    row = begun(case, floor)
    with pytest.raises(Invalid) as refused:
        finish(row, floor, location="31.2304, 121.4737")
    assert "consented" in refused.value.fields
    row = finish(row, floor, location="31.2304, 121.4737", consented=True)
    kept = FieldVisit.objects.get(pk=row.pk)
    assert (kept.location, kept.consent_text) == ("31.2304, 121.4737", visits.CONSENT)


def test_what_was_not_carried_out_is_put_down_by_the_night(case: Case, floor: Floor) -> None:
    row = planned(case, floor)
    assert visits.sweep(floor.cast.entity, at=AT + timedelta(hours=6)) == 0
    assert visits.sweep(floor.cast.entity, at=AT + timedelta(days=1)) == 1
    row.refresh_from_db()
    assert row.status == "missed" and visits.want_for([case.pk], at=AT + timedelta(days=1)) == {case.pk: ""}


def test_a_step_of_treatment_asks_for_all_visits_at_once(floor: Floor) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.collection.many import many_cases

    def asked(number: int) -> tuple[int, set[str]]:
        rows = many_cases(floor, number * 2)
        visits.want(rows[0], why="talk", actor=floor.cast.collections_supervisor, at=AT)
        Case.objects.filter(pk=rows[1].pk).update(status="closed", close_reason="cured", closed_on=AT.date())
        with CaptureQueriesContext(connection) as questions:
            found = visits.want_for([row.pk for row in rows], at=AT)
        wanted = FieldVisit.objects.filter(case__in=rows[2:], source="treatment", status="wanted")
        assert wanted.count() == len(rows) - 2 and set(wanted.values_list("area", flat=True)) != {""}
        assert found == {row.pk: "" for row in rows} | {rows[0].pk: "visit_under_way", rows[1].pk: "case_closed"}
        return len(questions), set(found.values())

    assert asked(2) == asked(6)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_begin_at_once_one_wins_and_it_is_counted_once(floor: Floor) -> None:
    from django.db import connection

    case = floor.case()
    row = planned(case, floor)
    results: list[str] = []

    def go(actor: Any) -> None:
        try:
            visits.begin(FieldVisit.objects.get(pk=row.pk), actor=actor, at=AT)
            results.append("begun")
        except (IllegalMove, cases.Taken) as refused:
            results.append(refused.code)
        finally:
            connection.close()

    threads = [Thread(target=go, args=(actor,)) for actor in (floor.cast.collector, floor.cast.second_collector)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results)[0] == "begun" and len(results) == 2 and results.count("begun") == 1
    assert ContactAttempt.objects.filter(channel="visit").count() == 1


# --- photographs ---------------------------------------------------------------------------------------------------
def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


PICTURE = segment(0xDB, b"\x00" * 65) + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
EXIF = segment(0xE1, b"Exif\x00\x00GPS 31.2304 N 121.4737 E")


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png() -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    told = chunk(b"eXIf", b"GPS 31.2304") + chunk(b"tEXt", b"Location\x0031.2304") + chunk(b"tIME", b"\x07\xea\x04\x0b\x0c\x00\x00")
    return photo_clean.SIGNATURE + head + told + chunk(b"IDAT", zlib.compress(b"\x00\x00")) + chunk(b"IEND", b"") + b"31.2304 behind"


def test_what_a_camera_wrote_beside_a_jpeg_goes_and_the_picture_stays() -> None:
    jfif = segment(0xE0, b"JFIF\x00\x01\x02")
    full = b"\xff\xd8" + jfif + EXIF + segment(0xFE, b"31.2304") + segment(0xED, b"31.2304") + PICTURE + b"\xff\xd9" + b"31.2304" * 9
    assert photo_clean.jpeg(full) == b"\xff\xd8" + jfif + PICTURE + b"\xff\xd9"


def test_what_a_camera_wrote_beside_a_png_goes_and_the_picture_stays() -> None:
    clean = photo_clean.png(png())
    assert b"31.2304" not in clean and b"IDAT" in clean and clean.endswith(chunk(b"IEND", b""))


@pytest.mark.parametrize(
    "broken", [b"\xff\xd8" + EXIF, b"\xff\xd8" + PICTURE, b"\xff\xd8\x00\x00", b"\xff\xd8" + EXIF[:9], b"\xff\xd8" + b"\xff\xe1"]
)
def test_a_torn_jpeg_is_refused_never_kept_with_its_metadata(broken: bytes) -> None:
    with pytest.raises(photo_clean.Broken):
        photo_clean.jpeg(broken)


def test_photographs_are_kept_clean_and_sealed_and_other_files_refused(case: Case, floor: Floor, storage: Any) -> None:
    row = begun(case, floor)
    stored = visits.keep_photo(png())
    made = visits.add_photo(row, stored=stored, kind="door", actor=floor.cast.second_collector, at=AT)
    assert b"31.2304" not in visits.opened(made, actor=floor.cast.collections_supervisor, at=AT)
    with pytest.raises(NotYours):
        visits.add_photo(row, stored=stored, kind="door", actor=floor.cast.collections_supervisor, at=AT)
    with pytest.raises(Invalid, match="there already"):
        visits.add_photo(row, stored=stored, kind="door", actor=floor.cast.collector, at=AT)
    for content in (b"%PDF-1.7" + b"x" * 64, b"\x00\x00\x00\x18ftypheic" + b"x" * 64, png()[:60]):
        with pytest.raises(files.NotThisFile):
            visits.keep_photo(content)


# --- pages ---------------------------------------------------------------------------------------------------------
def test_from_the_case_to_the_route_and_the_door(floor: Floor, page_of: Any) -> None:
    from django.utils.timezone import now

    from tests.collection.conftest import by_daylight

    case, cast = floor.case(), floor.cast
    by_daylight()
    collector, second, supervisor = page_of(cast.collector), page_of(cast.second_collector), page_of(cast.collections_supervisor)
    panel = f"/collections/cases/{case.public_id}/visits/"
    assert "Ask for a field visit" in collector.get(panel).text
    told = {"form_key": str(uuid4()), "why": "talk"}
    assert collector.post(f"/collections/cases/{case.public_id}/visit/", told).status_code == 303
    row = FieldVisit.objects.get()
    url = f"/collections/visits/{row.public_id}/"
    case.refresh_from_db()
    today = visits.contacts.zone_of(type(case.customer).objects.get(pk=case.customer_id))
    on = now().astimezone(today).date()
    data = {"form_key": str(uuid4()), "on": on.isoformat(), "opens": "09:00", "closes": "20:00", "first": cast.collector.pk}
    wrong = supervisor.post(f"{url}plan/", data | {"second": cast.collector.pk})
    assert wrong.status_code == 422 and "nobody visits alone" in wrong.text
    assert supervisor.post(f"{url}plan/", data | {"second": cast.second_collector.pk}).status_code == 303
    assert row.public_id in collector.get(f"/collections/visits/route/?on={on.isoformat()}").text
    assert row.public_id in supervisor.get("/collections/visits/").text
    assert "人民路" not in collector.get(url).text
    assert "人民路" in collector.post(f"{url}address/").text
    assert supervisor.post(f"{url}address/").status_code == 403
    assert collector.post(f"{url}step/", {"begin": ""}).status_code == 303
    assert "has to join" in collector.get(url).text
    assert second.post(f"{url}step/", {"join": ""}).status_code == 303
    done = {
        "form_key": str(uuid4()),
        "outcome": "not_met",
        "next_action": "call",
        "next_action_on": (date.today() + timedelta(days=3)).isoformat(),
    }
    assert collector.post(f"{url}finish/", done | {"location": "31.2"}).status_code == 422
    assert collector.post(f"{url}finish/", done).status_code == 303
    row.refresh_from_db()
    assert (row.status, row.outcome) == ("done", "not_met")


@pytest.mark.django_db(transaction=True)
def test_at_the_door_the_customer_is_held_before_the_case(floor: Floor) -> None:
    """As at every other door of a contact: who holds the customer gets the case too, and nobody waits for each other."""
    case = floor.case()
    visit = planned(case, floor)

    def door() -> None:
        try:
            visits.begin(visit, actor=floor.cast.collector, at=AT)
        finally:
            connection.close()

    thread = Thread(target=door)
    with transaction.atomic(), connection.cursor() as cursor:
        exposure.lock(case.customer_id)
        thread.start()
        for _try in range(100):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                break
            sleep(0.05)
        held = Case.objects.select_for_update(of=("self",), nowait=True).get(pk=case.pk)
    thread.join()
    assert held.claimed_by is None
    assert FieldVisit.objects.get(pk=visit.pk).status == "begun"
