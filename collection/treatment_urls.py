from django.urls import path

from collection.legal_urls import urlpatterns as to_court
from collection.views import treatments

EXPERIMENT = "collections/treatments/experiments/<str:public_id>/"
urlpatterns = [
    path("collections/cases/<str:public_id>/treatment/", treatments.case_treatment, name="case-treatment"),
    path("collections/treatments/", treatments.home, name="treatments"),
    path("collections/treatments/experiments/new/", treatments.experiment_new, name="treatment-experiment-new"),
    path(EXPERIMENT, treatments.experiment, name="treatment-experiment"),
    path(f"{EXPERIMENT}start/", treatments.experiment_start, name="treatment-experiment-start"),
    path(f"{EXPERIMENT}withdraw/", treatments.experiment_withdraw, name="treatment-experiment-withdraw"),
    path(f"{EXPERIMENT}end/", treatments.experiment_end, name="treatment-experiment-end"),
    *to_court,
]
