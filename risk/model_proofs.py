"""The proof that our pure reading of a model scores as the library does, made again at approval and stored with the version."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from risk import training
from risk.models import ScorecardVersion


class NotEqual(DomainError):
    """Our reading of the model and the library's differ, or were never compared."""

    code = "not_equal"


def proof(version: ScorecardVersion, *, at: datetime) -> dict[str, Any]:
    """Return {rows, max_abs_diff, tolerance, at}.

    :raises NotEqual: if the largest difference reaches the tolerance, or no rows were compared
    """
    told = version.metrics.get("proof", {})
    rows, worst = told.get("rows", 0), told.get("max_abs_diff", 1.0)
    if not rows or not worst < training.TOLERANCE:
        raise NotEqual(_("Our reading of this model does not score as the library does, or was never compared. Train it again."))
    return {"rows": rows, "max_abs_diff": worst, "tolerance": training.TOLERANCE, "at": at.isoformat()}
