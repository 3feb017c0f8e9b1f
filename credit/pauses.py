"""Doors of a pause: days that treatment does not count. Class, stage and bureau go on counting."""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from credit import repayments
from credit.models import DelinquencyPause, Loan
from crm.lib.errors import DomainError, Invalid
from governance.models import User
from ledger import log

LONGEST = 366


class PauseNotPossible(Invalid):
    """The days asked for cannot be left out."""

    code = "pause_not_possible"


class PauseOverlaps(DomainError):
    """Some of the days are paused already."""

    code = "pause_overlaps"


class NotPaused(DomainError):
    """There is no pause that could be ended."""

    code = "not_paused"


@transaction.atomic
def pause(loan: Loan, *, from_on: date, until_on: date, reason: str, actor: User, at: datetime) -> DelinquencyPause:
    """Let treatment not count the days from `from_on` up to, and without, `until_on`.

    :raises PauseNotPossible: if the days are closed already, in the wrong order, or more than a year
    :raises PauseOverlaps: if some of them are paused
    """
    loan = repayments.locked(loan.pk)
    opened = loan.legal_entity.business_date
    if loan.status != Loan.Status.OPEN:
        raise PauseNotPossible(_("%(loan)s is settled: nothing of it is counted any more.") % {"loan": loan})
    sentence: Any
    if from_on < opened:
        sentence = _("The books are open from %(day)s on: days before it are counted already.") % {"day": opened.isoformat()}
        raise PauseNotPossible(sentence, fields={"from_on": sentence})
    if until_on <= from_on:
        sentence = _("The day it counts again has to come after the first day of the pause.")
        raise PauseNotPossible(sentence, fields={"until_on": sentence})
    if (until_on - from_on).days > LONGEST:
        sentence = _("A pause lasts a year at most.")
        raise PauseNotPossible(sentence, fields={"until_on": sentence})
    if reason not in DelinquencyPause.Reason.values:
        raise PauseNotPossible(_("Choose a reason of the list."), fields={"reason": _("Choose a reason of the list.")})
    try:
        with transaction.atomic():
            made = DelinquencyPause.objects.create(loan=loan, from_on=from_on, until_on=until_on, reason=reason, made_by=actor, made_at=at)
    except IntegrityError as error:
        if "pauses_do_not_overlap" not in str(error):
            raise
        raise PauseOverlaps(_("Some of these days are paused already.")) from None
    _told("credit.loan.paused", made, actor=actor, at=at)
    return made


@transaction.atomic
def resume(loan: Loan, *, actor: User, at: datetime) -> DelinquencyPause:
    """Let treatment count again from the open business date on; a pause that has not begun is taken back.

    :raises NotPaused: if no pause runs or is to come
    """
    loan = repayments.locked(loan.pk)
    opened = loan.legal_entity.business_date
    running = loan.pauses.filter(until_on__gt=opened).order_by("from_on").first()
    if running is None:
        raise NotPaused(_("%(loan)s is not paused.") % {"loan": loan})
    running.until_on = max(opened, running.from_on)
    running.resumed_by, running.resumed_at = actor, at
    running.save(update_fields=["until_on", "resumed_by", "resumed_at"])
    _told("credit.loan.resumed", running, actor=actor, at=at)
    return running


def _told(event: str, made: DelinquencyPause, *, actor: User, at: datetime) -> None:
    log.record(event, made.loan, actor=actor, at=at, pause=made.public_id, from_on=made.from_on, until_on=made.until_on, reason=made.reason)
