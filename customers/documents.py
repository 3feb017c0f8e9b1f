"""Doors of a person's papers: take one in, look at it, open it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from customers.models import Customer, Document
from governance import files
from governance.lifecycle import MovedMeanwhile, move
from governance.models import User
from ledger import log

LABEL = Document.FILE_LABEL
Status = Document.Status


class AlreadyThere(Invalid):
    """The very same file is in this person's papers."""

    code = "document_already_there"


def keep(content: bytes) -> files.Stored:
    """Check, seal and store the content of a paper; outside transactions, before `add`.

    :raises NotThisFile: if it is empty, above 10 MB, or neither PDF, JPEG, PNG nor HEIC by its first bytes
    :raises PortUnknown: if the storage gives no certain answer
    """
    return files.keep(content, label=LABEL)


@transaction.atomic
def add(customer: Customer, *, kind: str, stored: files.Stored, file_name: str, actor: User, at: datetime) -> Document:
    """Put a stored file among the papers of `customer`.

    :raises Invalid: for a kind that is none
    :raises AlreadyThere: if the same content stands there under the same kind
    """
    if kind not in Document.Kind.values:
        sentence = _("Choose what kind of paper it is.")
        raise Invalid(sentence, fields={"kind": sentence})
    same = Document.objects.filter(customer=customer, kind=kind, sha256=stored.sha256).exclude(status=Status.REJECTED).first()
    if same is not None:
        there = _("This very file is there already, as %(document)s.") % {"document": same.public_id}
        raise AlreadyThere(there, fields={"file": there}, document=same.public_id)
    document = Document(
        customer=customer,
        kind=kind,
        seal_key=stored.seal_key,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        storage_key=stored.storage_key,
        file_name=file_name.strip()[:200] or None,
        added_by=actor,
        added_at=at,
    )
    document.save(force_insert=True)
    log.record(
        "customers.document.added", document, actor=actor, at=at, customer_id=customer.pk, kind=kind, sha256=stored.sha256, size=stored.size
    )
    return document


@transaction.atomic
def accept(document: Document, *, actor: User, at: datetime, version: int | None = None) -> Document:
    """Say that the paper is what it should be.

    :raises IllegalMove: if that was said
    :raises MovedMeanwhile: if it changed since `version`
    """
    check_version(document, version)
    return move(document, Status.ACCEPTED, actor=actor, at=at, checked_by=actor, checked_at=at, facts={"kind": document.kind})


@transaction.atomic
def reject(document: Document, *, words: str, actor: User, at: datetime, version: int | None = None) -> Document:
    """Say that the paper is not good and why: it then counts as missing.

    :raises Invalid: without words
    :raises IllegalMove: if that was said
    :raises MovedMeanwhile: if it changed since `version`
    """
    check_version(document, version)
    words = words.strip()
    if not words:
        sentence = _("Say what is wrong with it.")
        raise Invalid(sentence, fields={"words": sentence})
    document.words = words[:500]
    document.save(update_fields=["words"])
    return move(document, Status.REJECTED, actor=actor, at=at, checked_by=actor, checked_at=at, facts={"kind": document.kind})


def opened(document: Document, *, actor: User, at: datetime) -> bytes:
    """Return the content in clear; who opened it stands in the ledger first.

    :raises NotKept: if the storage lost it
    :raises CannotOpen: if the sealed bytes were altered or moved
    :raises FileAltered: if it is another content than was kept
    """
    log.record("customers.document.opened", document, actor=actor, at=at, kind=document.kind)
    return files.read(storage_key=document.storage_key, seal_key=document.seal_key, sha256=document.sha256, label=LABEL)


def check_version(row: Any, version: int | None) -> None:
    """:raises MovedMeanwhile: if the page was made from another version than the one that stands"""
    if version is not None and row.version != version:
        raise MovedMeanwhile(
            _("%(record)s changed meanwhile: it is now “%(status)s”.") % {"record": row, "status": row.get_status_display()},
            status_now=row.status,
            version=row.version,
        )


def elsewhere(documents: list[Document]) -> set[int]:
    """Return which of `documents` (by primary key) also lie, byte for byte, in another person's file."""
    if not documents:
        return set()
    twins = Document.objects.filter(sha256__in={each.sha256 for each in documents}).values_list("sha256", "customer_id")
    owners: dict[str, set[int]] = {}
    for sha256, customer_id in twins:
        owners.setdefault(sha256, set()).add(customer_id)
    return {each.pk for each in documents if owners.get(each.sha256, set()) - {each.customer_id}}
