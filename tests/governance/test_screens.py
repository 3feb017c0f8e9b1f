"""Pages of people, roles, jobs and rules."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.test import Client

from governance import jobs
from governance.models import ChangeRequest, User
from tests.fixtures.cast import NOON

PageOf = Callable[[Any], Client]


def text(response: Any) -> str:
    return response.content.decode()


def place(cast: Any, **changes: Any) -> dict[str, Any]:
    user = cast.colleague
    return {
        "name": user.name, "email": "", "role": cast.roles["underwriter"].pk, "team": cast.west.pk, "approval_limit": "2万",
        "language": "", "version": user.version, "reason": "She passed the examination.",
    } | changes  # fmt: skip


def test_an_administrator_places_a_person_and_a_second_one_gives_the_rights(cast: Any, page_of: PageOf) -> None:
    client, url = page_of(cast.admin), f"/admin/users/{cast.colleague.public_id}/"
    assert client.post(url + "edit/", place(cast)).status_code == 303
    row = User.objects.get(pk=cast.colleague.pk)
    assert (row.role.code, row.team, row.approval_limit) == ("loan_officer", cast.west, None), "the team moves beside, the rights wait"
    assert "waits for a second person" in text(client.get(url))
    waiting = ChangeRequest.objects.get()
    checker = page_of(cast.compliance)
    page = text(checker.get(f"/admin/changes/{waiting.public_id}/"))
    assert "Colleague" in page and "Underwriter" in page and "CNY 20,000.00" in page
    assert "Colleague" in text(checker.get("/admin/changes/")) and "Colleague" in text(checker.get("/"))
    assert checker.post(f"/admin/changes/{waiting.public_id}/answer/", {"do": "confirm", "answer": ""}).status_code == 303
    row = User.objects.get(pk=cast.colleague.pk)
    assert (row.role.code, row.team, row.approval_limit) == ("underwriter", cast.west, Decimal("20000.00"))
    assert "Account changed" in text(client.get(url))


def test_a_stale_change_of_a_person_is_told(cast: Any, page_of: PageOf) -> None:
    client, url = page_of(cast.admin), f"/admin/users/{cast.colleague.public_id}/edit/"
    assert client.post(url, place(cast)).status_code == 303
    answer = client.post(url, place(cast, name="Somebody Else"))
    assert answer.status_code == 409 and "changed meanwhile" in text(answer)


def test_nobody_raises_their_own_rights(cast: Any, page_of: PageOf) -> None:
    url = f"/admin/users/{cast.admin.public_id}/"
    typed = place(cast, name=cast.admin.name, version=cast.admin.version)
    assert page_of(cast.admin).post(url + "edit/", typed).status_code == 409
    assert page_of(cast.admin).post(url + "active/", {"active": "no"}).status_code == 409


def test_a_new_person_is_made_once(cast: Any, page_of: PageOf) -> None:
    typed = place(cast, username="new.person", name="New Person", password="a-long-first-word-7", form_key=str(uuid4()))
    client = page_of(cast.admin)
    assert client.post("/admin/users/new/", typed)["Location"] == client.post("/admin/users/new/", typed)["Location"]
    assert User.objects.get(username="new.person").check_password("a-long-first-word-7")


def test_a_taken_name_and_a_weak_password_are_named(cast: Any, page_of: PageOf) -> None:
    client = page_of(cast.admin)
    taken = client.post("/admin/users/new/", place(cast, username="colleague", name="X", password="a-long-first-word-7"))
    assert taken.status_code == 422 and text(taken).count("This user name is taken.") == 2
    weak = client.post("/admin/users/new/", place(cast, username="another", name="X", password="1234567890"))
    assert weak.status_code == 422 and 'value="another"' in text(weak)


def test_a_person_is_suspended_and_back(cast: Any, page_of: PageOf) -> None:
    url = f"/admin/users/{cast.colleague.public_id}/active/"
    for word, state in (("no", False), ("yes", True)):
        assert page_of(cast.admin).post(url, {"active": word}).status_code == 303
        assert User.objects.get(pk=cast.colleague.pk).is_active is state
    assert page_of(cast.admin).post(url, {"active": "perhaps"}).status_code == 404


def test_the_list_narrows_by_role_and_state(cast: Any, page_of: PageOf) -> None:
    page = text(page_of(cast.admin).get(f"/admin/users/?role={cast.roles['auditor'].pk}&active=yes"))
    assert cast.auditor.public_id in page and cast.colleague.public_id not in page


def test_who_may_only_look_is_offered_no_change(cast: Any, page_of: PageOf) -> None:
    client, url = page_of(cast.auditor), f"/admin/users/{cast.colleague.public_id}/"
    assert f"{url}edit/" not in text(client.get(url))
    answer = client.get(f"{url}edit/")
    assert answer.status_code == 403 and "Change users and teams, propose who holds which role" in text(answer)


def test_roles_jobs_and_rules_are_readable(cast: Any, page_of: PageOf) -> None:
    job = jobs.start(kind="import", title="A file", actor=cast.admin, at=NOON, total=3)
    jobs.progress(job, at=NOON, done=2, failed=1, problems=[{"line": 3, "field": "amount", "message": "No amount."}])
    jobs.finish(job, at=NOON)
    client = page_of(cast.admin)
    assert "A file" in text(client.get("/admin/jobs/?status=partial"))
    assert "No amount." in text(client.get(f"/admin/jobs/{job.public_id}/"))
    for url in ("/admin/roles/", "/governance/rules/", "/admin/users/"):
        assert client.get(url).status_code == 200
    assert page_of(cast.nobody).get("/admin/jobs/").status_code == 403


def test_every_role_has_a_home(cast: Any, page_of: PageOf) -> None:
    for user in [*cast.by_role.values(), cast.nobody]:
        answer = page_of(user).get("/")
        assert answer.status_code == 200, user


def test_a_visitor_is_sent_to_the_sign_in(db: None, client: Client) -> None:
    assert client.get("/admin/users/")["Location"].startswith("/accounts/login/")
    part = client.get("/admin/users/", headers={"HX-Request": "true"})
    assert part.status_code == 401


def test_language_and_theme_stay_with_the_person(cast: Any, page_of: PageOf) -> None:
    client = page_of(cast.admin)
    answer = client.post("/language/", {"language": "zh-hans", "next": "/admin/users/"})
    assert answer["Location"] == "/admin/users/" and client.cookies["crm_language"].value == "zh-hans"
    assert User.objects.get(pk=cast.admin.pk).language == "zh-hans"
    assert client.post("/language/", {"language": "xx", "next": "https://elsewhere.example/"})["Location"] == "/"
    client.post("/theme/", {"theme": "dark"})
    assert 'data-bs-theme="dark"' in text(client.get("/admin/users/"))
