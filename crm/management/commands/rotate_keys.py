"""`manage.py rotate_keys`: new versions of the keys that seal; everything is sealed anew while the house runs on. Killed, it goes on where it was."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from crm.lib.errors import DomainError
from governance import key_ring, rotation, users
from governance.models import DataKey, Job


class Command(BaseCommand):
    help = "Renew the keys that seal and seal everything anew; go on with a rotation that was stopped; or rewrap the data keys (--kek)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", choices=key_ring.SEALING, help="keys to renew; all of them unless told otherwise")
        parser.add_argument("--kek", action="store_true", help="only wrap the data keys by the newest wrapping key; no value is touched")
        parser.add_argument("--no-wait", action="store_true", help="leave retiring the old versions to the house's own worker")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["kek"]:
                self.stdout.write(f"{rotation.rewrap(actor=users.system(), at=now())} data keys rewrapped")
                return
            job = rotation.unfinished()
            if job is None:
                job = rotation.begin(options["only"] or key_ring.SEALING, actor=users.system(), at=now())
            else:
                self.stdout.write(f"{job.public_id} goes on")
            self._run(job)
        except DomainError as error:
            raise CommandError(str(error)) from error
        if not options["no_wait"]:
            self._settle()
        for row in DataKey.objects.exclude(purpose=key_ring.FINGERPRINT).order_by("purpose", "version"):
            self.stdout.write(f"{row.purpose} v{row.version}: {row.get_status_display()}, {row.in_use} values")

    def _run(self, job: Job) -> None:
        done = None
        while done is None:
            done = rotation.run(job.pk, clock=now, told=self._told)
            job.refresh_from_db()
            if done is None and job.is_over:
                done = job
            if done is None:  # another worker has it, or died a moment ago
                self._told(job)
                time.sleep(2)
        self.stderr.write("")
        self.stdout.write(f"{done.public_id}: {done.done} rows sealed anew, {done.failed} values cannot be read")
        for problem in done.problems[:20]:
            self.stdout.write(f"  {problem['field']}: {problem['message']}")

    def _told(self, job: Job) -> None:
        percent = "" if job.percent is None else f" ({job.percent} %)"
        self.stderr.write(f"\r{job.done} of {job.total or '?'} rows{percent}", ending="")
        sys.stderr.flush()

    def _settle(self) -> None:
        """Wait until every process seals with the new keys, then seal anew what came meanwhile and retire the old ones."""
        newest = DataKey.objects.filter(status=DataKey.Status.RETIRING).order_by("-superseded_at").first()
        if newest is None or newest.superseded_at is None:
            return
        left = (newest.superseded_at - rotation.settled(now())).total_seconds()
        if left > 0:
            self.stdout.write(f"waiting {left:.0f} s for every process to know the new keys ({settings.VAULT_FRESH} s each)")
            time.sleep(left + 0.1)
        for row in rotation.settle(clock=now):
            self.stdout.write(f"{row} retired")
