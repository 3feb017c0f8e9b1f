"""Around every request: its id, headers that keep a browser safe, what cannot be read, what is refused."""

import contextlib
import logging
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from tests.fixtures.cast import Cast

NUL = [
    "/customers/?q=%00",
    "/customers/C-%00/",
    "/risk/decisions/D-%00/",
    "/?%00=1",
    "/accounts/login/?next=%00",
    "/api/v1/customers/?cursor=%00",
]


@pytest.mark.parametrize("address", NUL)
def test_a_nul_in_an_address_is_400(cast: Cast, address: str) -> None:
    client = Client()
    client.force_login(cast.loan_officer)
    assert client.get(address).status_code == 400


def test_a_nul_in_a_form_is_400(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.loan_officer)
    assert client.post("/customers/new/", {"name": "a\0b"}).status_code == 400
    assert client.post("/customers/new/", {"na\0me": "a"}).status_code == 400
    assert Client().post("/accounts/login/", {"login": "a\0b", "password": "x"}).status_code == 400


def test_every_answer_carries_its_id(db: None) -> None:
    first, second = Client().get("/healthz"), Client().get("/healthz")
    assert first.headers["X-Request-ID"]
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_the_id_of_a_request_reaches_the_ledger(cast: Cast, api_of: Any) -> None:
    from ledger.models import Entry
    from tests.fixtures.support import identities

    body = {"name": "王小明", "id_number": identities.id_number(), "mobile": identities.mobile()}
    answer = api_of().post("/api/v1/customers/", body, format="json", headers={"X-Request-ID": "a-stranger's"})
    assert answer.status_code == 201
    assert Entry.objects.get(event="customers.customer.created").request_id == answer.headers["X-Request-ID"]
    assert answer.headers["X-Request-ID"] != "a-stranger's", "whoever calls does not choose what the log says"


def test_a_browser_is_told_to_be_careful(db: None) -> None:
    answer = Client().get("/accounts/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_a_search_does_not_reach_the_log(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    client.force_login(cast.loan_officer)
    with caplog.at_level(logging.INFO):
        client.get("/customers/?q=13812349999")
    lines = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert any("GET /customers/" in line for line in lines)
    assert not any("13812349999" in line for line in lines)


def test_health_is_asked_of_the_database(db: None) -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_health_says_so_while_the_database_is_away(transactional_db: None) -> None:
    connection.ensure_connection()
    told = {
        key: value for key, value in connection.get_connection_params().items() if key in ("dbname", "user", "password", "host", "port")
    }
    with contextlib.closing(psycopg2.connect(**told)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    assert Client().get("/healthz").status_code == 503
    assert Client().get("/healthz").status_code == 200


def test_a_page_that_is_not_there_is_404_in_the_house_style(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.loan_officer)
    assert client.get("/nothing/here/").status_code == 404
    part = client.get("/customers/C-22222222X/", headers={"HX-Request": "true"})
    assert part.status_code == 404
    assert "<html" not in part.content.decode()


@pytest.mark.parametrize(
    ("before", "back"),
    [
        ("http://testserver/customers/?sort=name", "/customers/?sort=name"),
        ("http://testserver/nowhere/", ""),
        ("http://elsewhere.example/customers/", ""),
        ("http://testserver//elsewhere.example/", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_refusal_leads_back_to_our_own_page_only(cast: Cast, page_of: Any, before: str, back: str) -> None:
    page = page_of(cast.loan_officer).get("/nowhere/", headers={"Referer": before}).text
    assert "Go to the home page" in page
    assert (f'href="{back}">Back to where you were' in page) if back else ("Back to where you were" not in page)


def test_a_missing_permission_is_named_to_a_page_and_to_a_part(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.collector)
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get("/applications/", headers=headers)
        assert answer.status_code == 403
        assert "credit.view_application" in answer.content.decode() or "View applications" in answer.content.decode()


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.loan_officer)
    assert client.post("/customers/new/", {"name": "x"}).status_code == 403
