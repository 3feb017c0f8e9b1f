"""`manage.py seed`: what every installation starts with, app by app in import order; safe to repeat."""

from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

APPS = ("governance", "customers", "risk", "credit", "collection")


class Command(BaseCommand):
    help = "Create roles, rules, products and the live strategy that are missing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        for app in APPS:
            import_module(f"{app}.seeds").seed()
        self.stdout.write("seeded")
