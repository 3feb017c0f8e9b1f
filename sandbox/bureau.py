"""A credit bureau: a report per person, made from the person, the same for the same query and much the same on another day.

Personas, by the last four digits of the mobile inside the sealed envelope, or by the header `X-Persona`:

| ends with | name | what comes |
|---|---|---|
| 7700 | unavailable | the first call of a key 503, then a clean report |
| 7701 | thin | one young account, no history to speak of |
| 7702 | inquiries | eleven lenders asked within three months |
| 7703 | overdue | late elsewhere, with money overdue now |
| 7704 | lenders | seven lenders at once, lines nearly used up |
| 7705 | frozen | the file is frozen, the person contests it |
| 7706 | unknown | 404: nobody of this identity on file |
| 7707 | slow | no answer before the time-out, whatever the try |
| 7708 | broken | 200 with a body that is no report |

Every other mobile is `clean`. What was asked is counted; identifiers are never kept.
"""

import base64
import hashlib
import json
import threading
import time
from collections import OrderedDict
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PERSONAS = {
    "7700": "unavailable", "7701": "thin", "7702": "inquiries", "7703": "overdue", "7704": "lenders", "7705": "frozen", "7706": "unknown",
    "7707": "slow", "7708": "broken",
}  # fmt: skip
PURPOSES = ("credit_approval", "guarantee", "post_loan")
KEPT = 20_000
MONTHS = 24

Answer = tuple[int, dict[str, Any] | str]


class Bureau:
    """Reports by query key; the key sealed envelopes are opened with comes from the environment."""

    def __init__(self, *, key: str = "", timeout: float = 30.0) -> None:
        self.lock = threading.Lock()
        self.key, self.timeout = key, timeout
        self.done: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.calls: OrderedDict[str, int] = OrderedDict()
        self.requests = self.repeated = 0

    def post(self, body: Any, headers: Any) -> Answer:
        """Answer a query `{purpose, consent, on, person}` once per `Idempotency-Key`."""
        key = (headers.get("Idempotency-Key") or "").strip()
        if not key or len(key) > 128:
            return 400, {"code": "key_missing", "detail": "Send an Idempotency-Key of 1 to 128 characters."}
        with self.lock:
            self.requests += 1
            self.calls[key] = first_or_more = self.calls.get(key, 0) + 1
            while len(self.calls) > KEPT:
                self.calls.popitem(last=False)
        asked = self.read(body, key)
        if isinstance(asked, str):
            return 422, {"code": "invalid", "detail": asked}
        person, on = asked
        persona = headers.get("X-Persona") or PERSONAS.get(person["mobile"][-4:], "clean")
        if persona == "slow":
            time.sleep(self.timeout)
            return 503, {"code": "late", "detail": "The bureau was too slow."}
        if persona == "unavailable" and first_or_more == 1:
            return 503, {"code": "unavailable", "detail": "The bureau is closed for a moment."}
        if persona == "unknown":
            return 404, {"code": "unknown_person", "detail": "Nobody of this identity is on file."}
        if persona == "broken":
            return 200, {"report": "B-0", "accounts": "none", "status": 7}
        with self.lock:
            known = self.done.get(key)
            if known is not None:
                self.repeated += 1
                return 200, known
            made = report(person["id_number"], persona=persona, on=on, key=key)
            self.done[key] = made
            while len(self.done) > KEPT:
                self.done.popitem(last=False)
        return 201, made

    def read(self, body: Any, key: str) -> tuple[dict[str, str], date] | str:
        """Return the person and the day asked for, or the sentence why not."""
        if not isinstance(body, dict) or body.get("purpose") not in PURPOSES:
            return f"purpose is one of {', '.join(PURPOSES)}."
        consent = body.get("consent")
        if not isinstance(consent, dict) or not consent.get("text") or not consent.get("given_on"):
            return "consent names the text the person agreed to, and the day."
        try:
            on = datetime.fromisoformat(str(body.get("on"))).date()
            sealed = base64.b64decode(str(body.get("person")), validate=True)
            plain = AESGCM(base64.b64decode(self.key)).decrypt(sealed[:12], sealed[12:], key.encode())
            person = json.loads(plain)
            return {name: str(person[name]) for name in ("name", "id_number", "mobile")}, on
        except (ValueError, KeyError, TypeError, InvalidTag):
            return "person is the sealed envelope of name, id_number and mobile for this key."

    def get(self, query: dict[str, str]) -> Answer:
        """Say how often it was asked, and of one `key` how often; never about whom."""
        with self.lock:
            figures = {"requests": self.requests, "repeated": self.repeated, "reports": len(self.done)}
            return 200, figures | ({"calls": self.calls.get(query["key"], 0)} if "key" in query else {})


def report(id_number: str, *, persona: str, on: date, key: str) -> dict[str, Any]:
    """Return the report of a person as of a day: drawn from the person, so that it is the same whoever asks."""
    draw = Random(hashlib.sha256(f"{id_number}|{persona}".encode()).digest())  # noqa: S311  a draw, no secret
    accounts = [account(draw, on, number) for number in range(draw.randint(2, 4))]
    inquiries = [inquiry(draw, on, draw.randint(10, 700)) for _ in range(draw.randint(1, 3))]
    if persona == "thin":
        accounts = [account(draw, on, 0, months=draw.randint(1, 5))]
        inquiries = [inquiry(draw, on, draw.randint(1, 60))]
    elif persona == "inquiries":
        inquiries += [inquiry(draw, on, draw.randint(1, 85)) for _ in range(11)]
    elif persona == "overdue":
        late = account(draw, on, 8, months=30)
        owed = draw.randint(12, 60) * 100
        accounts.append(late | {"overdue": f"{owed}.00", "dpd": [95, 64, 33, *([0] * 8), 34, *([0] * 12)]})
    elif persona == "lenders":
        accounts = [account(draw, on, number, months=draw.randint(2, 16), used=95) for number in range(7)]
        inquiries += [inquiry(draw, on, draw.randint(1, 170)) for _ in range(3)]
    status = {"thin": "thin", "frozen": "frozen"}.get(persona, "full")
    return {
        "report": f"B-{hashlib.sha256(key.encode()).hexdigest()[:12]}",
        "key": key,
        "as_of": on.isoformat(),
        "status": status,
        "disputed": persona == "frozen",
        "accounts": [] if persona == "frozen" else accounts,
        "inquiries": sorted(inquiries, key=lambda one: one["on"], reverse=True),
    }


def account(draw: Random, on: date, number: int, *, months: int = 0, used: int = 0) -> dict[str, Any]:
    """Return one account at another lender, paid on the day."""
    kind = draw.choice(("card", "card", "consumer", "mortgage", "car"))
    limit = {
        "card": draw.randint(5, 40),
        "consumer": draw.randint(3, 30),
        "mortgage": draw.randint(300, 900),
        "car": draw.randint(60, 150),
    }[kind]
    age = months or draw.randint(8, 110)
    balance = limit * 10 * (used or draw.randint(10, 70))
    share = {"card": 10, "consumer": 12, "mortgage": 240, "car": 36}[kind]
    opened = on - timedelta(days=age * 31)
    return {
        "lender": f"{'NBCR'[number % 4]}{10 + number}",
        "kind": kind,
        "opened": f"{opened:%Y-%m}",
        "limit": f"{limit * 1000}.00",
        "balance": f"{balance}.00",
        "monthly": f"{balance // share}.00",
        "overdue": "0.00",
        "dpd": [0] * min(age, MONTHS),
    }


def inquiry(draw: Random, on: date, days: int) -> dict[str, str]:
    return {
        "on": (on - timedelta(days=days)).isoformat(),
        "purpose": "credit_approval",
        "lender": f"{draw.choice('NBCR')}{draw.randint(10, 60)}",
    }
