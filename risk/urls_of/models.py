from django.urls import path

from risk.views import scorecards

urlpatterns = [
    path("risk/models/", scorecards.scorecard_list, name="scorecard-list"),
    path("risk/models/<str:public_id>/", scorecards.scorecard, name="scorecard"),
    path("risk/models/<str:public_id>/charts/<str:kind>/", scorecards.scorecard_chart, name="scorecard-chart"),
]
