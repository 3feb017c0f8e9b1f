"""Statements, certificates and invoices: they equal the books, nobody changes them, each is refused where it would not be true."""

import contextlib
import json
from datetime import date, timedelta
from decimal import Decimal as D
from itertools import pairwise

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import Sum
from django.test import Client

from credit import acts, invoices, loan_documents, movements, repayments, reversals, statements
from credit.acts import ACTS
from credit.invoices import NothingReceived
from credit.loan_documents import NotSettled
from credit.models import InvoicedMovement, Loan, LoanDocument, Posting, Transaction
from credit.statements import NotAPeriod
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY

ZERO = D("0.00")


def fresh(loan):
    return Loan.objects.select_related("legal_entity", "product", "customer").get(pk=loan.pk)


def at(day):
    return NOON + timedelta(days=(day - TODAY).days)


@pytest.fixture
def moved(desk):
    """A loan that was paid, paid late, reversed, waived, charged and prepaid."""
    loan = desk.loan()
    first = desk.pay(loan, "1100.16", date(2026, 4, 2))
    wrong = desk.pay(loan, "500.00", date(2026, 4, 20))
    desk.pay(loan, "700.00", date(2026, 5, 20))
    reversals.reverse(wrong, reason="wrong_amount", actor=desk.cast.loan_operations, at=at(date(2026, 5, 21)), key="r")
    told = {"actor": desk.cast.loan_operations, "at": at(date(2026, 5, 22))}
    acts.do(fresh(loan), ACTS["charge"], {"charge_part": "fee", "amount": D("5.00")}, on=None, why="contract", key="c", **told)
    acts.do(fresh(loan), ACTS["prepayment"], {"amount": D("3000.00"), "keeps": "term"}, on=None, why="agreed", key="p", **told)
    return fresh(loan), first


def test_a_statement_is_what_the_books_and_the_machine_have(moved):
    loan, _first = moved
    last = date(2026, 6, 10)
    made = statements.of(loan, loan.starts_on, last, today=last)
    posted = dict(Posting.objects.filter(transaction__loan=loan).values_list("account").annotate(sum=Sum("amount")))
    state = movements.played(loan, movements.events(loan), as_of=last)
    for name, account in statements.ACCOUNTS.items():
        sign = -1 if name in statements.CREDITED else 1
        assert getattr(made.totals, name) == sign * posted.get(account, ZERO), name
    assert made.closing_principal == state.principal_outstanding == loan.principal_outstanding
    assert made.closing_held == state.overpayment == loan.overpayment
    for part in ("interest", "fee", "penalty"):
        early = sum((split.fee for split in state.splits.values()), ZERO) if part == "fee" else ZERO
        assert getattr(made.totals, part) == sum((getattr(row.paid, part) for row in state.installments), early), part
    assert made.overdue.total == state.delinquency.amount and made.principal_to_come == made.closing_principal - made.overdue.principal
    assert [row.undone != "" for row in made.rows].count(True) == 1 == [row.reverses != "" for row in made.rows].count(True)
    assert made.accrual.a_day == state.earned_to(last) - state.earned_to(last - timedelta(days=1)) > 0


def test_statements_of_periods_that_follow_each_other_join(moved):
    loan, _first = moved
    last = date(2026, 6, 10)
    cuts = [loan.starts_on, date(2026, 4, 20), date(2026, 5, 21), last + timedelta(days=1)]
    parts = [statements.of(loan, a, b - timedelta(days=1), today=last) for a, b in pairwise(cuts)]
    for before, after in pairwise(parts):
        assert (before.closing_principal, before.closing_held) == (after.opening_principal, after.opening_held)
    whole = statements.of(loan, loan.starts_on, last, today=last)
    assert sum(len(each.rows) for each in parts) == len(whole.rows) == loan.transactions.count()
    for name in statements.ACCOUNTS:
        assert sum((getattr(each.totals, name) for each in parts), ZERO) == getattr(whole.totals, name)


@pytest.mark.parametrize(("first", "last"), [("2026-05-02", "2026-05-01"), ("2026-03-02", "2026-06-11"), ("2020-01-01", "2026-03-01")])
def test_a_period_that_cannot_be_is_refused(moved, first, last):
    with pytest.raises(NotAPeriod):
        statements.of(moved[0], date.fromisoformat(first), date.fromisoformat(last), today=date(2026, 6, 10))


def test_a_statement_is_kept_proved_and_told(moved, desk):
    loan, _first = moved
    told = {"purpose": "customer", "actor": desk.cast.loan_officer, "at": at(date(2026, 6, 10))}
    made = [loan_documents.statement(loan, first=loan.starts_on, last=date(2026, 6, 10), **told) for _n in range(2)]
    assert [each.serial for each in made] == ["ST-2026-0000001", "ST-2026-0000002"]
    entry = Entry.objects.filter(event="credit.document.statement").latest("pk")
    assert entry.facts["document_hash"] == made[1].document_hash and entry.facts["purpose"] == "customer"
    assert loan.customer.name not in json.dumps(made[0].document, ensure_ascii=False)
    for change in ("UPDATE credit_loandocument SET amount = 1", "DELETE FROM credit_loandocument"):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    entity = loan.legal_entity
    good = loan_documents.verify(entity, "st-2026-0000001", made[0].document_hash[:12])
    assert (good.code, good.document) == ("good", made[0])
    assert loan_documents.verify(entity, "ST-2026-0000001", made[1].document_hash[:12]).code == "wrong_hash"
    assert loan_documents.verify(entity, "ST-2026-0000001", made[0].document_hash[:4]).code == "wrong_hash"
    assert loan_documents.verify(entity, "ST-2026-9999999", made[0].document_hash).code == "unknown"


def settle(desk, loan, on):
    from credit import payoffs

    quote = payoffs.issue(fresh(loan), settles_on=on, actor=desk.cast.loan_officer, at=at(on))
    return desk.pay(loan, quote.total, on)


def test_a_certificate_is_for_a_loan_that_is_settled_and_the_same_again(desk):
    loan, told = desk.loan(), {"purpose": "customer", "actor": desk.cast.loan_officer, "at": at(date(2026, 4, 10))}
    with pytest.raises(NotSettled):
        loan_documents.settlement(loan, **told)
    paid = settle(desk, loan, date(2026, 4, 10))
    made = loan_documents.settlement(loan, **told)
    assert loan_documents.settlement(loan, **told) == made and LoanDocument.objects.count() == 1
    assert made.document["paid"]["principal"] == str(loan.principal) and made.document["outstanding"] == "0.00"
    reversals.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=told["at"], key="r")
    assert loan_documents.verify(loan.legal_entity, made.serial, made.document_hash).code == "withdrawn"
    with pytest.raises(NotSettled):
        loan_documents.settlement(loan, **told)
    settle(desk, loan, date(2026, 4, 11))
    again = loan_documents.settlement(loan, **told | {"at": at(date(2026, 4, 11))})
    assert again.serial == "JQ-2026-0000002" and loan_documents.verify(loan.legal_entity, again.serial, again.document_hash).code == "good"


def test_money_held_and_a_loss_are_not_certified(desk):
    over, lost = desk.loan(), desk.loan()
    desk.pay(over, "50000.00", date(2026, 3, 3))
    told = {"purpose": "customer", "actor": desk.cast.loan_officer, "at": at(date(2026, 3, 3))}
    Loan.objects.filter(pk=lost.pk).update(status="written_off", principal_outstanding=0, settled_at=NOON)
    for loan in (over, lost):
        with pytest.raises(NotSettled):
            loan_documents.settlement(fresh(loan), **told)


def test_what_was_received_is_invoiced_once_and_a_reversal_credits_it(moved, desk):
    loan, first = moved
    day = date(2026, 6, 10)
    told = {"first": loan.starts_on, "last": day, "purpose": "customer", "actor": desk.cast.loan_operations, "at": at(day)}
    [made] = invoices.invoice(loan, **told)
    books = statements.of(loan, loan.starts_on, day, today=day).totals
    assert made.amount == books.interest + books.fee + books.penalty
    assert {part: D(made.document["totals"][part]) for part in ("interest", "fee", "penalty")} == {
        part: getattr(books, part) for part in ("interest", "fee", "penalty")
    }
    with pytest.raises(NothingReceived):
        invoices.invoice(loan, **told)
    reversals.reverse(first, reason="bounced", actor=desk.cast.loan_operations, at=at(day), key="late")
    note = LoanDocument.objects.get(kind="credit_note")
    taken = Posting.objects.filter(transaction=first, account__in=["interest", "fee", "penalty"]).aggregate(sum=Sum("amount"))["sum"]
    assert (note.credits, note.amount) == (made, -taken)
    assert loan_documents.verify(loan.legal_entity, made.serial, made.document_hash).code == "credited"
    # What the reversal moved between instalments is invoiced or credited by the next one; then all is covered to the cent.
    with contextlib.suppress(NothingReceived):
        invoices.invoice(fresh(loan), **told)
    books = statements.of(fresh(loan), loan.starts_on, day, today=day).totals
    covered = InvoicedMovement.objects.aggregate(interest=Sum("interest"), fee=Sum("fee"), penalty=Sum("penalty"))
    assert covered == {part: getattr(books, part) for part in covered}


def test_a_fee_of_another_payee_has_an_invoice_of_its_own(desk):
    from credit.models import Product

    fees = [
        {"code": "service", "name": {"en": "Service", "zh-hans": "服务费"}, "method": "per_period", "amount": "3.00"},
        {
            "code": "guarantee", "name": {"en": "Guarantee", "zh-hans": "担保费"}, "method": "per_period", "amount": "7.00",
            "payee": {"en": "Guarantor Ltd", "zh-hans": "担保公司"},
        },
    ]  # fmt: skip
    product = Product.objects.get(pk=desk.product.pk)
    product.pk, product.code, product.fees, product.public_id = None, "third", fees, "F-THIRD77"
    product.save(force_insert=True)
    loan = desk.loan(product=product)
    due = loan.installments.get(seq=1)
    assert due.fee == D("10.00")
    desk.pay(loan, due.payment, date(2026, 4, 2))
    told = {
        "first": loan.starts_on,
        "last": date(2026, 4, 2),
        "purpose": "customer",
        "actor": desk.cast.loan_operations,
        "at": at(date(2026, 4, 2)),
    }
    made = {each.payee: each.amount for each in invoices.invoice(fresh(loan), **told)}
    assert made == {"": due.interest + D("3.00"), "担保公司 · Guarantor Ltd": D("7.00")}


def test_money_that_came_and_went_again_is_not_invoiced(desk):
    loan = desk.loan()
    paid = desk.pay(loan, "1100.16", date(2026, 4, 2))
    reversals.reverse(paid, reason="bounced", actor=desk.cast.loan_operations, at=at(date(2026, 4, 3)), key="r")
    told = {"purpose": "customer", "actor": desk.cast.loan_operations, "at": at(date(2026, 4, 3))}
    with pytest.raises(NothingReceived):
        invoices.invoice(fresh(loan), first=loan.starts_on, last=date(2026, 4, 2), **told)
    assert not InvoicedMovement.objects.exists() and Transaction.objects.filter(loan=loan, kind="reversal").exists()
    assert repayments.locked(loan.pk).status == "open"


def test_the_pages_show_it_and_the_paper_is_taken(desk):
    loan = desk.loan_now()
    client = Client()
    client.force_login(desk.cast.loan_officer)
    here = f"/loans/{loan.public_id}/"
    for path in (
        here,
        f"{here}statement/",
        f"{here}documents/",
        f"{here}instalments/1/",
        f"{here}instalments/12/",
        "/loan-documents/check/",
    ):
        assert client.get(path).status_code == 200, path
    assert client.get(f"{here}instalments/99/").status_code == 404
    assert client.get(f"{here}statement/?first=2020-01-02&last=2020-01-01").status_code == 422
    told = {"kind": "settlement", "purpose": "customer"}
    assert client.post(f"{here}documents/new/", told).status_code == 409
    answer = client.post(f"{here}documents/new/", told | {"kind": "statement", "form_key": "once"})
    made = LoanDocument.objects.get(loan=loan)
    assert answer.headers["Location"] == f"/loan-documents/{made.public_id}/"
    assert client.get(answer.headers["Location"]).status_code == 200
    papers = [client.get(f"/loan-documents/{made.public_id}/paper.pdf").content for _n in range(2)]
    assert papers[0].startswith(b"%PDF") and papers[0] == papers[1]
    assert Entry.objects.filter(event="credit.document.taken").count() == 2
    typed = {"serial": made.serial, "digits": made.document_hash[:12]}
    assert "it stands" in client.post("/loan-documents/check/", typed).content.decode()
    part = client.get(f"{here}repay/", {"amount": "100.00", "received_on": loan.starts_on.isoformat()}, headers={"HX-Request": "true"})
    assert part.status_code == 200
