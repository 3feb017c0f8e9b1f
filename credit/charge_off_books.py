"""Charge-offs of a version that posted nothing for them: posted once, on the open day, as the machine would have them stand now."""

from datetime import datetime

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from credit import loans, movements, repayments
from credit.books import money_day
from credit.models import Posting, Transaction
from crm.lib.errors import DomainError
from governance.models import User
from ledger import log

KEY = "charge_off:"


def missing() -> list[Transaction]:
    """Return the charge-offs that stand and have no postings, nor later ones in their stead."""
    key = Concat(Value(KEY), Cast(OuterRef("public_id"), CharField()))
    rows = Transaction.objects.filter(kind=Transaction.Kind.CHARGE_OFF, reversal__isnull=True).order_by("pk")
    posted = Posting.objects.filter(transaction=OuterRef("pk"))
    made_up = Transaction.objects.filter(loan=OuterRef("loan"), key=key)
    return list(rows.filter(~Exists(posted), ~Exists(made_up)).select_related("loan"))


def post_missing(*, actor: User, at: datetime) -> int:
    """Post what is missing, each loan for itself; return of how many. Repeated, it does nothing.

    A loan whose movements do not explain its state, or that nothing can count for, is left: the check of the books goes on listing it.
    """
    made = 0
    for movement in missing():
        try:
            made += _post(movement, actor=actor, at=at)
        except DomainError:
            continue
    return made


@transaction.atomic
def _post(movement: Transaction, *, actor: User, at: datetime) -> int:
    loan = repayments.locked(movement.loan_id)
    rows = loans.installments_locked(loan)
    state = movements.played(loan, movements.events(loan))
    movements.explained(loan, rows, state)
    on = money_day(loan.legal_entity, at)
    numbers = {row.seq: row.pk for row in rows}
    made = movements.post_difference(loan, movement, state, numbers, actor=actor, at=at, on=on, key=f"{KEY}{movement.public_id}")
    if made is None:
        return 0
    log.record(
        "credit.loan.charge_off_posted", loan, actor=actor, at=at, customer_id=loan.customer_id, of=movement.public_id,
        movement=made.public_id, amount=made.amount, value_on=on,
    )  # fmt: skip
    return 1
