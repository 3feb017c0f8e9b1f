"""Work through a file of lines in chunks: each bad line is reported with its number, the rest goes on, a restart goes on.

The mechanism of every file credit takes in; what a line means is the caller's `line`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q
from django.utils.translation import override

from credit.models.imports import FileOfLines
from governance import jobs

CHUNK = 25  # lines a transaction: progress shows, and a restart repeats little
LEASE = timedelta(minutes=5)

Row = tuple[int, dict[str, str]]
F = TypeVar("F", bound=FileOfLines)


class BadLine(Exception):
    """What is wrong with one line, by field."""

    def __init__(self, problems: Mapping[str, Any]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Warned:
    """A line that went through, the counter it raises, and what a person should look at, by field."""

    counter: str
    words: Mapping[str, Any]


def run(
    model: type[F],
    batch_id: int,
    *,
    read: Callable[[F], Sequence[Row]],
    line: Callable[..., str | Warned],
    at: datetime,
    clock: Callable[[], datetime] | None = None,
) -> F | None:
    """Work through a file from where it stands; None when another worker holds it or it is finished.

    `read` gives its rows from the sealed text; `line(batch, row, at=at)` does one and returns the counter that it raises, `Warned` with
    what is to be looked at.
    `clock` keeps the claim alive while a long file runs; without it the claim stays as of `at`.
    """
    rows_of: Any = model._default_manager
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - LEASE)
    if not rows_of.filter(free, pk=batch_id, finished_at__isnull=True).update(claimed_at=at):
        return None
    joins = [field.name for field in model._meta.fields if field.name in ("job", "branch", "legal_entity", "entered_by", "partner")]
    batch: Any = rows_of.select_related(*joins).get(pk=batch_id)
    jobs.claim(batch.job_id, at=at)
    rows = read(batch)
    # The list of problems is for the person who sent the file.
    with override(batch.entered_by.language or None):
        while batch.next_line < batch.lines:
            _chunk(batch, rows, line, at=at, alive_at=clock() if clock else at)
    with transaction.atomic():
        batch.content, batch.finished_at = None, at
        batch.save(update_fields=["content", "finished_at"])
        jobs.finish(batch.job, at=at, **{name: getattr(batch, name) for name in batch.COUNTERS})
    done: F = batch
    return done


def unfinished(model: type[FileOfLines], *, at: datetime) -> list[int]:
    """Return files that no worker holds and that are not finished."""
    rows_of: Any = model._default_manager
    free = Q(claimed_at__isnull=True, created_at__lt=at - timedelta(minutes=1)) | Q(claimed_at__lt=at - LEASE)
    return list(rows_of.filter(free, finished_at__isnull=True).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _chunk(batch: Any, rows: Sequence[Row], line: Callable[..., str | Warned], *, at: datetime, alive_at: datetime) -> None:
    first, failed = batch.next_line, 0
    problems: list[dict[str, Any]] = []
    for index in range(first, min(first + CHUNK, batch.lines)):
        number, row = rows[index]
        try:
            with transaction.atomic():
                done = line(batch, row, at=at)
            if isinstance(done, Warned):
                problems += [
                    {"line": number, "field": field, "message": str(words), "warning": True} for field, words in done.words.items()
                ]
                done = done.counter
            setattr(batch, done, getattr(batch, done) + 1)
        except BadLine as error:
            failed += 1
            problems += [{"line": number, "field": field, "message": str(words)} for field, words in error.problems.items()]
        batch.next_line = index + 1
    batch.claimed_at = alive_at
    batch.save(update_fields=["next_line", *batch.COUNTERS, "claimed_at"])
    jobs.progress(batch.job, at=alive_at, done=batch.next_line - first - failed, failed=failed, problems=problems)
