"""Made populations: drawn by a seed, changed as asked, read from a file line by line; run as backtests are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from crm.lib.errors import Invalid
from risk import backtests, engine, facts, made, tallies, words
from risk.backtests import Side
from risk.models import Backtest, Decision, StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.drafts import draft
from tests.risk.support import FACTS, NOON, live_scorecard

SCHEMA = facts.read_schema(words.data("input_schema"))
LATER = NOON + timedelta(hours=1)


# --- drawing ---------------------------------------------------------------------------------------------------------
@given(st.integers(0, 2**31 - 1), st.integers(0, 50_000))
def test_who_is_drawn_fits_the_declaration_and_depends_on_the_seed_alone(seed: int, number: int) -> None:
    content = made.Made(made.RANDOM, 1, seed).content()
    (one,), (again,) = (made.drawn(content, [number], SCHEMA, {}) for _ in range(2))
    assert one == again
    clean, problems = facts.check(one.facts, SCHEMA)
    assert problems == []
    assert not set(one.facts) & SCHEMA.protected
    assert clean


def changed(text: str, known: dict[str, Any]) -> dict[str, Any]:
    content = made.Made(made.PAST, 1, 1, made.changes(text, SCHEMA)).content()
    return dict(made.drawn(content, [0], SCHEMA, {0: known})[0].facts)


def test_changes_do_what_they_say() -> None:
    known = {"income": "9000.00", "rate_a": "0.12", "term": 12, "age": 40}
    assert changed("income - 10%\nrate_a + 0.02\nterm = 24", known) == {"income": "8100.00", "rate_a": "0.140000", "term": 24, "age": 40}
    assert 36 <= changed("age ~ 10%", known)["age"] <= 44
    assert changed("rate_a + 5", known)["rate_a"] == "1.000000"  # no further than declared
    assert changed("amount + 5", known) == known  # what is absent stays absent


@pytest.mark.parametrize("text", ["income", "nobody - 1", "term = x", "purpose + 1", "income - x", "income = 5%", "income - 1e9999"])
def test_a_change_that_cannot_be_read_is_refused_by_its_line(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        made.changes(text, SCHEMA)
    assert "changes" in refusal.value.fields


# --- files -----------------------------------------------------------------------------------------------------------
def test_good_lines_are_read_and_bad_ones_told_by_number() -> None:
    found = made.uploaded(b"age,income,purpose\n40,9000.00,car_used\nold,1,car_new\n30,,vacation\n30,2,moon\n1,2\n", SCHEMA)
    assert found.rows == [(2, {"age": 40, "income": "9000.00", "purpose": "car_used"}), (4, {"age": 30, "purpose": "vacation"})]
    assert [(one["line"], one["field"]) for one in found.problems] == [(3, "age"), (5, "purpose"), (6, "")]
    assert all(one["message"] for one in found.problems)


@pytest.mark.parametrize("content", [
    b"", b"\n", b"age", b"age\n", b"age,age\n1,1\n", b"name,age\nLi,1\n", b"\x00\x01", b"age\nx\n", b'age\n"1\n', b"\xff\xfe\xff", b"x" * 100_000,
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_a_sentence(content: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        made.uploaded(content, SCHEMA)
    assert refusal.value.fields["file"]


def test_a_file_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "LARGEST_FILE", 10)
    with pytest.raises(Invalid):
        made.uploaded(b"age\n" + b"40\n" * 10, SCHEMA)


# --- running ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def past(cast: Cast) -> list[Decision]:
    live_scorecard(cast.system)
    return [engine.evaluate(FACTS | {"age": age}, at=NOON, actor=cast.system) for age in (27, 40, 60)]


def run(cast: Cast, population: Any) -> Backtest:
    asked = backtests.simulate(
        name="What if", sides=[Side(draft(cast, age_min="30"))], population=population, actor=cast.risk_analyst, at=LATER
    )
    done = backtests.run(asked.pk, at=LATER)
    assert done is not None
    return done


def test_a_population_drawn_from_the_past_can_be_larger_than_it(cast: Cast, past: list[Decision]) -> None:
    found = run(cast, made.Made(made.PAST, 7, 1))
    assert found.results["n"] == 7
    base, side = found.results["arms"]
    assert base["outcome"] == {"approve": 7}
    young = sum(pk == past[0].pk for chunk in found.chunks.all() for pk in chunk.decisions)
    assert side["outcome"] == {"approve": 7 - young, "decline": young}
    assert found.arms.get(place=0).strategy_version == StrategyVersion.objects.get(status="live", strategy__kind="lending")


def test_less_income_approves_fewer_or_less(cast: Cast, past: list[Decision]) -> None:
    live = run(cast, made.Made(made.PAST, 3, 1, made.changes("income = 600", SCHEMA)))
    assert live.results["arms"][0]["outcome"].get("approve", 0) < 3


def test_an_uploaded_file_is_run_and_forgotten(cast: Cast, past: list[Decision]) -> None:
    head = [name for name in FACTS if name != "rate_e"]
    line = ",".join(str(FACTS[name]) for name in head)
    content = "\n".join([",".join(head), line, line.replace("40", "nonsense", 1), line]).encode()
    found = run(cast, made.uploaded(content, SCHEMA))
    assert found.results["n"] == 2
    assert found.results["arms"][0]["outcome"] == {"approve": 2}
    assert all(chunk.given == [] for chunk in found.chunks.all())
    assert found.job.problems[0]["line"] == 3
    rows = tallies.unpacked(found.chunks.get().rows)
    assert [ref + 1 for ref, _known, _answers in rows] == [2, 4]


def test_in_the_browser(cast: Cast, past: list[Decision], page_of: Callable[[Any], Client]) -> None:
    analyst = page_of(cast.risk_analyst)
    version = draft(cast, age_min="30")
    data = {
        "name": "Less income", "version_1": f"{version.strategy.public_id}.{version.number}", "source": "past", "limit": "5", "seed": "3",
        "changes": "income - 10%", "lgd": "60", "funding": "4", "opex": "3",
    }  # fmt: skip
    assert analyst.get("/risk/backtests/simulate/").status_code == 200
    answer = analyst.post("/risk/backtests/simulate/", data | {"form_key": str(uuid4())})
    assert answer.status_code == 303
    asked = Backtest.objects.get()
    backtests.run(asked.pk, at=LATER)
    text = analyst.get(answer["Location"]).content.decode()
    assert "drawn from past decisions" in text
    assert analyst.get(answer["Location"] + "changed/").status_code == 200
    bad = SimpleUploadedFile("x.csv", b"name\nLi\n")
    for wrong in ({"changes": "nobody - 1"}, {"source": "file"}, {"source": "file", "file": bad}, {"seed": "-1"}, {"source": "moon"}):
        answer = analyst.post("/risk/backtests/simulate/", data | {"form_key": str(uuid4())} | wrong)
        assert answer.status_code == 422, wrong


# --- REST ------------------------------------------------------------------------------------------------------------
def test_a_program_orders_one_and_reads_what_came_out(cast: Cast, past: list[Decision], api_of: Callable[..., Any]) -> None:
    client = api_of("risk:read", "risk:write", user=cast.risk_manager)
    version = draft(cast, age_min="30")
    body = {"name": "API", "strategy": version.strategy.public_id, "versions": [{"version": version.number}]}
    made_one = client.post("/api/v1/backtests/", body, format="json")
    assert made_one.status_code == 201, made_one.content
    asked = Backtest.objects.get()
    backtests.run(asked.pk, at=LATER)
    told = client.get(f"/api/v1/backtests/{asked.public_id}/").json()
    assert told["status"] == "done"
    base, side = told["sides"]
    assert (base["version"], side["version"], side["out"], side["in"]) == (None, version.number, 1, 0)
    assert side["gained"] == {"age_below_minimum": 1}
    assert client.get("/api/v1/backtests/").json()["results"][0]["id"] == asked.public_id
    for wrong in ({"costs": "x"}, {"costs": {"lgd": "2"}}, {"versions": []}, {"versions": [{"version": 99}]}, {"limit": 0}, {"segment": {"\0": "x"}},
                  {"defaults": {"nobody": "1"}}, {"population": "moon"}, {"population": "drawn", "changes": ["x"]}, {"first": "9999-12-31"}):  # fmt: skip
        answer = client.post("/api/v1/backtests/", body | wrong, format="json")
        assert answer.status_code == 422, (wrong, answer.content)
