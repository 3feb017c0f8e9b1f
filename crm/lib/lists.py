"""A list declared once: its columns, what may be asked of it, what may be done with many of its rows.

The table, the chooser of columns, the builder of conditions, the export and the bulk actions all read this declaration.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from crm.lib import conditions, pages
from crm.lib.conditions import Field, Filter
from crm.lib.registry import Registry

__all__ = ["LISTS", "Action", "Column", "Field", "List", "Person", "State", "action", "declare", "read"]


@dataclass(frozen=True)
class Column:
    """One column. `cell(row)` is what the table shows, `text(row)` what an export holds: masked, both.

    `facts` are shown on a phone's card; `shown` is False for what a person must choose; `sort` is the field sorted by.
    `personal` names the columns of the list's person it reads, masked or not: an export of them states a purpose.
    """

    key: str
    label: Any
    cell: Callable[[Any], Any]
    text: Callable[[Any], Any]
    sort: str = ""
    kind: str = ""
    phone: bool = False
    shown: bool = True
    personal: tuple[str, ...] = ()


@dataclass(frozen=True)
class Action:
    """Something done with many rows, one after another, in the background.

    `run(row, *, actor, at, **values)` is a door: what it refuses is a line of the job's report. `form(user)` asks for what is needed.
    """

    name: str
    label: Any
    permission: str
    run: Callable[..., Any]
    form: Callable[[Any], Any] | None = None
    icon: str = "play"
    most: int = 5_000


@dataclass(frozen=True)
class Person:
    """Whose personal columns a list reads, for which purpose its page does, and the way from a row to the person."""

    model: Any
    of: Callable[[Any], Any]
    purpose: str


@dataclass
class List:
    """A list: `rows(user)` are those one may see, joined as its row shows them; `prepare(rows, at)` adds what no query can."""

    name: str
    title: Any
    permission: str
    export_permission: str
    url_name: str
    rows: Callable[[Any], QuerySet[Any]]
    columns: Sequence[Column]
    fields: Sequence[Field]
    default_sort: str
    filters: Any = None
    more_sorts: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[list[Any], datetime], None] | None = None
    actions: dict[str, Action] = field(default_factory=dict)
    person: Person | None = None

    @property
    def sorts(self) -> dict[str, str]:
        return {column.key: column.sort for column in self.columns if column.sort} | dict(self.more_sorts)

    def chosen(self, params: QueryDict) -> list[Column]:
        """Return the columns an address asks for, in its order; the first stays, an unknown one is nobody's."""
        known = {column.key: column for column in self.columns}
        first = self.columns[0]
        keys = dict.fromkeys(key for key in params.get("cols", "").split(",") if key in known and key != first.key)
        return [first, *(known[key] for key in keys)] if keys else [column for column in self.columns if column.shown]

    def open_actions(self, user: Any) -> list[Action]:
        return [each for each in self.actions.values() if user.has_perm(each.permission)]

    def narrowed(self, params: QueryDict, request: Any, today: date) -> QuerySet[Any]:
        """Return the rows of an address: scope, quick filters, conditions."""
        user: Any = request.user
        rows = self.rows(user)
        if self.filters is not None:
            chosen = self.filters(params, queryset=rows, request=request)
            rows = chosen.qs if chosen.form.is_valid() else rows
        asked = conditions.parse(params, self.fields, user, today)
        return rows.filter(asked.q(user, today)) if asked else rows


LISTS: Registry[List] = Registry("list")


def declare(one: List) -> List:
    LISTS.register(one.name, one)
    return one


def action(
    list_name: str,
    name: str,
    *,
    label: Any,
    permission: str,
    run: Callable[..., Any],
    form: Callable[[Any], Any] | None = None,
    icon: str = "play",
    most: int = 5_000,
) -> None:
    """Offer a bulk action on a declared list; the app that knows the door registers it.

    :param form: called with the user, returns the form whose cleaned values are given to `run`
    """
    actions = LISTS[list_name].actions
    if name in actions and actions[name].run is not run:
        raise ValueError(f"bulk action {name!r} of {list_name} is registered twice")
    actions[name] = Action(name, label, permission, run, form, icon, most)


@dataclass
class State:
    """What a list page knows beside its rows."""

    spec: List
    columns: list[Column]
    where: Filter
    actions: list[Action]
    query: str
    views: Sequence[Any] = ()
    view: Any = None
    edited: bool = False
    has_default: bool = False
    tabs: Sequence[Any] = ()
    may_export: bool = False
    may_share: bool = False

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the quick filters carry along when they are changed: conditions, columns, the view one started from."""
        names = {*conditions.NAMES, "cols"}
        found = [(name, value) for name, values in QueryDict(self.query).lists() if name in names for value in values]
        return found + ([("view", self.view.public_id)] if self.view else [])


PASSING = ("after", "before", "view")  # where one is, not what one asked for


def canonical(one: List, params: QueryDict, user: Any, today: date) -> str:
    """Return what an address asks for in a form that can be kept and compared: no cursor, nothing empty, nothing unknown."""
    clean = QueryDict(mutable=True)
    names = list(one.filters.base_filters) if one.filters is not None else []
    for name in sorted(key for key in params if key in names or any(key.startswith(f"{each}_") for each in names)):
        if params.get(name):
            clean[name] = params.get(name, "")
    for name, value in conditions.parse(params, one.fields, user, today).params():
        clean.appendlist(name, value)
    chosen = [column.key for column in one.chosen(params)]
    if params.get("cols") and chosen != [column.key for column in one.columns if column.shown]:
        clean["cols"] = ",".join(chosen)
    sort = params.get("sort", "")
    if sort.lstrip("-") in one.sorts and sort != one.default_sort:
        clean["sort"] = sort
    return clean.urlencode()


def read(request: HttpRequest, one: List, params: QueryDict, *, at: datetime, today: date) -> pages.Page:
    """Read one page of a declared list as `params` ask for it."""
    user: Any = request.user
    asked = conditions.parse(params, one.fields, user, today)
    rows = one.rows(user)
    if asked:
        rows = rows.filter(asked.q(user, today))
    page = pages.read(request, rows, sorts=one.sorts, default_sort=one.default_sort, filters=one.filters, params=params)
    state = State(one, one.chosen(params), asked, one.open_actions(user), canonical(one, params, user, today))
    state.may_export = bool(one.export_permission) and user.has_perm(one.export_permission)
    page.state = state
    page.chips += _chips(request, asked, params)
    if one.prepare is not None:
        one.prepare(page.rows, at)
    return page


def _chips(request: HttpRequest, asked: Filter, params: QueryDict) -> list[pages.Chip]:
    found = []
    for condition in asked.conditions:
        kept = params.copy()
        for name in (*conditions.NAMES, "after", "before"):
            kept.pop(name, None)
        for name, value in asked.params(without=condition):
            kept.appendlist(name, value)
        address = kept.urlencode()
        found.append(pages.Chip(condition.field.label, condition.said(request.user), f"{request.path}?{address or 'view=none'}"))
    return found
