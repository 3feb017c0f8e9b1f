"""Wrong passwords close an account for sign-in for a while. Counted by name in the cache, whether such a person exists or not."""

from datetime import UTC, datetime, timedelta

from allauth.core.internal import ratelimit
from django.http import HttpRequest
from django.utils.translation import gettext as _

from governance import sign_in_policy
from governance.models import User
from ledger import log

APP, ACTION = "governance", "sign_in"
PER_ADDRESS = "20/m/ip"


def _config(at: datetime) -> dict[str, str]:
    failures = sign_in_policy.value("sign_in.failures", on=at.date())
    minutes = sign_in_policy.value("sign_in.closed_minutes", on=at.date())
    return {ACTION: f"{failures}/{minutes}m/key,{PER_ADDRESS}"}


def _key(username: str) -> str:
    return username.strip().lower()


def attempt(request: HttpRequest, username: str, *, at: datetime) -> ratelimit.RateLimitUsage | None:
    """Count an attempt; None when there were too many. A right password takes its count back."""
    return ratelimit.consume(request, app=APP, action=ACTION, key=_key(username), config=_config(at), limit_get=True)


def sentence(*, at: datetime) -> str:
    """Return what somebody reads whose attempts were too many."""
    minutes = sign_in_policy.value("sign_in.closed_minutes", on=at.date())
    return _("Too many wrong attempts. Sign-in is closed for %(minutes)s minutes; an administrator can open it sooner.") % {
        "minutes": minutes
    }


def closed_until(username: str, *, at: datetime) -> datetime | None:
    """Return until when sign-in is closed for a name, None while it is open."""
    rate = ratelimit.parse_rates(_config(at)[ACTION])[0]
    history = ratelimit.cache.get(_place(username, rate), [])
    fresh = sorted(moment for moment in history if moment > at.timestamp() - rate.duration)
    if len(fresh) < rate.amount:
        return None
    return datetime.fromtimestamp(fresh[-rate.amount], UTC) + timedelta(seconds=rate.duration)


def _place(username: str, rate: ratelimit.Rate) -> str:
    return ratelimit.get_cache_key(HttpRequest(), app=APP, action=ACTION, rate=rate, key=_key(username))


def failed(username: str, *, at: datetime) -> None:
    """Enter a wrong attempt on an account into the ledger, and its closing; an unknown name leaves none: it may be a password."""
    user = User.objects.filter(username__iexact=username.strip()).first()
    if user is None:
        return
    closed = closed_until(username, at=at)
    log.record("governance.sign_in.failed", user, actor=None, at=at, user=user.public_id)
    if closed:
        log.record("governance.sign_in.closed", user, actor=None, at=at, user=user.public_id, until=closed)


def reopen(user: User, *, actor: User, at: datetime) -> bool:
    """Open sign-in again before its time; return whether it was closed."""
    if closed_until(user.username, at=at) is None:
        return False
    rate = ratelimit.parse_rates(_config(at)[ACTION])[0]
    ratelimit.cache.delete(_place(user.username, rate))
    ratelimit.cache.delete(_second_factor(user))
    log.record("governance.sign_in.reopened", user, actor=actor, at=at, user=user.public_id)
    return True


def _second_factor(user: User) -> str:
    rate = next(rate for rate in ratelimit.get_rates(app="allauth.account", action="login_failed") if rate.per == "key")
    return ratelimit.get_cache_key(HttpRequest(), app="allauth.account", action="login_failed", rate=rate, key=f"mfa-auth-user-{user.pk}")
