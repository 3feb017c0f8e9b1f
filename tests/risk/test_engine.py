"""Decisions in the database: stored whole, never changed, repeated exactly."""

import copy
import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from governance.lifecycle import IllegalMove
from ledger import log
from risk import engine, registry, seeds, strategy_life, words
from risk.models import Decision, ScorecardVersion, StrategyVersion
from risk.registry import Unrunnable
from tests.fixtures.cast import Cast
from tests.risk.support import FACTS, MIDDLING, NOON, WEAK, artefact, live_scorecard, strategy


@pytest.fixture
def judge(cast: Cast) -> Any:
    """Return `evaluate` with a live strategy and card."""
    live_scorecard(cast.system)

    def evaluate(**changes: Any) -> Decision:
        return engine.evaluate(FACTS | changes, at=NOON, actor=cast.system, subject="credit.application:A-TEST")

    return evaluate


def test_a_decision_is_stored_as_it_was_made(judge: Any) -> None:
    made = judge()
    kept = Decision.objects.get(pk=made.pk)
    assert (kept.outcome, kept.grade, kept.limit, kept.annual_rate) == ("approve", "A", D("50000.00"), D("0.120000"))
    assert kept.score == made.score
    assert kept.pd == made.pd
    assert kept.at == NOON
    assert kept.stored_at is not None
    assert kept.facts["income"] == "9000.00"
    assert kept.scorecard_version is not None
    assert kept.verdict() == strategy().run(FACTS)


def test_it_is_recorded_in_the_ledger_without_the_facts(judge: Any) -> None:
    made = judge()
    entry = log.history(made).get()
    assert entry.event == "risk.decision.made"
    assert entry.facts["outcome"] == "approve"
    assert "9000" not in str(entry.facts)


def test_identifiers_are_not_stored(judge: Any) -> None:
    made = judge(id_number="310101199003070013", name="王小明", income="王小明")
    assert made.outcome == "refer"
    assert set(made.reasons) == {"fact_wrong_type:income", "fact_undeclared:id_number", "fact_undeclared:name"}
    kept = Decision.objects.filter(pk=made.pk).values().get()
    assert "王小明" not in str(kept)
    assert "310101" not in str(kept)


def test_source_and_date_of_a_fact_are_kept(cast: Cast) -> None:
    live_scorecard(cast.system)
    told = {"income": {"source": "verified", "as_of": "2026-03-01", "by": "Chen"}, "shoe_size": {"source": "stated"}}
    made = engine.evaluate(FACTS, at=NOON, actor=cast.system, sources=told)
    assert made.sources == {"income": {"source": "verified", "as_of": "2026-03-01"}}


@pytest.mark.parametrize("statement", [
    "UPDATE risk_decision SET outcome = 'approve'", "DELETE FROM risk_decision", "TRUNCATE risk_decision CASCADE",
])  # fmt: skip
def test_nobody_changes_a_decision(judge: Any, statement: str) -> None:
    judge()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Decision.objects.count() == 1


def test_a_released_version_is_frozen(judge: Any) -> None:
    for model, change in ((StrategyVersion, {"graph": {}}), (ScorecardVersion, {"content": {}}), (StrategyVersion, {"sha256": "0" * 64})):
        with pytest.raises(DatabaseError, match="released"), transaction.atomic():
            model.objects.update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()


def test_facts_make_the_decision_whatever_the_order(judge: Any, cast: Cast) -> None:
    one = judge()
    other = engine.evaluate(dict(reversed(FACTS.items())), at=NOON + timedelta(days=1), actor=cast.system)
    assert one.verdict() == other.verdict()


def test_without_a_live_version_nothing_is_judged(cast: Cast) -> None:
    with pytest.raises(engine.NoLiveStrategy):
        engine.evaluate(FACTS, at=NOON, actor=cast.system, strategy="unheard_of")
    assert not Decision.objects.exists()


def test_without_a_scorecard_every_case_goes_to_a_person(cast: Cast) -> None:
    seeds.seed()
    made = engine.evaluate(FACTS, at=NOON, actor=cast.system)
    assert (made.outcome, made.reasons, made.scorecard_version_id) == ("refer", ["scorecard_missing"], None)


def test_an_evaluation_is_few_queries(judge: Any, django_assert_max_num_queries: Any) -> None:
    judge()
    with django_assert_max_num_queries(6):  # versions, savepoint, decision, ledger, delivery, release
        judge()


# --- sentences ----------------------------------------------------------------------------------------------------------
def test_reasons_are_sentences_in_both_languages_and_in_the_customer_s_words(judge: Any) -> None:
    made = judge(monthly_debt=D("4500.00"))
    assert made.reason_sentences("en") == [f"Debt takes {made.figures['dti'] * 100:.1f}% of income with this loan (limit 55%)."]
    assert made.reason_sentences("zh-hans") == [f"加上本笔贷款，债务占收入的{made.figures['dti'] * 100:.1f}%（上限55%）。"]
    told = made.reason_sentences("en", customer=True)[0]
    assert "your income" in told
    assert f"CNY {made.limit:,.0f}" in told


def test_a_missing_fact_is_told_by_its_name_in_words(judge: Any) -> None:
    made = judge(income=None)
    assert made.reason_sentences("en") == ["Referred: Monthly income is missing."]
    assert made.reason_sentences("zh-hans", customer=True) == ["还需您补充信息：月收入。"]


def test_every_reason_of_the_house_has_words_in_both_languages() -> None:
    for name in ("policy_reasons", "engine_reasons", "scorecard_reasons"):
        for code, text in words.data(name).items():
            for key in ("label_en", "label_zh", "en", "zh", "customer_en", "customer_zh"):
                assert text.get(key), (name, code, key)


@pytest.mark.parametrize("facts", [WEAK, MIDDLING])
def test_at_most_four_reasons_when_the_score_decides(judge: Any, facts: dict[str, Any]) -> None:
    made = judge(**facts)
    assert 2 <= len(made.reasons) <= 4
    assert len(set(made.reasons)) == len(made.reasons)


# --- versions -----------------------------------------------------------------------------------------------------------
def add(cast: Cast, **changes: Any) -> StrategyVersion:
    values = {
        "code": registry.RETAIL, "name_en": "Retail", "name_zh": "零售", "graph": words.data(registry.RETAIL),
        "input_schema": words.data("input_schema"), "reasons": words.data("policy_reasons"), "actor": cast.system, "at": NOON,
    }  # fmt: skip
    return registry.add_strategy_version(**values | changes)


def test_a_new_version_decides_once_it_is_live_and_the_old_one_retires(judge: Any, cast: Cast) -> None:
    first = judge()
    graph = copy.deepcopy(words.data(registry.RETAIL))
    policy = next(node for node in graph["nodes"] if node["id"] == "admission-policy")
    policy["content"]["expressions"][0]["value"] = "99"
    draft = add(cast, graph=graph)
    assert judge().outcome == "approve"
    registry.make_live(draft, actor=cast.system, at=NOON)
    assert judge().reasons[0] == "age_below_minimum"
    assert list(StrategyVersion.objects.filter(strategy__kind="lending").order_by("number").values_list("status", flat=True)) == [
        "retired",
        "live",
    ]
    assert engine.difference(Decision.objects.with_versions().get(pk=first.pk)) == ""  # by the version that decided
    registry.make_live(StrategyVersion.objects.get(number=1, strategy__kind="lending"), actor=cast.risk_manager, at=NOON)
    assert judge().outcome == "approve"


def test_the_live_version_cannot_be_made_live_again(judge: Any, cast: Cast) -> None:
    with pytest.raises(IllegalMove):
        registry.make_live(StrategyVersion.objects.get(strategy__kind="lending"), actor=cast.risk_manager, at=NOON)


def test_the_seed_changes_nothing_when_repeated(cast: Cast) -> None:
    seeds.seed()
    seeds.seed()
    assert StrategyVersion.objects.filter(strategy__kind="lending").count() == 1


def test_a_release_brings_its_policy_as_a_draft_where_another_one_decides(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides is never changed by a seed: the new policy waits for people, once, and can be sent by them."""
    seeds.seed()
    first = StrategyVersion.objects.get(strategy__kind="lending")
    newer = copy.deepcopy(words.data(registry.RETAIL))
    newer["nodes"][1]["content"]["expressions"][0]["value"] = "20"
    shipped = words.data
    monkeypatch.setattr(words, "data", lambda name: newer if name == registry.RETAIL else shipped(name))
    seeds.seed()
    seeds.seed()
    was, new = StrategyVersion.objects.filter(strategy__kind="lending").order_by("number")
    assert (was.pk, was.status, was.sha256) == (first.pk, "live", first.sha256)
    assert (new.status, new.live_at, new.graph) == ("draft", None, newer)
    assert "compare it" in new.note
    sent = strategy_life.send(new, note="shipped", actor=cast.risk_analyst, at=NOON)
    assert strategy_life.approve(sent, note="agreed", actor=cast.risk_manager, at=NOON).status == "approved"
    assert engine.live(registry.RETAIL).strategy_id == first.pk


def test_a_strategy_that_reads_a_protected_attribute_is_not_registered(cast: Cast) -> None:
    import copy

    graph = copy.deepcopy(words.data(registry.RETAIL))
    next(node for node in graph["nodes"] if node["id"] == "admission-rules")["content"]["inputs"][1]["field"] = "personal_status_sex"
    with pytest.raises(Unrunnable, match="personal_status_sex"):
        add(cast, graph=graph)


@pytest.mark.parametrize("spoil", ["protected", "unproved", "no proof", "no card"])
def test_a_scorecard_is_registered_only_with_its_proof(cast: Cast, spoil: str) -> None:
    import copy

    kept = copy.deepcopy(artefact())
    if spoil == "protected":
        kept["content"]["features"][0]["name"] = "foreign_worker"
    elif spoil == "unproved":
        kept["metrics"]["proof"]["max_abs_diff"] = 0.1
    elif spoil == "no proof":
        del kept["metrics"]["proof"]
    else:
        kept["content"] = {"v": 1}
    with pytest.raises(Unrunnable):
        registry.add_scorecard_version(code="x", name_en="X", name_zh="X", actor=cast.system, at=NOON, **kept)
    assert not ScorecardVersion.objects.exists()


# --- replay -------------------------------------------------------------------------------------------------------------
def replay(*arguments: str) -> tuple[list[str], int]:
    out = StringIO()
    try:
        call_command("replay_decision", *arguments, stdout=out)
    except SystemExit as ended:
        return out.getvalue().splitlines(), int(str(ended.code))
    return out.getvalue().splitlines(), 0


def test_every_decision_replays_to_the_same_verdict(judge: Any) -> None:
    for changes in ({}, WEAK, MIDDLING, {"income": None}, {"purpose": "yacht"}, {"age": 17}, {"savings": "unknown_or_none", "job": None}):
        judge(**changes)
    assert replay("--all") == (["7 passed, 0 failed"], 0)


def test_a_decision_that_was_tampered_with_fails_and_names_the_difference(judge: Any) -> None:
    made = judge()
    kept = Decision.objects.values().get(pk=made.pk)
    for name in ("id", "public_id", "stored_at"):
        kept.pop(name)
    forged = Decision.objects.create(**kept | {"grade": "B"})  # an UPDATE is refused, so the forger inserts
    doctored = Decision.objects.create(**kept | {"facts": kept["facts"] | {"age": 17}})
    lines, code = replay("--all")
    assert code == 1
    assert lines[-1] == "1 passed, 2 failed"
    assert lines[0] == f'{forged.public_id}: grade: "B" → "A"'
    assert lines[1] == f'{doctored.public_id}: outcome: "approve" → "decline"'


def test_a_tampered_version_is_not_run(cast: Cast) -> None:
    version = live_scorecard(cast.system)
    pair = engine.live(registry.RETAIL)
    with pytest.raises(engine.Tampered):
        engine.compiled(pair._replace(scorecard_sha256="0" * 64))
    assert version.sha256 == pair.scorecard_sha256


def test_one_decision_and_an_unknown_one(judge: Any) -> None:
    made = judge()
    lines, code = replay(made.public_id, "D-NOSUCH")
    assert (lines, code) == (["D-NOSUCH: there is no such decision", "1 passed, 1 failed"], 1)


# --- the hot path -------------------------------------------------------------------------------------------------------
def test_the_web_process_never_pays_for_the_training_libraries() -> None:
    code = (
        "import django, sys; django.setup(); import risk.engine, risk.views, risk.api, risk.registry, crm.urls;"
        "print(sorted({'optbinning', 'pandas', 'sklearn', 'ortools', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "crm.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"
