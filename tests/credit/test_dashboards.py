"""The pipeline as a funnel and approvals by week: right figures, the same in chart and table, at a constant price."""

from typing import Any

from credit import dashboards
from credit.models import Application
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast


def test_the_funnel_counts_how_far_each_got(desk: Desk) -> None:
    desk.draft()
    desk.concluded("decline")
    desk.offer()
    desk.loan()
    shown = dashboards.funnel(Application.objects.all(), at=NOON)
    assert [row["cells"][0] for row in shown["rows"]] == ["3", "3", "2", "1", "1"]
    assert shown["data"]["series"][0]["values"] == [3, 3, 2, 1, 1]
    assert shown["title"] == "33.3% of 3 applications became loans"


def test_the_approval_rate_of_a_week(desk: Desk) -> None:
    desk.concluded("decline")
    desk.offer()
    shown = dashboards.approval_rate(Application.objects.all(), at=NOON)
    assert shown["rows"][-1] == {"label": "2026-W10", "cells": ["2", "1", "50.0%"]}
    assert shown["rows"][0]["cells"] == ["0", "0", ""]
    assert shown["data"]["series"][0]["values"][-1] == 0.5
    assert dashboards.rate_of_weeks(Application.objects.all(), at=NOON, weeks=4)[1] == 2


def test_nothing_is_drawn_of_nothing(cast: Cast) -> None:
    none = Application.objects.all()
    assert dashboards.funnel(none, at=NOON)["data"]["series"] == []
    assert dashboards.approval_rate(none, at=NOON)["title"] == "No application was decided in this time"


def test_the_page_opens_at_a_constant_price(desk: Desk, page_of: Any, cast: Cast, django_assert_max_num_queries: Any) -> None:
    desk.loan()
    client = page_of(cast.underwriter)
    client.get("/credit/dashboard/")
    with django_assert_max_num_queries(10):
        assert client.get("/credit/dashboard/").status_code == 200
    assert page_of(cast.collector).get("/credit/dashboard/").status_code == 403
