"""Machines: client credentials give a bearer token; scope, expiry and the service user's state are asked each time."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from governance import api_clients, users
from governance.models import ApiClient
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

URL = "/api/v1/customers/"
PROBLEM = "application/problem+json"


@pytest.fixture
def machine(cast: Cast) -> tuple[ApiClient, str]:
    return api_clients.create(
        name="shop", service_user=cast.service, client_scopes=["customers:read", "customers:write"], actor=cast.admin, at=NOON
    )


def token(machine: tuple[ApiClient, str], secret: str = "", **more: str) -> Any:
    client, own_secret = machine
    credentials = b64encode(f"{client.client_id}:{secret or own_secret}".encode()).decode()
    return Client().post(
        "/api/oauth/token/", {"grant_type": "client_credentials"} | more, headers={"Authorization": f"Basic {credentials}"}
    )


def api(bearer: str) -> APIClient:
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer}")
    return found


def test_from_id_and_secret_to_an_answer(machine: tuple[ApiClient, str]) -> None:
    answer = token(machine)
    assert answer.status_code == 200, answer.content
    grant = answer.json()
    assert (grant["token_type"], grant["expires_in"]) == ("Bearer", 3600)
    assert set(grant["scope"].split()) == {"customers:read", "customers:write"}
    assert api(grant["access_token"]).get(URL).status_code == 200


def test_a_client_may_ask_for_less(machine: tuple[ApiClient, str]) -> None:
    bearer = token(machine, scope="customers:read").json()["access_token"]
    assert api(bearer).get(URL).status_code == 200
    refused = api(bearer).post(URL, {}, format="json")
    assert refused.status_code == 403
    assert "customers:write" in refused.json()["detail"]
    assert refused.headers["Content-Type"] == PROBLEM


def test_a_method_that_an_address_does_not_take_is_405_to_who_may_use_it_and_403_to_others(cast: Cast, api_of: Any) -> None:
    """An address that only takes POST: who may send there is told so; to everybody else it is as closed as any."""
    url = "/api/v1/traces/ST-22222222/end/"
    refused = api_of("traces:write", user=cast.collector).get(url)
    assert (refused.status_code, refused.headers["Content-Type"], refused.json()["code"]) == (405, PROBLEM, "method_not_allowed")
    assert refused.headers["Allow"] == "POST, OPTIONS"
    for method in ("put", "patch", "delete"):
        assert getattr(api_of("traces:write", user=cast.collector), method)(url).status_code == 405
    for client in (api_of("cases:read", user=cast.collector), api_of("traces:write", user=cast.loan_officer), api_of("traces:write")):
        closed = client.get(url)
        assert (closed.status_code, closed.json()["code"]) == (403, "permission_denied")
        assert "collections.trace" not in closed.content.decode(), "not even what it would need"
    assert api_of("traces:write", user=cast.collector).options(url).status_code == 403
    assert APIClient().get(url).status_code == 401


def test_a_client_may_not_ask_for_more(machine: tuple[ApiClient, str]) -> None:
    assert token(machine, scope="customers:read repayments:write").status_code in (400, 401)


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"])
def test_only_client_credentials_are_granted(machine: tuple[ApiClient, str], grant: str) -> None:
    assert token(machine, grant_type=grant, username="admin", password="x").status_code in (400, 401)


def test_a_wrong_secret_is_refused(machine: tuple[ApiClient, str]) -> None:
    assert token(machine, secret="wrong").status_code == 401


def test_the_secret_is_stored_hashed_and_never_recorded(machine: tuple[ApiClient, str]) -> None:
    client, secret = machine
    assert secret not in ApiClient.objects.get(pk=client.pk).client_secret
    entry = Entry.objects.get(event="governance.client.created")
    assert secret not in str(entry.facts)
    assert entry.facts == {"scopes": ["customers:read", "customers:write"]}


def test_a_scope_that_does_not_exist_is_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="everything:write"):
        api_clients.create(name="x", service_user=cast.service, client_scopes=["everything:write"], actor=None, at=NOON)


def test_no_token_and_a_made_up_one_are_401(cast: Cast) -> None:
    for client in (APIClient(), api("made-up")):
        answer = client.get(URL)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_is_401(token_of: Callable[..., str]) -> None:
    assert api(token_of(lasts=timedelta(seconds=-1))).get(URL).status_code == 401


def test_a_suspended_service_user_is_401(token_of: Callable[..., str], cast: Cast) -> None:
    bearer = token_of()
    assert api(bearer).get(URL).status_code == 200
    users.set_active(cast.service, active=False, actor=cast.admin, at=NOON)
    assert api(bearer).get(URL).status_code == 401


def test_a_revoked_token_is_401(machine: tuple[ApiClient, str]) -> None:
    bearer = token(machine).json()["access_token"]
    client, secret = machine
    Client().post("/api/oauth/revoke/", {"token": bearer, "client_id": client.client_id, "client_secret": secret})
    assert api(bearer).get(URL).status_code == 401


def test_the_scope_opens_nothing_that_the_role_does_not(token_of: Callable[..., str], cast: Cast) -> None:
    clerk = cast.person("clerk", "risk_analyst", cast.head, kind="service")
    refused = api(token_of("customers:read", user=clerk)).get(URL)
    assert refused.status_code == 403
    assert "customers.view_customer" in refused.json()["detail"]


def test_a_service_account_does_not_sign_in_on_the_page(cast: Cast) -> None:
    cast.person("robot", "api_client", cast.east, kind="service", password="a-long-test-password-1")
    browser = Client()
    browser.post("/accounts/login/", {"login": "robot", "password": "a-long-test-password-1"})
    assert "_auth_user_id" not in browser.session


def test_a_session_changes_nothing_over_the_api_without_csrf(cast: Cast) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(cast.loan_officer)
    assert browser.get(URL).status_code == 200
    assert browser.post(URL, {}, format="json").status_code == 403
