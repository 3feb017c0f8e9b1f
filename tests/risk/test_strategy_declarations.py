"""What a draft declares, in the browser: facts it asks for, sentences of its reasons, comments beside the graph, cases run once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from crm.lib.errors import Invalid, Stale
from risk import strategies, strategy_cases, strategy_declarations, strategy_life, strategy_versions
from risk.models import StrategyNote, StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.drafts import draft
from tests.risk.support import FACTS, NOON, D, live_scorecard

JSON_FACTS = {name: str(value) if isinstance(value, D) else value for name, value in FACTS.items()}
TEXTS = {
    "label_en": "New file", "label_zh": "新客户", "en": "The file is young.", "zh": "建档时间短。", "customer_en": "We know you too short a time.",
    "customer_zh": "您建档时间较短。",
}  # fmt: skip


@pytest.fixture
def house(cast: Cast) -> Cast:
    live_scorecard(cast.system)
    return cast


def address(version: StrategyVersion, rest: str) -> str:
    return f"/risk/strategies/{version.strategy.public_id}/versions/{version.number}/{rest}"


def say(client: Client, where: str, **data: Any) -> Any:
    return client.post(where, {"form_key": str(uuid4()), **data})


def declared(version: StrategyVersion) -> dict[str, Any]:
    version.refresh_from_db()
    return {row["name"]: row for row in version.input_schema["facts"]}


def test_a_feature_is_asked_for_changed_and_taken_away_in_the_browser(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version, client = draft(house), page_of(house.risk_analyst)
    text = client.get(address(version, "facts/add/")).content.decode()
    assert "months_known" in text and "Customer file" in text
    assert say(client, address(version, "facts/add/"), name="months_known", revision=1, least="0").status_code == 303
    assert declared(version)["months_known"] | {"meaning": "", "label_zh": ""} == {
        "name": "months_known", "type": "integer", "required": False, "protected": False, "meaning": "", "label_zh": "", "min": 0,
        "label_en": "Whole months since the file was opened",
    }  # fmt: skip
    page = client.get(address(version, "facts/")).content.decode()
    assert "Whole months since the file was opened" in page and "Customer file" in page
    assert say(client, address(version, "facts/of/months_known/"), name="months_known", required="on", revision=2).status_code == 303
    assert declared(version)["months_known"]["required"] and "min" not in declared(version)["months_known"]
    assert say(client, address(version, "facts/of/months_known/"), name="months_known", away="on", revision=3).status_code == 303
    assert "months_known" not in declared(version)


def test_what_does_not_fit_is_said_at_its_field_and_nothing_changes(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version, client = draft(house), page_of(house.risk_analyst)
    was = declared(version)
    for data, told in (
        ({"name": "intake_channel", "revision": 1}, "one a line"),
        ({"name": "nobody", "revision": 1}, "nobody"),
        ({"name": "months_known", "revision": "x"}, "number"),
    ):
        answer = say(client, address(version, "facts/add/"), **data)
        assert answer.status_code == 422 and told in answer.content.decode()
    refused = say(client, address(version, "facts/of/age/"), name="age", away="on", revision=1)
    assert refused.status_code == 422 and "neither a declared fact" in refused.content.decode()  # a rule reads it
    assert declared(version) == was and version.revision == 1
    assert client.get(address(version, "facts/of/nobody/")).status_code == 404


def test_a_category_of_the_catalogue_takes_the_values_it_is_given(house: Cast) -> None:
    version = draft(house)
    saved = strategy_declarations.ask_for(
        version, name="intake_channel", required=False, values=["branch", "web", "web"], revision=1, actor=house.risk_analyst, at=NOON
    )
    assert declared(saved)["intake_channel"]["values"] == ["branch", "web"]
    with pytest.raises(Stale):
        strategy_declarations.ask_no_longer(version, name="intake_channel", revision=1, actor=house.risk_analyst, at=NOON)
    with pytest.raises(Invalid, match="protected"):
        strategy_declarations.ask_for(saved, name="foreign_worker", required=True, revision=2, actor=house.risk_analyst, at=NOON)


def test_a_reason_is_worded_in_both_languages_and_kept_while_a_row_gives_it(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version, client = draft(house), page_of(house.risk_analyst)
    half = say(client, address(version, "reasons/add/"), revision=1, code="young_file", **TEXTS | {"zh": " "})
    assert half.status_code == 422
    assert say(client, address(version, "reasons/add/"), revision=1, code="young_file", quiet="on", **TEXTS).status_code == 303
    version.refresh_from_db()
    assert version.reasons["young_file"] == {**TEXTS, "quiet": True}
    law = version.reasons["age_below_minimum"]
    changed = say(
        client, address(version, "reasons/of/age_below_minimum/"), revision=2, **{name: law[name] for name in TEXTS} | {"en": "Too young."}
    )
    assert changed.status_code == 303
    version.refresh_from_db()
    assert version.reasons["age_below_minimum"] == {**law, "en": "Too young."}  # the source of law stands
    refused = say(client, address(version, "reasons/of/age_below_minimum/"), revision=3, away="on", **{name: law[name] for name in TEXTS})
    assert refused.status_code == 422
    assert say(client, address(version, "reasons/of/young_file/"), revision=3, away="on", **TEXTS).status_code == 303
    version.refresh_from_db()
    assert "young_file" not in version.reasons


def test_what_left_draft_is_read_and_not_changed(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version = strategy_life.send(draft(house), note="x", actor=house.risk_analyst, at=NOON)
    client = page_of(house.risk_analyst)
    assert "facts/add/" not in client.get(address(version, "facts/")).content.decode()
    assert say(client, address(version, "facts/add/"), name="months_known", revision=1).status_code == 409


def test_a_comment_beside_the_graph_comes_back_in_place_and_changes_no_hash(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version, client = StrategyVersion.objects.select_related("strategy").get(strategy__kind="lending"), page_of(house.risk_manager)
    was = version.sha256
    there = {"HX-Request": "true", "HX-Target": "editor-notes"}
    data = {"form_key": str(uuid4()), "node": "admission-rules", "text": "Why is r4 a referral?"}
    first, again = (client.post(address(version, "comment/"), data, headers=there) for _twice in range(2))
    assert first.status_code == again.status_code == 200
    text = again.content.decode()
    assert 'id="editor-notes"' in text and "Why is r4 a referral?" in text and "Admission: rules" in text
    kept = StrategyNote.objects.get()
    assert (kept.node, kept.by) == ("admission-rules", house.risk_manager)
    version.refresh_from_db()
    assert (version.status, version.sha256) == ("live", was)  # a comment is no content
    empty = client.post(address(version, "comment/"), {"form_key": str(uuid4()), "text": ""}, headers=there)
    assert empty.status_code == 422
    assert "Why is r4 a referral?" in client.get(address(version, "editor/")).content.decode()


def test_pages_run_only_the_cases_that_are_new(house: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    version = draft(house)
    told = {"expected": {"outcome": "approve", "grade": "A"}, "actor": house.risk_analyst, "at": NOON}
    case = strategy_cases.add(version.strategy, name="good", facts_given=JSON_FACTS, **told)
    ran: list[int] = []
    run = strategies.Strategy.run
    monkeypatch.setattr(strategies.Strategy, "run", lambda self, facts, **more: ran.append(1) or run(self, facts, **more))
    first, again = strategy_cases.results(version), strategy_cases.results(version)
    assert len(ran) == 1 and first[0].passed and again[0].passed
    assert [getattr(again[0].verdict, name) for name in ("limit", "annual_rate", "reasons")] == [
        getattr(first[0].verdict, name) for name in ("limit", "annual_rate", "reasons")
    ]
    strategy_cases.change(case, name="good", facts_given=JSON_FACTS, expected={"outcome": "decline"}, actor=house.risk_analyst, at=NOON)
    assert not strategy_cases.results(version)[0].passed and len(ran) == 1  # another expectation of the same verdict
    strategy_cases.change(
        case, name="good", facts_given=JSON_FACTS | {"age": 17}, expected={"outcome": "decline"}, actor=house.risk_analyst, at=NOON
    )
    assert strategy_cases.results(version)[0].passed and len(ran) == 2
    saved = strategy_versions.save(version, revision=1, graph=version.graph, note="as it was", actor=house.risk_analyst, at=NOON)
    assert strategy_cases.results(saved)[0].passed and len(ran) == 2  # the same content
    strategy_cases.run_all(saved)
    assert len(ran) == 3  # an approval runs them anew


def test_a_version_and_its_policy_in_sentences_lead_to_each_other(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version, client = draft(house), page_of(house.risk_analyst)
    document = f"/risk/strategies/{version.strategy.public_id}/document/?version={version.number}"
    page = strategy_life.address(version)
    assert document in client.get(page).content.decode()
    assert page in client.get(document).content.decode()
