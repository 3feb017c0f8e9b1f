"""`manage.py messages`: keep the Chinese catalogue equal to what code and templates say."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.lib import messages


class Command(BaseCommand):
    help = "Update the catalogue from the sources; --check fails on gaps; --compile writes the binary form."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if a sentence lacks its translation")
        parser.add_argument("--compile", action="store_true", help="write the .mo files that are older than their .po")
        parser.add_argument("--merge", nargs="+", type=Path, default=[], help="JSON files {English: Chinese} to take over")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            if lines := messages.problems():
                raise CommandError("\n".join([*lines, f"{len(lines)} sentences need work: manage.py messages"]))
            self.stdout.write("every sentence is translated")
            return
        if not options["compile"]:
            given: dict[str, str | list[str]] = {}
            for path in options["merge"]:
                given |= messages.read_translations(path)
            catalogue = messages.update(translations=given)
            self.stdout.write(f"{len(catalogue)} sentences, {len(catalogue.untranslated_entries())} without translation")
        for target in messages.compile_all():
            self.stdout.write(f"compiled {target.relative_to(messages.ROOT)}")
