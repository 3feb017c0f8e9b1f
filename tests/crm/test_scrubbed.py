"""Beside the lines of log (tests/lib/test_scrub.py): error pages, problem documents, payloads of tasks, and what is kept of a failure
carry no person's number, even where the exception itself holds one.
"""

import inspect
import io
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from crm.celery import app
from crm.lib import scrub
from customers.api import CustomerViewSet
from ledger import deliveries, log
from ledger.models import Delivery
from tests.fixtures.cast import NOON, Cast
from tests.fixtures.support import identities

SECRETS = [identities.id_number(1), identities.mobile(1), identities.bank_card(1), "wang.xiaoming@example.com"]
SAID = " ".join(SECRETS)


def broken(*_: Any, **__: Any) -> Any:
    raise ValueError(f"cannot read {SAID}\nsecond line")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Return what the log says meanwhile, formatted as in production."""
    handler = logging.StreamHandler(out := io.StringIO())
    handler.setFormatter(
        logging.config.DictConfigurator(settings.LOGGING).configure_formatter(dict(settings.LOGGING["formatters"]["json"]))
    )
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(before)


def left_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


# --- error pages ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "part"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_page_that_breaks_shows_a_number_and_nothing_of_the_cause(
    cast: Cast, page_of: Any, monkeypatch: Any, written: io.StringIO, headers: dict[str, str], language: str
) -> None:
    monkeypatch.setattr("customers.views.list_pages.read", broken)
    browser = page_of(cast.loan_officer)
    browser.raise_request_exception = False
    answer = browser.get("/customers/", headers=headers | {"Accept-Language": language})
    assert answer.status_code == 500 and left_in(answer.text) == [] and "ValueError" not in answer.text
    assert answer.headers["X-Request-ID"][:8] in answer.text
    lines = written.getvalue()
    assert "cannot read [id] [mobile] [card] [mail]" in lines, "the cause stands in the log, scrubbed"
    assert left_in(lines) == []


def test_an_api_that_breaks_answers_without_the_cause(cast: Cast, api_of: Any, monkeypatch: Any, written: io.StringIO) -> None:
    monkeypatch.setattr(CustomerViewSet, "get_queryset", broken)
    client = api_of()
    client.raise_request_exception = False
    answer = client.get("/api/v1/customers/")
    assert answer.status_code == 500 and left_in(answer.content.decode()) == left_in(written.getvalue()) == []
    assert "[mobile]" in written.getvalue()


@pytest.mark.parametrize("path", ["/customers/{}/", "/nowhere/{}/", "/api/v1/customers/{}/", "/applications/{}/"])
def test_an_address_with_a_number_in_it_is_not_echoed_nor_logged(cast: Cast, page_of: Any, written: io.StringIO, path: str) -> None:
    browser = page_of(cast.loan_officer)
    for secret in SECRETS[:3]:
        answer = browser.get(path.format(secret))
        said = answer.text.partition("<main")[2] or answer.text  # around it the forms of language and theme lead back to the same address
        assert answer.status_code == 404 and left_in(said) == []
    assert "GET" in written.getvalue() and left_in(written.getvalue()) == []


# --- payloads of tasks ---------------------------------------------------------------------------------------------
OURS = ("ledger.", "governance.", "customers.", "credit.", "collection.", "risk.", "crm.")
NAMES = {
    ("governance.tasks.tell_unreadable", "model"), ("governance.tasks.tell_unreadable", "field"),  # of our own columns
    ("risk.monitor_tasks.run_monitoring", "on"), ("risk.behaviour_tasks.score_borrowers", "on"),  # a day
    ("risk.monitor_tasks.run_monitoring", "actor"),  # a row, or nobody
}  # fmt: skip


def test_a_task_is_sent_with_numbers_of_rows_and_nothing_else() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.startswith(OURS)}
    assert len(ours) > 25
    wrong = {
        (name, parameter.name, parameter.annotation)
        for name, task in ours.items()
        for parameter in inspect.signature(task.run).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
        and parameter.annotation not in (int, list[int])
        and (name, parameter.name) not in NAMES
    }
    assert wrong == set(), "a task reads the row itself: nothing of a person travels through the queue"


def test_what_a_task_says_of_its_failure_is_scrubbed(written: io.StringIO) -> None:
    @app.task(name="tests.breaks")
    def breaks() -> None:
        broken()

    try:
        assert breaks.apply().failed()
    finally:
        app.tasks.pop("tests.breaks")
    assert left_in(written.getvalue()) == []
    assert "cannot read [id]" in written.getvalue()


# --- what is kept of a failure -------------------------------------------------------------------------------------
def test_what_is_kept_of_a_cause_is_its_first_line_scrubbed() -> None:
    assert scrub.cause(f"\nrow refused: {SAID}\nDETAIL: 王小明", most=500) == "row refused: [id] [mobile] [card] [mail]"
    assert scrub.cause("x" * 600, most=500) == "x" * 500
    assert scrub.cause("", most=5) == ""


def test_a_delivery_that_fails_keeps_no_value(cast: Cast, monkeypatch: Any, written: io.StringIO) -> None:
    monkeypatch.setattr(log, "_handlers", {**log._handlers})
    monkeypatch.setattr(log, "_by_name", {**log._by_name})
    log.on("tests.broken")(broken)
    entry_id = log.record("tests.broken", cast.east, actor=cast.system, at=NOON)
    delivery = Delivery.objects.get(entry_id=entry_id)
    assert not deliveries.run(delivery.pk, at=NOON)
    delivery.refresh_from_db()
    assert delivery.error == "ValueError: cannot read [id] [mobile] [card] [mail]"
    assert left_in(written.getvalue()) == []
