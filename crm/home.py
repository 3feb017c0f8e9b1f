"""The home page: what is next, why, and until when; below it figures, each opening its list."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from crm.lib import home, htmx, menu
from crm.lib.permissions import signed_in
from governance.uses import UnlawfulUse

menu.entry(group="work", order=0, label=_("Home"), url_name="home", permission="", icon="home", key="h")


def queue(block: home.Block, user: Any, at: datetime) -> dict[str, Any]:
    """Return one queue. Where its people may not be read for their purpose it says so in its place; the rest of the page stands."""
    items, instead = [], block.empty
    try:
        items = home.ask(block, user, at)
    except UnlawfulUse as refusal:
        refusal.remember()
        instead = refusal.message
    return {
        "name": block.name,
        "title": block.title,
        "items": items,
        "empty": instead,
        "url": reverse(block.url_name) if block.url_name else "",
        "only_full": block.only_full,
    }


@signed_in
def page(request: HttpRequest) -> HttpResponse:
    """Compose what the apps offer to this person."""
    user, at = request.user, now()
    queues = [queue(block, user, at) for block in home.open_to(user, home.QUEUES)]
    queues = [queue for queue in queues if queue["items"] or not queue["only_full"]]
    figures = [{"label": block.title} | home.ask(block, user, at) for block in home.open_to(user, home.TILES)[: home.FIGURES]]
    actions = [
        {"label": block.title, "url": reverse(block.url_name), "icon": block.icon, "key": block.key}
        for block in home.open_to(user, home.ACTIONS)
    ]
    panels = [{"name": block.url_name, "title": block.title, "url": reverse(block.url_name)} for block in home.open_to(user, home.PANELS)]
    context = {"queues": queues, "panels": panels, "figures": figures, "action": actions[0] if actions else None}
    return htmx.render(request, "home/page.html", "home/page.html", context)
