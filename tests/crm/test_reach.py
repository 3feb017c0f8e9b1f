"""Who can see a record: the answer of the panel is the answer of `visible_to`, person by person."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from collection.models import Case
from credit.models import Application, Loan
from customers.models import Customer
from governance import delegations, glass, reach
from governance.models import Role, User
from tests.collection.conftest import LATE, Floor
from tests.credit.conftest import Desk
from tests.fixtures.cast import Cast

MODELS = {"customer": Customer, "application": Application, "loan": Loan, "case": Case}


@pytest.fixture
def desk(cast: Any, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


@pytest.fixture
def records(cast: Cast, desk: Desk, deliver: Callable[[], int]) -> dict[str, Any]:
    """One of each kind in the west branch, beside people of every scope, with a right lent and a glass broken."""
    loan = desk.loan(customer=desk.make_customer(branch=cast.west, actor=cast.outsider), actor=cast.outsider)
    Floor(cast, desk, deliver).close(LATE)
    own = Role.objects.create(
        code="own",
        name_en="Own",
        name_zh="本人",
        scope="own",
        permissions=["customers.view_customer", "credit.view_loan", "collections.view_case"],
    )
    cast.roles["own"] = own
    cast.person("stranger", "own", cast.west)
    mine = cast.person("responsible", "own", cast.west)
    for model in (Customer, Loan, Case):
        model._base_manager.update(owner=mine)
    at = now()
    delegations.lend(cast.outsider, cast.risk_analyst, since=at, until=at + timedelta(days=1), reason="x", actor=cast.outsider, at=at)
    glass.break_(loan.customer.public_id, reason="the person stands at our counter", minutes=20, actor=cast.colleague, at=at)
    return {
        "customer": loan.customer, "application": Application.objects.get(), "loan": loan, "case": Case.objects.get()
    }  # fmt: skip


def seeing(kind: str, row: Any) -> set[str]:
    """Return who sees `row` by `visible_to`."""
    asked, found = reach.KINDS[kind], set()
    for user in User.objects.select_related("role", "team"):
        user.asked = asked.permission
        if user.has_perm(asked.permission) and MODELS[kind].objects.visible_to(user).filter(pk=row.pk).exists():
            found.add(user.username)
    return found


def told(kind: str, row: Any) -> set[str]:
    """Return who the panel says sees it."""
    asked = reach.KINDS[kind]
    row = asked.rows().get(pk=row.pk)
    return set(User.objects.filter(pk__in=reach.seen_by(asked, asked.place(row))).values_list("username", flat=True))


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_the_answer_is_that_of_visible_to_for_everybody(records: dict[str, Any], kind: str) -> None:
    found = told(kind, records[kind])
    assert found == seeing(kind, records[kind])
    assert {"outsider" if kind != "case" else "west_collector", "colleague" if kind in ("customer", "loan") else "compliance"} <= found
    assert "loan_officer" not in found


@pytest.mark.parametrize(
    "narrowed", [{"scope": "tree"}, {"own_cases": True}, {"products": ["ANOTHER"]}, {"scope": "all", "products": ["ANOTHER"]}]
)
def test_so_it_is_where_roles_are_narrowed(cast: Cast, records: dict[str, Any], narrowed: dict[str, Any]) -> None:
    User.objects.filter(username="loan_officer").update(team=cast.east_team)
    Role.objects.filter(code__in=["loan_officer", "collector", "own"]).update(**narrowed)
    for kind, row in records.items():
        assert told(kind, row) == seeing(kind, row), kind


def test_the_panel_names_people_rules_and_why(cast: Cast, records: dict[str, Any], page_of: Any) -> None:
    url = f"/reach/customer/{records['customer'].public_id}/"
    page = page_of(cast.outsider).get(url).text
    assert "The role sees the rows of the team" in page and "Emergency access" in page and "Acts for somebody" in page
    mine = page_of(cast.colleague).get(url).text
    assert "Emergency access, for a short time" in mine.split("Why you can")[1].split("</section>")[0]
    assert f'href="{url}"' in page_of(cast.outsider).get(f"/customers/{records['customer'].public_id}/").text
    assert page_of(cast.loan_officer).get(url).status_code == 404
    assert page_of(cast.outsider).get("/reach/nothing/X-1/").status_code == 404
    refused = page_of(cast.outsider).get(f"/reach/case/{records['case'].public_id}/")
    assert refused.status_code == 403 and page_of(cast.service_agent).get(url).status_code == 403


def test_it_asks_the_same_however_many_people_there_are(cast: Cast, records: dict[str, Any], django_assert_num_queries: Any) -> None:
    kind = reach.KINDS["customer"]
    place = kind.place(kind.rows().get(pk=records["customer"].pk))
    for n in range(3):
        cast.person(f"more{n}", "loan_officer", cast.west)
    with django_assert_num_queries(8):
        assert [line.rule for line in reach.lines(kind, place)] == ["all", "team", "owner", "lent", "glass"]
