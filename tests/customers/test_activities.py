"""Tasks, calls, visits and follow-ups: who does what by when, who is told, and what nobody sees who should not."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils.timezone import localtime, now

from crm.lib.errors import DomainError, Stale
from customers import activities, mentions, notes
from customers.models import Activity, Customer
from governance import notices
from governance.lifecycle import MovedMeanwhile
from governance.models import Notice
from ledger.models import Entry
from tests.fixtures.cast import NOON

TOMORROW = NOON + timedelta(days=1)


def plan(customer: Customer, cast: Any, **changes: Any) -> Activity:
    values: dict[str, Any] = {"kind": "task", "text": "收取工资流水", "due_at": TOMORROW, "actor": cast.loan_officer, "at": NOON}
    return activities.plan(customer, **values | changes)


def told(user: Any) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("code", flat=True))


def test_what_is_planned_is_ones_own_unless_given_away(cast: Any, customer: Customer) -> None:
    mine, theirs = plan(customer, cast), plan(customer, cast, assignee=cast.colleague)
    assert (mine.assignee, theirs.assignee) == (cast.loan_officer, cast.colleague)
    assert told(cast.loan_officer) == [] and told(cast.colleague) == ["customers.activity_assigned"]


def test_the_text_is_sealed_and_stands_in_no_entry_and_no_notice(cast: Any, customer: Customer) -> None:
    made = plan(customer, cast, text="王小明 13800001234 @colleague", assignee=cast.colleague)
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM customers_activity WHERE id = %s", [made.pk])
        assert "王小明".encode() not in bytes(cursor.fetchone()[0])
    said = str(list(Entry.objects.values_list("facts", flat=True))) + str(list(Notice.objects.values_list("facts", "url")))
    assert "13800001234" not in said and "王小明" not in said


@pytest.mark.parametrize("due", [NOON - timedelta(minutes=1), NOON + timedelta(days=4 * 365)])
def test_a_time_that_cannot_be_is_refused(cast: Any, customer: Customer, due: Any) -> None:
    with pytest.raises(activities.DueCannotBe):
        plan(customer, cast, due_at=due)


@pytest.mark.parametrize("who", ["outsider", "auditor", "nobody"])
def test_work_is_given_only_to_who_can_do_it(cast: Any, customer: Customer, who: str) -> None:
    with pytest.raises(activities.NotForThem):
        plan(customer, cast, assignee=getattr(cast, who))


@pytest.mark.parametrize(
    "who", ["loan_officer", "colleague", "outsider", "underwriter", "service_agent", "auditor", "collector", "west_collector"]
)
def test_the_list_of_colleagues_says_the_same_as_the_door(cast: Any, customer: Customer, who: str) -> None:
    from customers.permissions import ACT

    person = getattr(cast, who)
    listed = mentions.colleagues(customer, ACT).filter(pk=person.pk).exists()
    assert listed == (person.has_perm(ACT) and mentions.may_open(person, customer))


def test_a_closed_activity_says_who_and_tells_who_asked(cast: Any, customer: Customer) -> None:
    row = plan(customer, cast, assignee=cast.colleague)
    activities.finish(row, result="已收到，见附件", actor=cast.colleague, at=TOMORROW)
    fresh = Activity.objects.get(pk=row.pk)
    assert (fresh.status, fresh.closed_by, fresh.result) == ("done", cast.colleague, "已收到，见附件")
    assert told(cast.loan_officer) == ["customers.activity_done"]


def test_of_two_who_finish_one_is_told_it_was_done(cast: Any, customer: Customer) -> None:
    row = plan(customer, cast)
    stale = Activity.objects.get(pk=row.pk)
    activities.finish(row, actor=cast.loan_officer, at=TOMORROW)
    with pytest.raises(MovedMeanwhile):
        activities.cancel(stale, actor=cast.colleague, at=TOMORROW)


def test_a_change_on_old_ground_is_refused(cast: Any, customer: Customer) -> None:
    row = plan(customer, cast)
    later = activities.change(row, due_at=TOMORROW + timedelta(days=1), version=row.version, actor=cast.loan_officer, at=NOON)
    assert later.due_at == TOMORROW + timedelta(days=1)
    with pytest.raises(Stale):
        activities.change(row, assignee=cast.colleague, version=row.version, actor=cast.loan_officer, at=NOON)


@pytest.mark.django_db(transaction=True)
def test_ten_who_finish_at_once_leave_one_entry(cast: Any, customer: Customer) -> None:
    row = plan(customer, cast)
    results: list[str] = []

    def finish() -> None:
        try:
            activities.finish(Activity.objects.get(pk=row.pk), actor=cast.loan_officer, at=TOMORROW)
            results.append("done")
        except DomainError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("done") == 1 and len(results) == 10
    assert Entry.objects.filter(event="customers.activity.done").count() == 1


# --- mentions ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("请@colleague跟进", ["colleague"]),
        ("@colleague, @underwriter: 看一下", ["colleague", "underwriter"]),
        ("@Colleague.", ["colleague"]),
        ("mail a@colleague now", []),
        ("@nobody_of_this_name", []),
        ("@@colleague", []),
    ],
)
def test_who_is_named_is_told(cast: Any, customer: Customer, text: str, names: list[str]) -> None:
    notes.add(customer, text=text, actor=cast.loan_officer, at=NOON)
    assert sorted(Notice.objects.values_list("user__username", flat=True)) == names


def test_nobody_is_named_who_may_not_open_the_file(cast: Any, customer: Customer) -> None:
    with pytest.raises(mentions.CannotBeTold, match="@outsider may not open this file"):
        notes.add(customer, text="@outsider 看一下", actor=cast.loan_officer, at=NOON)
    assert not Notice.objects.exists() and not customer.notes.exists()


def test_naming_oneself_tells_nobody(cast: Any, customer: Customer) -> None:
    notes.add(customer, text="@loan_officer 记得", actor=cast.loan_officer, at=NOON)
    assert not Notice.objects.exists()


# --- overdue -------------------------------------------------------------------------------------------------------
def test_what_falls_due_is_told_once(cast: Any, customer: Customer) -> None:
    plan(customer, cast)
    plan(customer, cast, due_at=NOON + timedelta(days=9))
    done = plan(customer, cast)
    activities.finish(done, actor=cast.loan_officer, at=NOON)
    after = TOMORROW + timedelta(minutes=10)
    assert activities.tell_overdue(at=NOON) == 0
    assert (activities.tell_overdue(at=after), activities.tell_overdue(at=after)) == (1, 0)
    assert told(cast.loan_officer) == ["customers.activity_overdue"]


# --- pages ---------------------------------------------------------------------------------------------------------
def form(**changes: Any) -> dict[str, Any]:
    day = localtime(now() + timedelta(days=3)).date().isoformat()
    return {"kind": "call", "text": "回访", "due_on": day, "due_time": "14:30", "form_key": str(uuid4())} | changes


def test_a_call_is_planned_once_however_often_the_button_is_pressed(cast: Any, customer: Customer, page_of: Any) -> None:
    client, url, typed = page_of(cast.loan_officer), f"/customers/{customer.public_id}/activities/plan/", form(assignee=cast.colleague.pk)
    assert [client.post(url, typed).status_code for _ in range(2)] == [303, 303]
    made = Activity.objects.get()
    assert made.due_at is not None and localtime(made.due_at).strftime("%H:%M") == "14:30"
    assert made.assignee == cast.colleague


def test_the_work_of_another_branch_is_not_offered_and_not_taken(cast: Any, customer: Customer, page_of: Any) -> None:
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/activities/plan/"
    assert "@outsider" not in client.get(url).content.decode()
    assert client.post(url, form(assignee=cast.outsider.pk)).status_code == 422


@pytest.mark.parametrize("path", ["move/", "done/", "cancel/"])
def test_another_branchs_activity_is_not_there(cast: Any, customer: Customer, page_of: Any, path: str) -> None:
    row = plan(customer, cast)
    client = page_of(cast.outsider)
    assert client.get(f"/activities/{row.public_id}/{path}").status_code == 404
    assert client.post(f"/activities/{row.public_id}/{path}", {"result": "x"}).status_code == 404
    assert Activity.objects.get().status == "open"


def test_tasks_stand_under_overdue_today_and_later(cast: Any, customer: Customer, page_of: Any) -> None:
    at = now()
    for due, text in ((timedelta(hours=-2), "旧的"), (timedelta(days=9), "以后的")):
        plan(customer, cast, text=text, due_at=at + due, at=at - timedelta(days=1))
    page = page_of(cast.loan_officer).get("/tasks/").content.decode()
    assert page.index("旧的") < page.index("以后的")
    assert page.index("Overdue</th>") < page.index("旧的") < page.index("Later</th>") < page.index("以后的")
    assert "旧的" not in page_of(cast.loan_officer).get("/tasks/?when=later").content.decode()
    assert "旧的" not in page_of(cast.colleague).get("/tasks/").content.decode()
    assert "旧的" in page_of(cast.colleague).get("/tasks/?whose=team").content.decode()
    assert "旧的" not in page_of(cast.outsider).get("/tasks/?whose=team").content.decode()


def test_done_leads_back_to_where_one_came_from(cast: Any, customer: Customer, page_of: Any) -> None:
    client = page_of(cast.loan_officer)
    first, second = plan(customer, cast), plan(customer, cast)
    assert client.post(f"/activities/{first.public_id}/done/?from=tasks", {"result": ""})["Location"] == "/tasks/"
    assert client.post(f"/activities/{second.public_id}/cancel/", {"result": "不再需要"})["Location"] == f"/customers/{customer.public_id}/"
    assert sorted(Activity.objects.values_list("status", flat=True)) == ["cancelled", "done"]


def test_a_call_and_a_note_are_written_down(cast: Any, customer: Customer, page_of: Any) -> None:
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/activities/note/"
    for kind in ("call", "note"):
        assert client.post(url, {"kind": kind, "text": f"说明了费用 {kind}", "form_key": str(uuid4())}).status_code == 303
    assert (Activity.objects.get().status, customer.notes.get().text) == ("done", "说明了费用 note")


def test_the_list_of_tasks_costs_the_same_for_one_and_for_many(
    cast: Any, customer: Customer, make_customer: Callable[..., Any], page_of: Any, django_assert_num_queries: Any
) -> None:
    client = page_of(cast.loan_officer)
    plan(customer, cast)
    client.get("/tasks/")
    with django_assert_num_queries(5) as first:
        client.get("/tasks/")
    for _ in range(8):
        plan(make_customer(), cast, assignee=cast.colleague)
        plan(make_customer(), cast)
    with django_assert_num_queries(len(first)):
        client.get("/tasks/")


# --- the bell ------------------------------------------------------------------------------------------------------
def test_the_bell_counts_what_is_new_and_a_notice_leads_to_its_record(cast: Any, customer: Customer, page_of: Any) -> None:
    client = page_of(cast.colleague)
    assert 'aria-label="Notices"' in client.get("/notices/").content.decode()
    plan(customer, cast, assignee=cast.colleague)
    assert "Notices, 1 new" in client.get("/notices/").content.decode()
    notice = Notice.objects.get()
    assert page_of(cast.outsider).get(f"/notices/{notice.public_id}/").status_code == 404
    assert client.get(f"/notices/{notice.public_id}/")["Location"].startswith(f"/customers/{customer.public_id}/")
    assert notices.unread_label(cast.colleague) == ""


def test_all_are_marked_as_read_at_once_and_only_ones_own(cast: Any, customer: Customer, page_of: Any) -> None:
    notes.add(customer, text="@colleague @underwriter 看一下", actor=cast.loan_officer, at=NOON)
    page_of(cast.colleague).post("/notices/read/")
    assert Notice.objects.filter(user=cast.colleague, read_at__isnull=True).count() == 0
    assert Notice.objects.filter(user=cast.underwriter, read_at__isnull=True).count() == 1
