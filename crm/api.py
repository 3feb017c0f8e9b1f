"""The roof of the API: every app's viewsets under /api/v1/, and the one handler that renders refusals."""

from importlib import import_module
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from oauth2_provider.views import RevokeTokenView
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import set_rollback

from collection.views.calls import call_event
from collection.views.pay_links import payment_told
from crm.lib.context import request_id
from crm.lib.errors import DomainError, foreseen
from crm.lib.permissions import public
from customers.receipt_views import reply_heard, sms_receipt
from governance.api_clients import Token

TITLES = {
    400: "The request could not be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Refused",
    415: "Only application/json is read",
    422: "Some values cannot be",
    429: "Too many requests",
}


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Render `error` as RFC 9457 problem details; None lets an unforeseen error become a 500 page."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    headers: dict[str, str] = {}
    if refusal := foreseen(error):
        error = refusal
    if isinstance(error, DomainError):
        status, code, detail = error.status, error.code, str(error)
        errors = {name: sentences(words) for name, words in error.fields.items()}
        extra = error.extra
    elif isinstance(error, exceptions.ValidationError):
        status, code, detail = 422, "invalid", _("Some values cannot be; see errors.")
        errors = flatten(error.detail)
        extra = {}
    elif isinstance(error, exceptions.APIException):
        status, code, detail = error.status_code, str(error.get_codes()), str(error.detail)
        errors, extra = {}, {}
        if challenge := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = challenge
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
    else:
        return None
    set_rollback()
    if isinstance(error, DomainError):
        error.remember()
    document = {"type": "about:blank", "title": TITLES.get(status, "Problem"), "status": status, "code": code}
    document |= {"detail": detail, "request_id": request_id()}
    if errors:
        document["errors"] = errors
    document |= {name: value for name, value in extra.items() if name not in document}
    return Response(document, status=status, headers=headers, content_type="application/problem+json")


def sentences(words: Any) -> list[str]:
    """Return one or many messages as a list of text."""
    return [str(word) for word in words] if isinstance(words, list | tuple) else [str(words)]


def flatten(detail: Any, at: str = "") -> dict[str, list[str]]:
    """Return nested serializer errors as {"field.sub": [sentence, …]}."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            found |= flatten(inner, f"{at}.{name}" if at else str(name))
        return found
    if isinstance(detail, list) and any(isinstance(item, dict) for item in detail):
        found = {}
        for index, inner in enumerate(detail):
            if inner:
                found |= flatten(inner, f"{at}[{index}]")
        return found
    return {at or "body": sentences(detail)}


def routes() -> list[URLPattern | URLResolver]:
    """Return the routes of every app that has an `api` module with a `VIEWSETS` table of name → viewset."""
    router = SimpleRouter()
    for app in ("governance", "customers", "credit", "risk", "collection"):
        for prefix, viewset in import_module(f"{app}.api").VIEWSETS.items():
            router.register(prefix, viewset, basename=f"api-{prefix}")
    return [path("", include(router.urls))]


token = public("clients authenticate by id and secret")(Token.as_view())
revoke = public("clients authenticate by id and secret")(RevokeTokenView.as_view())
schema = public("the API document holds no data")(SpectacularAPIView.as_view(permission_classes=[]))
docs = public("the API document holds no data")(SpectacularSwaggerView.as_view(url_name="api-schema", permission_classes=[]))

urlpatterns = [
    path("v1/", include(routes())),
    path("oauth/token/", token, name="api-token"),
    path("oauth/revoke/", revoke, name="api-revoke"),
    path("receipts/sms/", sms_receipt, name="api-receipt-sms"),
    path("replies/<str:channel>/", reply_heard, name="api-reply"),
    path("receipts/payments/", payment_told, name="api-receipt-payment"),
    path("receipts/calls/", call_event, name="api-receipt-call"),
    path("schema/", schema, name="api-schema"),
    path("docs/", docs, name="api-docs"),
]
