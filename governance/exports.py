"""Lists that leave as a file: with permission, a purpose and a reason; masked, counted in the ledger, gone after a day."""

import csv
import hashlib
import io
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.http import Http404, QueryDict
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from crm.lib.errors import DomainError, NotAllowed
from crm.lib.lists import Column, List
from crm.lib.tables import TABLES, Table
from governance import access, jobs, probes, purposes, table_files, unreadable, uses
from governance.models import DataPurpose, Export, User
from governance.saved_views import kept
from governance.table_files import safe
from ledger import log

KIND = "governance.export"
MOST = 50_000
CHUNK = 500
KEPT = timedelta(days=1)
LEASE = timedelta(minutes=5)
# What a person says an export is for, as a purpose of personal data, where they named none.
STANDS_FOR = {"work": "onboarding", "report": "compliance", "control": "compliance", "authority": "authority"}


class Expired(DomainError):
    """The file is gone: its day is over."""

    code = "export_expired"


def personal(columns: Sequence[Column]) -> list[str]:
    """Return the columns of the person that these columns of a list read."""
    return sorted({name for column in columns for name in column.personal})


def lawful_use(spec: List, columns: Sequence[Column], code: str, *, actor: User, at: datetime) -> str:
    """Return the purpose an export's personal columns are read for, "" when it holds none.

    :raises purposes.UnknownPurpose: if there is no such purpose in force
    :raises uses.UnlawfulUse: if a column may not be read for it
    """
    names = personal(columns)
    if not names or spec.person is None:
        return ""
    uses.use(spec.person.model, code, actor=actor, at=at).check(spec.person.model(), names)
    return code


def use_choices(spec: List, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return the purposes for which these columns may leave; those that ask for a consent only where the list is of persons itself."""
    names = personal(columns)
    if not names or spec.person is None:
        return []
    found = []
    for row in DataPurpose.objects.filter(is_active=True).order_by("pk"):
        lawful = purposes.lawful(spec.person.model, row.code)
        if not any(lawful.refuses(name) for name in names) and (not row.consent or spec.name == "customers"):
            found.append((row.code, str(row)))
    return found


@transaction.atomic
def ask(
    spec: List,
    *,
    query: str,
    columns: Sequence[Column],
    purpose: str,
    reason: str,
    actor: User,
    at: datetime,
    language: str = "",
    use: str = "",
) -> Export:
    """Order a file of a list; a worker writes it after commit.

    :param use: the purpose for which personal columns are read; if left out, the one that `purpose` stands for
    :raises NotAllowed: without the list's export permission
    :raises uses.UnlawfulUse: if a column may not be read for it
    """
    if not spec.export_permission or not actor.has_perm(spec.export_permission):
        raise NotAllowed(_("You may not export this list."))
    use = lawful_use(spec, columns, use or STANDS_FOR.get(purpose, ""), actor=actor, at=at)
    job = jobs.start(kind=KIND, title=f"{_('Export')}: {spec.title}"[:200], actor=actor, at=at)
    export = Export(
        job=job, list=spec.name, actor=actor, purpose=purpose, reason=reason, use=use, query=kept(query), columns=[column.key for column in columns],
        language=language, created_at=at, expires_at=at + KEPT,
    )  # fmt: skip
    export.save(force_insert=True)
    log.record("governance.export.asked", export, actor=actor, at=at, list=spec.name, purpose=purpose, filter=query, columns=export.columns)
    return export


@transaction.atomic
def ask_table(table: Table, *, query: str, form: str, purpose: str, reason: str, actor: User, at: datetime, language: str = "") -> Export:
    """Order a file of a table; a worker writes it after commit.

    :raises NotAllowed: without the table's export permission
    """
    if not actor.has_perm(table.export_permission):
        raise NotAllowed(_("You may not export this list."))
    asked = QueryDict(query, mutable=True)
    asked[table_files.FORM] = form
    job = jobs.start(kind=KIND, title=f"{_('Export')}: {table.title}"[:200], actor=actor, at=at)
    export = Export(
        job=job, list=table.name, actor=actor, purpose=purpose, reason=reason, query=kept(asked.urlencode()), columns=[], language=language,
        created_at=at, expires_at=at + KEPT,
    )  # fmt: skip
    export.save(force_insert=True)
    log.record("governance.export.asked", export, actor=actor, at=at, list=table.name, purpose=purpose, filter=export.query, columns=[])
    return export


def write(export_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> Export | None:
    """Write the file of an export; None when another worker has it or it is written."""
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - LEASE)
    if not Export.objects.filter(free, pk=export_id, rows__isnull=True).update(claimed_at=at):
        return None
    export = Export.objects.select_related("job", "actor", "actor__role", "actor__team").get(pk=export_id)
    jobs.claim(export.work.pk, at=at)
    spec, actor = table_files.source(export.list), export.actor
    actor.asked = spec.export_permission
    if not actor.has_perm(spec.export_permission):
        Export.objects.filter(pk=export.pk).update(rows=0)
        jobs.fail(export.work, str(_("You may not export this list.")), at=at)
        return export
    with access.reading(lambda: actor):
        if spec.name in TABLES:
            with override(export.language or actor.language or None):
                number, content = table_files.content(spec, export.query, actor)
            jobs.progress(export.work, at=at, done=number)
            return _keep(export, number, content, actor, at=at)
        return _written(export, spec, actor, at=at, clock=clock)


def _written(export: Export, spec: List, actor: User, *, at: datetime, clock: Callable[[], datetime] | None) -> Export:
    columns = [column for column in spec.columns if column.key in export.columns]
    columns.sort(key=lambda column: export.columns.index(column.key))
    rows: Any = spec.narrowed(QueryDict(export.query), SimpleNamespace(user=actor), localdate(at)).order_by("-pk")
    person = spec.person if export.use else None
    if person is not None and rows.model is person.model:
        rows, person = rows.for_purpose(export.use, actor=actor, at=at), None
    out = io.StringIO(newline="")
    table = csv.writer(out)
    number, before = 0, None
    with override(export.language or actor.language or None), unreadable.shown():
        table.writerow([safe(column.label) for column in columns])
        while number < MOST:
            part = list((rows.filter(pk__lt=before) if before else rows)[: min(CHUNK, MOST - number)])
            if not part:
                break
            if person is not None:
                uses.bind((person.of(row) for row in part), export.use, actor=actor, at=at)
            if spec.prepare is not None:
                spec.prepare(part, at)
            table.writerows([safe(column.text(row)) for column in columns] for row in part)
            number, before = number + len(part), part[-1].pk
            alive = clock() if clock else at
            jobs.progress(export.work, at=alive, done=len(part))
            Export.objects.filter(pk=export.pk).update(claimed_at=alive)
    return _keep(export, number, b"\xef\xbb\xbf" + out.getvalue().encode(), actor, at=at)


def _keep(export: Export, number: int, content: bytes, actor: User, *, at: datetime) -> Export:
    with transaction.atomic():
        export.rows, export.content, export.sha256 = number, zlib.compress(content), hashlib.sha256(content).hexdigest()
        export.save(update_fields=["rows", "content", "sha256"])
        log.record(
            "governance.export.written", export, actor=actor, at=at, list=export.list, rows=number, filter=export.query,
            purpose=export.purpose, sha256=export.sha256,
        )  # fmt: skip
        jobs.finish(export.work, at=at, rows=number)
    return export


@transaction.atomic
def fetch(public_id: str, *, actor: User, at: datetime) -> tuple[Export, bytes]:
    """Return an own export with its file.

    :raises Http404: if it is another person's
    :raises Expired: if its day is over
    :raises NotAllowed: if the permission was taken back meanwhile
    """
    export = Export.objects.filter(actor=actor, public_id=public_id, job__isnull=False).first() if "\0" not in public_id else None
    if export is None:
        probes.note(Export, actor, public_id, at=at)
        raise Http404
    if not actor.has_perm(table_files.source(export.list).export_permission):
        raise NotAllowed(_("You may not export this list."))
    if export.content is None or export.expires_at <= at:
        raise Expired(_("This file is gone: it was kept for a day. Export the list again."))
    Export.objects.filter(pk=export.pk).update(downloads=F("downloads") + 1)
    log.record("governance.export.downloaded", export, actor=actor, at=at, list=export.list, rows=export.rows)
    return export, zlib.decompress(bytes(export.content))


def forget(*, at: datetime) -> int:
    """Empty the files whose day is over; who exported what stays known."""
    return Export.objects.filter(content__isnull=False, expires_at__lte=at).update(content=None)


def unfinished(*, at: datetime) -> list[int]:
    """Return exports that no worker holds and that are not written."""
    free = Q(claimed_at__isnull=True, created_at__lt=at - timedelta(minutes=1)) | Q(claimed_at__lt=at - LEASE)
    return list(Export.objects.filter(free, rows__isnull=True).order_by("pk").values_list("pk", flat=True))
