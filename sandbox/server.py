"""HTTP of the sandbox: routes to services, JSON in and out."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import messages
from sandbox.bureau import Bureau
from sandbox.calls import Calls
from sandbox.checkout import Checkout
from sandbox.objects import LARGEST as LARGEST_OBJECT
from sandbox.objects import PREFIX, Objects
from sandbox.payouts import Payouts
from sandbox.transit import PREFIX as TRANSIT
from sandbox.transit import Transit

LARGEST_BODY = 64 * 1024
Route = Callable[[Any, Any, dict[str, str]], tuple[int, dict[str, Any] | str]]


def routes(
    payouts: Payouts,
    texts: messages.Texts,
    mailbox: messages.Mailbox,
    bureau: Bureau,
    app: messages.Texts,
    ivr: messages.Texts,
    calls: Calls,
    checkout: Checkout,
) -> dict[tuple[str, str], Route]:
    """Return what answers which method and path; a route gets body, headers and query."""
    return {
        ("GET", "/health"): lambda _body, _headers, _query: (200, {"status": "ok"}),
        ("POST", "/payouts"): lambda body, headers, _query: payouts.post(body, headers),
        ("GET", "/payouts"): lambda _body, _headers, query: payouts.get(query),
        ("POST", "/sms"): lambda body, headers, _query: texts.post(body, headers),
        ("POST", "/sms/replies"): lambda body, _headers, _query: texts.reply(body),
        ("GET", "/sms"): lambda _body, _headers, query: texts.get(query),
        ("POST", "/app"): lambda body, headers, _query: app.post(body, headers),
        ("GET", "/app"): lambda _body, _headers, query: app.get(query),
        ("POST", "/ivr"): lambda body, headers, _query: ivr.post(body, headers),
        ("GET", "/ivr"): lambda _body, _headers, query: ivr.get(query),
        ("POST", "/bureau/reports"): lambda body, headers, _query: bureau.post(body, headers),
        ("GET", "/bureau/reports"): lambda _body, _headers, query: bureau.get(query),
        ("POST", "/checkout"): lambda body, headers, _query: checkout.post(body, headers),
        ("GET", "/checkout"): lambda _body, _headers, query: checkout.get(query),
        ("GET", "/checkout/page"): lambda _body, _headers, query: checkout.page(query),
        ("GET", "/checkout/pay"): lambda _body, _headers, query: checkout.pay(query),
        ("POST", "/calls"): lambda body, headers, _query: calls.post(body, headers),
        ("POST", "/calls/end"): lambda body, _headers, _query: calls.end(body),
        ("GET", "/calls"): lambda _body, _headers, query: calls.get(query),
        ("GET", "/mail"): lambda _body, _headers, query: mailbox.get(query),
        ("GET", "/sent"): lambda _body, _headers, _query: (200, messages.page(texts, mailbox)),
    }


class Handler(BaseHTTPRequestHandler):
    """One request. The answer leaves in one write: headers and body apart cost 40 ms a call on loopback."""

    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    timeout = 60
    table: dict[tuple[str, str], Route]
    objects: Objects
    transit: Transit

    def do_GET(self) -> None:
        if self.path.startswith(PREFIX):
            self.object()
            return
        self.answer(None)

    def do_PUT(self) -> None:
        self.object()

    def do_DELETE(self) -> None:
        self.object()

    def object(self) -> None:
        """Answer as an object store does: bytes in, bytes out."""
        length = self.headers.get("Content-Length", "0")
        if not self.path.startswith(PREFIX) or not length.isdigit() or int(length) > LARGEST_OBJECT:
            self.close_connection = True
            self.send(413, {"code": "too_large", "detail": f"Only {PREFIX} takes this, with a Content-Length of at most 32 MB."})
            return
        status, data = self.objects.answer(self.command, self.path, self.headers, self.rfile.read(int(length)))
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream")
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if not 0 <= length <= LARGEST_BODY:
            self.close_connection = True
            self.send(413, {"code": "too_large", "detail": "Send at most 64 KB with a Content-Length."})
            return
        try:
            body = json.loads(self.rfile.read(length) or b"null")
        except (ValueError, RecursionError):
            self.send(400, {"code": "bad_json", "detail": "The body is not JSON."})
            return
        self.answer(body)

    def answer(self, body: Any) -> None:
        where = urlsplit(self.path)
        if where.path.startswith(TRANSIT):
            self.send(*self.transit.answer(self.command, where.path, self.headers, body))
            return
        route = self.table.get((self.command, where.path))
        if route is None:
            known = any(path == where.path for _method, path in self.table)
            self.send(405 if known else 404, {"code": "not_here", "detail": f"{self.command} {where.path} is not here."})
            return
        self.send(*route(body, self.headers, dict(parse_qsl(where.query))))

    def send(self, status: int, body: dict[str, Any] | str) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the caller gave up waiting, as a persona wants it

    def log_message(self, *_args: Any) -> None:
        """Keep quiet: what was done is asked for by GET."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no error of ours."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def serve(
    host: str,
    port: int,
    payouts: Payouts,
    texts: messages.Texts | None = None,
    mailbox: messages.Mailbox | None = None,
    objects: Objects | None = None,
    transit: Transit | None = None,
    bureau: Bureau | None = None,
    app: messages.Texts | None = None,
    ivr: messages.Texts | None = None,
    calls: Calls | None = None,
    checkout: Checkout | None = None,
) -> Server:
    """Return a bound server; `serve_forever()` runs it."""
    table = routes(
        payouts, texts or messages.Texts(), mailbox or messages.Mailbox(), bureau or Bureau(), app or messages.Texts(numbers=False),
        ivr or messages.Texts(), calls or Calls(), checkout or Checkout(),
    )  # fmt: skip
    handler = type("BoundHandler", (Handler,), {"table": table, "objects": objects or Objects(), "transit": transit or Transit()})
    return Server((host, port), handler)
