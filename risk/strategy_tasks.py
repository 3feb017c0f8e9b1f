"""Work of strategies that nobody waits for: releases whose moment has come."""

from celery import shared_task
from django.utils.timezone import now

from governance import users
from risk import strategy_life


@shared_task
def release_due(**_: object) -> list[str]:
    """Each minute: let scheduled versions go live whose moment has come."""
    return [str(version) for version in strategy_life.release_due(at=now(), actor=users.system())]
