"""`manage.py create_lender`: the first legal entity of a new installation, with its head office and products."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, now

from crm import lenders
from crm.lib.errors import Invalid


class Command(BaseCommand):
    help = "Create a legal entity with its head office."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--name-en", required=True)
        parser.add_argument("--name-zh", required=True)
        parser.add_argument("--business-date", help="ISO date, today when left out")
        parser.add_argument("--zone", default="Asia/Shanghai")

    def handle(self, *args: Any, **options: Any) -> None:
        day = parse_date(options["business_date"]) if options["business_date"] else localdate()
        if day is None:
            raise CommandError(f"{options['business_date']} is not a date such as 2026-11-22.")
        names = {name: options[name] for name in ("name_en", "name_zh", "zone")}
        try:
            lenders.found(options["code"], **names, business_date=day, at=now())
        except Invalid as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{options['code']} stands; its business date is {day}.")
