from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW_USER = declare("governance.view_user", _("View users and teams"))
MANAGE_USER = declare("governance.manage_user", _("Change users, roles and teams"))
VIEW_ROLE = declare("governance.view_role", _("View roles"))
MANAGE_ROLE = declare("governance.manage_role", _("Propose changes of roles"))
CHECK_ROLE = declare("governance.check_role", _("Confirm or refuse changes of roles"))
VIEW_CHANGE = declare("governance.view_change", _("View changes that need a second person"))
VIEW_CLIENT = declare("governance.view_client", _("View API clients"))
MANAGE_CLIENT = declare("governance.manage_client", _("Register and change API clients"))
CHECK_CLIENT = declare("governance.check_client", _("Confirm or refuse changes of API clients"))
VIEW_JOB = declare("governance.view_job", _("View jobs"))
VIEW_RULE = declare("governance.view_rule", _("View rules and their sources"))
SHARE_VIEW = declare("governance.share_view", _("Share views of lists with a team"))
SET_CLOCK = declare("governance.set_clock", _("State the moment of a transaction"), scope="clock:set")
