"""Single sign-on against a real provider: a process of its own on loopback, and one that lies."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from joserfc import jwt
from joserfc.jwk import RSAKey

from crm import children
from governance import oidc, users
from governance.models import StaffSession, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast
from tests.governance.test_factors import with_app
from tests.governance.test_sign_in import enter, signed_in

pytestmark = pytest.mark.django_db
CLIENT = "crm-house"
BEGIN, BACK = "/accounts/login/sso/", "/accounts/login/sso/back/"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Run the provider as a process; return its address."""
    port = children.free_port(19_400)
    claims = [
        {"sub": "s-1", "email": "collector@lender.example", "email_verified": True, "preferred_username": "collector"},
        {"sub": "s-2", "email": "stranger@lender.example", "email_verified": True},
        {"sub": "s-3", "email": "collector@lender.example", "email_verified": False},
        {"sub": "s-4", "email": "gone@lender.example", "email_verified": True},
    ]
    told = [part for claim in claims for part in ("--user-claims", json.dumps(claim))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *told]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                try:
                    requests.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration", timeout=2)
                    break
                except requests.ConnectionError:
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def person(cast: Cast) -> User:
    users.change(cast.collector, actor=cast.admin, at=NOON, version=1, email="Collector@lender.example")
    return User.objects.get(pk=cast.collector.pk)


def trusting(settings: Any, issuer: str, **more: Any) -> None:
    settings.OIDC = {
        "issuer": issuer, "client_id": CLIENT, "client_secret": "a-secret", "name": "Lender ID", "domains": ["lender.example"], "claim": "email",
    } | more  # fmt: skip


def begin(browser: Client, **query: str) -> str:
    answer = browser.get(BEGIN, query)
    assert answer.status_code == 302, answer.content
    return str(answer.headers["Location"])


def allowed(address: str, sub: str) -> str:
    """Say yes at the provider as a person would; return where it sends the browser."""
    answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def refused(browser: Client, back: str) -> str:
    """Follow a way back that must not open; return the sentence."""
    assert browser.get(back).headers["Location"] == "/accounts/login/"
    assert not signed_in(browser)
    return browser.get("/accounts/login/").content.decode()


def test_from_the_button_to_the_home_page(person: User, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    browser = Client()
    assert "Sign in by Lender ID" in browser.get("/accounts/login/").content.decode()
    address = begin(browser, next="/customers/")
    asked = parse_qs(urlsplit(address).query)
    assert {"state", "nonce", "code_challenge"} <= set(asked) and asked["code_challenge_method"] == ["S256"]
    back = allowed(address, "s-1")
    assert browser.get(back).headers["Location"] == "/customers/"
    assert signed_in(browser)
    row = StaffSession.objects.get()
    assert (row.user_id, row.method) == (person.pk, "sso")
    again = browser.get(back)  # the same way back once more
    assert "used before" in browser.get(again.headers["Location"]).content.decode()
    assert "collector@" not in str(list(Entry.objects.values_list("facts", flat=True)))


def test_a_second_factor_is_asked_for_after_it(person: User, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    with_app(person)
    browser = Client()
    assert browser.get(allowed(begin(browser), "s-1")).headers["Location"] == "/accounts/login/code/"
    assert not signed_in(browser)


def test_nobody_is_made_and_the_suspended_stay_out(person: User, cast: Cast, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    count = User.objects.count()
    for sub, sentence in (("s-2", "Nobody here has this account"), ("s-3", "has not verified your e-mail address")):
        browser = Client()
        assert sentence in refused(browser, allowed(begin(browser), sub))
    users.change(cast.colleague, actor=cast.admin, at=NOON, version=1, email="gone@lender.example")
    users.set_active(cast.colleague, active=False, actor=cast.admin, at=NOON)
    browser = Client()
    assert "cannot sign in here" in refused(browser, allowed(begin(browser), "s-4"))
    assert User.objects.count() == count
    trusting(settings, provider, domains=["other.example"])
    browser = Client()
    assert "not of an institution" in refused(browser, allowed(begin(browser), "s-1"))
    trusting(settings, provider, claim="preferred_username")
    browser = Client()
    browser.get(allowed(begin(browser), "s-1"))
    assert signed_in(browser)


def test_two_people_with_one_address_are_nobody(person: User, cast: Cast, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    users.change(cast.colleague, actor=cast.admin, at=NOON, version=1, email="collector@lender.example")
    browser = Client()
    assert "Nobody here has this account" in refused(browser, allowed(begin(browser), "s-1"))


def test_a_state_of_another_browser_or_none_opens_nothing(person: User, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    victim, thief = Client(), Client()
    back = allowed(begin(thief), "s-1")
    assert "not begun here" in refused(victim, back)
    assert "not begun here" in refused(victim, BACK)
    assert "not begun here" in refused(victim, f"{BACK}?state=x&code=y")
    denied = Client()
    state = parse_qs(urlsplit(begin(denied)).query)["state"][0]
    assert "did not let you in" in refused(denied, f"{BACK}?state={state}&error=access_denied")
    wrong = Client()
    state = parse_qs(urlsplit(begin(wrong)).query)["state"][0]
    assert "did not let you in" in refused(wrong, f"{BACK}?state={state}&code=made-up")


def test_two_tabs_at_once_both_find_back(person: User, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    browser = Client()
    first, second = begin(browser), begin(browser)
    browser.get(allowed(second, "s-1"))
    assert signed_in(browser)
    assert browser.get(allowed(first, "s-1")).status_code == 302
    assert signed_in(browser)


def test_a_provider_that_is_away_is_told(cast: Cast, settings: Any) -> None:
    trusting(settings, f"http://127.0.0.1:{children.free_port(19_700)}")
    browser = Client()
    assert browser.get(BEGIN).headers["Location"] == "/accounts/login/"
    assert "does not answer" in browser.get("/accounts/login/").content.decode()


def test_without_an_issuer_there_is_no_such_way(cast: Cast) -> None:
    assert Client().get(BEGIN).status_code == 404
    assert Client().get(BACK).status_code == 404
    assert oidc.name() == ""


# --- a provider that lies ------------------------------------------------------------------------------------------
class Liar:
    """A provider whose ID tokens are as the test wants them."""

    def __init__(self) -> None:
        self.key, self.other = RSAKey.generate_key(2048, {"kid": "k"}), RSAKey.generate_key(2048, {"kid": "k"})
        self.claims: dict[str, Any] = {}
        self.sign, self.header = self.key, {"alg": "RS256", "kid": "k"}
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(liar.document() if "well-known" in self.path else {"keys": [liar.key.as_dict(private=False)]})

            def do_POST(self) -> None:
                self.answer({"access_token": "a", "token_type": "Bearer", "id_token": jwt.encode(liar.header, liar.claims, liar.sign)})

            def answer(self, document: Any) -> None:
                body = json.dumps(document).encode()
                head = f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "id_token_signing_alg_values_supported": ["RS256"],
        }  # fmt: skip


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    with closing(Liar()) as found:
        yield found


def test_whoever_is_in_may_prove_again_who_they_are_at_the_provider(person: User, provider: str, settings: Any) -> None:
    trusting(settings, provider)
    browser, _answer = enter("collector")
    address = begin(browser)
    assert "prompt=login" in address and "max_age=0" in address
    browser.get(allowed(address, "s-1"))
    assert [record["method"] for record in browser.session["account_authentication_methods"]] == ["password", "socialaccount"]
    assert StaffSession.objects.get().key == browser.session.session_key  # the same session, no second one
    stranger, _answer = enter("admin")
    back = allowed(begin(stranger), "s-1")
    stranger.get(back)
    assert "signed in as somebody else" in stranger.get("/account/").content.decode()


def test_an_old_session_of_the_provider_does_not_make_a_sign_in_fresh(person: User, liar: "Liar", settings: Any) -> None:
    trusting(settings, liar.issuer)
    browser, _answer = enter("collector")
    asked = parse_qs(urlsplit(begin(browser)).query)
    moment = int(time.time())
    for known in ({}, {"auth_time": moment - 3600}):
        liar.sign, liar.header = liar.key, {"alg": "RS256", "kid": "k"}
        liar.claims = known | {
            "iss": liar.issuer, "aud": CLIENT, "sub": "s-1", "nonce": asked["nonce"][0], "iat": moment, "exp": moment + 300,
            "email": "collector@lender.example", "email_verified": True,
        }  # fmt: skip
        browser.get(f"{BACK}?state={asked['state'][0]}&code=c")
        assert "did not ask who you are again" in browser.get("/account/").content.decode()
        asked = parse_qs(urlsplit(begin(browser)).query)


@pytest.mark.parametrize(
    ("wrong", "opens"),
    [
        ({}, True),
        ({"iss": "https://other.example"}, False),
        ({"iss": None}, False),
        ({"aud": "another-client"}, False),
        ({"aud": None}, False),
        ({"nonce": "replayed"}, False),
        ({"nonce": None}, False),
        ({"exp": 1}, False),
        ({"exp": None}, False),
        ({"iat": 4_000_000_000}, False),
        ({"email_verified": "true"}, False),
        ({"email": "nul\0@lender.example"}, False),
        ({"signed by": "another key"}, False),
        ({"signed by": "nobody"}, False),
    ],
    ids=str,
)
def test_only_a_whole_proof_opens(person: User, liar: Liar, settings: Any, wrong: dict[str, Any], opens: bool) -> None:
    trusting(settings, liar.issuer)
    browser = Client()
    asked = parse_qs(urlsplit(begin(browser)).query)
    moment = int(time.time())
    claims = {
        "iss": liar.issuer, "aud": CLIENT, "sub": "s-1", "nonce": asked["nonce"][0], "iat": moment, "exp": moment + 300,
        "email": "collector@lender.example", "email_verified": True,
    }  # fmt: skip
    how = wrong.get("signed by")
    liar.claims = {name: value for name, value in (claims | wrong).items() if value is not None and name != "signed by"}
    liar.sign, liar.header = (liar.other if how == "another key" else liar.key), {"alg": "RS256", "kid": "k"}
    back = f"{BACK}?state={asked['state'][0]}&code=c"
    if how == "nobody":
        liar.header = {"alg": "none"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jwt, "encode", lambda header, said, key: unsigned(said))
            assert "cannot be trusted" in refused(browser, back)
        return
    if opens:
        browser.get(back)
        assert signed_in(browser)
    else:
        page = refused(browser, back)
        assert "cannot be trusted" in page or "has not verified" in page or "Nobody here" in page


def unsigned(said: dict[str, Any]) -> str:
    """Return a token that names no signature at all."""
    import base64

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(said)}."
