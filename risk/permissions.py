from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW_DECISION = declare("risk.view_decision", _("View decisions"), scope="applications:read")
REPLAY_DECISION = declare("risk.replay_decision", _("Replay decisions"), scope="applications:read")
VIEW_STRATEGY = declare("risk.view_strategy", _("View strategies and scorecards"), scope="risk:read")
EDIT_STRATEGY = declare("risk.edit_strategy", _("Draft and test strategies"), scope="risk:write")
APPROVE_STRATEGY = declare("risk.approve_strategy", _("Approve strategies"), scope="risk:write")
RELEASE_STRATEGY = declare("risk.release_strategy", _("Release strategies, run trials, roll back"), scope="risk:write")
RUN_BACKTEST = declare("risk.run_backtest", _("Run backtests and simulations"), scope="risk:write")
CHANGE_CREDIT_POLICY = declare("risk.change_credit_policy", _("Change credit policies"))
EDIT_MODEL = declare("risk.edit_model", _("Bring in data, train and edit models"), scope="risk:write")
VALIDATE_MODEL = declare("risk.validate_model", _("Validate models"), scope="risk:write")
APPROVE_MODEL = declare("risk.approve_model", _("Approve models"), scope="risk:write")
VIEW_FEATURE = declare("risk.view_feature", _("View the catalogue of features"), scope="risk:read")
VIEW_MONITORING = declare("risk.view_monitoring", _("View monitoring of models"), scope="risk:read")
RUN_MONITORING = declare("risk.run_monitoring", _("Run monitoring and answer its alerts"), scope="risk:write")
VIEW_OVERRIDE_OUTCOME = declare("risk.view_override_outcome", _("View how overrides turned out"), scope="risk:read")
DECIDE_LIMIT_PROPOSAL = declare("risk.decide_limit_proposal", _("Decide on proposed limits"), scope="risk:write")
VIEW_LIST = declare("risk.view_list", _("View the lists of the risk engine"), scope="risk:read")
MANAGE_LIST = declare("risk.manage_list", _("Keep the lists of the risk engine"), scope="risk:write")
VIEW_BUREAU_REPORT = declare("risk.view_bureau_report", _("View bureau reports"), scope="risk:read")
QUERY_BUREAU = declare("risk.query_bureau", _("Ask a bureau for a report"), scope="risk:write")
