"""Proofs as jobs: what stands for which content, who is refused without one, where the live strategies cut off."""

from decimal import Decimal
from typing import Any

import pytest

from governance.models import Job
from risk import cutoffs, model_fairness, model_proofs, model_states
from risk.models import DataSet, ModelProof, ScorecardVersion, StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.drafts import graph, node
from tests.risk.support import NOON, artefact, live_scorecard
from tests.risk.test_model_states import EVERY, WORDS, registered

pytestmark = pytest.mark.django_db
EQUAL = {"rows": 1000, "max_abs_diff": 1e-12, "tolerance": 1e-9, "against": "optbinning", "again": True, "at": NOON.isoformat()}


@pytest.fixture
def version(cast: Cast) -> ScorecardVersion:
    """A validated challenger whose data are here; nothing is trained."""
    live_scorecard(cast.system)
    data = DataSet.objects.create(
        name="x", file_name="x.csv", storage_key="none", media_type="text/csv", size=1, sha256="0" * 64, target="bad", rows=100, bad=20,
        columns=[{"name": "a", "kind": "numeric", "role": "feature"}], owner=cast.risk_analyst, created_at=NOON,
    )  # fmt: skip
    made = registered(cast.risk_analyst, data_set=data)
    return model_states.validate(made, report=WORDS, checklist=EVERY, tier=1, actor=cast.risk_manager, at=NOON)


def approve(version: ScorecardVersion, cast: Cast, **more: Any) -> ScorecardVersion:
    return model_states.approve(version, text=WORDS, actor=cast.compliance, at=NOON, **more)


def done(version: ScorecardVersion, result: dict[str, Any], *, cut: str = "510", tables: dict[str, Any] | None = None) -> ModelProof:
    """Let the ordered proof have come to `result`, as a worker would leave it."""
    proof = version.proofs.get()
    live = cutoffs.live("retail")[0]
    groups = [{"strategy": live.strategy, "name": live.name, "score": cut, "tables": tables or {}}]
    ModelProof.objects.filter(pk=proof.pk).update(result=result, fairness=groups)
    Job.objects.filter(pk=proof.job_id).update(status=Job.Status.DONE, finished_at=NOON)
    return proof


def test_validation_orders_the_proof_and_a_second_order_finds_it(cast: Cast, version: ScorecardVersion) -> None:
    proof = version.proofs.get()
    assert (proof.sha256, proof.job.status) == (version.sha256, "waiting")
    again = model_proofs.start(version, actor=cast.compliance, at=NOON)
    assert again is not None and again.pk == proof.pk


def test_no_approval_before_the_proof_of_this_content_stands(cast: Cast, version: ScorecardVersion) -> None:
    with pytest.raises(model_proofs.NotProven):
        approve(version, cast)
    proof = done(version, EQUAL)
    ModelProof.objects.filter(pk=proof.pk).update(sha256="1" * 64)  # of another content
    with pytest.raises(model_proofs.NotProven):
        approve(version, cast)
    ModelProof.objects.filter(pk=proof.pk).update(sha256=version.sha256)
    approve(version, cast)
    version.refresh_from_db()
    assert version.proof["rows"] == 1000 and version.proof["fairness"][0]["score"] == "510"


@pytest.mark.parametrize(("result", "refusal"), [(EQUAL | {"max_abs_diff": 0.5}, model_proofs.NotEqual), ({}, model_proofs.NotProven)])
def test_a_proof_that_failed_approves_nothing(cast: Cast, version: ScorecardVersion, result: dict[str, Any], refusal: Any) -> None:
    done(version, result)
    with pytest.raises(refusal):
        approve(version, cast)


def test_a_proof_at_another_cut_off_than_the_live_one_is_made_anew(cast: Cast, version: ScorecardVersion) -> None:
    done(version, EQUAL, cut="480")
    with pytest.raises(model_proofs.NotProven):
        approve(version, cast)


def test_a_gap_at_the_live_cut_off_needs_a_reason_where_the_safest_seventy_show_none(cast: Cast, version: ScorecardVersion) -> None:
    rows = [
        {"group": "male_single", "rows": 90, "bad_rate": 0.2, "approved": 0.8, "ratio": 1.0, "good_refused": 0.1, "bad_passed": 0.4},
        {
            "group": "female_divorced_or_married",
            "rows": 60,
            "bad_rate": 0.2,
            "approved": 0.5,
            "ratio": 0.625,
            "good_refused": 0.3,
            "bad_passed": 0.2,
        },
    ]
    done(version, EQUAL, tables={"personal_status_sex": rows})
    assert not model_fairness.gaps(version)
    with pytest.raises(Exception, match="four fifths") as refusal:
        approve(version, cast)
    assert "fairness_reason" in refusal.value.fields  # type: ignore[attr-defined]
    approve(version, cast, fairness_reason="Income explains it; looked at monthly.")


def test_a_version_without_its_data_has_the_proof_of_its_training(cast: Cast) -> None:
    live_scorecard(cast.system)
    made = registered(cast.risk_analyst)
    assert model_proofs.start(made, actor=cast.risk_manager, at=NOON) is None
    assert model_proofs.standing(made)["rows"] == artefact()["metrics"]["proof"]["rows"]


def test_the_sweep_finds_what_waits_and_ends_what_died(cast: Cast, version: ScorecardVersion) -> None:
    from datetime import timedelta

    later = NOON + timedelta(hours=1)
    proof = version.proofs.get()
    assert model_proofs.unfinished(at=later) == [proof.pk]
    Job.objects.filter(pk=proof.job_id).update(status=Job.Status.RUNNING, updated_at=NOON)
    assert (model_proofs.dead(at=later), model_proofs.unfinished(at=later)) == (1, [])


# --- where a strategy cuts off ---------------------------------------------------------------------------------------
def test_the_shipped_strategy_cuts_off_at_510(cast: Cast) -> None:
    live_scorecard(cast.system)
    found = cutoffs.live("retail")
    assert [(one.score, one.number) for one in found] == [(Decimal(510), 1)]
    assert cutoffs.live("no_such_model") == found  # a challenger is measured where the champion judges


@pytest.mark.parametrize(("cell", "lowest"), [("[495..510)", "495"), (">= 497.5", "497.5"), ("", "535")])
def test_the_lowest_row_that_does_not_decline_is_the_cut_off(cell: str, lowest: str) -> None:
    content = graph()
    node(content, "scorecard-grade")["rules"][3]["scorecard-grade-score"] = cell
    assert cutoffs.cut_off(content) == Decimal(lowest)


def test_a_graph_without_a_score_has_no_cut_off() -> None:
    content = graph()
    content["nodes"] = [raw for raw in content["nodes"] if raw["id"] != "scorecard-grade"]
    assert cutoffs.cut_off(content) is None
    assert cutoffs.cut_off({"nodes": [{"type": "decisionTableNode"}, {"type": "inputNode", "content": {}}]}) is None


def test_a_strategy_that_asks_for_no_model_is_left_out(cast: Cast) -> None:
    live_scorecard(cast.system)
    assert StrategyVersion.objects.get(status="live", strategy__kind="lending").scorecard_code == "retail"
    assert cutoffs.live("retail")[0].name
