"""Logs carry no person's number: whatever writes the line, whatever it was about."""

import io
import json
import logging
import logging.config
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from crm.lib.scrub import scrub
from tests.fixtures.support import identities

ROOT = Path(settings.BASE_DIR)
IDS, MOBILES, CARDS = ([make(number) for number in range(3)] for make in (identities.id_number, identities.mobile, identities.bank_card))
SECRETS = [*IDS, *MOBILES, *CARDS, "wang.xiaoming@example.com"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("call 13800138000 now", "call [mobile] now"),
        ("call +86 138 0013 8000", "call [mobile]"),
        ("138-0013-8000", "[mobile]"),
        ("id 11010519491231002X.", "id [id]."),
        ('"id": "110105194912310021"', '"id": "[id]"'),
        ("card 4111111111111111,", "card [card],"),
        ("to a.b+c@mail.example.cn;", "to [mail];"),
        ("at 1763800000000 ms", "at 1763800000000 ms"),
        ("2026-11-22T16:52:30.288658Z", "2026-11-22T16:52:30.288658Z"),
        ("832044a0-06f4-431b-bfa3-9ebd1c5b3c87", "832044a0-06f4-431b-bfa3-9ebd1c5b3c87"),
        ("order 4111111111111112 is no card", "order 4111111111111112 is no card"),
        ("A-VXSH69MCG took 12,000.00", "A-VXSH69MCG took 12,000.00"),
        ("138001380001 has twelve digits", "138001380001 has twelve digits"),
    ],
)
def test_examples(text: str, clean: str) -> None:
    assert scrub(text) == clean


@given(secret=st.sampled_from(SECRETS), before=st.text(max_size=40), after=st.text(max_size=40))
def test_nothing_of_it_stays_between_any_words(secret: str, before: str, after: str) -> None:
    edge = " " if secret[0].isdigit() else "\n"
    assert secret not in scrub(f"{before}{edge}{secret}{edge}{after}")
    assert secret not in scrub(json.dumps({"a": f"{before}{edge}{secret}{edge}{after}"}))


@given(st.text(alphabet="abcdefghijklmnop 一二三-_:/", max_size=200))
def test_words_are_left_as_they_are(text: str) -> None:
    assert scrub(text) == text


def raised(secret: str) -> BaseException:
    try:
        raise ValueError(f"cannot read {secret}")
    except ValueError as error:
        return error


def in_context(log: logging.Logger, secret: str) -> None:
    with structlog.contextvars.bound_contextvars(looked_for=secret):
        structlog.get_logger(log.name).warning("searched")


WRITERS: dict[str, Callable[[logging.Logger, str], None]] = {
    "message": lambda log, secret: log.warning("saved %s", secret),
    "extra": lambda log, secret: log.warning("saved", extra={"who": {"mobile": secret, "all": [secret]}}),
    "traceback": lambda log, secret: log.error("failed", exc_info=raised(secret)),
    "structlog": lambda log, secret: structlog.get_logger(log.name).warning("saved", mobile=secret),
    "structlog traceback": lambda log, secret: structlog.get_logger(log.name).error("failed", exc_info=raised(secret)),
    "context": in_context,
}


def formatters() -> dict[str, Any]:
    """Return every way a line of log is formatted: the application's (web, worker, beat, commands) and the web server's."""
    own = {f"settings.{name}": (settings.LOGGING, name) for name in settings.LOGGING["formatters"]}
    server = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["logconfig_dict"]
    return own | {f"gunicorn.{name}": (server, name) for name in server["formatters"]}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("formatter", formatters())
def test_no_formatter_lets_one_through(formatter: str, writer: str) -> None:
    config, name = formatters()[formatter]
    handler = logging.StreamHandler(out := io.StringIO())
    handler.setFormatter(logging.config.DictConfigurator(config).configure_formatter(dict(config["formatters"][name])))
    log = logging.getLogger("tests.scrub")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        for secret in SECRETS:
            WRITERS[writer](log, secret)
    finally:
        log.removeHandler(handler)
    written = out.getvalue()
    assert written.count("\n") >= len(SECRETS)
    assert [secret for secret in SECRETS if secret in written] == []
    assert [json.loads(line) for line in written.splitlines()], "each line stays JSON"


def test_every_handler_has_such_a_formatter() -> None:
    server = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["logconfig_dict"]
    for config in (settings.LOGGING, server):
        assert {handler["formatter"] for handler in config["handlers"].values()} <= set(config["formatters"])
