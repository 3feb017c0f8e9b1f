"""Files at rest: what may come in is told by its first bytes, what is kept is sealed, what it was is proved by its SHA-256.

There is no virus scanner in this house: content is never run or shown by it, only handed back as an attachment of a known type.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from crm.lib.ports import storage
from governance import file_keys, jobs
from governance.models import Job

PDF, JPEG, PNG, HEIC = "application/pdf", "image/jpeg", "image/png", "image/heic"
EXTENSIONS = {PDF: "pdf", JPEG: "jpg", PNG: "png", HEIC: "heic"}
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
LARGEST = 10 * 1024 * 1024  # a photograph of a page at 300 dpi is a fifth of it
SMALLEST = 32
FOLDER = "documents"
LEFT_ALONE = timedelta(days=1)  # longer than any request takes between the file and its row
BATCH = 1_000
SUSPECT = 100  # above so many, and half of all, rather the database is wrong than the files


class NotThisFile(Invalid):
    """The file cannot be taken: empty, too large, or of another kind than its place allows."""

    code = "not_this_file"


class FileAltered(DomainError):
    """What the storage gave back is not what was kept."""

    code = "file_altered"


@dataclass(frozen=True)
class Stored:
    """Where a file lies and what it is. `seal_key` binds the sealed content to the row that will carry these."""

    storage_key: str
    seal_key: uuid.UUID
    media_type: str
    size: int
    sha256: str


def media_type_of(content: bytes) -> str:
    """Return the type that the first bytes tell, empty for one that is not known here. The name of a file tells nothing."""
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return HEIC
    return ""


def checked(content: bytes, *, allowed: Collection[str] = tuple(EXTENSIONS), largest: int = LARGEST) -> str:
    """Return the type of `content`.

    :raises NotThisFile: if it is empty, larger than `largest` bytes, or of no allowed type
    """
    sentence: Any = None
    if len(content) < SMALLEST:
        sentence = _("This file is empty.")
    elif len(content) > largest:
        sentence = _("This file is larger than %(size)s MB.") % {"size": largest // (1024 * 1024)}
    elif (found := media_type_of(content)) not in allowed:
        sentence = _("Only PDF, JPEG, PNG and HEIC are taken; the content says this is something else.")
    else:
        return found
    raise NotThisFile(sentence, fields={"file": sentence})


def keep(
    content: bytes, *, label: str, allowed: Collection[str] = tuple(EXTENSIONS), largest: int = LARGEST, media_type: str = ""
) -> Stored:
    """Check, seal and store `content`. Call it outside transactions; a row that takes the answer up makes it a document.

    :param label: names the place, as a sealed field's label does
    :param media_type: what a caller that has read the content whole knows it to be; it is then not looked at again
    :raises NotThisFile: if it may not come in
    :raises PortUnknown: if the storage gives no certain answer
    """
    found = media_type or checked(content, allowed=allowed, largest=largest)
    seal_key = uuid.uuid4()
    key = f"{FOLDER}/{seal_key.hex[:2]}/{uuid.uuid4()}"
    file_keys.make(key)
    try:
        storage.put(key, file_keys.sealed(key, content, aad=f"{label}|{seal_key}"))
    except DomainError:
        file_keys.erase([key])
        raise
    return Stored(key, seal_key, found, len(content), hashlib.sha256(content).hexdigest())


def read(*, storage_key: str, seal_key: uuid.UUID, sha256: str, label: str) -> bytes:
    """Return the content that `keep` stored.

    :raises NotKept: if the storage lost it
    :raises CannotOpen: if the sealed bytes were altered or moved
    :raises FileAltered: if the content is another than was kept
    """
    content = file_keys.opened(storage_key, storage.get(storage_key), aad=f"{label}|{seal_key}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileAltered(_("This file is not the one that was kept."))
    return content


def discard(stored: Stored) -> None:
    """Forget a file that no row took up."""
    storage.delete(stored.storage_key)
    file_keys.erase([stored.storage_key])


# --- what a process that died left behind --------------------------------------------------------------------------
def holders() -> Iterator[Any]:
    """Yield every model whose rows name a file, by the column `storage_key`."""
    for model in apps.get_models():
        if any(field.name == "storage_key" for field in model._meta.concrete_fields):
            yield model


def unnamed(keys: Collection[str]) -> list[str]:
    """Return which of `keys` no row names; one statement for each kind of row."""
    left = set(keys)
    for model in holders():
        left -= set(model._base_manager.filter(storage_key__in=left).values_list("storage_key", flat=True))
    return sorted(left)


def in_batches(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        yield batch


def sweep(*, at: datetime) -> Job | None:
    """Delete the files older than a day that no row names; the job says how many, None when there was none.

    A file is stored before its row, so a crash between the two leaves one that nobody can open. Where most files have no row the
    storage belongs to another database, or this one was restored: nothing is deleted then, and the job says so.

    :raises PortRefused: if the storage lists nothing to us
    :raises PortUnknown: if the storage gives no certain answer
    """
    seen, orphans = 0, list[str]()
    for keys in in_batches(storage.listed(FOLDER, before=at - LEFT_ALONE)):
        seen += len(keys)
        orphans += unnamed(keys)
    if not orphans:
        return None
    job = jobs.start(kind="files.sweep", title="Files that no record names", actor=None, at=at, total=len(orphans))
    jobs.claim(job.pk, at=at)
    if len(orphans) > SUSPECT and len(orphans) * 2 > seen:
        figures = {"orphans": len(orphans), "seen": seen}
        words = _("%(orphans)s of %(seen)s files have no record here. Is this the right database? Nothing was deleted.") % figures
        return jobs.fail(job, str(words), at=at)
    for keys in in_batches(orphans):
        gone = unnamed(keys)  # once more, just before it cannot be taken back
        for key in gone:
            storage.delete(key)
        file_keys.erase(gone)
        jobs.progress(job, at=at, done=len(gone))
    return jobs.finish(job, at=at, seen=seen)
