from django.utils.translation import gettext_lazy as _

from crm.lib import home, menu
from customers import panels
from risk import backtest_tables, bureau_timeline, home_blocks, model_home, strategy_home  # noqa: F401  what declares itself
from risk.permissions import (
    APPROVE_MODEL,
    APPROVE_STRATEGY,
    DECIDE_LIMIT_PROPOSAL,
    EDIT_MODEL,
    EDIT_STRATEGY,
    MANAGE_LIST,
    REPLAY_DECISION,
    RUN_BACKTEST,
    VIEW_BUREAU_REPORT,
    VIEW_DECISION,
    VIEW_FEATURE,
    VIEW_LIST,
    VIEW_MONITORING,
    VIEW_STRATEGY,
)

menu.entry(group="risk", order=10, label=_("Strategies"), url_name="strategy-list", permission=VIEW_STRATEGY, icon="strategies", key="r")
menu.entry(group="risk", order=20, label=_("Models"), url_name="scorecard-list", permission=VIEW_STRATEGY, icon="models")
menu.entry(group="risk", order=15, label=_("Backtests"), url_name="backtest-list", permission=VIEW_STRATEGY, icon="chart")
menu.entry(group="risk", order=30, label=_("Decision replay"), url_name="decision-list", permission=REPLAY_DECISION, icon="history")
panels.add("behaviour", title=_("Behaviour"), url_name="customer-behaviour-panel", permission=VIEW_DECISION, order=45)
menu.entry(
    group="risk", order=65, label=_("Proposed limits"), url_name="limit-proposal-list", permission=DECIDE_LIMIT_PROPOSAL, icon="lines"
)
menu.entry(group="risk", order=60, label=_("Monitoring"), url_name="monitoring", permission=VIEW_MONITORING, icon="monitoring")
menu.entry(group="risk", order=24, label=_("Features"), url_name="feature-list", permission=VIEW_FEATURE, icon="features")
menu.entry(group="risk", order=80, label=_("Lists"), url_name="list-entries", permission=VIEW_LIST, icon="fraud")
menu.entry(group="risk", order=84, label=_("Credit bureau"), url_name="bureau-query-list", permission=VIEW_BUREAU_REPORT, icon="bank")
panels.add("bureau", title=_("Credit bureau"), url_name="customer-bureau-panel", permission=VIEW_BUREAU_REPORT, order=46)

READERS = ("risk_analyst", "risk_manager", "compliance", "auditor")
home.action(
    "risk.data", label=_("Bring in data"), permission=EDIT_MODEL, url_name="data-set-new", icon="import", order=6, roles=("risk_analyst",)
)
home.queue(
    "risk.decisions", title=_("Newest decisions"), permission=REPLAY_DECISION, read=home_blocks.latest,
    empty=_("No decision yet. One appears when an application is evaluated."), order=30, roles=READERS, url_name="decision-list",
)  # fmt: skip
home.queue(
    "risk.backtests", title=_("Backtests"), permission=RUN_BACKTEST, read=home_blocks.backtests,
    empty=_("No backtest yet. Run a draft over past decisions before it goes to approval."), order=20, roles=("risk_analyst", "risk_manager"),
    url_name="backtest-list",
)  # fmt: skip
for _order, _outcome, _label in (
    (16, "approve", _("Approved by the engine")), (17, "refer", _("Referred by the engine")), (18, "decline", _("Declined by the engine")),
):  # fmt: skip
    home.figure(
        f"risk.share.{_outcome}", label=_label, permission=REPLAY_DECISION, read=home_blocks.share_of(_outcome), order=_order,
        roles=("risk_analyst",),
    )  # fmt: skip
home.queue(
    "risk.alerts", title=_("Alerts of monitoring"), permission=VIEW_MONITORING, read=home_blocks.standing_alerts,
    empty=_("Nothing is out of bounds."), order=20, roles=("risk_analyst", "risk_manager"), url_name="risk-alert-list",
)  # fmt: skip
home.figure(
    "risk.alerts", label=_("Alerts to act on"), permission=VIEW_MONITORING, read=home_blocks.alerts_to_act_on, order=14,
    roles=("risk_analyst", "risk_manager"),
)  # fmt: skip
home.queue(
    "risk.strategies.waiting", title=_("Strategies that wait for a second person"), permission=APPROVE_STRATEGY, read=strategy_home.waiting,
    empty=_("No strategy waits for you."), order=12, roles=("risk_manager", "compliance"), url_name="strategy-list",
)  # fmt: skip
home.queue(
    "risk.strategies.drafts", title=_("My strategy versions"), permission=EDIT_STRATEGY, read=strategy_home.drafts,
    empty=_("No draft of yours. Open a strategy and make a draft from a version."), order=14, roles=("risk_analyst",),
    url_name="strategy-list",
)  # fmt: skip
home.queue(
    "risk.models.mine", title=_("My drafts and trainings"), permission=EDIT_MODEL, read=model_home.mine,
    empty=_("No draft and no training. Bring in a data set to begin."), order=14, roles=("risk_analyst",), url_name="data-set-list",
)  # fmt: skip
home.queue(
    "risk.models.waiting", title=_("Models that wait for validation, approval or review"), permission=APPROVE_MODEL, read=model_home.waiting,
    empty=_("No model waits for you."), order=24, roles=("risk_manager", "compliance"), url_name="scorecard-list",
)  # fmt: skip
home.queue(
    "risk.lists", title=_("Lists: what waits for a second person"), permission=MANAGE_LIST, read=home_blocks.waiting_lists,
    empty=_("No proposal for a list waits for you."), order=42, roles=("risk_manager", "compliance"), url_name="list-entries",
)  # fmt: skip
home.queue(
    "risk.limit_proposals", title=_("Limits proposed"), permission=DECIDE_LIMIT_PROPOSAL, read=home_blocks.open_proposals,
    empty=_("No limit waits for a decision."), order=40, roles=("underwriter", "risk_manager"), url_name="limit-proposal-list",
)  # fmt: skip
