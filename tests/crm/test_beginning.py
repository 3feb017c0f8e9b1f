"""An installation nobody is in: one link, from its own console, lets one person in; after that it is as if it never was."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client

from crm import beginning, lenders
from crm.lib.errors import Invalid
from governance.models import LegalEntity, Team, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

PASSWORD = "Bamboo-river-4417"
SENT = {"name": "马明", "username": "anna.wang", "password": PASSWORD, "again": PASSWORD}


def empty() -> None:
    """Leave nobody who could sign in: rows of the cast are referred to, so they stay as machines."""
    User.objects.update(kind=User.Kind.SERVICE)


def test_the_link_makes_the_first_administrator_and_is_over(cast: Cast) -> None:
    empty()
    said = io.StringIO()
    call_command("begin", url="http://crm.example", stdout=said)
    address = said.getvalue().strip().removeprefix("http://crm.example")
    browser = Client()
    assert "Nobody has an account here yet" in browser.get("/accounts/login/").text
    page = browser.get(address)
    assert page.status_code == 200 and page.headers["Referrer-Policy"] == "same-origin" and "name_en" not in page.text
    assert browser.post(address, SENT | {"password": "short", "again": "short"}).status_code == 422
    assert browser.post(address, SENT | {"again": "another"}).status_code == 422 and not User.objects.filter(kind="staff").exists()
    assert browser.post(address, SENT).headers["Location"] == "/accounts/login/"
    admin = User.objects.get(username="anna.wang")
    assert (admin.role.code, admin.team.parent, admin.check_password(PASSWORD)) == ("admin", None, True)
    assert Entry.objects.filter(event="governance.user.created", subject_id=admin.pk).exists()
    assert browser.get(address).status_code == browser.post(address, SENT | {"username": "second"}).status_code == 404
    assert browser.post("/accounts/login/", {"login": "anna.wang", "password": PASSWORD}).status_code == 302
    home = browser.get("/").text
    assert "Setting up" in home and "Name a second person who confirms rights" in home


def test_where_people_are_there_is_no_link_and_none_holds(cast: Cast) -> None:
    said = io.StringIO()
    call_command("begin", stdout=said)
    assert "http" not in said.getvalue()
    call_command("begin", quiet=True, stdout=(quiet := io.StringIO()))
    assert quiet.getvalue() == ""
    assert Client().get(f"/begin/{beginning.key()}/").status_code == 404
    assert "Nobody has an account" not in Client().get("/accounts/login/").text
    with pytest.raises(beginning.BegunAlready):
        beginning.begin(name="x", username="x", password=PASSWORD, at=NOON)


def test_a_forged_or_old_key_opens_nothing(cast: Cast, monkeypatch: Any) -> None:
    empty()
    good = beginning.key()
    for bad in ("", "x", good[:-2], good[::-1]):
        assert not beginning.holds(bad)
    assert beginning.holds(good)
    monkeypatch.setattr(beginning, "VALID", -1)
    assert not beginning.holds(good)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_begin_at_once_one_gets_in(cast: Cast) -> None:
    empty()

    def begin(username: str) -> str:
        try:
            return beginning.begin(name="x", username=username, password=PASSWORD, at=NOON).username
        except beginning.BegunAlready:
            return ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(map(bool, pool.map(begin, ["first", "second"]))) == [False, True]
    assert User.objects.filter(kind=User.Kind.STAFF).count() == 1


def test_a_lender_has_a_head_office_and_a_code_of_its_own(cast: Cast) -> None:
    office = lenders.found(
        beginning.code_of("Xinyuan Consumer Finance"),
        name_en="Xinyuan",
        name_zh="信远",
        zone="Asia/Shanghai",
        business_date=NOON.date(),
        at=NOON,
    )
    assert (office.legal_entity.code, office.kind, office.parent) == ("XINYUAN", Team.Kind.HEAD, None)
    assert LegalEntity.objects.get(code="XINYUAN").business_date == NOON.date()
    with pytest.raises(Invalid):
        lenders.found("XINYUAN", name_en="x", name_zh="x", zone="Asia/Shanghai", business_date=NOON.date(), at=NOON)
    assert beginning.code_of("信远") == "LENDER"
