from django.urls import path

from risk.views import decisions

urlpatterns = [
    path("risk/decisions/", decisions.decision_list, name="decision-list"),
    path("risk/decisions/<str:public_id>/", decisions.decision, name="decision"),
    path("risk/decisions/<str:public_id>/replay/", decisions.decision_replay, name="decision-replay"),
]
