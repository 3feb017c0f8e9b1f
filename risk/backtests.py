"""Doors of backtests and simulations: ask, run in parts, cancel.

A backtest changes nothing: versions are run on facts as they were stored with past decisions, or on a made population. Whichever worker
is free claims a part, works through it and writes what came out in one transaction; a worker that dies leaves its part to another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from governance import jobs, lifecycle
from ledger import log
from risk import engine, facts, made, outcome_source, populations, scorecards, strategy_facts, tallies
from risk.made import Made, Uploaded
from risk.models import Backtest, BacktestArm, BacktestChunk, ScorecardVersion, StrategyVersion
from risk.populations import Past, Row
from risk.strategies import BadStrategy, Strategy
from risk.tallies import Answer, Case, Costs

KIND = "risk.backtest"
CHUNK = 500
LEASE = timedelta(minutes=3)
CANDIDATES = 3
COSTS = {"lgd": Decimal("0.60"), "funding": Decimal("0.04"), "opex": Decimal("0.03")}
Status = Backtest.Status


class NotComparable(Invalid):
    """The versions cannot be held against each other, or one of them cannot run."""

    code = "not_comparable"


class Over(DomainError):
    """The backtest is over already."""

    code = "backtest_over"


@dataclass(frozen=True)
class Side:
    """A version to run, with the scorecard version it is run with; without one, the live version of the card it asks for."""

    strategy: StrategyVersion
    scorecard: ScorecardVersion | None = None


@transaction.atomic
def ask(
    *,
    name: str,
    sides: Sequence[Side],
    actor: Any,
    at: datetime,
    baseline: Side | None = None,
    population: Past | None = None,
    defaults: Mapping[str, str] | None = None,
    costs: Mapping[str, Decimal] | None = None,
    horizon_months: int = outcome_source.HORIZON_MONTHS,
) -> Backtest:
    """Order a backtest of `sides` over past decisions; workers run it after commit.

    :param baseline: the version they are held against; without one, what was decided at the time
    :param defaults: what stands for a fact that was not stored, by the fact's name
    :param horizon_months: how long a loan must have been watched before it counts as good
    :raises NotComparable: if there are none or too many sides, of several strategies, or one that cannot run
    :raises populations.NobodyThere: if no decision answers to the description
    """
    strategy, arms = _arms(sides, baseline)
    asked = population or Past()
    keys = populations.past(strategy, asked, actor=actor)
    backtest = _order(
        kind=Backtest.Kind.BACKTEST, name=name, strategy=strategy, arms=arms, population=asked.content() | {"horizon_months": horizon_months},
        total=len(keys),
        defaults=defaults or {}, costs=costs, actor=actor, at=at,
    )  # fmt: skip
    parts = [keys[begin : begin + CHUNK] for begin in range(0, len(keys), CHUNK)]
    BacktestChunk.objects.bulk_create(
        BacktestChunk(backtest=backtest, number=number, decisions=part, size=len(part)) for number, part in enumerate(parts)
    )
    return backtest


@transaction.atomic
def simulate(
    *,
    name: str,
    sides: Sequence[Side],
    population: Made | Uploaded,
    actor: Any,
    at: datetime,
    baseline: Side | None = None,
    defaults: Mapping[str, str] | None = None,
    costs: Mapping[str, Decimal] | None = None,
) -> Backtest:
    """Order a run of `sides` over a made population; nothing was decided, so they are held against a version.

    :param baseline: without one, the strategy's live version
    :raises NotComparable: as with `ask`, and if the strategy has no live version and none is named
    :raises populations.NobodyThere: if the population is drawn from past decisions and there are none
    """
    if baseline is None and sides:
        live = StrategyVersion.objects.filter(strategy=sides[0].strategy.strategy_id, status="live").first()
        if live is None:
            sentence = _("The strategy has no live version: choose what the versions are held against.")
            raise NotComparable(sentence, fields={"baseline": sentence})
        baseline = Side(live)
    strategy, arms = _arms(sides, baseline)
    rows: list[dict[str, Any]] = []
    refused = 0
    if isinstance(population, Uploaded):
        rows = [{"line": line, "facts": known} for line, known in population.rows]
        refused = len({one["line"] for one in population.problems})
        total = len(rows)
        content: dict[str, Any] = {"source": populations.UPLOADED, "lines": total, "refused": refused}
    else:
        total, content = min(population.limit, populations.MOST), population.content()
    keys = populations.past(strategy, Past(limit=total), actor=actor) if content.get("base") == made.PAST else []
    backtest = _order(
        kind=Backtest.Kind.SIMULATION, name=name, strategy=strategy, arms=arms, population=content, total=total, defaults=defaults or {},
        costs=costs, actor=actor, at=at,
    )  # fmt: skip
    if isinstance(population, Uploaded) and population.problems:
        jobs.progress(backtest.job, at=at, failed=refused, problems=list(population.problems), total=total + refused)
    # More applications than decisions: each is drawn from again, and changed otherwise by its own number.
    drawn = [keys[number % len(keys)] for number in range(total)] if keys else []
    BacktestChunk.objects.bulk_create(
        BacktestChunk(
            backtest=backtest, number=number, first=begin, size=min(CHUNK, total - begin), decisions=drawn[begin : begin + CHUNK],
            given=rows[begin : begin + CHUNK],
        )
        for number, begin in enumerate(range(0, total, CHUNK))
    )  # fmt: skip
    return backtest


def _order(
    *,
    kind: str,
    name: str,
    strategy: Any,
    arms: Sequence[BacktestArm],
    population: dict[str, Any],
    total: int,
    defaults: Mapping[str, str],
    costs: Mapping[str, Decimal] | None,
    actor: Any,
    at: datetime,
) -> Backtest:
    kept = _defaults(defaults, arms)
    shares = {name: str((costs or {}).get(name, share)) for name, share in COSTS.items()}
    title = gettext("Backtest %(name)s") if kind == Backtest.Kind.BACKTEST else gettext("Simulation %(name)s")
    job = jobs.start(kind=KIND, title=(title % {"name": name})[:200], actor=actor, at=at, total=total)
    backtest = Backtest(
        kind=kind, name=name, strategy=strategy, population=population, defaults=kept, costs=shares, total=total, job=job,
        created_by=actor, created_at=at,
    )  # fmt: skip
    backtest.save(force_insert=True)
    for arm in arms:
        arm.backtest = backtest
    BacktestArm.objects.bulk_create(arms)
    log.record(
        "risk.backtest.ordered", backtest, actor=actor, at=at, kind=kind, strategy=strategy.code, total=total, population=population,
        versions=[arm.strategy_version.number if arm.strategy_version else None for arm in arms],
    )  # fmt: skip
    return backtest


def _arms(sides: Sequence[Side], baseline: Side | None) -> tuple[Any, list[BacktestArm]]:
    if not 1 <= len(sides) <= CANDIDATES:
        sentence = _("Choose one to three versions to try.")
        raise NotComparable(sentence, fields={"versions": sentence})
    every = [baseline, *sides]
    strategies_of = {side.strategy.strategy_id for side in every if side}
    if len(strategies_of) > 1:
        sentence = _("All versions must be of the same strategy.")
        raise NotComparable(sentence, fields={"versions": sentence})
    arms = [_arm(place, side) for place, side in enumerate(every)]
    ran = [(arm.strategy_sha256, arm.scorecard_sha256) for arm in arms if arm.strategy_version]
    if len(set(ran)) < len(ran):
        sentence = _("Two of the versions are the same.")
        raise NotComparable(sentence, fields={"versions": sentence})
    return sides[0].strategy.strategy, arms


def _arm(place: int, side: Side | None) -> BacktestArm:
    if side is None:
        return BacktestArm(place=place)
    version, card = side.strategy, side.scorecard
    if card is None and version.scorecard_code:
        card = ScorecardVersion.objects.filter(scorecard__code=version.scorecard_code, status="live").first()
    if card is not None and not version.scorecard_code:  # a model of another code may take the place of the one asked for, as in a trial
        sentence = _("%(version)s asks for no model, so there is nothing to replace.") % {"version": version}
        raise NotComparable(sentence, fields={"scorecards": sentence})
    arm = BacktestArm(
        place=place, strategy_version=version, scorecard_version=card, strategy_sha256=version.sha256,
        scorecard_sha256=card.sha256 if card else "",
    )  # fmt: skip
    compiled(arm)
    return arm


def compiled(arm: BacktestArm) -> Strategy | None:
    """Return the runnable version of a side; None for what was decided at the time.

    :raises NotComparable: if it cannot run, or was changed since it was chosen
    """
    version, card = arm.strategy_version, arm.scorecard_version
    if version is None:
        return None
    kept = (version.sha256, card.sha256 if card else "")
    if kept != (arm.strategy_sha256, arm.scorecard_sha256):  # the process may still hold what was compiled before
        raise _changed(version)
    pair = engine.Pair(version.pk, arm.strategy_sha256, card.pk if card else None, arm.scorecard_sha256 if card else None)
    try:
        return engine.compiled(pair)
    except engine.Tampered as problem:
        raise _changed(version) from problem
    except (BadStrategy, facts.BadSchema, scorecards.BadCard) as problem:
        sentence = _("%(version)s cannot be run: %(problem)s") % {"version": version, "problem": problem}
        raise NotComparable(sentence, fields={"versions": sentence}) from problem


def _changed(version: StrategyVersion) -> NotComparable:
    sentence = _("%(version)s was changed after it had been chosen. Run it again.") % {"version": version}
    return NotComparable(sentence, fields={"versions": sentence})


def _defaults(given: Mapping[str, str], arms: Sequence[BacktestArm]) -> dict[str, Any]:
    schemas = [facts.read_schema(arm.strategy_version.input_schema) for arm in arms if arm.strategy_version]
    kept: dict[str, Any] = {}
    for name, text in given.items():
        fact = next((schema.facts[name] for schema in schemas if name in schema.facts), None)
        if fact is None:
            sentence = _("No version asks for the fact %(fact)s.") % {"fact": name[:40]}
            raise Invalid(sentence, fields={"defaults": sentence})
        kept[name] = populations.default_of(text, fact)
    return kept


# --- running -------------------------------------------------------------------------------------------------------
def run(backtest_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> Backtest | None:
    """Work through parts nobody holds until none is left; several workers may do so at once. None when it is over already."""
    backtest = Backtest.objects.select_related("job", "created_by").filter(pk=backtest_id, status=Status.RUNNING).first()
    if backtest is None:
        return None
    jobs.claim(backtest.job_id, at=at)
    try:
        runner = Runner(backtest)
    except NotComparable as refusal:
        return _fail(backtest, str(refusal), at=at)
    while chunk := claim(backtest_id, at=clock() if clock else at):
        work(runner, chunk, clock=clock or (lambda: at))
    return close(backtest_id, at=clock() if clock else at)


class Runner:
    """Everything one worker needs for the parts of a backtest, made once."""

    def __init__(self, backtest: Backtest) -> None:
        self.backtest = backtest
        found = backtest.arms.select_related("strategy_version", "scorecard_version").order_by("place")
        self.sides = [compiled(arm) for arm in found]
        shares = {name: int(Decimal(share) * tallies.MILLION) for name, share in backtest.costs.items()}
        self.costs = Costs(**shares)
        self.horizon = int(backtest.population.get("horizon_months") or outcome_source.HORIZON_MONTHS)
        schemas = [side.schema for side in self.sides if side]
        self.dimensions = sorted({
            name for schema in schemas for name, fact in schema.facts.items() if fact.type in ("category", "boolean")
        })  # fmt: skip
        self.catalogue = sorted({name for side in self.sides if side for name in side.catalogue})
        self.protected = sorted({name for schema in schemas for name in schema.protected})

    def cases(self, rows: Sequence[Row], known: Mapping[str, str]) -> list[Case]:
        return [self.case(row, known.get(row.subject, "")) for row in rows]

    def case(self, row: Row, known: str = "") -> Case:
        """Run every side on one application."""
        answers: list[Answer] = []
        absent: list[Sequence[str]] = []
        assumed: list[Sequence[str]] = []
        computed: list[Sequence[str]] = []
        for side in self.sides:
            if side is None:
                answers.append(row.decided or Answer(tallies.REFER))
                absent.append(())
                assumed.append(())
                computed.append(())
                continue
            given, missing, filled = populations.fitted(row.facts, side.schema, self.backtest.defaults)
            said = side.concludes(given)
            answers.append(tallies.answer(said.outcome, said.grade, said.limit, said.annual_rate, said.pd, said.reasons))
            absent.append(missing)
            assumed.append(filled)
            computed.append([name for name in row.computed if name in side.schema.facts])
        return Case(
            row.ref, answers, populations.cents(row.facts.get("amount")), populations.months(row.facts.get("term")), known,
            populations.groups(row, self.dimensions, self.protected), absent, assumed, computed,
        )  # fmt: skip

    def rows(self, chunk: BacktestChunk) -> list[Row]:
        """Return the applications of a part: as stored, as uploaded, or made."""
        source = self.backtest.population["source"]
        if source == populations.PAST:
            return strategy_facts.completed(populations.stored(chunk.decisions), self.catalogue)
        if source == populations.UPLOADED:
            return [Row(one["line"] - 1, one["facts"]) for one in chunk.given]
        numbers = range(chunk.first, chunk.first + chunk.size)
        bases_of = strategy_facts.completed(populations.stored(list(set(chunk.decisions))), self.catalogue)
        found = {row.ref: row.facts for row in bases_of}
        bases = {number: found[key] for number, key in zip(numbers, chunk.decisions, strict=False) if key in found}
        schema = next(side.schema for side in self.sides[1:] if side)
        return made.drawn(self.backtest.population, numbers, schema, bases)


@transaction.atomic
def claim(backtest_id: int, *, at: datetime) -> BacktestChunk | None:
    """Take the next part that no living worker holds; None when none is left or the backtest is over."""
    if not Backtest.objects.filter(pk=backtest_id, status=Status.RUNNING).exists():
        return None
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - LEASE)
    rows = BacktestChunk.objects.select_for_update(skip_locked=True).filter(free, backtest=backtest_id, done_at__isnull=True)
    chunk = rows.order_by("number").first()
    if chunk is not None:
        BacktestChunk.objects.filter(pk=chunk.pk).update(claimed_at=at)
    return chunk


def work(runner: Runner, chunk: BacktestChunk, *, clock: Callable[[], datetime]) -> bool:
    """Run one part and keep what came out; False when another worker was faster."""
    rows = runner.rows(chunk)
    at = clock()
    cases = runner.cases(rows, turned_out(rows, at=at, horizon_months=runner.horizon))
    counts = tallies.tally(cases, runner.costs, arms=len(runner.sides))
    at = clock()
    with transaction.atomic():
        kept = BacktestChunk.objects.filter(pk=chunk.pk, done_at__isnull=True).update(
            rows=tallies.packed(cases), counts=counts, flipped=sum(map(tallies.flipped, cases)), done_at=at, claimed_at=None
        )
        if kept:
            jobs.progress(runner.backtest.job, at=at, done=chunk.size)
    return bool(kept)


def turned_out(rows: Sequence[Row], *, at: datetime, horizon_months: int) -> dict[str, str]:
    """Return how the applications turned out that became loans: good or bad where the horizon has passed, else why it cannot be said."""
    subjects = [row.subject for row in rows if row.subject]
    found = outcome_source.outcomes(subjects, as_of=localdate(at), horizon_months=horizon_months)
    return {subject: one.status if one.counts or one.status == "indeterminate" else "immature" for subject, one in found.items()}


@transaction.atomic
def close(backtest_id: int, *, at: datetime) -> Backtest | None:
    """End a backtest whose parts are all done; None while another worker holds one, or when it is over."""
    backtest = Backtest.objects.select_for_update(of=("self",)).select_related("job", "created_by").get(pk=backtest_id)
    if backtest.status != Status.RUNNING or backtest.chunks.filter(done_at__isnull=True).exists():
        return None
    results = summed(backtest)
    BacktestChunk.objects.filter(backtest=backtest).exclude(given=[]).update(given=[])
    facts_of = {"total": backtest.total, "kind": backtest.kind}
    done = lifecycle.move(backtest, Status.DONE, actor=backtest.created_by, at=at, facts=facts_of, results=results, finished_at=at)
    jobs.finish(backtest.job, at=at, applications=results.get("n", 0))
    return done


def summed(backtest: Backtest) -> dict[str, Any]:
    """Return the tally over the parts that are done."""
    found: dict[str, Any] = {}
    for counts in backtest.chunks.filter(done_at__isnull=False).order_by("number").values_list("counts", flat=True):
        found = tallies.merge(found, counts)
    return found


@transaction.atomic
def cancel(backtest: Backtest, *, actor: Any, at: datetime) -> Backtest:
    """Stop a backtest; the parts that are done stay readable.

    :raises Over: if it is over already
    """
    held = Backtest.objects.select_for_update(of=("self",)).select_related("job").get(pk=backtest.pk)
    if held.status != Status.RUNNING:
        raise Over(_("%(backtest)s is over already.") % {"backtest": held})
    done = lifecycle.move(held, Status.CANCELLED, actor=actor, at=at, results=summed(held), finished_at=at)
    BacktestChunk.objects.filter(backtest=held).exclude(given=[]).update(given=[])
    jobs.fail(held.job, gettext("Stopped on request."), at=at)
    return done


@transaction.atomic
def _fail(backtest: Backtest, sentence: str, *, at: datetime) -> Backtest:
    failed = lifecycle.move(backtest, Status.FAILED, actor=backtest.created_by, at=at, finished_at=at)
    jobs.fail(backtest.job, sentence, at=at)
    return failed


def unfinished(*, at: datetime) -> list[int]:
    """Return the backtests with a part that no living worker holds, or with nothing left but to be closed."""
    waiting = BacktestChunk.objects.filter(done_at__isnull=True, claimed_at__gte=at - LEASE)
    rows = Backtest.objects.filter(status=Status.RUNNING, created_at__lt=at - timedelta(minutes=1)).exclude(chunks__in=waiting)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def side_name(arm: BacktestArm) -> str:
    """Return what a side is called: the version, or that it is what was decided."""
    if arm.strategy_version is None:
        return gettext("As decided")
    return f"v{arm.strategy_version.number}"
