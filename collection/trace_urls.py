from django.urls import path

from collection.views import traces

TRACE = "collections/traces/<str:public_id>/"
urlpatterns = [
    path("collections/traces/", traces.trace_list, name="trace-list"),
    path("collections/cases/<str:public_id>/trace/", traces.ask, name="trace-new"),
    path(TRACE, traces.trace, name="trace"),
    path(f"{TRACE}look/", traces.look, name="trace-look"),
    path(f"{TRACE}finds/", traces.add, name="trace-add"),
    path(f"{TRACE}finds/<str:number>/", traces.find, name="trace-find"),
    path(f"{TRACE}end/", traces.end, name="trace-end"),
]
