from django.urls import path

from collection.views import scripts

urlpatterns = [
    path("collections/cases/<str:public_id>/say/", scripts.say, name="case-say"),
    path("collections/scripts/", scripts.script_list, name="script-list"),
    path("collections/scripts/paper/", scripts.paper, name="script-paper"),
    path("collections/scripts/<str:name>/", scripts.script, name="script"),
    path("collections/scripts/<str:name>/change/", scripts.change, name="script-change"),
]
