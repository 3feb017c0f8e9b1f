"""Ctrl K: one field that leads everywhere a person may go. The text travels in the body, never in an address or a log."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.lib import home, htmx, menu, search
from crm.lib.permissions import signed_in

SHOWN = 5
LONGEST = 60
RECENT = 8
KEPT = 30 * 86_400  # seconds


@signed_in
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Answer with hits in groups; with nothing typed, with what this person opened last and where they may go."""
    text = " ".join(request.POST.get("text", "").split())[:LONGEST]
    user = request.user
    if text:
        groups = [*_places(user, text), *_records(user, text)]
    else:
        groups = [*_recent(user), *_commands(user)]
    context = {"text": text, "groups": [group for group in groups if group["items"]], "may_add": user.has_perm("customers.add_customer")}
    return htmx.render(request, "search/page.html", "search/_hits.html", context)


def _records(user: Any, text: str) -> list[dict[str, Any]]:
    """Return a group per kind; one hit more than is shown is asked for, to know whether to say so."""
    groups = []
    for provider in search.open_to(user):
        user.asked = provider.permission
        hits = provider.find(user, text, SHOWN + 1)
        groups.append(
            {
                "title": provider.title,
                "items": [_item(hit, provider.icon) for hit in hits[:SHOWN]],
                "more": len(hits) > SHOWN,
            }
        )
    return groups


def _item(hit: search.Hit, icon: str) -> dict[str, Any]:
    return {"title": hit.title, "url": hit.url, "under": hit.under, "tone": hit.tone, "label": hit.label, "icon": icon}


def _places(user: Any, text: str) -> list[dict[str, Any]]:
    """Return the menu's entries and the main actions whose name holds `text`, in the reader's language."""
    needle = text.casefold()
    places = [place for place in [*_lines(user), *_actions(user)] if needle in str(place["title"]).casefold()]
    return [{"title": _("Go to"), "items": places[:SHOWN]}]


def _commands(user: Any) -> list[dict[str, Any]]:
    return [{"title": _("Go to"), "items": [*_actions(user), *_lines(user)][: SHOWN + 3]}]


def _lines(user: Any) -> list[dict[str, Any]]:
    return [{"title": line.label, "url": line.url, "icon": line.icon} for group in menu.visible(user, "") for line in group.lines]


def _actions(user: Any) -> list[dict[str, Any]]:
    return [{"title": block.title, "url": reverse(block.url_name), "icon": block.icon} for block in home.open_to(user, home.ACTIONS)]


# --- what was opened last --------------------------------------------------------------------------------------------
def _key(user: Any) -> str:
    return f"search.recent.{user.pk}"


def _recent(user: Any) -> list[dict[str, Any]]:
    """Return the records this person opened last, as far as they may still open them, read again and masked again."""
    opened: list[tuple[str, str]] = cache.get(_key(user), [])
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for provider in search.open_to(user):
        wanted = [public_id for name, public_id in opened if name == provider.name]
        if wanted:
            found |= {(provider.name, hit.public_id): _item(hit, provider.icon) for hit in provider.recall(user, wanted)}
    return [{"title": _("Opened last"), "items": [found[key] for key in map(tuple, opened) if key in found]}]


def remember(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep which records a person opened, by public id: not what they typed, and nothing personal."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        place = request.resolver_match
        if request.method == "GET" and response.status_code == 200 and place and place.url_name and not htmx.wants_part(request):
            names = [provider.name for provider in search.PROVIDERS.values() if provider.url_name == place.url_name]
            if names and request.user.is_authenticated:
                this = (names[0], place.kwargs.get("public_id", ""))
                earlier = [tuple(one) for one in cache.get(_key(request.user), []) if tuple(one) != this]
                cache.set(_key(request.user), [this, *earlier][:RECENT], KEPT)
        return response

    return middleware
