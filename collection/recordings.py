"""Doors of recordings: take one over from the telephone, tie it to the contact it belongs to, hear it, delete it when its time is over."""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from collection.models import Case, Contact, Recording
from collection.models.recordings import FIVE_YEARS
from credit import books
from crm.lib.errors import DomainError, Invalid
from crm.lib.ports import storage
from customers.models import ContactAttempt
from governance import file_keys, files, rules
from governance.models import User
from ledger import log

YEARS = "collections.recording.years"
WAV, MP3, OGG = "audio/wav", "audio/mpeg", "audio/ogg"
LARGEST = 60 * 1024 * 1024  # an hour of telephone sound
MOST = 200  # deleted in one go of the night


class NoSound(DomainError):
    """The sound stays with the telephone system, or its time is over."""

    code = "no_sound"


def sound_type(content: bytes) -> str:
    """Return the kind of sound the first bytes tell, empty for none known here."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return WAV
    if content[:3] == b"ID3" or content[:2] in (b"\xff\xfb", b"\xff\xf3"):
        return MP3
    return OGG if content[:4] == b"OggS" else ""


def store(content: bytes) -> files.Stored:
    """Check, seal and store the sound of a call; outside transactions, before `keep`.

    :raises NotThisFile: if it is no WAV, MP3 or Ogg, or longer than the house takes
    """
    found = sound_type(content)
    if not found or len(content) > LARGEST:
        sentence = _("Only sound as WAV, MP3 or Ogg up to 60 MB is taken.")
        raise files.NotThisFile(sentence, fields={"file": sentence})
    return files.keep(content, label=Recording.FILE_LABEL, largest=LARGEST, media_type=found)


def kept_until(day: date) -> date:
    """Return the day until which a recording of `day` is kept: by the rule book, and never under five years."""
    return years_after(day, int(rules.value(YEARS, on=day)))


def years_after(day: date, years: int) -> date:
    """Return the day so many years later, and never under five years."""
    try:
        by_rule = day.replace(year=day.year + years)
    except ValueError:  # 29 February
        by_rule = day.replace(year=day.year + years, month=3, day=1)
    return max(by_rule, day + FIVE_YEARS)


@transaction.atomic
def keep(
    case: Case,
    *,
    reference: str,
    seconds: int,
    actor: User,
    at: datetime,
    attempt: ContactAttempt | None = None,
    contact: Contact | None = None,
    stored: files.Stored | None = None,
    transcript: str = "",
) -> Recording:
    """Write down a recording of a call that began at `at`; told twice, it is one.

    :param stored: the sound as `store` put it away; none where it stays with the telephone system
    :raises Invalid: if it has no reference
    """
    if not 0 < len(reference) <= 80:
        raise Invalid(_("A recording needs the name its call has in the telephone system."))
    known = Recording.objects.filter(reference=reference).first()
    if known is not None:
        if stored is not None and stored.storage_key != known.storage_key:
            transaction.on_commit(lambda: files.discard(stored))
        return known
    day = books.local_day(case.legal_entity, at)
    if contact is None and attempt is not None:
        contact = Contact.objects.filter(attempt=attempt).first()
    file: dict[str, Any] = (
        {"storage_key": stored.storage_key, "seal_key": stored.seal_key, "media_type": stored.media_type, "size": stored.size,
         "sha256": stored.sha256} if stored else {}
    )  # fmt: skip
    row = Recording(
        case=case, attempt=attempt, contact=contact, actor=actor, reference=reference, started_at=at, seconds=seconds,
        transcript=transcript.strip() or None, recorded_on=day, kept_until=kept_until(day), **file,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # told twice at once: the first one stands
        return Recording.objects.get(reference=reference)
    log.record(
        "collections.recording.kept", row, actor=actor, at=at, customer_id=case.customer_id, case=case.public_id, seconds=seconds,
        kept_until=row.kept_until, sha256=row.sha256,
    )  # fmt: skip
    return row


def tie(contact: Contact) -> int:
    """Tie what was recorded of a contact's attempt to it; return how many rows. Running it again changes nothing."""
    if contact.attempt_id is None:
        return 0
    return Recording.objects.filter(attempt=contact.attempt_id, contact__isnull=True).update(contact=contact)


def heard(recording: Recording, *, actor: User, at: datetime) -> bytes:
    """Return the sound in clear; who heard it stands in the ledger first.

    :raises NoSound: if it stays with the telephone system, or was deleted
    """
    if recording.storage_key is None:
        raise NoSound(_("The sound of this call lies with the telephone system, under its reference."))
    if recording.forgotten_at is not None:
        raise NoSound(_("The time this recording was kept is over: its sound is deleted."))
    log.record(
        "collections.recording.heard", recording, actor=actor, at=at, customer_id=recording.case.customer_id,
        case=recording.case.public_id,
    )  # fmt: skip
    return files.read(storage_key=recording.storage_key, seal_key=recording.seal_key, sha256=recording.sha256, label=Recording.FILE_LABEL)


def forget_due(*, actor: User, at: datetime, on: date) -> int:
    """Delete the sound of recordings whose time is over; the row stays and says so. Return how many.

    The sound goes first: a crash between the two leaves a row whose sound is deleted a second time the next night.
    """
    rows = Recording.objects.filter(kept_until__lt=on, forgotten_at__isnull=True).exclude(case__status__in=("open", "worked", "paused"))
    done = list(rows.select_related("case").order_by("pk")[:MOST])
    for row in done:
        if row.storage_key:
            storage.delete(row.storage_key)
            file_keys.erase([row.storage_key])
        with transaction.atomic():
            Recording.objects.filter(pk=row.pk).update(forgotten_at=at, transcript=None)
            log.record(
                "collections.recording.forgotten", row, actor=actor, at=at, customer_id=row.case.customer_id, case=row.case.public_id
            )
    return len(done)
