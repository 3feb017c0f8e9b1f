"""`manage.py run_monitoring`: the figures of monitoring as of a day, or of several in a row."""

from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, now

from governance import users
from risk import monitoring


class Command(BaseCommand):
    help = "Count the figures of monitoring as of a day (yesterday unless told otherwise); again for a day, they are written anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--on", help="ISO date")
        parser.add_argument("--since", help="ISO date: every day from it on")

    def handle(self, *args: Any, **options: Any) -> None:
        last = self._day(options["on"]) or localdate() - timedelta(days=1)
        day = self._day(options["since"]) or last
        while day <= last:
            for made in monitoring.run(on=day, at=now(), actor=users.system()):
                self.stdout.write(f"{made}: {made.decisions} decisions, {made.took_ms} ms")
            day += timedelta(days=1)

    def _day(self, text: str | None) -> date | None:
        if not text:
            return None
        try:
            found = parse_date(text)
        except ValueError:
            found = None
        if found is None:
            raise CommandError(f"{text} is not a date such as 2026-11-22.")
        return found
