from django.urls import path

from risk.views import lists, policies

urlpatterns = [
    path("risk/strategies/<str:public_id>/document/", policies.policy_document, name="policy-document"),
    path("risk/lists/", lists.list_entries, name="list-entries"),
    path("risk/lists/find/", lists.list_find, name="list-find"),
    path("risk/lists/new/", lists.list_new, name="list-new"),
    path("risk/lists/import/", lists.list_import, name="list-import"),
    path("risk/lists/<str:public_id>/end/", lists.list_end, name="list-end"),
]
