"""Experiments between treatment strategies: a challenger on a share of the customers, and a part who are only reminded.

Planned by one person, started by another; the challenger itself was approved by a second person. A customer stays in one arm: a hash of the
experiment's salt and the customer decides, nobody else. It is read by cash, cures, cost and complaints, never by the number of contacts.
"""

import secrets
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from collection import treatment_results, treatment_shape
from collection.models import TreatmentExperiment
from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance.lifecycle import move
from governance.models import User
from ledger import log
from risk.models import StrategyVersion

Status = TreatmentExperiment.Status
APPROVED = ("approved", "scheduled", "live", "retired")


class UnfitChallenger(Invalid):
    """This version cannot be tried on customers."""

    code = "unfit_challenger"


class RunsAlready(DomainError):
    """One experiment runs at a time."""

    code = "experiment_runs"


class OwnExperiment(NotAllowed):
    """Nobody starts what they planned."""

    code = "own_experiment"


def champion() -> StrategyVersion | None:
    """Return the version that treats cases now."""
    return StrategyVersion.objects.filter(strategy__code=treatment_shape.CODE, status="live").select_related("strategy").first()


@transaction.atomic
def plan(
    *,
    why: str,
    challenger: StrategyVersion | None,
    challenger_share: int,
    holdout_share: int,
    minimum_sample: int,
    stop_complaints: int,
    actor: User,
    at: datetime,
    salt: str = "",
) -> TreatmentExperiment:
    """Plan an experiment against what is live.

    :param challenger_share: per cent of the customers, at most 50; 0 without a challenger
    :param holdout_share: per cent who are only reminded, at most 30
    :param stop_complaints: complaints per 10,000 contacts above the champion's that end it
    :raises UnfitChallenger: if the version is of another kind, was never approved, or is what is live
    :raises Invalid: for shares that leave nothing to compare
    """
    live = champion()
    if live is None:
        raise UnfitChallenger(_("No treatment strategy is live."), fields={"challenger": _("Release a strategy first.")})
    if challenger is not None and (
        challenger.strategy.kind != treatment_shape.KIND or challenger.status not in APPROVED or challenger.pk == live.pk
    ):
        sentence = _("Choose a version of a treatment strategy that a second person approved, other than the live one.")
        raise UnfitChallenger(sentence, fields={"challenger": sentence})
    if not 0 <= challenger_share <= 50 or not 0 <= holdout_share <= 30 or not challenger_share + holdout_share:
        sentence = _("The challenger gets at most 50 per cent, those only reminded at most 30, and one of them at least 1.")
        raise Invalid(sentence, fields={"challenger_share": sentence})
    if (challenger is None) != (challenger_share == 0):
        sentence = _("A challenger needs a share, and a share needs a challenger.")
        raise Invalid(sentence, fields={"challenger_share": sentence})
    if not why.strip():
        raise Invalid(_("A reason is needed."), fields={"why": _("Say what it is to answer.")})
    made = TreatmentExperiment(
        why=why.strip()[:300], champion=live, challenger=challenger, challenger_share=challenger_share, holdout_share=holdout_share,
        salt=salt or secrets.token_hex(8), minimum_sample=minimum_sample, stop_complaints=stop_complaints, planned_by=actor, planned_at=at,
    )  # fmt: skip
    made.save(force_insert=True)
    log.record(
        "collections.experiment.planned", made, actor=actor, at=at, champion=live.pk, challenger=challenger.pk if challenger else None,
        challenger_share=challenger_share, holdout_share=holdout_share,
    )  # fmt: skip
    return made


@transaction.atomic
def start(experiment: TreatmentExperiment, *, actor: User, at: datetime) -> TreatmentExperiment:
    """Let a planned experiment run; the second person does.

    :raises OwnExperiment: if the actor planned it
    :raises RunsAlready: if another one runs
    :raises UnfitChallenger: if another version is live by now
    """
    if actor.is_also(experiment.planned_by_id):
        raise OwnExperiment(_("You planned this experiment, so another person must start it."))
    live = champion()
    if live is None or live.pk != experiment.champion_id:
        raise UnfitChallenger(_("Another version is live by now. Plan the experiment anew."))
    try:
        with transaction.atomic():
            return move(
                experiment, Status.RUNNING, actor=actor, at=at, event="collections.experiment.started", started_by=actor, started_at=at
            )
    except IntegrityError as error:
        raise RunsAlready(_("An experiment runs already. End it first.")) from error


@transaction.atomic
def withdraw(experiment: TreatmentExperiment, *, actor: User, at: datetime) -> TreatmentExperiment:
    """Take back a planned experiment."""
    return move(experiment, Status.WITHDRAWN, actor=actor, at=at, event="collections.experiment.withdrawn", ended_at=at)


@transaction.atomic
def end(experiment: TreatmentExperiment, *, why: str, actor: User, at: datetime) -> TreatmentExperiment:
    """End a running experiment; its result stays as it stands now, and everybody is treated by what is live."""
    if not why.strip():
        raise Invalid(_("A reason is needed."), fields={"why": _("Say why: whoever reads the history needs it.")})
    result = treatment_results.stored(treatment_results.arms(experiment, at=at))
    return move(
        experiment,
        Status.ENDED,
        actor=actor,
        at=at,
        event="collections.experiment.ended",
        ended_at=at,
        ended_why=why.strip()[:300],
        result=result,
    )


def check_running(*, at: datetime, actor: User) -> list[TreatmentExperiment]:
    """End the running experiment if its stop rule holds, or its champion is live no more; return what ended."""
    ended: list[TreatmentExperiment] = []
    for one in TreatmentExperiment.objects.filter(status=Status.RUNNING):
        if why := stop_reason(one, at=at):
            ended.append(end(one, why=why, actor=actor, at=at))
    return ended


def stop_reason(experiment: TreatmentExperiment, *, at: datetime) -> str:
    """Return why an experiment has to end now, "" when it may go on. Fewer cases than asked for are no reason."""
    live = champion()
    if live is None or live.pk != experiment.champion_id:
        return str(_("Another version was released."))
    found = {one.name: one for one in treatment_results.arms(experiment, at=at)}
    base: Any = found.get("champion")
    for name, one in found.items():
        if name == "champion" or base is None or min(one.cases, base.cases) < experiment.minimum_sample:
            continue
        if one.complaints_low * 10_000 > base.complaint_rate * 10_000 + experiment.stop_complaints:
            return str(_("The complaints of an arm lie above the bound."))
    return ""
