"""What pages of versions share."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from crm.lib.permissions import Forbidden
from governance.asked import Asked
from risk import kinds
from risk.models import Strategy


def chosen(request: HttpRequest, all_versions: Any, versions: list[Any]) -> Any:
    """Return the version the address asks for, else the live one, else the newest."""
    asked = request.GET.get("version", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 6:
        return get_object_or_404(all_versions, number=int(asked))
    best = next((one for one in versions if one.status == "live"), versions[0] if versions else None)
    return all_versions.get(pk=best.pk) if best else None


def may_change(user: Any, strategy: Strategy) -> bool:
    """Return whether a person changes strategies of this kind; the right on strategies itself is asked apart."""
    return bool(user.has_perm(kinds.of(strategy.kind).permission))


def demand(request: Asked, strategy: Strategy) -> None:
    """Go on only for who changes strategies of this kind.

    :raises Forbidden: naming what is lacking
    """
    if not may_change(request.user, strategy):
        raise Forbidden(kinds.of(strategy.kind).permission)
