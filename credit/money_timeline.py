"""What the back office's entries in the ledger say to people."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from credit.models import LoanDocument, Transaction
from credit.permissions import VIEW_APPLICATION, VIEW_LOAN
from credit.reversals import Reason
from credit.timeline import Say, day, money
from customers.timeline import sentence
from ledger.models import Entry


def of_loan(event: str, *, icon: str, tone: str = "neutral") -> Callable[[Say], Say]:
    return sentence(event, icon=icon, tone=tone, permission=VIEW_LOAN)


def of_offer(event: str, *, icon: str, tone: str = "neutral") -> Callable[[Say], Say]:
    return sentence(event, icon=icon, tone=tone, permission=VIEW_APPLICATION)


@of_loan("credit.repayment.reversed", icon="history", tone="caution")
def _reversed(entry: Entry) -> str:
    reason = dict(Reason.choices).get(entry.facts.get("reason", ""), "")
    return _("Repayment of %(amount)s for %(loan)s reversed: %(reason)s") % {
        "amount": money(entry, "amount"),
        "loan": entry.facts.get("loan", ""),
        "reason": reason,
    }


@of_loan("credit.loan.reopened", icon="history", tone="caution")
def _reopened(entry: Entry) -> str:
    return _("The settled loan was opened again by a reversal")


@of_loan("credit.loan.charge_off_posted", icon="loan", tone="info")
def _charge_off_posted(entry: Entry) -> str:
    return _("The charge-off of an earlier version was posted: %(amount)s") % {"amount": money(entry, "amount")}


@of_loan("credit.payoff.quoted", icon="loan", tone="info")
def _quoted(entry: Entry) -> str:
    values = {"total": money(entry, "total"), "day": day(entry, "settles_on"), "quote": entry.facts.get("quote", "")}
    return _("Payoff quote %(quote)s: %(total)s until %(day)s") % values


@of_loan("credit.payoff.taken", icon="eye")
def _quote_taken(entry: Entry) -> str:
    return _("Payoff quote %(quote)s downloaded") % {"quote": entry.facts.get("quote", "")}


@of_loan("credit.payoffquote.paid", icon="tone-good", tone="good")
def _quote_paid(entry: Entry) -> str:
    return _("Payoff quote of %(loan)s paid") % {"loan": entry.facts.get("loan", "")}


@of_loan("credit.refund.requested", icon="money")
def _refund_requested(entry: Entry) -> str:
    return _("Refund of %(amount)s asked for on %(loan)s") % _refund(entry)


@of_loan("credit.refund.approved", icon="money", tone="info")
def _refund_approved(entry: Entry) -> str:
    return _("Refund of %(amount)s on %(loan)s approved by a second person") % _refund(entry)


@of_loan("credit.refund.confirmed", icon="money", tone="good")
def _refund_confirmed(entry: Entry) -> str:
    return _("Refund of %(amount)s on %(loan)s paid back, receipt %(receipt)s") % _refund(entry)


@of_loan("credit.refund.declined", icon="money")
def _refund_declined(entry: Entry) -> str:
    return _("Refund of %(amount)s on %(loan)s declined") % _refund(entry)


@of_loan("credit.refund.failed", icon="money", tone="bad")
def _refund_failed(entry: Entry) -> str:
    return _("The bank refused the refund of %(amount)s on %(loan)s") % _refund(entry)


def _refund(entry: Entry) -> dict[str, str]:
    return {"amount": money(entry, "amount"), "loan": entry.facts.get("loan", ""), "receipt": entry.facts.get("receipt", "")}


@of_offer("credit.offer.replaced", icon="edit", tone="info")
def _replaced(entry: Entry) -> str:
    values = {"amount": money(entry, "amount"), "term": entry.facts.get("term", ""), "was": money(entry, "amount_was")}
    return _("Offer changed from %(was)s to %(amount)s over %(term)s months") % values


@of_offer("credit.offer.link_made", icon="link", tone="info")
def _link_made(entry: Entry) -> str:
    return _("Link to the offer sent, open until %(day)s") % {"day": day(entry, "expires_on")}


@of_offer("credit.contract.made", icon="documents")
def _contract_made(entry: Entry) -> str:
    return _("Contract set, fingerprint %(sha)s…") % {"sha": str(entry.facts.get("sha256", ""))[:12]}


@of_offer("credit.contract.draft_opened", icon="eye")
def _draft_opened(entry: Entry) -> str:
    return _("Draft of the contract read by the offer's link")


@of_offer("credit.contract.opened", icon="eye")
def _contract_opened(entry: Entry) -> str:
    return _("Contract downloaded")


def _moved(entry: Entry, words: str) -> str:
    return words % {"amount": money(entry, "amount"), "loan": entry.facts.get("loan", ""), "day": day(entry, "value_on")}


@of_loan("credit.movement.prepayment", icon="repayment", tone="good")
def _prepaid(entry: Entry) -> str:
    return _moved(entry, _("%(amount)s of %(loan)s prepaid"))


@of_loan("credit.movement.charge", icon="money")
def _charged(entry: Entry) -> str:
    return _moved(entry, _("Charge of %(amount)s put on %(loan)s"))


@of_loan("credit.movement.waiver", icon="money", tone="info")
def _waived(entry: Entry) -> str:
    return _moved(entry, _("%(amount)s waived on %(loan)s"))


@of_loan("credit.movement.reschedule", icon="history", tone="info")
def _rescheduled(entry: Entry) -> str:
    return _moved(entry, _("Schedule of %(loan)s changed from %(day)s"))


@of_loan("credit.movement.restructure", icon="history", tone="caution")
def _restructured(entry: Entry) -> str:
    return _moved(entry, _("%(loan)s restructured from %(day)s"))


@of_loan("credit.movement.acceleration", icon="loan", tone="bad")
def _accelerated(entry: Entry) -> str:
    return _moved(entry, _("The whole balance of %(loan)s is due since %(day)s"))


@of_loan("credit.movement.charge_off", icon="loan", tone="bad")
def _charged_off(entry: Entry) -> str:
    return _moved(entry, _("%(loan)s charged off on %(day)s"))


@of_loan("credit.movement.write_off", icon="loan", tone="bad")
def _loss(entry: Entry) -> str:
    return _moved(entry, _("%(amount)s of %(loan)s written off"))


@of_loan("credit.movement.recovery", icon="repayment", tone="good")
def _recovered(entry: Entry) -> str:
    return _moved(entry, _("%(amount)s recovered on %(loan)s after the write-off"))


@of_loan("credit.movement.cancellation", icon="loan", tone="caution")
def _cancelled(entry: Entry) -> str:
    return _moved(entry, _("%(loan)s cancelled in the cooling-off period"))


@of_loan("credit.movement.reversed", icon="history", tone="caution")
def _movement_reversed(entry: Entry) -> str:
    return _("%(kind)s on %(loan)s reversed") % {
        "kind": dict(Transaction.Kind.choices).get(entry.facts.get("kind", ""), ""),
        "loan": entry.facts.get("loan", ""),
    }


def _document(entry: Entry) -> str:
    return _("%(kind)s %(serial)s of %(loan)s made: %(purpose)s") % {
        "kind": dict(LoanDocument.Kind.choices).get(entry.event.rsplit(".", 1)[1], ""),
        "serial": entry.facts.get("serial", ""),
        "loan": entry.facts.get("loan", ""),
        "purpose": dict(LoanDocument.Purpose.choices).get(entry.facts.get("purpose", ""), ""),
    }


for _kind in LoanDocument.Kind.values:
    of_loan(f"credit.document.{_kind}", icon="documents")(_document)


@of_loan("credit.document.taken", icon="export")
def _document_taken(entry: Entry) -> str:
    return _("File of %(serial)s taken: %(purpose)s") % {
        "serial": entry.facts.get("serial", ""),
        "purpose": dict(LoanDocument.Purpose.choices).get(entry.facts.get("purpose", ""), ""),
    }


@of_loan("credit.loan.written_off", icon="loan", tone="bad")
def _written_off(entry: Entry) -> str:
    return _("The loan is written off")


@of_loan("credit.loan.cancelled", icon="loan", tone="caution")
def _loan_cancelled(entry: Entry) -> str:
    return _("The contract is cancelled")


@of_loan("credit.loan.sold", icon="loan", tone="caution")
def _loan_sold(entry: Entry) -> str:
    return _("The loan is sold")


@of_loan("credit.movement.relief", icon="history", tone="info")
def _relieved(entry: Entry) -> str:
    return _moved(entry, _("Hardship relief for %(loan)s from %(day)s"))


@of_loan("credit.movement.death", icon="person", tone="caution")
def _died(entry: Entry) -> str:
    return _moved(entry, _("Death of the customer recorded on %(loan)s: no penalty, no contact"))


@of_loan("credit.movement.sale", icon="money", tone="caution")
def _sold(entry: Entry) -> str:
    return _moved(entry, _("%(loan)s sold for %(amount)s"))


@of_loan("credit.customer_payment.recorded", icon="repayment", tone="good")
def _spread(entry: Entry) -> str:
    loans = entry.facts.get("loans", [])
    return _("%(amount)s received for several loans: %(loans)s") % {"amount": money(entry, "amount"), "loans": ", ".join(map(str, loans))}


@of_loan("credit.customer_payment.reversed", icon="history", tone="caution")
def _spread_back(entry: Entry) -> str:
    return _("A payment of %(amount)s for several loans is taken back") % {"amount": money(entry, "amount")}


@of_loan("credit.movement.draw", icon="money", tone="info")
def _drawn(entry: Entry) -> str:
    return _moved(entry, _("%(amount)s drawn from %(loan)s"))


@of_loan("credit.movement.limit", icon="loan", tone="info")
def _limit(entry: Entry) -> str:
    return _moved(entry, _("Limit of %(loan)s is now %(amount)s"))


@of_loan("credit.movement.freeze", icon="lock", tone="warn")
def _frozen(entry: Entry) -> str:
    if entry.facts.get("by") == "close":
        return _("%(loan)s frozen by the close of day, %(dpd)s days past due") % {
            "loan": entry.facts.get("loan", ""),
            "dpd": entry.facts.get("dpd", 0),
        }
    return _("%(loan)s frozen: nothing is drawn") % {"loan": entry.facts.get("loan", "")}


@of_loan("credit.movement.unfreeze", icon="lock", tone="good")
def _given_free(entry: Entry) -> str:
    return _("%(loan)s given free: it can be drawn from again") % {"loan": entry.facts.get("loan", "")}


@of_loan("credit.movement.closure", icon="tone-good", tone="good")
def _line_closed(entry: Entry) -> str:
    return _("%(loan)s closed with nothing owed") % {"loan": entry.facts.get("loan", "")}


@of_loan("credit.line.statement", icon="documents")
def _statement(entry: Entry) -> str:
    values = {"n": entry.facts.get("number", 0), "amount": money(entry, "minimum"), "day": day(entry, "due_on")}
    return _("Statement %(n)s: at least %(amount)s by %(day)s") % values


@of_loan("credit.movement.disbursement", icon="money", tone="info")
def _part_out(entry: Entry) -> str:
    return _moved(entry, _("Another %(amount)s of %(loan)s paid out"))
