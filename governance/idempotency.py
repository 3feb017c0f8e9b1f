"""The same request twice does its work once: API keys bound to caller, route and body; forms by their key."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.errors import DomainError, Invalid
from governance import vault
from governance.models import FormReceipt, IdempotencyKey, User

KEPT = timedelta(days=30)
LONGEST = 128
LOCK_NOT_AVAILABLE = "55P03"


class KeyMissing(Invalid):
    code = "idempotency_key_missing"


class KeyUsed(DomainError):
    code = "idempotency_key_used"


class KeyInUse(DomainError):
    code = "idempotency_key_in_use"


def body_hash(request: Request) -> str:
    """Return the SHA-256 of method, path and parsed body, so that spaces and key order do not matter."""
    body = json.dumps(request.data, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def idempotent(required: bool = False) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Honour `Idempotency-Key` on an API action; `required` for those that move money.

    Key, work and answer are one transaction: a crash leaves neither work nor key. A second request with the same
    key waits for the first (unique index), then gets its answer. Refusals are not kept: the caller may correct the
    state and send the same key again.
    """

    def decorate(action: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(action)
        def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            key = request.headers.get("Idempotency-Key", "").strip()
            if not key:
                if required:
                    raise KeyMissing(_("This moves money: send an Idempotency-Key header with a name of your choice."))
                return action(view, request, *args, **kwargs)
            if len(key) > LONGEST or not key.isprintable():
                raise KeyMissing(_("The Idempotency-Key is longer than 128 characters or holds odd ones."))
            caller, hashed = request.user, body_hash(request)
            with transaction.atomic():
                kept = taken(caller, key, request.path[:200], hashed, at=now())
                if kept is None:
                    return answered(caller, key, hashed)
                response = action(view, request, *args, **kwargs)
                kept.status, kept.body = response.status_code, sealed(kept, response.data)
                IdempotencyKey.objects.filter(pk=kept.pk).update(status=kept.status, body=kept.body)
                return response

        once.key_required = required  # type: ignore[attr-defined]
        once.keyed = True  # type: ignore[attr-defined]
        return once

    return decorate


def keyed_by(inner: Callable[..., Response]) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Mark an action that does outside the transaction what must lie there, and leaves the rest and the key to `inner`."""

    def mark(action: Callable[..., Response]) -> Callable[..., Response]:
        action.keyed, action.key_required = inner.keyed, inner.key_required  # type: ignore[attr-defined]
        return action

    return mark


TAKE = """
INSERT INTO governance_idempotencykey (caller_id, key, route, body_hash, created_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (caller_id, key) DO NOTHING RETURNING id
"""


def taken(caller: User, key: str, route: str, hashed: str, *, at: datetime) -> IdempotencyKey | None:
    """Take `key` for `caller`, None when it was used; waits for a request that holds it. One statement, no savepoint.

    :raises KeyInUse: if that request takes longer than the lock time-out
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [caller.pk, key, route, hashed, at])
            found = cursor.fetchone()
    except OperationalError as error:
        if not waited_too_long(error):
            raise
        raise still_running() from None
    return IdempotencyKey(pk=found[0], caller=caller, key=key, route=route, body_hash=hashed, created_at=at) if found else None


def waited_too_long(error: OperationalError) -> bool:
    """Return whether `error` is the lock time-out: the first request holds the key longer than we may wait."""
    return getattr(error.__cause__, "pgcode", "") == LOCK_NOT_AVAILABLE


def still_running() -> KeyInUse:
    return KeyInUse(_("The first request with this Idempotency-Key is still running."))


def sealed(kept: IdempotencyKey, data: Any) -> bytes:
    from rest_framework.renderers import JSONRenderer

    return vault.seal(JSONRenderer().render(data).decode(), aad=f"idempotency|{kept.pk}")


def answered(caller: User, key: str, hashed: str) -> Response:
    """Return the answer kept under `key`.

    :raises KeyUsed: if the key was used for another request
    """
    kept = IdempotencyKey.objects.get(caller=caller, key=key)
    if kept.body_hash != hashed:
        raise KeyUsed(_("This Idempotency-Key was used for another request."))
    if kept.body is None or kept.status is None:
        raise still_running()
    body = json.loads(vault.unseal(bytes(kept.body), aad=f"idempotency|{kept.pk}"))
    return Response(body, status=kept.status, headers={"Idempotent-Replay": "true"})


class Once:
    """A form's door, opened once: `with Once(user, key, at=now()) as sent: if sent.again: return redirect(sent.location)`.

    Only a form that got a `result` is kept: one that was refused may be corrected and sent again with the same key.
    """

    def __init__(self, user: User, key: str | None, *, at: datetime) -> None:
        self.user, self.at = user, at
        try:
            self.key: UUID | None = UUID(key or "")
        except ValueError:
            self.key = None
        self.again, self.location = False, ""

    def __enter__(self) -> "Once":
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        if self.key is None:
            return self
        try:
            with transaction.atomic():
                self.receipt = FormReceipt.objects.create(user=self.user, key=self.key, created_at=self.at)
        except IntegrityError:
            self.again = True
            self.location = FormReceipt.objects.get(user=self.user, key=self.key).location
        except OperationalError as error:
            self.atomic.__exit__(type(error), error, error.__traceback__)
            if not waited_too_long(error):
                raise
            raise KeyInUse(_("This form was sent already and is still being worked on.")) from None
        return self

    def result(self, location: str) -> str:
        """Keep where the first send led to, for the second."""
        self.location = location
        if self.key is not None and not self.again:
            FormReceipt.objects.filter(pk=self.receipt.pk).update(location=location[:300])
        return location

    def __exit__(self, *problem: Any) -> None:
        if problem[0] is None and self.key is not None and not self.location:
            FormReceipt.objects.filter(user=self.user, key=self.key).delete()
        self.atomic.__exit__(*problem)


def sent_before(user: User, key: str | None) -> str:
    """Return where a form with this key led to when it was sent before, "" if it was not."""
    try:
        found = FormReceipt.objects.filter(user=user, key=UUID(key or "")).first()
    except ValueError:
        return ""
    return found.location if found else ""


def forget(*, at: datetime) -> int:
    """Delete keys and receipts past their retention; return how many."""
    keys, _rows = IdempotencyKey.objects.filter(created_at__lt=at - KEPT).delete()
    receipts, _rows = FormReceipt.objects.filter(created_at__lt=at - timedelta(days=1)).delete()
    return keys + receipts
