"""The catalogue of features: bins, information value, figures by a job, pages in both languages."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from crm.lib import features
from governance.models import Job
from risk import feature_bins, feature_display, feature_stats
from risk.models import FeatureStat
from risk.outcome_source import Outcome
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast

HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(cast: Cast, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


@pytest.fixture
def analyst(cast: Cast, page_of: Callable[[Any], Client]) -> Client:
    return page_of(cast.risk_analyst)


@given(st.lists(st.one_of(st.none(), st.integers(-5, 300)), max_size=60))
def test_every_value_falls_into_one_bin_and_none_is_lost(values: list[int | None]) -> None:
    edges = feature_bins.cut(values, "integer")
    counted = feature_bins.count(values, edges, "integer")
    assert edges == sorted(set(edges)) and len(edges) < feature_bins.SPANS + 1
    assert sum(counted.values()) == len(values)
    assert counted[-1] == values.count(None)
    assert set(counted) <= set(range(-1, len(edges) + 1))


def test_categories_go_by_frequency_and_the_rare_share() -> None:
    values = [f"v{n}" for n in range(20) for _ in range(20 - n)]
    edges = feature_bins.cut(values, "category")
    assert edges == [f"v{n}" for n in range(feature_bins.CATEGORIES)]
    assert feature_bins.place("v19", edges, "category") == len(edges)


def test_the_information_value_of_a_known_table() -> None:
    # 90 and 10 good, 10 and 90 bad, each raised by a half: 2 · (90.5 − 10.5) / 101 · ln(90.5 / 10.5)
    weights, iv = feature_bins.evidence([90, 10, 0], [10, 90, 0])
    assert iv == D("3.412237")
    assert weights == [D("2.153975"), D("-2.153975"), D(0)]
    assert feature_bins.evidence([50, 50], [50, 50])[1] == 0


def run(at: Any = NOON) -> Job:
    job = feature_stats.order(actor=None, at=at)
    feature_stats.run(job.pk, at=at, clock=lambda: at)
    job.refresh_from_db()
    return job


def test_a_run_writes_figures_of_each_feature_and_of_month_ends_not_on_file(desk: Desk) -> None:
    loan = desk.loan()
    for _ in range(3):
        desk.make_customer()
    at = NOON + timedelta(days=70)
    assert run(at).status == Job.Status.DONE
    days = sorted(set(FeatureStat.objects.values_list("measured_on", flat=True)))
    assert days == [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 11)]
    assert FeatureStat.objects.filter(measured_on=days[-1]).count() == len(features.names())
    held = FeatureStat.objects.get(name="days_since_applied", measured_on=days[-1])
    assert (held.people - held.missing, held.iv) == (1, None)
    assert sum(one["n"] for one in held.bins) == 1
    run(at)  # again: the day's figures are written in the place of the old ones
    assert FeatureStat.objects.filter(measured_on=days[-1]).count() == len(features.names())
    assert loan


def test_one_run_at_a_time(desk: Desk) -> None:
    feature_stats.order(actor=desk.cast.risk_analyst, at=NOON)
    with pytest.raises(feature_stats.FiguresRun):
        feature_stats.order(actor=desk.cast.risk_manager, at=NOON)
    feature_stats.order(actor=desk.cast.risk_manager, at=NOON + feature_stats.LONGEST + timedelta(minutes=1))


def test_outcomes_give_an_information_value(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [desk.make_customer() for _ in range(4)]
    told = {f"tests.thing:{n}": (people[n % 4].pk, NOON + timedelta(days=1)) for n in range(80)}

    def outcomes(subjects: Any, **_: Any) -> dict[str, Outcome]:
        return {
            s: Outcome("bad" if n % 2 else "good", 12, 0, NOON.date(), None, matured=True, lent=D(1), lost=D(0))
            for n, s in enumerate(subjects)
        }

    monkeypatch.setattr(feature_stats.outcome_source, "outcomes", outcomes)

    monkeypatch.setattr(feature_stats, "_subjects", lambda: told)
    known, bad, outcome = feature_stats._outcomes(NOON + timedelta(days=2))
    feature_stats.measure(as_of=NOON + timedelta(days=2), judged=True, at=NOON)
    assert (sum(bad), len(bad), outcome["bad_count"], outcome["months"]) == (40, 80, 40, 12)
    assert len(known["months_known"]) == 80
    held = FeatureStat.objects.get(name="months_known")
    assert held.iv is not None and abs(held.iv) < D("0.001")  # the same value for all tells nothing
    assert (held.bins[0]["good"], held.bins[0]["bad"]) == (40, 40)


def test_the_list_narrows_and_says_who_reads(desk: Desk, analyst: Client) -> None:
    text = analyst.get("/risk/features/").content.decode()
    assert "days_late_worst_12m" in text and "repaid_90d" in text
    part = analyst.get("/risk/features/?source=credit.repayments&type=money", headers=HTMX).content.decode()
    assert "repaid_90d" in part and "days_late" not in part and "on_time_share_12m" not in part
    assert "repaid_90d" not in analyst.get("/risk/features/?text=zzz", headers=HTMX).content.decode()
    assert analyst.get("/risk/features/?source=nonsense&type=nonsense").status_code == 200


def test_the_lists_queries_are_constant(desk: Desk, analyst: Client) -> None:
    def counted() -> int:
        with CaptureQueriesContext(connection) as found:
            assert analyst.get("/risk/features/").status_code == 200
        return len(found)

    counted()
    before = counted()
    run(NOON + timedelta(days=40))
    assert counted() == before <= 20


def test_a_feature_s_page_and_the_comparison(desk: Desk, analyst: Client) -> None:
    desk.loan()
    assert "No figures yet" in analyst.get("/risk/features/outstanding/").content.decode()
    run(NOON + timedelta(days=40))
    page = analyst.get("/risk/features/outstanding/").content.decode()
    assert "How the values are spread" in page and "credit.loans" in page and "No information value yet" in page
    said = analyst.post("/risk/features/outstanding/compare/", headers=HTMX).content.decode()
    assert "Online and bulk say the same of 1 customers" in said
    assert "Online and bulk say the same" in analyst.post("/risk/features/outstanding/compare/").content.decode()
    assert analyst.get("/risk/features/nobody_knows/").status_code == 404
    assert analyst.get("/risk/features/outstanding/compare/").status_code == 405


def test_the_button_orders_a_run(cast: Cast, analyst: Client) -> None:
    assert analyst.post("/risk/features/figures/anew/").status_code == 303
    assert Job.objects.get(kind=feature_stats.KIND).started_by == cast.risk_analyst
    assert analyst.post("/risk/features/figures/anew/").status_code == 409


def test_bins_read_as_people_write_them() -> None:
    amount, number = features.find("outstanding"), features.find("loans_ever")
    assert amount is not None and number is not None
    assert feature_display.label(amount[0], {"low": "1000.00", "high": "2500.50"}) == "1,000 – < 2,500.5"
    assert feature_display.label(number[0], {"low": "3", "high": "4"}) == "3"
    assert feature_display.label(number[0], {"low": "9", "high": None}) == "≥ 9"
    assert feature_display.label(number[0], {"low": None, "high": "1"}) == "< 1"
