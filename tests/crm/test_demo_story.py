"""The demonstration tells nothing of an hour that is still to come, and the planner knows what it has told so far."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from crm.demo import play, statistics
from governance.models import Team


@pytest.mark.parametrize(
    ("at", "ends_on"),
    [
        (datetime(2026, 11, 23, 16, 0, tzinfo=UTC), date(2026, 11, 23)),  # midnight in Shanghai: the 24th has only begun
        (datetime(2026, 11, 23, 23, 30, tzinfo=UTC), date(2026, 11, 23)),  # half past seven there: nobody is called yet
        (datetime(2026, 11, 24, 4, 0, tzinfo=UTC), date(2026, 11, 23)),  # noon: the calls of the afternoon are to come
        (datetime(2026, 11, 24, 11, 59, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 24, 12, 0, tzinfo=UTC), date(2026, 11, 24)),  # the evening: the day is told whole
        (datetime(2026, 11, 24, 15, 59, tzinfo=UTC), date(2026, 11, 24)),
    ],
)
def test_it_ends_on_the_last_day_whose_evening_has_come(at: datetime, ends_on: date) -> None:
    assert play.last_day(at) == ends_on
    assert datetime.combine(ends_on, play.EVENING, tzinfo=play.get_current_timezone()) <= at


@pytest.mark.django_db
def test_rows_that_are_not_committed_yet_count_for_the_planner(cast: object) -> None:
    """As the application's own role, which owns no table; autovacuum sees none of them."""
    there = Team.objects.count()
    kind, entity = Team.objects.values_list("kind", "legal_entity").first() or ("", 0)
    Team.objects.bulk_create(Team(name_en=f"t{n}", name_zh="", code=f"T{n}", kind=kind, legal_entity_id=entity) for n in range(300))
    assert statistics.refresh() > 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [Team._meta.db_table])
        assert cursor.fetchone() == (there + 300,)
