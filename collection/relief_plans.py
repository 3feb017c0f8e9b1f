"""Doors of relief plans: what a plan would do, propose it, approve it by authority, put it on the loan through credit's door, follow it."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from collection import contested
from collection import hardship as hardships
from collection.models import Hardship, ReliefPlan
from collection.settlement_ladder import allowed
from collection.settlements import AboveAuthority, OwnProposal
from credit import acts, books
from credit.models import Installment, Loan, Transaction
from credit.movements import Preview
from credit.permissions import CONFIRM_SERVICING
from crm.lib.errors import DomainError, Invalid
from crm.lib.templatetags.crm import grouped
from governance import changes, rules
from governance.lifecycle import move
from governance.models import ChangeRequest, User
from ledger import log

ZERO = Decimal("0.00")
AMOUNTS, MONTHS, GRACE = "collections.relief.authority_amount", "collections.relief.authority_months", "collections.relief.grace_days"
Kind, Status = ReliefPlan.Kind, ReliefPlan.Status
ACT = {Kind.EXTENSION: "reschedule", Kind.LOWER: "relief", Kind.RATE: "restructure", Kind.WAIVE: "waiver"}
PARTS = ("interest", "penalty", "fee")
NEEDED = _("This is needed for the plan you chose.")
NEEDS = {
    Kind.EXTENSION: ("more",), Kind.LOWER: ("until", "pays"), Kind.RATE: ("periods", "annual_rate"), Kind.WAIVE: ("part", "amount"),
}  # fmt: skip


class PlanUnderWay(DomainError):
    """One plan of a loan at a time."""

    code = "plan_under_way"


class NotAssessed(DomainError):
    """A plan is made from a finished form."""

    code = "not_assessed"


class NotAffordable(Invalid):
    """More would be paid than is left of a month."""

    code = "not_affordable"


def missing(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sentence for each figure that a plan of this kind needs and that was not given."""
    return {
        name: _("This is needed for the plan you chose.")
        for name in (NEEDS[Kind(kind)] if kind in Kind.values else ())
        if data.get(name) in (None, "")
    }


def chosen(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was chosen as it is stored; `annual_rate` is a share (0.12 for 12 %)."""
    found = {name: data[name] for name in NEEDS[Kind(kind)]}
    stored = {name: value if isinstance(value, int) else str(value) for name, value in found.items()}  # a date by ISO 8601, money exact
    return stored | ({"adds": True} if kind == Kind.LOWER else {})


def read(kind: str, data: dict[str, Any], *, cause: str) -> dict[str, Any]:
    """Return stored choices as the act on the loan takes them."""
    match kind:
        case Kind.EXTENSION:
            return {"more": int(data["more"])}
        case Kind.LOWER:
            return {
                "until": date.fromisoformat(data["until"]), "pays": Decimal(data["pays"]), "adds": bool(data.get("adds")), "evidence": cause,
            }  # fmt: skip
        case Kind.RATE:
            return {"periods": int(data["periods"]), "annual_rate": Decimal(data["annual_rate"]), "capitalises": False}
        case _:
            return {"part": data["part"], "amount": Decimal(data["amount"]), "installment": None}


def preview(hardship: Hardship, *, loan: Loan, kind: str, data: dict[str, Any], at: datetime) -> Preview:
    """Return the loan before and after a plan; nothing is stored.

    :raises DomainError: if it cannot be done
    """
    return acts.preview(loan, acts.ACTS[ACT[Kind(kind)]], read(kind, data, cause=hardship.cause), on=None, at=at)


def given_up(seen: Preview) -> Decimal:
    """Return what the lender gives up: interest, penalty and fees that are no longer to come, never below zero."""
    sums = [sum((row.left(part) for row in state.installments for part in PARTS), ZERO) for state in (seen.before, seen.after)]
    return max(sums[0] - sums[1], ZERO)


def consequences(seen: Preview) -> dict[str, Any]:
    """Return the figures a plan is approved by, as they were shown."""

    def of(state: Any) -> dict[str, str]:
        rows = [row for row in state.installments if row.outstanding > 0]
        return {
            "owed": str(state.balances.total), "principal": str(state.principal_outstanding), "instalments": str(len(rows)),
            "next": str(rows[0].outstanding) if rows else "0.00", "ends": rows[-1].due_on.isoformat() if rows else "",
            "dpd": str(state.delinquency.regulatory_days),
        }  # fmt: skip

    return {"before": of(seen.before), "after": of(seen.after)}


@transaction.atomic
def propose(hardship: Hardship, *, loan: Loan, kind: str, data: dict[str, Any], actor: User, at: datetime) -> ReliefPlan:
    """Propose a plan with its consequences; another person approves it.

    :raises NotAssessed: if the form is not finished
    :raises PlanUnderWay: if the loan has a plan
    :raises NotAffordable: if the lower instalment is above what is left of a month
    :raises Invalid: if the plan cannot be
    """
    row = hardships.locked(hardship, actor=actor)
    if row.status != Hardship.Status.ASSESSED:
        raise NotAssessed(_("A plan is made once the form is finished."))
    if kind not in Kind.values:
        raise Invalid(_("Choose the plan."), fields={"kind": _("Choose the plan.")})
    if not row.case.debts.filter(loan=loan).exists() or loan.status != Loan.Status.OPEN:
        raise Invalid(_("Choose an open loan of this case."), fields={"loan": _("Choose an open loan of this case.")})
    surplus = row.surplus
    if kind == Kind.LOWER and Decimal(data["pays"]) > max(surplus, ZERO):
        words = _("%(left)s are left of a month: an instalment above that will not be kept.") % {"left": grouped(max(surplus, ZERO))}
        raise NotAffordable(words, fields={"pays": words})
    seen = preview(row, loan=loan, kind=kind, data=data, at=at)
    today = books.value_day(loan.legal_entity, at)
    months = reach(kind, data, today)
    try:
        with transaction.atomic():
            made = ReliefPlan.objects.create(
                hardship=row, loan=loan, kind=kind, data=data, given_up=given_up(seen), months=months, seen=consequences(seen),
                proposed_by=actor, proposed_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        if "relief_plan_one_under_way" not in str(error):
            raise
        raise PlanUnderWay(_("%(loan)s has a plan already.") % {"loan": loan.public_id}) from None
    log.record("collections.relief.proposed", made, actor=actor, at=at, **facts(made))
    return made


def reach(kind: str, data: dict[str, Any], today: date) -> int:
    """Return how many months a plan reaches, for the authority it needs."""
    if kind == Kind.EXTENSION:
        return int(data["more"])
    if kind == Kind.LOWER:
        return max(-((today - date.fromisoformat(data["until"])).days // 30), 0)
    return int(data["periods"]) if kind == Kind.RATE else 0


def facts(row: ReliefPlan) -> dict[str, Any]:
    case = row.hardship.case
    return {
        "customer_id": case.customer_id, "case": case.public_id, "loan": row.loan.public_id, "kind": row.kind, "given_up": row.given_up,
        "months": row.months,
    }  # fmt: skip


def locked(plan: ReliefPlan) -> ReliefPlan:
    rows = ReliefPlan.objects.select_for_update(of=("self",)).select_related("hardship__case__legal_entity", "loan__legal_entity")
    return rows.select_related("loan__product", "proposed_by", "hardship__case__customer").get(pk=plan.pk)


def authority_of(user: User, *, on: date) -> tuple[Decimal, int]:
    """Return the amount and the months that `user` may give."""
    role = user.role.code if user.role else ""
    return allowed(rules.value(AMOUNTS, on=on), role), int(allowed(rules.value(MONTHS, on=on), role))


@transaction.atomic
def approve(plan: ReliefPlan, *, actor: User, at: datetime) -> ReliefPlan:
    """Agree to a plan. Credit's door puts it on the loan: at once where `actor` may confirm such acts, else after its second person.

    :raises OwnProposal: if `actor` proposed it
    :raises AboveAuthority: if it gives more than the role of `actor` may
    :raises IllegalMove: if it does not wait for approval
    :raises DomainError: if the loan no longer stands where it can be done
    """
    row = locked(plan)
    contested.refuse_frozen(row.hardship.case, actor)
    today = books.value_day(row.loan.legal_entity, at)
    if row.proposed_by_id == actor.pk:
        raise OwnProposal(_("You proposed this plan: another person approves it."))
    amount, months = authority_of(actor, on=today)
    if row.given_up > amount or row.months > months:
        raise AboveAuthority(
            _(
                "%(amount)s and %(months)s months are above your authority of %(most)s and %(longest)s months. Somebody with more has to approve it."
            )
            % {"amount": grouped(row.given_up), "months": row.months, "most": grouped(amount), "longest": months}
        )
    move(row, Status.APPROVED, actor=actor, at=at, facts=facts(row), approved_by=actor, approved_at=at)
    done = acts.do(
        row.loan, acts.ACTS[ACT[Kind(row.kind)]], read(row.kind, row.data, cause=row.hardship.cause), on=None, why="hardship",
        note=str(_("Relief plan %(plan)s") % {"plan": row.public_id}), actor=row.proposed_by, at=at, key=f"relief:{row.public_id}",
    )  # fmt: skip
    if isinstance(done, ChangeRequest):
        row.change = done
        row.save(update_fields=["change"])
        if done.status == ChangeRequest.Status.OPEN and actor.has_perm(CONFIRM_SERVICING):
            changes.confirm(done, actor=actor, at=at)
        if done.status != ChangeRequest.Status.CONFIRMED:
            return row
    return start(row, actor=actor, at=at)


def start(row: ReliefPlan, *, actor: User, at: datetime) -> ReliefPlan:
    """Note that a plan is on the loan; the request for relief is answered by it."""
    today = books.value_day(row.loan.legal_entity, at)
    row.loan.refresh_from_db()
    until = {Kind.LOWER: lambda: date.fromisoformat(row.data["until"]), Kind.WAIVE: lambda: today}.get(
        Kind(row.kind), lambda: row.loan.matures_on
    )()
    move(row, Status.RUNNING, actor=actor, at=at, facts=facts(row), starts_on=today, until=until)
    owner = hardships.locked(row.hardship, actor=actor)
    if owner.is_open:
        hardships.ended(owner, Hardship.Status.GRANTED, actor=actor, at=at)
    if row.kind == Kind.WAIVE:
        move(row, Status.KEPT, actor=actor, at=at, facts=facts(row), ended_on=today)  # there is nothing to keep
    return row


@transaction.atomic
def refuse(plan: ReliefPlan, *, actor: User, at: datetime) -> ReliefPlan:
    """Do not agree to a plan.

    :raises IllegalMove: if it is on the loan or over
    """
    row = locked(plan)
    contested.refuse_frozen(row.hardship.case, actor)
    return move(row, Status.REFUSED, actor=actor, at=at, facts=facts(row), ended_on=books.value_day(row.loan.legal_entity, at))


@transaction.atomic
def decided(change: ChangeRequest, *, actor: User, at: datetime) -> None:
    """Follow what credit's second person said to a plan that waited for them."""
    plan = ReliefPlan.objects.filter(change=change, status=Status.APPROVED).first()
    if plan is None:
        return
    row = locked(plan)
    if row.status != Status.APPROVED:
        return
    if change.status == ChangeRequest.Status.CONFIRMED:
        start(row, actor=actor, at=at)
    elif change.status != ChangeRequest.Status.OPEN:
        move(row, Status.REFUSED, actor=actor, at=at, facts=facts(row), ended_on=books.value_day(row.loan.legal_entity, at))


@transaction.atomic
def follow(customer_ids: Collection[int], *, actor: User, at: datetime) -> int:
    """Judge the running plans of these customers: broken when an instalment since then stays unpaid, kept when their last day is over."""
    rows = (
        ReliefPlan.objects.filter(loan__customer__in=customer_ids, status=Status.RUNNING)
        .select_for_update(of=("self",))
        .select_related("loan__legal_entity", "hardship__case__customer")
        .order_by("pk")
    )
    changed = 0
    for row in rows:
        closed = row.loan.legal_entity.business_date - timedelta(days=1)
        grace = int(rules.value(GRACE, on=closed))
        missed = Installment.objects.filter(loan=row.loan, due_on__gte=row.starts_on, due_on__lt=closed - timedelta(days=grace)).exclude(
            status=Installment.Status.PAID
        )
        over = row.until is not None and row.until < closed
        if missed.exists():
            to = Status.BROKEN
        elif over or row.loan.status != Loan.Status.OPEN:
            to = Status.KEPT
        else:
            continue
        move(row, to, actor=actor, at=at, facts=facts(row), ended_on=row.loan.legal_entity.business_date)
        changed += 1
    return changed


def moved(plan: ReliefPlan) -> Transaction | None:
    """Return what credit's door made of a plan, None before."""
    return Transaction.objects.filter(loan=plan.loan, key=f"relief:{plan.public_id}").first()
