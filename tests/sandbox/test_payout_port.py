"""The contract of the payout port, held against the real sandbox process over HTTP."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
import urllib3

from crm.lib.ports import payout
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown, call
from tests.fixtures.cast import NOON


def pay(amount: str = "1200.00", key: str = "k-1", **more: Any) -> payout.Receipt:
    return payout.pay(**({"reference": "L-TEST", "amount": D(amount), "key": key, "at": NOON} | more))


def done(url: str) -> dict[str, Any]:
    return call("GET", f"{url}/payouts", port="sandbox").body


def test_health(bank: str) -> None:
    assert call("GET", f"{bank}/health", port="sandbox").body == {"status": "ok"}


def test_a_repeated_key_is_the_same_payout(bank: str) -> None:
    first, again = pay(), pay()
    assert (first.id, first.repeated, again.id, again.repeated) == (first.id, False, first.id, True)
    figures = done(bank)
    assert (figures["count"], figures["total"], figures["requests"], figures["repeated"]) == (1, "1200.00", 2, 1)
    assert figures["payouts"][0]["reference"] == "L-TEST"


def test_a_key_of_another_payout_is_refused(bank: str) -> None:
    pay()
    with pytest.raises(PortRefused) as told:
        pay("1300.00")
    assert (told.value.extra["their_status"], told.value.extra["their_code"]) == (409, "key_used")


def test_many_at_once_with_one_key_pay_once(bank: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        receipts = {receipt.id for receipt in pool.map(lambda _: pay(), range(24))}
    assert len(receipts) == 1
    assert done(bank)["count"] == 1


@pytest.mark.parametrize("ask", [{"amount": "100.91"}, {"headers": {"X-Persona": "refused"}}])
def test_a_refusal_is_named_and_nothing_is_paid(bank: str, ask: dict[str, Any]) -> None:
    with pytest.raises(PortRefused, match="The receiving account is closed") as told:
        pay(**ask)
    assert (told.value.code, told.value.extra["their_code"]) == ("port_refused", "account_closed")
    assert done(bank)["count"] == 0


def test_silence_is_unknown_and_the_same_key_finds_the_receipt(bank: str) -> None:
    with pytest.raises(PortUnknown):
        pay("100.92", read_seconds=0.2)
    assert pay("100.92").repeated
    assert done(bank)["count"] == 1


def test_a_bank_that_is_closed_for_a_moment_is_unknown(bank: str) -> None:
    with pytest.raises(PortUnknown, match="503"):
        pay("100.93")
    assert not pay("100.93").repeated
    assert done(bank)["count"] == 1


def test_nobody_there_is_unknown(settings: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.PORTS = {"payout": f"http://127.0.0.1:{free.getsockname()[1]}/payouts"}
        with pytest.raises(PortUnknown):
            pay()


def test_no_address_is_off(settings: Any) -> None:
    settings.PORTS = {"payout": ""}
    assert not payout.is_on()
    with pytest.raises(PortOff):
        pay()


def test_the_request_id_travels(bank: str) -> None:
    import structlog

    from crm.lib.ports import http

    seen = {}
    sent = http._pool.request

    def spy(*args: Any, **named: Any) -> Any:
        seen.update(named["headers"])
        return sent(*args, **named)

    with structlog.contextvars.bound_contextvars(request_id="r-7f3a"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(http._pool, "request", spy)
        pay()
    assert (seen["X-Request-ID"], seen["Idempotency-Key"]) == ("r-7f3a", "k-1")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {"Idempotency-Key": "k"}, 400),
        (b"[]", {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "L-1", "amount": 100.0}', {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "L-1", "amount": "100.001"}', {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "L-1", "amount": "NaN"}', {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "L-1", "amount": "-1.00"}', {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "L-1", "amount": "1e999999999"}', {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "", "amount": "1.00"}', {"Idempotency-Key": "k"}, 422),
        (b'{"reference": "L-1", "amount": "1.00"}', {}, 400),
        (b'{"reference": "L-1", "amount": "1.00"}', {"Idempotency-Key": "k", "X-Persona": "odd"}, 422),
        (b"[" * 5000, {"Idempotency-Key": "k"}, 400),
        (b"x" * 70_000, {"Idempotency-Key": "k"}, 413),
    ],
)
def test_the_sandbox_refuses_bad_input_by_name(bank: str, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = urllib3.request("POST", f"{bank}/payouts", body=body, headers=headers, retries=False)
    assert answer.status == status
    assert answer.json()["code"]
    assert done(bank)["count"] == 0


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/health", 405), ("GET", "/payouts?limit=x", 422)]
)
def test_the_sandbox_knows_its_paths(bank: str, method: str, path: str, status: int) -> None:
    assert urllib3.request(method, bank + path, retries=False).status == status


def test_an_answer_does_not_wait_for_the_network(bank: str) -> None:
    pool = urllib3.PoolManager()
    pool.request("GET", f"{bank}/health")
    begun = time.monotonic()
    for _ in range(50):
        pool.request("GET", f"{bank}/health")
    assert (time.monotonic() - begun) / 50 < 0.02  # headers and body in two writes cost 0.04 s each


def test_what_was_done_survives_a_kill(start_sandbox: Callable[..., Any], settings: Any, tmp_path: Path) -> None:
    state = tmp_path / "payouts.jsonl"
    url, process = start_sandbox("--state", str(state))
    settings.PORTS = {"payout": f"{url}/payouts"}
    first = pay()
    process.kill()
    process.wait(10)
    with state.open("a") as file:
        file.write('{"key": "half')  # what a crash leaves of the line it was writing
    url, _process = start_sandbox("--state", str(state))
    settings.PORTS = {"payout": f"{url}/payouts"}
    again = pay()
    assert (again.id, again.repeated, done(url)["count"]) == (first.id, True, 1)


def test_a_taken_port_is_said(bank: str) -> None:
    import subprocess
    import sys

    from tests.sandbox.conftest import ROOT

    port = bank.rsplit(":", 1)[1]
    second = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", port], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert second.returncode == 1
    assert f"port {port}" in second.stderr
