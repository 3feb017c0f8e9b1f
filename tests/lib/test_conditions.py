"""Conditions of a list: what stands in the address comes back the same, what cannot be is dropped, AND and OR mean what they say."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Q
from django.http import QueryDict
from hypothesis import given
from hypothesis.strategies import booleans, frozensets, integers, lists, sampled_from, text, tuples

from crm.lib.conditions import MOST_CONDITIONS, Condition, Field, Filter, parse

TODAY = date(2026, 3, 2)
USER = SimpleNamespace(pk=7)
FIELDS = [
    Field("status", "Status", "status", "choice", [("open", "Open"), ("closed", "Closed")]),
    Field("amount", "Amount", "amount", "money", nullable=True),
    Field("term", "Months", "term", "number"),
    Field("due", "Due", "due_on", "day"),
    Field("made", "Made", "made_at", "moment"),
    Field("owner", "Owner", "owner", "choice", [("me", "me")], of=lambda user, code: user.pk),
]
GOOD = [
    "status.in.open", "status.out.open,closed", "amount.ge.10000.50", "amount.empty", "term.eq.12", "due.from.2026-01-31", "due.past.30",
    "made.to.2026-02-01", "made.older.7", "owner.in.me",
]  # fmt: skip


def asked(query: str) -> Filter:
    return parse(QueryDict(query), FIELDS, USER, TODAY)


def q(query: str) -> Q:
    return asked(query).q(USER, TODAY)


@pytest.mark.parametrize(
    ("text_", "means"),
    [
        ("status.in.open,closed", Q(status__in=["open", "closed"])),
        ("status.out.open", ~Q(status__in=["open"])),
        ("amount.ge.1000.50", Q(amount__gte=Decimal("1000.50"))),
        ("amount.le.1万", Q(amount__lte=Decimal("10000.00"))),
        ("amount.empty", Q(amount__isnull=True)),
        ("amount.set", Q(amount__isnull=False)),
        ("term.eq.12", Q(term=12)),
        ("due.from.2026-01-31", Q(due_on__gte=date(2026, 1, 31))),
        ("due.past.2", Q(due_on__gte=date(2026, 2, 28), due_on__lte=TODAY)),
        ("due.next.0", Q(due_on__gte=TODAY, due_on__lte=TODAY)),
        ("due.older.1", Q(due_on__lte=date(2026, 2, 28))),
        ("owner.in.me", Q(owner__in=[7])),
    ],
)
def test_a_condition_means(text_: str, means: Q) -> None:
    assert q(f"w=1.{text_}") == means


def test_a_moment_is_asked_by_whole_days_of_the_house() -> None:
    found = dict(q("w=1.made.to.2026-02-01").children)  # type: ignore[arg-type]
    assert str(found["made_at__lt"]) == "2026-02-02 00:00:00+08:00"


@pytest.mark.parametrize(
    "bad",
    [
        "status.in.gone", "status.in.", "status.ge.open", "amount.ge.x", "amount.ge.", "amount.empty.1", "term.eq.1.5", "term.eq.-1", "term.empty",
        "due.from.2026-02-30", "due.from.", "due.past.x", "due.past.99999", "due.from.0001-01-01", "name.in.王", "status", "", "amount.ge.1e99", "owner.in.U-1",
    ],
)  # fmt: skip
def test_what_cannot_be_is_dropped_and_counted(bad: str) -> None:
    found = asked(f"w=1.{bad}&w=1.term.ge.6")
    assert (found.dropped, [one.text for one in found.conditions]) == (1, ["1.term.ge.6"])


def test_groups_are_joined_as_said() -> None:
    one, two, three = Q(status__in=["open"]), Q(term__gte=6), Q(amount__isnull=True)
    rows = "w=1.status.in.open&w=1.term.ge.6&w=2.amount.empty"
    assert q(rows) == (one & two) & three
    assert q(rows + "&any=1") == (one | two) & three
    assert q(rows + "&between=or") == (one & two) | three
    assert q(rows + "&any=1&between=or") == (one | two) | three


def test_taking_one_away_counts_the_groups_again() -> None:
    found = asked("w=1.status.in.open&w=2.term.ge.6&w=2.amount.empty&any=2&between=or")
    assert found.params(without=found.conditions[0]) == [("w", "1.term.ge.6"), ("w", "1.amount.empty"), ("any", "1")]


def test_there_is_an_end_to_conditions() -> None:
    found = asked("&".join(["w=1.term.ge.6"] * (MOST_CONDITIONS + 3)))
    assert (len(found.conditions), found.dropped) == (MOST_CONDITIONS, 3)


@given(lists(tuples(integers(1, 5), sampled_from(GOOD)), max_size=8), frozensets(integers(1, 5)), booleans())
def test_an_address_comes_back_the_same(rows: list[tuple[int, str]], any_of: frozenset[int], any_group: bool) -> None:
    known = {field.key: field for field in FIELDS}
    made = [Condition(group, known[text_.split(".")[0]], *([*text_.split(".", 2)[1:], ""][:2])) for group, text_ in rows]
    params = Filter(made, any_of, any_group).params()
    query = QueryDict(mutable=True)
    for name, value in params:
        query.appendlist(name, value)
    back = parse(query, FIELDS, USER, TODAY)
    assert back.dropped == 0 and back.params() == params
    before = sorted(condition.text.split(".", 1)[1] for condition in made)
    assert sorted(condition.text.split(".", 1)[1] for condition in back.conditions) == before


@given(text(max_size=60), text(max_size=20), text(max_size=20))
def test_nothing_in_an_address_breaks_it(row: str, any_: str, between: str) -> None:
    query = QueryDict(mutable=True)
    query.setlist("w", [row, f"1.{row}", f"1.amount.ge.{row}", f"1.due.from.{row}", f"1.term.eq.{row}", f"1.status.in.{row}"])
    query["any"], query["between"] = any_, between
    found: Any = parse(query, FIELDS, USER, TODAY)
    found.q(USER, TODAY)
    for condition in found.conditions:
        assert condition.said(USER)
