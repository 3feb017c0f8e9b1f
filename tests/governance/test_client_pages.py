"""API clients: their pages, two secrets for a while, networks, calls a minute, scopes by a second person."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils.timezone import now

from crm.lib.errors import Invalid, Stale
from governance import addresses, api_clients, changes, clients
from governance.models import ApiClient, ChangeRequest
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast
from tests.governance.test_api_clients import URL, api, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(cast: Cast) -> tuple[ApiClient, str]:
    return api_clients.create(
        name="shop", service_user=cast.service, client_scopes=["customers:read"], actor=cast.admin, at=NOON, per_minute=600
    )


def bearer(machine: tuple[ApiClient, str], secret: str = "") -> str:
    return str(token(machine, secret=secret).json()["access_token"])


def test_from_the_page_to_a_call(cast: Cast, page_of: Any) -> None:
    admin, checker = page_of(cast.admin), page_of(cast.compliance)
    form = {"name": "Online shop", "username": "shop-api", "role": cast.roles["api_client"].pk, "team": cast.east.pk}
    form["form_key"] = "7c0b0c52-6a57-4d0c-9d55-0c2b40a4e6a1"
    shown = admin.post("/admin/clients/new/", form)
    assert shown.headers["Cache-Control"] == "no-store"
    secret = re.search(r'id="secret">([^<]+)<', shown.content.decode())
    assert secret
    twice = admin.post("/admin/clients/new/", form)  # a double click
    made = ApiClient.objects.get(name="Online shop")
    assert (twice.status_code, twice.headers["Location"]) == (303, f"/admin/clients/{made.client_id}/")
    assert secret[1] not in admin.get(f"/admin/clients/{made.client_id}/").content.decode()
    assert token((made, secret[1])).json().get("scope", "") == ""  # nothing yet
    sent = {"scopes": ["customers:read"], "networks": "", "per_minute": 100, "reason": "it asks", "version": made.version}
    admin.post(f"/admin/clients/{made.client_id}/edit/", sent)
    change = ChangeRequest.objects.get(kind=clients.KIND)
    made.refresh_from_db()
    assert made.scopes == []
    assert "customers:read" in checker.get(f"/admin/changes/{change.public_id}/").content.decode()
    checker.post(f"/admin/changes/{change.public_id}/answer/", {"do": "confirm", "answer": ""})
    made.refresh_from_db()
    assert (made.scopes, made.per_minute) == (["customers:read"], 100)
    assert api(bearer((made, secret[1]))).get(URL).status_code == 200
    assert "Online shop" in admin.get("/admin/clients/").content.decode()
    assert secret[1] not in str(list(Entry.objects.values_list("facts", flat=True)))


def test_who_only_reads_changes_nothing(cast: Cast, page_of: Any, machine: Any) -> None:
    auditor = page_of(cast.auditor)
    assert auditor.get(f"/admin/clients/{machine[0].client_id}/").status_code == 200
    for address in ("rotate", "revoke", "edit"):
        assert auditor.post(f"/admin/clients/{machine[0].client_id}/{address}/").status_code == 403
    assert page_of(cast.loan_officer).get("/admin/clients/").status_code == 403
    assert auditor.get("/admin/clients/nobody/").status_code == 404


def test_both_secrets_open_for_a_day_and_then_the_new_one(cast: Cast, machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client, old = machine
    client, new = clients.rotate(client, actor=cast.admin, at=now(), version=1)
    assert (token((client, old)).status_code, token((client, new)).status_code) == (200, 200)
    assert (token((client, "wrong")).status_code, token((client, "")).status_code) == (401, 401)
    assert old not in str(ApiClient.objects.values().get(pk=client.pk)) and new not in str(ApiClient.objects.values().get(pk=client.pk))
    ApiClient.objects.filter(pk=client.pk).update(old_secret_until=now() - timedelta(seconds=1))
    assert (token((client, old)).status_code, token((client, new)).status_code) == (401, 200)


def test_a_second_rotation_leaves_the_first_secret_behind(cast: Cast, machine: Any) -> None:
    client, first = machine
    client, second = clients.rotate(client, actor=cast.admin, at=now(), version=1)
    client, third = clients.rotate(client, actor=cast.admin, at=now(), version=2)
    assert [token((client, secret)).status_code for secret in (first, second, third)] == [401, 200, 200]


def test_a_leaked_secret_ends_at_once_with_its_tokens(cast: Cast, machine: Any) -> None:
    client, old = machine
    held = bearer(machine)
    client, new = clients.rotate(client, actor=cast.admin, at=now(), version=1, leaked=True)
    assert (token((client, old)).status_code, token((client, new)).status_code) == (401, 200)
    assert api(held).get(URL).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_on_rotate_one_makes_a_secret(cast: Cast, machine: Any) -> None:
    def click(_n: int) -> str:
        try:
            clients.rotate(ApiClient.objects.get(pk=machine[0].pk), actor=cast.admin, at=now(), version=1)
            return "new"
        except Stale:
            return "stale"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(click, range(2))) == ["new", "stale"]


def test_a_revoked_client_is_out_with_its_tokens_and_stays_out(cast: Cast, machine: Any, page_of: Any) -> None:
    held = bearer(machine)
    admin, address = page_of(cast.admin), f"/admin/clients/{machine[0].client_id}/"
    for _ in range(2):
        assert admin.post(f"{address}revoke/").status_code == 303
    assert api(held).get(URL).status_code == 401
    assert token(machine).status_code == 401
    assert admin.post(f"{address}rotate/", {"version": "2"}).status_code == 409
    assert Entry.objects.filter(event="governance.client.revoked").count() == 1


def test_a_client_calls_from_its_networks_only(cast: Cast, machine: Any) -> None:
    held = bearer(machine)
    ApiClient.objects.update(networks=["203.0.113.0/24", "2001:db8::/32"])
    refused = api(held).get(URL)
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    assert "from this address" in refused.json()["detail"]
    assert token(machine).status_code == 403
    assert api(held).get(URL, REMOTE_ADDR="203.0.113.9").status_code == 200
    assert api(held).get(URL, REMOTE_ADDR="::ffff:203.0.113.9").status_code == 200
    forged = api(held).get(URL, HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert forged.status_code == 403  # nobody's word but that of our own proxies


def test_what_our_proxy_saw_counts_when_there_is_one(settings: Any, rf: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    request = rf.get("/", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9", REMOTE_ADDR="10.0.0.1")
    assert addresses.client_ip(request) == "203.0.113.9"
    assert addresses.client_ip(rf.get("/", HTTP_X_FORWARDED_FOR="not an address", REMOTE_ADDR="10.0.0.1")) == ""


def test_more_calls_than_a_minute_holds_wait(cast: Cast, machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ApiClient.objects.update(per_minute=3)
    moment = now().replace(second=20)
    monkeypatch.setattr("governance.api_clients.now", lambda: moment)
    held = bearer(machine)
    assert [api(held).get(URL).status_code for _ in range(3)] == [200, 200, 200]
    refused = api(held).get(URL)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
    assert refused.headers["Content-Type"] == "application/problem+json"
    moment += timedelta(seconds=40)
    assert api(held).get(URL).status_code == 200
    machine[0].refresh_from_db()
    assert machine[0].last_used_at == moment


def test_fetching_tokens_is_limited_too_and_by_address(cast: Cast, machine: Any) -> None:
    ApiClient.objects.update(per_minute=2)
    stranger = {"REMOTE_ADDR": "198.51.100.7"}
    sent = {"grant_type": "client_credentials", "client_id": machine[0].client_id, "client_secret": "guess"}
    answers = [Client(**stranger).post("/api/oauth/token/", sent) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2].headers["Retry-After"]) in range(1, 61)
    assert token(machine).status_code == 200  # whose id was used is not shut out


def test_two_administrators_at_one_client(cast: Cast, machine: Any, page_of: Any) -> None:
    client, address = machine[0], f"/admin/clients/{machine[0].client_id}/edit/"
    clients.rotate(client, actor=cast.admin, at=now(), version=1)
    sent = {"scopes": ["customers:read"], "networks": "10.0.0.0/8", "per_minute": 5, "reason": "typed with care", "version": 1}
    stale = page_of(cast.admin).post(address, sent)
    assert stale.status_code == 409 and "typed with care" in stale.content.decode() and 'value="2"' in stale.content.decode()


@pytest.mark.parametrize(
    ("networks", "scopes", "calls"),
    [
        ("300.1.1.1", [], 5),
        ("10.0.0.1/8", [], 5),
        ("x" * 60, [], 5),
        ("", ["customers:read"], 0),
        ("", ["clock:set"], 5),
        ("", ["nothing"], 5),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    cast: Cast, machine: Any, page_of: Any, networks: str, scopes: list[str], calls: int
) -> None:
    sent = {"scopes": scopes, "networks": networks, "per_minute": calls, "reason": "x", "version": 1}
    answer = page_of(cast.admin).post(f"/admin/clients/{machine[0].client_id}/edit/", sent)
    assert answer.status_code == 422
    assert not ChangeRequest.objects.exists()
    after = clients.wanted(name="shop", scopes=scopes, networks=networks.split(), per_minute=calls)
    with pytest.raises(Invalid):
        clients.propose(machine[0], after, reason="x", actor=cast.admin, at=NOON, version=1)


def test_a_change_is_dead_once_the_client_is_revoked(cast: Cast, machine: Any) -> None:
    after = clients.wanted(name="shop", scopes=[], networks=[], per_minute=5)
    change = clients.propose(machine[0], after, reason="x", actor=cast.admin, at=NOON, version=1)
    clients.revoke(machine[0], actor=cast.admin, at=NOON)
    with pytest.raises(Stale):
        changes.confirm(change, actor=cast.compliance, at=NOON)
