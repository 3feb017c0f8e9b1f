"""Pages of reports."""

from django.urls import path

from credit.views import reports

urlpatterns = [
    path("reports/", reports.report_list, name="report-list"),
    path("reports/<str:name>/", reports.report_page, name="report"),
    path("reports/<str:name>/file/", reports.report_file, name="report-file"),
    path("reports/<str:name>/choices/", reports.choices_keep, name="report-choices"),
    path("reports/<str:name>/choices/<str:public_id>/drop/", reports.choices_drop, name="report-choices-drop"),
]
