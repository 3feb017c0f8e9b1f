"""What governance asks about an application or a loan: who can see it."""

from django.utils.translation import gettext_lazy as _

from credit import permissions
from credit.models import Application, Loan
from governance import reach

reach.KINDS.register(
    "application",
    reach.Kind(
        label=_("Application"), permission=permissions.VIEW_APPLICATION, rows=lambda: Application.objects.select_related("branch", "product"),
        place=reach.belonging, url_name="application",
    ),
)  # fmt: skip
reach.KINDS.register(
    "loan",
    reach.Kind(
        label=_("Loan"), permission=permissions.VIEW_LOAN, rows=lambda: Loan.objects.select_related("branch", "product"), place=reach.belonging,
        url_name="loan",
    ),
)  # fmt: skip
