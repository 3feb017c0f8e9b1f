"""Single sign-on by OpenID Connect, for people who are there already: it makes nobody and gives no role.

The protocol is Authlib's: discovery, state, PKCE, and of the ID token signature, issuer, audience, time and nonce. Not allauth's own client,
which asks for no nonce, trusts an unsigned token, and keeps what the provider said about a person as plain text.
"""

from datetime import datetime
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.utils.translation import gettext as _
from joserfc.errors import JoseError

from crm.lib.errors import DomainError
from governance.models import User
from ledger import log

SECONDS = 10  # what the provider may take to answer
LEEWAY = 60  # seconds that two clocks may differ


class SignOnRefused(DomainError):
    """What the provider said does not let anybody in."""

    code = "sign_on_refused"
    status = 403


def is_on() -> bool:
    return bool(settings.OIDC["issuer"])


def name() -> str:
    """Return what the button on the sign-in page calls the provider, empty while single sign-on is off."""
    return (settings.OIDC["name"] or _("single sign-on")) if is_on() else ""


def client() -> Any:
    """Return the client of the configured provider. Made for each sign-in, so that a change of keys at the provider is seen."""
    wanted = settings.OIDC
    return OAuth().register(
        "house",
        client_id=wanted["client_id"],
        client_secret=wanted["client_secret"],
        server_metadata_url=f"{wanted['issuer']}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "default_timeout": SECONDS},
    )


def who(provider: Any, token: dict[str, Any], *, nonce: str) -> dict[str, Any]:
    """Return the claims of the ID token after every check.

    :raises SignOnRefused: if one fails
    """
    if not token.get("id_token") or not nonce:
        raise SignOnRefused(_("The provider sent no proof of who you are."))
    issuer, audience = settings.OIDC["issuer"], settings.OIDC["client_id"]
    try:
        said = provider.parse_id_token(
            token, nonce, leeway=LEEWAY,
            claims_options={"iss": {"essential": True, "values": [issuer, f"{issuer}/"]}, "aud": {"essential": True, "value": audience}},
        )  # fmt: skip
    except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        raise SignOnRefused(_("What the provider sent cannot be trusted: it is altered, late, or meant for somebody else.")) from error
    return dict(said)


def check_fresh(claims: dict[str, Any], *, at: datetime) -> None:
    """:raises SignOnRefused: if the provider did not ask the person just now, as it was told to"""
    if at.timestamp() - float(claims.get("auth_time") or 0) > LEEWAY:
        raise SignOnRefused(_("The provider did not ask who you are again."))


def person(claims: dict[str, Any], *, at: datetime) -> User:
    """Return the member of staff whom the claims name.

    By verified e-mail, or by user name where `CRM_OIDC_CLAIM` says so; the address must belong to an allowed domain where domains are named.

    :raises SignOnRefused: if there is nobody, more than one, or the account is suspended
    """
    claim = settings.OIDC["claim"]
    email = str(claims.get("email") or "").strip().lower()
    nobody = SignOnRefused(_("Nobody here has this account of the provider. An administrator can enter it with yours."))
    if claim == "email" and claims.get("email_verified") is not True:
        raise SignOnRefused(_("The provider has not verified your e-mail address."))
    if settings.OIDC["domains"] and (claims.get("email_verified") is not True or email.rpartition("@")[2] not in settings.OIDC["domains"]):
        raise SignOnRefused(_("Your e-mail address is not of an institution that may sign in here."))
    wanted = email if claim == "email" else str(claims.get(claim) or "").strip()
    if not wanted or "\0" in wanted:
        raise nobody
    field = "email__iexact" if claim == "email" else "username__iexact"
    found = list(User.objects.filter(kind=User.Kind.STAFF, **{field: wanted}).select_related("role", "team")[:2])
    if len(found) != 1:
        raise nobody
    user = found[0]
    if not user.is_active:
        log.record("governance.sign_in.failed", user, actor=None, at=at, user=user.public_id, method="sso", why="suspended")
        raise SignOnRefused(_("This account cannot sign in here. Ask an administrator."))
    return user
