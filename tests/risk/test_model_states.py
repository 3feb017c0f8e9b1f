"""A model's life: who may do which step, that three people do it, that no second tab does it twice, that what was said stays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance.lifecycle import IllegalMove, MovedMeanwhile
from governance.models import User
from risk import model_fairness, model_states, registry
from risk.model_proofs import NotEqual
from risk.models import ModelAct, ScorecardVersion, StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.support import NOON, artefact, live_scorecard

WORDS = "Looked at the data, the figures and the reasons."
EVERY = list(model_states.CHECKS)


@pytest.fixture
def draft(cast: Cast) -> ScorecardVersion:
    """A challenger by the analyst, beside the champion of the house."""
    live_scorecard(cast.system)
    return registered(cast.risk_analyst)


def registered(actor: User, **changes: Any) -> ScorecardVersion:
    told = artefact() | changes
    return registry.add_scorecard_version(code=registry.CARD, name_en="Retail", name_zh="零售", actor=actor, at=NOON, **told)


def validated(version: ScorecardVersion, cast: Cast) -> ScorecardVersion:
    return model_states.validate(version, report=WORDS, checklist=EVERY, tier=1, actor=cast.risk_manager, at=NOON)


def approved(version: ScorecardVersion, cast: Cast) -> ScorecardVersion:
    return model_states.approve(validated(version, cast), text=WORDS, actor=cast.compliance, at=NOON)


def test_from_draft_to_champion_by_three_people(cast: Cast, draft: ScorecardVersion) -> None:
    first = ScorecardVersion.objects.get(number=1)
    assert (first.developer, first.status) == (None, "live")
    approved(draft, cast)
    assert draft.proof["rows"] > 0 and draft.proof["max_abs_diff"] < 1e-9
    assert draft.review_due == (NOON + timedelta(days=365)).date()
    model_states.make_champion(draft, actor=cast.risk_manager, at=NOON)
    first.refresh_from_db()
    draft.refresh_from_db()
    assert (draft.status, first.status) == ("live", "retired")
    assert first.retirement_reason == "replaced by version 2"
    assert [act.kind for act in draft.acts.order_by("pk")] == ["validated", "approved", "champion"]
    assert (draft.developer, draft.validator, draft.approver) == (cast.risk_analyst, cast.risk_manager, cast.compliance)
    registry.make_live(first, actor=cast.system, at=NOON)  # back to what served before
    assert ScorecardVersion.objects.get(status="live").pk == first.pk


def test_no_step_by_the_same_person(cast: Cast) -> None:
    live_scorecard(cast.system)
    own = registered(cast.risk_manager)
    with pytest.raises(model_states.SamePerson):
        validated(own, cast)
    with pytest.raises(model_states.SamePerson):
        model_states.reject(own, text=WORDS, actor=cast.risk_manager, at=NOON)
    theirs = validated(registered(cast.risk_analyst), cast)
    for actor in (cast.risk_manager, cast.risk_analyst):
        with pytest.raises(model_states.SamePerson):
            model_states.approve(theirs, text=WORDS, actor=actor, at=NOON)
    model_states.approve(theirs, text=WORDS, actor=cast.compliance, at=NOON)
    with pytest.raises(model_states.SamePerson):
        model_states.make_champion(theirs, actor=cast.risk_analyst, at=NOON)


@pytest.mark.parametrize("pair", [("developer", "validator"), ("developer", "approver"), ("validator", "approver")])
def test_the_database_refuses_one_person_twice(cast: Cast, pair: tuple[str, str]) -> None:
    version = registered(cast.risk_analyst)
    people = {"developer": cast.risk_analyst, "validator": cast.risk_manager, "approver": cast.compliance}
    people[pair[1]] = people[pair[0]]
    with pytest.raises(IntegrityError), transaction.atomic():
        ScorecardVersion.objects.filter(pk=version.pk).update(**people)


@pytest.mark.parametrize("status", ["validated", "approved", "live", "retired"])
def test_the_database_refuses_a_step_that_nobody_answers_for(cast: Cast, status: str) -> None:
    version = registered(cast.risk_analyst)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScorecardVersion.objects.filter(pk=version.pk).update(status=status, live_at=NOON)


def test_a_person_makes_no_draft_champion(cast: Cast, draft: ScorecardVersion) -> None:
    with pytest.raises(NotAllowed):
        registry.make_live(draft, actor=cast.risk_manager, at=NOON)
    with pytest.raises(IllegalMove):
        model_states.make_champion(validated(draft, cast), actor=cast.risk_manager, at=NOON)


def test_what_it_says_and_who_said_so_is_frozen(cast: Cast, draft: ScorecardVersion) -> None:
    approved(draft, cast)
    for change in (
        {"content": {}},
        {"approver": cast.auditor},
        {"validator": cast.auditor},
        {"proof": {}},
        {"developer": None},
        {"number": 9},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ScorecardVersion.objects.filter(pk=draft.pk).update(**change)
    for act in (lambda: ModelAct.objects.update(text="x"), lambda: ModelAct.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


def test_of_two_tabs_one_is_told(cast: Cast, draft: ScorecardVersion) -> None:
    validated(draft, cast)
    tabs = [ScorecardVersion.objects.get(pk=draft.pk) for _tab in range(2)]
    model_states.approve(tabs[0], text=WORDS, actor=cast.compliance, at=NOON)
    with pytest.raises(MovedMeanwhile):
        model_states.approve(tabs[1], text=WORDS, actor=cast.compliance, at=NOON)
    with pytest.raises(IllegalMove):
        model_states.approve(tabs[0], text=WORDS, actor=cast.compliance, at=NOON)
    assert ModelAct.objects.filter(kind="approved").count() == 1


Try = tuple[Callable[[ScorecardVersion, Cast], Any], str]
BAD: dict[str, Try] = {
    "no report": (lambda v, c: model_states.validate(v, report=" ", checklist=EVERY, tier=1, actor=c.risk_manager, at=NOON), "report"),
    "a point left": (
        lambda v, c: model_states.validate(v, report=WORDS, checklist=EVERY[1:], tier=1, actor=c.risk_manager, at=NOON), "checklist",
    ),
    "tier 4": (lambda v, c: model_states.validate(v, report=WORDS, checklist=EVERY, tier=4, actor=c.risk_manager, at=NOON), "tier"),
    "no reason": (lambda v, c: model_states.reject(v, text="no", actor=c.risk_manager, at=NOON), "text"),
    "review too late": (
        lambda v, c: model_states.approve(
            validated(v, c), text=WORDS, review_due=(NOON + timedelta(days=400)).date(), actor=c.compliance, at=NOON
        ),
        "review_due",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_at_its_field(cast: Cast, draft: ScorecardVersion, name: str) -> None:
    act, field = BAD[name]
    with pytest.raises(Invalid) as refusal:
        act(draft, cast)
    assert field in refusal.value.fields


def test_a_gap_between_groups_needs_a_reason(cast: Cast) -> None:
    rows = [
        {"group": "female", "rows": 120, "approved": 0.55, "ratio": 0.55 / 0.8, "good_refused": 0.3, "bad_passed": 0.2, "bad_rate": 0.3},
        {"group": "male", "rows": 120, "approved": 0.8, "ratio": 1.0, "good_refused": 0.1, "bad_passed": 0.4, "bad_rate": 0.3},
    ]
    metrics = artefact()["metrics"] | {"fairness": {"sex": rows}}
    assert [row["gap"] for row in model_fairness.tables(ScorecardVersion(metrics=metrics))[0]["rows"]] == [True, False]
    version = validated(registered(cast.risk_analyst, metrics=metrics), cast)
    with pytest.raises(Invalid) as refusal:
        model_states.approve(version, text=WORDS, actor=cast.compliance, at=NOON)
    assert "sex: female" in str(refusal.value)
    model_states.approve(version, text=WORDS, fairness_reason="Income explains it; looked at monthly.", actor=cast.compliance, at=NOON)
    version.refresh_from_db()
    assert version.fairness_reason.startswith("Income")


def test_no_approval_without_equality(cast: Cast, draft: ScorecardVersion) -> None:
    ScorecardVersion.objects.filter(pk=draft.pk).update(metrics=draft.metrics | {"proof": {"rows": 9, "max_abs_diff": 0.5}})
    draft.refresh_from_db()
    validated(draft, cast)
    with pytest.raises(NotEqual):
        model_states.approve(draft, text=WORDS, actor=cast.compliance, at=NOON)
    draft.refresh_from_db()
    assert draft.status == "validated"


def test_review_and_retirement(cast: Cast, draft: ScorecardVersion) -> None:
    due = (NOON + timedelta(days=300)).date()
    told = {"outcome": "keep", "text": WORDS, "next_due": due, "actor": cast.risk_manager, "at": NOON}
    with pytest.raises(DomainError):
        model_states.review(draft, **told)
    approved(draft, cast)
    model_states.review(draft, **told)
    assert ScorecardVersion.objects.get(pk=draft.pk).review_due == due
    with pytest.raises(Invalid):
        model_states.review(draft, **told | {"outcome": "burn"})
    champion = ScorecardVersion.objects.get(status="live")
    assert StrategyVersion.objects.get(status="live", strategy__kind="lending").scorecard_code == registry.CARD
    with pytest.raises(model_states.InUse):
        model_states.retire(champion, reason=WORDS, actor=cast.risk_manager, at=NOON)
    model_states.retire(draft, reason=WORDS, actor=cast.risk_manager, at=NOON)
    assert ScorecardVersion.objects.get(pk=draft.pk).retirement_reason == WORDS
