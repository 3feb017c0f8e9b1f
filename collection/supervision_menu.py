"""Where the supervisor finds their pages."""

from django.utils.translation import gettext_lazy as _

from collection import permissions
from crm.lib import menu

for order, label, url_name, permission, icon in ((52, _("Assignment rules"), "assignment", permissions.PLAN_TEAM, "users"),):
    menu.entry(group="collections", order=order, label=label, url_name=url_name, permission=permission, icon=icon, key="")
