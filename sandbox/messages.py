"""A text-message gateway and a mailbox: what was sent, counted per key, shown on a page; delivery receipts by signed webhook.

Personas, by the last four digits of the mobile or the mailbox name before the @:

| ends with | name | SMS | mail |
|---|---|---|---|
| 9991 | fails | 422, nothing goes out | recipient refused (550) |
| 9992 | times-out | taken, first answer after the time-out | taken, the answer never comes |
| 9993 | unavailable | first call of a key 503 | put off once (451) |
| 9994 | late | the receipt comes late | – |
| 9995 | undelivered | taken, then the receipt says failed | – |
"""

import asyncio
import hashlib
import hmac
import html
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

PERSONAS = {"9991": "fails", "9992": "times-out", "9993": "unavailable", "9994": "late", "9995": "undelivered"}
KEPT = 100_000
LATE_SECONDS = 8.0
TRIES = 7  # of a receipt, at 0.2 s doubling
SHOWN = 100

Answer = tuple[int, dict[str, Any]]


class Texts:
    """What the gateway took, by idempotency key; optionally kept in a file of JSON lines."""

    def __init__(
        self, state: Path | None = None, *, timeout: float = 30.0, receipts: "Receipts | None" = None, numbers: bool = True
    ) -> None:
        """:param numbers: whether people are reached by telephone number; an app knows them by a name of its own"""
        self.numbers = numbers
        self.moments: deque[float] = deque(maxlen=KEPT)
        self.lock = threading.Lock()
        self.done: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.calls: OrderedDict[str, int] = OrderedDict()
        self.requests = self.repeated = self.taken = 0
        self.timeout, self.receipts = timeout, receipts
        self.file = None
        if state is not None:
            self.load(state)
            self.file = state.open("a", encoding="utf-8")

    def load(self, state: Path) -> None:
        """Read what an earlier run took; a line cut short by a crash is left out, and the file is written anew."""
        if state.exists():
            for line in state.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    self.keep(row["key"], row)
                except (ValueError, KeyError):
                    continue
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text("".join(json.dumps(row) + "\n" for row in self.done.values()), encoding="utf-8")

    def keep(self, key: str, row: dict[str, Any]) -> None:
        self.done[key] = row
        self.taken += 1
        while len(self.done) > KEPT:
            self.done.popitem(last=False)

    def post(self, body: Any, headers: Any) -> Answer:
        """Take `{to, text, at}` once per `Idempotency-Key`."""
        key = (headers.get("Idempotency-Key") or "").strip()
        if not key or len(key) > 128:
            return 400, {"code": "key_missing", "detail": "Send an Idempotency-Key of 1 to 128 characters."}
        to, text = (body.get("to"), body.get("text")) if isinstance(body, dict) else (None, None)
        if (
            not isinstance(to, str)
            or not to
            or (self.numbers and not to.isdigit())
            or not isinstance(text, str)
            or not 0 < len(text) <= 2_000
        ):
            return 422, {"code": "invalid", "detail": "to is a text of digits, text one of 1 to 2,000 characters."}
        persona = headers.get("X-Persona") or PERSONAS.get(to[-4:], "ok")
        with self.lock:
            self.requests += 1
            self.moments.append(time.monotonic())
            first = key not in self.calls
            self.calls[key] = self.calls.get(key, 0) + 1
            while len(self.calls) > KEPT:
                self.calls.popitem(last=False)
            known = self.done.get(key)
            if known is not None:
                self.repeated += 1
                if (known["to"], known["text"]) != (to, text):
                    return 409, {"code": "key_used", "detail": "This key was used for another message."}
                return 200, {"id": known["id"], "key": key}
            if persona == "fails":
                return 422, {"code": "unknown_number", "detail": "There is no such number."}
            if persona == "unavailable" and first:
                return 503, {"code": "unavailable", "detail": "The gateway is closed for a moment."}
            row = {"id": f"S-{uuid.uuid4().hex[:16]}", "key": key, "to": to, "text": text, "taken_at": datetime.now(UTC).isoformat()}
            self.keep(key, row)
            if self.file is not None:
                self.file.write(json.dumps(row) + "\n")
                self.file.flush()
        if self.receipts is not None:
            self.receipts.put(row["id"], key, failed=persona == "undelivered", after=LATE_SECONDS if persona == "late" else 0.2)
        if persona == "times-out" and first:
            time.sleep(self.timeout)
        return 201, {"id": row["id"], "key": key}

    def reply(self, body: Any) -> Answer:
        """Have somebody answer a text; told on by whoever tells the receipts."""
        if self.receipts is None:
            return 409, {"code": "nobody_to_tell", "detail": "The sandbox was started without an address for replies."}
        return self.receipts.reply(body)

    def get(self, query: dict[str, str]) -> Answer:
        """Say what was taken: counts, per key how often it was asked and how often it went out; narrowed by `key` or `to`."""
        try:
            limit = max(0, min(int(query.get("limit", "100")), KEPT))
        except ValueError:
            return 422, {"code": "invalid", "detail": "limit is a number."}
        with self.lock:
            rows = [
                row | {"calls": self.calls.get(key, 0)}
                for key, row in reversed(self.done.items())
                if query.get("key", key) == key and query.get("to", row["to"]) == row["to"]
            ]
            moments = list(self.moments)
            figures = {"count": self.taken, "requests": self.requests, "repeated": self.repeated, "matching": len(rows)}
        if query.get("pace"):
            figures |= {"most_a_second": most_within(moments, 1.0)}
        return 200, figures | {"messages": rows[:limit]}


def most_within(moments: list[float], seconds: float) -> int:
    """Return how many of the moments, in their order, fall at most into any span of so many seconds."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


class Receipts:
    """Tells the house what became of each text: POST with an HMAC of time and body, again until it is heard."""

    def __init__(self, url: str, secret: str, *, replies: str = "") -> None:
        self.url, self.secret, self.replies = url, secret.encode(), replies
        self.queue: deque[tuple[float, int, str, dict[str, Any]]] = deque()
        self.wake = threading.Condition()
        self.heard = self.given_up = 0
        threading.Thread(target=self.run, daemon=True).start()

    def put(self, message_id: str, key: str, *, failed: bool, after: float) -> None:
        body = {"id": message_id, "key": key, "status": "failed" if failed else "delivered", "code": "absent" if failed else ""}
        self.later(self.url, body, after=after)

    def later(self, url: str, body: dict[str, Any], *, after: float) -> None:
        with self.wake:
            self.queue.append((time.monotonic() + after, 0, url, body))
            self.wake.notify()

    def reply(self, body: Any) -> Answer:
        """Have the person behind a number answer: `{from, text}`, and `in_reply_to` where they answer one message."""
        told = body if isinstance(body, dict) else {}
        if not self.replies or not all(isinstance(told.get(name), str) and told[name] for name in ("from", "text")):
            return 422, {"code": "invalid", "detail": "Send from and text; the sandbox needs --replies to tell it on."}
        row = {"id": f"R-{uuid.uuid4().hex[:16]}", "from": told["from"], "text": told["text"], "in_reply_to": told.get("in_reply_to", "")}
        self.later(self.replies, row, after=0.0)
        return 202, {"id": row["id"]}

    def run(self) -> None:
        while True:
            with self.wake:
                while not self.queue:
                    self.wake.wait()
                due, tries, url, body = min(self.queue, key=lambda item: item[0])
                if (rest := due - time.monotonic()) > 0:
                    self.wake.wait(rest)
                    continue
                self.queue.remove((due, tries, url, body))
            if self.tell(url, body):
                self.heard += 1
            elif tries + 1 < TRIES:
                with self.wake:
                    self.queue.append((time.monotonic() + 0.4 * 2**tries, tries + 1, url, body))
            else:
                self.given_up += 1

    def tell(self, url: str, body: dict[str, Any]) -> bool:
        data = json.dumps(body).encode()
        moment = str(int(time.time()))
        signature = hmac.new(self.secret, moment.encode() + b"." + data, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Timestamp": moment, "X-Signature": signature}
        request = urllib.request.Request(url, data=data, headers=headers, method="POST")  # noqa: S310  our own argument
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
                return bool(200 <= answer.status < 300)
        except urllib.error.HTTPError as error:
            return error.code in (400, 401, 403, 404, 409, 422)  # no further try will be heard
        except OSError:
            return False


class Mailbox:
    """What arrived by SMTP, counted by Message-ID."""

    def __init__(self, *, timeout: float = 30.0) -> None:
        self.lock = threading.Lock()
        self.copies: OrderedDict[str, int] = OrderedDict()
        self.latest: deque[dict[str, Any]] = deque(maxlen=1_000)
        self.put_off: set[str] = set()
        self.count = 0
        self.timeout = timeout

    # --- called by aiosmtpd ----------------------------------------------------------------------------------------
    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802  its name
        persona = persona_of(address)
        if persona == "fails":
            return "550 5.1.1 There is no such mailbox"
        if persona == "unavailable" and address not in self.put_off:
            self.put_off.add(address)
            return "451 4.3.2 Closed for a moment"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  its name
        mail = message_from_bytes(envelope.content, policy=default)
        body = mail.get_body(("plain",))
        row = {
            "id": str(mail["Message-ID"] or ""),
            "to": envelope.rcpt_tos[0],
            "subject": str(mail["Subject"] or ""),
            "text": body.get_content() if body is not None else "",
            "taken_at": datetime.now(UTC).isoformat(),
        }
        with self.lock:
            self.count += 1
            self.copies[row["id"]] = self.copies.get(row["id"], 0) + 1
            while len(self.copies) > KEPT:
                self.copies.popitem(last=False)
            self.latest.append(row)
        if persona_of(envelope.rcpt_tos[0]) == "times-out":
            await asyncio.sleep(self.timeout)
            server.transport.abort()
        return "250 2.0.0 taken"

    # --- asked over HTTP -------------------------------------------------------------------------------------------
    def get(self, query: dict[str, str]) -> Answer:
        """Say what arrived: how many mails, copies per Message-ID, the latest; narrowed by `id` or `to`."""
        with self.lock:
            rows = [
                row | {"copies": self.copies.get(row["id"], 0)}
                for row in reversed(self.latest)
                if query.get("id", row["id"]) == row["id"] and query.get("to", row["to"]) == row["to"]
            ]
            most = max(self.copies.values(), default=0)
            figures = {"count": self.count, "distinct": len(self.copies), "most_copies": most, "matching": len(rows)}
            return 200, figures | {"mails": rows[: int(query.get("limit", "100") or 0)] if query.get("limit", "100").isdigit() else []}


def persona_of(address: str) -> str:
    return PERSONAS.get(address.partition("@")[0][-4:], "ok")


def smtp(host: str, port: int, mailbox: Mailbox) -> Callable[[], None]:
    """Listen for SMTP in a thread; return what stops it.

    :raises OSError: if the port cannot be had
    """
    from aiosmtpd.controller import Controller

    controller = Controller(mailbox, hostname=host, port=port, ready_timeout=10.0, data_size_limit=1024 * 1024)
    controller.start()
    return controller.stop


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Sandbox: what was sent</title>
<style>body{{font:14px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:24px;max-width:1200px;color:#404040}}
h1{{font-size:20px}}h2{{font-size:16px;margin-top:24px}}table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;vertical-align:top;padding:8px 12px;border-bottom:1px solid #ddd}}th{{font-weight:600}}td:first-child{{white-space:nowrap}}
td.text{{white-space:pre-wrap}}.meta{{color:#666}}</style>
<h1>Sandbox: what was sent</h1>
<p class="meta">Nothing here left this machine. The newest {shown} of each are shown; the page looks again every five seconds.</p>
<h2>SMS: {taken} taken, {requests} calls, {repeated} of them repetitions</h2>
<table><tr><th>Taken</th><th>To</th><th>Text</th><th>Key</th></tr>{texts}</table>
<h2>E-mail: {mails} arrived</h2>
<table><tr><th>Arrived</th><th>To</th><th>Subject and text</th><th>Message-ID</th></tr>{letters}</table></html>"""


def page(texts: Texts, mailbox: Mailbox) -> str:
    """Return what was sent as a page for people."""

    def row(*cells: str) -> str:
        return (
            "<tr>" + "".join(f'<td class="{"text" if n == 2 else ""}">{html.escape(cell)}</td>' for n, cell in enumerate(cells)) + "</tr>"
        )

    sent = texts.get({"limit": str(SHOWN)})[1]
    mails = mailbox.get({"limit": str(SHOWN)})[1]
    return PAGE.format(
        shown=SHOWN,
        taken=sent["count"],
        requests=sent["requests"],
        repeated=sent["repeated"],
        mails=mails["count"],
        texts="".join(row(one["taken_at"][:19], one["to"], one["text"], one["key"]) for one in sent["messages"]),
        letters="".join(row(one["taken_at"][:19], one["to"], f"{one['subject']}\n{one['text']}", one["id"]) for one in mails["mails"]),
    )
