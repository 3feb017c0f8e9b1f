"""Doors of a payoff quote: what ends a loan on a day, said in writing and kept to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import contract_terms, movements, repayments
from credit.act_builds import NotForeseen
from credit.books import value_day
from credit.events import Event, PayOff
from credit.models import Loan, PayoffQuote, VirtualAccount
from credit.state import Split
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import total
from governance import papers_taken, rules
from governance.lifecycle import move
from governance.models import User
from ledger import log

LONGEST = "payoff.quote.days"
PAPER = "credit.payoff_quote"  # its name among the files taken
papers_taken.PAPERS.register(PAPER, papers_taken.Paper(_("Payoff quote"), {"customer": _("The customer's copy")}))


class NotADay(Invalid):
    """A loan is paid off today or within the days the rule allows."""

    code = "payoff_day"


class NothingOwed(DomainError):
    """Nothing is owed on the line: there is nothing to pay off."""

    code = "nothing_owed"


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends a loan on a day: the sums by part, the charge for paying early, and what is no longer owed because of it."""

    split: Split

    @property
    def total(self) -> Decimal:
        return self.split.amount

    @property
    def early_fee(self) -> Decimal:
        return self.split.fee

    @property
    def interest_waived(self) -> Decimal:
        return total([line.amount for line in self.split.waived if line.part == "interest"])

    @property
    def fee_waived(self) -> Decimal:
        return total([line.amount for line in self.split.waived if line.part == "fee"])

    def part(self, name: str) -> Decimal:
        """Return the sum of one part, without the charge for paying early."""
        return total([line.amount for line in self.split.lines if line.part == name])


def figures(loan: Loan, settles_on: date, moves: Sequence[Event] | None = None) -> Ending:
    """Return what ends `loan` on a day, without writing anything; `moves` are what happened to it, read here if they are not given."""
    moves = movements.events(loan) if moves is None else moves
    last = PayOff(key="new", on=settles_on, seq=max((each.seq for each in moves), default=0) + 1)
    return Ending(movements.played(loan, [*moves, last], as_of=settles_on).splits["new"])


def checked_day(loan: Loan, settles_on: date, *, at: datetime) -> None:
    """Refuse a day that is past or too far ahead.

    :raises NotADay: if so
    """
    today = value_day(loan.legal_entity, at)
    last = today + timedelta(days=int(rules.value(LONGEST, on=today)))
    if not today <= settles_on <= last:
        sentence = _("Choose a day from %(first)s to %(last)s.") % {"first": today.isoformat(), "last": last.isoformat()}
        raise NotADay(sentence, fields={"settles_on": sentence})


def not_open(loan: Loan) -> repayments.LoanClosed:
    """Return why there is nothing to pay off on a loan that is not open."""
    if loan.status == Loan.Status.SETTLED:
        return repayments.LoanClosed(_("%(loan)s is settled: there is nothing to pay off.") % {"loan": loan})
    values = {"loan": loan, "status": loan.get_status_display()}
    return repayments.LoanClosed(_("%(loan)s is “%(status)s”: there is nothing to pay off.") % values)


@transaction.atomic
def issue(loan: Loan, *, settles_on: date, actor: User, at: datetime) -> PayoffQuote:
    """Say what ends `loan` on `settles_on`. It holds until that day while no other money moves; a newer quote takes its place.

    The same day asked again, with nothing moved between, gives the quote that stands.

    :raises NotADay: if the day is past or too far ahead
    :raises LoanClosed: if the loan is settled
    :raises NotForeseen: if its product does not foresee it
    :raises NothingOwed: if nothing is drawn from a line and nothing billed
    """
    loan = repayments.locked(loan.pk)
    if loan.status != Loan.Status.OPEN:
        raise not_open(loan)
    if settles_on < loan.matures_on and contract_terms.said(loan.product, "prepayment") == "none":
        raise NotForeseen(
            _("The product does not foresee that the loan is paid off before %(day)s.") % {"day": loan.matures_on.isoformat()}
        )
    checked_day(loan, settles_on, at=at)
    ending = figures(loan, settles_on)
    if not ending.total:
        raise NothingOwed(_("Nothing is owed on %(loan)s: it can be closed.") % {"loan": loan})
    standing = PayoffQuote.objects.select_for_update().filter(loan=loan, status=PayoffQuote.Status.ISSUED).first()
    if standing is not None:
        same = (standing.settles_on, standing.loan_version, standing.total) == (settles_on, loan.version, ending.total)
        if same:
            return standing
        move(standing, PayoffQuote.Status.SUPERSEDED, actor=actor, at=at, facts={"loan": loan.public_id})
    quote = PayoffQuote.objects.create(
        loan=loan,
        settles_on=settles_on,
        principal=ending.part("principal"),
        interest=ending.part("interest"),
        fee=ending.part("fee"),
        penalty=ending.part("penalty"),
        early_fee=ending.early_fee,
        interest_waived=ending.interest_waived,
        fee_waived=ending.fee_waived,
        total=ending.total,
        loan_version=loan.version,
        issued_at=at,
        issued_by=actor,
    )
    VirtualAccount.objects.get_or_create(loan=loan)
    log.record(
        "credit.payoff.quoted",
        loan,
        actor=actor,
        at=at,
        quote=quote.public_id,
        total=quote.total,
        settles_on=settles_on,
        interest_waived=quote.interest_waived,
    )
    return quote


def holds(quote: PayoffQuote, *, at: datetime) -> bool:
    """Return whether paying `quote` now ends its loan."""
    loan = quote.loan
    return (
        quote.status == PayoffQuote.Status.ISSUED
        and loan.version == quote.loan_version
        and value_day(loan.legal_entity, at) <= quote.settles_on
    )


@transaction.atomic
def taken(quote: PayoffQuote, *, actor: User, at: datetime) -> None:
    """Record that the paper of a quote was taken out of the house; it stands among the files taken."""
    papers_taken.took(PAPER, quote.public_id, purpose="customer", actor=actor, at=at)
    log.record("credit.payoff.taken", quote.loan, actor=actor, at=at, customer_id=quote.loan.customer_id, quote=quote.public_id)
