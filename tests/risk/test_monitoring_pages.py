"""Pages of monitoring: what they show, who may, what they cost, what a wrong address answers."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, now

from ledger.models import Entry
from risk import alerts, home_blocks, monitor_pages, monitor_rules, monitoring, outcome_source, override_outcomes, registry
from risk.models import RiskAlert, ScorecardVersion
from risk.outcome_source import FinalWord
from tests.fixtures.cast import Cast
from tests.risk.support import artefact
from tests.risk.test_monitoring import APPROVED, FOUND, decide, outcome
from tests.risk.test_monitoring import turned_out as turned_out  # noqa: PLC0414  fixtures
from tests.risk.test_monitoring import version as version  # noqa: PLC0414

pytestmark = pytest.mark.django_db


@pytest.fixture
def watched(version: ScorecardVersion, cast: Cast) -> ScorecardVersion:
    """Two months of decisions up to today, counted."""
    today = localdate()
    days = [today - timedelta(days=n % 50) for n in range(200)]
    decide(version, [(day, {"age": 20 + n % 40}, APPROVED | {"subject": f"test.thing:{n}"}) for n, day in enumerate(days)])
    for on in (today.replace(day=1) - timedelta(days=1), today):
        monitoring.run(on=on, at=now(), actor=cast.system)
    RiskAlert.objects.all().delete()  # the run found its own; the tests of pages know one
    alerts.settle(version, [FOUND], on=today, at=now(), actor=cast.system)
    return version


def test_the_grid_and_the_version_say_what_was_counted(watched: ScorecardVersion, cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.risk_analyst)
    page = browser.get("/risk/monitoring/").text
    assert f"Retail scorecard v{watched.number}" in page and "Savings is missing in 7.0% of the cases." in page
    assert f"{localdate():%Y-%m}" in page
    model = browser.get(f"/risk/monitoring/models/{watched.scorecard.public_id}/?version={watched.number}").text
    assert "training rows" in model and "Score and features" in model
    strategy = RiskAlert.objects.get().scorecard_version
    assert strategy == watched
    for wrong in ("?version=99", "?version=x&month=nothing", "?month=2026-13"):
        assert browser.get(f"/risk/monitoring/models/{watched.scorecard.public_id}/{wrong}").status_code in (200, 404)


def test_a_version_is_asked_for_by_its_number_among_its_own(watched: ScorecardVersion, cast: Cast, page_of: Any) -> None:
    """Every model has a version 1: the number in the address means the one of this model."""
    told = artefact()
    other = registry.add_scorecard_version(code="other", name_en="Other", name_zh="另一个", actor=cast.system, at=now(), **told)
    page = page_of(cast.risk_analyst).get(f"/risk/monitoring/models/{other.scorecard.public_id}/?version=1")
    assert page.status_code == 200 and "Other" in page.text


def test_a_plot_of_few_decisions_says_so_as_the_grid_does(watched: ScorecardVersion) -> None:
    today = localdate()
    held = monitor_rules.holding(today)
    line = monitor_pages.grid(monitor_pages.runs(until=today, scorecard_version=watched), until=today, held=held)[0]
    assert line.last is not None
    line.last.decisions = held.least_rows - 1
    assert monitor_pages.shift_lines(line, held)["title"].startswith("Too few decisions to judge")
    line.last.decisions = held.least_rows
    assert "bounds" in monitor_pages.shift_lines(line, held)["title"]


def test_pages_cost_the_same_with_more_to_show(watched: ScorecardVersion, cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.risk_manager)

    def cost() -> int:
        browser.get("/risk/monitoring/")
        with CaptureQueriesContext(connection) as caught:
            assert browser.get("/risk/monitoring/").status_code == 200
        return len(caught)

    first = cost()
    for place, feature in enumerate(("age", "term", "amount", "housing", "property")):
        finding = alerts.Finding("feature_shift", "act", 0.3 + place, D("0.25"), feature=feature)
        alerts.settle(watched, [finding], on=localdate(), at=now(), actor=cast.system)
    monitoring.run(on=localdate() - timedelta(days=65), at=now(), actor=cast.system)
    assert cost() == first


def test_an_alert_is_taken_in_hand_and_closed(watched: ScorecardVersion, cast: Cast, page_of: Any) -> None:
    browser, alert = page_of(cast.risk_analyst), RiskAlert.objects.get()
    at = f"/risk/alerts/{alert.public_id}/"
    assert browser.get("/risk/alerts/?status=open").text.count(alert.public_id) >= 1
    assert browser.post(f"{at}acknowledge/").status_code == 303
    key = {"form_key": "5b0f0a6e-7a3c-4a7e-9b60-2f1f4b6f0a11"}
    assert browser.post(f"{at}close/", key | {"reason": "mood"}).status_code == 422
    assert browser.post(f"{at}close/", key | {"reason": "data", "words": "mended"}).status_code == 303
    assert browser.post(f"{at}close/", key | {"reason": "data", "words": "mended"}).status_code == 303, "the same form twice"
    assert "mended" in browser.get(at).text and Entry.objects.filter(event="risk.alert.closed").count() == 1
    assert browser.post(f"{at}acknowledge/").status_code == 409
    assert browser.get("/risk/alerts/WA-22222222X/").status_code == 404


def test_only_who_may_answer_is_offered_to(watched: ScorecardVersion, cast: Cast, page_of: Any) -> None:
    alert = RiskAlert.objects.get()
    page = page_of(cast.auditor).get(f"/risk/alerts/{alert.public_id}/")
    assert page.status_code == 200 and "acknowledge" not in page.text
    assert page_of(cast.auditor).post(f"/risk/alerts/{alert.public_id}/acknowledge/").status_code == 403
    assert page_of(cast.loan_officer).get("/risk/monitoring/").status_code == 403


def test_homes_name_the_worst_first(watched: ScorecardVersion, cast: Cast) -> None:
    alerts.settle(watched, [FOUND, alerts.Finding("score_shift", "act", 0.4, D("0.25"))], on=localdate(), at=now(), actor=cast.system)
    rows = home_blocks.standing_alerts(cast.risk_analyst, now())
    assert [row["badge_label"] for row in rows] == ["act", "watch"]
    assert home_blocks.alerts_to_act_on(cast.risk_analyst, now())["figure"] == "1"
    assert home_blocks.standing_alerts(cast.loan_officer, now()) == []


# --- overrides -----------------------------------------------------------------------------------------------------
@pytest.fixture
def overridden(version: ScorecardVersion, cast: Cast, turned_out: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 referrals the first underwriter approved 20 (5 bad), the second 10 (1 bad) and declined 10; the engine approved 20 (2 bad)."""
    day = localdate() - timedelta(days=200)
    referred = [(day, {}, {"outcome": "refer", "subject": f"test.thing:r{n}"}) for n in range(40)]
    approved = [(day, {}, APPROVED | {"subject": f"test.thing:e{n}"}) for n in range(20)]
    decide(version, [*referred, *approved])
    one, two = cast.underwriter.pk, cast.second_underwriter.pk  # type: ignore[attr-defined]
    finals = {f"r{n}": FinalWord(approved=n < 30, by=one if n < 20 else two, at=now()) for n in range(40)}
    finals |= {f"e{n}": FinalWord(approved=True, by=None, at=now()) for n in range(20)}
    known = {"test.thing": lambda ids, as_of: {each: finals[each] for each in ids if each in finals}}
    monkeypatch.setattr(outcome_source, "FINALS", known)
    turned_out.update({f"r{n}": outcome(n < 5 or n == 25) for n in range(30)})
    turned_out.update({f"e{n}": outcome(n < 2) for n in range(20)})


def test_everybody_sees_their_own_and_the_manager_all(overridden: None, cast: Cast) -> None:
    held = monitor_rules.holding(localdate())
    people, engine = override_outcomes.lines(cast.risk_manager, as_of=localdate(), held=held)
    assert {(line.approved, line.declined, line.full.n, line.full.bad) for line in people} == {(20, 0, 20, 5), (10, 10, 10, 1)}
    assert (engine.approved, engine.early.n, engine.early.bad) == (20, 20, 2)
    mine, _engine = override_outcomes.lines(cast.west_underwriter, as_of=localdate(), held=held)  # type: ignore[attr-defined]
    assert mine == []


def test_an_underwriter_reads_the_own_page(overridden: None, cast: Cast, page_of: Any) -> None:
    own = page_of(cast.underwriter).get("/risk/overrides/").text
    assert "your own decisions" in own and "25.0%" in own and cast.second_underwriter.username not in own  # type: ignore[attr-defined]
    everybody = page_of(cast.risk_manager).get("/risk/overrides/").text
    assert cast.second_underwriter.username in everybody  # type: ignore[attr-defined]
    assert page_of(cast.risk_analyst).get("/risk/overrides/").status_code == 403


def test_bounds_that_ended_close_the_door(cast: Cast, page_of: Any) -> None:
    from governance.models import Rule

    Rule.objects.filter(code=monitor_rules.PSI).update(effective_to=date(2021, 1, 1))
    assert page_of(cast.risk_analyst).get("/risk/monitoring/").status_code == 409
