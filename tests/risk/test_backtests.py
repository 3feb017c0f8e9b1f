"""Backtests: who changes sides and why, over stored facts; in parts, by several workers, stopped, taken up again; who may see them."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from crm.lib.errors import Invalid
from governance.models import Job
from risk import backtest_report, backtests, engine, outcome_source, populations, tallies
from risk import words as words_of_risk
from risk.backtests import Side
from risk.models import Backtest, BacktestChunk, Decision, ScorecardVersion, StrategyVersion
from risk.populations import Past
from tests.fixtures.cast import Cast
from tests.risk.drafts import draft
from tests.risk.support import FACTS, MIDDLING, NOON, WEAK, D, live_scorecard

LATER = NOON + timedelta(hours=1)
Status = Backtest.Status


@pytest.fixture
def past(cast: Cast) -> list[Decision]:
    """Six decisions: three good ones of 27, 40 and 60 years, one short of income, one weak, one middling."""
    live_scorecard(cast.system)
    people = [{"age": 27}, {"age": 40}, {"age": 60}, {"monthly_debt": D("4500.00")}, WEAK, MIDDLING]
    return [engine.evaluate(FACTS | facts, at=NOON, actor=cast.system, subject=f"tests.loan:T-{n}") for n, facts in enumerate(people)]


def run(cast: Cast, *versions: StrategyVersion, **more: Any) -> Backtest:
    asked = backtests.ask(name="Stricter", sides=[Side(one) for one in versions], actor=cast.risk_analyst, at=LATER, **more)
    done = backtests.run(asked.pk, at=LATER)
    assert done is not None
    return done


def test_the_same_version_changes_nobody(cast: Cast, past: list[Decision]) -> None:
    found = run(cast, StrategyVersion.objects.get(status="live", strategy__kind="lending"))
    assert found.status == Status.DONE
    side = found.results["arms"][1]
    assert found.results["n"] == len(past)
    assert side["in"] == side["out"] == {}
    assert sum(side["matrix"].values()) == len(past)
    assert all(key.split(">")[0] == key.split(">")[1] for key in side["matrix"])
    assert side["outcome"] == found.results["arms"][0]["outcome"]


def test_a_stricter_age_puts_out_exactly_those_who_are_younger(cast: Cast, past: list[Decision]) -> None:
    approved = {one.pk for one in past if one.outcome == "approve"}
    young = {one.pk for one in past if one.facts["age"] < 30}
    assert past[0].pk in approved & young
    found = run(cast, draft(cast, age_min="30"))
    side = found.results["arms"][1]
    assert side["out"] == {"age_below_minimum": len(approved & young)}
    assert side["gained"]["age_below_minimum"] == len(approved & young)
    assert side["in"] == {}
    chunk = found.chunks.get()
    rows = {ref: answers for ref, _known, answers in tallies.unpacked(chunk.rows)}
    flipped = {ref for ref, (was, now) in rows.items() if was.approves != now.approves}
    assert flipped == approved & young
    assert chunk.flipped == len(flipped)
    assert all(rows[pk][1].reasons[0] == "age_below_minimum" for pk in flipped)


def test_a_milder_policy_takes_in_those_whose_reason_is_gone(cast: Cast, past: list[Decision]) -> None:
    strict = run(cast, StrategyVersion.objects.get(status="live", strategy__kind="lending"), baseline=Side(draft(cast, age_min="30")))
    side = strict.results["arms"][1]
    assert side["in"].get("age_below_minimum") == 1
    assert side["lost"]["age_below_minimum"] == 1
    assert strict.population["source"] == "past"


def test_figures_of_the_report_follow_from_the_rows(cast: Cast, past: list[Decision]) -> None:
    found = run(cast, draft(cast, age_min="30"))
    report = backtest_report.Report(found, language="en")
    base, side = report.columns
    approved = [one for one in past if one.outcome == "approve"]
    assert base.approved == len(approved)
    assert base.expected_bad == sum(Decimal(one.pd or 0) for one in approved) / len(approved)
    assert side.share == Decimal(side.approved) / len(past)
    low, high = side.interval or (0, 0)
    assert 0 <= low < (side.share or 0) < high <= 1
    assert sum(row["cells"][0]["approved"] for row in report.grades()) == base.approved
    assert "out" in report.finding()


def test_known_outcomes_are_of_those_that_became_loans(cast: Cast, past: list[Decision], monkeypatch: pytest.MonkeyPatch) -> None:
    def told(ids: Any, *, as_of: date, horizon_months: int, bad_dpd: int) -> dict[str, outcome_source.Outcome]:
        def of(status: Any, matured: bool) -> outcome_source.Outcome:
            return outcome_source.Outcome(status, 12, 0, as_of, None, matured, Decimal(1), Decimal(0))

        return {name: of(*how) for name, how in {"T-0": ("bad", True), "T-1": ("good", True), "T-2": ("bad", False)}.items() if name in ids}

    monkeypatch.setitem(outcome_source.SOURCES._items, "tests.loan", told)
    found = run(cast, draft(cast, age_min="30"))
    base, side = backtest_report.Report(found, language="en").columns
    assert found.results["known"] == {"bad": 1, "good": 1, "immature": 1}
    assert base.known_bad == Decimal("0.5")
    assert side.known_bad == 0  # the young one, who was bad, is out
    assert found.results["arms"][1]["known"] == {"out_bad": 1}


# --- facts the past did not store ------------------------------------------------------------------------------------
@pytest.fixture
def asks_more(cast: Cast, past: list[Decision]) -> StrategyVersion:
    """A draft that requires a fact no past decision has."""
    made = draft(cast)
    more = {"name": "income_verified", "type": "boolean", "required": True, "protected": False, "meaning": "income was verified"}
    made.input_schema = {"facts": [*made.input_schema["facts"], more]}
    from risk.registry import content_sha256

    made.sha256 = content_sha256(made.graph, made.input_schema, made.reasons)
    made.save()
    return made


def test_a_fact_that_was_not_stored_refers_by_name(cast: Cast, asks_more: StrategyVersion) -> None:
    found = run(cast, asks_more)
    side = found.results["arms"][1]
    assert side["outcome"] == {"refer": found.total}
    assert side["reasons"]["fact_missing:income_verified"] == found.total
    assert side["absent"]["income_verified"] == found.total
    line = next(row for row in backtest_report.Report(found, language="en").absent() if row["fact"] == "income_verified")
    assert line["required"]
    assert line["assumed"] is None


def test_the_analyst_says_what_stands_for_an_absent_fact(cast: Cast, asks_more: StrategyVersion) -> None:
    found = run(cast, asks_more, defaults={"income_verified": "yes"})
    base, side = found.results["arms"]
    assert side["outcome"] == base["outcome"]
    assert side["assumed"] == {"income_verified": found.total}
    line = next(row for row in backtest_report.Report(found, language="en").absent() if row["fact"] == "income_verified")
    assert line["assumed"] is True


@pytest.mark.parametrize(("name", "text"), [("income_verified", "perhaps"), ("nobody", "1"), ("age", "old"), ("income", "1e9")])
def test_a_default_that_does_not_fit_is_refused(cast: Cast, asks_more: StrategyVersion, name: str, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        run(cast, asks_more, defaults={name: text})
    assert "defaults" in refusal.value.fields


# --- refusals --------------------------------------------------------------------------------------------------------
def test_what_cannot_be_compared_is_refused(cast: Cast, past: list[Decision]) -> None:
    live = StrategyVersion.objects.get(status="live", strategy__kind="lending")
    for sides, more in (([], {}), ([live, live], {}), ([live], {"baseline": Side(live)})):
        with pytest.raises(backtests.NotComparable):
            run(cast, *sides, **more)
    with pytest.raises(populations.NobodyThere):
        run(cast, live, population=Past(last=date(2020, 1, 1)))


def test_a_draft_that_was_changed_meanwhile_fails_by_name(cast: Cast, past: list[Decision]) -> None:
    made = draft(cast, age_min="30")
    asked = backtests.ask(name="x", sides=[Side(made)], actor=cast.risk_analyst, at=LATER)
    from risk import strategy_versions
    from tests.risk.drafts import with_value

    made.refresh_from_db()
    strategy_versions.save(made, revision=made.revision, graph=with_value(made.graph, "age_min", "40"), actor=cast.risk_analyst, at=LATER)
    found = backtests.run(asked.pk, at=LATER)
    assert found is not None
    assert found.status == Status.FAILED
    assert "changed after" in Job.objects.get(pk=found.job_id).problems[0]["message"]


# --- parts, workers, stopping ------------------------------------------------------------------------------------------
@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtests, "CHUNK", 2)


@pytest.mark.usefixtures("small_parts")
def test_a_part_a_dead_worker_left_is_taken_up_and_counted_once(cast: Cast, past: list[Decision]) -> None:
    made = draft(cast, age_min="30")
    whole = run(cast, made).results
    asked = backtests.ask(name="again", sides=[Side(made)], actor=cast.risk_analyst, at=LATER)
    dead = backtests.claim(asked.pk, at=LATER)  # and nothing more is heard of it
    assert dead is not None and dead.number == 0
    assert backtests.run(asked.pk, at=LATER) is None  # another worker does the rest and must not close
    asked.refresh_from_db()
    assert asked.status == Status.RUNNING
    assert BacktestChunk.objects.filter(backtest=asked, done_at__isnull=False).count() == 2
    after = LATER + backtests.LEASE + timedelta(minutes=1)
    assert backtests.unfinished(at=LATER + timedelta(seconds=90)) == []
    assert backtests.unfinished(at=after) == [asked.pk]
    found = backtests.run(asked.pk, at=after)
    assert found is not None and found.results == whole
    assert Job.objects.get(pk=asked.job_id).done == len(past)
    # the dead one comes back to life: its answer is not counted again
    runner = backtests.Runner(asked)
    assert backtests.work(runner, dead, clock=lambda: after) is False
    assert Job.objects.get(pk=asked.job_id).done == len(past)


@pytest.mark.usefixtures("small_parts")
def test_a_stopped_backtest_keeps_what_is_done(cast: Cast, past: list[Decision]) -> None:
    asked = backtests.ask(name="x", sides=[Side(draft(cast, age_min="30"))], actor=cast.risk_analyst, at=LATER)
    first = backtests.claim(asked.pk, at=LATER)
    assert first is not None
    assert backtests.work(backtests.Runner(asked), first, clock=lambda: LATER)
    found = backtests.cancel(asked, actor=cast.risk_analyst, at=LATER)
    assert (found.status, found.results["n"]) == (Status.CANCELLED, 2)
    assert backtests.run(asked.pk, at=LATER) is None
    assert backtests.claim(asked.pk, at=LATER) is None
    with pytest.raises(backtests.Over):
        backtests.cancel(asked, actor=cast.risk_analyst, at=LATER)


def test_several_versions_stand_side_by_side(cast: Cast, past: list[Decision]) -> None:
    live = StrategyVersion.objects.get(status="live", strategy__kind="lending")
    found = run(cast, live, draft(cast, age_min="30"), draft(cast, age_min="50"))
    shares = [column.approved for column in backtest_report.Report(found, language="en").columns]
    assert shares[0] == shares[1] > shares[2] > shares[3]


def test_a_segment_and_an_outcome_narrow_the_population(cast: Cast, past: list[Decision]) -> None:
    live = StrategyVersion.objects.get(status="live", strategy__kind="lending")
    assert run(cast, live, population=Past(outcome="approve")).total == sum(one.outcome == "approve" for one in past)
    assert run(cast, live, population=Past(segment={"purpose": WEAK["purpose"]})).total == 1
    assert run(cast, live, population=Past(limit=2)).chunks.get().decisions == [past[5].pk, past[4].pk]


# --- pages -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def analyst(cast: Cast, page_of: Callable[[Any], Client]) -> Client:
    return page_of(cast.risk_analyst)


def test_the_report_says_who_goes_out_and_why(
    cast: Cast, past: list[Decision], analyst: Client, django_assert_max_num_queries: Any
) -> None:
    found = run(cast, draft(cast, age_min="30"))
    address = f"/risk/backtests/{found.public_id}/"
    with django_assert_max_num_queries(16):
        text = analyst.get(address).content.decode()
    for words in ("Stricter", "Approval rate", "Swap set", "By grade", "Expected profit", "Fairness"):
        assert words in text
    assert words_of_risk.heading("age_below_minimum", found.arms.get(place=1).strategy_version.reasons, language="en") in text
    rows = analyst.get(address + "changed/").content.decode()
    assert past[0].public_id in rows
    assert past[1].public_id not in rows
    assert analyst.get(address + "changed/?side=9&from=x&move=nonsense>x").status_code == 200
    assert analyst.get(address + "?by=purpose").status_code == 200
    assert found.name in analyst.get("/risk/backtests/").content.decode()


def test_an_analyst_orders_one_in_the_browser(cast: Cast, past: list[Decision], analyst: Client) -> None:
    made = draft(cast, age_min="30")
    version = f"{made.strategy.public_id}.{made.number}"
    assert f'value="{version}" selected' in analyst.get(f"/risk/backtests/new/?version={version}").content.decode()
    card = ScorecardVersion.objects.get()
    data = {
        "name": "Older people", "version_1": version, "card_1": f"{card.scorecard.public_id}.{card.number}", "limit": "100",
        "lgd": "60", "funding": "4", "opex": "3", "horizon": "6", "form_key": str(uuid4()),
    }  # fmt: skip
    answer = analyst.post("/risk/backtests/new/", data)
    assert answer.status_code == 303
    again = analyst.post("/risk/backtests/new/", data)
    assert again["Location"] == answer["Location"]
    found = Backtest.objects.get()
    assert found.total == len(past)
    text = analyst.get(answer["Location"]).content.decode()
    assert "You can leave this page" in text
    assert analyst.post(f"/risk/backtests/{found.public_id}/cancel/").status_code == 303
    for wrong in ({"limit": "0"}, {"limit": "x"}, {"version_1": "S-NOBODY.1"}, {"lgd": "400"}, {"defaults": "nonsense"}, {"defaults": "nobody = 1"},
                  {"first": "2026-02-02", "last": "2026-01-01"}, {"first": "1999-01-01", "last": "1999-01-02"}, {"version_2": version}):  # fmt: skip
        answer = analyst.post("/risk/backtests/new/", data | {"form_key": str(uuid4())} | wrong)
        assert answer.status_code == 422, wrong


def test_who_sees_only_their_branch_sees_no_backtest(cast: Cast, past: list[Decision], page_of: Callable[[Any], Client]) -> None:
    found = run(cast, draft(cast, age_min="30"))
    below = page_of(cast.west_underwriter) if cast.west_underwriter.scope != "all" else page_of(cast.underwriter)
    assert below.get(f"/risk/backtests/{found.public_id}/").status_code == 404
    assert below.get(f"/risk/backtests/{found.public_id}/changed/").status_code == 404
    assert found.public_id not in below.get("/risk/backtests/").content.decode()
    assert page_of(cast.auditor).get(f"/risk/backtests/{found.public_id}/").status_code == 200
    assert page_of(cast.auditor).post(f"/risk/backtests/{found.public_id}/cancel/").status_code == 403
    assert page_of(cast.loan_officer).get("/risk/backtests/").status_code == 403


def test_the_demonstration_shows_one(cast: Cast, past: list[Decision]) -> None:
    from crm.demo import backtests as shown

    assert "over 6 decisions" in shown.fill(analyst=cast.risk_analyst, at=LATER)
    found = Backtest.objects.get()
    assert found.status == Status.DONE
    assert sum(found.results["arms"][1]["out"].values()) >= 0


def test_it_leaves_as_a_file_with_every_application(cast: Cast, past: list[Decision], analyst: Client) -> None:
    from django.http import QueryDict

    from governance.models import Export
    from risk import backtest_tables

    found = run(cast, draft(cast, age_min="30"))
    rows, figures = backtest_tables.sheets(cast.risk_analyst, QueryDict(f"backtest={found.public_id}"))
    assert {row[0] for row in rows.rows} == {one.public_id for one in past}
    assert all(len(row) == len(rows.heads) for row in rows.rows)
    assert figures.rows[0][1] == "6"
    assert backtest_tables.sheets(cast.loan_officer, QueryDict(f"backtest={found.public_id}"))[0].rows == []
    address = f"/risk/backtests/{found.public_id}/file/"
    assert analyst.get(address).status_code == 200
    assert analyst.post(address, {"form": "csv"}).status_code == 422
    sent = {"form": "csv", "purpose": "report", "reason": "for the committee", "form_key": str(uuid4())}
    assert analyst.post(address, sent).status_code == 303
    assert f"backtest={found.public_id}" in Export.objects.get().query
