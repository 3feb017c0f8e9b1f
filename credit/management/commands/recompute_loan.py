"""Make a loan anew from its terms and its movements and compare with what is stored. Ends with 1 on any difference."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credit import recompute
from credit.models import Loan
from crm.lib.errors import DomainError


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("loan", help="public id of the loan, such as L-7K2M9QXAB")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, loan: str, json: bool, **options: Any) -> None:
        row = Loan.objects.select_related("legal_entity", "product").filter(public_id=loan).first()
        if row is None:
            raise CommandError(f"There is no loan {loan}.")
        try:
            found = recompute.differences(row)
        except DomainError as error:
            raise CommandError(f"{loan} cannot be made anew: {error}") from None
        if json:
            self.stdout.write(dumped(loan, found))
        else:
            for each in found:
                self.stdout.write(f"  {each['place']}: {each['found']} instead of {each['expected']}")
            self.stdout.write(f"{loan}: {len(found)} differences from its terms and {row.transactions.count()} movements")
        if found:
            raise CommandError(f"{loan} is not what its terms and movements make of it.")


def dumped(loan: str, found: list[recompute.Difference]) -> str:
    return json.dumps({"loan": loan, "differences": found}, ensure_ascii=False)
