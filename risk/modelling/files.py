"""The bytes of a flat file: opened, unpacked, counted against the limit, hashed, decoded."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from risk.modelling.refusals import BadTable

MAX_BYTES = 4 * 1024**3  # of text, after unpacking
MAX_FIELD = 100_000  # characters


def opened(source: str | Path | IO[bytes]) -> tuple[str, IO[bytes]]:
    if hasattr(source, "read"):
        stream: Any = source
        name = Path(str(getattr(source, "name", "") or "")).name
        size = getattr(source, "size", None)
    else:
        path = Path(source)
        name = path.name
        try:
            size = path.stat().st_size if path.is_file() else None
            stream = path.open("rb")
        except OSError as gap:
            raise BadTable("no_file", name=path.name) from gap
    if isinstance(size, int) and size > MAX_BYTES:
        if stream is not source:
            stream.close()
        raise BadTable("too_large", size=size_told(size), limit=size_told(MAX_BYTES))
    buffered: Any = stream if hasattr(stream, "peek") else io.BufferedReader(_Raw(stream))
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return name, gzip.GzipFile(fileobj=buffered, mode="rb")  # type: ignore[return-value]
    return name, buffered


class _Raw(io.RawIOBase):
    """Whatever has `read`, as something that can be buffered."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        got = self.stream.read(len(into))
        into[: len(got)] = got
        return len(got)


class Counted(io.RawIOBase):
    """Bytes on their way: counted against the limit, hashed."""

    def __init__(self, stream: Any, digest: Any) -> None:
        self.stream, self.digest, self.seen = stream, digest, 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        got = self.stream.read(len(into))
        self.seen += len(got)
        if self.seen > MAX_BYTES:
            raise BadTable("too_large", size="> " + size_told(MAX_BYTES), limit=size_told(MAX_BYTES))
        self.digest.update(got)
        into[: len(got)] = got
        return len(got)


def size_told(count: int) -> str:
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{count / 1024**2:.1f} MB"


def lines(raw: Counted) -> Iterator[str]:
    """Yield the lines as text; the first block that is no UTF-8 turns all that follows to GB 18030."""
    tongue, first = "utf-8", True
    for line in io.BufferedReader(raw, 1 << 18):
        if len(line) > MAX_FIELD * 20:
            raise BadTable("field_too_long", row="?")
        if first:
            if line.startswith((b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04", b"%PDF")) or b"\x00" in line:
                raise BadTable("not_text")
            line = line.removeprefix(b"\xef\xbb\xbf")
            first = False
        try:
            yield line.decode(tongue)
        except UnicodeDecodeError:
            tongue = "gb18030"
            try:
                yield line.decode(tongue)
            except UnicodeDecodeError as broken:
                raise BadTable("not_text") from broken
