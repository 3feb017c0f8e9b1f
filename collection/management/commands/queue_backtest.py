"""`manage.py queue_backtest`: the order of the queue against other orders on a past day; prints JSON."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date
from django.utils.timezone import now

from collection import queue_backtests
from credit import books
from crm.lib.errors import DomainError
from governance.models import LegalEntity


class Command(BaseCommand):
    help = "Share of the cash of the days after a past day that lay in the first 20 % of calls, by order; one JSON object."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", help="ISO date whose cases are ordered; as many days ago as are counted when left out")
        parser.add_argument("--days", type=int, default=30, help="days whose cash is counted")

    def handle(self, *args: Any, **options: Any) -> None:
        entity = LegalEntity.objects.order_by("pk").first()
        if entity is None:
            raise CommandError("There is no lender yet.")
        day = parse_date(options["day"]) if options["day"] else books.value_day(entity, now()) - timedelta(days=options["days"])
        if day is None:
            raise CommandError(f"{options['day']} is not a date such as 2026-10-01.")
        try:
            found = queue_backtests.compared(entity, day=day, days=options["days"])
        except DomainError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(json.dumps({"day": day.isoformat(), "days": options["days"]} | found))
