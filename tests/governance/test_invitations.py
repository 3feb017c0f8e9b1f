"""Invitations: one link, once, for three days; and what suspension ends."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from crm.lib.errors import Invalid
from governance import invitations, users
from governance.models import Invitation, User
from ledger import log
from tests.fixtures.cast import NOON, PASSWORD

pytestmark = pytest.mark.django_db
NEW = "another-long-password-7"


@pytest.fixture
def invited(cast: Any) -> tuple[Any, str]:
    return invitations.invite(
        username="newcomer",
        name="New Comer",
        email="new@example.org",
        team=cast.head,
        actor=cast.admin,
        at=NOON,
    )


def test_a_link_opens_once_and_only_its_hash_is_kept(invited: Any) -> None:
    user, token = invited
    assert not user.has_usable_password()
    kept = Invitation.objects.get()
    assert token not in str(kept.__dict__)
    joined = invitations.accept(token, password=NEW, at=NOON + timedelta(days=2))
    assert joined.check_password(NEW)
    with pytest.raises(invitations.InvitationOver):
        invitations.accept(token, password=NEW, at=NOON)
    events = [entry.event for entry in log.history(user).order_by("id")]
    assert events == ["governance.user.created", "governance.user.invited", "governance.user.joined"]
    assert token not in str([entry.facts for entry in log.history(user)])


def test_its_time_runs_out(invited: Any) -> None:
    _user, token = invited
    invitations.standing(token, at=NOON + timedelta(days=3, seconds=-1))
    with pytest.raises(invitations.InvitationOver):
        invitations.standing(token, at=NOON + timedelta(days=3))


def test_a_newer_link_and_a_suspension_end_it(invited: Any, cast: Any) -> None:
    user, token = invited
    newer = invitations.renew(user, actor=cast.admin, at=NOON)
    with pytest.raises(invitations.InvitationOver):
        invitations.standing(token, at=NOON)
    users.set_active(user, active=False, actor=cast.admin, at=NOON)
    with pytest.raises(invitations.InvitationOver):
        invitations.standing(newer, at=NOON)
    with pytest.raises(invitations.CannotBeInvited):
        invitations.renew(user, actor=cast.admin, at=NOON)
    with pytest.raises(invitations.CannotBeInvited):
        invitations.renew(cast.service, actor=cast.admin, at=NOON)


def test_a_weak_password_leaves_the_link_as_it_was(invited: Any) -> None:
    _user, token = invited
    with pytest.raises(Invalid):
        invitations.accept(token, password="short", at=NOON)
    invitations.standing(token, at=NOON)


def test_the_whole_way_through_the_pages(cast: Any, page_of: Any, settings: Any) -> None:
    settings.PORTS = settings.PORTS | {"mail": ""}
    admin = page_of(cast.admin)
    data = {
        "username": "newcomer",
        "name": "New Comer",
        "email": "",
        "password": "",
        "role": cast.roles["auditor"].pk,
        "reason": "joins the audit",
        "team": cast.head.pk,
    }
    shown = admin.post("/admin/users/new/", data)
    assert shown.status_code == 200
    token = re.search(r"/invitations/([\w-]+)/", shown.text)[1]  # type: ignore[index]
    person = User.objects.get(username="newcomer")
    assert token not in admin.get(f"/admin/users/{person.public_id}/").text
    visitor = Client()
    page = visitor.get(f"/invitations/{token}/")
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "same-origin"  # "no-referrer" makes browsers send `Origin: null`, which is refused
    assert visitor.post(f"/invitations/{token}/", {"password": NEW, "again": "other"}).status_code == 422
    assert visitor.post(f"/invitations/{token}/", {"password": NEW, "again": NEW}).status_code == 303
    assert visitor.get(f"/invitations/{token}/").status_code == 404
    signed = visitor.post("/accounts/login/", {"login": "newcomer", "password": NEW})
    assert (signed.status_code, signed["Location"]) == (302, "/")
    again = admin.post(f"/admin/users/{person.public_id}/invite/")
    assert "/invitations/" in again.text


def test_a_suspended_person_s_session_ends(cast: Any, page_of: Any) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "underwriter", "password": PASSWORD})
    assert client.get("/applications/review/").status_code == 200
    users.set_active(cast.underwriter, active=False, actor=cast.admin, at=NOON)
    assert client.get("/applications/review/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_who_hold_the_link_one_gets_through(cast: Any) -> None:
    _user, token = invitations.invite(username="newcomer", name="New Comer", actor=cast.admin, at=NOON)

    def use(which: int) -> str:
        try:
            invitations.accept(token, password=f"{NEW}-{which}", at=NOON)
        except invitations.InvitationOver:
            return "over"
        finally:
            connections.close_all()
        return "in"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == ["in", "over", "over", "over"]
