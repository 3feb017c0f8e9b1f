"""Check the books: trial balance, sub-ledger against general ledger, balances kept with loans, schedules. Ends with 1 on any difference."""

import json
import time
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credit import book_check
from governance.models import LegalEntity


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, help="last business date of the general ledger to look at, YYYY-MM-DD")
        parser.add_argument("--entity", default="", help="code of the legal entity; default: every one")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, entity: str, json: bool, **options: Any) -> None:
        entities = list(LegalEntity.objects.filter(code=entity) if entity else LegalEntity.objects.order_by("pk"))
        if not entities:
            raise CommandError("There is no such legal entity.")
        found, wrong = [], 0
        for each in entities:
            day, started = options["date"] or book_check.last_day(each), time.monotonic()
            if day is None:
                self._say(json, f"{each.code}: no business date was closed yet.")
                continue
            findings = book_check.run(each, day)
            seconds = time.monotonic() - started
            differences = sum(one.differences for one in findings)
            wrong += differences
            found.append({"entity": each.code, "date": day.isoformat(), "seconds": round(seconds, 2), "differences": differences,
                          "checks": [asdict(one) for one in findings]})  # fmt: skip
            self._say(json, f"{each.code} up to {day}:")
            for one in findings:
                self._say(json, f"  {one.check}: {one.compared:,} compared, {one.differences:,} differ")
                for place, expected, was in one.first:
                    self._say(json, f"    {place}: {was} instead of {expected}")
            self._say(json, f"{each.code}: {differences:,} differences in {seconds:.2f} s")
        if json:
            self.stdout.write(dumped(found))
        if wrong:
            raise CommandError(f"The books differ in {wrong:,} places.")

    def _say(self, quiet: bool, line: str) -> None:
        if not quiet:
            self.stdout.write(line)


def dumped(found: list[dict[str, Any]]) -> str:
    return json.dumps({"books": found}, ensure_ascii=False)
