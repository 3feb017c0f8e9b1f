"""Files of many rows: what one person takes alone, what waits for a second one, and what that one reads before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from crm.lib.errors import NotAllowed
from crm.lib.lists import LISTS
from governance import bulk_exports, changes, exports, users
from governance.models import ChangeRequest, Export, Notice, Role, Rule
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

LATER = NOON + timedelta(hours=1)
KEY = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def three(db: None, make_customer: Callable[..., Any]) -> None:
    """Three customers, and two rows that one person takes alone."""
    Rule.objects.filter(code=bulk_exports.ALONE).update(value=2)
    for _one in range(3):
        make_customer()


def order(cast: Cast, query: str = "", actor: Any = None) -> Any:
    spec = LISTS["customers"]
    return bulk_exports.order(
        spec, query=query, columns=[column for column in spec.columns if column.shown], purpose="control", reason="Yearly check of files",
        actor=actor or cast.auditor, at=NOON, language="en", use="",
    )  # fmt: skip


def test_a_small_file_is_written_at_once_and_a_large_one_waits(cast: Cast, make_customer: Callable[..., Any]) -> None:
    make_customer(income=90_000)
    assert isinstance(order(cast, "w=1.income.ge.80000"), Export)
    waiting = order(cast)
    assert (waiting.status, waiting.made_by, waiting.after["rows"]) == ("open", cast.auditor, 4)
    assert Export.objects.count() == 1
    assert Notice.objects.filter(user=cast.compliance, code="change.waits").exists()


def test_the_second_person_reads_what_would_leave_and_then_it_is_written_for_the_first(cast: Cast, page_of: Any) -> None:
    waiting = order(cast)
    read = page_of(cast.compliance).get(f"/admin/changes/{waiting.public_id}/").text
    for words in ("File of many rows", "Customers", "Mobile", "Yearly check of files", "Rows"):
        assert words in read, words
    changes.confirm(waiting, actor=cast.compliance, at=LATER)
    made = Export.objects.get()
    assert (made.actor, made.reason) == (cast.auditor, "Yearly check of files")
    exports.write(made.pk, at=LATER)
    _export, content = exports.fetch(made.public_id, actor=cast.auditor, at=LATER)
    assert content.count(b"C-") == 3
    assert Notice.objects.filter(user=cast.auditor, code="export.begun").exists()
    assert "Yearly" not in str([entry.facts for entry in Entry.objects.all()])


@pytest.mark.parametrize("answer", ["refuse", "withdraw"])
def test_what_is_refused_or_withdrawn_leaves_nothing(cast: Cast, answer: str) -> None:
    waiting = order(cast)
    if answer == "refuse":
        changes.refuse(waiting, actor=cast.compliance, at=LATER, answer="Use the list.")
    else:
        changes.withdraw(waiting, actor=cast.auditor, at=LATER)
    assert not Export.objects.exists()


def test_nobody_confirms_their_own_file(cast: Cast) -> None:
    waiting = order(cast, actor=cast.compliance)
    with pytest.raises(changes.OwnChange):
        changes.confirm(waiting, actor=cast.compliance, at=LATER)
    changes.confirm(waiting, actor=cast.admin, at=LATER)
    assert Export.objects.get().actor == cast.compliance


def test_with_nobody_to_confirm_it_is_written_and_marked(cast: Cast) -> None:
    Role.objects.get(code="admin")
    for person in (cast.compliance, cast.admin):
        users.set_active(person, active=False, actor=cast.system, at=NOON)
    assert isinstance(order(cast), Export)
    assert ChangeRequest.objects.get().alone


def test_who_lost_the_right_meanwhile_gets_no_file(cast: Cast) -> None:
    waiting = order(cast)
    Role.objects.filter(code="auditor").update(permissions=["governance.view_change"])
    with pytest.raises(NotAllowed):
        changes.confirm(waiting, actor=cast.compliance, at=LATER)
    waiting.refresh_from_db()
    assert (waiting.status, Export.objects.count()) == ("open", 0)


def test_the_page_says_so_before_and_leads_to_the_change(cast: Cast, page_of: Any) -> None:
    client = page_of(cast.auditor)
    assert "a second person confirms it" in client.get("/lists/customers/export/").text
    sent = {"purpose": "control", "use": "compliance", "reason": "Yearly check", "form_key": KEY, "query": ""}
    first, again = client.post("/lists/customers/export/", sent), client.post("/lists/customers/export/", sent)
    waiting = ChangeRequest.objects.get()
    assert first["Location"] == again["Location"] == f"/admin/changes/{waiting.public_id}/"
    assert waiting.made_at <= now()
    with pytest.raises(NotAllowed):
        order(cast, actor=cast.loan_officer)
