"""Duties kept apart are themselves kept by two persons."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from crm.lib.errors import Invalid
from governance import changes, delegations, duties, roles
from governance.models import ChangeRequest, DutyPair
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

PAIR = {
    "first": "collections.assign_case", "second": "credit.decide_application", "meaning_en": "Who hands out cases decides none.",
    "meaning_zh": "分案人员不得审批。", "source": "House rule", "is_active": True,
}  # fmt: skip


def propose(cast: Cast, code: str = "hand_decide", **changed: Any) -> ChangeRequest:
    return duties.propose(code, PAIR | changed, reason="found in the audit", actor=cast.admin, at=NOON)


def test_a_pair_holds_from_the_second_person_on(cast: Cast) -> None:
    waiting = propose(cast)
    both = roles.wanted(name_en="B", name_zh="二", scope="own", permissions=[PAIR["first"], PAIR["second"]], approval_limit=None)
    assert not roles.conflicts(both["permissions"])
    changes.confirm(waiting, actor=cast.compliance, at=NOON)
    with pytest.raises(roles.ConflictingDuties) as refusal:
        roles.propose("both", both, reason="x", actor=cast.admin, at=NOON)
    assert refusal.value.extra["pair"] == "hand_decide"
    changes.confirm(propose(cast, is_active=False), actor=cast.compliance, at=NOON)
    assert roles.propose("both", both, reason="x", actor=cast.admin, at=NOON).status == "open"
    assert list(
        Entry.objects.filter(event__startswith="governance.duty_pair").order_by("pk").values_list("facts__in_force", flat=True)
    ) == [True, False]


def test_what_is_held_together_now_is_named(cast: Cast) -> None:
    with pytest.raises(duties.HeldTogether, match="Underwriter"):
        propose(cast, first="credit.view_product")
    at = now()
    delegations.lend(
        cast.collections_supervisor,
        cast.risk_analyst,
        since=at,
        until=at + timedelta(days=1),
        reason="x",
        actor=cast.collections_supervisor,
        at=at,
    )
    with pytest.raises(duties.HeldTogether, match="Risk Analyst"):
        propose(cast, second="risk.replay_decision")


@pytest.mark.parametrize("changed", [{"second": PAIR["first"]}, {"first": "no.such"}, {"meaning_zh": " "}, {"source": "x" * 201}])
def test_what_cannot_be_is_refused(cast: Cast, changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        propose(cast, **changed)
    with pytest.raises(Invalid):
        propose(cast, code="Bad Code")


def test_the_pages(cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.admin)
    assert "审贷分离" in browser.get("/admin/duties/").text
    data = {name: value for name, value in PAIR.items() if name != "is_active"} | {"code": "hand_decide", "reason": "audit"}
    assert browser.post("/admin/duties/new/", data | {"second": "credit.view_application", "first": "credit.view_loan"}).status_code == 422
    made = browser.post("/admin/duties/new/", data)
    assert made.status_code == 303 and "Who hands out cases decides none." in browser.get(made["Location"]).text
    assert browser.post("/admin/duties/enter_decide/", {"reason": "no longer"}).status_code == 303
    assert DutyPair.objects.get(code="enter_decide").is_active, "it waits"
    assert "A change waits" in browser.get("/admin/duties/").text
    assert page_of(cast.auditor).get("/admin/duties/new/").status_code == 403
