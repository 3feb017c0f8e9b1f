from django.urls import path

from collection.views import scores

urlpatterns = [
    path("collections/cases/<str:public_id>/scores/", scores.case_scores, name="case-scores"),
    path("collections/scores/", scores.home, name="collection-scores"),
    path("collections/scores/backtests/new/", scores.backtest_new, name="queue-backtest-new"),
    path("collections/scores/backtests/<str:public_id>/", scores.backtest, name="queue-backtest"),
]
