from django.urls import path

from collection import pay_urls, script_urls
from collection.views import calls

urlpatterns = [
    path("collections/cases/<str:public_id>/call/", calls.start, name="case-call"),
    path("collections/cases/<str:public_id>/call/state/", calls.state, name="case-call-state"),
    path("collections/calls/<str:public_id>/end/", calls.end, name="call-end"),
    *pay_urls.urlpatterns,
    *script_urls.urlpatterns,
]
