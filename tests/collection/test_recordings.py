"""A recording is kept once, sealed, for five years at least; who hears it stands in the ledger."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from collection import cases, contacts, recordings
from collection.models import Contact, Recording
from collection.models.recordings import FIVE_YEARS
from governance import files
from ledger import log
from tests.collection.conftest import AFTER, Floor

SOUND = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(64)


def test_a_recording_lies_sealed_is_tied_to_its_contact_and_told_twice_is_one(floor: Floor) -> None:
    case, cast = floor.case(), floor.cast
    cases.claim(case, actor=cast.collector, at=AFTER)
    attempt = contacts.begin_call(case, actor=cast.collector, at=AFTER, key="k")
    stored = recordings.store(SOUND)
    told = {"reference": "CALL-1", "seconds": 61, "actor": cast.collector, "at": AFTER, "attempt": attempt, "transcript": "您好"}
    row = recordings.keep(case, stored=stored, **told)  # type: ignore[arg-type]
    assert recordings.keep(case, **told).pk == row.pk  # type: ignore[arg-type]
    assert (row.contact, row.media_type, row.size) == (None, "audio/wav", len(SOUND))
    contacts.log_contact(
        case, channel="call", outcome="no_answer", next_action="call", next_action_on=AFTER.date(), actor=cast.collector, at=AFTER
    )
    floor.deliver()
    row.refresh_from_db()
    assert row.contact == Contact.objects.get()
    assert recordings.heard(row, actor=cast.collections_supervisor, at=AFTER) == SOUND
    assert [entry.event for entry in log.history(row)] == ["collections.recording.heard", "collections.recording.kept"]
    assert not files.unnamed([row.storage_key])


@given(st.dates(date(2024, 1, 1), date(2090, 1, 1)))
def test_no_day_is_kept_less_than_five_years(day: date) -> None:
    assert day + FIVE_YEARS <= recordings.years_after(day, 5) <= day + FIVE_YEARS + timedelta(days=1)


def test_the_database_refuses_a_shorter_time(floor: Floor) -> None:
    row = recordings.keep(floor.case(), reference="CALL-2", seconds=5, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(IntegrityError, match="recording_kept_five_years"), transaction.atomic():
        Recording.objects.filter(pk=row.pk).update(kept_until=AFTER.date() + timedelta(days=400))


def test_only_sound_is_taken() -> None:
    with pytest.raises(files.NotThisFile, match="WAV, MP3 or Ogg"):
        recordings.store(b"%PDF-1.7 " + bytes(64))


def test_the_sound_is_deleted_when_its_time_is_over_and_the_case_is_closed(floor: Floor) -> None:
    case, cast = floor.case(), floor.cast
    row = recordings.keep(case, reference="CALL-3", seconds=5, actor=cast.collector, at=AFTER, stored=recordings.store(SOUND))
    late = datetime(2032, 1, 1, tzinfo=UTC)
    assert recordings.forget_due(actor=cast.system, at=late, on=late.date()) == 0, "the case is still worked"
    floor.pay_all_overdue(case.debts.get().loan)
    assert recordings.forget_due(actor=cast.system, at=AFTER, on=AFTER.date()) == 0, "its time is not over"
    assert recordings.forget_due(actor=cast.system, at=late, on=late.date()) == 1
    assert recordings.forget_due(actor=cast.system, at=late, on=late.date()) == 0
    row.refresh_from_db()
    with pytest.raises(recordings.NoSound, match="deleted"):
        recordings.heard(row, actor=cast.collections_supervisor, at=late)
