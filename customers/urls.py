from django.urls import path

from customers import activity_views, document_views, relation_views, views

urlpatterns = [
    path("customers/", views.customer_list, name="customer-list"),
    path("customers/find/", views.customer_find, name="customer-find"),
    path("customers/new/", views.customer_new, name="customer-new"),
    path("customers/duplicates/", views.customer_duplicates, name="customer-duplicates"),
    path("tasks/", activity_views.task_list, name="task-list"),
    path("customers/<str:public_id>/", views.customer, name="customer"),
    path("customers/<str:public_id>/edit/", views.customer_edit, name="customer-edit"),
    path("customers/<str:public_id>/masked/<str:field>/", views.customer_masked, name="customer-masked"),
    path("customers/<str:public_id>/reveal/<str:field>/", views.customer_reveal, name="customer-reveal"),
    path("customers/<str:public_id>/consents/<str:purpose>/", views.consent_give, name="consent-give"),
    path("customers/<str:public_id>/consents/<str:purpose>/withdraw/", views.consent_withdraw, name="consent-withdraw"),
    path("customers/<str:public_id>/notes/", views.note_add, name="note-add"),
    path("customers/<str:public_id>/timeline/", views.customer_timeline, name="customer-timeline"),
    path("customers/<str:public_id>/activities/", activity_views.activity_panel, name="activity-panel"),
    path("customers/<str:public_id>/activities/plan/", activity_views.activity_plan, name="activity-plan"),
    path("customers/<str:public_id>/activities/note/", activity_views.activity_note, name="activity-note"),
    path("activities/<str:public_id>/move/", activity_views.activity_move, name="activity-move"),
    path("activities/<str:public_id>/done/", activity_views.activity_close, {"how": "done"}, name="activity-done"),
    path("activities/<str:public_id>/cancel/", activity_views.activity_close, {"how": "cancel"}, name="activity-cancel"),
    path("customers/<str:public_id>/relations/", relation_views.relation_panel, name="relation-panel"),
    path("customers/<str:public_id>/relations/add/", relation_views.relation_add, name="relation-add"),
    path("relations/<str:public_id>/end/", relation_views.relation_end, name="relation-end"),
    path("relations/<str:public_id>/contact/open/", relation_views.relation_contact, {"how": "open"}, name="relation-contact-open"),
    path("relations/<str:public_id>/contact/close/", relation_views.relation_contact, {"how": "close"}, name="relation-contact-close"),
    path("customers/<str:public_id>/documents/", document_views.document_panel, name="document-panel"),
    path("customers/<str:public_id>/documents/add/", document_views.document_add, name="document-add"),
    path("documents/<str:public_id>/file/", document_views.document_file, name="document-file"),
    path("documents/<str:public_id>/check/", document_views.document_check, name="document-check"),
]
