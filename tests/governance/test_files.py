"""Files at rest: what comes in by its first bytes, sealed where it lies, the same in a folder and in an object store."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.ports import storage as port
from crm.lib.ports.http import PortRefused, PortUnknown
from customers import documents
from governance import files, vault
from tests.fixtures.cast import NOON
from tests.fixtures.papers import HEIC, JPEG, PNG, pdf
from tests.sandbox.conftest import start_sandbox  # noqa: F401  the process of another folder's fixture

pytestmark = pytest.mark.django_db
LABEL = "test.paper.content"


@pytest.fixture(params=["folder", "store"])
def place(request: Any, storage: Path, start_sandbox: Any, settings: Any) -> Iterator[str]:  # noqa: F811
    """Keep files in a folder of this test, then in the sandbox's object store: one contract for both."""
    if request.param == "store":
        url, _process = start_sandbox()
        settings.PORTS = settings.PORTS | {"storage": f"{url}/objects"}
    yield request.param


@pytest.mark.parametrize(
    ("content", "found"),
    [(pdf("x"), files.PDF), (JPEG, files.JPEG), (PNG, files.PNG), (HEIC, files.HEIC)],
    ids=["pdf", "jpeg", "png", "heic"],
)
def test_the_first_bytes_tell_the_type(content: bytes, found: str) -> None:
    assert files.checked(content) == found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF",
        b"MZ\x90\x00" + b"\x00" * 60,
        b"<html>" + b" " * 60,
        b"\x00\x00\x00\x18ftypisom" + b"\x00" * 40,
        b" %PDF-1.7" + b" " * 60,
    ],
    ids=["empty", "short", "program", "page", "film", "shifted"],
)
def test_anything_else_stays_outside(content: bytes) -> None:
    with pytest.raises(files.NotThisFile) as refusal:
        files.checked(content)
    assert "file" in refusal.value.fields


def test_the_largest_size_is_kept_to_the_byte() -> None:
    assert files.checked(pdf() + b"x" * (100 - len(pdf()) % 100), largest=1000) == files.PDF
    with pytest.raises(files.NotThisFile):
        files.checked(b"%PDF-" + b"x" * 996, largest=1000)
    assert files.checked(b"%PDF-" + b"x" * 995, largest=1000) == files.PDF


def test_what_is_kept_comes_back_and_lies_sealed(place: str, storage: Path) -> None:
    content = pdf("a secret income")
    stored = files.keep(content, label=LABEL)
    assert files.read(storage_key=stored.storage_key, seal_key=stored.seal_key, sha256=stored.sha256, label=LABEL) == content
    assert b"secret" not in port.get(stored.storage_key)
    if place == "folder":
        lies = storage / stored.storage_key
        assert lies.stat().st_mode & 0o077 == 0
    files.discard(stored)
    files.discard(stored)
    with pytest.raises(port.NotKept):
        port.get(stored.storage_key)


def test_bytes_that_were_altered_or_moved_do_not_open(place: str) -> None:
    one, two = files.keep(pdf("one"), label=LABEL), files.keep(pdf("two"), label=LABEL)
    same = {"seal_key": one.seal_key, "sha256": one.sha256, "label": LABEL}
    with pytest.raises(vault.CannotOpen):
        files.read(storage_key=two.storage_key, **same)
    with pytest.raises(vault.CannotOpen):
        files.read(storage_key=one.storage_key, **same | {"label": "another.place"})
    with pytest.raises(files.FileAltered):
        files.read(storage_key=one.storage_key, **same | {"sha256": two.sha256})
    sealed = bytearray(port.get(one.storage_key))
    sealed[-1] ^= 1
    port.put(one.storage_key, bytes(sealed))
    with pytest.raises(vault.CannotOpen):
        files.read(storage_key=one.storage_key, **same)


@pytest.mark.parametrize("key", ["../etc/passwd", "documents/../x", "/documents/ab/x", "documents/ab/" + "x" * 36, ""])
def test_no_key_leaves_the_folder(key: str, storage: Path) -> None:
    for door in (port.get, port.delete):
        with pytest.raises(ValueError, match="no key"):
            door(key)
    with pytest.raises(ValueError, match="no key"):
        port.put(key, b"x")


def test_a_store_that_asks_for_a_token_refuses_without_it(start_sandbox: Any, settings: Any, monkeypatch: Any) -> None:  # noqa: F811
    monkeypatch.setenv("CRM_STORAGE_TOKEN", "open sesame")
    url, _process = start_sandbox()
    settings.PORTS = settings.PORTS | {"storage": f"{url}/objects"}
    with pytest.raises(PortRefused):
        files.keep(pdf(), label=LABEL)
    settings.STORAGE_TOKEN = "open sesame"
    stored = files.keep(pdf(), label=LABEL)
    assert files.read(storage_key=stored.storage_key, seal_key=stored.seal_key, sha256=stored.sha256, label=LABEL) == pdf()


def test_a_store_that_is_gone_gives_no_certain_answer(settings: Any) -> None:
    settings.PORTS = settings.PORTS | {"storage": "http://127.0.0.1:9/objects"}
    with pytest.raises(PortUnknown):
        files.keep(pdf(), label=LABEL)


@given(st.binary(max_size=4096))
@settings(max_examples=50, deadline=None)
def test_any_bytes_open_as_they_were_sealed(content: bytes) -> None:
    assert vault.unseal_bytes(vault.seal_bytes(content, aad="a|1"), aad="a|1") == content


# --- what a process that died left behind --------------------------------------------------------------------------
LATER = timedelta(days=2)


@pytest.fixture
def papers(cast: Any, make_customer: Any) -> Any:
    """Return a function that keeps a paper and, with a row, puts it among those of a customer; the key under which it lies."""
    customer = make_customer()

    def keep(words: str, *, row: bool) -> str:
        stored = documents.keep(pdf(words))
        if row:
            documents.add(customer, kind="other", stored=stored, file_name="", actor=cast.loan_officer, at=NOON)
        return stored.storage_key

    return keep


def there(key: str) -> bool:
    try:
        return bool(port.get(key))
    except port.NotKept:
        return False


@pytest.mark.django_db
def test_the_sweep_deletes_what_no_row_names_and_nothing_else(place: str, papers: Any) -> None:
    named, orphans = papers("named", row=True), [papers(f"orphan {number}", row=False) for number in range(3)]
    assert files.sweep(at=now()) is None, "younger than a day: its row may still come"
    assert all(there(key) for key in [named, *orphans])
    job = files.sweep(at=now() + LATER)
    assert (job.status, job.done, job.result) == ("done", 3, {"seen": 4})
    assert [there(key) for key in [named, *orphans]] == [True, False, False, False]
    assert files.sweep(at=now() + LATER) is None


@pytest.mark.django_db
def test_the_sweep_reads_every_page_of_a_long_list(place: str, papers: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(port, "PAGE", 2)
    named = {papers(f"named {number}", row=True) for number in range(5)}
    orphans = {papers(f"orphan {number}", row=False) for number in range(2)}
    assert set(port.listed(files.FOLDER, before=now() + LATER)) == named | orphans
    assert files.sweep(at=now() + LATER).done == 2
    assert set(port.listed(files.FOLDER, before=now() + LATER)) == named


@pytest.mark.django_db
def test_a_storage_of_another_database_is_not_emptied(place: str, papers: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(files, "SUSPECT", 2)
    keys = [papers("named", row=True), *(papers(f"orphan {number}", row=False) for number in range(3))]
    job = files.sweep(at=now() + LATER)
    assert (job.status, job.done) == ("failed", 0)
    assert "3 of 4" in job.problems[0]["message"]
    assert all(there(key) for key in keys)


@pytest.mark.django_db
def test_what_was_half_written_goes_too(storage: Path, papers: Any) -> None:
    key = papers("named", row=True)
    draft = storage / f"{key}.0a1b2c3d"
    draft.write_bytes(b"half")
    assert files.sweep(at=now() + LATER).done == 1
    assert (draft.exists(), there(key)) == (False, True)


def test_a_store_that_lists_nothing_sensible_deletes_nothing(settings: Any, start_sandbox: Any) -> None:  # noqa: F811
    url, _process = start_sandbox()
    settings.PORTS = settings.PORTS | {"storage": f"{url}/sent?"}  # a page of the sandbox: HTML, no list
    with pytest.raises(PortUnknown):
        list(port.listed(files.FOLDER, before=now()))
    settings.PORTS = settings.PORTS | {"storage": f"{url}/nothing-here"}
    with pytest.raises(PortRefused):
        list(port.listed(files.FOLDER, before=now()))


def test_every_model_that_names_files_is_known_to_the_sweep() -> None:
    assert {model._meta.label for model in files.holders()} == {
        "customers.Document",
        "credit.Contract",
        "risk.DataSet",
        "collections.HardshipPaper",
        "collections.Recording",
        "collections.PreActionLetter",
        "collections.FilingPack",
        "collections.VisitPhoto",
    }
