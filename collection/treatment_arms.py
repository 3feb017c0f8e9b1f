"""By which strategy a customer is treated: what is live, or the arm of the running experiment, by a stable hash of the customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from collection import treatment_judge, treatment_shape
from collection.models import TreatmentExperiment
from collection.models.treatments import CHALLENGER, CHAMPION, HOLDOUT
from collection.treatment_judge import Judge, Treatment
from risk.engine import BUCKETS, bucket
from risk.models import StrategyVersion


@lru_cache(maxsize=8)
def _judge(version_id: int, sha256: str) -> Judge:
    version = StrategyVersion.objects.get(pk=version_id)
    return Judge(version.graph, version.input_schema, version.reasons)


def judge_of(version_id: int) -> Judge:
    """Return a version compiled; a draft that was changed is compiled anew."""
    return _judge(version_id, StrategyVersion.objects.values_list("sha256", flat=True).get(pk=version_id))


def arm(salt: str, customer_id: int, *, challenger: int, holdout: int) -> str:
    """Return the arm of a customer; shares are per cent."""
    place = bucket(salt, customer_id)
    if place < challenger * BUCKETS // 100:
        return CHALLENGER
    return HOLDOUT if place >= BUCKETS - holdout * BUCKETS // 100 else CHAMPION


@dataclass(frozen=True)
class Arms:
    """What is live now, and what it is tried against."""

    live: int
    judge: Judge
    experiment: int | None = None
    salt: str = ""
    challenger: int | None = None
    challenger_judge: Judge | None = None
    challenger_share: int = 0
    holdout_share: int = 0

    def judged(self, customer_id: int, facts: Mapping[str, Any]) -> tuple[str, int, Treatment]:
        """Return arm ("" without an experiment), version and treatment of a case."""
        if self.experiment is None:
            return "", self.live, self.judge.judge(facts)
        found = arm(self.salt, customer_id, challenger=self.challenger_share, holdout=self.holdout_share)
        if found == CHALLENGER and self.challenger_judge is not None and self.challenger is not None:
            return found, self.challenger, self.challenger_judge.judge(facts)
        treatment = self.judge.judge(facts)
        return found, self.live, treatment_judge.only_written(treatment) if found == HOLDOUT else treatment


def now_running() -> Arms | None:
    """Return what cases are treated by now; None while no strategy is live."""
    live = StrategyVersion.objects.filter(strategy__code=treatment_shape.CODE, status="live").values_list("pk", flat=True).first()
    if live is None:
        return None
    running = TreatmentExperiment.objects.filter(status=TreatmentExperiment.Status.RUNNING).first()
    if (
        running is None or running.champion_id != live
    ):  # another version was released: the experiment is over, `treatment_experiments` ends it
        return Arms(live, judge_of(live))
    other = running.challenger_id
    return Arms(
        running.champion_id, judge_of(running.champion_id), running.pk, running.salt, other, judge_of(other) if other else None,
        running.challenger_share, running.holdout_share,
    )  # fmt: skip
