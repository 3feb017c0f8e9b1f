"""Admin → Keys: who sees them, a rotation begins with a second person, a rewrap too, the command goes on where one stopped."""

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from customers.models import Customer
from governance import changes, key_changes, key_ring, rotation, users
from governance.models import ChangeRequest, DataKey, Job
from tests.fixtures.cast import NOON, Cast

pytestmark = pytest.mark.django_db
FORM = {"reason": "once a year", "form_key": "0b9bbd3c-31a4-4b23-8d2c-6f1a3c2b7f10"}


@pytest.fixture(autouse=True)
def _own_keys(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.VAULT_FRESH = 0
    monkeypatch.setattr(key_ring, "_committed", connection.cursor)
    key_ring.forget()
    yield
    key_ring.forget()


def test_the_page_shows_versions_and_who_may_renew(cast: Cast, page_of: Callable[..., Client], django_assert_max_num_queries: Any) -> None:
    for person, renews in ((cast.admin, True), (cast.auditor, False), (cast.compliance, False)):
        client = page_of(person)
        client.get("/admin/keys/")
        with django_assert_max_num_queries(15):
            page = client.get("/admin/keys/")
        assert page.status_code == 200
        text = page.content.decode()
        assert "C2: identity and finance" in text
        assert ("/admin/keys/rotate/" in text) == renews
    assert page_of(cast.loan_officer).get("/admin/keys/").status_code == 403
    assert page_of(cast.auditor).post("/admin/keys/rotate/", FORM | {"what": ["C2"]}).status_code == 403


def test_a_rotation_waits_for_a_second_person(
    cast: Cast, page_of: Callable[..., Client], customer: Customer, deliver: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from governance import tasks

    asked: list[int] = []
    monkeypatch.setattr(tasks.run_rotation, "delay", lambda **what: asked.append(what["job_id"]))
    answer = page_of(cast.admin).post("/admin/keys/rotate/", FORM | {"what": ["C1", "C2"]})
    change = ChangeRequest.objects.get(kind=key_changes.KIND)
    assert answer.status_code == 303
    assert change.public_id in answer["Location"]
    assert not Job.objects.filter(kind=rotation.KIND).exists(), "nothing yet"
    shown = page_of(cast.compliance).get(f"/admin/changes/{change.public_id}/").content.decode()
    assert "version 1" in shown
    assert "version 2" in shown
    cast.admin.role.permissions.append("governance.check_key")
    with pytest.raises(changes.OwnChange):
        changes.confirm(change, actor=cast.admin, at=NOON)
    changes.confirm(change, actor=cast.compliance, at=change.made_at)
    deliver()
    job = Job.objects.get(kind=rotation.KIND)
    assert asked == [job.pk]
    assert dict(DataKey.objects.filter(status="live").values_list("purpose", "version")) == {
        "C1": 2, "C2": 2, "C3": 1, "file": 1, "person": 1, "fingerprint": 1,
    }  # fmt: skip
    tasks.run_rotation(job_id=job.pk)
    page = page_of(cast.admin).get("/admin/keys/").content.decode()
    assert job.public_id in page
    assert "Retired" in page


def test_nothing_chosen_and_both_chosen_are_told_at_the_field(cast: Cast, page_of: Callable[..., Client]) -> None:
    client = page_of(cast.admin)
    for chosen in ({}, {"what": ["C1"], "wrap": "on"}, {"what": ["fingerprint"]}):
        page = client.post("/admin/keys/rotate/", FORM | chosen)
        assert page.status_code == 422
    assert not ChangeRequest.objects.filter(kind=key_changes.KIND).exists()


def test_wrapping_anew_with_nothing_new_is_refused(cast: Cast, page_of: Callable[..., Client]) -> None:
    page = page_of(cast.admin).post("/admin/keys/rotate/", FORM | {"wrap": "on"})
    assert "Nothing differs from what stands now." in page.content.decode()


def test_the_command_goes_on_with_what_was_begun_and_says_what_came_of_it(customer: Customer) -> None:
    job = rotation.begin(["C2"], actor=users.system(), at=NOON)
    said = StringIO()
    call_command("rotate_keys", stdout=said, stderr=StringIO())
    assert f"{job.public_id} goes on" in said.getvalue()
    assert "0 values cannot be read" in said.getvalue()
    assert DataKey.objects.get(purpose="C2", version=1).status == "retired"
    assert Customer.objects.get(pk=customer.pk).mobile == customer.mobile
    said = StringIO()
    call_command("rotate_keys", "--kek", stdout=said)
    assert said.getvalue() == "0 data keys rewrapped\n"
