"""What governance asks about a case: who can see it."""

from django.utils.translation import gettext_lazy as _

from collection import permissions
from collection.models import Case
from governance import reach


def place(case: Case) -> reach.Place:
    """Return where a case lies; with scope *own* whoever holds, is assigned or brought it sees it."""
    workers = reach.known(case.assigned_to_id, case.claimed_by_id)
    return reach.Place(reach.known(case.owner_id, *workers), case.branch, case.customer_id, workers=workers)


reach.KINDS.register(
    "case",
    reach.Kind(
        label=_("Case"), permission=permissions.VIEW, rows=lambda: Case.objects.select_related("branch"), place=place, url_name="case"
    ),
)
