from django.utils.translation import gettext_lazy as _

from crm.lib import menu
from risk.permissions import REPLAY_DECISION, VIEW_STRATEGY

menu.entry(group="risk", order=10, label=_("Strategies"), url_name="strategy-list", permission=VIEW_STRATEGY, icon="strategies", key="r")
menu.entry(group="risk", order=20, label=_("Models"), url_name="scorecard-list", permission=VIEW_STRATEGY, icon="models")
menu.entry(group="risk", order=30, label=_("Decision replay"), url_name="decision-list", permission=REPLAY_DECISION, icon="history")
