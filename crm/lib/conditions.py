"""Conditions of a list: field, operator, value; groups joined by AND or OR, two levels deep; kept in the address.

`w=1.amount.ge.10000` is a condition of group 1, `any=1` says that one of group 1 is enough, `between=or` that one group is enough.
Only declared fields may be asked for, and none of them identifies a person: the address is written into logs and histories.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.lib import money

MOST_GROUPS = 5
MOST_CONDITIONS = 20
LONGEST_VALUE = 200
ME = "me"
NAMES = ("w", "any", "between")

Choices = Sequence[tuple[str, Any]] | Callable[[Any], Sequence[tuple[str, Any]]]

OPERATORS: dict[str, Any] = {
    "in": _("is one of"),
    "out": _("is none of"),
    "ge": _("is at least"),
    "le": _("is at most"),
    "eq": _("is exactly"),
    "from": _("is on or after"),
    "to": _("is on or before"),
    "past": _("is in the last days"),
    "next": _("is in the next days"),
    "older": _("is more days ago than"),
    "set": _("is recorded"),
    "empty": _("is not recorded"),
}
BY_KIND = {
    "choice": ("in", "out"),
    "money": ("ge", "le", "eq"),
    "number": ("ge", "le", "eq"),
    "day": ("from", "to", "past", "next", "older"),
    "moment": ("from", "to", "past", "older"),
}
WITHOUT_VALUE = ("set", "empty")
IN_DAYS = ("past", "next", "older")


@dataclass(frozen=True)
class Field:
    """What may be asked of a list: `path` is the look-up, `kind` one of choice, money, number, day, moment.

    `of` turns a choice's code into the value of the look-up (a public id into a key, `me` into the reader).
    """

    key: str
    label: Any
    path: str
    kind: str
    choices: Choices = ()
    nullable: bool = False
    of: Callable[[Any, str], Any] | None = None
    lookup: str = "in"

    @property
    def operators(self) -> list[tuple[str, Any]]:
        names = (*BY_KIND[self.kind], *(WITHOUT_VALUE if self.nullable else ()))
        return [(name, OPERATORS[name]) for name in names]

    def options(self, user: Any) -> list[tuple[str, Any]]:
        return list(self.choices(user) if callable(self.choices) else self.choices)


@dataclass(frozen=True)
class Condition:
    group: int
    field: Field
    op: str
    value: str = ""

    @property
    def text(self) -> str:
        """The condition as it stands in the address."""
        return f"{self.group}.{self.field.key}.{self.op}" + (f".{self.value}" if self.value else "")

    def said(self, user: Any) -> str:
        """Operator and value as a person reads them."""
        words = str(OPERATORS[self.op])
        if self.op in WITHOUT_VALUE:
            return words
        if self.op in IN_DAYS:
            n = int(self.value)
            sentences = {
                "past": ngettext("in the last %(n)s day", "in the last %(n)s days", n),
                "next": ngettext("in the next %(n)s day", "in the next %(n)s days", n),
                "older": ngettext("more than %(n)s day ago", "more than %(n)s days ago", n),
            }
            return sentences[self.op] % {"n": n}
        if self.field.kind == "choice":
            labels = dict(self.field.options(user))
            shown = ", ".join(str(labels.get(code, code)) for code in self.value.split(","))
        elif self.field.kind == "money":
            shown = f"{money.parse(self.value):,.2f}"
        else:
            shown = self.value
        return f"{words} {shown}"

    def q(self, user: Any, today: date) -> Q:
        """Return the condition for the database.

        :raises ValueError: if the value cannot be one of this field
        """
        path, op = self.field.path, self.op
        if op in WITHOUT_VALUE:
            return Q(**{f"{path}__isnull": op == "empty"})
        if self.field.kind == "choice":
            return self._chosen(user)
        if op in ("ge", "le", "eq"):
            number: Any = money.parse(self.value) if self.field.kind == "money" else _whole(self.value)
            return Q(**{path if op == "eq" else f"{path}__{op[0]}te": number})
        first, last = self._days(today)
        if self.field.kind == "moment":
            bounds = [(f"{path}__gte", first and _midnight(first)), (f"{path}__lt", last and _midnight(last + timedelta(days=1)))]
        else:
            bounds = [(f"{path}__gte", first), (f"{path}__lte", last)]
        return Q(**{name: bound for name, bound in bounds if bound})

    def _chosen(self, user: Any) -> Q:
        known = {code for code, _label in self.field.options(user)}
        codes = self.value.split(",")
        if not set(codes) <= known:
            raise ValueError(self.value)
        values = [self.field.of(user, code) if self.field.of else code for code in codes]
        if self.field.lookup == "in":
            match = Q(**{f"{self.field.path}__in": values})
        else:
            match = Q()
            for value in values:
                match |= Q(**{f"{self.field.path}__{self.field.lookup}": value})
        return ~match if self.op == "out" else match

    def _days(self, today: date) -> tuple[date | None, date | None]:
        if self.op in IN_DAYS:
            days = timedelta(days=_whole(self.value, most=36_500))
            return {"past": (today - days, today), "next": (today, today + days), "older": (None, today - days - timedelta(days=1))}[
                self.op
            ]
        day = date.fromisoformat(self.value)
        if not 1900 <= day.year <= 2200:
            raise ValueError(self.value)
        return (day, None) if self.op == "from" else (None, day)


def _whole(text: str, most: int = 2**31 - 1) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > most:
        raise ValueError(text)
    return int(text)


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


@dataclass
class Filter:
    """Conditions in groups; `any_of` names the groups of which one condition is enough."""

    conditions: list[Condition] = field(default_factory=list)
    any_of: frozenset[int] = frozenset()
    any_group: bool = False
    dropped: int = 0

    def __bool__(self) -> bool:
        return bool(self.conditions)

    @property
    def groups(self) -> list[tuple[int, list[Condition]]]:
        numbers = sorted({condition.group for condition in self.conditions})
        return [(number, [one for one in self.conditions if one.group == number]) for number in numbers]

    def q(self, user: Any, today: date) -> Q:
        whole = Q()
        for number, conditions in self.groups:
            part = Q()
            for condition in conditions:
                one = condition.q(user, today)
                part = part | one if number in self.any_of else part & one
            whole = whole | part if self.any_group else whole & part
        return whole

    def params(self, *, without: Condition | None = None) -> list[tuple[str, str]]:
        """Return what stands in the address, in a canonical order, groups counted from 1."""
        kept = [condition for condition in self.conditions if condition is not without]
        place = {number: n for n, number in enumerate(sorted({one.group for one in kept}), start=1)}
        found = [("w", Condition(place[one.group], one.field, one.op, one.value).text) for one in sorted(kept, key=lambda one: one.group)]
        if alternatives := [str(place[number]) for number in sorted(self.any_of) if number in place]:
            found.append(("any", ",".join(alternatives)))
        if self.any_group and len(place) > 1:
            found.append(("between", "or"))
        return found


def parse(params: QueryDict, fields: Sequence[Field], user: Any, today: date) -> Filter:
    """Read the conditions of an address; one that is unknown or cannot be is dropped and counted, never guessed at."""
    known = {each.key: each for each in fields}
    found = Filter(any_group=params.get("between") == "or")
    found.any_of = frozenset(int(text) for text in params.get("any", "").split(",") if re.fullmatch(r"[1-9]", text))
    for text in params.getlist("w"):
        group, key, op, value = [*text.split(".", 3), "", "", ""][:4]
        asked = known.get(key)
        one = Condition(int(group), asked, op, value) if asked and re.fullmatch(r"[1-9]", group) else None
        if one is None or not fits(one, user, today) or len(found.conditions) >= MOST_CONDITIONS or int(group) > MOST_GROUPS:
            found.dropped += 1
        else:
            found.conditions.append(one)
    return found


def fits(condition: Condition, user: Any, today: date) -> bool:
    """Return whether operator and value belong to the field."""
    if condition.op not in dict(condition.field.operators) or len(condition.value) > LONGEST_VALUE:
        return False
    if condition.op in WITHOUT_VALUE and condition.value:
        return False
    try:
        condition.q(user, today)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        return False
    return True
