"""A key server as HashiCorp Vault's transit engine speaks: wraps and unwraps under named keys with versions. Keys live in memory or a file.

Ciphertext: `vault:v<version>:<base64 of nonce and AES-256-GCM>`. A key is made at its first use, as Vault does for who may create one.
"""

import base64
import json
import os
import threading
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "/v1/transit/"
Answer = tuple[int, dict[str, Any]]


class Transit:
    """Keys by name, each a list of versions."""

    def __init__(self, *, token: str = "", state: Path | None = None) -> None:
        self.lock = threading.Lock()
        self.token, self.state = token, state
        self.keys: dict[str, list[bytes]] = {}
        if state and state.exists():
            self.keys = {name: [base64.b64decode(one) for one in kept] for name, kept in json.loads(state.read_text()).items()}

    def answer(self, method: str, path: str, headers: Any, body: Any) -> Answer:
        """Answer one request; errors as Vault words them: `{"errors": [...]}`."""
        if not self.token or headers.get("X-Vault-Token") != self.token:
            return 403, {"errors": ["permission denied"]}
        verb, _slash, rest = path.removeprefix(PREFIX).partition("/")
        name, _slash, then = rest.partition("/")
        if not name:
            return 404, {"errors": []}
        with self.lock:
            if verb == "keys":
                return self._keys(method, name, then)
            if method != "POST" or verb not in ("encrypt", "decrypt", "rewrap"):
                return 405, {"errors": ["unsupported operation"]}
            return self._work(verb, name, body if isinstance(body, dict) else {})

    def _keys(self, method: str, name: str, then: str) -> Answer:
        if method == "POST" and then in ("", "rotate"):
            if then == "rotate" and name not in self.keys:
                return 404, {"errors": ["key not found"]}
            if then == "rotate" or name not in self.keys:
                self._add(name)
        elif method != "GET" or then or name not in self.keys:
            return 404, {"errors": []}
        versions = len(self.keys[name])
        return 200, {"data": {"name": name, "type": "aes256-gcm96", "latest_version": versions, "min_decryption_version": 1}}

    def _work(self, verb: str, name: str, body: dict[str, Any]) -> Answer:
        if verb == "encrypt":
            try:
                plain = base64.b64decode(body["plaintext"], validate=True)
            except (KeyError, TypeError, ValueError):
                return 400, {"errors": ["failed to base64-decode plaintext"]}
            if name not in self.keys:
                self._add(name)
            return 200, {"data": {"ciphertext": self._wrapped(name, plain), "key_version": len(self.keys[name])}}
        opened = self._opened(name, str(body.get("ciphertext", "")))
        if opened is None:
            return 400, {"errors": ["invalid ciphertext: unable to decrypt"]}
        if verb == "decrypt":
            return 200, {"data": {"plaintext": base64.b64encode(opened).decode()}}
        return 200, {"data": {"ciphertext": self._wrapped(name, opened), "key_version": len(self.keys[name])}}

    def _wrapped(self, name: str, plain: bytes) -> str:
        nonce = os.urandom(12)
        body = nonce + AESGCM(self.keys[name][-1]).encrypt(nonce, plain, None)
        return f"vault:v{len(self.keys[name])}:{base64.b64encode(body).decode()}"

    def _opened(self, name: str, wrapped: str) -> bytes | None:
        try:
            _vault, version, body = wrapped.split(":")
            number, data = int(version.removeprefix("v")), base64.b64decode(body, validate=True)
            if number < 1:
                return None
            return AESGCM(self.keys[name][number - 1]).decrypt(data[:12], data[12:], None)
        except (KeyError, IndexError, ValueError, InvalidTag):
            return None

    def _add(self, name: str) -> None:
        self.keys.setdefault(name, []).append(os.urandom(32))
        if self.state:
            text = json.dumps({key: [base64.b64encode(one).decode() for one in kept] for key, kept in self.keys.items()})
            with open(os.open(self.state, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
