"""A telephone gateway: a call runs by the clock and tells what happens by signed webhook.

Personas, by the last four digits of the number:

| ends with | name | what happens |
|---|---|---|
| 8801 | busy | the line is busy |
| 8802 | no-answer | it rings, nobody answers |
| 8803 | unavailable | first call of a key 503, then answered |
| 8804 | unknown | 422: there is no such number |
| 8805 | silent | no answer before the time-out, and nobody's telephone rings |
| 8806 | short | answered, hung up at once |
| 8807 | lost | it rings, then the gateway never tells more |

Every other number rings, is answered, and talks until somebody hangs up or `TALK` seconds are over; then the recording is ready. What was
asked is kept by key, the number with its last four digits only.
"""

import threading
import time
import uuid
from collections import OrderedDict
from typing import Any

from sandbox.messages import Receipts

PERSONAS = {
    "8801": "busy", "8802": "no-answer", "8803": "unavailable", "8804": "unknown", "8805": "silent", "8806": "short", "8807": "lost",
}  # fmt: skip
RING, ANSWER, GIVE_UP, TALK, RECORDED = 1.0, 4.0, 15.0, 240.0, 2.0  # seconds, before `pace`
KEPT = 20_000
OVER = ("busy", "no_answer", "hung_up")

Answer = tuple[int, dict[str, Any]]


class Calls:
    """Calls by idempotency key. `pace` stretches the clock: 0.1 makes all of it ten times as fast."""

    def __init__(self, *, timeout: float = 30.0, pace: float = 1.0, teller: Receipts | None = None) -> None:
        self.lock = threading.Lock()
        self.done: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.seen: OrderedDict[str, int] = OrderedDict()
        self.ends: dict[str, threading.Event] = {}
        self.requests = self.repeated = 0
        self.timeout, self.pace, self.teller = timeout, pace, teller

    def post(self, body: Any, headers: Any) -> Answer:
        """Place a call `{to, agent, record, at}` once per `Idempotency-Key`."""
        key = (headers.get("Idempotency-Key") or "").strip()
        if not key or len(key) > 128:
            return 400, {"code": "key_missing", "detail": "Send an Idempotency-Key of 1 to 128 characters."}
        to, agent = (body.get("to"), body.get("agent")) if isinstance(body, dict) else (None, None)
        if not isinstance(to, str) or not to.isdigit() or not isinstance(agent, str) or not agent:
            return 422, {"code": "invalid", "detail": "to is a text of digits, agent the name of who calls."}
        persona = headers.get("X-Persona") or PERSONAS.get(to[-4:], "ok")
        with self.lock:
            self.requests += 1
            self.seen[key] = first_or_more = self.seen.get(key, 0) + 1
            while len(self.seen) > KEPT:
                self.seen.popitem(last=False)
            known = self.done.get(key)
            if known is not None:
                self.repeated += 1
                return 200, {"id": known["id"], "key": key, "state": known["state"]}
            if persona == "unknown":
                return 422, {"code": "unknown_number", "detail": "There is no such number."}
            if persona == "unavailable" and first_or_more == 1:
                return 503, {"code": "unavailable", "detail": "The gateway is closed for a moment."}
            if persona != "silent":
                row = {
                    "id": f"PC-{uuid.uuid4().hex[:16]}", "key": key, "to": f"…{to[-4:]}", "agent": agent, "state": "dialling",
                    "seconds": 0, "recording": "", "calls": first_or_more,
                }  # fmt: skip
                self.done[key] = row
                self.ends[key] = threading.Event()
                while len(self.done) > KEPT:
                    self.ends.pop(self.done.popitem(last=False)[0], None)
        if persona == "silent":
            time.sleep(self.timeout)
            return 503, {"code": "late", "detail": "The gateway was too slow."}
        threading.Thread(target=self.run, args=(key, persona, bool(body.get("record"))), daemon=True).start()
        return 201, {"id": row["id"], "key": key, "state": "dialling"}

    def run(self, key: str, persona: str, record: bool) -> None:
        """Live one call through."""
        ends = self.ends[key]
        if persona == "busy":
            ends.wait(RING * self.pace)
            self.tell(key, "busy")
            return
        if ends.wait(RING * self.pace):
            self.tell(key, "no_answer")
            return
        self.tell(key, "ringing")
        if persona == "lost":
            return
        if persona == "no-answer":
            ends.wait(GIVE_UP * self.pace)
            self.tell(key, "no_answer")
            return
        if ends.wait(ANSWER * self.pace):
            self.tell(key, "no_answer")
            return
        began = time.monotonic()
        self.tell(key, "answered")
        ends.wait(0.1 * self.pace if persona == "short" else TALK * self.pace)
        self.tell(key, "hung_up", seconds=max(1, int((time.monotonic() - began) / max(self.pace, 0.001))))
        if record:
            time.sleep(RECORDED * self.pace)
            self.tell(key, "recording", recording=f"rec/{self.done[key]['id']}.wav")

    def tell(self, key: str, event: str, *, seconds: int = 0, recording: str = "") -> None:
        with self.lock:
            row = self.done[key]
            if event != "recording":
                row["state"] = event
            row["seconds"] = seconds or row["seconds"]
            row["recording"] = recording or row["recording"]
        if self.teller is not None:
            body = {"key": key, "event": event, "id": uuid.uuid4().hex, "seconds": seconds, "recording": recording}
            self.teller.later(self.teller.url, body, after=0.0)

    def end(self, body: Any) -> Answer:
        """Hang up `{key}`; a call that is over stays as it is."""
        key = body.get("key") if isinstance(body, dict) else None
        with self.lock:
            row = self.done.get(key) if isinstance(key, str) else None
            if row is None:
                return 404, {"code": "unknown_call", "detail": "There is no such call."}
        self.ends[row["key"]].set()
        return 200, {"key": row["key"], "state": row["state"]}

    def get(self, query: dict[str, str]) -> Answer:
        """Say what was called: counts, and the calls, the newest first, narrowed by `key`."""
        with self.lock:
            rows = [dict(row) for key, row in reversed(self.done.items()) if query.get("key", key) == key]
            figures = {"count": len(self.done), "requests": self.requests, "repeated": self.repeated, "matching": len(rows)}
        return 200, figures | {"calls": rows[:100]}
