"""A leaver: everything they hold goes to who can see it, the account closes, nothing is left, and it may be run again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from collection import cases
from collection.models import Case
from credit.models import Application, Loan
from customers import activities
from customers.models import Activity, Customer
from governance import offboarding, roles, saved_views, users
from governance.models import ChangeRequest, Offboarding, SavedView, User
from ledger.models import Entry
from tests.collection.conftest import LATE, Floor
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, PASSWORD

TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def desk(cast: Any, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


def order(cast: Any, leaver: User, taker: User, **changes: Any) -> Offboarding:
    takers = dict.fromkeys(offboarding.HOLDINGS, taker) | changes.pop("takers", {})
    return offboarding.order(leaver, takers=takers, **{"reason": "goes abroad", "actor": cast.admin, "at": NOON} | changes)


def left(user: User) -> dict[str, str]:
    return {row["name"]: row["count"] for row in offboarding.held(user) if row["any"]}


def test_nothing_is_left_with_an_officer_who_leaves(cast: Any, desk: Desk, deliver: Callable[[], int]) -> None:
    loan, leaver, taker = desk.loan(), cast.loan_officer, cast.colleague
    activities.plan(loan.customer, kind="task", text="回访", due_at=TOMORROW, actor=leaver, at=NOON)
    other = desk.draft(customer=desk.make_customer(actor=cast.colleague), actor=leaver)  # an application of a colleague's customer
    Application.objects.filter(pk=other.pk).update(owner=leaver)
    shown = left(leaver)
    assert {"customers", "activities", "applications", "loans"} <= set(shown)
    made = order(cast, leaver, taker)
    assert Customer.objects.filter(owner=leaver).exists(), "an order moves nothing yet"
    done = offboarding.run(made.pk, at=NOON)
    assert done is not None and done.status == "done"
    deliver()
    assert left(leaver) == {}
    for model in (Customer, Application, Loan):
        assert set(model._base_manager.values_list("owner", flat=True)) == {taker.pk}
    assert set(Activity.objects.values_list("assignee", flat=True)) == {taker.pk}
    leaver.refresh_from_db()
    assert (leaver.is_active, leaver.has_usable_password()) == (False, False)
    entry = Entry.objects.get(event="governance.offboarding.done")
    assert entry.facts["left"] == {} and entry.facts["moved"]["customers"] == 1
    assert "abroad" not in str(list(Entry.objects.values_list("facts", flat=True)))
    made.job.refresh_from_db()
    assert (made.job.status, made.job.failed) == ("done", 0) and made.job.done > 0


def test_sessions_and_password_end(cast: Any) -> None:
    browser = Client()
    browser.login(username="loan_officer", password=PASSWORD)
    assert browser.get("/").status_code == 200
    offboarding.run(order(cast, cast.loan_officer, cast.colleague).pk, at=NOON)
    users.set_active(User.objects.get(pk=cast.loan_officer.pk), active=True, actor=cast.admin, at=NOON)
    assert browser.get("/").status_code == 302, "a session of before does not live again with the account"
    assert not Client().login(username="loan_officer", password=PASSWORD)


@pytest.mark.parametrize("who", ["outsider", "risk_analyst", "nobody"])
def test_who_could_not_see_the_rows_takes_nothing(cast: Any, desk: Desk, who: str) -> None:
    desk.draft()
    with pytest.raises(offboarding.CannotReceive) as refusal:
        order(cast, cast.loan_officer, getattr(cast, who))
    assert "customers" in refusal.value.fields
    assert not Offboarding.objects.exists() and Customer.objects.get().owner == cast.loan_officer


def test_a_receiver_is_needed_for_what_somebody_has_to_take(cast: Any, desk: Desk) -> None:
    desk.draft()
    with pytest.raises(offboarding.CannotReceive):
        offboarding.order(cast.loan_officer, takers={}, reason="x", actor=cast.admin, at=NOON)
    with pytest.raises(offboarding.CannotReceive):
        order(cast, cast.loan_officer, cast.loan_officer)


def test_nobody_closes_their_own_account_and_one_order_runs_at_a_time(cast: Any, desk: Desk) -> None:
    with pytest.raises(users.NotYourself):
        order(cast, cast.admin, cast.compliance)
    made = order(cast, cast.loan_officer, cast.colleague)
    with pytest.raises(offboarding.AlreadyLeaving):
        order(cast, cast.loan_officer, cast.colleague)
    assert offboarding.run(made.pk, at=NOON) is not None
    assert offboarding.run(made.pk, at=NOON) is None, "done is done"


def test_it_can_be_run_again_when_something_came_later(cast: Any, desk: Desk) -> None:
    offboarding.run(order(cast, cast.loan_officer, cast.colleague).pk, at=NOON)
    application = desk.draft(actor=cast.colleague, customer=desk.make_customer(actor=cast.colleague))
    Customer.objects.filter(pk=application.customer_id).update(owner=cast.loan_officer)
    again = order(cast, User.objects.get(pk=cast.loan_officer.pk), cast.colleague)
    offboarding.run(again.pk, at=NOON)
    assert left(cast.loan_officer) == {}


def test_an_order_cut_off_is_taken_up(cast: Any, desk: Desk) -> None:
    desk.draft()
    made = order(cast, cast.loan_officer, cast.colleague)
    Offboarding.objects.filter(pk=made.pk).update(claimed_at=NOON)  # a worker died with it
    assert offboarding.run(made.pk, at=NOON + timedelta(minutes=1)) is None
    later = NOON + timedelta(minutes=6)
    assert offboarding.unfinished(at=later) == [made.pk]
    assert offboarding.run(made.pk, at=later) is not None and left(cast.loan_officer) == {}


def test_a_collector_s_cases_go_back_to_everybody(cast: Any, desk: Desk, deliver: Callable[[], int]) -> None:
    desk.loan()
    Floor(cast, desk, deliver).close(LATE)
    case = Case.objects.get()
    cast.entity.refresh_from_db()
    at = datetime.combine(cast.entity.business_date, NOON.timetz())
    cases.claim(case, actor=cast.collector, at=at)
    Case.objects.filter(pk=case.pk).update(assigned_to=cast.collector)
    assert left(cast.collector)["cases"] == "1"
    with pytest.raises(offboarding.CannotReceive):
        order(cast, cast.collector, cast.west_collector, at=at)
    offboarding.run(order(cast, cast.collector, cast.second_collector, takers={"cases": None}, at=at).pk, at=at)
    case.refresh_from_db()
    assert (case.assigned_to, case.claimed_by, left(cast.collector)) == (None, None, {})


def test_views_of_others_stay_and_what_one_proposed_ends(cast: Any) -> None:
    for name, team in (("shared", cast.head), ("mine", None)):
        saved_views.create(list_name="customers", name=name, query="", actor=cast.compliance, at=NOON, team=team)
    saved_views.create(list_name="customers", name="shared", query="", actor=cast.underwriter, at=NOON)
    after = roles.content(cast.roles["collector"]) | {"scope": "own"}
    compliance = cast.person("third", "compliance", cast.head)
    made = ChangeRequest.objects.create(
        kind="governance.role", subject="collector", after=after, reason="x", made_by=cast.compliance, made_at=NOON, due_at=TOMORROW
    )
    offboarding.run(order(cast, cast.compliance, cast.underwriter).pk, at=NOON)
    assert sorted(SavedView.objects.values_list("owner__username", "name"))[0] == ("underwriter", "shared")
    assert SavedView.objects.count() == 2 and not SavedView.objects.filter(name="mine").exists()
    made.refresh_from_db()
    assert made.status == "withdrawn" and compliance.is_active


def test_the_page_shows_what_is_held_and_refuses_at_the_field(cast: Any, desk: Desk, page_of: Any) -> None:
    desk.draft()
    browser, url = page_of(cast.admin), f"/admin/users/{cast.loan_officer.public_id}/leave/"
    page = browser.get(url)
    assert page.status_code == 200 and "Open tasks and activities" in page.text
    refused = browser.post(url, {"receiver": cast.outsider.public_id, "reason": "x"})
    assert refused.status_code == 422 and "could not see 1 of these" in refused.text
    assert browser.post(url, {"receiver": cast.colleague.public_id, "reason": "x"}).status_code == 303
    assert "Nothing is left with this person" in browser.get(url).text
    assert browser.get(f"/admin/users/{cast.admin.public_id}/leave/").text.count("ask another administrator") == 1


def test_the_page_asks_the_same_however_much_is_held(cast: Any, desk: Desk, page_of: Any, django_assert_max_num_queries: Any) -> None:
    for _n in range(3):
        desk.draft()
    browser, url = page_of(cast.admin), f"/admin/users/{cast.loan_officer.public_id}/leave/"
    browser.get(url)
    with django_assert_max_num_queries(22):
        browser.get(url)
    assert Decimal(left(cast.loan_officer)["customers"]) == 3
