"""Lists: keyset paging with a stable order, a whitelist of sorts, capped counts, filters with chips."""

import base64
import binascii
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest, QueryDict

from crm.lib.forms import dress

PER_PAGE = 50
CAP = 1000


@dataclass(frozen=True)
class Chip:
    """One filter in force, with the address of the same list without it."""

    label: Any
    value: Any
    without: str


@dataclass
class Page:
    """What a list template needs; `sort` is `key` or `-key`."""

    rows: list[Any]
    count: int
    capped: bool
    sort: str
    sorts: Mapping[str, str]
    next: str = ""
    prev: str = ""
    first: str = ""
    query: str = ""
    chips: list[Chip] = field(default_factory=list)
    clear: str = ""
    form: Any = None
    state: Any = None  # crm.lib.lists.State, where the list is a declared one

    @property
    def count_label(self) -> str:
        """The count as it is shown: `7`, `1,000+`."""
        return f"{self.count:,}" + ("+" if self.capped else "")

    @property
    def sort_key(self) -> str:
        return self.sort.lstrip("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def filtered(self) -> bool:
        return bool(self.chips)


def capped(queryset: QuerySet[Any], cap: int = CAP) -> tuple[int, bool]:
    """Return the number of rows up to `cap`, and whether there are more; costs at most `cap` + 1 rows."""
    found = queryset.order_by()[: cap + 1].count()
    return min(found, cap), found > cap


def count_label(queryset: QuerySet[Any], cap: int = CAP) -> str:
    """Return the capped count as text: `12`, `1,000+`."""
    return _label(*capped(queryset, cap))


def count_labels(querysets: Sequence[QuerySet[Any]], cap: int = CAP) -> list[str]:
    """Return the capped counts of many sets of rows, in their order; one statement for all, as a row of tabs needs them."""
    counted: dict[int, str] = {}
    bound: list[Any] = []
    for number, queryset in enumerate(querysets):
        # a set that Django knows to be empty asks nothing
        with contextlib.suppress(EmptyResultSet):
            sql, params = queryset.order_by().values("pk")[: cap + 1].query.sql_with_params()
            counted[number] = f"(SELECT count(*) FROM ({sql}) AS counted)"  # noqa: S608  Django wrote the statement
            bound += params
    found = dict.fromkeys(range(len(querysets)), 0)
    if counted:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(counted.values())}", bound)
            found |= dict(zip(counted, cursor.fetchone() or (), strict=True))
    return [_label(min(number, cap), number > cap) for number in found.values()]


def _label(number: int, more: bool) -> str:
    return f"{number:,}" + ("+" if more else "")


def read(
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    sorts: Mapping[str, str],
    default_sort: str = "-id",
    per_page: int = PER_PAGE,
    filters: Any = None,
    params: QueryDict | None = None,
) -> Page:
    """Read one page of `queryset`.

    :param sorts: what may be sorted by: the name in the address → the field; anything else in `?sort=` is ignored
    :param default_sort: a name of `sorts` or a field, with `-` for most first
    :param filters: a `django_filters.FilterSet` class; its filters in force become chips
    :param params: what is asked for, where that is not just the address (a saved view)
    """
    params = (request.GET if params is None else params).copy()
    chips: list[Chip] = []
    form = None
    if filters is not None:
        chosen = filters(params, queryset=queryset, request=request)
        form = chosen.form
        dress(form)
        if form.is_valid():
            queryset = chosen.qs
            chips = _chips(request, form, params)
    sort = params.get("sort", "")
    if sort.lstrip("-") not in sorts:
        sort = default_sort
    name = sorts.get(sort.lstrip("-"), sort.lstrip("-"))
    down = sort.startswith("-")

    count, more = capped(queryset)
    rows, newer, older = _window(queryset, name, down, params, per_page)
    page = Page(rows=rows, count=count, capped=more, sort=sort, sorts=sorts, chips=chips, form=form)
    page.query = _address(params, after=None, before=None)
    page.first = page.query
    page.next = _address(params, before=None, after=_token(rows[-1], name)) if rows and older else ""
    page.prev = _address(params, after=None, before=_token(rows[0], name)) if rows and newer else ""
    page.clear = request.path
    return page


def _window(queryset: QuerySet[Any], name: str, down: bool, params: QueryDict, per_page: int) -> tuple[list[Any], bool, bool]:
    """Return the rows of the page and whether there is something before and after it."""
    after, before = _read_token(queryset, name, params.get("after")), _read_token(queryset, name, params.get("before"))
    field_ = F(name)
    pk = "pk" if name != "pk" else None
    # Where nothing is null, nothing is said of nulls: an index in the column's plain order would not be used for `DESC NULLS LAST`.
    first, last = ({"nulls_first": True}, {"nulls_last": True}) if _may_be_null(queryset, name) else ({}, {})
    if before and not after:
        order = [field_.asc(**first) if down else field_.desc(**first)]
        order += [F("pk").asc() if down else F("pk").desc()] if pk else []
        rows = list(queryset.filter(_beyond(name, before, up=down, nulls_ahead=False, nulls=bool(first))).order_by(*order)[: per_page + 1])
        more = len(rows) > per_page
        return rows[:per_page][::-1], more, True
    order = [field_.desc(**last) if down else field_.asc(**last)]
    order += [F("pk").desc() if down else F("pk").asc()] if pk else []
    if after:
        queryset = queryset.filter(_beyond(name, after, up=not down, nulls_ahead=True, nulls=bool(last)))
    rows = list(queryset.order_by(*order)[: per_page + 1])
    return rows[:per_page], after is not None, len(rows) > per_page


def _may_be_null(queryset: QuerySet[Any], name: str) -> bool:
    """Return whether a row may lack the value it is sorted by; of what is computed nobody knows."""
    if name in queryset.query.annotations:
        return True
    model: Any = queryset.model
    for step in name.split("__"):
        found = model._meta.pk if step == "pk" else model._meta.get_field(step)
        if found.null:
            return True
        model = found.related_model or model
    return False


def _beyond(name: str, mark: tuple[Any, Any], *, up: bool, nulls_ahead: bool, nulls: bool) -> Q:
    """The rows past `mark` = (value, pk), walking up or down; rows without a value stand last in the list."""
    value, pk = mark
    side = "gt" if up else "lt"
    if value is None:
        here = Q(**{f"{name}__isnull": True, f"pk__{side}": pk})
        return here if nulls_ahead else here | Q(**{f"{name}__isnull": False})
    past = Q(**{f"{name}__{side}": value}) | Q(**{name: value, f"pk__{side}": pk})
    if not nulls:
        return Q(**{f"{name}__{side}e": value}) & past  # the plain bound is what an index can begin at
    return past | Q(**{f"{name}__isnull": True}) if nulls_ahead else past


def _value(row: Any, name: str) -> Any:
    for step in name.split("__"):
        row = row[step] if isinstance(row, dict) else getattr(row, step, None)
    return row.pk if isinstance(row, Model) else row


def _token(row: Any, name: str) -> str:
    value = _value(row, name)
    pk = row["pk"] if isinstance(row, dict) else row.pk
    text = json.dumps([None if value is None else _text(value), pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read_token(queryset: QuerySet[Any], name: str, token: str | None) -> tuple[Any, Any] | None:
    """Open a cursor; one that was tampered with is as good as none."""
    if not token:
        return None
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        pk = queryset.model._meta.pk.to_python(pk)
        if value is not None:
            value = _column(queryset, name).to_python(value)
    except (ValueError, TypeError, binascii.Error, ValidationError, OverflowError, RecursionError):
        return None
    if isinstance(value, str) and "\0" in value:
        return None
    return (value, pk) if isinstance(pk, int) and abs(pk) < 2**63 else None


def _column(queryset: QuerySet[Any], name: str) -> Any:
    if name in queryset.query.annotations:
        return queryset.query.annotations[name].output_field
    model = queryset.model
    found = None
    for step in name.split("__"):
        found = model._meta.pk if step == "pk" else model._meta.get_field(step)
        model = getattr(found, "related_model", None) or model
    return found


def _address(params: QueryDict, **changes: str | None) -> str:
    """Return `?…` for the current query with `changes`; None takes a name away."""
    copy = params.copy()
    for name, value in changes.items():
        if value is None:
            copy.pop(name, None)
        else:
            copy[name] = value
    for name in [name for name in copy if not any(copy.getlist(name))]:
        del copy[name]
    return "?" + copy.urlencode()


def _chips(request: HttpRequest, form: Any, params: QueryDict) -> list[Chip]:
    chips = []
    for name, value in form.cleaned_data.items():
        if value in (None, "", [], ()) or (hasattr(value, "exists") and not value):
            continue
        field_ = form.fields[name]
        names: Sequence[str] = [name] if name in params else [key for key in params if key.startswith(f"{name}_")]
        without = _address(params, after=None, before=None, **dict.fromkeys(names))
        chips.append(Chip(field_.label, _said(field_, value), request.path + (without if without != "?" else "")))
    return chips


def _said(field_: Any, value: Any) -> Any:
    """Return a filter's value as a person reads it."""
    choices = dict(_flat(getattr(field_, "choices", ())))
    if isinstance(value, list | tuple | QuerySet):
        return ", ".join(str(choices.get(str(item), item)) for item in value)
    if isinstance(value, slice):
        return f"{value.start or '…'} – {value.stop or '…'}"
    if isinstance(value, Model):
        return str(value)
    return choices.get(str(value), value)


def _flat(choices: Any) -> list[tuple[str, Any]]:
    flat = []
    for key, label in choices:
        if isinstance(label, list | tuple):
            flat += [(str(inner), text) for inner, text in label]
        else:
            flat.append((str(key), label))
    return flat
