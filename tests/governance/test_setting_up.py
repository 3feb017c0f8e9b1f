"""From an empty installation to working roles: what the administrator's home says is left, and that a step done goes from it."""

from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from customers.models import Customer
from governance import invitations, proof_runs, setup_steps, users
from governance.models import Job, Notice, Role, Team, User
from ledger.models import Entry
from tests.fixtures.cast import Cast

pytestmark = pytest.mark.django_db


def urls(user: User) -> list[str]:
    return [step["url"] for step in setup_steps.left(user, now())]


def alone(cast: Cast) -> User:
    """Leave the administrator as the only person, with the head office as the only team."""
    User.objects.exclude(pk=cast.admin.pk).exclude(username=users.SYSTEM).update(is_active=False)
    head = Team.objects.filter(parent__isnull=True).order_by("pk").first()
    User.objects.update(team=head)
    return User.objects.get(pk=cast.admin.pk)


def test_the_home_of_whoever_is_alone_says_what_comes_next(cast: Cast, page_of: Any) -> None:
    admin = alone(cast)
    found = urls(admin)
    assert found[0] == "/account/"
    assert found[-5:] == ["/admin/users/new/?role=compliance", "/admin/users/new/", "/admin/users/new/?role=admin",
                          "/admin/users/new/?role=auditor", "/governance/proof/"]  # fmt: skip
    home = page_of(admin).get("/").text
    assert "Setting up" in home and "Name a second person who confirms rights" in home
    form = page_of(admin).get("/admin/users/new/?role=compliance").text
    role = Role.objects.get(code="compliance")
    assert f'<option value="{role.pk}" selected' in form


def test_an_invited_second_person_is_waited_for_until_they_chose_a_password(cast: Cast) -> None:
    admin, at = alone(cast), now()
    invited, token = invitations.invite(username="second", name="Second", actor=admin, at=at)
    User.objects.filter(pk=invited.pk).update(role=Role.objects.get(code="compliance"))
    assert f"/admin/users/{invited.public_id}/" in urls(admin)
    invitations.accept(token, password="Bamboo-river-4417", at=at)
    assert f"/admin/users/{invited.public_id}/" not in urls(admin) and "/admin/users/new/?role=compliance" not in urls(admin)


def test_the_link_of_an_invitation_is_taken_from_a_browser_that_checks_origins(cast: Cast) -> None:
    """A stricter policy of the page makes browsers send `Origin: null`, and the form is refused."""
    _invited, token = invitations.invite(username="second", name="Second", actor=cast.admin, at=now())
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(f"/invitations/{token}/")
    assert page.headers["Referrer-Policy"] == "same-origin"
    sent = {"password": "Bamboo-river-4417", "again": "Bamboo-river-4417", "csrfmiddlewaretoken": browser.cookies["crm_test_csrftoken"].value
            if "crm_test_csrftoken" in browser.cookies else next(one.value for name, one in browser.cookies.items() if "csrf" in name)}  # fmt: skip
    answer = browser.post(f"/invitations/{token}/", sent, headers={"Origin": "http://testserver"})
    assert answer.headers["Location"] == "/accounts/login/"


# --- the proof of encryption ---------------------------------------------------------------------------------------
def test_an_auditor_orders_the_search_and_reads_its_result(cast: Cast, customer: Customer, page_of: Any) -> None:
    auditor = page_of(cast.auditor)
    assert "not searched yet" in auditor.get("/").text
    assert auditor.post("/governance/proof/begin/").headers["Location"] == "/governance/proof/"
    job = Job.objects.get(kind=proof_runs.KIND)
    assert "A search is under way" in auditor.get("/governance/proof/").text
    assert auditor.post("/governance/proof/begin/").status_code == 409
    found = proof_runs.run(job.pk, at=now(), clock=now)
    assert found is not None and found.hits == [] and proof_runs.run(job.pk, at=now(), clock=now) is None
    page = auditor.get("/governance/proof/").text
    assert "Nothing in clear" in page and "Not searched: the write-ahead log" in page and customer.mobile not in page
    facts = Entry.objects.get(event="governance.encryption.searched").facts
    assert facts["hits"] == 0 and facts["values"] >= 3 and facts["searched"]["database"] > 0
    assert page_of(cast.collector).get("/governance/proof/").status_code == 403


def test_what_lies_in_clear_is_told_by_place_and_never_by_value(cast: Cast, customer: Customer, page_of: Any) -> None:
    Job.objects.create(kind="k", title=f"for {customer.mobile}", created_at=now(), updated_at=now())
    proof_runs.run_here(actor=cast.system, at=now(), clock=now)
    page = page_of(cast.compliance).get("/governance/proof/").text
    assert "Values in clear" in page and "customers.customer.mobile · database:governance_job" in page and customer.mobile not in page
    told = set(Notice.objects.filter(code="proof.in_clear").values_list("user__role__code", flat=True))
    assert {"auditor", "compliance", "admin"} == told


# --- what an auditor reads -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    ["/ledger/", "/openings/", "/governance/emergencies/", "/governance/reviews/", "/governance/exports/", "/governance/proof/", "/admin/keys/",
     "/governance/catalogue/", "/admin/users/", "/admin/roles/", "/admin/changes/", "/admin/clients/", "/delegations/"],
)  # fmt: skip
def test_an_auditor_opens_everything_that_controls(cast: Cast, page_of: Any, url: str) -> None:
    assert page_of(cast.auditor).get(url).status_code == 200
