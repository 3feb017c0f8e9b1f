"""An object store: bytes kept under a path, in memory; the oldest go first. A token may be asked for."""

import threading
from collections import OrderedDict
from typing import Any

LARGEST = 32 * 1024 * 1024
KEPT = 2_000
PREFIX = "/objects/"

Answer = tuple[int, bytes]


class Objects:
    """What was put here, by path below `PREFIX`."""

    def __init__(self, *, token: str = "", kept: int = KEPT) -> None:
        self.lock = threading.Lock()
        self.rows: OrderedDict[str, bytes] = OrderedDict()
        self.token, self.kept = token, kept

    def answer(self, method: str, path: str, headers: Any, data: bytes) -> Answer:
        """Put, get or delete; PUT of the same path replaces."""
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            return 403, b""
        with self.lock:
            if method == "PUT":
                self.rows[path] = data
                self.rows.move_to_end(path)
                while len(self.rows) > self.kept:
                    self.rows.popitem(last=False)
                return 200, b""
            if path not in self.rows:
                return 404, b""
            if method == "DELETE":
                del self.rows[path]
                return 204, b""
            return 200, self.rows[path]
