from django.urls import path

from governance import views

urlpatterns = [
    path("admin/users/", views.user_list, name="user-list"),
    path("admin/users/new/", views.user_new, name="user-new"),
    path("admin/users/<str:public_id>/", views.user, name="user"),
    path("admin/users/<str:public_id>/edit/", views.user_edit, name="user-edit"),
    path("admin/users/<str:public_id>/active/", views.user_active, name="user-active"),
    path("admin/roles/", views.role_list, name="role-list"),
    path("admin/jobs/", views.job_list, name="job-list"),
    path("admin/jobs/<str:public_id>/", views.job, name="job"),
    path("governance/rules/", views.rule_list, name="rule-list"),
]
