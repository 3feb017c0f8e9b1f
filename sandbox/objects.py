"""An object store: bytes kept under a path, in memory; the oldest go first. A token may be asked for. Lists as S3 does."""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

LARGEST = 32 * 1024 * 1024
KEPT = 2_000
PREFIX = "/objects/"
PAGE = 1_000  # keys of one list
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

Answer = tuple[int, bytes]


class Objects:
    """What was put here, by path below `PREFIX`."""

    def __init__(self, *, token: str = "", kept: int = KEPT) -> None:
        self.lock = threading.Lock()
        self.rows: OrderedDict[str, bytes] = OrderedDict()
        self.kept_at: dict[str, datetime] = {}
        self.token, self.kept = token, kept

    def answer(self, method: str, path: str, headers: Any, data: bytes) -> Answer:
        """Put, get or delete; PUT of the same path replaces."""
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            return 403, b""
        with self.lock:
            if method == "PUT":
                self.rows[path] = data
                self.rows.move_to_end(path)
                self.kept_at[path] = datetime.now(UTC)
                while len(self.rows) > self.kept:
                    self.kept_at.pop(self.rows.popitem(last=False)[0])
                return 200, b""
            if method == "GET" and urlsplit(path).path == PREFIX:
                return 200, self.page(parse_qs(urlsplit(path).query))
            if path not in self.rows:
                return 404, b""
            if method == "DELETE":
                del self.rows[path], self.kept_at[path]
                return 204, b""
            return 200, self.rows[path]

    def page(self, query: dict[str, list[str]]) -> bytes:
        """Return a list of keys with the moments they came, as ListObjectsV2 does."""
        prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        most = min(int(query.get("max-keys", ["1000"])[0]), PAGE)
        keys = sorted(path.removeprefix(PREFIX) for path in self.rows)
        wanted = [key for key in keys if key.startswith(prefix) and key > after]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.kept_at[PREFIX + key]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for key in wanted[:most]
        )
        more = "true" if len(wanted) > most else "false"
        return f'<ListBucketResult xmlns="{NAMESPACE}"><IsTruncated>{more}</IsTruncated>{rows}</ListBucketResult>'.encode()
