"""Doors for sessions of staff: they begin at sign-in, end by themselves, and can be ended from elsewhere.

What a session may live by is written into it when it begins, so that no request asks the database for the rules.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from governance import addresses, factors, notices, sign_in_policy
from governance.models import StaffSession, User
from ledger import log

KEY = "lives"
DEVICE = "crm_device"
DEVICE_SECONDS = 400 * 86_400
TOUCH = timedelta(minutes=1)  # how exactly the last use is kept
RETENTION = timedelta(days=365)
Why = StaffSession.Why


def begin(request: HttpRequest, user: User, *, method: str, at: datetime) -> StaffSession:
    """Start the session that `request` carries; tell the person when their account was never used on this device.

    A sign-in inside a session of the same person proves once more who they are; it makes the session no longer.
    """
    until = at + timedelta(hours=int(sign_in_policy.value("sign_in.longest_hours", on=at.date())))
    idle = int(sign_in_policy.value("sign_in.idle_minutes", on=at.date())) * 60
    device = request.COOKIES.get(DEVICE, "") or secrets.token_urlsafe(24)
    earlier = StaffSession.objects.filter(public_id=_id(request), user=user, ended_at__isnull=True).first()
    if earlier is not None:
        moved(request)
        return earlier
    with transaction.atomic():
        known = StaffSession.objects.filter(user=user)
        print_ = StaffSession._meta.get_field("device_print").of(device[:80])  # type: ignore[union-attr]
        is_new = known.exists() and not known.filter(device_print=print_).exists()
        row = StaffSession.objects.create(
            user=user, key=request.session.session_key or "", device=device[:80], method=method[:20], began_at=at, seen_at=at, until=until,
            address=addresses.client_ip(request), agent=request.headers.get("User-Agent", "")[:200],
        )  # fmt: skip
        log.record("governance.session.began", row, actor=user, at=at, user=user.public_id, method=method, new_device=is_new)
        if is_new:
            notices.tell([user], code="session.new_device", key=f"session:{row.public_id}", url=reverse("account"), at=at)
    request.session[KEY] = {
        "id": row.public_id, "device": device[:80], "idle": idle, "until": until.timestamp(), "seen": at.timestamp(),
        "due": factors.is_due(user),
    }  # fmt: skip
    return row


def mark_device(request: HttpRequest, response: HttpResponse) -> None:
    """Leave the cookie by which the browser is known next time; no script reads it."""
    device = request.session.get(KEY, {}).get("device", "")
    if device and request.COOKIES.get(DEVICE) != device:
        response.set_cookie(
            DEVICE, device, max_age=DEVICE_SECONDS, httponly=True, secure=bool(settings.SESSION_COOKIE_SECURE), samesite="Lax"
        )


def over(lives: Any, *, at: datetime) -> str:
    """Return why a session is over, empty while it lives. One that did not begin at our sign-in does not live."""
    if not isinstance(lives, dict):
        return str(Why.EXPIRED)
    moment = at.timestamp()
    if moment >= lives["until"]:
        return str(Why.EXPIRED)
    return str(Why.IDLE) if moment - lives["seen"] >= lives["idle"] else ""


def touch(request: HttpRequest, *, at: datetime) -> None:
    """Count a request as use of the session; written at most once a minute.

    Then it is asked anew, too, whether the role asks for a second factor: a new demand meets who is signed in, not only who comes.
    """
    lives = request.session[KEY]
    if at.timestamp() - lives["seen"] >= TOUCH.total_seconds():
        due = lives["due"] or factors.is_due(request.user)  # type: ignore[arg-type]
        request.session[KEY] = lives | {"seen": at.timestamp(), "due": due}
        StaffSession.objects.filter(public_id=lives["id"]).update(seen_at=at)


def moved(request: HttpRequest) -> None:
    """Follow a session to the key it got: a change of the password gives it a new one."""
    row = StaffSession.objects.filter(public_id=request.session.get(KEY, {}).get("id", "")).first()
    if row is not None and request.session.session_key:
        row.key = request.session.session_key
        row.save(update_fields=["key", "key_print"])


def finish(request: HttpRequest, *, why: str, at: datetime) -> None:
    """End the session that `request` carries and forget who was signed in."""
    row = StaffSession.objects.filter(public_id=_id(request), ended_at__isnull=True).select_related("user").first()
    if row is not None:
        _end(row, why=why, actor=row.user, at=at)
    logout(request)


@transaction.atomic
def revoke(row: StaffSession, *, actor: User, at: datetime, why: str = Why.REVOKED) -> bool:
    """End a session from elsewhere; return whether it was still open. The next request with it is asked to sign in."""
    return _end(row, why=why, actor=actor, at=at)


def revoke_all(user: User, *, actor: User, at: datetime, but: str = "", why: str = Why.REVOKED) -> int:
    """End every open session of `user` except the one with the public id `but`; return how many."""
    rows = StaffSession.objects.filter(user=user, ended_at__isnull=True).exclude(public_id=but)
    return sum(revoke(row, actor=actor, at=at, why=why) for row in rows)


def _end(row: StaffSession, *, why: str, actor: User | None, at: datetime) -> bool:
    ended = {"ended_at": at, "why": why, "ended_by": actor}
    if not StaffSession.objects.filter(pk=row.pk, ended_at__isnull=True).update(**ended):
        return False
    if row.key:
        import_module(settings.SESSION_ENGINE).SessionStore(row.key).delete()
    log.record("governance.session.ended", row, actor=actor, at=at, user=row.user.public_id, why=str(why))
    return True


def _id(request: HttpRequest) -> str:
    lives = request.session.get(KEY)
    return str(lives.get("id", "")) if isinstance(lives, dict) else ""


def current(request: HttpRequest) -> str:
    """Return the public id of the session that `request` carries."""
    return _id(request)


def close_over(*, at: datetime, limit: int = 500) -> int:
    """End what nobody came back to; return how many. The idle time that holds today decides for sessions without a request."""
    idle = timedelta(minutes=int(sign_in_policy.value("sign_in.idle_minutes", on=at.date())))
    rows = StaffSession.objects.filter(ended_at__isnull=True).select_related("user")
    done = 0
    for row in rows.filter(until__lte=at).order_by("until")[:limit]:
        done += _end(row, why=Why.EXPIRED, actor=None, at=at)
    for row in rows.filter(seen_at__lte=at - idle - TOUCH).order_by("pk")[:limit]:
        done += _end(row, why=Why.IDLE, actor=None, at=at)
    return done


def forget_old(*, at: datetime) -> int:
    """Delete sessions past their retention; return how many."""
    gone, _rows = StaffSession.objects.filter(ended_at__lt=at - RETENTION).delete()
    return gone


def shown(rows: Iterable[StaffSession], *, here: str) -> list[dict[str, Any]]:
    """Return rows for the page: session, device, address with its last parts hidden, whether it is this one."""
    return [
        {"session": row, "device": addresses.device(row.agent), "address": addresses.masked(row.address), "here": row.public_id == here}
        for row in rows
    ]


@notices.words("session.new_device", icon="lock", tone="caution")
def _new_device(notice: Any) -> Any:
    return _(
        "Your account was used on a device it was never used on before. If that was not you, end the session and change your password."
    )
