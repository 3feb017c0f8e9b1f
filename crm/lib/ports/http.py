"""The one way out of the house: JSON over HTTP with time-outs, our request id and named failures.

An adapter never decides by environment what to do: what answers is a matter of the address it is given.
"""

import json
from dataclasses import dataclass
from typing import Any

import urllib3
from django.utils.translation import gettext_lazy as _
from urllib3.exceptions import HTTPError

from crm.lib.context import request_id
from crm.lib.errors import DomainError

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
LARGEST_ANSWER = 1024 * 1024
LARGEST_FILE = 32 * 1024 * 1024
AGAIN = (408, 425, 429)  # refusals that mean "later", not "no"

# No retries here: whoever calls has a key and repeats from the outbox, where it is counted.
_pool = urllib3.PoolManager(maxsize=8, retries=False)


class PortOff(DomainError):
    """No address is set for this port: nothing was sent."""

    code = "port_off"


class PortRefused(DomainError):
    """The other side said no for good; `extra` has its status, code and words. Nothing was done."""

    code = "port_refused"


class PortUnknown(DomainError):
    """No answer that can be relied on: it may have been done. Ask again with the same key."""

    code = "port_unknown"


@dataclass(frozen=True)
class Answer:
    """What the other side answered: status and parsed JSON."""

    status: int
    body: dict[str, Any]


def address(ports: dict[str, str], name: str) -> str:
    """Return the address of port `name`.

    :raises PortOff: if none is set
    """
    url = ports.get(name, "")
    if not url:
        raise PortOff(_("The port “%(port)s” is off: no address is set for it.") % {"port": name}, port=name)
    return url


def call(
    method: str,
    url: str,
    *,
    port: str,
    body: dict[str, Any] | None = None,
    key: str = "",
    headers: dict[str, str] | None = None,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
) -> Answer:
    """Send `body` to `url` and return a 2xx answer. Call it outside transactions: it may take `read_seconds`.

    :param key: sent as Idempotency-Key, so that a repetition is the same request
    :raises PortRefused: if the other side answered 4xx
    :raises PortUnknown: if it answered 5xx or "later", in no JSON, or not at all
    """
    sent = {"Accept": "application/json", "Content-Type": "application/json", "X-Request-ID": request_id()}
    if key:
        sent["Idempotency-Key"] = key
    sent |= headers or {}
    try:
        response = _pool.request(
            method,
            url,
            body=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
            headers={name: value for name, value in sent.items() if value},
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            redirect=False,
            preload_content=False,
        )
        try:
            data = response.read(LARGEST_ANSWER + 1)
            if len(data) > LARGEST_ANSWER:
                response.close()  # what is left unread must not stay in the pool
        finally:
            response.release_conn()
    except HTTPError as error:
        raise _unknown(port, cause=type(error).__name__) from error
    status = int(response.status)
    parsed = _parsed(data) if len(data) <= LARGEST_ANSWER else None
    if status >= 500 or status in AGAIN or status < 200 or 300 <= status < 400:
        raise _unknown(port, cause=str(status))
    if status >= 400:
        said = parsed or {}
        raise PortRefused(
            _("“%(port)s” refused: %(words)s") % {"port": port, "words": str(said.get("detail", status))[:200]},
            port=port,
            their_status=status,
            their_code=str(said.get("code", ""))[:40],
        )
    if parsed is None:
        raise _unknown(port, cause="no JSON")
    return Answer(status, parsed)


def exchange(
    method: str, url: str, *, port: str, data: bytes | None = None, headers: dict[str, str] | None = None, missing: bool = False
) -> bytes | None:
    """Send bytes to `url` and return the bytes of a 2xx answer; with `missing`, None for a 404. Call it outside transactions.

    :raises PortRefused: if the other side answered 4xx
    :raises PortUnknown: if it answered 5xx or "later", more than `LARGEST_FILE`, or not at all
    """
    sent = {"Content-Type": "application/octet-stream", "X-Request-ID": request_id()} | (headers or {})
    try:
        response = _pool.request(
            method,
            url,
            body=data,
            headers={name: value for name, value in sent.items() if value},
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            redirect=False,
            preload_content=False,
        )
        try:
            found = response.read(LARGEST_FILE + 1)
            if len(found) > LARGEST_FILE:
                response.close()
        finally:
            response.release_conn()
    except HTTPError as error:
        raise _unknown(port, cause=type(error).__name__) from error
    status = int(response.status)
    if status == 404 and missing:
        return None
    if 400 <= status < 500 and status not in AGAIN:
        raise PortRefused(
            _("“%(port)s” refused: %(words)s") % {"port": port, "words": str(status)}, port=port, their_status=status, their_code=""
        )
    if not 200 <= status < 300 or len(found) > LARGEST_FILE:
        raise _unknown(port, cause=str(status))
    return bytes(found)


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unknown(port: str, *, cause: str) -> PortUnknown:
    return PortUnknown(
        _("“%(port)s” gave no certain answer (%(cause)s). It is asked again with the same key.") % {"port": port, "cause": cause},
        port=port,
        cause=cause,
    )
