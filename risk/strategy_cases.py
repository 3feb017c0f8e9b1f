"""Saved cases of a strategy: facts, and what is expected of them. They outlive versions: each new one is run on all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance.models import User
from ledger import log
from risk import facts, graph_shape, kinds, registry, scoring, strategies, strategy_versions
from risk.models import Strategy, StrategyCase, StrategyVersion
from risk.strategies import Verdict

MOST = 500
RULES = 1  # of our own door before and behind the graph: a release that judges otherwise counts on
KEPT_SECONDS = 14 * 24 * 3600
EXPECTED = ("outcome", "grade", "limit", "annual_rate", "binding")


@dataclass(frozen=True)
class Ran:
    """A case as a version concludes it; `differs` names the first thing that is not as expected, as (name, expected, found)."""

    case: StrategyCase
    verdict: Verdict
    differs: tuple[str, str, str] | None

    @property
    def passed(self) -> bool:
        return self.differs is None


def run_all(version: StrategyVersion, cases: Iterable[StrategyCase] | None = None) -> list[Ran]:
    """Run every saved case of the strategy on `version` with the scorecard it would use now."""
    content = strategy_versions.card_of(version.scorecard_code) if version.scorecard_code else None
    card = scoring.load(content) if content else None
    runnable = strategies.Strategy(version.graph, version.input_schema, version.reasons, card, kinds.of(version.strategy.kind))
    found = StrategyCase.objects.filter(strategy=version.strategy_id).order_by("pk") if cases is None else cases
    return [_ran(case, runnable.run(case.facts)) for case in found]


def results(version: StrategyVersion) -> list[Ran]:
    """Return what `run_all` returns, of which only what is new is run: for pages. What is approved is run anew.

    A verdict follows from the content of the version, of its scorecard and of the case, so it is looked up by their hashes. Cases are
    invented: no person stands behind what is kept here.
    """
    cases = list(StrategyCase.objects.filter(strategy=version.strategy_id).order_by("pk"))
    card = strategy_versions.card_sha256_of(version.scorecard_code) if version.scorecard_code else ""
    keys = {case.pk: f"risk:case:{RULES}:{version.sha256}:{card}:{registry.content_sha256(case.facts)}" for case in cases}
    kept = cache.get_many(keys.values())
    fresh = [case for case in cases if keys[case.pk] not in kept]
    for ran in run_all(version, fresh) if fresh else ():
        kept[keys[ran.case.pk]] = {name: getattr(ran.verdict, name) for name in (*EXPECTED, "reasons")}
    if fresh:
        cache.set_many({keys[case.pk]: kept[keys[case.pk]] for case in fresh}, KEPT_SECONDS)
    return [_ran(case, Verdict(**kept[keys[case.pk]])) for case in cases]


def _ran(case: StrategyCase, verdict: Verdict) -> Ran:
    return Ran(case, verdict, difference(case.expected, verdict))


def difference(expected: Mapping[str, Any], verdict: Verdict | Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return the first thing in which a verdict is not as expected; None when it is as expected in everything that was said."""

    def given(name: str) -> Any:
        return verdict.get(name) if isinstance(verdict, Mapping) else getattr(verdict, name)

    for name in EXPECTED:
        wanted = expected.get(name)
        if wanted in (None, ""):
            continue
        got = given(name)
        if name in ("limit", "annual_rate"):
            same = got is not None and Decimal(str(got)) == Decimal(str(wanted))
        else:
            same = got == wanted
        if not same:
            return name, str(wanted), "" if got is None else str(got)
    reasons = list(given("reasons"))
    for code in expected.get("reasons") or ():
        if code not in reasons:
            return "reasons", code, ", ".join(reasons)
    return None


@transaction.atomic
def add(
    strategy: Strategy, *, name: str, facts_given: Mapping[str, Any], expected: Mapping[str, Any], actor: User, at: datetime
) -> StrategyCase:
    """Keep a case.

    :raises Invalid: for a name that is taken, facts that are no flat object, an outcome that is none
    """
    if StrategyCase.objects.filter(strategy=strategy).count() >= MOST:
        raise Invalid(_("A strategy keeps at most %(n)s cases.") % {"n": MOST})
    case = StrategyCase(
        strategy=strategy,
        name=_name(name),
        facts=_facts(facts_given),
        expected=_expected(expected, kinds.of(strategy.kind)),
        made_by=actor,
        created_at=at,
    )
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid(_("There is a case with this name."), fields={"name": _("Choose a name no other case has.")}) from error
    log.record("risk.strategycase.added", case, actor=actor, at=at, of=strategy.public_id)
    return case


@transaction.atomic
def change(
    case: StrategyCase, *, name: str, facts_given: Mapping[str, Any], expected: Mapping[str, Any], actor: User, at: datetime
) -> None:
    """Change what a case says or expects; versions that were approved with it keep what they were approved by.

    :raises Invalid: as `add`
    """
    case.name, case.facts, case.expected, case.edited_at = (
        _name(name),
        _facts(facts_given),
        _expected(expected, kinds.of(case.strategy.kind)),
        at,
    )
    try:
        with transaction.atomic():
            case.save(update_fields=["name", "facts", "expected", "edited_at"])
    except IntegrityError as error:
        raise Invalid(_("There is a case with this name."), fields={"name": _("Choose a name no other case has.")}) from error
    log.record("risk.strategycase.changed", case, actor=actor, at=at)


@transaction.atomic
def remove(case: StrategyCase, *, actor: User, at: datetime) -> None:
    """Take a case away."""
    log.record("risk.strategycase.removed", case, actor=actor, at=at, name=case.name)
    case.delete()


def _name(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > 120 or "\0" in text:
        raise Invalid(_("A case needs a name."), fields={"name": _("Give it a name of at most 120 characters.")})
    return text


def _facts(given: Any) -> dict[str, Any]:
    flat = isinstance(given, dict) and all(value is None or isinstance(value, str | int | bool) for value in given.values())
    if not flat or not given or len(given) > 300 or graph_shape.unkept(given) or not all(facts.NAME.match(name) for name in given):
        text = _("Facts are names with values, such as {\"age\": 40, \"amount\": \"6000.00\"}; amounts stand as text.")  # fmt: skip
        raise Invalid(text, fields={"facts": text})
    return dict(given)


def _expected(given: Mapping[str, Any], kind: kinds.Kind) -> dict[str, Any]:
    if given.get("outcome") not in kind.outcomes:
        raise Invalid(_("Say what is expected."), fields={"outcome": _("Choose one of the outcomes.")})
    kept = {name: str(given[name]) for name in EXPECTED if given.get(name) not in (None, "")}
    if reasons := [str(code)[:100] for code in given.get("reasons") or ()]:
        kept["reasons"] = reasons[:20]  # type: ignore[assignment]
    return kept
