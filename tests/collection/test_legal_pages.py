"""The pages of the way to court, as a collector, a supervisor and a risk manager use them."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django.utils.timezone import now

from collection import letters, limitation_book
from collection.models import Case, LegalAction, LimitationMark, PreActionLetter
from credit import books
from tests.collection.conftest import LATE, Floor
from tests.collection.court_rows import action


def test_from_the_panel_to_a_letter_on_its_way(floor: Floor, page_of: Any, storage: Any) -> None:
    case = floor.case(date(2026, 7, 10))
    collector = page_of(floor.cast.collector)
    panel = collector.get(f"/collections/cases/{case.public_id}/court/").text
    assert "Lapses on" in panel and "Propose legal action" in panel
    new = f"/collections/cases/{case.public_id}/letter/"
    before = collector.get(new).text
    asked = letters.demand(case, on=books.value_day(case.legal_entity, now()))
    assert "Make the letter" in before and f"{asked.amount:,.2f}" in before
    said = before.partition("words-title")[2].partition("</section>")[0]
    assert f"CNY {asked.amount:,.2f}" in said and "{" not in said, "one reads the sentences as they will stand on the paper"
    key = str(uuid4())
    assert [collector.post(new, {"form_key": key}).status_code for _twice in range(2)] == [303, 303]
    row = PreActionLetter.objects.get()
    paper = collector.get(f"/collections/letters/{row.public_id}/file/")
    assert paper.content.startswith(b"%PDF-") and paper["Cache-Control"] == "no-store"
    send = f"/collections/letters/{row.public_id}/send/"
    refused = collector.post(send, {"tracking": "x"})
    assert refused.status_code == 422 and "carrier" in refused.text
    assert collector.post(send, {"tracking": "EMS12345678"}).status_code == 303
    today = books.local_day(case.legal_entity, now())
    late = collector.post(f"/collections/letters/{row.public_id}/arrived/", {"ended": "delivered", "on": today + timedelta(days=9)})
    assert late.status_code == 422
    row.refresh_from_db()
    arrived = {"ended": "delivered", "on": row.sent_on}
    assert collector.post(f"/collections/letters/{row.public_id}/arrived/", arrived).status_code == 303
    assert row.public_id in collector.get(f"/collections/cases/{case.public_id}/court/").text


def test_proposed_by_one_decided_by_another_and_the_diary_goes_on(floor: Floor, page_of: Any) -> None:
    case = floor.case(date(2026, 7, 10))
    collector, manager, supervisor = (
        page_of(getattr(floor.cast, name)) for name in ("collector", "risk_manager", "collections_supervisor")
    )
    propose = f"/collections/cases/{case.public_id}/legal/"
    assert "Expected to bring" in collector.get(propose).text
    assert collector.post(propose, {"form_key": str(uuid4())}).status_code == 303
    row = LegalAction.objects.get()
    url = f"/collections/legal/{row.public_id}/"
    assert "/decide/" not in collector.get(url).text
    assert row.public_id in manager.get("/").text, "it waits on the home of who decides"
    assert "/decide/" in manager.get(url).text
    assert manager.post(f"{url}decide/", {"approve": ""}).status_code == 303
    today = books.local_day(case.legal_entity, now())
    told = {"form_key": str(uuid4()), "to": "filed", "on": today.isoformat(), "court": ""}
    wrong = supervisor.post(f"{url}diary/", told)
    assert wrong.status_code == 422 and "Enter the court." in wrong.text
    told |= {"to": "pre_action", "note": "已联系律师"}
    assert supervisor.post(f"{url}diary/", told).status_code == 303
    assert "已联系律师" in supervisor.get(url).text and "已联系律师" not in page_of(floor.cast.auditor).get(url).text
    cost = {"form_key": str(uuid4()), "kind": "lawyer", "amount": "800", "on": today.isoformat()}
    assert supervisor.post(f"{url}cost/", cost).status_code == 303
    number = row.costs.get().public_id
    assert supervisor.post(f"{url}costs/{number}/").status_code == 303
    assert supervisor.post(f"{url}costs/{number}/").status_code == 422
    assert supervisor.post(f"{url}costs/nothing/").status_code == 404


def test_a_mark_by_hand_and_the_list_of_what_lapses_first(floor: Floor, page_of: Any) -> None:
    case = floor.case()
    supervisor = page_of(floor.cast.collections_supervisor)
    loan = case.debts.get().loan
    new = f"/collections/cases/{case.public_id}/limitation/"
    told = {"form_key": str(uuid4()), "loan": loan.pk, "kind": "acknowledged", "on": loan.starts_on.isoformat(), "evidence": ""}
    assert supervisor.post(new, told).status_code == 422
    assert supervisor.post(new, told | {"evidence": "签字的对账单"}).status_code == 303
    assert LimitationMark.objects.get().evidence == "签字的对账单"
    assert "签字的对账单" in supervisor.get(new).text
    listed = supervisor.get("/collections/limitation/")
    assert loan.public_id in listed.text and "2029" in listed.text
    assert loan.public_id not in supervisor.get("/collections/limitation/?within=30").text


def test_lists_ask_a_constant_number_of_queries(floor: Floor, page_of: Any, django_assert_max_num_queries: Any) -> None:
    for _number in range(3):
        floor.desk.loan()
    floor.close(LATE)
    made = list(Case.objects.order_by("pk"))
    for case in made:
        action(case, by=floor.cast.collector, at=now())
    limitation_book.refresh([case.customer_id for case in made], at=now())
    browser = page_of(floor.cast.collections_supervisor)
    last = LegalAction.objects.get(case=made[2])
    for url, shown in (("/collections/limitation/", made[2].public_id), ("/collections/legal/", last.public_id)):
        browser.get(url)
        with django_assert_max_num_queries(30):
            assert shown in browser.get(url).text
