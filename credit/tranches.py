"""Paying out in parts: how many the product foresees, what may still go out, and the first part at acceptance."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import contract_terms
from credit.models import Loan, Offer, Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from crm.lib.templatetags.crm import grouped

ZERO = Decimal("0.00")
Built = tuple[Decimal, dict[str, Any]]


class TrancheNotForeseen(DomainError):
    """The product pays out at once, or all its parts went out."""

    code = "tranche_not_foreseen"


class AboveApproved(Invalid):
    """Never more goes out than was approved."""

    code = "above_approved"


class PastDue(DomainError):
    """No more money goes to a loan that is past due or was charged off."""

    code = "tranche_past_due"


def first(offer: Offer, amount: Decimal | None) -> Decimal:
    """Return what goes out when `offer` is accepted: the whole amount, or the first part of it.

    :raises TrancheNotForeseen: if the product pays out at once
    :raises AboveApproved: if it is not above zero, in whole cents and within the amount
    """
    if amount is None or amount == offer.amount:
        return offer.amount
    if contract_terms.said(offer.application.product, "tranches") < 2:
        raise TrancheNotForeseen(_("The product is paid out at once."))
    return _within(amount, offer.amount, "first")


def more(loan: Loan) -> bool:
    """Return whether another part may go out on `loan`."""
    return bool(loan.undrawn) and loan.charged_off_on is None and out(loan) < contract_terms.said(loan.product, "tranches")


def out(loan: Loan) -> int:
    """Return how many parts went out."""
    return loan.transactions.filter(kind=Transaction.Kind.DISBURSEMENT, reversal__isnull=True).count()


def build(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the next part: what is not due yet is spread anew with it, the contract's end stays.

    :raises TrancheNotForeseen: if no part is left
    :raises PastDue: if the loan is past due or charged off
    :raises AboveApproved: if more would go out than was approved
    """
    if not more(loan):
        raise TrancheNotForeseen(_("Nothing more is paid out on %(loan)s: all its parts went out.") % {"loan": loan})
    if loan.dpd:
        raise PastDue(_("%(loan)s is past due: nothing more is paid out on it.") % {"loan": loan})
    return _within(data["amount"], loan.undrawn, "amount"), {}


def _within(amount: Decimal, most: Decimal, field: str) -> Decimal:
    if not ZERO < amount <= most or not is_cents(amount):
        sentence = _("Enter an amount above 0 and up to %(most)s, which is approved and not paid out.") % {"most": grouped(most)}
        raise AboveApproved(sentence, fields={field: sentence})
    return amount
