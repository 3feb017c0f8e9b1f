from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW = declare("ledger.view_entry", _("View ledger entries"), scope="ledger:read")
MANAGE = declare("ledger.manage_delivery", _("Retry parked deliveries"))
