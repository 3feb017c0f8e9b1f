"""`manage.py check_path --url URL`: the main job once over HTTP, step by step; what `./run --check` runs."""

import time
from datetime import date
from typing import Any

import requests
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.demo.path import Failed, Path
from governance.models import LegalEntity


class Command(BaseCommand):
    help = "Drive the main job once over HTTP against a running house with the demonstration loaded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        entity = LegalEntity.objects.get(code="DEMO")
        path = Path(options["url"], business_date=entity.business_date, zone=entity.zone, close=close)
        failed = 0
        for number, (title, step) in enumerate(path.steps(), start=1):
            began = time.monotonic()
            try:
                found = step()
            except (Failed, requests.RequestException, KeyError, IndexError, AttributeError) as error:
                self.stdout.write(f"FAIL {number:2d} {title}: {type(error).__name__}: {error}")
                failed = 1
                break
            self.stdout.write(f"ok   {number:2d} {title}: {found} ({time.monotonic() - began:.1f} s)")
        passed = number - failed
        call_command("replay_decision", all=True, stdout=self.stdout)
        self.stdout.write(f"{passed} passed, {failed} failed")
        if failed:
            raise CommandError("the main job did not go through")


def close(until: date) -> None:
    call_command("close_day", to=until)
