"""A declared list as a page, with the person's views of it; apps above call `read` and render `lists/…`."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.timezone import localdate

from crm.lib import lists, pages
from crm.lib.lists import LISTS, List
from crm.lib.permissions import Forbidden
from governance import permissions, saved_views, uses
from governance.models import SavedView

NONE = "none"


def read(request: HttpRequest, spec: List, *, at: datetime) -> pages.Page:
    """Read the page of a list: what the address asks for, else the view it names, else what the list opens with.

    Its persons are bound to the purpose the list declares: the page reads that purpose's columns and no others.
    """
    user: Any = request.user
    today = localdate(at)
    views = saved_views.of_list(spec.name, user)
    default = saved_views.default_of(views, user)
    params, view = resolve(request, spec, views, default)
    page = lists.read(request, spec, params, at=at, today=today)
    if spec.person is not None:
        uses.bind([spec.person.of(row) for row in page.rows], spec.person.purpose, actor=user, at=at)
    state = page.state
    state.views, state.view, state.has_default = views, view, default is not None
    state.edited = view is not None and lists.canonical(spec, QueryDict(view.query), user, today) != state.query
    state.may_share = user.has_perm(permissions.SHARE_VIEW)
    page.clear = f"{request.path}?view={NONE}" if default else request.path
    if params is not request.GET:  # every link of the page says in full what it shows
        page.first = page.query
    pinned = [one for one in views if one.pinned][: saved_views.TABS]
    counts = pages.count_labels([spec.narrowed(QueryDict(one.query), request, today) for one in pinned])
    state.tabs = [
        {
            "url": f"?view={one.public_id}",
            "label": one.name,
            "count": count,
            "current": view is not None and one.pk == view.pk,
            "shared": one.team_id is not None,
        }
        for one, count in zip(pinned, counts, strict=True)
    ]
    return page


def resolve(request: HttpRequest, spec: List, views: list[SavedView], default: SavedView | None) -> tuple[QueryDict, SavedView | None]:
    """Return what is asked for, and the view it came from."""
    asked = request.GET
    name = asked.get("view", "")
    if name == NONE:
        plain = asked.copy()
        return plain, None
    view = next((one for one in views if one.public_id == name), None)
    own = {key for key in asked if asked.get(key)} - set(lists.PASSING)
    if own:
        return asked, view
    view = view or (default if not name else None)
    if view is None:
        return asked, None
    params = QueryDict(view.query, mutable=True)
    for key in ("after", "before"):
        if asked.get(key):
            params[key] = asked[key]
    params["view"] = view.public_id
    return params, view


def named(request: HttpRequest, name: str) -> List | None:
    """Return the declared list an address names.

    :raises Forbidden: if the person may not see it
    """
    spec = LISTS.get(name)
    if spec is not None and not request.user.has_perm(spec.permission):  # type: ignore[union-attr]
        raise Forbidden(spec.permission)
    return spec


def address(spec: List, query: str = "") -> str:
    """Return the address of a list that asks for `query`."""
    return reverse(spec.url_name) + (f"?{query}" if query else "")
