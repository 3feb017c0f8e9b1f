"""What happened to a loan, from its rows: transactions as the events the machine plays, and its refusals in words."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import events as happened
from credit.models import Loan, PayoffQuote, Transaction
from credit.terms import Refused, Terms

Kind = Transaction.Kind


def events(loan: Loan) -> list[happened.Event]:
    """Return what happened to `loan` and stands, in the order it was recorded: what was reversed never was."""
    return events_of([loan])[loan.pk]


def events_of(loans_: Iterable[Loan]) -> dict[int, list[happened.Event]]:
    """Return what happened to each of these loans and stands, by the loan's id; two statements for all."""
    found: dict[int, list[happened.Event]] = {loan.pk: [] for loan in loans_}
    rows = Transaction.objects.filter(loan__in=found, reversal__isnull=True).exclude(kind__in=[Kind.REVERSAL, Kind.REALLOCATION])
    quoted = dict(PayoffQuote.objects.filter(transaction__loan__in=found).values_list("transaction_id", "settles_on"))
    for row in rows.order_by("pk"):
        found[row.loan_id].append(event(row, settles_on=quoted.get(row.pk)))
    return found


def event(row: Transaction, *, settles_on: date | None = None) -> happened.Event:
    """Return a transaction as the machine plays it."""
    found = event_of(
        row.kind, key=row.public_id, on=row.value_on, seq=row.pk, amount=row.amount, details=row.details, settles_on=settles_on
    )
    return replace(found, stands=True) if isinstance(found, happened.Waive | happened.Charge | happened.Disburse) else found


def event_of(
    kind: str, *, key: str, on: date, seq: int, amount: Decimal, details: dict[str, Any], settles_on: date | None = None
) -> happened.Event:
    """Return the event that a transaction of `kind` with these `details` is.

    Details by kind: prepayment {keeps}; charge {part, due_on}; waiver {part, installment}; reschedule {more, due_day, next_due_on};
    restructure {terms, capitalises}; relief {until, installment, adds}; death {died_on}. Days are ISO text.

    :raises ValueError: for a kind that is none
    """
    at: dict[str, Any] = {"key": key, "on": on, "seq": seq}
    match kind:
        case Kind.DISBURSEMENT:
            return happened.Disburse(**at, amount=amount)
        case Kind.REPAYMENT:
            if settles_on is not None:
                return happened.PayOff(**at, amount=amount, settles_on=settles_on)
            return happened.Repay(**at, amount=amount)
        case Kind.REFUND:
            return happened.Refund(**at, amount=amount)
        case Kind.PREPAYMENT:
            return happened.Prepay(**at, amount=amount, keeps=details["keeps"])
        case Kind.CHARGE:
            return happened.Charge(**at, amount=amount, part=details["part"], due_on=date.fromisoformat(details["due_on"]))
        case Kind.WAIVER:
            return happened.Waive(**at, amount=amount, part=details["part"], installment=details.get("installment"))
        case Kind.RESCHEDULE:
            next_due = details.get("next_due_on")
            return happened.Reschedule(
                **at,
                more=details.get("more", 0),
                due_day=details.get("due_day"),
                next_due_on=date.fromisoformat(next_due) if next_due else None,
            )
        case Kind.RESTRUCTURE:
            return happened.Restructure(**at, terms=Terms.from_json(details["terms"]), capitalises=details["capitalises"])
        case Kind.ACCELERATION:
            return happened.Accelerate(**at)
        case Kind.CHARGE_OFF:
            return happened.ChargeOff(**at)
        case Kind.WRITE_OFF:
            return happened.WriteOff(**at)
        case Kind.RECOVERY:
            return happened.Recover(**at, amount=amount)
        case Kind.CANCELLATION:
            return happened.Cancel(**at, amount=amount)
        case Kind.RELIEF:
            until, least = date.fromisoformat(details["until"]), Decimal(details["installment"])
            return happened.Relieve(**at, until=until, installment=least, adds=details["adds"])
        case Kind.DEATH:
            return happened.Die(**at, died_on=date.fromisoformat(details["died_on"]))
        case Kind.SALE:
            return happened.Sell(**at, amount=amount)
        case Kind.DRAW:
            return happened.Disburse(**at, amount=amount)
        case Kind.LIMIT:
            return happened.SetLimit(**at, amount=amount)
        case Kind.FREEZE:
            return happened.Freeze(**at)
        case Kind.UNFREEZE:
            return happened.Thaw(**at)
        case Kind.CLOSURE:
            return happened.EndLine(**at)
    raise ValueError(f"a {kind} is not played")


def sentence(error: Refused) -> Any:
    """Return in the user's language why an event cannot be."""
    words = {
        "amount": _("Enter an amount above 0 in whole cents."),
        "written_off": _("The loan is written off: only a recovery can come."),
        "not_written_off": _("A recovery comes after a write-off; before it, money is a repayment."),
        "before_disbursement": _("The day lies before the money went out."),
        "waives_too_much": _("Less than that is owed: it cannot be waived."),
        "overpayment": _("Money of this repayment was paid back as a refund: it cannot be reversed any more."),
        "grace": _("There are more periods of grace than periods."),
        "periods": _("A schedule needs between 1 and 1200 periods."),
        "dates": _("These dates cannot be."),
        "nothing_to_reshape": _("Nothing of it is left to spread."),
        "cancel_amount": _("The contract is cancelled with the whole principal that is outstanding, no more and no less."),
        "sold": _("The loan is sold: what comes now is the buyer's."),
        "over_disbursed": _("More would go out than was approved."),
        "charged_off": _("The loan is charged off already."),
        "deceased": _("The customer died before that day: no penalty is put on any more."),
        "over_limit": _("More than the limit leaves cannot be drawn."),
        "frozen": _("The line is frozen: nothing is drawn."),
        "not_frozen": _("The line is not frozen."),
        "line_ended": _("The line has ended: nothing is drawn any more."),
        "still_owed": _("Something is still owed on the line, billed or not: a payoff ends it."),
        "not_of_a_line": _("This is not done to a revolving line."),
        "not_of_a_loan": _("This is done to revolving lines only."),
        "not_reversible": _("The loan's other movements do not allow it on that day."),
    }
    return words.get(error.code) or _("The loan's other movements do not allow it on that day.")
