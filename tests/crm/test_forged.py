"""Another team's number in an address, a panel, a form, a body, a bulk action, a search, a file: not there, and written down once each."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from crm.asgi import application
from crm.lib.lists import LISTS
from customers.models import Customer
from governance import exports
from governance.models import BulkRun, Export
from ledger.models import Entry
from tests.collection.conftest import Floor
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast

HTMX = {"HX-Request": "true"}
UNKNOWN = "22222222X"


@pytest.fixture
def far(cast: Cast, make_customer: Callable[..., Any], deliver: Callable[[], int]) -> dict[str, str]:
    """Return the numbers of a customer, an application, a loan and a case of the west branch."""
    cache.clear()
    desk = Desk(cast, make_customer)
    loan = desk.loan(customer=make_customer(branch=cast.west, actor=cast.outsider), actor=cast.outsider)
    Floor(cast, desk, deliver).close(NOON.date().replace(month=4, day=10))
    case = loan.customer.cases.get()
    return {"C": loan.customer.public_id, "A": loan.application.public_id, "L": loan.public_id, "K": case.public_id}


def noted() -> set[str]:
    return {entry.subject_type for entry in Entry.objects.filter(event="governance.access.refused")}


# who, how, which row, and the answer: 404, or a form and a body answered in words that are the same for an unknown number
PAGES: list[tuple[str, str, str, str, dict[str, str], int]] = [
    ("loan_officer", "get", "/customers/{C}/", "C", {}, 404),
    ("loan_officer", "get", "/customers/{C}/relations/", "C", {}, 404),
    ("loan_officer", "get", "/customers/{C}/panels/loans/", "C", {}, 404),
    ("loan_officer", "post", "/customers/{C}/notes/", "C", {"text": "x"}, 404),
    ("loan_officer", "get", "/loans/{L}/", "L", {}, 404),
    ("collector", "get", "/collections/cases/{K}/", "K", {}, 404),
    ("collections_supervisor", "post", "/lists/customers/bulk/hand_over/", "C", {"row": "{C}"}, 404),
    ("loan_officer", "post", "/search/", "C", {"text": "{C}"}, 200),
    ("loan_officer", "post", "/search/", "A", {"text": "{A}"}, 200),
    ("loan_officer", "post", "/search/", "L", {"text": "{L}"}, 200),
    ("collector", "post", "/search/", "K", {"text": "{K}"}, 200),
    ("loan_officer", "get", "/applications/new/?customer={C}", "C", {}, 200),
    ("loan_officer", "post", "/applications/new/", "C", {"customer": "{C}"}, 422),
    ("loan_officer", "post", "{own}relations/add/", "C", {"other": "{C}", "kind": "family", "source": "staff", "consent": "given"}, 422),
]
SUBJECT = {"C": "customers.customer", "A": "credit.application", "L": "credit.loan", "K": "collections.case"}


@pytest.mark.parametrize(
    ("who", "how", "where", "row", "sent", "status"), PAGES, ids=[f"{how} {where} {row}" for _, how, where, row, _s, _c in PAGES]
)
def test_a_number_of_another_team_is_not_there_and_noted(
    cast: Cast, far: dict[str, str], customer: Customer, page_of: Any, who: str, how: str, where: str, row: str, sent: dict[str, str], status: int
) -> None:  # fmt: skip
    browser = page_of(getattr(cast, who))
    told = []
    for known in ({kind: f"{kind}-{UNKNOWN}" for kind in far}, far):
        known |= {"own": f"/customers/{customer.public_id}/"}
        values = {name: value.format(**known) for name, value in sent.items()}
        answer = getattr(browser, how)(where.format(**known), values, headers=HTMX)
        assert answer.status_code == status
        assert f'/{known[row]}/"' not in answer.text, "no way leads there"
        told.append(noted())
    assert told == [set(), {SUBJECT[row]}]
    assert Entry.objects.filter(event="governance.access.refused").count() == 1
    assert Entry.objects.get(event="governance.access.refused").actor_id == getattr(cast, who).pk


BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("/api/v1/applications/", "C", {"customer": "{C}", "product": "x", "amount": "5000.00", "term": 12, "purpose": "car_used"}),
    ("/api/v1/relations/", "C", {"customer": "{C}", "kind": "family", "name": "李雷", "mobile": "13812345678", "source": "staff"}),
    ("/api/v1/repayments/", "L", {"loan": "{L}", "amount": "5.00"}),
    ("/api/v1/customers/{C}/consents/", "C", {"purpose": "marketing"}),
    ("/api/v1/loans/{L}/", "L", {}),
]


@pytest.mark.parametrize(("where", "row", "body"), BODIES, ids=[where for where, _row, _body in BODIES])
def test_so_it_is_in_a_body_and_where_the_door_takes_its_transaction_back(
    cast: Cast, far: dict[str, str], api_of: Any, where: str, row: str, body: dict[str, Any]
) -> None:
    client = api_of(user=cast.person("machine", "api_client", cast.east, kind="service"))
    sent = {name: value.format(**far) if isinstance(value, str) else value for name, value in body.items()}
    ask = client.post if sent else client.get
    answer = ask(where.format(**far), sent, format="json", headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == (404 if "{" in where else 422), answer.content
    assert noted() == {SUBJECT[row]}


def test_a_bulk_action_with_one_foreign_row_does_nothing(cast: Cast, far: dict[str, str], customer: Customer, page_of: Any) -> None:
    browser = page_of(cast.collections_supervisor)
    sure = {"row": [customer.public_id, far["C"]], "sure": "yes", "taker": cast.colleague.pk, "form_key": str(uuid4())}
    assert browser.post("/lists/customers/bulk/hand_over/", sure, headers=HTMX).status_code == 404
    assert not BulkRun.objects.exists() and noted() == {"customers.customer"}


def test_the_file_of_somebody_else_is_not_there(cast: Cast, customer: Customer, page_of: Any) -> None:
    cache.clear()
    columns = [column for column in LISTS["customers"].columns if column.shown]
    export = exports.ask(LISTS["customers"], query="", columns=columns, purpose="control", reason="Yearly check", actor=cast.auditor, at=NOON,
                         language="en")  # fmt: skip
    exports.write(export.pk, at=NOON)
    assert page_of(cast.compliance).get(f"/lists/exports/{export.public_id}/file.csv").status_code == 404
    assert noted() == {"governance.export"} and Export.objects.get().downloads == 0


def test_there_is_no_websocket() -> None:
    """What lives longer than a request asks again by HTTP, through the same doors."""
    with pytest.raises(ValueError, match="ASGI/HTTP"):
        application({"type": "websocket", "path": "/"}, None, None).send(None)
