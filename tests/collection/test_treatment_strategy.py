"""Treatment strategies: what the shipped one says, and what the linter refuses."""

import copy
import json
from typing import Any

import pytest

from collection import treatment_seeds, treatment_shape, treatment_words
from customers import messages_seeds
from governance import users
from risk import display, finding_words, kinds, lint, probe, strategies, strategy_cases, strategy_versions
from risk.facts import read_schema
from risk.models import StrategyVersion
from tests.collection.conftest import Floor

pytestmark = pytest.mark.django_db
CALM: dict[str, Any] = dict.fromkeys(treatment_shape.EXITS.values(), False) | {
    "bucket": 1, "dpd": 5, "overdue_amount": "1100.00", "outstanding": "9000.00", "loans": 1, "score_band": "B", "promises_kept": 0,
    "promises_broken": 0, "cures": 0, "response": "never_tried", "has_mobile": True, "has_email": True, "product": "instalment", "language": "zh",
}  # fmt: skip


@pytest.fixture
def rules() -> None:
    messages_seeds.seed()


@pytest.fixture
def version(rules: None) -> StrategyVersion:
    treatment_seeds.seed()
    return StrategyVersion.objects.select_related("strategy").get(strategy__code="treatment")


def graph() -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(treatment_shape.shipped()["graph"])
    return found


def node(content: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in content["nodes"] if one["id"] == name)
    return found


def codes(content: dict[str, Any]) -> list[str]:
    brought = treatment_shape.shipped()
    schema = brought["input_schema"]
    found = lint.findings(content, read_schema(schema), schema, brought["reasons"], kind=treatment_shape.TREATMENT)
    assert all(finding_words.whole(one) and "%(" not in finding_words.whole(one) for one in found)
    return [one.code for one in found]


def run(content: dict[str, Any], **facts: Any) -> strategies.Verdict:
    brought = treatment_shape.shipped()
    made = strategies.Strategy(content, brought["input_schema"], brought["reasons"], None, treatment_shape.TREATMENT)
    return made.run(CALM | facts)


def test_the_shipped_strategy_is_live_lints_clean_and_its_cases_come_out(version: StrategyVersion) -> None:
    assert version.status == "live"
    assert version.strategy.kind == "treatment"
    assert strategy_versions.lint_of(version) == []
    ran = strategy_cases.run_all(version)
    assert len(ran) >= 16
    assert [one.case.name for one in ran if not one.passed] == []
    treatment_seeds.seed()
    assert StrategyVersion.objects.filter(strategy__code="treatment").count() == 1


def test_a_path_gives_its_steps_in_the_order_of_days() -> None:
    verdict = run(graph(), bucket=2, dpd=40)
    assert verdict.outcome == "treat"
    assert verdict.reasons == ("path_firm",)
    steps = treatment_shape.read_steps(verdict.figures["steps"])
    assert [(one.day, one.action) for one in steps][:3] == [(0, "sms"), (1, "call"), (3, "email")]
    assert next(one.action for one in treatment_shape.read_steps(run(graph(), bucket=2, has_mobile=False).figures["steps"])) == "call"


@pytest.mark.parametrize(("code", "fact"), treatment_shape.EXITS.items())
def test_each_exit_ends_every_path(code: str, fact: str) -> None:
    for bucket in range(8):
        verdict = run(graph(), bucket=bucket, **{fact: True})
        assert (verdict.outcome, verdict.figures["exit"]) == ("exit", code)


def test_a_missing_fact_is_referred_to_a_person_and_never_treated() -> None:
    verdict = run(graph(), bucket=None)
    assert (verdict.outcome, verdict.reasons) == ("refer", ("fact_missing:bucket",))


# --- the linter ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", treatment_shape.EXITS)
def test_a_path_without_an_exit_is_refused(rules: None, code: str) -> None:
    treatment_seeds.seed()
    content = graph()
    rows = node(content, "exits")["content"]["rules"]
    rows[:] = [row for row in rows if row["exits-o-exit"] != f'"{code}"']
    assert "exit_missing" in codes(content)


def test_an_exit_that_holds_only_sometimes_is_none(rules: None) -> None:
    treatment_seeds.seed()
    content = graph()
    row = next(row for row in node(content, "exits")["content"]["rules"] if row["exits-o-exit"] == '"complaint"')
    row["exits-dispute_open"] = "false"
    rows = node(content, "exits")["content"]["rules"]
    assert "exit_missing" not in codes(content)  # the row of the dispute below takes the rest of the cases
    rows.insert(0, dict(row, _id="early", **{"exits-o-exit": "null", "exits-o-exit_reason": "", "exits-dispute_open": ""}))
    assert "exit_missing" in codes(content)


def test_a_way_past_the_exits_is_refused(rules: None) -> None:
    treatment_seeds.seed()
    content = graph()
    content["edges"].append({"id": "past", "sourceId": "facts", "targetId": "segment", "type": "edge"})
    assert "exit_not_first" in codes(content)


def _rows(content: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = node(content, "ladder")["content"]["rules"]
    return found


def _say(row: dict[str, Any], **said: str) -> None:
    row.update({f"ladder-o-{name}": value for name, value in said.items()})


@pytest.mark.parametrize(
    ("wrong", "change"),
    [
        ("outside_hours", lambda rows: _say(rows[0], hour='"23:30"')),
        ("outside_hours", lambda rows: _say(rows[0], hour='"07:59"')),
        ("not_a_template", lambda rows: _say(rows[0], template='"code"')),
        ("template_needed", lambda rows: _say(rows[0], template="")),
        ("step_computed", lambda rows: _say(rows[0], day="dpd + 1")),
        ("step_computed", lambda rows: _say(rows[0], action='"threaten"')),
        ("step_twice", lambda rows: _say(rows[1], step='"g-sms"')),
        ("too_many_a_day", lambda rows: [rows.append(dict(rows[0], _id=f"x{n}", **{"ladder-o-step": f'"x{n}"'})) for n in range(3)]),
        ("path_ends_alone", lambda rows: rows.pop(3)),
        ("steps_without_path", lambda rows: rows[0].update({"ladder-path": '"nowhere"'})),
        ("path_without_steps", lambda rows: rows.__setitem__(slice(None), [row for row in rows if row["ladder-path"] != '"small"'])),
        ("no_gateway", lambda rows: _say(rows[0], action='"ivr"', template="")),
    ],
)  # fmt: skip
def test_a_step_that_breaks_a_rule_or_leads_nowhere_is_named(rules: None, wrong: str, change: Any) -> None:
    treatment_seeds.seed()
    content = graph()
    change(_rows(content))
    assert wrong in codes(content)


def test_the_trial_process_knows_the_kind() -> None:
    brought = treatment_shape.shipped()
    found, runs = probe.examine(brought["graph"], brought["input_schema"], brought["reasons"], None, [CALM], treatment_shape.KIND)
    assert found == []
    assert json.loads(json.dumps(runs[0]["figures"]))["path"] == "gentle"


def test_the_document_reads_as_sentences(version: StrategyVersion) -> None:
    for language in ("en", "zh-hans"):
        told = treatment_words.sections(version, language)
        assert len(told) == 2 + len(treatment_shape.paths(version.graph))
        assert all(rule["sentence"] for section in told for rule in section["rules"])
    assert treatment_words.sections(version, "en")[2]["name"].endswith("Legal")
    said = [rule["sentence"] for section in treatment_words.sections(version, "en") for rule in section["rules"]]
    assert any(one.endswith(", if May be reached on the mobile") for one in said), "a yes is asked without its “true”"


@pytest.mark.parametrize(
    ("field", "cell", "read"),
    [
        ("has_mobile", "true", "has_mobile"),
        ("has_mobile", "false", "has_mobile == false"),
        ("score_band", '"D"', 'score_band == "D"'),
        ("bucket", "3", "bucket == 3"),
        ("overdue_amount", ">= 5000", "overdue_amount >= 5000"),
        ("score_band", '"D", "E"', 'score_band "D", "E"'),
    ],
)
def test_what_a_step_asks_reads_as_a_condition(field: str, cell: str, read: str) -> None:
    assert treatment_shape._asked(field, cell) == read


def test_the_page_of_a_treatment_strategy_speaks_of_treatment(version: StrategyVersion, floor: Floor, page_of: Any) -> None:
    """Paths and acts by their names, no column that is always empty, and no trial of another kind of strategy."""
    boss = page_of(floor.cast.collections_supervisor)
    text = boss.get(f"/risk/strategies/{version.strategy.public_id}/").content.decode()
    assert "Path Gentle" in text and "Act Call by a collector" in text and "Exit the customer has died" in text
    assert "Path gentle" not in text and ">Outcome<" not in text
    text = boss.get(f"/risk/strategies/{version.strategy.public_id}/?tab=traffic").content.decode()
    assert "/collections/treatments/" in text and "/risk/trials/new/" not in text
    analyst = page_of(floor.cast.risk_manager)
    assert version.strategy.name not in analyst.get("/risk/trials/new/").content.decode()


def test_the_tables_name_paths_acts_and_exits_in_words(version: StrategyVersion) -> None:
    """The page of the strategy shows its tables: no code of an act, an exit or a path stands there."""
    told = json.dumps([node["rows"] for stage in display.policy(version, "en") for node in stage["nodes"]], default=str)
    assert "Path = Gentle" in told and "Act Call by a collector" in told and "Exit a complaint is open" in told
    assert "Act sms" not in told and "Exit complaint" not in told and "Path gentle" not in told
    assert display.literal("limit", "5000", "en") and display.literal("hour", "10:00", "en") == "10:00"


def test_lending_is_a_kind_as_any_other() -> None:
    assert kinds.of("lending").outcomes == ("approve", "refer", "decline")
    assert users.system()
