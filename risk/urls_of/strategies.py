from django.urls import path

from risk.views import strategies

urlpatterns = [
    path("risk/strategies/", strategies.strategy_list, name="strategy-list"),
    path("risk/strategies/<str:public_id>/", strategies.strategy, name="strategy"),
]
