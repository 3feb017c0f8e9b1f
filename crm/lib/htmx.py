"""One URL gives the page or its part: who asks decides, and caches are told."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as django_render
from django.utils.cache import patch_vary_headers


def wants_part(request: HttpRequest) -> bool:
    """Return whether htmx asked for a part; a page restored by Back is asked for whole."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def render(request: HttpRequest, page: str, part: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render `part` for htmx and `page` otherwise, never stored by a cache."""
    response = django_render(request, part if wants_part(request) else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    response.headers["Cache-Control"] = "no-store"
    return response


def part(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a panel or dialog that has no page of its own."""
    return render(request, template, template, context, status=status)


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url` after a successful submit, whether htmx or a plain form posted."""
    if wants_part(request):
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return HttpResponse(status=303, headers={"Location": url})


def after(response: HttpResponse, **events: Any) -> HttpResponse:
    """Add client events to `response`: `after(response, focus={"id": "#title"}, close_dialog=True)`."""
    response.headers["HX-Trigger-After-Settle"] = json.dumps({name.replace("_", "-"): value for name, value in events.items()})
    return response
