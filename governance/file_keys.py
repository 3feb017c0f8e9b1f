"""The own key of each stored file: sealed in its row, so that a rotation rewrites 32 bytes and not the file, and erasing it ends every copy.

Content at rest: two zeros, 12 bytes nonce, ciphertext with tag under the file's key. What begins otherwise was kept before files had keys
of their own, and is opened by the vault.
"""

import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext_lazy as _

from governance import key_ring, vault
from governance.models import FileKey
from governance.vault import NONCE, TAG, CannotOpen

OWN = b"\0\0"
LABEL = "governance.filekey"


def make(stored_as: str) -> FileKey:
    """Make the key of a file that will lie under `stored_as`; where it has one already, that one stays."""
    row = FileKey(stored_as=stored_as)
    row.token = vault.seal_bytes(os.urandom(32), aad=f"{LABEL}|{row.seal_key}", purpose=key_ring.FILE)
    FileKey.objects.bulk_create([row], ignore_conflicts=True)
    return FileKey.objects.get(stored_as=stored_as)


def sealed(stored_as: str, content: bytes, *, aad: str) -> bytes:
    """Return `content` as it is stored, under the file's key and bound to what `aad` names."""
    nonce = os.urandom(NONCE)
    return OWN + nonce + _cipher(FileKey.objects.get(stored_as=stored_as)).encrypt(nonce, content, OWN + aad.encode())


def opened(stored_as: str, data: bytes, *, aad: str) -> bytes:
    """Return what `data`, read from the storage, holds.

    :raises CannotOpen: if it was altered, moved or cut, or the file's key was erased
    """
    if not data.startswith(OWN):
        return vault.unseal_bytes(data, aad=aad)
    place = aad.partition("|")[0]
    if len(data) < len(OWN) + NONCE + TAG:
        raise CannotOpen(_("A sealed value of %(place)s is cut short.") % {"place": place})
    row = FileKey.objects.filter(stored_as=stored_as).first()
    if row is None:
        raise CannotOpen(_("The key of this file was erased: nobody can open it any more."))
    try:
        return _cipher(row).decrypt(data[2 : 2 + NONCE], data[2 + NONCE :], OWN + aad.encode())
    except InvalidTag:
        raise CannotOpen(_("A sealed value of %(place)s was altered or moved.") % {"place": place}) from None


def erase(stored: Iterable[str]) -> int:
    """Erase the keys of these files; return how many there were."""
    return FileKey.objects.filter(stored_as__in=list(stored)).delete()[0]


def _cipher(row: FileKey) -> AESGCM:
    return AESGCM(vault.unseal_bytes(bytes(row.token), aad=f"{LABEL}|{row.seal_key}"))
