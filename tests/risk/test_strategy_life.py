"""The life of a strategy version: who may move it where, what is refused, what races decide."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from crm.lib.errors import Invalid, NotAllowed, Stale
from governance.lifecycle import IllegalMove, MovedMeanwhile
from ledger.models import Entry
from risk import engine, registry, strategy_cases, strategy_life, strategy_versions
from risk.models import Decision, StrategyCase, StrategyNote, StrategyVersion
from risk.strategy_life import NotClean, NothingToGoBackTo, OwnVersion
from risk.strategy_versions import NotADraft, Unfit
from tests.fixtures.cast import Cast
from tests.risk.drafts import approved, draft, graph, node, with_value
from tests.risk.support import FACTS, NOON, D, live_scorecard

LATER = NOON + timedelta(hours=1)
JSON_FACTS = {name: str(value) if isinstance(value, D) else value for name, value in FACTS.items()}


@pytest.fixture
def house(cast: Cast) -> Cast:
    live_scorecard(cast.system)
    return cast


def judged(**changes: Any) -> Decision:
    return engine.judged(FACTS | changes, at=NOON)


# --- from draft to live ---------------------------------------------------------------------------------------------------
def test_a_draft_goes_live_by_the_hands_of_two(house: Cast) -> None:
    version = approved(house, age_min="99")
    assert judged().outcome == "approve", "an approval alone changes nothing"
    strategy_life.release(version, note="from today", actor=house.risk_manager, at=LATER)
    assert judged().reasons[0] == "age_below_minimum"
    assert list(StrategyVersion.objects.filter(strategy__kind="lending").order_by("number").values_list("status", flat=True)) == [
        "retired",
        "live",
    ]
    told = StrategyNote.objects.order_by("pk").values_list("act", "text")
    assert list(told) == [("testing", "stricter"), ("approved", "agreed"), ("live", "from today")]
    events = set(Entry.objects.filter(subject_type="risk.strategyversion", subject_id=version.pk).values_list("event", flat=True))
    assert {"risk.strategyversion.registered", "risk.strategyversion.edited", "risk.strategyversion.testing",
            "risk.strategyversion.approved", "risk.strategyversion.live"} <= events  # fmt: skip


def test_who_made_changed_or_sent_it_does_not_approve_it(house: Cast) -> None:
    made = draft(house, age_min="21")
    strategy_versions.save(made, revision=made.revision, graph=with_value(made.graph, "age_min", "22"), actor=house.risk_manager, at=NOON)
    version = strategy_life.send(StrategyVersion.objects.get(pk=made.pk), note="x", actor=house.risk_analyst, at=NOON)
    for person in (house.risk_analyst, house.risk_manager):
        with pytest.raises(OwnVersion):
            strategy_life.approve(version, note="", actor=person, at=NOON)
    strategy_life.approve(version, note="ok", actor=house.compliance, at=NOON)
    assert version.decided_by == house.compliance


def test_the_database_itself_refuses_an_approval_by_the_maker(house: Cast) -> None:
    version = strategy_life.send(draft(house), note="x", actor=house.risk_analyst, at=NOON)
    with pytest.raises(IntegrityError, match="strategy_version_four_eyes"), transaction.atomic():
        StrategyVersion.objects.filter(pk=version.pk).update(status="approved", decided_by=house.risk_analyst, decided_at=NOON)
    with pytest.raises(IntegrityError, match="strategy_version_approved_by_somebody"), transaction.atomic():
        StrategyVersion.objects.filter(pk=version.pk).update(status="approved")


ACTS: dict[str, Any] = {
    "send": lambda v, c: strategy_life.send(v, note="x", actor=c.risk_analyst, at=LATER),
    "take_back": lambda v, c: strategy_life.take_back(v, note="x", actor=c.risk_analyst, at=LATER),
    "approve": lambda v, c: strategy_life.approve(v, note="x", actor=c.compliance, at=LATER),
    "reject": lambda v, c: strategy_life.reject(v, note="x", actor=c.compliance, at=LATER),
    "schedule": lambda v, c: strategy_life.schedule(v, release_at=LATER + timedelta(days=1), note="x", actor=c.risk_manager, at=LATER),
    "unschedule": lambda v, c: strategy_life.unschedule(v, note="x", actor=c.risk_manager, at=LATER),
    "release": lambda v, c: strategy_life.release(v, note="x", actor=c.risk_manager, at=LATER),
}
MAY = {
    "draft": {"send"}, "testing": {"take_back", "approve", "reject"}, "approved": {"reject", "schedule", "release"},
    "scheduled": {"unschedule", "release"}, "live": set(), "retired": set(), "rejected": set(),
}  # fmt: skip
WAY: dict[str, tuple[str, ...]] = {
    "draft": (), "testing": ("send",), "approved": ("send", "approve"), "scheduled": ("send", "approve", "schedule"),
    "live": ("send", "approve", "release"), "retired": ("send", "approve", "release"), "rejected": ("send", "reject"),
}  # fmt: skip


@pytest.mark.parametrize("status", list(MAY))
def test_each_state_allows_its_steps_and_no_other(house: Cast, status: str) -> None:
    version = draft(house)
    for step in WAY[status]:
        version = ACTS[step](version, house)
    if status == "retired":
        strategy_life.roll_back(version.strategy, note="worse", actor=house.risk_manager, at=LATER)
        version.refresh_from_db()
    assert version.status == status
    for name, act in ACTS.items():
        again = StrategyVersion.objects.select_related("strategy").get(pk=version.pk)
        with transaction.atomic():
            if name in MAY[status]:
                act(again, house)
            else:
                with pytest.raises((IllegalMove, NotAllowed)):
                    act(again, house)
            transaction.set_rollback(True)


def test_what_left_draft_is_frozen_and_opens_again_only_from_testing(house: Cast) -> None:
    version = strategy_life.send(draft(house), note="x", actor=house.risk_analyst, at=NOON)
    with pytest.raises(NotADraft):
        strategy_versions.save(version, revision=version.revision, graph=version.graph, actor=house.risk_analyst, at=NOON)
    for change in ({"graph": {}}, {"note": "other"}, {"hands": []}, {"revision": 9}):
        with pytest.raises(DatabaseError, match="released"), transaction.atomic():
            StrategyVersion.objects.filter(pk=version.pk).update(**change)
    back = strategy_life.take_back(version, note="one more row", actor=house.risk_analyst, at=NOON)
    strategy_versions.save(back, revision=back.revision, graph=with_value(back.graph, "age_min", "20"), actor=house.risk_analyst, at=NOON)
    version = strategy_life.approve(
        strategy_life.send(StrategyVersion.objects.get(pk=back.pk), note="x", actor=house.risk_analyst, at=NOON),
        note="ok", actor=house.compliance, at=NOON,
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="released"), transaction.atomic():
        StrategyVersion.objects.filter(pk=version.pk).update(status="draft")


def test_a_person_makes_nothing_live_that_nobody_approved(house: Cast) -> None:
    with pytest.raises(NotAllowed):
        registry.make_live(draft(house), actor=house.risk_manager, at=NOON)


def test_a_step_needs_its_reason(house: Cast) -> None:
    version = draft(house)
    for act in (strategy_life.send, strategy_life.take_back, strategy_life.reject, strategy_life.release):
        with pytest.raises(Invalid):
            act(version, note="  ", actor=house.compliance, at=NOON)


# --- races ----------------------------------------------------------------------------------------------------------------
def test_the_second_of_two_approvers_is_told(house: Cast) -> None:
    version = strategy_life.send(draft(house), note="x", actor=house.risk_analyst, at=NOON)
    stale = StrategyVersion.objects.select_related("strategy").get(pk=version.pk)
    strategy_life.approve(version, note="ok", actor=house.risk_manager, at=NOON)
    with pytest.raises(MovedMeanwhile), transaction.atomic():
        strategy_life.approve(stale, note="ok", actor=house.compliance, at=NOON)
    assert StrategyVersion.objects.get(pk=version.pk).decided_by == house.risk_manager


def test_a_release_of_what_was_rejected_meanwhile_fails_and_leaves_the_live_one(house: Cast) -> None:
    version = approved(house)
    stale = StrategyVersion.objects.select_related("strategy").get(pk=version.pk)
    strategy_life.reject(version, note="a mistake", actor=house.compliance, at=NOON)
    with pytest.raises(MovedMeanwhile), transaction.atomic():
        strategy_life.release(stale, note="go", actor=house.risk_manager, at=NOON)
    assert StrategyVersion.objects.get(status="live", strategy__kind="lending").number == 1


def test_two_tabs_the_second_save_is_told(house: Cast) -> None:
    version = draft(house)
    other = StrategyVersion.objects.select_related("strategy").get(pk=version.pk)
    strategy_versions.save(version, revision=1, graph=with_value(graph(), "age_min", "19"), actor=house.risk_analyst, at=NOON)
    with pytest.raises(Stale) as told:
        strategy_versions.save(other, revision=1, graph=with_value(graph(), "age_min", "30"), actor=house.risk_manager, at=NOON)
    assert told.value.extra["revision"] == 2
    kept = StrategyVersion.objects.get(pk=version.pk)
    assert (node(kept.graph, "admission-policy")["expressions"][0]["value"], kept.revision) == ("19", 2)


# --- release at a moment, and back --------------------------------------------------------------------------------------------
def test_a_scheduled_version_goes_live_at_its_moment(house: Cast) -> None:
    version = approved(house, age_min="99")
    with pytest.raises(Invalid):
        strategy_life.schedule(version, release_at=NOON - timedelta(minutes=1), note="x", actor=house.risk_manager, at=NOON)
    strategy_life.schedule(version, release_at=LATER, note="on Monday", actor=house.risk_manager, at=NOON)
    assert strategy_life.release_due(at=LATER - timedelta(seconds=1), actor=house.system) == []
    assert strategy_life.release_due(at=LATER, actor=house.system) == [version]
    assert judged().outcome == "decline"
    assert strategy_life.release_due(at=LATER, actor=house.system) == []
    kept = StrategyVersion.objects.get(pk=version.pk)
    assert (kept.status, kept.released_by, kept.release_reason, kept.live_at) == ("live", house.risk_manager, "on Monday", LATER)


def test_a_roll_back_is_one_step_and_replay_keeps_the_version(house: Cast) -> None:
    version = approved(house, age_min="99")
    with pytest.raises(NothingToGoBackTo):
        strategy_life.roll_back(version.strategy, note="x", actor=house.risk_manager, at=NOON)
    strategy_life.release(version, note="go", actor=house.risk_manager, at=NOON)
    refused = engine.evaluate(FACTS, at=NOON, actor=house.system)
    back = strategy_life.roll_back(version.strategy, note="declined too many", actor=house.risk_manager, at=LATER)
    assert (back.number, back.status, back.release_reason) == (1, "live", "declined too many")
    assert judged().outcome == "approve"
    assert engine.difference(Decision.objects.with_versions().get(pk=refused.pk)) == ""
    assert strategy_life.roll_back(version.strategy, note="it was right", actor=house.risk_manager, at=LATER) == version


# --- cases and lint before approval ----------------------------------------------------------------------------------------------
def test_a_case_that_comes_out_otherwise_keeps_a_version_from_being_approved(house: Cast) -> None:
    strategy = StrategyVersion.objects.get(strategy__kind="lending").strategy
    case = strategy_cases.add(
        strategy, name="good", facts_given=JSON_FACTS, expected={"outcome": "approve", "grade": "A"}, actor=house.risk_analyst, at=NOON
    )
    version = strategy_life.send(draft(house, age_min="99"), note="x", actor=house.risk_analyst, at=NOON)
    (ran,) = strategy_cases.run_all(version)
    assert ran.differs == ("outcome", "approve", "decline")
    with pytest.raises(NotClean, match="1 of 1 cases"):
        strategy_life.approve(version, note="x", actor=house.risk_manager, at=NOON)
    strategy_cases.change(
        case, name="good", facts_given=JSON_FACTS, expected={"outcome": "decline", "reasons": ["age_below_minimum"]},
        actor=house.risk_analyst, at=NOON,
    )  # fmt: skip
    strategy_life.approve(version, note="x", actor=house.risk_manager, at=NOON)
    assert version.evidence["passed"] == 1


def test_an_error_of_the_linter_keeps_a_draft_from_being_sent(house: Cast) -> None:
    content = graph()
    rows = node(content, "affordability-dti")["rules"]
    rows.insert(0, rows.pop())  # the row that takes everything first
    version = draft(house)
    version = strategy_versions.save(version, revision=1, graph=content, actor=house.risk_analyst, at=NOON)
    with pytest.raises(NotClean, match="never reached"):
        strategy_life.send(version, note="x", actor=house.risk_analyst, at=NOON)
    assert StrategyVersion.objects.get(pk=version.pk).status == "draft"


# --- what is refused at save -----------------------------------------------------------------------------------------------------
def rows(content: dict[str, Any]) -> list[Any]:
    found: list[Any] = node(content, "admission-policy")["expressions"]
    return found


def expression(text: str) -> Any:
    return lambda content: rows(content).append({"id": "x", "key": "x", "value": text})


def circle(content: dict[str, Any]) -> None:
    content["edges"].append({"id": "back", "type": "edge", "sourceId": "price-check", "targetId": "affordability-instalment"})


def function(content: dict[str, Any]) -> None:
    content["nodes"].append(
        {"id": "f", "type": "functionNode", "name": "F", "content": {"source": "export const handler = async () => fetch('x')"}}
    )
    content["edges"] += [{"id": "a", "sourceId": "facts", "targetId": "f"}, {"id": "b", "sourceId": "f", "targetId": "verdict"}]


def loose_end(content: dict[str, Any]) -> None:
    content["edges"] = [edge for edge in content["edges"] if edge["targetId"] != "end"]


def protected(content: dict[str, Any]) -> None:
    node(content, "admission-rules")["inputs"][1]["field"] = "foreign_worker"


def no_output(content: dict[str, Any]) -> None:
    content["nodes"] = [raw for raw in content["nodes"] if raw["type"] != "outputNode"]


def other_card(content: dict[str, Any]) -> None:
    node(content, "scorecard-points")["config"]["code"] = "nobodys"


def broken_row(content: dict[str, Any]) -> None:
    node(content, "admission-rules")["rules"][0]["admission-rules-age"] = 5


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (expression("1 +"), "not_an_expression"),
        (circle, "circle"),
        (expression("len(map([0..3000000], # * 2))"), "too_slow"),
        (expression("len(map([0..3000000000], # * 2))"), "breaks_down"),
        (expression("shoe_size * 2"), "unknown_name"),
        (expression("ShoeSize"), "unknown_name"),
        (function, "kind_refused"),
        (loose_end, "path_ends"),
        (protected, "protected"),
        (no_output, "one_output"),
        (other_card, "unknown_scorecard"),
        (broken_row, "row_form"),
        (lambda content: content.update(nodes="none"), "no_graph"),
        (lambda content: content["nodes"].append({"id": 5}), "node_form"),
        (lambda content: content.update(junk="x" * 1_000_000), "too_large"),
        (lambda content: content.update(junk="\ud800"), "unreadable"),
        (lambda content: content.update(junk="a\0b"), "unreadable"),
    ],
)  # fmt: skip
def test_what_cannot_decide_is_refused_at_save(house: Cast, spoil: Any, code: str) -> None:
    version, content = draft(house), graph()
    spoil(content)
    with pytest.raises(Unfit) as refused:
        strategy_versions.save(version, revision=1, graph=content, actor=house.risk_analyst, at=NOON)
    assert code in {one.code for one in refused.value.findings}
    assert str(refused.value).startswith("Not saved: ")
    assert "%(" not in str(refused.value)
    kept = StrategyVersion.objects.get(pk=version.pk)
    assert (kept.revision, kept.graph) == (1, graph())


@pytest.mark.parametrize("given", [{}, [], {"x": [1]}, {"Income": 1}, {"a": {"b": 1}}, "x", {"a" * 50: 1}, {"a": "\ud800"}])
def test_facts_of_a_case_are_flat(house: Cast, given: Any) -> None:
    strategy = StrategyVersion.objects.get(strategy__kind="lending").strategy
    with pytest.raises(Invalid):
        strategy_cases.add(strategy, name="x", facts_given=given, expected={"outcome": "refer"}, actor=house.risk_analyst, at=NOON)
    assert not StrategyCase.objects.filter(strategy=strategy).exists()


def test_a_comment_names_a_node_that_is_there_and_stays(house: Cast) -> None:
    version = draft(house)
    kept = strategy_life.comment(version, text="Why 18?", node="admission-policy", actor=house.compliance, at=NOON)
    with pytest.raises(Invalid):
        strategy_life.comment(version, text="x", node="nowhere", actor=house.compliance, at=NOON)
    with pytest.raises(DatabaseError), transaction.atomic():
        StrategyNote.objects.filter(pk=kept.pk).update(text="other")
