"""Doors of a model's life: validate, approve, make champion, review each year, retire. Developer, validator and approver are three people."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import users
from governance.lifecycle import move
from governance.models import User
from ledger import log
from risk import model_fairness, model_proofs
from risk.models import ModelAct, ModelStatus, Scorecard, ScorecardVersion, StrategyVersion

YEAR = timedelta(days=365)
LEAST_TEXT = 10  # characters of a report, Chinese ones too: less says nothing that the button does not
# What a validator looks at before saying yes; each is ticked, and stands with the report.
CHECKS: Mapping[str, Any] = {
    "data": _("The data are what the model will meet: source, period, who is missing"),
    "target": _("The target is defined rightly, and the rows are old enough to know it"),
    "leakage": _("No column knows the outcome beforehand"),
    "performance": _("The figures were read with their intervals, and against the champion"),
    "stability": _("The score holds over time and over segments"),
    "fairness": _("The fairness table was read, and each gap has a reason"),
    "reasons": _("The reasons can be told to a customer, and are true"),
}
REVIEWS: Mapping[str, Any] = {
    "keep": pgettext_lazy("review of a model", "keep as it is"),
    "watch": pgettext_lazy("review of a model", "keep and watch closely"),
    "replace": pgettext_lazy("review of a model", "replace"),
}


class SamePerson(NotAllowed):
    """Developer, validator and approver of a model are three people."""

    code = "same_person"


class InUse(DomainError):
    """A live strategy asks for the model."""

    code = "model_in_use"


class NotADraft(DomainError):
    """What a version says is frozen once it left draft."""

    code = "not_a_draft"


@transaction.atomic
def validate(version: ScorecardVersion, *, report: str, checklist: Sequence[str], tier: int, actor: User, at: datetime) -> ScorecardVersion:
    """Say that the model may be used, with a report.

    :raises SamePerson: if `actor` developed it
    :raises Invalid: if the report is too short, a point was not looked at, or there is no such tier
    :raises IllegalMove: if it is no draft
    :raises MovedMeanwhile: if somebody else was faster
    """
    _apart(actor, version.developer_id, says=_("Who developed a model does not validate it."))
    text = _told(report, "report")
    if missing := [str(CHECKS[name]) for name in CHECKS if name not in checklist]:
        sentence = _("Not looked at yet: %(points)s.") % {"points": " · ".join(missing)}
        raise Invalid(sentence, fields={"checklist": sentence})
    if tier not in (1, 2, 3):
        raise Invalid(_("The tier is 1, 2 or 3."), fields={"tier": _("The tier is 1, 2 or 3.")})
    move(version, ModelStatus.VALIDATED, actor=actor, at=at, validator=actor, validated_at=at, tier=tier)
    note(version, ModelAct.Kind.VALIDATED, actor=actor, at=at, text=text, checklist=[name for name in CHECKS if name in checklist])
    model_proofs.start(version, actor=actor, at=at)  # it is there when the third person comes
    return version


@transaction.atomic
def approve(
    version: ScorecardVersion, *, text: str, fairness_reason: str = "", review_due: date | None = None, actor: User, at: datetime
) -> ScorecardVersion:
    """Let the model become champion, with the proof of equality a job made of this very content.

    :raises SamePerson: if `actor` developed or validated it
    :raises Invalid: if there is no text, a gap between groups has no reason, or the review lies more than a year away
    :raises NotProven: if no proof of this content stands
    :raises NotEqual: if our reading of the model does not score as the library does
    :raises IllegalMove: if it was not validated
    :raises MovedMeanwhile: if somebody else was faster
    """
    _apart(actor, version.developer_id, version.validator_id, says=_("Who developed or validated a model does not approve it."))
    said = _told(text, "text")
    proof = model_proofs.standing(version) if ModelStatus.APPROVED in version.MOVES[version.status] else {}
    gaps = model_fairness.gaps(version, proof.get("fairness", ()))
    if gaps and len(fairness_reason.strip()) < LEAST_TEXT:
        sentence = _("These groups fall short of four fifths of the best: %(groups)s. Say why that is accepted, or reject the model.")
        named = sentence % {"groups": ", ".join(gaps)}
        raise Invalid(named, fields={"fairness_reason": named})
    due = review_due or at.date() + YEAR
    if not at.date() < due <= at.date() + YEAR + timedelta(days=1):
        sentence = _("The review is due within a year, and not before tomorrow.")
        raise Invalid(sentence, fields={"review_due": sentence})
    move(
        version, ModelStatus.APPROVED, actor=actor, at=at, approver=actor, approved_at=at, review_due=due, proof=proof,
        fairness_reason=fairness_reason.strip()[:400] if gaps else "",
        facts={"rows": proof.get("rows", 0), "max_abs_diff": str(proof.get("max_abs_diff", ""))},
    )  # fmt: skip
    note(version, ModelAct.Kind.APPROVED, actor=actor, at=at, text=said)
    return version


@transaction.atomic
def reject(version: ScorecardVersion, *, text: str, actor: User, at: datetime) -> ScorecardVersion:
    """Send the model away for good; another version may be better.

    :raises SamePerson: if `actor` developed it
    :raises Invalid: if no reason is given
    :raises IllegalMove: if it is neither a draft nor validated
    """
    _apart(actor, version.developer_id, says=_("Who developed a model does not reject it: leave the draft as it is."))
    said = _told(text, "text")
    move(version, ModelStatus.REJECTED, actor=actor, at=at)
    note(version, ModelAct.Kind.REJECTED, actor=actor, at=at, text=said)
    return version


@transaction.atomic
def make_champion(version: ScorecardVersion, *, actor: Any, at: datetime) -> ScorecardVersion:
    """Let `version` score under its model's code from now on; the one that did is retired in the same transaction.

    A draft becomes champion only by the system, when an installation brings its first model.

    :raises SamePerson: if `actor` developed it
    :raises NotAllowed: if a person would make a draft champion
    :raises IllegalMove: if it was not approved, or is champion already
    :raises MovedMeanwhile: if somebody else was faster
    """
    house = actor.pk == users.system().pk
    if version.status == ModelStatus.DRAFT and not house:
        raise NotAllowed(_("A model is validated and approved before it becomes champion."))
    _apart(actor, version.developer_id, says=_("Who developed a model does not make it champion."))
    Scorecard.objects.select_for_update().get(pk=version.scorecard_id)
    for other in ScorecardVersion.objects.filter(scorecard=version.scorecard_id, status=ModelStatus.LIVE).exclude(pk=version.pk):
        reason = str(_("replaced by version %(number)s") % {"number": version.number})
        move(other, ModelStatus.RETIRED, actor=actor, at=at, retired_at=at, retirement_reason=reason)
    move(version, ModelStatus.LIVE, actor=actor, at=at, live_at=at, retired_at=None, retirement_reason="")
    note(version, ModelAct.Kind.CHAMPION, actor=actor, at=at)
    return version


@transaction.atomic
def review(version: ScorecardVersion, *, outcome: str, text: str, next_due: date, actor: User, at: datetime) -> ModelAct:
    """Record the annual review of a model that serves or may serve.

    :raises SamePerson: if `actor` developed it
    :raises Invalid: if there is no such outcome, no text, or the next review lies more than a year away
    :raises NotReviewed: if the version is neither approved nor champion
    """
    _apart(actor, version.developer_id, says=_("Who developed a model does not review it."))
    said = _told(text, "text")
    if outcome not in REVIEWS:
        raise Invalid(_("There is no such outcome."), fields={"outcome": _("There is no such outcome.")})
    if not at.date() < next_due <= at.date() + YEAR + timedelta(days=1):
        sentence = _("The review is due within a year, and not before tomorrow.")
        raise Invalid(sentence, fields={"next_due": sentence})
    serving = ScorecardVersion.objects.filter(pk=version.pk, status__in=[ModelStatus.APPROVED, ModelStatus.LIVE])
    if not serving.update(review_due=next_due):
        raise DomainError(_("Only a model that is approved or champion is reviewed."))
    version.review_due = next_due
    act = note(version, ModelAct.Kind.REVIEWED, actor=actor, at=at, text=said, outcome=outcome)
    log.record("risk.scorecardversion.reviewed", version, actor=actor, at=at, outcome=outcome, next_due=next_due.isoformat())
    return act


@transaction.atomic
def retire(version: ScorecardVersion, *, reason: str, actor: User, at: datetime) -> ScorecardVersion:
    """Take a model out of service.

    :raises InUse: if it is champion and a live strategy asks for it
    :raises Invalid: if no reason is given
    :raises IllegalMove: if it is neither approved nor champion
    """
    said = _told(reason, "text")
    if version.status == ModelStatus.LIVE:
        code = Scorecard.objects.select_for_update().get(pk=version.scorecard_id).code
        users_of = StrategyVersion.objects.filter(scorecard_code=code, status="live").select_related("strategy").only("strategy", "number")
        if named := ", ".join(str(one) for one in users_of):
            raise InUse(
                _("%(strategies)s asks for this model: make another version champion, or change the strategy first.")
                % {"strategies": named}
            )
    move(version, ModelStatus.RETIRED, actor=actor, at=at, retired_at=at, retirement_reason=said[:400])
    note(version, ModelAct.Kind.RETIRED, actor=actor, at=at, text=said)
    return version


def note(
    version: ScorecardVersion, kind: str, *, actor: Any, at: datetime, text: str = "", outcome: str = "", checklist: Sequence[str] = ()
) -> ModelAct:
    """Add a line to the version's history; the door that calls it records the ledger entry."""
    return ModelAct.objects.create(version=version, kind=kind, by=actor, at=at, text=text, outcome=outcome, checklist=list(checklist))


def _apart(actor: Any, *others: int | None, says: Any) -> None:
    if actor.pk in others:
        raise SamePerson(says)


def _told(text: str, field: str) -> str:
    said = text.strip()
    if len(said) < LEAST_TEXT:
        sentence = _("Say it in %(least)s characters or more.") % {"least": LEAST_TEXT}
        raise Invalid(sentence, fields={field: sentence})
    return said
