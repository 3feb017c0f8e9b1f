"""Second factors and the fresh sign-in that sensitive acts ask for."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db import connections
from django.test import Client
from django.utils.timezone import now

from governance import delegations, factors, roles
from governance.models import ChangeRequest, Role
from ledger.models import Entry
from tests.fixtures.cast import NOON, PASSWORD, Cast
from tests.governance.test_sign_in import enter, later, signed_in

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(secret: str = SECRET, *, steps: int = 0) -> str:
    """Return what an app shows now, or `steps` half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def in_session(browser: Any) -> str:
    """Return the secret of an app that is being set up."""
    return factors.SealedFactors().decrypt(browser.session["mfa.totp.secret"])


def with_app(user: Any) -> list[str]:
    """Give `user` an app and recovery codes; return the codes."""
    TOTP.activate(user, SECRET)
    return RecoveryCodes.activate(user).get_unused_codes()


def test_an_app_is_set_up_on_the_page_and_asked_for_from_then_on(cast: Cast) -> None:
    browser, _answer = enter("collector")
    page = browser.get("/account/app/").content.decode()
    assert "data:image/svg+xml;base64," in page and "http://" not in re.sub(r'href="[^"]*"|xmlns="[^"]*"', "", page)
    secret = in_session(browser)
    assert secret not in str(dict(browser.session.items())), "sealed there too"
    assert browser.post("/account/app/", {"code": "000000"}).status_code == 200
    assert not factors.has_one(cast.collector)
    answer = browser.post("/account/app/", {"code": code(secret)})
    assert answer.headers["Location"] == "/account/codes/"
    shown = browser.get("/account/codes/").content.decode()
    codes = Authenticator.objects.get(user=cast.collector, type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10 and all(one in shown for one in codes)
    assert not any(one in browser.get("/account/codes/").content.decode() for one in codes)  # shown once
    kept = str(Authenticator.objects.get(user=cast.collector, type="totp").data)
    assert secret not in kept
    assert Entry.objects.get(event="governance.factor.added").facts == {"factor": "totp"}
    browser.post("/accounts/logout/")
    answer = enter("collector", client=browser)[1]
    assert answer.headers["Location"] == "/accounts/login/code/" and not signed_in(browser)
    assert "Second factor" in browser.get("/accounts/login/code/").content.decode()
    browser.post("/accounts/login/code/", {"code": code(secret, steps=1)})  # the next one: that of the set-up was used
    assert signed_in(browser) and browser.get("/account/").status_code == 200


def test_a_code_opens_once_and_a_wrong_one_never(cast: Cast) -> None:
    with_app(cast.collector)
    first, _answer = enter("collector")
    assert "Second factor" in first.get("/accounts/login/code/").content.decode()
    assert "does not fit" in first.post("/accounts/login/code/", {"code": "123456"}).content.decode()
    used = code()
    assert first.post("/accounts/login/code/", {"code": used}).status_code == 302
    assert signed_in(first)
    second, _answer = enter("collector")
    assert "used before" in second.post("/accounts/login/code/", {"code": used}).content.decode()
    assert not signed_in(second)


def test_a_code_of_the_step_before_holds_but_not_one_of_long_ago(cast: Cast) -> None:
    with_app(cast.collector)
    for steps, opens in ((-4, False), (-1, True)):
        browser, _answer = enter("collector")
        browser.post("/accounts/login/code/", {"code": code(steps=steps)})
        assert signed_in(browser) is opens


def test_the_second_step_alone_opens_nothing(cast: Cast) -> None:
    with_app(cast.collector)
    stranger = Client()
    assert stranger.post("/accounts/login/code/", {"code": code()}).headers["Location"] == "/accounts/login/"
    assert not signed_in(stranger)


def test_a_recovery_code_opens_once(cast: Cast) -> None:
    codes = with_app(cast.collector)
    first, _answer = enter("collector")
    first.post("/accounts/login/code/", {"code": codes[3]})
    assert signed_in(first)
    factors.cache.clear()  # not the memory of a moment: the code itself is used up
    second, _answer = enter("collector")
    second.post("/accounts/login/code/", {"code": codes[3]})
    assert not signed_in(second)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_one_recovery_code_at_once_one_gets_in(cast: Cast) -> None:
    codes = with_app(cast.collector)
    browsers = [enter("collector")[0] for _ in range(4)]

    def send(browser: Client) -> bool:
        try:
            browser.post("/accounts/login/code/", {"code": codes[0]})
            return signed_in(browser)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, browsers)) == 1


def test_five_wrong_codes_close_the_second_step(cast: Cast) -> None:
    with_app(cast.collector)
    browser, _answer = enter("collector")
    for _ in range(5):
        browser.post("/accounts/login/code/", {"code": "000000"})
    assert "Too many wrong attempts" in browser.post("/accounts/login/code/", {"code": code()}).content.decode()
    assert not signed_in(browser)


def test_new_codes_end_the_old_ones(cast: Cast) -> None:
    codes = with_app(cast.collector)
    browser, _answer = enter("collector")
    browser.post("/accounts/login/code/", {"code": code()})
    browser.post("/account/codes/new/")
    again, _answer = enter("collector")
    again.post("/accounts/login/code/", {"code": codes[0]})
    assert not signed_in(again)


# --- the role asks for one -----------------------------------------------------------------------------------------
def test_a_role_that_needs_a_factor_opens_nothing_but_its_set_up(cast: Cast) -> None:
    Role.objects.filter(code="collector").update(second_factor=True)
    browser, _answer = enter("collector")
    assert browser.get("/customers/").headers["Location"] == "/account/"
    assert browser.get("/customers/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/account/"
    assert browser.get("/api/v1/customers/").json()["code"] == "second_factor_due"
    assert "Set up an app or a passkey" in browser.get("/account/").content.decode()
    browser.get("/account/app/")
    browser.post("/account/app/", {"code": code(in_session(browser))})
    assert browser.get("/").status_code == 200
    answer = browser.post("/account/app/remove/")
    assert "set up another one" in answer.content.decode() and factors.has_one(cast.collector)
    other, _answer = enter("loan_officer")
    assert other.get("/").status_code == 200


def test_who_acts_for_a_holder_needs_one_too(cast: Cast) -> None:
    Role.objects.filter(code="collections_supervisor").update(second_factor=True)
    browser, _answer = enter("collector")
    assert browser.get("/").status_code == 200
    delegations.lend(
        cast.collections_supervisor,
        cast.collector,
        since=now(),
        until=now() + timedelta(days=1),
        reason="away",
        actor=cast.collections_supervisor,
        at=now(),
    )
    browser, _answer = enter("collector")
    assert browser.get("/").headers["Location"] == "/account/"


def test_a_demand_meets_who_is_signed_in_within_a_minute(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _answer = enter("collector")
    assert browser.get("/").status_code == 200
    Role.objects.filter(code="collector").update(second_factor=True)
    later(monkeypatch, seconds=61)
    assert browser.get("/").headers["Location"] == "/account/"


def test_an_administrator_helps_somebody_who_lost_everything_but_not_themselves(cast: Cast, page_of: Any) -> None:
    with_app(cast.collector)
    with_app(cast.admin)
    admin = page_of(cast.admin)
    address = "/admin/users/{}/factors/clear/"
    assert admin.post(address.format(cast.admin.public_id)).status_code == 409
    for _ in range(2):
        assert admin.post(address.format(cast.collector.public_id)).status_code == 303
    assert (factors.has_one(cast.collector), factors.has_one(cast.admin)) == (False, True)
    assert Entry.objects.filter(event="governance.factor.cleared").count() == 1
    assert page_of(cast.auditor).post(address.format(cast.admin.public_id)).status_code == 403


# --- fresh sign-in -------------------------------------------------------------------------------------------------
REASON = {"purpose": "service", "reason": "customer asked for a call back"}


def doors(cast: Cast, customer: Any) -> list[tuple[str, str, dict[str, str]]]:
    """Return who, which address, what is sent, for every act that asks."""
    return [
        ("loan_officer", f"/customers/{customer.public_id}/reveal/mobile/", REASON),
        ("admin", "/admin/roles/collector/edit/", {"reason": "typed with care"}),
        ("admin", "/admin/roles/new/", {"code": "x"}),
        ("compliance", "/admin/changes/CR-222222222/answer/", {"do": "confirm"}),
        ("admin", "/admin/clients/new/", {"name": "x"}),
        ("admin", "/admin/clients/x/rotate/", {"version": "1"}),
        ("admin", "/admin/clients/x/revoke/", {}),
        ("admin", "/admin/clients/x/edit/", {}),
        ("loan_officer", "/lists/customers/export/", {"reason": "typed with care"}),
    ]


def test_every_sensitive_act_asks_when_the_sign_in_is_old(cast: Cast, customer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    browsers = {name: enter(name)[0] for name in ("loan_officer", "admin", "compliance")}
    later(monkeypatch, minutes=11)
    for who, address, sent in doors(cast, customer):
        for part in (False, True):
            answer = browsers[who].post(address, sent, headers={"HX-Request": "true"} if part else {})
            text = answer.content.decode()
            assert answer.status_code == 422 and "Confirm that it is you" in text, address
            assert all(f'name="{name}" value="{value}"' in text for name, value in sent.items()), address
            assert answer.headers["HX-Retarget"] == "#dialog"
    assert not Entry.objects.filter(event__in=["customers.customer.revealed", "governance.change.proposed"]).exists()


def test_with_the_password_what_was_typed_goes_on(cast: Cast, customer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _answer = enter("loan_officer")
    later(monkeypatch, minutes=11)
    address = f"/customers/{customer.public_id}/reveal/mobile/"
    wrong = browser.post(address, REASON | {"step_asked": "1", "step_password": "not-this"})
    assert wrong.status_code == 422 and "This password is not right." in wrong.content.decode()
    assert "not-this" not in wrong.content.decode()
    none = browser.post(address, REASON | {"step_asked": "1"})
    assert "Your password is needed." in none.content.decode()
    right = browser.post(
        address, REASON | {"step_asked": "1", "step_password": PASSWORD},
        headers={"HX-Request": "true", "HX-Target": "masked-mobile", "X-Swap": "outerHTML"},
    )  # fmt: skip
    assert right.status_code == 200 and customer.mobile in right.content.decode()
    assert "close-dialog" in right.headers["HX-Trigger-After-Settle"]
    monkeypatch.undo()
    later(monkeypatch, minutes=9)
    assert browser.post(address, REASON).status_code == 200  # fresh again, for a while


def test_with_a_code_it_goes_on_once(cast: Cast, customer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_app(cast.loan_officer)
    browser, _answer = enter("loan_officer")
    browser.post("/accounts/login/code/", {"code": code(steps=-1)})
    later(monkeypatch, minutes=11)
    address, used = f"/customers/{customer.public_id}/reveal/mobile/", code(steps=-1)
    assert browser.post(address, REASON | {"step_asked": "1", "step_code": used}).status_code == 422  # it opened the sign-in
    assert browser.post(address, REASON | {"step_asked": "1", "step_code": code()}).status_code == 200


def test_a_maker_confirms_nothing_by_an_old_session_left_open(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = roles.content(Role.objects.get(code="collector"))
    wanted["permissions"] = sorted({*wanted["permissions"], "risk.view_decision"})
    change = roles.propose("collector", wanted, reason="x", actor=cast.admin, at=NOON)
    browser, _answer = enter("compliance")
    later(monkeypatch, minutes=11)
    browser.post(f"/admin/changes/{change.public_id}/answer/", {"do": "confirm"})
    change.refresh_from_db()
    assert change.status == ChangeRequest.Status.OPEN


def test_factors_are_changed_after_a_fresh_sign_in_only(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _answer = enter("collector")
    later(monkeypatch, minutes=11)
    answer = browser.get("/account/app/")
    assert answer.headers["Location"] == "/account/confirm/?next=%2Faccount%2Fapp%2F"
    page = browser.get(answer.headers["Location"]).content.decode()
    assert 'name="next" value="/account/app/"' in page
    done = browser.post("/account/confirm/", {"step_asked": "1", "step_password": PASSWORD, "next": "/account/app/"})
    assert done.headers["Location"] == "/account/app/"
    astray = browser.post("/account/confirm/", {"step_asked": "1", "step_password": PASSWORD, "next": "https://evil.example/"})
    assert astray.headers["Location"] == "/account/"


def test_passkeys_that_are_none_are_refused_with_a_sentence(cast: Cast) -> None:
    browser, _answer = enter("collector")
    for sent in ("", "{}", "null", "[1]", '{"id": "x", "rawId": "x", "type": "public-key", "response": {}}', "\\ud83d"):
        browser.get("/account/passkeys/new/")
        answer = browser.post("/account/passkeys/new/", {"name": "x", "credential": sent})
        assert (answer.status_code == 200 and "c-note tone-bad" in answer.content.decode()) or "error" in answer.content.decode(), sent
        visitor = Client()
        visitor.get("/accounts/login/passkey/", headers={"Accept": "application/json"})
        assert visitor.post("/accounts/login/passkey/", {"credential": sent}).status_code in (200, 302), sent
        assert not signed_in(visitor)
    assert not factors.has_one(cast.collector)
