"""A loan while the machine plays it: the mutable workings behind `credit/machine.py`. Pure; nobody else builds on it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from credit import recalculation
from credit.accrual import Overdue, delinquency
from credit.allocation import Allocation, Due, Line, allocate, equally, groups
from credit.due_dates import Holidays
from credit.events import Charge, Event, Pause, Recover, Refund, Resume, Reverse, Waive
from credit.schedule import Row
from credit.state import Installment, Making, Parts, PlacedCharge, Split, State, Status
from credit.terms import NotPlayable, Terms
from crm.lib.money import is_cents, quantize

ZERO = Decimal("0.00")


class Working:
    """Instalments and balances between two events."""

    def __init__(self, terms: Terms, holidays: Holidays) -> None:
        self.terms, self.holidays = terms, holidays
        self.rows: list[Installment] = []
        self.next_seq = 1  # a number once given is never given again: splits name it
        self.unmet: list[Installment] = []
        self.splits: dict[str, Split] = {}
        self.disbursed = self.principal = self.overpayment = self.recovered = ZERO
        self.days: list[date] = []  # on which the principal outstanding changed, and what it was after each
        self.days_after: list[Decimal] = []
        self.refreshed_on: date | None = None  # the day to which interest was recalculated, if nothing changed since
        self.final: set[int] = set()  # instalments whose period is over: their recalculated interest stays
        self.pauses: list[tuple[date, date]] = []
        self.charged_off_on: date | None = None
        self.written_off_on: date | None = None
        self.sold_on: date | None = None
        self.cancelled_on: date | None = None
        self.dies_on: date | None = None  # nothing is charged for being late after it, on whatever day it was recorded
        self.grace_of(terms)
        self.event: Event  # the one that is played
        self.calendar = terms  # whose due dates the last instalments have: changed by a reschedule

    # --- what every event needs -------------------------------------------------------------------------------------
    def begin(self, event: Event) -> None:
        """Refuse what can never be, and bring interest that follows the balance up to the day."""
        amount = getattr(event, "amount", None)
        if amount is not None and (not amount.is_finite() or amount <= 0 or not is_cents(amount)):
            raise NotPlayable("amount", f"{amount} is not an amount above zero in whole cents")
        if self.written_off_on is not None and not isinstance(event, Recover | Refund | Reverse | Pause | Resume):
            raise NotPlayable("written_off", f"the loan was written off on {self.written_off_on}: only a recovery can come")
        if self.sold_on is not None and not isinstance(event, Refund | Reverse | Pause | Resume):
            raise NotPlayable("sold", f"the loan was sold on {self.sold_on}: what comes now is the buyer's")
        if not self.rows and type(event).__name__ not in ("Disburse", "Reverse"):
            raise NotPlayable("before_disbursement", f"{event.key!r} comes before any money went out")
        if self.terms.recalculation and self.rows and event.on != self.refreshed_on:
            recalculation.refresh(self, event.on)
        self.done(event, ZERO)
        self.event = event

    def grace_of(self, terms: Terms) -> None:
        """Take the penalty's grace of `terms`."""
        self.grace = timedelta(days=terms.penalty.grace_days)

    def set_rows(self, rows: Iterable[Installment]) -> None:
        """Take `rows` as the instalments, in order of due date."""
        self.refreshed_on = None
        self.rows = sorted(rows, key=lambda row: row.due_on)
        self.next_seq = max(self.next_seq, *(row.seq + 1 for row in self.rows))
        self.note_met()

    def note_met(self) -> None:
        """Find again which instalments are not met."""
        self.unmet = [row for row in self.rows if row.met_on is None]

    def born(self, row: Row, on: date) -> Installment:
        """Return the instalment of a schedule's row. A loan of a few cents may have instalments of nothing: they are met as they are born."""
        made = Installment(
            row.seq,
            row.from_on,
            row.due_on,
            Parts(row.principal, row.interest, row.fee),
            row.kind,
            row.earned,
            row.balance,
            penalty_since=row.due_on,
            period=row.period,
            plan=row.principal + row.interest,
            passed=row.passed,
        )
        opening = row.balance + row.principal
        making = Making(self.event.key, on, self.terms, opening, row.principal, row.interest, row.earned, row.period, born=True)
        made.makings.append(making)
        if not row.principal and not row.interest and not row.fee:
            made.met_on = on
        return made

    def done(self, event: Event, amount: Decimal, **parts: object) -> None:
        """Keep what `event` did."""
        off_books = self.charged_off_on is not None
        self.splits[event.key] = Split(event, amount, principal_after=self.principal, off_books=off_books, **parts)  # type: ignore[arg-type]

    def flow(self, on: date, change: Decimal) -> None:
        """Note that the principal outstanding changed on a day."""
        self.refreshed_on = None
        after = (self.days_after[-1] if self.days_after else ZERO) + change
        if self.days and self.days[-1] == on:
            self.days_after[-1] = after
        else:
            self.days.append(on)
            self.days_after.append(after)

    # --- lateness ---------------------------------------------------------------------------------------------------
    def missed(self, row: Installment, on: date) -> bool:
        return on > row.due_on + self.grace

    def last_late(self, on: date) -> date:
        """Return the day to which being late costs anything on `on`."""
        return on if self.dies_on is None else min(on, self.dies_on)

    def penalty_on(self, row: Installment, on: date) -> Decimal:
        """Return the penalty of an instalment on a day: what it was fixed at, and what has grown since on the unpaid principal."""
        on = self.last_late(on)
        if row.met_on is not None or not self.missed(row, on):
            return row.penalty_base
        rule = self.terms.penalty
        days = (on - row.penalty_since).days
        if days <= 0 or not rule.annual_rate:
            return row.penalty_base
        return row.penalty_base + quantize(row.unpaid * rule.annual_rate * days / rule.year)

    def charge_late(self, row: Installment, on: date) -> None:
        """Put on what is charged once for an instalment missed."""
        if row.late_charged or row.met_on is not None or not self.missed(row, self.last_late(on)) or not row.owed:
            return
        row.late_charged = True
        principal = row.unpaid
        row.penalty_base += quantize(principal * self.terms.penalty.percent_once)
        for fee in self.terms.fees:
            if fee.when == "late":
                cost = fee.amount + quantize(principal * fee.rate)
                row.due.fee += cost
                row.passed += cost if fee.payee else ZERO

    @property
    def charges_once(self) -> bool:
        return bool(self.terms.penalty.percent_once) or any(fee.when == "late" for fee in self.terms.fees)

    # --- money in ---------------------------------------------------------------------------------------------------
    def due_of(self, row: Installment, on: date) -> Due:
        """Return what is owed of an instalment on a day."""
        penalty = self.penalty_on(row, on) - row.paid.penalty - row.waived.penalty
        return Due(row.seq, row.left("fee"), penalty, row.left("interest"), row.unpaid)

    def due_charges(self, row: Installment, on: date) -> Due:
        """Return what is due already of the charges inside a later instalment: those whose own due date has come."""
        sums = {"fee": ZERO, "penalty": ZERO}
        for charge in row.charges:
            if charge.due_on <= on:
                sums[charge.part] += charge.amount
        fee, penalty = (max(sums[part] - getattr(row.paid, part) - getattr(row.waived, part), ZERO) for part in ("fee", "penalty"))
        return Due(row.seq, min(fee, row.left("fee")), penalty, ZERO, ZERO)

    def spread(self, amount: Decimal, rule: Allocation, on: date) -> tuple[tuple[Line, ...], Decimal]:
        """Return the lines of `amount` received on a day, and what is left of it, by `rule`; nothing is changed yet."""
        pools: dict[str, list[Due]] = {"past_due": [], "due": []}
        later: list[Installment] = []
        for n, row in enumerate(self.unmet):
            if row.due_on > on:
                later = self.unmet[n:]
                break
            if self.charges_once:
                self.charge_late(row, on)
            pools["past_due" if row.due_on < on else "due"].append(self.due_of(row, on))
        early = {row.seq: self.due_charges(row, on) for row in later if row.charges}
        pools["due"] += [due for due in early.values() if due.total]
        if rule.excess == "running":
            running = next((row for row in self.rows if row.due_on > on), None)
            later = [running] if running is not None and running.met_on is None else []
        elif rule.excess == "none":
            later = []
        elif rule.excess == "last":
            later = later[::-1]
        lines: list[Line] = []
        for when, parts in groups(rule):
            if not amount:
                break
            if when != "in_advance":
                found, amount = allocate(amount, pools[when], parts)
            elif rule.excess == "reamortize":
                found, amount = equally(amount, list(self._in_advance(later, early, on)), parts)
            else:
                found, amount = allocate(amount, self._in_advance(later, early, on), parts)
            lines += found
        return joined(lines), amount

    def _in_advance(self, rows: Sequence[Installment], early: dict[int, Due], on: date) -> Iterator[Due]:
        for row in rows:
            due, out = self.due_of(row, on), early.get(row.seq)
            if out is not None:
                due = Due(row.seq, due.fee - out.fee, due.penalty - out.penalty, due.interest, due.principal)
            yield due

    def pay(self, lines: Sequence[Line], on: date, *, counted: date | None = None) -> None:
        """Write `lines` into their instalments. Penalty grown to `counted` (the day itself when not given) becomes the base it grows on from."""
        until = counted or on
        seqs = {line.installment for line in lines}
        touched = [row for row in self.unmet if row.seq in seqs] if len(seqs) > 1 else [self.row(seq) for seq in seqs]
        for row in touched:
            row.due.penalty = self.penalty_on(row, until)
            # Inside the grace nothing is fixed: once missed, the days of what stays unpaid count from the due date.
            if self.missed(row, until):
                row.penalty_base, row.penalty_since = row.due.penalty, until
        by_seq = {row.seq: row for row in touched}
        principal = ZERO
        for line in lines:
            row = by_seq[line.installment]
            row.paid.add(line.part, line.amount)
            if on < row.due_on:
                row.paid_in_advance += line.amount
            elif on > row.due_on:
                row.paid_late += line.amount
            if line.part == "principal":
                principal += line.amount
        if principal:
            self.principal -= principal
            self.flow(on, -principal)
        self.meet(touched, on)

    def meet(self, rows: Iterable[Installment], on: date) -> None:
        """Note those of `rows` of which nothing is owed any more."""
        met = False
        for row in rows:
            if row.met_on is None and not row.unpaid and not row.outstanding:
                row.met_on, met = on, True
        if met:
            self.note_met()

    def row(self, seq: int) -> Installment:
        """Return the instalment with that number."""
        place = self.rows[seq - 1] if 0 < seq <= len(self.rows) else None
        if place is not None and place.seq == seq:
            return place
        return next(row for row in self.rows if row.seq == seq)

    def receive(self, amount: Decimal, kind: str, on: date) -> tuple[tuple[Line, ...], Decimal]:
        """Spread `amount` in the order of `kind`, pay it, hold what is left; return the lines and what is held."""
        rule = self.terms.allocation_for(kind)
        limit = self.terms.non_accrual_days
        if limit is not None and kind == "repayment" and self.unmet and (on - self.unmet[0].due_on).days > limit:
            rule = self.terms.allocation_for("non_accrual")
        lines, left = self.spread(amount, rule, on)
        self.pay(lines, on)
        if self.terms.recalculation:
            recalculation.refresh(self, on)
        self.overpayment += left
        return lines, left

    # --- charges, waivers, money held -------------------------------------------------------------------------------
    def charge(self, event: Charge) -> None:
        """Put a charge into the instalment whose period (from, due] holds its due date, or into one of its own after the last.

        :raises NotPlayable: (deceased) if it is a penalty after the death of the customer; one that stands falls away
        """
        if event.part == "penalty" and self.last_late(event.on) < event.on:
            if not event.stands:
                raise NotPlayable("deceased", f"the customer died on {self.dies_on}")
            return
        self.place(PlacedCharge(event.key, event.part, event.amount, event.due_on))
        self.done(event, ZERO)

    def place(self, charge: PlacedCharge, *, passed: bool = False) -> None:
        """Put a charge where it belongs; `passed` if it goes to somebody else."""
        row = next((row for row in self.rows if charge.due_on <= row.due_on and row.kind != "charge"), None)
        if row is None:
            row = self.rows[-1]
            if row.kind != "charge":
                row = Installment(self.next_seq, row.due_on, charge.due_on, Parts(), "charge", penalty_since=charge.due_on)
                self.set_rows([*self.rows, row])
            row.due_on = row.penalty_since = max(row.due_on, charge.due_on)
        row.charges.append(charge)
        row.due.add(charge.part, charge.amount)
        row.passed += charge.amount if passed else ZERO
        if charge.part == "penalty":
            row.penalty_base += charge.amount
        row.met_on = None
        self.note_met()

    def waive(self, event: Waive) -> None:
        """Give up what is owed of one part, oldest instalment first, or of one instalment.

        A waiver that stands already gives up what is left of it: earlier money may have paid what it gave up.

        :raises NotPlayable: (waives_too_much) if less is owed than is to be waived
        """
        left, lines = event.amount, []
        for row in [*self.unmet]:
            if event.installment not in (None, row.seq):
                continue
            if self.charges_once:
                self.charge_late(row, event.on)
            row.due.penalty = self.penalty_on(row, event.on)
            if event.part == "penalty" and self.missed(row, event.on):
                row.penalty_base, row.penalty_since = row.due.penalty, event.on
            if taken := min(left, row.left(event.part)):
                row.waived.add(event.part, taken)
                left -= taken
                lines.append(Line(row.seq, event.part, taken))
        if left and not event.stands:
            raise NotPlayable("waives_too_much", f"only {event.amount - left} of {event.part} is owed on {event.on}")
        self.meet([*self.unmet], event.on)
        self.done(event, ZERO, waived=tuple(lines))

    def refund(self, event: Refund) -> None:
        """Give back money held.

        :raises NotPlayable: (overpayment) if less is held
        """
        if event.amount > self.overpayment:
            raise NotPlayable("overpayment", f"only {self.overpayment} is held, not {event.amount}")
        self.overpayment -= event.amount
        self.done(event, event.amount, overpayment=-event.amount)

    def recover(self, event: Recover) -> None:
        """Take money that comes after the write-off."""
        if self.written_off_on is None:
            raise NotPlayable("not_written_off", "a recovery comes after a write-off; before it, money is a repayment")
        self.recovered += event.amount
        self.done(event, event.amount, recovered=event.amount)

    def pause(self, event: Pause) -> None:
        """Stop the counter of treatment for some days.

        :raises NotPlayable: (pauses_overlap) if it begins inside another, (dates) if it ends before it begins
        """
        if event.until < event.on:
            raise NotPlayable("dates", f"a pause from {event.on} cannot end on {event.until}")
        if any(first <= event.until and event.on < last for first, last in self.pauses):
            raise NotPlayable("pauses_overlap", f"there is a pause already between {event.on} and {event.until}")
        self.pauses.append((event.on, event.until))

    def resume(self, event: Resume) -> None:
        """End the pause that runs.

        :raises NotPlayable: (no_pause) if there is none
        """
        for n, (first, last) in enumerate(self.pauses):
            if first <= event.on < last:
                self.pauses[n] = (first, event.on)
                return
        raise NotPlayable("no_pause", f"no pause runs on {event.on}")

    # --- the end ----------------------------------------------------------------------------------------------------
    def ending(self, on: date) -> tuple[Line, ...] | None:
        """Return the lines of all that is owed on a day where no schedule says it, as of a revolving line."""
        return None

    def state(self, as_of: date) -> State:
        """Return the loan as of a day."""
        if self.terms.recalculation and self.rows:
            recalculation.refresh(self, as_of)
        status: Status = "open" if self.rows else "planned"
        for row in self.unmet:
            if self.charges_once:
                self.charge_late(row, as_of)
            row.due.penalty = self.penalty_on(row, as_of)
            if self.dies_on is not None:
                row.penalty_base, row.penalty_since = row.due.penalty, max(row.penalty_since, self.dies_on)
        self.balance_rows()
        if self.written_off_on is not None:
            status = "written_off"
        elif self.sold_on is not None:
            status = "sold"
        elif self.cancelled_on is not None:
            status = "cancelled"
        elif self.rows and not self.unmet:
            status = "settled"
        settled_on = max((row.met_on for row in self.rows if row.met_on), default=None) if status == "settled" else None
        late = [Overdue(row.due_on, row.outstanding) for row in self.unmet if row.due_on < as_of and row.owed > 0]
        terms = self.terms if self.dies_on is None else without_lateness(self.terms)
        lateness = delinquency(
            late,
            as_of=as_of,
            grace_days=terms.penalty.grace_days,
            arrears_grace_days=terms.arrears_grace_days,
            ranges=terms.ranges,
            pauses=self.pauses,
        )
        return State(
            terms, as_of, status, self.rows, self.splits, self.disbursed, self.principal, self.overpayment, self.recovered,
            self.charged_off_on, self.written_off_on, settled_on, tuple(self.pauses), lateness,
        )  # fmt: skip

    def balance_rows(self) -> None:
        """Write the principal the schedule leaves after each instalment."""
        balance = sum((row.due.principal for row in self.rows), ZERO)
        for row in self.rows:
            balance -= row.due.principal
            row.balance = balance


def joined(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return `lines` with those of one part of one instalment put together, in the order in which they came first."""
    if len(lines) < 2:
        return tuple(lines)
    sums: dict[tuple[int, str], Decimal] = {}
    for line in lines:
        place = (line.installment, line.part)
        sums[place] = sums[place] + line.amount if place in sums else line.amount
    return tuple(Line(seq, part, amount) for (seq, part), amount in sums.items())


def without_lateness(terms: Terms) -> Terms:
    """Return `terms` under which being late costs nothing more."""
    fees = tuple(fee for fee in terms.fees if fee.when != "late")
    return replace(terms, penalty=replace(terms.penalty, annual_rate=ZERO, percent_once=ZERO), fees=fees)
