"""Permissions of judgement: decisions, strategies, models, backtests, features, monitoring, lists, bureau reports."""

WHO: dict[str, str] = {
    "risk.replay_decision": "underwriter risk_analyst risk_manager compliance auditor",
    "risk.view_decision": "loan_officer underwriter risk_analyst risk_manager compliance auditor api_client",
    "risk.view_strategy": "underwriter risk_analyst risk_manager compliance auditor",
    "risk.edit_strategy": "risk_analyst risk_manager",
    "risk.approve_strategy": "risk_manager compliance",
    "risk.release_strategy": "risk_manager",
    "risk.run_backtest": "risk_analyst risk_manager",
    "risk.edit_model": "risk_analyst risk_manager",
    "risk.validate_model": "risk_manager",
    "risk.approve_model": "risk_manager compliance",
    "risk.view_feature": "risk_analyst risk_manager compliance auditor",
    "risk.view_monitoring": "risk_analyst risk_manager compliance auditor",
    "risk.run_monitoring": "risk_analyst risk_manager",
    "risk.view_override_outcome": "underwriter risk_manager",
    "risk.decide_limit_proposal": "underwriter risk_manager",
    "risk.view_list": "underwriter risk_analyst risk_manager compliance auditor",
    "risk.manage_list": "risk_manager compliance",
    "risk.view_bureau_report": "loan_officer underwriter compliance auditor",
    "risk.query_bureau": "loan_officer underwriter",
}
PAGES: list[tuple[str, str, str]] = [
    ("GET", "decision-list", "risk.replay_decision"),
    ("GET", "decision", "risk.view_decision"),
    ("POST", "decision-replay", "risk.replay_decision"),
    ("GET", "strategy-list", "risk.view_strategy"),
    ("GET", "strategy", "risk.view_strategy"),
    ("GET", "scorecard-list", "risk.view_strategy"),
    ("GET", "scorecard", "risk.view_strategy"),
    ("GET", "scorecard-chart", "risk.view_strategy"),
    ("GET", "monitoring", "risk.view_monitoring"),
    ("POST", "monitoring-run", "risk.run_monitoring"),
    ("GET", "monitoring-model", "risk.view_monitoring"),
    ("GET", "monitoring-strategy", "risk.view_monitoring"),
    ("GET", "risk-alert-list", "risk.view_monitoring"),
    ("GET", "risk-alert", "risk.view_monitoring"),
    ("POST", "risk-alert-acknowledge", "risk.run_monitoring"),
    ("GET", "risk-alert-close", "risk.run_monitoring"),
    ("POST", "risk-alert-close", "risk.run_monitoring"),
    ("GET", "override-outcomes", "risk.view_override_outcome"),
    ("GET", "limit-proposal-list", "risk.decide_limit_proposal"),
    ("GET", "limit-proposal", "risk.decide_limit_proposal"),
    ("POST", "limit-proposal-approve", "risk.decide_limit_proposal"),
    ("POST", "limit-proposal-refuse", "risk.decide_limit_proposal"),
    ("GET", "customer-behaviour-panel", "risk.view_decision"),
]
API: list[tuple[str, str, str]] = [
    ("GET", "api-decisions-detail", "risk.view_decision"),
]
ROWS: list[tuple[str, str, str, str]] = [
    ("GET", "decision", "decision", "loan_officer"),
    ("POST", "decision-replay", "decision", "east_underwriter"),
    ("GET", "limit-proposal", "limit_proposal", "east_underwriter"),
    ("POST", "limit-proposal-approve", "limit_proposal", "east_underwriter"),
    ("POST", "limit-proposal-refuse", "limit_proposal", "east_underwriter"),
    ("GET", "customer-behaviour-panel", "customer", "loan_officer"),
]
API_ROWS: list[tuple[str, str, str, str]] = [
    ("GET", "api-decisions-detail", "decision", "loan_officer"),
]
LISTS: list[tuple[str, str, tuple[str, ...]]] = [
    ("decision-list", "east_underwriter", ("decision",)),
    ("limit-proposal-list", "east_underwriter", ("limit_proposal",)),
]
SHARED: set[str] = {
    "monitoring-model",
    "monitoring-strategy",
    "risk-alert",
    "risk-alert-acknowledge",
    "risk-alert-close",
    "scorecard",
    "scorecard-chart",
    "strategy",
}
