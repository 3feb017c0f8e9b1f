"""Signing in: lock-out, sessions that end by themselves or from elsewhere, new devices, what the ledger keeps."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils.timezone import now

from governance import lockout, sessions, users
from governance.models import Notice, Rule, StaffSession
from ledger.models import Entry
from tests.fixtures.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db


def enter(username: str = "admin", password: str = PASSWORD, client: Client | None = None) -> tuple[Client, Any]:
    browser = client or Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Chrome/156.0"})
    return browser, browser.post("/accounts/login/", {"login": username, "password": password})


def signed_in(browser: Client) -> bool:
    return bool(browser.get("/session/").json()["who"])


def events(*names: str) -> list[str]:
    return list(Entry.objects.filter(event__in=names).order_by("id").values_list("event", flat=True))


def later(monkeypatch: pytest.MonkeyPatch, **passed: Any) -> None:
    """Let the clock of requests stand later."""
    moment = now() + timedelta(**passed)
    for module in ("session_middleware", "step_up", "sign_in"):
        monkeypatch.setattr(f"governance.{module}.now", lambda: moment)


def test_a_session_is_kept_with_place_and_device_sealed(cast: Cast) -> None:
    browser, _answer = enter()
    row = StaffSession.objects.get()
    assert (row.user_id, row.method, row.address) == (cast.admin.pk, "password", "127.0.0.1")
    assert signed_in(browser)
    raw = StaffSession.objects.values("key", "address", "agent").get()
    for name in raw:
        assert getattr(row, name).encode() not in bytes(raw[name])
    entry = Entry.objects.get(event="governance.session.began")
    assert "127.0" not in str(entry.facts) and "Chrome" not in str(entry.facts) and "admin" not in str(entry.facts)


def test_five_wrong_passwords_close_the_account_and_an_administrator_opens_it(cast: Cast, page_of: Any) -> None:
    for _ in range(5):
        _browser, answer = enter("collector", "wrong-wrong-wrong")
        assert "User name or password is not right." in answer.content.decode()
    browser, answer = enter("collector")  # the right one, too late
    assert "Sign-in is closed for 15 minutes" in answer.content.decode()
    assert not signed_in(browser)
    assert lockout.closed_until("collector", at=now())
    assert events("governance.sign_in.failed", "governance.sign_in.closed") == ["governance.sign_in.failed"] * 5 + [
        "governance.sign_in.closed"
    ]
    admin = page_of(cast.admin)
    assert "Sign-in is closed until" in admin.get(f"/admin/users/{cast.collector.public_id}/").content.decode()
    admin.post(f"/admin/users/{cast.collector.public_id}/reopen/")
    browser, _answer = enter("collector")
    assert signed_in(browser)


def test_a_name_that_does_not_exist_is_closed_in_the_same_words_and_leaves_no_entry(cast: Cast) -> None:
    for _ in range(5):
        enter("not-somebody", "wrong")
    _browser, answer = enter("not-somebody", "wrong")
    assert "Sign-in is closed for 15 minutes" in answer.content.decode()
    assert events("governance.sign_in.failed") == []


def test_the_rule_says_how_many(cast: Cast) -> None:
    Rule.objects.filter(code="sign_in.failures").update(value=2)
    for _ in range(2):
        enter("collector", "wrong")
    browser, _answer = enter("collector")
    assert not signed_in(browser)


def test_the_length_of_a_password_is_a_rule(cast: Cast) -> None:
    Rule.objects.filter(code="sign_in.password_length").update(value=14)
    with pytest.raises(users.Invalid) as refused:
        users.check_password("abcdefghij123", cast.admin)
    assert "at least 14 characters" in str(refused.value.fields["password"])


def test_an_unused_session_ends_and_a_used_one_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _answer = enter()
    later(monkeypatch, minutes=14)
    assert browser.get("/").status_code == 200
    later(monkeypatch, minutes=28)  # 14 after the last use
    assert browser.get("/").status_code == 200
    later(monkeypatch, minutes=44)
    sent = browser.post("/account/", {"name": "x"}, headers={"HX-Request": "true"})
    assert (sent.status_code, sent.headers["HX-Trigger"]) == (401, "sign-in")
    row = StaffSession.objects.get()
    assert row.why == StaffSession.Why.IDLE
    assert browser.get("/session/").json()["who"] == ""


def test_asking_whether_it_lives_does_not_keep_it_alive(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _answer = enter()
    later(monkeypatch, minutes=10)
    assert signed_in(browser)
    later(monkeypatch, minutes=16)
    assert not signed_in(browser)


def test_no_use_makes_a_session_longer_than_its_longest_time(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    Rule.objects.filter(code="sign_in.idle_minutes").update(value=600)
    browser, _answer = enter()
    later(monkeypatch, hours=7, minutes=59)
    assert signed_in(browser)
    later(monkeypatch, hours=8, seconds=1)
    assert not signed_in(browser)
    assert StaffSession.objects.get().why == StaffSession.Why.EXPIRED


def test_a_session_that_did_not_begin_at_the_sign_in_does_not_live(cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.admin)
    session = browser.session
    del session[sessions.KEY]
    session.save()
    assert not signed_in(browser)


def test_one_ends_another_of_ones_own_and_nobody_elses(cast: Cast) -> None:
    here, _answer = enter("collector")
    there, _answer = enter("collector")
    strange, _answer = enter("admin")
    first, second = StaffSession.objects.filter(user=cast.collector).order_by("id")
    assert strange.post("/account/sessions/end/", {"session": second.public_id}).status_code == 404
    here.post("/account/sessions/end/", {"session": second.public_id})
    here.post("/account/sessions/end/", {"session": second.public_id})  # a double click
    assert (signed_in(here), signed_in(there), signed_in(strange)) == (True, False, True)
    assert events("governance.session.ended") == ["governance.session.ended"]
    first.refresh_from_db()
    assert first.ended_at is None


def test_an_administrator_ends_them_all_and_it_is_written_down(cast: Cast, page_of: Any) -> None:
    browser, _answer = enter("collector")
    page_of(cast.admin).post(f"/admin/users/{cast.collector.public_id}/sessions/end/", {"session": "all"})
    assert not signed_in(browser)
    entry = Entry.objects.get(event="governance.session.ended")
    assert (entry.actor_id, entry.facts["why"]) == (cast.admin.pk, "revoked")


def test_a_suspended_person_is_out_and_their_sessions_are_ended(cast: Cast) -> None:
    browser, _answer = enter("collector")
    users.set_active(cast.collector, active=False, actor=cast.admin, at=now())
    assert not signed_in(browser)
    assert StaffSession.objects.get().why == StaffSession.Why.SUSPENDED


def test_a_new_device_is_told_and_a_known_one_is_not(cast: Cast) -> None:
    browser, _answer = enter("collector")
    browser.post("/accounts/logout/")
    enter("collector", client=browser)  # the same browser again
    assert not Notice.objects.filter(user=cast.collector, code="session.new_device").exists()
    enter("collector")
    assert Notice.objects.filter(user=cast.collector, code="session.new_device").count() == 1


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(cast: Cast) -> None:
    here, _answer = enter("collector")
    there, _answer = enter("collector")
    new = "quite-another-password-9"
    answer = here.post("/accounts/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    assert (signed_in(here), signed_in(there)) == (True, False)
    own = StaffSession.objects.get(ended_at__isnull=True)
    assert own.key == here.session.session_key  # and it can still be ended from elsewhere
    assert events("governance.user.password_changed")


def test_sessions_nobody_came_back_to_are_closed_by_the_sweep(cast: Cast) -> None:
    enter("collector")
    assert sessions.close_over(at=now() + timedelta(minutes=10)) == 0
    assert sessions.close_over(at=now() + timedelta(minutes=17)) == 1
    assert sessions.close_over(at=now() + timedelta(minutes=17)) == 0


@pytest.mark.parametrize(
    "address",
    ["signup/", "email/", "confirm-email/", "password/reset/", "login/code/confirm/", "3rdparty/", "2fa/", "inactive/", "social/signup/"],
)
def test_what_is_not_needed_of_the_library_is_not_there(address: str) -> None:
    with pytest.raises(Resolver404):
        resolve(f"/accounts/{address}")


def test_every_page_of_ones_account_is_the_houses_own(cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.collector)
    for address in (
        "/account/",
        "/account/confirm/",
        "/account/app/",
        "/account/passkeys/new/",
        "/accounts/password/",
        "/accounts/logout/",
    ):
        page = browser.get(address)
        assert page.status_code == 200, address
        assert "Consumer-finance CRM" in page.content.decode() and "allauth" not in page.content.decode(), address
    for address in ("/account/codes/", "/account/codes/new/"):  # without a factor there are none
        assert browser.get(address).status_code in (200, 404)
    browser.post("/account/", {"name": "New Name", "email": "", "language": "zh-hans", "version": "1"})
    cast.collector.refresh_from_db()
    assert (cast.collector.name, cast.collector.language) == ("New Name", "zh-hans")


def test_before_the_seeds_of_this_version_ran_people_still_come_in(cast: Cast) -> None:
    Rule.objects.filter(code__startswith="sign_in.").delete()
    cache.clear()
    browser, _answer = enter()
    assert signed_in(browser)
