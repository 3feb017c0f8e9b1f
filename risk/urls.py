from django.urls import path

from risk.views import decisions, scorecards, strategies

urlpatterns = [
    path("risk/decisions/", decisions.decision_list, name="decision-list"),
    path("risk/decisions/<str:public_id>/", decisions.decision, name="decision"),
    path("risk/decisions/<str:public_id>/replay/", decisions.decision_replay, name="decision-replay"),
    path("risk/strategies/", strategies.strategy_list, name="strategy-list"),
    path("risk/strategies/<str:public_id>/", strategies.strategy, name="strategy"),
    path("risk/models/", scorecards.scorecard_list, name="scorecard-list"),
    path("risk/models/<str:public_id>/", scorecards.scorecard, name="scorecard"),
    path("risk/models/<str:public_id>/charts/<str:kind>/", scorecards.scorecard_chart, name="scorecard-chart"),
]
