"""The id of the request being served, carried from web to task to port by django-structlog's context."""

import structlog


def request_id() -> str:
    """Return the current request's id, empty outside a request; cut to what the ledger keeps."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
