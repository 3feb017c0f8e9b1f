"""The API document says what the API does: no warning, every refusal declared, every scope real, keys where money moves."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from crm.lib.api_schema import PROBLEMS
from crm.lib.permissions import ALL, scopes

MONEY_MOVES = {
    "offers_accept_create", "repayments_create", "reversals_create", "refunds_create", "loan_acts_create", "suspense_allocate_create", "suspense_return_create",
    "suspense_spread_create",
    "customer_payments_create", "customer_payments_reverse_create", "hardship_reliefs_create", "tranches_create", "loan_sales_create",
    "manual_journals_create",
    "loans_draw_create", "loans_freeze_create", "loans_unfreeze_create", "loans_limit_create",
}  # fmt: skip


def made() -> dict[str, Any]:
    """Return the document as the house serves it."""
    return SchemaGenerator(api_version="v1").get_schema(request=None, public=True)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return made()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_it_is_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        made()
    told = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert not told, "\n".join(told)


def test_it_is_a_valid_document_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_it_is_served_to_everybody() -> None:
    for kind in ("application/json", "application/vnd.oai.openapi"):
        answer = Client().get("/api/schema/", headers={"Accept": kind})
        assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, kind)


def test_every_operation_declares_every_refusal_as_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status in PROBLEMS:
            content = operation["responses"][str(status)]["content"]
            assert set(content) == {"application/problem+json"}, (method, path, status)
        assert any(status.startswith("2") for status in operation["responses"]), (method, path)


def test_every_post_takes_a_key_and_money_demands_one(document: dict[str, Any]) -> None:
    demanded = set()
    for method, path, operation in operations(document):
        keys = [each for each in operation.get("parameters", []) if each["name"] == "Idempotency-Key"]
        assert len(keys) == (method == "post"), (method, path)
        if keys and keys[0].get("required"):
            demanded.add(operation["operationId"])
    assert demanded == MONEY_MOVES


def test_every_operation_names_one_scope_that_its_permission_names(document: dict[str, Any]) -> None:
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow == {"tokenUrl": "/api/oauth/token/", "scopes": scopes()}
    known = {permission.scope for permission in ALL.values() if permission.scope}
    for method, path, operation in operations(document):
        asked = [rule["oauth2"] for rule in operation["security"] if "oauth2" in rule]
        assert len(asked) == 1 and len(asked[0]) == 1 and set(asked[0]) <= known, (method, path)
        assert asked[0][0].endswith(":read") is (method == "get" or "search" in path), (method, path)


def test_enumerations_have_names_a_client_may_show(document: dict[str, Any]) -> None:
    names = [name for name in document["components"]["schemas"] if name.endswith("Enum")]
    assert names and not [name for name in names if re.search(r"[0-9a-f]{3}Enum$", name) and re.search(r"\d", name)]
