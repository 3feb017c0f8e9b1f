"""A bank that pays out. A repeated key gets the first receipt, whatever happened to the first answer.

Personas, by the header `X-Persona` or by the cents of the amount: `refused` (.91) says no for good, `timeout` (.92) pays but
answers the first call of a key only after `TIMEOUT_SECONDS`, `unavailable` (.93) answers the first call of a key with 503 and
does nothing. Everything else is `ok`.
"""

import json
import threading
import time
import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

CENTS = {"91": "refused", "92": "timeout", "93": "unavailable"}
PERSONAS = ("ok", "refused", "timeout", "unavailable")
TIMEOUT_SECONDS = 30.0
KEPT = 100_000  # receipts; the oldest go first, so that a long run stays within memory
LARGEST = Decimal("999999999999.99")

Answer = tuple[int, dict[str, Any]]


class Payouts:
    """What was paid out, by idempotency key; optionally kept in a file of JSON lines."""

    def __init__(self, state: Path | None = None, *, timeout: float = TIMEOUT_SECONDS, kept: int = KEPT) -> None:
        self.lock = threading.Lock()
        self.done: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.seen: OrderedDict[str, None] = OrderedDict()
        self.requests = self.repeated = self.paid = 0
        self.total = Decimal("0.00")
        self.timeout, self.kept = timeout, kept
        self.file = None
        if state is not None:
            self.load(state)
            self.file = state.open("a", encoding="utf-8")

    def load(self, state: Path) -> None:
        """Read what an earlier run did; a last line cut short by a crash is left out, and the file is written anew."""
        if state.exists():
            for line in state.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    self.keep(row.pop("key"), row)
                except (ValueError, KeyError):
                    continue
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text("".join(json.dumps({"key": k} | row) + "\n" for k, row in self.done.items()), encoding="utf-8")

    def keep(self, key: str, row: dict[str, Any]) -> None:
        self.done[key] = row
        self.paid += 1
        self.total += Decimal(row["amount"])
        while len(self.done) > self.kept:
            self.done.popitem(last=False)

    def post(self, body: Any, headers: Any) -> Answer:
        """Pay `{reference, amount, currency, at}` once per `Idempotency-Key`."""
        key = (headers.get("Idempotency-Key") or "").strip()
        if not key or len(key) > 128:
            return 400, {"code": "key_missing", "detail": "Send an Idempotency-Key of 1 to 128 characters."}
        read = self.read(body)
        if isinstance(read, str):
            return 422, {"code": "invalid", "detail": read}
        persona = headers.get("X-Persona") or CENTS.get(read["amount"][-2:], "ok")
        if persona not in PERSONAS:
            return 422, {"code": "invalid", "detail": f"X-Persona is one of {', '.join(PERSONAS)}."}
        with self.lock:
            self.requests += 1
            known = self.done.get(key)
            if known is not None:
                self.repeated += 1
                if any(known[name] != read[name] for name in ("reference", "amount", "currency")):
                    return 409, {"code": "key_used", "detail": "This key was used for another payout."}
                return 200, known
            first = key not in self.seen
            self.seen[key] = None
            if len(self.seen) > self.kept:
                self.seen.popitem(last=False)
            if persona == "refused":
                return 422, {"code": "account_closed", "detail": "The receiving account is closed."}
            if persona == "unavailable" and first:
                return 503, {"code": "unavailable", "detail": "The bank is closed for a moment."}
            row = read | {"receipt": f"R-{uuid.uuid4().hex[:16]}", "paid_at": datetime.now(UTC).isoformat()}
            self.keep(key, row)
            if self.file is not None:
                self.file.write(json.dumps({"key": key} | row) + "\n")
                self.file.flush()
        if persona == "timeout":
            time.sleep(self.timeout)
        return 201, row

    @staticmethod
    def read(body: Any) -> dict[str, Any] | str:
        """Return the payout asked for, or the sentence why it cannot be."""
        if not isinstance(body, dict):
            return "Send a JSON object."
        reference, amount = body.get("reference"), body.get("amount")
        if not isinstance(reference, str) or not 0 < len(reference) <= 64:
            return "reference is a text of 1 to 64 characters."
        try:
            value = Decimal(amount) if isinstance(amount, str) else None
        except InvalidOperation:
            value = None
        if value is None or not value.is_finite() or not 0 < value <= LARGEST or value != value.quantize(Decimal("0.01")):
            return 'amount is a text such as "1200.00", above 0, in whole cents.'
        currency = body.get("currency", "CNY")
        if not isinstance(currency, str) or len(currency) != 3:
            return "currency is a code of three letters."
        return {"reference": reference, "amount": f"{value:.2f}", "currency": currency, "at": str(body.get("at", ""))[:40]}

    def get(self, query: dict[str, str]) -> Answer:
        """Say what was done: counts, and the latest payouts, narrowed by `key` or `reference`, at most `limit`."""
        try:
            limit = max(0, min(int(query.get("limit", "100")), 1_000))
        except ValueError:
            return 422, {"code": "invalid", "detail": "limit is a number."}
        with self.lock:
            rows = [
                {"key": key} | row
                for key, row in reversed(self.done.items())
                if query.get("key", key) == key and query.get("reference", row["reference"]) == row["reference"]
            ]
            figures = {"count": self.paid, "total": f"{self.total:.2f}", "requests": self.requests}
            return 200, figures | {"repeated": self.repeated, "matching": len(rows), "payouts": rows[:limit]}
