"""`manage.py replay_decision ID …` or `--all`: decisions run again from their stored facts and versions. Changes nothing."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from risk import engine
from risk.models import Decision

CHUNK = 500


class Command(BaseCommand):
    help = "Run stored decisions again; the last line says how many came out the same. Exit code 1 when one did not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="public ids such as D-7K2M9QXAB")
        parser.add_argument("--all", action="store_true", help="every decision, oldest first")
        parser.add_argument("--strategy", default="", help="only decisions of this strategy, by its code")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["ids"]) == options["all"]:
            raise CommandError("Give the ids of decisions, or --all.")
        passed = failed = 0
        for public_id, found in self.chosen(options):
            told = engine.difference(found) if found else "there is no such decision"
            passed, failed = passed + (not told), failed + bool(told)
            if told:
                self.stdout.write(f"{public_id}: {told}")
        self.stdout.write(f"{passed} passed, {failed} failed")
        if failed:
            raise SystemExit(1)

    def chosen(self, options: dict[str, Any]) -> Iterator[tuple[str, Decision | None]]:
        """Yield decisions one by one, a chunk in memory at a time; versions are joined without their heavy columns."""
        found = Decision.objects.for_replay()
        if options["strategy"]:
            found = found.filter(strategy_version__strategy__code=options["strategy"])
        if options["all"]:
            for decision in found.order_by("id").iterator(chunk_size=CHUNK):
                yield decision.public_id, decision
            return
        for public_id in options["ids"]:
            yield public_id, found.filter(public_id=public_id).first()
