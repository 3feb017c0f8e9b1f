from django.urls import path

from risk import views

urlpatterns = [
    path("risk/decisions/", views.decision_list, name="decision-list"),
    path("risk/decisions/<str:public_id>/", views.decision, name="decision"),
    path("risk/decisions/<str:public_id>/replay/", views.decision_replay, name="decision-replay"),
    path("risk/strategies/", views.strategy_list, name="strategy-list"),
    path("risk/strategies/<str:public_id>/", views.strategy, name="strategy"),
    path("risk/models/", views.scorecard_list, name="scorecard-list"),
    path("risk/models/<str:public_id>/", views.scorecard, name="scorecard"),
    path("risk/models/<str:public_id>/charts/<str:kind>/", views.scorecard_chart, name="scorecard-chart"),
]
