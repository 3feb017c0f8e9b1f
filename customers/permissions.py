from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW = declare("customers.view_customer", _("View customers"), scope="customers:read")
ADD = declare("customers.add_customer", _("Add customers"), scope="customers:write")
CHANGE = declare("customers.change_customer", _("Change customers"), scope="customers:write")
REVEAL = declare("customers.reveal_customer", _("Open masked values of customers"))
VIEW_OPENING = declare("customers.view_opening", _("See who opened which values"))
NOTE = declare("customers.add_note", _("Write notes"))
CONSENT = declare("customers.record_consent", _("Record consents"), scope="customers:write")
RELATE = declare("customers.manage_relation", _("Add and end relations of customers"), scope="customers:write")
ACT = declare("customers.plan_activity", _("Plan and log calls, visits, tasks and follow-ups"), scope="customers:write")
VIEW_HANDOVER = declare("customers.view_handover", _("Follow hand-overs"), scope="handovers:read")
HAND_OVER = declare("customers.hand_over", _("Hand customers over to another person or branch"), scope="handovers:write")
VIEW_MESSAGE = declare("customers.view_message", _("View messages to customers"))
MANAGE_MESSAGE = declare("customers.manage_message", _("Send messages again or give them up"))
STOP_CONTACT = declare("customers.stop_contact", _("Stop and reopen ways of contact"))
VIEW_TEMPLATE = declare("customers.view_template", _("View message templates"))
MANAGE_TEMPLATE = declare("customers.manage_template", _("Publish message templates"))
VIEW_DOCUMENT = declare("customers.view_document", _("View papers of customers"), scope="documents:read")
ADD_DOCUMENT = declare("customers.add_document", _("Put papers into a file"), scope="documents:write")
CHECK_DOCUMENT = declare("customers.check_document", _("Check papers"))
EXPORT = declare("customers.export_customer", _("Export lists of customers"))
