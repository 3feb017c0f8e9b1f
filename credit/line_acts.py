"""What is done to revolving lines only: draw, change the limit, freeze, give free, close. Used by `credit/acts.py`.

A draw is money that leaves: it counts for the open day, never for one that is closed, and the line's row is locked while its room is
looked at, so that draws at the same moment never pass the limit together.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import exposure, lines
from credit.models import Loan
from credit.revolving import LineState
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import quantize
from crm.lib.templatetags.crm import grouped
from governance.models import User

ZERO = Decimal("0.00")
Built = tuple[Decimal, dict[str, Any]]


class NotOfALine(DomainError):
    """The act is for loans with a schedule; a revolving line has none."""

    code = "not_of_a_line"


class OnlyOfALine(DomainError):
    """The act is for revolving lines; the loan is none."""

    code = "only_of_a_line"


class LineFrozen(DomainError):
    """Nothing is drawn from a frozen line."""

    code = "line_frozen"


class LineEnded(DomainError):
    """The line gives no more draws: its term is over."""

    code = "line_ended"


class LinePastDue(DomainError):
    """Nothing is drawn from a line that is past due or was charged off."""

    code = "line_past_due"


class OverLimit(Invalid):
    """The limit leaves less than is to be drawn."""

    code = "over_limit"


class BackDated(Invalid):
    """Money leaves on the day that is open."""

    code = "draw_back_dated"


class BelowDrawn(Invalid):
    """A limit is not lowered below what is drawn."""

    code = "limit_below_drawn"


def draw(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build a draw: money of what the limit leaves goes out.

    :raises LinePastDue: if the line is past due or charged off
    :raises LineEnded: if its term is over
    :raises LineFrozen: if it is frozen
    :raises BackDated: for a day that is closed
    :raises OverLimit: if the limit leaves less
    """
    if loan.dpd or loan.charged_off_on is not None:
        raise LinePastDue(_("%(loan)s is past due: nothing is drawn until what is overdue is paid.") % {"loan": loan})
    if on >= loan.matures_on:
        raise LineEnded(_("Draws were taken until %(day)s: the line has ended.") % {"day": loan.matures_on.isoformat()})
    if since := lines.frozen_on(loan):
        raise LineFrozen(_("%(loan)s is frozen since %(day)s: nothing is drawn.") % {"loan": loan, "day": since.isoformat()})
    _today(loan, on)
    amount = data["amount"]
    if not ZERO < amount <= loan.undrawn or amount != quantize(amount):
        sentence = _("Enter an amount above 0 and up to %(most)s, which the limit leaves.") % {"most": grouped(loan.undrawn)}
        raise OverLimit(sentence, fields={"amount": sentence})
    return amount, {}


def limit(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build another limit: a lower one holds at once, a higher one once a second person has confirmed it.

    :raises BelowDrawn: if more than that is drawn
    :raises LinePastDue: for a higher one, if the line is past due or charged off
    :raises OverExposure: if the person's cap leaves less
    """
    amount = data["amount"]
    _today(loan, on)
    sentence: Any
    if amount < loan.principal_outstanding:
        sentence = _("%(drawn)s is drawn: the limit cannot be lower.") % {"drawn": grouped(loan.principal_outstanding)}
        raise BelowDrawn(sentence, fields={"amount": sentence})
    if amount == loan.principal:
        sentence = _("This is the limit that stands.")
        raise Invalid(sentence, fields={"amount": sentence})
    if on >= loan.matures_on:
        raise LineEnded(_("Draws were taken until %(day)s: the line has ended.") % {"day": loan.matures_on.isoformat()})
    if amount > loan.principal and (loan.dpd or loan.charged_off_on is not None):
        raise LinePastDue(_("%(loan)s is past due: its limit is not raised.") % {"loan": loan})
    if amount > loan.product.amount_max:
        sentence = _("The product gives limits up to %(most)s.") % {"most": grouped(loan.product.amount_max)}
        raise Invalid(sentence, fields={"amount": sentence})
    room_for(loan, amount, on=on)
    return amount, {"was": str(loan.principal)}


def room_for(loan: Loan, amount: Decimal, *, on: date) -> None:
    """Refuse a limit for which the person's cap leaves no room; the person is locked by the caller.

    :raises OverExposure: if so
    """
    room = loan.principal + exposure.cap(on) - exposure.standing(loan.customer_id).lines
    if amount > max(room, loan.principal):
        sentence = _("The person's exposure cap leaves room for %(room)s only.") % {"room": grouped(max(room, ZERO))}
        raise exposure.OverExposure(sentence, fields={"amount": sentence}, room=str(room))


def raises_limit(loan: Loan, amount: Decimal, user: User) -> bool:
    """Return whether a limit is above the one that stands: a second person confirms it."""
    return amount > loan.principal


def freeze(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build a freeze, from the open day on.

    :raises LineFrozen: if it is frozen
    """
    _today(loan, on)
    if since := lines.frozen_on(loan):
        raise LineFrozen(_("%(loan)s is frozen since %(day)s already.") % {"loan": loan, "day": since.isoformat()})
    return ZERO, {}


def unfreeze(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the end of a freeze.

    :raises LinePastDue: if the line is past due or charged off
    """
    _today(loan, on)
    if loan.dpd or loan.charged_off_on is not None:
        raise LinePastDue(_("%(loan)s is past due: it stays frozen until what is overdue is paid.") % {"loan": loan})
    return ZERO, {}


def close(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the end of a line on which nothing is owed; the machine refuses another."""
    _today(loan, on)
    return ZERO, {}


def _today(loan: Loan, on: date) -> None:
    if on <= loan.closed_on:
        sentence = _("%(day)s is closed: this counts for the open day.") % {"day": on.isoformat()}
        raise BackDated(sentence, fields={"on": sentence})


def is_frozen(loan: Loan) -> bool:
    """Return whether nothing can be drawn from a line."""
    return loan.revolving and lines.frozen_on(loan) is not None


def told(before: LineState, after: LineState) -> dict[str, Any]:
    """Return what an event changes on a line beside what every loan has, and what a draw costs: shown before anybody confirms."""
    free = sum((row.unpaid for row in after.installments if row.kind == "rest"), ZERO)
    least = min(free, max(quantize(free * after.line.minimum_share), after.line.minimum_amount))
    return {
        "limit": (before.limit, after.limit),
        "available": (before.available, after.available),
        "frozen": bool(after.frozen_on) != bool(before.frozen_on),
        "is_frozen": after.frozen_on is not None,
        "day_cost": (before.day_of_interest(), after.day_of_interest()),
        "next_statement_on": after.next_statement_on,
        "next_minimum": least,
        "unbilled": (before.unbilled, after.unbilled),
        "drawn_more": after.principal_outstanding > before.principal_outstanding,
    }
