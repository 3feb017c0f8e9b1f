"""Many cases at once, as rows: what the tests of the supervisor's part work on."""

from typing import Any

from collection.models import Case, Collector
from tests.collection.conftest import AFTER, Floor


def many_cases(floor: Floor, number: int, *, buckets: list[int] | None = None, language: str = "", **more: Any) -> list[Case]:
    """Return so many open cases of new customers of the east branch, in these buckets by turns."""
    from decimal import Decimal

    turns = buckets or [1]
    rows = []
    for place in range(number):
        customer = floor.desk.make_customer()
        type(customer).objects.filter(pk=customer.pk).update(language=language)
        bucket = turns[place % len(turns)]
        values = {
            "overdue_amount": Decimal(100 + place),
            "expected_recovery": Decimal(50 + place),
            "bucket": bucket,
            "dpd": bucket * 30 - 5,
        }
        rows.append(
            Case(
                customer=customer, legal_entity_id=customer.legal_entity_id, branch_id=customer.branch_id, channel=customer.channel,
                owner_id=customer.owner_id, opened_on=AFTER.date(), **values | more,
            )
        )  # fmt: skip
    return Case.objects.bulk_create(rows)


def on_the_roster(person: Any, **values: Any) -> Collector:
    return Collector.objects.update_or_create(user=person, defaults=values)[0]
