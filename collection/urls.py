from django.urls import path

from collection import views

urlpatterns = [
    path("collections/desk/", views.desk, name="desk"),
    path("collections/cases/", views.case_list, name="case-list"),
    path("collections/cases/<str:public_id>/", views.case, name="case"),
    path("collections/cases/<str:public_id>/claim/", views.claim, name="case-claim"),
    path("collections/cases/<str:public_id>/keep/", views.keep, name="case-keep"),
    path("collections/cases/<str:public_id>/release/", views.release, name="case-release"),
    path("collections/cases/<str:public_id>/contacts/", views.contact, name="case-contact"),
    path("collections/cases/<str:public_id>/assign/", views.assign, name="case-assign"),
    path("customers/<str:public_id>/panels/cases/", views.panel, name="case-panel"),
]
