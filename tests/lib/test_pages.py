"""Lists: capped counts, cursors that neither lose nor repeat a row, sorts from a whitelist, chips."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django_filters
import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from crm.lib import pages
from governance.models import Job

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SORTS = {"started": "id", "finished": "finished_at", "done": "done"}


@pytest.fixture
def jobs(db: None) -> list[Job]:
    """Eleven jobs; every third has not finished, and several share a figure."""
    return [
        Job.objects.create(
            kind="k", title=f"job {n}", done=n % 4, created_at=AT, updated_at=AT, status="done" if n % 2 else "failed",
            finished_at=None if n % 3 == 0 else AT + timedelta(minutes=n % 5),
        )
        for n in range(11)
    ]  # fmt: skip


def walk(query: str, *, forward: bool = True) -> Iterator[list[int]]:
    """Read page after page, as a person presses Next (or Previous)."""
    while query:
        page = pages.read(RequestFactory().get("/jobs/" + query), Job.objects.all(), sorts=SORTS, per_page=3)
        yield [job.pk for job in page.rows]
        query = page.next if forward else page.prev


def walk_addresses(query: str) -> Iterator[str]:
    while query:
        yield query
        query = pages.read(RequestFactory().get("/jobs/" + query), Job.objects.all(), sorts=SORTS, per_page=3).next


@pytest.mark.parametrize("sort", ["started", "-started", "finished", "-finished", "done", "-done"])
def test_every_row_comes_once_whatever_the_order(jobs: list[Job], sort: str) -> None:
    shown = [pk for rows in walk(f"?sort={sort}") for pk in rows]
    assert sorted(shown) == [job.pk for job in jobs]


@pytest.mark.parametrize("sort", ["started", "-started", "finished", "-finished", "done", "-done"])
def test_previous_leads_back_the_same_way(jobs: list[Job], sort: str) -> None:
    there = list(walk(f"?sort={sort}"))
    request = RequestFactory().get(f"/jobs/?sort={sort}")
    page = pages.read(request, Job.objects.all(), sorts=SORTS, per_page=3)
    while page.next:
        page = pages.read(RequestFactory().get("/jobs/" + page.next), Job.objects.all(), sorts=SORTS, per_page=3)
    back = [[job.pk for job in page.rows], *walk(page.prev, forward=False)]
    assert back == there[::-1]


@pytest.mark.parametrize(("sort", "said"), [("-started", False), ("-done", False), ("-finished", True)])
def test_of_nulls_is_spoken_only_where_there_are_some(jobs: list[Job], sort: str, said: bool) -> None:
    """An index in a column's plain order does not serve `DESC NULLS LAST`."""
    for query in list(walk_addresses(f"?sort={sort}")):
        with CaptureQueriesContext(connection) as seen:
            pages.read(RequestFactory().get("/jobs/" + query), Job.objects.all(), sorts=SORTS, per_page=3)
        assert ("NULLS LAST" in seen[-1]["sql"]) is said


def test_rows_without_a_value_stand_last(jobs: list[Job]) -> None:
    without = {job.pk for job in jobs if job.finished_at is None}
    for sort in ("finished", "-finished"):
        shown = [pk for rows in walk(f"?sort={sort}") for pk in rows]
        assert set(shown[-len(without) :]) == without


@pytest.mark.parametrize(
    "query",
    [
        "?sort=password",
        "?after=x",
        "?after=W10",
        "?after=WyJhIiw5XQ",
        "?before=%00",
        "?sort=-",
        "?after=WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ",
    ],
)
def test_an_address_that_was_tampered_with_shows_the_first_page(jobs: list[Job], query: str) -> None:
    page = pages.read(RequestFactory().get("/jobs/" + query), Job.objects.all(), sorts=SORTS, default_sort="started", per_page=3)
    assert [job.pk for job in page.rows] == [job.pk for job in jobs[:3]]


def test_counts_are_capped(jobs: list[Job]) -> None:
    assert pages.capped(Job.objects.all(), cap=5) == (5, True)
    assert pages.capped(Job.objects.all(), cap=11) == (11, False)
    assert pages.count_label(Job.objects.all()) == "11"
    assert pages.count_label(Job.objects.all(), cap=5) == "5+"


def test_many_counts_are_one_statement(jobs: list[Job], django_assert_num_queries: Any) -> None:
    every = Job.objects.order_by("pk")
    asked = [every, every.none(), every.filter(pk=jobs[0].pk), every.filter(kind="%s 100%"), every.distinct()]
    with django_assert_num_queries(1):
        assert pages.count_labels(asked, cap=5) == ["5+", "0", "1", "0", "5+"]
    with django_assert_num_queries(0):
        assert pages.count_labels([]) == []
        assert pages.count_labels([every.none()]) == ["0"]


class Filter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Job.Status.choices, label="Status")


def test_a_filter_in_force_is_a_chip_that_can_be_taken_away(jobs: list[Job]) -> None:
    request = RequestFactory().get("/jobs/?status=failed&sort=done&after=x")
    page = pages.read(request, Job.objects.all(), sorts=SORTS, filters=Filter)
    assert page.count == 6
    [chip] = page.chips
    assert (chip.label, str(chip.value), chip.without) == ("Status", "Failed", "/jobs/?sort=done")
    assert page.filtered


def test_a_filter_value_that_cannot_be_filters_nothing(jobs: list[Job]) -> None:
    page = pages.read(RequestFactory().get("/jobs/?status=nonsense"), Job.objects.all(), sorts=SORTS, filters=Filter)
    assert page.count == 11 and not page.chips
