"""Lists as pages: conditions composed and kept in the address, columns chosen, views saved, rows worked on, files exported."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.lib.lists import LISTS
from governance import bulk, exports, saved_views
from governance.models import BulkRun, Export, SavedView
from tests.collection.conftest import Floor
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast

PageOf = Callable[[Any], Client]
HTMX = {"HX-Request": "true"}
WHERE = {"customers": "/customers/", "applications": "/applications/", "loans": "/loans/", "cases": "/collections/cases/"}


@pytest.fixture
def portfolio(cast: Cast, make_customer: Callable[..., Any], deliver: Callable[[], int]) -> Any:
    """Return a case with its loan, application and customer, and an application without a decision."""
    desk = Desk(cast, make_customer)
    desk.draft(customer=make_customer())
    return Floor(cast, desk, deliver).case()


def rows(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row.public_id for row in answer.context["page"].rows]


def to(answer: Any) -> str:
    """Where an htmx answer sends the browser."""
    assert answer.status_code == 200
    return str(answer.headers["HX-Redirect"])


def test_conditions_narrow_the_list_and_stand_in_the_address(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    rich, poor = make_customer(income=90_000), make_customer(income=900)
    client = page_of(cast.loan_officer)
    posted = {
        "query": "sort=income", "group0": "1", "field0": "income", "was0": "income", "op0": "ge", "value0": "10,000", "step": "apply",
    }  # fmt: skip
    address = to(client.post("/lists/customers/conditions/", posted, headers=HTMX))
    assert parse_qs(urlsplit(address).query) == {"sort": ["income"], "w": ["1.income.ge.10,000"]}
    answer = client.get(address)
    assert rows(answer) == [rich.public_id]
    said = answer.content.decode()
    assert "is at least 10,000.00" in said and poor.public_id not in said
    chip = answer.context["page"].chips[0]
    assert set(rows(client.get(chip.without))) == {rich.public_id, poor.public_id}


def test_quick_filters_keep_conditions_columns_and_view(cast: Cast, page_of: PageOf, customer: Any) -> None:
    client = page_of(cast.loan_officer)
    view = saved_views.create(
        list_name="customers", name="Rich", query="w=1.income.ge.1&w=2.debt.le.900&any=2", actor=cast.loan_officer, at=NOON
    )
    shown = client.get(f"/customers/?view={view.public_id}&cols=")
    kept = shown.context["page"].state.kept
    assert kept == [("w", "1.income.ge.1"), ("w", "2.debt.le.900"), ("any", "2"), ("view", view.public_id)]
    assert all(f'name="{name}" value="{value}"' in shown.content.decode() for name, value in kept)
    again = client.get("/customers/", {"channel": "web", "w": "1.income.ge.1", "view": view.public_id})
    assert rows(again) == [] and again.context["page"].state.edited
    assert client.get("/customers/?cols=customer,income").context["page"].state.kept == [("cols", "customer,income")]


def test_groups_mean_and_or(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    low, middle, high = (make_customer(income=income) for income in (1_000, 5_000, 9_000))
    client = page_of(cast.loan_officer)
    two = "w=1.income.le.1000&w=1.income.ge.9000"
    assert rows(client.get(f"/customers/?{two}")) == []
    assert set(rows(client.get(f"/customers/?{two}&any=1"))) == {low.public_id, high.public_id}
    assert rows(client.get("/customers/?w=1.income.ge.2000&w=2.income.le.8000")) == [middle.public_id]
    assert len(rows(client.get("/customers/?w=1.income.ge.9000&w=2.income.le.1000&between=or"))) == 2


@pytest.mark.parametrize("step", ["add.1", "group", "remove.0", "remove.99", "add.9", "", "apply"])
def test_each_button_of_the_builder_answers(cast: Cast, page_of: PageOf, step: str) -> None:
    client = page_of(cast.loan_officer)
    posted = {"group0": "1", "field0": "income", "was0": "channel", "op0": "past", "value0": "x", "step": step}
    answer = client.post("/lists/customers/conditions/", posted, headers=HTMX)
    assert answer.status_code == (422 if step == "apply" else 200)
    plain = client.post("/lists/customers/conditions/", posted)
    assert "<html" in plain.content.decode()


def test_every_list_offers_nothing_that_identifies_a_person() -> None:
    for spec in LISTS.values():
        for field in spec.fields:
            assert not any(word in field.path for word in ("name", "mobile", "id_number", "bank_card", "address", "employer", "_key")), (
                field.path
            )


@pytest.mark.parametrize("name", WHERE)
def test_every_field_and_column_works(cast: Cast, page_of: PageOf, name: str, portfolio: Any) -> None:
    """Each condition is asked of the database, each column drawn and exported: a wrong path would break only one of them."""
    spec, client = LISTS[name], page_of(cast.auditor)
    every = ",".join(column.key for column in spec.columns)
    assert rows(client.get(f"{WHERE[name]}?cols={every}"))
    for field in spec.fields:
        options = field.options(cast.auditor)
        values = {"choice": options[0][0] if options else "", "money": "1.00", "number": "1", "day": "2026-01-01", "moment": "2026-01-01"}
        for op, _label in field.operators:
            value = "" if op in ("set", "empty") else "7" if op in ("past", "next", "older") else values[field.kind]
            if field.kind == "choice" and not options:
                continue
            answer = client.get(f"{WHERE[name]}?w=1.{field.key}.{op}{'.' + value if value else ''}")
            assert answer.status_code == 200 and not answer.context["page"].state.where.dropped, (field.key, op)
    export = exports.ask(spec, query="", columns=spec.columns, purpose="report", reason="every column", actor=cast.auditor, at=NOON)
    exports.write(export.pk, at=NOON)
    export.refresh_from_db()
    assert export.job.status == "done" and export.rows


def test_columns_are_chosen_and_ordered(cast: Cast, page_of: PageOf, customer: Any) -> None:
    client = page_of(cast.loan_officer)
    posted = {
        "query": "w=1.income.ge.1",
        "order": ["customer", "income", "mobile", "nonsense"],
        "shown": ["income", "mobile"],
        "step": "up.mobile",
    }
    again = client.post("/lists/customers/columns/", posted, headers=HTMX).content.decode()
    assert again.index('value="mobile"') < again.index('value="income"')
    address = to(
        client.post("/lists/customers/columns/", posted | {"order": ["customer", "mobile", "income"], "step": "apply"}, headers=HTMX)
    )
    assert [column.key for column in client.get(address).context["page"].state.columns] == ["customer", "mobile", "income"]
    assert "w=1.income.ge.1" in address
    back = to(client.post("/lists/customers/columns/", posted | {"step": "reset"}, headers=HTMX))
    assert "cols" not in back


def test_a_view_is_saved_becomes_a_tab_and_opens_the_list(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    rich, poor = make_customer(income=90_000), make_customer(income=900)
    client = page_of(cast.loan_officer)
    posted = {"query": "w=1.income.ge.1000&after=junk&nonsense=1", "name": "Rich", "pinned": "on", "is_default": "on", "form_key": ""}
    address = to(client.post("/lists/customers/views/", posted, headers=HTMX))
    view = SavedView.objects.get()
    assert (view.query, address) == ("w=1.income.ge.1000", f"/customers/?view={view.public_id}")
    bare = client.get("/customers/")
    assert rows(bare) == [rich.public_id] and bare.context["page"].state.tabs[0]["count"] == "1"
    assert len(rows(client.get("/customers/?view=none"))) == 2
    assert len(rows(client.get("/customers/?channel=branch"))) == 2  # who asks for something gets that
    assert rows(page_of(cast.colleague).get(f"/customers/?view={view.public_id}")) == [poor.public_id, rich.public_id]
    edited = client.get(f"/customers/?w=1.income.ge.1&view={view.public_id}")
    assert edited.context["page"].state.edited and "Keep the changes" in edited.content.decode()
    to(client.post(f"/lists/views/{view.public_id}/", {"query": "w=1.income.ge.1"}, headers=HTMX))
    view.refresh_from_db()
    assert view.query == "w=1.income.ge.1"
    to(client.post(f"/lists/views/{view.public_id}/", {"step": "delete"}, headers=HTMX))
    assert not SavedView.objects.exists()


def test_another_persons_view_is_not_changed(cast: Cast, page_of: PageOf) -> None:
    private = saved_views.create(list_name="customers", name="Mine", query="", actor=cast.colleague, at=NOON)
    shared = saved_views.create(list_name="customers", name="Ours", query="", actor=cast.collections_supervisor, at=NOON, team=cast.east)
    client = page_of(cast.loan_officer)
    assert client.post(f"/lists/views/{private.public_id}/", {"step": "delete"}).status_code == 404
    assert client.post(f"/lists/views/{shared.public_id}/", {"step": "delete"}).status_code == 403
    assert SavedView.objects.count() == 2


def test_pages_cost_the_same_for_one_row_and_many(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    client = page_of(cast.loan_officer)
    saved_views.create(list_name="customers", name="Rich", query="w=1.income.ge.1000", actor=cast.loan_officer, at=NOON, pinned=True)
    make_customer()

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/customers/?w=1.owner.in.me&w=1.branch.in." + cast.east.public_id).status_code == 200
        return len(seen)

    count()
    few = count()
    for _ in range(8):
        make_customer()
    assert count() == few


def test_rows_are_handed_over_from_the_list(
    cast: Cast, page_of: PageOf, make_customer: Callable[..., Any], deliver: Callable[[], int]
) -> None:
    """From the tick in a row to the door of another module, by its registered action."""
    chosen, other = make_customer(), make_customer()
    client = page_of(cast.collections_supervisor)
    asked = client.post("/lists/customers/bulk/hand_over/", {"row": [chosen.public_id]}, headers=HTMX)
    assert asked.status_code == 200 and "1 row will be changed" in asked.content.decode()
    sure = {"row": [chosen.public_id], "sure": "yes", "taker": cast.colleague.pk, "branch": "", "form_key": ""}
    address = to(client.post("/lists/customers/bulk/hand_over/", sure, headers=HTMX))
    run = BulkRun.objects.get()
    assert address == f"/lists/jobs/{run.job.public_id}/"
    bulk.run(run.pk, at=NOON)
    assert "Done" in client.get(address).content.decode()
    chosen.refresh_from_db(), other.refresh_from_db()
    assert (chosen.owner, other.owner) == (cast.colleague, cast.loan_officer)
    assert page_of(cast.loan_officer).get(address).status_code == 404


def test_all_rows_of_the_filter_are_fixed_when_confirmed(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    inside = [make_customer(income=90_000) for _ in range(3)]
    make_customer(income=900), make_customer(income=90_000, branch=cast.west, actor=cast.outsider)
    client = page_of(cast.collections_supervisor)
    sure = {"every": "yes", "query": "w=1.income.ge.1000", "sure": "yes", "taker": cast.colleague.pk, "form_key": ""}
    to(client.post("/lists/customers/bulk/hand_over/", sure, headers=HTMX))
    assert sorted(BulkRun.objects.get().ids) == sorted(row.pk for row in inside)


def test_an_action_needs_its_permission(cast: Cast, page_of: PageOf, customer: Any) -> None:
    client = page_of(cast.loan_officer)
    assert client.post("/lists/customers/bulk/hand_over/", {"row": [customer.public_id]}).status_code == 403
    assert client.post("/lists/customers/bulk/nonsense/", {}).status_code == 404
    assert 'name="row"' not in client.get("/customers/").content.decode()


def test_an_export_asks_for_a_reason_and_is_ones_own(cast: Cast, page_of: PageOf, make_customer: Callable[..., Any]) -> None:
    make_customer(income=90_000), make_customer(income=900)
    client = page_of(cast.auditor)
    assert client.post("/lists/customers/export/", {"query": "", "purpose": "control", "reason": ""}, headers=HTMX).status_code == 422
    posted = {"query": "w=1.income.ge.1000", "purpose": "control", "use": "compliance", "reason": "Yearly check", "form_key": ""}
    for use in ("", "marketing", "service"):  # no purpose, one that asks for a consent and reads no id number, one that reads no income
        assert client.post("/lists/customers/export/", posted | {"use": use}, headers=HTMX).status_code == 422
    address = to(client.post("/lists/customers/export/", posted, headers=HTMX))
    export = Export.objects.get()
    assert "Waiting" in client.get(address).content.decode()
    exports.write(export.pk, at=NOON)
    Export.objects.update(expires_at=NOON.replace(year=2100))
    assert "Download 1 row" in client.get(address).content.decode()
    file = client.get(f"/lists/exports/{export.public_id}/file.csv")
    assert file.status_code == 200 and file.content.startswith(b"\xef\xbb\xbf") and "attachment" in file.headers["Content-Disposition"]
    assert page_of(cast.compliance).get(f"/lists/exports/{export.public_id}/file.csv").status_code == 404
    assert page_of(cast.loan_officer).get("/lists/customers/export/").status_code == 403
    assert "/export/" not in page_of(cast.loan_officer).get("/customers/").content.decode()


@pytest.mark.parametrize("query", ["channel=%00", "w=1.channel.in.%00", "branch=%00&w=%00", "&" * 900, "channel=" + "x" * 3000, "%ff=%ff"])
def test_no_query_inside_an_address_breaks_a_tool(cast: Cast, page_of: PageOf, query: str) -> None:
    client = page_of(cast.auditor)
    for path in ("conditions", "columns", "views", "export"):
        assert client.get(f"/lists/customers/{path}/", {"q": query}).status_code == 200
        more = {"name": "x", "purpose": "work", "reason": "because", "step": "apply", "form_key": ""}
        assert client.post(f"/lists/customers/{path}/", {"query": query} | more, headers=HTMX).status_code in (200, 400, 422)


def test_a_list_one_may_not_see_has_no_tools_either(cast: Cast, page_of: PageOf) -> None:
    client = page_of(cast.admin)
    for path in ("conditions", "columns", "views", "export"):
        assert client.get(f"/lists/customers/{path}/").status_code == 403
    assert client.get("/lists/nothing/conditions/").status_code == 404
