"""Doors of versions: register a strategy or a scorecard, make a version live, train the first scorecard."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import users
from governance.lifecycle import move
from ledger import log
from risk import german, kinds, model_states, scorecards, scoring, strategies, training, words
from risk.facts import BadSchema
from risk.models import DataSet, Scorecard, ScorecardVersion, Strategy, StrategyStatus, StrategyVersion, VersionStatus

RETAIL = "retail_installment"
CARD = "retail"
# Numeric features are binned ascending or descending; "job" stays out although it carries information: its lowest value mixes unskilled
# work with not being resident, which stands for a protected attribute.
FEATURES: Mapping[str, str] = {
    "checking_status": "category", "term": "numeric", "credit_history": "category", "purpose": "category", "amount": "numeric",
    "savings": "category", "employment": "category", "installment_rate": "numeric", "other_debtors": "category", "property": "category",
    "age": "numeric", "other_plans": "category", "housing": "category", "existing_credits": "numeric",
}  # fmt: skip


class Unrunnable(Invalid):
    """The version has a problem and may not be registered; the message says which."""

    code = "unrunnable"


class UnfitData(DomainError):
    """The data cannot carry the scorecard that was asked for."""

    code = "unfit_data"
    status = 422


def content_sha256(*parts: Any) -> str:
    """Return the SHA-256 of a version's content in canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def add_strategy_version(
    *,
    code: str,
    name_en: str,
    name_zh: str,
    graph: Mapping[str, Any],
    input_schema: Mapping[str, Any],
    reasons: Mapping[str, Any],
    actor: Any,
    at: datetime,
    note: str = "",
    based_on: StrategyVersion | None = None,
    kind: str = kinds.LENDING,
) -> StrategyVersion:
    """Register a draft of a strategy; the strategy is made when it is new.

    :raises Unrunnable: if the graph or the schema has a problem, such as reading a protected attribute
    """
    try:
        runnable = strategies.Strategy(graph, input_schema, reasons, None, kinds.of(kind))
    except (strategies.BadStrategy, BadSchema) as problem:
        raise Unrunnable(_("The strategy cannot be run: %(problem)s") % {"problem": problem}) from problem
    if len(runnable.graph.scorecards) > 1:
        raise Unrunnable(_("A strategy uses one scorecard at most."))
    strategy, _made = Strategy.objects.get_or_create(code=code, defaults={"name_en": name_en, "name_zh": name_zh, "kind": kind})
    version = StrategyVersion(
        strategy=strategy,
        number=_next(StrategyVersion, strategy=strategy),
        graph=graph,
        input_schema=input_schema,
        reasons=reasons,
        scorecard_code=next(iter(runnable.graph.scorecards), ""),
        sha256=content_sha256(graph, input_schema, reasons),
        note=note,
        based_on=based_on,
        made_by=actor,
        hands=[actor.pk],
        created_at=at,
    )
    version.save(force_insert=True)
    log.record("risk.strategyversion.registered", version, actor=actor, at=at, strategy=code, number=version.number, sha256=version.sha256)
    return version


@transaction.atomic
def add_scorecard_version(
    *,
    code: str,
    name_en: str,
    name_zh: str,
    content: Mapping[str, Any],
    metrics: Mapping[str, Any],
    data_sha256: str,
    actor: Any,
    at: datetime,
    note: str = "",
    data_set: DataSet | None = None,
) -> ScorecardVersion:
    """Register a draft of a model; a person who registers it is its developer, the house's own has none.

    :raises Unrunnable: if the JSON is no model of its kind, reads a protected attribute, or its proof of equality is absent or fails
    """
    try:
        card = scoring.load(content)
    except scorecards.BadCard as problem:
        raise Unrunnable(_("This is not a model: %(problem)s") % {"problem": problem}) from problem
    barred = training.PROTECTED | set(data_set.named("protected") if data_set else ())
    if banned := sorted(barred & set(card.names)):
        raise Unrunnable(_("Protected attributes never enter a model: %(names)s") % {"names": ", ".join(banned)})
    proof = metrics.get("proof", {})
    if not proof.get("rows") or not proof.get("max_abs_diff", 1) < training.TOLERANCE:
        raise Unrunnable(_("The proof that our scoring equals the library's is absent or fails."))
    scorecard, _made = Scorecard.objects.get_or_create(code=code, defaults={"name_en": name_en, "name_zh": name_zh})
    version = ScorecardVersion(
        scorecard=scorecard,
        number=_next(ScorecardVersion, scorecard=scorecard),
        content=content,
        metrics=metrics,
        sha256=content_sha256(content),
        data_sha256=data_sha256,
        note=note,
        created_at=at,
        kind=scoring.kind_of(content),
        data_set=data_set,
        developer=None if actor.pk == users.system().pk else actor,
    )
    version.save(force_insert=True)
    log.record(
        "risk.scorecardversion.registered", version, actor=actor, at=at, scorecard=code, number=version.number, sha256=version.sha256
    )
    return version


@transaction.atomic
def make_live(version: StrategyVersion | ScorecardVersion, *, actor: Any, at: datetime) -> None:
    """Let `version` decide from now on; the one that was live is retired in the same transaction.

    A strategy version of a person goes live by `strategy_life.release`, after a second person approved it; straight from draft goes only
    what the house brings itself.

    :raises NotAllowed: if a person makes a version or a model live that nobody approved
    :raises IllegalMove: if it is live already
    :raises MovedMeanwhile: if somebody else was faster
    """
    if isinstance(version, ScorecardVersion):
        model_states.make_champion(version, actor=actor, at=at)
        return
    if version.status == StrategyStatus.DRAFT and actor.pk != users.system().pk:
        raise NotAllowed(_("%(version)s was not approved by a second person.") % {"version": version})
    Strategy.objects.select_for_update().get(pk=version.strategy_id)
    for other in StrategyVersion.objects.filter(strategy=version.strategy_id, status=StrategyStatus.LIVE).exclude(pk=version.pk):
        move(other, StrategyStatus.RETIRED, actor=actor, at=at, retired_at=at)
    move(version, StrategyStatus.LIVE, actor=actor, at=at, live_at=at, retired_at=None)


def train(*, actor: Any, at: datetime, seed: int, scale: scorecards.Scale | None = None) -> ScorecardVersion:
    """Fit the retail scorecard on 70 % of the German credit data, register it as a draft with its figures. Takes seconds.

    The other 30 % are those `german.split(german.rows(), seed=seed)` returns second.

    :raises UnfitData: if the data cannot carry it
    """
    plan = training.Plan(CARD, FEATURES, words.data("scorecard_reasons"), scale=scale or scorecards.Scale(), seed=seed)
    fitted, held_out = german.split(german.rows(), seed=seed)
    try:
        trained = training.train(fitted, held_out, plan)
    except (training.TrainingFailed, training.ProtectedColumn) as refusal:
        raise UnfitData(str(refusal)) from refusal
    return add_scorecard_version(
        code=CARD,
        name_en="Retail scorecard",
        name_zh="零售评分卡",
        content=trained.content,
        metrics=trained.metrics,
        data_sha256=trained.data_sha256,
        actor=actor,
        at=at,
        note=f"German credit data, {len(fitted)} rows, seed {seed}",
    )


def train_first(*, actor: Any, at: datetime, seed: int) -> ScorecardVersion:
    """Return the live retail scorecard; train one and make it live when there is none."""
    found = ScorecardVersion.objects.filter(scorecard__code=CARD, status=VersionStatus.LIVE).first()
    if found is None:
        found = train(actor=actor, at=at, seed=seed)
        make_live(found, actor=actor, at=at)
    return found


def _next(model: type[StrategyVersion] | type[ScorecardVersion], **parent: Any) -> int:
    return (model._default_manager.filter(**parent).aggregate(last=Max("number"))["last"] or 0) + 1
