from django.urls import path

from collection.views import agencies, agency_files, placements

AGENCY, PLACEMENT = "collections/agencies/<str:public_id>/", "collections/placements/<str:public_id>/"
urlpatterns = [
    path("collections/agencies/", agencies.agency_list, name="agency-list"),
    path("collections/agencies/new/", agencies.agency_new, name="agency-new"),
    path("collections/agencies/trace/", agency_files.agency_trace, name="agency-trace"),
    path(AGENCY, agencies.agency, name="agency"),
    path(f"{AGENCY}change/", agencies.agency_change, name="agency-change"),
    path(f"{AGENCY}suspend/", agencies.agency_suspend, name="agency-suspend"),
    path(f"{AGENCY}file/", agency_files.agency_file, name="agency-file"),
    path(f"{AGENCY}statement/", agency_files.agency_statement_page, name="agency-statement"),
    path(f"{AGENCY}statement/file/", agency_files.agency_statement_file, name="agency-statement-file"),
    path("collections/placements/", placements.placement_list, name="placement-list"),
    path("collections/placements/new/", placements.placement_new, name="placement-new"),
    path("collections/placements/orders/<str:public_id>/", placements.order, name="placement-order"),
    path(PLACEMENT, placements.placement, name="placement"),
    path(f"{PLACEMENT}recall/", placements.placement_recall, name="placement-recall"),
    path("collections/cases/<str:public_id>/place/", placements.case_place, name="case-place"),
]
