"""Roles as a lender edits them: proposed by one, confirmed by another, never with duties that are kept apart."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from crm.lib.errors import Invalid, NotAllowed, Stale
from governance import changes, roles, seeds, users
from governance.lifecycle import MovedMeanwhile
from governance.models import ChangeRequest, DutyPair, Notice, Role, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

LATER = NOON + timedelta(hours=1)


def more(role: Role, *codes: str, **other: Any) -> dict[str, Any]:
    """Return the role with more permissions, as it shall be."""
    was = roles.content(role)
    return was | {"permissions": sorted({*was["permissions"], *codes})} | other


@pytest.fixture
def collector(cast: Cast) -> Role:
    return cast.roles["collector"]


@pytest.fixture
def proposed(cast: Cast, collector: Role) -> ChangeRequest:
    """A collector shall see decisions."""
    return roles.propose("collector", more(collector, "risk.view_decision"), reason="to explain", actor=cast.admin, at=NOON)


def test_nothing_is_in_force_before_a_second_person_confirms(cast: Cast, collector: Role, proposed: ChangeRequest) -> None:
    collector.refresh_from_db()
    assert (proposed.status, "risk.view_decision" in collector.permissions) == ("open", False)
    changes.confirm(proposed, actor=cast.compliance, at=LATER, answer="fine")
    collector.refresh_from_db()
    assert ("risk.view_decision" in collector.permissions, collector.version) == (True, 2)
    entry = Entry.objects.get(event="governance.role.changed")
    assert (entry.facts["added"], entry.facts["removed"], entry.actor_id) == (["risk.view_decision"], [], cast.compliance.pk)
    assert User.objects.get(pk=cast.collector.pk).has_perm("risk.view_decision")


def test_both_are_told(cast: Cast, proposed: ChangeRequest) -> None:
    assert Notice.objects.get(user=cast.compliance).code == "change.waits"
    changes.refuse(proposed, actor=cast.compliance, at=LATER, answer="too much")
    assert Notice.objects.get(user=cast.admin).code == "change.refused"


def test_the_maker_is_not_the_checker(cast: Cast, proposed: ChangeRequest) -> None:
    cast.admin.role.permissions.append("governance.check_role")  # were the pair not kept apart
    with pytest.raises(changes.OwnChange):
        changes.confirm(proposed, actor=cast.admin, at=LATER)
    with pytest.raises(NotAllowed):
        changes.confirm(proposed, actor=cast.auditor, at=LATER)


def test_the_database_refuses_the_maker_as_checker(cast: Cast, proposed: ChangeRequest) -> None:
    with pytest.raises(IntegrityError, match="change_checked_by_another"), transaction.atomic():
        ChangeRequest.objects.filter(pk=proposed.pk).update(status="confirmed", decided_by=cast.admin, decided_at=LATER)
    with pytest.raises(IntegrityError, match="change_checked_by_another"), transaction.atomic():
        ChangeRequest.objects.filter(pk=proposed.pk).update(status="confirmed", decided_by=None)


def test_one_change_of_a_thing_waits_at_a_time(cast: Cast, collector: Role, proposed: ChangeRequest) -> None:
    with pytest.raises(changes.AlreadyProposed):
        roles.propose("collector", more(collector, "credit.view_product"), reason="x", actor=cast.admin, at=LATER)
    changes.withdraw(proposed, actor=cast.admin, at=LATER)
    assert roles.propose("collector", more(collector, "credit.view_product"), reason="x", actor=cast.admin, at=LATER).status == "open"


def test_what_moved_meanwhile_cannot_be_confirmed(cast: Cast, collector: Role, proposed: ChangeRequest) -> None:
    Role.objects.filter(pk=collector.pk).update(scope="own")
    with pytest.raises(Stale):
        changes.confirm(proposed, actor=cast.compliance, at=LATER)
    collector.refresh_from_db()
    assert "risk.view_decision" not in collector.permissions


def test_it_expires_after_seven_days(cast: Cast, proposed: ChangeRequest) -> None:
    late = NOON + timedelta(days=7, seconds=1)
    with pytest.raises(Stale):
        changes.confirm(proposed, actor=cast.compliance, at=late)
    assert changes.expire(at=NOON + timedelta(days=7), actor=cast.system) == 0
    assert changes.expire(at=late, actor=cast.system) == 1
    proposed.refresh_from_db()
    assert (proposed.status, Notice.objects.get(user=cast.admin).code) == ("expired", "change.expired")


def test_two_checkers_at_once_make_it_once(transactional_db: None, cast: Cast) -> None:
    waiting = roles.propose("collector", more(cast.roles["collector"], "risk.view_decision"), reason="x", actor=cast.admin, at=NOON)
    second = users.create(username="c2", name="C2", role=cast.roles["compliance"], team=cast.head, actor=cast.system, at=NOON)
    barrier = Barrier(2)

    def race(person: User) -> str:
        try:
            mine = ChangeRequest.objects.get(pk=waiting.pk)
            barrier.wait(timeout=10)
            changes.confirm(mine, actor=person, at=LATER)
        except (MovedMeanwhile, Stale):
            return "told"
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(race, [cast.compliance, second])) == ["made", "told"]
    assert Entry.objects.filter(event="governance.role.changed").count() == 1


# --- alone ---------------------------------------------------------------------------------------------------------
def test_with_nobody_to_confirm_it_is_made_at_once_and_marked(cast: Cast, collector: Role) -> None:
    users.set_active(cast.compliance, active=False, actor=cast.admin, at=NOON)
    made = roles.propose("collector", more(collector, "risk.view_decision"), reason="first day", actor=cast.admin, at=NOON)
    assert (made.status, made.alone, made.decided_by) == ("confirmed", True, cast.admin)
    assert Entry.objects.get(event="governance.change.confirmed").facts["alone"] is True
    collector.refresh_from_db()
    assert "risk.view_decision" in collector.permissions


# --- what cannot be ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pair", [row["code"] for row in json.loads(seeds.DUTIES.read_text())])
def test_duties_that_are_kept_apart_are_refused_with_their_names(cast: Cast, pair: str) -> None:
    duties = DutyPair.objects.get(code=pair)
    after = roles.wanted(name_en="All", name_zh="全部", scope="own", permissions=[duties.first, duties.second], approval_limit=None)
    with pytest.raises(roles.ConflictingDuties) as refusal:
        roles.propose("everything", after, reason="x", actor=cast.admin, at=NOON)
    assert refusal.value.extra["pair"] == pair and str(duties) in str(refusal.value)
    assert not ChangeRequest.objects.exists()


def test_no_role_of_the_product_breaks_a_pair(cast: Cast) -> None:
    assert {role.code: [str(pair) for pair in roles.conflicts(role.permissions)] for role in Role.objects.all()} == {
        code: [] for code in cast.roles
    }


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("Bad Code", {}),
        ("new_role", {"name_zh": " "}),
        ("new_role", {"name_en": "x" * 81}),
        ("new_role", {"scope": "world"}),
        ("new_role", {"permissions": ["credit.fly"]}),
        ("new_role", {"approval_limit": Decimal("-1")}),
        ("new_role", {"approval_limit": Decimal("100000000.00")}),
        ("new_role", {"waiver_limit": Decimal("-0.01")}),
        ("new_role", {"field_levels": {"customers.customer.shoe_size": "none"}}),
        ("new_role", {"field_levels": {"customers.customer.mobile": "half"}}),
        ("new_role", {"products": ["NO-SUCH"]}),
        ("new_role", {"level_ceiling": 6}),
        ("new_role", {"opens_at": time(8)}),
        ("new_role", {"opens_at": time(8), "closes_at": time(8)}),
    ],
)
def test_what_cannot_be_is_refused(cast: Cast, code: str, changed: dict[str, Any]) -> None:
    values = {"name_en": "New", "name_zh": "新", "scope": "own", "permissions": ["customers.view_customer"], "approval_limit": None}
    with pytest.raises(Invalid):
        roles.propose(code, roles.wanted(**values | changed), reason="x", actor=cast.admin, at=NOON)


def test_a_role_is_narrowed_by_its_page_and_the_second_person_reads_how(cast: Cast, page_of: Any, collector: Role) -> None:
    typed = {
        "name_en": collector.name_en, "name_zh": collector.name_zh, "scope": "tree", "permissions": collector.permissions, "version": "1",
        "level_customers_customer_id_number": "none", "level_ceiling": "4", "own_cases": "on", "second_factor": "on", "opens_at": "08:00", "closes_at": "20:00",
        "waiver_limit": "500.00", "reason": "Working hours, own cases.", "form_key": "11111111-2222-3333-4444-555555555555",
    }  # fmt: skip
    assert page_of(cast.admin).post("/admin/roles/collector/edit/", typed).status_code == 303
    waiting = ChangeRequest.objects.get()
    read = page_of(cast.compliance).get(f"/admin/changes/{waiting.public_id}/").text
    for words in (
        "Branch tree",
        "Id number",
        "Nothing",
        "Highest level of data",
        "Only their own cases",
        "Second factor needed",
        "08:00–20:00",
        "Waiver limit",
    ):
        assert words in read, words
    collector.refresh_from_db()
    assert (collector.scope, collector.field_levels) == ("team", {}), "nothing before it is confirmed"
    changes.confirm(waiting, actor=cast.compliance, at=now())
    collector.refresh_from_db()
    assert (collector.scope, collector.own_cases, collector.opens_at, collector.level_ceiling) == ("tree", True, time(8), 4)
    assert (collector.field_levels, collector.waiver_limit) == ({"customers.customer.id_number": "none"}, Decimal("500.00"))
    shown = page_of(cast.admin).get("/admin/roles/collector/").text
    assert "Narrowed to" in shown and "No second factor yet" in shown and collector.second_factor
    assert roles.wanted(**{name: getattr(collector, name) for name in roles.CONTENT}) == waiting.after


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_reason_is_needed(cast: Cast, collector: Role, reason: str) -> None:
    with pytest.raises(Invalid):
        roles.propose("collector", more(collector, "risk.view_decision"), reason=reason, actor=cast.admin, at=NOON)


def test_the_same_again_is_no_change(cast: Cast, collector: Role) -> None:
    with pytest.raises(changes.NothingChanges):
        roles.propose("collector", roles.content(collector), reason="x", actor=cast.admin, at=NOON)


# --- in the browser ------------------------------------------------------------------------------------------------
FORM = {"name_en": "Junior collector", "name_zh": "初级催收员", "scope": "own", "approval_limit": "", "reason": "new team"}


def test_an_admin_makes_a_role_and_compliance_confirms_it(cast: Cast, page_of: Any) -> None:
    admin, compliance = page_of(cast.admin), page_of(cast.compliance)
    sent = admin.post(
        "/admin/roles/new/", FORM | {"code": "junior_collector", "permissions": ["collections.view_case", "collections.log_contact"]}
    )
    assert sent.status_code == 303
    change = ChangeRequest.objects.get()
    assert not Role.objects.filter(code="junior_collector").exists()
    page = compliance.get("/admin/changes/")
    assert change.public_id in page.content.decode() and "Junior collector" in page.content.decode()
    shown = compliance.get(f"/admin/changes/{change.public_id}/").content.decode()
    assert "+ Log contacts" in shown
    assert compliance.post(f"/admin/changes/{change.public_id}/answer/", {"do": "confirm"}).status_code == 303
    role = Role.objects.get(code="junior_collector")
    assert (role.scope, sorted(role.permissions)) == ("own", ["collections.log_contact", "collections.view_case"])
    seeds.seed()
    role.refresh_from_db()
    assert sorted(role.permissions) == ["collections.log_contact", "collections.view_case"], "the seed leaves it alone"


def test_a_conflict_stands_at_the_form_and_what_was_ticked_stays(cast: Cast, page_of: Any) -> None:
    codes = ["credit.add_application", "credit.decide_application"]
    answer = page_of(cast.admin).post("/admin/roles/new/", FORM | {"code": "both", "permissions": codes})
    text = answer.content.decode()
    assert answer.status_code == 422 and "Who enters an application does not approve it." in text
    for code in codes:
        assert f'value="{code}" id="may-{code}" checked' in text


def test_a_stale_form_is_told_and_keeps_what_was_typed(cast: Cast, page_of: Any, collector: Role) -> None:
    admin = page_of(cast.admin)
    typed = FORM | {"permissions": ["collections.view_case"], "version": str(collector.version)}
    Role.objects.filter(pk=collector.pk).update(version=2, scope="all")
    told = admin.post("/admin/roles/collector/edit/", typed)
    text = told.content.decode()
    assert told.status_code == 409 and "This role was changed meanwhile." in text and "Junior collector" in text
    assert not ChangeRequest.objects.exists()
    assert admin.post("/admin/roles/collector/edit/", typed | {"version": "2"}).status_code == 303


def test_the_inbox_costs_the_same_for_one_and_for_many(cast: Cast, page_of: Any, django_assert_num_queries: Any) -> None:
    compliance = page_of(cast.compliance)
    made = [role for role in cast.roles if role not in ("house", "risk_manager")][:6]
    for number, code in enumerate(made):
        roles.propose(code, more(cast.roles[code], "governance.share_view", name_en=f"N{number}"), reason="x", actor=cast.admin, at=NOON)
        if not number:
            compliance.get("/admin/changes/")
            with CaptureQueriesContext(connection) as first:
                compliance.get("/admin/changes/")
            asked = len(first)
    compliance.get("/admin/changes/")  # the number at the bell is counted anew after six notices
    with django_assert_num_queries(asked):
        compliance.get("/admin/changes/")


def test_refusing_needs_words_and_a_forged_answer_is_refused(cast: Cast, page_of: Any, proposed: ChangeRequest) -> None:
    address = f"/admin/changes/{proposed.public_id}/answer/"
    assert page_of(cast.compliance).post(address, {"do": "refuse"}).status_code == 422
    assert page_of(cast.compliance).post(address, {"do": "burn"}).status_code == 422
    assert page_of(cast.admin).post(address, {"do": "confirm"}).status_code == 403
    assert page_of(cast.auditor).post(address, {"do": "confirm"}).status_code == 404, "not the auditor's to see"
    proposed.refresh_from_db()
    assert proposed.status == "open"


def test_two_roles_are_compared(cast: Cast, page_of: Any) -> None:
    client: Client = page_of(cast.auditor)
    page = client.get("/admin/roles/collector/beside/collections_supervisor/")
    assert page.status_code == 200 and "Assign" in page.content.decode()
    assert client.get("/admin/roles/collector/beside/collector/").status_code == 404
    assert client.get("/admin/roles/nobody/").status_code == 404
