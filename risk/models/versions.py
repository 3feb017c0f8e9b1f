"""What versions of strategies and scorecards have in common: their states and the moves between them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class VersionStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    LIVE = "live", _("live")
    RETIRED = "retired", _("retired")


MOVES: dict[str, set[str]] = {
    VersionStatus.DRAFT: {VersionStatus.LIVE},
    VersionStatus.LIVE: {VersionStatus.RETIRED},
    VersionStatus.RETIRED: {VersionStatus.LIVE},  # going back to what served before
}
TONES = {"draft": "neutral", "live": "good", "retired": "neutral"}
STATUS_KNOWN = Q(status__in=["draft", "live", "retired"])
