from django.urls import path

from collection.legal_urls import urlpatterns as to_court
from collection.views import dry_runs, treatments

EXPERIMENT = "collections/treatments/experiments/<str:public_id>/"
DRY_RUN = "collections/treatments/dry-runs/<str:public_id>/"
urlpatterns = [
    path("collections/cases/<str:public_id>/treatment/", treatments.case_treatment, name="case-treatment"),
    path("collections/treatments/", treatments.home, name="treatments"),
    path("collections/treatments/experiments/new/", treatments.experiment_new, name="treatment-experiment-new"),
    path(EXPERIMENT, treatments.experiment, name="treatment-experiment"),
    path(f"{EXPERIMENT}start/", treatments.experiment_start, name="treatment-experiment-start"),
    path(f"{EXPERIMENT}withdraw/", treatments.experiment_withdraw, name="treatment-experiment-withdraw"),
    path(f"{EXPERIMENT}end/", treatments.experiment_end, name="treatment-experiment-end"),
    path("collections/treatments/dry-runs/new/", dry_runs.dry_run_new, name="treatment-dry-run-new"),
    path(DRY_RUN, dry_runs.dry_run, name="treatment-dry-run"),
    path(f"{DRY_RUN}file/", dry_runs.dry_run_file, name="treatment-dry-run-file"),
    *to_court,
]
