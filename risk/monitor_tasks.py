"""Monitoring in the background: each day the figures of the day before."""

from datetime import date, timedelta

from celery import shared_task
from django.utils.timezone import localdate, now

from governance import users
from governance.models import User
from risk import monitoring


@shared_task
def run_monitoring(*, on: str = "", actor: int | None = None, **_: object) -> int:
    """Write the figures as of a day, yesterday unless told otherwise; return how many versions there were. May run twice."""
    day = date.fromisoformat(on) if on else localdate() - timedelta(days=1)
    who = User.objects.get(pk=actor) if actor else users.system()
    return len(monitoring.run(on=day, at=now(), actor=who))
