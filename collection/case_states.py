"""How a case pauses, goes on and ends: what each reason needs, and the one place where each is checked.

Cured, settled, restructured, sold and written off are facts of credit and follow its events by themselves. Court, estate and fraud take
a matter with money still owed elsewhere: a person closes such a case, from evidence that stands in the house, and may reopen it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from collection import contested, places
from collection.models import Case, CaseDebt, CasePause, Channel, Settlement
from credit import books
from credit.models import Loan, Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.registry import Registry
from customers.models import Customer
from governance import rules, uses
from governance.lifecycle import move, move_many
from governance.models import User
from ledger import log
from risk import lists

ZERO = Decimal("0.00")
Status, Reason, Pause = Case.Status, Case.CloseReason, Case.PauseReason
RESHAPED = (Transaction.Kind.RESTRUCTURE, Transaction.Kind.RESCHEDULE)
FREE = {"claimed_by": None, "claimed_at": None, "claimed_until": None}


class CaseClosed(DomainError):
    """Nothing is worked in a closed case."""

    code = "case_closed"


class CasePaused(DomainError):
    """The work on the case waits: nobody is called about it."""

    code = "case_paused"


class NotPaused(DomainError):
    """There is no such pause."""

    code = "case_not_paused"


class WithAgency(DomainError):
    """The case is with an agency until it is taken back."""

    code = "with_agency"


class NotClosable(DomainError):
    """What this reason needs is not on file."""

    code = "case_not_closable"


# More that a reason needs, from the part that keeps its evidence: the sentence that says what is missing, "" for nothing.
NEEDS: Registry[Callable[[Case, date], Any]] = Registry("evidence for closing a case")


def locked(case: Case) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("legal_entity", "customer").get(pk=case.pk)


def closed(case: Case) -> CaseClosed:
    return CaseClosed(_("Case %(case)s is closed.") % {"case": case.public_id})


# --- pauses --------------------------------------------------------------------------------------------------------
@transaction.atomic
def pause(case: Case, *, reason: str, until: date, actor: User, at: datetime) -> Case:
    """Let the work on a case wait until a day: it leaves every queue, and whoever holds it loses the hold.

    Each reason has one pause; asked again, it takes the new day. Several run beside each other.

    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises CaseClosed: if the case is closed
    :raises Invalid: if the reason is unknown, or the day lies not within what policy allows
    """
    row = locked(case)
    contested.refuse_frozen(row, actor)
    if not row.is_open:
        raise closed(row)
    today = books.value_day(row.legal_entity, at)
    last = today + timedelta(days=int(rules.value("collections.pause.days", on=today)))
    if reason not in Pause.values:
        raise Invalid(_("Choose why the work waits."), fields={"reason": _("Choose why the work waits.")})
    if not today < until <= last:
        words = {"first": (today + timedelta(days=1)).isoformat(), "last": last.isoformat()}
        sentence = _("The work can wait until a day from %(first)s to %(last)s.") % words
        raise Invalid(sentence, fields={"until": sentence})
    CasePause.objects.update_or_create(
        case=row, reason=reason, ended_at=None, defaults={"until": until}, create_defaults={"until": until, "since": at, "actor": actor}
    )
    longest = running(row)[0]
    facts: dict[str, Any] = {"reason": reason, "until": until}
    if row.status == Status.PAUSED:
        show(row, longest)
        log.record("collections.case.pause_changed", row, actor=actor, at=at, **facts)
        return row
    return move(row, Status.PAUSED, actor=actor, at=at, facts=facts, pause_reason=longest.reason, paused_until=longest.until, **FREE)


@transaction.atomic
def pause_for_death(customer_id: int, *, actor: User, at: datetime) -> Case | None:
    """Let the open case of a customer wait whose death was recorded, as long as policy allows; a person goes on with the estate. Once."""
    case = Case.objects.open().filter(customer=customer_id).select_related("legal_entity").first()
    if case is None or case.pauses.filter(reason=Pause.DECEASED, ended_at__isnull=True).exists():
        return None
    today = books.value_day(case.legal_entity, at)
    until = today + timedelta(days=int(rules.value("collections.pause.days", on=today)))
    return pause(case, reason=Pause.DECEASED, until=until, actor=actor, at=at)


def running(case: Case) -> list[CasePause]:
    """Return the pauses that run in a case, the longest first."""
    return list(case.pauses.filter(ended_at__isnull=True).order_by("-until", "pk"))


def show(case: Case, longest: CasePause) -> None:
    case.pause_reason, case.paused_until = longest.reason, longest.until
    case.version += 1
    case.save(update_fields=["pause_reason", "paused_until", "version"])


@transaction.atomic
def resume(case: Case, *, actor: User, at: datetime, reason: str | None = None) -> Case:
    """End the pause of one reason, or all but that of a case with an agency; the work goes on when none is left.

    :raises CaseClosed: if the case is closed
    :raises WithAgency: if the case is with an agency: taking it back ends that pause
    :raises NotPaused: if no such pause runs
    """
    row = locked(case)
    contested.refuse_frozen(row, actor)
    if not row.is_open:
        raise closed(row)
    over = [each for each in running(row) if (each.reason == reason if reason else each.reason != Pause.PLACED)]
    if reason == Pause.PLACED and row.placements.filter(status="placed").exists():
        raise WithAgency(_("Case %(case)s is with an agency: take it back there first.") % {"case": row.public_id})
    if not over:
        raise NotPaused(_("The work on case %(case)s does not wait for this.") % {"case": row.public_id})
    return go_on(row, over, actor=actor, at=at)


def go_on(row: Case, over: list[CasePause], *, actor: User, at: datetime) -> Case:
    """End these pauses of a locked case; where another one runs on, the case stays paused."""
    end_pauses(CasePause.objects.filter(pk__in=[each.pk for each in over]), actor=actor, at=at)
    facts = {"reasons": sorted(each.reason for each in over)}
    left = running(row)
    if left:
        show(row, left[0])
        log.record(
            "collections.case.pause_changed", row, actor=actor, at=at, reason=left[0].reason, until=left[0].until, ended=facts["reasons"]
        )
        return row
    to = Status.WORKED if row.last_contact_at else Status.OPEN
    done = move(row, to, event="collections.case.resumed", actor=actor, at=at, facts=facts, pause_reason="", paused_until=None)
    places.refresh([row.pk], on=books.value_day(row.legal_entity, at), at=at)
    return done


def end_pauses(rows: QuerySet[CasePause], *, actor: User, at: datetime) -> None:
    """End pauses at a moment. News of a payment comes after it: a pause that began between the two ends as it began."""
    rows.update(ended_at=Greatest(F("since"), Value(at)), ended_by=actor)


@transaction.atomic
def resume_due(customer_ids: Collection[int], *, actor: User, at: datetime) -> int:
    """Let the work go on where the day of a pause has come; return on how many cases. Running it again changes nothing.

    A constant number of statements, however many cases there are.
    """
    rows = Case.objects.filter(customer__in=customer_ids, status=Status.PAUSED).select_for_update(of=("self",))
    cases = {row.pk: row for row in rows.select_related("legal_entity").order_by("pk")}
    today = {row.pk: books.value_day(row.legal_entity, at) for row in cases.values()}
    left: dict[int, list[CasePause]] = defaultdict(list)
    over: dict[int, list[CasePause]] = defaultdict(list)
    for pause in CasePause.objects.filter(case__in=cases, ended_at__isnull=True).order_by("case", "-until", "pk"):
        ended = pause.until <= today[pause.case_id] and pause.reason != Pause.PLACED  # that one the placement ends
        (over if ended else left)[pause.case_id].append(pause)
    if not over:
        return 0
    end_pauses(CasePause.objects.filter(pk__in=[each.pk for found in over.values() for each in found]), actor=actor, at=at)
    reasons = {pk: sorted(each.reason for each in found) for pk, found in over.items()}
    wait = [cases[pk] for pk in over if left[pk]]
    for case in wait:
        case.pause_reason, case.paused_until = left[case.pk][0].reason, left[case.pk][0].until
        case.version += 1
    Case.objects.bulk_update(wait, ["pause_reason", "paused_until", "version"])
    changed = [
        log.Row(
            Case._meta.label_lower, case.pk, case.customer_id,
            {"reason": case.pause_reason, "until": case.paused_until, "ended": reasons[case.pk]},
        )
        for case in wait
    ]  # fmt: skip
    log.record_many("collections.case.pause_changed", changed, actor=actor, at=at)
    free = [cases[pk] for pk in over if not left[pk]]
    for to, known in ((Status.WORKED, True), (Status.OPEN, False)):
        move_many(
            [case for case in free if (case.last_contact_at is not None) == known], to, actor=actor, at=at,
            event="collections.case.resumed", facts=lambda case: {"reasons": reasons[case.pk]}, pause_reason="", paused_until=None,
        )  # fmt: skip
    for day in set(today.values()):
        places.refresh([case.pk for case in free if today[case.pk] == day], on=day, at=at)
    return len(free)


# --- the end -------------------------------------------------------------------------------------------------------
@transaction.atomic
def close(case: Case, *, reason: str, on: date, actor: User, at: datetime) -> Case:
    """End the work on a case for a named reason, if what the reason needs is on file.

    :raises CaseClosed: if it is closed already
    :raises Invalid: if the reason is unknown, or the day is before the case was opened or after the business date
    :raises NotClosable: with the sentence that says what is missing
    """
    row = locked(case)
    contested.refuse_frozen(row, actor)
    if not row.is_open:
        raise closed(row)
    if reason not in Reason.values:
        raise Invalid(_("Choose why the case is closed."), fields={"reason": _("Choose why the case is closed.")})
    today = books.value_day(row.legal_entity, at)
    if not row.opened_on <= on <= today:
        sentence = _("The day must be from %(first)s to %(last)s.") % {"first": row.opened_on.isoformat(), "last": today.isoformat()}
        raise Invalid(sentence, fields={"on": sentence})
    missing = lacks(row, reason, on=today, actor=actor, at=at)
    if missing:
        raise NotClosable(missing, reason=str(reason))
    return end(row, reason=reason, on=on, actor=actor, at=at)


def end(case: Case, *, reason: str, on: date, actor: User, at: datetime) -> Case:
    """Move a case to its end: whoever holds it loses the hold, nothing is planned and nothing waits any more."""
    if case.status == Status.PAUSED:
        end_pauses(CasePause.objects.filter(case=case, ended_at__isnull=True), actor=actor, at=at)
    return move(
        case,
        Status.CLOSED,
        actor=actor,
        at=at,
        facts={"reason": str(reason), "bucket": case.bucket, "amount": case.overdue_amount},
        close_reason=reason,
        closed_on=on,
        bucket=0,
        dpd=0,
        overdue_amount=ZERO,
        next_action="",
        next_action_on=None,
        moved_on=None,
        broken_on=None,
        pause_reason="",
        paused_until=None,
        **FREE,
    )


def close_paid(cases: list[Case], customers: dict[int, Customer], *, actor: User, at: datetime) -> list[int]:
    """Close cases with nothing overdue, for the reason that credit's own doors brought about."""
    for case, reason in ended_by(cases).items():
        end(case, reason=reason, on=books.value_day(customers[case.customer_id].legal_entity, at), actor=actor, at=at)
    return [case.pk for case in cases]


def ended_by(cases: list[Case]) -> dict[Case, str]:
    """Return why nothing is overdue in each case: the loss where there is one, else what reshaped the debt, else that it was paid.

    Five statements for all. Settled is who has no open loan left, or paid what was agreed to end the debt; cured who goes on with one.
    """
    if not cases:
        return {}
    loans: dict[int, set[str]] = {}
    for case_id, status in CaseDebt.objects.filter(case__in=cases).values_list("case_id", "loan__status"):
        loans.setdefault(case_id, set()).add(status)
    still = set(Loan.objects.open().filter(customer__in=[case.customer_id for case in cases]).values_list("customer_id", flat=True))
    agreed = set(Settlement.objects.filter(case__in=cases, status=Settlement.Status.SETTLED).values_list("case_id", flat=True))
    anew = reshaped(cases)
    found: dict[Case, str] = {}
    for case in cases:
        statuses = loans.get(case.pk, set())
        if case.pk in agreed:
            found[case] = Reason.SETTLED  # what was written off then was forgiven, not lost
        elif Loan.Status.WRITTEN_OFF in statuses:
            found[case] = Reason.WRITTEN_OFF
        elif Loan.Status.SOLD in statuses:
            found[case] = Reason.SOLD
        elif case.customer_id not in still:
            found[case] = Reason.SETTLED
        else:
            found[case] = Reason.RESTRUCTURED if case.pk in anew else Reason.CURED
    return found


def reshaped(cases: Collection[Case]) -> set[int]:
    """Return the cases one of whose loans got new terms since they were opened."""
    moves = Transaction.objects.filter(kind__in=RESHAPED, reversal__isnull=True)
    since = {case.pk: case.opened_on for case in cases}
    rows = CaseDebt.objects.filter(case__in=since, loan__transactions__in=moves)
    return {pk for pk, on in rows.values_list("case_id", "loan__transactions__value_on") if on >= since[pk]}


def lacks(case: Case, reason: str, *, on: date, actor: User, at: datetime) -> Any:
    """Return the sentence that says what `reason` needs and is not on file; "" when it may be closed."""
    debts = list(case.debts.select_related("loan").order_by("pk"))
    statuses = {debt.loan.status for debt in debts}
    late = any(debt.loan.status == Loan.Status.OPEN and debt.loan.dpd > 0 for debt in debts)
    if reason in (Reason.CURED, Reason.SETTLED, Reason.RESTRUCTURED) and late:
        return _("Something is still overdue on a loan of this case.")
    if reason == Reason.SETTLED and Loan.Status.OPEN in statuses:
        return _("A loan of this case is still open.")
    if reason == Reason.RESTRUCTURED and not reshaped([case]):
        return _("No loan of this case was given new terms since it was opened.")
    for needed, state, sentence in (
        (Reason.SOLD, Loan.Status.SOLD, _("No loan of this case is sold: the sale is recorded on the loan first.")),
        (Reason.WRITTEN_OFF, Loan.Status.WRITTEN_OFF, _("No loan of this case is written off: that is recorded on the loan first.")),
    ):
        if reason == needed and state not in statuses:
            return sentence
        if reason == needed and late:
            return _("Something is still overdue on a loan of this case.")
    if reason == Reason.DECEASED and not died(case):
        return _("No death is recorded on a loan of this customer: that is recorded with its evidence first.")
    if reason == Reason.FRAUD and not blacklisted(case, on=on, actor=actor, at=at):
        return _("This person's id number is not on the blacklist: a proven fraud is recorded there first.")
    if reason == Reason.LEGAL:
        least = int(rules.value("collections.close.legal_dpd", on=on))
        if case.dpd < least:
            return _("Legal steps need %(days)s days past due; this case has %(dpd)s.") % {"days": least, "dpd": case.dpd}
    more = NEEDS.get(str(reason))
    return more(case, on) if more else ""


def died(case: Case) -> bool:
    rows = Transaction.objects.filter(loan__customer=case.customer_id, kind=Transaction.Kind.DEATH, reversal__isnull=True)
    return rows.exists()


def blacklisted(case: Case, *, on: date, actor: User, at: datetime) -> bool:
    customer = uses.reading(case.customer, "collections", actor=actor, at=at)
    return bool(lists.found_by("id_number", customer.id_number, on=on).holding(on).filter(list="black").exists())


@transaction.atomic
def reopen(case: Case, *, actor: User, at: datetime) -> Case:
    """Take a matter back that went to court, to the estate or to fraud; the next refresh reads what is owed now.

    :raises NotClosable: if it was closed for another reason, or another case of the customer is open
    """
    row = locked(case)
    contested.refuse_frozen(row, actor)
    if row.status != Status.CLOSED or row.close_reason not in Case.ELSEWHERE:
        raise NotClosable(_("Only a case that went elsewhere can be taken back."))
    if Case.objects.open().filter(customer=row.customer_id).exists():
        raise NotClosable(_("Another case of this customer is open already."))
    return goes_on(row, why=Case.ReopenReason.RETURNED, actor=actor, at=at)


def goes_on(row: Case, *, why: str, actor: User, at: datetime, **changes: Any) -> Case:
    """Open a closed case again and tell why, with the reason it had been closed for."""
    facts = {"reason": row.close_reason, "why": str(why)}
    return move(
        row, Status.OPEN, event="collections.case.reopened", actor=actor, at=at, facts=facts, close_reason="", closed_on=None, **changes
    )


@transaction.atomic
def reinstate(case: Case, *, why: str, actor: User, at: datetime) -> Case | None:
    """Open the case again whose end fell, to be called today; the next refresh reads what is owed. None where another is open: that goes on."""
    row = locked(case)
    if row.is_open:
        return row
    if Case.objects.open().filter(customer=row.customer_id).exists():
        return None
    today = books.value_day(row.legal_entity, at)
    return goes_on(row, why=why, actor=actor, at=at, broken_on=today, next_action=Channel.CALL, next_action_on=today)
