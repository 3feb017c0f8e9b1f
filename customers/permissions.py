from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW = declare("customers.view_customer", _("View customers"), scope="customers:read")
ADD = declare("customers.add_customer", _("Add customers"), scope="customers:write")
CHANGE = declare("customers.change_customer", _("Change customers"), scope="customers:write")
REVEAL = declare("customers.reveal_customer", _("Open masked values of customers"))
NOTE = declare("customers.add_note", _("Write notes"))
CONSENT = declare("customers.record_consent", _("Record consents"), scope="customers:write")
RELATE = declare("customers.manage_relation", _("Add and end relations of customers"), scope="customers:write")
ACT = declare("customers.plan_activity", _("Plan and log calls, visits, tasks and follow-ups"), scope="customers:write")
HAND_OVER = declare("customers.hand_over", _("Hand customers over to another person or branch"))
