"""Monitoring on decisions whose figures can be counted by hand; alerts; a second run costs and says the same."""

import copy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.lib.errors import Invalid
from governance.lifecycle import IllegalMove
from ledger.models import Entry
from risk import alerts, monitor_rules, monitoring, outcome_source, stability
from risk.alerts import Finding
from risk.models import Decision, MonitorRun, RiskAlert, ScorecardVersion, StrategyVersion
from risk.outcome_source import FinalWord, Outcome
from tests.fixtures.cast import Cast
from tests.risk.support import FACTS, NOON, card, live_scorecard

pytestmark = pytest.mark.django_db
JAN, MAY = date(2026, 1, 1), date(2026, 5, 31)
AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
CARD = "retail"


def decide(cards: ScorecardVersion, rows: list[tuple[date, dict[str, Any], dict[str, Any]]]) -> list[Decision]:
    """Store decisions as the engine does: of (day, facts that differ, columns that differ)."""
    strategy = StrategyVersion.objects.get(status="live", strategy__kind="lending")
    made = []
    for n, (day, facts, columns) in enumerate(rows):
        known = {name: value for name, value in (FACTS | facts).items() if value is not None}
        scored = card().score(known)
        stored = {name: str(value) if isinstance(value, D) else value for name, value in known.items()}
        values = {
            "subject": f"test.thing:{n}", "outcome": "decline", "reasons": ["x"], "grade": "B", "score": scored.score, "pd": scored.pd,
            "facts": stored, "at": datetime(day.year, day.month, day.day, 4, tzinfo=UTC), "duration_us": 100 + n % 100,
        }  # fmt: skip
        made.append(Decision(strategy_version=strategy, scorecard_version=cards, **values | columns))
    return Decision.objects.bulk_create(made)


APPROVED = {"outcome": "approve", "reasons": [], "limit": D("5000"), "annual_rate": D("0.15")}


@pytest.fixture
def version(cast: Cast) -> ScorecardVersion:
    live_scorecard(cast.system)
    return ScorecardVersion.objects.select_related("scorecard").get(scorecard__code=CARD, status="live")


@pytest.fixture
def story(version: ScorecardVersion) -> list[Decision]:
    """January to March as one population, 60 a month; in May everybody is younger, half lack their savings, most are refused."""
    rows: list[tuple[date, dict[str, Any], dict[str, Any]]] = []
    for month in range(1, 5):
        for n in range(60):
            rows.append((date(2026, month, 1 + n % 28), {"age": 20 + n, "term": 6 + n % 30}, APPROVED if n % 2 else {}))
    for n in range(60):
        rows.append((date(2026, 5, 1 + n % 28), {"age": 19 + n % 3, "savings": None if n % 2 else "under_100"}, APPROVED if n == 0 else {}))
    return decide(version, rows)


def run(on: date, cast: Cast) -> dict[str, MonitorRun]:
    return {
        monitoring._field(one.scorecard_version or one.strategy_version): one for one in monitoring.run(on=on, at=AT, actor=cast.system)
    }


def test_the_shift_is_that_of_the_counts(story: list[Decision], cast: Cast) -> None:
    found = run(MAY, cast)["scorecard_version"].figures
    assert found["n"] == 60
    one, kept = found["features"]["age"], found["reference"]["features"]["age"]
    spec = next(each for each in card_content()["features"] if each["name"] == "age")
    assert kept["source"] == "training" and kept["counts"][:-1] == [each["count"] for each in spec["bins"]]
    ages = [19 + n % 3 for n in range(60)]
    by_hand = [0] * len(kept["counts"])
    for age in ages:
        by_hand[stability.place(kept["edges"], age)] += 1
    assert one["counts"] == by_hand and one["psi"] == pytest.approx(stability.psi(kept["counts"], by_hand), abs=1e-6)
    assert found["features"]["savings"]["missing"] == 0.5


def card_content() -> dict[str, Any]:
    found: dict[str, Any] = ScorecardVersion.objects.get(scorecard__code=CARD, status="live").content
    return found


def test_the_score_is_held_against_the_first_months(story: list[Decision], cast: Cast) -> None:
    found = run(MAY, cast)["scorecard_version"].figures
    assert found["reference"]["complete"] and sum(found["reference"]["features"][""]["counts"]) == 180
    april = run(date(2026, 4, 30), cast)["scorecard_version"].figures["features"][""]
    assert april["psi"] == 0.0 and found["features"][""]["psi"] > 1


def test_the_strategy_counts_verdicts_and_time(story: list[Decision], cast: Cast) -> None:
    found = run(MAY, cast)["strategy_version"].figures["verdicts"]
    assert (found["n"], found["approve"], found["decline"], found["refer"]) == (60, 1, 59, 0)
    assert (found["reference_n"], found["reference_approve"]) == (180, 90)
    assert found["p50_us"] == 169 and found["p99_us"] == 199  # 140 … 199


def test_what_left_its_bounds_opens_one_alert_and_only_one(story: list[Decision], cast: Cast) -> None:
    run(date(2026, 4, 30), cast)
    quiet = set(RiskAlert.objects.values_list("kind", "feature"))
    run(MAY, cast)
    found = {(one.kind, one.feature): one for one in RiskAlert.objects.all()}
    assert (
        ("score_shift", "") in found and ("feature_shift", "age") in found and ("missing", "savings") in found and ("approval", "") in found
    )
    assert ("missing", "savings") not in quiet and ("approval", "") not in quiet
    assert found["missing", "savings"].level == "act" and found["missing", "savings"].value == D("0.5")
    before = RiskAlert.objects.count()
    assert Entry.objects.filter(event="risk.alert.opened").count() == before
    run(MAY, cast)
    assert RiskAlert.objects.count() == before == Entry.objects.filter(event="risk.alert.opened").count()


def test_a_run_for_the_day_is_written_anew_and_an_older_one_moves_no_alert(story: list[Decision], cast: Cast) -> None:
    first, alert = run(MAY, cast), RiskAlert.objects.filter(kind="score_shift").get()
    again = run(MAY, cast)
    assert MonitorRun.objects.count() == 2
    assert {name: one.figures for name, one in first.items()} == {name: one.figures for name, one in again.items()}
    run(date(2026, 4, 30), cast)
    alert.refresh_from_db()
    assert alert.passed_on is None and MonitorRun.objects.count() == 4


def test_a_run_reads_nothing_of_what_came_after(story: list[Decision], cast: Cast, version: ScorecardVersion) -> None:
    feb = date(2026, 2, 28)
    before = run(feb, cast)["scorecard_version"].figures
    assert before["n"] == 60 and not before["reference"]["complete"] and sum(before["reference"]["features"][""]["counts"]) == 120
    decide(version, [(date(2026, 3, 1), {"age": 90}, {"subject": "test.thing:late"})])
    assert run(feb, cast)["scorecard_version"].figures == before


def test_the_second_day_costs_no_more(story: list[Decision], cast: Cast, version: ScorecardVersion) -> None:
    def cost(on: date) -> int:
        with CaptureQueriesContext(connection) as caught:
            monitoring.run(on=on, at=AT, actor=cast.system)
        return len(caught)

    run(date(2026, 4, 30), cast)
    run(MAY, cast)
    first = cost(MAY)
    decide(version, [(date(2026, 5, 3), {"age": n % 60 + 18}, {"subject": f"test.other:{n}"}) for n in range(100)])
    assert cost(MAY) <= first


def test_small_samples_alert_nobody(version: ScorecardVersion, cast: Cast) -> None:
    decide(version, [(date(2026, 1, n + 1), {}, {}) for n in range(20)] + [(date(2026, 5, n + 1), {"age": 19}, {}) for n in range(20)])
    run(MAY, cast)
    assert not RiskAlert.objects.exists()


# --- how it turned out ---------------------------------------------------------------------------------------------
@pytest.fixture
def turned_out(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """A source of outcomes of the kind the tests judge, in a registry of their own."""
    known: dict[str, Outcome] = {}
    sources = copy.copy(outcome_source.SOURCES)
    sources._items = dict(sources._items)
    monkeypatch.setattr(outcome_source, "SOURCES", sources)

    def told(ids: Any, *, as_of: date, horizon_months: int, bad_dpd: int) -> dict[str, Outcome]:
        return {each: known[each] for each in ids if each in known}

    sources.register("test.thing", told)
    return known


def outcome(bad: bool, matured: bool = True) -> Outcome:
    return Outcome("bad" if bad else "good", 12, 100 if bad else 0, JAN, JAN if bad else None, matured, D(1000), D(0))


def test_ranking_and_calibration_of_those_whose_time_is_up(version: ScorecardVersion, cast: Cast, turned_out: dict[str, Outcome]) -> None:
    """100 judged a year ago, twenty bad, all of them below the good: AUC 1; 0.2 observed where the cards said 0.05."""
    rows = [(date(2025, 4, 1) + timedelta(days=n % 28), {}, {"score": 500 + n, "pd": D("0.05")} | APPROVED) for n in range(100)]
    decide(version, [*rows, (date(2026, 5, 2), {}, {"subject": ""})])
    turned_out.update({str(n): outcome(n < 20) for n in range(100)})
    turned_out["99"] = outcome(True, matured=False)
    found = run(MAY, cast)["scorecard_version"].figures["full"]
    assert (found["n"], found["bad"], found["auc"]["value"], found["ks"]["value"]) == (99, 20, 1.0, 1.0)
    assert found["ratio"]["value"] == pytest.approx(20 / (99 * 0.05), abs=1e-5)
    assert sum(band["n"] for band in found["bands"]) == 99 and found["bands"][0]["bad"] == 19 and found["bands"][0]["drifted"]
    assert sum(cell[0] for cell in found["vintage"]["months"]["2025-04"]) == 99
    # too few decided this month to speak of shifts, but enough had time to go bad
    assert set(RiskAlert.objects.values_list("kind", "level")) == {("calibration", "act")}


def test_what_people_made_of_referrals(version: ScorecardVersion, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    finals = {str(n): FinalWord(approved=n < 55, by=cast.underwriter.pk if n < 60 else None, at=AT) for n in range(62)}
    monkeypatch.setattr(outcome_source, "FINALS", {"test.thing": lambda ids, as_of: {each: finals[each] for each in ids if each in finals}})
    decide(version, [(date(2026, 5, 1 + n % 28), {}, {"outcome": "refer"}) for n in range(70)])
    found = run(MAY, cast)["strategy_version"].figures["people"]
    assert found == {"referred": 70, "decided": 60, "approved": 55}
    alert = RiskAlert.objects.get(kind="overrides")
    assert alert.level == "act" and alert.value == D("0.916667") and alert.threshold == D("0.85")


# --- alerts --------------------------------------------------------------------------------------------------------
FOUND = Finding("missing", "watch", 0.07, D("0.05"), feature="savings")


def test_the_life_of_an_alert(version: ScorecardVersion, cast: Cast) -> None:
    def settle(day: int, *found: Finding) -> RiskAlert:
        alerts.settle(version, found, on=date(2026, 5, day), at=AT, actor=cast.system)
        return RiskAlert.objects.latest("pk")

    alert = settle(1, FOUND)
    assert settle(2).passed_on == date(2026, 5, 2) and settle(3).passed_on == date(2026, 5, 2)
    raised = settle(4, Finding("missing", "act", 0.2, D("0.10"), feature="savings"))
    assert (raised.pk, raised.level, raised.passed_on, raised.seen_on) == (alert.pk, "act", None, date(2026, 5, 4))
    assert Entry.objects.filter(event="risk.alert.raised").count() == 1
    alerts.acknowledge(raised, actor=cast.risk_analyst, at=AT)
    with pytest.raises(Invalid):
        alerts.close(raised, reason="because", actor=cast.risk_analyst, at=AT)
    alerts.close(raised, reason="data", words="the form sent nothing", actor=cast.risk_analyst, at=AT)
    raised.refresh_from_db()
    assert raised.words == "the form sent nothing" and raised.status == "closed"
    with pytest.raises(IllegalMove):
        alerts.close(raised, reason="data", actor=cast.risk_analyst, at=AT)
    assert settle(5, FOUND).pk != alert.pk


def test_bounds_are_data() -> None:
    held = monitor_rules.holding(MAY)
    assert (held.psi.watch, held.psi.act) == (D("0.10"), D("0.25"))
    assert [held.psi.level(each) for each in (0.09, 0.1, 0.25, None)] == ["", "watch", "act", ""]
    assert NOON.date() > date(2020, 1, 1) and monitor_rules.holding(date(2020, 1, 1)).full.months == 12
