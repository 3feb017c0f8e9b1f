"""The clocks of a review: the underwriter's, which stands still while the applicant has one running."""

from datetime import date, datetime, timedelta

from credit.models import Application
from governance import rules

REVIEW_HOURS = "underwriting.review_hours"
PAPERS_DAYS = "underwriting.papers_days"
LAST_DAYS = "underwriting.papers_last_days"
COUNTER_DAYS = "underwriting.counter_days"

TICKS = (Application.Status.REFERRED, Application.Status.PROPOSED)


def review_time(on: date) -> timedelta:
    """Return how long the house gives itself to decide a referred application."""
    return timedelta(hours=int(rules.value(REVIEW_HOURS, on=on)))


def due_at(application: Application, allowed: timedelta) -> datetime | None:
    """Return when the underwriter's clock runs out, None while it stands still or has ended."""
    if application.status not in TICKS:
        return None
    return counted(application, allowed)


def counted(application: Application, allowed: timedelta) -> datetime | None:
    """Return the moment the clock counts to, whether or not it runs now."""
    if application.review_due_at is not None:
        return application.review_due_at
    return application.submitted_at + allowed if application.submitted_at else None


def left(application: Application, *, allowed: timedelta, at: datetime) -> timedelta:
    """Return what the underwriter has left, below 0 when late."""
    until = counted(application, allowed)
    return until - at if until else allowed
