"""What moves a loan, stored: its transactions are played by `credit/machine.py`, and what comes out is written down and posted.

A loan's state is a function of its terms and its transactions. Every door of money adds one transaction, plays all of them anew and
writes the instalments, the balances and the postings that come out; nothing that was posted is edited. Where an event counts for a day
before others, or takes one back, what came later may fall out differently: the difference is posted as a reallocation.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from credit import accrual, contract_terms, lateness, lines, loans, passed_on, ranges
from credit import events as happened
from credit.business_days import closed
from credit.event_rows import event, event_of, events, events_of, sentence
from credit.lateness import bucket_event
from credit.loans import Entry
from credit.machine import Watch, play
from credit.models import Installment, Loan, Posting, Transaction
from credit.revolving import LineState
from credit.state import Installment as Played
from credit.state import Split, State
from credit.terms import Refused
from crm.lib.errors import DomainError, Invalid
from governance.lifecycle import move
from governance.models import User
from ledger import log

__all__ = [
    "CannotBe", "NotExplained", "Preview", "balance", "entries", "event", "event_of", "events", "events_of", "fill", "forgiven_after", "held", "keep",
    "numbered", "played", "preview", "preview_without", "record", "sentence", "status_of", "stood", "store", "take_back",
]  # fmt: skip

ZERO = Decimal("0.00")
Kind, Account = Transaction.Kind, Posting.Account
STATUS = {
    "planned": Loan.Status.OPEN,
    "open": Loan.Status.OPEN,
    "settled": Loan.Status.SETTLED,
    "written_off": Loan.Status.WRITTEN_OFF,
    "cancelled": Loan.Status.CANCELLED,
    "sold": Loan.Status.SOLD,
}
SAVED = [
    "principal", "principal_outstanding", "overpayment", "capitalised", "dpd", "treatment_dpd", "bucket", "oldest_due_on", "closed_on", "charged_off_on", "matures_on",
    "penalty_rate", "undrawn",
    "late_fee", "late_fee_rate", "late_fee_passed", "late_rate_passed",
]  # fmt: skip
WRITTEN = (
    "from_on", "due_on", "status", "principal", "interest", "fee", "penalty", "principal_paid", "interest_paid", "fee_paid", "penalty_paid",
    "interest_waived", "fee_waived", "penalty_base", "penalty_since", "paid_on", "late_charged", "interest_held",
    "fee_passed",
)  # fmt: skip


class NotExplained(DomainError):
    """The loan's movements do not explain its state: it is not played on, somebody has to look at it first."""

    code = "not_explained"


class CannotBe(Invalid):
    """The event cannot be, on this loan and this day."""

    code = "loan_event"


@dataclass(frozen=True, slots=True)
class Preview:
    """A loan before and after an event that is not stored yet."""

    before: State
    after: State
    event: happened.Event | None


# --- played --------------------------------------------------------------------------------------------------------
def played(loan: Loan, moves: Iterable[happened.Event], *, as_of: date | None = None, watch: Watch | None = None) -> State:
    """Return `loan` after `moves`, as of a day: the last one closed when none is given.

    :raises CannotBe: for a history that cannot be
    """
    terms = contract_terms.of(loan)
    try:
        return play(terms, moves, as_of or loan.closed_on, holidays=closed(terms), watch=watch)
    except Refused as error:
        raise CannotBe(sentence(error), cause=error.code) from None


# --- what would happen ---------------------------------------------------------------------------------------------
def preview(
    loan: Loan, *, kind: str, amount: Decimal, on: date, details: dict[str, Any], settles_on: date | None = None, as_of: date | None = None
) -> Preview:
    """Return what an event would do; nothing is stored.

    :raises CannotBe: if it cannot be
    """
    moves = events(loan)
    new = event_of(kind, key="new", on=on, seq=_after_all(moves), amount=amount, details=details, settles_on=settles_on)
    return Preview(played(loan, moves, as_of=as_of), played(loan, [*moves, new], as_of=as_of), new)


def preview_without(loan: Loan, movement: Transaction) -> Preview:
    """Return what taking `movement` back would do; nothing is stored.

    :raises CannotBe: if what came later cannot be without it
    """
    moves = events(loan)
    forgiven = forgiven_after(loan, movement)
    without = [*moves, _undone(forgiven, moves, key="forgiven")] if forgiven is not None else moves
    return Preview(played(loan, moves), played(loan, [*without, _undone(movement, without)]), None)


def forgiven_after(loan: Loan, movement: Transaction) -> Transaction | None:
    """Return the write-off that stands and was agreed for money that came before it, `movement` being such money; it lasts as long as that."""
    if movement.kind not in (Kind.REPAYMENT, Kind.PREPAYMENT):
        return None
    rows = loan.transactions.filter(kind=Kind.WRITE_OFF, pk__gt=movement.pk, reversal__isnull=True, details__why="agreed")
    return rows.first()


def _undone(movement: Transaction, moves: Sequence[happened.Event], *, key: str = "new") -> happened.Reverse:
    """Return the reversal of `movement` after `moves`; the machine says whether what came later allows it."""
    return happened.Reverse(key=key, on=max(move.on for move in moves), seq=_after_all(moves), of=movement.public_id)


def _after_all(moves: Sequence[happened.Event]) -> int:
    return max((move.seq for move in moves), default=0) + 1


# --- what happens --------------------------------------------------------------------------------------------------
def record(
    loan: Loan,
    *,
    kind: str,
    amount: Decimal,
    on: date,
    actor: User,
    at: datetime,
    key: str,
    details: dict[str, Any] | None = None,
    channel: str = "",
    reference: str = "",
    settles_on: date | None = None,
) -> tuple[Transaction, Preview]:
    """Add a transaction to a locked `loan` and write what comes out; return it with the loan before and after.

    The loan itself is changed in memory and not saved: the door that calls saves it with `keep`.

    :raises NotExplained: if what is stored is not what the loan's movements make of it
    :raises CannotBe: if the event cannot be
    """
    rows = loans.installments_locked(loan)
    moves = events(loan)
    before = played(loan, moves)
    explained(loan, rows, before)
    new = event_of(kind, key="new", on=on, seq=_after_all(moves), amount=amount, details=details or {}, settles_on=settles_on)
    after = played(loan, [*moves, new])
    split = after.splits["new"]
    movement = Transaction.objects.create(
        loan=loan, kind=kind, amount=moved(kind, amount, split), value_on=on, at=at, actor=actor, key=key, channel=channel,
        reference=reference, details=details or {},
    )  # fmt: skip
    numbers = store(loan, rows, after, on=on)
    own = entries(split)
    loans.post(movement, numbered(own, numbers))
    if before.splits != {name: each for name, each in after.splits.items() if name != "new"}:
        post_difference(loan, movement, after, numbers, actor=actor, at=at, on=on)
    return movement, Preview(before, after, new)


def moved(kind: str, amount: Decimal, split: Split) -> Decimal:
    """Return the amount a transaction carries: the money that moved, or what was given up or added."""
    if kind == Kind.WRITE_OFF:
        return sum((line.amount for line in split.written_off), ZERO)
    if kind == Kind.RESTRUCTURE:
        return sum((line.amount for line in split.capitalised), ZERO)
    if kind == Kind.CHARGE_OFF:
        return split.principal_after
    return amount


def take_back(loan: Loan, movement: Transaction, *, on: date, actor: User, at: datetime, key: str) -> tuple[Transaction, Preview]:
    """Answer `movement` by its mirror image, and bring the locked `loan` to where it would stand without it; as `record` else."""
    rows = loans.installments_locked(loan)
    moves = events(loan)
    before = played(loan, moves)
    explained(loan, rows, before)
    moves = [*moves, _undone(movement, moves)]
    after = played(loan, moves)
    if loan.status != Loan.Status.OPEN and after.status == "open":
        # No close looked at it since it ended; had it stayed open, the last one had.
        loan.closed_on = max(loan.closed_on, loan.legal_entity.business_date - timedelta(days=1))
        after = played(loan, moves)
    made = Transaction.objects.create(
        loan=loan, kind=Kind.REVERSAL, amount=movement.amount, value_on=on, at=at, actor=actor, key=key, reverses=movement
    )
    loans.post(made, [(row.account, -row.amount, row.installment_id) for row in movement.postings.order_by("pk")])
    numbers = store(loan, rows, after, on=on)
    post_difference(loan, made, after, numbers, actor=actor, at=at, on=on)
    return made, Preview(before, after, None)


def keep(loan: Loan, state: State, *, actor: User, at: datetime) -> None:
    """Save a loan that `record` or `take_back` changed: its balances, where it stands now, and word of a changed bucket."""
    was = Loan.objects.values_list("bucket", flat=True).get(pk=loan.pk)
    fields = {name: getattr(loan, name) for name in SAVED}
    status = STATUS[state.status]
    if status == loan.status:
        loan.version += 1
        loan.save(update_fields=[*SAVED, "version"])
    elif status == Loan.Status.OPEN:
        loan.ecl = ZERO  # it left the allowance when it ended; the next close judges it anew
        move(loan, status, actor=actor, at=at, event="credit.loan.reopened", settled_at=None, ecl=ZERO, **fields)
    else:
        ranges.leave(loan)
        move(loan, status, actor=actor, at=at, settled_at=at, delinquency_range="", **fields)
    if loan.bucket != was:
        log.record(
            bucket_event(was, loan.bucket), loan, actor=actor, at=at, was=was, bucket=loan.bucket, dpd=loan.dpd, as_of=loan.closed_on
        )


def explained(loan: Loan, rows: Sequence[Installment], state: State) -> None:
    """Refuse to play on from a state that the loan's movements do not explain.

    :raises NotExplained: if so
    """
    stored = {row.seq: (row.fee_paid, row.penalty_paid, row.interest_paid, row.principal_paid) for row in rows}
    paid = {row.seq: (row.paid.fee, row.paid.penalty, row.paid.interest, row.paid.principal) for row in state.installments}
    left_over = [each for seq, each in stored.items() if seq not in paid and any(each)]
    # A statement that a refund of a later day made due in the play is stored by the close, or with the next movement.
    to_come = (ZERO,) * 4 if loan.revolving else None
    if left_over or any(stored.get(seq, to_come) != each for seq, each in paid.items()) or loan.overpayment != state.overpayment:
        raise NotExplained(_("The movements of %(loan)s do not explain its state; it cannot be replayed.") % {"loan": loan})


def entries(split: Split) -> list[Entry]:
    """Return what an event posts, instalments by their number: debit above zero.

    A loan that is charged off goes on being owed: its parts are posted as ever, and taken back at once where they would stand on the
    balance sheet, the principal by what was charged off. What comes in is income of a recovery.
    """
    found: list[Entry] = []
    match split.event:
        case happened.Disburse():
            found += [(Account.PRINCIPAL, split.amount, None), (Account.CASH, -split.amount, None)]
        case happened.Refund():
            found += [(Account.OVERPAYMENT, split.amount, None), (Account.CASH, -split.amount, None)]
        case happened.Recover():
            found += [(Account.CASH, split.amount, None), (Account.RECOVERY, -split.recovered, None)]
        case happened.Repay() | happened.Prepay() | happened.PayOff() | happened.Cancel():
            found += [(Account.CASH, split.amount, None), *((line.part, -line.amount, line.installment) for line in split.lines)]
            if split.off_books:
                taken = sum((line.amount for line in split.lines), split.fee)
                found += [*((_aside(line.part), line.amount, None) for line in split.lines), (Account.RECOVERY, -taken, None)]
            else:
                found.append((Account.FEE, -split.fee, None))
            found.append((Account.OVERPAYMENT, -split.overpayment, None))
        case happened.ChargeOff():
            found += [(Account.LOSS, split.principal_after, None), (Account.CHARGED_OFF, -split.principal_after, None)]
        case happened.Sell():
            left = ZERO if split.off_books else sum((line.amount for line in split.written_off if line.part == "principal"), ZERO)
            found += [(Account.CASH, split.amount, None), (Account.SALE_RESULT, left - split.amount, None)]
    lost = [line for line in split.written_off if line.part == "principal"]
    if lost:
        gone = sum((line.amount for line in lost), ZERO)
        if split.off_books:
            found.append((Account.CHARGED_OFF, gone, None))
        elif isinstance(split.event, happened.WriteOff):
            found.append((Account.LOSS, gone, None))
        found += [(Account.PRINCIPAL, -line.amount, None) for line in lost]  # nobody paid it: no instalment did
    if split.capitalised:
        added = sum((line.amount for line in split.capitalised), ZERO)
        found.append((Account.PRINCIPAL, added, None))
        found += [(line.part, -line.amount, None) for line in split.capitalised]
        if split.off_books:
            found.append((Account.CHARGED_OFF, -added, None))
            found += [(line.part, line.amount, None) for line in split.capitalised]
    return found


def _aside(part: str) -> str:
    """Return where a part that a charged-off loan is paid is taken back."""
    return Account.CHARGED_OFF if part == Account.PRINCIPAL else part


def numbered(rows: Iterable[Entry], numbers: dict[int, int]) -> list[Entry]:
    """Return entries whose instalments, given by number, are named by the ids of their rows."""
    return [(account, amount, None if seq is None else numbers[seq]) for account, amount, seq in rows]


def post_difference(
    loan: Loan, movement: Transaction, after: State, numbers: dict[int, int], *, actor: User, at: datetime, on: date, key: str = ""
) -> Transaction | None:
    """Post what the books lack to be what `after` makes of all events: what came later falls out differently now."""
    wanted: dict[tuple[str, int | None], Decimal] = defaultdict(lambda: ZERO)
    for split in after.splits.values():
        for account, amount, place in numbered(entries(split), numbers):
            wanted[account, place] += amount
    posted = Posting.objects.filter(transaction__loan=loan).values_list("account", "installment_id").annotate(sum=Sum("amount"))
    for account, place, amount in posted:
        wanted[account, place] -= amount
    moves = sorted(((account, place), amount) for (account, place), amount in wanted.items() if amount) if any(wanted.values()) else []
    if not moves:
        return None
    anew = Transaction.objects.create(
        loan=loan, kind=Kind.REALLOCATION, amount=sum((amount for _place, amount in moves if amount > 0), ZERO), value_on=on, at=at,
        actor=actor, key=key or f"again:{movement.public_id}",
    )  # fmt: skip
    loans.post(anew, [(account, amount, place) for (account, place), amount in moves])
    return anew


# --- written down --------------------------------------------------------------------------------------------------
def store(loan: Loan, rows: Sequence[Installment], state: State, *, on: date) -> dict[int, int]:
    """Write the instalments of `state` and set the balances of `loan` in memory; return the ids of the rows by number."""
    by_seq = {row.seq: row for row in rows}
    fresh, kept = [], []
    for each in state.installments:
        row = by_seq.pop(each.seq, None)
        if row is None:
            fresh.append(fill(Installment(loan=loan, seq=each.seq), each, state, loan))
        elif stood(row) != stood(fill(row, each, state, loan)):
            kept.append(row)
    Installment.objects.bulk_update(kept, WRITTEN)
    Installment.objects.bulk_create(fresh)
    _leave(by_seq.values(), state, on=on)
    balance(loan, state)
    if isinstance(state, LineState):
        lines.write(loan, state)
    return {row.seq: row.pk for row in (*rows, *fresh)}


def balance(loan: Loan, state: State) -> None:
    """Set what a loan keeps beside its movements, in memory."""
    loan.principal_outstanding, loan.overpayment = state.principal_outstanding, state.overpayment
    loan.capitalised = sum((line.amount for split in state.splits.values() for line in split.capitalised), ZERO)
    late = [accrual.Late(row.due_on, row.left("principal"), row.owed, ZERO, row.due_on) for row in state.installments]
    lateness.stand(loan, late)
    loan.charged_off_on = state.charged_off_on
    if isinstance(state, LineState):
        loan.principal, loan.undrawn = state.limit, state.available
    else:
        loan.undrawn = loan.principal - state.disbursed
    loan.penalty_rate = state.terms.penalty.annual_rate  # a death ends it
    loan.matures_on = state.installments[-1].due_on  # of a line: the day on which all that is drawn is due
    loan.late_fee, loan.late_fee_rate = contract_terms.late_fees(state.terms)
    loan.late_fee_passed, loan.late_rate_passed = passed_on.late(state.terms)


def stood(row: Installment) -> tuple[Any, ...]:
    """Return what of an instalment's row is written."""
    return tuple(getattr(row, name) for name in WRITTEN)


def fill(row: Installment, each: Played, state: State, loan: Loan) -> Installment:
    """Set an instalment's row to what was played. What was given up is no longer due: rows of the close read dues as they stand."""
    given_up = each.waived
    over = each.met_on is not None and not each.written_off.total
    row.from_on, row.due_on = each.from_on, each.due_on
    row.principal, row.interest, row.fee = each.due.principal, each.due.interest, each.due.fee
    row.interest_waived = row.fee_waived = ZERO
    if over:
        row.interest_waived, row.fee_waived = given_up.interest, given_up.fee
    else:
        row.interest -= given_up.interest
        row.fee -= given_up.fee
    row.penalty = each.due.penalty - given_up.penalty
    row.principal_paid, row.interest_paid = each.paid.principal, each.paid.interest
    row.fee_paid, row.penalty_paid = each.paid.fee, each.paid.penalty
    row.penalty_base, row.penalty_since = max(each.penalty_base - given_up.penalty, ZERO), max(each.penalty_since, each.due_on)
    row.late_charged, row.interest_held = each.late_charged, held(each, state)
    row.fee_passed = passed_on.of(each)
    row.status = status_of(each, state.as_of, loan)
    row.paid_on = each.met_on if over else None
    return row


def held(each: Played, state: State) -> Decimal:
    """Return what an instalment's own period earned beyond the interest due in it (below zero where it collects what others held).

    A grace holds interest back as long as what some instalments hold others collect; where a schedule made all of it due, nothing is held.
    """
    if not state.terms.grace_on_interest or sum((row.earned - row.due.interest for row in state.installments), ZERO):
        return ZERO
    return each.earned - each.due.interest


def status_of(each: Played, as_of: date, loan: Loan) -> str:
    """Return the status that an instalment's row carries on a day."""
    if each.written_off.total:
        return Installment.Status.SOLD if each.sold else Installment.Status.WRITTEN_OFF
    if each.met_on is not None:
        return Installment.Status.PAID
    return Installment.Status.OVERDUE if accrual.missed(each.due_on, as_of, loan.grace_days) else Installment.Status.PENDING


def _leave(rows: Iterable[Installment], state: State, *, on: date) -> None:
    """Take away instalments that a shorter schedule no longer has; one that money is posted to stays, as one of nothing."""
    gone = list(rows)
    if not gone:
        return
    posted = set(Posting.objects.filter(installment__in=gone).values_list("installment_id", flat=True))
    named = {line.installment for split in state.splits.values() for line in (*split.lines, *split.written_off, *split.capitalised)}
    posted |= {row.pk for row in gone if row.seq in named}
    Installment.objects.filter(pk__in=[row.pk for row in gone if row.pk not in posted]).delete()
    for row in gone:
        if row.pk in posted:
            row.principal = row.interest = row.fee = row.penalty = row.penalty_base = row.interest_waived = row.fee_waived = ZERO
            row.principal_paid = row.interest_paid = row.fee_paid = row.penalty_paid = ZERO
            row.interest_held = row.fee_passed = ZERO
            row.status, row.paid_on = Installment.Status.PAID, on
    Installment.objects.bulk_update([row for row in gone if row.pk in posted], WRITTEN)
