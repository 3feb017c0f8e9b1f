from django.urls import path

from risk.views import alerts, behaviour, monitoring, overrides

urlpatterns = [
    path("risk/monitoring/", monitoring.monitoring, name="monitoring"),
    path("risk/monitoring/run/", monitoring.monitoring_run, name="monitoring-run"),
    path("risk/monitoring/models/<str:public_id>/", monitoring.monitoring_model, name="monitoring-model"),
    path("risk/monitoring/strategies/<str:public_id>/", monitoring.monitoring_strategy, name="monitoring-strategy"),
    path("risk/alerts/", alerts.alert_list, name="risk-alert-list"),
    path("risk/alerts/<str:public_id>/", alerts.alert, name="risk-alert"),
    path("risk/alerts/<str:public_id>/acknowledge/", alerts.alert_acknowledge, name="risk-alert-acknowledge"),
    path("risk/alerts/<str:public_id>/close/", alerts.alert_close, name="risk-alert-close"),
    path("risk/overrides/", overrides.override_outcomes_view, name="override-outcomes"),
    path("risk/limit-proposals/", behaviour.proposal_list, name="limit-proposal-list"),
    path("risk/limit-proposals/<str:public_id>/", behaviour.proposal, name="limit-proposal"),
    path("risk/limit-proposals/<str:public_id>/approve/", behaviour.proposal_approve, name="limit-proposal-approve"),
    path("risk/limit-proposals/<str:public_id>/refuse/", behaviour.proposal_refuse, name="limit-proposal-refuse"),
    path("risk/customers/<str:public_id>/behaviour/", behaviour.behaviour_panel, name="customer-behaviour-panel"),
]
