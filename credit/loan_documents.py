"""Doors of a loan's documents: a statement, a settlement certificate 结清证明; and the check whether a paper is one of ours and stands."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from credit import cost, movements, repayments, statements
from credit.books import local_day, value_day
from credit.models import InvoicedMovement, Loan, LoanDocument, Posting
from crm.lib.errors import DomainError, Invalid
from crm.lib.templatetags.crm import grouped
from governance import papers_taken
from governance.models import LegalEntity, User
from ledger import log

ZERO = Decimal("0.00")
LOCK = 7311
PAPER = "credit.document."  # before the kind: a document's name among the files taken
HASH_SHOWN = 12  # so many digits of the hash stand on the paper and are typed to check it
Kind = LoanDocument.Kind
for _kind, _label in Kind.choices:
    papers_taken.PAPERS.register(f"{PAPER}{_kind}", papers_taken.Paper(_label, dict(LoanDocument.Purpose.choices)))


class NotSettled(DomainError):
    """The certificate says that nothing is owed: it is for a loan of which that is true."""

    code = "not_settled"


@transaction.atomic
def statement(loan: Loan, *, first: date, last: date, purpose: str, actor: User, at: datetime) -> LoanDocument:
    """Make the statement of a period as a document.

    :raises statements.NotAPeriod: if the period cannot be
    :raises Invalid: for a purpose that is none
    """
    made = statements.of(loan, first, last, today=value_day(loan.legal_entity, at))
    return issue(loan, Kind.STATEMENT, statements.to_json(made), last=last, first=first, purpose=purpose, actor=actor, at=at)


@transaction.atomic
def settlement(loan: Loan, *, purpose: str, actor: User, at: datetime) -> LoanDocument:
    """Certify that a loan is settled. The same again is the same certificate, as long as the loan was not opened in between.

    :raises NotSettled: if anything is owed or held, the loan is open, written off, or its movements say otherwise than its row
    """
    loan = repayments.locked(loan.pk)
    standing = loan.documents.filter(kind=Kind.SETTLEMENT).order_by("-pk").first()
    if standing is not None and stands(standing, loan):
        return standing
    return issue(loan, Kind.SETTLEMENT, _settled(loan), last=local_day(loan.legal_entity, at), purpose=purpose, actor=actor, at=at)


def _settled(loan: Loan) -> dict[str, Any]:
    """Return what a certificate says, read from the loan's movements and its postings, not from its row alone."""
    if loan.status == Loan.Status.OPEN:
        raise NotSettled(
            _("%(loan)s is open: %(left)s of its principal is outstanding.") % {"loan": loan, "left": grouped(loan.principal_outstanding)}
        )
    if loan.status == Loan.Status.WRITTEN_OFF:
        raise NotSettled(_("%(loan)s was written off: what was lost was not repaid, so no settlement is certified.") % {"loan": loan})
    if loan.overpayment:
        sentence = _("%(amount)s is held for the customer on %(loan)s: pay it back first.")
        raise NotSettled(sentence % {"amount": loan.overpayment, "loan": loan})
    state = movements.played(loan, movements.events(loan))
    posted = Posting.objects.filter(transaction__loan=loan, account=Posting.Account.PRINCIPAL).values_list("amount", flat=True)
    if state.balances.total or state.principal_outstanding or sum(posted, ZERO) or state.status not in ("settled", "cancelled"):
        raise NotSettled(_("The movements of %(loan)s do not say that nothing is owed: somebody has to look at it first.") % {"loan": loan})
    paid = {
        name: sum((getattr(row.paid, name) for row in state.installments), ZERO) for name in ("principal", "interest", "fee", "penalty")
    }
    paid["fee"] += sum((split.fee for split in state.splits.values()), ZERO)
    assert loan.settled_at is not None
    return {
        "format": statements.FORMAT,
        "loan": loan.public_id,
        "how": str(loan.status),
        "principal": str(state.disbursed if loan.revolving else loan.principal),
        "starts_on": loan.starts_on.isoformat(),
        "ended_on": (state.settled_on or local_day(loan.legal_entity, loan.settled_at)).isoformat(),
        "settled_at": loan.settled_at.isoformat(),
        "paid": {name: str(amount) for name, amount in paid.items()},
        "outstanding": "0.00",
    }


def issue(
    loan: Loan,
    kind: str,
    document: dict[str, Any],
    *,
    last: date,
    purpose: str,
    actor: User,
    at: datetime,
    first: date | None = None,
    payee: str = "",
    amount: Decimal | None = None,
    takes_from: LoanDocument | None = None,
) -> LoanDocument:
    """Store a document under the next serial of its kind and record its hash. Called inside a transaction.

    :raises Invalid: for a purpose that is none
    """
    if purpose not in LoanDocument.Purpose.values:
        raise Invalid(_("Choose what it is for."), fields={"purpose": _("Choose what it is for.")})
    entity = loan.legal_entity
    serial = _next(entity, kind, local_day(entity, at).year)
    document = document | {"kind": str(kind), "serial": serial, "issued_at": at.isoformat()}
    made = LoanDocument.objects.create(
        legal_entity=entity, kind=kind, serial=serial, loan=loan, first_on=first, last_on=last, payee=payee, amount=amount, credits=takes_from,
        document=document, document_hash=cost.fingerprint(document), purpose=purpose, issued_at=at, issued_by=actor,
    )  # fmt: skip
    facts: dict[str, Any] = {} if amount is None else {"amount": amount}
    log.record(
        f"credit.document.{kind}", loan, actor=actor, at=at, customer_id=loan.customer_id, loan=loan.public_id, document=made.public_id,
        serial=serial, document_hash=made.document_hash, purpose=str(purpose), **facts,
    )  # fmt: skip
    return made


def _next(entity: LegalEntity, kind: str, year: int) -> str:
    """Return the next serial: one after the other, whoever asks at the same time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, entity.pk])
    start = f"{LoanDocument.PREFIXES[Kind(kind)]}-{year}-"
    rows = LoanDocument.objects.filter(legal_entity=entity, serial__gte=start, serial__lte=start + "9" * 7)
    last = rows.order_by("-serial").values_list("serial", flat=True).first()
    return f"{start}{int(last.removeprefix(start)) + 1 if last else 1:07d}"


def unchanged(made: LoanDocument) -> bool:
    """Return whether the document is the one whose hash was recorded."""
    return cost.fingerprint(made.document) == made.document_hash


def stands(made: LoanDocument, loan: Loan) -> bool:
    """Return whether a settlement certificate still tells the truth: the loan ended then and was not opened again."""
    settled = loan.settled_at.isoformat() if loan.settled_at else ""
    return made.document.get("settled_at") == settled and not loan.overpayment


@transaction.atomic
def taken(made: LoanDocument, *, actor: User, at: datetime) -> None:
    """Record that the paper of a document was taken out of the house; it stands among the files taken."""
    papers_taken.took(f"{PAPER}{made.kind}", made.serial, purpose=made.purpose, actor=actor, at=at)
    log.record(
        "credit.document.taken", made.loan, actor=actor, at=at, customer_id=made.loan.customer_id, document=made.public_id,
        serial=made.serial, kind=made.kind, purpose=made.purpose,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of serial and hash found: `code` is unknown, wrong_hash, altered, withdrawn, credited or good."""

    code: str
    document: LoanDocument | None = None


def verify(entity: LegalEntity, serial: str, digits: str) -> Verdict:
    """Say whether a paper with that serial and those first digits of its hash is one of ours and still stands."""
    found = LoanDocument.objects.filter(legal_entity=entity, serial=serial.strip().upper()).select_related("loan", "issued_by").first()
    if found is None:
        return Verdict("unknown")
    typed = "".join(digits.lower().split()).removesuffix("…")
    if len(typed) < HASH_SHOWN or not found.document_hash.startswith(typed):
        return Verdict("wrong_hash")
    if not unchanged(found):
        return Verdict("altered", found)
    if found.kind == Kind.SETTLEMENT and not stands(found, found.loan):
        return Verdict("withdrawn", found)
    if found.kind == Kind.INVOICE and found.credit_notes.exists():
        return Verdict("credited", found)
    return Verdict("good", found)


__all__ = ["InvoicedMovement", "NotSettled", "Verdict", "issue", "settlement", "stands", "statement", "taken", "unchanged", "verify"]
