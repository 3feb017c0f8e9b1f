from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW = declare("collections.view_case", _("View collection cases"), scope="cases:read")
CLAIM = declare("collections.claim_case", _("Claim collection cases"), scope="cases:write")
CONTACT = declare("collections.log_contact", _("Log contacts"), scope="cases:write")
PAUSE = declare("collections.pause_case", _("Let collection cases wait, and go on"), scope="cases:write")
CLOSE = declare("collections.close_case", _("Close collection cases"), scope="cases:decide")
ASSIGN = declare("collections.assign_case", _("Assign collection cases"))
EXPORT = declare("collections.export_case", _("Export lists of cases"))
VIEW_TREATMENT = declare("collections.view_treatment", _("View treatment paths and experiments"))
CHANGE_TREATMENT = declare("collections.change_treatment", _("Change treatment strategies"))
VIEW_POLICY = declare("collections.view_contact_policy", _("View the contact policy"))
DRAFT_POLICY = declare("collections.draft_contact_policy", _("Draft and replay a contact policy"))
CHECK_POLICY = declare("collections.check_contact_policy", _("Confirm a contact policy"))
OPEN_MATTER = declare("collections.open_matter", _("Open disputes and complaints"), scope="cases:write")
DECIDE_MATTER = declare("collections.decide_matter", _("Decide disputes and complaints"), scope="cases:decide")
EXTEND_MATTER = declare("collections.extend_matter", _("Extend the deadline of a complaint"), scope="cases:decide")
OPEN_RELIEF = declare("collections.open_relief", _("Open requests for relief, propose plans and settlements"), scope="cases:write")
APPROVE_RELIEF = declare("collections.approve_relief", _("Approve relief plans and settlements within authority"), scope="cases:decide")
PLAN_TEAM = declare("collections.plan_team", _("Plan the team of collectors: rules, re-assignment, absences, capacity"))
SCORE_QUALITY = declare("collections.score_quality", _("Score recorded contacts of collectors"))
VIEW_QUALITY = declare("collections.view_quality", _("View the quality of contacts; collectors their own"))
