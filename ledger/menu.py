from django.utils.translation import gettext_lazy as _

from crm.lib import home, menu
from ledger import permissions, views

menu.entry(group="ledger", order=10, label=_("Ledger"), url_name="entry-list", permission=permissions.VIEW, icon="ledger")
home.figure(
    "ledger.today",
    label=_("Ledger entries today"),
    permission=permissions.VIEW,
    read=views.entries_today,
    order=60,
    roles=("auditor", "compliance"),
)
home.figure(
    "ledger.parked",
    label=_("Parked deliveries"),
    permission=permissions.VIEW,
    read=views.parked_deliveries,
    order=61,
    roles=("auditor", "admin", "compliance"),
)
