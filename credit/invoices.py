"""Invoices of interest, fees and penalty that were actually received, and the credit notes that answer a reversal.

Each movement's part stands in one document for each payee, once: what was invoiced cannot be invoiced again, what is taken back of it is
credited. Interest and penalty are the lender's; of a fee each payee has the share the product's terms give it in that instalment.
"""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from credit import contract_terms, loan_documents, repayments, statements
from credit.books import value_day
from credit.cost import read_fees
from credit.models import InvoicedMovement, Loan, LoanDocument, Posting, Transaction
from crm.lib.errors import DomainError
from crm.lib.money import quantize, total
from governance.models import User

ZERO = Decimal("0.00")
PARTS = ("interest", "fee", "penalty")
Kind, Doc = Transaction.Kind, LoanDocument.Kind
# What interest becomes principal by, or is lost by, brings no money.
RECEIVED = (Kind.REPAYMENT, Kind.PREPAYMENT, Kind.CANCELLATION, Kind.RECOVERY, Kind.REALLOCATION)
Amounts = dict[str, Decimal]


class NothingReceived(DomainError):
    """Nothing was received in the period that is not invoiced already."""

    code = "nothing_received"


@transaction.atomic
def invoice(loan: Loan, *, first: date, last: date, purpose: str, actor: User, at: datetime) -> list[LoanDocument]:
    """Invoice what was received in a period and is in no document yet: one for each payee; where less than nothing is left, a credit note.

    :raises statements.NotAPeriod: if the period cannot be
    :raises NothingReceived: if there is nothing to invoice
    """
    loan = repayments.locked(loan.pk)
    statements.checked(loan, first, last, today=value_day(loan.legal_entity, at))
    rows = Transaction.objects.filter(loan=loan, value_on__gte=first, value_on__lte=last, invoiced__isnull=True)
    rows = rows.filter(Q(kind__in=RECEIVED) | Q(kind=Kind.REVERSAL, reverses__kind__in=RECEIVED))
    # Money that came and went again before anybody invoiced it was not received.
    answered = InvoicedMovement.objects.filter(transaction=OuterRef("reverses"))
    rows = rows.filter(reversal__isnull=True).filter(Q(reverses__isnull=True) | Exists(answered))
    made = _documents(loan, list(rows.order_by("pk")), first=first, last=last, purpose=purpose, actor=actor, at=at)
    if not made:
        raise NothingReceived(_("Between these days nothing was received on %(loan)s that is not invoiced already.") % {"loan": loan})
    return made


def credit(loan: Loan, movement: Transaction, made: Transaction, *, actor: User, at: datetime) -> list[LoanDocument]:
    """Answer the reversal `made` of an invoiced `movement` by credit notes. Called by the reversal, inside its transaction."""
    if not InvoicedMovement.objects.filter(transaction=movement).exists():
        return []
    return _documents(loan, [made], first=movement.value_on, last=made.value_on, purpose=LoanDocument.Purpose.BOOKS, actor=actor, at=at)


def _documents(
    loan: Loan, moves: list[Transaction], *, first: date, last: date, purpose: str, actor: User, at: datetime
) -> list[LoanDocument]:
    by_payee: dict[str, list[tuple[Transaction, Amounts]]] = defaultdict(list)
    for movement, payee, amounts in received(loan, moves):
        by_payee[payee].append((movement, amounts))
    made = []
    for payee in sorted(by_payee):
        lines = by_payee[payee]
        sums = {part: total([amounts[part] for _movement, amounts in lines]) for part in PARTS}
        amount = total(list(sums.values()))
        if not amount:
            continue
        sign = 1 if amount > 0 else -1
        taken_from = None if sign > 0 else _invoice_of(loan, payee, lines)
        document = {
            "format": statements.FORMAT,
            "loan": loan.public_id,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "payee": payee,
            "lines": [
                {"movement": movement.public_id, "value_on": movement.value_on.isoformat(), "kind": movement.kind}
                | {part: str(sign * amounts[part]) for part in PARTS}
                for movement, amounts in lines
            ],
            "totals": {part: str(sign * sums[part]) for part in PARTS} | {"total": str(abs(amount))},
            "credits": taken_from.serial if taken_from else "",
        }  # fmt: skip
        kind = Doc.INVOICE if sign > 0 else Doc.CREDIT_NOTE
        one = loan_documents.issue(
            loan, kind, document, first=first, last=last, payee=payee, amount=abs(amount), takes_from=taken_from, purpose=purpose, actor=actor, at=at
        )  # fmt: skip
        rows = [InvoicedMovement(document=one, transaction=movement, payee=payee, **amounts) for movement, amounts in lines]
        InvoicedMovement.objects.bulk_create(rows)
        made.append(one)
    return made


def _invoice_of(loan: Loan, payee: str, lines: list[tuple[Transaction, Amounts]]) -> LoanDocument | None:
    """Return the invoice that stands for what is taken back: that of the reversed movement, else the payee's last one."""
    invoices = LoanDocument.objects.filter(loan=loan, kind=Doc.INVOICE, payee=payee)
    reversed_ = [movement.reverses_id for movement, _amounts in lines if movement.reverses_id]
    return invoices.filter(movements__transaction__in=reversed_).first() or invoices.order_by("-pk").first()


def received(loan: Loan, moves: list[Transaction]) -> list[tuple[Transaction, str, Amounts]]:
    """Return what each movement brought of interest, fee and penalty, by payee ("" is the lender); below zero is what it took back."""
    found: dict[tuple[int, str], Amounts] = defaultdict(lambda: dict.fromkeys(PARTS, ZERO))
    shares = payees(loan)
    postings = Posting.objects.filter(transaction__in=moves, account__in=PARTS).order_by("pk")
    for movement, account, debit, seq, fee, passed in postings.values_list(
        "transaction_id", "account", "amount", "installment__seq", "installment__fee", "installment__fee_passed"
    ):
        amount = -debit
        if account == "fee" and seq is not None and fee:
            for payee, planned in shares(seq, passed).items():
                part = quantize(amount * min(planned / fee, Decimal(1)))
                found[movement, payee]["fee"] += part
                amount -= part
        found[movement, ""][account] += amount
    rows = {movement.pk: movement for movement in moves}
    return [(rows[pk], payee, amounts) for (pk, payee), amounts in sorted(found.items()) if any(amounts.values())]


def payees(loan: Loan) -> Any:
    """Return a function that gives what of an instalment's fee goes to whom but the lender: by the product's terms, and, what more of it
    is kept for others, to those of the late fee."""
    fees = [fee for fee in read_fees(loan.product.fees, {"en": "", "zh-hans": ""}) if fee.payee["en"]]
    late = [fee for fee in fees if fee.method == "late"]

    def of(seq: int, passed: Decimal) -> Amounts:
        sums: Amounts = defaultdict(lambda: ZERO)
        for fee in fees:
            if fee.method == "per_period" or (seq == 1 and fee.method in ("once", "up_front")):
                sums[contract_terms.payee(fee.payee)] += fee.charge(loan.principal)
        more = max(passed - total(list(sums.values())), ZERO)
        weights = [fee.charge(loan.principal) for fee in late]
        for fee, weight in zip(late, weights, strict=True):
            if more:
                sums[contract_terms.payee(fee.payee)] += quantize(more * weight / sum(weights))
        return sums

    return of
