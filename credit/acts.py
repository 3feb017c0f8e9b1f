"""What staff do to a loan beyond taking money in: prepay a part, charge, waive, reschedule, restructure, accelerate, write off, recover, cancel.

Each act is declared once: who may do it, whether a second person has to confirm it, and how what was typed becomes a transaction that
`credit/movements.py` plays. A page shows what it would change before anybody confirms.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credit import act_builds, applications, class_marks, contract_terms, deaths, line_acts, movements, permissions, repayments, tranches
from credit.models import Loan, PayoffQuote, Refund, Transaction
from credit.movements import Preview
from credit.state import State
from credit.terms import Refused, Terms
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import total
from crm.lib.registry import Registry
from crm.lib.templatetags.crm import grouped, percent
from governance import changes, rules
from governance.changes import Line
from governance.lifecycle import move
from governance.models import ChangeRequest, User
from ledger import log

ZERO = Decimal("0.00")
LATEST = timedelta(days=366)
CHANGE = "credit.loan_act"
COOLING_OFF = "credit.cooling_off.days"
Kind = Transaction.Kind
Built = tuple[Decimal, dict[str, Any]]  # amount and details of the transaction


class Why(models.TextChoices):
    """Why it is done; words about a person have no place here."""

    AGREED = "agreed", _("Agreed with the customer")
    HARDSHIP = "hardship", _("Hardship of the customer")
    GOODWILL = "goodwill", _("Goodwill")
    OUR_ERROR = "our_error", _("Our own mistake")
    CONTRACT = "contract", _("As the contract says")
    LEGAL = "legal", _("Decision of a court or authority")
    DECEASED = "deceased", _("The customer has died")
    RISK = "risk", _("Signs of risk")


class NotOnThisLoan(DomainError):
    """The act is not for a loan that stands where this one does."""

    code = "act_not_on_this_loan"


class CoolingOffOver(DomainError):
    """A contract is cancelled only within the days the rule gives."""

    code = "cooling_off_over"


class Promised(DomainError):
    """A refund under way takes money this act would need."""

    code = "refund_under_way"


def _never(loan: Loan, amount: Decimal, actor: User) -> bool:
    return False


@dataclass(frozen=True)
class Act:
    """One thing done to a loan."""

    kind: str
    label: Any
    explained: Any
    permission: str
    build: Callable[[Loan, dict[str, Any], date], Built]
    fields: tuple[str, ...] = ()
    statuses: tuple[str, ...] = (Loan.Status.OPEN,)
    two: Callable[[Loan, Decimal, User], bool] = _never
    icon: str = "loan"
    danger: bool = False
    verb: Any = ""  # what the button says, where the label is no verb
    fits: Callable[[Loan], bool] = lambda loan: True
    of: Literal["loan", "line", "both"] = "loan"  # a loan with a schedule, a revolving line, or either

    def of_this(self, loan: Loan) -> bool:
        """Return whether it is done to loans of this sort."""
        return self.of == "both" or (self.of == "line") == loan.revolving

    @property
    def may_wait(self) -> bool:
        """Whether a second person may have to confirm it: by what is asked, or by how much."""
        return self.two is not _never


ACTS: Registry[Act] = Registry("loan act")


def _always(loan: Loan, amount: Decimal, actor: User) -> bool:
    return True


def _above_authority(loan: Loan, amount: Decimal, actor: User) -> bool:
    """Return whether a waiver is above what the actor's role may give up on one loan, with what was waived before."""
    limit = actor.role.waiver_limit if actor.role else None
    before = loan.transactions.filter(kind=Kind.WAIVER, reversal__isnull=True).values_list("amount", flat=True)
    return limit is None or amount + total(list(before)) > limit


# --- how what was typed becomes a transaction ----------------------------------------------------------------------
def _charge(loan: Loan, data: dict[str, Any], on: date) -> Built:
    due_on = data.get("due_on") or on
    if not loan.starts_on <= due_on <= loan.matures_on + LATEST:
        sentence = _("Choose a day between the start of the loan and a year after its end.")
        raise Invalid(sentence, fields={"due_on": sentence})
    return data["amount"], {"part": data["charge_part"], "due_on": due_on.isoformat()}


def _waiver(loan: Loan, data: dict[str, Any], on: date) -> Built:
    return data["amount"], {"part": data["part"], "installment": data.get("installment")}


def _reschedule(loan: Loan, data: dict[str, Any], on: date) -> Built:
    next_due = data.get("next_due_on")
    if next_due is not None and not on < next_due <= on + LATEST:
        sentence = _("Choose a day after the one it counts for, within a year.")
        raise Invalid(sentence, fields={"next_due_on": sentence})
    details = {
        "more": data.get("more") or 0,
        "due_day": data.get("due_day"),
        "next_due_on": next_due.isoformat() if next_due else None,
    }
    if not any(details.values()):
        sentence = _("Say what changes: more periods, another day of the month, or another next due date.")
        raise Invalid(sentence, fields={"more": sentence})
    return ZERO, details


def _restructure(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the new terms: those of the contract with other periods and another rate, from `on`."""
    now = contract_terms.of(loan)
    try:
        terms = Terms.from_json(
            now.to_json()
            | {"periods": data["periods"], "annual_rate": str(data["annual_rate"]), "starts_on": on.isoformat()}
            | {"first_due_on": None, "principal": str(loan.principal_outstanding), "fees": [], "grace_on_principal": 0}
            | {"grace_on_interest": 0, "interest_free": 0, "down_payment": "0"}
        )
    except Refused as error:
        raise Invalid(movements.sentence(error), fields={"periods": movements.sentence(error)}) from None
    return ZERO, {"terms": terms.to_json(), "capitalises": bool(data.get("capitalises"))}


def _nothing(loan: Loan, data: dict[str, Any], on: date) -> Built:
    return ZERO, {}


def _money(loan: Loan, data: dict[str, Any], on: date) -> Built:
    return data["amount"], {}


def _cancellation(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the cancellation: the principal comes back whole. A product may give more days than the rule, never fewer.

    :raises CoolingOffOver: after those days
    """
    last = _cooling_off_ends(loan)
    if on > last:
        raise CoolingOffOver(_("The cooling-off period ended on %(day)s.") % {"day": last.isoformat()})
    return loan.principal_outstanding, {}


def _cooling_off_ends(loan: Loan) -> date:
    days = max(int(rules.value(COOLING_OFF, on=loan.starts_on)), contract_terms.said(loan.product, "cooling_off_days"))
    return loan.starts_on + timedelta(days=days)


def _act(kind: str, label: Any, explained: Any, permission: str, build: Callable[..., Built], *fields: str, **more: Any) -> None:
    ACTS.register(kind, Act(kind, label, explained, permission, build, fields, **more))


_act(
    Kind.PREPAYMENT, _("Prepay a part"), _("Money pays what is due, then principal before its time."), permissions.RECORD_REPAYMENT,
    act_builds.prepayment, "amount", "keeps", "channel", "reference", icon="repayment", fits=act_builds.prepays_in_part,
)  # fmt: skip
_act(
    Kind.CHARGE, _("Put on a charge"), _("A fee or penalty the contract allows."), permissions.SERVICE_LOAN, _charge, "charge_part",
    "amount", "due_on",
)  # fmt: skip
_act(
    Kind.WAIVER, _("Waive"), _("Give up interest, a fee or penalty that is owed. Above your authority a second person confirms it."),
    permissions.WAIVE, _waiver, "part", "amount", "installment", two=_above_authority, of="both",
)  # fmt: skip
_act(
    Kind.RESCHEDULE, _("Change the schedule"), _("Spread what is not due yet over more periods or other days; the rate stays."),
    permissions.SERVICE_LOAN, _reschedule, "more", "due_day", "next_due_on", icon="history",
)  # fmt: skip
_act(
    Kind.RESTRUCTURE, _("Restructure"), _("New terms for all that is unpaid. The loan is watched for at least a year and two periods."),
    permissions.RESTRUCTURE, _restructure, "periods", "annual_rate", "capitalises", two=_always, icon="history",
)  # fmt: skip
_act(
    Kind.ACCELERATION, _("Demand the whole balance"), _("All principal is due at once, with the interest to the day."),
    permissions.RESTRUCTURE, act_builds.acceleration, "notice_on", "notice_number", two=_always, danger=True,
)  # fmt: skip
_act(
    Kind.CHARGE_OFF, _("Charge off"), _("The loan leaves the books as an asset; it goes on being owed and collected."),
    permissions.RESTRUCTURE, _nothing, two=_always, danger=True, fits=lambda loan: loan.charged_off_on is None, of="both",
)  # fmt: skip
_act(
    Kind.WRITE_OFF, _("Write off"), _("All that is unpaid is a loss. Money that comes later is a recovery."), permissions.RESTRUCTURE,
    _nothing, two=_always, danger=True, of="both",
)  # fmt: skip
_act(
    Kind.RECOVERY, _("Record a recovery"), _("Money that comes after the write-off."), permissions.RECORD_REPAYMENT, _money, "amount",
    "channel", "reference", statuses=(Loan.Status.WRITTEN_OFF,), icon="repayment", of="both",
)  # fmt: skip
_act(
    Kind.CANCELLATION, _("Cancel the contract"), _("In the cooling-off period: the principal comes back, nothing else is owed."),
    permissions.RECORD_REPAYMENT, _cancellation, "channel", "reference", danger=True,
    fits=lambda loan: loan.closed_on < _cooling_off_ends(loan),
)  # fmt: skip
_act(
    Kind.RELIEF, _("Hardship relief"), _("Lower instalments, or none, until a day; the rest is spread over what comes after it."),
    permissions.RESTRUCTURE, act_builds.relief, "until", "pays", "adds", "evidence", two=_always, icon="history",
)  # fmt: skip
_act(
    Kind.DEATH, _("The customer has died"), _("Penalty ends on the day of death and every way of contact is stopped. Heirs are recorded as relations."),
    permissions.SERVICE_LOAN, act_builds.death, "died_on", "insurance", icon="person",
    verb=_("Record the death"), of="both",
)  # fmt: skip
_act(
    Kind.SALE, _("Sell the loan"), _("The loan leaves the books for a price. Money that comes later is the buyer's."),
    permissions.RESTRUCTURE, act_builds.sale, "amount", "buyer", "reference", two=_always, danger=True, of="both",
)  # fmt: skip
_act(
    Kind.DISBURSEMENT, _("Pay out another part"), _("Money of what was approved goes out; what is not due yet is spread anew with it."),
    permissions.SERVICE_LOAN, tranches.build, "amount", two=_always, icon="money", fits=tranches.more,
)  # fmt: skip

# --- revolving lines -----------------------------------------------------------------------------------------------
_act(
    Kind.DRAW, _("Draw"), _("Money of what the limit leaves goes out; what it costs a day is said beside."), permissions.DRAW_LINE,
    line_acts.draw, "amount", icon="money", of="line", fits=lambda loan: loan.undrawn > 0,
)  # fmt: skip
_act(
    Kind.LIMIT, _("Change the limit"), _("A lower limit holds at once, not below what is drawn; a higher one is confirmed by a second person."),
    permissions.CHANGE_LIMIT, line_acts.limit, "amount", two=line_acts.raises_limit, of="line",
)  # fmt: skip
_act(
    Kind.FREEZE, _("Freeze the line"), _("Nothing is drawn until it is given free; what is drawn goes on as it is."), permissions.FREEZE_LINE,
    line_acts.freeze, of="line", danger=True, fits=lambda loan: not line_acts.is_frozen(loan),
)  # fmt: skip
_act(
    Kind.UNFREEZE, _("Give the line free"), _("It can be drawn from again."), permissions.FREEZE_LINE, line_acts.unfreeze, of="line",
    fits=line_acts.is_frozen,
)  # fmt: skip
_act(
    Kind.CLOSURE, _("Close the line"), _("A line on which nothing is owed ends before its day."), permissions.CHANGE_LIMIT, line_acts.close,
    of="line", danger=True, fits=lambda loan: not loan.principal_outstanding,
)  # fmt: skip


def open_to(user: User, loan: Loan) -> list[Act]:
    """Return what `user` may do to `loan` as it stands."""
    return [
        act
        for _kind, act in ACTS.items()
        if loan.status in act.statuses and act.of_this(loan) and user.has_perm(act.permission) and act.fits(loan)
    ]


def asks_second(loan: Loan, act: Act, user: User) -> bool:
    """Return whether the smallest such act of `user` on `loan` needs a second person."""
    return act.two(loan, ZERO, user)


# --- before and after ----------------------------------------------------------------------------------------------
def preview(loan: Loan, act: Act, data: dict[str, Any], *, on: date | None, at: datetime) -> Preview:
    """Return what an act would do; nothing is stored.

    :raises DomainError: if it cannot be done
    """
    on = repayments.counts_for(loan, on, at=at)
    _stands(loan, act)
    amount, details = act.build(loan, data, on)
    return movements.preview(loan, kind=act.kind, amount=amount, on=on, details=details, as_of=max(on, loan.closed_on))


def _stands(loan: Loan, act: Act) -> None:
    if not act.of_this(loan):
        if loan.revolving:
            raise line_acts.NotOfALine(_("%(loan)s is a revolving line: this is done to loans with a schedule.") % {"loan": loan})
        raise line_acts.OnlyOfALine(_("%(loan)s is no revolving line: this is done to lines only.") % {"loan": loan})
    if loan.status not in act.statuses:
        raise NotOnThisLoan(_("%(loan)s is “%(status)s”: this cannot be done to it.") % {"loan": loan, "status": loan.get_status_display()})


@transaction.atomic
def do(
    loan: Loan, act: Act, data: dict[str, Any], *, on: date | None, why: str, note: str = "", actor: User, at: datetime, key: str
) -> Transaction | ChangeRequest:
    """Do an act, or propose it where a second person has to confirm it; `on` is the day it counts for.

    :raises NotOnThisLoan: if the loan does not stand where it can be done
    :raises Invalid: if what was typed cannot be
    """
    if why not in Why.values:
        raise Invalid(_("Choose why it is done."), fields={"why": _("Choose why it is done.")})
    loan = repayments.locked(loan.pk)  # before authority is looked at: two waivers at once add up too
    known = _known(loan, act, key)
    if known is not None:
        return known
    on = repayments.counts_for(loan, on, at=at)
    _stands(loan, act)
    amount, details = act.build(loan, data, on)
    if amount:
        repayments.checked_amount(amount)
    if act.two(loan, amount, actor):
        seen = movements.preview(loan, kind=act.kind, amount=amount, on=on, details=details)
        after = {
            "version": loan.version,
            "act": str(act.kind),
            "amount": str(amount),
            "details": details,
            "on": on.isoformat(),
            "why": why,
            "key": key,
            "channel": data.get("channel", ""),
            "reference": data.get("reference", ""),
            "principal": [str(seen.before.principal_outstanding), str(seen.after.principal_outstanding)],
            "owed": [str(seen.before.balances.total), str(seen.after.balances.total)],
            "left": [_left(seen.before), _left(seen.after)],
        }
        return changes.propose(CHANGE, loan.public_id, after=after, reason=note or str(Why(why).label), actor=actor, at=at)
    return perform(
        loan, act, amount, details, on=on, why=why, actor=actor, at=at, key=key, channel=data.get("channel", ""),
        reference=data.get("reference", ""),
    )  # fmt: skip


def _left(state: State) -> list[str]:
    """Return what is still to be paid, for the second person: how many instalments, the next one, the last day."""
    rows = [row for row in state.installments if row.outstanding > 0]
    return [str(len(rows)), str(rows[0].outstanding), rows[-1].due_on.isoformat()] if rows else ["0", "0.00", ""]


def perform(
    loan: Loan, act: Act, amount: Decimal, details: dict[str, Any], *, on: date, why: str, actor: User, at: datetime, key: str,
    channel: str = "", reference: str = "",
) -> Transaction:  # fmt: skip
    loan = repayments.locked(loan.pk)
    known = _known(loan, act, key)
    if known is not None:
        return known
    on = repayments.counts_for(loan, on, at=at)  # its month may have been closed since it was proposed
    _stands(loan, act)
    if act.kind == Kind.LIMIT:
        line_acts.room_for(loan, amount, on=on)  # the cap may have filled since it was proposed
    dpd_was = loan.dpd
    if act.kind == Kind.DEATH and not loan.terms:
        loan.terms = contract_terms.of(loan).to_json()  # the column of the penalty rate ends with the customer
        loan.save(update_fields=["terms"])
    movement, made = movements.record(
        loan, kind=act.kind, amount=amount, on=on, details=details | {"why": why}, actor=actor, at=at, key=key, channel=channel,
        reference=reference,
    )  # fmt: skip
    held = loan.refunds.filter(status__in=Refund.HOLDING).values_list("amount", flat=True)
    if made.after.overpayment < total(list(held)):
        raise Promised(_("A refund of money held on this loan is under way: decline it or wait for it first."))
    for quote in PayoffQuote.objects.select_for_update().filter(loan=loan, status=PayoffQuote.Status.ISSUED):
        move(quote, PayoffQuote.Status.SUPERSEDED, actor=actor, at=at, facts={"loan": loan.public_id})
    log.record(
        f"credit.movement.{act.kind}",
        loan,
        actor=actor,
        at=at,
        customer_id=loan.customer_id,
        loan=loan.public_id,
        transaction=movement.public_id,
        amount=movement.amount,
        value_on=on,
        why=why,
        dpd_was=dpd_was,
        dpd=loan.dpd,
    )
    movements.keep(loan, made.after, actor=actor, at=at)
    if act.kind == Kind.RESTRUCTURE or (act.kind == Kind.RELIEF and rules.value(act_builds.RELIEF_WATCHED, on=on)):
        class_marks.watch(loan, on=on, actor=actor, at=at)
    if act.kind == Kind.DEATH:
        deaths.stop_contact(loan, actor=actor, at=at)
    return movement


def _known(loan: Loan, act: Act, key: str) -> Transaction | None:
    """Return the transaction of `loan` that `key` names already.

    :raises KeyUsed: if it is of another kind
    """
    known = Transaction.objects.filter(loan=loan, key=key).first()
    if known is not None and known.kind != act.kind:
        raise repayments.KeyUsed(_("This key was used for another movement of the loan."))
    return known


# --- the second person ---------------------------------------------------------------------------------------------
def _loan(subject: str) -> Loan:
    return Loan.objects.select_related("legal_entity", "product").get(public_id=subject)


def _standing(subject: str) -> dict[str, Any]:
    """Return what the difference was made against: money that moved since makes it another one."""
    loan = _loan(subject)
    return {"version": loan.version, "status": str(loan.status)}


def _validate(subject: str, after: dict[str, Any]) -> None:
    loan = _loan(subject)
    on, amount = date.fromisoformat(after["on"]), Decimal(after["amount"])
    movements.preview(loan, kind=after["act"], amount=amount, on=on, details=after["details"])


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    act = ACTS[after["act"]]
    lines = [Line(_("What is done"), "", act.label), Line(_("Counts for"), "", after["on"]), Line(_("Why"), "", Why(after["why"]).label)]
    if Decimal(after["amount"]):
        lines.append(Line(_("Amount (CNY)"), "", grouped(Decimal(after["amount"]))))
    for label, name in ((_("Principal left (CNY)"), "principal"), (_("Owed in all (CNY)"), "owed")):
        was, will = (grouped(Decimal(each)) for each in after[name])
        lines.append(Line(label, was, will))
    if "left" in after:  # proposals of before do not say it
        (number, following, last), (number_then, following_then, last_then) = after["left"]
        told = (
            (_("Instalments unpaid"), number, number_then), (_("The next of them (CNY)"), grouped(Decimal(following)), grouped(Decimal(following_then))),
            (_("Ends"), last, last_then),
        )  # fmt: skip
        lines += [Line(label, was, will) for label, was, will in told if was != will]
    details = after["details"]
    if "terms" in details:
        lines.append(Line(_("Periods"), "", details["terms"]["periods"]))
        lines.append(Line(_("Annual rate"), "", percent(Decimal(details["terms"]["annual_rate"]), 2)))
    lines += act_builds.lines(details)
    if details.get("part"):
        lines.append(Line(_("Of"), "", dict(PART_CHOICES).get(details["part"], details["part"])))
    return lines


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> Transaction:
    act, loan, amount = ACTS[after["act"]], _loan(subject), Decimal(after["amount"])
    if act.kind == Kind.LIMIT:  # more is lent than was approved: by somebody who may approve as much
        applications.check_authority(amount, actor=actor)
    return perform(
        loan, act, amount, after["details"], on=date.fromisoformat(after["on"]), why=after["why"],
        actor=actor, at=at, key=after["key"], channel=after["channel"], reference=after.get("reference", ""),
    )  # fmt: skip


def _name(subject: str, after: dict[str, Any]) -> Any:
    act = ACTS.get(str(after.get("act")))
    return f"{subject}: {act.label}" if act else subject


PART_CHOICES = [("penalty", _("Penalty")), ("fee", _("Fee")), ("interest", _("Interest"))]

changes.KINDS.register(
    CHANGE,
    changes.Kind(
        label=_("Act on a loan"), check=permissions.CONFIRM_SERVICING, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=_name, url=lambda subject: reverse("loan", args=[subject]),
    ),
)  # fmt: skip
