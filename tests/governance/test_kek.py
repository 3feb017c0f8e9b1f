"""The key that wraps: from the environment or a file; a data key opens under its own name and version only."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from governance import kek

KEY_1, KEY_2 = "v1:" + "A" * 43 + "=", "v2:" + "B" * 42 + "A="
PLACE = "data key C2 v1"


@pytest.fixture
def keys_from(settings: Any) -> Iterator[Callable[[str], None]]:
    """Return a function that sets the master keys for one test."""

    def use(text: str) -> None:
        settings.VAULT_KEYS = text
        kek.forget()

    settings.PORTS = settings.PORTS | {"transit": ""}
    yield use
    kek.forget()


def test_the_newest_wraps_and_the_older_still_opens(keys_from: Callable[[str], None]) -> None:
    keys_from(KEY_1)
    name, wrapped = kek.wrap(b"k" * 32, place=PLACE)
    assert name == kek.newest() == "local:v1"
    assert b"k" * 8 not in wrapped
    keys_from(f"{KEY_2},{KEY_1}")
    assert kek.unwrap(name, wrapped, place=PLACE) == b"k" * 32
    name, again = kek.rewrap(name, wrapped, place=PLACE)
    assert name == "local:v2"
    keys_from(KEY_2)
    assert kek.unwrap(name, again, place=PLACE) == b"k" * 32


def test_a_missing_master_key_is_said(keys_from: Callable[[str], None]) -> None:
    keys_from(f"{KEY_1},{KEY_2}")
    name, wrapped = kek.wrap(b"k" * 32, place=PLACE)
    keys_from(KEY_1)
    with pytest.raises(kek.CannotUnwrap, match=r"data key C2 v1 is wrapped by the master key version 2, which is missing"):
        kek.unwrap(name, wrapped, place=PLACE)


def test_another_key_under_the_same_version_and_a_swapped_row_do_not_open(keys_from: Callable[[str], None]) -> None:
    keys_from(KEY_1)
    name, wrapped = kek.wrap(b"k" * 32, place=PLACE)
    with pytest.raises(kek.CannotUnwrap):
        kek.unwrap(name, wrapped, place="data key C3 v1")
    keys_from("v1:" + "C" * 42 + "A=")
    with pytest.raises(kek.CannotUnwrap, match="another one"):
        kek.unwrap(name, wrapped, place=PLACE)


@pytest.mark.parametrize("text", ["", ",", "v1:", "v1:AAAA", "1:" + "A" * 44, "v0:" + "A" * 43 + "=", "v256:" + "A" * 43 + "=", "key"])
def test_keys_that_are_none_are_refused_at_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        kek.parse_keys(text)


def test_a_key_file_is_read_like_the_environment(settings: Any, tmp_path: Any, keys_from: Callable[[str], None]) -> None:
    (tmp_path / "vault.key").write_text(f"{KEY_1}\n{KEY_2}\n")
    settings.VAULT_FILE = str(tmp_path / "vault.key")
    keys_from("")
    assert sorted(kek.masters()) == [1, 2]
