"""Schemathesis over the whole API by its own document: what it makes up is answered, as declared, and never with a 5xx."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from crm.wsgi import application

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(1_200)]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 40  # per operation


@pytest.fixture
def api_document(db: None) -> Iterator[Any]:
    """Yield the document; the requests share the test's transaction, so they must leave its connection open."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    for signal in signals:
        signal.connect(close_old_connections)


def problems_of(operation: Any, row: str, headers: dict[str, str]) -> str:
    """Return what was wrong with the answers of one operation, empty if nothing was."""

    @given(case=operation.as_strategy(), known=booleans())
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any, known: bool) -> None:
        if known and "public_id" in (case.path_parameters or {}):
            case.path_parameters["public_id"] = row  # half of the calls reach a row
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        ask()
    except FailureGroup as failures:
        return f"{operation.label}: {failures.exceptions}"
    return ""


def test_whatever_is_sent_is_answered_as_declared(api_document: Any, bearer: str, rows: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {bearer}", "Host": "localhost"}
    operations = [found.ok() for found in api_document.get_all_operations()]
    assert len(operations) >= 30
    # A list alone, such as the plans of the mornings, has no row of its own; whatever has one must be among those tried.
    told = [
        problems_of(each, rows[each.path.removeprefix("/api/v1/").split("/", 1)[0]] if "{" in each.path else "", headers)
        for each in operations
    ]
    assert not any(told), "\n\n".join(filter(None, told))
