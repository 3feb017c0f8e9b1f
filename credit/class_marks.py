"""Doors of an override: a person says a loan is worse than its days; another decides, a third approves. Never better."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from credit import classification, close_rules, four_eyes, repayments
from credit.models import ClassMark, Loan
from crm.lib.dates import add_months
from crm.lib.errors import DomainError, Invalid, Stale
from governance import rules
from governance.lifecycle import move
from governance.models import User
from ledger import log

LONGEST = 500


class NotWorse(Invalid):
    """An override makes a class worse; nothing makes it better than the rule says."""

    code = "override_not_worse"


class OverrideWaits(DomainError):
    """One override of a loan waits at a time."""

    code = "override_waits"


@transaction.atomic
def propose(loan: Loan, *, risk_class: int, reason: str, note: str, until_on: date | None = None, actor: User, at: datetime) -> ClassMark:
    """Say initially that `loan` is of a graver class than the rule found; it counts once two more people agree.

    :raises NotWorse: if the class is not graver than today's
    :raises OverrideWaits: if another override of the loan waits
    """
    loan = repayments.locked(loan.pk)
    note = note.strip()
    if loan.status != Loan.Status.OPEN:
        raise NotWorse(_("%(loan)s is settled and has no class any more.") % {"loan": loan})
    if not loan.risk_class < risk_class <= classification.LOSS:
        sentence = _("Choose a class graver than the one the rule found.")
        raise NotWorse(sentence, fields={"risk_class": sentence})
    if reason not in ClassMark.Reason.values or reason == ClassMark.Reason.RESTRUCTURED:
        sentence = _("Choose a reason of the list.")
        raise Invalid(sentence, fields={"reason": sentence})
    if not note or len(note) > LONGEST:
        sentence = _("Say what was found, in at most 500 characters: two more people decide by it.")
        raise Invalid(sentence, fields={"note": sentence})
    if until_on is not None and until_on <= loan.legal_entity.business_date:
        sentence = _("It has to end after the open business date.")
        raise Invalid(sentence, fields={"until_on": sentence})
    try:
        with transaction.atomic():
            made = ClassMark.objects.create(
                loan=loan, risk_class=risk_class, rule_class=loan.risk_class, reason=reason, note=note, until_on=until_on, made_by=actor,
                made_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        if "class_mark_one_waits" not in str(error):
            raise
        raise OverrideWaits(_("An override of %(loan)s waits already.") % {"loan": loan}) from None
    log.record("credit.class_mark.initial", made, actor=actor, at=at, customer_id=loan.customer_id, **_facts(made))
    return made


@transaction.atomic
def decide(mark: ClassMark, *, actor: User, at: datetime, version: int | None = None) -> ClassMark:
    """Agree as the second person.

    :raises SamePerson: if `actor` proposed it
    """
    row = _locked(mark, version)
    four_eyes.check(row.made_by_id, actor=actor)
    return _moved(row, ClassMark.Status.DECIDED, actor=actor, at=at, decided_by=actor, decided_at=at)


@transaction.atomic
def approve(mark: ClassMark, *, actor: User, at: datetime, version: int | None = None) -> ClassMark:
    """Agree as the third person: it counts from the close of the open business date on.

    :raises SamePerson: if `actor` proposed or decided it
    """
    row = _locked(mark, version)
    for first in (row.made_by_id, row.decided_by_id):
        if first is not None:
            four_eyes.check(first, actor=actor)
    return _moved(
        row, ClassMark.Status.APPROVED, actor=actor, at=at, approved_by=actor, approved_at=at, from_on=row.loan.legal_entity.business_date
    )


@transaction.atomic
def refuse(mark: ClassMark, *, actor: User, at: datetime, version: int | None = None) -> ClassMark:
    """Say no as the second or third person, or take back what one proposed."""
    return _moved(_locked(mark, version), ClassMark.Status.REFUSED, actor=actor, at=at)


@transaction.atomic
def watch(loan: Loan, *, on: date, actor: User, at: datetime) -> ClassMark:
    """Put a floor under a loan that was restructured `on`, for its watch period: two periods, and a year at least.

    Called by the door that restructures, within its transaction and under its own four eyes.
    """
    held = rules.together(close_rules.RESTRUCTURED_FLOOR, close_rules.WATCH_MONTHS, close_rules.WATCH_PERIODS, on=on)
    periods = held[close_rules.WATCH_PERIODS].value
    later = list(loan.installments.filter(due_on__gt=on).order_by("due_on").values_list("due_on", flat=True)[:periods])
    until_on = add_months(on, held[close_rules.WATCH_MONTHS].value)
    if periods and len(later) == periods:
        until_on = max(until_on, later[-1])
    made = ClassMark.objects.create(
        loan=loan, kind=ClassMark.Kind.RESTRUCTURED, risk_class=held[close_rules.RESTRUCTURED_FLOOR].value, rule_class=loan.risk_class,
        reason=ClassMark.Reason.RESTRUCTURED, status=ClassMark.Status.APPROVED, from_on=on, until_on=until_on, made_by=actor, made_at=at,
    )  # fmt: skip
    log.record("credit.class_mark.watched", made, actor=actor, at=at, customer_id=loan.customer_id, until_on=until_on, **_facts(made))
    return made


def unwatch(loan: Loan, *, on: date, actor: User, at: datetime) -> None:
    """End the watch of a restructuring of `on` that was taken back: from the next close it puts no floor any more."""
    for mark in ClassMark.objects.select_for_update().filter(loan=loan, kind=ClassMark.Kind.RESTRUCTURED, from_on=on).order_by("pk"):
        mark.until_on = max(on + timedelta(days=1), loan.legal_entity.business_date)
        mark.save(update_fields=["until_on"])
        log.record("credit.class_mark.unwatched", mark, actor=actor, at=at, customer_id=loan.customer_id, **_facts(mark))


def _locked(mark: ClassMark, version: int | None) -> ClassMark:
    repayments.locked(mark.loan_id)
    row = ClassMark.objects.select_for_update(of=("self",)).select_related("loan__legal_entity").get(pk=mark.pk)
    if version is not None and row.version != version:
        raise Stale(_("%(record)s was changed meanwhile: look at it again.") % {"record": row})
    return row


def _moved(row: ClassMark, to: str, *, actor: User, at: datetime, **changes: Any) -> ClassMark:
    return move(row, to, actor=actor, at=at, event=f"credit.class_mark.{to}", facts=_facts(row), **changes)


def _facts(mark: ClassMark) -> dict[str, Any]:
    return {"loan": mark.loan.public_id, "risk_class": mark.risk_class, "rule_class": mark.rule_class, "reason": mark.reason}
