"""Beside one's own role: rights that were lent, and a record opened in an emergency. Neither gives what nobody has."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.http import Http404
from django.utils.timezone import now

from credit.applications import OverAuthority, OwnApplication, check_authority, check_decidable
from credit.models import Application, Loan
from crm.lib.errors import Invalid, NotAllowed
from customers.models import Customer, Document
from governance import changes, delegations, glass, grants, roles, users
from governance.models import BreakGlass, ChangeRequest, Delegation, DutyPair, Notice, User
from ledger.models import Entry
from tests.credit.conftest import Desk
from tests.fixtures.cast import Cast

REASON = "The borrower stands at our counter and his branch is closed."


@pytest.fixture
def desk(cast: Any, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


def lend(giver: User, taker: User, **changed: Any) -> Delegation:
    at = now()
    values = {"since": at, "until": at + timedelta(days=3), "reason": "on leave", "actor": giver, "at": at} | changed
    return delegations.lend(giver, taker, **values)


def fresh(user: User, asked: str = "") -> User:
    """Return the person as the next request reads them, using a permission."""
    found = User.objects.select_related("role", "team").get(pk=user.pk)
    found.asked = asked
    return found


# --- delegation --------------------------------------------------------------------------------------------------------
def test_a_lent_permission_opens_the_lenders_rows_and_ones_own_the_own(cast: Cast, make_customer: Any) -> None:
    east, west = make_customer(), make_customer(branch=cast.west, actor=cast.outsider)
    lend(cast.outsider, cast.collector)  # an officer of the west lends to a collector of the east
    for code, seen in (
        ("customers.view_customer", {east, west}),  # both hold it
        ("customers.add_note", {east, west}),
        ("customers.change_customer", {west}),  # the officer's alone
        ("collections.view_case", {east}),  # the collector's alone
        ("", {east}),  # where nothing says what is asked for: own rows
    ):
        assert set(Customer.objects.visible_to(fresh(cast.collector, code))) == seen, code
    assert fresh(cast.collector).has_perm("customers.change_customer")
    assert not fresh(cast.outsider).has_perm("collections.view_case"), "it goes one way"


def test_it_begins_and_ends_by_itself_and_by_hand(cast: Cast) -> None:
    at = now()
    later = lend(cast.outsider, cast.collector, since=at + timedelta(hours=1), until=at + timedelta(hours=2))
    assert not fresh(cast.collector).has_perm("customers.change_customer")
    Delegation.objects.filter(pk=later.pk).update(since=at - timedelta(hours=1))
    assert fresh(cast.collector).has_perm("customers.change_customer")
    Delegation.objects.filter(pk=later.pk).update(until=at - timedelta(minutes=1))
    assert not fresh(cast.collector).has_perm("customers.change_customer")
    again = lend(cast.outsider, cast.collector)
    delegations.end(again, actor=cast.collector, at=now())
    assert not fresh(cast.collector).has_perm("customers.change_customer")
    with pytest.raises(delegations.AlreadyOver):
        delegations.end(again, actor=cast.outsider, at=now())


def test_it_gives_nothing_once_the_lender_left_or_holds_another_role(cast: Cast) -> None:
    lend(cast.outsider, cast.collector)
    User.objects.filter(pk=cast.outsider.pk).update(role=cast.roles["underwriter"])
    assert not fresh(cast.collector).has_perm("credit.decide_application")
    User.objects.filter(pk=cast.outsider.pk).update(role=cast.roles["loan_officer"], is_active=False)
    assert not fresh(cast.collector).has_perm("customers.change_customer")


def test_what_was_lent_is_not_lent_on(cast: Cast) -> None:
    lend(cast.outsider, cast.collector)
    lend(fresh(cast.collector), cast.service_agent)
    agent = fresh(cast.service_agent)
    assert agent.has_perm("collections.view_case") and not agent.has_perm("customers.change_customer")


def test_duties_that_are_kept_apart_do_not_meet_by_lending(cast: Cast) -> None:
    with pytest.raises(roles.ConflictingDuties) as refusal:
        lend(cast.loan_officer, cast.underwriter)
    assert refusal.value.extra["pair"] in ("enter_decide", "submit_decide", "import_decide") and "taker" in refusal.value.fields
    lend(cast.risk_analyst, cast.colleague)
    pair = DutyPair.objects.create(code="new", first="risk.view_strategy", second="collections.view_case", meaning_en="x", meaning_zh="x")
    rights = {"team": cast.colleague.team, "approval_limit": None, "reason": "x", "actor": cast.admin, "at": now()}
    with pytest.raises(roles.ConflictingDuties) as refusal:
        grants.propose(cast.colleague, role=cast.roles["collector"], **rights)
    assert refusal.value.extra["pair"] == pair.code, "a grant is judged over own and lent rights"
    after = roles.content(cast.roles["loan_officer"])
    after["permissions"] = sorted({*after["permissions"], "collections.view_case"})
    with pytest.raises(roles.ConflictingDuties):
        roles.propose("loan_officer", after, reason="x", actor=cast.admin, at=now())


def test_two_lenders_at_once_do_not_make_a_pair(transactional_db: None, cast: Cast) -> None:
    DutyPair.objects.create(code="new", first="risk.view_strategy", second="collections.view_case", meaning_en="x", meaning_zh="x")
    barrier = Barrier(2)

    def race(giver: User) -> str:
        try:
            barrier.wait(timeout=10)
            lend(giver, cast.colleague)
        except roles.ConflictingDuties:
            return "told"
        finally:
            connections.close_all()
        return "lent"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(race, [cast.risk_analyst, cast.collector])) == ["lent", "told"]


def test_who_may_lend_what(cast: Cast) -> None:
    at = now()
    with pytest.raises(NotAllowed):
        lend(cast.outsider, cast.collector, actor=cast.colleague)
    with pytest.raises(users.NotYourself):
        lend(cast.compliance, cast.admin, actor=cast.admin)
    for taker in (cast.nobody, cast.service, cast.outsider):
        with pytest.raises(delegations.CannotAct):
            lend(cast.outsider, taker, actor=cast.outsider if taker != cast.outsider else cast.admin)
    with pytest.raises(delegations.CannotAct):
        lend(cast.nobody, cast.collector)
    for changed in (
        {"until": at - timedelta(days=1)},
        {"until": at + timedelta(days=31)},
        {"since": at + timedelta(days=4)},
        {"reason": " "},
    ):
        with pytest.raises(Invalid):
            lend(cast.outsider, cast.collector, **changed)
    with pytest.raises(IntegrityError, match="delegation_of_two"), transaction.atomic():
        Delegation.objects.create(
            giver=cast.admin, taker=cast.admin, role=cast.admin.role, since=at, until=at + timedelta(1), reason="x", made_by=cast.admin, made_at=at
        )  # fmt: skip


def test_rights_of_another_are_lent_by_two(cast: Cast) -> None:
    second = cast.person("second_compliance", "compliance", cast.head)
    row = lend(cast.compliance, cast.risk_analyst, actor=cast.admin)
    assert row.agreed_at is None and not fresh(cast.risk_analyst).has_perm("governance.check_role")
    waiting = ChangeRequest.objects.get()
    assert "acts for" in changes.titles([waiting])[0]
    with pytest.raises(changes.OwnChange):
        changes.confirm(waiting, actor=cast.compliance, at=now())
    changes.confirm(waiting, actor=second, at=now())
    assert fresh(cast.risk_analyst).has_perm("governance.check_role")


def test_nobody_checks_what_they_or_who_lent_to_them_made(cast: Cast, desk: Desk) -> None:
    after = roles.content(cast.roles["collector"]) | {"scope": "own"}
    waiting = roles.propose("collector", after, reason="x", actor=cast.admin, at=now())
    Delegation.objects.create(
        giver=cast.admin,
        taker=cast.compliance,
        role=cast.admin.role,
        since=now(),
        until=now() + timedelta(days=1),
        reason="x",
        made_by=cast.admin,
        made_at=now(),
        agreed_at=now(),
    )  # fmt: skip  as if it came past the door
    User.objects.filter(pk=cast.compliance.pk).update(extra_until=now() + timedelta(days=1))
    with pytest.raises(changes.OwnChange):
        changes.confirm(waiting, actor=fresh(cast.compliance), at=now())
    application = desk.concluded("refer", actor=cast.colleague)
    Application.objects.filter(pk=application.pk).update(entered_by=cast.second_underwriter)
    application.refresh_from_db()
    lend(cast.second_underwriter, cast.underwriter)
    with pytest.raises(OwnApplication):
        check_decidable(application, actor=fresh(cast.underwriter), version=application.version)


def test_the_approval_limit_is_the_lenders(cast: Cast) -> None:
    big = cast.person("big", "underwriter", cast.west, approval_limit=Decimal("90000.00"))
    taker = cast.person("taker", "risk_analyst", cast.head)
    lend(big, taker)
    check_authority(Decimal("90000.00"), actor=fresh(taker, "credit.decide_application"))
    with pytest.raises(OverAuthority):
        check_authority(Decimal("90000.01"), actor=fresh(taker, "credit.decide_application"))
    assert fresh(taker, "risk.view_strategy").authority is None


def test_the_page_and_the_ledger_say_for_whom(cast: Cast, make_customer: Any, page_of: Any) -> None:
    own, theirs = make_customer(), make_customer(branch=cast.west, actor=cast.outsider)
    browser = page_of(cast.colleague)
    assert browser.get(f"/customers/{theirs.public_id}/").status_code == 404
    lend(cast.outsider, cast.colleague)
    page = browser.get(f"/customers/{theirs.public_id}/").text
    assert "Acting also for" in page and "Outsider" in page
    for customer in (own, theirs):
        assert browser.post(f"/customers/{customer.public_id}/notes/", {"text": "called"}).status_code < 400
    marks = dict(Entry.objects.filter(event__startswith="customers.note").values_list("customer_id", "facts__on_behalf_of"))
    assert marks == {own.pk: None, theirs.pk: cast.outsider.public_id}
    assert "Acting also for" not in page_of(cast.loan_officer).get("/").text


def test_nobody_else_pays_for_it(cast: Cast, make_customer: Any, page_of: Any, django_assert_num_queries: Any) -> None:
    make_customer()
    user = fresh(cast.colleague, "customers.view_customer")
    _ = user.team.subtree_ids
    with django_assert_num_queries(1):
        assert user.has_perm("customers.view_customer") and len(Customer.objects.visible_to(user)) == 1


def test_the_pages_of_delegation(cast: Cast, page_of: Any) -> None:
    browser, day = page_of(cast.outsider), now().date().isoformat()
    data = {"taker": cast.collector.public_id, "since": day, "until": (now() + timedelta(days=2)).date().isoformat(), "reason": "leave"}
    assert browser.post("/delegations/new/", data).status_code == 303
    row = Delegation.objects.get()
    assert Notice.objects.filter(user=cast.collector, code="delegation.given").exists()
    assert "In force" in browser.get("/delegations/").text
    assert row.public_id not in page_of(cast.colleague).get("/delegations/").text
    assert page_of(cast.colleague).post(f"/delegations/{row.public_id}/end/").status_code == 404
    assert browser.post(f"/delegations/{row.public_id}/end/").status_code == 303
    assert browser.post("/delegations/new/", data | {"until": "2020-01-01"}).status_code == 422


# --- emergency access --------------------------------------------------------------------------------------------------
def break_(cast: Cast, customer: Customer, **changed: Any) -> BreakGlass:
    values = {"reason": REASON, "minutes": 30, "actor": cast.colleague, "at": now()} | changed
    return glass.break_(customer.public_id, **values)


@pytest.fixture
def theirs(cast: Cast, desk: Desk) -> Customer:
    """A customer of the west branch with a loan, which nobody of the east sees."""
    loan = desk.loan(customer=desk.make_customer(branch=cast.west, actor=cast.outsider), actor=cast.outsider)
    found: Customer = loan.customer
    return found


def test_it_opens_one_customers_rows_everywhere_and_nothing_else(cast: Cast, theirs: Customer, make_customer: Any) -> None:
    another = make_customer(branch=cast.west, actor=cast.outsider)
    break_(cast, theirs)
    user = fresh(cast.colleague, "customers.view_customer")
    assert set(Customer.objects.visible_to(user)) == {theirs}
    assert Loan.objects.visible_to(user).get().customer == theirs
    assert Application.objects.visible_to(user).get().customer == theirs
    assert Customer.objects.get_for(user, theirs.public_id) == theirs
    assert not Document.objects.visible_to(user).exists()
    with pytest.raises(Http404):
        Customer.objects.get_for(user, another.public_id)
    assert not fresh(cast.colleague).has_perm("credit.decide_application"), "it opens rows, never permissions"


def test_it_ends_by_itself_and_by_hand(cast: Cast, theirs: Customer) -> None:
    row = break_(cast, theirs)
    glass.give_back(row, actor=cast.colleague, at=now())
    assert not Customer.objects.visible_to(fresh(cast.colleague)).exists()
    row = break_(cast, theirs)
    assert Customer.objects.visible_to(fresh(cast.colleague)).exists()
    BreakGlass.objects.filter(pk=row.pk).update(until=now() - timedelta(seconds=1), started_at=now() - timedelta(minutes=20))
    assert not Customer.objects.visible_to(fresh(cast.colleague)).exists()
    with pytest.raises(IntegrityError, match="glass_an_hour_at_most"), transaction.atomic():
        BreakGlass.objects.filter(pk=row.pk).update(started_at=now(), until=now() + timedelta(minutes=61))


def test_compliance_and_the_owner_are_told_at_once_and_entries_are_marked(cast: Cast, theirs: Customer, page_of: Any) -> None:
    row = break_(cast, theirs)
    told = dict(Notice.objects.filter(code__startswith="glass").values_list("user__username", "code"))
    assert told == {"compliance": "glass.broken", "outsider": "glass.own"}
    browser = page_of(cast.colleague)
    page = browser.get(f"/customers/{theirs.public_id}/").text
    assert "Emergency access to" in page and theirs.public_id in page
    assert browser.post(f"/customers/{theirs.public_id}/notes/", {"text": "called"}).status_code < 400
    assert Entry.objects.get(event__startswith="customers.note").facts["break_glass"] == row.public_id
    assert "branch is closed" not in str(list(Entry.objects.values_list("facts", flat=True)))
    assert next(entry.event for entry in glass.traces(row)) == "governance.glass.broken"


def test_what_is_refused(cast: Cast, theirs: Customer, make_customer: Any) -> None:
    mine = make_customer()
    with pytest.raises(NotAllowed):
        break_(cast, theirs, actor=cast.risk_analyst)
    with pytest.raises(glass.NotNeeded):
        break_(cast, mine)
    for changed in ({"reason": "too short"}, {"minutes": 61}, {"minutes": 4}):
        with pytest.raises(Invalid):
            break_(cast, theirs, **changed)
    for number in ("C-NOBODY", "C\0", ""):
        with pytest.raises(Invalid):
            glass.break_(number, reason=REASON, minutes=5, actor=cast.colleague, at=now())
    assert not BreakGlass.objects.exists()


def test_the_quota_of_a_quarter_holds_under_a_race(transactional_db: None, cast: Cast, make_customer: Any) -> None:
    rows = [make_customer(branch=cast.west, actor=cast.outsider) for _n in range(4)]
    barrier = Barrier(4)

    def race(customer: Customer) -> str:
        try:
            barrier.wait(timeout=10)
            break_(cast, customer)
        except glass.QuotaSpent:
            return "told"
        finally:
            connections.close_all()
        return "open"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(race, rows)) == ["open", "open", "open", "told"]
    assert glass.left_in_quarter(cast.colleague, at=now()) == 0


def test_another_person_reviews_it_within_a_working_day(cast: Cast, theirs: Customer, page_of: Any) -> None:
    row = break_(cast, theirs)
    assert row.review_due_at.weekday() < 5 and row.review_due_at <= now() + timedelta(days=4)
    with pytest.raises(NotAllowed):
        glass.review(row, verdict="justified", words="x", actor=cast.colleague, at=now())
    with pytest.raises(Invalid, match="not over"):
        glass.review(row, verdict="justified", words="fine", actor=cast.compliance, at=now())
    late = row.review_due_at + timedelta(hours=1)
    BreakGlass.objects.filter(pk=row.pk).update(review_due_at=now() - timedelta(hours=1), ended_at=now())
    browser = page_of(cast.compliance)
    assert "Review is overdue" in browser.get("/").text and "Review is overdue" in browser.get("/governance/emergencies/").text
    url = f"/governance/emergencies/{row.public_id}/"
    assert browser.get(url).status_code == 200 and REASON in browser.get(url).text
    url += "review/"
    assert browser.post(url, {"verdict": "unjustified", "words": ""}).status_code == 422
    assert browser.post(url, {"verdict": "unjustified", "words": "he could have called"}).status_code == 303
    row.refresh_from_db()
    assert (row.verdict, row.reviewed_by) == ("unjustified", cast.compliance)
    assert Entry.objects.get(event="governance.glass.reviewed").facts["late"] is True
    with pytest.raises(Invalid, match="already"):
        glass.review(row, verdict="justified", words="x", actor=cast.compliance, at=late)
    with pytest.raises(IntegrityError, match="glass_reviewed_by_another"), transaction.atomic():
        BreakGlass.objects.filter(pk=row.pk).update(reviewed_by=cast.colleague)


def test_the_page_opens_the_records_and_gives_them_back(cast: Cast, theirs: Customer, page_of: Any) -> None:
    browser = page_of(cast.colleague)
    data = {"public_id": theirs.public_id.lower(), "minutes": 20, "reason": REASON}
    assert browser.get("/emergency/").status_code == 200
    assert browser.post("/emergency/", data)["Location"] == f"/customers/{theirs.public_id}/"
    assert browser.get(f"/customers/{theirs.public_id}/").status_code == 200
    row = BreakGlass.objects.get()
    assert page_of(cast.loan_officer).post(f"/emergency/{row.public_id}/end/").status_code == 404
    assert browser.post(f"/emergency/{row.public_id}/end/").status_code == 303
    assert browser.get(f"/customers/{theirs.public_id}/").status_code == 404


def test_lent_permissions_do_not_reach_through_broken_glass(cast: Cast, theirs: Customer) -> None:
    lend(cast.risk_analyst, cast.colleague)
    break_(cast, theirs)
    assert not Customer.objects.visible_to(fresh(cast.colleague, "risk.view_strategy")).filter(pk=theirs.pk, owner=cast.colleague).exists()
    assert Customer.objects.visible_to(fresh(cast.colleague, "customers.view_customer")).filter(pk=theirs.pk).exists()
