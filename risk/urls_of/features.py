from django.urls import path

from risk.views import features

urlpatterns = [
    path("risk/features/", features.feature_list, name="feature-list"),
    path("risk/features/figures/anew/", features.feature_measure, name="feature-measure"),
    path("risk/features/<slug:name>/", features.feature, name="feature"),
    path("risk/features/<slug:name>/compare/", features.feature_compare, name="feature-compare"),
]
