"""Whose rows a person reaches: own, team with everything below it, or all of the lender. Nothing without a scope."""

from collections.abc import Callable

import pytest
from django.http import Http404

from customers.models import Customer
from governance import teams
from governance.models import LegalEntity, Role, Team, User
from governance.models.identity import Scope
from tests.fixtures.cast import NOON, TODAY, Cast

MakeCustomer = Callable[..., Customer]


@pytest.fixture
def rows(cast: Cast, make_customer: MakeCustomer) -> dict[str, Customer]:
    """Return customers: of the east branch by two officers, of a team below it, of the west branch, of the service account."""
    return {
        "mine": make_customer(),
        "colleague's": make_customer(actor=cast.colleague),
        "team below": make_customer(actor=cast.colleague, branch=cast.east_team),
        "west": make_customer(actor=cast.outsider, branch=cast.west),
        "service": make_customer(actor=cast.service),
    }


EAST = {"mine", "colleague's", "team below", "service"}
EVERYTHING = EAST | {"west"}
TABLE = [
    ("loan_officer", EAST),
    ("colleague", EAST),
    ("outsider", {"west"}),
    ("collector", EAST),
    ("collections_supervisor", EAST),
    ("underwriter", EVERYTHING),  # sits at the head office, whose subtree is every branch
    ("west_underwriter", {"west"}),
    ("risk_manager", EVERYTHING),
    ("service_agent", EVERYTHING),
    ("compliance", EVERYTHING),
    ("auditor", EVERYTHING),
    ("service", {"service"}),
    ("nobody", set()),
]


@pytest.mark.parametrize(("who", "seen"), TABLE, ids=[who for who, _seen in TABLE])
def test_who_sees_which_customers(cast: Cast, rows: dict[str, Customer], who: str, seen: set[str]) -> None:
    visible = set(Customer.objects.visible_to(getattr(cast, who)).values_list("pk", flat=True))
    assert {name for name, row in rows.items() if row.pk in visible} == seen


def test_a_suspended_person_sees_nothing(cast: Cast, rows: dict[str, Customer]) -> None:
    cast.auditor.is_active = False
    assert not Customer.objects.visible_to(cast.auditor).exists()


def test_a_team_scope_without_a_team_sees_nothing(cast: Cast, rows: dict[str, Customer]) -> None:
    cast.loan_officer.team = None
    assert not Customer.objects.visible_to(cast.loan_officer).exists()


def test_a_team_without_a_path_is_not_every_team(cast: Cast, rows: dict[str, Customer]) -> None:
    Team.objects.filter(pk=cast.east.pk).update(path="")
    cast.loan_officer.team.refresh_from_db()
    assert not Customer.objects.visible_to(cast.loan_officer).exists()


def test_a_sister_whose_id_begins_alike_is_not_below(cast: Cast, rows: dict[str, Customer], make_customer: MakeCustomer) -> None:
    """`/1/4/` is no prefix of `/1/40/`: the closing slash keeps them apart."""
    twin = Team.objects.get(pk=cast.west.pk)
    twin.path = cast.east.path[:-1] + "0/"
    twin.save()
    assert not Customer.objects.visible_to(cast.loan_officer).filter(branch=twin).exists()


def test_all_ends_at_the_own_lender(cast: Cast, rows: dict[str, Customer], make_customer: MakeCustomer) -> None:
    other = LegalEntity.objects.create(code="OTHER", name_en="Other", name_zh="他", business_date=TODAY)
    branch = teams.create(
        legal_entity=other, code="X", name_en="X", name_zh="X", kind=Team.Kind.BRANCH, parent=None, actor=cast.system, at=NOON
    )
    foreign = make_customer(branch=branch)
    assert not Customer.objects.visible_to(cast.auditor).filter(pk=foreign.pk).exists()
    assert not Customer.objects.visible_to(cast.underwriter).filter(pk=foreign.pk).exists()
    cast.auditor.team = None
    assert Customer.objects.visible_to(cast.auditor).filter(pk=foreign.pk).exists(), "without a team: the installation's own"


@pytest.mark.parametrize("public_id", ["C-22222222X", "", "C-\0", "L-1", "x" * 500])
def test_an_unknown_row_is_not_found(cast: Cast, public_id: str) -> None:
    with pytest.raises(Http404):
        Customer.objects.all().get_for(cast.auditor, public_id)


def test_another_teams_row_looks_like_an_unknown_one(cast: Cast, rows: dict[str, Customer]) -> None:
    with pytest.raises(Http404):
        Customer.objects.all().get_for(cast.outsider, rows["mine"].public_id)
    assert Customer.objects.all().get_for(cast.loan_officer, rows["mine"].public_id) == rows["mine"]


def test_every_scoped_model_has_the_paths_it_is_scoped_by(db: None) -> None:
    """A wrong look-up path would show only when somebody of that scope opens the list."""
    from django.apps import apps

    from governance.scope import ScopedQuerySet

    def user(scope: str) -> User:
        team = Team(pk=-1, path="/-1/", kind="branch", legal_entity_id=-1)
        team.subtree_ids = [-1]
        return User(pk=-1, team=team, role=Role(scope=scope, products=["none"], own_cases=True))

    found = 0
    for model in apps.get_models():
        rows = model._default_manager.all()
        if isinstance(rows, ScopedQuerySet):
            found += 1
            for scope in Scope.values:
                assert list(rows.visible_to(user(scope)).order_by("pk")[:1]) == []
    assert found >= 3
