"""Ids and words asked for by the thousand: what the database reads is what was given, whatever stands in it."""

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.lib.among import among, among_words
from governance.models import Team

pytestmark = pytest.mark.django_db
NAMES = ("North", "south", "东部", 'so "called"', "back\\slash", "a,b", "{c}", "NULL", " spaced ", "it's", "tab\tline\n", "😀")


def read(array: Any) -> list[Any]:
    """Return what the database makes of an array."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{array.kind}", [array.text])
        found: list[Any] = cursor.fetchone()[0]
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_any_words_are_read_as_they_were_given(words: list[str]) -> None:
    assert read(among_words(words)) == words


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_any_ids_are_read_as_they_were_given(ids: list[int]) -> None:
    assert read(among(ids)) == ids


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param((), id="none"),
        pytest.param(("North",), id="one"),
        pytest.param(("North", "North", "south"), id="one twice"),
        pytest.param(("nobody",), id="one that is not there"),
        pytest.param(("NORTH",), id="capitals count"),
        pytest.param(("NULL", ""), id="a word that is the database's own"),
        pytest.param(NAMES, id="all, with quotes, signs and scripts"),
        pytest.param(tuple(f"word {n}" for n in range(5_000)) + ("东部",), id="thousands"),
    ],
)
def test_it_finds_what_a_list_of_words_finds(cast: Any, asked: tuple[str, ...], django_assert_num_queries: Any) -> None:
    Team.objects.bulk_create(
        Team(name_en=name, name_zh=name, code=f"T{n}", kind=cast.east.kind, legal_entity=cast.entity, parent=cast.east)
        for n, name in enumerate(NAMES)
    )
    with django_assert_num_queries(1):
        found = set(Team.objects.filter(code__startswith="T", name_en__among=among_words(asked)).values_list("name_en", flat=True))
    assert found == set(NAMES) & set(asked)
    rest = set(Team.objects.filter(code__startswith="T").exclude(name_en__among=among_words(asked)).values_list("name_en", flat=True))
    assert rest & set(NAMES) == set(NAMES) - set(asked)


def test_a_word_is_only_ever_a_value(cast: Any) -> None:
    assert not Team.objects.filter(name_en__among=among_words(["'} OR true --", '","', "\\"])).exists()


def test_what_is_no_number_is_no_id() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        among(["1; DROP TABLE x"])  # type: ignore[list-item]
