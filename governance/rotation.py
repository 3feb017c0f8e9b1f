"""Rotation of the keys that seal: a new version seals at once, everything is sealed anew online, the old version retires when nothing uses it.

Rows are taken in ranges of ids; each range is one short transaction that compares and sets: a value somebody wrote meanwhile stays as they
wrote it. What is done shows in the values themselves, so that a rotation that was killed goes on where it was. A rotation of the
wrapping key rewraps the data keys and touches no row.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg2
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from crm.lib.errors import DomainError, Invalid
from governance import file_keys, files, jobs, kek, key_ring, person_keys, sealed_places, users, vault
from governance.lifecycle import move
from governance.models import DataKey, Job, User
from governance.sealed_places import Place
from ledger import log

KIND = "governance.keys"
TITLE = gettext_noop("Sealing anew under new keys")  # translated where it is shown
CHUNK = 1_000  # rows of one transaction: 0.1 to 0.2 s
DEAD = timedelta(seconds=120)  # without progress for so long, a worker is gone and another takes over
TRIES = 5
SAME = 24  # header, person and nonce: no two tokens agree in them
Status = DataKey.Status


class RotationRuns(DomainError):
    """One rotation at a time."""

    code = "rotation_runs"


def _moved(row: DataKey, to: str, **more: Any) -> DataKey:
    """Move a key; its `version` is its name and not the number of its edits."""
    return move(row, to, version=row.version, **more)


def unfinished() -> Job | None:
    """Return the rotation that is not over."""
    return Job.objects.filter(kind=KIND, status__in=[Job.Status.WAITING, Job.Status.RUNNING]).order_by("pk").first()


@transaction.atomic
def begin(purposes: Collection[str], *, actor: User, at: datetime) -> Job:
    """Make a new version of each key, which seals from now on, and the job that seals everything anew.

    A key server, where one wraps, is asked once for each key; meanwhile only the rows of keys are held.

    :raises RotationRuns: if one is not over
    :raises Invalid: for a key that does not rotate
    :raises PortUnknown: if the key server gives no certain answer
    """
    wanted = sorted(set(purposes))
    if not wanted or not set(wanted) <= set(key_ring.SEALING):
        raise Invalid(_("Only keys that seal are rotated: C1, C2, C3 and those of files."))
    key_ring.read()
    standing = {row.purpose: row for row in DataKey.objects.select_for_update().filter(status=Status.LIVE).order_by("pk")}
    if unfinished() is not None:
        raise RotationRuns(_("A rotation is not over yet: this one begins after it."))
    job = jobs.start(kind=KIND, title=TITLE, actor=actor, at=at)
    for purpose in wanted:
        version = standing[purpose].version + 1
        key = os.urandom(32)
        place = key_ring.place_of(purpose, version)
        key_id, wrapped = kek.wrap(key, place=place)
        _moved(standing[purpose], Status.RETIRING, actor=actor, at=at, event="governance.key.superseded", superseded_at=at)
        made = DataKey.objects.create(
            purpose=purpose, version=version, wrapped=wrapped, kek=key_id, created_at=at, check_value=key_ring.check_value(key, purpose, version)
        )  # fmt: skip
        log.record("governance.key.made", made, actor=actor, at=at, purpose=purpose, version=version)
    transaction.on_commit(key_ring.forget)
    log.record("governance.keys.rotation_began", job, actor=actor, at=at, purposes=wanted)
    return job


def claim(job_id: int, *, at: datetime) -> Job | None:
    """Take the job, or take it over from a worker that is gone; None when another works on it or it is over."""
    taken = jobs.claim(job_id, at=at)
    if taken is not None:
        return taken
    gone = Job.objects.filter(pk=job_id, status=Job.Status.RUNNING, updated_at__lt=at - DEAD)
    return Job.objects.get(pk=job_id) if gone.update(updated_at=at, failed=0, problems=[]) else None  # they are met again


def run(job_id: int, *, clock: Callable[[], datetime], chunk: int = CHUNK, told: Callable[[Job], None] | None = None) -> Job | None:
    """Work the job off; None when another worker has it. Values that do not open are named in the job and stay as they are."""
    job = claim(job_id, at=clock())
    if job is None:
        return None
    key_ring.read()
    live = _live()
    jobs.progress(job, at=clock(), total=job.done + _outdated_rows(live) + len(_older_files()))
    for done, problems in _steps(live, chunk):
        if done or problems or clock() - job.updated_at > DEAD / 4:
            jobs.progress(job, at=clock(), done=done, failed=len(problems), problems=problems)
            job.refresh_from_db()
            if told:
                told(job)
    retired = retire(at=clock())
    return jobs.finish(job, at=clock(), retired=[str(one) for one in retired])


def settle(*, clock: Callable[[], datetime]) -> list[DataKey]:
    """Once every process knows the new keys, seal anew what a slow one sealed under the old; return what retired. Does so once a rotation."""
    due = DataKey.objects.filter(status=Status.RETIRING, superseded_at__lte=settled(clock()))
    known = timedelta(seconds=2 * settings.VAULT_FRESH)
    if unfinished() is not None or not due.filter(Q(counted_at=None) | Q(counted_at__lt=F("superseded_at") + known)).exists():
        return []
    for _step in _steps(_live(), CHUNK):
        pass
    return retire(at=clock())


def _steps(live: dict[str, bytes], chunk: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Seal everything anew, range by range; yield what each came to."""
    for place in sealed_places.places():
        for low, high in sealed_places.ranges(place, chunk, 0):
            yield _again(partial(reseal, place, low, high, live))
    for model, pk in _older_files():
        problems = give_key(model, pk)
        yield int(not problems), problems


def _live() -> dict[str, bytes]:
    return {purpose: key_ring.sealing(purpose)[0] for purpose in key_ring.SEALING}


def _outdated_rows(live: dict[str, bytes]) -> int:
    total = 0
    with connection.cursor() as cursor:
        for place in sealed_places.places():
            condition, parameters = sealed_places.outdated(place, live)
            cursor.execute(f'SELECT count(*) FROM "{place.table}" AS kept WHERE {condition}', parameters)  # noqa: S608
            total += cursor.fetchone()[0]  # type: ignore[index]
    return total


def _again(work: Callable[[], Any]) -> Any:
    """Do `work`, and again where a door that holds rows of the range was waited for in vain."""
    for left in reversed(range(TRIES)):
        try:
            return work()
        except OperationalError:
            if not left or connection.in_atomic_block:
                raise
            time.sleep(0.2)
    raise AssertionError


def reseal(place: Place, low: int, high: int, live: dict[str, bytes]) -> tuple[int, list[dict[str, Any]]]:
    """Seal what lies in rows `low` to `high` anew where another key than the live one sealed it; return rows done, and problems."""
    condition, parameters = sealed_places.outdated(place, live)
    names = [one.name for one in place.columns]
    columns = ", ".join(f'"{name}"' for name in names)
    problems: list[dict[str, Any]] = []
    give_secrets(place, low, high)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")  # what a crash takes back is sealed anew by the next run
        cursor.execute(
            f'SELECT id, "{place.bound}", {place.person_sql()}, {columns} FROM "{place.table}" AS kept '  # noqa: S608
            f"WHERE id BETWEEN %s AND %s AND ({condition}) ORDER BY id",
            [low, high, *parameters],
        )
        written: list[list[Any]] = []
        for pk, bound, person, *tokens in cursor.fetchall():
            row: list[Any] = [pk]
            for column, token in zip(place.columns, tokens, strict=True):
                old = None if token is None else bytes(token)
                first = live[column.purpose]
                if person:
                    first = person_keys.bound(first, person)
                if old is None or old == person_keys.ERASED or old.startswith(first):
                    row += [None, None]
                    continue
                aad = f"{column.label}|{bound}"
                try:
                    new = vault.seal_bytes(vault.unseal_bytes(old, aad=aad), aad=aad, purpose=column.purpose, person=person or 0)
                except (vault.CannotOpen, person_keys.PersonErased) as error:
                    problems.append(_problem(place, pk, column.name, error))
                    row += [None, None]
                    continue
                row += [psycopg2.Binary(old[:SAME]), psycopg2.Binary(new)]
            if any(one is not None for one in row[1:]):
                written.append(row)
        if written:
            _write(cursor, place, names, written)
    return len(written), problems


def give_secrets(place: Place, low: int, high: int) -> None:
    """Make, or read at once, the secrets of the persons whose values lie in rows `low` to `high`; on its own, so that no door waits for a range."""
    if not place.person:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT DISTINCT {place.person_sql()} FROM "{place.table}" AS kept WHERE id BETWEEN %s AND %s',  # noqa: S608
            [low, high],
        )
        found = {person for (person,) in cursor.fetchall() if person}
    person_keys.make(found)


def _write(cursor: Any, place: Place, names: list[str], written: list[list[Any]]) -> None:
    held = ", ".join(f"o{n}, n{n}" for n in range(len(names)))
    arrays = ", ".join(["%s::bigint[]", *(["%s::bytea[]"] * (2 * len(names)))])
    same = [f'substring(kept."{name}" FROM 1 FOR {SAME}) = o{n}' for n, name in enumerate(names)]
    sets = ", ".join(f'"{name}" = CASE WHEN {same[n]} THEN n{n} ELSE kept."{name}" END' for n, name in enumerate(names))
    cursor.execute(
        f'UPDATE "{place.table}" AS kept SET {sets} FROM unnest({arrays}) AS made (pk, {held}) '  # noqa: S608
        f"WHERE kept.id = made.pk AND ({' OR '.join(same)})",
        [list(column) for column in zip(*written, strict=True)],
    )


def _problem(place: Place, pk: int, field: str, error: DomainError) -> dict[str, Any]:
    names = {one.name for one in place.model._meta.concrete_fields}
    found = place.model._base_manager.filter(pk=pk).values_list("public_id" if "public_id" in names else "pk", flat=True).first()
    return {"line": None, "field": field, "message": f"{place.model._meta.label} {found}: {error}"}


# --- files from before they had keys of their own ------------------------------------------------------------------
def _older_files() -> list[tuple[Any, int]]:
    """Return the rows whose file has no key of its own."""
    from governance.models import FileKey

    found: list[tuple[Any, int]] = []
    for model in files.holders():
        named = model._base_manager.filter(storage_key__gt="").filter(~Q(storage_key__in=FileKey.objects.values("stored_as")))
        found += [(model, pk) for pk in named.order_by("pk").values_list("pk", flat=True)]
    return found


def give_key(model: Any, pk: int) -> list[dict[str, Any]]:
    """Seal an older file under a key of its own; return what went wrong. Its first bytes say how far a run came that was killed."""
    from crm.lib.ports import storage

    row = model._base_manager.get(pk=pk)
    aad = f"{model.FILE_LABEL}|{row.seal_key}"
    try:
        data = storage.get(row.storage_key)
        content = vault.unseal_bytes(data, aad=aad)
        file_keys.make(row.storage_key)
        storage.put(row.storage_key, file_keys.sealed(row.storage_key, content, aad=aad))
    except DomainError as error:
        return [{"line": None, "field": "storage_key", "message": f"{model._meta.label} {getattr(row, 'public_id', pk)}: {error}"}]
    return []


# --- counting and retiring -------------------------------------------------------------------------------------------
def count(*, at: datetime) -> None:
    """Count what each key seals and keep the figures with the keys."""
    found = sealed_places.counted()
    # a master key that sealed by itself, before data keys, is counted and retires like the others
    older = [
        DataKey(
            purpose=key_ring.LEGACY, version=version, wrapped=b"", kek=f"local:v{version}", status=Status.RETIRING, created_at=at, superseded_at=at
        )
        for purpose, version in found
        if purpose == key_ring.LEGACY and version
    ]  # fmt: skip
    DataKey.objects.bulk_create(older, ignore_conflicts=True)
    sealed = (*key_ring.SEALING, key_ring.LEGACY)
    for row in DataKey.objects.filter(purpose__in=sealed).exclude(status=Status.RETIRED).order_by("pk"):
        DataKey.objects.filter(pk=row.pk).update(in_use=found[(row.purpose, row.version)], counted_at=at)
    back = DataKey.objects.filter(status=Status.RETIRED, purpose__in=sealed).order_by("pk")
    for row in back:
        if used := found[(row.purpose, row.version)]:  # an older backup was brought back
            _moved(
                row,
                Status.RETIRING,
                actor=users.system(),
                at=at,
                event="governance.key.in_use_again",
                in_use=used,
                counted_at=at,
                retired_at=None,
            )
        else:
            DataKey.objects.filter(pk=row.pk).update(counted_at=at)


def settled(at: datetime) -> datetime:
    """Return the moment before which a key must have been superseded, for every process to have noticed it."""
    return at - timedelta(seconds=2 * settings.VAULT_FRESH)


def retire(*, at: datetime) -> list[DataKey]:
    """Count, and retire what was superseded long enough ago and seals nothing; return it. A retired key is kept, for older backups."""
    count(at=at)
    unused = DataKey.objects.filter(status=Status.RETIRING, in_use=0, superseded_at__lte=settled(at)).order_by("pk")
    found = list(unused)
    for row in found:
        _moved(row, Status.RETIRED, actor=users.system(), at=at, event="governance.key.retired", retired_at=at)
    return found


# --- the wrapping key ------------------------------------------------------------------------------------------------
@transaction.atomic
def rewrap(*, actor: User, at: datetime) -> int:
    """Wrap every data key by the newest wrapping key; return how many. No value is touched.

    :raises CannotUnwrap: if one does not open
    :raises PortUnknown: if the key server gives no certain answer
    """
    key_ring.read()
    newest, done = kek.newest(), 0
    for row in DataKey.objects.select_for_update().exclude(purpose=key_ring.LEGACY).exclude(kek=newest).order_by("pk"):
        was = row.kek
        row.kek, row.wrapped = kek.rewrap(row.kek, bytes(row.wrapped), place=key_ring.place_of(row.purpose, row.version))
        key_ring.opened(row.purpose, row.version, row.kek, row.wrapped, row.check_value)  # what cannot be opened is not kept
        row.save(update_fields=["kek", "wrapped"])
        log.record("governance.key.rewrapped", row, actor=actor, at=at, was=was, now=row.kek)
        done += 1
    return done
