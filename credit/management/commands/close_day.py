"""Close business dates: `close_day` the open one, `close_day --to DATE` every open one up to and including DATE."""

import time
from datetime import date
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from credit import end_of_day, tasks
from credit.models import CloseRun
from crm.lib.errors import DomainError
from governance.models import LegalEntity

LOOKS = 5  # a second
PATIENCE = 60  # seconds without progress after which the workers are given up and the work is done here


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=date.fromisoformat, help="last business date to close, YYYY-MM-DD; default: the open one")
        parser.add_argument("--entity", default="", help="code of the legal entity; default: every one")
        parser.add_argument("--inline", action="store_true", help="do the work in this process even when workers are there")

    def handle(self, *args: Any, to: date | None, entity: str, inline: bool, **options: Any) -> None:
        entities = LegalEntity.objects.filter(code=entity) if entity else LegalEntity.objects.all()
        found = list(entities.order_by("pk"))
        if not found:
            raise CommandError("There is no such legal entity.")
        inline = inline or not current_app.control.ping(timeout=1)
        for each in found:
            last = to or each.business_date
            if each.business_date > last:
                self.stdout.write(f"{each.code}: {last} is closed already; the open business date is {each.business_date}.")
            while each.business_date <= last:
                self.close(each, inline=inline)

    def close(self, entity: LegalEntity, *, inline: bool) -> None:
        """Close the open date of `entity` and say what was done."""
        day, at, started = entity.business_date, now(), time.monotonic()
        try:
            run = end_of_day.plan(entity, day, at=at)
            if not inline:
                self.wait(run)
            run = end_of_day.close(entity, day, at=at)
        except DomainError as error:
            raise CommandError(str(error)) from None
        entity.refresh_from_db()
        done = list(run.partitions.all())
        loans, moved, parked = (sum(getattr(row, name) for row in done) for name in ("loans", "moved", "parked"))
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{entity.code} {day}: {loans} loans, {moved} changed bucket, {parked} parked, {seconds:.2f} s; now {entity.business_date}"
        )

    def wait(self, run: CloseRun) -> None:
        """Hand the partitions to the workers and wait while they progress; what they leave, the caller does."""
        tasks.hand_out(run, at=now())
        left, since = len(end_of_day.pending(run)), time.monotonic()
        while left and time.monotonic() - since < PATIENCE:
            time.sleep(1 / LOOKS)
            if (now_left := len(end_of_day.pending(run))) != left:
                left, since = now_left, time.monotonic()
