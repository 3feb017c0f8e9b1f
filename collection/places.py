"""Why each case stands where it stands in the queue, kept with the case: written by the night, and by what happens in a case meanwhile.

The order of the desk is read by an index: reckoned anew for each reader it would be a sort of every open case. Days go by at night, so
the place of a case is that of the business date; what comes true within a day (a planned action whose day has come) a task of
every few minutes sees to.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case as Choose
from django.db.models import Q, SmallIntegerField, Value, When

from collection import priority, small_balances
from collection.models import Case, Place
from credit import books
from governance import rules
from governance.models import LegalEntity


def silent_days(on: date) -> int:
    """Return after how many days without contact a case moves up."""
    return int(rules.value("collections.queue.silent_days", on=on))


def expression(*, on: date, at: datetime, silent: int) -> Any:
    """Return the place of a case as the database reckons it: the rule, written once."""
    quiet = Q(last_contact_at__isnull=True) | Q(last_contact_at__lte=at - timedelta(days=silent))
    return Choose(
        When(small_balances.rows(on=on), then=Value(Place.SMALL.value)),
        When(next_action_on__gt=on, then=Value(Place.LATER.value)),
        When(broken_on__isnull=False, then=Value(Place.BROKEN.value)),
        When(next_action_on__isnull=False, then=Value(Place.PLANNED.value)),
        When(moved_on__isnull=False, then=Value(Place.MOVED.value)),
        When(quiet, then=Value(Place.SILENT.value)),
        default=Value(Place.WEIGHT.value),
        output_field=SmallIntegerField(),
    )


def refresh(case_ids: Collection[int], *, on: date, at: datetime) -> int:
    """Bring the places of these cases in step with what is known of them; return how many changed. One statement."""
    if not case_ids:
        return 0
    place = expression(on=on, at=at, silent=silent_days(on))
    return Case.objects.in_work().filter(~Q(place=place), pk__in=case_ids).update(place=place)


def wake(entity: LegalEntity, *, at: datetime) -> int:
    """Give the cases whose planned day has come their place; return how many."""
    on = books.value_day(entity, at)
    rows = Case.objects.in_work().filter(legal_entity=entity, place=Place.LATER, next_action_on__lte=on)
    return rows.update(place=expression(on=on, at=at, silent=silent_days(on)))


def revalue(cases: Iterable[Case]) -> list[Case]:
    """Set what a contact with each case is expected to bring, from what they hold now, unsaved; return those that changed.

    A constant number of queries.
    """
    rows = list(cases)
    worth = priority.expected(
        [priority.Stake(place, case.customer_id, case.overdue_amount, case.bucket) for place, case in enumerate(rows)]
    )
    changed = []
    for place, case in enumerate(rows):
        if case.expected_recovery != worth[place]:
            case.expected_recovery = worth[place]
            changed.append(case)
    return changed
