"""Doors of settlements: offer, approve by authority, accept, follow the payments, forgive the rest, or bring all of it back.

While it is being paid nothing is forgiven; a breach therefore leaves the whole debt as it is. Once all is paid the rest is written off
through credit's own door, with the second person that door asks for. Where the money that kept it is taken back later, what was forgiven
is owed again, through credit's door too, and the case goes on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from collection import case_states, cases, contested, judgement, owed, promises
from collection import settlement_ladder as ladder
from collection.judgement import Part, Payment, Verdict
from collection.models import Case, Channel, Dispute, Hardship, Promise, Settlement, SettlementPart
from credit import acts, books, exposure, reversals
from credit.models import Installment, Loan, Transaction
from crm.lib.errors import DomainError, Invalid, NotAllowed
from crm.lib.money import is_cents, total
from crm.lib.templatetags.crm import grouped, percent
from governance import changes, rules
from governance.changes import AlreadyProposed
from governance.lifecycle import move
from governance.models import ChangeRequest, User
from ledger import log

ZERO = Decimal("0.00")
LADDER, AUTHORITY, EXTRA = "collections.settlement.ladder", "collections.settlement.authority", "collections.settlement.hardship_extra"
VALID, LONGEST, PARTS = "collections.settlement.valid_days", "collections.settlement.longest_days", "collections.settlement.parts"
Status = Settlement.Status
PAUSE = Case.PauseReason.SETTLEMENT


class BelowFloor(Invalid):
    """The ladder does not allow to forgive so much."""

    code = "settlement_below_floor"


class AboveAuthority(NotAllowed):
    """The approver's role may not forgive so much."""

    code = "above_authority"


class OwnProposal(NotAllowed):
    """Nobody approves what they proposed."""

    code = "own_proposal"


class SettlementUnderWay(DomainError):
    """One settlement of a case at a time."""

    code = "settlement_under_way"


class DisputeOpen(DomainError):
    """What is contested is decided before it is settled."""

    code = "dispute_open"


class NotWhollyDue(DomainError):
    """Only a debt that is due in full is settled: money for what is not due yet would be held, not counted."""

    code = "not_wholly_due"


class OfferExpired(DomainError):
    """The offer is over."""

    code = "offer_expired"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a case may be settled for on a day."""

    dpd: int
    balance: Decimal
    cap: Decimal
    floor: Decimal


def terms(case: Case, *, on: date, hardship: Hardship | None = None) -> Terms:
    """Return the balance that ends every loan of the customer on a day, and the least that may be offered for it."""
    loans = list(Loan.objects.open().filter(customer=case.customer_id).select_related("product").order_by("pk"))
    balance = total([each.payoff for each in owed.of_loans(loans, on=on)])
    extra = rules.value(EXTRA, on=on) if hardship is not None else ZERO
    cap = ladder.cap_at(rules.value(LADDER, on=on), case.dpd, extra=extra)
    return Terms(case.dpd, balance, cap, ladder.floor(balance, cap) if balance else ZERO)


def not_due(case: Case, *, on: date) -> Loan | None:
    """Return an open loan of the customer of which something falls due after a day; None where all is due."""
    later = Installment.objects.filter(due_on__gt=on).exclude(status=Installment.Status.PAID).values("loan")
    return Loan.objects.open().filter(customer=case.customer_id, pk__in=later).order_by("pk").first()


@transaction.atomic
def offer(case: Case, *, parts: Sequence[Part], actor: User, at: datetime, hardship: Hardship | None = None) -> Settlement:
    """Propose to end the whole debt for less; another person approves it.

    :raises CaseClosed: if the case is closed
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises DisputeOpen: if something of the debt is contested
    :raises NotWhollyDue: if something of it falls due later
    :raises SettlementUnderWay: if one is under way
    :raises BelowFloor: if the ladder does not allow so little
    :raises Invalid: with a sentence per wrong value
    """
    exposure.lock(case.customer_id)
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=case.pk)
    if row.status == Case.Status.CLOSED:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    contested.refuse_frozen(row, actor)
    if Dispute.objects.open().filter(case=row).exists():
        raise DisputeOpen(_("Something of this debt is contested: the dispute is decided first."))
    if Settlement.objects.open().filter(case=row).exists():
        raise SettlementUnderWay(_("A settlement of case %(case)s is under way.") % {"case": row.public_id})
    today = books.value_day(row.legal_entity, at)
    if (loan := not_due(row, on=today)) is not None:
        raise NotWhollyDue(_("%(loan)s is not due in full: the whole balance is demanded first.") % {"loan": loan.public_id})
    found, parts = terms(row, on=today, hardship=hardship), sorted(parts, key=lambda part: part.due_on)
    problems = wrong(parts, today=today)
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    amount = total([part.amount for part in parts])
    if amount > found.balance:
        words = _("All that is owed is %(amount)s: settle for at most that.") % {"amount": grouped(found.balance)}
        raise Invalid(words, fields={"amount_1": words})
    if amount < found.floor:
        words = _("At %(days)s days past due at most %(cap)s may be forgiven: at least %(floor)s have to be paid.") % {
            "days": found.dpd, "cap": percent(found.cap), "floor": grouped(found.floor),
        }  # fmt: skip
        raise BelowFloor(words, fields={"amount_1": words})
    made = Settlement.objects.create(
        case=row, hardship=hardship, dpd=found.dpd, balance=found.balance, floor=found.floor, amount=amount,
        discount=ladder.discount(found.balance, amount), tolerance=rules.value(promises.TOLERANCE, on=today),
        grace_days=int(rules.value(promises.GRACE, on=today)), offered_by=actor, offered_at=at, offered_on=today,
        expires_on=today + timedelta(days=int(rules.value(VALID, on=today))),
    )  # fmt: skip
    SettlementPart.objects.bulk_create(
        SettlementPart(settlement=made, seq=seq, due_on=part.due_on, amount=part.amount) for seq, part in enumerate(parts, 1)
    )
    log.record("collections.settlement.proposed", made, actor=actor, at=at, **facts(made))
    return made


def wrong(parts: Sequence[Part], *, today: date) -> dict[str, Any]:
    """Return a sentence per value of the payments that cannot be."""
    problems: dict[str, Any] = {}
    most = int(rules.value(PARTS, on=today))
    last = today + timedelta(days=int(rules.value(LONGEST, on=today)))
    if not 1 <= len(parts) <= most:
        problems["amount_1"] = _("Enter 1 to %(most)s amounts with their days.") % {"most": most}
    seen: set[date] = set()
    for number, part in enumerate(parts, 1):
        if not part.amount > ZERO or not is_cents(part.amount):
            problems[f"amount_{number}"] = _("Enter an amount above 0 in whole cents.")
        if not today <= part.due_on <= last or part.due_on in seen:
            problems[f"due_on_{number}"] = _("Each payment has its own day, from %(first)s to %(last)s.") % {
                "first": today.isoformat(), "last": last.isoformat(),
            }  # fmt: skip
        seen.add(part.due_on)
    return problems


def facts(row: Settlement) -> dict[str, Any]:
    return {
        "customer_id": row.case.customer_id, "case": row.case.public_id, "amount": row.amount, "balance": row.balance,
        "paid": row.paid_amount, "discount": row.discount,
    }  # fmt: skip


def locked(settlement: Settlement, *, actor: User) -> Settlement:
    """Return the locked row, for who is not kept from the case by a complaint.

    :raises CaseFrozen: if one is
    """
    row = Settlement.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer").get(pk=settlement.pk)
    contested.refuse_frozen(row.case, actor)
    return row


def authority_of(user: User, *, on: date) -> Decimal:
    """Return the largest share of a debt that `user` may agree to forgive."""
    return ladder.allowed(rules.value(AUTHORITY, on=on), user.role.code if user.role else "")


@transaction.atomic
def approve(settlement: Settlement, *, actor: User, at: datetime) -> Settlement:
    """Agree to an offer; the customer may accept it until it expires.

    :raises OwnProposal: if `actor` proposed it
    :raises AboveAuthority: if it forgives more than the role of `actor` may
    :raises OfferExpired: if its last day is over
    :raises IllegalMove: if it does not wait for approval
    """
    row = locked(settlement, actor=actor)
    today = books.value_day(row.case.legal_entity, at)
    if row.offered_by_id == actor.pk:
        raise OwnProposal(_("You proposed this settlement: another person approves it."))
    most = authority_of(actor, on=today)
    if row.discount > most:
        raise AboveAuthority(
            _("%(share)s would be forgiven, your authority reaches to %(most)s. Somebody with more has to approve it.")
            % {"share": percent(row.discount, 2), "most": percent(most)}
        )
    refuse_expired(row, today)
    return move(row, Status.APPROVED, actor=actor, at=at, facts=facts(row), approved_by=actor, approved_at=at)


@transaction.atomic
def refuse(settlement: Settlement, *, actor: User, at: datetime) -> Settlement:
    """Do not agree to an offer.

    :raises IllegalMove: if it does not wait for approval
    """
    row = locked(settlement, actor=actor)
    return move(row, Status.REFUSED, actor=actor, at=at, facts=facts(row), ended_on=books.value_day(row.case.legal_entity, at))


@transaction.atomic
def withdraw(settlement: Settlement, *, actor: User, at: datetime) -> Settlement:
    """Take an offer back before the customer accepted it.

    :raises IllegalMove: if it was accepted or is over
    """
    row = locked(settlement, actor=actor)
    return move(row, Status.WITHDRAWN, actor=actor, at=at, facts=facts(row), ended_on=books.value_day(row.case.legal_entity, at))


@transaction.atomic
def accept(settlement: Settlement, *, actor: User, at: datetime) -> Settlement:
    """Note that the customer accepted; payments from now on count for it, and nothing else is demanded while it is kept. A promise ends.

    :raises DisputeOpen: if something of the debt was contested since
    :raises OfferExpired: if its last day is over
    :raises IllegalMove: if it is not on offer
    """
    exposure.lock(settlement.case.customer_id)
    row = locked(settlement, actor=actor)
    today = books.value_day(row.case.legal_entity, at)
    if row.status == Status.APPROVED:
        refuse_expired(row, today)
    if Dispute.objects.open().filter(case=row.case).exists():
        raise DisputeOpen(_("Something of this debt is contested: the dispute is decided first."))
    running = promises.judge_running(row.case, actor=actor, at=at, today=today)
    if running is not None:
        promises.cancelled(running, reason=Promise.CancelReason.SETTLEMENT, actor=actor, at=at)
    counts_after = promises.last_transaction(row.case.customer_id)
    done = move(row, Status.ACCEPTED, actor=actor, at=at, facts=facts(row), accepted_on=today, counts_after=counts_after)
    hold_back(row, today=today, actor=actor, at=at)
    return done


def hold_back(row: Settlement, *, today: date, actor: User, at: datetime) -> None:
    """Let the work on the case wait while the settlement is being paid."""
    last = max(part.due_on for part in row.parts.all()) + timedelta(days=row.grace_days + 1)
    longest = today + timedelta(days=int(rules.value("collections.pause.days", on=today)))
    case_states.pause(row.case, reason=PAUSE, until=max(min(last, longest), today + timedelta(days=1)), actor=actor, at=at)


def refuse_expired(row: Settlement, today: date) -> None:
    if today > row.expires_on:
        raise OfferExpired(_("The offer ended on %(day)s: make another.") % {"day": row.expires_on.isoformat()})


def next_payment(case: Case) -> Decimal | None:
    """Return what lacks of the first payment of the settlement that is being paid; None where none is, nothing once all is paid."""
    row = Settlement.objects.filter(case=case, status__in=Settlement.BEING_PAID).prefetch_related("parts").first()
    if row is None:
        return None
    asked = ZERO
    for part in sorted(row.parts.all(), key=lambda each: each.due_on):
        asked += part.amount
        if asked > row.paid_amount:
            return asked - row.paid_amount
    return ZERO


# --- following it --------------------------------------------------------------------------------------------------
@transaction.atomic
def follow(customer_ids: Collection[int], *, actor: User, at: datetime) -> int:
    """Bring the settlements of these customers in step with their payments and loans; return how many moved. Again changes nothing.

    The customers' locks come first, as payments take them.
    """
    wanted = Settlement.objects.filter(case__customer__in=customer_ids, status__in=Settlement.UNDER_WAY)
    for customer_id in sorted(set(wanted.values_list("case__customer", flat=True))):
        exposure.lock(customer_id)
    rows = list(
        wanted.select_for_update(of=("self",))
        .select_related("case__legal_entity", "case__customer")
        .prefetch_related("parts")
        .order_by("pk")
    )
    if not rows:
        return 0
    running = [row for row in rows if row.status in (Status.ACCEPTED, Status.PAID)]
    paid = promises.payments([row.case.customer_id for row in running], after=min((row.counts_after for row in running), default=0))
    return sum(step(row, paid, actor=actor, at=at) for row in rows)


def step(row: Settlement, paid: dict[int, Any], *, actor: User, at: datetime) -> int:
    """Move one settlement as far as it goes; return 1 when anything changed."""
    today = books.value_day(row.case.legal_entity, at)
    if row.status in (Status.PROPOSED, Status.APPROVED):
        if today <= row.expires_on:
            return 0
        move(row, Status.EXPIRED, actor=actor, at=at, facts=facts(row), ended_on=today)
        return 1
    verdict = verdict_on(row, paid)
    changed = 0
    if verdict.paid != row.paid_amount:
        row.paid_amount, changed = verdict.paid, 1
        row.save(update_fields=["paid_amount"])
    if verdict.state == "broken":
        reinstate(row, today=today, actor=actor, at=at)
        return 1
    if verdict.state == "kept":
        if row.status == Status.ACCEPTED:
            move(row, Status.PAID, actor=actor, at=at, facts=facts(row))
        return forgive(row, today=today, actor=actor, at=at) or 1
    if row.status == Status.PAID:
        unask(row, at=at)
        move(row, Status.ACCEPTED, actor=actor, at=at, facts=facts(row))
        return 1
    return changed


def verdict_on(row: Settlement, paid: Mapping[int, Sequence[tuple[int, Payment]]]) -> Verdict:
    """Return whether a settlement was paid as agreed, as of the last closed day of its books."""
    return judgement.judge(
        [Part(part.due_on, part.amount) for part in row.parts.all()],
        [payment for pk, payment in paid.get(row.case.customer_id, []) if pk > row.counts_after],
        closed=row.case.legal_entity.business_date - timedelta(days=1), grace_days=row.grace_days, tolerance=row.tolerance,
    )  # fmt: skip


def reinstate(row: Settlement, *, today: date, actor: User, at: datetime, told: Mapping[str, Any] | None = None) -> None:
    """End a settlement that was not paid: the whole debt is demanded again, what was paid stays paid."""
    unask(row, at=at)
    breach = facts(row) | dict(told or {})
    move(row, Status.BREACHED, actor=actor, at=at, facts=breach, ended_on=today, paid_amount=row.paid_amount, forgiven=None)
    if row.case.is_open and row.case.pauses.filter(reason=PAUSE, ended_at__isnull=True).exists():
        case_states.resume(row.case, reason=PAUSE, actor=actor, at=at)
    Case.objects.open().filter(pk=row.case_id).update(broken_on=today, next_action=Channel.CALL, next_action_on=today)


def forgive(row: Settlement, *, today: date, actor: User, at: datetime) -> int:
    """Ask credit to write off what is left of each loan; settled once no loan is open."""
    loans = list(Loan.objects.open().filter(customer=row.case.customer_id).select_related("product").order_by("pk"))
    for loan in loans:
        before = Transaction.objects.filter(loan=loan, key__startswith=forgiven_by(row), reversal__isnull=False).count()
        key = f"{forgiven_by(row)}{loan.pk}" + (f":{before}" if before else "")  # taken back once, it is another one
        try:
            acts.do(
                loan, acts.ACTS["write_off"], {}, on=None, why="agreed", actor=actor, at=at, key=key,
                note=str(_("Settlement %(settlement)s is paid: the rest is forgiven.") % {"settlement": row.public_id}),
            )  # fmt: skip
        except AlreadyProposed:
            continue  # it waits for its second person, or another change of the loan does: the next close looks again
    if Loan.objects.open().filter(customer=row.case.customer_id).exists():
        return 0
    written = Transaction.objects.filter(
        loan__customer=row.case.customer_id, kind=Transaction.Kind.WRITE_OFF, pk__gt=row.counts_after, reversal__isnull=True
    )
    forgiven = total(list(written.values_list("amount", flat=True)))
    move(row, Status.SETTLED, actor=actor, at=at, facts=facts(row) | {"forgiven": forgiven}, forgiven=forgiven, ended_on=today)
    return 1


def forgiven_by(row: Settlement) -> str:
    """Return how the keys of what a settlement had written off begin."""
    return f"settlement:{row.public_id}:"


def unask(row: Settlement, *, at: datetime) -> None:
    """Take back what still waits for credit's second person: nothing is forgiven for money that is not there."""
    asked = ChangeRequest.objects.filter(kind=acts.CHANGE, status=ChangeRequest.Status.OPEN, after__key__startswith=forgiven_by(row))
    for change in asked.select_related("made_by").order_by("pk"):
        changes.withdraw(change, actor=change.made_by, at=at)


# --- money taken back after the end --------------------------------------------------------------------------------
@transaction.atomic
def judge_again(customer_id: int, *, actor: User, at: datetime) -> bool:
    """Judge a settlement that ended the debt anew after money was taken back; return whether anything changed. Again changes nothing.

    What was forgiven is taken back by credit's own reversal, and the case goes on: the settlement is breached, or is being paid again
    where its days are not over. Where somebody took back only what was forgiven, the house owes it again.
    """
    exposure.lock(customer_id)
    row = (
        Settlement.objects.filter(case__customer=customer_id, status=Status.SETTLED)
        .select_for_update(of=("self",))
        .select_related("case__legal_entity", "case__customer")
        .prefetch_related("parts")
        .order_by("-pk")
        .first()
    )
    if row is None:
        return False
    verdict = verdict_on(row, promises.payments([customer_id], after=row.counts_after))
    given = Transaction.objects.filter(loan__customer=customer_id, key__startswith=forgiven_by(row), kind=Transaction.Kind.WRITE_OFF)
    if verdict.state == "kept" and not given.filter(reversal__isnull=False, loan__status=Loan.Status.OPEN).exists():
        return False
    was, row.paid_amount = row.forgiven, verdict.paid
    owed_again = {"forgiven": was, "kept_off": [] if verdict.state == "kept" else take_back(given, actor=actor, at=at)}
    today = books.value_day(row.case.legal_entity, at)
    again = case_states.reinstate(row.case, why=Case.ReopenReason.SETTLEMENT, actor=actor, at=at)
    if verdict.state == "broken" or again is None:
        reinstate(row, today=today, actor=actor, at=at, told=owed_again)
        return True
    row.case = again
    to = Status.PAID if verdict.state == "kept" else Status.ACCEPTED
    move(row, to, actor=actor, at=at, facts=facts(row) | owed_again, forgiven=None, ended_on=None, paid_amount=verdict.paid)
    hold_back(row, today=today, actor=actor, at=at)
    return True


def take_back(given: QuerySet[Transaction], *, actor: User, at: datetime) -> list[str]:
    """Reverse what was forgiven and stands; return the loans on which it stays, because what came after it allows no reversal."""
    stays = []
    for movement in given.filter(reversal__isnull=True).select_related("loan").order_by("pk"):
        try:
            reversals.reverse(movement, reason=reversals.Reason.LAPSED, actor=actor, at=at, key=f"lapsed:{movement.public_id}")
        except reversals.CannotBe:
            stays.append(movement.loan.public_id)
    return stays
