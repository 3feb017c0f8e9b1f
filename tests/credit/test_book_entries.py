"""What enters the general ledger beside movements of loans: money in suspense, the allowance for losses, journals that people write."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from tests.credit.conftest import Desk
from tests.credit.test_general_ledger import differences
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def books(desk: Desk) -> dict[str, D]:
    """Return the balances of the general ledger by purpose, of all products together, those of nothing left out."""
    from credit import general_ledger

    found: dict[str, D] = {}
    for parts in general_ledger.balance(desk.cast.entity).values():
        for purpose, amount in parts.items():
            found[purpose] = found.get(purpose, D(0)) + amount
    return {purpose: amount for purpose, amount in found.items() if amount}


def receipt(desk: Desk, amount: str = "500.00", *, reference: str = "B1", remittance: str = "", on: Any = TODAY) -> Any:
    from credit import suspense

    return suspense.take_in(
        legal_entity=desk.cast.entity, reference=reference, received_on=on, amount=D(amount), payer_name="", remittance=remittance,
        actor=desk.cast.loan_operations, at=NOON,
    )  # fmt: skip


# --- suspense ------------------------------------------------------------------------------------------------------
def test_money_nobody_can_place_is_a_liability_until_it_is_placed(desk: Desk) -> None:
    from credit import suspense

    loan = desk.loan()
    held = receipt(desk)
    receipt(desk, "300.00", reference="B2", remittance=loan.public_id)  # a rule places it: it never was in suspense
    desk.close_to(TODAY)
    found = books(desk)
    assert (found["suspense"], found["cash"]) == (D("-500.00"), D("-11200.00"))
    assert differences(desk) == []
    at = NOON + DAY
    suspense.allocate(held, loan, actor=desk.cast.loan_operations, at=at)
    desk.close_to(TODAY + DAY)
    found = books(desk)
    assert "suspense" not in found
    assert found["cash"] == D("-11200.00")  # the bank account got it once
    assert differences(desk) == []


def test_money_sent_back_leaves_the_bank_account_and_a_reversed_booking_waits_again(desk: Desk) -> None:
    from credit import reversals, suspense
    from credit.models import Receipt

    loan = desk.loan()
    back = receipt(desk, "80.00", reference="B3")
    booked = receipt(desk, "300.00", reference="B4", remittance=loan.public_id)
    desk.close_to(TODAY)
    suspense.give_back(back, actor=desk.cast.loan_operations, at=NOON + DAY)
    reversals.reverse(booked.transaction, reason="wrong_loan", actor=desk.cast.loan_operations, at=NOON + DAY, key="r1")
    assert Receipt.objects.get(pk=booked.pk).status == "unmatched"
    desk.close_to(TODAY + DAY)
    found = books(desk)
    assert (found["suspense"], found["cash"]) == (D("-300.00"), D("-11700.00"))
    assert differences(desk) == []


def test_the_check_finds_suspense_that_was_changed_behind_the_doors(desk: Desk) -> None:
    held = receipt(desk)
    desk.loan()
    desk.close_to(TODAY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credit_receipt SET amount = 501 WHERE id = %s", [held.pk])
    assert [(each.check, each.first) for each in differences(desk)] == [("suspense", [[held.public_id, "501.00", "500.00"]])]


# --- provisions ----------------------------------------------------------------------------------------------------
def test_the_allowance_follows_the_expected_loss_by_stage(desk: Desk) -> None:
    from credit import payoffs, reversals
    from credit.models import Journal, Loan

    loans = [desk.loan(), desk.loan(amount=D("5000.00"))]
    desk.close_to(TODAY)
    losses = sum(Loan.objects.values_list("ecl", flat=True), D(0))
    assert books(desk)["allowance_1"] == -losses == -books(desk)["provision"] < 0
    first = loans[0].installments.get(seq=1)
    desk.pay(loans[1], loans[1].installments.get(seq=1).payment, on=first.due_on)
    desk.close_to(first.due_on + timedelta(days=31))
    found, (late, fine) = books(desk), Loan.objects.order_by("pk")
    assert (late.stage, found["allowance_2"]) == (2, -late.ecl - (fine.ecl if fine.stage == 2 else 0))
    assert found["provision"] == late.ecl + fine.ecl
    assert differences(desk) == []
    assert Journal.objects.filter(source="provision").count() < 62  # a day that changes nothing has none
    # a loan that ended since the day stood in its allowance; the next close releases it
    ends = first.due_on + timedelta(days=32)
    quote = payoffs.issue(late, settles_on=ends, actor=desk.cast.loan_officer, at=datetime.combine(ends, NOON.timetz()))
    paid = desk.pay(late, quote.total, on=ends)
    late.refresh_from_db()
    assert late.status == "settled"
    assert differences(desk) == []
    desk.close_to(first.due_on + timedelta(days=32))
    fine.refresh_from_db()
    assert books(desk)["provision"] == fine.ecl
    assert differences(desk) == []
    again = datetime.combine(ends + DAY, NOON.timetz())
    reversals.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=again, key="again")
    assert [each.check for each in differences(desk) if each.check == "provisions"] == []


def test_the_check_finds_an_allowance_that_is_not_the_loans(desk: Desk) -> None:
    loan = desk.loan()
    desk.close_to(TODAY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credit_loan SET ecl = ecl + 1 WHERE id = %s", [loan.pk])
    assert [each.check for each in differences(desk)] == ["provisions"]


# --- journals by hand ----------------------------------------------------------------------------------------------
@pytest.fixture
def own(desk: Desk) -> Any:
    """Return a proposer of journals between two accounts that people may write on."""
    from credit import manual_journals
    from credit.models import GLAccount

    desk.loan()
    desk.close_to(TODAY)
    for code, kind in (("660201", "expense"), ("224190", "liability")):
        GLAccount.objects.create(legal_entity=desk.cast.entity, code=code, name_en=code, name_zh=code, kind=kind, added_at=NOON)
    desk.cast.entity.refresh_from_db()

    def propose(*lines: tuple[str, str], **other: Any) -> Any:
        told = {
            "day": TODAY,
            "reason": "expense",
            "document": "V-1",
            "text": "rent",
            "actor": desk.cast.loan_operations,
            "at": NOON,
        } | other
        return manual_journals.propose(desk.cast.entity, lines=[(code, D(amount)) for code, amount in lines], **told)

    return propose


SIDES = (("660201", "100.00"), ("224190", "-100.00"))


def confirmed(desk: Desk, change: Any) -> Any:
    from credit.models import Journal
    from governance import changes

    changes.confirm(change, actor=desk.cast.risk_manager, at=NOON)
    return Journal.objects.filter(source="manual").latest("pk")


def test_a_journal_is_written_when_a_second_person_confirms_and_taken_back_once(desk: Desk, own: Any) -> None:
    from credit import manual_journals
    from credit.models import Journal, JournalLine
    from crm.lib.errors import DomainError
    from governance import changes

    change = own(*SIDES)
    assert not Journal.objects.filter(source="manual").exists()
    with pytest.raises(changes.OwnChange):
        changes.confirm(change, actor=desk.cast.loan_operations, at=NOON)
    journal = confirmed(desk, change)
    assert (journal.manual.made_by, journal.manual.confirmed_by) == (desk.cast.loan_operations, desk.cast.risk_manager)
    another = confirmed(desk, own(("660201", "7.00"), ("224190", "-7.00")))  # a second one of the same day
    assert another.serial == 2
    told: dict[str, Any] = {"day": TODAY, "document": "V-2", "text": "twice", "actor": desk.cast.loan_operations, "at": NOON}
    back = confirmed(desk, manual_journals.propose_reversal(journal, **told))
    assert back.manual.reverses == journal
    with pytest.raises(DomainError):
        manual_journals.propose_reversal(journal, **told)
    with pytest.raises(DomainError):
        manual_journals.propose_reversal(back, **told)
    sums = {
        line["account__code"]: line["amount"] for line in JournalLine.objects.filter(purpose="manual").values("account__code", "amount")
    }
    assert sum(sums.values()) in (D("7.00"), D("-7.00"), D("0.00"))
    desk.close_to(TODAY + DAY)
    assert books(desk).get("manual", D(0)) == 0
    assert differences(desk) == []


def test_what_cannot_be_a_journal_is_refused(desk: Desk, own: Any) -> None:
    from crm.lib.errors import DomainError

    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: own(("660201", "100.00"), ("224190", "-99.99")), "journal_not_balanced"),
        (lambda: own(("660201", "100.00")), "journal_not_balanced"),
        (lambda: own(("660201", "100.00"), ("130301", "-100.00")), "control_account"),
        (lambda: own(("660201", "100.00"), ("100201", "-100.00")), "control_account"),
        (lambda: own(("660201", "100.00"), ("224102", "-100.00")), "control_account"),
        (lambda: own(("660201", "100.00"), ("130401", "-100.00")), "control_account"),
        (lambda: own(("660201", "100.00"), ("999999", "-100.00")), "invalid"),
        (lambda: own(("660201", "0.001"), ("224190", "-0.001")), "invalid"),
        (lambda: own(*SIDES, document=" "), "invalid"),
        (lambda: own(*SIDES, reason="reversal"), "invalid"),
        (lambda: own(*SIDES, day=TODAY + 2 * DAY), "journal_day_not_open"),
        (lambda: own(*SIDES, day=TODAY - 400 * DAY), "journal_day_not_open"),
    ]
    for act, code in refused:
        with pytest.raises(DomainError) as refusal:
            act()
        assert refusal.value.code == code, code


def test_a_month_that_closed_while_it_waited_refuses_it(desk: Desk, own: Any) -> None:
    from credit.models import AccountingPeriod, Journal
    from crm.lib.errors import DomainError
    from governance import changes

    change = own(*SIDES)
    AccountingPeriod.objects.create(legal_entity=desk.cast.entity, month=TODAY.replace(day=1), status="closed")
    with pytest.raises(DomainError), transaction.atomic():
        changes.confirm(change, actor=desk.cast.risk_manager, at=NOON)
    assert not Journal.objects.filter(source="manual").exists()


def test_the_form_keeps_what_was_typed_and_names_what_is_wrong(desk: Desk, own: Any, client: Any) -> None:
    from governance.models import ChangeRequest

    client.force_login(desk.cast.loan_operations)
    url = reverse("manual-journal-new")
    told = {"day": TODAY.isoformat(), "reason": "expense", "document": "V-7", "text": "rent", "account_1": "660201", "debit_1": "1,200.00"}
    answer = client.post(url, told | {"account_2": "224190", "credit_2": "1,100.00", "form_key": "k1"})
    assert answer.status_code == 422
    assert "V-7" in answer.content.decode() and "1,200.00" in answer.content.decode()
    answer = client.post(url, told | {"account_2": "224190", "credit_2": "1,200.00", "form_key": "k2"})
    assert answer.status_code == 303
    journal = confirmed(desk, ChangeRequest.objects.latest("pk"))
    page = client.get(reverse("journal", args=[journal.public_id])).content.decode()
    assert "V-7" in page and reverse("manual-journal-reverse", args=[journal.public_id]) in page
    assert journal.public_id in client.get(reverse("manual-journal-list")).content.decode()
