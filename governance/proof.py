"""Proof that what is sealed lies nowhere in clear: every sealed value is opened and looked for wherever the house writes.

A sealed value of six characters or more (shorter ones, such as most Chinese names, stand in ordinary words) is a needle; what the
house keeps is the haystack: each row of each table as text and as bytes, sessions, the write-ahead log, Valkey with the
bodies of queued tasks, log files and files at rest. Digits count only where no other digit touches them, so that a mobile is not found in a
time stamp. What is found is told by place and field, never by value.

The outside world has to be told a mobile and a text: the sandbox that plays it is not searched.
"""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import redis
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection

from crm.lib.ports import storage
from governance.fields import SealedTextField
from governance.files import holders
from governance.vault import CannotOpen, Erased

SHORTEST = 6  # characters
WINDOW = 6  # bytes at the end of a needle by which it is first noticed
PIECE = 8 * 1024 * 1024
OVERLAP = 4096  # no needle is longer
LONGEST = 1_000  # characters of a long text that are looked for: its beginning
OPEN_FILES = (b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"PK\x03\x04")
BASE64 = re.compile(rb'"body": ?"([A-Za-z0-9+/=]+)"')


@dataclass(frozen=True)
class Hit:
    """One place where a sealed value stands in clear."""

    place: str
    label: str


@dataclass
class Found:
    """What a search came to: how many values were looked for, where, and what was found."""

    values: int = 0
    searched: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # place → bytes
    not_searched: list[str] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)


class Needles:
    """Many byte strings, looked for at once: one pass of array arithmetic notices candidates, which are then compared whole."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """:param values: pairs of the field's label and its value"""
        self.labels: dict[bytes, str] = {}
        self.count = self.unread = 0
        for label, value in values:
            text = value.strip()[:LONGEST]
            if len(text) < SHORTEST:
                continue
            self.count += 1
            for written in {text, json.dumps(text)[1:-1]}:  # as it is, and as JSON escapes it
                self.labels.setdefault(written.encode(), label)
        self.by_tail: dict[int, list[bytes]] = defaultdict(list)
        for needle in self.labels:
            self.by_tail[int.from_bytes(needle[-WINDOW:], "little")].append(needle)
        self.tails = np.array(sorted(self.by_tail), dtype=np.uint64)
        self.maybe = np.zeros(1 << 20, dtype=bool)
        self.maybe[self._bucket(self.tails)] = True

    @staticmethod
    def _bucket(numbers: Any) -> Any:
        return ((numbers * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(44)).astype(np.int64)

    def within(self, data: bytes) -> list[bytes]:
        """Return the needles that stand in `data`, each once."""
        found: set[bytes] = set()
        if not self.labels or len(data) < WINDOW:
            return []
        row = np.frombuffer(data, dtype=np.uint8)
        for start in range(0, len(data), PIECE):
            piece = row[max(0, start - OVERLAP) : start + PIECE]
            if len(piece) < WINDOW:
                continue
            windows = np.zeros(len(piece) - WINDOW + 1, dtype=np.uint64)
            for shift in range(WINDOW):
                windows |= piece[shift : len(piece) - WINDOW + 1 + shift].astype(np.uint64) << np.uint64(8 * shift)
            noticed = np.flatnonzero(self.maybe[self._bucket(windows)])
            noticed = noticed[np.isin(windows[noticed], self.tails)]
            whole = piece.tobytes() if len(noticed) else b""
            for end in noticed.tolist():
                for needle in self.by_tail[int(windows[end])]:
                    first = end + WINDOW - len(needle)
                    if needle not in found and first >= 0 and whole.startswith(needle, first) and _alone(whole, first, needle):
                        found.add(needle)
        return sorted(found)


def _alone(whole: bytes, first: int, needle: bytes) -> bool:
    """Return whether digits stand alone: the same ones inside a longer number are another number."""
    if not needle.isdigit():
        return True
    last = first + len(needle)
    return not whole[max(0, first - 1) : first].isdigit() and not whole[last : last + 1].isdigit()


def needles() -> Needles:
    """Open every sealed value of every model; what cannot be read is counted, and is nobody's needle."""
    unread: list[str] = []
    found = Needles(_values(unread))
    found.unread = len(unread)
    return found


def _values(unread: list[str]) -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        for one in (column for column in model._meta.concrete_fields if isinstance(column, SealedTextField) and column.identifies):
            rows = model._default_manager.exclude(**{f"{one.name}__isnull": True}).only("seal_key", one.name)
            for row in rows.iterator(chunk_size=2_000):
                try:
                    value = getattr(row, one.attname)
                except Erased:
                    continue
                except CannotOpen:
                    unread.append(one.label)
                    continue
                if value:
                    yield one.label, value


def search(wanted: Needles, *, superuser_url: str = "", folders: Iterable[Path] = ()) -> Found:
    """Look for `wanted` wherever the house writes.

    :param superuser_url: a connection that may read the write-ahead log; without it the log is named as not searched
    :param folders: folders of logs
    """
    found = Found(values=wanted.count)
    if wanted.unread:
        found.not_searched.append(f"{wanted.unread} sealed values: they cannot be read")
    for place, data in _haystack(superuser_url, list(folders), found):
        found.searched[place.split(":")[0]] += len(data)
        found.hits += [Hit(place, wanted.labels[needle]) for needle in wanted.within(data)]
    return found


def _haystack(superuser_url: str, folders: list[Path], found: Found) -> Iterator[tuple[str, bytes]]:
    yield from tables()
    yield from sessions()
    yield from valkey()
    if superuser_url:
        yield from write_ahead_log(superuser_url)
    else:
        found.not_searched.append("write-ahead log: needs a superuser's address in CRM_SUPERUSER_URL")
    for folder in folders:
        for path in sorted(folder.rglob("*.log*")):
            if path.is_file():
                yield f"logs:{path.name}", path.read_bytes()
    for key, data in files(found):
        if data.startswith(OPEN_FILES):
            found.hits.append(Hit(f"files:{key}", "a file that is not sealed"))
        yield f"files:{key}", data


def tables() -> Iterator[tuple[str, bytes]]:
    """Yield every table of the schema twice: as text, where numbers are written out, and as bytes, where `bytea` is itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename")
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        for form in ("text", "binary"):
            for data in _copied(name, form):
                yield f"database:{name}", data


def _copied(table: str, form: str) -> Iterator[bytes]:
    """Yield a table in pieces that overlap, so that no value is cut in two."""
    pieces = Pieces()
    with connection.cursor() as cursor:
        cursor.copy_expert(f'COPY "{table}" TO STDOUT (FORMAT {form})', pieces)
    yield from pieces.done()


class Pieces:
    """A file that `COPY` writes to, cut into pieces."""

    def __init__(self) -> None:
        self.full: list[bytes] = []
        self.rest = bytearray()

    def write(self, data: bytes) -> int:
        self.rest += data
        if len(self.rest) >= 4 * PIECE:
            self.full.append(bytes(self.rest))
            self.rest = self.rest[-OVERLAP:]
        return len(data)

    def done(self) -> list[bytes]:
        return [*self.full, bytes(self.rest)]


def sessions() -> Iterator[tuple[str, bytes]]:
    """Yield what sessions hold: in their table it lies compressed."""
    for row in Session.objects.iterator(chunk_size=2_000):
        yield "sessions:", json.dumps(row.get_decoded(), default=str, ensure_ascii=False).encode()


def valkey() -> Iterator[tuple[str, bytes]]:
    """Yield every key with what it holds, of the cache and of the queues; the body of a queued task is decoded."""
    for url in sorted({settings.REDIS_URL, settings.CELERY_BROKER_URL}):
        client = redis.Redis.from_url(re.sub(r"virtual_host=(\d+)", r"db=\1", url).replace("redis+socket://", "unix://"))
        try:
            for key in client.scan_iter(count=1_000):
                data = b"\n".join([key, *_held(client, key)])
                yield "valkey:", data + b"".join(b"\n" + _decoded(body) for body in BASE64.findall(data))
        finally:
            client.close()


def _held(client: Any, key: bytes) -> list[bytes]:
    kind = client.type(key)
    if kind == b"string":
        return [client.get(key) or b""]
    if kind == b"hash":
        return [part for pair in client.hgetall(key).items() for part in pair]
    if kind == b"list":
        return list(client.lrange(key, 0, -1))
    if kind == b"set":
        return list(client.smembers(key))
    if kind == b"zset":
        return list(client.zrange(key, 0, -1))
    return []


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return b""


def write_ahead_log(superuser_url: str) -> Iterator[tuple[str, bytes]]:
    """Yield the segments of PostgreSQL's write-ahead log, the recycled ones too."""
    import psycopg2

    link = psycopg2.connect(superuser_url)
    try:
        with link.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_ls_waldir() ORDER BY name")
            for (name,) in cursor.fetchall():
                cursor.execute("SELECT pg_read_binary_file('pg_wal/' || %s, true)", [name])
                (data,) = cursor.fetchone() or (None,)
                if data is not None:
                    yield f"write-ahead log:{name}", bytes(data)
    finally:
        link.close()


def files(found: Found) -> Iterator[tuple[str, bytes]]:
    """Yield what lies in the storage under the keys that rows name; a file that is lost is named as not searched."""
    for model in holders():
        for key in model._default_manager.filter(storage_key__gt="").values_list("storage_key", flat=True).iterator():
            try:
                yield key, storage.get(key)
            except storage.NotKept:
                found.not_searched.append(f"file {key}: the storage does not have it")
