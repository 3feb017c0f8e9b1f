"""Work of strategies that nobody waits for: releases whose moment has come, stop rules, challengers in the shadow."""

from celery import shared_task
from django.utils.timezone import now

from governance import users
from ledger import log
from ledger.models import Entry
from risk import strategy_life, trials
from risk.models import Decision


@shared_task
def release_due(**_: object) -> list[str]:
    """Each minute: let scheduled versions go live whose moment has come."""
    return [str(version) for version in strategy_life.release_due(at=now(), actor=users.system())]


@shared_task
def check_trials(**_: object) -> list[str]:
    """Each ten minutes: end trials whose stop rule holds."""
    return [trial.public_id for trial in trials.check_running(at=now(), actor=users.system())]


@log.on("risk.decision.made")
def judge_in_shadow(*, entry: Entry, **_: object) -> None:
    """Let the challengers in the shadow judge what was just decided."""
    decision = Decision.objects.filter(pk=entry.subject_id).first()
    if decision is not None:
        trials.judge_in_shadow(decision, at=now())
