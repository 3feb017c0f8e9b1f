"""`manage.py begin`: the link by which the first administrator of an empty installation comes in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from crm import beginning


class Command(BaseCommand):
    help = "Print the link that lets the first administrator in, while nobody is in; it holds for a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=settings.BASE_URL, help="address of the installation")
        parser.add_argument("--quiet", action="store_true", help="say nothing where somebody is in already")

    def handle(self, *args: Any, **options: Any) -> None:
        if link := beginning.link(options["url"]):
            self.stdout.write(link)
        elif not options["quiet"]:
            self.stdout.write("There are people in this installation: an administrator invites the others on the page Users.")
