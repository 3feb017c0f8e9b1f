"""Loans that did not go straight: prepaid in part, charged, waived, rescheduled, restructured, written off with a recovery, cancelled."""

import contextlib
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from credit import acts, invoices, loan_documents
from credit.acts import ACTS
from credit.models import Loan, Transaction
from governance import changes
from governance.models import ChangeRequest, LegalEntity, User

Kind = Transaction.Kind
D = Decimal


def fill(entity: LegalEntity, *, today: date, at: datetime) -> None:
    """Do each act once, and leave one write-off waiting for its second person."""
    operations, risk = (User.objects.select_related("role", "team").get(username=name) for name in ("operations", "risk"))
    open_loans = Loan.objects.open().filter(legal_entity=entity, refunds__isnull=True, payoff_quotes__isnull=True)
    good = list(open_loans.filter(dpd=0, starts_on__lt=today.replace(day=1)).order_by("-principal_outstanding", "pk")[:4])
    late = list(open_loans.filter(dpd__gt=90).order_by("-dpd", "pk")[:2])
    some = list(open_loans.filter(dpd__gt=30, dpd__lte=90).order_by("pk")[:2])
    fresh = list(open_loans.filter(starts_on=today).order_by("pk")[:1])
    told: list[tuple[Loan, str, dict[str, Any], str]] = []
    told += [(loan, Kind.PREPAYMENT, {"amount": D("2000.00"), "keeps": "term", "channel": "transfer"}, "agreed") for loan in good[:1]]
    told += [(loan, Kind.CHARGE, {"amount": D("30.00"), "charge_part": "fee", "due_on": None}, "contract") for loan in good[1:2]]
    told += [(loan, Kind.RESCHEDULE, {"more": 3}, "agreed") for loan in good[2:3]]
    told += [(loan, Kind.WAIVER, {"part": "penalty", "amount": D("1.00"), "installment": None}, "goodwill") for loan in some[:1]]
    terms = {"periods": 24, "annual_rate": D("0.12"), "capitalises": True}
    told += [(loan, Kind.RESTRUCTURE, terms, "hardship") for loan in some[1:2]]
    told += [(loan, Kind.WRITE_OFF, {}, "deceased") for loan in late[:1]]
    told += [(loan, Kind.CANCELLATION, {"channel": "transfer"}, "contract") for loan in fresh]
    for n, (loan, kind, data, why) in enumerate(told):
        _done(loan, kind, data, why, operations=operations, risk=risk, at=at, key=f"demo-act-{n}")
    if late:
        money = {"amount": D("150.00"), "channel": "transfer"}
        _done(late[0], Kind.RECOVERY, money, "legal", operations=operations, risk=risk, at=at, key="demo-act-recovery")
    _papers(entity, operations=operations, today=today, at=at)
    if len(late) > 1:
        acts.do(_fresh(late[1]), ACTS[Kind.WRITE_OFF], {}, on=None, why="legal", actor=operations, at=at, key="demo-act-waits")


def _papers(entity: LegalEntity, *, operations: User, today: date, at: datetime) -> None:
    """Give two loans their papers: a statement and an invoice of one that was paid on, the certificate of one that is settled."""
    told: dict[str, Any] = {"purpose": "customer", "actor": operations, "at": at}
    paid = Loan.objects.filter(legal_entity=entity, transactions__kind=Kind.REPAYMENT, transactions__reversal__isnull=True)
    for loan in paid.open().order_by("pk").distinct()[:1]:
        loan_documents.statement(_fresh(loan), first=loan.starts_on, last=today, **told)
        with contextlib.suppress(invoices.NothingReceived):
            invoices.invoice(_fresh(loan), first=loan.starts_on, last=today, **told)
    for loan in Loan.objects.filter(legal_entity=entity, status=Loan.Status.SETTLED, overpayment=0).order_by("pk")[:1]:
        loan_documents.settlement(_fresh(loan), **told)


def _done(loan: Loan, kind: str, data: dict[str, Any], why: str, *, operations: User, risk: User, at: datetime, key: str) -> None:
    done = acts.do(_fresh(loan), ACTS[kind], data, on=None, why=why, actor=operations, at=at, key=key)
    if isinstance(done, ChangeRequest) and not done.alone:
        changes.confirm(done, actor=risk, at=at)


def _fresh(loan: Loan) -> Loan:
    return Loan.objects.select_related("legal_entity", "product").get(pk=loan.pk)
