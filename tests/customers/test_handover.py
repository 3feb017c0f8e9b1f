"""Hand-over: customers, their open work and what hangs on them move together, once, and only to who can open them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from credit.models import Application
from customers import activities, handover
from customers.models import Activity, Customer, Handover
from governance.models import Job, Notice
from ledger.models import Entry
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON

TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def desk(cast: Any, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


def order(cast: Any, **changes: Any) -> Handover:
    values: dict[str, Any] = {"giver": cast.loan_officer, "taker": cast.colleague, "reason": "left", "actor": cast.admin, "at": NOON}
    return handover.order(**values | changes)


def task(customer: Customer, cast: Any, **changes: Any) -> Activity:
    values: dict[str, Any] = {"kind": "task", "text": "回访", "due_at": TOMORROW, "actor": cast.loan_officer, "at": NOON}
    return activities.plan(customer, **values | changes)


def test_one_customer_goes_with_the_givers_open_work(cast: Any, customer: Customer) -> None:
    mine, done = task(customer, cast), task(customer, cast)
    others = task(customer, cast, assignee=cast.underwriter)
    activities.finish(done, actor=cast.loan_officer, at=NOON)
    moved = handover.give(customer, taker=cast.colleague, actor=cast.collections_supervisor, at=NOON)
    assert (moved.owner, moved.version) == (cast.colleague, customer.version + 1)
    assignees = dict(Activity.objects.values_list("pk", "assignee__username"))
    assert assignees == {mine.pk: "colleague", done.pk: "loan_officer", others.pk: "underwriter"}
    entry = Entry.objects.get(event="customers.customer.handed_over")
    assert (entry.customer_id, entry.facts["from"], entry.facts["to"]) == (
        customer.pk,
        cast.loan_officer.public_id,
        cast.colleague.public_id,
    )
    assert Notice.objects.filter(code="customers.handed_over").get().user == cast.colleague


@pytest.mark.parametrize("who", ["outsider", "nobody", "risk_analyst"])
def test_nobody_takes_what_they_could_not_open(cast: Any, customer: Customer, who: str) -> None:
    with pytest.raises(handover.CannotTake):
        handover.give(customer, taker=getattr(cast, who), actor=cast.admin, at=NOON)
    with pytest.raises(handover.CannotTake):
        order(cast, taker=getattr(cast, who))
    customer.refresh_from_db()
    assert customer.owner == cast.loan_officer and not Handover.objects.exists()


def test_another_branch_takes_everything_of_the_customer(cast: Any, desk: Any, deliver: Callable[[], int]) -> None:
    loan = desk.loan()
    task(loan.customer, cast, assignee=cast.underwriter)
    handover.give(loan.customer, taker=cast.outsider, branch=cast.west, actor=cast.admin, at=NOON)
    deliver()
    loan.refresh_from_db()
    application = Application.objects.get(customer=loan.customer)
    for row in (Customer.objects.get(pk=loan.customer_id), loan, application):
        assert (row.owner, row.branch) == (cast.outsider, cast.west)
    assert Activity.objects.get().assignee == cast.outsider


def test_what_was_somebody_elses_stays_theirs_within_the_branch(cast: Any, desk: Any, deliver: Callable[[], int]) -> None:
    loan = desk.loan()
    type(loan).objects.filter(pk=loan.pk).update(owner=cast.colleague)
    third = cast.person("third_officer", "loan_officer", cast.east)
    handover.give(loan.customer, taker=third, actor=cast.admin, at=NOON)
    deliver()
    loan.refresh_from_db()
    assert loan.owner == cast.colleague


def test_late_news_do_not_undo_a_second_hand_over(cast: Any, desk: Any, deliver: Callable[[], int]) -> None:
    from credit.handover import follow_customers

    loan = desk.loan()
    third = cast.person("third_officer", "loan_officer", cast.east)
    handover.give(loan.customer, taker=cast.colleague, actor=cast.admin, at=NOON)
    first = Entry.objects.filter(event="customers.handover.moved").latest("pk")
    handover.give(Customer.objects.get(pk=loan.customer_id), taker=third, actor=cast.admin, at=NOON)
    deliver()
    follow_customers(entry=first)
    loan.refresh_from_db()
    assert loan.owner == third


def test_all_of_a_person_go_in_steps_and_none_is_left(
    cast: Any, make_customer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(handover, "CHUNK", 4)
    for _ in range(10):
        make_customer()
    kept = make_customer(actor=cast.colleague)
    elsewhere = task(kept, cast)
    row = order(cast)
    assert (row.job.total, row.job.status) == (10, "waiting")
    with django_assert_max_num_queries(75):
        done = handover.run(row.pk, at=NOON)
    assert done is not None and done.status == "done"
    job = Job.objects.get(pk=row.job_id)
    assert (job.status, job.done, job.result["activities"]) == ("done", 10, 1)
    assert not Customer.objects.filter(owner=cast.loan_officer).exists()
    assert Activity.objects.get(pk=elsewhere.pk).assignee == cast.colleague
    assert Entry.objects.filter(event="customers.customer.handed_over").count() == 10
    assert handover.run(row.pk, at=NOON) is None, "an order is carried out once"


def test_a_hand_over_whose_worker_died_goes_on_where_it_stood(
    cast: Any, make_customer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "CHUNK", 2)
    for _ in range(5):
        make_customer()
    row = order(cast)
    Handover.objects.filter(pk=row.pk).update(claimed_at=NOON)
    row.refresh_from_db()
    handover._chunk(
        Handover.objects.select_related("taker__role", "taker__team", "ordered_by__role", "ordered_by__team").get(pk=row.pk), at=NOON
    )
    assert handover.run(row.pk, at=NOON + timedelta(minutes=1)) is None, "somebody holds it"
    later = NOON + handover.LEASE + timedelta(minutes=1)
    assert handover.unfinished(at=later) == [row.pk]
    handover.run(row.pk, at=later)
    assert Entry.objects.filter(event="customers.customer.handed_over").count() == 5
    assert Job.objects.get(pk=row.job_id).done == 5


def test_a_selection_moves_and_nothing_else(cast: Any, make_customer: Callable[..., Any]) -> None:
    first, second, other = make_customer(), make_customer(), make_customer()
    row = order(cast, giver=None, ids=[first.pk, second.pk], branch=cast.west, taker=cast.outsider)
    handover.run(row.pk, at=NOON)
    assert set(Customer.objects.filter(owner=cast.outsider, branch=cast.west)) == {first, second}
    other.refresh_from_db()
    assert (other.owner, other.branch) == (cast.loan_officer, cast.east)


def test_only_ones_own_reach_is_handed_over(cast: Any, make_customer: Callable[..., Any]) -> None:
    make_customer(branch=cast.west, actor=cast.outsider)
    with pytest.raises(handover.NothingToHandOver):
        order(cast, giver=cast.outsider, actor=cast.collections_supervisor)


def test_the_cases_of_a_collector_who_leaves_go_to_the_taker_or_to_everybody(cast: Any, desk: Any, deliver: Callable[[], int]) -> None:
    from collection import cases
    from collection.models import Case
    from tests.collection.conftest import LATE, Floor

    loan = desk.loan()
    Floor(cast, desk, deliver).close(LATE)
    case = Case.objects.get(customer=loan.customer)
    at = NOON + timedelta(days=200)
    for taker, expected in ((cast.second_collector, cast.second_collector), (cast.colleague, None)):
        case.refresh_from_db()
        cases.assign(case, to=cast.collector, version=case.version, actor=cast.collections_supervisor, at=at)
        activities.plan(loan.customer, kind="task", text="x", due_at=at + timedelta(days=1), actor=cast.collector, at=at)
        row = order(cast, giver=cast.collector, taker=taker, at=at)
        handover.run(row.pk, at=at)
        deliver()
        case.refresh_from_db()
        assert case.assigned_to == expected


# --- pages ---------------------------------------------------------------------------------------------------------
def test_the_page_shows_what_goes_before_it_goes(cast: Any, make_customer: Callable[..., Any], page_of: Any) -> None:
    for _ in range(3):
        make_customer()
    client = page_of(cast.admin)
    typed = {"giver": cast.loan_officer.public_id, "taker": cast.colleague.pk, "reason": "left", "note": "", "form_key": str(uuid4())}
    shown = client.post("/handovers/new/", typed)
    assert shown.status_code == 200 and "3 customers and 0 open activities" in shown.content.decode()
    assert not Handover.objects.exists()
    for _ in range(2):
        answer = client.post("/handovers/new/", typed | {"confirmed": "yes"})
    row = Handover.objects.get()
    assert answer["Location"] == f"/handovers/{row.public_id}/"
    assert row.status == "done" and "3 of 3 done" in client.get(answer["Location"]).content.decode()
    assert client.get("/handovers/").status_code == 200
    assert page_of(cast.collections_supervisor).get(answer["Location"]).status_code == 404


def test_one_customer_is_handed_over_on_its_page(cast: Any, customer: Customer, page_of: Any) -> None:
    client, url = page_of(cast.collections_supervisor), f"/customers/{customer.public_id}/handover/"
    assert client.post(url, {"taker": cast.outsider.pk}).status_code == 422
    assert client.post(url, {"taker": cast.colleague.pk}).status_code == 303
    customer.refresh_from_db()
    assert customer.owner == cast.colleague


def test_the_rows_of_a_list_are_handed_over_together(cast: Any, make_customer: Callable[..., Any]) -> None:
    from crm.lib.lists import LISTS
    from governance import bulk

    rows, spec = [make_customer() for _ in range(3)], LISTS["customers"]
    values = {"taker": cast.colleague.pk, "branch": None}
    run = bulk.start(
        spec, spec.actions["hand_over"], ids=[row.pk for row in rows], values=values, actor=cast.collections_supervisor, at=NOON
    )
    bulk.run(run.pk, at=NOON)
    assert Customer.objects.filter(owner=cast.colleague).count() == 3
    assert Notice.objects.filter(user=cast.colleague).count() == 1, "a hundred rows are no hundred notices"


# --- over the API ----------------------------------------------------------------------------------------------------
def test_over_the_api_all_of_a_person_goes_once(cast: Any, make_customer: Callable[..., Customer], api_of: Any, deliver: Any) -> None:
    customers = [make_customer() for _number in range(3)]
    client = api_of("handovers:write", "handovers:read", user=cast.admin)
    body = {"giver": cast.loan_officer.public_id, "taker": cast.colleague.public_id, "reason": "left"}
    sent = [client.post("/api/v1/handovers/", body, format="json", headers={"Idempotency-Key": "one"}) for _time in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    assert Handover.objects.count() == 1
    handover.run(Handover.objects.get().pk, at=NOON + timedelta(minutes=10))
    assert set(Customer.objects.filter(pk__in=[each.pk for each in customers]).values_list("owner__username", flat=True)) == {"colleague"}
    told = client.get(f"/api/v1/handovers/{sent[0].json()['id']}/").json()
    assert (told["status"], told["giver"], told["total"], told["done"]) == ("done", cast.loan_officer.public_id, 3, 3)


def test_over_the_api_only_people_of_one_s_reach_are_named(cast: Any, customer: Customer, api_of: Any) -> None:
    body = {"giver": cast.loan_officer.public_id, "taker": cast.colleague.public_id, "reason": "left"}
    boss = api_of("handovers:write", "handovers:read", user=cast.collections_supervisor)
    for field, value in (("giver", cast.outsider.public_id), ("taker", "U-22222222X"), ("branch", "WEST")):
        answer = boss.post("/api/v1/handovers/", body | {field: value}, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert not Handover.objects.exists()
    order(cast)
    row = Handover.objects.get()
    assert boss.get(f"/api/v1/handovers/{row.public_id}/").status_code == 404, "ordered by somebody else"
    assert api_of("customers:read", user=cast.admin).post("/api/v1/handovers/", body, format="json").status_code == 403
