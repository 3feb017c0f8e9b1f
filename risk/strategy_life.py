"""The life of a strategy version: sent for approval, approved by a second person, released now or at a moment, taken back in one step.

draft → testing → approved → (scheduled →) live → retired. What a version says is frozen from testing on; who made or changed it never
approves it; what is live was approved, or was live before.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import notices
from governance.lifecycle import IllegalMove, MovedMeanwhile, move
from governance.models import User
from ledger import log
from risk import finding_words, registry, strategy_cases, strategy_versions
from risk.findings import Finding
from risk.models import Strategy, StrategyNote, StrategyStatus, StrategyVersion
from risk.permissions import APPROVE_STRATEGY

LONGEST = 500
LATEST = timedelta(days=180)
Act = StrategyNote.Act


class OwnVersion(NotAllowed):
    """Nobody approves what they made or changed."""

    code = "own_version"


class NotClean(DomainError):
    """The linter found errors, or a case fails; `extra["findings"]` says which."""

    code = "not_clean"
    status = 422


class NothingToGoBackTo(DomainError):
    """No version was live before this one."""

    code = "nothing_to_go_back_to"


@transaction.atomic
def send(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Send a draft for approval: from now on nobody changes it.

    :raises NotClean: if the linter finds an error
    :raises Invalid: without a word on what changed
    """
    note = _said(note, "note")
    if errors := [one for one in strategy_versions.lint_of(version) if one.is_error]:
        raise _not_clean(errors)
    move(version, StrategyStatus.TESTING, actor=actor, at=at, sent_by=actor, sent_at=at)
    _keep(version, Act.SENT, note, actor=actor, at=at)
    _tell(version, APPROVE_STRATEGY, "risk.strategy_waits", actor=actor, at=at)
    return version


@transaction.atomic
def take_back(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Open a version under test again, so that it can be changed; it is then sent anew."""
    note = _said(note, "note")
    move(version, StrategyStatus.DRAFT, actor=actor, at=at, sent_by=None, sent_at=None)
    _keep(version, Act.BACK, note, actor=actor, at=at)
    _tell_makers(version, "risk.strategy_back", actor=actor, at=at)
    return version


@transaction.atomic
def approve(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Approve a version as the second person; cases and lint are kept as they stand.

    :raises OwnVersion: if the actor, or one they act for, made, changed or sent it
    :raises NotClean: if the linter finds an error or a saved case comes out otherwise
    :raises Invalid: without a note where the linter warns
    """
    _from(version, StrategyStatus.TESTING, StrategyStatus.APPROVED)
    _may_decide(version, actor)
    found = strategy_versions.lint_of(version)
    if errors := [one for one in found if one.is_error]:
        raise _not_clean(errors)
    ran = strategy_cases.run_all(version)
    if failed := [one for one in ran if not one.passed]:
        raise NotClean(
            _("%(failed)s of %(all)s cases come out otherwise; the first is “%(name)s”.")
            % {"failed": len(failed), "all": len(ran), "name": failed[0].case.name}
        )
    if found and not note.strip():
        raise Invalid(_("The linter warns. Say why it may be."), fields={"note": _("Say why the warnings are accepted.")})
    evidence = {"cases": len(ran), "passed": len(ran), "sha256": version.sha256,
                "warnings": [{"code": one.code, "node": one.node, "row": one.row} for one in found]}  # fmt: skip
    note = _said(note, "note", needed=False)
    move(
        version, StrategyStatus.APPROVED, actor=actor, at=at, facts={"sha256": version.sha256, "warnings": len(found), "cases": len(ran)},
        decided_by=actor, decided_at=at, decision_note=note, evidence=evidence,
    )  # fmt: skip
    _keep(version, Act.APPROVED, note or str(_("Without a remark.")), actor=actor, at=at)
    _tell_makers(version, "risk.strategy_approved", actor=actor, at=at)
    return version


@transaction.atomic
def reject(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """End a version that is under test, or was approved and is not wanted any more.

    :raises OwnVersion: if the actor made or changed it; they take it back instead
    """
    _may_decide(version, actor)
    note = _said(note, "note")
    move(version, StrategyStatus.REJECTED, actor=actor, at=at, decided_by=actor, decided_at=at, decision_note=note)
    _keep(version, Act.REJECTED, note, actor=actor, at=at)
    _tell_makers(version, "risk.strategy_rejected", actor=actor, at=at)
    return version


@transaction.atomic
def schedule(version: StrategyVersion, *, release_at: datetime, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Let an approved version go live by itself at `release_at`.

    :raises Invalid: for a moment that is past, or more than 180 days off
    """
    if not at < release_at <= at + LATEST:
        raise Invalid(_("A release lies ahead, within 180 days."), fields={"release_at": _("Choose a moment within the next 180 days.")})
    note = _said(note, "note")
    facts = {"release_at": release_at.isoformat()}
    move(version, StrategyStatus.SCHEDULED, actor=actor, at=at, facts=facts, release_at=release_at, released_by=actor, release_reason=note)
    _keep(version, Act.SCHEDULED, note, actor=actor, at=at)
    return version


@transaction.atomic
def unschedule(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Take a scheduled release off the schedule; the version stays approved."""
    _from(version, StrategyStatus.SCHEDULED, StrategyStatus.APPROVED)
    move(
        version, StrategyStatus.APPROVED, actor=actor, at=at, event="risk.strategyversion.unscheduled",
        release_at=None, released_by=None, release_reason="",
    )  # fmt: skip
    _keep(version, Act.UNSCHEDULED, _said(note, "note"), actor=actor, at=at)
    return version


@transaction.atomic
def release(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Let an approved or scheduled version decide from now on; the one before it retires in the same transaction.

    :raises NotAllowed: if nobody approved it
    """
    note = _said(note, "note")
    if version.status not in (StrategyStatus.APPROVED, StrategyStatus.SCHEDULED):
        raise NotAllowed(_("Only an approved version is released. %(version)s is not approved.") % {"version": version})
    return _go_live(version, Act.RELEASED, note, actor=actor, at=at)


@transaction.atomic
def roll_back(strategy: Strategy, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Let the version that was live before decide again, at once; return it.

    :raises NothingToGoBackTo: if there was none
    """
    note = _said(note, "note")
    Strategy.objects.select_for_update().get(pk=strategy.pk)
    before = previous(strategy)
    if before is None:
        raise NothingToGoBackTo(_("No version of this strategy was live before the present one."))
    return _go_live(before, Act.ROLLED_BACK, note, actor=actor, at=at)


def previous(strategy: Strategy) -> StrategyVersion | None:
    """Return the version a roll-back goes to: the retired one that stopped deciding last."""
    rows = StrategyVersion.objects.filter(strategy=strategy, status=StrategyStatus.RETIRED, retired_at__isnull=False)
    return rows.select_related("strategy").order_by("-retired_at", "-pk").first()


def release_due(*, at: datetime, actor: User) -> list[StrategyVersion]:
    """Release each scheduled version whose moment has come; return them. One that somebody moved meanwhile is left to them."""
    done = []
    due = StrategyVersion.objects.filter(status=StrategyStatus.SCHEDULED, release_at__lte=at).select_related("strategy", "released_by")
    for version in due.order_by("release_at", "pk"):
        try:
            with transaction.atomic():
                done.append(_go_live(version, Act.RELEASED, version.release_reason, actor=version.released_by or actor, at=at))
        except MovedMeanwhile:
            continue
    return done


def _go_live(version: StrategyVersion, act: str, note: str, *, actor: User, at: datetime) -> StrategyVersion:
    registry.make_live(version, actor=actor, at=at)
    StrategyVersion.objects.filter(pk=version.pk).update(released_by=actor, release_reason=note, release_at=None)
    version.released_by, version.release_reason, version.release_at = actor, note, None
    _keep(version, act, note, actor=actor, at=at)
    if act == Act.ROLLED_BACK:
        log.record("risk.strategyversion.rolled_back", version, actor=actor, at=at, number=version.number)
    _tell_makers(version, "risk.strategy_live", actor=actor, at=at)
    return version


@transaction.atomic
def comment(version: StrategyVersion, *, text: str, actor: User, at: datetime, node: str = "") -> StrategyNote:
    """Say something about a version, or about one node of it.

    :raises Invalid: for an empty text or a node that is not there
    """
    if node and node not in {raw["id"] for raw in version.graph["nodes"]}:
        raise Invalid(_("There is no such node."), fields={"node": _("Choose a node of this version.")})
    kept = _keep(version, Act.COMMENT, _said(text, "text", longest=1000), actor=actor, at=at, node=node)
    log.record("risk.strategyversion.commented", version, actor=actor, at=at, note=kept.public_id, node=node)
    return kept


def _from(version: StrategyVersion, status: StrategyStatus, to: StrategyStatus) -> None:
    """Hold a step to where it begins: two steps end at "approved"."""
    if version.status != status:
        raise IllegalMove(
            _("%(record)s is “%(was)s” and cannot become “%(to)s”.")
            % {"record": version, "was": version.get_status_display(), "to": to.label}
        )


def _may_decide(version: StrategyVersion, actor: User) -> None:
    if not may_decide(version, actor):
        raise OwnVersion(_("You made, changed or sent this version, so another person must decide on it."))


def may_decide(version: StrategyVersion, user: User) -> bool:
    """Return whether `user` is a second person to the version."""
    return not any(user.is_also(one) for one in {*version.hands, version.made_by_id, version.sent_by_id})


def _said(text: str, name: str, *, needed: bool = True, longest: int = LONGEST) -> str:
    text = text.strip()
    if needed and not text:
        raise Invalid(_("A reason is needed."), fields={name: _("Say why: whoever reads the history needs it.")})
    if len(text) > longest:
        raise Invalid(_("The text is too long."), fields={name: _("At most %(n)s characters.") % {"n": longest}})
    return text


def _not_clean(errors: list[Finding]) -> NotClean:
    return NotClean(
        _("The linter finds an error: %(first)s") % {"first": finding_words.whole(errors[0])}, findings=finding_words.lines(errors)
    )


def _keep(version: StrategyVersion, act: str, text: str, *, actor: User, at: datetime, node: str = "") -> StrategyNote:
    return StrategyNote.objects.create(version=version, act=act, text=text, node=node, by=actor, at=at)


def address(version: StrategyVersion) -> str:
    """Return the page of a version."""
    return f"{reverse('strategy', args=[version.strategy.public_id])}?version={version.number}"


def _tell(version: StrategyVersion, permission: str, code: str, *, actor: User, at: datetime) -> None:
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permission]).order_by("pk")
    _send(people, version, code, actor=actor, at=at)


def _tell_makers(version: StrategyVersion, code: str, *, actor: User, at: datetime) -> None:
    _send(User.objects.filter(pk__in=version.hands, is_active=True).order_by("pk"), version, code, actor=actor, at=at)


def _send(people: Iterable[User], version: StrategyVersion, code: str, *, actor: User, at: datetime) -> None:
    key = f"{code}:{version.pk}:{at.isoformat()}"
    notices.tell(people, code=code, key=key, url=address(version), at=at, actor=actor, of=version.strategy.public_id, number=version.number)


def _worded(code: str, sentence: Any, tone: str) -> None:
    notices.words(code, icon="strategies", tone=tone)(
        lambda notice: sentence % {"version": f"{notice.facts['of']} v{notice.facts['number']}"}
    )


_worded("risk.strategy_waits", _("%(version)s waits for approval."), "info")
_worded("risk.strategy_back", _("%(version)s was opened again for changes."), "caution")
_worded("risk.strategy_approved", _("%(version)s was approved."), "good")
_worded("risk.strategy_rejected", _("%(version)s was rejected."), "bad")
_worded("risk.strategy_live", _("%(version)s decides from now on."), "good")
