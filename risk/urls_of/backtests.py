from django.urls import path

from risk.views import backtests

urlpatterns = [
    path("risk/backtests/", backtests.backtest_list, name="backtest-list"),
    path("risk/backtests/new/", backtests.backtest_new, name="backtest-new"),
    path("risk/backtests/simulate/", backtests.backtest_simulate, name="backtest-simulate"),
    path("risk/backtests/<str:public_id>/", backtests.backtest, name="backtest"),
    path("risk/backtests/<str:public_id>/changed/", backtests.backtest_flips, name="backtest-flips"),
    path("risk/backtests/<str:public_id>/file/", backtests.backtest_file, name="backtest-file"),
    path("risk/backtests/<str:public_id>/cancel/", backtests.backtest_cancel, name="backtest-cancel"),
]
