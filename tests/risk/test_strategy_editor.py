"""What the editor's page sends: a draft that is kept or refused line by line, a graph that is tried; the page's own policy for scripts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from risk import registry, strategy_cases, strategy_life
from risk.models import StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.drafts import draft, graph, with_value
from tests.risk.support import FACTS, NOON, D, live_scorecard

JSON_FACTS = {name: str(value) if isinstance(value, D) else value for name, value in FACTS.items()}


@pytest.fixture
def house(cast: Cast) -> Cast:
    live_scorecard(cast.system)
    return cast


def post(client: Client, version: StrategyVersion, what: str, body: Any) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        f"/risk/strategies/{version.strategy.public_id}/versions/{version.number}/{what}/", sent, content_type="application/json"
    )


def test_only_this_page_lets_styles_and_the_rule_engine_in_and_never_an_inline_script(
    house: Cast, page_of: Callable[[Any], Client]
) -> None:
    version = draft(house)
    client = page_of(house.risk_analyst)
    answer = client.get(f"/risk/strategies/{version.strategy.public_id}/versions/{version.number}/editor/")
    policy = {line.split()[0]: line.split()[1:] for line in answer.headers["Content-Security-Policy"].split("; ")}
    assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy["default-src"] == ["'none'"]
    other = client.get("/risk/strategies/").headers["Content-Security-Policy"]
    assert "unsafe" not in other
    text = answer.content.decode()
    assert 'id="editor-save"' in text
    assert "Least age" in text, "a phone reads the document"


def test_what_left_draft_is_shown_to_read(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version = strategy_life.send(draft(house), note="x", actor=house.risk_analyst, at=NOON)
    text = page_of(house.risk_analyst).get(f"/risk/strategies/{version.strategy.public_id}/versions/2/editor/").content.decode()
    assert 'id="editor-save"' not in text
    assert "To read only" in text
    assert post(page_of(house.risk_analyst), version, "save", {"revision": 1, "graph": graph()}).status_code == 409


def test_a_draft_is_saved_and_the_second_tab_is_told(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version = draft(house)
    client = page_of(house.risk_analyst)
    answer = post(client, version, "save", {"revision": 1, "graph": with_value(graph(), "age_min", "20")})
    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    assert answer.json()["lint"][0]["text"]
    assert "The linter warns of" in answer.json()["message"] or "from being approved" in answer.json()["message"]
    late = post(client, version, "save", {"revision": 1, "graph": graph()})
    assert (late.status_code, late.json()["code"]) == (409, "stale")
    assert "saved by somebody else" in late.json()["message"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\xff", b'{"a": ' + b"[" * 50_000, {"graph": 5, "revision": 1}, {"graph": {}, "revision": "1"}, {"graph": {}}, {}],
)
def test_what_is_no_graph_is_a_sentence(house: Cast, page_of: Callable[[Any], Client], body: Any) -> None:
    version = draft(house)
    for what in ("save", "try"):
        answer = post(page_of(house.risk_analyst), version, what, body)
        assert answer.status_code == 422
        assert answer.json()["message"]


def test_a_refused_graph_names_node_and_row(house: Cast, page_of: Callable[[Any], Client]) -> None:
    answer = post(page_of(house.risk_analyst), draft(house), "save", {"revision": 1, "graph": with_value(graph(), "age_min", "18 +")})
    assert answer.status_code == 422
    assert answer.json()["findings"][0]["place"] == "Admission: policy, row 1"


def test_a_graph_is_tried_on_facts_and_on_the_cases_without_being_kept(house: Cast, page_of: Callable[[Any], Client]) -> None:
    version = draft(house)
    client = page_of(house.risk_analyst)
    strategy_cases.add(version.strategy, name="Good", facts_given=JSON_FACTS, expected={"outcome": "approve"}, actor=house.risk_analyst, at=NOON)  # fmt: skip
    drawn = with_value(graph(), "age_min", "99")
    one = post(client, version, "try", {"graph": drawn, "facts": JSON_FACTS}).json()
    assert one["verdict"]["outcome"] == "decline"
    assert one["verdict"]["reasons"] == ["age_below_minimum"]
    assert "admission-rules" in one["trace"]
    every = post(client, version, "try", {"graph": drawn}).json()
    assert (every["passed"], every["cases"][0]["text"]) == (0, "expected approve, found decline")
    assert post(client, version, "try", {"graph": graph()}).json()["passed"] == 1
    assert StrategyVersion.objects.get(pk=version.pk).graph == graph()


def test_a_client_reads_strategies_and_versions(house: Cast, api_of: Callable[..., Any]) -> None:
    draft(house)
    client = api_of("risk:read", user=house.risk_analyst)
    (row,) = [one for one in client.get("/api/v1/strategies/").json()["results"] if one["code"] == registry.RETAIL]
    assert (row["code"], row["live_version"], [one["status"] for one in row["versions"]]) == (registry.RETAIL, 1, ["draft", "live"])
    assert client.get(f"/api/v1/strategies/{row['id']}/").json() == row
    assert client.get("/api/v1/strategies/S-2222222/").status_code == 404


def test_homes_show_what_waits(house: Cast, page_of: Callable[[Any], Client]) -> None:
    strategy_life.send(draft(house), note="x", actor=house.risk_analyst, at=NOON)
    assert "waits for approval" in page_of(house.risk_manager).get("/").content.decode()
    assert "My strategy versions" in page_of(house.risk_analyst).get("/").content.decode()
