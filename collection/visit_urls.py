from django.urls import path

from collection.views import visits

VISIT = "collections/visits/<str:public_id>/"
urlpatterns = [
    path("collections/visits/", visits.visit_list, name="visit-list"),
    path("collections/visits/route/", visits.route, name="visit-route"),
    path("collections/cases/<str:public_id>/visits/", visits.case_panel, name="case-visits"),
    path("collections/cases/<str:public_id>/visit/", visits.want, name="visit-want"),
    path(VISIT, visits.visit, name="visit"),
    path(f"{VISIT}plan/", visits.plan, name="visit-plan"),
    path(f"{VISIT}step/", visits.step, name="visit-step"),
    path(f"{VISIT}address/", visits.address, name="visit-address"),
    path(f"{VISIT}finish/", visits.finish, name="visit-finish"),
    path(f"{VISIT}photos/", visits.photo, name="visit-photo"),
    path(f"{VISIT}photos/<str:paper>/", visits.photo_file, name="visit-photo-file"),
]
