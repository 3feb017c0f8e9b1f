from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW_USER = declare("governance.view_user", _("View users and teams"))
MANAGE_USER = declare("governance.manage_user", _("Change users and teams, propose who holds which role"))
VIEW_ROLE = declare("governance.view_role", _("View roles"))
MANAGE_ROLE = declare("governance.manage_role", _("Propose changes of roles"))
CHECK_ROLE = declare("governance.check_role", _("Confirm or refuse changes of roles and of who holds them"))
VIEW_CHANGE = declare("governance.view_change", _("View changes that need a second person"))
VIEW_JOB = declare("governance.view_job", _("View jobs"))
VIEW_RULE = declare("governance.view_rule", _("View rules and their sources"))
SHARE_VIEW = declare("governance.share_view", _("Share views of lists with a team"))
SET_CLOCK = declare("governance.set_clock", _("State the moment of a transaction"), scope="clock:set")
DELEGATE = declare("governance.delegate", _("Lend one's own rights to a colleague for a time"))
BREAK_GLASS = declare("governance.break_glass", _("Open one customer's records in an emergency"))
REVIEW_GLASS = declare("governance.review_glass", _("Review emergency access"))
VIEW_REACH = declare("governance.view_reach", _("See who can open a record, and why"))
START_REVIEW = declare("governance.start_review", _("Start access reviews and take their result"))
REVIEW_ACCESS = declare("governance.review_access", _("Confirm or revoke grants in access reviews"))
PREVIEW = declare("governance.preview", _("Look at pages, read-only, as another person would"))
