"""What pages of versions share."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404


def chosen(request: HttpRequest, all_versions: Any, versions: list[Any]) -> Any:
    """Return the version the address asks for, else the live one, else the newest."""
    asked = request.GET.get("version", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 6:
        return get_object_or_404(all_versions, number=int(asked))
    best = next((one for one in versions if one.status == "live"), versions[0] if versions else None)
    return all_versions.get(pk=best.pk) if best else None
