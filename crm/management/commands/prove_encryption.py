"""`manage.py prove_encryption`: look for every sealed value wherever the house writes; last line `N values, M hits`."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from governance import proof_runs, users


class Command(BaseCommand):
    help = (
        "Look for every sealed value in tables, sessions, the write-ahead log, Valkey, logs and files; exit code 1 if one stands in clear."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--logs", action="append", default=[], metavar="FOLDER", help="a folder of log files; that of ./run is searched anyway"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folders = [Path(name) for name in [*options["logs"], os.environ.get("CRM_LOG_FOLDER", "")] if name]
        try:
            found = proof_runs.run_here(
                actor=users.system(), at=now(), clock=now, superuser_url=os.environ.get("CRM_SUPERUSER_URL", ""), folders=folders
            )
        except proof_runs.ProofRuns as error:
            raise CommandError(str(error.message)) from None
        for place, size in found.searched.items():
            self.stdout.write(f"{place}: {size / 1_000_000:,.1f} MB searched")
        for missing in found.not_searched:
            self.stdout.write(f"not searched: {missing}")
        for hit in found.hits:
            self.stdout.write(f"IN CLEAR: {hit.label} in {hit.place}")
        self.stdout.write(f"{found.values} values, {len(found.hits)} hits")
        if found.hits:
            sys.exit(1)
