"""What a person sees when something is refused, missing or broken. Pages in full, parts for htmx."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from crm.lib.context import request_id
from crm.lib.errors import DomainError, Stale
from crm.lib.permissions import ALL, Forbidden


def answer(request: HttpRequest, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    """Render the problem as a part for htmx, as a page otherwise, as a problem document under /api/."""
    context |= {"request_id": request_id(), "status": status}
    if request.path.startswith("/api/"):
        document = {"type": "about:blank", "title": str(context["title"]), "status": status, "code": context["code"]}
        return JsonResponse(
            document | {"detail": str(context["message"]), "request_id": context["request_id"]},
            status=status,
            content_type="application/problem+json",
        )
    if request.headers.get("HX-Request"):
        part = "parts/_conflict.html" if context.get("changes") else "parts/_problem.html"
        return render(request, part, context, status=status)
    return render(request, template, context | {"back": came_from(request)}, status=status)


def came_from(request: HttpRequest) -> str:
    """Return the address of our own page that led here, empty when there is none or it is this one."""
    before = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(before)
    address = parts.path + (f"?{parts.query}" if parts.query else "")
    if not url_has_allowed_host_and_scheme(address, None):  # "//other.example/" is no page of ours
        return ""
    return "" if request.method == "GET" and address == request.get_full_path() else address


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Say which rule refused and what would make it possible."""
    context = {"title": _("This was refused"), "code": error.code, "message": error.message, "fields": error.fields}
    if isinstance(error, Stale):
        context["title"] = _("This has changed meanwhile")
    if error.status == 404:
        return not_found(request)
    if error.status == 403:
        return answer(request, "403.html", context | error.extra, 403)
    return answer(request, "409.html", context | error.extra, error.status)


def forbidden(request: HttpRequest, error: Forbidden) -> HttpResponse:
    """Name the permission that is missing."""
    permission = ALL.get(error.code)
    context = {
        "title": _("You may not open this"),
        "code": "no_permission",
        "permission": permission.label if permission else error.code,
        "permission_code": error.code,
        "message": _("It needs the permission “%(permission)s”. An administrator can grant it.")
        % {"permission": permission.label if permission else error.code},
    }
    return answer(request, "403.html", context, 403)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 raised by Django itself."""
    context = {"title": _("You may not open this"), "code": "no_permission", "message": _("This is not open to you.")}
    return answer(request, "403.html", context, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: unknown and somebody else's look the same."""
    context = {
        "title": _("Not found"),
        "code": "not_found",
        "message": _("There is no such page or record, or it is not yours to see."),
    }
    return answer(request, "404.html", context, 404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    context = {"title": _("Not understood"), "code": "bad_request", "message": _("The request could not be read.")}
    return answer(request, "400.html", context, 400)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: nothing was changed, because every request that writes is one transaction."""
    context = {
        "title": _("This did not work"),
        "code": "server_error",
        "message": _("We could not finish this. Nothing was changed. Try again, or report the number below."),
    }
    return answer(request, "500.html", context, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    context = {
        "title": _("This form has expired"),
        "code": "csrf",
        "message": _("Go back, reload the page and send it again. What you typed is still there."),
    }
    return answer(request, "403.html", context, 403)
