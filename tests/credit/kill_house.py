"""A process that makes or closes a small portfolio on a database of its own, to be killed: `python -m tests.credit.kill_house fill|close`."""

import os
import sys
import time
from datetime import timedelta

LOANS, SIZE, DAYS = 800, 10, 17  # the days go over a month's end


def fill() -> None:
    from benchmarks import close_day as bench

    bench.fill(bench.found(), LOANS, os.environ["SUPERUSER_URL"])


def close() -> None:
    """Work until every date is closed, beside others who do the same."""
    from benchmarks.close_day import DAY, NOON
    from credit import end_of_day
    from governance.models import LegalEntity

    last = DAY + timedelta(days=DAYS)
    entity = LegalEntity.objects.get()
    while entity.business_date <= last:
        run = end_of_day.plan(entity, entity.business_date, at=NOON, size=SIZE)
        worked = [end_of_day.close_partition(each, at=NOON) for each in end_of_day.pending(run)]
        if not any(worked):
            time.sleep(0.005)
        end_of_day.finish(run, at=NOON)
        entity.refresh_from_db()


if __name__ == "__main__":
    import django

    django.setup()
    {"fill": fill, "close": close}[sys.argv[1]]()
