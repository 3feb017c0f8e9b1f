from django.urls import path

from collection.views import results

urlpatterns = [
    path("collections/results/", results.results, name="collection-results"),
    path("collections/results/file/", results.results_file, name="collection-results-file"),
]
