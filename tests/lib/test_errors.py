"""Refusals become problem documents; a token of paging that was tampered with is as good as none."""

import base64
import json
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import translation

from crm.api import flatten, problem
from crm.lib import pages
from crm.lib.errors import DomainError, Invalid, NotAllowed, NotFound, Stale
from crm.lib.registry import Registry
from customers.models import Customer


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DomainError("no"), 409, "refused"),
        (Invalid("no", fields={"term": "too long"}), 422, "invalid"),
        (NotAllowed("no"), 403, "not_allowed"),
        (NotFound("no"), 404, "not_found"),
        (Stale("no", changes=[{"field": "name"}]), 409, "stale"),
    ],
)
def test_a_refusal_is_a_problem_document(error: DomainError, status: int, code: str) -> None:
    answer = problem(error, {})
    assert answer is not None
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.data["code"] == code
    assert answer.data["detail"] == "no"
    assert answer.data.get("errors") == ({"term": ["too long"]} if error.fields else None)
    assert answer.data.get("changes") == error.extra.get("changes")


def test_extra_never_overwrites_the_document() -> None:
    answer = problem(DomainError("no", status=200, code="fine"), {})
    assert answer is not None
    assert (answer.data["status"], answer.data["code"]) == (409, "refused")


def test_what_was_not_foreseen_is_not_dressed_up() -> None:
    assert problem(KeyError("x"), {}) is None


def test_a_message_is_in_the_readers_language() -> None:
    from customers.identifiers import NotAMobile, mobile

    with pytest.raises(NotAMobile) as refusal:
        mobile("1")
    with translation.override("en"):
        english = str(refusal.value)
    assert english.startswith("Enter the mobile")


def test_nested_errors_name_their_place() -> None:
    detail = {"name": ["needed"], "lines": [{}, {"amount": ["low"]}], "non_field_errors": ["both"]}
    assert flatten(detail) == {"name": ["needed"], "lines[1].amount": ["low"], "non_field_errors": ["both"]}


def test_a_name_is_registered_once() -> None:
    registry: Registry[int] = Registry("number")
    registry.register("one", 1)
    registry.register("one", 1)
    with pytest.raises(ValueError, match="number 'one' is registered twice"):
        registry.register("one", 2)
    assert (registry["one"], registry.get("two"), "one" in registry, list(registry)) == (1, None, True, ["one"])


def token(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


TAMPERED = [
    "x", "%00", "e30", token(), token(1), token(1, 2, 3), token("a\0b", 5), token("x", 2**70), token("x", "y"), token({}, 1),
    base64.urlsafe_b64encode(b"[" * 5000).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
]  # fmt: skip


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("value", TAMPERED)
@pytest.mark.parametrize("sort", ["number", "made", "income"])
def test_a_tampered_cursor_never_breaks_a_list(db: None, side: str, value: str, sort: str) -> None:
    request = RequestFactory().get("/", {side: value, "sort": sort})
    sorts = {"number": "public_id", "made": "created_at", "income": "income"}
    page = pages.read(request, Customer.objects.all(), sorts=sorts, default_sort="-number")
    assert page.rows == []


@pytest.mark.parametrize("sort", ["", "name", "-name", "--", "income__x", "-\0"])
def test_what_is_not_to_be_sorted_by_is_ignored(db: None, sort: str) -> None:
    request = RequestFactory().get("/", {"sort": sort})
    page = pages.read(request, Customer.objects.all(), sorts={"made": "created_at"}, default_sort="-made")
    assert page.sort == "-made"
