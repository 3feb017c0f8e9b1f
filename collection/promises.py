"""Doors of promises to pay: take one, judge them from the payments, cancel one. One runs per case; another replaces it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from collection import cases, cash, contested, judgement, owed, places
from collection.judgement import Part, Payment, Verdict
from collection.models import RUNNING, Case, Channel, Contact, Promise, PromisePart
from credit import books, exposure
from credit.models import Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents, total
from crm.lib.templatetags.crm import grouped
from customers.models import Customer
from governance import rules
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")
Status = Promise.Status
GRACE, TOLERANCE = "collections.promise.grace_days", "collections.promise.tolerance"


class PromiseOver(DomainError):
    """The promise is kept, broken, replaced or cancelled already."""

    code = "promise_over"


@dataclass(frozen=True, slots=True)
class Cover:
    """How much of what is overdue a promise pays: `overdue` with the penalty that grows until `on`, its last day."""

    on: date
    overdue: Decimal
    promised: Decimal
    tolerance: Decimal

    @property
    def lacks(self) -> Decimal:
        return max(self.overdue - self.promised, ZERO)

    @property
    def in_full(self) -> bool:
        """Whether nothing stays overdue but what may lack, by the rule that judges the promise."""
        return judgement.enough(self.promised, self.overdue, self.tolerance)


def cover(case: Case, parts: Sequence[Part], *, today: date) -> Cover:
    """Return what `parts` would pay of what is overdue; earlier parts stop penalty, so that it never says too much.

    :raises ValueError: if there is no part
    """
    on = max(part.due_on for part in parts)
    overdue = owed.overdue_until(case.customer_id, today=today, until=max(on, today))
    return Cover(on, overdue, total([part.amount for part in parts]), rules.value(TOLERANCE, on=today))


@transaction.atomic
def take(case: Case, *, parts: Sequence[Part], channel: str, actor: User, at: datetime, contact: Contact | None = None) -> Promise:
    """Write down what the customer promised. The promise that ran until now is judged first, then replaced.

    Without `contact` the next action of the case becomes a call on the day after the first grace.

    :raises CaseClosed: if the case is closed
    :raises NotHeld: if `actor` does not hold the case
    :raises Invalid: with a sentence per wrong value; parts are named `amount_1`, `due_on_1` and so on
    """
    exposure.lock(case.customer_id)  # payments wait, or are known: each counts for one promise
    return write(cases.held(case, actor=actor, at=at), parts=parts, channel=channel, actor=actor, at=at, contact=contact)


def write(row: Case, *, parts: Sequence[Part], channel: str, actor: User, at: datetime, contact: Contact | None = None) -> Promise:
    """Write down a promise in a case that the caller holds locked, with its customer."""
    today = books.value_day(row.legal_entity, at)
    problems = wrong(parts, channel=channel, customer_id=row.customer_id, today=today)
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    before = judge_running(row, actor=actor, at=at, today=today)
    if before is not None:
        move(before, Status.REPLACED, actor=actor, at=at, facts=facts(before), **ending(at, today))
    parts = sorted(parts, key=lambda part: part.due_on)
    promise = Promise.objects.create(
        case=row,
        contact=contact,
        amount=total([part.amount for part in parts]),
        first_due_on=parts[0].due_on,
        last_due_on=parts[-1].due_on,
        grace_days=int(rules.value(GRACE, on=today)),
        tolerance=rules.value(TOLERANCE, on=today),
        counts_after=last_transaction(row.customer_id),
        channel=channel,
        taken_by=actor,
        taken_at=at,
        taken_on=today,
        replaces=before,
    )
    PromisePart.objects.bulk_create(
        PromisePart(promise=promise, seq=seq, due_on=part.due_on, amount=part.amount) for seq, part in enumerate(parts, 1)
    )
    if contact is None:
        row.next_action = Channel.CALL
        row.next_action_on = parts[0].due_on + timedelta(days=promise.grace_days + 1)
    row.broken_on = None
    row.version += 1
    row.save(update_fields=["next_action", "next_action_on", "broken_on", "version"])
    places.refresh([row.pk], on=today, at=at)
    log.record(
        "collections.promise.taken",
        promise,
        actor=actor,
        at=at,
        customer_id=row.customer_id,
        case=row.public_id,
        amount=promise.amount,
        parts=len(parts),
        due_on=promise.last_due_on,
        in_full=cover(row, parts, today=today).in_full,
        replaces=before.public_id if before else None,
    )
    return promise


def wrong(parts: Sequence[Part], *, channel: str, customer_id: int, today: date) -> dict[str, Any]:
    """Return a sentence per value that cannot be."""
    problems: dict[str, Any] = {}
    most = int(rules.value("collections.promise.parts", on=today))
    last = today + timedelta(days=int(rules.value("collections.promise.longest_days", on=today)))
    if channel not in Channel.values:
        problems["channel"] = _("Choose how the contact was made.")
    if not 1 <= len(parts) <= most:
        problems["amount_1"] = _("Enter 1 to %(most)s amounts with their days.") % {"most": most}
    seen: set[date] = set()
    for number, part in enumerate(parts, 1):
        if not part.amount > ZERO or not is_cents(part.amount):
            problems[f"amount_{number}"] = _("Enter an amount above 0 in whole cents.")
        if not today <= part.due_on <= last:
            words = {"first": today.isoformat(), "last": last.isoformat()}
            problems[f"due_on_{number}"] = _("The promised day must be from %(first)s to %(last)s.") % words
        elif part.due_on in seen:
            problems[f"due_on_{number}"] = _("Two parts cannot have the same day: add their amounts.")
        seen.add(part.due_on)
    if problems:
        return problems
    promised = total([part.amount for part in parts])
    everything = owed.most_by(customer_id, on=max(part.due_on for part in parts))
    if promised <= rules.value(TOLERANCE, on=today):
        problems["amount_1"] = _("The promise is too small to be judged.")
    elif promised > everything:
        problems["amount_1"] = _("All that is left to pay is %(amount)s: promise at most that.") % {"amount": grouped(everything)}
    return problems


def last_transaction(customer_id: int) -> int:
    """Return the last movement of money on the customer's loans; the caller holds the customer's lock."""
    return Transaction.objects.filter(loan__customer_id=customer_id).aggregate(last=Max("pk"))["last"] or 0


# --- judging -------------------------------------------------------------------------------------------------------
@transaction.atomic
def judge(customer_ids: Collection[int], *, actor: User, at: datetime) -> int:
    """Judge what runs for these customers from their payments as they stand; return how many promises changed.

    Running it again changes nothing. The customers are locked first, as payments lock them.
    """
    with_one = Promise.objects.running().filter(case__customer__in=customer_ids).values("case__customer")
    known = list(Customer.objects.filter(pk__in=with_one).select_for_update(of=("self",), no_key=True).only("pk").order_by("pk"))
    rows = list(
        Promise.objects.running()
        .filter(case__customer__in=known)
        .select_for_update(of=("self",), no_key=True)
        .select_related("case__legal_entity")
        .order_by("pk")
    )
    verdicts = verdicts_on(rows)
    changed = 0
    for promise in rows:
        today = books.value_day(promise.case.legal_entity, at)
        changed += follows(promise, verdicts[promise.pk], actor=actor, at=at, today=today)
    return changed


@transaction.atomic
def judge_again(customer_id: int, *, actor: User, at: datetime) -> int:
    """Judge anew what the customer kept, after a payment was reversed; return how many promises changed.

    The last one may run again. One that another promise followed, or whose case is over, is broken by what lacks now: that belongs to
    what came after it. Each payment goes on counting for the promise it came under.
    """
    exposure.lock(customer_id)
    rows = list(
        Promise.objects.filter(case__customer_id=customer_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("case__legal_entity")
        .order_by("pk")
    )
    later = dict(pairwise(row.pk for row in rows))
    until = {row.pk: row.counts_after for row in rows}
    again = [row for row in rows if row.status == Status.KEPT or (row.is_running and row.pk not in later)]
    verdicts = verdicts_on(again, until={row.pk: until[later[row.pk]] for row in again if row.pk in later})
    changed = 0
    for promise in again:
        verdict = verdicts[promise.pk]
        if verdict.state in RUNNING and (promise.pk in later or not promise.case.is_open):
            verdict = Verdict("broken", verdict.paid)
        changed += follows(promise, verdict, actor=actor, at=at, today=books.value_day(promise.case.legal_entity, at))
    return changed


def judge_running(case: Case, *, actor: User, at: datetime, today: date) -> Promise | None:
    """Judge the promise that runs in a case under the caller's locks; return it if it runs on."""
    promise = (
        Promise.objects.running()
        .filter(case=case)
        .select_for_update(of=("self",), no_key=True)
        .select_related("case__legal_entity")
        .first()
    )
    if promise is None:
        return None
    follows(promise, verdicts_on([promise])[promise.pk], actor=actor, at=at, today=today)
    return promise if promise.is_running else None


def verdicts_on(rows: Sequence[Promise], *, until: Mapping[int, int] | None = None) -> dict[int, Verdict]:
    """Return the verdict on each promise as of the last closed day of its books; two statements for all.

    `until` names, by promise, the last transaction that may count for it: what came later counts for the promise after it.
    """
    last = until or {}
    parts: dict[int, list[Part]] = defaultdict(list)
    for part in PromisePart.objects.filter(promise__in=rows).order_by("promise_id", "seq"):
        parts[part.promise_id].append(Part(part.due_on, part.amount))
    paid = payments([promise.case.customer_id for promise in rows], after=min((promise.counts_after for promise in rows), default=0))
    return {
        promise.pk: judgement.judge(
            parts[promise.pk],
            [payment for pk, payment in paid.get(promise.case.customer_id, []) if promise.counts_after < pk <= last.get(promise.pk, pk)],
            closed=promise.case.legal_entity.business_date - timedelta(days=1),
            grace_days=promise.grace_days,
            tolerance=promise.tolerance,
        )
        for promise in rows
    }


def payments(customer_ids: Collection[int], *, after: int) -> dict[int, list[tuple[int, Payment]]]:
    """Return what came in on the customers' loans since transaction `after`, each with the transaction that brought it.

    What was reversed is taken back from the repayment it belongs to, on the day that one counted for: it never came. One from before a
    promise does not touch it, nor does the reversal of anything but money.
    """
    found: dict[int, list[tuple[int, Payment]]] = defaultdict(list)
    rows = Transaction.objects.filter(cash.came(), loan__customer__in=customer_ids, pk__gt=after)
    columns = ("pk", "reverses_id", "loan__customer_id", "kind", Coalesce("reverses__value_on", "value_on"), "amount")
    for pk, reverses, customer_id, kind, value_on, amount in rows.order_by("pk").values_list(*columns):
        found[customer_id].append((reverses or pk, Payment(value_on, -amount if kind == Transaction.Kind.REVERSAL else amount)))
    return found


def follows(promise: Promise, verdict: Verdict, *, actor: User, at: datetime, today: date) -> int:
    """Bring a promise to its verdict; return 1 when anything changed. A broken one brings its case back to the desk today."""
    if verdict.state == promise.status:
        if verdict.paid == promise.paid_amount:
            return 0
        promise.paid_amount = verdict.paid
        promise.save(update_fields=["paid_amount"])
        return 1
    promise.paid_amount = verdict.paid
    over = verdict.state in (Status.KEPT, Status.BROKEN)
    ends = ending(at, today) if over else {"ended_at": None, "ended_on": None}
    move(promise, Status(verdict.state), actor=actor, at=at, facts=facts(promise), paid_amount=verdict.paid, **ends)
    if Status(verdict.state) is Status.BROKEN:
        Case.objects.open().filter(pk=promise.case_id).update(broken_on=today, next_action=Channel.CALL, next_action_on=today)
        places.refresh([promise.case_id], on=today, at=at)
    return 1


def ending(at: datetime, today: date) -> dict[str, Any]:
    return {"ended_at": at, "ended_on": today}


def facts(promise: Promise) -> dict[str, Any]:
    return {
        "case": promise.case.public_id,
        "customer_id": promise.case.customer_id,
        "amount": promise.amount,
        "paid": promise.paid_amount,
        "due_on": promise.last_due_on,
    }


# --- cancelling ----------------------------------------------------------------------------------------------------
@transaction.atomic
def cancel(promise: Promise, *, reason: str, actor: User, at: datetime) -> Promise:
    """End a promise that shall not be judged.

    :raises Invalid: if the reason is none of the list
    :raises PromiseOver: if it runs no more
    """
    if reason not in Promise.CancelReason.values:
        raise Invalid(_("Choose why the promise ends."), fields={"reason": _("Choose why the promise ends.")})
    exposure.lock(promise.case.customer_id)
    row = Promise.objects.select_for_update(of=("self",), no_key=True).select_related("case__legal_entity").get(pk=promise.pk)
    contested.refuse_frozen(row.case, actor)
    if not row.is_running:
        raise PromiseOver(_("Promise %(promise)s is “%(status)s” already.") % {"promise": row, "status": row.get_status_display()})
    return cancelled(row, reason=reason, actor=actor, at=at)


def cancelled(row: Promise, *, reason: str, actor: User, at: datetime) -> Promise:
    """End a promise that runs and that the caller holds locked, with its customer."""
    today = books.value_day(row.case.legal_entity, at)
    return move(row, Status.CANCELLED, actor=actor, at=at, facts=facts(row) | {"reason": reason}, cancel_reason=reason, **ending(at, today))


def could_be_asked(promise: Promise, *, today: date) -> Decimal:
    """Return what may be asked for of what a promise is about, until its last day: what is overdue, without what is contested."""
    overdue = owed.overdue_until(promise.case.customer_id, today=today, until=max(promise.last_due_on, today))
    return min(overdue, promise.lacking)


def end_contested(promise: Promise, *, before: Decimal, today: date, actor: User, at: datetime) -> None:
    """End a promise of whose money less may be asked for than `before` something was contested: nobody breaks their word by contesting."""
    if could_be_asked(promise, today=today) < before:
        cancelled(promise, reason=Promise.CancelReason.CONTESTED, actor=actor, at=at)


@transaction.atomic
def end_with_case(case: Case, *, actor: User, at: datetime) -> None:
    """Judge what runs in a case that was closed; what is not kept then has lost its object."""
    exposure.lock(case.customer_id)
    today = books.value_day(case.legal_entity, at)
    left = judge_running(case, actor=actor, at=at, today=today)
    if left is not None:
        cancel(left, reason=Promise.CancelReason.NOTHING_OWED, actor=actor, at=at)
