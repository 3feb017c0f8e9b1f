"""Figures of the features' catalogue: today's, and those of the month-ends before."""

from datetime import datetime

from risk import feature_stats
from risk.models import FeatureStat


def fill(*, at: datetime) -> str:
    """Make the figures as the nightly job does; return what there is, for the log."""
    job = feature_stats.order(actor=None, at=at)
    feature_stats.run(job.pk, at=at, clock=lambda: at)
    return f"{FeatureStat.objects.count()} figures of features"
