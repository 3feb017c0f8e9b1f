"""Wrong input to every operation of the API: a problem document that the API document declares, never a 5xx."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import localdate, now
from drf_spectacular.generators import SchemaGenerator

from tests.credit.conftest import STATED
from tests.fixtures.support import identities

pytestmark = pytest.mark.django_db

UNKNOWN = {
    "customers": "C",
    "products": "F",
    "applications": "A",
    "decisions": "D",
    "strategies": "S",
    "backtests": "BT",
    "offers": "O",
    "quotes": "QT",
    "loans": "L",
    "repayments": "P",
    "cases": "K",
    "activities": "W",
    "relations": "R",
    "documents": "DC",
    "paper-requests": "PR",
    "conditions": "CN",
    "payoff-quotes": "Q",
    "reversals": "X",
    "loan-acts": "X",
    "loan-documents": "LD",
    "customer-payments": "CP",
    "refunds": "RF",
    "suspense": "M",
    "promises": "Y",
    "counter-offers": "G",
    "handovers": "H",
    "gl-accounts": "GA",
    "journals": "GJ",
    "hardship-reliefs": "CR",
    "tranches": "CR",
    "loan-sales": "CR",
    "manual-journals": "CR",
    "reports": "R",
    "models": "M",
    "data-sets": "DS",
    "trainings": "TR",
    "list-entries": "LE",
    "risk-alerts": "WA",
    "limit-proposals": "LP",
    "disputes": "DI",
    "complaints": "CO",
    "hardships": "HR",
    "relief-plans": "HP",
    "settlements": "SE",
    "placements": "PL",
    "legal-actions": "LG",
    "filing-packs": "FP",
    "visits": "FV",
    "traces": "ST",
    "quality-reviews": "QR",
    "treatment-dry-runs": "TD",
}
UNREADABLE = [
    b'{"a": ',
    b"{'a': 1}",
    b"\xff\xfe",
    b'{"a": ' + b"[" * 100_000,
    b'{"a": "\\ud800"}',
    b'{"a": NaN}x',
    b'{"a": ' + b"9" * 5_000 + b"}",
]
NO_OBJECT = [b"[]", b"[1, 2]", b'"text"', b"12", b"true", b"null"]
WRONG_TYPES: list[Any] = [{"a": {"b": []}}, [[]], [{"a": 1}]]
ODD: list[Any] = [
    None, True, "", " ", "\u0000", "a\u0000b", "\ud800", "x" * 5_000, "١٢", "NaN", "Infinity", "-0", "1e400", "9" * 40, -1, 0, 1.5, 2**31,
    2**63, 2**70, -(2**70), 1e308, "0001-01-01", "9999-12-31T23:59:59+14:00", "2026-02-30", "’; DROP TABLE --",
]  # fmt: skip
# Each field meets a share of the odd values, another share than the field before it; `./test --all` tries every pair.
SHARES = pytest.mark.parametrize("share", [pytest.param(17, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])


@cache
def document() -> dict[str, Any]:
    """Return the document of the API, made once for all tests."""
    found: dict[str, Any] = SchemaGenerator(api_version="v1").get_schema(request=None, public=True)
    return found


class Caller:
    """Sends raw bodies, and holds each answer against the API document."""

    def __init__(self, bearer: str) -> None:
        self.client, self.bearer, self.serial = Client(raise_request_exception=True), bearer, 0
        self.document = document()

    def send(self, method: str, path: str, template: str, body: Any = b"", **headers: str) -> Any:
        self.serial += 1
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.bearer}", "Idempotency-Key": f"key-{self.serial}"} | headers
        answer = self.client.generic(method.upper(), path, content, content_type="application/json", headers=sent)
        declared = self.document["paths"][template][method]["responses"]
        told = (method, path, content[:200], answer.status_code, answer.content[:500])
        assert answer.status_code < 500, told
        assert str(answer.status_code) in declared, told
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json", told
            problem = answer.json()
            assert {"type", "title", "status", "code", "detail", "request_id"} <= set(problem), told
            assert problem["status"] == answer.status_code, told
        return answer

    def operations(self, *methods: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for template, found in self.document["paths"].items():
            for method, operation in found.items():
                if method in methods:
                    yield method, template, operation

    def properties(self, operation: dict[str, Any]) -> dict[str, Any]:
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        found: dict[str, Any] = self.document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]
        return found


@pytest.fixture
def caller(bearer: str) -> Caller:
    return Caller(bearer)


def address(template: str, rows: dict[str, str]) -> str:
    collection = template.removeprefix("/api/v1/").split("/", 1)[0]
    return template.replace("{public_id}", rows[collection]) if "{public_id}" in template else template


def strategy_of(backtest: str) -> str:
    from risk.models import Backtest

    return Backtest.objects.select_related("strategy").get(public_id=backtest).strategy.public_id


def good(template: str, rows: dict[str, str]) -> dict[str, Any]:
    """Return a body that the operation takes, so that one wrong value is the only wrong value."""
    serial = next(identities.serials)
    person = {"name": "王小明", "id_number": identities.id_number(serial), "mobile": identities.mobile(serial), "income": "9000.00"}
    later = (localdate(now()) + timedelta(days=2)).isoformat()
    bodies: dict[str, dict[str, Any]] = {
        "/api/v1/customers/": person,
        "/api/v1/customers/{public_id}/": {"version": 1, "income": "9000.00"},
        "/api/v1/customers/search/": {"text": "13800001234"},
        "/api/v1/customers/{public_id}/consents/": {"purpose": "bureau_query"},
        "/api/v1/customers/{public_id}/consents/withdraw/": {"purpose": "bureau_query"},
        "/api/v1/applications/": {
            "customer": rows["customers"], "product": "CASH-12", "amount": "12000.00", "term": 12, "purpose": "car_used", "stated": STATED,
        },
        "/api/v1/counter-offers/{public_id}/agree/": {"way": "online"},
        "/api/v1/counter-offers/{public_id}/refuse/": {"way": "online"},
        "/api/v1/offers/{public_id}/confirm/": {"cost_hash": "0" * 64, "seconds": 20},
        "/api/v1/backtests/": {"name": "x", "strategy": strategy_of(rows["backtests"]), "versions": [{"version": 1}]},
        "/api/v1/treatment-dry-runs/": {"draft": 2},
        "/api/v1/repayments/": {"loan": rows["loans"], "amount": "1.00"},
        "/api/v1/hardship-reliefs/": {"loan": rows["loans"], "why": "hardship", "until": later},
        "/api/v1/tranches/": {"loan": rows["loans"], "why": "agreed", "amount": "100.00"},
        "/api/v1/loan-sales/": {
            "loans": [{"loan": rows["loans"], "price": "100.00"}], "buyer": "Asset Company", "reference": "S-1", "why": "contract",
        },
        "/api/v1/manual-journals/": {
            "day": localdate(now()).isoformat(), "document": "V-1", "text": "x", "reason": "expense",
            "lines": [{"account": "660201", "amount": "1.00"}, {"account": "224190", "amount": "-1.00"}],
        },
        "/api/v1/models/{public_id}/validate/": {
            "number": 1, "report": "Looked at everything.", "checklist": ["data", "target"], "tier": 2,
        },
        "/api/v1/models/{public_id}/approve/": {"number": 1, "text": "It may serve."},
        "/api/v1/list-entries/": {"list": "grey", "what": "mobile", "value": "13800001234", "reason": "x", "source": "own"},
        "/api/v1/list-entries/search/": {"what": "mobile", "value": "13800001234"},
        "/api/v1/list-entries/{public_id}/end/": {"reason": "x"},
        "/api/v1/risk-alerts/{public_id}/close/": {"reason": "false"},
        "/api/v1/placements/{public_id}/ask/": {"channel": "call"},
        "/api/v1/placements/{public_id}/contacts/": {"channel": "inbound", "outcome": "callback", "confirmed": True},
        "/api/v1/placements/{public_id}/promises/": {"channel": "inbound", "parts": [{"due_on": later, "amount": "100.00"}]},
        "/api/v1/placements/{public_id}/disputes/": {"loan": rows["loans"], "kind": "fee", "amount": "1.00", "channel": "inbound"},
        "/api/v1/placements/{public_id}/complaints/": {"kind": "hours", "channel": "inbound"},
        "/api/v1/placements/{public_id}/hardships/": {"cause": "job"},
        "/api/v1/placements/{public_id}/stops/": {"channel": "call"},
        "/api/v1/cases/{public_id}/pause/": {"reason": "other", "until": later},
        "/api/v1/disputes/": {
            "case": rows["cases"], "loan": rows["loans"], "kind": "fee", "amount": "1.00", "channel": "inbound",
        },
        "/api/v1/disputes/{public_id}/withdraw/": {"words": "x"},
        "/api/v1/disputes/{public_id}/decide/": {"outcome": "rejected", "answer": "x"},
        "/api/v1/complaints/": {"case": rows["cases"], "kind": "hours", "channel": "inbound"},
        "/api/v1/complaints/{public_id}/decide/": {"outcome": "rejected", "answer": "x"},
        "/api/v1/hardships/": {"case": rows["cases"], "cause": "income"},
        "/api/v1/hardships/{public_id}/form/": {"lines": [{"item": "wage", "amount": "5000.00"}]},
        "/api/v1/hardships/{public_id}/answer/": {"outcome": "refused", "answer": "x"},
        "/api/v1/relief-plans/": {"hardship": rows["hardships"], "loan": rows["loans"], "kind": "extension", "more": 2},
        "/api/v1/settlements/": {"case": rows["cases"], "parts": [{"due_on": later, "amount": "100.00"}]},
        "/api/v1/legal-actions/": {"case": rows["cases"]},
        "/api/v1/legal-actions/{public_id}/diary/": {"to": "pre_action", "on": localdate(now()).isoformat(), "note": "x"},
        "/api/v1/legal-actions/{public_id}/costs/": {"kind": "court", "amount": "50.00", "on": localdate(now()).isoformat()},
        "/api/v1/legal-actions/{public_id}/take-back/": {"cost": "LC-22222222"},
        "/api/v1/filing-packs/": {"action": rows["legal-actions"], "reason": "for the court"},
        "/api/v1/visits/": {"case": rows["cases"], "why": "talk"},
        "/api/v1/visits/{public_id}/plan/": {"on": later, "opens": "10:00", "closes": "12:00", "first": "U-22222222", "second": "U-22222223"},
        "/api/v1/visits/{public_id}/finish/": {"outcome": "not_met", "next_action": "call", "next_action_on": later},
        "/api/v1/traces/": {"case": rows["cases"], "purpose": "collect", "basis": "contract", "reason": "nobody answers"},
        "/api/v1/traces/{public_id}/look/": {"source": "own_files"},
        "/api/v1/traces/{public_id}/finds/": {"kind": "mobile", "value": "13911112222", "source": "returned_contact"},
        "/api/v1/traces/{public_id}/try/": {"find": "SD-22222222"},
        "/api/v1/traces/{public_id}/decide/": {"find": "SD-22222222", "right": True},
        "/api/v1/quality-forms/": {"questions": [{"en": "Polite?", "zh": "是否礼貌？", "weight": 10}], "why": "x"},
        "/api/v1/quality-reviews/": {"since": "2026-04-01", "until": "2026-04-30", "each": 3, "seed": "a"},
        "/api/v1/quality-reviews/{public_id}/score/": {"answers": {"introduced": "yes"}},
        "/api/v1/quality-reviews/{public_id}/reply/": {"words": "x"},
        "/api/v1/quality-reviews/{public_id}/settle/": {"words": "x"},
        "/api/v1/cases/{public_id}/contacts/": {"channel": "call", "outcome": "busy", "next_action": "call", "next_action_on": later},
    }  # fmt: skip
    return bodies.get(template, {})


def test_a_body_that_cannot_be_read_is_400(caller: Caller, rows: dict[str, str], all_kinds: bool) -> None:
    """Each operation meets every third of them, another third than the one before it; with `--all` each."""
    for turn, (method, template, operation) in enumerate(caller.operations("post", "patch")):
        if "requestBody" in operation:
            share = slice(None) if all_kinds else slice(turn % 3, None, 3)
            for body in UNREADABLE[share]:
                assert caller.send(method, address(template, rows), template, body).status_code == 400, (template, body[:20])
            for body in NO_OBJECT[share]:
                assert caller.send(method, address(template, rows), template, body).status_code in (400, 422), (template, body)


def test_a_wrong_type_in_any_field_is_422(caller: Caller, rows: dict[str, str], all_kinds: bool) -> None:
    """Each field meets one value of a wrong type, another one than the field before it; with `--all` each."""
    turn = 0
    for method, template, operation in caller.operations("post", "patch"):
        if "requestBody" not in operation:
            continue
        for name in caller.properties(operation):
            turn += 1
            for value in WRONG_TYPES if all_kinds else WRONG_TYPES[turn % 3 :: 3]:
                if name == "stated" and isinstance(value, dict):
                    continue  # its own names are checked with the risk facts
                answer = caller.send(method, address(template, rows), template, good(template, rows) | {name: value})
                assert answer.status_code == 422, (template, name, value, answer.content)
                assert any(key.split(".")[0].split("[")[0] == name for key in answer.json()["errors"]), (template, name, answer.content)


@SHARES
def test_odd_values_in_any_field_are_taken_or_refused(caller: Caller, rows: dict[str, str], share: int) -> None:
    turn = 0
    for method, template, operation in caller.operations("post", "patch"):
        if "requestBody" not in operation:
            continue
        for name in caller.properties(operation):
            turn += 1
            for value in ODD[turn % share :: share]:
                caller.send(method, address(template, rows), template, good(template, rows) | {name: value})


@SHARES
def test_odd_stated_facts_are_taken_or_refused(caller: Caller, rows: dict[str, str], share: int) -> None:
    path = "/api/v1/applications/"
    for turn, name in enumerate([*STATED, "unheard_of", "", "\u0000"]):
        for value in [*WRONG_TYPES, *ODD][turn % share :: share]:
            body = good(path, rows)
            caller.send("post", path, path, body | {"stated": {**body["stated"], name: value}})


def test_an_unknown_id_is_404(caller: Caller, rows: dict[str, str]) -> None:
    for method, template, _operation in caller.operations("get", "post", "patch"):
        if "{public_id}" in template:
            collection = template.removeprefix("/api/v1/").split("/", 1)[0]
            unknown = {collection: f"{UNKNOWN[collection]}-22222222"}
            assert caller.send(method, address(template, unknown), template, good(template, rows)).status_code == 404, (method, template)


def test_odd_pages_are_taken_or_refused(caller: Caller, rows: dict[str, str], all_kinds: bool) -> None:
    odd = (
        "cursor=x",
        "cursor=%00",
        "cursor=cD0x",
        "cursor=cD1hYmM%3D",
        "cursor=bz05OTk5OTk5OTk5OTk5",
        "limit=x",
        "limit=-1",
        "limit=0",
        "limit=999999999999",
    )
    for turn, (method, template, _operation) in enumerate(caller.operations("get")):
        for query in (odd if all_kinds else odd[turn % 3 :: 3]) if "{public_id}" not in template else ():
            caller.send(method, f"{template}?{query}", template)


def test_odd_filters_find_nothing(caller: Caller, rows: dict[str, str]) -> None:
    for method, template, operation in caller.operations("get"):
        for name in [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]:
            for value in ("%00", "%ED%A0%80", "x" * 3_000, "1", "[]"):
                if name in ("cursor", "limit", "page", "level", "text", "installment") and (name != "installment" or value == "1"):
                    continue  # of the last four `1` is a good value
                path = address(template, rows) if "{public_id}" in template else template
                answer = caller.send(method, f"{path}?{name}={value}", template)
                assert answer.status_code in (400, 422) or answer.json().get("results") == [], (template, name, value)


def test_odd_headers_are_refused(caller: Caller, rows: dict[str, str]) -> None:
    template = "/api/v1/repayments/"
    for key in ("", " ", "x" * 129, "a\u00e9\u0001"):
        assert caller.send("post", template, template, good(template, rows), **{"Idempotency-Key": key}).status_code == 422
    for bearer in ("", "Bearer", "Bearer x y", "Basic eDp5", "Bearer \u00e9"):
        assert caller.send("get", template, template, Authorization=bearer).status_code == 401
    assert caller.send("get", template, template, Accept="image/png").status_code == 406
