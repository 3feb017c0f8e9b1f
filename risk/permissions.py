from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW_DECISION = declare("risk.view_decision", _("View decisions"), scope="applications:read")
REPLAY_DECISION = declare("risk.replay_decision", _("Replay decisions"), scope="applications:read")
VIEW_STRATEGY = declare("risk.view_strategy", _("View strategies and scorecards"))
