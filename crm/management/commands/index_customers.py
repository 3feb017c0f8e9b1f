"""`manage.py index_customers`: file every customer the search does not know; `--here` without a worker."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.timezone import now

from customers import index, tasks


class Command(BaseCommand):
    help = "File customers for the search: those it does not know, or knows by an older rule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--here", action="store_true", help="work in this process instead of on a worker")

    def handle(self, *args: Any, **options: Any) -> None:
        job = index.plan(actor=None, at=now())
        if not options["here"]:
            tasks.reindex.delay(job_id=job.pk)
            self.stdout.write(f"{job.public_id}: {job.total} customers, on a worker")
            return
        done = index.run(job.pk, at=now())
        self.stdout.write(f"{job.public_id}: {done.done if done else 0} customers filed")
