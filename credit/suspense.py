"""Doors of money that arrived at the bank: booked by what its text names, else held until a person says whose it is."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit import four_eyes, repayments
from credit.books import value_day
from credit.effects import dues
from credit.models import BankFile, CustomerPayment, Installment, Loan, PayoffQuote, Receipt, SuspenseMove, Transaction, VirtualAccount
from credit.models.receipts import VIRTUAL_PREFIX
from crm.lib.errors import DomainError, Stale
from crm.lib.fields import ALPHABET, LENGTH
from crm.lib.money import total
from governance.lifecycle import move
from governance.models import LegalEntity, User
from ledger import log

Status, Match, Why = Receipt.Status, Receipt.Match, Receipt.Why
CODE = rf"([{ALPHABET}]{{{LENGTH}}})"
LOAN_NUMBER = re.compile(rf"(?<![A-Z0-9])L[-_ ]?{CODE}(?![A-Z0-9])")
QUOTE_NUMBER = re.compile(rf"(?<![A-Z0-9])Q[-_ ]?{CODE}(?![A-Z0-9])")
VIRTUAL_NUMBER = re.compile(rf"(?<!\d){VIRTUAL_PREFIX}\d{{12}}(?!\d)")
SHOWN = 8
NEAR = timedelta(days=45)  # an instalment paid long before or after its day is no likely candidate


class NothingProposed(DomainError):
    """There is nothing a second person could approve."""

    code = "nothing_proposed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A loan this money may be for, and why."""

    loan: Loan
    why: list[str]
    due: Decimal
    score: int
    others: int = 0  # open loans of the customer in all, where there are several


# --- in ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def take_in(
    *,
    legal_entity: LegalEntity,
    reference: str,
    received_on: date,
    amount: Decimal,
    actor: User,
    at: datetime,
    payer_name: str = "",
    payer_account: str = "",
    account: str = "",
    remittance: str = "",
    bank_file: BankFile | None = None,
) -> Receipt:
    """Take a receipt in and book it to the one loan its text or account names; otherwise it waits in suspense.

    The database refuses a second receipt of the same reference.
    """
    receipt = Receipt(
        legal_entity=legal_entity,
        bank_file=bank_file,
        reference=reference,
        received_on=received_on,
        amount=amount,
        payer_name=re.sub(r"\s+", " ", payer_name).strip()[:120] or None,
        payer_account=re.sub(r"[\s\-]", "", payer_account)[:40] or None,
        remittance=remittance.strip()[:500] or None,
        entered_at=at,
    )
    loan, match, why = find(legal_entity, account=account, text=remittance)
    receipt.why = why
    receipt.save(force_insert=True)
    log.record("credit.receipt.entered", receipt, actor=actor, at=at, amount=amount, received_on=received_on, why=str(why))
    if loan is not None:
        return _book(receipt, loan, match=match, actor=actor, at=at)
    suspend(receipt, receipt.amount, at=at)
    return receipt


def find(legal_entity: LegalEntity, *, account: str, text: str) -> tuple[Loan | None, str, str]:
    """Return the one open loan that account and text name and what named it, or why there is none.

    No rule looks at telephone numbers or names: what they find is a guess, and a guess is a person's to make.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    numbers = VIRTUAL_NUMBER.findall(re.sub(r"[\s\-]", "", account)) + VIRTUAL_NUMBER.findall(plain)
    quotes = [f"Q-{code}" for code in QUOTE_NUMBER.findall(plain)]
    codes = [f"L-{code}" for code in LOAN_NUMBER.findall(plain)]
    if not (numbers or quotes or codes):
        return None, "", Why.NOTHING_NAMED
    found: dict[int, tuple[Loan, str]] = {}
    ours = Loan.objects.filter(legal_entity=legal_entity)
    for loan in ours.filter(virtual_account__number__in=numbers) if numbers else []:
        found[loan.pk] = (loan, Match.VIRTUAL_ACCOUNT)
    for loan in ours.filter(payoff_quotes__public_id__in=quotes).distinct() if quotes else []:
        found[loan.pk] = (loan, Match.QUOTE_NUMBER)
    for loan in ours.filter(public_id__in=codes) if codes else []:
        found[loan.pk] = (loan, Match.LOAN_NUMBER)
    if not found:
        return None, "", Why.UNKNOWN_LOAN
    if len(found) > 1:
        return None, "", Why.SEVERAL
    loan, match = next(iter(found.values()))
    if loan.status != Loan.Status.OPEN:
        return None, "", Why.SOLD if loan.status == Loan.Status.SOLD else Why.SETTLED
    return loan, match, ""


# --- a person's work -----------------------------------------------------------------------------------------------
@transaction.atomic
def allocate(receipt: Receipt, loan: Loan, *, actor: User, at: datetime, version: int | None = None) -> Receipt:
    """Say that this money is for `loan`. Above the amount of the rule it waits for a second person, else it is booked.

    :raises LoanClosed: if the loan is settled
    :raises Stale: if it changed since `version`
    :raises IllegalMove: if it does not wait any more
    """
    row = locked(receipt, version)
    if loan.status != Loan.Status.OPEN:
        raise repayments.closed(loan)
    if four_eyes.needed(row.amount, on=value_day(row.legal_entity, at)):
        return _propose(row, loan, actor=actor, at=at)
    return _book(row, loan, match=Match.PERSON, actor=actor, at=at)


@transaction.atomic
def give_back(receipt: Receipt, *, actor: User, at: datetime, version: int | None = None) -> Receipt:
    """Say that this money goes back to who sent it. Above the amount of the rule it waits for a second person.

    :raises Stale: if it changed since `version`
    """
    row = locked(receipt, version)
    if four_eyes.needed(row.amount, on=value_day(row.legal_entity, at)):
        return _propose(row, None, actor=actor, at=at)
    return _return(row, actor=actor, at=at)


@transaction.atomic
def approve(receipt: Receipt, *, actor: User, at: datetime, version: int | None = None) -> Receipt:
    """Do what the first person proposed.

    :raises SamePerson: if `actor` proposed it
    :raises NothingProposed: if nobody proposed anything
    """
    row = locked(receipt, version)
    if row.status != Status.PROPOSED:
        raise NothingProposed(gettext_lazy("Nothing is proposed for %(record)s.") % {"record": row})
    four_eyes.check(row.proposed_by_id or 0, actor=actor)
    if row.proposed_customer is not None:
        from credit import receipt_spreads  # whose payments are taken back through here

        return receipt_spreads.book(row, row.proposed_customer, actor=actor, at=at)
    if row.proposed_loan is None:
        return _return(row, actor=actor, at=at)
    return _book(row, row.proposed_loan, match=Match.PERSON, actor=actor, at=at)


@transaction.atomic
def reject(receipt: Receipt, *, actor: User, at: datetime, version: int | None = None) -> Receipt:
    """Put what was proposed back among the unmatched; who proposed it may do so too."""
    row = locked(receipt, version)
    return move(
        row, Status.UNMATCHED, actor=actor, at=at, event="credit.receipt.rejected", proposed_loan=None, proposed_customer=None, proposed_by=None,
        proposed_at=None,
    )  # fmt: skip


def taken_back(movement: Transaction, *, stays: bool, actor: User, at: datetime) -> None:
    """Follow a reversal: money that `stays` at the bank waits for its loan again, the rest has gone back. Called by `reversals`."""
    row = Receipt.objects.select_for_update(of=("self",)).select_related("loan").filter(transaction=movement).first()
    if row is None:
        return
    loan = row.loan
    facts: dict[str, Any] = {"loan": loan.public_id if loan else "", "amount": row.amount}
    if not stays:
        move(row, Status.RETURNED, actor=actor, at=at, facts=facts, ended_at=at)
        return
    suspend(row, row.amount, at=at)
    move(row, Status.UNMATCHED, actor=actor, at=at, facts=facts, placed=Decimal("0.00"), **_again())


def spread_back(payment: CustomerPayment, *, stays: bool, actor: User, at: datetime) -> None:
    """Follow the reversal of a payment that a receipt became: as `taken_back`, for its part. Called by `customer_payments`."""
    if payment.receipt_id is None:
        return
    row = Receipt.objects.select_for_update(of=("self",)).get(pk=payment.receipt_id)
    facts: dict[str, Any] = {"payment": payment.public_id, "amount": payment.amount}
    if not stays:  # that part is gone for good; what waits of the rest goes on waiting
        others = row.spreads.filter(status=CustomerPayment.Status.RECORDED).exclude(pk=payment.pk)
        if row.status == Status.MATCHED and not others.exists():
            move(row, Status.RETURNED, actor=actor, at=at, facts=facts, ended_at=at)
        return
    suspend(row, payment.amount, at=at)
    placed = row.placed - payment.amount
    if row.status == Status.MATCHED:
        move(row, Status.UNMATCHED, actor=actor, at=at, facts=facts, placed=placed, **_again())
        return
    row.placed, row.version = placed, row.version + 1
    row.save(update_fields=["placed", "version"])
    log.record("credit.receipt.unmatched", row, actor=actor, at=at, **facts)


def _again() -> dict[str, Any]:
    """Return what a receipt that waits again has lost."""
    gone = dict.fromkeys(("transaction", "loan", "proposed_loan", "proposed_customer", "proposed_by", "decided_by", "ended_at"))
    return gone | {"match": "", "why": Why.REVERSED}


def candidates(receipt: Receipt, *, user: User, on: date) -> list[Candidate]:
    """Return open loans this money may be for, the likeliest first: the payer's own name, an instalment of just this amount, a quote.

    Names are compared by fingerprint; nothing is opened but what the masked list shows.
    """
    seen = Loan.objects.visible_to(user).open().filter(legal_entity=receipt.legal_entity_id)
    named = set(seen.filter(customer__name_key=receipt.payer_key).values_list("pk", flat=True)[:SHOWN]) if receipt.payer_key else set()
    unpaid = Installment.objects.exclude(status=Installment.Status.PAID).annotate(asked=F("principal") + F("interest") + F("fee"))
    near = (receipt.received_on - NEAR, receipt.received_on + NEAR)
    equal = unpaid.filter(asked=receipt.amount, due_on__range=near).values_list("loan_id", flat=True).order_by("due_on", "pk")
    amounts = set(equal[: SHOWN * 4])
    quoted = set(
        PayoffQuote.objects.filter(status=PayoffQuote.Status.ISSUED, total=receipt.amount, loan__in=seen).values_list("loan_id", flat=True)[
            :SHOWN
        ]
    )
    rows = list(seen.filter(pk__in=named | amounts | quoted).for_list().prefetch_related("installments"))
    several = seen.filter(customer__in={loan.customer_id for loan in rows}).order_by().values("customer").annotate(n=Count("pk"))
    counts = dict(several.filter(n__gt=1).values_list("customer", "n"))
    found = []
    for loan in rows:
        installments = sorted(loan.installments.all(), key=lambda each: each.seq)
        due = total([each.total for each in dues(loan, installments, on)])
        why: list[Any] = []
        score = 0
        if loan.pk in quoted:
            why, score = [*why, _("the sum of its payoff quote")], score + 4
        if loan.pk in named:
            why, score = [*why, _("the payer bears the customer's name")], score + 3
        if due == receipt.amount or loan.pk in amounts:
            why, score = [*why, _("just the amount that is due")], score + 2
        found.append(Candidate(loan, why, due, score, counts.get(loan.customer_id, 0)))
    return sorted(found, key=lambda each: (-each.score, each.loan.pk))[:SHOWN]


# --- one step ------------------------------------------------------------------------------------------------------
def _book(receipt: Receipt, loan: Loan, *, match: str, actor: User, at: datetime) -> Receipt:
    if receipt.placed and receipt.left:  # the rest of what was spread
        from credit import receipt_spreads  # whose payments are taken back through here

        return receipt_spreads.book(receipt, loan.customer, actor=actor, at=at, loan=loan)
    movement = repayments.receive(
        loan,
        amount=receipt.amount,
        actor=actor,
        at=at,
        key=f"bank:{receipt.public_id}:{receipt.version}",
        channel=Transaction.Channel.BANK_FILE,
        reference=receipt.reference[:60],
        received_on=max(receipt.received_on, loan.starts_on),  # what came before the money went out pays from its first day
    )
    by: dict[str, Any] = {"decided_by": actor} if match == Match.PERSON else {}
    if match == Match.PERSON:  # what a rule placed was never in suspense
        suspend(receipt, -receipt.amount, at=at, on=movement.value_on)
    facts = {"loan": loan.public_id, "amount": receipt.amount, "match": str(match)}
    return move(
        receipt, Status.MATCHED, actor=actor, at=at, facts=facts, loan=loan, transaction=movement, match=match, why="", ended_at=at,
        placed=receipt.amount, **by,
    )  # fmt: skip


def _propose(receipt: Receipt, loan: Loan | None, *, actor: User, at: datetime) -> Receipt:
    facts = {"loan": loan.public_id if loan else "", "amount": receipt.left}
    return move(receipt, Status.PROPOSED, actor=actor, at=at, facts=facts, proposed_loan=loan, proposed_by=actor, proposed_at=at)


def _return(receipt: Receipt, *, actor: User, at: datetime) -> Receipt:
    """:raises IllegalMove: if it does not wait any more"""
    left = receipt.left
    ended: dict[str, Any] = {"facts": {"amount": left}, "decided_by": actor, "ended_at": at, "placed": receipt.amount}
    kept = receipt.spreads.filter(status=CustomerPayment.Status.RECORDED).order_by("pk").first()
    if kept is None:
        row = move(receipt, Status.RETURNED, actor=actor, at=at, **ended)
    else:
        share = kept.shares.select_related("transaction__loan").order_by("place").first()
        ended |= {
            "event": "credit.receipt.rest_returned",
            "loan": share.transaction.loan if share else None,
            "match": Match.PERSON,
            "why": "",
        }
        row = move(receipt, Status.MATCHED, actor=actor, at=at, **ended)
    suspend(row, -left, at=at)
    return row


def suspend(receipt: Receipt, amount: Decimal, *, at: datetime, on: date | None = None) -> None:
    """Tell the general ledger what came into suspense, or left it; with what it left for, where that is entered on a later day."""
    SuspenseMove.objects.create(receipt=receipt, amount=amount, booked_on=on, at=at)


def locked(receipt: Receipt, version: int | None) -> Receipt:
    rows = Receipt.objects.select_for_update(of=("self",)).select_related("legal_entity", "proposed_loan", "proposed_customer", "loan")
    row = rows.get(pk=receipt.pk)
    if version is not None and row.version != version:
        raise Stale(gettext_lazy("%(record)s was changed meanwhile: look at it again.") % {"record": row})
    return row


def virtual_account(loan: Loan) -> VirtualAccount:
    """Return the number that stands for `loan`, given out on first use."""
    return VirtualAccount.objects.get_or_create(loan=loan)[0]
