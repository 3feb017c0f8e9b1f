"""Pages of collections: the desk's loop, the case, the list, the supervisor's form, and who may see what."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.timezone import localdate, now

from collection import cases, contacts, promises, team
from collection.judgement import Part
from collection.models import Case, Contact, Promise
from credit import repayments
from tests.collection.call_rows import meet, say_all
from tests.collection.conftest import Floor, by_daylight
from tests.collection.test_links import beside


@pytest.fixture
def case(floor: Floor) -> Case:
    made = floor.case()
    by_daylight()
    return made


@pytest.fixture
def collector(floor: Floor, page_of: Any) -> Client:
    return page_of(floor.cast.collector)


def body(answer: Any) -> str:
    return answer.content.decode()


def sent(**changes: Any) -> dict[str, Any]:
    day = localdate(now()) + timedelta(days=3)
    return {"channel": "call", "outcome": "no_answer", "next_action": "call", "next_action_on": day.isoformat()} | changes


def test_the_desk_shows_the_next_case_and_why(case: Case, collector: Client) -> None:
    shown = body(collector.get("/collections/desk/"))
    assert case.public_id in shown
    assert "8 days past due (M1)" in shown
    assert "Not contacted yet" in shown
    assert case.customer.masked_name in shown
    assert case.customer.name not in shown


def test_an_empty_desk_says_when_the_next_is_due(floor: Floor, collector: Client) -> None:
    assert "Nothing waits for you now. Cases come here" in body(collector.get("/collections/desk/"))
    case = floor.case()
    Case.objects.filter(pk=case.pk).update(next_action="call", next_action_on=localdate(now()) + timedelta(days=9))
    assert "The next planned action is due on" in body(collector.get("/collections/desk/"))


def test_a_case_that_waits_offers_no_way_to_contact(case: Case, collector: Client, floor: Floor) -> None:
    """The limits alone would leave every channel; the work on the case is what waits."""
    address = f"/collections/cases/{case.public_id}/"
    assert "may be used" in body(collector.get(address))
    until = localdate(now()) + timedelta(days=10)
    cases.pause(case, reason="dispute", until=until, actor=floor.cast.collections_supervisor, at=now())
    shown = body(collector.get(address))
    assert "No call now" in shown and "may be used" not in shown


def test_a_turn_at_the_desk(case: Case, collector: Client, floor: Floor) -> None:
    taken = collector.post(f"/collections/cases/{case.public_id}/claim/", {"back": "desk"})
    assert (taken.status_code, taken["Location"]) == (303, "/collections/desk/")
    shown = body(collector.get("/collections/desk/"))
    assert "Log contact" in shown
    assert "Save, then the next" in shown
    done = collector.post(f"/collections/cases/{case.public_id}/contacts/", sent(back="desk", note="rang twice"))
    assert (done.status_code, done["Location"]) == (303, "/collections/desk/")
    made = Contact.objects.get()
    assert (made.actor, made.note) == (floor.cast.collector, "rang twice")
    assert "Nothing waits for you now" in body(collector.get("/collections/desk/"))
    assert "rang twice" in body(collector.get(f"/collections/cases/{case.public_id}/"))


def test_a_talk_with_a_guarantor_is_logged_at_the_desk_as_theirs(case: Case, collector: Client, floor: Floor) -> None:
    row = beside(floor, case)
    cases.claim(case, actor=floor.cast.collector, at=now())
    shown = body(collector.get(f"/collections/cases/{case.public_id}/"))
    assert f'value="{row.public_id}"' in shown and 'value="obligor_pays"' in shown
    address = f"/collections/cases/{case.public_id}/contacts/"
    assert "say with whom" in body(collector.post(address, sent(outcome="obligor_pays")))
    assert "Make sure first who it is" in body(collector.post(address, sent(outcome="obligor_pays", party=row.public_id)))
    overdue = f"{case.overdue_amount:,.2f}"
    assert overdue not in shown
    wrong = collector.post(f"/collections/cases/{case.public_id}/check/", {"party": row.public_id, "name": "张三", "mobile_last4": "0000"})
    assert wrong.status_code == 422 and overdue not in body(wrong)
    meet(case, row, worker=floor.cast.collector, at=now())
    told = body(collector.get(f"/collections/cases/{case.public_id}/"))
    assert "Payoff today" in told and "Payoff today" not in shown and "Confirmed: Guarantor" in told
    assert case.customer.name not in told, "of the debtor themselves nothing is opened"
    done = collector.post(address, sent(outcome="obligor_pays", party=row.public_id))
    assert (done.status_code, Contact.objects.get().relation) == (303, row)
    assert "Co-borrower or guarantor will pay" in body(collector.get(f"/collections/cases/{case.public_id}/"))


def test_a_lost_race_at_the_desk_says_who_was_faster(case: Case, collector: Client, floor: Floor) -> None:
    cases.claim(case, actor=floor.cast.second_collector, at=now())
    answer = collector.post(f"/collections/cases/{case.public_id}/claim/", {"back": "desk"})
    assert answer["Location"] == "/collections/desk/"
    assert "Taken by Second Collector at" in body(collector.get("/collections/desk/"))
    refused = collector.post(f"/collections/cases/{case.public_id}/claim/")
    assert refused.status_code == 409
    assert "Taken by Second Collector at" in body(refused)


def test_a_wrong_contact_keeps_what_was_typed(case: Case, collector: Client, floor: Floor) -> None:
    cases.claim(case, actor=floor.cast.collector, at=now())
    answer = collector.post(f"/collections/cases/{case.public_id}/contacts/", sent(outcome="", next_action_on="2020-01-01", note="keep me"))
    assert answer.status_code == 422
    shown = body(answer)
    assert "Choose how the contact ended." in shown
    assert "keep me" in shown
    assert 'value="2020-01-01"' in shown
    answer = collector.post(f"/collections/cases/{case.public_id}/contacts/", sent(next_action_on="2020-01-01", back="desk"))
    assert answer.status_code == 422
    assert "The next action cannot lie before" in body(answer)
    assert not Contact.objects.exists()
    again = collector.get(f"/collections/cases/{case.public_id}/contacts/")  # a reload of the answer, or another language
    assert (again.status_code, again["Location"]) == (302, f"/collections/cases/{case.public_id}/")


def test_a_lost_hold_keeps_what_was_typed_and_can_be_taken_again(case: Case, collector: Client) -> None:
    answer = collector.post(f"/collections/cases/{case.public_id}/contacts/", sent(note="long story"))
    assert answer.status_code == 409
    shown = body(answer)
    assert "You do not hold this case any more" in shown
    assert "long story" in shown
    assert "Take the case again and save" in shown
    again = collector.post(f"/collections/cases/{case.public_id}/contacts/", sent(note="long story", retake="yes"))
    assert again.status_code == 303
    assert Contact.objects.get().note == "long story"


def test_a_double_click_logs_once(case: Case, collector: Client, floor: Floor) -> None:
    cases.claim(case, actor=floor.cast.collector, at=now())
    key = "1b671a64-40d5-491e-99b0-da01ff1f3341"
    for _ in range(2):
        answer = collector.post(f"/collections/cases/{case.public_id}/contacts/", sent(form_key=key, back="desk"))
        assert (answer.status_code, answer["Location"]) == (303, "/collections/desk/")
    assert Contact.objects.count() == 1


def test_keep_and_give_back(case: Case, collector: Client, floor: Floor) -> None:
    at = now() - timedelta(minutes=10)
    row = cases.claim(case, actor=floor.cast.collector, at=at)
    assert collector.post(f"/collections/cases/{case.public_id}/keep/").status_code == 303
    kept = Case.objects.get()
    assert kept.claimed_until > row.claimed_until
    assert collector.post(f"/collections/cases/{case.public_id}/release/", {"back": "desk"})["Location"] == "/collections/desk/"
    assert Case.objects.get().claimed_by is None
    assert collector.post(f"/collections/cases/{case.public_id}/release/").status_code == 409


@pytest.mark.parametrize("path", ["", "claim/", "keep/", "release/", "contacts/"])
def test_a_case_of_another_branch_is_not_there(case: Case, floor: Floor, page_of: Any, path: str) -> None:
    client = page_of(floor.cast.west_collector)
    url = f"/collections/cases/{case.public_id}/{path}"
    assert (client.post(url, sent()) if path else client.get(url)).status_code == 404
    assert client.get("/collections/cases/K-NOSUCH/").status_code == 404
    assert case.public_id not in body(client.get("/collections/cases/"))
    assert case.public_id not in body(client.get("/collections/desk/"))


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("collector", "desk/", 200),
        ("collections_supervisor", "desk/", 200),
        ("loan_officer", "desk/", 403),
        ("loan_officer", "cases/", 403),
        ("compliance", "cases/", 200),
        ("compliance", "desk/", 403),
        ("auditor", "cases/", 200),
        ("nobody", "cases/", 403),
        ("collector", "cases/{}/assign/", 403),
        ("collections_supervisor", "cases/{}/assign/", 200),
    ],
)
def test_roles_open_what_they_may(case: Case, floor: Floor, page_of: Any, role: str, path: str, status: int) -> None:
    client = page_of(getattr(floor.cast, role))
    assert client.get(f"/collections/{path.format(case.public_id)}").status_code == status


def test_a_reader_may_read_and_not_work(case: Case, floor: Floor, page_of: Any) -> None:
    client = page_of(floor.cast.compliance)
    shown = body(client.get(f"/collections/cases/{case.public_id}/"))
    assert "You may read this case, not work it." in shown
    assert "Log contact" not in shown
    assert client.post(f"/collections/cases/{case.public_id}/claim/").status_code == 403


def test_the_list_filters_sorts_and_shows_open_ones_first(case: Case, floor: Floor, collector: Client) -> None:
    other = floor.desk.loan(customer=floor.desk.make_customer())
    floor.close(other.starts_on + timedelta(days=45))
    late = Case.objects.get(customer=other.customer)
    cases.assign(late, to=floor.cast.collector, version=late.version, actor=floor.cast.collections_supervisor, at=now())
    shown = body(collector.get("/collections/cases/?whose=mine"))
    assert late.public_id in shown
    assert case.public_id not in shown
    assert case.public_id in body(collector.get("/collections/cases/?whose=nobody"))
    assert "Nothing matches 1 filter" in body(collector.get("/collections/cases/?bucket=7"))
    assert "Nothing matches 1 filter" in body(collector.get("/collections/cases/?status=closed"))
    for sort in ("dpd", "-amount", "next", "-contact", "opened", "bogus"):
        assert collector.get(f"/collections/cases/?sort={sort}").status_code == 200
    assert "<html" not in body(collector.get("/collections/cases/", headers={"HX-Request": "true"}))


def test_the_list_costs_the_same_for_one_and_for_many(
    case: Case, floor: Floor, collector: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        floor.desk.loan(amount=D("1000.00"), term=3)
    floor.close(case.opened_on + timedelta(days=45))
    assert Case.objects.count() == 4
    collector.get("/collections/cases/")
    with django_assert_max_num_queries(12):
        collector.get("/collections/cases/")
    with django_assert_max_num_queries(20):  # six strands of the queue at most, their counts in one
        collector.get("/collections/desk/")


def test_the_supervisor_assigns(case: Case, floor: Floor, page_of: Any) -> None:
    client = page_of(floor.cast.collections_supervisor)
    form = body(client.get(f"/collections/cases/{case.public_id}/assign/"))
    assert "Second Collector" in form
    assert "West Collector" not in form
    url = f"/collections/cases/{case.public_id}/assign/"
    wrong = client.post(url, {"to": floor.cast.west_collector.pk, "version": case.version})
    assert wrong.status_code == 422
    done = client.post(url, {"to": floor.cast.collector.pk, "version": case.version})
    assert (done.status_code, done["Location"]) == (303, f"/collections/cases/{case.public_id}/")
    assert Case.objects.get().assigned_to == floor.cast.collector
    stale = client.post(url, {"to": "", "version": case.version})
    assert stale.status_code == 409
    assert "Your change is not saved yet" in body(stale)


def test_the_panel_on_the_customers_page(case: Case, floor: Floor, collector: Client, page_of: Any) -> None:
    url = f"/customers/{case.customer.public_id}/panels/cases/"
    assert case.public_id in body(collector.get(url))
    assert page_of(floor.cast.west_collector).get(url).status_code == 404
    assert page_of(floor.cast.loan_officer).get(url).status_code == 403
    quiet = floor.desk.make_customer()
    assert "No case. One opens when a loan is overdue." in body(collector.get(f"/customers/{quiet.public_id}/panels/cases/"))
    shown = body(collector.get(f"/customers/{case.customer.public_id}/"))
    assert "Case opened: CNY" in shown


def test_the_home_page_leads_to_the_next_case(case: Case, collector: Client) -> None:
    shown = body(collector.get("/"))
    assert case.public_id in shown
    assert f"/collections/cases/{case.public_id}/claim/" in shown


def test_a_closed_case_can_be_read(case: Case, floor: Floor, collector: Client) -> None:
    floor.pay_all_overdue(case.debts.get().loan)
    shown = body(collector.get(f"/collections/cases/{case.public_id}/"))
    assert "Cured" in shown
    assert "Log contact" not in shown
    assert case.public_id in body(collector.get("/collections/cases/?status=closed"))
    assert case.public_id not in body(collector.get("/collections/cases/"))


def test_pages_speak_chinese_without_an_error(case: Case, floor: Floor, collector: Client) -> None:
    collector.cookies["crm_language"] = "zh-hans"
    with translation.override("en"):  # the middleware leaves the language of the last request behind
        for path in ("desk/", "cases/", f"cases/{case.public_id}/"):
            answer = collector.get(f"/collections/{path}")
            assert (answer.status_code, answer["Content-Language"]) == (200, "zh-hans")


# --- next, skip, check, promise --------------------------------------------------------------------------------------
def answers(case: Case) -> dict[str, str]:
    return {"id_last4": case.customer.id_number[-4:], "birth_year": str(case.customer.born_on.year)}


def test_next_takes_the_first_of_the_queue(case: Case, collector: Client, floor: Floor) -> None:
    answer = collector.post("/collections/desk/next/")
    assert (answer.status_code, answer["Location"]) == (303, "/collections/desk/")
    assert Case.objects.get().is_held_by(floor.cast.collector, now())
    shown = body(collector.get("/collections/desk/"))
    assert "Is it the right person?" in shown
    assert "The loans open once the person is confirmed." in shown
    assert case.debts.get().loan.public_id not in shown
    cases.release(case, actor=floor.cast.collector, at=now())
    cases.claim(case, actor=floor.cast.second_collector, at=now())
    collector.post("/collections/desk/next/")
    assert "Nothing waits for you now." in body(collector.get("/collections/desk/"))


def test_a_skipped_case_is_for_somebody_else(case: Case, collector: Client, floor: Floor, page_of: Any) -> None:
    collector.post("/collections/desk/next/")
    url = f"/collections/cases/{case.public_id}/skip/"
    assert "comes back to you later" in body(collector.get(url, headers={"HX-Request": "true"}))
    assert collector.post(url, {"reason": ""}).status_code == 422
    assert collector.post(url, {"reason": "known"})["Location"] == "/collections/desk/"
    assert Case.objects.get().claimed_by is None
    assert case.public_id not in body(collector.get("/collections/desk/"))
    assert case.public_id in body(page_of(floor.cast.second_collector).get("/collections/desk/"))


def test_the_check_opens_the_case_and_keeps_no_answer(case: Case, collector: Client, floor: Floor) -> None:
    collector.post("/collections/desk/next/")
    url = f"/collections/cases/{case.public_id}/check/"
    refused = collector.post(url, {"id_last4": "0000", "birth_year": "1901", "back": "desk"})
    assert refused.status_code == 422
    shown = body(refused)
    assert "The answers do not match." in shown
    assert case.customer.id_number[-4:] not in shown.replace("0000", "")
    assert case.customer.mobile not in shown
    assert collector.post(url, answers(case) | {"back": "desk"})["Location"] == "/collections/desk/"
    shown = body(collector.get("/collections/desk/"))
    assert case.customer.mobile in shown
    assert case.debts.get().loan.public_id in shown
    assert "Payoff today (CNY)" in shown
    assert "Is it the right person?" not in shown
    other = body(collector.get(f"/customers/{case.customer.public_id}/"))
    assert case.customer.mobile not in other


def test_a_third_party_is_shown_nothing(case: Case, collector: Client) -> None:
    collector.post("/collections/desk/next/")
    collector.post(f"/collections/cases/{case.public_id}/check/", {"third_party": "yes", "back": "desk"})
    shown = body(collector.get("/collections/desk/"))
    assert "Say nothing of a debt." in shown
    assert case.customer.mobile not in shown
    assert case.debts.get().loan.public_id not in shown


def test_a_promise_with_its_contact(case: Case, collector: Client, floor: Floor) -> None:
    collector.post("/collections/desk/next/")
    soon = localdate(now()) + timedelta(days=3)
    promise = {"amount_1": "300", "due_on_1": soon.isoformat(), "amount_2": "1,00", "due_on_2": ""}
    url = f"/collections/cases/{case.public_id}/contacts/"
    refused = collector.post(url, sent(outcome="promise", **promise))
    assert refused.status_code == 422
    assert "must be an amount" in body(refused)
    refused = collector.post(url, sent(outcome="promise", amount_1="300", due_on_1=soon.isoformat()))
    assert "Confirm the person first" in body(refused)
    collector.post(f"/collections/cases/{case.public_id}/check/", answers(case))
    say_all(case, worker=floor.cast.collector, at=now())
    parts = {"amount_1": "300", "due_on_1": soon.isoformat(), "amount_2": "200", "due_on_2": (soon + timedelta(days=7)).isoformat()}
    done = collector.post(url, sent(outcome="promise", back="desk", **parts))
    assert done["Location"] == "/collections/desk/"
    made = Promise.objects.get()
    assert (made.amount, made.parts.count(), made.contact) == (D("500.00"), 2, Contact.objects.get())
    shown = body(collector.get(f"/collections/promises/{made.public_id}/"))
    assert "500.00" in shown
    assert case.customer.name not in shown
    assert made.public_id in body(collector.get("/collections/promises/?status=running"))
    assert made.public_id in body(collector.get(f"/collections/promises/?due={soon.isoformat()}"))
    assert made.public_id not in body(collector.get("/collections/promises/?status=kept"))
    assert f"?due={soon.isoformat()}" in body(collector.get(f"/collections/promises/calendar/?month={soon:%Y-%m}"))
    assert made.public_id in body(collector.get(f"/collections/cases/{case.public_id}/"))


@pytest.mark.parametrize("month", ["", "2026-13", "nonsense", "0001-01", "9999-12", "2026-02"])
def test_the_calendar_takes_any_month(case: Case, collector: Client, month: str) -> None:
    assert collector.get("/collections/promises/calendar/", {"month": month}).status_code == 200


def promised(case: Case, floor: Floor) -> Promise:
    cases.claim(case, actor=floor.cast.collector, at=now())
    part = Part(localdate(now()) + timedelta(days=3), D("500.00"))
    return promises.take(case, parts=[part], channel="call", actor=floor.cast.collector, at=now())


def test_a_promise_is_cancelled_with_a_reason(case: Case, collector: Client, floor: Floor, page_of: Any) -> None:
    made = promised(case, floor)
    url = f"/collections/promises/{made.public_id}/cancel/"
    assert "no longer expected" in body(collector.get(url, headers={"HX-Request": "true"}))
    assert collector.post(url, {"reason": ""}).status_code == 422
    assert collector.post(url, {"reason": "mistake"})["Location"] == f"/collections/promises/{made.public_id}/"
    assert collector.post(url, {"reason": "mistake"}).status_code == 409
    assert page_of(floor.cast.west_collector).get(f"/collections/promises/{made.public_id}/").status_code == 404
    assert page_of(floor.cast.compliance).get(url).status_code == 403


def test_the_board_counts_each_collectors_day(case: Case, floor: Floor, page_of: Any, django_assert_max_num_queries: Any) -> None:
    supervisor = page_of(floor.cast.collections_supervisor)
    cases.assign(case, to=floor.cast.collector, version=case.version, actor=floor.cast.collections_supervisor, at=now())
    promised(Case.objects.get(), floor)
    contacts.log_contact(
        case, channel="call", outcome="busy", next_action="call", next_action_on=localdate(now()) + timedelta(days=1),
        actor=floor.cast.collector, at=now(),
    )  # fmt: skip
    repayments.receive(case.debts.get().loan, amount=D("200.00"), actor=floor.cast.loan_officer, at=now(), key="today")
    at = now()
    lines = {line.person: line for line in team.board(floor.cast.collections_supervisor, at=at, on=localdate(at), days=30)}
    mine = lines[floor.cast.collector]
    assert (mine.assigned, mine.contacts, mine.collected) == (1, 1, D("200.00"))
    assert mine.buckets == {1: (1, case.overdue_amount)}
    assert floor.cast.west_collector not in lines
    supervisor.get("/collections/board/")
    with django_assert_max_num_queries(20):
        shown = body(supervisor.get("/collections/board/"))
    assert "200.00" in shown
    assert f"?to={floor.cast.collector.public_id}" in shown
    assert page_of(floor.cast.collector).get("/collections/board/").status_code == 403
    assert case.public_id in body(supervisor.get(f"/collections/cases/?to={floor.cast.collector.public_id}"))
    assert case.public_id not in body(supervisor.get(f"/collections/cases/?to={floor.cast.second_collector.public_id}"))


def test_the_results_say_the_same_in_chart_and_table(
    case: Case, floor: Floor, collector: Client, django_assert_max_num_queries: Any
) -> None:
    promised(case, floor)
    repayments.receive(case.debts.get().loan, amount=D("123.45"), actor=floor.cast.loan_officer, at=now(), key="today")
    collector.get("/collections/results/")
    with django_assert_max_num_queries(12):
        shown = body(collector.get("/collections/results/"))
    assert shown.count("123.45") >= 3
    assert f"{case.overdue_amount:,.2f}" in shown
    assert "500.00" in shown


def test_many_cases_go_to_several_people_in_turn(floor: Floor) -> None:
    from collection.lists import CASES
    from governance import bulk

    for _ in range(4):
        floor.desk.loan()
    floor.close(date(2026, 4, 10))
    people = sorted([floor.cast.collector.pk, floor.cast.second_collector.pk])
    ids, boss = list(Case.objects.values_list("pk", flat=True)), floor.cast.collections_supervisor

    def give(to: list[int]) -> Any:
        made = bulk.start(CASES, CASES.actions["assign"], ids=ids, values={"to": to}, actor=boss, at=now())
        bulk.run(made.pk, at=now())
        made.job.refresh_from_db()
        return made.job

    job = give(people)
    assert (job.status, job.done, job.total) == ("done", 4, 4)
    assert set(Case.objects.values_list("assigned_to", flat=True)) == set(people)
    assert give([]).done == 4
    assert not Case.objects.exclude(assigned_to=None).exists()
    refused = give([floor.cast.west_collector.pk])
    assert (refused.status, refused.failed) == ("failed", 4)
    assert "role or team does not reach it" in refused.problems[0]["message"]


def test_the_form_of_many_offers_the_team_only(case: Case, floor: Floor) -> None:
    from collection.bulk import bulk_form

    form = bulk_form(floor.cast.collections_supervisor)()
    assert floor.cast.collector in form.fields["to"].queryset
    assert floor.cast.west_collector not in form.fields["to"].queryset


def test_many_cases_are_asked_about_and_given_from_the_page(case: Case, floor: Floor, page_of: Any) -> None:
    boss = page_of(floor.cast.collections_supervisor)
    address, chosen = "/lists/cases/bulk/assign/", {"row": [case.public_id]}
    asked = boss.post(address, chosen, headers={"HX-Request": "true"})
    assert asked.status_code == 200 and "1 row will be changed." in body(asked)
    key = asked.context["form"]["form_key"].value()
    begun = boss.post(address, chosen | {"sure": "yes", "form_key": key, "to": [floor.cast.second_collector.pk]})
    assert begun.status_code == 303 and begun["Location"].startswith("/lists/jobs/J-")


@pytest.mark.parametrize("why", ["broken", "due", "moved", "silent"])
def test_the_list_narrows_to_a_reason(case: Case, collector: Client, why: str) -> None:
    at = localdate(now())
    marks = {"broken": {"broken_on": at}, "moved": {"moved_on": at}, "due": {"next_action": "call", "next_action_on": at}, "silent": {}}
    Case.objects.update(last_contact_at=None if why == "silent" else now(), **marks[why])
    for each in marks:
        assert (case.public_id in body(collector.get(f"/collections/cases/?why={each}"))) is (each == why)
