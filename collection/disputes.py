"""Doors of disputes: open one, decide it, take it back. What is contested is not demanded until then.

A decision changes no money by itself: what proved wrong is put right through the doors of credit, by who may use them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from collection import cases, cash, contested, owed, permissions, promises
from collection.models import Case, Channel, Dispute
from credit import books, exposure
from credit.models import Loan, Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from crm.lib.templatetags.crm import grouped
from governance import rules
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")
LONGEST = 2_000
DAYS, BUREAU_DAYS = "collections.dispute.days", "collections.dispute.bureau_days"
Status = Dispute.Status
Kind = Dispute.Kind
# What is booked when such a dispute is put right. That the debtor pays on says nothing, but of a payment that had not been seen.
LESS = (
    Transaction.Kind.WAIVER,
    Transaction.Kind.REVERSAL,
    Transaction.Kind.REALLOCATION,
    Transaction.Kind.RELIEF,
    Transaction.Kind.WRITE_OFF,
)
CORRECTIONS: Mapping[str, tuple[str, ...]] = {Kind.AMOUNT: LESS, Kind.FEE: LESS, Kind.PAID: (*LESS, *cash.BRINGS)}


class AlreadyDisputed(DomainError):
    """One dispute about a loan runs at a time."""

    code = "already_disputed"


class MatterDecided(DomainError):
    """The matter is decided or withdrawn already."""

    code = "matter_decided"


def rule_of(kind: str) -> str:
    """Return the name of the rule that gives a dispute its deadline."""
    return BUREAU_DAYS if kind == Dispute.Kind.BUREAU else DAYS


class NotUpheld(DomainError):
    """Nothing of it was upheld, or it is put right already."""

    code = "nothing_to_put_right"


class NothingBooked(DomainError):
    """Nothing that puts it right was booked on the loan since the decision."""

    code = "nothing_booked"


def deadline(kind: str, *, on: date) -> date:
    """Return the last day for the answer to a dispute opened on a day.

    :raises NoRule: if no rule holds
    """
    return on + timedelta(days=int(rules.value(rule_of(kind), on=on)))


def most(loan: Loan, *, on: date) -> Decimal:
    """Return the most that can be contested of a loan: all that is left to pay on a day."""
    found = owed.of_loans([loan], on=on)
    return found[0].payoff if found else ZERO


@transaction.atomic
def raise_(
    case: Case, *, loan: Loan, kind: str, amount: Decimal, channel: str, owner: User, actor: User, at: datetime, statement: str = ""
) -> Dispute:
    """Open a dispute about a loan of the case; the contested amount leaves every demand at once, and a promise to pay it ends.

    :raises CaseClosed: if the case is closed
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises AlreadyDisputed: if a dispute about the loan is open
    :raises Invalid: with a sentence per wrong value
    """
    exposure.lock(case.customer_id)
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=case.pk)
    if row.status == Case.Status.CLOSED:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    contested.refuse_frozen(row, actor)
    today, statement = books.value_day(row.legal_entity, at), statement.strip()
    problems = matter_problems(row, channel=channel, owner=owner, statement=statement)
    if kind not in Dispute.Kind.values:
        problems["kind"] = _("Choose what is contested.")
    if not row.debts.filter(loan=loan).exists() or loan.status != Loan.Status.OPEN:
        problems["loan"] = _("Choose an open loan of this case.")
    elif not amount > ZERO or not is_cents(amount):
        problems["amount"] = _("Enter an amount above 0 in whole cents.")
    elif amount > (limit := most(loan, on=today)):
        problems["amount"] = _("All that is left to pay on this loan is %(amount)s: contest at most that.") % {"amount": grouped(limit)}
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    running = promises.judge_running(row, actor=actor, at=at, today=today)
    before = promises.could_be_asked(running, today=today) if running is not None else ZERO
    try:
        with transaction.atomic():
            made = Dispute.objects.create(
                case=row, loan=loan, kind=kind, amount=amount, channel=channel, owner=owner, opened_by=actor, opened_at=at, opened_on=today,
                due_on=deadline(kind, on=today), rule=rule_of(kind), statement=statement or None,
            )  # fmt: skip
    except IntegrityError as error:
        if "dispute_one_open_per_loan" not in str(error):
            raise
        raise AlreadyDisputed(_("A dispute about %(loan)s is open already.") % {"loan": loan.public_id}) from None
    log.record(
        "collections.dispute.opened", made, actor=actor, at=at, customer_id=row.customer_id, case=row.public_id, loan=loan.public_id,
        kind=kind, amount=amount, due_on=made.due_on,
    )  # fmt: skip
    if running is not None:
        promises.end_contested(running, before=before, today=today, actor=actor, at=at)
    return made


def matter_problems(case: Case, *, channel: str, owner: User, statement: str) -> dict[str, Any]:
    """Return a sentence per value of a matter that cannot be."""
    problems: dict[str, Any] = {}
    if channel not in Channel.values:
        problems["channel"] = _("Choose how the contact was made.")
    if not may_own(owner, case):
        problems["owner"] = _("%(name)s cannot answer for this matter: choose another.") % {"name": owner}
    if len(statement) > LONGEST:
        problems["statement"] = _("Write at most 2,000 characters.")
    return problems


def may_own(user: User, case: Case) -> bool:
    """Return whether `user` may decide matters of the case, and no complaint keeps them from it."""
    able = user.is_active and user.has_perm(permissions.DECIDE_MATTER)
    return able and Case.objects.visible_to(user).filter(pk=case.pk).exists() and not contested.is_frozen(case, user)


def owners(case: Case) -> QuerySet[User]:
    """Return who may answer for a matter of this case."""
    able = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permissions.DECIDE_MATTER])
    rows = [user.pk for user in able.select_related("role", "team").order_by("name") if may_own(user, case)]
    return able.filter(pk__in=rows).order_by("name")


@transaction.atomic
def decide(dispute: Dispute, *, outcome: str, upheld: Decimal | None = None, answer: str, actor: User, at: datetime) -> Dispute:
    """Decide a dispute; what was upheld of it is put right through the doors of credit, and not demanded until then; the rest is.

    :raises MatterDecided: if it is decided or withdrawn already
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises Invalid: with a sentence per wrong value
    """
    row = Dispute.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer").get(pk=dispute.pk)
    refuse_decided(row)
    contested.refuse_frozen(row.case, actor)
    answer, problems = answer.strip(), dict[str, Any]()
    if outcome not in (Status.UPHELD, Status.PARTLY, Status.REJECTED):
        problems["outcome"] = _("Choose how it was decided.")
    elif outcome == Status.PARTLY and (upheld is None or not is_cents(upheld) or not ZERO < upheld < row.amount):
        problems["upheld"] = _("Of %(amount)s, say how much proved not to be owed: more than nothing, less than all.") % {
            "amount": grouped(row.amount)
        }
    if not answer:
        problems["answer"] = _("Write what the customer is answered.")
    elif len(answer) > LONGEST:
        problems["answer"] = _("Write at most 2,000 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    sums = {Status.UPHELD: row.amount, Status.PARTLY: upheld, Status.REJECTED: ZERO}
    row.answer = answer
    row.save(update_fields=["answer"])
    return ended(row, Status(outcome), upheld_amount=sums[Status(outcome)], actor=actor, at=at)


@transaction.atomic
def put_right(dispute: Dispute, *, actor: User, at: datetime) -> Dispute:
    """Note that what was upheld is put right in the books: from now on the books alone say what is owed.

    :raises NotUpheld: if nothing of it was upheld, or that is noted already
    :raises NothingBooked: if it is about an amount, and nothing was booked on the loan since the decision
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    """
    row = Dispute.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "loan").get(pk=dispute.pk)
    contested.refuse_frozen(row.case, actor)
    if not row.is_to_put_right:
        raise NotUpheld(_("There is nothing to put right in %(matter)s.") % {"matter": row.public_id})
    kinds = CORRECTIONS.get(row.kind)
    booked = kinds is None or Transaction.objects.filter(loan=row.loan_id, kind__in=kinds, at__gte=row.decided_at).exists()
    if row.loan.status == Loan.Status.OPEN and not booked:
        raise NothingBooked(
            _("Nothing was booked on %(loan)s since the decision: put it right there first.") % {"loan": row.loan.public_id}
        )
    row.corrected_by, row.corrected_at = actor, at
    row.version += 1
    row.save(update_fields=["corrected_by", "corrected_at", "version"])
    log.record(
        "collections.dispute.put_right", row, actor=actor, at=at, customer_id=row.case.customer_id, case=row.case.public_id,
        amount=row.upheld_amount,
    )  # fmt: skip
    return row


@transaction.atomic
def withdraw(dispute: Dispute, *, words: str, actor: User, at: datetime) -> Dispute:
    """Take a dispute back for the customer, with what they said; the amount is demanded again.

    :raises MatterDecided: if it is decided or withdrawn already
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises Invalid: without the customer's words
    """
    row = Dispute.objects.select_for_update(of=("self",)).select_related("case__legal_entity").get(pk=dispute.pk)
    refuse_decided(row)
    contested.refuse_frozen(row.case, actor)
    words = words.strip()
    if not 1 <= len(words) <= LONGEST:
        sentence = _("Write what the customer said, at most 2,000 characters.")
        raise Invalid(sentence, fields={"words": sentence})
    row.answer = words
    row.save(update_fields=["answer"])
    return ended(row, Status.WITHDRAWN, upheld_amount=None, actor=actor, at=at)


def refuse_decided(row: Any) -> None:
    if not row.is_open:
        raise MatterDecided(_("%(matter)s is “%(status)s” already.") % {"matter": row.public_id, "status": row.get_status_display()})


def ended(row: Dispute, to: Status, *, upheld_amount: Decimal | None, actor: User, at: datetime) -> Dispute:
    facts = {
        "customer_id": row.case.customer_id, "case": row.case.public_id, "amount": row.amount, "upheld": upheld_amount,
    }  # fmt: skip
    return move(
        row, to, actor=actor, at=at, facts=facts, upheld_amount=upheld_amount, decided_by=actor, decided_at=at,
        decided_on=books.value_day(row.case.legal_entity, at),
    )  # fmt: skip
