"""`manage.py create_lender`: the first legal entity of a new installation, with its head office and products."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, now

from credit import seeds as products
from governance import teams, users
from governance.models import LegalEntity, Team


class Command(BaseCommand):
    help = "Create a legal entity with its head office."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--name-en", required=True)
        parser.add_argument("--name-zh", required=True)
        parser.add_argument("--business-date", help="ISO date, today when left out")
        parser.add_argument("--zone", default="Asia/Shanghai")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        day = parse_date(options["business_date"]) if options["business_date"] else localdate()
        if day is None:
            raise CommandError(f"{options['business_date']} is not a date such as 2026-11-22.")
        if LegalEntity.objects.filter(code=options["code"]).exists():
            raise CommandError(f"There is a legal entity {options['code']} already.")
        entity = LegalEntity.objects.create(
            code=options["code"],
            name_en=options["name_en"],
            name_zh=options["name_zh"],
            business_date=day,
            zone=options["zone"],
        )
        teams.create(
            legal_entity=entity,
            code="HQ",
            name_en="Head office",
            name_zh="总部",
            kind=Team.Kind.HEAD,
            parent=None,
            actor=users.system(),
            at=now(),
        )
        products.seed()
        self.stdout.write(f"{entity.code} stands; its business date is {day}.")
