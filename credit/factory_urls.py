"""Pages of caps, of the product factory and of the self-test."""

from django.urls import path

from credit.views import caps, self_test

urlpatterns = [
    path("products/caps/", caps.rate_cap_list, name="rate-cap-list"),
    path("products/caps/new/", caps.rate_cap_new, name="rate-cap-new"),
    path("products/caps/simulator/", caps.cap_simulator_page, name="cap-simulator"),
    path("products/caps/<str:public_id>/", caps.rate_cap_edit, name="rate-cap-edit"),
    path("credit/self-test/", self_test.self_test, name="self-test"),
]
