"""Loans that did not go straight: prepaid, charged, waived, rescheduled, restructured, relieved, charged off, sold, written off, cancelled."""

import contextlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef
from django.utils.timezone import now

from credit import acts, applications, customer_payments, invoices, loan_documents, offers, receipt_spreads, repayments, suspense
from credit.acts import ACTS
from credit.models import Application, Installment, Loan, Offer, Transaction
from crm.demo import products
from customers.models import Customer
from governance import changes
from governance.models import ChangeRequest, LegalEntity, User
from ledger import deliveries as outbox

Kind = Transaction.Kind
D = Decimal
TRIED = 4  # customers who are asked whether the engine lends them a second loan


def fill(entity: LegalEntity, *, today: date, at: datetime) -> None:
    """Do each act once, and leave one write-off waiting for its second person."""
    operations, risk = (User.objects.select_related("role", "team").get(username=name) for name in ("operations", "risk"))
    open_loans = Loan.objects.open().filter(legal_entity=entity, revolving=False, refunds__isnull=True, payoff_quotes__isnull=True)
    open_loans = open_loans.exclude(product__code__in=products.CODES)  # these keep to what their own terms foresee
    good = list(open_loans.filter(dpd=0, starts_on__lt=today.replace(day=1)).order_by("-principal_outstanding", "pk")[:4])
    late = list(open_loans.filter(dpd__gt=90).order_by("-dpd", "pk")[:2])
    # instalments of interest alone are late without any penalty: there is nothing to waive on them
    fined = Installment.objects.filter(loan=OuterRef("pk"), penalty__gt=F("penalty_paid") + 1)
    some = list(open_loans.filter(Exists(fined), dpd__gt=30, dpd__lte=90).order_by("pk")[:2])
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
    weak = list(open_loans.filter(dpd__gt=0, dpd__lte=30).exclude(pk__in=[loan.pk for loan, *_rest in told]).order_by("pk")[:2])
    relief = {"until": today + timedelta(days=62), "pays": D("50.00"), "adds": True, "evidence": "job"}
    told += [(loan, Kind.RELIEF, relief, "hardship") for loan in weak[:1]]
    death = {"died_on": today - timedelta(days=3), "insurance": "claimed"}
    told += [(loan, Kind.DEATH, death, "deceased") for loan in weak[1:2]]
    lost = list(open_loans.filter(dpd__gt=60).exclude(pk__in=[loan.pk for loan in late + some]).order_by("-dpd", "pk")[:3])
    told += [(loan, Kind.CHARGE_OFF, {}, "legal") for loan in lost[:1]]
    told += [(loan, Kind.REPAYMENT, {"amount": D("200.00")}, "") for loan in lost[:1]]
    sold = {"amount": D("900.00"), "buyer": "Hedong Asset Management Ltd", "reference": "S-2026-001"}
    told += [(loan, Kind.SALE, sold, "contract") for loan in lost[1:2]]
    for n, (loan, kind, data, why) in enumerate(told):
        _done(loan, kind, data, why, operations=operations, risk=risk, at=at, key=f"demo-act-{n}")
    if late:
        money = {"amount": D("150.00"), "channel": "transfer"}
        _done(late[0], Kind.RECOVERY, money, "legal", operations=operations, risk=risk, at=at, key="demo-act-recovery")
    _papers(entity, operations=operations, today=today, at=at)
    _several(entity, operations, at=at)
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
    if kind == Kind.REPAYMENT:
        repayments.receive(_fresh(loan), amount=data["amount"], actor=operations, at=at, key=key, channel=Transaction.Channel.CASH)
        return
    done = acts.do(_fresh(loan), ACTS[kind], data, on=None, why=why, actor=operations, at=at, key=key)
    if isinstance(done, ChangeRequest) and not done.alone:
        changes.confirm(done, actor=risk, at=at)


def _several(entity: LegalEntity, operations: User, *, at: datetime) -> None:
    """Let one customer have a second loan, and pay for both at once."""
    customer = _with_two(entity, at=at)
    if customer is not None:
        owed = [loan.installments.filter(paid_on__isnull=True).order_by("seq").first() for loan in open_loans_of(customer)]
        amount = sum((row.owed for row in owed if row is not None), D("0.00")) or D("1800.00")
        customer_payments.receive(
            customer, amount=amount, actor=operations, at=at, key="demo-several", channel=Transaction.Channel.TRANSFER,
            reference="T-20611",
        )  # fmt: skip
        _transferred(entity, customer, operations, at=at)


def _transferred(entity: LegalEntity, customer: Customer, operations: User, *, at: datetime) -> None:
    """Let money for both loans arrive at the bank, name neither, and be spread; what nothing asks for yet waits."""
    receipt = suspense.take_in(
        legal_entity=entity, reference="BK-SEVERAL-1", received_on=at.date(), amount=D("4200.00"), payer_name=customer.name,
        remittance="两笔贷款一起还", actor=operations, at=at,
    )  # fmt: skip
    with contextlib.suppress(customer_payments.NothingToPay):
        receipt_spreads.spread(receipt, customer, actor=operations, at=at)


def open_loans_of(customer: Customer) -> list[Loan]:
    return list(Loan.objects.open().filter(customer=customer).order_by("pk"))


def _with_two(entity: LegalEntity, *, at: datetime) -> Customer | None:
    """Return a customer with two open loans; where nobody has two, the first good payer whom the engine lends once more."""
    open_loans = Loan.objects.open().filter(legal_entity=entity, revolving=False, refunds__isnull=True, payoff_quotes__isnull=True)
    customers = Customer.objects.select_related("legal_entity", "owner")
    twice = open_loans.values("customer").annotate(number=Count("pk")).filter(number__gt=1).order_by("customer").first()
    if twice is not None:
        return customers.get(pk=twice["customer"])
    good = open_loans.filter(dpd=0, customer__owner__isnull=False, application__decision__isnull=False)
    good = good.exclude(customer__in=Application.objects.open().values("customer"))
    for loan in good.select_related("application__product").order_by("-pk")[:TRIED]:
        before, customer = loan.application, customers.get(pk=loan.customer_id)
        officer = customer.owner
        assert officer is not None
        told: dict[str, Any] = {"actor": officer, "at": at}
        made = applications.create(
            customer=customer, product=before.product, amount=D("3000.00"), term=6, purpose=before.purpose, stated=before.stated, **told
        )
        applications.submit(made, **told)
        for _round in range(3):  # evaluated, concluded, offered: each step tells the next
            outbox.run_all(at=now())
        offer = Offer.objects.filter(application=made, status=Offer.Status.MADE).first()
        if offer is not None:
            offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=31, **told)
            offers.accept(offer, key="demo-second", **told)
            return customer
    return None


def _fresh(loan: Loan) -> Loan:
    return Loan.objects.select_related("legal_entity", "product").get(pk=loan.pk)
