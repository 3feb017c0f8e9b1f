"""Refusals: one named error with a sentence in the user's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule refused the request.

    `code` is for programs, the message for people, `status` for HTTP: 409 when a state forbids it or has moved,
    422 when a value cannot be, 403 and 404. `fields` names the inputs that are wrong, `extra` goes into the
    problem document (RFC 9457) and to `parts/_problem.html`.
    """

    code = "refused"
    status = 409

    def __init__(self, message: Any, *, fields: Mapping[str, Any] | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        self.extra = extra

    def __str__(self) -> str:
        return str(self.message)

    def remember(self) -> None:
        """Put on the record what must be kept of the refusal; called outside the transaction it rolled back."""


class Invalid(DomainError):
    """A value cannot be; `fields` says which and why."""

    code = "invalid"
    status = 422


class NotAllowed(DomainError):
    """The actor may not do this."""

    code = "not_allowed"
    status = 403


class NotFound(DomainError):
    """There is no such record, or it is not the actor's to see: both look the same."""

    code = "not_found"
    status = 404


class Stale(DomainError):
    """The record changed since it was read; `extra["changes"]` lists field, theirs, yours."""

    code = "stale"
    status = 409


class Busy(DomainError):
    """Somebody else holds the record longer than one may wait; nothing was changed."""

    code = "busy"
    status = 409


LOCKED_OUT = {"55P03", "40P01"}  # PostgreSQL's lock_not_available, deadlock_detected


def foreseen(error: BaseException) -> DomainError | None:
    """Return the refusal that `error` stands for: itself, or `Busy` for a lock that was not given; None for anything else."""
    if isinstance(error, DomainError):
        return error
    if getattr(error.__cause__, "pgcode", None) in LOCKED_OUT:
        return Busy(_("Somebody else is working on the same record right now. Nothing was changed; try again in a moment."))
    return None
