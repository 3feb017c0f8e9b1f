"""OAuth2 for machines: client credentials, each client bound to a service user, scopes from the permission table."""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.settings import spectacular_settings
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.views import TokenView
from rest_framework.exceptions import PermissionDenied, Throttled

from crm.lib.permissions import ALL, scopes
from governance import addresses, client_gate
from governance.models import ApiClient, User
from ledger import log

AccessToken = get_access_token_model()


class Scopes(BaseScopes):
    """The scopes are those that permissions name; a client has the ones it was given."""

    def get_all_scopes(self) -> dict[str, str]:
        return scopes()

    def get_available_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return list(application.scopes) if application else list(scopes())

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return list(application.scopes) if application else []


class Token(TokenView):
    """The token endpoint. Every grant but client credentials is refused before the toolkit looks at it."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("grant_type") != "client_credentials":
            return JsonResponse({"error": "unsupported_grant_type"}, status=400)
        client = ApiClient.objects.filter(client_id=named(request), revoked_at__isnull=True).first()
        if client is not None:
            try:
                # Counted by address: who only knows a client's id cannot use up its calls.
                client_gate.check(client, address=addresses.client_ip(request), counter="token", at=now())
            except client_gate.WrongNetwork as error:
                return JsonResponse({"error": "access_denied", "error_description": str(error.message)}, status=403)
            except client_gate.TooMany as error:
                told = {"error": "temporarily_unavailable", "error_description": str(error.message)}
                return JsonResponse(told, status=429, headers={"Retry-After": str(error.wait)})
        response: HttpResponse = super().post(request, *args, **kwargs)
        if client is not None and response.status_code == 200:
            client_gate.used(client, at=now())
        return response


def named(request: HttpRequest) -> str:
    """Return the id that a client says it has, in the header or the body; not yet proven."""
    kind, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            found = unquote_plus(base64.b64decode(encoded).decode().partition(":")[0])
        except ValueError:
            found = ""
    else:
        found = request.POST.get("client_id", "")
    return found.replace("\0", "")[:100]


class Validator(OAuth2Validator):
    """Read a token together with whom it acts for: one query on the way of every call, where the toolkit's own makes two."""

    def _load_access_token(self, token: str) -> Any:
        acting = AccessToken.objects.select_related("application__service_user__role", "application__service_user__team")
        return acting.filter(token_checksum=hashlib.sha256(token.encode()).hexdigest()).first()

    def _authenticate_basic_auth(self, request: Any) -> bool:
        return self._by_either_secret(super()._authenticate_basic_auth, request)

    def _authenticate_request_body(self, request: Any) -> bool:
        return self._by_either_secret(super()._authenticate_request_body, request)

    def _by_either_secret(self, check: Callable[[Any], bool], request: Any) -> bool:
        """Take the secret, or for some hours after a rotation the one before."""
        if check(request):
            return True
        client = request.client
        if client is None or not client.old_secret or client.old_secret_until <= now():
            return False
        newest, client.client_secret = client.client_secret, client.old_secret
        try:
            return check(request)
        finally:
            client.client_secret = newest


class BearerAuthentication(OAuth2Authentication):
    """Act as the client's service user: a client-credentials token itself names no user."""

    def authenticate(self, request: Any) -> Any:
        found = super().authenticate(request)
        if found is None:
            return None
        token = found[1]
        client, user = token.application, token.application.service_user
        if user is None or not user.is_active or client.revoked_at is not None:
            return None
        try:
            client_gate.check(client, address=addresses.client_ip(request), counter="call", at=now())
        except client_gate.WrongNetwork as error:
            raise PermissionDenied(str(error.message)) from None
        except client_gate.TooMany as error:
            raise Throttled(wait=error.wait - 1, detail=str(error.message)) from None
        return (user, token)

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the library registers subclasses
    """How the API document speaks of the tokens: client credentials, and the scope that each operation asks for."""

    target_class = "governance.api_clients.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        flow = {"tokenUrl": spectacular_settings.OAUTH2_TOKEN_URL, "scopes": scopes()}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        permission = ALL.get(auto_schema.view.needs.get(auto_schema.view_action(), ""))
        return {self.name: [permission.scope] if permission and permission.scope else []}


@transaction.atomic
def create(
    *,
    name: str,
    service_user: User,
    client_scopes: list[str],
    actor: User | None,
    at: datetime,
    client_id: str = "",
    secret: str = "",
    per_minute: int | None = None,
) -> tuple[ApiClient, str]:
    """Register a client bound to `service_user`; return it with the secret, which is never shown again.

    :raises ValueError: if a scope does not exist
    """
    if unknown := set(client_scopes) - set(scopes()):
        raise ValueError(f"no such scope: {sorted(unknown)}")
    secret = secret or generate_client_secret()
    fields = {"client_id": client_id} if client_id else {}
    client = ApiClient.objects.create(
        name=name,
        user=service_user,
        service_user=service_user,
        client_type=ApiClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=ApiClient.GRANT_CLIENT_CREDENTIALS,
        client_secret=secret,
        scopes=sorted(client_scopes),
        per_minute=per_minute,
        **fields,
    )
    log.record("governance.client.created", client, actor=actor, at=at, scopes=sorted(client_scopes))
    return client, secret
