"""Doors of collection cases: open, refresh and close them with the loans; claim, skip, assign."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from collection import case_states, contested, debts, permissions, places
from collection.case_states import CaseClosed, CasePaused, close, pause, reopen, resume
from collection.debts import Debt
from collection.models import AssignmentMark, Case, CaseDebt, Skip
from collection.models.case import given_to
from credit import books
from crm.lib.errors import DomainError, Invalid, Stale
from crm.lib.money import total
from customers.models import Customer
from governance import rules, users
from governance.models import Team, User
from governance.models.identity import Scope
from ledger import log

__all__ = ["CaseClosed", "CasePaused", "close", "pause", "reopen", "resume"]  # doors of `case_states`, called by this name
CASE = Case._meta.label_lower


class Taken(DomainError):
    """Another person holds the case; `extra` names them and the end of their hold."""

    code = "case_taken"


class AssignedElsewhere(DomainError):
    """The supervisor gave the case to another person."""

    code = "case_assigned_elsewhere"


class NotHeld(DomainError):
    """Only who holds a running claim may act on the case."""

    code = "case_not_held"


class Unassignable(Invalid):
    """This person cannot work the case."""

    code = "unassignable"


# --- what the loans bring about ------------------------------------------------------------------------------------
@dataclass
class Refreshed:
    """The ids of the cases that a refresh opened, changed and closed."""

    opened: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)


@transaction.atomic
def refresh(customer_ids: Collection[int], *, actor: User, at: datetime) -> Refreshed:
    """Bring the cases of these customers in step with their loans as they stand now. Running it again changes nothing.

    A case opens when something is overdue and closes as cured, or as settled when no open loan is left. The customers
    are locked first, so that two refreshes of one customer follow each other and the later one reads the later truth.
    """
    done = Refreshed()
    customers = {
        customer.pk: customer
        for customer in Customer.objects.filter(pk__in=customer_ids)
        .select_for_update(of=("self",), no_key=True)
        .select_related("legal_entity")
        .only("branch_id", "channel", "partner_id", "owner_id", "legal_entity")
        .order_by("pk")
    }
    standing = {case.customer_id: case for case in Case.objects.open().filter(customer_id__in=customers).select_for_update().order_by("pk")}
    owed = debts.overdue(customers)

    new = [
        opened(customer, owed[pk], on=books.value_day(customer.legal_entity, at))
        for pk, customer in customers.items()
        if pk in owed and pk not in standing
    ]
    places.revalue(new)
    Case.objects.bulk_create(new)
    log.record_many("collections.case.opened", [entry(case) for case in new], actor=actor, at=at)
    done.opened = [case.pk for case in new]

    kept = [(case, owed[pk]) for pk, case in standing.items() if pk in owed]
    was = {case.pk: case.bucket for case, _rows in kept}
    changed = [case for case, rows in kept if follows(case, rows)]
    for case in changed:
        if case.bucket > was[case.pk]:
            case.moved_on = books.value_day(customers[case.customer_id].legal_entity, at)
    worth = places.revalue([case for case, _rows in kept])
    Case.objects.bulk_update(
        {case.pk: case for case in [*changed, *worth]}.values(), ["bucket", "dpd", "overdue_amount", "moved_on", "expected_recovery"]
    )
    write_debts([(case, owed[case.customer_id]) for case in new] + kept)  # the place of a case is read from its debts too
    for entity in {customer.legal_entity for customer in customers.values()}:
        ids = [case.pk for case in [*new, *(case for case, _rows in kept)] if case.legal_entity_id == entity.pk]
        places.refresh(ids, on=books.value_day(entity, at), at=at)
    moved = [entry(case, was=was[case.pk]) for case in changed if case.bucket != was[case.pk]]
    log.record_many("collections.case.bucket_moved", moved, actor=actor, at=at)

    ended = [case for pk, case in standing.items() if pk not in owed]
    write_debts([(case, []) for case in ended])
    done.changed = [case.pk for case in changed]
    done.closed = case_states.close_paid(ended, customers, actor=actor, at=at)
    return done


def opened(customer: Customer, rows: list[Debt], *, on: date) -> Case:
    """Return the new case of `customer`, not saved."""
    case = Case(
        customer=customer,
        legal_entity_id=customer.legal_entity_id,
        branch_id=customer.branch_id,
        channel=customer.channel,
        partner_id=customer.partner_id,
        owner_id=customer.owner_id,
        opened_on=on,
    )
    follows(case, rows)
    case.opened_amount, case.opened_bucket = case.overdue_amount, case.bucket
    return case


def follows(case: Case, rows: list[Debt]) -> bool:
    """Set bucket, days past due and amount of `case` from its debts; return whether anything differs."""
    was = (case.bucket, case.dpd, case.overdue_amount)
    case.bucket = max(row.bucket for row in rows)
    case.dpd = max(row.dpd for row in rows)
    case.overdue_amount = total([row.amount for row in rows])
    return was != (case.bucket, case.dpd, case.overdue_amount)


def entry(case: Case, **facts: Any) -> log.Row:
    facts |= {"amount": case.overdue_amount, "bucket": case.bucket, "dpd": case.dpd}
    return log.Row(CASE, case.pk, case.customer_id, facts)


def write_debts(cases: list[tuple[Case, list[Debt]]]) -> None:
    """Write the debts of each case; a loan that is no longer overdue stays, with nothing owed."""
    known = {(row.case_id, row.loan_id): row for row in CaseDebt.objects.filter(case_id__in=[case.pk for case, _ in cases])}
    rows = []
    for case, owed in cases:
        now = {debt.loan_id: debt for debt in owed}
        cured = [loan_id for case_id, loan_id in known if case_id == case.pk and loan_id not in now]
        for debt in [*owed, *(Debt(loan_id, Decimal("0.00"), 0, 0) for loan_id in cured)]:
            row = known.get((case.pk, debt.loan_id))
            if row is None or (row.overdue_amount, row.dpd, row.bucket) != (debt.amount, debt.dpd, debt.bucket):
                rows.append(CaseDebt(case=case, loan_id=debt.loan_id, overdue_amount=debt.amount, dpd=debt.dpd, bucket=debt.bucket))
    CaseDebt.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["case", "loan"],
        update_fields=["overdue_amount", "dpd", "bucket"],
    )


# --- claims --------------------------------------------------------------------------------------------------------
def hold_until(at: datetime) -> datetime:
    """Return when a claim taken at `at` runs out."""
    return at + timedelta(minutes=int(rules.value("collections.claim.minutes", on=localtime(at).date())))


@transaction.atomic
def claim(case: Case, *, actor: User, at: datetime) -> Case:
    """Hold `case` for `actor` for a while, if nobody else does. Of two who try at once one wins and the other is told.

    :raises CaseClosed: if the case is closed
    :raises AssignedElsewhere: if a supervisor gave it to another person
    :raises CaseFrozen: if a complaint keeps `actor` from it
    :raises Taken: if another person holds it
    """
    contested.refuse_frozen(case, actor)
    free = Q(claimed_by__isnull=True) | Q(claimed_until__lte=at) | Q(claimed_by=actor)
    mine = Q(assigned_to__isnull=True) if actor.has_perm(permissions.ASSIGN) else given_to(actor)
    won = (
        Case.objects.open()
        .filter(free, mine | Q(assigned_to=actor), pk=case.pk)
        .update(claimed_by=actor, claimed_at=at, claimed_until=hold_until(at))
    )
    row = reread(case)
    if not won:
        raise lost(row, actor=actor, at=at)
    log.record("collections.case.claimed", row, actor=actor, at=at, until=row.claimed_until)
    return row


def hold(case: Case, *, actor: User, at: datetime) -> Case:
    """Hold a row that the caller has locked and found free for `actor`."""
    case.claimed_by, case.claimed_at, case.claimed_until = actor, at, hold_until(at)
    case.save(update_fields=["claimed_by", "claimed_at", "claimed_until"])
    log.record("collections.case.claimed", case, actor=actor, at=at, until=case.claimed_until)
    return case


def reread(case: Case) -> Case:
    return Case.objects.for_list().get(pk=case.pk)


def lost(case: Case, *, actor: User, at: datetime) -> DomainError:
    """Return the sentence for one who did not get the case."""
    if not case.is_open:
        return CaseClosed(_("Case %(case)s is closed.") % {"case": case.public_id})
    holder = case.holder(at)
    if holder is not None and holder.pk != actor.pk:
        return Taken(
            _("Taken by %(name)s at %(time)s.") % {"name": holder, "time": f"{localtime(case.claimed_at):%H:%M}"},
            holder=str(holder),
            until=case.claimed_until.isoformat() if case.claimed_until else "",
        )
    name = str(case.assigned_to or case.team)
    return AssignedElsewhere(_("This case is assigned to %(name)s. A supervisor can re-assign it.") % {"name": name}, assigned_to=name)


def held(case: Case, *, actor: User, at: datetime) -> Case:
    """Return the locked row of a case that `actor` holds.

    :raises CaseClosed: if the case is closed
    :raises NotHeld: if they do not, naming who does
    :raises CaseFrozen: if a complaint keeps them from it
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("claimed_by", "legal_entity", "customer").get(pk=case.pk)
    if not row.is_open:
        raise CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    if not row.is_held_by(actor, at):
        holder = row.holder(at)
        if holder is not None:
            raise NotHeld(_("%(name)s holds this case now.") % {"name": holder}, holder=str(holder))
        raise NotHeld(_("You do not hold this case any more. Take it again; what you typed is kept."))
    contested.refuse_frozen(row, actor)
    return row


@transaction.atomic
def keep(case: Case, *, actor: User, at: datetime) -> Case:
    """Hold a case for another full while, before the claim runs out.

    :raises NotHeld: if it has run out
    """
    row = held(case, actor=actor, at=at)
    row.claimed_until = hold_until(at)
    row.save(update_fields=["claimed_until"])
    log.record("collections.case.kept", row, actor=actor, at=at, until=row.claimed_until)
    return row


@transaction.atomic
def release(case: Case, *, actor: User, at: datetime) -> Case:
    """Give a case back before the claim runs out.

    :raises NotHeld: if `actor` does not hold it
    """
    row = held(case, actor=actor, at=at)
    let_go(row)
    row.save(update_fields=["claimed_by", "claimed_at", "claimed_until"])
    log.record("collections.case.released", row, actor=actor, at=at)
    return row


def let_go(case: Case) -> None:
    case.claimed_by = case.claimed_at = case.claimed_until = None


@transaction.atomic
def release_expired(*, at: datetime) -> int:
    """Take away the claims that ran out; return how many."""
    over = list(
        Case.objects.filter(claimed_by__isnull=False, claimed_until__lte=at).select_for_update(skip_locked=True).order_by("pk")[:1_000]
    )
    Case.objects.filter(pk__in=[case.pk for case in over]).update(claimed_by=None, claimed_at=None, claimed_until=None)
    rows = [log.Row(CASE, case.pk, case.customer_id, {"holder": case.claimed_by_id}) for case in over]
    if rows:
        log.record_many("collections.case.claim_expired", rows, actor=users.system(), at=at)
    return len(over)


@transaction.atomic
def skip(case: Case, *, reason: str, actor: User, at: datetime) -> Skip:
    """Leave a case for somebody else for a while, with the reason; a hold of one's own ends with it.

    :raises CaseClosed: if the case is closed
    :raises Invalid: if the reason is none of the list
    """
    if reason not in Skip.Reason.values:
        sentence = _("Choose why this case is left aside.")
        raise Invalid(sentence, fields={"reason": sentence})
    row = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if not row.is_open:
        raise CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    hours = int(rules.value("collections.skip.hours", on=localtime(at).date()))
    made = Skip.objects.create(case=row, actor=actor, reason=reason, at=at, until=at + timedelta(hours=hours))
    if row.claimed_by_id == actor.pk:
        let_go(row)
        row.save(update_fields=["claimed_by", "claimed_at", "claimed_until"])
    log.record("collections.case.skipped", row, actor=actor, at=at, reason=reason, until=made.until)
    return made


# --- assignment ----------------------------------------------------------------------------------------------------
@transaction.atomic
def assign(case: Case, *, to: User | None, version: int, actor: User, at: datetime) -> Case:
    """Give the case to one person, or back to everybody. Who holds it now may finish.

    :raises CaseClosed: if the case is closed
    :raises Stale: if somebody changed it since `version`
    :raises Unassignable: if `to` may not work this case
    """
    row = standing(case, version=version, to=to)
    if to is not None and contested.is_frozen(row, to):
        sentence = _("A complaint about %(name)s stands on this case: choose another person.") % {"name": to}
        raise Unassignable(sentence, fields={"to": sentence})
    if to is not None and not may_work(to, row):
        sentence = _("%(name)s cannot work this case: role or team does not reach it.") % {"name": to}
        raise Unassignable(sentence, fields={"to": sentence})
    was = row.assigned_to_id
    row.assigned_to, row.team = to, None
    row.version += 1
    row.save(update_fields=["assigned_to", "team", "version"])
    AssignmentMark.objects.filter(case=row).delete()  # a person's word stands in place of the rule's
    log.record("collections.case.assigned", row, actor=actor, at=at, was=was, to=to.pk if to else None)
    return row


def standing(case: Case, *, version: int, to: User | Team | None) -> Case:
    """Return the locked row of an open case that is still as it was read.

    :raises CaseClosed: if the case is closed
    :raises Stale: if somebody changed it since `version`
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("assigned_to").get(pk=case.pk)
    if not row.is_open:
        raise CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    if row.version != version:
        raise Stale(
            _("This case was changed meanwhile. Your change is not saved yet."),
            changes=[
                {
                    "field": "to",
                    "label": _("Assigned to"),
                    "theirs": str(row.assigned_to or _("everybody")),
                    "yours": str(to or _("everybody")),
                }
            ],
            version=row.version,
        )
    return row


@transaction.atomic
def give_to_team(case: Case, team: Team, *, version: int, actor: User, at: datetime) -> Case:
    """Lay the case into a team's queue. Who holds it now may finish.

    :raises CaseClosed: if the case is closed
    :raises Stale: if somebody changed it since `version`
    :raises Unassignable: if the team is of another lender
    """
    row = standing(case, version=version, to=team)
    if team.legal_entity_id != row.legal_entity_id:
        sentence = _("This team is of another lender.")
        raise Unassignable(sentence, fields={"team": sentence})
    was = row.assigned_to_id
    row.assigned_to, row.team = None, team
    row.version += 1
    row.save(update_fields=["assigned_to", "team", "version"])
    AssignmentMark.objects.filter(case=row).delete()
    log.record("collections.case.assigned", row, actor=actor, at=at, was=was, to=None, team=team.pk)
    return row


def may_work(user: User, case: Case) -> bool:
    """Return whether `user` has the right to claim cases and reaches this one."""
    if not user.is_active or not user.has_perm(permissions.CLAIM):
        return False
    own = user.scope == Scope.OWN or bool(user.role and user.role.own_cases)
    return own or Case.objects.visible_to(user).filter(pk=case.pk).exists()
