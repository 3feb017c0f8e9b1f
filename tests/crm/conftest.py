"""A caller who may do everything over the API, and one row of each kind for it to ask about."""

from collections.abc import Callable

import pytest

from tests.collection.conftest import Floor, desk, floor
from tests.fixtures.cast import Cast

__all__ = ["desk", "floor"]


@pytest.fixture
def bearer(cast: Cast, token_of: Callable[..., str]) -> str:
    """Return a token with every scope, of a machine that holds every permission and sees every row."""
    from crm.lib.permissions import ALL
    from governance.models import Role

    Role.objects.create(code="everything", name_en="Everything", name_zh="全部", scope="all", permissions=list(ALL))
    cast.roles["everything"] = Role.objects.get(code="everything")
    return token_of(user=cast.person("everything", "everything", cast.head, kind="service"))


@pytest.fixture
def rows(floor: Floor) -> dict[str, str]:
    """Return the public id of one row per collection of the API; its states let most doors be tried."""
    from customers.models import Purpose

    case = floor.case()
    loan = case.debts.get().loan
    repayment = floor.desk.pay(loan, "100.00")
    draft = floor.desk.draft()
    offer = floor.desk.confirmed()
    from customers import consents
    from tests.fixtures.cast import NOON

    consents.give(draft.customer, purpose=Purpose.BUREAU, actor=floor.cast.loan_officer, at=NOON)
    return {
        "customers": draft.customer.public_id,
        "products": floor.desk.product.public_id,
        "applications": draft.public_id,
        "decisions": offer.application.decision.public_id,
        "offers": offer.public_id,
        "loans": loan.public_id,
        "repayments": repayment.public_id,
        "cases": case.public_id,
    }
