"""Drafts of strategies: a new one, a copy of a version, what is saved of it, and what is refused at save."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from governance.models import User
from ledger import log
from risk import facts, finding_words, graph_shape, graphs, kinds, lint, probe, registry, scoring, strategy_facts
from risk.findings import ERROR, Finding
from risk.models import Scorecard, ScorecardVersion, Strategy, StrategyCase, StrategyStatus, StrategyVersion

LONGEST_NOTE = 200
FACTS, REASONS = 300, 500


class NotADraft(Stale):
    """What left draft is frozen; a new version is made instead."""

    code = "not_a_draft"


class Unfit(Invalid):
    """The graph may not be kept; `extra["findings"]` says why, line by line."""

    code = "unfit_graph"

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(
            _("Not saved: %(first)s") % {"first": finding_words.whole(findings[0])},
            fields={"graph": finding_words.whole(findings[0])}, findings=finding_words.lines(findings),
        )  # fmt: skip
        self.findings = findings


def examined(
    graph: Any,
    input_schema: Any,
    reasons: Any,
    *,
    cases: list[Mapping[str, Any]] | None = None,
    card: Mapping[str, Any] | None = None,
    kind: str = kinds.LENDING,
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Return what keeps a graph from being kept, and how each of `cases` came out when nothing does.

    Nothing is stored. Compiling and running happen in a process of their own: `probe`.
    """
    found = graph_shape.problems(graph) or _schema_problems(input_schema) or _reasons_problems(reasons)
    if not found:
        schema = facts.read_schema(input_schema)
        found = lint.blocking(graph, schema, input_schema, reasons, kinds.of(kind))
    if found:
        return found, []
    return probe.examine(graph, input_schema, reasons, card, cases or [], kind)


def _schema_problems(input_schema: Any) -> list[Finding]:
    rows = input_schema.get("facts") if isinstance(input_schema, dict) else None
    if (
        graph_shape.unkept(input_schema)
        or not isinstance(rows, list)
        or len(rows) > FACTS
        or not all(isinstance(row, dict) for row in rows)
    ):
        return [Finding("bad_schema", ERROR, args={"told": "facts"})]
    try:
        facts.read_schema(input_schema)
    except (facts.BadSchema, KeyError, TypeError, ValueError, ArithmeticError) as problem:
        return [Finding("bad_schema", ERROR, args={"told": str(problem)[:200]})]
    return []


def _reasons_problems(reasons: Any) -> list[Finding]:
    if graph_shape.unkept(reasons) or not isinstance(reasons, dict) or len(reasons) > REASONS:
        return [Finding("bad_reasons", ERROR)]
    if not all(isinstance(texts, dict) and len(code) <= 60 for code, texts in reasons.items()):
        return [Finding("bad_reasons", ERROR)]
    return []


def card_of(code: str) -> Mapping[str, Any] | None:
    """Return the content of the scorecard a graph asks for: the live version, else the newest, else None."""
    rows = ScorecardVersion.objects.filter(scorecard__code=code)
    found = rows.filter(status="live").first() or rows.order_by("-number").first()
    return found.content if found else None


def card_sha256_of(code: str) -> str:
    """Return the hash of what `card_of` returns; empty for none."""
    rows = ScorecardVersion.objects.filter(scorecard__code=code).values_list("sha256", flat=True)
    return rows.filter(status="live").first() or rows.order_by("-number").first() or ""


def card_code(graph: Mapping[str, Any]) -> str:
    """Return the code of the scorecard a graph asks for; empty when it asks for none."""
    return next((raw["content"]["config"]["code"] for raw in graph["nodes"] if raw["type"] == "customNode"), "")


@transaction.atomic
def draft_from(version: StrategyVersion, *, note: str, actor: User, at: datetime) -> StrategyVersion:
    """Make a draft with the content of `version`, whatever its status."""
    Strategy.objects.select_for_update().get(pk=version.strategy_id)
    return registry.add_strategy_version(
        code=version.strategy.code, name_en=version.strategy.name_en, name_zh=version.strategy.name_zh, graph=version.graph,
        input_schema=version.input_schema, reasons=version.reasons, actor=actor, at=at, note=_note(note), based_on=version,
        kind=version.strategy.kind,
    )  # fmt: skip


@transaction.atomic
def begin(*, code: str, name_en: str, name_zh: str, model: StrategyVersion, actor: User, at: datetime) -> StrategyVersion:
    """Make a strategy of its own, whose first draft has the content of `model`.

    :raises Invalid: if the code is taken
    """
    if Strategy.objects.filter(code=code).exists():
        raise Invalid(_("There is a strategy with this code."), fields={"code": _("This code is taken. Choose another.")})
    return registry.add_strategy_version(
        code=code, name_en=name_en, name_zh=name_zh, graph=model.graph, input_schema=model.input_schema, reasons=model.reasons,
        actor=actor, at=at, based_on=model, kind=model.strategy.kind,
    )  # fmt: skip


def save(
    version: StrategyVersion,
    *,
    revision: int,
    graph: Any,
    actor: User,
    at: datetime,
    input_schema: Any = None,
    reasons: Any = None,
    note: str | None = None,
) -> StrategyVersion:
    """Keep what was drawn. Facts, reasons and note stay as they are when not given.

    :param revision: the number the page was opened with
    :raises Unfit: for a graph that cannot be read or compiled, runs in a circle, takes over 200 ms on a saved case or asks for a
        fact that nobody tells
    :raises Stale: if somebody saved meanwhile; `extra["changes"]` says who and when
    :raises NotADraft: if the version left draft
    """
    declares = input_schema is not None
    input_schema = version.input_schema if input_schema is None else input_schema
    reasons = version.reasons if reasons is None else reasons
    _may_save(version, revision)
    cases = [case.facts for case in StrategyCase.objects.filter(strategy=version.strategy_id).order_by("pk")]
    shape = graph_shape.problems(graph)
    code = "" if shape else card_code(graph)
    if code and not Scorecard.objects.filter(code=code).exists():
        raise Unfit([Finding("unknown_scorecard", ERROR, args={"code": code})])
    found, _runs = (
        (shape, []) if shape else examined(graph, input_schema, reasons, cases=cases, card=card_of(code), kind=version.strategy.kind)
    )
    if not found and declares and version.strategy.kind == kinds.LENDING:
        found = strategy_facts.problems(input_schema)
    if found:
        raise Unfit(found)
    with transaction.atomic():  # only now: the trial run above takes longer than a row should be held
        held = StrategyVersion.objects.select_for_update().get(pk=version.pk)
        _may_save(held, revision)
        held.graph, held.input_schema, held.reasons, held.scorecard_code = graph, input_schema, reasons, code
        held.note = held.note if note is None else _note(note)
        held.sha256 = registry.content_sha256(graph, input_schema, reasons)
        held.revision += 1
        held.edited_at = at
        held.hands = sorted({*held.hands, actor.pk})
        held.save()
        log.record("risk.strategyversion.edited", held, actor=actor, at=at, revision=held.revision, sha256=held.sha256)
    return held


def _may_save(version: StrategyVersion, revision: int) -> None:
    if version.status != StrategyStatus.DRAFT:
        raise NotADraft(_("%(version)s is no longer a draft, so nothing was saved. Make a new version from it.") % {"version": version})
    if version.revision != revision:
        last = User.objects.filter(pk__in=version.hands).order_by("pk")
        raise Stale(
            _("%(version)s was saved by somebody else meanwhile. Your change is not saved yet.") % {"version": version},
            changes=[], revision=version.revision, hands=[one.name for one in last],
        )  # fmt: skip


def _note(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_NOTE:
        raise Invalid(_("The note is too long."), fields={"note": _("At most 200 characters.")})
    return text


def lint_of(version: StrategyVersion) -> list[Finding]:
    """Return what the linter says of a version, with the scorecard it would run with."""
    code = version.scorecard_code
    card = card_of(code) if code else None
    names = scoring.load(card).names if card else None
    return lint.findings(
        version.graph,
        facts.read_schema(version.input_schema),
        version.input_schema,
        version.reasons,
        names,
        kinds.of(version.strategy.kind),
    )


def stages_of(graph: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (id, name) of the nodes a comment can be about."""
    return [(raw["id"], raw["name"]) for raw in graphs.ordered(graph)]
