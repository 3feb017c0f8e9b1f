"""Play published loan cases on the live engine: `replay_cases FILE.json [--tier N] [--json]`. Nothing is kept.

Prints each category with what passed and the first difference of what did not; the last line is `N passed, N failed, N skipped`.
A case that needs a step or a rule the engine lacks is skipped. Exit code 1 if a case failed.
"""

import json
import sys
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from credit import cases


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="cases in JSON")
        parser.add_argument("--tier", type=int, help="play tiers 1 to N; default: all")
        parser.add_argument("--json", action="store_true", help="tell each case in one line of JSON instead of by category")

    def handle(self, *args: Any, file: Path, tier: int | None, **options: Any) -> None:
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            document["cases"][0]["steps"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise CommandError(f"{file} holds no cases: {error}") from error
        with transaction.atomic():
            outcomes = list(cases.replay(document, tier=tier))
            transaction.set_rollback(True)
        if options["json"]:
            self.stdout.write(json.dumps({"cases": [asdict(each) for each in outcomes]}, ensure_ascii=False))
        else:
            self._by_category(outcomes)
        count = Counter(each.result for each in outcomes)
        self.stdout.write(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
        if count["failed"]:
            sys.exit(1)

    def _by_category(self, outcomes: list[cases.Outcome]) -> None:
        categories: dict[str, list[cases.Outcome]] = defaultdict(list)
        for each in outcomes:
            categories[each.category].append(each)
        for category, found in sorted(categories.items()):
            passed = sum(each.result == "passed" for each in found)
            self.stdout.write(f"{category}: {passed} of {len(found)} passed")
            for each in found:
                if each.result != "passed":
                    self.stdout.write(f"  {each.case} (tier {each.tier}) {each.result}: {each.sentence}")
