"""A payment gateway: a payment is opened by the lender, paid by a person on its page, and told of by signed webhook.

Personas, by the cents of the amount: `.81` is paid, but the webhook is lost; `.82` is told of twice.
"""

import html
import threading
import uuid
from collections import OrderedDict
from typing import Any

from sandbox.messages import Receipts

KEPT = 20_000
Answer = tuple[int, dict[str, Any] | str]
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sandbox payment</title>
<style>body{{font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;margin:32px auto;max-width:420px;padding:0 16px}}a{{display:block;padding:12px;
text-align:center;background:#206bc4;color:#fff;border-radius:6px;text-decoration:none}}</style>
<h1>沙箱支付 Sandbox payment</h1><p>{reference}</p><p style="font-size:28px">{currency} {amount}</p>{action}</html>"""


class Checkout:
    """Payments by idempotency key. No money moves: this is the sandbox."""

    def __init__(self, *, teller: Receipts | None = None) -> None:
        self.lock = threading.Lock()
        self.done: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.requests = self.repeated = 0
        self.teller = teller

    def post(self, body: Any, headers: Any) -> Answer:
        """Open `{reference, amount, currency}` once per `Idempotency-Key`."""
        key = (headers.get("Idempotency-Key") or "").strip()
        if not key or len(key) > 128:
            return 400, {"code": "key_missing", "detail": "Send an Idempotency-Key of 1 to 128 characters."}
        told = body if isinstance(body, dict) else {}
        if not all(isinstance(told.get(name), str) and told[name] for name in ("reference", "amount", "currency")):
            return 422, {"code": "invalid", "detail": "reference, amount and currency are texts."}
        with self.lock:
            self.requests += 1
            known = self.done.get(key)
            if known is not None:
                self.repeated += 1
                if known["amount"] != told["amount"]:
                    return 409, {"code": "key_used", "detail": "This key was used for another payment."}
                return 200, known
            number = f"CK-{uuid.uuid4().hex[:16]}"
            host = headers.get("Host") or "127.0.0.1"
            row = {name: told[name][:64] for name in ("reference", "amount", "currency")}
            row |= {"id": number, "key": key, "status": "open", "url": f"http://{host}/checkout/page?id={number}"}
            self.done[key] = row
            while len(self.done) > KEPT:
                self.done.popitem(last=False)
        return 201, row

    def page(self, query: dict[str, str]) -> Answer:
        """Show the page on which a person pays."""
        row = self.found(query)
        if row is None:
            return 404, {"code": "unknown_payment", "detail": "There is no such payment."}
        action = f'<a href="/checkout/pay?id={row["id"]}">确认支付 Pay now</a>' if row["status"] == "open" else "<p>已支付 Paid</p>"
        safe = {name: html.escape(row[name]) for name in ("reference", "amount", "currency")}
        return 200, PAGE.format(**safe, action=action)

    def pay(self, query: dict[str, str]) -> Answer:
        """Pay, once, and tell the lender."""
        row = self.found(query)
        if row is None:
            return 404, {"code": "unknown_payment", "detail": "There is no such payment."}
        with self.lock:
            first, row["status"] = row["status"] == "open", "paid"
        if first and self.teller is not None and not row["amount"].endswith(".81"):
            body = {"key": row["key"], "event": "paid", "id": row["id"], "amount": row["amount"]}
            for _time in range(2 if row["amount"].endswith(".82") else 1):
                self.teller.later(self.teller.url, body, after=0.0)
        return self.page(query)

    def found(self, query: dict[str, str]) -> dict[str, Any] | None:
        with self.lock:
            return next((row for row in self.done.values() if row["id"] == query.get("id")), None)

    def get(self, query: dict[str, str]) -> Answer:
        """Say what was opened and paid, the newest first, narrowed by `key`."""
        with self.lock:
            rows = [dict(row) for key, row in reversed(self.done.items()) if query.get("key", key) == key]
            return 200, {"count": len(self.done), "requests": self.requests, "repeated": self.repeated, "payments": rows[:100]}
