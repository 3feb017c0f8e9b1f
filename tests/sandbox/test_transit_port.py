"""The contract of the transit port, held against the real sandbox process over HTTP: it speaks as HashiCorp Vault's transit engine does."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crm.lib.ports import transit
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown, call
from governance import kek


@pytest.fixture
def key_server(
    start_sandbox: Callable[..., tuple[str, Any]], settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """Return the address of a key server whose token we have, with the port pointing at it."""
    monkeypatch.setenv("CRM_TRANSIT_TOKEN", "s.test")
    url, _process = start_sandbox("--state", str(tmp_path / "state"))
    settings.PORTS = settings.PORTS | {"transit": url}
    settings.TRANSIT_TOKEN, settings.TRANSIT_KEY = "s.test", "crm"
    yield url


def rotate(url: str) -> None:
    call("POST", f"{url}/v1/transit/keys/crm/rotate", port="transit", headers={"X-Vault-Token": "s.test"})


def test_what_is_wrapped_opens_again_and_is_not_seen(key_server: str) -> None:
    key = os.urandom(32)
    wrapped = transit.encrypt(key)
    assert wrapped.startswith("vault:v1:")
    assert transit.decrypt(wrapped) == key
    assert transit.newest() == 1


def test_a_new_version_rewraps_and_the_old_still_opens(key_server: str) -> None:
    key = os.urandom(32)
    old = transit.encrypt(key)
    rotate(key_server)
    new = transit.rewrap(old)
    assert new.startswith("vault:v2:")
    assert transit.decrypt(new) == transit.decrypt(old) == key
    assert transit.newest() == 2


def test_the_vault_names_which_key_wrapped(key_server: str) -> None:
    name, wrapped = kek.wrap(b"k" * 32, place="data key C2 v1")
    assert name == kek.newest() == "transit:crm:v1"
    assert kek.unwrap(name, wrapped, place="data key C2 v1") == b"k" * 32
    rotate(key_server)
    name, again = kek.rewrap(name, wrapped, place="data key C2 v1")
    assert name == "transit:crm:v2"
    assert kek.unwrap(name, again, place="data key C2 v1") == b"k" * 32


def test_an_installation_moves_from_its_own_key_to_a_key_server(key_server: str, settings: Any) -> None:
    settings.PORTS = settings.PORTS | {"transit": ""}
    name, wrapped = kek.wrap(b"k" * 32, place="data key C2 v1")
    assert name.startswith("local:v")
    settings.PORTS = settings.PORTS | {"transit": key_server}
    name, moved = kek.rewrap(name, wrapped, place="data key C2 v1")
    assert name == "transit:crm:v1"
    assert kek.unwrap(name, moved, place="data key C2 v1") == b"k" * 32


@pytest.mark.parametrize("wrapped", ["", "vault:v1:", "vault:v1:AAAA", "vault:v9:" + "A" * 64, "vault:v0:" + "A" * 64, "other"])
def test_what_the_key_server_did_not_wrap_is_refused(key_server: str, wrapped: str) -> None:
    transit.encrypt(b"x")
    with pytest.raises(PortRefused):
        transit.decrypt(wrapped)


def test_another_token_is_refused_for_good(key_server: str, settings: Any) -> None:
    settings.TRANSIT_TOKEN = "s.other"
    with pytest.raises(PortRefused) as raised:
        transit.encrypt(b"x")
    assert raised.value.extra["their_status"] == 403


def test_no_address_no_call_and_silence_is_no_answer(settings: Any) -> None:
    settings.PORTS = settings.PORTS | {"transit": ""}
    with pytest.raises(PortOff):
        transit.encrypt(b"x")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.PORTS = settings.PORTS | {"transit": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        with pytest.raises(PortUnknown):
            transit.encrypt(b"x")


def test_keys_outlive_the_process(key_server: str, start_sandbox: Callable[..., tuple[str, Any]], settings: Any, tmp_path: Path) -> None:
    wrapped = transit.encrypt(b"k" * 32)
    again, _process = start_sandbox("--state", str(tmp_path / "state"))
    settings.PORTS = settings.PORTS | {"transit": again}
    assert transit.decrypt(wrapped) == b"k" * 32
    assert (tmp_path / "state.transit").stat().st_mode & 0o077 == 0
