"""Port: files at rest. `settings.PORTS["storage"]` is the address of an object store; empty means a folder of our own.

An object store is spoken to as S3 is without its signatures: PUT, GET and DELETE on `<address>/<key>`, bytes in and out, and the
list of a bucket (`?list-type=2`), with the bearer token of `CRM_STORAGE_TOKEN`. What is kept is sealed before it comes here: neither
side can read it.
"""

import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.ports.http import PortUnknown, exchange

NAME = "storage"
KEY = re.compile(r"[a-z]+/[0-9a-f]{2}/[0-9a-f-]{36}")
DRAFT = re.compile(KEY.pattern + r"\.[0-9a-f]{8}")  # what a process that died was writing into the folder
PAGE = 1_000  # keys of one list, S3's most


class NotKept(DomainError):
    """The storage has nothing under this key."""

    code = "not_kept"
    status = 404


def put(key: str, data: bytes) -> None:
    """Keep `data` under `key`. Call it outside transactions: it may take as long as the store takes.

    :raises PortRefused: if the store says no for good
    :raises PortUnknown: if it may or may not be kept: call again with the same key
    """
    _checked(key)
    if address := settings.PORTS.get(NAME):
        exchange("PUT", f"{address}/{key}", port=NAME, data=data, headers=_headers())
        return
    path = _path(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)  # whole or not at all
    except OSError as error:
        raise _full(error) from error


def get(key: str) -> bytes:
    """Return what is kept under `key`.

    :raises NotKept: if there is nothing
    :raises PortUnknown: if the store gives no certain answer
    """
    _checked(key)
    if address := settings.PORTS.get(NAME):
        found = exchange("GET", f"{address}/{key}", port=NAME, headers=_headers(), missing=True)
    else:
        try:
            found = _path(key).read_bytes()
        except FileNotFoundError:
            found = None
        except OSError as error:
            raise _full(error) from error
    if found is None:
        raise NotKept(_("The file is not in the storage any more."))
    return found


def delete(key: str) -> None:
    """Forget what is kept under `key`; nothing there is as good."""
    _checked(key, drafts=True)
    if address := settings.PORTS.get(NAME):
        exchange("DELETE", f"{address}/{key}", port=NAME, headers=_headers(), missing=True)
    else:
        _path(key).unlink(missing_ok=True)


def listed(folder: str, *, before: datetime) -> Iterator[str]:
    """Yield the keys below `folder` whose content came before a moment, half-written ones of our own folder too.

    :raises PortRefused: if the store lists nothing to us
    :raises PortUnknown: if it gives no certain answer
    """
    found = _listed_there if settings.PORTS.get(NAME) else _listed_here
    for key, kept_at in found(folder):
        if kept_at < before and (KEY.fullmatch(key) or DRAFT.fullmatch(key)):
            yield key


def _listed_here(folder: str) -> Iterator[tuple[str, datetime]]:
    root = Path(settings.MEDIA_ROOT)
    for path in (root / folder).glob("??/*"):
        try:
            kept_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:  # deleted meanwhile
            continue
        yield path.relative_to(root).as_posix(), kept_at


def _listed_there(folder: str) -> Iterator[tuple[str, datetime]]:
    after = ""
    while True:
        query = {"list-type": "2", "prefix": f"{folder}/", "max-keys": str(PAGE)} | ({"start-after": after} if after else {})
        answer = exchange("GET", f"{settings.PORTS[NAME]}/?{urlencode(query)}", port=NAME, headers=_headers())
        page = []
        try:
            if b"<!" in (answer or b""):
                raise ValueError("a list has no document type, and no entities that could swell")
            told = ElementTree.fromstring(answer or b"")  # noqa: S314  see the line above
            for row in told.iterfind("{*}Contents"):
                page.append((row.findtext("{*}Key", ""), datetime.fromisoformat(row.findtext("{*}LastModified", ""))))
        except (ElementTree.ParseError, ValueError) as error:
            raise PortUnknown(
                _("“%(port)s” gave no certain answer (%(cause)s). It is asked again with the same key.")
                % {"port": NAME, "cause": "no list"},
                port=NAME,
                cause="no list",
            ) from error
        yield from page
        if told.findtext("{*}IsTruncated") != "true" or not page:
            return
        after = page[-1][0]


def _checked(key: str, *, drafts: bool = False) -> None:
    """:raises ValueError: for a key that could leave the folder"""
    if not KEY.fullmatch(key) and not (drafts and DRAFT.fullmatch(key)):
        raise ValueError(f"{key!r} is no key of the storage")


def _path(key: str) -> Path:
    return Path(settings.MEDIA_ROOT) / key


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.STORAGE_TOKEN}"} if settings.STORAGE_TOKEN else {}


def _full(error: OSError) -> PortUnknown:
    return PortUnknown(
        _("“%(port)s” gave no certain answer (%(cause)s). It is asked again with the same key.") % {"port": NAME, "cause": error.strerror},
        port=NAME,
        cause=error.strerror,
    )
