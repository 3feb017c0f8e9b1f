from django.urls import path

from governance import invitation_views, list_views, notice_views, views

urlpatterns = [
    path("admin/users/", views.user_list, name="user-list"),
    path("admin/users/new/", views.user_new, name="user-new"),
    path("admin/users/<str:public_id>/", views.user, name="user"),
    path("admin/users/<str:public_id>/edit/", views.user_edit, name="user-edit"),
    path("admin/users/<str:public_id>/active/", views.user_active, name="user-active"),
    path("admin/users/<str:public_id>/invite/", invitation_views.user_invite, name="user-invite"),
    path("invitations/<str:token>/", invitation_views.invitation, name="invitation"),
    path("admin/roles/", views.role_list, name="role-list"),
    path("admin/jobs/", views.job_list, name="job-list"),
    path("admin/jobs/<str:public_id>/", views.job, name="job"),
    path("lists/views/<str:public_id>/", list_views.view_change, name="view-change"),
    path("lists/jobs/<str:public_id>/", list_views.list_job, name="list-job"),
    path("lists/exports/<str:public_id>/file.csv", list_views.export_file, name="export-file"),
    path("lists/<str:name>/conditions/", list_views.builder, name="list-builder"),
    path("lists/<str:name>/columns/", list_views.columns, name="list-columns"),
    path("lists/<str:name>/views/", list_views.view_save, name="view-save"),
    path("lists/<str:name>/export/", list_views.export_ask, name="list-export"),
    path("lists/<str:name>/bulk/<str:action>/", list_views.bulk_start, name="list-bulk"),
    path("notices/", notice_views.notice_list, name="notice-list"),
    path("notices/read/", notice_views.notices_read, name="notices-read"),
    path("notices/<str:public_id>/", notice_views.notice, name="notice"),
    path("governance/rules/", views.rule_list, name="rule-list"),
]
