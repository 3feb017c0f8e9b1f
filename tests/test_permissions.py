"""Who may do what: one table of every route, held against real requests of every role.

A route that is not in the table fails; so does a role that gained or lost a permission without a line changed here.
"""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.html import escape
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from crm.lib.permissions import ALL, Forbidden, scopes
from tests.fixtures.cast import NOON, Cast
from tests.fixtures.support.routes import Route, permissions_of, routes
from tests.permissions import books, collections, credit, customers, house, risk, supervision
from tests.permissions import court as court_room

ROOMS = (customers, credit, books, collections, supervision, risk, house, court_room)

# --- the table ---------------------------------------------------------------------------------------------------
# permission → the roles that hold it; every other role is refused
WHO: dict[str, str] = {code: roles for room in ROOMS for code, roles in room.WHO.items()}
# method, route, permission
PAGES = [row for room in ROOMS for row in room.PAGES]
# Parts in every state, mounted in local and test installations only.
SHOWROOM = ("ui",)
# method, route, permission; the OAuth scope is the permission's
API = [row for room in ROOMS for row in room.API]
PUBLIC = {"begin", "healthz", "invitation", "session", "set-language", "set-theme", "account_login", "mfa_authenticate", "mfa_login_webauthn", "oidc-login", "oidc-back"} | {
    "api-token", "api-revoke", "api-schema", "api-docs", "api-receipt-sms", "api-reply"} | {
    "api-receipt-call", "api-receipt-payment", "public-pay",
    "public-offer", "public-offer-confirm", "public-offer-code", "public-offer-accept",
    "public-counter", "public-counter-code", "public-counter-answer", "public-offer-draft", "public-offer-contract",
}  # fmt: skip

# --- what fills the blanks of an address: well formed, and nobody's ------------------------------------------------
BLANKS = {
    "fact": "income", "paper": "income_proof", "code": "reminder.late", "channel": "letter", "pk": "1", "public_id": "X-22222222X",
    "field": "mobile", "feature": "nothing", "purpose": "bureau_query", "kind": "points", "name": "nothing", "action": "nothing",
    "loan": "L-22222222X", "label": "customers.customer", "token": "nobodys-token", "other": "nobody", "seq": "1", "month": "2026-01",
    "number": "1",
}  # fmt: skip
EVERY_ROLE = WHO["signed in"].split()


def address(name: str, **known: str) -> str:
    return reverse(name, kwargs={blank: known.get(blank, value) for blank, value in kwargs_of(name).items()})


def kwargs_of(name: str) -> dict[str, str]:
    return {blank: value for blank, value in BLANKS.items() if blank in blanks_of(BY_NAME[name])}


@cache
def blanks_of(route: Route) -> set[str]:
    return set(re.findall(r"<(?:\w+:)?(\w+)>", route.pattern))


BY_NAME = {route.name: route for route in routes()}


def ids(table: list[tuple[str, str, str]]) -> list[str]:
    return [f"{method} {name}" for method, name, _code in table]


def test_no_two_routes_share_a_name_or_an_address() -> None:
    names = [route.name for route in routes() if route.name]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    patterns = [re.sub(r"<[^>]*>", "<>", route.pattern) for route in routes()]
    assert sorted({pattern for pattern in patterns if patterns.count(pattern) > 1}) == []


# --- the table is whole ------------------------------------------------------------------------------------------
def test_every_route_stands_in_the_table() -> None:
    named = {name for _method, name, _code in PAGES + API} | PUBLIC
    unnamed = [route.pattern for route in routes() if not route.name and not route.pattern.startswith("ui/")]
    missing = {name for name in BY_NAME if not name.startswith(SHOWROOM)} - named - {""}
    assert (unnamed, missing) == ([], set()), "declare the route in tests/test_permissions.py"
    assert named - set(BY_NAME) == set(), "the table names a route that is gone"


def test_every_action_of_the_api_stands_in_the_table() -> None:
    said = {(method, name) for method, name, _code in API}
    found = {(method.upper(), route.name) for route in routes() if route.viewset for method in route.actions if method != "head"}
    assert found - said == set()
    assert said - found == set()


@pytest.mark.parametrize(("method", "name", "code"), PAGES + API, ids=ids(PAGES + API))
def test_the_table_says_what_the_view_says(method: str, name: str, code: str) -> None:
    route = BY_NAME[name]
    action = route.actions.get(method.lower(), "*")
    assert permissions_of(route)[action] == code


def test_the_roles_hold_what_the_table_says(cast: Cast) -> None:
    assert set(WHO) - {"signed in"} == set(ALL)
    held = {code: {role.code for role in cast.roles.values() if code in role.permissions} for code in WHO if code != "signed in"}
    assert held == {code: set(roles.split()) for code, roles in WHO.items() if code != "signed in"}
    assert cast.roles["house"].permissions == [], "what the house does by itself needs no permission"


# --- the table is true -------------------------------------------------------------------------------------------
def refused(answer: Any) -> bool:
    return answer.status_code == 403


def let_in(answer: Any) -> bool:
    """The permission did not stop the request; what the row or the form then said is another matter."""
    to_sign_in = answer.status_code in (301, 302, 303) and "/accounts/login/" in answer.headers["Location"]
    return answer.status_code < 500 and answer.status_code not in (401, 403) and not to_sign_in


ROLES = [*EVERY_ROLE, "nobody"]


def person_of(cast: Cast, role: str) -> Any:
    """Return the person of a role, the API client's included, or the one without."""
    return (cast.by_role | {"api_client": cast.service, "nobody": cast.nobody})[role]


def signed_in(person: Any) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def holds(role: str, code: str) -> bool:
    return code == "signed in" or role in WHO[code].split()


def asked_over_http(rows: list[tuple[str, str, str]], role: str, all_kinds: bool) -> set[tuple[str, str, str]]:
    """Return what a role is asked in whole requests: of what is not open to it one route for each permission; of what is, a share.

    A third of the roles that a route is open to ask for it, at least one, others than for the route before; with `--all` each of them.
    The guards of routes that are not open are asked themselves. Who has no role is refused everywhere, and asks everywhere.
    """
    found = {(code, method, name) for code, (method, name) in {code: (method, name) for method, name, code in reversed(rows)}.items()}
    for number, (method, name, code) in enumerate(rows):
        able = WHO[code].split()
        turn = (able.index(role) - number) % len(able) if role in able else 0
        if role == "nobody" or (holds(role, code) and (all_kinds or turn % 3 == 0)):
            found.add((code, method, name))
    return {(method, name, code) for code, method, name in found}


def guarded_by(name: str, request: Any) -> str:
    """Return the permission for want of which a page's guard turns a request away, empty if it lets it in."""
    try:
        BY_NAME[name].view(request, **kwargs_of(name))
    except Forbidden as refusal:
        return refusal.code
    return ""


def test_every_role_is_tried(cast: Cast) -> None:
    assert {*cast.by_role, "api_client", "nobody"} == set(ROLES)


# A role walks the tables in one test: what is wrong is listed together, and the roles are shared among the workers.
@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_for_its_roles_and_no_other(cast: Cast, role: str, all_kinds: bool) -> None:
    person, wrong, whole = person_of(cast, role), [], asked_over_http(PAGES, role, all_kinds)
    client = signed_in(person)
    for method, name, code in PAGES:
        if name == "account_logout":
            continue  # would end the session; anybody may
        if (method, name, code) not in whole:
            if holds(role, code):
                if code != "signed in" and not person.has_perm(code):
                    wrong.append((method, name, code))
                continue
            request = RequestFactory().generic(method, "/")
            request.user = person
            if (found := guarded_by(name, request)) != code:
                wrong.append((method, name, found))
            continue
        # As htmx asks: the answer is the same and comes without the frame of the page.
        answer = client.generic(method, address(name), content_type="application/x-www-form-urlencoded", headers={"HX-Request": "true"})
        if holds(role, code):
            right = let_in(answer)
        else:
            text = answer.content.decode()
            right = refused(answer) and (code in text or escape(str(ALL[code].label)) in text)  # 403 names what is missing
        if not right:
            wrong.append((method, name, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_every_action_opens_for_its_roles_and_no_other(cast: Cast, role: str, all_kinds: bool) -> None:
    person, wrong, whole = person_of(cast, role), [], asked_over_http(API, role, all_kinds)
    client = signed_in(person)
    for method, name, code in API:
        if (method, name, code) in whole:
            answer = client.generic(method, address(name), "{}", content_type="application/json")
            told = answer.json()["detail"] if refused(answer) else ""
        elif holds(role, code):
            if not person.has_perm(code):
                wrong.append((method, name, code))
            continue
        else:
            request = APIRequestFactory().generic(method, "/", "{}", content_type="application/json")
            force_authenticate(request, person)
            answer = BY_NAME[name].view(request, **kwargs_of(name))
            told = str(answer.data["detail"]) if refused(answer) else ""
        if not (let_in(answer) if holds(role, code) else code in told):
            wrong.append((method, name, answer.status_code, told))
    assert wrong == []


def test_every_action_needs_a_token_with_its_scope(cast: Cast, token_of: Callable[..., str]) -> None:
    def ask(method: str, name: str, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return APIClient().generic(method, address(name), "{}", content_type="application/json", headers=headers)

    wrong = []
    every = list(scopes())
    only = {scope: token_of(scope) for scope in every}
    others = {scope: token_of(*(one for one in every if one != scope)) for scope in every}
    for method, name, code in API:
        scope = ALL[code].scope
        with_it, without, nothing = ask(method, name, only[scope]), ask(method, name, others[scope]), ask(method, name)
        allowed = "api_client" in WHO[code].split()
        if not (
            (nothing.status_code, nothing.headers["Content-Type"]) == (401, "application/problem+json")
            and refused(without)
            and (scope in without.json()["detail"] or not allowed)
            and (let_in(with_it) if allowed else refused(with_it))
        ):
            wrong.append((method, name, nothing.status_code, without.status_code, with_it.status_code, with_it.content[:200]))
    assert wrong == []


def test_a_visitor_is_sent_to_the_sign_in_page(db: None) -> None:
    """A page redirects; htmx gets 401 and the event that opens the sign-in, or it would swap the page into a panel."""
    wrong = []
    for method, name, _code in PAGES:
        page = Client().generic(method, address(name))
        part = Client(headers={"HX-Request": "true"}).generic(method, address(name))
        sent = page.status_code == 302 and page.headers["Location"].startswith("/accounts/login/?next=")
        if not (sent and (part.status_code, part.headers.get("HX-Trigger")) == (401, "sign-in")):
            wrong.append((method, name, page.status_code, part.status_code))
    assert wrong == []


SECOND_STEPS = {"mfa_authenticate", "mfa_login_webauthn"}  # of the sign-in itself: who has not begun it begins there


@pytest.mark.parametrize("name", sorted(PUBLIC - SECOND_STEPS))
def test_an_open_route_needs_nobody(db: None, name: str) -> None:
    answer = Client().get(address(name))
    assert answer.status_code in (200, 401, 404, 405), "nobody is sent to the sign-in page from here"


# --- another team's row is not there -----------------------------------------------------------------------------
@pytest.fixture
def west(cast: Cast, make_customer: Callable[..., Any], deliver: Callable[[], int], storage: Any) -> dict[str, str]:
    """Return public ids of rows that belong to the west branch, by the route whose blank they fill."""
    from collection import cases, promises
    from collection.judgement import Part
    from collection.models import Case
    from credit import payoffs
    from customers import activities, contact_windows, messages, relations, templates
    from tests.collection import call_rows
    from tests.collection.conftest import LATE, Floor
    from tests.collection.court_rows import court_rows
    from tests.collection.relief_rows import rows_of
    from tests.collection.supervision_rows import quality_rows
    from tests.credit.conftest import Desk
    from tests.risk.behaviours import limit_proposal

    desk = Desk(cast, make_customer)
    made = {"actor": cast.outsider}

    def customer() -> Any:
        return make_customer(branch=cast.west, actor=cast.outsider)

    draft = desk.draft(customer=customer(), **made)
    referred = desk.concluded("refer", customer=customer(), **made)
    offer = desk.offer(customer=customer(), **made)
    loan = desk.loan(customer=customer(), **made)
    Floor(cast, desk, deliver).close(LATE)
    case = Case.objects.get(customer=loan.customer)
    cast.entity.refresh_from_db()
    late = datetime.combine(cast.entity.business_date, NOON.timetz())
    cases.claim(case, actor=cast.west_collector, at=late)
    part = Part(cast.entity.business_date + timedelta(days=3), Decimal("100.00"))
    promise = promises.take(case, parts=[part], channel="inbound", actor=cast.west_collector, at=late)
    cases.release(case, actor=cast.west_collector, at=late)
    Case.objects.update(next_action="", next_action_on=None)  # as it stood: first in its own desk
    person, told = draft.customer, {"actor": cast.outsider, "at": NOON}
    return {
        **rows_of(case, worker=cast.west_collector, cast=cast, at=late),
        **court_rows(case, worker=cast.west_collector, at=late),
        **quality_rows(case, worker=cast.west_collector, cast=cast, at=late),
        **call_rows.rows_of(case, worker=cast.west_collector, cast=cast, at=late),
        **reviews(cast, desk, customer),
        "limit_proposal": limit_proposal(cast.system, person).public_id,
        "message": messages.send(
            customer=person,
            channel="sms",
            template="papers.asked",
            key="west",
            purpose="service",
            **told,
            values={name: english for name, (english, _chinese) in templates.KINDS.get("papers.asked").samples.items()},
        ).public_id,
        "reply": heard_from(person),
        "activity": activities.plan(person, kind="call", text="x", due_at=NOON + timedelta(days=1), **told).public_id,
        "relation": relations.add(person, kind="family", source="customer", name="李雷", mobile="13812345678", **told).public_id,
        "window": contact_windows.agree(
            person, kind="agreed", opens=time(22), closes=time(23), since=NOON.date(), source="letter", evidence="x", **told
        ).public_id,
        "customer": draft.customer.public_id,
        "draft": draft.public_id,
        "referred": referred.public_id,
        "offer": offer.public_id,
        "quote": offer.quote.public_id,
        "loan": loan.public_id,
        "payoff": payoffs.issue(loan, settles_on=cast.entity.business_date, actor=cast.outsider, at=late).public_id,
        "decision": referred.decision.public_id,
        "case": case.public_id,
        "promise": promise.public_id,
    }


def heard_from(person: Any) -> str:
    """Return an answer of this person, which nobody has read."""
    from customers import replies, reply_words

    reply_words.seed()
    return replies.hear(channel="sms", external_id=f"r-{person.pk}", sender=person.mobile, text="?", at=NOON).public_id


def reviews(cast: Cast, desk: Any, customer: Callable[[], Any]) -> dict[str, str]:
    """Return what a review leaves beside an application of the west branch."""
    from credit import papers, underwriting
    from credit.models import Condition
    from customers import documents
    from tests.fixtures.papers import pdf

    def referred() -> Any:
        return desk.concluded("refer", customer=customer(), actor=cast.outsider)

    made: dict[str, Any] = {"actor": cast.west_underwriter, "at": NOON}
    asked, approved = referred(), referred()
    stored = documents.keep(pdf("west"))
    document = documents.add(asked.customer, kind="id_card", stored=stored, file_name="x", actor=cast.outsider, at=NOON)
    underwriting.approve(approved, amount=approved.amount, kinds=["employer"], **made)
    return {
        "document": document.public_id,
        "papers": papers.ask(asked, kinds=["income_proof"], due_on=NOON.date() + timedelta(days=9), **made).public_id,
        "condition": Condition.objects.get(application=approved).public_id,
        "proposal": underwriting.propose(referred(), kind="approve", amount=approved.amount, term=12, **made).public_id,
        "counter": underwriting.counter(referred(), amount=approved.amount, term=18, **made).public_id,
    }


# method, route, which row, who of the east branch asks
ROWS = [row for room in ROOMS for row in room.ROWS]
API_ROWS = [row for room in ROOMS for row in room.API_ROWS]
LISTS = [row for room in ROOMS for row in room.LISTS]
SHARED = {name for room in ROOMS for name in room.SHARED}


def test_every_route_of_a_branch_row_is_tried() -> None:
    tried = {(method, name) for method, name, _row, _who in ROWS + API_ROWS}
    with_rows = {(method, name) for method, name, _code in PAGES + API if blanks_of(BY_NAME[name]) and name not in SHARED}
    assert with_rows - tried == set()


def asker(cast: Cast, who: str) -> Any:
    of_the_branch = {"east_underwriter": "underwriter", "east_supervisor": "collections_supervisor"}
    return cast.person(who, of_the_branch[who], cast.east) if who in of_the_branch else getattr(cast, who)


def test_another_branchs_row_is_not_there(cast: Cast, west: dict[str, str], all_kinds: bool) -> None:
    """One set of rows, every address: 404 for the east branch, as for a row that does not exist: a quarter of those, with `--all` each."""
    people: dict[str, Any] = {}
    wrong = []
    for number, (method, name, row, who) in enumerate(ROWS + API_ROWS):
        if who not in people:
            people[who] = APIClient()
            people[who].force_login(asker(cast, who))
        nobodys = [west[row].split("-")[0] + "-22222222X"] if all_kinds or number % 4 == 0 else []
        body = ("{}", "application/json") if name.startswith("api-") else ("", "application/x-www-form-urlencoded")
        answers = [
            people[who].generic(
                method, address(name, public_id=public_id), body[0], content_type=body[1], headers={"Idempotency-Key": public_id}
            )
            for public_id in (west[row], *nobodys)
        ]
        if {answer.status_code for answer in answers} != {404}:
            wrong.append((method, name, [answer.status_code for answer in answers]))
    assert wrong == []


def test_another_branchs_rows_are_not_listed(cast: Cast, west: dict[str, str]) -> None:
    people: dict[str, Any] = {}
    for name, who, rows in LISTS:
        if who not in people:
            people[who] = APIClient()
            people[who].force_login(asker(cast, who))
        answer = people[who].get(reverse(name))
        assert answer.status_code == 200, name
        for row in rows:
            assert west[row] not in answer.content.decode(), f"{name} shows a {row} of the west branch"


def test_the_own_branch_finds_all_of_it(cast: Cast, west: dict[str, str]) -> None:
    """The same addresses work for those whose rows they are, so that the 404 above means what it says."""
    people: dict[str, Any] = {}
    theirs = {"loan_officer": cast.outsider, "east_underwriter": cast.west_underwriter, "collector": cast.west_collector}
    for method, name, row, who in ROWS + API_ROWS:
        if method == "GET" and who in theirs and name != "customer-timeline":  # asks for what is before an entry
            if who not in people:
                people[who] = APIClient()
                people[who].force_login(theirs[who])
            answer = people[who].get(address(name, public_id=west[row]))
            assert answer.status_code in (200, 409, 422), f"{name}: {answer.status_code}"
