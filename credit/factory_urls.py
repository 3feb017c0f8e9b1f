"""Pages of caps, of the product factory and of the self-test."""

from django.urls import path

from credit.views import caps, factory, quotes, self_test

urlpatterns = [
    path("products/caps/", caps.rate_cap_list, name="rate-cap-list"),
    path("products/caps/new/", caps.rate_cap_new, name="rate-cap-new"),
    path("products/caps/averages/", caps.rate_cap_averages, name="rate-cap-averages"),
    path("products/caps/simulator/", caps.cap_simulator_page, name="cap-simulator"),
    path("products/caps/<str:public_id>/", caps.rate_cap_edit, name="rate-cap-edit"),
    path("products/new/", factory.product_new, name="product-new"),
    path("products/<str:public_id>/new-version/", factory.product_new_version, name="product-new-version"),
    path("products/<str:public_id>/edit/", factory.product_edit, name="product-edit"),
    path("products/<str:public_id>/examples/", factory.product_test, name="product-test"),
    path("products/<str:public_id>/review/", factory.product_review, name="product-review"),
    path("products/<str:public_id>/release/", factory.product_release, name="product-release"),
    path("quotes/<str:public_id>/", quotes.quote_page, name="quote"),
    path("credit/self-test/", self_test.self_test, name="self-test"),
]
